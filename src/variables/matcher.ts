// Matching a pattern for a request: what the groups captured becomes $1 to $9, and named groups become variables.
// A match without groups takes the captures of the match before it away, as in nginx.
import type { CompiledPattern } from "../config/pcre.ts";
import { capturesOf } from "../config/pcre.ts";
import type { Subject } from "./subject.ts";

/** A pattern of the configuration, ready for requests. */
export interface Matcher {
  /** Whether it matches; if so, captures and named groups of the request are those of this match. */
  match(subject: Subject, text: string): boolean;
}

const NO_CAPTURES: readonly (string | undefined)[] = [];

/** `slots` has the slot of each name in `pattern.names`. */
export function matcherOf(pattern: CompiledPattern, slots: readonly number[]): Matcher {
  const { regex } = pattern;
  if (pattern.groupCount === 0) return { match: (subject, text) => matchBare(subject, regex, text) };
  return {
    match(subject, text) {
      const match = regex.exec(text);
      if (match === null) return false;
      const captures = capturesOf(pattern, match);
      subject.captures = captures;
      for (let index = 0; index < slots.length; index++) {
        // A group that took no part is empty, not unknown.
        subject.slots[slots[index]!] = captures[pattern.nameGroups[index]!] ?? "";
      }
      return true;
    },
  };
}

function matchBare(subject: Subject, regex: RegExp, text: string): boolean {
  if (!regex.test(text)) return false;
  subject.captures = NO_CAPTURES;
  return true;
}
