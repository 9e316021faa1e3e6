// A bound on what a regular expression of a route can cost. V8's engine backtracks; a pattern such as (a+)+$ takes
// years on thirty characters. So the pattern is read here and its worst case estimated: every place where the engine
// has a choice that the next character does not decide multiplies the work (a repetition by the length of the path,
// an optional part by two). What is above the bound, or not understood, is refused when the configuration is loaded.
// Refused always: repetition within repetition, overlapping alternatives under a repetition, backreferences, lookaround.
import { errorOf } from "./address.ts";
import type { Problem } from "./config.ts";
import { beginsAtStart, first, nullable, overlapping } from "./pattern-shape.ts";
import type { PatternNode } from "./pcre-tree.ts";

/** Longer paths match no regular expression: with it, STEPS_MAX holds for every request. */
export const REGEX_PATH_MAX = 2048;
/** One ambiguous repetition over the longest path, with some room: a few milliseconds. */
const STEPS_MAX = 4 * REGEX_PATH_MAX ** 2;

/** Characters 0–127 as bits; bit 128 stands for all others. */
type Chars = bigint;
const ALL: Chars = (1n << 129n) - 1n;
const OTHER: Chars = 1n << 128n;
const DIGITS = range("0", "9");
const WORD = DIGITS | range("a", "z") | range("A", "Z") | range("_", "_");
const SPACE = [..." \t\n\r\v\f"].reduce((set, character) => set | range(character, character), OTHER);
const NEWLINES = range("\n", "\n") | range("\r", "\r") | OTHER;
const DOT: Chars = ALL & ~(range("\n", "\n") | range("\r", "\r"));

const START: PatternNode = { kind: "edge", where: "start" };

class Refusal extends Error {}

/** What speaks against the pattern; null = it is valid and cannot run away. */
export function regexProblem(source: string, ignoreCase: boolean): Problem | null {
  if (source === "") return errorOf("the regular expression is empty");
  try {
    new RegExp(source, ignoreCase ? "i" : "");
  } catch (error) {
    return errorOf((error as Error).message.replace(/^Invalid regular expression: /, "invalid regular expression: "));
  }
  try {
    const tree = new Reader(source, ignoreCase).read();
    const anchored = beginsAtStart(tree);
    const steps = REGEX_PATH_MAX * (anchored ? 1 : REGEX_PATH_MAX) * choices(tree, 0n);
    if (steps <= STEPS_MAX) return null;
    const hint = anchored
      ? 'let a repetition stop at its follower, as in "[^/]+/" instead of ".*/"'
      : 'begin it with "^"';
    return errorOf("the regular expression can take too long on a hostile path", hint);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return errorOf(
      `the regular expression is refused: ${error.message}`,
      "what routes accept is bounded in time; a prefix or a glob may do",
    );
  }
}

/** How many ways the engine may have to try `node` before characters in `follow` (0n = the end, or anything). */
function choices(node: PatternNode, follow: Chars): number {
  switch (node.kind) {
    case "sequence": {
      let product = 1;
      let next = follow;
      for (const part of node.parts.toReversed()) {
        product *= choices(part, next);
        next = nullable(part) ? first(part) | next : first(part);
      }
      return product;
    }
    case "either": {
      const overlap = overlapping(node.parts, follow);
      return node.parts.map((part) => choices(part, follow)).reduce((a, b) => (overlap ? a + b : Math.max(a, b)));
    }
    case "repeat": {
      const most = Math.min(node.max, REGEX_PATH_MAX);
      if (most > 1) refuseUnlessPlain(node.part);
      const inner = choices(node.part, most > 1 ? first(node.part) | follow : follow);
      const ambiguous = (first(node.part) & follow) !== 0n;
      return inner * (ambiguous ? Math.max(1, most - node.min + 1) : 1);
    }
    default:
      return 1;
  }
}

/** What is repeated has one length per first character: no repetition in it, nothing empty, disjoint alternatives. */
function refuseUnlessPlain(node: PatternNode): void {
  if (nullable(node)) throw new Refusal("it repeats what may be empty");
  if (node.kind === "repeat" && node.min !== node.max) throw new Refusal("a repetition within a repetition");
  if (node.kind === "repeat") refuseUnlessPlain(node.part);
  if (node.kind === "either" && overlapping(node.parts)) {
    throw new Refusal("a repetition over alternatives that can begin alike");
  }
  if (node.kind === "sequence") {
    for (const part of node.parts) if (part !== START) refuseUnlessPlain(part);
  }
  if (node.kind === "either") for (const part of node.parts) refuseUnlessPlain(part);
}

/** Reads a pattern that RegExp accepted; what it does not know it refuses. */
class Reader {
  readonly #source: string;
  readonly #ignoreCase: boolean;
  #at = 0;

