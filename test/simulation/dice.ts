// All chance of a simulation comes from one generator: the same seed throws the same dice.
import { type Random, seededRandom } from "../../src/upstream/balance-two.ts";

/** Draws of the kinds that a simulation needs. */
export class Dice {
  readonly random: Random;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    // Neighbouring seeds begin alike.
    for (let i = 0; i < 8; i++) this.random();
  }

  /** A generator of its own, so that draws in one place do not move those in another. */
  fork(): Dice {
    return new Dice(this.whole(0, 2 ** 32 - 1));
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  /** A whole number from `from` to `to`, both included. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.random() * (to - from + 1));
  }

  between(from: number, to: number): number {
    return from + this.random() * (to - from);
  }

  /** Between the two, each order of magnitude as likely as the next. */
  spread(from: number, to: number): number {
    return from * (to / from) ** this.random();
  }

  spreadWhole(from: number, to: number): number {
    return Math.round(this.spread(from, to));
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.whole(0, choices.length - 1)]!;
  }

  /** One of the keys, in proportion to their weights. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const keys = Object.keys(weights) as K[];
    let point = this.random() * keys.reduce((sum, key) => sum + weights[key], 0);
    for (const key of keys) {
      point -= weights[key];
      if (point < 0) return key;
    }
    return keys.at(-1)!;
  }
}
