// Counts over time in bounded memory: steps of a second, coarsened (5 s, 1 min, 10 min, 1 h, 1 d) when there are too many.
// The steps of a plot are multiples of these. Pure.
import type { EntryClass } from "../../knowledge/entry.ts";
import type { Ms } from "../../std/units.ts";

export interface Bucket {
  requests: number;
  failures: number;
  readonly classes: Map<EntryClass | null, number>;
}

const SECOND_MS = 1000;
const STEPS_MS: readonly Ms[] = [1, 5, 60, 600, 3600, 86_400].map((seconds) => seconds * SECOND_MS);
const BUCKETS_MAX = 8192;

/** Counts by time. */
export class Buckets {
  #level = 0;
  #counts = new Map<number, Bucket>();

  /** By the beginning of the step, in no order. */
  get counts(): ReadonlyMap<number, Bucket> {
    return this.#counts;
  }

  get stepMs(): Ms {
    return STEPS_MS[this.#level] ?? SECOND_MS;
  }

  request(atMs: number): void {
    this.#at(atMs).requests++;
  }

  failure(atMs: number, of: EntryClass | null): void {
    const bucket = this.#at(atMs);
    bucket.failures++;
    bucket.classes.set(of, (bucket.classes.get(of) ?? 0) + 1);
  }

  #at(atMs: number): Bucket {
    const start = Math.floor(atMs / this.stepMs) * this.stepMs;
    const known = this.#counts.get(start);
    if (known) return known;
    if (this.#counts.size >= BUCKETS_MAX && this.#level < STEPS_MS.length - 1) {
      this.#coarsen();
      return this.#at(atMs);
    }
    const bucket: Bucket = { requests: 0, failures: 0, classes: new Map() };
    this.#counts.set(start, bucket);
    return bucket;
  }

  #coarsen(): void {
    this.#level++;
    const before = this.#counts;
    this.#counts = new Map();
    for (const [start, { requests, failures, classes }] of before) {
      const into = this.#at(start);
      into.requests += requests;
      into.failures += failures;
      for (const [of, count] of classes) into.classes.set(of, (into.classes.get(of) ?? 0) + count);
    }
  }
}
