// Which spans points are kept in, for how long, and which of them answers a question. Pure.
import type { Ms } from "../std/units.ts";
import type { Range } from "./model.ts";

const HOUR: Ms = 3_600_000;
const DAY: Ms = 24 * HOUR;

/** Each is a multiple of the one before. Two hours are for a month at once: a picture of it has a few hundred points. */
export const SPANS: readonly { readonly spanMs: Ms; readonly keptMs: Ms }[] = [
  { spanMs: 10_000, keptMs: 6 * HOUR },
  { spanMs: 60_000, keptMs: 3 * DAY },
  { spanMs: 600_000, keptMs: Infinity },
  { spanMs: 7_200_000, keptMs: Infinity },
];

export const FINEST_MS: Ms = 10_000;
const WANTED = 300;
const WANTED_MAX = 5_000;

/** Spans that answer a question, best first; those behind it are coarser. `now` = the end of what can be there. */
export function spansFor(range: Range, wanted: number | undefined, now: Ms): readonly Ms[] {
  const length = Math.max(1, range.to - range.from);
  const aim = Math.min(WANTED_MAX, Math.max(1, wanted !== undefined && wanted > 0 ? wanted : WANTED));
  const kept = SPANS.filter(({ keptMs }) => range.from >= now - keptMs - FINEST_MS);
  let best = 0;
  for (const [index, { spanMs }] of kept.entries()) {
    if (distance(length / spanMs, aim) < distance(length / kept[best]!.spanMs, aim)) best = index;
  }
  return kept.slice(best).map(({ spanMs }) => spanMs);
}

/** How far a number of points is from what is wanted; too few are as bad as too many. */
function distance(points: number, wanted: number): number {
  return Math.abs(Math.log(points / wanted));
}
