// Formats of the access log as functions. Literals stand as they are; values of variables are escaped: "default" writes
// what could break a line or a quoted field as \xXX and "-" for what is not found, "json" as JSON does inside of
// quotes, "none" not at all. Lines of text that has nothing to escape (almost all) are not copied.
import type { LogFormatConfig } from "../config/servers.ts";
import { textParts } from "../config/text.ts";
import type { Subject, Variable } from "./subject.ts";

export { COMBINED } from "../config/standards.ts";

/** A line of the log, without its line feed. */
export type LogFormat = (subject: Subject) => string;

/** A format as a function; `unknown` is the first variable that `find` does not know. */
export function compileLogFormat(
  format: Pick<LogFormatConfig, "escape" | "text">,
  find: (name: string) => Variable | undefined,
): LogFormat | { readonly unknown: string } {
  const written = WRITERS[format.escape];
  const parts: (string | LogFormat)[] = [];
  for (const part of textParts(format.text)) {
    if (part.kind === "literal") {
      parts.push(part.text);
      continue;
    }
    const variable = find(part.name);
    if (variable === undefined) return { unknown: part.name };
    parts.push((subject) => written(variable(subject)));
  }
  return (subject) => {
    let line = "";
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index]!;
      line += typeof part === "string" ? part : part(subject);
    }
    return line;
  };
}

const WRITERS: Readonly<Record<LogFormatConfig["escape"], (value: string | undefined) => string>> = {
  default: (value) => (value === undefined ? "-" : escapeLog(value)),
  json: (value) => (value === undefined ? "" : escapeJson(value)),
  none: (value) => value ?? "",
};

/** Controls, quotes, backslashes and bytes beyond ASCII as \xXX. */
export function escapeLog(value: string): string {
  return LOG_UNSAFE.test(value) ? value.replace(LOG_UNSAFE_EACH, hex) : value;
}

const LOG_UNSAFE = /[\x00-\x1f"\\\x7f-\uffff]/;
const LOG_UNSAFE_EACH = /[\x00-\x1f"\\\x7f-\uffff]/g;

function hex(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

/** As in a JSON string; bytes beyond ASCII stay, since they are UTF-8 or nothing that JSON could say. */
export function escapeJson(value: string): string {
  return JSON_UNSAFE.test(value) ? value.replace(JSON_UNSAFE_EACH, jsonEscape) : value;
}

const JSON_UNSAFE = /[\x00-\x1f"\\]/;
const JSON_UNSAFE_EACH = /[\x00-\x1f"\\]/g;
const SHORT: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\b": "\\b",
  "\f": "\\f",
  '"': '\\"',
  "\\": "\\\\",
};

function jsonEscape(character: string): string {
  return SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}
