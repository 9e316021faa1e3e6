// Sets of bytes, as PCRE's classes and escapes name them. A set is a bigint with a bit for each of the 256 bytes; case
// and locale are those of C: only A to Z and a to z have two forms.

export type Chars = bigint;

export const NONE: Chars = 0n;
export const ALL: Chars = (1n << 256n) - 1n;
const ASCII: Chars = (1n << 128n) - 1n;

/** One byte. */
export function byte(code: number): Chars {
  return 1n << BigInt(code);
}

/** Bytes from the first to the last. */
export function between(first: number, last: number): Chars {
  return (byte(last - first + 1) - 1n) << BigInt(first);
}

/** The bytes of a string. */
export function bytesOf(text: string): Chars {
  let set = NONE;
  for (let index = 0; index < text.length; index++) set |= byte(text.charCodeAt(index));
  return set;
}

export function has(set: Chars, code: number): boolean {
  return ((set >> BigInt(code)) & 1n) === 1n;
}

export function complement(set: Chars): Chars {
  return ALL & ~set;
}

const UPPER = between(0x41, 0x5a);
const LOWER = between(0x61, 0x7a);
const DIGIT = between(0x30, 0x39);
const ALPHA = UPPER | LOWER;
const WORD = ALPHA | DIGIT | bytesOf("_");
const SPACE = bytesOf("\t\n\v\f\r ");
const GRAPH = between(0x21, 0x7e);

export const NEWLINE = bytesOf("\n");
export const HORIZONTAL = bytesOf("\t \xa0");
export const VERTICAL = bytesOf("\n\v\f\r\x85");

/** Both cases of every letter in the set. */
export function folded(set: Chars): Chars {
  return set | ((set & UPPER) << 32n) | ((set & LOWER) >> 32n);
}

/** \d, \W and their kin; undefined = the letter names no set. */
export function namedSet(letter: string): Chars | undefined {
  const sets: Readonly<Record<string, Chars>> = { d: DIGIT, w: WORD, s: SPACE, h: HORIZONTAL, v: VERTICAL };
  const lower = letter.toLowerCase();
  const set = Object.hasOwn(sets, lower) ? sets[lower] : undefined;
  return set === undefined || letter === lower ? set : complement(set);
}

/** [:alpha:] and its kin. */
export const POSIX: Readonly<Record<string, Chars>> = {
  alpha: ALPHA,
  lower: LOWER,
  upper: UPPER,
  alnum: ALPHA | DIGIT,
  ascii: ASCII,
  blank: bytesOf("\t "),
  cntrl: between(0, 31) | byte(127),
  digit: DIGIT,
  graph: GRAPH,
  print: GRAPH | bytesOf(" "),
  punct: GRAPH & ~(ALPHA | DIGIT),
  space: SPACE,
  word: WORD,
  xdigit: DIGIT | between(0x41, 0x46) | between(0x61, 0x66),
};

/** \p{Lu} and its kin, where Unicode's first 256 characters stand for the bytes; undefined = unknown. */
export function unicodeSet(property: string): Chars | undefined {
  if (property === "Any") return ALL;
  if (property === "L&") return unicodeSet("LC");
  if (property === "Xan") return (unicodeSet("L") ?? NONE) | (unicodeSet("N") ?? NONE);
  if (property === "Xwd") return (unicodeSet("Xan") ?? NONE) | bytesOf("_");
  if (property === "Xsp" || property === "Xps") return (unicodeSet("Z") ?? NONE) | SPACE | byte(0x85);
  let test: RegExp;
  try {
    test = new RegExp(`^\\p{${property}}$`, "u");
  } catch {
    // Not a property that Unicode has: the caller says so.
    return undefined;
  }
  let set = NONE;
  for (let code = 0; code < 256; code++) if (test.test(String.fromCharCode(code))) set |= byte(code);
  return set;
}

/** Terms that were written before: patterns are made of few sets, and a large configuration has many patterns. */
const written = new Map<Chars, string>();

/** The set as a term of a JavaScript regular expression. */
export function emitSet(set: Chars): string {
  let term = written.get(set);
  if (term === undefined) {
    term = termOf(set);
    written.set(set, term);
  }
  return term;
}

function termOf(set: Chars): string {
  if (set === ALL) return "[^]";
  const ranges = rangesOf(set);
  const [only] = ranges;
  if (ranges.length === 1 && only!.first === only!.last) return emitByte(only!.first);
  const rest = rangesOf(complement(set));
  const negated = rest.length < ranges.length && has(set, 0xff);
  return `[${negated ? "^" : ""}${(negated ? rest : ranges).map(emitRange).join("")}]`;
}

interface Range {
  readonly first: number;
  readonly last: number;
}

function rangesOf(set: Chars): readonly Range[] {
  const ranges: Range[] = [];
  let first = -1;
  for (let code = 0; code <= 256; code++) {
    const inside = code < 256 && has(set, code);
    if (inside && first < 0) first = code;
    if (inside || first < 0) continue;
    ranges.push({ first, last: code - 1 });
    first = -1;
  }
  return ranges;
}

function emitRange({ first, last }: Range): string {
  if (first === last) return emitByte(first);
  return emitByte(first) + (last === first + 1 ? "" : "-") + emitByte(last);
}

function emitByte(code: number): string {
  const character = String.fromCharCode(code);
  if (/[\w/ ,:;=%&@#~"'<>!`]/.test(character)) return character;
  return /[.*+?^${}()|[\]\\-]/.test(character) ? `\\${character}` : `\\x${code.toString(16).padStart(2, "0")}`;
}
