import { afterEach, beforeEach, expect, test } from "vitest";
import { CAUSES } from "../../failure/causes.ts";
import type { RequestHead } from "../../wire/head.ts";
import { parseRequestHead } from "../../wire/request-head.ts";
import { Metrics } from "../metrics.ts";
import { attempt, exchange, failure } from "../record.fixture.ts";
import { OtlpReceiver, problemsOf } from "./otlp-receiver.fixture.ts";
import { type Trace, Tracer, type TracerOptions, traceLines } from "./tracer.ts";
import { Traces } from "./traces.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const WALL = 1_790_000_000_000.25;

let receiver: OtlpReceiver;
let url: string;
const tracers: Tracer[] = [];

beforeEach(async () => {
  receiver = new OtlpReceiver();
  url = await receiver.start();
});
afterEach(async () => {
  await Promise.all(tracers.splice(0).map((tracer) => tracer.close(0)));
  await receiver.close();
});

function tracer(sample: number, options: TracerOptions = {}, to = url): Tracer {
  const made = new Tracer({ url: to, headers: { "x-key": "k" }, sample, service: "shop" }, "1.2.3", {
    batchMs: 5,
    backoff: { baseMs: 5, maxMs: 10 },
    warn: () => {},
    ...options,
  });
  tracers.push(made);
  return made;
}

