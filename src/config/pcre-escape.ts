// What stands behind a backslash, outside and inside of classes.
import * as chars from "./pcre-chars.ts";
import type { PatternParser } from "./pcre-parse.ts";
import type { PatternNode } from "./pcre-tree.ts";
import { PatternError } from "./pcre-tree.ts";

const CONTROLS: Readonly<Record<string, number>> = { a: 7, e: 27, f: 12, n: 10, r: 13, t: 9 };
const EDGES = {
  A: "start",
  G: "start",
  Z: "last-line-end",
  z: "end",
  b: "word",
  B: "not-word",
} as const;

/** An escape as a node; the backslash has been read. */
export function readEscape(parser: PatternParser): PatternNode {
  const start = parser.at - 1;
  const letter = parser.source[parser.at];
  if (letter === undefined) throw new PatternError("\\ at end of pattern", parser.at);
  if (Object.hasOwn(EDGES, letter)) {
    parser.at++;
    return { kind: "edge", where: EDGES[letter as keyof typeof EDGES] };
  }
  if (/[1-9]/.test(letter)) return readNumbered(parser, start);
  switch (letter) {
    case "R":
      parser.at++;
      return lineBreak();
    case "X":
      parser.at++;
      return { kind: "atomic", part: { kind: "either", parts: [text("\r\n"), { kind: "chars", chars: chars.ALL }] } };
    case "C":
      parser.at++;
      return { kind: "chars", chars: chars.ALL };
    case "N":
      if (/^\{(?!\d+(?:,\d*)?\})/.test(parser.source.slice(parser.at + 1, parser.at + 16)))
        throw new PatternError(NOT_IN_PCRE, start + 2);
      parser.at++;
      return { kind: "chars", chars: chars.complement(chars.NEWLINE) };
    case "K":
      throw new PatternError("\\K is not supported: a match cannot be made to begin later", start);
    case "g":
      return readG(parser, start);
    case "k":
      return readK(parser, start);
    case "p":
    case "P":
      // \p{Lu} is upper case wherever it stands.
      return { kind: "chars", chars: readSetEscape(parser, start) };
    default:
      return parser.set(readSetEscape(parser, start));
  }
}

const NOT_IN_PCRE = "PCRE2 does not support \\F, \\L, \\l, \\N{name}, \\U, or \\u";

/** An escape that stands for bytes, in and out of classes; the backslash has been read. */
export function readSetEscape(parser: PatternParser, start: number): chars.Chars {
  const letter = parser.source[parser.at++]!;
  const named = chars.namedSet(letter);
  if (named !== undefined) return named;
  if (Object.hasOwn(CONTROLS, letter)) return chars.byte(CONTROLS[letter]!);
  if (letter === "c") return chars.byte(readControl(parser));
  if (letter === "x") return chars.byte(readHex(parser, start));
  if (letter === "o") return chars.byte(readBracedOctal(parser));
  if (letter === "p" || letter === "P") return readProperty(parser, letter === "P", start);
  if (/[0-7]/.test(letter)) {
    parser.at--;
    const code = Number.parseInt(parser.match(/[0-7]{1,3}/y)![0], 8);
    if (code > 255) throw new PatternError(TOO_LARGE_OCTAL, parser.at);
    return chars.byte(code);
  }
  if ("FLlUu".includes(letter)) throw new PatternError(NOT_IN_PCRE, start + 2);
  if (/[a-z]/i.test(letter)) throw new PatternError("unrecognized character follows \\", start + 1);
  return chars.byte(letter.charCodeAt(0) & 0xff);
}

const TOO_LARGE = "character code point value in \\x{} or \\o{} is too large";
const TOO_LARGE_OCTAL = "octal value is greater than \\377 in 8-bit non-UTF-8 mode";

function readControl(parser: PatternParser): number {
  const letter = parser.source[parser.at];
  if (letter === undefined) throw new PatternError("\\c at end of pattern", parser.at);
  const code = letter.toUpperCase().charCodeAt(0);
  if (code < 32 || code > 126) {
    throw new PatternError("\\c must be followed by a printable ASCII character", parser.at);
  }
  parser.at++;
  return code ^ 64;
}

