// Media types that a filter works on.
import { argsOf, type Scope } from "./scope.ts";

/** Lower case; "*" = all. The first of the defaults is always among them. */
export function mediaTypes(scope: Scope, name: string, defaults: readonly string[]): readonly string[] {
  const directives = scope.all(name);
  if (directives.length === 0) return defaults;
  const types = directives.flatMap((directive) => argsOf(directive));
  if (types.includes("*")) return ["*"];
  return [...new Set([...defaults.slice(0, 1), ...types.map((type) => type.toLowerCase())])];
}
