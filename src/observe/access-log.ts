// One line per exchange, by a format compiled once: json, combined (as nginx and Apache write it) or a template.
// Rules: always exactly one line, "\n" included; always ASCII; values of clients and upstreams escaped (text.ts).
// Instants of a record are monotonic and 0 where a thing did not happen: its span is then null (json) or "-".
import type { Ms } from "../std/units.ts";
import { jsonLine } from "./json-line.ts";
import { compileLogTemplate, orDash, requestLine } from "./log-template.ts";
import { type ExchangeRecord, statusOf } from "./record.ts";
import { clfTime, count, statusText } from "./text.ts";

/** Makes the line of a record; `wallAtEnd` is the wall clock (milliseconds since 1970) when the exchange ended. */
export type AccessFormat = (record: ExchangeRecord, wallAtEnd: Ms) => string;

/** Compiles the format of an access log; throws on a template that compileLogTemplate refuses. */
export function compileAccessLog(format: "json" | "combined" | { readonly template: string }): AccessFormat {
  if (format === "json") return jsonLine;
  if (format === "combined") return combinedLine;
  const compiled = compileLogTemplate(format.template);
  if ("problem" in compiled) throw new Error(`log template: ${compiled.problem}`);
  return compiled.format;
}

/** $remote_addr - - [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" */
function combinedLine(record: ExchangeRecord, wallAtEnd: Ms): string {
  return (
    orDash(record.clientAddress) +
    " - - [" +
    clfTime(wallAtEnd) +
    '] "' +
    requestLine(record) +
    '" ' +
    statusText(statusOf(record)) +
    " " +
    count(record.bodyBytesSent) +
    ' "' +
    orDash(record.referer) +
    '" "' +
    orDash(record.userAgent) +
    '"\n'
  );
}
