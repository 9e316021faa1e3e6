// What a pattern means, between PCRE's notation (pcre-parse.ts) and JavaScript's (pcre-emit.ts): case, classes and modes
// are already worked in, so that each node stands for itself.
import type { Chars } from "./pcre-chars.ts";

export type PatternNode =
  | { readonly kind: "chars"; readonly chars: Chars }
  | { readonly kind: "sequence" | "either"; readonly parts: readonly PatternNode[] }
  /** Capturing; several groups may have one number (branch reset). */
  | { readonly kind: "group"; readonly number: number; readonly part: PatternNode }
  | {
      readonly kind: "repeat";
      readonly part: PatternNode;
      readonly min: number;
      readonly max: number;
      readonly mode: "greedy" | "lazy" | "possessive";
    }
  | { readonly kind: "edge"; readonly where: Edge }
  | { readonly kind: "look"; readonly behind: boolean; readonly negated: boolean; readonly part: PatternNode }
  | { readonly kind: "atomic"; readonly part: PatternNode }
  /** `numbers` are those that the reference may mean; the one that took part counts. */
  | { readonly kind: "back"; readonly numbers: readonly number[]; readonly ignoreCase: boolean; readonly at: number };

/** "last-line-end": at the end, or before a line feed that ends the text. */
export type Edge = "start" | "end" | "last-line-end" | "line-start" | "line-end" | "word" | "not-word";

export interface PatternTree {
  readonly root: PatternNode;
  /** Capturing groups, by number from 1. */
  readonly groupCount: number;
  /** In the order of their first group. */
  readonly names: ReadonlyMap<string, readonly number[]>;
}

export interface PatternProblem {
  readonly problem: string;
  /** Offset in the pattern. */
  readonly at: number;
}

/** Thrown and caught within compilePattern. */
export class PatternError extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

export const EMPTY: PatternNode = { kind: "sequence", parts: [] };
/** (*FAIL): nothing matches here. */
export const NEVER: PatternNode = { kind: "look", behind: false, negated: true, part: EMPTY };
