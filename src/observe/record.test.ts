import { expect, test } from "vitest";
import type { CauseId } from "../failure/causes.ts";
import { attempt, exchange, failure } from "./record.fixture.ts";
import { type AttemptRecord, avoided, hasFailed, isShown } from "./record.ts";

const A = "10.0.0.7:3000";
const B = "10.0.0.8:3000";

/** An exchange that began at 1000; its attempts at the instants given. */
function failed(cause: CauseId, startedAt: number, endpoint = A): AttemptRecord {
  return attempt({ endpoint, startedAt, status: 0, failure: failure(cause) });
}
const answered = (startedAt: number, endpoint = B): AttemptRecord => attempt({ endpoint, startedAt });
const ownError = failure("upstream-error-passthrough");

test("nothing was avoided where the first attempt answered, or the gateway did", () => {
  expect(avoided(exchange())).toBeNull();
  expect(avoided(exchange({ attempts: [] }))).toBeNull();
  expect(avoided(exchange({ attempts: [], heldMs: 300 }))).toBeNull();
});

test("another endpoint answered: a failover, with the cause of the first failure and the time until the last attempt", () => {
  expect(avoided(exchange({ attempts: [failed("connect-refused", 1000.5), answered(1003.5)] }))).toEqual({
    by: "failover",
    cause: "connect-refused",
    costMs: 3,
    attempts: 2,
  });
  const attempts = [failed("connect-timeout", 1001), failed("connect-refused", 2000, B), answered(2001, "c:1")];
  expect(avoided(exchange({ attempts }))).toEqual({
    by: "failover",
    cause: "connect-timeout",
    costMs: 1000,
    attempts: 3,
  });
});

test("the same endpoint answered on another connection: a retry", () => {
  expect(avoided(exchange({ attempts: [failed("keepalive-race", 1000), answered(1001, A)] }))).toMatchObject({
    by: "retry",
    cause: "keepalive-race",
    costMs: 1,
  });
});

test("a hold counts from the start of the exchange, with or without a failed attempt", () => {
  const without = exchange({ heldMs: 812, attempts: [answered(1812)] });
  expect(avoided(without)).toEqual({ by: "hold", cause: "no-healthy-upstream", costMs: 812, attempts: 1 });
  const behind = exchange({ heldMs: 400, attempts: [failed("connect-refused", 1000), answered(1405, A)] });
  expect(avoided(behind)).toEqual({ by: "hold", cause: "connect-refused", costMs: 405, attempts: 2 });
});

test("a queue is one where nothing else saved the request; a wait within the attempt costs, too", () => {
  const queued = { by: "queue", cause: "pool-exhausted", costMs: 50, attempts: 1 };
  expect(avoided(exchange({ queuedMs: 50, attempts: [answered(1050)] }))).toEqual(queued);
  expect(avoided(exchange({ queuedMs: 50, attempts: [answered(1000)] }))).toEqual(queued);
  const both = exchange({ queuedMs: 50, attempts: [failed("connect-refused", 1000), answered(1050)] });
  expect(avoided(both)).toMatchObject({ by: "failover", cause: "connect-refused" });
});

test("a status that a route tries again counts; the same error at the end was shown", () => {
  const own = attempt({ startedAt: 1000, status: 503, failure: ownError });
  expect(avoided(exchange({ attempts: [own, answered(1001)] }))).toMatchObject({
    by: "failover",
    cause: "upstream-error-passthrough",
  });
  const again = attempt({ startedAt: 1001, endpoint: B, status: 503, failure: ownError });
  expect(avoided(exchange({ status: 503, attempts: [own, again], failure: ownError }))).toBeNull();
});

test("an upstream's own error behind a failed attempt is its answer: ours was avoided", () => {
  const own = attempt({ startedAt: 1002, endpoint: B, status: 500, failure: ownError });
  const record = exchange({ status: 500, attempts: [failed("connect-refused", 1000), own], failure: ownError });
  expect(avoided(record)).toMatchObject({ by: "failover", cause: "connect-refused", costMs: 2 });
  expect(isShown(record)).toBe(false);
});

test("what was not delivered was not avoided", () => {
  const cut = failure("response-truncated");
  const attempts = [failed("connect-refused", 1000), attempt({ startedAt: 1001, failure: cut })];
  expect(avoided(exchange({ attempts, failure: cut, aborted: true }))).toBeNull();
  const left = failure("client-closed-request");
  expect(avoided(exchange({ heldMs: 300, attempts: [], failure: left, status: 0, aborted: true }))).toBeNull();
  expect(avoided(exchange({ heldMs: 300, attempts: [failed("connect-refused", 1000)] }))).toBeNull();
});

test("shown: gateway errors and cuts of ours; not what clients do, nor the upstream's own answers", () => {
  const shown = (cause: CauseId, changes = {}): boolean =>
    isShown(exchange({ status: failure(cause).status, failure: failure(cause), ...changes }));
  expect(shown("connect-refused")).toBe(true);
  expect(shown("response-truncated", { status: 200, aborted: true })).toBe(true);
  expect(shown("route-not-found")).toBe(false);
  expect(shown("upstream-error-passthrough")).toBe(false);
  expect(shown("client-closed-request", { status: 200, aborted: true })).toBe(false);
  expect(shown("client-request-invalid", { status: 505 })).toBe(false);
  expect(isShown(exchange({ status: 500 }))).toBe(false);
  expect(hasFailed(exchange({ heldMs: 1, attempts: [answered(1001)] }))).toBe(true);
});
