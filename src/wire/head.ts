// What a parsed HTTP/1.1 head is: one latin1 string and, per field, five small integers into it. Nothing is cut out of
// the string before somebody asks, so a field that is only passed on costs its bytes and no allocation.
// Heads are made by request-head.ts and response-head.ts, and stay as received: whoever changes something on the way
// says so to serialise.ts.
import type { WireCode } from "../failure/classify.ts";
import { FIELD_OTHER, FIELD_X_FORWARDED_OTHER, type FieldKind, kindOf } from "./fields.ts";

/** Bounds of one head. `lineBytes` bounds the request line, `headBytes` the whole head with it, `fields` their number. */
export interface HeadLimits {
  readonly lineBytes: number;
  readonly headBytes: number;
  readonly fields: number;
  /** Bound of one field line; missing = that of the head. Lines are as long as they stand there, with their line end. */
  readonly fieldBytes?: number;
  /**
   * Which field names are taken: all tokens, or letters, digits and "-" only, with or without "_". Lines with other names
   * are passed over then, as if they were not there. Missing = "any", and what is no token is refused.
   */
  readonly names?: FieldNames;
  /** Targets may have bytes from 0x80 on, and a fragment, which is no part of the path; missing = no. */
  readonly rawTargets?: boolean;
}

export type FieldNames = "any" | "plain" | "underscores";

/** Why bytes are no acceptable HTTP/1.1; the classifier knows each. */
export type WireErrorCode = WireCode;

/** A message that cannot be read. The bytes behind it have no meaning: the connection is of no more use. */
export interface WireError {
  readonly error: WireErrorCode;
  /** What was found, for the log. */
  readonly detail: string;
  /** What a client is answered (400, 414, 431, 501 or 505); 0 where the message was a response. */
  readonly status: number;
  /** Offset of the offending byte from the beginning of the head, or of the decoded input for chunks. */
  readonly at: number;
}

/** The fields of a head: `marks` holds [kind, nameStart, nameEnd, valueStart, valueEnd] per field, offsets into `text`. */
export interface Fields {
  readonly text: string;
  readonly marks: readonly number[];
}

/** Integers per field in `marks`. */
export const MARK = 5;

/** What both kinds of head have. */
interface Head extends Fields {
  /** Bytes consumed from `start` on, with the empty line that ends the head. */
  readonly size: number;
  /** Version 1.0 or 1.1 (and what calls itself 1.2 to 1.9). */
  readonly minor: 0 | 1;
  /** One bit for each field kind that occurs: see `hasField`. */
  readonly seen: number;
  /** Some line ended in a bare LF: the text cannot be passed on as it came. */
  readonly bareLf: boolean;
  /** The sender keeps the connection open behind this message, by its version and Connection. */
  readonly keepAlive: boolean;
  /** Value of Upgrade where Connection names it, else "". Never "h2c": that would tunnel past the gateway. */
  readonly upgrade: string;
  /** Lower-case names that Connection takes out of the message, without those that it has no say about; null = none. */
  readonly nominated: readonly string[] | null;
  /** Content-Length is one field in its plain form, so that it can be passed on as it came. */
  readonly plainLength: boolean;
}

/** A request, up to its body. */
export interface RequestHead extends Head {
  readonly method: string;
  /** As received. */
  readonly target: string;
  /** An absolute-form without path or query under OPTIONS counts as "asterisk" (RFC 9112 §3.2.4). */
  readonly form: "origin" | "absolute" | "asterisk" | "authority";
  /** From the absolute-form or the Host field, as received; "" for HTTP/1.0 without. */
  readonly host: string;
  /** Normalised (target.ts); begins with "/"; "/" for the asterisk and authority forms. */
  readonly path: string;
  /** "" or "?…", as received. */
  readonly query: string;
  /** 0 = no body, n bytes, or CHUNKED (-1). */
  readonly bodyLength: number;
  readonly expectContinue: boolean;
  readonly hasVia: boolean;
  readonly hasForwarded: boolean;
  readonly hasXff: boolean;
  readonly hasRequestId: boolean;
}

/** A response (interim or final), up to its body. */
export interface ResponseHead extends Head {
  readonly status: number;
  readonly reason: string;
  /** -1 = absent. */
  readonly contentLength: number;
  readonly chunked: boolean;
  readonly hasProxyStatus: boolean;
  readonly hasDate: boolean;
}

/** Whether a parser's or decoder's result is the error. */
export function isWireError(result: unknown): result is WireError {
  return typeof result === "object" && result !== null && "error" in result;
}

/** Whether a head has a field of this kind (not FIELD_OTHER). */
export function hasField(head: { readonly seen: number }, kind: FieldKind): boolean {
  return (head.seen & (1 << kind)) !== 0;
}

/** The first value of a field, without the whitespace around it. */
export function fieldValue(fields: Fields, lowerName: string): string | undefined {
  const at = findField(fields, lowerName, 0);
  return at < 0 ? undefined : valueAt(fields, at);
}

/** The values of all fields of a name, in order. */
export function fieldValues(fields: Fields, lowerName: string): string[] {
  const values: string[] = [];
  for (let at = findField(fields, lowerName, 0); at >= 0; at = findField(fields, lowerName, at + MARK)) {
    values.push(valueAt(fields, at));
  }
  return values;
}

/** Calls `visit` with each field as received, in order. */
export function eachField(fields: Fields, visit: (name: string, value: string) => void): void {
  const { text, marks } = fields;
  for (let at = 0; at < marks.length; at += MARK) {
    visit(text.slice(marks[at + 1], marks[at + 2]), valueAt(fields, at));
  }
}

function valueAt(fields: Fields, at: number): string {
  return fields.text.slice(fields.marks[at + 3], fields.marks[at + 4]);
}

/** Index into `marks` of the next field of this name from `at` on; -1 = none. */
function findField(fields: Fields, lowerName: string, at: number): number {
  const { text, marks } = fields;
  const kind = kindOf(lowerName);
  for (; at < marks.length; at += MARK) {
    if (marks[at] !== kind) continue;
    if (kind !== FIELD_OTHER && kind !== FIELD_X_FORWARDED_OTHER) return at;
    const from = marks[at + 1]!;
    const to = marks[at + 2]!;
    if (to - from === lowerName.length && text.slice(from, to).toLowerCase() === lowerName) return at;
  }
  return -1;
}
