// Points of longer spans while they grow: every ten seconds each series would rewrite a row per resolution, so what is
// finest is written at once and the sums of longer spans now and then. A kill loses at most five minutes of them, and
// nothing of what is finest. What waits is a difference: who writes it adds it to the row that is there. Time is that
// of the points, whatever the clock does. Plain state; who writes says when.
import { mergePoints, seriesKey } from "../observe/history.ts";
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

/** What is still to be added to the rows of longer spans. */
export class Rollup {
  readonly #waiting: ReadonlyMap<Ms, Map<string, Point>> = new Map(COARSE.map((spanMs) => [spanMs, new Map()]));
  /** The end of the newest point of the last that were given: earlier than before when the clock was set back. */
  #latest: Ms = 0;
  #takenAt: Ms | null = null;

  /** Points that were written as they are. */
  add(points: readonly Point[]): void {
    if (points.length === 0) return;
    this.#latest = points.reduce((latest, { at, spanMs }) => Math.max(latest, at + spanMs), 0);
    this.#takenAt ??= this.#latest;
    for (const spanMs of COARSE) this.#merge(spanMs, points);
  }

  /** Takes what is to be written now: what is over, all every five minutes, or `everything`. */
  take(everything = false): readonly Due[] {
    const since = this.#latest - (this.#takenAt ?? this.#latest);
    const all = everything || since >= EVERY_MS || since < 0;
    if (all) this.#takenAt = this.#latest === 0 ? null : this.#latest;
    const due: Due[] = [];
    for (const [spanMs, waiting] of this.#waiting) {
      const points: Point[] = [];
      for (const [key, point] of waiting) {
        const over = spanMs <= WHOLE_MS && point.at + spanMs <= this.#latest;
        if (!all && !over) continue;
        points.push(point);
        waiting.delete(key);
      }
      if (points.length > 0) due.push({ spanMs, points });
    }
    return due;
  }

  /** What could not be written waits again. */
  putBack(due: readonly Due[]): void {
    for (const { spanMs, points } of due) this.#merge(spanMs, points);
  }

  /** What waits of a resolution; none of what is finest, which never waits. */
  waiting(spanMs: Ms): readonly Point[] {
    return [...(this.#waiting.get(spanMs)?.values() ?? [])];
  }

  #merge(spanMs: Ms, points: readonly Point[]): void {
    const waiting = this.#waiting.get(spanMs)!;
    for (const fresh of mergePoints(points, spanMs)) {
      const key = `${fresh.at} ${seriesKey(fresh.kind, fresh.name)}`;
      const before = waiting.get(key);
      waiting.set(key, before === undefined ? fresh : mergePoints([before, fresh], spanMs)[0]!);
    }
  }
}
