// Properties of everything that reads a record: any record whatever, also such as no data path makes.
import fc from "fast-check";
import { expect, test } from "vitest";
import { CAUSES, type CauseId } from "../failure/causes.ts";
import { compileAccessLog } from "./access-log.ts";
import { Capture } from "./capture.ts";
import { FailureLog, formatFailure } from "./failure-log.ts";
import { Ledger } from "./ledger.ts";
import { LOG_FIELDS } from "./log-template.ts";
import { Metrics } from "./metrics.ts";
import { parseMetrics } from "./metrics-text.fixture.ts";
import { failure } from "./record.fixture.ts";
import { type AttemptRecord, avoided, type ExchangeRecord, hasFailed, isShown, statusOf } from "./record.ts";

const WALL = Date.UTC(2026, 10, 21, 9, 17, 0, 123);
const json = compileAccessLog("json");
const combined = compileAccessLog("combined");

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme-ascii", maxLength: 40 }),
  fc.constantFrom("", '"', "\\", "\r\n", "\x1b[31m", "\u2028", "\ud800", "GET", "HTTP/1.1", "x\x7f\x9b"),
);
const anyInstant = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e9, noNaN: true }));
const anyCount = fc.nat();
const anyFailure = fc
  .record({ cause: fc.constantFrom(...(Object.keys(CAUSES) as CauseId[])), errno: anyText, detail: anyText })
  .map(({ cause, errno, detail }) => failure(cause, { errno, detail, headExcerpt: detail }));
const anyAttempt: fc.Arbitrary<AttemptRecord> = fc.record({
  endpoint: anyText,
  startedAt: anyInstant,
  connectedAt: anyInstant,
  sentAt: anyInstant,
  headAt: anyInstant,
  endedAt: anyInstant,
  status: fc.integer({ min: 0, max: 999 }),
  reused: fc.boolean(),
  bytesSent: anyCount,
  bytesReceived: anyCount,
  failure: fc.option(anyFailure),
});

const anyRecord: fc.Arbitrary<ExchangeRecord> = fc.record({
  requestId: anyText,
  startedAt: anyInstant,
  respondedAt: anyInstant,
  endedAt: anyInstant,
  clientAddress: anyText,
  clientPort: fc.nat(65535),
  listener: anyText,
  tls: fc.boolean(),
  method: anyText,
  keyed: fc.boolean(),
  target: anyText,
  protocol: anyText,
  host: anyText,
  userAgent: anyText,
  referer: anyText,
  route: anyText,
  upstream: anyText,
  status: fc.integer({ min: 0, max: 999 }),
  bytesReceived: anyCount,
  bytesSent: anyCount,
  bodyBytesSent: anyCount,
  attempts: fc.array(anyAttempt, { maxLength: 4 }),
  failure: fc.option(anyFailure),
  heldMs: anyInstant,
  queuedMs: anyInstant,
  aborted: fc.boolean(),
});

test("property: any record is exactly one line of ASCII in every format", () => {
  const every = compileAccessLog({
    template: Object.keys(LOG_FIELDS)
      .map((name) => `{${name}}`)
      .join(" "),
  });
  fc.assert(
    fc.property(anyRecord, (record) => {
      for (const format of [json, combined, every]) expect(format(record, WALL)).toMatch(/^[ -~]+\n$/);
    }),
    { numRuns: 200 },
  );
});

test("property: json parses back to the values of the record", () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      const line = JSON.parse(json(record, WALL));
      const { requestId, method, host, target, protocol, tls, route, upstream, aborted, userAgent, referer } = record;
      expect(line).toMatchObject({
        requestId,
        method,
        host,
        target,
        protocol,
        tls,
        route,
        upstream,
        aborted,
        userAgent,
        referer,
      });
      expect(line.client).toBe(record.clientAddress);
      expect(line.status).toBe(statusOf(record));
      expect(line.attempts).toBe(record.attempts.length);
      expect(line.endpoint).toBe(record.attempts.at(-1)?.endpoint ?? null);
      expect(line.cause).toBe(record.failure?.cause ?? null);
      expect(line.durationMs).toBeCloseTo(Math.max(0, record.endedAt - record.startedAt), 2);
    }),
    { numRuns: 200 },
  );
});

test("property: a failure is one line without control characters, and only failures have one", () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      const line = formatFailure(record, WALL, true);
      if (hasFailed(record)) expect(line).toMatch(/^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+\n$/);
      else expect(line).toBe("");
      const lines: string[] = [];
      new FailureLog((one) => lines.push(one)).record(record, WALL);
      expect(lines).toHaveLength(hasFailed(record) ? 1 : 0);
    }),
    { numRuns: 200 },
  );
});

test("property: what was avoided was delivered, has a cost of no less than the wait, and is counted once", () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      const saved = avoided(record);
      const ledger = new Ledger();
      ledger.observe(record, WALL);
      const [day] = ledger.days();
      const counts = Object.values(day!.avoided).flatMap((byCause) => Object.values(byCause));
      expect(counts).toEqual(saved ? [1] : []);
      expect(day!.costMs).toBeCloseTo(saved?.costMs ?? 0, 2);
      expect(Object.values(day!.shown)).toEqual(isShown(record) ? [1] : []);
      if (saved) {
        expect(saved.costMs).toBeGreaterThanOrEqual(record.heldMs + record.queuedMs);
        expect(isShown(record)).toBe(false);
      }
    }),
    { numRuns: 500 },
  );
});

test("property: metrics of any records are valid text, and count each record once", () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { maxLength: 10 }), (records) => {
      const metrics = new Metrics();
      for (const record of records) metrics.observe(record);
      const series = parseMetrics(metrics.render());
      const total = series
        .filter((one) => one.name === "goodgate_requests_total")
        .reduce((sum, one) => sum + one.value, 0);
      expect(total).toBe(records.length);
    }),
    { numRuns: 100 },
  );
});

test("property: any records can be gathered, and what is told of them has no control characters", () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 10 }), (records) => {
      const capture = new Capture();
      capture.setTail({});
      for (const record of records) capture.observe(record, WALL);
      const { entries, left } = capture.takeTail();
      expect(entries.length + left).toBe(records.length);
      const text = JSON.stringify([capture.take(WALL + 1000), entries]);
      expect(JSON.stringify(JSON.parse(text))).toBe(text);
      // Tabs and line feeds stay in texts; JSON has them escaped.
      expect(text).toMatch(/^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$/);
    }),
    { numRuns: 200 },
  );
});
