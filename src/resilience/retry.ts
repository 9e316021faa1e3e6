// Whether a failed attempt may be followed by another: a pure decision over facts.
// It takes three things: the cause, the safety of the method, and whether the body can be sent again
// (RFC 9110 §9.2.2: a proxy must not repeat a request that is not idempotent, unless it knows that the request was
// never applied; that is known only where no byte of it was sent). Gateway and client share it.
import type { Ms } from "../std/units.ts";

export interface RetryFacts {
  /** Bytes of the request that went to the upstream in this attempt. */
  readonly bytesSent: number;
  /** Bytes of the response that came back in this attempt, 1xx included. */
  readonly bytesReceived: number;
  /** The connection died (rather than a deadline firing or the response being invalid). */
  readonly connectionDied: boolean;
  /** The response is whole so far, and its status is one that the route wants tried again. */
  readonly statusWanted: boolean;
  /** The method is, or a key makes it so where the route says that the application honours keys. */
  readonly idempotent: boolean;
  /** All of the body that was sent is still there to be sent again. */
  readonly bodyReplayable: boolean;
  /** An endpoint that this exchange has not tried is there. */
  readonly otherEndpoint: boolean;
  readonly attemptsMade: number;
  readonly attemptsMax: number;
  readonly elapsedMs: Ms;
  readonly withinMs: Ms;
  /** The budget of the upstream has room for one more. */
  readonly budgetLeft: boolean;
}

/** What makes a repetition safe. */
export type RetryProof = "nothing-sent" | "idempotent-no-response" | "idempotent-status";

export type RetryDecision =
  | { readonly retry: true; readonly proof: RetryProof }
  | { readonly retry: false; readonly reason: RetryRefusal };

export type RetryRefusal =
  | "attempts"
  | "time"
  | "response-begun"
  | "no-other-endpoint"
  | "not-idempotent"
  | "body-not-replayable"
  | "not-a-dead-connection"
  /** It would be safe, and too much at once. */
  | "budget";

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
const safe = (proof: RetryProof): RetryDecision => ({ retry: true, proof });

/** The retry rule: what is provably safe, within attempts, time and budget. */
export function decideRetry(facts: RetryFacts): RetryDecision {
  const decision = whetherSafe(facts);
  if (!decision.retry) return decision;
  if (facts.attemptsMade >= facts.attemptsMax) return refuse("attempts");
  if (facts.elapsedMs >= facts.withinMs) return refuse("time");
  return facts.budgetLeft ? decision : refuse("budget");
}

function whetherSafe(facts: RetryFacts): RetryDecision {
  // The same endpoint would fail in the same way: it takes another one.
  if (facts.bytesSent === 0 && facts.bytesReceived === 0)
    return facts.otherEndpoint ? safe("nothing-sent") : refuse("no-other-endpoint");
  if (!facts.statusWanted) {
    if (facts.bytesReceived > 0) return refuse("response-begun");
    if (!facts.connectionDied) return refuse("not-a-dead-connection");
  }
  if (!facts.idempotent) return refuse("not-idempotent");
  if (!facts.bodyReplayable) return refuse("body-not-replayable");
  return safe(facts.statusWanted ? "idempotent-status" : "idempotent-no-response");
}
