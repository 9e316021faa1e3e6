// Sums that stay small whatever comes: counts by name, samples of spans, failures over time. Everything here can be
// added to in any order with the same result, as long as its bound is not reached; reports of several workers come
// interleaved.
import type { Counts } from "../observe/report.ts";
import type { Ms } from "../std/units.ts";

const NAMES_KEPT = 64;
const NAMES_MAX = 160;

const isBefore = (a: readonly [string, number], b: readonly [string, number]): boolean =>
  a[1] > b[1] || (a[1] === b[1] && a[0] < b[0]);

/** Counts by name. Past its bound the smallest are forgotten; `total` stays right. */
export class Tally {
  readonly counts = new Map<string, number>();
  total = 0;

  add(name: string, count: number): void {
    if (count <= 0) return;
    this.total += count;
    this.counts.set(name, (this.counts.get(name) ?? 0) + count);
    if (this.counts.size > NAMES_MAX) this.#forget();
  }

  addAll(counts: Counts): void {
    for (const name in counts) this.add(name, counts[name]!);
  }

  get(name: string): number {
    return this.counts.get(name) ?? 0;
  }

  /** Most first; equal ones by name, so that the order of arrival does not show. */
  top(most: number): [name: string, count: number][] {
    // Few of many: they are kept in order while the others go by.
    const best: [string, number][] = [];
    for (const entry of this.counts) {
      if (best.length === most && !isBefore(entry, best[most - 1]!)) continue;
      let at = best.length;
      while (at > 0 && isBefore(entry, best[at - 1]!)) at--;
      best.splice(at, 0, entry);
      if (best.length > most) best.pop();
    }
    return best;
  }

  toCounts(most = 16): Counts {
    return Object.fromEntries(this.top(most));
  }

  #forget(): void {
    const kept = [...this.counts].sort((a, b) => (isBefore(a, b) ? -1 : 1)).slice(0, NAMES_KEPT);
    this.counts.clear();
    for (const [name, count] of kept) this.counts.set(name, count);
  }
}

const SAMPLES_MAX = 128;

/** Single spans or sizes: when there are too many, every second one goes. */
export class Samples {
  values: number[] = [];

  addAll(values: readonly number[]): void {
    for (const value of values) if (Number.isFinite(value) && value >= 0) this.values.push(value);
    while (this.values.length > SAMPLES_MAX) {
      this.values.sort((a, b) => a - b);
      this.values = this.values.filter((_, at) => at % 2 === 0);
    }
  }

  /** Smallest first. */
  sorted(): number[] {
    return [...this.values].sort((a, b) => a - b);
  }
}

/** Where single values gather. */
export interface Cluster {
  readonly ms: Ms;
  /** Members, and their share of all. */
  readonly count: number;
  readonly share: number;
}

/**
 * The densest cluster of spans: values within 2 % (at least 60 ms) of each other. Spans that a timer makes lie close
 * together; those that work makes do not. Below 900 ms no timer is told from work.
 */
export function clusterOf(values: readonly number[], leastMs: Ms = 900): Cluster | null {
  const sorted = [...values].sort((a, b) => a - b);
  let best: Cluster | null = null;
  let from = 0;
  for (let to = 0; to < sorted.length; to++) {
    while (sorted[to]! - sorted[from]! > Math.max(60, sorted[to]! * 0.02)) from++;
    const count = to - from + 1;
    const ms = sorted[(from + to) >> 1]!;
    if (ms >= leastMs && count > (best?.count ?? 0)) best = { ms, count, share: count / sorted.length };
  }
  return best;
}

const POINTS_MAX = 120;

/** Failures over time in at most 120 steps of equal length; the step doubles as time goes on. */
export class Series {
  readonly fromAt: Ms;
  stepMs: Ms = 1000;
  shown: number[] = [];
  saved: number[] = [];

  constructor(fromAt: Ms) {
    this.fromAt = Math.floor(fromAt / 1000) * 1000;
  }

  add(at: Ms, shown: number, saved: number): void {
    while ((at - this.fromAt) / this.stepMs >= POINTS_MAX) this.#double();
    const slot = Math.max(0, Math.floor((at - this.fromAt) / this.stepMs));
    while (this.shown.length <= slot) {
      this.shown.push(0);
      this.saved.push(0);
    }
    this.shown[slot]! += shown;
    this.saved[slot]! += saved;
  }

  snapshot(): { fromAt: Ms; stepMs: Ms; shown: readonly number[]; saved: readonly number[] } {
    return { fromAt: this.fromAt, stepMs: this.stepMs, shown: [...this.shown], saved: [...this.saved] };
  }

  #double(): void {
    this.stepMs *= 2;
    this.shown = inPairs(this.shown);
    this.saved = inPairs(this.saved);
  }
}

function inPairs(values: readonly number[]): number[] {
  const halved: number[] = [];
  for (let at = 0; at < values.length; at += 2) halved.push(values[at]! + (values[at + 1] ?? 0));
  return halved;
}
