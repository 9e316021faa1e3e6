// What nginx would do and Goodgate does not: an error with its reason. Where the configuration is to run anyway, all of
// this kind become warnings (lower.ts).
import type { Arg, Directive } from "../tree.ts";
import type { Scope } from "./scope.ts";

/** Tells it, at the argument that asks for it. */
export function complainUnsupported(
  { problems }: Scope,
  directive: Directive,
  text: string,
  arg?: Arg | undefined,
  hint?: string,
): void {
  problems.complain(directive, text, arg, { kind: "scope", saidByNginx: false, hint });
}
