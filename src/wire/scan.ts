// The pass over the fields of a head or a trailer section: every byte is looked at once, validated by its class, and
// the fields' places are noted in a scratch array that all parses share (they are synchronous, and copy it at the end).
// The pass stops at the first byte that is wrong, wherever the rest is: what it says of a prefix it says of the whole.
import { BYTE_CLASS } from "./bytes.ts";
import { byteName, wireError } from "./error.ts";
import { kindAt } from "./fields.ts";
import type { WireError, WireErrorCode } from "./head.ts";

// V8 folds the constants of a module into its code and loads those of another anew at each use: a quarter of the time
// that a head takes here. So these repeat bytes.ts, fields.ts and head.ts (a test holds them equal).
const HTAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const COLON = 0x3a;
const DEL = 0x7f;
const IN_TOKEN = 1;
const FIELD_OTHER = 0;
const MARK = 5;

/** The bytes end before the section does. */
export const INCOMPLETE = -1;
/** See `scan.error`. */
export const INVALID = -2;

/** What the last pass found. */
export const scan = {
  /** Integers in the scratch array. */
  length: 0,
  seen: 0,
  bareLf: false,
  error: null as WireError | null,
};

const scratch: number[] = [];

/** The marks of the last pass, in an array of their own. */
export function takeMarks(): number[] {
  return scratch.slice(0, scan.length);
}

/** Notes the error; returns INVALID. `at` is relative to the head's beginning. */
export function invalid(error: WireErrorCode, detail: string, at: number): number {
  scan.error = wireError(error, detail, at);
  return INVALID;
}

/**
 * Reads the line end at `i`, where the byte is none of the line's content. Returns the offset behind it, INCOMPLETE or
 * INVALID. A bare LF is a line end (RFC 9112 §2.2), a bare CR is none.
 */
export function endOfLine(bytes: Uint8Array, i: number, end: number, base: number, error: WireErrorCode): number {
  const byte = bytes[i]!;
  if (byte === LF) {
    scan.bareLf = true;
    return i + 1;
  }
  if (byte !== CR) return invalid(error, `${byteName(byte)} is not allowed here`, i - base);
  if (i + 1 === end) return INCOMPLETE;
  if (bytes[i + 1] !== LF) return invalid("bare-cr", "CR without LF", i - base);
  return i + 2;
}

/** Offset of the first byte that is none of a field value (IN_VALUE): comparing is faster here than the table. */
export function endOfValue(bytes: Uint8Array, from: number, end: number): number {
  let i = from;
  while (i < end) {
    const byte = bytes[i]!;
    if (byte < SP ? byte !== HTAB : byte === DEL) break;
    i++;
  }
  return i;
}

/**
 * Reads field lines from `at` up to and with the empty line. Returns the offset behind it, INCOMPLETE or INVALID.
 * Marks are relative to `base`.
 */
export function scanFields(
  bytes: Uint8Array,
  at: number,
  end: number,
  base: number,
  fieldsMax: number,
  classes: Uint8Array = BYTE_CLASS,
): number {
  let length = 0;
  let seen = 0;
  let i = at;
  while (i < end) {
    const nameStart = i;
    while (i < end && (classes[bytes[i]!]! & IN_TOKEN) !== 0) i++;
    if (i === end) return INCOMPLETE;
    if (bytes[i] !== COLON || i === nameStart) {
      if (i === nameStart && (bytes[i] === CR || bytes[i] === LF)) {
        scan.length = length;
        scan.seen = seen;
        return endOfLine(bytes, i, end, base, "bad-field");
      }
      if (classes === BYTE_CLASS) return badName(bytes, nameStart, i, base, length > 0);
      i = passOver(bytes, nameStart, i, end, base, length > 0);
      if (i < 0) return i;
      continue;
    }
    if (length === fieldsMax * MARK) return invalid("too-many-fields", `more than ${fieldsMax} fields`, i - base);
    const nameEnd = i++;
    while (i < end && (bytes[i] === SP || bytes[i] === HTAB)) i++;
    const valueStart = i;
    i = endOfValue(bytes, i, end);
    if (i === end) return INCOMPLETE;
    let valueEnd = i;
    if (bytes[i] === CR && i + 1 < end && bytes[i + 1] === LF) i += 2;
    else {
      i = endOfLine(bytes, i, end, base, "bad-field");
      if (i < 0) return i;
    }
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--;
    const kind = kindAt(bytes, nameStart, nameEnd);
    if (kind !== FIELD_OTHER) seen |= 1 << kind;
    scratch[length] = kind;
    scratch[length + 1] = nameStart - base;
    scratch[length + 2] = nameEnd - base;
    scratch[length + 3] = valueStart - base;
    scratch[length + 4] = valueEnd - base;
    length += MARK;
  }
  return INCOMPLETE;
}

/** Passes over a line whose name is none of those that are taken. Returns the offset behind it, INCOMPLETE or INVALID. */
function passOver(
  bytes: Uint8Array,
  from: number,
  at: number,
  end: number,
  base: number,
  behindField: boolean,
): number {
  let i = at;
  // What stands before the colon has to be visible, or whoever comes next might take the line for something else.
  while (i < end && bytes[i]! > SP && bytes[i] !== DEL && bytes[i] !== COLON) i++;
  if (i === end) return INCOMPLETE;
  if (bytes[i] !== COLON || i === from) return badName(bytes, from, i, base, behindField);
  i = endOfValue(bytes, i + 1, end);
  return i === end ? INCOMPLETE : endOfLine(bytes, i, end, base, "bad-field");
}

/** Says what is wrong with a line that is no field line and not empty. */
function badName(bytes: Uint8Array, from: number, at: number, base: number, behindField: boolean): number {
  const byte = bytes[at]!;
  if (byte === CR || byte === LF) return invalid("bad-field", "a line without a colon", at - base);
  if (at > from) {
    const blank = byte === SP || byte === HTAB;
    return invalid(
      "bad-field",
      blank ? "whitespace in or behind a field name" : `${byteName(byte)} in a field name`,
      at - base,
    );
  }
  if (byte === COLON) return invalid("bad-field", "an empty field name", at - base);
  if (byte !== SP && byte !== HTAB) return invalid("bad-field", `${byteName(byte)} in a field name`, at - base);
  // obs-fold (RFC 9112 §5.2): what it means differs between recipients, which is how requests are smuggled.
  return invalid("bad-field", behindField ? "a folded field line" : "whitespace before the first field", at - base);
}
