// Tells of variables that a configuration uses and that nothing defines. nginx notices when it has read everything.
import { isKnown } from "../../config/variable-names.ts";
import type { Scope } from "./scope.ts";

/** One problem for each name, where it is used first. */
export function complainUnknownVariables({ variables, problems }: Scope): void {
  for (const [name, directive] of variables.used) {
    if (isKnown(name) || variables.defined.has(name) || isOfRefusedModule(name)) continue;
    problems.complain(directive, `unknown "${name}" variable`, undefined, { placeless: true });
  }
}

/** The directives that they need are refused with a reason of their own. */
function isOfRefusedModule(name: string): boolean {
  return /^(?:geoip|fastcgi|uwsgi|scgi|grpc|uid)_/.test(name);
}
