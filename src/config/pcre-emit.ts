// Writes a pattern's tree as a JavaScript regular expression without flags (but "i" for back references that ignore
// case). Atomic groups and possessive repetitions become a lookahead that captures and a reference to what it captured,
// so groups get other numbers: `groups` leads back.
import { emitSet } from "./pcre-chars.ts";
import type { Edge, PatternNode, PatternTree } from "./pcre-tree.ts";
import { PatternError } from "./pcre-tree.ts";

export interface EmittedPattern {
  readonly source: string;
  readonly flags: "" | "i";
  /** JavaScript's groups of each number, from 1 at index 1; null = they have the same numbers. */
  readonly groups: readonly (readonly number[])[] | null;
}

/** Throws PatternError where JavaScript has no way to say it. */
export function emitPattern(tree: PatternTree): EmittedPattern {
  return new Emitter(tree).emit();
}

const EDGES: Readonly<Record<Edge, string>> = {
  start: "^",
  end: "$",
  "last-line-end": "(?=\\n?$)",
  "line-start": "(?:^|(?<=\\n)(?!$))",
  "line-end": "(?=\\n|$)",
  word: "\\b",
  "not-word": "\\B",
};

class Emitter {
  readonly #tree: PatternTree;
  readonly #groups: number[][];
  readonly #flags: "" | "i";
  #count = 0;
  #behind = false;

  constructor(tree: PatternTree) {
    this.#tree = tree;
    this.#groups = Array.from({ length: tree.groupCount + 1 }, () => []);
    this.#groups[0] = [0];
    this.#flags = flagsOf(tree.root);
    this.#number(tree.root, false);
    this.#count = 0;
  }

  emit(): EmittedPattern {
    const source = this.#emit(this.#tree.root, true);
    const same =
      this.#count === this.#tree.groupCount &&
      this.#groups.every((indexes, number) => indexes.length === 1 && indexes[0] === number);
    return { source, flags: this.#flags, groups: same ? null : this.#groups };
  }

  /** Numbers the groups as they will be written, since a reference may stand before its group. */
  #number(node: PatternNode, behind: boolean): void {
    if (node.kind === "group") this.#groups[node.number]!.push(++this.#count);
    if (node.kind === "atomic" || (node.kind === "repeat" && node.mode === "possessive")) {
      if (behind)
        throw new PatternError("an atomic group or possessive repetition in a lookbehind is not supported", 0);
      this.#count++;
    }
    const inner = behind || (node.kind === "look" && node.behind);
    for (const part of partsOf(node)) this.#number(part, inner);
  }

  /** `last`: nothing of the pattern comes behind it. */
  #emit(node: PatternNode, last: boolean): string {
    switch (node.kind) {
      case "chars":
        return node.chars === 0n ? "(?!)" : emitSet(node.chars);
      case "sequence":
        return this.#sequence(node.parts, last);
      case "either":
        return node.parts.map((part) => this.#emit(part, last)).join("|");
      case "group":
        this.#count++;
        return `(${this.#emit(node.part, false)})`;
      case "repeat":
        return this.#repeat(node);
      case "edge":
        // At the very end the line feed may as well be taken, which spares a lookahead.
        return last && !this.#behind && node.where === "last-line-end" ? "\\n?$" : EDGES[node.where];
      case "look":
        return this.#look(node);
      case "atomic":
        return this.#atomic(() => this.#emit(node.part, false));
      case "back":
        return `(?:${this.#referred(node.numbers)
          .map((group) => `\\${group}`)
          .join("")})`;
    }
  }

  #sequence(parts: readonly PatternNode[], last: boolean): string {
    return parts
      .map((part, index) => {
        const text = this.#emit(part, last && index === parts.length - 1);
        return part.kind === "either" ? `(?:${text})` : text;
      })
      .join("");
  }

  #repeat({ part, min, max, mode }: Extract<PatternNode, { readonly kind: "repeat" }>): string {
    const quantifier = quantifierOf(min, max);
    if (mode === "possessive") return this.#atomic(() => this.#repeatable(part) + quantifier);
    return this.#repeatable(part) + quantifier + (mode === "lazy" && quantifier !== "" ? "?" : "");
  }

  #repeatable(part: PatternNode): string {
    const text = this.#emit(part, false);
    return part.kind === "chars" || part.kind === "group" || part.kind === "back" ? text : `(?:${text})`;
  }

  #atomic(inner: () => string): string {
    const group = ++this.#count;
    return `(?:(?=(${inner()}))\\${group})`;
  }

  #look({ behind, negated, part }: Extract<PatternNode, { readonly kind: "look" }>): string {
    const outer = this.#behind;
    this.#behind ||= behind;
    const text = this.#emit(part, false);
    this.#behind = outer;
    return `(?${behind ? "<" : ""}${negated ? "!" : "="}${text})`;
  }

  /** Those of several that took no part match nothing, so that one behind the other is the one that did. */
  #referred(numbers: readonly number[]): readonly number[] {
    return numbers.flatMap((number) => this.#groups[number] ?? []);
  }
}

function quantifierOf(min: number, max: number): string {
  if (max === Infinity) return min === 0 ? "*" : min === 1 ? "+" : `{${min},}`;
  if (min === max) return `{${min}}`;
  return min === 0 && max === 1 ? "?" : `{${min},${max}}`;
}

/** The nodes within a node. */
function partsOf(node: PatternNode): readonly PatternNode[] {
  if (node.kind === "sequence" || node.kind === "either") return node.parts;
  return "part" in node ? [node.part] : [];
}

/** Sets have both cases already; only a reference needs the flag, and then all of the pattern has to ignore case. */
function flagsOf(root: PatternNode): "" | "i" {
  const nodes: PatternNode[] = [root];
  for (let index = 0; index < nodes.length; index++) nodes.push(...partsOf(nodes[index]!));
  const ignoring = nodes.find((node) => node.kind === "back" && node.ignoreCase);
  if (ignoring?.kind !== "back") return "";
  if (nodes.some((node) => (node.kind === "back" ? !node.ignoreCase : node.kind === "chars" && isCased(node.chars)))) {
    throw new PatternError("a back reference that ignores case in a pattern that elsewhere does not", ignoring.at);
  }
  return "i";
}

/** It has one case of a letter and not the other (letters beyond ASCII have two cases to JavaScript, one to PCRE). */
function isCased(set: bigint): boolean {
  for (let code = 0x41; code <= 0x5a; code++) {
    if (((set >> BigInt(code)) & 1n) !== ((set >> BigInt(code + 32)) & 1n)) return true;
  }
  const high = set >> 128n;
  return high !== 0n && high !== (1n << 128n) - 1n;
}
