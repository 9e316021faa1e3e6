// Consistent hashing: requests with the same key go to the same endpoint, in every worker and after every restart. A
// key has a slot, and each slot was given to an endpoint by weighted rendezvous when the table was made: every
// endpoint throws a die made from its label and the slot, and the best throw for its weight wins. So when an endpoint
// leaves, its slots go to the others and no other slot moves; and a pick is one look into the table. (A Maglev table
// is more even, but at 100 endpoints it moved 1.55 times the leaver's keys; a ring needs hundreds of points each.)
// An endpoint that is out for the moment keeps its slots: its keys spread over all the others, and come back with it.
import { type Balanced, type Balancer, roundRobin } from "./balance.ts";

/** 128 KB for each tier that is hashed. */
const SLOTS = 65_536;
const ENDPOINTS_MAX = 65_536;
/** Slots that a key is tried at, before the endpoints are gone through one by one. */
const DRAWS = 8;
const GOLDEN = 0x9e3779b9;

/** The same key, the same endpoint. Requests without a key take turns. */
export function consistentHash<E extends Balanced>(endpoints: readonly E[]): Balancer<E> {
  // The order in the file has no say.
  const sorted = endpoints.slice(0, ENDPOINTS_MAX).sort((a, b) => (a.label < b.label ? -1 : a.label > b.label ? 1 : 0));
  const slots = fillSlots(sorted);
  const keyless = roundRobin(endpoints);
  return {
    pick(usable, advance = true, key = "") {
      if (key === "" || sorted.length === 0) return keyless.pick(usable, advance);
      const hash = hashOf(key);
      const home = sorted[slots[hash % SLOTS]!]!;
      if (usable(home)) return home;
      for (let draw = 1; draw <= DRAWS; draw++) {
        const other = sorted[slots[mix(hash + Math.imul(draw, GOLDEN)) % SLOTS]!]!;
        if (usable(other)) return other;
      }
      for (let i = 0; i < sorted.length; i++) {
        const other = sorted[(hash + i) % sorted.length]!;
        if (usable(other)) return other;
      }
      return null;
    },
  };
}

/** Which endpoint has which slot. */
function fillSlots(endpoints: readonly Balanced[]): Uint16Array {
  const slots = new Uint16Array(SLOTS);
  const hashes = endpoints.map(({ label }) => hashOf(label));
  const weights = endpoints.map(({ weight }) => weight);
  const even = weights.every((weight) => weight === weights[0]);
  for (let slot = 0; slot < SLOTS; slot++) {
    const slotHash = mix(slot + GOLDEN);
    let shortest = Infinity;
    for (let index = 0; index < hashes.length; index++) {
      // A throw as a waiting time: who has twice the weight waits half as long. Without weights no logarithm is needed.
      const thrown = mix(slotHash ^ hashes[index]!);
      const waits = even ? -thrown : -Math.log((thrown + 0.5) / 4294967296) / weights[index]!;
      if (waits >= shortest) continue;
      shortest = waits;
      slots[slot] = index;
    }
  }
  return slots;
}

/** 32 well mixed bits of a text (FNV-1a with the finaliser of MurmurHash3). */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

function mix(bits: number): number {
  let hash = bits | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
