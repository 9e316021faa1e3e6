// What gzip and gunzip have in common: a stream of node:zlib, which works on another thread, between two sinks. A small
// body that comes to its end before a flush is done in one go on this thread: that costs less than the way there and back.
import type { Transform } from "node:stream";
import { constants } from "node:zlib";
import type { BodyFilter, ByteSink, FilterEvents } from "./filter.ts";

/** So much is kept until it is worth a stream. */
const HELD_BYTES_MAX = 16 * 1024;

/** A stream of zlib with its flush. */
export interface ZlibStream extends Transform {
  flush(kind: number, done: () => void): void;
}

/** How a filter makes its bytes. */
export interface ZlibWork {
  stream(): ZlibStream;
  /** All at once; null = only the stream can do it. */
  readonly once: ((bytes: Buffer) => Buffer) | null;
}

/** A body filter around a zlib stream. */
export class ZlibFilter implements BodyFilter {
  bytesIn = 0;
  bytesOut = 0;
  readonly #work: ZlibWork;
  readonly #next: ByteSink;
  readonly #events: FilterEvents;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #writtenBytes = 0;
  #stream: ZlibStream | null = null;
  #paused = false;
  #over = false;

  constructor(work: ZlibWork, next: ByteSink, events: FilterEvents) {
    this.#work = work;
    this.#next = next;
    this.#events = events;
  }

  get pendingBytes(): number {
    return this.#heldBytes + this.#writtenBytes;
  }

  write(bytes: Buffer): void {
    if (this.#over || bytes.length === 0) return;
    this.bytesIn += bytes.length;
    if (this.#stream) return this.#feed(this.#stream, bytes);
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > HELD_BYTES_MAX) this.#begin();
  }

  flush(): void {
    if (this.#over) return;
    if (!this.#stream && this.#heldBytes === 0) return this.#next.flush();
    const stream = this.#stream ?? this.#begin();
    stream.flush(constants.Z_SYNC_FLUSH, () => {
      if (!this.#over) this.#next.flush();
    });
  }

  end(): void {
    if (this.#over) return;
    if (this.#stream) {
      this.#stream.end();
      return;
    }
    if (!this.#work.once) {
      this.#begin().end();
      return;
    }
    this.#over = true;
    try {
      const out = this.#work.once(Buffer.concat(this.#takeHeld()));
      this.bytesOut += out.length;
      if (out.length > 0) this.#next.write(out);
    } catch (error) {
      this.#events.onError(error as Error);
      return;
    }
    this.#next.end();
  }

  pause(): void {
    this.#paused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#stream?.resume();
  }

  destroy(): void {
    this.#over = true;
    this.#takeHeld();
    this.#writtenBytes = 0;
    this.#stream?.destroy();
  }

  #begin(): ZlibStream {
    const stream = this.#work.stream();
    this.#stream = stream;
    stream.on("data", (bytes: Buffer) => {
      if (this.#over) return;
      this.bytesOut += bytes.length;
      this.#next.write(bytes);
    });
    stream.on("end", () => {
      if (this.#over) return;
      this.#over = true;
      this.#next.end();
    });
    stream.on("error", (error) => {
      if (this.#over) return;
      this.destroy();
      this.#events.onError(error);
    });
    if (this.#paused) stream.pause();
    for (const bytes of this.#takeHeld()) this.#feed(stream, bytes);
    return stream;
  }

  #feed(stream: ZlibStream, bytes: Buffer): void {
    this.#writtenBytes += bytes.length;
    stream.write(bytes, () => {
      if (this.#over) return;
      this.#writtenBytes -= bytes.length;
      this.#events.onProgress();
    });
  }

  #takeHeld(): Buffer[] {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    return held;
  }
}
