// Gaps: what stands between two words. They hold spaces, line ends and comments, and after a mistake the characters
// that were passed over. Here they are taken apart, for the comments of a directive and for the formatter.

export type GapItem =
  /** "#" included; sameLine = behind something on its line. */
  | { readonly kind: "comment"; readonly text: string; readonly sameLine: boolean }
  | { readonly kind: "blank-line" }
  /** What could not be read. */
  | { readonly kind: "junk"; readonly text: string };

/** What a gap holds, in order. */
export function gapItems(gap: string, atStartOfLine = false): GapItem[] {
  const items: GapItem[] = [];
  let lineHasText = !atStartOfLine;
  for (const [part] of gap.matchAll(/#[^\n]*|\n|[^\s#]+/g)) {
    if (part === "\n") {
      if (!lineHasText && items.at(-1)?.kind !== "blank-line") items.push({ kind: "blank-line" });
      lineHasText = false;
    } else {
      if (part.startsWith("#")) items.push({ kind: "comment", text: part.trimEnd(), sameLine: lineHasText });
      else items.push({ kind: "junk", text: part });
      lineHasText = true;
    }
  }
  return items;
}

/** The comment behind what the gap follows, and those on lines of their own. */
export function commentsIn(gap: string, atStartOfLine = false): { sameLine: string | null; own: string[] } {
  if (!gap.includes("#")) return { sameLine: null, own: [] };
  const comments = gapItems(gap, atStartOfLine).filter((item) => item.kind === "comment");
  const first = comments[0]?.sameLine === true ? comments.shift()! : null;
  return { sameLine: first?.text ?? null, own: comments.map(({ text }) => text) };
}
