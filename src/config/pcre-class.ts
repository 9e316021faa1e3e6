// Classes: "[...]" with ranges, escapes, [:names:] and \Q…\E.
import * as chars from "./pcre-chars.ts";
import { readSetEscape } from "./pcre-escape.ts";
import type { PatternParser } from "./pcre-parse.ts";
import type { PatternNode } from "./pcre-tree.ts";
import { PatternError } from "./pcre-tree.ts";

/** A class as a node; "[" has been read. */
export function readClass(parser: PatternParser): PatternNode {
  const start = parser.at - 1;
  if (/^\[([:.=])(?:[^\]]*)\1\]/.test(parser.source.slice(start, start + 64))) {
    throw new PatternError("POSIX named classes are supported only within a class", start);
  }
  const negated = parser.take("^");
  let set = chars.NONE;
  let quoted = false;
  for (let first = true; ; first = false) {
    quoted = skipUnmeant(parser, quoted);
    if (parser.at >= parser.source.length) {
      throw new PatternError("missing terminating ] for character class", parser.source.length);
    }
    if (!quoted && !first && parser.take("]")) break;
    const low = readMember(parser, quoted);
    quoted = skipUnmeant(parser, quoted);
    if (!dashOfRange(parser, quoted)) {
      set |= setOf(parser, low);
      continue;
    }
    const dash = parser.at++;
    quoted = skipUnmeant(parser, quoted);
    if (parser.at >= parser.source.length || (!quoted && parser.source[parser.at] === "]")) {
      set |= setOf(parser, low) | chars.bytesOf("-");
      continue;
    }
    if (low.code === null) throw new PatternError(INVALID_RANGE, dash);
    const high = readMember(parser, quoted);
    const range = rangeTo(low.code, high, parser.at);
    set |= setOf(parser, { set: range, code: low.code });
  }
  return { kind: "chars", chars: negated ? chars.complement(set) : set };
}

interface Member {
  readonly set: chars.Chars;
  /** The byte, where it is one and may begin or end a range. */
  readonly code: number | null;
}

/** Single bytes and ranges have both cases where case does not count; sets that have a name stay. */
function setOf(parser: PatternParser, { set, code }: Member): chars.Chars {
  return parser.modes.ignoreCase && code !== null ? chars.folded(set) : set;
}

function dashOfRange(parser: PatternParser, quoted: boolean): boolean {
  return !quoted && parser.source[parser.at] === "-";
}

/** What "low-high" stands for. */
function rangeTo(low: number, high: Member, at: number): chars.Chars {
  if (high.code === null) throw new PatternError(INVALID_RANGE, at);
  if (high.code < low) throw new PatternError("range out of order in character class", at - 1);
  return chars.between(low, high.code);
}

const INVALID_RANGE = "invalid range in character class";

/** \Q, \E and, in extended-more mode, blanks; whether what follows is quoted. */
function skipUnmeant(parser: PatternParser, quoted: boolean): boolean {
  let inQuotes = quoted;
  for (;;) {
    if (parser.take("\\E")) inQuotes = false;
    else if (!inQuotes && parser.take("\\Q")) inQuotes = true;
    else if (inQuotes || !parser.modes.extendedMore || parser.match(/[\t ]+/y) === null) return inQuotes;
  }
}

function readMember(parser: PatternParser, quoted: boolean): Member {
  const start = parser.at;
  const character = parser.source[parser.at]!;
  if (!quoted && character === "[") {
    const posix = readPosix(parser);
    if (posix !== null) return { set: posix, code: null };
  }
  parser.at++;
  if (quoted || character !== "\\") {
    const code = character.charCodeAt(0) & 0xff;
    return { set: chars.byte(code), code };
  }
  const letter = parser.source[parser.at];
  if (letter === undefined) throw new PatternError("\\ at end of pattern", parser.at);
  if (letter === "b") {
    parser.at++;
    return { set: chars.byte(8), code: 8 };
  }
  if (/[89]/.test(letter)) {
    parser.at++;
    return { set: chars.bytesOf(letter), code: letter.charCodeAt(0) };
  }
  if ("BRXNKGZAzgk".includes(letter)) {
    throw new PatternError("escape sequence is invalid in character class", parser.at);
  }
  const set = readSetEscape(parser, start);
  return { set, code: /[dwshvpP]/i.test(letter) ? null : codeOf(set) };
}

/** The byte of a set that has one. */
function codeOf(set: chars.Chars): number {
  return set.toString(2).length - 1;
}

function readPosix(parser: PatternParser): chars.Chars | null {
  const start = parser.at;
  if (/^\[([.=])[^\]]*\1\]/.test(parser.source.slice(start, start + 64))) {
    throw new PatternError("POSIX collating elements are not supported", start);
  }
  const match = parser.match(/\[:(\^?)([a-z]+):\]/y);
  if (match === null) return null;
  const name = match[2]!;
  if (!Object.hasOwn(chars.POSIX, name)) throw new PatternError("unknown POSIX class name", start + 2);
  // Case does not count for these two where it does not count.
  const cased = parser.modes.ignoreCase && (name === "upper" || name === "lower") ? "alpha" : name;
  const set = chars.POSIX[cased]!;
  return match[1] === "^" ? chars.complement(set) : set;
}
