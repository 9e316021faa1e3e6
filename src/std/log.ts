// The program's own log: what Goodgate says about itself (started, reloaded, cannot open a file), not about requests.
// One line an entry, on stderr, whatever the values contain. A log that cannot be written never ends the program:
// the line is lost and counted. The default sink writes at once, which suits a command line; a gateway under load
// hands in a sink that buffers (setLogSink), so that a reader of stderr that stalls does not stop the traffic.
import { writeSync } from "node:fs";
import { isatty } from "node:tty";

export type LogLevel = "info" | "warn" | "error";
/** Facts beside the message, shown as key=value. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;
/** Takes whole lines, "\n" included. */
export type LogSink = (line: string) => void;

const LEVEL_COLOURS: Readonly<Record<LogLevel, string>> = { info: "\x1b[32m", warn: "\x1b[33m", error: "\x1b[31m" };
const DIM = "\x1b[2m";
const RESET = "\x1b[0m";

let lost = 0;
let sink: LogSink = writeToStderr;
let coloured = useColours();
let asJson = process.env["GOODGATE_LOG"] === "json";

/** The program's own log. */
export const log = {
  info: (message: string, fields?: LogFields): void => emit("info", message, fields),
  warn: (message: string, fields?: LogFields): void => emit("warn", message, fields),
  error: (message: string, fields?: LogFields): void => emit("error", message, fields),
};

/** Sends the log elsewhere; null = back to stderr. Returns the sink that was in place. */
export function setLogSink(next: LogSink | null, options: { readonly colours?: boolean } = {}): LogSink {
  const previous = sink;
  sink = next ?? writeToStderr;
  coloured = options.colours ?? (next === null && useColours());
  return previous;
}

/** How entries are written from here on: as lines for people, or as a JSON object a line. GOODGATE_LOG=json is the same. */
export function setLogFormat(format: "text" | "json"): void {
  asJson = format === "json";
}

/** Lines of the program's own log that could not be written. */
export function lostLogLines(): number {
  return lost;
}

/** One entry as a line, "\n" included. */
export function formatLogLine(
  level: LogLevel,
  message: string,
  fields: LogFields | undefined,
  at: Date,
  colours: boolean,
): string {
  let rest = "";
  for (const [name, value] of Object.entries(fields ?? {})) {
    if (value !== undefined) rest += ` ${name}=${fieldText(value)}`;
  }
  const time = at.toISOString();
  const text = escapeControls(message);
  const word = level.padEnd(5);
  if (!colours) return `${time} ${word} ${text}${rest}\n`;
  return `${DIM}${time}${RESET} ${LEVEL_COLOURS[level]}${word}${RESET} ${text}${rest && DIM + rest + RESET}\n`;
}

/** One entry as a JSON object: time, level, msg and the fields; "\n" included. */
export function formatLogJson(level: LogLevel, message: string, fields: LogFields | undefined, at: Date): string {
  const entry: Record<string, string | number | boolean | null> = { time: at.toISOString(), level, msg: message };
  for (const [name, value] of Object.entries(fields ?? {})) {
    // What an entry always has keeps its name.
    if (value !== undefined) entry[Object.hasOwn(entry, name) ? `_${name}` : name] = value;
  }
  return `${JSON.stringify(entry).replace(JSON_UNSAFE, unicodeEscape)}\n`;
}

/** What JSON lets stand, but a terminal or a reader of lines might take for more than text. */
const JSON_UNSAFE = /[\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g;

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** `text` with every control character (C0, DEL, C1) and line separator as an escape, so that it stays on one line. */
export function escapeControls(text: string): string {
  let escaped = "";
  let clean = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (!isControl(code)) continue;
    escaped += text.slice(clean, i) + controlText(code);
    clean = i + 1;
  }
  return clean === 0 ? text : escaped + text.slice(clean);
}

// U+2028 and U+2029 end a line for some readers; U+202A–202E and U+2066–2069 reorder what a person sees.
function isControl(code: number): boolean {
  if (code < 0x20) return true;
  if (code < 0x7f) return false;
  if (code <= 0x9f) return true;
  return (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

function controlText(code: number): string {
  if (code === 0x0a) return "\\n";
  if (code === 0x0d) return "\\r";
  if (code === 0x09) return "\\t";
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16)}`;
}

function fieldText(value: string | number | boolean | null): string {
  if (typeof value !== "string") return String(value);
  return /^[^\s"=]+$/.test(value) ? escapeControls(value) : escapeControls(JSON.stringify(value));
}

function emit(level: LogLevel, message: string, fields?: LogFields): void {
  try {
    const at = new Date();
    sink(asJson ? formatLogJson(level, message, fields, at) : formatLogLine(level, message, fields, at, coloured));
  } catch {
    // Where the log itself fails (EPIPE, ENOSPC, EAGAIN) there is nowhere left to say so; the count is a metric.
    lost++;
  }
}

function writeToStderr(line: string): void {
  writeSync(2, line);
}

/** Whether what is written to stderr may carry colours: a terminal, and NO_COLOR is not set. */
export function useColours(): boolean {
  return isatty(2) && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";
}
