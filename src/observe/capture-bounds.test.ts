// The live tail, and what holds of everything that is gathered: the sums agree, the bounds hold, no secret is told.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { CauseId } from "../failure/causes.ts";
import { failed, report, requestHead, responseHead, shown, sum, WALL } from "./capture.fixture.ts";
import { Capture } from "./capture.ts";
import { attempt, exchange, failure } from "./record.fixture.ts";
import { type AttemptRecord, avoided, type ExchangeRecord } from "./record.ts";
import { type FailureGroup, GROUPS_MAX, SPANS_MAX, TOP_MAX } from "./report.ts";

test("live tail: what the filter lets through, and no more than 200 a second", () => {
  const capture = new Capture();
  capture.observe(exchange(), WALL);
  expect(capture.takeTail()).toEqual({ entries: [], left: 0 });
  const seen = (filter: Parameters<Capture["setTail"]>[0]) => {
    capture.setTail(filter);
    capture.observe(exchange({ target: "/Cart?token=hunter2" }), WALL);
    capture.observe(shown("connect-refused", { method: "POST", endedAt: 1900 }), WALL);
    capture.observe(exchange({ attempts: [failed("connect-refused", { endpoint: "b:1" }), attempt()] }), WALL);
    return capture.takeTail().entries.map(({ status, outcome }) => `${status} ${outcome}`);
  };
  const [ok, bad, saved] = ["200 ok", "502 shown", "200 saved"];
  expect(seen({})).toEqual([ok, bad, saved]);
  expect(seen({ failuresOnly: true })).toEqual([bad, saved]);
  expect(seen({ status: "5xx" })).toEqual([bad]);
  expect(seen({ status: "200" })).toEqual([ok, saved]);
  expect(seen({ cause: "connect-refused" })).toEqual([bad, saved]);
  expect(seen({ endpoint: "b:1" })).toEqual([saved]);
  expect(seen({ method: "post" })).toEqual([bad]);
  expect(seen({ minMs: 500 })).toEqual([bad]);
  expect(seen({ route: "other" })).toEqual([]);
  expect(seen({ text: "shop.EXAMPLE/cart?t" })).toEqual([ok]);
  // A secret cannot be searched for.
  expect(seen({ text: "hunter2" })).toEqual([]);
  capture.setTail(null);
  capture.observe(exchange(), WALL);
  expect(capture.takeTail()).toEqual({ entries: [], left: 0 });
});

test("live tail: under a storm the entries come from the whole second, and the others are counted", () => {
  const capture = new Capture();
  capture.setTail({});
  for (let i = 0; i < 20_000; i++) capture.observe(exchange(), WALL + i / 10);
  const { entries, left } = capture.takeTail();
  expect(entries.length + left).toBe(20_000);
  expect(entries.length).toBeLessThanOrEqual(400);
  const late = entries.filter(({ at }) => at >= WALL + 1000).length;
  expect(late).toBeGreaterThan(100);
  // From the second window on they are spread.
  const window = entries.filter(({ at }) => at >= WALL + 300 && at < WALL + 400).map(({ at }) => at);
  expect(Math.max(...window) - Math.min(...window)).toBeGreaterThan(80);
});

const anyCause = fc.constantFrom<CauseId>(
  "connect-refused",
  "response-timeout",
  "closed-before-response",
  "keepalive-race",
  "response-truncated",
  "upstream-error-passthrough",
);
const anyAttempt = fc
  .record({
    endpoint: fc.constantFrom("a:1", "b:1", "c:1"),
    cause: fc.option(anyCause),
    status: fc.constantFrom(200, 500),
  })
  .map(({ endpoint, cause, status }) => (cause ? failed(cause, { endpoint }) : attempt({ endpoint, status })));
const anyRecord = fc
  .record({
    attempts: fc.array(anyAttempt, { maxLength: 3 }),
    how: fc.constantFrom("own", "last", "client", "none"),
    aborted: fc.boolean(),
    heldMs: fc.constantFrom(0, 0, 50),
    route: fc.constantFrom("shop", "api"),
    target: fc.string({ maxLength: 12 }).map((text) => `/${text}`),
  })
  .map(({ attempts, how, aborted, ...rest }): ExchangeRecord => {
    const last = attempts.at(-1);
    const own =
      how === "own" ? failure("no-healthy-upstream") : how === "client" ? failure("client-closed-request") : null;
    const decided = own ?? (how === "last" ? (last?.failure ?? null) : null);
    return exchange({ attempts, failure: decided, aborted, status: decided?.status ?? last?.status ?? 200, ...rest });
  });

