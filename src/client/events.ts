// What the client tells of itself, for logs and metrics: a closed union.
import type { BreakerPhase } from "../resilience/circuit-breaker.ts";
import type { Ms } from "../std/units.ts";
import type { RetryRefusal } from "./decide.ts";
import type { RequestFailure } from "./request-failure.ts";

export type ClientEvent =
  /** A try failed and another follows after the wait. */
  | {
      readonly type: "retry";
      readonly method: string;
      readonly url: string;
      /** The try that failed; 1 = the first. */
      readonly attempt: number;
      readonly waitMs: Ms;
      readonly failure: RequestFailure;
    }
  /** A try after the first succeeded: a failure that nobody saw. */
  | {
      readonly type: "recovered";
      readonly method: string;
      readonly url: string;
      readonly attempts: number;
      readonly elapsedMs: Ms;
    }
  /** The request failed, and why it was not tried again. */
  | { readonly type: "failed"; readonly failure: RequestFailure; readonly why: RetryRefusal }
  /** The breaker of an origin changed. */
  | { readonly type: "circuit"; readonly origin: string; readonly from: BreakerPhase; readonly to: BreakerPhase };
