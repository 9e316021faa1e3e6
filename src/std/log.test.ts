import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { escapeControls, formatLogJson, formatLogLine, log, lostLogLines, setLogFormat, setLogSink } from "./log.ts";

afterEach(() => {
  setLogSink(null);
});

const AT = new Date("2026-11-21T09:17:00.123Z");

test("an entry is time, level, message and fields on one line", () => {
  const line = formatLogLine(
    "warn",
    "no console",
    { address: "127.0.0.1:8502", hint: "a b", n: 3, none: undefined },
    AT,
    false,
  );
  expect(line).toBe('2026-11-21T09:17:00.123Z warn  no console address=127.0.0.1:8502 hint="a b" n=3\n');
});

test("colours only where asked for", () => {
  expect(formatLogLine("error", "x", {}, AT, true)).toContain("\x1b[31m");
  expect(formatLogLine("error", "x", {}, AT, false)).not.toContain("\x1b");
});

test("the sink gets the lines, and one that fails costs only the line", () => {
  const lines: string[] = [];
  setLogSink((line) => lines.push(line));
  log.info("up");
  expect(lines).toHaveLength(1);
  const before = lostLogLines();
  setLogSink(() => {
    throw Object.assign(new Error("gone"), { code: "EPIPE" });
  });
  log.error("down");
  expect(lostLogLines()).toBe(before + 1);
});

test("property: any message and field is one line without control characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (message, value) => {
      const line = formatLogLine("info", message, { value }, AT, false);
      expect(line.indexOf("\n")).toBe(line.length - 1);
      expect(line.slice(0, -1)).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/);
    }),
    { numRuns: 200 },
  );
});

test("escapes are readable", () => {
  expect(escapeControls("a\r\nb\x1b[31m\u0085\u202e")).toBe("a\\r\\nb\\x1b[31m\\x85\\u202e");
  expect(escapeControls("plain é →")).toBe("plain é →");
});

test("as JSON an entry is one object a line, whatever the values contain", () => {
  const at = new Date("2026-11-21T09:17:00.123Z");
  const line = formatLogJson(
    "warn",
    'a "b"\n\u001b[31m\u0085\u2028\u202e',
    { port: 80, msg: "x", gone: undefined },
    at,
  );
  expect(JSON.parse(line)).toEqual({
    time: "2026-11-21T09:17:00.123Z",
    level: "warn",
    msg: 'a "b"\n\u001b[31m\u0085\u2028\u202e',
    port: 80,
    _msg: "x",
  });
  expect(line).toMatch(/^[\x20-\x7e]+\n$/);
});

test("the format can be chosen", () => {
  const lines: string[] = [];
  setLogSink((line) => lines.push(line));
  setLogFormat("json");
  log.info("one", { a: 1 });
  setLogFormat("text");
  log.info("two");
  setLogSink(null);
  expect(JSON.parse(lines[0]!)).toMatchObject({ level: "info", msg: "one", a: 1 });
  expect(lines[1]).toMatch(/info {2}two/);
});