test("property: the sums of the groups are what was observed", () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 30 }), (records) => {
      const got = report(records);
      const total = (value: (group: FailureGroup) => number): number =>
        got.groups.reduce((all, one) => all + value(one), 0);
      const failedAttempts = records.flatMap((record) => record.attempts).filter((one) => one.failure !== null).length;
      const savedCount = records.filter((record) => avoided(record) !== null).length;
      expect(total((group) => sum(group.saved as Record<string, number>))).toBe(savedCount);
      expect(total((group) => group.failures)).toBeGreaterThanOrEqual(failedAttempts);
      const withFailure = records.filter((record) => record.failure !== null).length;
      expect(total((group) => group.shown + group.cut + group.clientLeft + group.passed)).toBeGreaterThanOrEqual(
        withFailure,
      );
      expect(got.failures.length + got.notKept).toBe(
        records.filter((record) => record.failure !== null || avoided(record) || isOwn(record)).length,
      );
      for (const group of got.groups) {
        for (const counts of [group.methods, group.paths, group.hosts, group.clients]) {
          expect(sum(counts)).toBeLessThanOrEqual(group.failures);
        }
      }
      const tallied = got.endpoints.reduce((all, one) => all + one.answered + one.failed, 0);
      expect(tallied).toBe(records.flatMap((record) => record.attempts).filter(isTallied).length);
    }),
    { numRuns: 100 },
  );
});

const isOwn = ({ attempts, status }: ExchangeRecord): boolean =>
  status >= 500 && attempts.at(-1)?.failure === null && attempts.at(-1)!.status >= 500;
const isTallied = (one: AttemptRecord): boolean =>
  one.headAt > 0 || (one.failure !== null && one.failure.cause !== "upstream-error-passthrough");

test("bounds hold whatever comes", () => {
  const capture = new Capture();
  const causes: CauseId[] = ["connect-refused", "response-timeout", "tls-cert-expired", "response-malformed"];
  for (let i = 0; i < 30_000; i++) {
    const evidence = {
      errno: `E${i}`,
      detail: `${"x".repeat(i % 2000)}${i}`,
      waitedMs: i,
      idleMs: i,
      connectionAgeMs: i,
      bytesReceived: i,
      upstreamProxyStatus: `hop-${i}; error=x`,
    };
    const of = failed(causes[i % 4]!, { endpoint: `10.1.${i % 5000}:80` });
    const last = { ...of, failure: { ...of.failure!, evidence } };
    capture.observe(
      exchange({
        attempts: [last],
        failure: last.failure,
        status: 502,
        route: `route-${i % 700}`,
        target: `/${i}/${"p".repeat(i % 9000)}`,
        host: `host-${i}`,
        clientAddress: `2001:db8::${i.toString(16)}`,
        method: `M${i % 100}`,
      }),
      WALL + i / 30,
    );
  }
  const got = capture.take(WALL + 1000)!;
  expect(got.groups.length).toBeLessThanOrEqual(GROUPS_MAX);
  expect(got.groups.reduce((all, group) => all + group.failures, 0)).toBe(30_000);
  expect(got.failures.length).toBeLessThanOrEqual(20);
  expect(got.endpoints.length).toBeLessThanOrEqual(2_001);
  expect(got.endpoints.reduce((all, one) => all + one.failed, 0)).toBe(30_000);
  expect(got.slow.length).toBeLessThanOrEqual(20);
  const rest = got.groups.find((group) => group.cause === "connect-refused" && group.endpoint === "")!;
  expect(rest.clientCount).toBeGreaterThan(4000);
  const values = got.groups.flatMap((group) => Object.values(group) as unknown[]);
  const sizes = values.map((value) => (typeof value === "object" ? Object.keys(value as object).length : 0));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(Math.max(SPANS_MAX, TOP_MAX));
  for (const kept of got.failures) expect(JSON.stringify(kept).length).toBeLessThan(20_000);
});

test("property: no secret of a request is in a report, wherever it stood", () => {
  const secret = fc.string({ unit: fc.constantFrom(..."abcdefXYZ0123456789"), minLength: 20, maxLength: 40 });
  fc.assert(
    fc.property(secret, fc.constantFrom("", "%", "/", "'"), (key, odd) => {
      const value = `${key}${odd}${key}`;
      const lines = [
        `Authorization: Bearer ${key}`,
        `Cookie: sid=${key}`,
        `X-Api-Key: ${key}`,
        `Referer: /?a=${value}`,
      ];
      const evidence = { detail: `Set-Cookie: sid=${key}`, headExcerpt: `HTTP/1.1 200 OK\\r\\nset-cookie: sid=${key}` };
      const last = failed("response-malformed", {
        failure: failure("response-malformed", { ...evidence, upstreamProxyStatus: `a; details="?t=${value}"` }),
        responseHead: responseHead([
          `Set-Cookie: sid=${key}; Path=/`,
          `Location: https://a.example/cb?code=${value}#t=${key}`,
        ]),
      });
      const record = exchange({
        status: 502,
        attempts: [last],
        failure: last.failure,
        target: `/a;jsessionid=${key}?x=${value}&${key}`,
        userAgent: `tool/1 (https://joe:${key}@a.example/?k=${value})`,
        host: `joe:${key}@shop.example`,
        head: requestHead(lines),
      });
      const capture = new Capture();
      capture.setTail({});
      capture.event({ at: 1, upstream: "app", kind: "poison-request", request: `GET /?x=${value}`, detail: "" }, WALL);
      capture.observe(record, WALL);
      capture.observe(exchange({ target: record.target, endedAt: 5000 }), WALL);
      const all = JSON.stringify([capture.take(WALL + 1000), capture.takeTail()]);
      expect(all).not.toContain(key);
      expect(all).toContain("[redacted]");
    }),
    { numRuns: 100 },
  );
});
