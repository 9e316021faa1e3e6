// One text that nginx reads: a file, or what -g gave on the command line. Offsets count bytes; a line ends with LF
// whatever stands before it; columns count characters (UTF-8), since people count them. Both start with 1.
import type { Position } from "../config/config.ts";
import { shown } from "./byte-text.ts";

const COUNTED_MAX = 10_000;

export interface Source {
  /** As nginx names it in messages; "" for the command line. */
  readonly path: string;
  readonly kind: "file" | "command-line";
  /** Byte text (byte-text.ts). */
  readonly text: string;
  /** Offset of the first byte of each line. */
  readonly lineStarts: readonly number[];
}

/** A text and its lines. */
export function makeSource(path: string, text: string, kind: Source["kind"] = "file"): Source {
  const lineStarts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lineStarts.push(at + 1);
  return { path, kind, text, lineStarts };
}

/** The line that an offset is in. */
export function lineAt({ lineStarts }: Source, offset: number): number {
  let low = 0;
  let high = lineStarts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (lineStarts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return low + 1;
}

/** Where an offset is, as people say it. */
export function positionAt(source: Source, offset: number): Position {
  const line = lineAt(source, offset);
  const start = source.lineStarts[line - 1]!;
  // Far out in a line, where nobody counts, bytes will do.
  let column = Math.max(1, offset - start - COUNTED_MAX);
  for (let at = start + column - 1; at < offset; at++) {
    // The second and further bytes of a character are 10xxxxxx.
    if ((source.text.charCodeAt(at) & 0xc0) !== 0x80) column += 1;
  }
  return { file: source.kind === "file" ? shown(source.path) : "command line", line, column };
}

/** Where the line ends (before its LF) that begins at or before the offset. */
export function endOfLine(source: Source, offset: number): number {
  const end = source.text.indexOf("\n", offset);
  return end === -1 ? source.text.length : end;
}

/** The text of a line without its end; undefined = it is too long to be shown. */
export function textOfLine({ lineStarts, text }: Source, line: number): string | undefined {
  const start = lineStarts[line - 1] ?? text.length;
  const end = line < lineStarts.length ? lineStarts[line]! - 1 : text.length;
  return end - start > COUNTED_MAX ? undefined : shown(text.slice(start, end).replace(/\r$/, ""));
}
