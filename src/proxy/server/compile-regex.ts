// A pattern of the configuration, which was checked when it was read.
import { type CompiledPattern, compilePattern } from "../../config/pcre.ts";
import type { Pattern } from "../../config/servers.ts";

/** Throws where it does not compile. */
export function compileRegex(pattern: Pattern): CompiledPattern {
  const compiled = compilePattern(pattern);
  if ("problem" in compiled) throw new Error(`pattern "${pattern.source}": ${compiled.problem}`);
  return compiled;
}
