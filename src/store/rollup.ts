// Points of longer spans while they grow: every ten seconds each series would rewrite a row per resolution, so what is
// finest is written at once and the sums of longer spans now and then. A kill loses at most five minutes of them, and
// nothing of what is finest. Plain state; who writes says when.
import { mergePoints } from "../observe/history.ts";
import type { Point } from "../observe/report.ts";
import type { Ms } from "../std/units.ts";
import { SPANS } from "./resolution.ts";

const COARSE = SPANS.slice(1).map(({ spanMs }) => spanMs);
/** Spans up to this are written once, when they are over. */
const WHOLE_MS: Ms = 60_000;
const EVERY_MS: Ms = 300_000;

/** Sums that wait to be written, of one resolution. */
export interface Due {
  readonly spanMs: Ms;
  readonly points: readonly Point[];
}

export class Rollup {
  #waiting = new Map<Ms, readonly Point[]>();
  #latest: Ms = 0;
  #writtenAt: Ms = 0;

  /** Points that were written as they are. */
  add(points: readonly Point[]): void {
    for (const { at, spanMs } of points) this.#latest = Math.max(this.#latest, at + spanMs);
    if (this.#writtenAt === 0) this.#writtenAt = this.#latest;
    for (const spanMs of COARSE) {
      this.#waiting.set(spanMs, mergePoints([...(this.#waiting.get(spanMs) ?? []), ...points], spanMs));
    }
  }

  /** Takes what is to be written now: what is over, all every five minutes, or `everything`. */
  take(everything = false): readonly Due[] {
    const all = everything || this.#latest - this.#writtenAt >= EVERY_MS || this.#latest < this.#writtenAt;
    const due: Due[] = [];
    for (const [spanMs, points] of this.#waiting) {
      const isDue = ({ at }: Point): boolean => all || (spanMs <= WHOLE_MS && at + spanMs <= this.#latest);
      const now = points.filter(isDue);
      if (now.length === 0) continue;
      due.push({ spanMs, points: now });
      this.#waiting.set(
        spanMs,
        points.filter((point) => !isDue(point)),
      );
    }
    if (all) this.#writtenAt = this.#latest;
    return due;
  }

  /** What could not be written waits again. */
  putBack(due: readonly Due[]): void {
    for (const { spanMs, points } of due) {
      this.#waiting.set(spanMs, mergePoints([...points, ...(this.#waiting.get(spanMs) ?? [])], spanMs));
    }
  }
}
