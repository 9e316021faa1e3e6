// Whether a failed try is followed by another: a pure decision over facts, in the order that explains most.
// As at the gateway (resilience/retry.ts): the failure, the method and the body decide; but a client never knows that
// no byte was sent, so other methods than the safe ones need an Idempotency-Key.
import type { Ms } from "../std/units.ts";

export interface TryFacts {
  readonly attemptsMade: number;
  readonly attemptsMax: number;
  /** The method is safe to repeat, or an Idempotency-Key makes it so. */
  readonly repeatable: boolean;
  readonly bodyReplayable: boolean;
  /** The gateway says that the same request would fail again. */
  readonly refusedByGateway: boolean;
  /** The wait before the next try. */
  readonly waitMs: Ms;
  /** Until the deadline over all tries. */
  readonly leftMs: Ms;
  /** How long the circuit stays open. */
  readonly openForMs: Ms;
}

/** "circuit-open" and "budget" can also be found after the decision. */
export type RetryRefusal = "method" | "body" | "not-retryable" | "attempts" | "deadline" | "circuit-open" | "budget";

/** Why there is no further try; null = there is one. */
export function refusal(facts: TryFacts): RetryRefusal | null {
  if (!facts.repeatable) return "method";
  if (!facts.bodyReplayable) return "body";
  if (facts.refusedByGateway) return "not-retryable";
  if (facts.attemptsMade >= facts.attemptsMax) return "attempts";
  // A wait that ends at the deadline leaves no time for a try.
  if (facts.waitMs >= facts.leftMs) return "deadline";
  return facts.openForMs > facts.waitMs ? "circuit-open" : null;
}
