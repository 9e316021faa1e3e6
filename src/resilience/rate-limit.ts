// Rate limits: a leaky bucket per key, several of them per request. Excess is counted in thousandths of a request, time
// in whole milliseconds, divisions round down: the arithmetic is nginx's, so a limit that was tuned there means the same.
//
// A request is looked up in its zones in order. The first zone that is over its burst refuses it, and then no zone has
// counted it; only when none refuses do all of them count. The longest delay of all holds.
//
// Entries stand in the order of their last use. Each new one drives out up to two old ones that have leaked empty; a
// full zone gives up its oldest, whatever that has in it.
import type { Bytes, Ms } from "../std/units.ts";
import { entryCostBytes, zoneCapacityBytes } from "./zone-memory.ts";

/** Longer keys are not counted. */
const RATE_KEY_BYTES_MAX = 65_535;

/** A request, in the unit of excess. */
const ONE = 1000;
const ENTRY_BYTES = 80;
const IDLE_BEFORE_EXPIRY_MS = 60_000;
const EXPIRED_AT_ONCE = 2;

/** A limit of a location: so much of a zone. */
export interface RateRule {
  readonly zone: RateZone;
  /** Requests. */
  readonly burst: number;
  /** Requests above it wait; Infinity = none does. */
  readonly delayAbove: number;
}

export interface RateDecision {
  /** "uncounted": no zone had a key for it, so no limit holds. */
  readonly decision: "uncounted" | "pass" | "delay" | "reject";
  /** Whole milliseconds. */
  readonly delayMs: Ms;
  /** Thousandths of a request, in the zone that decided. */
  readonly excess: number;
  /** Name of the zone that decided; "" = none did. */
  readonly zone: string;
  /** Refused because the zone has no room left, not for its rate. */
  readonly zoneFull: boolean;
}

interface Bucket {
  readonly key: string;
  readonly costBytes: Bytes;
  /** -Infinity: a request has looked it up, none was counted yet. */
  lastAt: Ms;
  excess: number;
  newer: Bucket | null;
  older: Bucket | null;
}

const UNCOUNTED: RateDecision = { decision: "uncounted", delayMs: 0, excess: 0, zone: "", zoneFull: false };

/** The buckets of one zone. */
export class RateZone {
  readonly name: string;
  /** Thousandths of a request per second. */
  readonly rate: number;
  readonly #buckets = new Map<string, Bucket>();
  #newest: Bucket | null = null;
  #oldest: Bucket | null = null;
  #freeBytes: Bytes;

  constructor(name: string, perSecond: number, bytes: Bytes) {
    this.name = name;
    // "3r/m" is 50 although 3/60 is a little less than 0.05.
    this.rate = Math.max(1, Math.floor(perSecond * ONE + 1e-6));
    this.#freeBytes = zoneCapacityBytes(bytes);
  }

  /** Number of keys that it remembers. */
  get size(): number {
    return this.#buckets.size;
  }

  /** The bucket of a key, now the most recently used; null = there is none. */
  find(key: string): Bucket | null {
    const bucket = this.#buckets.get(key) ?? null;
    if (bucket && bucket !== this.#newest) {
      this.#unlink(bucket);
      this.#link(bucket);
    }
    return bucket;
  }

  /** A new, empty bucket; null = there is no room. */
  add(key: string, at: Ms): Bucket | null {
    const costBytes = entryCostBytes(ENTRY_BYTES + key.length);
    this.#expire(at);
    if (costBytes > this.#freeBytes && this.#oldest) {
      this.#remove(this.#oldest);
      this.#expire(at);
    }
    if (costBytes > this.#freeBytes) return null;
    const bucket: Bucket = { key, costBytes, lastAt: -Infinity, excess: 0, newer: null, older: null };
    this.#freeBytes -= costBytes;
    this.#buckets.set(key, bucket);
    this.#link(bucket);
    return bucket;
  }

  /** The excess of a bucket if one more request came now. */
  excessAt(bucket: Bucket, at: Ms): number {
    return Math.max(0, bucket.excess - this.#leaked(bucket, at) + ONE);
  }

  #leaked(bucket: Bucket, at: Ms): number {
    return Math.floor((this.rate * Math.max(0, at - bucket.lastAt)) / 1000);
  }

  #expire(at: Ms): void {
    for (let count = 0; count < EXPIRED_AT_ONCE; count++) {
      const bucket = this.#oldest;
      if (!bucket || at - bucket.lastAt < IDLE_BEFORE_EXPIRY_MS) return;
      if (bucket.excess > this.#leaked(bucket, at)) return;
      this.#remove(bucket);
    }
  }

  #remove(bucket: Bucket): void {
    this.#unlink(bucket);
    this.#buckets.delete(bucket.key);
    this.#freeBytes += bucket.costBytes;
  }

  #link(bucket: Bucket): void {
    bucket.older = this.#newest;
    if (this.#newest) this.#newest.newer = bucket;
    else this.#oldest = bucket;
    this.#newest = bucket;
  }

  #unlink(bucket: Bucket): void {
    if (bucket.newer) bucket.newer.older = bucket.older;
    else this.#newest = bucket.older;
    if (bucket.older) bucket.older.newer = bucket.newer;
    else this.#oldest = bucket.newer;
    bucket.newer = null;
    bucket.older = null;
  }
}

/** Counts a request with these keys (byte text, one per rule; "" = not counted) and says whether it may go on. */
export function account(rules: readonly RateRule[], keys: readonly string[], now: Ms): RateDecision {
  const at = Math.floor(now);
  const held: (Bucket | null)[] = [];
  let counted = false;
  for (let index = 0; index < rules.length; index++) {
    const { zone, burst } = rules[index]!;
    const key = keys[index] ?? "";
    held.push(null);
    if (key === "" || key.length > RATE_KEY_BYTES_MAX) continue;
    counted = true;
    const found = zone.find(key);
    if (found) {
      const excess = zone.excessAt(found, at);
      if (excess > burst * ONE) return { decision: "reject", delayMs: 0, excess, zone: zone.name, zoneFull: false };
    }
    const bucket = found ?? zone.add(key, at);
    if (!bucket) return { decision: "reject", delayMs: 0, excess: 0, zone: zone.name, zoneFull: true };
    held[index] = bucket;
  }
  return counted ? commit(rules, held, at) : UNCOUNTED;
}

/** "1.250": an excess as logs have it. */
export function formatExcess(excess: number): string {
  return `${Math.floor(excess / ONE)}.${String(excess % ONE).padStart(3, "0")}`;
}

function commit(rules: readonly RateRule[], held: readonly (Bucket | null)[], at: Ms): RateDecision {
  let delayMs = 0;
  let decidedExcess = 0;
  let zoneName = "";
  // From the last to the first: of equal delays the last zone's counts.
  for (let index = rules.length - 1; index >= 0; index--) {
    const { zone, delayAbove } = rules[index]!;
    const bucket = held[index];
    if (!bucket) continue;
    const excess = zone.excessAt(bucket, at);
    bucket.excess = excess;
    bucket.lastAt = Math.max(bucket.lastAt, at);
    if (excess <= delayAbove * ONE) continue;
    const wait = Math.floor(((excess - delayAbove * ONE) * 1000) / zone.rate);
    if (wait <= delayMs) continue;
    delayMs = wait;
    decidedExcess = excess;
    zoneName = zone.name;
  }
  if (delayMs === 0) return { decision: "pass", delayMs: 0, excess: 0, zone: "", zoneFull: false };
  return { decision: "delay", delayMs, excess: decidedExcess, zone: zoneName, zoneFull: false };
}
