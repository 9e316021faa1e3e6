// Balancers that compare two endpoints drawn by weight: nearly as even as looking at all of them, at a price that does
// not grow with their number, and without the herd that runs to the one best endpoint.
//   random of two: the one with fewer attempts in flight per weight
//   peak EWMA: the one that will answer sooner: its latency, times what it already has in flight
// The latency is a moving average over time that jumps to a peak at once and forgets it slowly; what has not been
// asked for a while fades, so that a slow endpoint is tried again.
import type { Ms } from "../std/units.ts";
import type { Balanced, Balancer } from "./balance.ts";

/** Where the balancers take chance from: numbers from 0 up to, not including, 1. */
export type Random = () => number;

/** A small generator of good quality (mulberry32) for one balancer; the same seed gives the same picks. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Time in which an old latency fades to a third. */
const FADE_MS: Ms = 10_000;
/** A failed attempt counts as slow: an endpoint that refuses at once must not look like the fastest. */
const FAILURE_MS: Ms = 1000;
/** Below this, what is in flight says more than the latency. */
const FLOOR_MS: Ms = 1;
/** The second of two must be better by this much: what differs by noise goes by weight. */
const CLEARLY = 0.9;

/** How fast an endpoint answers: the peak-sensitive moving average of the time to the response head. */
export class Latency {
  #ms: Ms = 0;
  #at: Ms = -Infinity;

  /** An answer came after `ms`. */
  answered(ms: Ms, at: Ms): void {
    const kept = this.#kept(at);
    this.#ms = ms > this.#ms ? ms : this.#ms * kept + ms * (1 - kept);
    this.#at = at;
  }

  /** No answer came: it failed, or nobody waits any more. Says only that it takes longer than `ms`. */
  unanswered(ms: Ms, at: Ms, failed: boolean): void {
    const least = failed ? Math.max(ms, FAILURE_MS) : ms;
    const faded = this.#ms * this.#kept(at);
    if (least <= faded) return;
    this.#ms = least;
    this.#at = at;
  }

  /** It was left out for its failures, or is another process: it has paid for them, and is to be found out anew. */
  forget(): void {
    this.#ms = 0;
    this.#at = -Infinity;
  }

  /** The latency as it stands at the instant `at`; -1 = nothing is known yet. */
  read(at: Ms): Ms {
    return this.#at === -Infinity ? -1 : this.#ms * this.#kept(at);
  }

  #kept(at: Ms): number {
    return Math.exp(Math.min(0, this.#at - at) / FADE_MS);
  }
}

/** Of two endpoints drawn by weight the one with fewer attempts in flight per weight. */
export function randomTwo<E extends Balanced>(endpoints: readonly E[], random: Random): Balancer<E> {
  return bestOfTwo(endpoints, random, (a, b) => a.active * b.weight < b.active * a.weight);
}

/** Of two endpoints drawn by weight the one that will answer sooner. */
export function peakEwma<E extends Balanced>(endpoints: readonly E[], random: Random, clock: () => Ms): Balancer<E> {
  const meanWeight = endpoints.reduce((sum, { weight }) => sum + weight, 0) / Math.max(1, endpoints.length);
  const cost = (endpoint: E): number => {
    const ms = endpoint.latency ? endpoint.latency.read(clock()) : -1;
    // One request finds out how fast it is, not a hundred.
    if (ms < 0 && endpoint.active > 0) return FAILURE_MS * endpoint.active;
    return Math.max(ms, FLOOR_MS) * (1 + (endpoint.active * meanWeight) / endpoint.weight);
  };
  return bestOfTwo(endpoints, random, (a, b) => cost(a) < CLEARLY * cost(b));
}

/** Draws that may hit what is not usable, before all endpoints are looked through. */
const DRAWS = 4;

/** The first of two draws, unless the second `isBetter`. */
function bestOfTwo<E extends Balanced>(
  endpoints: readonly E[],
  random: Random,
  isBetter: (a: E, b: E) => boolean,
): Balancer<E> {
  const draw = weightedDraw(endpoints, random);
  return {
    pick(usable) {
      const first = draw(usable, null);
      if (!first) return null;
      const second = draw(usable, first);
      return second && isBetter(second, first) ? second : first;
    },
  };
}

/** Draws a usable endpoint other than `except`, each with the chance of its weight; null = there is none. */
function weightedDraw<E extends Balanced>(endpoints: readonly E[], random: Random) {
  const sums = new Float64Array(endpoints.length);
  let total = 0;
  endpoints.forEach(({ weight }, index) => {
    total += weight;
    sums[index] = total;
  });
  const indexAt = (point: number): number => {
    let low = 0;
    let high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > point) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  return (usable: (endpoint: E) => boolean, except: E | null): E | null => {
    if (endpoints.length === 0 || (except && endpoints.length === 1)) return null;
    for (let drawn = 0; drawn < DRAWS; drawn++) {
      const endpoint = endpoints[indexAt(random() * total)]!;
      if (endpoint !== except && usable(endpoint)) return endpoint;
    }
    let chosen: E | null = null;
    let seen = 0;
    for (const endpoint of endpoints) {
      if (endpoint === except || !usable(endpoint)) continue;
      seen += endpoint.weight;
      if (random() * seen < endpoint.weight) chosen = endpoint;
    }
    return chosen;
  };
}