function readHex(parser: PatternParser, start: number): number {
  if (parser.source[parser.at] === "{") {
    const braced = parser.match(/\{([0-9a-f]+)\}/iy);
    if (braced === null) throw new PatternError("non-hex character in \\x{} (closing brace missing?)", start + 3);
    const code = Number.parseInt(braced[1]!, 16);
    if (code > 255) throw new PatternError(TOO_LARGE, parser.at - 1);
    return code;
  }
  const digits = parser.match(/[0-9a-f]{0,2}/iy)![0];
  return digits === "" ? 0 : Number.parseInt(digits, 16);
}

function readBracedOctal(parser: PatternParser): number {
  const braced = parser.match(/\{([0-7]+)\}/y);
  if (braced === null)
    throw new PatternError(
      parser.source[parser.at] === "{"
        ? "non-octal character in \\o{} (closing brace missing?)"
        : "missing opening brace after \\o",
      parser.at + 1,
    );
  const code = Number.parseInt(braced[1]!, 8);
  if (code > 255) throw new PatternError(TOO_LARGE, parser.at - 1);
  return code;
}

function readProperty(parser: PatternParser, negated: boolean, start: number): chars.Chars {
  const match = parser.match(/\{(\^?)\s*([\w& -]+)\}|([A-Za-z])/y);
  if (match === null) throw new PatternError("malformed \\P or \\p sequence", start);
  const set = chars.unicodeSet((match[2] ?? match[3]!).trim());
  if (set === undefined) throw new PatternError("unknown property after \\P or \\p", parser.at);
  return negated !== (match[1] === "^") ? chars.complement(set) : set;
}

/** A back reference; two digits and more are one only where there are so many groups so far, else octal. */
function readNumbered(parser: PatternParser, start: number): PatternNode {
  const digits = parser.match(/\d{1,9}/y)![0];
  const number = Number(digits);
  if (number < 10 || /^[89]/.test(digits) || number <= parser.groupCount)
    return parser.reference(number, parser.at - 1);
  parser.at = start + 1;
  return parser.set(readSetEscape(parser, start));
}

function readG(parser: PatternParser, start: number): PatternNode {
  parser.at++;
  if (/[<']/.test(parser.source[parser.at] ?? "")) throw new PatternError(RECURSION, start);
  const name = parser.match(/\{([A-Za-z_]\w*)\}/y);
  if (name !== null) return parser.reference(name[1]!, start + 3);
  const match = parser.match(/\{([+-]?)(\d{1,9})\}|([+-]?)(\d{1,9})/y);
  if (match === null) {
    throw new PatternError(
      "\\g is not followed by a braced, angle-bracketed, or quoted name/number or by a plain number",
      start + 2,
    );
  }
  const sign = match[1] ?? match[3];
  const number = Number(match[2] ?? match[4]);
  const at = parser.at - 1;
  if (sign === "-" && number > parser.groupCount) {
    throw new PatternError("reference to non-existent subpattern", start + 2);
  }
  if (sign === "-") return parser.reference(parser.groupCount - number + 1, at);
  return parser.reference(sign === "+" ? parser.groupCount + number : number, at);
}

/** Said of (?R), (?1), (?&name), \g<1> and the like. */
export const RECURSION = "recursion and calls of groups are not supported";

function readK(parser: PatternParser, start: number): PatternNode {
  parser.at++;
  const match = parser.match(/\{(\w+)\}|<(\w+)>|'(\w+)'/y);
  if (match === null) {
    throw new PatternError("\\k is not followed by a braced, angle-bracketed, or quoted name", start + 2);
  }
  return parser.reference((match[1] ?? match[2] ?? match[3])!, start + 3);
}

function lineBreak(): PatternNode {
  return { kind: "atomic", part: { kind: "either", parts: [text("\r\n"), { kind: "chars", chars: chars.VERTICAL }] } };
}

function text(literal: string): PatternNode {
  return {
    kind: "sequence",
    parts: Array.from(literal, (character) => ({ kind: "chars", chars: chars.byte(character.charCodeAt(0)) })),
  };
}
