// Patterns for tests that mean the same in both languages.
import type { Pattern } from "../config/servers.ts";
import type { CompilePattern } from "./pattern.ts";

/** Takes a pattern as JavaScript's; groups that have names come first in it. */
export const compileAsIs: CompilePattern = ({ source, ignoreCase }) => {
  const names = [...source.matchAll(/\(\?<(\w+)>/g)].map(([, name]) => name!);
  return {
    regex: new RegExp(source, ignoreCase ? "i" : ""),
    names,
    nameGroups: names.map((_, index) => index + 1),
    groups: null,
    groupCount: names.length,
  };
};

/** A pattern by its source. */
export function pattern(source: string, ignoreCase = false): { readonly kind: "pattern" } & Pattern {
  return { kind: "pattern", source, ignoreCase };
}
