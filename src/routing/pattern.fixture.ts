// Patterns for tests that mean the same in both languages.
import type { Pattern } from "../config/servers.ts";
import type { CompilePattern } from "./pattern.ts";

/** Takes a pattern as JavaScript's. */
export const compileAsIs: CompilePattern = ({ source, ignoreCase }) => ({
  regex: new RegExp(source, ignoreCase ? "i" : ""),
  names: [...source.matchAll(/\(\?<(\w+)>/g)].map(([, name]) => name!),
});

/** A pattern by its source. */
export function pattern(source: string, ignoreCase = false): { readonly kind: "pattern" } & Pattern {
  return { kind: "pattern", source, ignoreCase };
}
