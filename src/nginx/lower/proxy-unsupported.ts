// What nginx would do and Goodgate does not: an error with its reason, or, where the configuration is to run anyway, a
// warning.
import type { Arg, Directive } from "../tree.ts";
import type { Lowering } from "./lowering.ts";
import type { Scope } from "./scope.ts";

/** Tells it, at the argument that asks for it. */
export function complainUnsupported(
  { problems }: Scope,
  { options }: Lowering,
  directive: Directive,
  text: string,
  arg?: Arg | undefined,
  hint?: string,
): void {
  const severity = options.lenient ? "warning" : "error";
  problems.complain(directive, text, arg, { kind: "scope", saidByNginx: false, severity, hint });
}
