// Patterns of a configuration, compiled. Who translates them from PCRE's language is passed in.
//
// Paths are not bounded for them, unlike in proxy/route.ts: a pattern that is passed over for a long path would let it
// by the rules of its location, and nginx has no such bound. What a path can be long is what head buffers hold (8 KiB
// unless said otherwise); patterns that can take too long on that are a matter for the check of the configuration.
import type { CompiledPattern } from "../config/pcre.ts";
import type { Pattern } from "../config/servers.ts";

export type { CompiledPattern };

/** Translates a pattern; the configuration has been checked, so there is no pattern that cannot be. */
export type CompilePattern = (pattern: Pattern) => CompiledPattern;

/** What patterns found in a host or path. */
export interface PatternMatch {
  /** [0] the whole match, then the groups. */
  readonly captures: RegExpExecArray;
  /** What matched: it knows which capture is which group. */
  readonly pattern: CompiledPattern;
  /** The pattern that matched before this one, around it: its named groups hold, too; null = none. */
  readonly outer: PatternMatch | null;
}
