// The most frequent values of an endless stream in bounded memory (the Space-Saving algorithm of Metwally, Agrawal and
// El Abbadi): a new value takes the place of the rarest and its count with it, so that no frequent value is missed and
// the counts of such newcomers are upper bounds.
import type { Counted } from "./log-report.ts";

const VALUES_MAX = 64;
/** How many a report shows. */
export const TOP_SHOWN = 8;

interface Slot {
  count: number;
  /** What the count began with: 0 = exact. */
  inherited: number;
}

/** Counts values. */
export class Top {
  readonly #slots = new Map<string, Slot>();

  add(value: string | undefined, count = 1): void {
    if (value === undefined || value === "") return;
    const slot = this.#slots.get(value);
    if (slot) {
      slot.count += count;
      return;
    }
    const inherited = this.#slots.size < VALUES_MAX ? 0 : this.#dropRarest();
    this.#slots.set(ownCopy(value), { count: inherited + count, inherited });
  }

  /** Takes what another counted. */
  merge(other: Top): void {
    for (const [value, { count, inherited }] of other.#slots) {
      this.add(value, count);
      this.#slots.get(value)!.inherited += inherited;
    }
  }

  /** Most frequent first. */
  list(shown: number = TOP_SHOWN): Counted[] {
    return [...this.#slots]
      .map(([value, { count, inherited }]) => ({ value, count, atMost: inherited > 0 }))
      .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
      .slice(0, shown);
  }

  #dropRarest(): number {
    let rarest = "";
    let least = Number.POSITIVE_INFINITY;
    for (const [value, { count }] of this.#slots) {
      if (count >= least) continue;
      least = count;
      rarest = value;
      if (count === 1) break;
    }
    this.#slots.delete(rarest);
    return least;
  }
}

/** A copy that holds nothing else: a piece of a line keeps the whole chunk of the file alive that it was cut from. */
export function ownCopy(text: string): string {
  return ` ${text}`.slice(1);
}
