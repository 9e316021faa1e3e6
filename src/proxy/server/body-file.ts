// A request's body in a temporary file: appended to as it comes, read back in pieces, as often as an upstream wants it.
// The file has a random number for its name and is made anew (O_EXCL). It is unlinked as soon as it is open, so that
// nothing stays whatever happens to us, unless somebody is to find it by its name. Writes follow one another; what waits
// is counted, so that the client can be made to wait. A disk that fails ends the request, told once.
import { type FileHandle, mkdir, open, unlink } from "node:fs/promises";
import { type FileProblem, fileProblem } from "../../content/file-problem.ts";
import { beginEvent } from "../../std/clock.ts";
import type { Bytes } from "../../std/units.ts";

/** What one read gives at most. */
const PIECE_BYTES: Bytes = 64 * 1024;
const NAMES_MAX = 10_000_000_000;
const NAME_DIGITS = 10;
/** Names that exist already before it is given up. */
const NAME_TRIES = 16;

export interface BodyFileOptions {
  /** Byte text, as the path that comes of it. */
  readonly folder: string;
  /** "unlinked": no name leads to it. "removed": its name is gone when the request has ended. */
  readonly name: "unlinked" | "removed" | "kept";
  readonly random: () => number;
  /** Something was written, or nothing will be any more. */
  readonly onProgress: () => void;
}

export class BodyFile {
  readonly #options: BodyFileOptions;
  path: string;
  /** Written, and to be written. */
  sizeBytes: Bytes = 0;
  /** Not written yet. */
  behindBytes: Bytes = 0;
  problem: FileProblem | null = null;
  #handle: FileHandle | null = null;
  #queue: Buffer[] = [];
  /** Writes and reads that hold the descriptor. */
  #working = 0;
  #writing = false;
  #users = 1;

  /** The file is made at once. */
  constructor(options: BodyFileOptions) {
    this.#options = options;
    this.path = this.#newPath();
    this.#write();
  }

  #newPath(): string {
    const { folder, random } = this.#options;
    return `${folder}/${String(Math.floor(random() * NAMES_MAX)).padStart(NAME_DIGITS, "0")}`;
  }

  /** Takes the bytes for its own. */
  append(bytes: Buffer): void {
    this.sizeBytes += bytes.length;
    this.behindBytes += bytes.length;
    this.#queue.push(bytes);
    this.#write();
  }

  /** All that was given is in the file, or it has failed. */
  get settled(): boolean {
    return !this.#writing || this.problem !== null;
  }

  #write(): void {
    if (this.#writing || this.problem !== null) return;
    this.#writing = true;
    void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#working++;
    let call = "open";
    try {
      this.#handle ??= await this.#open();
      call = "write";
      while (this.#queue.length > 0) {
        const bytes = Buffer.concat(this.#queue);
        this.#queue = [];
        await this.#handle.appendFile(bytes);
        this.behindBytes -= bytes.length;
        if (this.#queue.length > 0) this.#tell();
      }
    } catch (error) {
      this.problem = fileProblem(call, this.path, error);
      this.#queue = [];
      this.behindBytes = 0;
    }
    this.#writing = false;
    this.#worked();
    this.#tell();
  }

  #tell(): void {
    beginEvent();
    this.#options.onProgress();
  }

  async #open(): Promise<FileHandle> {
    const { folder, name } = this.#options;
    for (let tries = 1; ; tries++) {
      try {
        const handle = await open(bytesOf(this.path), "wx+", 0o600);
        if (name === "unlinked") await unlink(bytesOf(this.path));
        return handle;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EEXIST" && tries < NAME_TRIES) this.path = this.#newPath();
        else if (code === "ENOENT" && tries === 1) await mkdir(bytesOf(folder), { recursive: true, mode: 0o700 });
        else throw error;
      }
    }
  }

  /** What the file has from `at` on, at most one piece of it. */
  async read(at: Bytes): Promise<Buffer | FileProblem> {
    const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, this.sizeBytes - at));
    this.#working++;
    try {
      let filled = 0;
      while (filled < piece.length) {
        const { bytesRead } = await this.#handle!.read(piece, filled, piece.length - filled, at + filled);
        if (bytesRead === 0) throw Object.assign(new Error("the file became shorter"), { code: "EIO", errno: -5 });
        filled += bytesRead;
      }
      return piece;
    } catch (error) {
      return fileProblem("read", this.path, error);
    } finally {
      this.#worked();
      beginEvent();
    }
  }

  /** Somebody else reads it, too, and releases it. */
  share(): BodyFile {
    this.#users++;
    return this;
  }

  /** It is needed no more: with the last user it is closed, and removed where it has a name that is not to stay. */
  release(): void {
    this.#users--;
    if (this.#working === 0) this.#close();
  }

  #worked(): void {
    this.#working--;
    if (this.#working === 0) this.#close();
  }

  #close(): void {
    if (this.#users > 0 || !this.#handle) return;
    const handle = this.#handle;
    this.#handle = null;
    // Nobody is left who could be told that this fails; the data was read or is not wanted.
    handle.close().catch(ignore);
    if (this.#options.name === "removed") unlink(bytesOf(this.path)).catch(ignore);
  }
}

function ignore(): void {}

function bytesOf(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

/** Where a body goes. */
interface PieceTaker {
  /** Nothing is taken any more. */
  readonly gone: boolean;
  /** False = wait until it is drained. */
  take(piece: Buffer): boolean;
  end(): void;
  fail(problem: FileProblem): void;
  onInternalError(error: unknown): void;
}

/** Sends a file piece by piece, at the speed of whoever takes them. */
export class FileSending {
  readonly #file: BodyFile;
  readonly #to: PieceTaker;
  #at: Bytes = 0;
  #reading = false;

  constructor(file: BodyFile, to: PieceTaker) {
    this.#file = file;
    this.#to = to;
  }

  get hasMore(): boolean {
    return this.#at < this.#file.sizeBytes;
  }

  /** Begins, or goes on: more is taken. */
  goOn(): void {
    if (this.#reading || this.#to.gone || this.#at > this.#file.sizeBytes) return;
    this.#reading = true;
    this.#send().catch((error: unknown) => this.#to.onInternalError(error));
  }

  async #send(): Promise<void> {
    const file = this.#file;
    while (this.#at < file.sizeBytes) {
      const piece = await file.read(this.#at);
      if (this.#to.gone) return;
      if (!Buffer.isBuffer(piece)) return this.#to.fail(piece);
      this.#at += piece.length;
      if (!this.#to.take(piece) && this.#at < file.sizeBytes) {
        this.#reading = false;
        return;
      }
    }
    this.#at++;
    this.#to.end();
  }
}
