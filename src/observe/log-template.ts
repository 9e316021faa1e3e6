// The log format that a person composes: `{field}` placeholders between literal text, compiled once at load.
import { escapeControls } from "../std/log.ts";
import type { Ms } from "../std/units.ts";
import { type AttemptRecord, avoided, type ExchangeRecord, isSaved, statusOf } from "./record.ts";
import { clfTime, count, hexEscape, isoTime, millis, statusText } from "./text.ts";

/** Makes the text of one placeholder, or of a whole line. */
export type LogField = (record: ExchangeRecord, wallAtEnd: Ms) => string;

/** "GET /path HTTP/1.1" as the request line stood; "-" where it could not be read. */
export function requestLine(record: ExchangeRecord): string {
  if (record.method === "" && record.target === "") return "-";
  return hexEscape(record.method) + " " + hexEscape(record.target) + " " + hexEscape(record.protocol);
}

/** The value escaped, "-" for an empty one. */
export function orDash(value: string): string {
  return value === "" ? "-" : hexEscape(value);
}

function dashSpan(from: Ms, to: Ms): string {
  return from > 0 && to > 0 ? millis(to - from) : "-";
}

function lastOf(record: ExchangeRecord): AttemptRecord | undefined {
  return record.attempts[record.attempts.length - 1];
}

/** The target without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query < 0 ? target : target.slice(0, query);
}

function queryOf(target: string): string {
  const query = target.indexOf("?");
  return query < 0 ? "" : target.slice(query + 1);
}

/** The first failure, the one that decided or the one that a retry mended: what a person looks for. */
function failureOf(record: ExchangeRecord): ExchangeRecord["failure"] {
  return record.failure ?? record.attempts.find((attempt) => attempt.failure !== null)?.failure ?? null;
}

/** Placeholders of a log template. An empty value is written "-"; spans are in milliseconds. */
export const LOG_FIELDS: Readonly<Record<string, LogField>> = {
  // The exchange
  time: (_, wall) => isoTime(wall),
  "time.local": (_, wall) => clfTime(wall),
  "time.unix": (_, wall) => millis(wall / 1000),
  id: (record) => orDash(record.requestId),
  trace: (record) => orDash(record.traceId ?? ""),
  status: (record) => statusText(statusOf(record)),
  duration: (record) => millis(record.endedAt - record.startedAt),
  aborted: (record) => (record.aborted ? "aborted" : "-"),
  // The client and its request
  "client.ip": (record) => orDash(record.clientAddress),
  "client.port": (record) => count(record.clientPort),
  listener: (record) => orDash(record.listener),
  scheme: (record) => (record.tls ? "https" : "http"),
  request: requestLine,
  method: (record) => orDash(record.method),
  target: (record) => orDash(record.target),
  path: (record) => orDash(pathOf(record.target)),
  query: (record) => orDash(queryOf(record.target)),
  protocol: (record) => orDash(record.protocol),
  host: (record) => orDash(record.host),
  userAgent: (record) => orDash(record.userAgent),
  referer: (record) => orDash(record.referer),
  "bytes.in": (record) => count(record.bytesReceived),
  "bytes.out": (record) => count(record.bytesSent),
  "body.bytes.out": (record) => count(record.bodyBytesSent),
  // Where it went
  route: (record) => orDash(record.route),
  upstream: (record) => orDash(record.upstream),
  endpoint: (record) => orDash(lastOf(record)?.endpoint ?? ""),
  endpoints: (record) => record.attempts.map((attempt) => hexEscape(attempt.endpoint)).join(",") || "-",
  attempts: (record) => count(record.attempts.length),
  "upstream.status": (record) => (lastOf(record)?.status ? count(lastOf(record)!.status) : "-"),
  reused: (record) => (lastOf(record)?.reused ? "reused" : "-"),
  // What failed: of a request that a retry saved, its first failure
  cause: (record) => failureOf(record)?.cause ?? "-",
  phase: (record) => failureOf(record)?.phase ?? "-",
  code: (record) => {
    const evidence = failureOf(record)?.evidence;
    return orDash(evidence?.errno ?? evidence?.tlsCode ?? evidence?.rcode ?? "");
  },
  // What was avoided, by what, and what waiting took
  saved: (record) => (isSaved(record) ? "saved" : "-"),
  "avoided.by": (record) => avoided(record)?.by ?? "-",
  "avoided.cause": (record) => avoided(record)?.cause ?? "-",
  held: (record) => (record.heldMs > 0 ? millis(record.heldMs) : "-"),
  queued: (record) => (record.queuedMs > 0 ? millis(record.queuedMs) : "-"),
  // Phases of the last attempt
  "upstream.connect": (record) => dashSpan(lastOf(record)?.startedAt ?? 0, lastOf(record)?.connectedAt ?? 0),
  "upstream.send": (record) => dashSpan(lastOf(record)?.connectedAt ?? 0, lastOf(record)?.sentAt ?? 0),
  "upstream.wait": (record) => dashSpan(lastOf(record)?.sentAt ?? 0, lastOf(record)?.headAt ?? 0),
  "upstream.body": (record) => dashSpan(lastOf(record)?.headAt ?? 0, lastOf(record)?.endedAt ?? 0),
};

/** Compiles `{field}` placeholders between literal text ("{{" and "}}" stand for braces), or says what is wrong. */
export function compileLogTemplate(text: string): { readonly format: LogField } | { readonly problem: string } {
  const parts: (string | LogField)[] = [];
  let literal = "";
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if ((char === "{" || char === "}") && text[i + 1] === char) {
      literal += char;
      i++;
    } else if (char === "}") return { problem: `"}" at column ${i + 1} closes nothing; write "}}" for a brace` };
    else if (char === "{") {
      const end = text.indexOf("}", i);
      if (end < 0) return { problem: `"{" at column ${i + 1} is not closed; write "{{" for a brace` };
      const field = lookUp(text.slice(i + 1, end));
      if (typeof field === "string") return { problem: field };
      if (literal) parts.push(literal);
      parts.push(field);
      literal = "";
      i = end;
    } else if (char !== "\t" && escapeControls(char) !== char)
      return { problem: `control character at column ${i + 1}` };
    else literal += char;
  }
  if (literal) parts.push(literal);
  if (parts.length === 0) return { problem: "the template is empty" };
  return { format: (record, wall) => applyTemplate(parts, record, wall) };
}

function applyTemplate(parts: readonly (string | LogField)[], record: ExchangeRecord, wall: Ms): string {
  let line = "";
  for (const part of parts) line += typeof part === "string" ? part : part(record, wall);
  return line + "\n";
}

function lookUp(name: string): LogField | string {
  if (Object.hasOwn(LOG_FIELDS, name)) return LOG_FIELDS[name]!;
  const lower = name.toLowerCase();
  const near = Object.keys(LOG_FIELDS).filter((known) => lower !== "" && known.toLowerCase().endsWith(lower));
  if (near.length > 0) return `unknown field {${name}}; did you mean {${near[0]}}?`;
  return `unknown field {${name}}; known are ${Object.keys(LOG_FIELDS).join(", ")}`;
}
