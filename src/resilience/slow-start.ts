// Slow start: an endpoint that is new, or back, has cold caches and a cold runtime; the load that the others carry
// would push it over at once. Its share grows in a straight line; balancers scale its weight by it, the queue its
// connections. The share never begins at nothing: an endpoint without requests does not get warm.
import type { Ms } from "../std/units.ts";

/** The share that it begins with. */
const COLDEST = 0.1;

/** The share of its load that an endpoint gets that has been back since `sinceMs`: 0.1 to 1. */
export function warmth(sinceMs: Ms, nowMs: Ms, durationMs: Ms): number {
  const agoMs = nowMs - sinceMs;
  if (agoMs >= durationMs) return 1;
  return agoMs <= 0 ? COLDEST : COLDEST + (1 - COLDEST) * (agoMs / durationMs);
}

/** The connections that it may have at that share; 0 = no limit. */
export function warmLimit(limit: number, share: number): number {
  return limit === 0 ? 0 : Math.max(1, Math.floor(limit * share));
}
