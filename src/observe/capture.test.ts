// What is gathered of exchanges: where each failure is counted, which are kept whole, the slowest, events.
import { expect, test } from "vitest";
import type { CauseId } from "../failure/causes.ts";
import { failed, groupOf, report, responseHead, shown, WALL } from "./capture.fixture.ts";
import { Capture } from "./capture.ts";
import { attempt, exchange, failure } from "./record.fixture.ts";
import type { ExchangeRecord } from "./record.ts";

test("nothing happened is nothing to report; what went well is a tally", () => {
  const capture = new Capture();
  expect(capture.take(WALL)).toBeNull();
  const error = attempt({ endpoint: "10.0.0.8:3000", status: 500 });
  capture.observe(exchange(), WALL + 500);
  capture.observe(exchange({ status: 500, attempts: [error] }), WALL + 600);
  const report = capture.take(WALL + 1000)!;
  const times = { headMs: 10, headMaxMs: 10 };
  expect(report).toMatchObject({ at: WALL + 1000, spanMs: 1000, notKept: 0 });
  expect(report.endpoints).toEqual([
    { upstream: "app", endpoint: "10.0.0.7:3000", answered: 1, failed: 0, errors: 0, ...times },
    { upstream: "app", endpoint: "10.0.0.8:3000", answered: 1, failed: 0, errors: 1, ...times },
  ]);
  expect(capture.take(WALL + 2000)).toBeNull();
});

test("two upstreams with the same endpoint have tallies of their own", () => {
  const records = ["app", "api", "app"].map((upstream) => exchange({ upstream }));
  expect(
    report(records)
      .endpoints.map(({ upstream, answered }) => `${upstream} ${answered}`)
      .sort(),
  ).toEqual(["api 1", "app 2"]);
});

test("a failure is counted where it happened, and its exchange where it was decided", () => {
  const first = failed("connect-refused", { endpoint: "a:1" });
  const second = failed("closed-before-response", { endpoint: "b:1", reused: true });
  const got = report([
    exchange({ status: 502, attempts: [first, second], failure: second.failure }),
    exchange({ attempts: [first, attempt({ endpoint: "b:1" })] }),
  ]);
  expect(groupOf(got, "connect-refused")).toMatchObject({
    endpoint: "a:1",
    failures: 2,
    shown: 0,
    saved: { failover: 1 },
    methods: { GET: 2 },
    paths: { "/cart": 2 },
    hosts: { "shop.example": 2 },
    clients: { "192.0.2.7": 2 },
    clientCount: 1,
    firstAt: WALL,
    lastAt: WALL + 1,
  });
  expect(groupOf(got, "closed-before-response")).toMatchObject({
    endpoint: "b:1",
    failures: 1,
    shown: 1,
    saved: {},
    statuses: { 502: 1 },
    reused: 1,
    withoutByte: 1,
  });
  expect(got.failures.map(({ outcome, savedBy, endpoint }) => [outcome, savedBy, endpoint])).toEqual([
    ["shown", null, "b:1"],
    ["saved", "failover", "a:1"],
  ]);
});

test("how each kind of exchange ended", () => {
  const left = failure("client-closed-request", { bytesSent: 0 });
  const own = attempt({ status: 503 });
  const cut = failed("response-truncated", { status: 200, headAt: 1010 });
  const got = report([
    shown("response-timeout"),
    exchange({ status: 200, aborted: true, attempts: [cut], failure: cut.failure }),
    exchange({
      status: 0,
      respondedAt: 0,
      aborted: true,
      failure: left,
      attempts: [attempt({ status: 0, headAt: 0 })],
    }),
    exchange({ status: 503, attempts: [own] }),
    exchange({ status: 404, attempts: [], failure: failure("route-not-found"), upstream: "", route: "" }),
    exchange({ heldMs: 800 }),
    exchange({ queuedMs: 20 }),
    exchange({ status: 503, attempts: [], failure: failure("no-healthy-upstream", { detail: "2 of 2 away" }) }),
  ]);
  expect(got.failures.map(({ cause, outcome }) => `${cause} ${outcome}`)).toEqual([
    "response-timeout shown",
    "response-truncated cut",
    "client-closed-request client-left",
    "upstream-error-passthrough passed",
    "route-not-found shown",
    "no-healthy-upstream saved",
    "pool-exhausted saved",
    "no-healthy-upstream shown",
  ]);
  expect(groupOf(got, "client-closed-request")).toMatchObject({
    endpoint: "10.0.0.7:3000",
    clientLeft: 1,
    waitedMs: [11.75],
  });
  expect(groupOf(got, "upstream-error-passthrough")).toMatchObject({ failures: 1, passed: 1, statuses: { 503: 1 } });
  expect(groupOf(got, "route-not-found")).toMatchObject({ endpoint: "", shown: 1, statuses: { 404: 1 } });
  expect(groupOf(got, "no-healthy-upstream")).toMatchObject({
    endpoint: "",
    failures: 2,
    shown: 1,
    saved: { hold: 1 },
    details: { "# of # away": 1 },
  });
  expect(groupOf(got, "response-truncated")).toMatchObject({ failures: 1, cut: 1 });
});

