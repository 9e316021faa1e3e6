import { expect, test } from "vitest";
import { joinRequests } from "./join-requests.ts";
import type { LogEvent } from "./model.ts";

const event = (file: string, line: number, more: Partial<LogEvent>): LogEvent => ({
  ...{ file, line, atMs: 1_000_000, time: null, class: null, confidence: "none", upstream: null, client: null },
  ...{ host: null, method: "GET", path: "/cart", status: null, upstreamStatus: null, durationMs: null },
  ...{ requestId: null, pid: null, software: null, text: "" },
  ...more,
});
const file = (name: string, ...events: LogEvent[]) => ({ file: name, events, identified: [] as LogEvent[] });

test("by request id, with the lines of requests that went well elsewhere", () => {
  const edge = file(
    "edge",
    event("edge", 1, { requestId: "a", durationMs: 60_000 }),
    event("edge", 2, { requestId: "b" }),
  );
  const app = { ...file("app"), identified: [event("app", 9, { requestId: "a", durationMs: 61 })] };
  const joined = joinRequests([app, edge]);
  expect(joined).toHaveLength(1);
  expect(joined[0]).toMatchObject({ by: "request-id", key: "a" });
  expect(joined[0]?.events.map((each) => each.file)).toEqual(["edge", "app"]);
});

test("by time and path, where just one line fits", () => {
  const edge = file("edge", event("edge", 1, {}), event("edge", 2, { path: "/x" }), event("edge", 3, { path: "/y" }));
  const inner = file(
    "inner",
    event("inner", 1, { atMs: 1_000_900 }),
    event("inner", 2, { path: "/x", atMs: 1_000_100 }),
    event("inner", 3, { path: "/x", atMs: 1_000_200 }),
    event("inner", 4, { path: "/y", atMs: 1_002_500 }),
  );
  const joined = joinRequests([edge, inner]);
  expect(joined.map(({ events }) => events.map(({ line }) => line))).toEqual([[1, 1]]);
});

test("what contradicts is not joined, nor lines of one file", () => {
  const one = file("one", event("one", 1, { status: 502 }), event("one", 2, { status: 502 }));
  expect(joinRequests([one])).toEqual([]);
  expect(joinRequests([one, file("two", event("two", 1, { status: 504 }))])).toEqual([]);
  expect(joinRequests([one, file("two", event("two", 1, { method: "POST" }))])).toEqual([]);
});
