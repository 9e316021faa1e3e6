// A file that is being served: read in pieces, at the speed of whoever writes them on, and closed once. A file that
// becomes shorter meanwhile is a problem, never a short answer; one that grows is sent as long as it was.
import { closeSync, type Stats } from "node:fs";
import type { Bytes } from "../std/units.ts";
import { type FileFacts, factsOf, readDirect, readPooled } from "./disk.ts";
import type { DiskPace, MaybeLater } from "./disk-pace.ts";
import { type FileProblem, problemOf } from "./file-problem.ts";
import { SMALL_FILE_BYTES } from "./small-files.ts";
import { strerror } from "./strerror.ts";

/** What one read gives at most. */
export const PIECE_BYTES: Bytes = 64 * 1024;
const EBADF = 9;

/** What an OpenedFile is made of. */
export interface Opened {
  readonly path: string;
  readonly stats: Stats;
  /** null = a folder, or all of it is in `body`. */
  readonly fd: number | null;
  readonly body: Buffer | null;
  readonly pace: DiskPace;
  /** A small file was read whole. */
  readonly onRead?: (body: Buffer) => void;
  readonly onClose?: () => void;
}

/** A file that is being served. What read gives may be shared: it is not to be written to. */
export class OpenedFile implements FileFacts {
  readonly path: string;
  readonly sizeBytes: Bytes;
  readonly mtimeMs: number;
  readonly isDirectory: boolean;
  readonly isFile: boolean;
  readonly isExecutable: boolean;
  readonly #opened: Opened;
  #fd: number | null;
  /** A read in the thread pool holds the descriptor: closing waits for it. */
  #reading = 0;
  #closed = false;

  constructor(opened: Opened) {
    const facts = factsOf(opened.stats);
    this.path = opened.path;
    this.sizeBytes = facts.sizeBytes;
    this.mtimeMs = facts.mtimeMs;
    this.isDirectory = facts.isDirectory;
    this.isFile = facts.isFile;
    this.isExecutable = facts.isExecutable;
    this.#opened = opened;
    this.#fd = opened.fd;
  }

  /** `length` bytes from `position`, at most PIECE_BYTES of them. Fewer is a problem: the file became shorter. */
  read(position: number, length: Bytes): MaybeLater<Buffer | FileProblem> {
    const wanted = Math.max(0, Math.min(length, PIECE_BYTES, this.sizeBytes - position));
    const { body, path, pace } = this.#opened;
    if (body) return body.subarray(position, position + wanted);
    const fd = this.#fd;
    if (fd === null || this.#closed) return problemOf("read", path, "EBADF", strerror("EBADF", EBADF));
    const piece = Buffer.allocUnsafeSlow(wanted);
    return pace.run(
      () => this.#piece(position, piece, readDirect(path, fd, piece, position)),
      async () => {
        this.#reading += 1;
        const read = await readPooled(path, fd, piece, position);
        this.#reading -= 1;
        if (this.#closed) this.#release();
        return this.#piece(position, piece, read);
      },
    );
  }

  /** May be called more than once. */
  close(): void {
    this.#closed = true;
    if (this.#reading === 0) this.#release();
  }

  #release(): void {
    if (this.#fd === null) return;
    const fd = this.#fd;
    this.#fd = null;
    this.#opened.onClose?.();
    closeSync(fd);
  }

  #piece(position: number, piece: Buffer, read: number | FileProblem): Buffer | FileProblem {
    if (typeof read !== "number") return read;
    if (read < piece.length) {
      return {
        problem: `"${this.path}" became shorter while it was sent: ${position + read} of ${this.sizeBytes} bytes`,
        call: "read",
        path: this.path,
        code: "ESHORT",
        text: "",
      };
    }
    if (position === 0 && read === this.sizeBytes && read <= SMALL_FILE_BYTES) this.#opened.onRead?.(piece);
    return piece;
  }
}
