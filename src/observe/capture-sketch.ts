// How much can be said of a stream of values in little memory: which occur most (TopCounts), a fair choice of numbers
// (Reservoir), and how many different ones there were (TopCounts.distinct). A flood of values that occur once each
// neither grows them nor drives out those that occur often. Randomness comes from outside.

import { wholeWords } from "./capture-text.ts";

/** Gives numbers from 0 to below 1. */
export type Random = () => number;

/** Values told apart before the rarest give way. */
const VALUES_MAX = 32;
/** Longer values are cut: what tells them apart stands in front. */
const CHARACTERS_MAX = 256;

/**
 * How often each value occurred. Exact for up to VALUES_MAX different ones; beyond, a new value takes the place of the
 * rarest with a probability of 1 in (its count + 1) ("randomised admission"), and only occurrences that were counted
 * under its own name are told: a count is never more than the truth.
 */
export class TopCounts {
  /** Most have one value only, and are this. */
  #only = "";
  #onlyCount = 0;
  #many: ManyCounts | null = null;

  /** Counts one occurrence. */
  add(value: string, random: Random): void {
    if (value.length > CHARACTERS_MAX) value = wholeWords(value, CHARACTERS_MAX);
    if (this.#many !== null) return this.#many.add(value, random);
    if (this.#onlyCount === 0) this.#only = ownCopy(value);
    else if (this.#only !== value) {
      this.#many = new ManyCounts(this.#only, this.#onlyCount);
      return this.#many.add(value, random);
    }
    this.#onlyCount++;
  }

  /** How many different values there were: exact up to VALUES_MAX, else an estimate. */
  get distinct(): number {
    return this.#many === null ? Math.min(this.#onlyCount, 1) : this.#many.distinct;
  }

  /** The most frequent values as they are called by `name`, at most `max`; what is called the same is added up. */
  top(max: number, name: (value: string) => string): Record<string, number> {
    // Without a prototype it is a dictionary from the start: a shape for each path would cost more than all the rest.
    const top = Object.create(null) as Record<string, number>;
    if (this.#many !== null) {
      for (const [called, count] of this.#many.sums(name).slice(0, max)) top[called] = count;
    } else if (this.#onlyCount > 0) top[safeKey(name(this.#only))] = this.#onlyCount;
    return top;
  }
}

class ManyCounts {
  readonly #names: string[];
  /** With what a value took over from the one whose place it took … */
  readonly #counts: number[];
  /** … which is this much. */
  readonly #inherited: number[] = [0];
  readonly #places: Map<string, number>;
  #last = 0;
  /** At most the least of the counts; they only grow. */
  #least = 0;
  #registers: Uint8Array | null = null;

  constructor(name: string, count: number) {
    this.#names = [name];
    this.#counts = [count];
    this.#places = new Map([[name, 0]]);
  }

  add(value: string, random: Random): void {
    if (this.#names[this.#last] === value) this.#counts[this.#last]!++;
    else this.#addOther(value, random);
  }

  get distinct(): number {
    return this.#registers === null ? this.#names.length : Math.max(this.#names.length, estimate(this.#registers));
  }

  /** The greatest first. */
  sums(name: (value: string) => string): [string, number][] {
    const sums = new Map<string, number>();
    for (let place = 0; place < this.#names.length; place++) {
      const called = safeKey(name(this.#names[place]!));
      sums.set(called, (sums.get(called) ?? 0) + this.#counts[place]! - this.#inherited[place]!);
    }
    return [...sums].sort(([, a], [, b]) => b - a);
  }

  #addOther(value: string, random: Random): void {
    const names = this.#names;
    const known = this.#places.get(value);
    if (known !== undefined) {
      this.#counts[known]!++;
      this.#last = known;
      return;
    }
    if (names.length < VALUES_MAX) return this.#place(names.length, value, 0);
    if (this.#registers === null) {
      this.#registers = new Uint8Array(REGISTERS);
      for (const name of names) note(this.#registers, name);
      this.#least = Math.min(...this.#counts);
    }
    note(this.#registers, value);
    if (random() * (this.#least + 1) >= 1) return;
    const place = indexOfLeast(this.#counts);
    this.#least = this.#counts[place]!;
    this.#places.delete(names[place]!);
    this.#place(place, value, this.#least);
  }

  #place(place: number, value: string, inherited: number): void {
    const own = ownCopy(value);
    this.#names[place] = own;
    this.#counts[place] = inherited + 1;
    this.#inherited[place] = inherited;
    this.#last = place;
    this.#places.set(own, place);
  }
}

/** A slice would keep alive the text that it is a part of. */
function ownCopy(value: string): string {
  return Buffer.from(value).toString();
}

/** A client may call its host so; whoever adds counts up by key must not meet the prototype. */
function safeKey(name: string): string {
  return name === "__proto__" ? "(__proto__)" : name;
}

function indexOfLeast(counts: readonly number[]): number {
  let least = 0;
  for (let place = 1; place < counts.length; place++) if (counts[place]! < counts[least]!) least = place;
  return least;
}

// HyperLogLog (Flajolet et al., 2007): each register has the longest run of leading zeros among the hashes that fall to
// it. With 512 of them the estimate is within 5 % two times out of three.

const REGISTER_BITS = 9;
const REGISTERS = 1 << REGISTER_BITS;
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);

function note(registers: Uint8Array, value: string): void {
  const hash = hashOf(value);
  const register = hash >>> (32 - REGISTER_BITS);
  const run = Math.min(Math.clz32(hash << REGISTER_BITS), 32 - REGISTER_BITS) + 1;
  if (run > registers[register]!) registers[register] = run;
}

function estimate(registers: Uint8Array): number {
  let sum = 0;
  let empty = 0;
  for (const run of registers) {
    sum += 2 ** -run;
    if (run === 0) empty++;
  }
  const raw = (ALPHA * REGISTERS * REGISTERS) / sum;
  // Few values: those registers that none fell to tell more.
  const few = raw <= 2.5 * REGISTERS && empty > 0;
  return Math.round(few ? REGISTERS * Math.log(REGISTERS / empty) : raw);
}

/** FNV-1a, with the last step of MurmurHash3 so that all bits of the value reach all bits of the hash. */
function hashOf(value: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < value.length; i++) hash = Math.imul(hash ^ value.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const NONE: number[] = [];

/** A fair choice of at most `max` numbers of a stream (algorithm L of Li, 1994: beyond the first, most cost a comparison). */
export class Reservoir {
  /** Made with the first. */
  values: number[] = NONE;
  readonly #max: number;
  #seen = 0;
  #next = 0;
  #weight = 1;

  constructor(max: number) {
    this.#max = max;
  }

  add(value: number, random: Random): void {
    if (this.#seen++ === 0) this.values = [];
    if (this.values.length < this.#max) {
      this.values.push(value);
      if (this.values.length === this.#max) this.#skip(random);
    } else if (this.#seen >= this.#next) {
      this.values[Math.floor(random() * this.#max)] = value;
      this.#skip(random);
    }
  }

  #skip(random: Random): void {
    // log(0) would skip for ever.
    const draw = (): number => Math.log(random() || Number.MIN_VALUE);
    this.#weight *= Math.exp(draw() / this.#max);
    this.#next = this.#seen + Math.floor(draw() / Math.log(1 - this.#weight)) + 1;
  }
}
