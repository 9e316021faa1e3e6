import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ErrorContext, ErrorLogs, errorLine } from "./error-log.ts";

const AT = new Date(2026, 10, 21, 7, 3, 9);
const PID = process.pid;
const ABOUT: ErrorContext = {
  connection: 7,
  client: "127.0.0.1",
  server: "shop",
  request: "GET /a HTTP/1.1",
  subrequest: "/auth",
  upstream: "http://127.0.0.1:81/a",
  host: "shop.example",
  referrer: "http://other/",
  cause: "connect-refused",
};

describe("a line", () => {
  test("has what nginx says, in its order, and our cause last", () => {
    expect(errorLine("error", "connect() failed (111: Connection refused)", ABOUT, AT)).toBe(
      `2026/11/21 07:03:09 [error] ${PID}#${PID}: *7 connect() failed (111: Connection refused), client: 127.0.0.1, ` +
        'server: shop, request: "GET /a HTTP/1.1", subrequest: "/auth", upstream: "http://127.0.0.1:81/a", ' +
        'host: "shop.example", referrer: "http://other/", cause: connect-refused',
    );
  });

  test("leaves out what there is not", () => {
    const about = { connection: 0, client: "unix:", server: "0.0.0.0:80", request: "" };
    expect(errorLine("info", "client timed out", about, AT)).toBe(
      `2026/11/21 07:03:09 [info] ${PID}#${PID}: client timed out, client: unix:, server: 0.0.0.0:80`,
    );
    expect(errorLine("notice", "exit", null, AT)).toBe(`2026/11/21 07:03:09 [notice] ${PID}#${PID}: exit`);
  });

  test("stays one line whatever a client sends, and within nginx's bound, cause included", () => {
    const line = errorLine("error", "x", { ...ABOUT, request: "GET /\n\r\x1b[31m HTTP" }, AT);
    expect(line).toContain('request: "GET /\\x0A\\x0D\\x1B[31m HTTP"');
    const long = errorLine("error", "x", { ...ABOUT, request: "a".repeat(5000) }, AT);
    expect(long.length).toBe(2047);
    expect(long.endsWith(", cause: connect-refused")).toBe(true);
  });
});

describe("logs", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "goodgate-error-log-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const file = (name: string) => ({ kind: "file", path: join(folder, name) }) as const;
  const read = (name: string) => readFileSync(join(folder, name), "latin1").replace(/^.*?\[/gm, "[");

  test("each takes what its level lets through; a file that is named twice is open once", async () => {
    const logs = new ErrorLogs(() => {});
    const log = logs.open([
      { to: file("warn"), level: "warn" },
      { to: file("crit"), level: "crit" },
    ]);
    const other = logs.open([{ to: file("warn"), level: "info" }]);
    expect([log.level, log.enabled("warn"), log.enabled("notice"), other.enabled("info")]).toEqual([
      "warn",
      true,
      false,
      true,
    ]);
    log.log("notice", "left out", null);
    log.log("warn", "one", null);
    log.log("alert", "two", null);
    other.log("info", "three", null);
    await logs.close();
    expect(read("warn")).toBe(
      ["[warn] one", "[alert] two", "[info] three"]
        .map((text) => `${text.replace("] ", `] ${PID}#${PID}: `)}\n`)
        .join(""),
    );
    expect(read("crit")).toBe(`[alert] ${PID}#${PID}: two\n`);
  });

  test("a folder that is not there is told when the log is opened", () => {
    const logs = new ErrorLogs(() => {});
    expect(() => logs.open([{ to: file("none/log"), level: "error" }])).toThrow(/does not exist/);
  });

  test("reopening goes on in a new file; bytes stay as they are", async () => {
    const logs = new ErrorLogs(() => {});
    const log = logs.open([{ to: file("log"), level: "error" }]);
    log.log("error", "b\xe9fore", null);
    await logs.flush();
    renameSync(join(folder, "log"), join(folder, "log.1"));
    await logs.reopen();
    log.log("error", "after", null);
    await logs.close();
    expect([read("log.1"), read("log")]).toEqual([
      `[error] ${PID}#${PID}: b\xe9fore\n`,
      `[error] ${PID}#${PID}: after\n`,
    ]);
  });

  test("none", () => {
    const log = new ErrorLogs(() => {}).open([]);
    expect(log.enabled("emerg")).toBe(false);
    log.log("emerg", "nobody hears it", null);
  });
});
