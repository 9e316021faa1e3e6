// A log that can be read once and in one direction: a pipe, standard input, a compressed file. Read from its beginning
// until it ends or the time is over; whether it is compressed is told from its first bytes.
import type { FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { createGunzip } from "node:zlib";
import { now } from "../../std/clock.ts";
import type { Bytes, Ms } from "../../std/units.ts";
import { contentOf } from "./encoding.ts";
import { CHUNK, megabytes, SAMPLE, type Source, type SourceOptions, sayCut, TAIL_MAX } from "./source.ts";
import { LineSplitter } from "./split-lines.ts";

/** Reads it all, and nothing that is appended. */
export class PipeSource implements Source {
  bytes: Bytes;
  readBytes: Bytes = 0;
  encoding = "utf-8";
  readonly #raw: Readable;
  readonly #options: SourceOptions;
  readonly #ofFile: boolean;
  #splitter: LineSplitter | null = null;
  #unpacked: Bytes = 0;

  constructor(raw: Readable, options: SourceOptions, size: Bytes | null = null) {
    this.#raw = raw;
    this.#options = options;
    this.#ofFile = size !== null;
    this.bytes = size ?? 0;
  }

  async read(): Promise<void> {
    const { deadlineAt, problem } = this.#options;
    const timer = setTimeout(() => this.#raw.destroy(new Error(LATE)), Math.max(0, deadlineAt - now()));
    try {
      await this.#readAll();
      if (this.#unpacked >= TAIL_MAX) problem(`only the first ${megabytes(this.#unpacked)} were read`, CUT_NEXT);
    } catch (error) {
      const { message } = error as Error;
      if (message === LATE && this.readBytes === 0) problem("nothing came in the time: nobody writes to it", IDLE_NEXT);
      else if (message === LATE)
        problem(`only the first ${megabytes(this.#unpacked)} could be read in the time`, CUT_NEXT);
      else if (/unexpected end of file/.test(message))
        problem("is cut: the compressed data ends too early", "What could be unpacked was read.");
      else problem(`cannot be read (${message})`, "Check the file, or unpack it first.");
    } finally {
      clearTimeout(timer);
      this.#raw.destroy();
    }
  }

  async #readAll(): Promise<void> {
    let first = true;
    let into: Readable = this.#raw;
    const count = (chunk: Buffer): void => {
      this.readBytes += chunk.length;
    };
    for await (const chunk of counted(this.#raw, count)) {
      // The first bytes say what it is.
      const content = first ? contentOf(chunk.subarray(0, SAMPLE)) : null;
      first = false;
      if (content?.kind === "gzip") {
        into = unpacked(chunk, this.#raw, count);
        this.encoding = "gzip";
        break;
      }
      if (!this.#accept(chunk, content)) return;
    }
    if (into === this.#raw) return this.#sayBytes();
    first = true;
    for await (const chunk of into as AsyncIterable<Buffer>) {
      if (!this.#accept(chunk, first ? contentOf(chunk.subarray(0, SAMPLE)) : null)) return;
      first = false;
    }
    this.#sayBytes();
  }

  #sayBytes(): void {
    if (!this.#ofFile) this.bytes = this.readBytes;
  }

  /** False = no more is wanted. */
  #accept(chunk: Uint8Array, content: ReturnType<typeof contentOf> | null): boolean {
    if (content !== null) {
      if (content.kind !== "text") {
        const what = content.kind === "gzip" ? "compressed twice" : content.what;
        this.#options.problem(`is ${what}`, "Give the log that a program wrote as text.");
        return false;
      }
      this.encoding = this.encoding === "gzip" ? `gzip + ${content.encoding}` : content.encoding;
      this.#splitter = new LineSplitter(content.encoding, this.#options.take);
      this.#splitter.push(chunk.subarray(content.bomBytes));
    } else this.#splitter?.push(chunk);
    this.#unpacked += chunk.length;
    return this.#unpacked < TAIL_MAX;
  }

  async readAppended(): Promise<boolean> {
    return false;
  }

  async close(): Promise<void> {
    this.#splitter?.end();
    if (this.#splitter) sayCut(this.#splitter, this.#options);
    this.#raw.destroy();
  }
}

const LATE = "the time is over";
const IDLE_NEXT = "Start what writes to this pipe, or give the log's file.";
const LOOK_AGAIN_MS: Ms = 40;
const CUT_NEXT = "For the rest, cut out the time that matters and give that file.";

/** What was read already comes before the rest. */
function unpacked(first: Uint8Array, rest: Readable, count: (chunk: Buffer) => void): Readable {
  const gunzip = createGunzip();
  gunzip.write(first);
  rest.on("data", count);
  rest.on("error", (error: Error) => gunzip.destroy(error));
  rest.pipe(gunzip);
  return gunzip;
}

/** The chunks of a stream; leaving the loop leaves the stream as it is. */
async function* counted(stream: Readable, count: (chunk: Buffer) => void): AsyncGenerator<Buffer> {
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    count(bytes);
    yield bytes;
  }
}

/** What comes through a named pipe that was opened without waiting: silence and no writer yet are both looked at again. */
export function readPipe(handle: FileHandle, deadlineAt: Ms): Readable {
  return Readable.from(chunksOf(handle, deadlineAt));
}

async function* chunksOf(handle: FileHandle, deadlineAt: Ms): AsyncGenerator<Buffer> {
  let began = false;
  try {
    for (;;) {
      const chunk = await readNow(handle);
      if (chunk !== null && chunk.length > 0) {
        began = true;
        yield chunk;
      } else if (chunk !== null && began) return;
      else if (now() >= deadlineAt) throw new Error(LATE);
      else await sleep(LOOK_AGAIN_MS);
    }
  } finally {
    await handle.close();
  }
}

/** null = there is a writer, and nothing came yet; empty = there is none. */
async function readNow(handle: FileHandle): Promise<Buffer | null> {
  try {
    const buffer = Buffer.allocUnsafe(CHUNK);
    const { bytesRead } = await handle.read(buffer, 0, CHUNK, null);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return null;
    throw error;
  }
}
