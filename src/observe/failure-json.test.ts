import { expect, test } from "vitest";
import { failureJson } from "./failure-json.ts";
import { FailureLog } from "./failure-log.ts";
import { attempt, exchange, failure } from "./record.fixture.ts";

const WALL = Date.parse("2026-11-21T09:17:00.123Z");

test("a failure is one object with its cause, its place and what to do", () => {
  const refused = failure("connect-refused", { errno: "ECONNREFUSED", address: "10.0.0.7:3000" });
  const line = failureJson(
    exchange({
      status: 502,
      failure: refused,
      attempts: [attempt({ failure: refused })],
      target: '/a"\u0007\n?token=x',
    }),
    WALL,
  );
  expect(line).toMatch(/^[\x20-\x7e]+\n$/);
  const entry = JSON.parse(line) as Record<string, unknown>;
  expect(entry).toMatchObject({
    time: "2026-11-21T09:17:00.123Z",
    requestId: "3f2a9c",
    status: 502,
    cause: "connect-refused",
    phase: "connect",
    upstream: "app",
    endpoint: "10.0.0.7:3000",
    code: "ECONNREFUSED",
    path: '/a"\u0007\n',
    durationMs: 12.5,
    attempts: 1,
  });
  expect(entry["sentence"]).toContain("refused");
  expect(String(entry["fix"]).length).toBeGreaterThan(10);
});

test("what was saved says by what; what went well says nothing", () => {
  const refused = failure("connect-refused");
  const saved = exchange({ attempts: [attempt({ failure: refused }), attempt({ endpoint: "b:1" })] });
  expect(JSON.parse(failureJson(saved, WALL))).toMatchObject({ savedBy: "failover", status: 200 });
  expect(failureJson(exchange(), WALL)).toBe("");
});

test("a storm is cut as in the text form, and what is left out is an object, too", () => {
  const lines: string[] = [];
  const log = new FailureLog((line) => lines.push(line), { format: "json", linesPerKind: 2 });
  for (let i = 0; i < 10; i++) log.record(exchange({ status: 502, failure: failure("connect-refused") }), WALL);
  log.close();
  expect(lines).toHaveLength(3);
  expect(JSON.parse(lines[2]!)).toMatchObject({ leftOut: 8, kind: "connect-refused app" });
});
