// The chunked coding (RFC 9112 §7.1), decoded as it comes: data is reported as ranges of the input, nothing is copied.
// Strict where readers are known to differ: sizes are hexadecimal digits and nothing else, lines end in CRLF, never in
// LF; extensions follow their grammar. Extensions and trailers are bounded over the whole message, not by the chunk.
//
//   size ─▶ (extension) ─▶ CRLF ─▶ data ─▶ CRLF ─▶ size …
//                            └─ size 0 ─▶ (trailer fields) ─▶ empty line ─▶ done
import { BYTE_CLASS, CR, HEX_VALUE, HTAB, IN_VALUE, LF, SEMICOLON, SP } from "./bytes.ts";
import { byteName, wireError } from "./error.ts";
import type { WireError } from "./head.ts";
import { readTrailers } from "./trailers.ts";

/** Bounds of one message, in total. */
export interface ChunkedLimits {
  readonly extensionBytes: number;
  readonly trailerBytes: number;
}

/** The end of a chunked body without trailers. */
export const LAST_CHUNK = "0\r\n\r\n";

/** What goes before the data of a chunk; "\r\n" goes behind it. */
export function chunkHeader(length: number): string {
  return length.toString(16) + "\r\n";
}

const SIZE = 0;
const SIZE_DIGITS = 1;
const EXTENSION = 2;
const SIZE_LF = 3;
const DATA = 4;
const DATA_CR = 5;
const DATA_LF = 6;
const TRAILER_LINE = 7;
const TRAILER = 8;
const TRAILER_LF = 9;
const END_LF = 10;
const DONE = 11;

/** 52 bits: a size is always an exact number. */
const SIZE_MAX = 2 ** 52;
/** With leading zeros. */
const DIGITS_MAX = 16;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = '"(?:[^"\\\\]|\\\\.)*"';
/** chunk-ext (RFC 9112 §7.1.1), of which every byte has passed IN_VALUE. */
const EXTENSIONS = new RegExp(`^(?:[ \\t]*;[ \\t]*${TOKEN}(?:[ \\t]*=[ \\t]*(?:${TOKEN}|${QUOTED}))?)+$`);

/** The decoder of one chunked body. Of no use after an error. */
export class ChunkedDecoder {
  readonly #limits: ChunkedLimits;
  #state = SIZE;
  /** Of the running chunk; while in DATA what is left of it. */
  #size = 0;
  #digits = 0;
  #extension = "";
  #extensionBytes = 0;
  #trailer = "";
  #trailers = "";
  #verbatim = false;
  /** Ranges [from, to) of the last call's input that do not go on: extensions and the trailer section. */
  readonly #omitted: number[] = [];

  constructor(limits: ChunkedLimits) {
    this.#limits = limits;
  }

  /** The message has ended. */
  get done(): boolean {
    return this.#state === DONE;
  }

  /** What is still to come of the chunk that is being read. */
  get chunkLeft(): number {
    return this.#state === DATA || this.#state === SIZE_LF ? this.#size : 0;
  }

  /** Trailer fields that may go on, "Name: value\r\n" each; "" = none. Known when done. */
  get trailers(): string {
    return this.#trailers;
  }

  /**
   * The last call read whole chunks in their plain form, no more and no less: its bytes may go on as they came, even
   * between others that are framed anew. See `canonical` for a way that copies less.
   */
  get verbatim(): boolean {
    return this.#verbatim;
  }