test("a failover to an endpoint that answers with an error of its own is both", () => {
  const got = report([
    exchange({ status: 500, attempts: [failed("connect-refused", { endpoint: "a:1" }), attempt({ status: 500 })] }),
  ]);
  expect(groupOf(got, "connect-refused")).toMatchObject({ failures: 1, saved: { failover: 1 } });
  expect(groupOf(got, "upstream-error-passthrough")).toMatchObject({ failures: 1, passed: 1 });
  expect(got.failures).toMatchObject([{ cause: "upstream-error-passthrough", outcome: "passed", status: 500 }]);
});

test("a kept failure has its evidence, in words too", () => {
  const evidence = { address: "10.0.0.7:3000", errno: "ECONNREFUSED", waitedMs: 0.4 };
  const last = failed("connect-refused", {
    startedAt: 1000.25,
    resolvedAt: 1000.5,
    connectedAt: 0,
    sentAt: 0,
    endedAt: 1001,
    reused: false,
    failure: failure("connect-refused", evidence),
    responseHead: responseHead(["Server: app", "Set-Cookie: sid=hunter2"]),
  });
  const record = exchange({ status: 502, attempts: [last], failure: last.failure, target: "/cart?sid=hunter2" });
  const [kept] = report([record], new Capture(() => 0.5)).failures;
  expect(kept).toMatchObject({
    id: expect.stringMatching(/^f[0-9a-hjkmnp-tv-z]{10}gggggggg$/),
    requestId: "3f2a9c",
    at: WALL,
    outcome: "shown",
    status: 502,
    target: "/cart?sid=[redacted]",
    durationMs: 12.5,
    sentence: expect.stringContaining("10.0.0.7:3000 refused the connection (ECONNREFUSED)"),
    fix: expect.stringMatching(/./),
  });
  expect(kept!.attempts).toEqual([
    {
      endpoint: "10.0.0.7:3000",
      startMs: 0.25,
      resolvedMs: 0.5,
      tcpMs: null,
      connectedMs: null,
      sentMs: null,
      headMs: null,
      endMs: 1,
      status: 0,
      reused: false,
      bytesSent: 400,
      bytesReceived: 1300,
      cause: "connect-refused",
      phase: "connect",
      sentence: kept!.sentence,
      evidence,
      responseHead: [
        ["Server", "app"],
        ["Set-Cookie", "sid=[redacted]"],
      ],
    },
  ]);
});

test("ids sort by time", () => {
  const capture = new Capture();
  const ids = [0, 1, 1000, 40_000, 1e9].map((later) => {
    capture.observe(shown("connect-refused"), WALL + later);
    return capture.take(WALL + later)!.failures[0]!.id;
  });
  expect([...ids].sort()).toEqual(ids);
});

