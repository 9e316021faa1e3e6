// Formats of the access log as functions. Literals stand as they are; values of variables are escaped: "default" writes
// what could break a line or a quoted field as \xXX and "-" for what is not found, "json" as JSON does inside of
// quotes, "none" not at all. Lines of text that has nothing to escape (almost all) are not copied.
import type { LogFormatConfig } from "../config/servers.ts";
import { escapeJson } from "../wire/escape.ts";
import type { Subject, Variable } from "./subject.ts";
import { boundParts } from "./text.ts";

/** A line of the log, without its line feed. */
export type LogFormat = (subject: Subject) => string;

/** A format as a function; `unknown` is the first variable that `find` does not know. */
export function compileLogFormat(
  format: Pick<LogFormatConfig, "escape" | "text">,
  find: (name: string) => Variable | undefined,
): LogFormat | { readonly unknown: string } {
  const written = WRITERS[format.escape];
  const bound = boundParts(format.text, find);
  if ("unknown" in bound) return bound;
  const parts = bound.map((part): string | LogFormat =>
    typeof part === "string" ? part : (subject) => written(part(subject)),
  );
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
