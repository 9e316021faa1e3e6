// Cuts the parts of a plan out of a content that is pushed through in order: a cached or proxied body. Parts have to go
// forward (planRanges with inOrderOnly); what lies between them is dropped. Nothing is copied.
import type { ByteRange, RangePlan } from "./ranges.ts";
import { planSegments } from "./ranges.ts";

/** One for each response. */
export class RangeFilter {
  readonly #segments: readonly (string | ByteRange)[];
  #index = 0;
  /** Where in the content the next byte is. */
  #position: number;

  /** `from`: where the stream begins in the content (slices). */
  constructor(plan: RangePlan, contentLength: number, from = 0) {
    this.#segments = [...planSegments(plan, contentLength)];
    this.#position = from;
  }

  /** All has come out; what is still to come need not be read. */
  get isDone(): boolean {
    return this.#index >= this.#segments.length;
  }

  /** What these bytes of the content give. */
  push(bytes: Buffer): Buffer[] {
    const out: Buffer[] = [];
    const begin = this.#position;
    const end = begin + bytes.length;
    this.#position = end;
    for (let segment = this.#segments[this.#index]; segment !== undefined; segment = this.#segments[this.#index]) {
      if (typeof segment === "string") {
        out.push(Buffer.from(segment, "latin1"));
      } else {
        // Part of it may have gone out with earlier bytes.
        const from = Math.max(segment.start, begin);
        const to = Math.min(segment.end, end);
        if (from < to) out.push(bytes.subarray(from - begin, to - begin));
        if (segment.end > end) break;
      }
      this.#index += 1;
    }
    return out;
  }
}
