// JSON as a tree with places, read in one pass: kubectl prints tens of megabytes, for which the YAML parser takes a
// second per megabyte. Strict: null = it is no JSON (a comment, a comma too many, a cut end), and the YAML parser, which
// takes most of that and tells the rest, has its turn.
import type { Place } from "../evidence.ts";
import { leaf, type Tree } from "./tree.ts";

const DEPTH_MAX = 100;
const STRING = /"(?:[^"\\\n]|\\.)*"/y;
const WORD = /-?\d[\d.eE+-]*|true|false|null/y;

interface Cursor {
  readonly text: string;
  readonly file: string;
  offset: number;
  line: number;
  lineStart: number;
}

/** The tree of a JSON text; null = it is none. */
export function readJson(text: string, file: string): Tree | null {
  const cursor: Cursor = { text, file, offset: 0, line: 1, lineStart: 0 };
  const tree = value(cursor, null, 0);
  skipSpace(cursor);
  return cursor.offset === text.length ? tree : null;
}

function value(cursor: Cursor, key: Place | null, depth: number): Tree | null {
  skipSpace(cursor);
  const at = key ?? placeAt(cursor);
  const char = cursor.text[cursor.offset];
  if (depth > DEPTH_MAX) return null;
  if (char === "{") return map(cursor, at, depth);
  if (char === "[") return list(cursor, at, depth);
  if (char === '"') {
    const text = string(cursor);
    return text === null ? null : leaf(at, text);
  }
  WORD.lastIndex = cursor.offset;
  const word = WORD.exec(cursor.text)?.[0];
  if (word === undefined) return null;
  cursor.offset += word.length;
  return leaf(at, word === "null" ? null : word);
}

function map(cursor: Cursor, at: Place, depth: number): Tree | null {
  const pairs: { key: string; value: Tree }[] = [];
  cursor.offset += 1;
  if (taken(cursor, "}")) return { at, kind: "map", text: "", pairs, items: [] };
  do {
    skipSpace(cursor);
    const place = placeAt(cursor);
    const key = string(cursor);
    const inner = key !== null && taken(cursor, ":") ? value(cursor, place, depth + 1) : null;
    if (key === null || inner === null) return null;
    pairs.push({ key, value: inner });
  } while (taken(cursor, ","));
  return taken(cursor, "}") ? { at, kind: "map", text: "", pairs, items: [] } : null;
}

function list(cursor: Cursor, at: Place, depth: number): Tree | null {
  const items: Tree[] = [];
  cursor.offset += 1;
  if (taken(cursor, "]")) return { at, kind: "list", text: "", pairs: [], items };
  do {
    const item = value(cursor, null, depth + 1);
    if (item === null) return null;
    items.push(item);
  } while (taken(cursor, ","));
  return taken(cursor, "]") ? { at, kind: "list", text: "", pairs: [], items } : null;
}

function string(cursor: Cursor): string | null {
  STRING.lastIndex = cursor.offset;
  const raw = STRING.exec(cursor.text)?.[0];
  if (raw === undefined) return null;
  cursor.offset += raw.length;
  if (!raw.includes("\\")) return raw.slice(1, -1);
  try {
    return String(JSON.parse(raw));
  } catch {
    // An escape that JSON does not have.
    return null;
  }
}

function taken(cursor: Cursor, char: string): boolean {
  skipSpace(cursor);
  if (cursor.text[cursor.offset] !== char) return false;
  cursor.offset += 1;
  return true;
}

function skipSpace(cursor: Cursor): void {
  for (;;) {
    const code = cursor.text.charCodeAt(cursor.offset);
    if (code === 10) {
      cursor.line += 1;
      cursor.lineStart = cursor.offset + 1;
    } else if (code !== 32 && code !== 13 && code !== 9) return;
    cursor.offset += 1;
  }
}

function placeAt({ file, line, offset, lineStart }: Cursor): Place {
  return { file, line, column: offset - lineStart + 1 };
}
