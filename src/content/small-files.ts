// Contents of small files that were served lately. One is used only if the file is still the one that was read: the
// caller asks the file system each time (a stat costs a third of open, fstat, read and close), and device, inode, size
// and both times have to be the same. A file that changed less than two seconds before it was read is not kept: it may
// change again within the resolution of its times. Bounded in bytes; what was used longest ago goes first.
import type { Stats } from "node:fs";
import type { Bytes } from "../std/units.ts";

/** Larger files are read in pieces and never kept. */
export const SMALL_FILE_BYTES: Bytes = 64 * 1024;
const KEPT_BYTES_MAX: Bytes = 8 * 1024 * 1024;
const KEPT_FILES_MAX = 1024;
const SETTLED_MS = 2000;

interface Kept {
  readonly stats: Stats;
  readonly body: Buffer;
}

/** By path. */
export class SmallFiles {
  readonly #kept = new Map<string, Kept>();
  #bytes: Bytes = 0;

  /** Whether it is worth a stat. */
  has(path: string): boolean {
    return this.#kept.has(path);
  }

  /** The content, if the file is still what was read. */
  get(path: string, stats: Stats): Buffer | null {
    const kept = this.#kept.get(path);
    if (!kept) return null;
    this.delete(path);
    if (!isSame(kept.stats, stats)) return null;
    this.#add(path, kept);
    return kept.body;
  }

  /** `stats` are those of the descriptor that `body` was read from, before it was read. */
  put(path: string, stats: Stats, body: Buffer, wallNowMs: number): void {
    if (body.length > SMALL_FILE_BYTES || Math.max(stats.mtimeMs, stats.ctimeMs) > wallNowMs - SETTLED_MS) return;
    this.delete(path);
    this.#add(path, { stats, body });
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= KEPT_BYTES_MAX && this.#kept.size <= KEPT_FILES_MAX) break;
      this.delete(oldest);
    }
  }

  delete(path: string): void {
    const kept = this.#kept.get(path);
    if (!kept) return;
    this.#kept.delete(path);
    this.#bytes -= kept.body.length;
  }

  #add(path: string, kept: Kept): void {
    this.#kept.set(path, kept);
    this.#bytes += kept.body.length;
  }
}

function isSame(one: Stats, other: Stats): boolean {
  return (
    one.ino === other.ino &&
    one.dev === other.dev &&
    one.size === other.size &&
    one.mtimeMs === other.mtimeMs &&
    one.ctimeMs === other.ctimeMs
  );
}
