// Writes a file that others see whole or not at all: to a temporary file beside it, which takes its name at the end.
// (Elsewhere, on another file system, that would be a copy.) All calls go through the thread pool, one behind the other;
// what comes is collected, so that a small file costs one write. A failure is kept and told at the end: writing on is
// harmless.
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Bytes } from "../std/units.ts";

const WRITE_BYTES: Bytes = 64 * 1024;
/** Who writes faster than the disk has to wait from here on. */
const QUEUE_BYTES_MAX: Bytes = 1024 * 1024;
/** A temporary name ends in a dot and so many digits. */
export const TEMPORARY_DIGITS = 10;
const OWNER_ONLY = 0o600;
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;

/** What a writer is made for. */
export interface WriterOptions {
  /** Byte text. */
  readonly path: string;
  /** Bytes that stand before the body; they are given at the end. */
  readonly prefixBytes: Bytes;
  readonly fileMode: number;
  readonly folderMode: number;
  /** When it was changed last, as its origin says; null = now. */
  readonly mtimeSec?: number | null;
}

/** What became of it; an error is one of the file system. */
export type Written = { readonly ok: true; readonly bytes: Bytes } | { readonly ok: false; readonly error: Error };

let lastNumber = process.pid * 10_000;

export class FileWriter {
  readonly #options: WriterOptions;
  readonly #temporary: string;
  /** Called when a writer that was full takes more. */
  onDrained: (() => void) | null = null;
  #queue: Buffer[] = [];
  #queuedBytes: Bytes = 0;
  #position: Bytes;
  #handle: FileHandle | null = null;
  #error: Error | null = null;
  #work: Promise<void> = Promise.resolve();
  #isOver = false;
  bodyBytes: Bytes = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#position = options.prefixBytes;
    const number = ++lastNumber % 10 ** TEMPORARY_DIGITS;
    this.#temporary = `${options.path}.${String(number).padStart(TEMPORARY_DIGITS, "0")}`;
  }

  /** Nothing is lost, but whoever writes should wait for onDrained. */
  get full(): boolean {
    return this.#queuedBytes >= QUEUE_BYTES_MAX;
  }

  /** Takes bytes; they stay the caller's to read. */
  write(bytes: Buffer): void {
    if (this.#isOver || this.#error) return;
    this.bodyBytes += bytes.length;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    if (this.#queuedBytes >= WRITE_BYTES) this.#then(() => this.#writeQueue(null));
  }

  /** Ends it: `prefix` goes to the front, and the file takes its name. */
  async finish(prefix: Buffer): Promise<Written> {
    this.#isOver = true;
    this.#then(async () => {
      if (this.#handle === null) await this.#writeQueue(prefix);
      else {
        await this.#writeQueue(null);
        if (prefix.length > 0) await this.#handle.write(prefix, 0, prefix.length, 0);
      }
      await this.#setFacts(this.#handle!);
      await this.#handle!.close();
      this.#handle = null;
      await inFolder(this.#options, () => rename(nameOf(this.#temporary), nameOf(this.#options.path)));
    });
    await this.#work;
    if (this.#error) {
      await this.#remove();
      return { ok: false, error: this.#error };
    }
    return { ok: true, bytes: this.#position };
  }

  /** Gives it up; what was written is removed. Gives what went wrong. */
  async abort(): Promise<Error | null> {
    if (this.#isOver) return null;
    this.#isOver = true;
    this.#queue = [];
    await this.#work;
    return (await this.#remove()) ?? this.#error;
  }

  #then(step: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (this.#error) return;
      try {
        await step();
      } catch (error) {
        this.#error = error as Error;
        this.#queue = [];
        this.#queuedBytes = 0;
        this.onDrained?.();
      }
    });
  }

  /** Writes what is queued; with a prefix it is the first and last write. */
  async #writeQueue(prefix: Buffer | null): Promise<void> {
    this.#handle ??= await inFolder(this.#options, () => open(nameOf(this.#temporary), FLAGS, this.#options.fileMode));
    const parts = this.#queue;
    const bytes = this.#queuedBytes;
    this.#queue = [];
    const all = prefix && prefix.length > 0 ? [prefix, ...parts] : parts;
    const at = prefix ? 0 : this.#position;
    const wanted = bytes + (prefix?.length ?? 0);
    if (wanted > 0) {
      const { bytesWritten } = await this.#handle.writev(all, at);
      if (bytesWritten !== wanted)
        throw new Error(`wrote only ${bytesWritten} of ${wanted} bytes to ${this.#temporary}`);
    }
    const wasFull = this.full;
    this.#position = at + wanted;
    this.#queuedBytes -= bytes;
    if (wasFull && !this.full) this.onDrained?.();
  }

  /** The mode whatever the umask says, and the time. */
  async #setFacts(handle: FileHandle): Promise<void> {
    const { fileMode, mtimeSec } = this.#options;
    if (fileMode !== OWNER_ONLY) await handle.chmod(fileMode);
    if (mtimeSec !== undefined && mtimeSec !== null) await handle.utimes(mtimeSec, mtimeSec);
  }

  /** What could not be removed is found by the next loader. */
  async #remove(): Promise<Error | null> {
    const handle = this.#handle;
    this.#handle = null;
    try {
      await handle?.close();
      await rm(nameOf(this.#temporary), { force: true });
      return null;
    } catch (error) {
      return error as Error;
    }
  }
}

/** Does it; where the folder is missing, makes that first. */
async function inFolder<T>({ path, folderMode }: WriterOptions, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    await mkdir(nameOf(dirname(path)), { recursive: true, mode: folderMode });
    return act();
  }
}

/** Paths are byte text. */
export function nameOf(path: string): Buffer {
  return Buffer.from(path, "latin1");
}