  constructor(source: string, ignoreCase: boolean) {
    this.#source = source;
    this.#ignoreCase = ignoreCase;
  }

  read(): PatternNode {
    const parts = [this.#sequence()];
    while (this.#take("|")) parts.push(this.#sequence());
    return parts.length === 1 ? parts[0]! : { kind: "either", parts };
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = [];
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source[this.#at]!)) parts.push(this.#quantified());
    return { kind: "sequence", parts };
  }

  #quantified(): PatternNode {
    const part = this.#atom();
    const match = /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/.exec(this.#source.slice(this.#at, this.#at + 32));
    if (!match) return part;
    this.#at += match[0].length;
    if (match[1] === "?") return repeat(part, 0, 1);
    if (match[1]) return repeat(part, match[1] === "+" ? 1 : 0, Infinity);
    const min = Number(match[2]);
    const max = match[3] === undefined ? min : match[4] === "" ? Infinity : Number(match[4]);
    return repeat(part, min, max);
  }

  #atom(): PatternNode {
    const character = this.#source[this.#at++]!;
    switch (character) {
      case "^":
        return START;
      case "$":
        return { kind: "edge", where: "end" };
      case ".":
        return { kind: "chars", chars: DOT };
      case "[":
        return { kind: "chars", chars: this.#fold(this.#class()) };
      case "\\":
        return this.#escape();
      case "(":
        return this.#group();
      default:
        return { kind: "chars", chars: this.#fold(one(character)) };
    }
  }

  #group(): PatternNode {
    if (this.#take("?")) {
      const named = /^<[A-Za-z_$][\w$]*>/.exec(this.#source.slice(this.#at));
      if (named) this.#at += named[0].length;
      else if (!this.#take(":")) throw new Refusal("it looks ahead or behind");
    }
    const inner = this.read();
    this.#take(")");
    return inner;
  }

  #escape(): PatternNode {
    const character = this.#source[this.#at++] ?? "";
    if (character === "b" || character === "B") return { kind: "edge", where: "word" };
    if (/[1-9k]/.test(character)) throw new Refusal("a backreference");
    return { kind: "chars", chars: this.#fold(this.#escaped(character)) };
  }

  #escaped(character: string): Chars {
    const set = { d: DIGITS, w: WORD, s: SPACE, D: ALL & ~DIGITS, W: ALL & ~WORD, S: (ALL & ~SPACE) | OTHER }[
      character
    ];
    if (set !== undefined) return set;
    if (character === "x") {
      const code = /^[0-9a-f]{2}/i.exec(this.#source.slice(this.#at))?.[0];
      if (code === undefined) throw new Refusal('"\\x" without two hexadecimal digits');
      this.#at += 2;
      return one(String.fromCharCode(Number.parseInt(code, 16)));
    }
    if (character === "n" || character === "r") return NEWLINES;
    if (/[a-z0-9]/i.test(character)) throw new Refusal(`"\\${character}" is not supported`);
    return one(character);
  }

  #class(): Chars {
    const negated = this.#take("^");
    let set: Chars = 0n;
    while (this.#source[this.#at] !== "]") {
      const low = this.#classMember();
      const dash = this.#source[this.#at] === "-" && this.#source[this.#at + 1] !== "]";
      if (!dash) {
        set |= low;
        continue;
      }
      this.#at++;
      const high = this.#classMember();
      set |= low | high | between(low, high);
    }
    this.#at++;
    return negated ? (ALL & ~set) | OTHER : set;
  }

  #classMember(): Chars {
    const character = this.#source[this.#at++]!;
    return character === "\\" ? this.#escaped(this.#source[this.#at++] ?? "") : one(character);
  }

  #take(character: string): boolean {
    if (this.#source[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  /** Both cases of every letter in the set, where case does not count. */
  #fold(set: Chars): Chars {
    if (!this.#ignoreCase) return set;
    const upper = range("A", "Z");
    const lower = range("a", "z");
    return set | ((set & upper) << 32n) | ((set & lower) >> 32n) | (set & (upper | lower) ? OTHER : 0n);
  }
}

function repeat(part: PatternNode, min: number, max: number): PatternNode {
  return { kind: "repeat", part, min, max, mode: "greedy" };
}

function one(character: string): Chars {
  const code = character.charCodeAt(0);
  return code < 128 ? 1n << BigInt(code) : OTHER;
}

function range(from: string, to: string): Chars {
  return between(one(from), one(to));
}

/** The bits from the lowest of `low` to the highest of `high`; for ranges of a class, whose ends are single. */
function between(low: Chars, high: Chars): Chars {
  let set = low | high;
  for (let bit = low; bit !== 0n && bit < high; bit <<= 1n) set |= bit;
  return set;
}
