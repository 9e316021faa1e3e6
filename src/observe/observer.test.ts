import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Capture } from "./capture.ts";
import { EventLog } from "./event-log.ts";
import { Ledger } from "./ledger.ts";
import { Metrics } from "./metrics.ts";
import { createObserver } from "./observer.ts";
import { attempt, exchange, failure } from "./record.fixture.ts";

let folder = "";
beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), "goodgate-observer-"));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const to = (name: string) => ({ kind: "file", path: join(folder, name) }) as const;
const read = (name: string): string => fs.readFileSync(join(folder, name), "utf8");
const refused = attempt({ status: 0, failure: failure("connect-refused") });

test("an exchange goes to the access log, a failure or a saved one to the failure log too", async () => {
  const metrics = new Metrics();
  const observer = createObserver({ access: { to: to("a"), format: "json" }, failures: { to: to("f") } }, metrics);
  observer.exchangeEnded(exchange());
  observer.exchangeEnded(exchange({ attempts: [refused, attempt()] }));
  observer.exchangeEnded(exchange({ status: 502, attempts: [refused], failure: refused.failure }));
  await observer.close();
  expect(
    read("a")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).status),
  ).toEqual([200, 200, 502]);
  expect(read("f").split("\n")).toEqual([
    expect.stringMatching(/^\d{4}-\d\d-\d\d .* 200 saved connect-refused /),
    expect.stringContaining(" 502 connect-refused "),
    "",
  ]);
  expect(metrics.render()).toContain(
    'goodgate_requests_total{route="shop",upstream="app",method="GET",code="200"} 2\n',
  );
});

test("a record that cannot be read is counted, and never thrown", async () => {
  const metrics = new Metrics();
  const observer = createObserver({ access: { to: to("a"), format: "combined" }, failures: null }, metrics);
  const broken = exchange();
  Object.defineProperty(broken, "userAgent", {
    get() {
      throw new Error("gone");
    },
  });
  observer.exchangeEnded(broken);
  observer.exchangeEnded(exchange());
  await observer.close();
  expect(read("a").split("\n")).toHaveLength(2);
  expect(metrics.render()).toContain("goodgate_observer_errors_total 1\n");
});

test("exchanges and events are remembered beside the metrics, by the wall clock, over a reload", async () => {
  const metrics = new Metrics();
  const lines: string[] = [];
  const events = new EventLog((_, line) => void lines.push(line));
  const memory = { ledger: new Ledger(), events, capture: new Capture() };
  const wall = new Date(2026, 10, 21, 12).getTime();
  const off = { access: null, failures: null };
  for (const observer of [1, 2].map(() => createObserver(off, metrics, memory, () => wall))) {
    observer.exchangeEnded(exchange({ attempts: [refused, attempt()] }));
    observer.upstreamEvent({ at: 1, upstream: "app", endpoint: "a:1", kind: "returned" });
    await observer.close();
  }
  expect(memory.ledger.days()).toMatchObject([{ date: "2026-11-21", requests: 2 }]);
  expect(memory.capture.take(wall + 1000)).toMatchObject({
    groups: [{ cause: "connect-refused", failures: 2, firstAt: wall }],
    events: [{ at: wall, event: { kind: "returned" } }, { at: wall }],
  });
  expect(memory.events.recent()).toMatchObject([{ time: new Date(wall).toISOString() }, { kind: "returned" }]);
  expect(lines).toHaveLength(2);
  expect(metrics.render()).toContain(
    'goodgate_upstream_events_total{upstream="app",endpoint="a:1",kind="returned"} 2\n',
  );
});

test("an event that cannot be taken is counted, and never thrown", () => {
  const metrics = new Metrics();
  const write = () => {
    throw new Error("gone");
  };
  const memory = { ledger: new Ledger(), events: new EventLog(write) };
  const observer = createObserver({ access: null, failures: null }, metrics, memory);
  observer.upstreamEvent({ at: 1, upstream: "app", kind: "breaker-closed" });
  observer.upstreamEvent(null as never);
  expect(metrics.observerErrors).toBe(2);
});

test("logs off: only metrics", async () => {
  const metrics = new Metrics();
  const observer = createObserver({ access: null, failures: null }, metrics);
  observer.exchangeEnded(exchange());
  await observer.reopen();
  await observer.flush();
  await observer.close();
  expect(fs.readdirSync(folder)).toEqual([]);
  expect(metrics.render()).toContain("goodgate_requests_total{");
});

test("dropped lines are a metric, by log", async () => {
  const metrics = new Metrics();
  const observer = createObserver({ access: { to: to("a"), format: "json" }, failures: null }, metrics);
  await observer.close();
  observer.exchangeEnded(exchange());
  expect(metrics.render()).toContain('goodgate_log_lines_dropped_total{log="access"} 1\n');
});

test("reopen makes new files; flushSync writes at once", async () => {
  const observer = createObserver({ access: { to: to("a"), format: "combined" }, failures: null }, new Metrics());
  observer.exchangeEnded(exchange());
  observer.flushSync();
  fs.renameSync(join(folder, "a"), join(folder, "a.1"));
  await observer.reopen();
  observer.exchangeEnded(exchange());
  await observer.close();
  expect(read("a.1").split("\n")).toHaveLength(2);
  expect(read("a").split("\n")).toHaveLength(2);
});

test("a log that cannot be opened is an error at the start", () => {
  const config = { access: { to: to("a"), format: "json" }, failures: { to: to("no/f") } } as const;
  expect(() => createObserver(config, new Metrics())).toThrow(`cannot open the failure log ${join(folder, "no/f")}`);
  expect(() =>
    createObserver({ access: { to: to("a"), format: { template: "{x" } }, failures: null }, new Metrics()),
  ).toThrow("log template");
});
