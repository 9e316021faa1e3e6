// One log as bytes: a file, a compressed file, a pipe. A file is read up to the size that it had when doctor began, then
// what was appended, from the same open file; of one that cannot be read in the time, its end, because that is where the
// present is. Every read gives the event loop its turn, so that probes go on beside it. Nothing here throws: what cannot
// be read is a problem with the next step.
import { constants, type Stats } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { now } from "../../std/clock.ts";
import type { Bytes, Ms } from "../../std/units.ts";
import { contentOf, type TextEncoding } from "./encoding.ts";
import { PipeSource, readPipe } from "./pipe-source.ts";
import { CHUNK, megabytes, SAMPLE, type Source, type SourceOptions, sayCut, TAIL_MAX } from "./source.ts";
import { LineSplitter } from "./split-lines.ts";

/** What is appended while doctor runs. */
const APPENDED_MAX: Bytes = 16 * 1024 * 1024;

/** Opens a log; null = it cannot be read, and the problem was said. */
export async function openSource(options: SourceOptions): Promise<Source | null> {
  const { file, problem } = options;
  if (file === "-") return openInput(options);
  let handle: FileHandle | null = null;
  try {
    const found = await stat(file);
    if (found.isFIFO()) {
      // Opening it to read waits for a writer otherwise, in a thread that nothing ends.
      handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
      return new PipeSource(readPipe(handle, options.deadlineAt), options);
    }
    if (!found.isFile()) {
      problem("is no file", "Give a file, a folder of *.log files, or - for standard input.");
      return null;
    }
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    return await openFile(handle, await handle.stat(), options);
  } catch (error) {
    await handle?.close();
    problem(...reasonOf(error as NodeJS.ErrnoException));
    return null;
  }
}

function openInput(options: SourceOptions): Source | null {
  if (!process.stdin.isTTY) return new PipeSource(process.stdin, options);
  options.problem("standard input is a terminal", "Pipe a log into it: journalctl -u app | goodgate doctor … --log -");
  return null;
}

function reasonOf(error: NodeJS.ErrnoException): [text: string, next: string] {
  switch (error.code) {
    case "ENOENT":
      return ["there is no such file", "Check the path; nginx -V and nginx -T say where nginx writes its logs."];
    case "EACCES":
    case "EPERM":
      return [
        "may not be read by this user",
        "Run doctor with sudo, or as a member of the group that may read it (often adm).",
      ];
    case "ENOTDIR":
    case "ELOOP":
    case "ENAMETOOLONG":
      return [`is no path of a file (${error.code})`, "Check the path."];
    default:
      return [`cannot be read (${error.message})`, "Check the file, or give a copy of it."];
  }
}

async function openFile(handle: FileHandle, { size, ino }: Stats, options: SourceOptions): Promise<Source | null> {
  const content = contentOf(await sampleOf(handle, size));
  if (content.kind === "foreign") {
    await handle.close();
    options.problem(`is ${content.what}`, content.next.replaceAll("FILE", options.file));
    return null;
  }
  if (content.kind === "gzip") {
    const stream = handle.createReadStream({ highWaterMark: CHUNK });
    return new PipeSource(stream, options, size);
  }
  return new FileSource(handle, { size, ino, ...content }, options);
}

/** Of its beginning, and of its end where there is more. */
async function sampleOf(handle: FileHandle, size: Bytes): Promise<Uint8Array> {
  const head = await readAt(handle, 0, Math.min(size, SAMPLE));
  // A hole at the beginning, as truncating leaves it, says nothing.
  if (size <= SAMPLE * 2 || head.some((byte) => byte !== 0)) return head;
  const from = size - SAMPLE;
  return readAt(handle, from - (from % 2), SAMPLE);
}

async function readAt(handle: FileHandle, from: number, length: Bytes): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await handle.read(buffer, 0, length, from);
  return buffer.subarray(0, bytesRead);
}

interface Opened {
  readonly size: Bytes;
  readonly ino: number;
  readonly encoding: TextEncoding;
  readonly bomBytes: number;
}

/** Bytes per ms that no machine reads logs faster than: what is further up need not be begun. */
const FAST = 40_000;

/** How fast it went since when. */
interface Pace {
  from: number;
  since: Ms;
  nextAt: Ms;
}

class FileSource implements Source {
  readonly encoding: string;
  readonly bytes: Bytes;
  readBytes: Bytes = 0;
  readonly #options: SourceOptions;
  readonly #opened: Opened;
  readonly #splitter: LineSplitter;
  #handle: FileHandle;
  #ino: number;
  #at: number;
  /** From where on everything was read. */
  #tailFrom = 0;
  /** Once the file was replaced, there is no more to come from the old one. */
  #closed = false;

  constructor(handle: FileHandle, opened: Opened, options: SourceOptions) {
    this.#handle = handle;
    this.#opened = opened;
    this.#options = options;
    this.#ino = opened.ino;
    this.bytes = opened.size;
    this.encoding = opened.encoding;
    this.#splitter = new LineSplitter(opened.encoding, options.take);
    this.#at = opened.bomBytes;
  }

