// Words that several rules use.
import type { Ms } from "../../std/units.ts";
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
export function prefixOf({ directive }: Scope, exact = true): string | undefined {
  const [first, second] = directive?.args ?? [];
  if (!first) return undefined;
  const [, modifier = "", name = ""] = second
    ? [null, first.value, second.value]
    : /^(=|\^~|~\*|~|@)?(.*)$/s.exec(first.value)!;
  if (modifier === "" || modifier === "^~" || (exact && modifier === "=")) return name;
  return undefined;
}

/** The pattern of a location. */
export function patternOfLocation({ directive }: Scope): { source: string; ignoreCase: boolean } | undefined {
  const [first, second] = directive?.args ?? [];
  if (!first) return undefined;
  const match = /^(~\*|~)(.*)$/s.exec(second ? first.value : first.value);
  if (!match) return undefined;
  return { source: second ? second.value : match[2]!, ignoreCase: match[1] === "~*" };
}

/** How many, with the noun. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** "a, b and c". */
export function listOf(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
