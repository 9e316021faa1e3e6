// Whether the disk may be asked directly. A file that is in the page cache is opened, looked at, read and closed in
// 7 µs by direct calls, in 20 to 160 µs by way of the thread pool; but a direct call holds up everybody. So direct calls
// are timed: where they take long (a cold disk, a file system behind a network) all calls go through the thread pool for
// a while. It is an average that counts, since a busy machine stops any process for some ms now and then. Others wait
// for a few slow calls before the first such while, and for one after each.
import { now } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";

const SLOW_MS: Ms = 3;
/** What one call adds to the average. */
const WEIGHT = 1 / 8;
const POOL_MS: Ms = 1000;

/** Now where the disk is fast, else later; await takes both. */
export type MaybeLater<T> = T | Promise<T>;

/** One for each process. */
export class DiskPace {
  readonly #clock: () => Ms;
  #averageMs: Ms = 0;
  #directAt: Ms = -Infinity;

  constructor(clock: () => Ms = () => now()) {
    this.#clock = clock;
  }

  /** Does it directly while that is fast, else in the thread pool. */
  run<T>(direct: () => T, pooled: () => Promise<T>): MaybeLater<T> {
    const begunAt = this.#clock();
    if (begunAt < this.#directAt) return pooled();
    const result = direct();
    const endedAt = this.#clock();
    this.#averageMs += (endedAt - begunAt - this.#averageMs) * WEIGHT;
    if (this.#averageMs > SLOW_MS) {
      // The next one tells: kept at the edge, one slow call is enough.
      this.#averageMs = SLOW_MS;
      this.#directAt = endedAt + POOL_MS;
    }
    return result;
  }
}
