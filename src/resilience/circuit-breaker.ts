// A circuit breaker: what is down is left alone for a while, so that its callers lose no time and it can recover.
// closed → open when enough requests failed in a row (the window alone is slow after a long run of successes), or
// within a window enough, and enough of all; open → half-open when its time is over; half-open lets exactly `probes`
// requests through: all succeed → recovering, one fails → open, for longer; recovering admits a share that grows to
// all → closed. Callers keep one breaker per endpoint, upstream or origin; they see a change by comparing `phase`.
// Plain state over facts: the instant and the randomness are passed in. A request that was admitted holds a permit
// and settles it exactly once; the outcome counts only in the phase that the permit is from.
import type { Ms } from "../std/units.ts";

export interface BreakerOptions {
  /** Failures in a row that open it; within the window too… */
  readonly failures: number;
  /** …if they are at least this share of the outcomes there (0 to 1). */
  readonly share: number;
  readonly windowMs: Ms;
  /** How long it stays open; doubles with each probe or recovery that fails. */
  readonly openMs: Ms;
  readonly openMaxMs: Ms;
  /** Requests that half-open lets through. */
  readonly probes: number;
  /** How long the admitted share takes to grow to all. */
  readonly recoveryMs: Ms;
}

export const BREAKER: BreakerOptions = {
  failures: 5,
  share: 0.5,
  windowMs: 10_000,
  openMs: 2_000,
  openMaxMs: 60_000,
  probes: 2,
  recoveryMs: 5_000,
};

export type BreakerPhase = "closed" | "open" | "half-open" | "recovering";

/** One key's state; only the functions here change it. */
export interface Breaker {
  phase: BreakerPhase;
  /** Of the phase: counts up with each change. */
  generation: number;
  /** Start of the window (closed, recovering) or of the phase (open, half-open). */
  sinceMs: Ms;
  succeeded: number;
  failed: number;
  /** Failures since the last success of the phase, in whatever window. */
  inRow: number;
  /** Permits of half-open that are out or have succeeded. */
  probing: number;
  openMs: Ms;
  /** When the recovery began. */
  recoveringSinceMs: Ms;
}

/** What an admitted request came to; "unknown" = it says nothing of the other side (the caller gave up). */
export type Outcome = "success" | "failure" | "unknown";

/** No permit: the request is refused. */
export const REFUSED = 0;

/** Of all requests, so many are admitted when the recovery begins. */
const RECOVERY_START = 0.1;

export function newBreaker(nowMs: Ms, options: BreakerOptions = BREAKER): Breaker {
  return {
    phase: "closed",
    generation: 1,
    sinceMs: nowMs,
    succeeded: 0,
    failed: 0,
    inRow: 0,
    probing: 0,
    openMs: options.openMs,
    recoveringSinceMs: nowMs,
  };
}

/** Asks for one request to go: a permit to settle later, or REFUSED. `random` is in [0, 1). */
export function admit(breaker: Breaker, nowMs: Ms, random: number, options: BreakerOptions = BREAKER): number {
  if (breaker.phase === "closed") return breaker.generation;
  if (breaker.phase === "open") {
    if (nowMs - breaker.sinceMs < breaker.openMs) return REFUSED;
    enter(breaker, "half-open", nowMs);
  }
  if (breaker.phase === "half-open") {
    if (breaker.probing >= options.probes) return REFUSED;
    breaker.probing += 1;
    return breaker.generation;
  }
  const progress = (nowMs - breaker.recoveringSinceMs) / options.recoveryMs;
  if (progress >= 1) {
    enter(breaker, "closed", nowMs);
    breaker.openMs = options.openMs;
    return breaker.generation;
  }
  return random < RECOVERY_START + (1 - RECOVERY_START) * progress ? breaker.generation : REFUSED;
}

/** What admit would answer to this request; changes nothing. */
export function admits(breaker: Breaker, nowMs: Ms, random: number, options: BreakerOptions = BREAKER): boolean {
  if (breaker.phase === "closed") return true;
  if (breaker.phase === "open") return nowMs - breaker.sinceMs >= breaker.openMs && options.probes > 0;
  if (breaker.phase === "half-open") return breaker.probing < options.probes;
  const progress = (nowMs - breaker.recoveringSinceMs) / options.recoveryMs;
  return random < RECOVERY_START + (1 - RECOVERY_START) * progress;
}

/**
 * Gives a permit back with the outcome of its request. Where it may not open (too many others are open already),
 * failures are only counted; a probe that fails opens it all the same.
 */
export function settle(
  breaker: Breaker,
  permit: number,
  outcome: Outcome,
  nowMs: Ms,
  options: BreakerOptions = BREAKER,
  mayOpen = true,
): void {
  if (permit !== breaker.generation) return;
  if (breaker.phase === "half-open") settleProbe(breaker, outcome, nowMs, options);
  else if (outcome !== "unknown") count(breaker, outcome, nowMs, options, mayOpen);
}

/** What was open is worth a probe at once. */
export function probeNow(breaker: Breaker, nowMs: Ms): void {
  if (breaker.phase === "open") enter(breaker, "half-open", nowMs);
}

/** Somebody has mended what it stands before: all that it counted is forgotten, and permits that are out say nothing. */
export function reset(breaker: Breaker, nowMs: Ms, options: BreakerOptions = BREAKER): void {
  enter(breaker, "closed", nowMs);
  breaker.openMs = options.openMs;
}

/** How long a refusal still holds; 0 where the next request may be admitted. */
export function openForMs(breaker: Breaker, nowMs: Ms): Ms {
  return breaker.phase === "open" ? Math.max(0, breaker.sinceMs + breaker.openMs - nowMs) : 0;
}

function settleProbe(breaker: Breaker, outcome: Outcome, nowMs: Ms, options: BreakerOptions): void {
  if (outcome === "unknown") {
    breaker.probing -= 1;
  } else if (outcome === "failure") {
    breaker.openMs = Math.min(options.openMaxMs, breaker.openMs * 2);
    enter(breaker, "open", nowMs);
  } else {
    breaker.succeeded += 1;
    if (breaker.succeeded < options.probes) return;
    enter(breaker, "recovering", nowMs);
    breaker.recoveringSinceMs = nowMs;
  }
}

function count(breaker: Breaker, outcome: Outcome, nowMs: Ms, options: BreakerOptions, mayOpen: boolean): void {
  if (nowMs - breaker.sinceMs >= options.windowMs) {
    breaker.sinceMs = nowMs;
    breaker.succeeded = 0;
    breaker.failed = 0;
  }
  if (outcome === "success") {
    breaker.succeeded += 1;
    breaker.inRow = 0;
    return;
  }
  breaker.failed += 1;
  breaker.inRow += 1;
  const share = breaker.failed / (breaker.failed + breaker.succeeded);
  const enough = breaker.inRow >= options.failures || (breaker.failed >= options.failures && share >= options.share);
  if (!mayOpen || !enough) return;
  if (breaker.phase === "recovering") breaker.openMs = Math.min(options.openMaxMs, breaker.openMs * 2);
  enter(breaker, "open", nowMs);
}

function enter(breaker: Breaker, phase: BreakerPhase, nowMs: Ms): void {
  breaker.phase = phase;
  breaker.generation += 1;
  breaker.sinceMs = nowMs;
  breaker.succeeded = 0;
  breaker.failed = 0;
  breaker.inRow = 0;
  breaker.probing = 0;
}
