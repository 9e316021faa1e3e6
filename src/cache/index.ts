// What a worker knows of the files in a cache's folder: one entry per hash, in the order of use. It is bounded: where it
// is full, what nobody uses and was used longest ago goes. It knows no file system; whoever takes an entry out of it
// removes its file.
import type { Bytes, Ms } from "../std/units.ts";

/** One response that is kept, may come to be, or is remembered as an error. */
export interface IndexEntry {
  readonly hash: string;
  /** Requests that asked for it, for min_uses. */
  uses: number;
  /** Requests that hold it now: it is not removed. */
  holders: number;
  /** There is a file, as far as is known. */
  exists: boolean;
  /** What the file takes on disk. */
  diskBytes: Bytes;
  /** Unless it is used before. */
  inactiveAt: Ms;
  /** Settles when the file that is just being finished is there; null = none is. */
  writing: Promise<void> | null;
  /** A request is fetching it. */
  updating: boolean;
  /** From here on another request may fetch it, too. */
  lockedUntil: Ms;
  /** The status that is answered without asking, up to a time; 0 = none. */
  errorStatus: number;
  errorUntilSec: number;
  /** Called when it is no longer being fetched. */
  readonly waiting: Set<() => void>;
  /** When its file was last marked as in use. */
  markedAt: Ms;
}

/** What nginx's zones take for an entry. */
const ENTRY_BYTES: Bytes = 128;
/** What they need for themselves. */
const ZONE_BYTES: Bytes = 8 * 1024;
const BLOCK_BYTES: Bytes = 4096;

/** Bytes on disk of a file of this size. */
export function diskBytesOf(sizeBytes: Bytes): Bytes {
  return Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
}

export class CacheIndex {
  /** Used longest ago first. */
  readonly #entries = new Map<string, IndexEntry>();
  diskBytes: Bytes = 0;
  entriesMax = 0;

  /** `keysBytes`: what nginx would have for it. */
  constructor(keysBytes: Bytes) {
    this.resize(keysBytes);
  }

  resize(keysBytes: Bytes): void {
    this.entriesMax = Math.max(1, Math.floor((keysBytes - ZONE_BYTES) / ENTRY_BYTES));
  }

  get size(): number {
    return this.#entries.size;
  }

  get(hash: string): IndexEntry | undefined {
    return this.#entries.get(hash);
  }

  /** Adds an entry that is not there, as the one that was used last. */
  add(hash: string, inactiveAt: Ms): IndexEntry {
    const entry: IndexEntry = {
      hash,
      uses: 0,
      holders: 0,
      exists: false,
      diskBytes: 0,
      writing: null,
      inactiveAt,
      updating: false,
      lockedUntil: 0,
      errorStatus: 0,
      errorUntilSec: 0,
      waiting: new Set(),
      markedAt: -Infinity,
    };
    this.#entries.set(hash, entry);
    return entry;
  }

  /** It is used: it goes last. */
  touch(entry: IndexEntry, inactiveAt: Ms): void {
    entry.inactiveAt = inactiveAt;
    if (this.#entries.delete(entry.hash)) this.#entries.set(entry.hash, entry);
  }

  /** There is a file of this size; 0 = there is none. */
  setFile(entry: IndexEntry, diskBytes: Bytes): void {
    if (this.#entries.get(entry.hash) !== entry) return;
    this.diskBytes += diskBytes - entry.diskBytes;
    entry.diskBytes = diskBytes;
    entry.exists = diskBytes > 0;
  }

  remove(entry: IndexEntry): void {
    if (this.#entries.get(entry.hash) !== entry) return;
    this.#entries.delete(entry.hash);
    this.diskBytes -= entry.diskBytes;
  }

  /** The one that nobody holds and was used longest ago. `lookMax`: so many are looked at. */
  oldestFree(lookMax: number): IndexEntry | null {
    for (const entry of this.#entries.values()) {
      if (entry.holders === 0) return entry;
      if (--lookMax <= 0) break;
    }
    return null;
  }

  /** The one that was used longest ago. */
  get oldest(): IndexEntry | null {
    for (const entry of this.#entries.values()) return entry;
    return null;
  }
}
