// What waits to be written: bounded by number and by size. Where it is full the least valuable goes first, and of that
// the oldest: points and slow requests before failures, failures before marks, marks before incidents, and what people
// did at last. An incident that waits is replaced by its newer state. No clock, no input or output.
import type { Bytes } from "../std/units.ts";
import { type Batch, KINDS, type Kind } from "./batch.ts";
import { weigh } from "./bounds.ts";

/** How much waits at most, and how much is taken at once: the copy for the other thread costs this one time. */
export interface QueueBounds {
  readonly records: number;
  readonly bytes: Bytes;
  readonly batchRecords: number;
  readonly batchBytes: Bytes;
}

export const QUEUE_BOUNDS: QueueBounds = {
  records: 20_000,
  bytes: 32 * 1024 * 1024,
  batchRecords: 256,
  batchBytes: 256 * 1024,
};

interface Waiting {
  readonly record: object;
  readonly bytes: Bytes;
}

/** Records that wait, of all kinds. */
export class Queue {
  readonly #bounds: QueueBounds;
  readonly #waiting: Readonly<Record<Kind, Map<string | number, Waiting>>>;
  #next = 0;
  #records = 0;
  #bytes = 0;
  #dropped = 0;

  constructor(bounds: QueueBounds = QUEUE_BOUNDS) {
    this.#bounds = bounds;
    const none = KINDS.map((kind) => [kind, new Map<string | number, Waiting>()] as const);
    this.#waiting = Object.fromEntries(none) as Record<Kind, Map<string | number, Waiting>>;
  }

  get records(): number {
    return this.#records;
  }

  /** Records that had no place, since the beginning. */
  get dropped(): number {
    return this.#dropped;
  }

  put<K extends Kind>(kind: K, records: Batch[K]): void {
    for (const record of records) this.#add(kind, record);
    this.#makeRoom();
  }

  /** What could not be written comes back; a newer state of an incident stays. */
  putBack(batch: Batch): void {
    for (const kind of KINDS) {
      const map = this.#waiting[kind];
      const later = [...map];
      map.clear();
      for (const record of batch[kind]) {
        const key = this.#keyOf(kind, record);
        const bytes = weigh(record);
        map.set(key, { record, bytes });
        this.#records += 1;
        this.#bytes += bytes;
      }
      for (const [key, waiting] of later) {
        const older = map.get(key);
        if (older) {
          this.#records -= 1;
          this.#bytes -= older.bytes;
        }
        map.set(key, waiting);
      }
    }
    this.#makeRoom();
  }

  /** The next batch, most valuable first; null = nothing waits. */
  take(): Batch | null {
    if (this.#records === 0) return null;
    let left = this.#bounds.batchRecords;
    let bytesLeft = this.#bounds.batchBytes;
    const batch = KINDS.map((kind) => {
      const taken: unknown[] = [];
      for (const [key, { record, bytes }] of this.#waiting[kind]) {
        // One record is always taken, however large.
        if (left === 0 || (bytes > bytesLeft && left < this.#bounds.batchRecords)) break;
        this.#remove(kind, key, bytes);
        taken.push(record);
        left -= 1;
        bytesLeft -= bytes;
      }
      return [kind, taken] as const;
    });
    return Object.fromEntries(batch) as unknown as Batch;
  }

  #add(kind: Kind, record: object): void {
    const key = this.#keyOf(kind, record);
    const before = this.#waiting[kind].get(key);
    if (before) this.#remove(kind, key, before.bytes);
    const bytes = weigh(record);
    this.#waiting[kind].set(key, { record, bytes });
    this.#records += 1;
    this.#bytes += bytes;
  }

  #keyOf(kind: Kind, record: object): string | number {
    return kind === "incidents" ? (record as Batch["incidents"][number]).id : this.#next++;
  }

  #remove(kind: Kind, key: string | number, bytes: Bytes): void {
    this.#waiting[kind].delete(key);
    this.#records -= 1;
    this.#bytes -= bytes;
  }

  #makeRoom(): void {
    while (this.#records > this.#bounds.records || this.#bytes > this.#bounds.bytes) {
      const kind = this.#leastValuable();
      const [key, { bytes }] = this.#waiting[kind].entries().next().value!;
      this.#remove(kind, key, bytes);
      this.#dropped += 1;
    }
  }

  /** Points and slow requests are worth the same: the kind of which more waits. */
  #leastValuable(): Kind {
    const { points, slow } = this.#waiting;
    if (points.size + slow.size > 0) return points.size >= slow.size ? "points" : "slow";
    return KINDS.findLast((kind) => this.#waiting[kind].size > 0)!;
  }
}
