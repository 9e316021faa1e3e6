// A response body on its way in: its framing is followed to its end, or until 1 MiB was read.
import type { Bytes } from "../../std/units.ts";
import { ChunkedDecoder } from "../../wire/chunked.ts";
import { CHUNKED, responseBodyLength, UNTIL_CLOSE } from "../../wire/framing.ts";
import { isWireError, type ResponseHead, type WireError } from "../../wire/head.ts";

/** So much of a body is read. */
export const BODY_BYTES_MAX: Bytes = 1024 * 1024;
const CHUNK_LIMITS = { extensionBytes: 16 * 1024, trailerBytes: 16 * 1024 };

export class ProbeBody {
  /** It ends with the connection. */
  readonly closeDelimited: boolean;
  /** Its end has been read. */
  whole: boolean;
  /** Bytes came behind its end. */
  surplus = false;
  bytes: Bytes = 0;
  readonly #decoder: ChunkedDecoder | null;
  /** Grows with what comes: a server may send a byte at a time. */
  #read = Buffer.alloc(0);
  #left: Bytes;

  constructor(head: ResponseHead, method: "GET" | "HEAD") {
    const length = responseBodyLength(head, method);
    this.closeDelimited = length === UNTIL_CLOSE;
    this.#decoder = length === CHUNKED ? new ChunkedDecoder(CHUNK_LIMITS) : null;
    this.#left = length < 0 ? Number.POSITIVE_INFINITY : length;
    this.whole = length === 0;
  }

  /** No more of it is read. */
  get full(): boolean {
    return !this.whole && this.bytes >= BODY_BYTES_MAX;
  }

  /** What was read, without its framing. */
  get content(): Buffer {
    return this.#read.subarray(0, Math.min(this.bytes, BODY_BYTES_MAX));
  }

  /** Takes what a read has brought; a value = its framing is broken. */
  take(buffer: Buffer, start: number, end: number): WireError | null {
    if (this.#decoder) {
      const consumed = this.#decoder.decode(buffer, start, end, (from, to) => this.#data(buffer, from, to));
      if (isWireError(consumed)) return consumed;
      this.whole = this.#decoder.done;
      this.surplus = consumed < end;
      return null;
    }
    const stop = Math.min(end, start + this.#left);
    this.#left -= stop - start;
    this.#data(buffer, start, stop);
    this.whole = this.#left === 0;
    this.surplus = stop < end;
    return null;
  }

  /** The connection has ended in order. */
  end(): void {
    if (this.closeDelimited) this.whole = true;
  }

  #data(buffer: Buffer, start: number, end: number): void {
    const at = this.bytes;
    this.bytes += end - start;
    const wanted = Math.min(this.bytes, BODY_BYTES_MAX);
    if (at >= wanted) return;
    if (wanted > this.#read.length) {
      const larger = Buffer.alloc(Math.min(BODY_BYTES_MAX, Math.max(wanted, this.#read.length * 2)));
      this.#read.copy(larger, 0, 0, at);
      this.#read = larger;
    }
    buffer.copy(this.#read, at, start, start + wanted - at);
  }
}
