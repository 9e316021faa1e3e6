// Tells of variables that a configuration uses and that nothing defines. nginx notices when it has read everything.
import type { ServersConfig } from "../../config/servers.ts";
import { suggest } from "../../config/suggest.ts";
import { builtinNames, isKnown, isOfMissingModule } from "../../config/variable-names.ts";
import type { Scope } from "./scope.ts";

/** One problem for each name, where it is used first. */
export function complainUnknownVariables({ variables, problems }: Scope): void {
  for (const [name, directive] of variables.used) {
    if (isKnown(name) || variables.defined.has(name)) continue;
    if (isOfMissingModule(name)) variables.defined.set(name, "not-found");
    else {
      const meant = suggest(name, [...variables.defined.keys(), ...builtinNames()]);
      const hint = meant === undefined ? undefined : `did you mean "$${meant}"?`;
      problems.complain(directive, `unknown "${name}" variable`, undefined, { placeless: true, hint });
    }
  }
}

/** Names that have a place in each request, and what they are before. */
export function slotsOf({ variables }: Scope): NonNullable<ServersConfig["slots"]> {
  return [...variables.defined].flatMap(([name, unset]) => (unset === "made" ? [] : [{ name, unset }]));
}
