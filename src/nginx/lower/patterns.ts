// Regular expressions of a configuration: nginx compiles them at load, refuses those that are wrong, and knows the names
// of their groups as variables from then on.
import { compilePattern } from "../../config/pcre.ts";
import type { Pattern } from "../../config/servers.ts";
import type { Arg, Directive } from "../tree.ts";
import type { Scope } from "./scope.ts";

/** A regular expression; its named groups define variables. */
export function patternOf(
  scope: Scope,
  directive: Directive,
  source: string,
  ignoreCase: boolean,
  arg?: Arg | undefined,
): Pattern {
  const pattern = { source, ignoreCase };
  const compiled = compilePattern(pattern);
  if ("problem" in compiled) {
    const rest = source.slice(compiled.at);
    const at = rest === "" ? "" : ` at "${rest}"`;
    scope.problems.complain(directive, `pcre2_compile() failed: ${compiled.problem} in "${source}"${at}`, arg);
  } else {
    for (const name of compiled.names) scope.variables.defined.set(name.toLowerCase(), "not-found");
  }
  return pattern;
}
