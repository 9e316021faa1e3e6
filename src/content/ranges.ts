// Range requests (RFC 9110 §14) as nginx decides them, as a plan: what to send of a content whose length is known. A
// field that is no "bytes=" range is ignored; a malformed or unsatisfiable one is 416; ranges that together are longer
// than the content, or more than are allowed, get it whole. Who sends walks over planSegments, or pushes the content
// through a RangeFilter.
import type { Bytes } from "../std/units.ts";
import { parseHttpDate } from "../wire/http-date.ts";
import type { Validators } from "./not-modified.ts";

/** Bytes from start to before end. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface RangePart extends ByteRange {
  /** Goes before the part's bytes. */
  readonly head: string;
}

export type RangePlan =
  /** `acceptRanges`: with "Accept-Ranges: bytes". */
  | { readonly kind: "whole"; readonly acceptRanges: boolean }
  /** 206. */
  | ({ readonly kind: "single"; readonly contentRange: string; readonly lengthBytes: Bytes } & ByteRange)
  /** 206; the parts in the order that was asked for, then the tail. */
  | {
      readonly kind: "multipart";
      readonly contentType: string;
      readonly parts: readonly RangePart[];
      readonly tail: string;
      readonly lengthBytes: Bytes;
    }
  /** 416, without Content-Length of the content. */
  | { readonly kind: "unsatisfiable"; readonly contentRange: string };

/** What a plan is made from. */
export interface RangeFacts {
  readonly status: number;
  /** Fields of the request; undefined = not there. */
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly validators: Validators;
  /** null = unknown: then there are no ranges. */
  readonly contentLength: Bytes | null;
  /** The response comes from where ranges can be cut out: a file, the cache, or proxy_force_ranges. */
  readonly mayCut: boolean;
  /** max_ranges; -1 = no bound. */
  readonly rangesMax: number;
  /** Several ranges get the whole content (proxy_force_ranges). */
  readonly singleOnly: boolean;
  /** The content comes as a stream: parts that go back in it get it whole. */
  readonly inOrderOnly: boolean;
  /** As it would be sent, with its charset; "" = none. */
  readonly contentType: string;
}

/** Decides; `boundary` is asked for where there are several parts. */
export function planRanges(facts: RangeFacts, boundary: () => string): RangePlan {
  const { contentLength, range } = facts;
  if (facts.status !== 200 || contentLength === null || !facts.mayCut || facts.rangesMax === 0) {
    return { kind: "whole", acceptRanges: false };
  }
  if (range === undefined || range.length < 7 || !/^bytes=/i.test(range) || !isSameContent(facts)) return WHOLE;
  const most = facts.singleOnly ? 1 : facts.rangesMax < 0 ? Infinity : facts.rangesMax;
  const ranges = parseRanges(range.slice(6), contentLength, most);
  if (ranges === "whole") return WHOLE;
  if (ranges === "unsatisfiable") return { kind: "unsatisfiable", contentRange: `bytes */${contentLength}` };
  if (ranges.length === 1) return single(ranges[0]!, contentLength);
  if (facts.inOrderOnly && ranges.some(({ start }, index) => index > 0 && start < ranges[index - 1]!.end)) return WHOLE;
  return multipart(ranges, contentLength, facts.contentType, boundary());
}

/** What a plan sends, in order: bytes of its own, or a range of the content. */
export function* planSegments(plan: RangePlan, contentLength: Bytes): Generator<string | ByteRange> {
  if (plan.kind === "whole") yield { start: 0, end: contentLength };
  else if (plan.kind === "single") yield plan;
  else if (plan.kind === "multipart") {
    for (const part of plan.parts) {
      yield part.head;
      yield part;
    }
    yield plan.tail;
  }
}

/** Boundaries as nginx makes them: a counter of 20 digits. They need not be secret, only differ. */
export function boundaries(first: number): () => string {
  let last = first;
  return () => String(++last).padStart(20, "0");
}

const WHOLE: RangePlan = { kind: "whole", acceptRanges: true };

/** Whether If-Range, where it is there, holds: then the parts belong to what the client has. */
function isSameContent({ ifRange, validators }: RangeFacts): boolean {
  if (ifRange === undefined) return true;
  if (ifRange.length >= 2 && ifRange.endsWith('"')) return ifRange === validators.etag;
  const at = parseHttpDate(ifRange);
  return at !== null && at === validators.lastModifiedSeconds;
}

/** The ranges of a set; those beyond the content are passed over. */
function parseRanges(set: string, length: Bytes, most: number): ByteRange[] | "whole" | "unsatisfiable" {
  const one = /^ *(?:(\d+) *-(?: *(\d+))?|-(\d+)) *$/;
  const ranges: ByteRange[] = [];
  let total = 0;
  for (const text of set.split(",")) {
    const match = one.exec(text);
    if (!match) return "unsatisfiable";
    const [first, last, suffix] = match.slice(1).map(parseOffset);
    if (first === TOO_LARGE || last === TOO_LARGE || suffix === TOO_LARGE) return "unsatisfiable";
    const start = first ?? Math.max(0, length - suffix!);
    const end = first === undefined || last === undefined ? length : Math.min(last + 1, length);
    if (start < end) {
      ranges.push({ start, end });
      total += end - start;
      if (ranges.length > most) return "whole";
    } else if (start === 0) return "whole";
  }
  if (ranges.length === 0) return "unsatisfiable";
  if (ranges.length === 1) return ranges;
  if (total > length) return "whole";
  // Without a bound on their number, what frames the parts may not be much more than what it saves.
  return most === Infinity && total + ranges.length * 256 > length + 4096 ? "whole" : ranges;
}

const TOO_LARGE = Infinity;

/** undefined = no digits. What does not fit in 63 bits is an error to nginx, what is below is just far away. */
function parseOffset(digits: string | undefined): number | undefined {
  if (digits === undefined) return undefined;
  return digits.length > 18 && BigInt(digits) > 0x7fffffffffffffffn ? TOO_LARGE : Number(digits);
}

function single(range: ByteRange, length: Bytes): RangePlan {
  return {
    kind: "single",
    start: range.start,
    end: range.end,
    contentRange: `bytes ${range.start}-${range.end - 1}/${length}`,
    lengthBytes: range.end - range.start,
  };
}

function multipart(ranges: readonly ByteRange[], length: Bytes, contentType: string, boundary: string): RangePlan {
  const type = contentType === "" ? "" : `Content-Type: ${contentType}\r\n`;
  const parts = ranges.map(({ start, end }) => ({
    start,
    end,
    head: `\r\n--${boundary}\r\n${type}Content-Range: bytes ${start}-${end - 1}/${length}\r\n\r\n`,
  }));
  const tail = `\r\n--${boundary}--\r\n`;
  return {
    kind: "multipart",
    contentType: `multipart/byteranges; boundary=${boundary}`,
    parts,
    tail,
    lengthBytes: parts.reduce((sum, { head, start, end }) => sum + head.length + end - start, tail.length),
  };
}
