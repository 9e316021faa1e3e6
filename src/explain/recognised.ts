// What is known of a pasted text before anybody asks what it means: the text without its wrappers, the format it is in,
// the facts and codes that stand in the format's fields, and the part of it that speaks freely.
import type { Facts, Range } from "./explanation.ts";

/** The input without colours, log prefixes and quotes around it. */
export interface Normalised {
  readonly text: string;
  /** offsets[i] = where text[i] stands in the input; one longer than the text; null = the text is the input. */
  readonly offsets: Int32Array | null;
  /** What was taken off, outermost first: "ansi", "docker-compose", "syslog", "journald", "kubectl", "json". */
  readonly wrappers: readonly string[];
  /** What the wrappers said: time, level, the name of the container as software. */
  readonly facts: Facts;
}

/** A token in a field that gives it its meaning; `of` is one of CODE_FIELDS. */
export interface Code {
  readonly of: string;
  readonly code: string;
  /** In the normalised text. */
  readonly range: Range;
}

export interface Recognised {
  /** "nginx-error", "haproxy-http", "envoy-access" …; null = no format, free text. */
  readonly format: string | null;
  readonly facts: Facts;
  readonly codes: readonly Code[];
  /** Parts of the normalised text where messages may stand: free text, not user agents, URLs, or names in fields. */
  readonly messages: readonly Range[];
  /** The format itself says that nothing failed: an access line with a status below 400 and no failure code, a 101, a level of info with a known benign message. */
  readonly benign: boolean;
}
