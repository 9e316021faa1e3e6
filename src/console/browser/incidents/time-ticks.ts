// Round instants on an axis of time, by the reader's own clock: full minutes, hours, midnights.
import type { Ms } from "../../../std/units.ts";
import type { Range } from "../../../store/model.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS: readonly Ms[] = [
  ...[1, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 3, 5, 7, 14].map((count) => count * DAY),
];

/** At most `most` of them. */
export function timeTicks({ from, to }: Range, most: number): { readonly stepMs: Ms; readonly at: readonly Ms[] } {
  const rough = (to - from) / Math.max(1, most);
  const stepMs = STEPS.find((step) => step >= rough) ?? 30 * DAY;
  // Midnight is a matter of the reader's zone; it is taken at the beginning of the span.
  const zone = new Date(from).getTimezoneOffset() * MINUTE;
  const at: Ms[] = [];
  for (let tick = Math.ceil((from - zone) / stepMs) * stepMs + zone; tick <= to; tick += stepMs) at.push(tick);
  return { stepMs, at };
}
