// The failure log as JSON, one object a line: what formatFailure says in words, with the same bounds and the same
// care (the query of the target is left out). Keys are those of the access log's JSON where both have a thing.
import { CAUSES } from "../failure/causes.ts";
import { fix, sentence } from "../failure/describe.ts";
import { redactText } from "../std/redact.ts";
import type { Ms } from "../std/units.ts";
import { failureOrAvoided } from "./avoided-failure.ts";
import { redactedPath } from "./capture-text.ts";
import { avoided, type ExchangeRecord, statusOf } from "./record.ts";
import { isoTime, jsonEscape } from "./text.ts";

/** One failed (or saved) exchange as a JSON object and "\n"; "" where nothing failed. */
export function failureJson(record: ExchangeRecord, wall: Ms): string {
  const failure = failureOrAvoided(record);
  if (failure === null) return "";
  const saved = record.failure === null ? avoided(record) : null;
  const { upstream, route, method, host, attempts } = record;
  const attempt = attempts.find((each) => each.failure === failure);
  const endpoint = attempt?.endpoint;
  const context = { upstream, endpoint, route, method, host, attempts: saved ? 0 : attempts.length, showDetail: true };
  const { errno, tlsCode, rcode, deadline } = failure.evidence;
  return line({
    time: isoTime(wall),
    requestId: record.requestId,
    traceId: record.traceId || undefined,
    status: statusOf(record),
    cause: failure.cause,
    phase: failure.phase,
    fault: CAUSES[failure.cause].fault.join(","),
    savedBy: saved?.by,
    cut: record.aborted || undefined,
    route,
    upstream,
    endpoint,
    code: errno ?? tlsCode ?? rcode,
    deadline,
    method,
    host,
    path: redactedPath(record.target),
    client: record.clientAddress,
    durationMs: Math.round((record.endedAt - record.startedAt) * 1000) / 1000,
    attempts: attempts.length,
    sentence: redactText(sentence(failure, context)),
    fix: redactText(fix(failure, context)),
  });
}

/** What a window left out of one kind. */
export function leftOutJson(wall: Ms, kind: string, left: number): string {
  return line({ time: isoTime(wall), leftOut: left, kind });
}

/** ASCII only, whatever the values contain. */
function line(entry: Readonly<Record<string, string | number | boolean | undefined>>): string {
  let text = "";
  for (const [name, value] of Object.entries(entry)) {
    if (value === undefined) continue;
    text += `${text === "" ? "{" : ","}"${name}":${typeof value === "string" ? `"${jsonEscape(value)}"` : value}`;
  }
  return `${text}}\n`;
}
