// How a terminal is written on: colours or none, Unicode or ASCII, and everything from outside made harmless. Colour
// only repeats what a symbol or a word says.
import { printable } from "../../wire/printable.ts";
import type { Hop } from "../diagnose/model.ts";

export interface TerminalOptions {
  readonly colour: boolean;
  readonly columns: number;
  readonly verbose: boolean;
  readonly unicode: boolean;
}

export type Shade = "bold" | "dim" | "good" | "bad" | "warn" | "code";

const CODES: Readonly<Record<Shade, string>> = {
  bold: "1",
  dim: "2",
  good: "1;32",
  bad: "1;31",
  warn: "1;33",
  code: "36",
};

/** Marks of hops, and the lines between them. */
export interface Glyphs {
  readonly marks: Readonly<Record<Hop["mark"], string>>;
  readonly arrow: string;
  readonly branch: string;
  readonly lastBranch: string;
  readonly line: string;
  readonly bullet: string;
  readonly next: string;
  readonly dot: string;
}

const UNICODE: Glyphs = {
  marks: { good: "✓", bad: "✗", warn: "!", behind: "·", unknown: "?" },
  arrow: "→",
  branch: "├→",
  lastBranch: "└→",
  line: "─",
  bullet: "•",
  next: "→",
  dot: "·",
};

const ASCII: Glyphs = {
  marks: { good: "+", bad: "X", warn: "!", behind: ".", unknown: "?" },
  arrow: ">",
  branch: "|>",
  lastBranch: "`>",
  line: "-",
  bullet: "-",
  next: "->",
  dot: "|",
};

/** Typography of our own texts, for terminals without it. */
const PLAIN: Readonly<Record<string, string>> = {
  "…": "...",
  "·": "|",
  "→": "->",
  "←": "<-",
  "–": "-",
  "—": "-",
  "−": "-",
  "“": '"',
  "”": '"',
  "‘": "'",
  "’": "'",
  "×": "x",
  "≤": "<=",
  "≥": ">=",
  "│": "|",
  "─": "-",
  "▼": "v",
  "▲": "^",
  "✓": "+",
  "✗": "X",
  "\u00a0": " ",
};

export interface Ink {
  readonly columns: number;
  readonly colour: boolean;
  readonly unicode: boolean;
  readonly verbose: boolean;
  readonly glyphs: Glyphs;
  /** Text of whoever, on one line, harmless. */
  readonly say: (text: string) => string;
  /** The same with its line ends kept. */
  readonly lines: (text: string) => string[];
  /** A drawing of ours, its escapes kept. */
  readonly drawing: (text: string) => string;
  readonly paint: (shade: Shade, text: string) => string;
}

/** Ink for a terminal; widths outside 40 to 120 are taken as the nearer of the two. */
export function inkFor({ colour, columns, verbose, unicode }: TerminalOptions): Ink {
  const harmless = (text: string): string => (unicode ? printable(text) : ascii(printable(text)));
  return {
    columns: Math.min(120, Math.max(40, Number.isFinite(columns) ? Math.floor(columns) : 80)),
    colour,
    unicode,
    verbose,
    glyphs: unicode ? UNICODE : ASCII,
    say: (text) => harmless(text.replace(/[\t\n\r ]+/g, " ").trim()),
    lines: (text) =>
      text
        .replace(/\r\n/g, "\n")
        .split("\n")
        .map((line) => harmless(line.replaceAll("\t", "    "))),
    drawing: (text) => (unicode ? text : ascii(text)),
    paint: (shade, text) => (colour && text !== "" ? `\x1b[${CODES[shade]}m${text}\x1b[0m` : text),
  };
}

function ascii(text: string): string {
  return text.replace(/[^\x00-\x7f]/gu, (character) => {
    const plain = PLAIN[character];
    return plain ?? `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
}
