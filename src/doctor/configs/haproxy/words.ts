// The language of haproxy.cfg: one statement per line, words with spaces between, "#" up to the end of the line.
// A backslash takes the meaning of the next character, single quotes of everything, double quotes of all but
// backslash and dollar. Lines that begin with a dot (.if, .endif) say when others hold: what they hold is read, since
// nobody knows the macros. Environment variables are left as they stand.
import type { Place } from "../../evidence.ts";

export interface Word {
  readonly text: string;
  readonly column: number;
}

export interface Line {
  readonly words: readonly string[];
  /** Places of the words. */
  readonly places: readonly Place[];
  /** Of the first word. */
  readonly at: Place;
}

export type SectionKind = "global" | "defaults" | "frontend" | "backend" | "listen" | "other";

export interface Section {
  readonly kind: SectionKind;
  /** The keyword: "resolvers" of an "other". */
  readonly keyword: string;
  readonly name: string;
  readonly at: Place;
  readonly lines: readonly Line[];
  /** What holds where the section does not say. */
  readonly defaults: Section | null;
}

const OTHERS =
  /^(?:peers|resolvers|userlist|cache|program|mailers|http-errors|ring|log-forward|log-profile|fcgi-app|crt-store|traces|acme|namespace_list)$/;
const LINES_MAX = 200_000;

export interface Parsed {
  readonly sections: readonly Section[];
  /** Lines whose quotes do not end, and lines in front of the first section. */
  readonly broken: readonly { readonly at: Place; readonly text: string }[];
}

type Draft = Omit<Section, "lines"> & { readonly lines: Line[] };

/** Reads a file. */
export function parseHaproxy(file: string, text: string): Parsed {
  const sections: Draft[] = [];
  const broken: { at: Place; text: string }[] = [];
  for (const [index, row] of text.split("\n", LINES_MAX).entries()) {
    const { words, isOpen } = wordsOf(row.replace(/\r$/, ""));
    const [first] = words;
    if (!first || /^\.\w/.test(first.text)) continue;
    const at = { file, line: index + 1, column: first.column };
    if (isOpen) broken.push({ at, text: "a quote does not end on this line" });
    const kind = kindOf(words);
    if (kind) sections.push(sectionOf(kind, words, at, sections));
    else if (sections.length === 0) broken.push({ at, text: `"${first.text}" stands in front of the first section` });
    else
      sections.at(-1)?.lines.push({
        words: words.map((word) => word.text),
        places: words.map(({ column }) => ({ ...at, column })),
        at,
      });
  }
  return { sections, broken };
}

function kindOf([first, ...rest]: readonly Word[]): SectionKind | null {
  const word = first?.text ?? "";
  if (word === "global" || word === "defaults") return word;
  // "listen" and "backend" are keywords of no other section, and have a name.
  if ((word === "frontend" || word === "backend" || word === "listen") && rest.length > 0) return word;
  return OTHERS.test(word) && first?.column === 1 ? "other" : null;
}

function sectionOf(kind: SectionKind, words: readonly Word[], at: Place, before: readonly Section[]): Draft {
  const [keyword, ...rest] = words.map(({ text }) => text);
  const from = rest.indexOf("from");
  const parent = from === -1 ? undefined : rest[from + 1];
  const name = from === 0 ? "" : (rest[0] ?? "");
  const defaults = before.filter((each) => each.kind === "defaults");
  const named = parent === undefined ? undefined : defaults.findLast((each) => each.name === parent);
  const isProxy = kind === "frontend" || kind === "backend" || kind === "listen";
  return {
    kind,
    keyword: keyword ?? "",
    name,
    at,
    lines: [],
    defaults: named ?? (isProxy ? (defaults.at(-1) ?? null) : null),
  };
}

/** The words of a line. */
export function wordsOf(row: string): { readonly words: readonly Word[]; readonly isOpen: boolean } {
  const words: Word[] = [];
  let text = "";
  /** 0 = between words. */
  let column = 0;
  let quote = "";
  for (let index = 0; index < row.length; index++) {
    const character = row[index] ?? "";
    if (quote === "" && character === "#") break;
    if (quote === "" && /\s/.test(character)) {
      if (column > 0) words.push({ text, column });
      [text, column] = ["", 0];
      continue;
    }
    if (column === 0) column = index + 1;
    if (quote === "" && (character === '"' || character === "'")) quote = character;
    else if (character === quote) quote = "";
    else if (character === "\\" && quote !== "'" && index + 1 < row.length) {
      index += 1;
      const next = row[index] ?? "";
      text += ESCAPES[next] ?? next;
    } else text += character;
  }
  if (column > 0) words.push({ text, column });
  return { words, isOpen: quote !== "" };
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/** The lines of a section itself that begin with these words. */
export function ownLines(section: Section, ...keywords: readonly string[]): readonly Line[] {
  return section.lines.filter(({ words }) => keywords.every((keyword, index) => words[index] === keyword));
}

/** The line that holds in a section: its own last one, or that of its defaults. */
export function lastLine(section: Section, ...keywords: readonly string[]): Line | null {
  for (let at: Section | null = section, left = 20; at && left > 0; at = at.defaults, left--) {
    const own = ownLines(at, ...keywords).at(-1);
    if (own) return own;
  }
  return null;
}

/** Whether "option NAME" holds: the nearest of "option NAME" and "no option NAME". */
export function hasOption(section: Section, name: string): boolean {
  for (let at: Section | null = section, left = 20; at && left > 0; at = at.defaults, left--) {
    const own = at.lines.findLast(({ words }) =>
      words[0] === "no" ? words[1] === "option" && words[2] === name : words[0] === "option" && words[1] === name,
    );
    if (own) return own.words[0] !== "no";
  }
  return false;
}

/** "tcp" or "http"; tcp where nobody says. */
export function modeOf(section: Section): string {
  return lastLine(section, "mode")?.words[1] ?? "tcp";
}
