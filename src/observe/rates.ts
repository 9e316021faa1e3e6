// What happens now: rates and percentiles of each series over the last seconds, from the same differences that the
// history is made of.
import type { Ms } from "../std/units.ts";
import { History, seriesKey } from "./history.ts";
import type { Family } from "./metrics-text.ts";
import type { Point, Rates, SeriesKind } from "./report.ts";
import { LATENCY_BOUNDS_MS } from "./series.ts";

/** Over how long a rate is taken. */
const OVER_MS: Ms = 5_000;

const NOTHING: Rates = {
  perSecond: 0,
  shownPerSecond: 0,
  savedPerSecond: 0,
  ownErrorsPerSecond: 0,
  causes: {},
  p50Ms: null,
  p95Ms: null,
  p99Ms: null,
};

/** One snapshot's differences, by series. */
interface Step {
  readonly at: Ms;
  readonly spanMs: Ms;
  readonly points: ReadonlyMap<string, Point>;
}

export class RateMeter {
  readonly #history = new History();
  #steps: readonly Step[] = [];
  #takenAt: Ms | null = null;

  /** Takes a snapshot; about one a second gives rates that are steady. */
  take(families: readonly Family[], wall: Ms): void {
    this.add(this.#history.take(families, wall), wall);
  }

  /** Takes what a history gave at this moment, where there is one that is asked as often. */
  add(points: readonly Point[], wall: Ms): void {
    const spanMs = this.#takenAt === null ? 0 : Math.max(0, wall - this.#takenAt);
    this.#takenAt = wall;
    if (spanMs === 0 && points.length === 0) return;
    const step = {
      at: wall,
      spanMs,
      points: new Map(points.map((point) => [seriesKey(point.kind, point.name), point])),
    };
    // A clock that was set back leaves nothing that is newer than now.
    const recent = this.#steps.filter(({ at }) => at > wall - OVER_MS && at <= wall);
    this.#steps = [...recent, step];
  }

  /** Of one series; "" is the name of all. */
  rates(kind: SeriesKind, name: string): Rates {
    const spanMs = this.#steps.reduce((sum, step) => sum + step.spanMs, 0);
    const key = seriesKey(kind, name);
    const points = this.#steps.flatMap((step) => step.points.get(key) ?? []);
    if (points.length === 0 || spanMs === 0) return NOTHING;
    const perSecond = (value: (point: Point) => number): number =>
      (points.reduce((sum, point) => sum + value(point), 0) * 1000) / spanMs;
    const causes = new Set(points.flatMap((point) => Object.keys(point.causes)));
    const counts = LATENCY_BOUNDS_MS.map(() => 0).concat(0);
    for (const { latency } of points) for (let i = 0; i < counts.length; i++) counts[i]! += latency[i] ?? 0;
    return {
      perSecond: perSecond((point) => point.requests),
      shownPerSecond: perSecond((point) => point.shown),
      savedPerSecond: perSecond((point) => point.saved),
      ownErrorsPerSecond: perSecond((point) => point.ownErrors ?? 0),
      causes: Object.fromEntries([...causes].map((cause) => [cause, perSecond((point) => point.causes[cause] ?? 0)])),
      p50Ms: quantile(counts, 0.5),
      p95Ms: quantile(counts, 0.95),
      p99Ms: quantile(counts, 0.99),
    };
  }
}

/**
 * Below which value a share `q` of what the buckets count lies: as if each bucket's values were spread evenly over it.
 * What lies above the last bound is that bound. Null = the buckets are empty.
 */
export function quantile(counts: readonly number[], q: number): Ms | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = q * total;
  let below = 0;
  for (let bucket = 0; bucket < LATENCY_BOUNDS_MS.length; bucket++) {
    const count = counts[bucket] ?? 0;
    if (count > 0 && below + count >= rank) {
      const from = bucket === 0 ? 0 : LATENCY_BOUNDS_MS[bucket - 1]!;
      return from + ((LATENCY_BOUNDS_MS[bucket]! - from) * Math.max(0, rank - below)) / count;
    }
    below += count;
  }
  return LATENCY_BOUNDS_MS.at(-1)!;
}
