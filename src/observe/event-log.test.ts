import { expect, test } from "vitest";
import type { UpstreamEvent } from "../upstream/events.ts";
import { EVENTS_MAX, EventLog, mergeEvents } from "./event-log.ts";
import { eventText } from "./event-text.ts";

const WALL = Date.UTC(2026, 10, 21, 9, 17, 0, 123);
const of = { at: 5000, upstream: "app", endpoint: "10.0.0.7:3000" };
const gone: UpstreamEvent = { ...of, kind: "endpoint-gone", cause: "connect-refused", detail: "ECONNREFUSED" };
const back: UpstreamEvent = { ...of, kind: "endpoint-back", awayMs: 2300 };

function collect(): { lines: string[]; events: EventLog } {
  const lines: string[] = [];
  return { lines, events: new EventLog((level, line) => void lines.push(`${level} ${line}`)) };
}

const UP = { at: 5000, upstream: "app" };
test.each<[UpstreamEvent, string]>([
  [gone, "warn upstream app: 10.0.0.7:3000 refuses connections (ECONNREFUSED); it gets no requests until it is back"],
  [back, "info upstream app: 10.0.0.7:3000 is back after 2.3 s"],
  [
    { ...of, kind: "health-down", cause: null, detail: "status 500" },
    "warn upstream app: health checks of 10.0.0.7:3000 fail (status 500); it gets no requests",
  ],
  [
    { ...of, kind: "health-up", downMs: 12_000 },
    "info upstream app: health checks of 10.0.0.7:3000 pass again after 12 s",
  ],
  [
    { ...of, kind: "ejected", forMs: 10_000, cause: "response-timeout", detail: "" },
    "warn upstream app: 10.0.0.7:3000 fails too often (response-timeout); it gets no requests for 10 s",
  ],
  [{ ...of, kind: "returned" }, "info upstream app: 10.0.0.7:3000 answers well again and has its full share"],
  [
    { ...UP, kind: "poison-request", request: "GET /pay?token=s3cret from 192.0.2.7", detail: "3 endpoints" },
    "warn upstream app: failures follow GET /pay from 192.0.2.7 from endpoint to endpoint (3 endpoints); they do not count against these",
  ],
  [
    { ...of, kind: "keepalive-learnt", limitMs: 5000, from: "closes" },
    "info upstream app: 10.0.0.7:3000 was seen to close idle connections after 5 s; they are closed before that",
  ],
  [
    { ...UP, kind: "breaker-opened", forMs: 5000, cause: "connect-timeout" },
    "warn upstream app: circuit breaker open (connect-timeout); requests fail at once for 5 s",
  ],
  [{ ...UP, kind: "breaker-closed" }, "info upstream app: circuit breaker closed; requests go through again"],
  [{ ...UP, kind: "outage-begun", held: true, detail: "" }, "warn upstream app: no endpoint left; requests are held"],
  [
    { ...UP, kind: "outage-begun", held: false, detail: "all refuse" },
    "warn upstream app: no endpoint left: all refuse; requests fail",
  ],
  [
    { ...UP, kind: "outage-ended", lastedMs: 4200, heldRequests: 1200 },
    "info upstream app: requests go through again after 4.2 s; 1,200 requests were held",
  ],
])("an event in words: %j", (event, line) => {
  const { level, text } = eventText(event);
  expect(`${level} ${text}`).toBe(line);
});

test("a detail of any length is cut", () => {
  expect(eventText({ ...gone, detail: "x".repeat(10_000) }).text.length).toBeLessThan(400);
});

test("an event is a line at once, and kept with the wall clock and its facts, newest first", () => {
  const { lines, events } = collect();
  events.take(gone, WALL);
  events.take({ ...back, awayMs: 2300.00042 }, WALL + 2300);
  expect(lines.map((line) => line.slice(0, 4))).toEqual(["warn", "info"]);
  expect(events.recent()).toEqual([
    {
      time: "2026-11-21T09:17:02.423Z",
      level: "info",
      message: "upstream app: 10.0.0.7:3000 is back after 2.3 s",
      kind: "endpoint-back",
      upstream: "app",
      endpoint: "10.0.0.7:3000",
      awayMs: 2300,
    },
    expect.objectContaining({ kind: "endpoint-gone", cause: "connect-refused", detail: "ECONNREFUSED" }),
  ]);
});

test("the query of a poison request is nowhere", () => {
  const { lines, events } = collect();
  events.take({ ...UP, kind: "poison-request", request: "GET /a?token=s3cret", detail: "" }, WALL);
  expect(lines.join() + JSON.stringify(events.recent())).not.toContain("s3cret");
});

test("the last 200 are kept", () => {
  const { events } = collect();
  for (let n = 0; n < 2 * EVENTS_MAX + 3; n++) events.take({ ...back, awayMs: n }, WALL + n);
  const kept = events.recent().map((event) => event["awayMs"]);
  expect(kept).toEqual(Array.from({ length: EVENTS_MAX }, (_, n) => 2 * EVENTS_MAX + 2 - n));
});

test("a storm: 20 lines a second, then how many more; the next second has lines again", () => {
  const { lines, events } = collect();
  for (let n = 0; n < 1020; n++) events.take(gone, WALL + n / 2);
  expect(lines).toHaveLength(20);
  events.take(back, WALL + 1001);
  expect(lines.slice(20)).toEqual([
    "warn … and 1,000 more events of upstreams (last 1 s)",
    expect.stringContaining("is back"),
  ]);
  events.summarise();
  expect(lines).toHaveLength(22);
});

test("what was left out is said even if nothing more happens", async () => {
  const line = await new Promise<string>((resolve) => {
    const events = new EventLog((_, text) => text.includes("more events") && resolve(text));
    for (let n = 0; n < 21; n++) events.take(gone, WALL);
  });
  expect(line).toContain("… and 1 more events");
});

test("events of workers are merged by their time, newest first, within the bound", () => {
  const [one, other] = [collect().events, collect().events];
  for (let n = 0; n < 150; n++) {
    one.take({ ...back, awayMs: 2 * n }, WALL + 2 * n);
    other.take({ ...back, awayMs: 2 * n + 1 }, WALL + 2 * n + 1);
  }
  const merged = mergeEvents([one.recent(), other.recent()]).map((event) => event["awayMs"]);
  expect(merged).toEqual(Array.from({ length: EVENTS_MAX }, (_, n) => 299 - n));
});
