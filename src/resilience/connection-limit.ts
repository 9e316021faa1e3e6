// Limits on requests at work per key. A request takes a place in each of its zones, or in none: where one is full it
// gives back what it took. What it holds is given back once, when it is over.
//
// An entry lives as long as its count is above zero, so a zone is as large as its busy keys; one that has no room left
// refuses new keys.
import type { Bytes } from "../std/units.ts";
import { entryCostBytes, zoneCapacityBytes } from "./zone-memory.ts";

/** Longer keys are not counted. */
const CONNECTION_KEY_BYTES_MAX = 255;

const ENTRY_BYTES = 36;

/** A limit of a location: so many at once of each key of a zone. */
export interface ConnectionRule {
  readonly zone: ConnectionZone;
  readonly most: number;
}

/** A place in a zone. */
export interface ConnectionPlace {
  readonly zone: ConnectionZone;
  readonly key: string;
}

export interface ConnectionDecision {
  /** "uncounted": no zone had a key for it, so no limit holds. */
  readonly decision: "uncounted" | "pass" | "reject";
  /** What to release when the request is over; empty unless it passes. */
  readonly places: readonly ConnectionPlace[];
  /** Name of the zone that refused; "" = none did. */
  readonly zone: string;
  /** Refused because the zone has no room left for another key. */
  readonly zoneFull: boolean;
}

const UNCOUNTED: ConnectionDecision = { decision: "uncounted", places: [], zone: "", zoneFull: false };

/** The counts of one zone. */
export class ConnectionZone {
  readonly name: string;
  readonly #counts = new Map<string, number>();
  #freeBytes: Bytes;

  constructor(name: string, bytes: Bytes) {
    this.name = name;
    this.#freeBytes = zoneCapacityBytes(bytes);
  }

  /** Number of keys that are busy. */
  get size(): number {
    return this.#counts.size;
  }

  /** Requests at work for a key. */
  count(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** One more for a key that has fewer than `most`; a new key is let in whatever that is. */
  take(key: string, most: number): "taken" | "busy" | "zone-full" {
    const count = this.#counts.get(key);
    if (count === undefined) {
      const costBytes = entryCostBytes(ENTRY_BYTES + key.length);
      if (costBytes > this.#freeBytes) return "zone-full";
      this.#freeBytes -= costBytes;
    } else if (count >= most) return "busy";
    this.#counts.set(key, (count ?? 0) + 1);
    return "taken";
  }

  /** One less. */
  release(key: string): void {
    const count = this.count(key);
    if (count > 1) this.#counts.set(key, count - 1);
    else if (this.#counts.delete(key)) this.#freeBytes += entryCostBytes(ENTRY_BYTES + key.length);
  }
}

/** Takes a place in each zone for these keys (byte text, one per rule; "" = not counted), or in none. */
export function takePlaces(rules: readonly ConnectionRule[], keys: readonly string[]): ConnectionDecision {
  const places: ConnectionPlace[] = [];
  for (let index = 0; index < rules.length; index++) {
    const { zone, most } = rules[index]!;
    const key = keys[index] ?? "";
    if (key === "" || key.length > CONNECTION_KEY_BYTES_MAX) continue;
    const outcome = zone.take(key, most);
    if (outcome !== "taken") {
      releasePlaces(places);
      return { decision: "reject", places: [], zone: zone.name, zoneFull: outcome === "zone-full" };
    }
    places.push({ zone, key });
  }
  return places.length === 0 ? UNCOUNTED : { decision: "pass", places, zone: "", zoneFull: false };
}

/** Gives back what takePlaces gave, once. */
export function releasePlaces(places: readonly ConnectionPlace[]): void {
  for (const { zone, key } of places) zone.release(key);
}