  /**
   * Reads from [start, end) up to the end of the message. Reports data ranges in order. Returns the offset behind the
   * last byte that was used, or what is wrong.
   */
  decode(buf: Buffer, start: number, end: number, onData: (start: number, end: number) => void): number | WireError {
    const omitted = this.#omitted;
    omitted.length = 0;
    const fromBoundary = this.#state === SIZE;
    let i = start;
    while (i < end && this.#state !== DONE) {
      if (this.#state === DATA) {
        const to = Math.min(end, i + this.#size);
        this.#size -= to - i;
        onData(i, to);
        i = to;
        if (this.#size === 0) this.#state = DATA_CR;
        continue;
      }
      const error = this.#state >= TRAILER_LINE ? this.#trailerByte(buf[i]!, i) : this.#frameByte(buf[i]!, i);
      if (error) return error;
      i++;
    }
    this.#verbatim = fromBoundary && omitted.length === 0 && (this.#state === SIZE || this.#state === DONE);
    return i;
  }

  /**
   * What the last call consumed as it may go on, without extensions and with the trailers that may pass (or, where the
   * receiver wants none, without any): null = as it came. A message is passed on by this from its first byte to its last, or framed anew throughout; the two cannot be
   * mixed, since this one leaves chunks as long as they are.
   */
  canonical(buf: Buffer, start: number, consumed: number, withTrailers = true): Buffer | null {
    const omitted = this.#omitted;
    if (omitted.length === 0) return null;
    const parts: Buffer[] = [];
    let from = start;
    for (let k = 0; k < omitted.length; k += 2) {
      parts.push(buf.subarray(from, omitted[k]));
      from = omitted[k + 1]!;
    }
    parts.push(buf.subarray(from, consumed));
    // A trailer section was left out with the empty line that ends it; an empty one was not.
    if (this.done && this.#trailer !== "")
      parts.push(Buffer.from(`${withTrailers ? this.#trailers : ""}\r\n`, "latin1"));
    return Buffer.concat(parts);
  }

  /** A byte of the framing around data. */
  #frameByte(byte: number, at: number): WireError | null {
    switch (this.#state) {
      case SIZE:
      case SIZE_DIGITS:
        return this.#sizeByte(byte, at);
      case EXTENSION:
        return this.#extensionByte(byte, at);
      case SIZE_LF:
        if (byte !== LF) return wireError("bad-chunk", "CR without LF behind a chunk size", at);
        this.#state = this.#size > 0 ? DATA : TRAILER_LINE;
        return null;
      case DATA_CR:
        if (byte !== CR) return wireError("bad-chunk", `${byteName(byte)} behind chunk data, not CRLF`, at);
        this.#state = DATA_LF;
        return null;
      default:
        if (byte !== LF) return wireError("bad-chunk", "CR without LF behind chunk data", at);
        this.#state = SIZE;
        return null;
    }
  }

  #sizeByte(byte: number, at: number): WireError | null {
    const digit = HEX_VALUE[byte]!;
    if (digit < 16) {
      const first = this.#state === SIZE;
      this.#size = first ? digit : this.#size * 16 + digit;
      this.#digits = first ? 1 : this.#digits + 1;
      this.#state = SIZE_DIGITS;
      const fits = this.#digits <= DIGITS_MAX && this.#size < SIZE_MAX;
      return fits ? null : wireError("bad-chunk", "a chunk size that is too large", at);
    }
    if (this.#state === SIZE) return wireError("bad-chunk", `${byteName(byte)} where a chunk size begins`, at);
    if (byte === CR) {
      this.#state = SIZE_LF;
      return null;
    }
    if (byte !== SEMICOLON && byte !== SP && byte !== HTAB) {
      return wireError("bad-chunk", `${byteName(byte)} in a chunk size`, at);
    }
    this.#state = EXTENSION;
    this.#extension = "";
    return this.#extensionByte(byte, at);
  }

  #extensionByte(byte: number, at: number): WireError | null {
    if (byte === CR) {
      if (!EXTENSIONS.test(this.#extension)) return wireError("bad-chunk", "a malformed chunk extension", at);
      this.#state = SIZE_LF;
      return null;
    }
    if ((BYTE_CLASS[byte]! & IN_VALUE) === 0)
      return wireError("bad-chunk", `${byteName(byte)} in a chunk extension`, at);
    if (++this.#extensionBytes > this.#limits.extensionBytes) {
      return wireError("bad-chunk", `chunk extensions over ${this.#limits.extensionBytes} bytes`, at);
    }
    this.#extension += String.fromCharCode(byte);
    this.#omit(at);
    return null;
  }

  /** A byte behind the last chunk. */
  #trailerByte(byte: number, at: number): WireError | null {
    switch (this.#state) {
      case TRAILER_LINE:
        if (byte === CR) {
          this.#state = END_LF;
          break;
        }
        this.#state = TRAILER;
        return this.#trailerByte(byte, at);
      case TRAILER:
        if (byte === LF) return wireError("bad-trailer", "LF without CR", at);
        if (byte === CR) this.#state = TRAILER_LF;
        break;
      case TRAILER_LF:
        if (byte !== LF) return wireError("bad-trailer", "CR without LF", at);
        this.#state = TRAILER_LINE;
        break;
      default:
        if (byte !== LF) return wireError("bad-trailer", "CR without LF", at);
        this.#state = DONE;
    }
    // An empty section goes on as it came.
    if (this.#trailer === "" && (this.#state === END_LF || this.#state === DONE)) return null;
    return this.#trailerTaken(byte, at);
  }

  #trailerTaken(byte: number, at: number): WireError | null {
    this.#trailer += String.fromCharCode(byte);
    if (this.#trailer.length > this.#limits.trailerBytes) {
      return wireError("trailer-too-large", `trailer section over ${this.#limits.trailerBytes} bytes`, at);
    }
    this.#omit(at);
    if (this.#state !== DONE) return null;
    const trailers = readTrailers(this.#trailer);
    if (typeof trailers !== "string") return { ...trailers, at };
    this.#trailers = trailers;
    return null;
  }

  /** The byte at `at` does not go on. */
  #omit(at: number): void {
    const omitted = this.#omitted;
    if (omitted.length > 0 && omitted[omitted.length - 1] === at) omitted[omitted.length - 1] = at + 1;
    else omitted.push(at, at + 1);
  }
}