function head(...lines: string[]): RequestHead {
  const text = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`);
  return parseRequestHead(text, 0, text.length, { lineBytes: 8192, headBytes: 65_536, fields: 100 }) as RequestHead;
}

const sampled = (made: Tracer): Trace => made.begin(head(`traceparent: 00-${TRACE}-${SPAN}-01`), "");

test("an exchange with two attempts becomes three spans that belong together", async () => {
  const made = tracer(0);
  const trace = made.begin(head(`Traceparent: 00-${TRACE}-${SPAN}-01`, "tracestate: a=1", "TraceState: b=2"), "");
  const refused = { ...failure("connect-refused", { errno: "ECONNREFUSED", address: "10.0.0.7:3000" }) };
  const first = attempt({ status: 0, reused: false, connectedAt: 0, sentAt: 0, headAt: 0, failure: refused });
  const second = { ...attempt({ endpoint: "[::1]:3001", reused: false, connectedAt: 1001 }), tcpAt: 1000.75 };
  made.exchangeEnded(exchange({ trace, attempts: [first, second], target: "/cart?token=abc" }), WALL);
  await receiver.until(() => receiver.spans.length === 3);

  expect(receiver.problems).toEqual([]);
  const [server, refusedSpan, answered] = receiver.spans;
  expect(server).toMatchObject({
    traceId: TRACE,
    parentSpanId: SPAN,
    kind: 2,
    name: "GET shop",
    traceState: "a=1,b=2",
  });
  expect(server!.facts).toMatchObject({
    "http.request.method": "GET",
    "url.path": "/cart",
    "url.scheme": "http",
    "server.address": "shop.example",
    "http.route": "shop",
    "http.response.status_code": 200,
    "network.protocol.version": "1.1",
    "client.address": "192.0.2.7",
    "goodgate.attempts": 2,
    "goodgate.saved_by": "failover",
    "goodgate.cause": "connect-refused",
    "goodgate.fault": CAUSES["connect-refused"].fault,
  });
  expect(server!.status).toBeUndefined();
  expect(refusedSpan).toMatchObject({ parentSpanId: server!.spanId, kind: 3, status: { code: 2 } });
  expect(refusedSpan!.status!.message).toContain("refused");
  expect(refusedSpan!.facts).toMatchObject({
    "server.address": "10.0.0.7",
    "server.port": 3000,
    "error.type": "connect-refused",
    "goodgate.attempt": 1,
    "goodgate.reused": false,
    "goodgate.errno": "ECONNREFUSED",
  });
  expect(answered!.facts).toMatchObject({
    "server.address": "::1",
    "server.port": 3001,
    "http.request.resend_count": 1,
  });
  expect(answered!.events.map(({ name }) => name)).toEqual([
    "tcp connected",
    "tls established",
    "request sent",
    "response head",
  ]);
  expect(JSON.stringify(receiver.spans)).not.toContain("abc");
  // The end is the wall clock's; everything else is counted back from it.
  expect(server!.endTimeUnixNano).toBe("1790000000000250000");
  expect(server!.startTimeUnixNano).toBe("1789999999987750000");
  // What the upstreams were given are the spans that were exported.
  expect(traceLines(trace, 1)).toBe(`traceparent: 00-${TRACE}-${refusedSpan!.spanId}-01\r\ntracestate: a=1,b=2\r\n`);
  expect(traceLines(trace, 2)).toContain(answered!.spanId);
  expect(receiver.resource).toMatchObject({ "service.name": "shop", "service.version": "1.2.3" });
  expect(receiver.requests[0]!.headers).toMatchObject({ "content-encoding": "gzip", "x-key": "k" });
});

test("a gateway error is an error of both spans; what a client does wrong is none of the server's", async () => {
  const made = tracer(0);
  const timeout = failure("response-timeout", { deadline: "head", deadlineMs: 30_000 });
  const trace = sampled(made);
  made.exchangeEnded(
    exchange({ trace, status: 504, failure: timeout, attempts: [attempt({ failure: timeout })] }),
    WALL,
  );
  const left = failure("client-closed-request");
  made.exchangeEnded(exchange({ trace: sampled(made), status: 0, aborted: true, failure: left, attempts: [] }), WALL);
  await receiver.until(() => receiver.spans.length === 3);
  expect(receiver.problems).toEqual([]);
  const [server, client, gone] = receiver.spans;
  expect(server).toMatchObject({
    status: { code: 2 },
    facts: { "error.type": "response-timeout", "goodgate.phase": "response-head" },
  });
  expect(client!.facts).toMatchObject({ "goodgate.deadline": "head", "error.type": "response-timeout" });
  expect(gone!.status).toBeUndefined();
  expect(gone!.facts).toMatchObject({ "goodgate.cause": "client-closed-request" });
});

test("what strangers sent stays valid, short and without secrets", async () => {
  const made = tracer(1);
  const trace = made.begin(head(), "");
  const weird = '\u0000\u001b[31m"\\\u00ff'.repeat(1000);
  made.exchangeEnded(
    exchange({
      trace,
      method: "BREW",
      target: `/${weird}`,
      host: weird,
      userAgent: "x Bearer eyJhbGciOiJIUzI1NiJ9.abc",
      route: "",
    }),
    WALL,
  );
  await receiver.until(() => receiver.spans.length === 2);
  expect(receiver.problems).toEqual([]);
  const { facts, name } = receiver.spans[0]!;
  expect(name).toBe("HTTP");
  expect(facts).toMatchObject({ "http.request.method": "_OTHER", "http.request.method_original": "BREW" });
  expect(String(facts["url.path"]).length).toBeLessThanOrEqual(1024);
  expect(facts["user_agent.original"]).not.toContain("eyJ");
});

test("without a parent a share is sampled, by the trace id; a parent's decision holds", () => {
  const share = tracer(0.25);
  let count = 0;
  for (let i = 0; i < 4000; i++) count += share.begin(head(), "").flags & 1;
  expect(count).toBeGreaterThan(800);
  expect(count).toBeLessThan(1200);
  expect(tracer(1).begin(head(), "").flags).toBe(1);
  expect(tracer(0).begin(head(), "").flags).toBe(0);
  expect(tracer(1).begin(head(`traceparent: 00-${TRACE}-${SPAN}-00`), "").flags).toBe(0);
  expect(sampled(tracer(0)).flags).toBe(1);
});

test("a context that is not valid begins a trace anew, and its tracestate is dropped", () => {
  const made = tracer(0);
  for (const lines of [
    [`traceparent: 00-${"0".repeat(32)}-${SPAN}-01`],
    [`traceparent: 00-${TRACE}-${SPAN}-01`, `traceparent: 00-${TRACE}-${SPAN}-01`],
    [],
  ]) {
    const trace = made.begin(head(...lines, "tracestate: a=1"), "");
    expect(trace).toMatchObject({ parentId: "", state: "" });
    expect(trace.traceId).not.toBe(TRACE);
  }
});

test("the id of a request that we made is the id of its trace; one that a client made is not", () => {
  const made = tracer(0);
  expect(made.begin(head(), TRACE).traceId).toBe(TRACE);
  expect(made.begin(head(`x-request-id: ${TRACE}`), TRACE).traceId).not.toBe(TRACE);
});

test("failed exchanges are exported although they are not sampled, others are not; a storm is cut and counted", async () => {
  const made = tracer(0, { failuresPerSecond: 3 });
  const bad = failure("connect-refused");
  const fails = () => exchange({ trace: made.begin(head(), ""), status: 502, failure: bad, attempts: [] });
  made.exchangeEnded(exchange({ trace: made.begin(head(), "") }), WALL);
  for (let i = 0; i < 10; i++) made.exchangeEnded(fails(), WALL);
  await receiver.until(() => receiver.spans.length === 3);
  expect(made.counts.dropped).toEqual({ queue: 0, storm: 7, collector: 0 });
  made.exchangeEnded(fails(), WALL + 1000);
  await receiver.until(() => receiver.spans.length === 4);
});

test("a collector that is busy is asked again, when it says so; what it refuses is lost, and counted", async () => {
  const made = tracer(1, { backoff: { baseMs: 1, maxMs: 1 } });
  receiver.answers = [{ status: 503 }, { status: 429, headers: { "retry-after": "1" } }, { status: 200 }];
  made.exchangeEnded(exchange({ trace: made.begin(head(), "") }), WALL);
  await receiver.until(() => receiver.spans.length === 2);
  const [, second, third] = receiver.requests;
  expect(third!.at - second!.at).toBeGreaterThanOrEqual(990);
  receiver.answers = [{ status: 400, body: '{"message":"no"}' }];
  made.exchangeEnded(exchange({ trace: made.begin(head(), "") }), WALL);
  await receiver.until(() => receiver.requests.length === 4);
  receiver.answers = [{ status: 200, body: '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"old"}}' }];
  await until(() => made.counts.dropped.collector === 2);
  made.exchangeEnded(exchange({ trace: made.begin(head(), "") }), WALL);
  await until(() => made.counts.exported === 3);
  expect(made.counts.dropped).toEqual({ queue: 0, storm: 0, collector: 3 });
});

test("a redirect is not followed", async () => {
  const made = tracer(1);
  receiver.answers = [{ status: 307, headers: { location: url } }];
  made.exchangeEnded(exchange({ trace: made.begin(head(), "") }), WALL);
  await until(() => made.counts.dropped.collector === 2);
  expect(receiver.requests.length).toBe(1);
});

test("a collector that never answers costs a bounded queue and no wait at the end", async () => {
  const warned: string[] = [];
  const made = tracer(1, { queueSpans: 10, batchMs: 1, timeoutMs: 60_000, warn: (message) => warned.push(message) });
  receiver.silent = true;
  made.exchangeEnded(exchange({ trace: made.begin(head(), "") }), WALL);
  await receiver.until(() => receiver.requests.length === 1);
  for (let i = 0; i < 100; i++) made.exchangeEnded(exchange({ trace: made.begin(head(), "") }), WALL);
  expect(made.counts.dropped.queue).toBe(190);
  await made.close(10);
  expect(made.counts.dropped.collector).toBe(12);
  expect(warned).toHaveLength(1);
});

test("a collector that is not there is waited for; close sends what waits", async () => {
  const closed = new OtlpReceiver();
  const address = await closed.start();
  await closed.close();
  const warned: string[] = [];
  const options = { backoff: { baseMs: 1, maxMs: 1 }, warn: (message: string) => void warned.push(message) };
  const gone = tracer(1, options, address.replace("//", "//user:s3cret@"));
  gone.exchangeEnded(exchange({ trace: gone.begin(head(), "") }), WALL);
  await until(() => gone.counts.dropped.collector === 2);
  expect(warned).toEqual([
    `traces: the collector at ${new URL(address).host} cannot be reached (ECONNREFUSED); it is tried again`,
  ]);

  const made = tracer(1, { batchMs: 60_000 });
  for (let i = 0; i < 600; i++) made.exchangeEnded(exchange({ trace: made.begin(head(), ""), attempts: [] }), WALL);
  await made.close(5000);
  expect(receiver.spans.length).toBe(600);
  expect(receiver.requests.map(({ spans }) => spans)).toEqual([512, 88]);
  expect(made.counts.exported).toBe(600);
});

test("a configuration that stays the same keeps its tracer; the figures go on over all of them", async () => {
  const metrics = new Metrics();
  const traces = new Traces("1.2.3", metrics, { batchMs: 60_000 });
  expect(traces.tracerFor(null)).toBeNull();
  expect(metrics.render()).not.toContain("goodgate_spans");
  const config = { url, headers: {}, sample: 1, service: "shop" };
  const first = traces.tracerFor(config)!;
  expect(traces.tracerFor({ ...config, headers: {} })).toBe(first);
  first.exchangeEnded(exchange({ trace: first.begin(head(), "") }), WALL);
  const second = traces.tracerFor({ ...config, service: "other" })!;
  expect(second).not.toBe(first);
  second.exchangeEnded(exchange({ trace: second.begin(head(), "") }), WALL);
  await traces.close(5000);
  expect(receiver.spans).toHaveLength(4);
  expect(metrics.render()).toContain("goodgate_spans_exported_total 4");
  expect(metrics.render()).toContain('goodgate_spans_dropped_total{reason="queue"} 0');
});

test("the receiver of these tests refuses what is not OTLP", () => {
  const wrap = (span: object) => ({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
  const good = { traceId: TRACE, spanId: SPAN, name: "x", kind: 2, startTimeUnixNano: "1", endTimeUnixNano: "2" };
  expect(problemsOf(wrap(good))).toEqual([]);
  for (const wrong of [
    { ...good, trace_id: TRACE },
    { ...good, traceId: TRACE.toUpperCase().slice(1) },
    { ...good, kind: "SPAN_KIND_SERVER" },
    { ...good, startTimeUnixNano: 1 },
    { ...good, endTimeUnixNano: "0" },
    { ...good, attributes: [{ key: "a", value: { intValue: 1 } }] },
    { ...good, attributes: [{ key: "a", value: { stringValue: "1", boolValue: true } }] },
    {
      ...good,
      attributes: [
        { key: "a", value: { stringValue: "1" } },
        { key: "a", value: { stringValue: "1" } },
      ],
    },
    { ...good, status: { code: 3 } },
  ]) {
    expect(problemsOf(wrap(wrong))).toHaveLength(1);
  }
});

async function until(is: () => boolean): Promise<void> {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 5));
}
