// Balancing: which endpoint gets the next attempt. Each balancer picks among the endpoints of one tier (primary or
// backup) that are usable for the exchange; null when there is none. A pick reads what it is given: the endpoints'
// state, the key of the request, and the randomness and the clock that the balancer was made with.
// Here: the two that need nothing else. balance-two.ts has the random ones, balance-hash.ts and balance-cookie.ts
// those that keep a request's endpoint.
import type { Latency } from "./balance-two.ts";

/** What a balancer needs to know of an endpoint. */
export interface Balanced {
  /** Its address as written: by it the hashes know it again after a reload. */
  readonly label: string;
  readonly weight: number;
  /** Attempts in flight. */
  readonly active: number;
  /** How fast it answers; null = nobody asks. */
  readonly latency: Latency | null;
}

export interface Balancer<E extends Balanced> {
  /**
   * The next usable endpoint. `advance` false = the turn of the next caller stays what it was. `key` is what the
   * request is bound by (a hash's key, a cookie's value); "" = nothing.
   */
  pick(usable: (endpoint: E) => boolean, advance?: boolean, key?: string): E | null;
}

/** Period of the weighted rotation; weights are scaled down to fit. */
const ROTATION_MAX = 4096;

/** The smooth weighted order (5,1,1 → a a b a c a a): computed once, so that a pick does not grow with the endpoints. */
export function smoothRotation<E extends Balanced>(endpoints: readonly E[]): E[] {
  if (endpoints.every((endpoint) => endpoint.weight === endpoints[0]!.weight)) return [...endpoints];
  const divisor = endpoints.reduce((d, e) => gcd(d, e.weight), 0) || 1;
  let weights = endpoints.map((e) => e.weight / divisor);
  const total = weights.reduce((a, b) => a + b, 0);
  if (total > ROTATION_MAX) weights = weights.map((w) => Math.max(1, Math.round((w * ROTATION_MAX) / total)));
  const sum = weights.reduce((a, b) => a + b, 0);
  const current = weights.map(() => 0);
  const order: E[] = [];
  for (let step = 0; step < sum; step++) {
    let best = 0;
    for (let i = 0; i < current.length; i++) {
      current[i] = current[i]! + weights[i]!;
      if (current[i]! > current[best]!) best = i;
    }
    current[best] = current[best]! - sum;
    order.push(endpoints[best]!);
  }
  return order;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** Smooth weighted round robin. */
export function roundRobin<E extends Balanced>(endpoints: readonly E[]): Balancer<E> {
  const order = smoothRotation(endpoints);
  let next = 0;
  return {
    pick(usable, advance = true) {
      let at = next;
      for (let tried = 0; tried < order.length; tried++) {
        const endpoint = order[at]!;
        at = at + 1 === order.length ? 0 : at + 1;
        if (!usable(endpoint)) continue;
        if (advance) next = at;
        return endpoint;
      }
      return null;
    },
  };
}

/** Fewest attempts in flight per weight; those that are even take turns by weight, smoothly. */
export function leastConnections<E extends Balanced>(endpoints: readonly E[]): Balancer<E> {
  const credit = new Float64Array(endpoints.length);
  const even = new Uint32Array(endpoints.length);
  return {
    pick(usable, advance = true) {
      let best: E | null = null;
      let count = 0;
      for (let i = 0; i < endpoints.length; i++) {
        const endpoint = endpoints[i]!;
        if (!usable(endpoint)) continue;
        const difference = best ? endpoint.active * best.weight - best.active * endpoint.weight : -1;
        if (difference > 0) continue;
        if (difference < 0) count = 0;
        best = endpoint;
        even[count++] = i;
      }
      if (count === 0) return null;
      let winner = even[0]!;
      let total = 0;
      for (let i = 0; i < count; i++) {
        const index = even[i]!;
        const { weight } = endpoints[index]!;
        total += weight;
        if (advance) credit[index] = credit[index]! + weight;
        if (credit[index]! > credit[winner]!) winner = index;
      }
      if (advance) credit[winner] = credit[winner]! - total;
      return endpoints[winner]!;
    },
  };
}
