// Reads PCRE2's notation (10.42, bytes, the options that nginx compiles with). What PCRE2 refuses is refused in its
// words; what JavaScript cannot do (recursion, conditions, verbs, \K) is refused with the reason.
import * as chars from "./pcre-chars.ts";
import { readClass } from "./pcre-class.ts";
import { readEscape } from "./pcre-escape.ts";
import { BRANCH_RESET, type GroupHead, readGroupHead } from "./pcre-group.ts";
import { fixedLength } from "./pcre-length.ts";
import type { PatternNode, PatternTree } from "./pcre-tree.ts";
import { EMPTY, NEVER, PatternError } from "./pcre-tree.ts";

/** Options that a pattern turns on and off. */
export interface Modes {
  readonly ignoreCase: boolean;
  readonly multiLine: boolean;
  readonly dotAll: boolean;
  readonly extended: boolean;
  /** Blanks within classes do not count either. */
  readonly extendedMore: boolean;
  readonly noCapture: boolean;
  readonly ungreedy: boolean;
  readonly duplicateNames: boolean;
}

/** Throws PatternError. */
export function parsePattern(source: string, ignoreCase: boolean): PatternTree {
  return new PatternParser(source, ignoreCase).parse();
}

const QUANTIFIER = /[*+?]|\{\d+(?:,\d*)?\}/y;
const REPEAT_MAX = 65_535;
/** As PCRE2 counts parentheses. */
const DEPTH_MAX = 250;

/** The reader; escapes, classes and the heads of groups are read in files of their own. */
export class PatternParser {
  readonly source: string;
  at = 0;
  modes: Modes;
  groupCount = 0;
  /** Names of groups, and the numbers that they stand for. */
  readonly names = new Map<string, number[]>();
  #depth = 0;
  readonly #lookbehinds: { readonly part: PatternNode; readonly at: number }[] = [];
  readonly #references: { readonly to: number | string; readonly numbers: number[]; readonly at: number }[] = [];

  constructor(source: string, ignoreCase: boolean) {
    this.source = source;
    this.modes = {
      ignoreCase,
      multiLine: false,
      dotAll: false,
      extended: false,
      extendedMore: false,
      noCapture: false,
      ungreedy: false,
      duplicateNames: false,
    };
  }

  parse(): PatternTree {
    this.#startVerbs();
    const root = this.#alternatives(false);
    if (this.at < this.source.length) throw new PatternError("unmatched closing parenthesis", this.at);
    this.#resolve();
    return { root, groupCount: this.groupCount, names: this.names };
  }

  /** Takes `text` where it stands next. */
  take(text: string): boolean {
    if (!this.source.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  /** What the sticky expression finds here, taken. */
  match(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.at;
    const match = expression.exec(this.source);
    if (match !== null) this.at += match[0].length;
    return match;
  }

  /** A set of bytes as a node, in the case that holds here. */
  set(set: chars.Chars): PatternNode {
    return { kind: "chars", chars: this.modes.ignoreCase ? chars.folded(set) : set };
  }

  /** A reference to a group that may stand further on. */
  reference(to: number | string, at: number): PatternNode {
    const numbers: number[] = [];
    this.#references.push({ to, numbers, at });
    return { kind: "back", numbers, ignoreCase: this.modes.ignoreCase, at };
  }

  #resolve(): void {
    for (const { to, numbers, at } of this.#references) {
      if (typeof to === "string") numbers.push(...(this.names.get(to) ?? []));
      else if (to >= 1 && to <= this.groupCount) numbers.push(to);
      if (numbers.length === 0) throw new PatternError("reference to non-existent subpattern", at);
    }
    for (const { part, at } of this.#lookbehinds) {
      const branches = part.kind === "either" ? part.parts : [part];
      if (branches.some((branch) => fixedLength(branch) === null)) {
        throw new PatternError("lookbehind assertion is not fixed length", at);
      }
    }
  }

  /** (*UTF8) and the like in front; the text stays bytes, so that they change nothing. */
  #startVerbs(): void {
    const verb =
      /\(\*(?:UTF8?|UCP|CRLF|CR|LF|ANYCRLF|ANY|NUL|BSR_ANYCRLF|BSR_UNICODE|NO_JIT|NO_START_OPT|NO_AUTO_POSSESS|NO_DOTSTAR_ANCHOR|NOTEMPTY(?:_ATSTART)?|LIMIT_\w+=\d+)\)/y;
    while (this.match(verb) !== null);
  }

