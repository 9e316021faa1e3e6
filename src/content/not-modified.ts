// Conditional requests (RFC 9110 §13), as nginx decides them: for a response that would be 200, whether it was made here
// or came from an upstream or the cache. If-Unmodified-Since and If-Match may refuse (412); If-Modified-Since and
// If-None-Match, where all that are there agree, leave the content out (304).
import { parseHttpDate } from "../wire/http-date.ts";

/** Fields of the request; undefined = not there. */
export interface ConditionalFields {
  readonly ifModifiedSince: string | undefined;
  readonly ifUnmodifiedSince: string | undefined;
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

/** Of the response, after what the location adds or takes away; null = it has none. */
export interface Validators {
  readonly lastModifiedSeconds: number | null;
  readonly etag: string | null;
}

export type ConditionalDecision = "send" | "not-modified" | "precondition-failed";

/** What a 304 leaves out (lower case); Accept-Ranges is not added to it. */
export const NOT_MODIFIED_OMITS: readonly string[] = [
  "content-type",
  "content-length",
  "content-encoding",
  "accept-ranges",
];

/** Not for subrequests. `mode`: if_modified_since of the location. */
export function decideConditional(
  status: number,
  fields: ConditionalFields,
  validators: Validators,
  mode: "off" | "exact" | "before",
): ConditionalDecision {
  if (status !== 200) return "send";
  const { ifModifiedSince, ifUnmodifiedSince, ifMatch, ifNoneMatch } = fields;
  if (ifUnmodifiedSince !== undefined && !isUnmodified(ifUnmodifiedSince, validators)) return "precondition-failed";
  if (ifMatch !== undefined && !matchesEtag(ifMatch, validators.etag, "strong")) return "precondition-failed";
  if (ifModifiedSince === undefined && ifNoneMatch === undefined) return "send";
  if (ifModifiedSince !== undefined && isModified(ifModifiedSince, validators, mode)) return "send";
  if (ifNoneMatch !== undefined && !matchesEtag(ifNoneMatch, validators.etag, "weak")) return "send";
  return "not-modified";
}

function isUnmodified(since: string, { lastModifiedSeconds }: Validators): boolean {
  const at = parseHttpDate(since);
  return lastModifiedSeconds !== null && at !== null && at >= lastModifiedSeconds;
}

function isModified(since: string, { lastModifiedSeconds }: Validators, mode: "off" | "exact" | "before"): boolean {
  if (lastModifiedSeconds === null || mode === "off") return true;
  const at = parseHttpDate(since);
  if (at === null) return true;
  return mode === "exact" ? at !== lastModifiedSeconds : at < lastModifiedSeconds;
}

/** Whether a list of tags has this one, or is "*". Weak comparison takes "W/" off both sides. */
export function matchesEtag(list: string, etag: string | null, comparison: "strong" | "weak"): boolean {
  if (list === "*") return true;
  if (etag === null) return false;
  const bare = (tag: string): string => (comparison === "weak" && /^W\/./s.test(tag) ? tag.slice(2) : tag);
  const wanted = bare(etag);
  for (let at = 0; at < list.length; ) {
    if (comparison === "weak" && list.startsWith("W/", at) && list.length - at > 2) at += 2;
    if (list.startsWith(wanted, at)) {
      const end = skip(list, at + wanted.length, " \t");
      if (end === list.length || list[end] === ",") return true;
    }
    // The next tag: a comma inside this one ends it, too.
    const comma = list.indexOf(",", at);
    if (comma < 0) return false;
    at = skip(list, comma, " \t,");
  }
  return false;
}

function skip(text: string, from: number, chars: string): number {
  let at = from;
  while (at < text.length && chars.includes(text[at]!)) at += 1;
  return at;
}
