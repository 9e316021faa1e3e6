// The body of a request on its way to the upstream: counts and bounds it, keeps what may have to be sent (again).
// What goes out is framed as it came in: a length stays a length, chunks stay chunks (without their extensions).
import { failureOf } from "../failure/classify.ts";
import type { Failure } from "../failure/failure.ts";
import type { Bytes } from "../std/units.ts";
import { ChunkedDecoder } from "../wire/chunked.ts";
import { CHUNKED } from "../wire/framing.ts";
import { isWireError, type WireError } from "../wire/head.ts";
import { CHUNK_LIMITS, readChunkData, readChunks } from "./chunks.ts";

/** Where framed body bytes go. */
export interface BodySink {
  onBody(buffer: Buffer, start: number, end: number): void;
}

export class RequestBody {
  complete = false;
  /** Body bytes received, without chunk framing. */
  received: Bytes = 0;
  /** Framed bytes from the first on; empty once `keeping` has ended. */
  kept: Buffer[] = [];
  keptBytes: Bytes = 0;
  /** All that was received is in `kept`. */
  keeping = true;
  #left: Bytes;
  readonly #read: typeof readChunks;
  readonly #decoder: ChunkedDecoder | null;

  /** `plain`: chunks are taken out of their framing. */
  constructor(bodyLength: number, plain = false) {
    this.#read = plain ? readChunkData : readChunks;
    this.#decoder = bodyLength === CHUNKED ? new ChunkedDecoder(CHUNK_LIMITS) : null;
    this.#left = bodyLength;
  }

  /** Bytes that a body of known length still lacks; Infinity for chunks. */
  get left(): Bytes {
    return this.#decoder ? Infinity : this.#left;
  }

  /** Bytes that the body has at least: a chunk that has begun counts whole. */
  get atLeast(): Bytes {
    return this.received + (this.#decoder ? this.#decoder.chunkLeft : 0);
  }

  /**
   * Reads body bytes from [start, end) and hands them, framed for the upstream, to `sink`: in `buffer` itself or in a
   * new one. Returns the offset behind the body's bytes.
   */
  read(buffer: Buffer, start: number, end: number, sink: BodySink): number | WireError {
    if (this.#decoder) {
      const chunks = this.#read(this.#decoder, buffer, start, end);
      if (isWireError(chunks)) return chunks;
      this.received += chunks.bytes;
      this.complete = this.#decoder.done;
      const { framed } = chunks;
      // A read of framing alone has nothing that goes on: framed anew, no bytes would be the last chunk.
      if (framed && framed.length > 0) sink.onBody(framed, 0, framed.length);
      else if (!framed && chunks.consumed > start) sink.onBody(buffer, start, chunks.consumed);
      return chunks.consumed;
    }
    const length = Math.min(this.#left, end - start);
    this.#left -= length;
    this.received += length;
    this.complete = this.#left === 0;
    if (length > 0) sink.onBody(buffer, start, start + length);
    return start + length;
  }

  /** Copies framed bytes, so that they can be sent later or again. */
  keep(buffer: Buffer, start: number, end: number): void {
    if (!this.keeping) return;
    this.kept.push(Buffer.from(buffer.subarray(start, end)));
    this.keptBytes += end - start;
  }

  /** All that is kept. */
  content(): Buffer {
    const [only, ...more] = this.kept;
    if (only && more.length > 0) this.kept = [Buffer.concat(this.kept)];
    return this.kept[0] ?? EMPTY;
  }

  /** What is kept is somewhere else now, and what comes will be. */
  handOver(): void {
    this.kept = [];
    this.keptBytes = 0;
  }

  /** Gives up what is kept: the body can be sent this once only. */
  stopKeeping(): void {
    this.keeping = false;
    this.kept = [];
    this.keptBytes = 0;
  }
}

const EMPTY = Buffer.alloc(0);

/** The body is larger than the route takes. */
export function tooLarge(limitBytes: Bytes): Failure {
  return failureOf("client-request-too-large", { limit: "request body", limitBytes });
}
