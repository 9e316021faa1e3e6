import fc from "fast-check";
import { expect, test } from "vitest";
import { decideRetry, isIdempotent, type RetryFacts } from "./retry.ts";

const facts: RetryFacts = {
  bytesSent: 0,
  bytesReceived: 0,
  connectionDied: true,
  statusWanted: false,
  idempotent: true,
  bodyReplayable: true,
  otherEndpoint: true,
  attemptsMade: 1,
  attemptsMax: 2,
  elapsedMs: 5,
  withinMs: 10_000,
  budgetLeft: true,
};

test("a failed connect goes to another endpoint for any method", () => {
  expect(decideRetry({ ...facts, idempotent: false })).toEqual({ retry: true, proof: "nothing-sent" });
  expect(decideRetry({ ...facts, otherEndpoint: false })).toEqual({ retry: false, reason: "no-other-endpoint" });
});

test("a request that was sent is repeated only where it is idempotent, whole, and its connection died silently", () => {
  const sent = { ...facts, bytesSent: 100 };
  expect(decideRetry(sent)).toEqual({ retry: true, proof: "idempotent-no-response" });
  expect(decideRetry({ ...sent, otherEndpoint: false }).retry).toBe(true);
  expect(decideRetry({ ...sent, idempotent: false })).toEqual({ retry: false, reason: "not-idempotent" });
  expect(decideRetry({ ...sent, bodyReplayable: false })).toEqual({ retry: false, reason: "body-not-replayable" });
  expect(decideRetry({ ...sent, connectionDied: false })).toEqual({ retry: false, reason: "not-a-dead-connection" });
  expect(decideRetry({ ...sent, bytesReceived: 1 })).toEqual({ retry: false, reason: "response-begun" });
});

test("a status that the route wants tried again is repeated for idempotent requests, body and all", () => {
  const answered = { ...facts, bytesSent: 100, bytesReceived: 200, connectionDied: false, statusWanted: true };
  expect(decideRetry(answered)).toEqual({ retry: true, proof: "idempotent-status" });
  expect(decideRetry({ ...answered, idempotent: false })).toEqual({ retry: false, reason: "not-idempotent" });
  expect(decideRetry({ ...answered, bodyReplayable: false })).toEqual({ retry: false, reason: "body-not-replayable" });
  expect(decideRetry({ ...answered, attemptsMade: 2 })).toEqual({ retry: false, reason: "attempts" });
});

test("over the budget is said only where the retry would be safe", () => {
  expect(decideRetry({ ...facts, budgetLeft: false })).toEqual({ retry: false, reason: "budget" });
  expect(decideRetry({ ...facts, budgetLeft: false, bytesSent: 1, idempotent: false }).retry).toBe(false);
});

test("no facts repeat a POST of which a byte was sent, nor anything behind a response byte or the bounds", () => {
  const arbitrary = fc.record({
    bytesSent: fc.nat(3),
    bytesReceived: fc.nat(3),
    connectionDied: fc.boolean(),
    statusWanted: fc.boolean(),
    budgetLeft: fc.boolean(),
    idempotent: fc.boolean(),
    bodyReplayable: fc.boolean(),
    otherEndpoint: fc.boolean(),
    attemptsMade: fc.nat(4),
    attemptsMax: fc.nat(4),
    elapsedMs: fc.nat(20),
    withinMs: fc.nat(20),
  });
  fc.assert(
    fc.property(arbitrary, (f) => {
      if (!decideRetry(f).retry) return;
      expect(f.bytesReceived === 0 || f.statusWanted).toBe(true);
      expect(f.budgetLeft).toBe(true);
      expect(f.attemptsMade).toBeLessThan(f.attemptsMax);
      expect(f.elapsedMs).toBeLessThan(f.withinMs);
      if (f.bytesSent > 0) expect(f.idempotent && f.bodyReplayable).toBe(true);
    }),
  );
});

test("idempotent methods are those of RFC 9110 §9.2.2", () => {
  expect(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"].every(isIdempotent)).toBe(true);
  expect(["POST", "PATCH", "CONNECT", "get", "PURGE"].some(isIdempotent)).toBe(false);
});
