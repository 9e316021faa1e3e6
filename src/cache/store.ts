// One cache: its folder, and what this worker knows of it (index.ts). Several workers may share the folder, each with an
// index of its own: what one has not seen it finds on disk (a miss costs one open() that fails, some 5 µs), and size
// and locks are counted per worker. So that no worker removes as inactive what another one uses, files in use are
// marked by their modification time now and then.
//
// The manager removes what was not used for a while, and the oldest where there is too much; it works in slices between
// which requests run, and never waits for the disk. Generations of the configuration hand a cache on.
import type { Stats } from "node:fs";
import { stat, statfs, unlink, utimes } from "node:fs/promises";
import type { CacheConfig } from "../config/servers.ts";
import { now, Timed, wheel } from "../std/clock.ts";
import type { Bytes, Ms } from "../std/units.ts";
import { FileWriter, nameOf } from "./file-writer.ts";
import { CacheIndex, diskBytesOf, type IndexEntry } from "./index.ts";
import { entryPath } from "./key.ts";
import { loadFolder } from "./loader.ts";

/** What a look into the index says. "scarce": it was not asked for often enough. */
export type Found = "known" | "new" | "scarce" | "error";

const MANAGER_WAIT_MS: Ms = 10_000;
/** Files that one turn of the manager removes, and its pause where there are more. */
const MANAGER = { files: 100, pauseMs: 50 };
/** A cache that is so much too large is not left to the manager's next turn. */
const OVER_BYTES: Bytes = 16 * 1024 * 1024;
/** Entries in use that the manager passes by. */
const LOOK_MAX = 20;
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

export class CacheStore extends Timed {
  config: CacheConfig;
  readonly index: CacheIndex;
  #working = false;
  #retired = false;
  /** Tells of what the disk refuses. */
  onProblem: (text: string) => void = () => {};

  constructor(config: CacheConfig) {
    super();
    this.config = config;
    this.index = new CacheIndex(config.keysBytes);
  }

  /** Begins to read the folder and to keep it in bounds. */
  start(): void {
    void loadFolder(this.config, {
      found: (hash, sizeBytes) => this.#loaded(hash, sizeBytes),
      failed: (error) => this.#tell(error),
      isUnwanted: () => this.#retired,
    });
    wheel.set(this, now() + MANAGER_WAIT_MS);
  }

  /** A new generation uses it with these bounds. */
  configure(config: CacheConfig): void {
    this.config = config;
    this.index.resize(config.keysBytes);
  }

  /** No generation uses it any more. */
  retire(): void {
    this.#retired = true;
    wheel.remove(this);
  }

  #loaded(hash: string, sizeBytes: Bytes): void {
    if (this.#retired || this.index.get(hash) || this.index.size >= this.index.entriesMax) return;
    const entry = this.index.add(hash, this.#inactiveAt());
    entry.uses = 1;
    this.index.setFile(entry, diskBytesOf(sizeBytes));
  }

  #inactiveAt(): Ms {
    return now() + this.config.inactiveMs;
  }

  pathOf(hash: string): string {
    return entryPath(this.config.path, this.config.levels, hash);
  }

