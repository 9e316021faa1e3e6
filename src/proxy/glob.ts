// Globs over paths: "*" is any text within one segment, "**" any number of whole segments, none included. They are
// compared from both ends in one pass: a segment has one "*" at most and a pattern one "**" (config/path-pattern.ts
// holds to it), so that there is never a choice to come back to.

/** What the stars matched, in order; null = the path does not fit. */
export type GlobMatch = (path: string) => readonly string[] | null;

interface Segment {
  readonly before: string;
  /** null = no star: the segment is `before`. */
  readonly after: string | null;
}

/** Compiles a pattern; `literalLength` is how much of it is not a star. */
export function compileGlob(pattern: string): { match: GlobMatch; literalLength: number } {
  const segments = pattern.slice(1).split("/");
  const deep = segments.indexOf("**");
  const head = (deep < 0 ? segments : segments.slice(0, deep)).map(segmentOf);
  const tail = deep < 0 ? [] : segments.slice(deep + 1).map(segmentOf);
  const literalLength = pattern.replaceAll("*", "").length;
  return { literalLength, match: (path) => matchGlob(path, head, tail, deep >= 0) };
}

function segmentOf(text: string): Segment {
  const star = text.indexOf("*");
  return star < 0 ? { before: text, after: null } : { before: text.slice(0, star), after: text.slice(star + 1) };
}

function matchGlob(path: string, head: readonly Segment[], tail: readonly Segment[], deep: boolean): string[] | null {
  if (path.charCodeAt(0) !== 0x2f) return null;
  const segments = path.slice(1).split("/");
  const fixed = head.length + tail.length;
  if (deep ? segments.length < fixed : segments.length !== fixed) return null;
  const captures: string[] = [];
  for (let i = 0; i < head.length; i++) if (!matchSegment(segments[i]!, head[i]!, captures)) return null;
  const from = segments.length - tail.length;
  if (deep) captures.push(segments.slice(head.length, from).join("/"));
  for (let i = 0; i < tail.length; i++) if (!matchSegment(segments[from + i]!, tail[i]!, captures)) return null;
  return captures;
}

function matchSegment(text: string, { before, after }: Segment, captures: string[]): boolean {
  if (after === null) return text === before;
  if (text.length < before.length + after.length || !text.startsWith(before) || !text.endsWith(after)) return false;
  captures.push(text.slice(before.length, text.length - after.length));
  return true;
}
