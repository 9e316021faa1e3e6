// Which location answers a path, by nginx's precedence, as far as prefixes and patterns tell.
import { compilePattern } from "../../config/pcre.ts";
import type { Scope } from "../lower/scope.ts";
import type { Survey } from "./survey.ts";
import { locationMatch, patternOfLocation, prefixOf } from "./words.ts";

/** The location of a path; null = none: the server itself. */
export function locationFor({ inner }: Survey, server: Scope, path: string): Scope | null {
  let at: Scope = server;
  for (;;) {
    const next = amongst(inner(at, "location"), path);
    if (!next) return at === server ? null : at;
    at = next;
  }
}

function amongst(locations: readonly Scope[], path: string): Scope | undefined {
  let longest: { readonly scope: Scope; readonly length: number } | undefined;
  for (const scope of locations) {
    const prefix = prefixOf(scope);
    if (prefix === undefined) continue;
    if (isExact(scope)) {
      if (prefix === path) return scope;
    } else if (path.startsWith(prefix) && prefix.length >= (longest?.length ?? 0))
      longest = { scope, length: prefix.length };
  }
  if (longest && isFinal(longest.scope)) return longest.scope;
  return locations.find((scope) => fits(scope, path)) ?? longest?.scope;
}

/** `location = /a`. */
export function isExact(scope: Scope): boolean {
  return locationMatch(scope)?.kind === "exact";
}

/** `location ^~ /a`: no pattern is tried. */
export function isFinal(scope: Scope): boolean {
  const match = locationMatch(scope);
  return match?.kind === "prefix" && match.final;
}

/** Compiled once for each location. */
const compiled = new WeakMap<Scope, RegExp | null>();

function fits(scope: Scope, path: string): boolean {
  let regex = compiled.get(scope);
  if (regex === undefined) {
    const pattern = patternOfLocation(scope);
    const made = pattern && compilePattern(pattern);
    regex = made && "regex" in made ? made.regex : null;
    compiled.set(scope, regex);
  }
  return regex?.test(path) ?? false;
}
