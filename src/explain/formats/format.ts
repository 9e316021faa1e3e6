// What formats share. A format looks at a text and says what it read, or null where the text is not in it; it never
// throws and reads each character a bounded number of times. Facts that the text does not say are absent.
import type { Facts, Range } from "../explanation.ts";
import type { Code, Recognised } from "../recognised.ts";

export type Draft = { -readonly [Name in keyof Facts]: Facts[Name] };

/** A Recognised that is being filled in. */
export interface Reading extends Recognised {
  format: string | null;
  readonly facts: Draft;
  readonly codes: Code[];
  messages: Range[];
  benign: boolean;
}

export interface Format {
  readonly name: string;
  /** Reads one line without its line end; `known` is what the wrappers around it said. */
  readonly recognise: (line: string, known: Facts) => Reading | null;
}

/** Begins a reading. */
export function reading(format: string | null, software?: string): Reading {
  const facts: Draft = {};
  if (format !== null) facts.format = format;
  if (software !== undefined) facts.software = software;
  return { format, facts, codes: [], messages: [], benign: false };
}

/** Adds a code, once per field and token. */
export function addCode(into: Reading, of: string, code: string, start: number, end: number): void {
  if (code === "" || into.codes.some((known) => known.of === of && known.code === code)) return;
  into.codes.push({ of, code, range: [start, end] });
}

/** Sets a fact that has a value and is not known yet. */
export function setFact<Name extends keyof Facts>(facts: Draft, name: Name, value: Facts[Name] | undefined): void {
  if (value === undefined || value === "" || value === "-" || facts[name] !== undefined) return;
  facts[name] = value;
}

/** Three digits that can be a status; undefined = none. */
export function statusOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d\d$/.test(text) ? Number(text) : undefined;
}

/** Sets the status that the client got, as a fact and a code. */
export function setStatus(into: Reading, text: string | undefined, start: number): void {
  const status = statusOf(text);
  if (status === undefined) return;
  setFact(into.facts, "status", status);
  addCode(into, "http-status", text!, start, start + 3);
}

/** Adds a duration by the name that the format gives it; what is no number is left out. */
export function addDuration(facts: Draft, name: string, text: string | undefined, unitMs: number): void {
  if (text === undefined || !/^[+-]?\d+(?:\.\d+)?$/.test(text)) return;
  facts.durations = { ...facts.durations, [name]: toMs(text, unitMs) };
}

/** -1 stays -1 in every unit: it says that the thing did not happen. */
export function toMs(text: string, unitMs: number): number {
  const value = Number(text);
  return value < 0 ? -1 : Math.round(value * unitMs * 1000) / 1000;
}

const LEVELS: Readonly<Record<string, string>> = {
  err: "error",
  eror: "error",
  warning: "warn",
  wrn: "warn",
  inf: "info",
  information: "info",
  dbg: "debug",
  ftl: "fatal",
  critical: "crit",
  severe: "error",
  trc: "trace",
  "10": "trace",
  "20": "debug",
  "30": "info",
  "40": "warn",
  "50": "error",
  "60": "fatal",
};

/** A level by its usual name: "ERR" → "error"; pino's numbers too. */
export function levelOf(word: string): string {
  const lower = word.toLowerCase();
  return Object.hasOwn(LEVELS, lower) ? LEVELS[lower]! : lower;
}

const QUIET = new Set(["info", "debug", "trace", "notice"]);

/** The level says that the line tells of nothing wrong. */
export function isQuiet(level: string | undefined): boolean {
  return level !== undefined && QUIET.has(level);
}

/** "GET /cart HTTP/1.1" as facts; what is no request line is left out. */
export function setRequest(facts: Draft, request: string): void {
  const first = request.indexOf(" ");
  if (first < 1 || first > 24 || !/^[A-Z][A-Z_-]*$/.test(request.slice(0, first))) return;
  setFact(facts, "method", request.slice(0, first));
  const last = request.lastIndexOf(" HTTP");
  const target = last > first && /^ HTTP ?\/ ?\d/.test(request.slice(last, last + 9)) ? last : request.length;
  setTarget(facts, request.slice(first + 1, target).trim());
}

/** A request's target as facts: its path, and its host where it names one. */
export function setTarget(facts: Draft, target: string): void {
  if (!/^https?:\/\//i.test(target)) return setFact(facts, "path", target);
  const authority = target.indexOf("//") + 2;
  const slash = target.indexOf("/", authority);
  setFact(facts, "host", target.slice(authority, slash < 0 ? target.length : slash));
  setFact(facts, "path", slash < 0 ? "/" : target.slice(slash));
}
