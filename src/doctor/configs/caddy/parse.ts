// A Caddyfile as nested lines, with imports and snippets put in their places: global options, sites with their
// addresses. A line is its words, and what stands in its braces. Bounded: LINES_MAX lines after imports, IMPORTS_MAX
// levels. What is wrong is told with its place; the rest is read.
import type { Place } from "../../evidence.ts";
import type { FileAccess } from "../files.ts";
import { folderOf } from "../reader.ts";
import { type Word, wordsOf } from "./tokens.ts";

/** One line: "reverse_proxy /api/* app:3000 { … }". */
export interface Line {
  readonly name: string;
  readonly args: readonly Word[];
  /** null = no braces. */
  readonly body: readonly Line[] | null;
  readonly at: Place;
}

export interface Site {
  readonly addresses: readonly Word[];
  readonly lines: readonly Line[];
  readonly at: Place;
}

export interface Caddyfile {
  readonly global: readonly Line[];
  readonly sites: readonly Site[];
  readonly files: readonly string[];
  readonly problems: readonly { readonly at: Place; readonly text: string; readonly next: string }[];
}

const LINES_MAX = 50_000;
const IMPORTS_MAX = 10;
/** Deeper than anybody nests blocks. */
const DEPTH_MAX = 100;

interface Reading {
  readonly files: FileAccess;
  readonly read: string[];
  readonly problems: { at: Place; text: string; next: string }[];
  readonly snippets: Map<string, readonly Line[]>;
  lines: number;
}

/** Reads a Caddyfile with what it imports. */
export function parseCaddyfile(text: string, file: string, files: FileAccess): Caddyfile {
  const reading: Reading = { files, read: [file], problems: [], snippets: new Map(), lines: 0 };
  const lines = imported(linesOf(text, file, reading), reading, 0);
  const sites: Site[] = [];
  let global: readonly Line[] = [];
  let addresses: Word[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.name === "" && index === 0) {
      global = line.body ?? [];
      continue;
    }
    if (/^&?\(.+\)$/.test(line.name)) continue;
    const words = [{ text: line.name, at: line.at, quoted: false, first: true }, ...line.args];
    addresses.push(...words.map((word) => ({ ...word, text: word.text.replace(/,$/, "") })));
    if (words.at(-1)?.text.endsWith(",") && line.body === null) continue;
    const at = addresses[0]?.at ?? line.at;
    // A file of one site may leave its braces out.
    if (line.body === null) {
      sites.push({ addresses, lines: lines.slice(index + 1), at });
      addresses = [];
      break;
    }
    sites.push({ addresses: addresses.filter((word) => word.text !== ""), lines: line.body, at });
    addresses = [];
  }
  return { global, sites, files: reading.read, problems: reading.problems };
}

/** The lines of one file; its snippets are put aside. */
function linesOf(text: string, file: string, reading: Reading): readonly Line[] {
  const { words, problems } = wordsOf(text, file);
  for (const each of problems) reading.problems.push({ ...each, next: "check it with caddy validate" });
  const cursor = { words, index: 0 };
  const lines = block(cursor, reading, 0);
  for (const { name, body } of lines) {
    const snippet = /^\((.+)\)$/.exec(name)?.[1];
    if (snippet !== undefined && body) reading.snippets.set(snippet, body);
  }
  return lines;
}

function block(cursor: { words: readonly Word[]; index: number }, reading: Reading, depth: number): Line[] {
  const lines: Line[] = [];
  const inside = depth > 0;
  const deep = depth > DEPTH_MAX ? cursor.words[cursor.index] : undefined;
  if (deep) {
    const text = `blocks are nested deeper than ${DEPTH_MAX} levels: the rest is not read`;
    reading.problems.push({ at: deep.at, text, next: "check it with caddy validate" });
    cursor.index = cursor.words.length;
    return lines;
  }
  while (cursor.index < cursor.words.length && reading.lines < LINES_MAX) {
    const head = cursor.words[cursor.index];
    if (head === undefined) break;
    if (head.text === "}" && !head.quoted) {
      cursor.index += 1;
      if (inside) return lines;
      reading.problems.push({
        at: head.at,
        text: "this brace closes nothing",
        next: "take it out, or look for the one that is missing before",
      });
      continue;
    }
    const row: Word[] = [];
    let body: Line[] | null = null;
    do {
      const word = cursor.words[cursor.index];
      if (word === undefined) break;
      cursor.index += 1;
      if (word.text === "{" && !word.quoted) {
        const next = cursor.words[cursor.index];
        // "{" in the midst of a line is an argument.
        if (next === undefined || next.first || next.text === "}") {
          body = block(cursor, reading, depth + 1);
          break;
        }
      }
      row.push(word);
    } while (cursor.words[cursor.index]?.first === false && !closes(cursor.words[cursor.index]));
    const [name, ...args] = row;
    reading.lines += 1;
    lines.push({ name: name?.text ?? "", args, body, at: name?.at ?? head.at });
  }
  if (inside && depth < DEPTH_MAX) {
    const at = lines.at(-1)?.at ?? cursor.words.at(-1)?.at;
    if (at) reading.problems.push({ at, text: "a block has no closing brace", next: "check it with caddy validate" });
  }
  return lines;
}

