// The body of the answer to a health check: read up to 64 KiB, to look for a text where one is asked for, and so that
// the connection can carry the next check. A body that ends too early is the caller's to see: it is not `whole`.
import type { Bytes } from "../std/units.ts";
import { ChunkedDecoder } from "../wire/chunked.ts";
import { CHUNKED, responseBodyLength, UNTIL_CLOSE } from "../wire/framing.ts";
import { isWireError, type ResponseHead, type WireError } from "../wire/head.ts";

/** So much of a body is read. */
export const HEALTH_BODY_BYTES_MAX: Bytes = 64 * 1024;
const CHUNK_LIMITS = { extensionBytes: 16 * 1024, trailerBytes: 16 * 1024 };

/** One body on its way in. */
export class HealthBody {
  /** It ends with the connection. */
  readonly closeDelimited: boolean;
  /** Its end has been read. */
  whole = false;
  /** Bytes came behind its end, which nobody has asked for. */
  surplus = false;
  /** The text, until it was found or the body is over; null = none is looked for. */
  readonly #text: Buffer | null;
  readonly #decoder: ChunkedDecoder | null;
  /** What is still to come, where the length is known. */
  #left: Bytes;
  #bytes: Bytes = 0;
  /** Copies of what was read, where a text is looked for. */
  readonly #parts: Buffer[] = [];

  constructor(head: ResponseHead, text: string | null) {
    const length = responseBodyLength(head, "GET");
    this.closeDelimited = length === UNTIL_CLOSE;
    this.#decoder = length === CHUNKED ? new ChunkedDecoder(CHUNK_LIMITS) : null;
    this.#left = length < 0 ? Infinity : length;
    this.#text = text === null ? null : Buffer.from(text);
    this.whole = length === 0;
  }

  /** There is more of it than was looked at. */
  get cut(): boolean {
    return !this.whole || this.#bytes > HEALTH_BODY_BYTES_MAX;
  }

  /** No more of it is read: the bound is reached, or will be for nothing. */
  get full(): boolean {
    if (this.#bytes >= HEALTH_BODY_BYTES_MAX) return true;
    const tooLong = this.#left !== Infinity && this.#bytes + this.#left > HEALTH_BODY_BYTES_MAX;
    return this.#text === null && tooLong;
  }

  /** Whether the text is in what was read. */
  get found(): boolean {
    return this.#text === null || Buffer.concat(this.#parts).includes(this.#text);
  }

  /** Takes what a read has brought; a value = it cannot be read. */
  take(buffer: Buffer, start: number, end: number): WireError | null {
    if (this.#decoder) return this.#takeChunks(this.#decoder, buffer, start, end);
    const stop = Math.min(end, start + this.#left);
    this.#left -= stop - start;
    this.#data(buffer, start, stop);
    this.whole = this.#left === 0;
    this.surplus = stop < end;
    return null;
  }

  /** The connection has ended in order: so has a body that is delimited by it. */
  end(): void {
    this.whole = this.closeDelimited;
  }

  #takeChunks(decoder: ChunkedDecoder, buffer: Buffer, start: number, end: number): WireError | null {
    const consumed = decoder.decode(buffer, start, end, (from, to) => this.#data(buffer, from, to));
    if (isWireError(consumed)) return consumed;
    this.whole = decoder.done;
    this.surplus = consumed < end;
    return null;
  }

  #data(buffer: Buffer, start: number, end: number): void {
    const room = HEALTH_BODY_BYTES_MAX - this.#bytes;
    this.#bytes += end - start;
    if (this.#text === null || room <= 0) return;
    // The read buffer is used again at once.
    this.#parts.push(Buffer.from(buffer.subarray(start, Math.min(end, start + room))));
  }
}
