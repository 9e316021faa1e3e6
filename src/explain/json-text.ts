// JSON as it stands in a log: a flat list of the values with their names and places, read in one pass without building
// anything. Tolerant, because what is pasted is often cut: it stops where the text stops or makes no sense, and says so.
// Names are joined with "." ("request.headers.Host"); the index of a list is its name.
import type { Part } from "./mapped-text.ts";

/** A field of a record, of JSON or of key=value. */
export interface RecordField {
  /** Names from the outermost on: "err.code". */
  readonly path: string;
  /** The last name, in lower case, "-" as "_". */
  readonly key: string;
  /** Escapes decoded. */
  readonly value: string;
  /** Of the value; a string's without its quotes. */
  readonly start: number;
  readonly end: number;
  readonly isString: boolean;
  /** Where the name begins, its quote included. */
  readonly from: number;
}

export interface JsonScan {
  readonly fields: readonly RecordField[];
  /** Behind the last character that was read. */
  readonly end: number;
  /** Every bracket was closed. */
  readonly whole: boolean;
}

const FIELDS_MAX = 400;
const DEPTH_MAX = 16;

interface Level {
  readonly list: boolean;
  readonly path: string;
  index: number;
}

/** Reads the object that begins at `start`: "{", or the first name where the braces were left out. */
export function scanJson(text: string, start: number): JsonScan {
  const fields: RecordField[] = [];
  const levels: Level[] = [];
  let at = start;
  let name: string | null = null;
  let from = start;
  if (text[at] === "{") at++;
  levels.push({ list: false, path: "", index: 0 });
  const done = (whole: boolean): JsonScan => ({ fields, end: at, whole });
  while (at < text.length) {
    at = skipBlanks(text, at);
    const level = levels.at(-1)!;
    const char = text[at];
    if (char === undefined) break;
    if (char === ",") {
      at++;
      if (level.list) level.index++;
    } else if (char === "}" || char === "]") {
      at++;
      levels.pop();
      name = null;
      if (levels.length === 0) return done(true);
    } else if (!level.list && name === null) {
      if (char !== '"') return done(false);
      from = at;
      const end = stringEnd(text, at);
      if (end < 0) return done(false);
      const colon = skipBlanks(text, end + 1);
      if (text[colon] !== ":") return done(false);
      name = text.slice(at + 1, end);
      at = colon + 1;
    } else {
      if (level.list) from = at;
      const last: string = level.list ? String(level.index) : name!;
      const path: string = level.path === "" ? last : `${level.path}.${last}`;
      name = null;
      if (char === "{" || char === "[") {
        if (levels.length >= DEPTH_MAX) return done(false);
        levels.push({ list: char === "[", path, index: 0 });
        at++;
        continue;
      }
      const isString = char === '"';
      const closed = isString ? stringEnd(text, at) : scalarEnd(text, at);
      const end = closed < 0 ? text.length : closed;
      if (!isString && end === at) return done(false);
      if (fields.length < FIELDS_MAX)
        fields.push(fieldAt(text, path, last, isString ? at + 1 : at, end, isString, from));
      at = isString ? Math.min(end + 1, text.length) : end;
      if (closed < 0) return done(false);
    }
  }
  return done(false);
}

function fieldAt(
  text: string,
  path: string,
  name: string,
  start: number,
  end: number,
  isString: boolean,
  from: number,
): RecordField {
  const raw = text.slice(start, end);
  const value = isString && raw.includes("\\") ? decodedText(text, start, end) : raw;
  return { path, key: keyOf(name), value, start, end, isString, from };
}

function keyOf(name: string): string {
  const lower = name.toLowerCase();
  return lower.includes("-") ? lower.replaceAll("-", "_") : lower;
}

function skipBlanks(text: string, at: number): number {
  let next = at;
  for (let code = text.charCodeAt(next); code === 32 || (code >= 9 && code <= 13); code = text.charCodeAt(next)) next++;
  return next;
}

/** Where the string that begins at `at` has its closing quote; -1 = nowhere. */
function stringEnd(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  while (end >= 0) {
    let slashes = 0;
    while (text[end - 1 - slashes] === "\\" && end - 1 - slashes > at) slashes++;
    if (slashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return -1;
}

function scalarEnd(text: string, at: number): number {
  let end = at;
  while (end < text.length && isScalar(text.charCodeAt(end))) end++;
  return end;
}

/** Letters, digits, "_", ".", "+", "-". */
function isScalar(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 48 && code <= 57) ||
    (code >= 65 && code <= 90) ||
    code === 46 ||
    code === 45 ||
    code === 43 ||
    code === 95
  );
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "/": "/" };

/** The parts of a string's inside with its escapes decoded; "\r" is left out. */
export function decodeEscapes(text: string, start: number, end: number): Part[] {
  const parts: Part[] = [];
  let clean = start;
  let at = text.indexOf("\\", start);
  while (at >= 0 && at + 1 < end) {
    if (at > clean) parts.push([clean, at]);
    const char = text[at + 1]!;
    const code = char === "u" ? /^[0-9a-fA-F]{4}/.exec(text.slice(at + 2, at + 6))?.[0] : undefined;
    const length = code === undefined ? 2 : 6;
    const decoded = code === undefined ? (ESCAPES[char] ?? char) : String.fromCharCode(Number.parseInt(code, 16));
    if (decoded !== "\r") parts.push([at, Math.min(at + length, end), decoded]);
    clean = Math.min(at + length, end);
    at = text.indexOf("\\", clean);
  }
  if (clean < end) parts.push([clean, end]);
  return parts;
}

function decodedText(text: string, start: number, end: number): string {
  return decodeEscapes(text, start, end)
    .map(([from, to, instead]) => instead ?? text.slice(from, to))
    .join("");
}
