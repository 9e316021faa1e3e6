// Lines of an httpd.conf, continued ones as one, and their words. A word may be in double or single quotes, in which a
// backslash takes the meaning of a quote; elsewhere backslashes are part of the word (regular expressions).
import type { Place } from "../../evidence.ts";

const ROWS_MAX = 200_000;

export interface Row {
  /** Without spaces around it. */
  readonly text: string;
  readonly at: Place;
}

export interface Word {
  readonly text: string;
  readonly at: Place;
}

/** The lines that say something. */
export function rowsOf(file: string, text: string): Row[] {
  const rows: Row[] = [];
  const lines = text.split("\n", ROWS_MAX);
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1;
    let row = (lines[index] ?? "").replace(/\r$/, "");
    while (row.endsWith("\\") && index + 1 < lines.length) {
      index += 1;
      row = row.slice(0, -1) + (lines[index] ?? "").replace(/\r$/, "");
    }
    const trimmed = row.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    rows.push({ text: trimmed, at: { file, line, column: row.length - row.trimStart().length + 1 } });
  }
  return rows;
}

/** The words of a line. In continued ones the columns of later lines are not told apart. */
export function wordsOf({ text, at }: Row): Word[] {
  const words: Word[] = [];
  for (const match of text.matchAll(/"((?:[^"\\]|\\.)*)"?|'((?:[^'\\]|\\.)*)'?|\S+/g)) {
    const quoted = match[1] ?? match[2];
    const word = quoted === undefined ? match[0] : quoted.replace(/\\(["'\\])/g, "$1");
    words.push({ text: word, at: { ...at, column: at.column + match.index } });
  }
  return words;
}
