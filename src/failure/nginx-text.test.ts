import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { CAUSE_IDS, type CauseId } from "./causes.ts";
import { failureOf } from "./classify.ts";
import type { Evidence } from "./failure.ts";
import { nginxFailureLevel, nginxFailureText } from "./nginx-text.ts";

const said = (cause: CauseId, evidence: Evidence = {}) => nginxFailureText(failureOf(cause, evidence));

describe("nginx's words", () => {
  test.each<[CauseId, Evidence, string]>([
    [
      "connect-refused",
      { errno: "ECONNREFUSED", address: "10.0.0.1:80" },
      "connect() failed (111: Connection refused) while connecting to upstream",
    ],
    [
      "socket-missing",
      { errno: "ENOENT", address: "unix:/run/app.sock" },
      "connect() to unix:/run/app.sock failed (2: No such file or directory) while connecting to upstream",
    ],
    [
      "connect-timeout",
      { deadline: "connect" },
      "upstream timed out (110: Connection timed out) while connecting to upstream",
    ],
    [
      "client-closed-request",
      { deadline: "client-send" },
      "client timed out (110: Connection timed out) while sending to client",
    ],
    [
      "response-timeout",
      { deadline: "head" },
      "upstream timed out (110: Connection timed out) while reading response header from upstream",
    ],
    [
      "closed-before-response",
      { closedBy: "fin" },
      "upstream prematurely closed connection while reading response header from upstream",
    ],
    [
      "closed-before-response",
      { closedBy: "rst" },
      "recv() failed (104: Connection reset by peer) while reading response header from upstream",
    ],
    ["no-healthy-upstream", {}, "no live upstreams while connecting to upstream"],
    ["response-header-too-large", {}, "upstream sent too big header while reading response header from upstream"],
    ["response-truncated", {}, "upstream prematurely closed connection while reading upstream"],
  ])("%s %j", (cause, evidence, text) => {
    expect(said(cause, evidence)).toBe(text);
  });

  test("the length of a body that is too large", () => {
    const failure = failureOf("client-request-too-large", { limit: "request body", limitBytes: 10 });
    expect(nginxFailureText(failure, { bodyBytes: 1234 })).toBe("client intended to send too large body: 1234 bytes");
    expect(nginxFailureLevel(failure)).toBe("error");
  });

  test("every cause has a line of one sentence, however little was seen", () => {
    for (const cause of CAUSE_IDS) {
      const text = said(cause);
      expect(text, cause).toMatch(/^\S.*\S$/);
      expect(text, cause).not.toMatch(/undefined|\n|[.,]$/);
    }
  });

  test("levels: clients are information, a socket that is missing is critical", () => {
    expect(nginxFailureLevel(failureOf("client-closed-request", {}))).toBe("info");
    expect(nginxFailureLevel(failureOf("connect-refused", { errno: "ECONNREFUSED" }))).toBe("error");
    expect(nginxFailureLevel(failureOf("socket-missing", { errno: "ENOENT" }))).toBe("crit");
    expect(nginxFailureLevel(failureOf("response-timeout", {}))).toBe("error");
  });

  test("the reference knows the lines: each names the cause that it is written for", () => {
    const folder = fileURLToPath(new URL("../../knowledge/", import.meta.url));
    const entries = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".md"));
    const text = entries.map((name) => readFileSync(folder + name, "utf8")).join("\n");
    expect(entries.length).toBeGreaterThan(10);
    for (const known of [
      "no live upstreams while connecting to upstream",
      "upstream sent too big header while reading response header from upstream",
      "upstream prematurely closed connection while reading response header from upstream",
    ])
      expect(text).toContain(known);
  });
});