test("under a storm of one kind, one failure of another kind is kept, and one that was shown among those saved", () => {
  const capture = new Capture();
  const saved = exchange({ attempts: [failed("connect-refused"), attempt()] });
  for (let i = 0; i < 10_000; i++) {
    capture.observe(saved, WALL + i / 10);
    if (i === 5000) capture.observe(shown("connect-refused"), WALL + i / 10);
    if (i === 9000) capture.observe(shown("response-malformed"), WALL + i / 10);
  }
  const got = capture.take(WALL + 1000)!;
  const kinds = got.failures.map(({ cause, outcome }) => `${cause} ${outcome}`).sort();
  expect(kinds).toEqual([
    "connect-refused saved",
    "connect-refused saved",
    "connect-refused saved",
    "connect-refused shown",
    "response-malformed shown",
  ]);
  expect(got.notKept).toBe(10_002 - 5);
  expect(groupOf(got, "connect-refused")).toMatchObject({ failures: 10_001, shown: 1, saved: { retry: 10_000 } });
});

test("where one cause fills the room over many endpoints, another still gets its share, and so does a late endpoint", () => {
  const capture = new Capture();
  const storm = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      capture.observe(shown("connect-refused", {}, { endpoint: `10.0.0.${i % 50}:80` }), WALL + i / 10);
    }
  };
  storm(0, 5000);
  for (let i = 0; i < 5; i++) capture.observe(shown("response-timeout"), WALL + 500);
  capture.observe(shown("tls-cert-expired"), WALL + 510);
  storm(5000, 9000);
  const { failures } = capture.take(WALL + 1000)!;
  const count = (cause: CauseId): number => failures.filter((kept) => kept.cause === cause).length;
  expect(failures).toHaveLength(20);
  expect(count("tls-cert-expired")).toBe(1);
  expect(count("response-timeout")).toBe(5);
  const perEndpoint = new Set(failures.filter((kept) => kept.cause === "connect-refused").map((kept) => kept.endpoint));
  expect(perEndpoint.size).toBeGreaterThanOrEqual(10);
});

test("ticks that are shorter than a second share its room", () => {
  const capture = new Capture();
  let kept = 0;
  for (let i = 0; i < 1000; i++) {
    capture.observe(shown("connect-refused", {}, { endpoint: `10.0.0.${i % 50}:80` }), WALL + i);
    if (i % 50 === 49) kept += capture.take(WALL + i)!.failures.length;
  }
  expect(kept).toBeLessThanOrEqual(20);
});

test("the slowest are kept; tunnels and event streams are not slow", () => {
  const lasting = (durationMs: number, changes: Partial<ExchangeRecord> = {}) =>
    exchange({ startedAt: 1000, endedAt: 1000 + durationMs, ...changes });
  const stream = attempt({ responseHead: responseHead(["Content-Type: text/event-stream"]) });
  const records = Array.from({ length: 100 }, (_, i) => lasting(1 + ((i * 37) % 100)));
  const { slow } = report([
    ...records,
    lasting(9000, { status: 101 }),
    lasting(9000, { method: "CONNECT" }),
    lasting(500, { target: "/slow?token=hunter2" }),
    lasting(9000, { attempts: [stream] }),
  ]);
  expect(slow.map(({ durationMs }) => durationMs)).toEqual([500, ...Array.from({ length: 19 }, (_, i) => 100 - i)]);
  expect(slow[0]).toMatchObject({ target: "/slow?token=[redacted]", outcome: "ok", cause: null, attempts: 1 });
});

test("events are told by the wall clock, without what they must not tell, and the last of each kind is never lost", () => {
  const capture = new Capture();
  const request = "GET /pay?card=4111";
  capture.event({ at: 5, upstream: "app", kind: "poison-request", request, detail: "" }, WALL);
  for (let i = 0; i < 5000; i++) {
    const endpoint = `10.0.0.${i % 7}:80`;
    if (i % 2) capture.event({ at: i, upstream: "app", endpoint, kind: "endpoint-back", awayMs: i }, WALL + i);
    else capture.event({ at: i, upstream: "app", endpoint, kind: "endpoint-gone", cause: null!, detail: "" }, WALL + i);
  }
  const { events } = capture.take(WALL + 5000)!;
  expect(events[0]).toMatchObject({ at: WALL, event: { request: "GET /pay" } });
  expect(events.length).toBeLessThanOrEqual(1014);
  expect(events.at(-1)).toMatchObject({ at: WALL + 4999, event: { kind: "endpoint-back" } });
  expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).sort((a, b) => a - b));
});
