import { createSocket } from "node:dgram";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AccessLogConfig, SyslogConfig } from "../config/servers.ts";
import { AccessLogs } from "./format-log.ts";
import { syslogHead } from "./syslog.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-format-log-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(at(name), "latin1");

function config(to: AccessLogConfig["to"], more: Partial<AccessLogConfig> = {}): AccessLogConfig {
  return { to, format: "combined", condition: null, bufferBytes: 0, flushMs: 0, gzipLevel: 0, ...more };
}

async function within(condition: () => boolean): Promise<void> {
  const until = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > until) throw new Error("it did not come");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const size = (name: string) => (existsSync(at(name)) ? read(name).length : 0);

describe("files", () => {
  test("lines are there soon, without an end; two logs of a file share it", async () => {
    const logs = new AccessLogs(() => {});
    const one = logs.open(config({ kind: "file", path: at("log") }));
    const two = logs.open(config({ kind: "file", path: at("log") }));
    one.write("/a\xff");
    two.write("/b");
    await within(() => size("log") === 7);
    expect(read("log")).toBe("/a\xff\n/b\n");
    await logs.close();
  });

  test("a buffer is written when it is closed, at the latest; reopening goes on in a new file", async () => {
    const logs = new AccessLogs(() => {});
    const log = logs.open(config({ kind: "file", path: at("log") }, { bufferBytes: 4096, flushMs: 3_600_000 }));
    log.write("one");
    expect(size("log")).toBe(0);
    await logs.reopen();
    renameSync(at("log"), at("log.1"));
    await logs.reopen();
    log.write("two");
    await logs.close();
    expect([read("log.1"), read("log")]).toEqual(["one\n", "two\n"]);
  });

  test("gzip: each buffer is a member, all of them a file", async () => {
    const logs = new AccessLogs(() => {});
    const log = logs.open(
      config({ kind: "file", path: at("log.gz") }, { gzipLevel: 1, bufferBytes: 1000, flushMs: 20 }),
    );
    for (let i = 0; i < 100; i++) log.write(`line ${i} ${"x".repeat(50)}`);
    await within(() => size("log.gz") > 0);
    await logs.close();
    const text = gunzipSync(readFileSync(at("log.gz"))).toString();
    expect(text.split("\n")).toEqual([...Array.from({ length: 100 }, (_, i) => `line ${i} ${"x".repeat(50)}`), ""]);
  });
});

describe("paths with variables", () => {
  test("each path has its lines in order; a renamed file is noticed without reopening", async () => {
    const logs = new AccessLogs(() => {});
    const log = logs.open(config({ kind: "text", path: `${folder}/{$host}` }));
    log.write("1", at("a"));
    log.write("2", at("b"));
    log.write("3", at("a"));
    await within(() => size("a") === 4 && size("b") === 2);
    renameSync(at("a"), at("a.1"));
    log.write("4", at("a"));
    await logs.close();
    expect([read("a.1"), read("a"), read("b")]).toEqual(["1\n3\n", "4\n", "2\n"]);
  });

  test("a folder that is missing costs the lines, told once, and nothing else", async () => {
    const said: string[] = [];
    let dropped = 0;
    const logs = new AccessLogs(
      (message) => said.push(message),
      (lines) => {
        dropped += lines;
      },
    );
    const log = logs.open(config({ kind: "text", path: "{$arg_path}" }));
    for (const path of [at("none/x"), "/\0", at("good"), at("none/y")]) log.write("line", path);
    await logs.close();
    expect(dropped).toBe(3);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/ENOENT|ERR_INVALID_ARG_VALUE/);
    expect(read("good")).toBe("line\n");
  });

  test("names that a client makes up are bounded", () => {
    let dropped = 0;
    const logs = new AccessLogs(
      () => {},
      (lines) => {
        dropped += lines;
      },
    );
    const log = logs.open(config({ kind: "text", path: "{$arg_path}" }));
    for (let i = 0; i < 5000; i++) log.write("line", at(`none/${i}`));
    expect(dropped).toBe(5000 - 4096);
  });

  test("what waits is written at a sudden end", () => {
    const logs = new AccessLogs(() => {});
    logs.open(config({ kind: "text", path: "" })).write("line", at("a"));
    logs.open(config({ kind: "file", path: at("b") })).write("line");
    logs.open(config({ kind: "file", path: at("c") }, { gzipLevel: 9 })).write("line");
    logs.flushSync();
    expect([read("a"), read("b"), gunzipSync(readFileSync(at("c"))).toString()]).toEqual([
      "line\n",
      "line\n",
      "line\n",
    ]);
  });
});

describe("syslog", () => {
  const to = (port: number, more: Partial<SyslogConfig> = {}): SyslogConfig => ({
    kind: "syslog",
    server: { kind: "tcp", host: "127.0.0.1", port },
    facility: "local7",
    severity: "info",
    tag: "nginx",
    noHostname: true,
    ...more,
  });

  test("one datagram a line", async () => {
    const server = createSocket("udp4");
    server.bind(0, "127.0.0.1");
    await once(server, "listening");
    const got: string[] = [];
    server.on("message", (message) => got.push(message.toString("latin1")));
    const logs = new AccessLogs(() => {});
    const log = logs.open(config(to(server.address().port, { facility: "user", severity: "alert", tag: "shop" })));
    log.write("/a:200");
    log.write("/b:\xff");
    await logs.close();
    await within(() => got.length === 2);
    server.close();
    expect(got.map((text) => text.replace(/>.*? \d\d:\d\d:\d\d /, "> "))).toEqual([
      "<9> shop: /a:200",
      "<9> shop: /b:\xff",
    ]);
  });

  test("a server that is not there costs nothing but the lines", async () => {
    const closed = createSocket("udp4");
    closed.bind(0, "127.0.0.1");
    await once(closed, "listening");
    const { port } = closed.address();
    closed.close();
    const logs = new AccessLogs(() => {});
    const log = logs.open(config(to(port)));
    for (let i = 0; i < 10; i++) log.write("line");
    await logs.close();
  });

  test("the head is nginx's", () => {
    const date = new Date(2026, 10, 3, 7, 3, 9);
    expect(syslogHead(to(1), "error", date)).toBe("<187>Nov  3 07:03:09 nginx: ");
    expect(syslogHead(to(1, { noHostname: false }), "info", date)).toMatch(/^<190>Nov {2}3 07:03:09 \S+ nginx: $/);
  });

  test("a Unix socket without logger(1) costs the lines, told once", async () => {
    const said: string[] = [];
    const path = process.env["PATH"];
    mkdirSync(at("empty"));
    chmodSync(at("empty"), 0o755);
    process.env["PATH"] = at("empty");
    try {
      const logs = new AccessLogs((message) => said.push(message));
      const log = logs.open(config(to(1, { server: { kind: "unix", path: at("log.sock") } })));
      log.write("one");
      await within(() => said.length > 0);
      log.write("two");
      await logs.close();
    } finally {
      process.env["PATH"] = path;
    }
    expect(said).toHaveLength(1);
  });
});
