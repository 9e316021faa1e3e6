// What the live tail holds: the newest 500 entries, newest first, each with a number that stays its own. Entries come
// in parts, many times a second; what is shown changes once per frame at most, when somebody asks for it (`shown`).
// While it is paused, or while somebody reads further down, what comes is held back, bounded as well, and counted.
// No clock and no page in here.
import type { TailEntry } from "../../../observe/report.ts";

export interface TailRow {
  readonly key: number;
  readonly entry: TailEntry;
}

export const ROWS_MAX = 500;

export class TailBuffer {
  #rows: readonly TailRow[] = [];
  #held: TailRow[] = [];
  #heldCount = 0;
  #holding = false;
  #left = 0;
  #seen = 0;
  #changed = false;

  /** Takes a part of the stream, oldest first; `left` = how many the gateway left out. */
  push(entries: readonly TailEntry[], left: number): void {
    this.#left += left;
    // What is pushed out in the same part is never looked at.
    const kept = entries.slice(-ROWS_MAX);
    this.#seen += entries.length - kept.length;
    for (const entry of kept) {
      this.#seen += 1;
      this.#held.push({ key: this.#seen, entry });
    }
    this.#heldCount += entries.length;
    if (this.#held.length > 2 * ROWS_MAX) this.#held = this.#held.slice(-ROWS_MAX);
    if (entries.length > 0 || left > 0) this.#changed = true;
  }

  /** Holds back what comes, or lets it in. */
  hold(holding: boolean): void {
    if (holding === this.#holding) return;
    this.#holding = holding;
    this.#changed = true;
  }

  /** Forgets everything: another filter. */
  clear(): void {
    this.#rows = [];
    this.#held = [];
    this.#heldCount = 0;
    this.#left = 0;
    this.#seen = 0;
    this.#changed = true;
  }

  /** Whether there is anything to draw since the last call of `shown`. */
  get changed(): boolean {
    return this.#changed;
  }

  /** The rows to draw, the same array as before where nothing came in. */
  shown(): readonly TailRow[] {
    this.#changed = false;
    if (!this.#holding && this.#held.length > 0) {
      const fresh = this.#held.slice(-ROWS_MAX).reverse();
      this.#rows = [...fresh, ...this.#rows].slice(0, ROWS_MAX);
      this.#held = [];
    }
    if (!this.#holding) this.#heldCount = 0;
    return this.#rows;
  }

  /** Came while it was held back. */
  get heldBack(): number {
    return this.#holding ? this.#heldCount : 0;
  }

  /** Left out by the gateway, since the beginning. */
  get left(): number {
    return this.#left;
  }

  /** All that came. */
  get seen(): number {
    return this.#seen;
  }
}

export interface Slice {
  readonly first: number;
  readonly count: number;
  readonly above: number;
  readonly below: number;
}

/** Which rows of a long list are drawn, and how much room the others need. */
export function visibleSlice(
  rows: number,
  { top, height, rowHeight, beyond }: { top: number; height: number; rowHeight: number; beyond: number },
): Slice {
  const first = Math.max(0, Math.min(rows, Math.floor(top / rowHeight) - beyond));
  const last = Math.min(rows, Math.ceil((top + height) / rowHeight) + beyond);
  const count = Math.max(0, last - first);
  return { first, count, above: first * rowHeight, below: (rows - first - count) * rowHeight };
}
