// Where a `proxy_pass` stands: a URI may be put in the place of a location's prefix only, not where a pattern matches,
// and not in blocks that have no name of their own.
import type { Directive } from "../tree.ts";
import type { Lowering } from "./lowering.ts";
import { outwards, type Scope } from "./scope.ts";

/**
 * The prefix that the URI of a `proxy_pass` takes the place of; undefined = it may have none. `scope` is the block whose
 * settings are wanted: an `if` has the proxy_pass of the location around it.
 */
export function placeOf(scope: Scope, directive: Directive, lowering: Lowering): string | undefined {
  for (const at of outwards(scope)) if (at.own(directive.name).includes(directive)) return prefixOf(at, lowering);
  return prefixOf(scope, lowering);
}

/** The prefix of a location; undefined for patterns, named ones and blocks that are none. */
export function prefixOf(scope: Scope, { locationPrefix }: Lowering): string | undefined {
  return scope.kind === "location" ? locationPrefix(scope) : undefined;
}
