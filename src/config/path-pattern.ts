// Patterns of paths, as a route writes them:
//   /login         exact                      /api/*      prefix: /api and all below it
//   /              everything                 /static/    prefix: all that begins with /static/
//   /shop/*/cart   glob: "*" is within one segment, "**" any number of segments
//   ~ ^/v\d+/      regular expression ("~* " ignores case), kept to what cannot run away (regex-cost.ts)
// A glob covers the whole path, so that it is compared in one pass from both ends, without backtracking.
import { errorOf } from "./address.ts";
import type { PathPattern, Problem } from "./config.ts";
import { regexProblem } from "./regex-cost.ts";

const STARS_MAX = 9;

/** Reads a pattern. */
export function parsePathPattern(text: string): PathPattern | Problem {
  const regex = /^~(\*?)\s*(.*)$/s.exec(text);
  if (regex) {
    const [, star, source = ""] = regex;
    return regexProblem(source, star === "*") ?? { kind: "regex", source, ignoreCase: star === "*" };
  }
  if (!text.startsWith("/"))
    return errorOf(`the path "${text}" does not begin with "/"`, 'a regular expression begins with "~ "');
  const odd = /[\s?#{}\\^|<>"`]/.exec(text);
  if (odd) return errorOf(`a path has no "${odd[0]}"`, oddHint(odd[0]));
  if (!text.slice(0, -1).includes("*") && (text.endsWith("/") || text.endsWith("/*"))) {
    const path = text.endsWith("*") ? text.slice(0, -2) : text;
    return { kind: "prefix", path: path === "" ? "/" : path };
  }
  if (!text.includes("*")) return { kind: "exact", path: text };
  return globProblem(text) ?? { kind: "glob", pattern: text };
}

/** The pattern as parsePathPattern reads it. */
export function formatPathPattern(pattern: PathPattern): string {
  switch (pattern.kind) {
    case "exact":
      return pattern.path;
    case "prefix":
      return pattern.path.endsWith("/") ? pattern.path : `${pattern.path}/*`;
    case "glob":
      return pattern.pattern;
    case "regex":
      return `~${pattern.ignoreCase ? "*" : ""} ${pattern.source}`;
  }
}

function oddHint(character: string): string {
  if (character === "?") return "the query is no part of the path, and routes do not look at it";
  if (character === "{") return 'write "*" for one segment';
  return 'paths are compared as they are sent: write it percent-encoded, or use a regular expression ("~ …")';
}

function globProblem(pattern: string): Problem | null {
  const segments = pattern.split("/");
  const deep = segments.filter((segment) => segment === "**").length;
  const other = 'use a regular expression ("~ …")';
  if (deep > 1) return errorOf(`"${pattern}" has more than one "**"`, other);
  for (const segment of segments) {
    if (segment === "**") continue;
    if (segment.includes("**"))
      return errorOf(`"**" is a whole segment, not a part of "${segment}"`, `write "/**/*", or ${other}`);
    if (segment.split("*").length > 2) return errorOf(`"${segment}" has more than one "*" in a segment`, other);
  }
  if (pattern.split("*").length - 1 > STARS_MAX) return errorOf(`"${pattern}" has too many "*"`, other);
  return null;
}