  async read(): Promise<void> {
    const { bytes } = this;
    const leftMs = Math.max(0, this.#options.deadlineAt - now());
    const possible = Math.max(CHUNK, Math.min(TAIL_MAX, Math.floor(leftMs * FAST)));
    let skipped = Math.max(0, bytes - possible);
    if (skipped > 0) this.#seek(skipped);
    const since = now();
    const pace: Pace = { from: this.#at, since, nextAt: since + Math.max(50, (this.#options.deadlineAt - since) / 4) };
    try {
      while (this.#at < bytes) {
        if (now() >= this.#options.deadlineAt) {
          // Nothing more can be read: the end at least, which tells of now.
          skipped = this.#jumpToEnd(bytes, skipped);
        } else skipped = this.#jumpAhead(bytes, pace, skipped);
        if (!(await this.#readTo(Math.min(bytes, this.#at + CHUNK)))) break;
      }
    } catch (error) {
      this.#options.problem(...reasonOf(error as NodeJS.ErrnoException));
    }
    if (skipped > 0) this.#sayTail(bytes);
  }

  /** What cannot be read in the time is passed over, from here on; told from the rate since the last look. */
  #jumpAhead(bytes: Bytes, pace: Pace, skipped: Bytes): Bytes {
    const at = now();
    if (at < pace.nextAt) return skipped;
    const rate = (this.#at - pace.from) / Math.max(1, at - pace.since);
    const leftMs = Math.max(0, this.#options.deadlineAt - at);
    pace.from = this.#at;
    pace.since = at;
    pace.nextAt = at + Math.max(50, leftMs / 4);
    if (bytes - this.#at <= rate * leftMs * 1.1) return skipped;
    const to = Math.max(this.#at, Math.floor(bytes - rate * leftMs * 0.9));
    const jump = to - this.#at;
    this.#seek(to);
    pace.from = this.#at;
    return skipped + jump;
  }

  #jumpToEnd(bytes: Bytes, skipped: Bytes): Bytes {
    const left = bytes - this.#at;
    if (left <= CHUNK) return skipped;
    const to = bytes - CHUNK;
    const jump = to - this.#at;
    this.#seek(to);
    return skipped + jump;
  }

  #seek(to: number): void {
    // UTF-16 has two bytes a unit.
    this.#at = this.#opened.encoding.startsWith("utf-16") ? to - ((to - this.#opened.bomBytes) % 2) : to;
    this.#tailFrom = this.#at;
    this.#splitter.breakOff();
    this.#splitter.skipToLineEnd();
  }

  #sayTail(bytes: Bytes): void {
    const last = bytes - this.#tailFrom;
    const before = this.readBytes - last;
    const where =
      before > CHUNK
        ? `only the last ${megabytes(last)} and ${megabytes(before)} further up of ${megabytes(bytes)} were read; lines are counted from there, without the gap`
        : `only the last ${megabytes(last)} of ${megabytes(bytes)} were read; lines are counted from there`;
    this.#options.problem(where, "For the rest, cut out the time that matters and give that file.");
  }

  /** False = the file ended before. */
  async #readTo(end: number): Promise<boolean> {
    const bytes = await readAt(this.#handle, this.#at, end - this.#at);
    if (bytes.length === 0) return false;
    this.#at += bytes.length;
    this.readBytes += bytes.length;
    this.#splitter.push(bytes);
    return true;
  }

  async readAppended(): Promise<boolean> {
    if (this.#closed) return false;
    try {
      const before = this.#at;
      const { size } = await this.#handle.stat();
      // Truncated in place: what is there now was written since.
      if (size < this.#at) {
        this.#at = 0;
        this.#splitter.breakOff();
      }
      const end = Math.min(size, this.#at + APPENDED_MAX);
      while (this.#at < end) if (!(await this.#readTo(Math.min(end, this.#at + CHUNK)))) break;
      return (await this.#followRotation()) || this.#at !== before;
    } catch (error) {
      this.#closed = true;
      this.#options.problem(...reasonOf(error as NodeJS.ErrnoException));
      return false;
    }
  }

  /** Another file has the name now: that is where the lines go. */
  async #followRotation(): Promise<boolean> {
    const found = await stat(this.#options.file).catch((error: NodeJS.ErrnoException) => {
      // Renamed and not made anew yet: the open one is still written to.
      if (error.code === "ENOENT") return null;
      throw error;
    });
    if (found === null || found.ino === this.#ino) return false;
    const next = await open(this.#options.file, constants.O_RDONLY | constants.O_NONBLOCK);
    await this.#handle.close();
    this.#handle = next;
    this.#ino = found.ino;
    this.#splitter.breakOff();
    this.#at = 0;
    const end = Math.min(found.size, APPENDED_MAX);
    while (this.#at < end) if (!(await this.#readTo(Math.min(end, this.#at + CHUNK)))) break;
    return end > 0;
  }

  async close(): Promise<void> {
    this.#splitter.end();
    sayCut(this.#splitter, this.#options);
    await this.#handle.close();
  }
}
