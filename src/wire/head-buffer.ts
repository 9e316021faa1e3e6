// Gathers a head that comes in more than one read. The read buffer is shared and used again at once, so bytes are
// copied here. A parse is tried when the end of the head is in sight, when a limit is passed, and each time the length
// has doubled: wrong beginnings fail early, and a head that drips in byte by byte costs no more than a few passes.
import { CR, LF } from "./bytes.ts";
import { type HeadLimits, isWireError, type RequestHead, type ResponseHead, type WireError } from "./head.ts";
import { parseRequestHead } from "./request-head.ts";
import { parseResponseHead } from "./response-head.ts";

const FIRST_BYTES = 1024;

/** A whole head and the bytes that came behind it, in memory of their own. */
export interface BufferedHead {
  readonly head: RequestHead | ResponseHead;
  readonly rest: Buffer;
}

/** One head on its way in. Of no use after it has returned a head or an error. */
export class HeadBuffer {
  readonly #parse: typeof parseRequestHead | typeof parseResponseHead;
  readonly #limits: HeadLimits;
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;
  /** Content bytes of the line that is running; CR does not count. */
  #lineBytes = 0;
  /** A line with content has ended: the next empty one ends the head. */
  #begun = false;
  #tryAt = 1;

  constructor(kind: "request" | "response", limits: HeadLimits) {
    this.#parse = kind === "request" ? parseRequestHead : parseResponseHead;
    this.#limits = limits;
  }

  /** Bytes gathered so far. */
  get length(): number {
    return this.#length;
  }

  /** Takes what a read has brought; undefined = more is needed. */
  push(buf: Buffer, start: number, end: number): BufferedHead | WireError | undefined {
    this.#append(buf, start, end);
    if (!this.#endInSight(buf, start, end) && this.#length < this.#tryAt) return undefined;
    const length = this.#length;
    const { lineBytes, headBytes } = this.#limits;
    this.#tryAt = length * 2;
    for (const limit of [lineBytes, headBytes]) if (length <= limit) this.#tryAt = Math.min(this.#tryAt, limit + 1);
    const head = this.#parse(this.#bytes, 0, length, this.#limits);
    if (head === undefined || isWireError(head)) return head;
    return { head, rest: this.#bytes.subarray(head.size, length) };
  }

  #append(buf: Buffer, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, this.#bytes.length * 2, FIRST_BYTES));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    buf.copy(this.#bytes, this.#length, start, end);
    this.#length = length;
  }

  /** Whether an empty line behind a line with content is among these bytes. */
  #endInSight(buf: Buffer, start: number, end: number): boolean {
    for (let i = start; i < end; i++) {
      const byte = buf[i];
      if (byte === LF) {
        if (this.#lineBytes > 0) this.#begun = true;
        else if (this.#begun) return true;
        this.#lineBytes = 0;
      } else if (byte !== CR) this.#lineBytes++;
    }
    return false;
  }
}
