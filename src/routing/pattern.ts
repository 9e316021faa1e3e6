// Patterns of a configuration, compiled. Who translates them from PCRE's language is passed in.
//
// Paths are not bounded for them, unlike in proxy/route.ts: a pattern that is passed over for a long path would let it
// by the rules of its location, and nginx has no such bound. What a path can be long is what head buffers hold (8 KiB
// unless said otherwise); patterns that can take too long on that are a matter for the check of the configuration.
import type { Pattern } from "../config/servers.ts";

/** A pattern ready to run; `names` are those of its groups, which become variables. */
export interface CompiledPattern {
  readonly regex: RegExp;
  readonly names: readonly string[];
}

/** Translates a pattern; the configuration has been checked, so there is no pattern that cannot be. */
export type CompilePattern = (pattern: Pattern) => CompiledPattern;

/** What patterns found in a host or path. */
export interface PatternMatch {
  /** [0] the whole match, then the groups. */
  readonly captures: RegExpExecArray;
  /** Groups that become variables: their values are in captures.groups. */
  readonly names: readonly string[];
  /** The pattern that matched before this one, around it: its named groups hold, too; null = none. */
  readonly outer: PatternMatch | null;
}
