// Words that several rules use.
import type { LocationMatch, Pattern } from "../../config/servers.ts";
import type { Ms } from "../../std/units.ts";
import { matchOf } from "../lower/location.ts";
import type { Scope } from "../lower/scope.ts";
import type { Directive } from "../tree.ts";

/** A directive as it stands, without its block: `proxy_read_timeout 5m`. */
export function written({ name, args }: Directive): string {
  return [name, ...args.map(({ raw }) => raw)].join(" ");
}

/** A time as people say it. */
export function seconds(ms: Ms): string {
  return `${ms / 1000} s`;
}

/** The path of a location; undefined = it is no prefix (a pattern, an exact one where `exact` is false, a named one). */
export function prefixOf(scope: Scope, exact = true): string | undefined {
  const match = locationMatch(scope);
  return match?.kind === "prefix" || (exact && match?.kind === "exact") ? match.path : undefined;
}

/** The pattern of a location. */
export function patternOfLocation(scope: Scope): Pattern | undefined {
  const match = locationMatch(scope);
  return match?.kind === "pattern" ? match : undefined;
}

/** What a location matches; undefined = it is none, or is written wrong. */
export function locationMatch({ directive }: Scope): LocationMatch | undefined {
  if (!directive || directive.args.length === 0) return undefined;
  const match = matchOf(directive);
  return typeof match === "string" ? undefined : match;
}

/** How many, with the noun. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** "a, b and c". */
export function listOf(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