  /** Looks for a hash and holds its entry, which is made where there is none; `held` is looked at again. */
  hold(hash: string, minUses: number, wallSec: number, held: IndexEntry | null): readonly [IndexEntry, Found] {
    let entry = held ?? this.index.get(hash);
    const isNew = !entry;
    if (!entry) {
      if (this.index.size >= this.index.entriesMax) this.#makeRoom();
      entry = this.index.add(hash, this.#inactiveAt());
    } else this.index.touch(entry, this.#inactiveAt());
    if (!held) {
      entry.uses++;
      entry.holders++;
    }
    if (isNew) return [entry, "new"];
    if (entry.errorStatus > 0) {
      if (entry.errorUntilSec >= wallSec) return [entry, "error"];
      entry.errorStatus = 0;
      this.index.setFile(entry, 0);
      return [entry, "new"];
    }
    return [entry, entry.exists || entry.uses >= minUses ? "known" : "scarce"];
  }

  /** A holder needs it no more; what never came to be is forgotten, unless its uses are counted. */
  release(entry: IndexEntry, minUses: number): void {
    entry.holders--;
    if (entry.holders === 0 && !entry.exists && entry.errorStatus === 0 && minUses <= 1) this.index.remove(entry);
  }

  /** It is no longer being fetched: those who wait look again. */
  unlock(entry: IndexEntry): void {
    entry.updating = false;
    for (const wake of [...entry.waiting]) wake();
  }

  /** Its file is there. */
  stored(entry: IndexEntry, sizeBytes: Bytes): void {
    entry.errorStatus = 0;
    this.index.setFile(entry, diskBytesOf(sizeBytes));
    entry.markedAt = now();
    const { maxBytes } = this.config;
    if (maxBytes > 0 && this.index.diskBytes > maxBytes + OVER_BYTES && !this.#working) wheel.set(this, now());
  }

  /** Its file is used: other workers see that. */
  mark(entry: IndexEntry, wallMs: number): void {
    const at = now();
    if (at - entry.markedAt < this.config.inactiveMs / 4) return;
    // What was just begun to be used was marked by whoever wrote it.
    const first = entry.markedAt === -Infinity;
    entry.markedAt = at;
    if (first) return;
    utimes(nameOf(this.pathOf(entry.hash)), wallMs / 1000, wallMs / 1000).catch((error: Error) => this.#tell(error));
  }

  writer(hash: string, prefixBytes: Bytes): FileWriter {
    return new FileWriter({ path: this.pathOf(hash), prefixBytes, fileMode: FILE_MODE, folderMode: FOLDER_MODE });
  }

  #tell(error: NodeJS.ErrnoException): void {
    if (error.code !== "ENOENT") this.onProblem(error.message);
  }

  // ---- the manager

  /** The index is full: one makes place. */
  #makeRoom(): void {
    const entry = this.index.oldestFree(LOOK_MAX);
    if (entry) this.#drop(entry);
  }

  #drop(entry: IndexEntry): void {
    this.index.remove(entry);
    if (entry.exists) unlink(nameOf(this.pathOf(entry.hash))).catch((error: Error) => this.#tell(error));
  }

  #isOver(): boolean {
    const { maxBytes } = this.config;
    // A little below, as nginx has it, so that not every request has to make room itself.
    return (maxBytes > 0 && this.index.diskBytes >= maxBytes) || this.index.size > this.index.entriesMax * 0.98;
  }

  override onDeadline(): void {
    if (this.#working || this.#retired) return;
    this.#working = true;
    this.#manage().then(
      (waitMs) => this.#again(waitMs),
      (error: Error) => {
        this.#tell(error);
        this.#again(MANAGER_WAIT_MS);
      },
    );
  }

  #again(waitMs: Ms): void {
    this.#working = false;
    if (!this.#retired) wheel.set(this, now() + waitMs);
  }

  /** One slice of its work; gives when the next is due. */
  async #manage(): Promise<Ms> {
    const { files: most, pauseMs } = this.config.manager ?? MANAGER;
    let files = 0;
    for (let entry = this.index.oldest; entry && entry.inactiveAt <= now(); entry = this.index.oldest) {
      const leftMs = entry.holders > 0 ? this.config.inactiveMs : await this.#usedElsewhereMs(entry);
      if (leftMs > 0 || entry.holders > 0) this.index.touch(entry, now() + Math.max(leftMs, pauseMs));
      else this.#drop(entry);
      if (++files >= most) return pauseMs;
    }
    while (this.#isOver() || (await this.#isDiskFull())) {
      const entry = this.index.oldestFree(LOOK_MAX);
      if (!entry) break;
      this.#drop(entry);
      if (++files >= most) return pauseMs;
    }
    const { oldest } = this.index;
    return Math.max(pauseMs, Math.min(MANAGER_WAIT_MS, (oldest?.inactiveAt ?? Infinity) - now()));
  }

  /** How long another worker's mark keeps its file from being inactive; 0 = nobody has marked it since. */
  async #usedElsewhereMs(entry: IndexEntry): Promise<Ms> {
    if (!entry.exists) return 0;
    const stats: Stats | null = await stat(nameOf(this.pathOf(entry.hash))).catch(() => null);
    return stats === null ? 0 : Math.max(0, stats.mtimeMs + this.config.inactiveMs - Date.now());
  }

  async #isDiskFull(): Promise<boolean> {
    const { minFreeBytes, path } = this.config;
    if (minFreeBytes === 0 || this.index.diskBytes === 0) return false;
    const { bavail, bsize } = await statfs(nameOf(path));
    return bavail * bsize <= minFreeBytes;
  }
}