  /** Alternatives up to ")" or the end; modes that they set hold until there. */
  #alternatives(branchReset: boolean): PatternNode {
    const outer = this.modes;
    const before = this.groupCount;
    let most = before;
    const parts: PatternNode[] = [];
    do {
      if (branchReset) this.groupCount = before;
      parts.push(this.#sequence());
      most = Math.max(most, this.groupCount);
    } while (this.take("|"));
    this.groupCount = most;
    this.modes = outer;
    return parts.length === 1 ? parts[0]! : { kind: "either", parts };
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = [];
    for (;;) {
      if (this.modes.extended) this.match(/(?:[\t\n\v\f\r ]|#[^\n]*(?:\n|$))+/y);
      const next = this.source[this.at];
      if (next === undefined || next === "|" || next === ")") break;
      const atoms = this.#atoms();
      const last = atoms.pop();
      parts.push(...atoms);
      if (last !== undefined) parts.push(this.#quantified(last));
    }
    return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
  }

  /** Usually one; \Q…\E gives several, and what sets a mode none. */
  #atoms(): PatternNode[] {
    if (this.take("\\Q")) {
      const end = this.source.indexOf("\\E", this.at);
      const literal = this.source.slice(this.at, end < 0 ? this.source.length : end);
      this.at += literal.length + (end < 0 ? 0 : 2);
      return Array.from(literal, (character) => this.set(chars.byte(character.charCodeAt(0) & 0xff)));
    }
    if (this.take("\\E")) return [];
    if (this.match(QUANTIFIER) !== null) throw new PatternError(NOT_REPEATABLE, this.at - 1);
    const character = this.source[this.at++]!;
    switch (character) {
      case ".":
        return [{ kind: "chars", chars: this.modes.dotAll ? chars.ALL : chars.complement(chars.NEWLINE) }];
      case "^":
        return [{ kind: "edge", where: this.modes.multiLine ? "line-start" : "start" }];
      case "$":
        return [{ kind: "edge", where: this.modes.multiLine ? "line-end" : "last-line-end" }];
      case "[":
        return [readClass(this)];
      case "\\":
        return [readEscape(this)];
      case "(":
        return this.#group();
      default:
        return [this.set(chars.byte(character.charCodeAt(0) & 0xff))];
    }
  }

  #group(): PatternNode[] {
    const start = this.at - 1;
    const outer = this.modes;
    const named = this.match(/\?P=(\w+)\)/y);
    if (named !== null) return [this.reference(named[1]!, start + 4)];
    const head = readGroupHead(this);
    if (head === null) return [];
    if (head === "never") {
      this.at++;
      return [NEVER];
    }
    if (++this.#depth > DEPTH_MAX) throw new PatternError("parentheses are too deeply nested", start);
    const part = this.#alternatives(head === BRANCH_RESET);
    this.#depth--;
    if (!this.take(")")) throw new PatternError("missing closing parenthesis", this.at);
    this.modes = outer;
    if (head.kind === "look" && head.behind) this.#lookbehinds.push({ part, at: start });
    return [groupNode(head, part)];
  }

  #quantified(part: PatternNode): PatternNode {
    if (this.modes.extended) this.match(/(?:[\t\n\v\f\r ]|#[^\n]*(?:\n|$))+/y);
    while (this.source.startsWith("(?#", this.at)) readGroupHead(this, 1);
    while (this.take("\\E") || this.take("\\Q\\E"));
    const quantifier = this.match(QUANTIFIER)?.[0];
    if (quantifier === undefined) return part;
    if (part.kind === "edge" || part === NEVER) throw new PatternError(NOT_REPEATABLE, this.at - 1);
    const [min, max] = boundsOf(quantifier);
    if (min > REPEAT_MAX || (max !== Infinity && max > REPEAT_MAX)) {
      throw new PatternError("number too big in {} quantifier", this.at - 1);
    }
    if (max < min) throw new PatternError("numbers out of order in {} quantifier", this.at - 1);
    const lazy = this.take("?");
    const possessive = !lazy && this.take("+");
    const mode = possessive ? "possessive" : lazy === this.modes.ungreedy ? "greedy" : "lazy";
    return { kind: "repeat", part, min, max, mode };
  }
}

const NOT_REPEATABLE = "quantifier does not follow a repeatable item";

function groupNode(head: GroupHead, part: PatternNode): PatternNode {
  switch (head.kind) {
    case "capture":
      return { kind: "group", number: head.number, part };
    case "look":
      return { kind: "look", behind: head.behind, negated: head.negated, part };
    case "atomic":
      return { kind: "atomic", part };
    default:
      return part === EMPTY ? EMPTY : { kind: "sequence", parts: [part] };
  }
}

function boundsOf(quantifier: string): readonly [min: number, max: number] {
  if (quantifier === "*") return [0, Infinity];
  if (quantifier === "+") return [1, Infinity];
  if (quantifier === "?") return [0, 1];
  const [min = "", max] = quantifier.slice(1, -1).split(",");
  return [Number(min), max === undefined ? Number(min) : max === "" ? Infinity : Number(max)];
}
