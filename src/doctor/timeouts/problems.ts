// Problems with what was given for the chain: always where, what, and the next step.
import type { InputProblem } from "../evidence.ts";

/** About --chain or a --what-if; `given` as it was written, cut to 80 characters. */
export function problemOf(option: "--chain" | "--what-if", given: string, text: string, next: string): InputProblem {
  const shown = given.length > 80 ? `${given.slice(0, 79)}…` : given;
  return { input: `${option} "${shown}"`, place: null, text, next };
}
