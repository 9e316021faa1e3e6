import { expect, test } from "vitest";
import { FailureLog, formatFailure } from "./failure-log.ts";
import { attempt, exchange, failure } from "./record.fixture.ts";

const WALL = new Date(2026, 10, 21, 12, 1, 33, 123).getTime();
const refused = attempt({
  status: 0,
  failure: failure("connect-refused", { errno: "ECONNREFUSED", address: "10.0.0.7:3000", waitedMs: 0.4 }),
});

test("a failure on one line, with place, request, what was seen and the request id", () => {
  const line = formatFailure(exchange({ status: 502, attempts: [refused], failure: refused.failure }), WALL, false);
  expect(line).toMatch(
    /^12:01:33\.123 502 connect-refused app\/10\.0\.0\.7:3000 GET shop\.example\/cart: .*ECONNREFUSED.*0\.4 ms \[req 3f2a9c\]\n$/,
  );
});

test("a request that a retry saved is shown as saved, with where", () => {
  const line = formatFailure(exchange({ attempts: [refused, attempt({ endpoint: "10.0.0.8:3000" })] }), WALL, true);
  expect(line).toMatch(/^2026-11-21 12:01:33\.123 200 saved connect-refused app\/10\.0\.0\.7:3000 /);
  expect(line).toContain(", retried on 10.0.0.8:3000 → 200, saved by failover after ");
});

test("what waiting saved is said with its cost, though no attempt failed", () => {
  const line = formatFailure(exchange({ heldMs: 812, attempts: [attempt({ startedAt: 1812 })] }), WALL, false);
  expect(line).toMatch(/^12:01:33\.123 200 saved no-healthy-upstream app GET shop\.example\/cart: /);
  expect(line).toContain(
    ' No endpoint of upstream "app" is usable, then 10.0.0.7:3000 → 200, saved by hold after 812 ms [req 3f2a9c]\n',
  );
  const behind = exchange({ heldMs: 812, attempts: [refused, attempt({ startedAt: 1812.5 })] });
  expect(formatFailure(behind, WALL, false)).toMatch(/ 200 saved connect-refused .* saved by hold after 813 ms \[req/);
});

test("an error of the upstream behind a failed attempt is no saved one in this log", () => {
  const own = attempt({ status: 500, failure: failure("upstream-error-passthrough") });
  const line = formatFailure(exchange({ status: 500, attempts: [refused, own], failure: own.failure }), WALL, false);
  expect(line).toContain(" 500 upstream-error-passthrough ");
  expect(line).not.toContain("saved");
});

test("a storm of what was saved leaves what was shown its lines", () => {
  const lines: string[] = [];
  const failures = new FailureLog((line) => lines.push(line));
  const saved = exchange({ attempts: [refused, attempt({ endpoint: "10.0.0.8:3000" })] });
  for (let i = 0; i < 1000; i++) failures.record(saved, WALL);
  failures.record(exchange({ status: 502, attempts: [refused], failure: refused.failure }), WALL);
  failures.close();
  expect(lines).toHaveLength(27);
  expect(lines[25]).toContain(" 502 connect-refused ");
  expect(lines[26]).toContain("… and 975 more: saved connect-refused app (last 1 s)");
});

test("the failure that decided leads, the attempts before it follow; a cut response is said", () => {
  const cut = attempt({ endpoint: "10.0.0.8:3000", failure: failure("response-truncated") });
  const line = formatFailure(exchange({ attempts: [refused, cut], failure: cut.failure, aborted: true }), WALL, false);
  expect(line).toContain(" 200 response-truncated app/10.0.0.8:3000 ");
  expect(line).toContain(", after 10.0.0.7:3000: connect-refused, the response was cut [req");
});

test("a failure without an attempt names upstream or route; the query is left out", () => {
  const line = formatFailure(
    exchange({ status: 503, target: "/a?token=s3cret", attempts: [], failure: failure("no-healthy-upstream") }),
    WALL,
    false,
  );
  expect(line).toContain(" 503 no-healthy-upstream app GET shop.example/a: ");
  expect(line).not.toContain("s3cret");
});

test("nothing failed: no line", () => {
  expect(formatFailure(exchange(), WALL, false)).toBe("");
});

test("a storm: 25 lines of a kind, then one summary; other kinds still get theirs", () => {
  const lines: string[] = [];
  const failures = new FailureLog((line) => lines.push(line));
  const storm = exchange({ status: 502, attempts: [refused], failure: refused.failure });
  for (let i = 0; i < 10_000; i++) failures.record(storm, WALL + i / 20);
  failures.record(exchange({ status: 504, attempts: [], failure: failure("response-timeout") }), WALL + 600);
  expect(lines).toHaveLength(26);
  expect(lines[25]).toContain("504 response-timeout");
  failures.record(storm, WALL + 1001);
  expect(lines).toHaveLength(28);
  expect(lines[26]).toBe("12:01:34.123 … and 9,975 more: connect-refused app (last 1 s)\n");
  expect(lines[27]).toContain(" 502 connect-refused ");
  failures.close();
  expect(lines).toHaveLength(28);
});

test("a storm of many kinds is bounded too", () => {
  const lines: string[] = [];
  const failures = new FailureLog((line) => lines.push(line));
  for (let i = 0; i < 1000; i++) {
    failures.record(
      exchange({ upstream: `u${i}`, status: 503, attempts: [], failure: failure("no-healthy-upstream") }),
      WALL,
    );
  }
  failures.close();
  expect(lines.length).toBe(50 + 8);
  expect(lines.at(-1)).toMatch(/ … and \d+ more of \d+ other kinds \(last 1 s\)\n$/);
});

test("what was left out is said even if nothing more happens", async () => {
  const line = await new Promise<string>((resolve) => {
    const failures = new FailureLog((one) => one.includes("more:") && resolve(one), { linesPerKind: 0 });
    failures.record(exchange({ status: 502, attempts: [refused], failure: refused.failure }), WALL);
  });
  expect(line).toContain("… and 1 more: connect-refused app");
});