function closes(word: Word | undefined): boolean {
  return word?.text === "}" && !word.quoted;
}

/** Lines with every import replaced by what it imports. */
function imported(lines: readonly Line[], reading: Reading, depth: number): readonly Line[] {
  return lines.flatMap((line): readonly Line[] => {
    reading.lines += 1;
    if (reading.lines > 2 * LINES_MAX) return [];
    if (line.name !== "import") return [line.body ? { ...line, body: imported(line.body, reading, depth) } : line];
    const [what, ...args] = line.args;
    if (what === undefined || depth >= IMPORTS_MAX) return [];
    const snippet = reading.snippets.get(what.text);
    const found = snippet ?? filesOf(what, reading);
    return imported(
      found.filter(({ name }) => !/^\(.+\)$/.test(name)).map((each) => withArguments(each, args)),
      reading,
      depth + 1,
    );
  });
}

function filesOf(what: Word, reading: Reading): readonly Line[] {
  const base = what.text.startsWith("/") ? what.text : `${folderOf(what.at.file)}${what.text}`;
  const names = matching(base, reading.files);
  if (names.length === 0 && !/[*?[]/.test(base))
    reading.problems.push({
      at: what.at,
      text: `import ${what.text}: there is no such snippet, and no such file here`,
      next: "run it where the file is, or name the imported file as a --config of its own",
    });
  return names.flatMap((name) => {
    const result = reading.files.read(name);
    if (result.kind === "fault") {
      if (result.reason !== "folder" && result.reason !== "empty")
        reading.problems.push({ at: what.at, text: `${name}: ${result.text}`, next: result.next });
      return [];
    }
    if (reading.read.includes(name)) return [];
    reading.read.push(name);
    return linesOf(result.text, name, reading);
  });
}

/** Names that a pattern with * and ? stands for, folder by folder. */
function matching(pattern: string, files: FileAccess): readonly string[] {
  if (!/[*?[]/.test(pattern)) return files.read(pattern).kind === "text" ? [pattern] : [];
  let found = [pattern.startsWith("/") ? "/" : ""];
  const parts = pattern.split("/").filter((part) => part !== "");
  for (const [index, part] of parts.entries()) {
    const tail = index === parts.length - 1 ? "" : "/";
    if (!/[*?[]/.test(part)) {
      found = found.map((base) => `${base}${part}${tail}`);
      continue;
    }
    const source = part
      .replace(/[.+^${}()|\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".");
    const test = wholeOf(source);
    found = found.flatMap((base) =>
      (files.list(base === "" ? "." : base) ?? [])
        .filter((name) => !name.startsWith(".") && test(name))
        .map((name) => `${base}${name}${tail}`),
    );
  }
  return found;
}

function wholeOf(source: string): (name: string) => boolean {
  try {
    const pattern = new RegExp(`^${source}$`);
    return (name) => pattern.test(name);
  } catch {
    // An unfinished [ ]: nothing is called that.
    return () => false;
  }
}

/** {args[0]}, {args.0} and {args[:]} as the import gives them. */
function withArguments(line: Line, args: readonly Word[]): Line {
  if (args.length === 0) return line;
  const put = (text: string): string =>
    text.replace(/\{args(?:\[(\d+)\]|\.(\d+))\}/g, (whole, a, b) => args[Number(a ?? b)]?.text ?? whole);
  return {
    name: put(line.name),
    args: line.args.flatMap((word) => (word.text === "{args[:]}" ? args : [{ ...word, text: put(word.text) }])),
    body: line.body?.map((each) => withArguments(each, args)) ?? null,
    at: line.at,
  };
}
