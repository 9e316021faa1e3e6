// A message in a record: a line of JSON or of key=value. The text that speaks (msg, error, log …) stays, escapes decoded,
// one line per field; what the other fields say becomes facts. Records that are a format of their own (access logs) stay
// as they are: their reader wants the fields.
import { type Draft, reading, setFact } from "./formats/format.ts";
import {
  isRecordOfItsOwn,
  looksLikeOwnRecord,
  softwareOfKeys,
  speechRank,
  takeField,
} from "./formats/record-fields.ts";
import { decodeEscapes, type RecordField, scanJson } from "./json-text.ts";
import type { Peeled } from "./mapped-text.ts";
import { lineEnd, type Part } from "./mapped-text.ts";

interface Unwrapped {
  readonly parts: Part[];
  readonly facts: Draft;
}

const PIECES_MAX = 4;
/** Lines of a paste; what follows stays as it is. */
const RECORDS_MAX = 2_000;
const LOGFMT = /^(?:time|ts|t|level|lvl|msg|severity)=/;

/** The messages of a text of records. */
export function peelRecords(text: string): Peeled | null {
  if (text[0] === "{" && !text.includes("\n") && looksLikeOwnRecord(text)) return null;
  if (text.startsWith("{") || /^"[^"\n]{1,80}"\s{0,8}:/.test(text)) return peelEach(text, "json", readJson);
  if (LOGFMT.test(text)) return peelEach(text, "logfmt", readLogfmt);
  return null;
}

/** Reads the record at `start`; null = there is none. `next` is where the line behind it begins. */
type RecordReader = (
  text: string,
  start: number,
) => { readonly fields: readonly RecordField[]; readonly next: number } | null;

function peelEach(text: string, name: string, read: RecordReader): Peeled | null {
  const parts: Part[] = [];
  let facts: Draft | null = null;
  let wrapper = name;
  let left = RECORDS_MAX;
  for (let start = 0; start < text.length; ) {
    if (left-- === 0) {
      parts.push([start, text.length]);
      break;
    }
    const record = read(text, start);
    const next = record?.next ?? Math.min(lineEnd(text, start) + 1, text.length);
    const unwrapped = record && unwrap(text, record.fields);
    if (unwrapped) {
      if (parts.length > 0 && !text.endsWith("\n", start)) parts.push([start, start, "\n"]);
      parts.push(...unwrapped.parts);
      if (next < text.length) parts.push([next - 1, next]);
      if (facts === null && record.fields.some(({ key }) => key === "stream")) wrapper = "docker-json";
      facts ??= unwrapped.facts;
    } else parts.push([start, next]);
    start = next;
  }
  return facts === null ? null : { name: wrapper, parts, facts };
}

function unwrap(text: string, fields: readonly RecordField[]): Unwrapped | null {
  const keys = new Set(fields.map(({ key }) => key));
  if (isRecordOfItsOwn(keys) || fields.some(isAccessLogger)) return null;
  const speech = fields.filter(({ key, value }) => speechRank(key, value) !== null);
  if (speech.length === 0) return null;
  speech.sort((a, b) => speechRank(a.key, a.value)! - speechRank(b.key, b.value)!);
  const parts: Part[] = [];
  const said: string[] = [];
  for (const field of speech) {
    if (said.length === PIECES_MAX || said.some((known) => known.includes(field.value))) continue;
    said.push(field.value);
    if (parts.length > 0) parts.push([field.start, field.start, "\n"]);
    const end = lastLetter(text, field);
    parts.push(...(field.isString ? decodeEscapes(text, field.start, end) : [[field.start, end] as Part]));
  }
  // The code of an error object stands beside its message, and says more.
  for (const { key, value, from, start, end, isString } of fields) {
    if (key !== "code" || !/^[A-Z][A-Z0-9_]{3,60}$/.test(value) || said.some((known) => known.includes(value)))
      continue;
    parts.push([start, start, "\n"], [from, end + (isString ? 1 : 0)]);
  }
  return { parts, facts: factsOf(fields, keys) };
}

/** Docker's messages end with the line end of the line that they are. */
function lastLetter(text: string, { start, end, isString }: RecordField): number {
  let last = end;
  while (
    isString &&
    last - 2 >= start &&
    text[last - 2] === "\\" &&
    text[last - 3] !== "\\" &&
    /[nr]/.test(text[last - 1]!)
  )
    last -= 2;
  return last;
}

/** Caddy's access log says "handled request" beside the fields that matter. */
const isAccessLogger = ({ key, value }: RecordField): boolean =>
  key === "logger" && value.startsWith("http.log.access");

function factsOf(fields: readonly RecordField[], keys: ReadonlySet<string>): Draft {
  const into = reading(null);
  setFact(into.facts, "software", softwareOfKeys(keys));
  for (const field of fields) {
    takeField(into, field);
    if (field.key === "logger" && /^(?:http|tls|admin|reverse_proxy)\b/.test(field.value))
      setFact(into.facts, "software", "caddy");
  }
  if (keys.has("pid") && keys.has("hostname") && keys.has("level")) setFact(into.facts, "software", "node");
  return into.facts;
}

function readJson(text: string, start: number): ReturnType<RecordReader> {
  if (text[start] !== "{" && !(start === 0 && text[start] === '"')) return null;
  const scan = scanJson(text, start);
  if (scan.fields.length === 0) return null;
  return { fields: scan.fields, next: Math.min(lineEnd(text, scan.end) + 1, text.length) };
}

function readLogfmt(text: string, start: number): ReturnType<RecordReader> {
  const end = lineEnd(text, start);
  if (!LOGFMT.test(text.slice(start, start + 12))) return null;
  return { fields: scanPairs(text, start, end), next: Math.min(end + 1, text.length) };
}

const PAIR = /(?<![\w.@-])([A-Za-z_@][\w.@-]{0,63})=(?:"([^"\\\n]*(?:\\.[^"\\\n]*)*)"?|([^\s"]*))/g;

/** The key=value pairs of a line; what is none is passed over. */
export function scanPairs(text: string, start: number, end: number): RecordField[] {
  const fields: RecordField[] = [];
  for (const match of text.slice(start, end).matchAll(PAIR)) {
    const [whole, name = "", quoted, bare] = match;
    const from = start + match.index;
    const at = from + name.length + (quoted === undefined ? 1 : 2);
    const raw = quoted ?? bare ?? "";
    if (whole === "" || fields.length === 100) break;
    fields.push({
      key: name.toLowerCase().replaceAll("-", "_"),
      path: name,
      value: raw.includes("\\") && quoted !== undefined ? raw.replace(/\\(["\\])/g, "$1") : raw,
      start: at,
      end: at + raw.length,
      from,
      isString: quoted !== undefined,
    });
  }
  return fields;
}
