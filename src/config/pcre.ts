// Regular expressions in PCRE's language for JavaScript's engine. The pattern is read into a tree (pcre-parse.ts) and
// written anew (pcre-emit.ts), so that each byte means what it means to PCRE2 without its UTF mode.
//
// Known differences: a group within a repetition keeps the value of an earlier round in PCRE, while JavaScript forgets
// it when a round does not use it; a reference to a group that took no part fails in PCRE and matches "" here; rounds
// of a repetition that match nothing end it in PCRE and are undone here.
import { setFlagsFromString } from "node:v8";
import { emitPattern } from "./pcre-emit.ts";
import { parsePattern } from "./pcre-parse.ts";
import { PatternError, type PatternProblem, type PatternTree } from "./pcre-tree.ts";
import type { Pattern } from "./servers.ts";

// Patterns that backtrack for too long go on in V8's linear engine, where it can run them.
setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");

export type { PatternProblem } from "./pcre-tree.ts";

export interface CompiledPattern {
  /** Without the flags "g" and "y": exec and test begin at 0. Its groups are PCRE's only where `groups` is null. */
  readonly regex: RegExp;
  /** Names of groups in order; they become variables. */
  readonly names: readonly string[];
  /** The number of each name's group. */
  readonly nameGroups: readonly number[];
  /** JavaScript's groups by PCRE's number; null = they are the same. */
  readonly groups: readonly (readonly number[])[] | null;
  readonly groupCount: number;
}

/** The pattern as a RegExp, or what is wrong with it. */
export function compilePattern(pattern: Pattern): CompiledPattern | PatternProblem {
  try {
    const tree = parsePattern(pattern.source, pattern.ignoreCase);
    return compileTree(tree);
  } catch (error) {
    if (error instanceof PatternError) return { problem: error.message, at: error.at };
    // The engine has bounds of its own, which the tree does not know.
    if (error instanceof SyntaxError) return { problem: error.message, at: 0 };
    throw error;
  }
}

/** What PCRE's groups captured: the whole match, then the groups by their numbers. */
export function capturesOf({ groups }: CompiledPattern, match: RegExpExecArray): readonly (string | undefined)[] {
  if (groups === null) return match;
  return groups.map((indexes) => {
    for (const index of indexes) if (match[index] !== undefined) return match[index];
    return undefined;
  });
}

function compileTree(tree: PatternTree): CompiledPattern {
  const { source, flags, groups } = emitPattern(tree);
  const regex = new RegExp(source === "" ? "(?:)" : source, flags);
  return {
    regex,
    names: [...tree.names.keys()],
    nameGroups: [...tree.names.values()].map((numbers) => numbers.at(-1)!),
    groups,
    groupCount: tree.groupCount,
  };
}
