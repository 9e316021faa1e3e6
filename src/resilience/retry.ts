// Whether a failed attempt may be followed by another: a pure decision over facts.
// It takes three things: the cause, the safety of the method, and whether the body can be sent again
// (RFC 9110 §9.2.2: a proxy must not repeat a request that is not idempotent, unless it knows that the request was
// never applied; that is known only where no byte of it was sent).
import type { Ms } from "../std/units.ts";

export interface RetryFacts {
  /** Bytes of the request that went to the upstream in this attempt. */
  readonly bytesSent: number;
  /** Bytes of the response that came back in this attempt, 1xx included. */
  readonly bytesReceived: number;
  /** The connection died (rather than a deadline firing or the response being invalid). */
  readonly connectionDied: boolean;
  readonly idempotent: boolean;
  /** All of the body that was sent is still there to be sent again. */
  readonly bodyReplayable: boolean;
  /** An endpoint that this exchange has not tried is there. */
  readonly otherEndpoint: boolean;
  readonly attemptsMade: number;
  readonly attemptsMax: number;
  readonly elapsedMs: Ms;
  readonly withinMs: Ms;
}

export type RetryDecision =
  | { readonly retry: true; readonly proof: "nothing-sent" | "idempotent-no-response" }
  | { readonly retry: false; readonly reason: RetryRefusal };

export type RetryRefusal =
  | "attempts"
  | "time"
  | "response-begun"
  | "no-other-endpoint"
  | "not-idempotent"
  | "body-not-replayable"
  | "not-a-dead-connection";

/** RFC 9110 §9.2.2. */
export function isIdempotent(method: string): boolean {
  switch (method) {
    case "GET":
    case "HEAD":
    case "OPTIONS":
    case "PUT":
    case "DELETE":
    case "TRACE":
      return true;
    default:
      return false;
  }
}

const refuse = (reason: RetryRefusal): RetryDecision => ({ retry: false, reason });

/** The first retry rule: what is provably safe goes elsewhere. */
export function decideRetry(facts: RetryFacts): RetryDecision {
  if (facts.attemptsMade >= facts.attemptsMax) return refuse("attempts");
  if (facts.elapsedMs >= facts.withinMs) return refuse("time");
  if (facts.bytesReceived > 0) return refuse("response-begun");
  if (facts.bytesSent === 0) {
    // The same endpoint would fail in the same way: it takes another one.
    return facts.otherEndpoint ? { retry: true, proof: "nothing-sent" } : refuse("no-other-endpoint");
  }
  if (!facts.connectionDied) return refuse("not-a-dead-connection");
  if (!facts.idempotent) return refuse("not-idempotent");
  if (!facts.bodyReplayable) return refuse("body-not-replayable");
  return { retry: true, proof: "idempotent-no-response" };
}
