// TOML as a tree with places. smol-toml reads the values and finds mistakes; it keeps no positions, so the places are
// found by a second look at the text, which only follows headers and names: every value that has a line of its own has
// its place, what stands inside an inline table or an array has that of its line.
import { parse, TomlError } from "smol-toml";
import type { Place } from "../evidence.ts";
import type { TreeProblem, Trees } from "./documents.ts";
import { leaf, type Tree } from "./tree.ts";

/** Reads a TOML document. */
export function readToml(text: string, file: string): Trees {
  const problems: TreeProblem[] = [];
  const places = placesOf(text, file);
  let values: unknown = {};
  try {
    values = parse(text);
  } catch (error) {
    const line = error instanceof TomlError ? error.line : 1;
    const column = error instanceof TomlError ? error.column : 1;
    const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    problems.push({ at: { file, line, column }, text: message });
  }
  return { documents: [treeOf(values, "", { file, line: 1, column: 1 }, places)], problems };
}

function treeOf(value: unknown, path: string, outer: Place, places: ReadonlyMap<string, Place>): Tree {
  const at = places.get(path) ?? outer;
  if (Array.isArray(value)) {
    const items = value.map((item, index) => treeOf(item, `${path}[${index}]`, at, places));
    return { at, kind: "list", text: "", pairs: [], items };
  }
  if (value instanceof Date || typeof value !== "object" || value === null)
    return leaf(at, value === undefined || value === null ? null : String(value));
  const pairs = Object.entries(value).map(([key, inner]) => ({
    key,
    value: treeOf(inner, path === "" ? JSON.stringify(key) : `${path}.${JSON.stringify(key)}`, at, places),
  }));
  return { at, kind: "map", text: "", pairs, items: [] };
}

const HEADER = /^\s*(\[\[?)\s*((?:"[^"\n]*"|'[^'\n]*'|[\w.\s-])+?)\s*\]\]?\s*(?:#.*)?$/;
const NAME = /^(\s*)((?:"[^"\n]*"|'[^'\n]*'|[\w-]+)(?:\s*\.\s*(?:"[^"\n]*"|'[^'\n]*'|[\w-]+))*)\s*=/;

/** Path of a value → where its name stands. Lines inside a multi-line string or array hold no names. */
function placesOf(text: string, file: string): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  const counts = new Map<string, number>();
  let table = "";
  let open = false;
  for (const [index, line] of text.split("\n").entries()) {
    if (open) {
      open = staysOpen(line, true);
      continue;
    }
    const header = HEADER.exec(line);
    const name = header ? null : NAME.exec(line);
    if (header) {
      table = joined("", segments(header[2] ?? ""), counts, header[1] === "[[");
      places.set(table, { file, line: index + 1, column: line.indexOf("[") + 1 });
    } else if (name) {
      const path = joined(table, segments(name[2] ?? ""), counts, false);
      if (!places.has(path)) places.set(path, { file, line: index + 1, column: (name[1] ?? "").length + 1 });
      open = staysOpen(line.slice(name[0].length), false);
    }
  }
  return places;
}

function segments(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|([\w-]+)/g)].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

/** The path of a table; one in an array of tables is counted, and what follows goes into the last. */
function joined(base: string, names: readonly string[], counts: Map<string, number>, adds: boolean): string {
  let path = base;
  for (const [index, name] of names.entries()) {
    path = path === "" ? JSON.stringify(name) : `${path}.${JSON.stringify(name)}`;
    const count = counts.get(path);
    if (adds && index === names.length - 1) counts.set(path, (count ?? 0) + 1);
    const now = counts.get(path);
    if (now !== undefined && base === "") path = `${path}[${now - 1}]`;
  }
  return path;
}

/** Whether an array or a string of several lines goes on behind this line. */
function staysOpen(rest: string, was: boolean): boolean {
  const plain = rest.replace(/"(?:[^"\\]|\\.)*"|'[^']*'/g, "").replace(/#.*$/, "");
  if (/"""|'''/.test(rest)) return ((rest.match(/"""|'''/g) ?? []).length % 2 === 1) !== was;
  const opened = (plain.match(/\[/g) ?? []).length;
  const closed = (plain.match(/\]/g) ?? []).length;
  return was ? closed <= opened : opened > closed;
}
