// Files that are read again when their content changes: certificates that certbot renews, Kubernetes Secrets whose
// directory is a symlink that is swapped. The directories are watched (a file that is replaced is a new inode) and,
// because watching can fail or miss a change behind a symlink, everything is also read once a minute. What decides
// is the content, never an event or a time stamp.
import { createHash } from "node:crypto";
import { type FSWatcher, readFileSync, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Ms } from "../std/units.ts";

const POLL_MS: Ms = 60_000;
/** A renewal writes several files: they are read this long after the first event. */
const SETTLE_MS: Ms = 500;

/** Path → content, or the error of reading it. */
export type FileContents = ReadonlyMap<string, Buffer | NodeJS.ErrnoException>;

export interface WatchOptions {
  readonly pollMs?: Ms;
  readonly settleMs?: Ms;
}

/** Reads files at once: for the start and for `check`, not for a running gateway. */
export function readFilesSync(paths: readonly string[]): FileContents {
  const contents = new Map<string, Buffer | NodeJS.ErrnoException>();
  for (const path of paths) {
    try {
      contents.set(path, readFileSync(path));
    } catch (error) {
      contents.set(path, error as NodeJS.ErrnoException);
    }
  }
  return contents;
}

async function readFiles(paths: readonly string[]): Promise<FileContents> {
  const read = (path: string) => readFile(path).catch((error: NodeJS.ErrnoException) => error);
  return new Map(await Promise.all(paths.map(async (path) => [path, await read(path)] as const)));
}

function digestOf(contents: FileContents): string {
  const hash = createHash("sha256");
  for (const [path, content] of contents) {
    hash.update(`${path}\0${Buffer.isBuffer(content) ? content.length : content.code}\0`);
    if (Buffer.isBuffer(content)) hash.update(content);
  }
  return hash.digest("base64");
}

/** Calls `onChange` with all contents whenever one of the files has become another. Keeps no process alive. */
export class WatchedFiles {
  readonly #paths: readonly string[];
  readonly #onChange: (contents: FileContents) => void;
  readonly #settleMs: Ms;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #poll: NodeJS.Timeout;
  #settle: NodeJS.Timeout | null = null;
  #digest: string;
  #looking = false;
  #closed = false;

  constructor(
    current: FileContents,
    onChange: (contents: FileContents) => void,
    { pollMs = POLL_MS, settleMs = SETTLE_MS }: WatchOptions = {},
  ) {
    this.#paths = [...current.keys()];
    this.#onChange = onChange;
    this.#settleMs = settleMs;
    this.#digest = digestOf(current);
    this.#watchDirectories();
    this.#poll = setInterval(() => void this.#look(), pollMs);
    this.#poll.unref();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    if (this.#settle) clearTimeout(this.#settle);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #watchDirectories(): void {
    for (const directory of new Set(this.#paths.map((path) => dirname(path)))) {
      if (this.#watchers.has(directory)) continue;
      try {
        const watcher = watch(directory, { persistent: false }, () => this.#stirred());
        // A watch that ends (the directory was removed) is set up again at the next poll.
        watcher.on("error", () => this.#unwatch(directory, watcher));
        this.#watchers.set(directory, watcher);
      } catch {
        // No watch to be had (ENOSPC, ENOENT): the poll notices instead.
      }
    }
  }

  #unwatch(directory: string, watcher: FSWatcher): void {
    watcher.close();
    this.#watchers.delete(directory);
  }

  #stirred(): void {
    if (this.#closed || this.#settle) return;
    this.#settle = setTimeout(() => {
      this.#settle = null;
      void this.#look();
    }, this.#settleMs);
    this.#settle.unref();
  }

  async #look(): Promise<void> {
    // One reading at a time, so that an older one never ends after a newer one.
    if (this.#looking) {
      this.#stirred();
      return;
    }
    this.#looking = true;
    const contents = await readFiles(this.#paths);
    this.#looking = false;
    if (this.#closed) return;
    this.#watchDirectories();
    const digest = digestOf(contents);
    if (digest === this.#digest) return;
    this.#digest = digest;
    this.#onChange(contents);
  }
}
