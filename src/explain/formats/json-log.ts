// Records of JSON that are a format of their own: access logs (Envoy, Traefik, nginx, Google's and Azure's load balancers,
// Caddy's) and what Goodgate writes: its access log, and the body of its errors (RFC 9457), whose cause is certain.
import { isCauseId } from "../../failure/causes.ts";
import type { Facts } from "../explanation.ts";
import { type RecordField, scanJson } from "../json-text.ts";
import { addCode, type Format, type Reading, reading, setFact, setStatus } from "./format.ts";
import { softwareOfKeys, speechRank, takeField } from "./record-fields.ts";

/** JSON, on one line or over several. */
export const jsonLog: Format = { name: "json", recognise };

function recognise(text: string, known: Facts): Reading | null {
  if (text[0] !== "{") return null;
  const scan = scanJson(text, 0);
  if (scan.fields.length === 0) return null;
  const { fields } = scan;
  const keys = new Set(fields.map(({ key }) => key));
  if (keys.has("cause") && (keys.has("requestid") || keys.has("instance"))) return goodgate(fields, keys);
  const software = known.software ?? softwareOfKeys(keys);
  const into = reading(software === undefined ? "json" : `${software}-json`, software);
  for (const field of fields) {
    takeField(into, field);
    if (field.key === "logger" && field.value.startsWith("http.log.access")) setFact(into.facts, "software", "caddy");
    if (speechRank(field.key, field.value) !== null && !/request|header/i.test(field.path))
      into.messages.push([field.start, field.end]);
  }
  if (into.facts.software === "traefik") traefikDurations(fields, into);
  const { status, flags } = into.facts;
  const quiet = into.codes.every(({ of, code }) => of === "http-status" || code === "via_upstream" || code === "-");
  into.benign = status !== undefined && status < 400 && flags === undefined && quiet && !hasError(fields);
  return into;
}

function hasError(fields: readonly RecordField[]): boolean {
  return fields.some(({ key, value }) => /^(?:error|err|exception)$/.test(key) && value !== "" && value !== "null");
}

/** Go's durations are in nanoseconds. */
function traefikDurations(fields: readonly RecordField[], { facts }: Reading): void {
  for (const { key, value } of fields) {
    if (!/^(?:duration|originduration|overhead)$/.test(key) || !/^\d+$/.test(value)) continue;
    facts.durations = { ...facts.durations, [key]: Math.round(Number(value) / 1000) / 1000 };
  }
}

/** Goodgate's own access log (one line) or problem document: the cause is what it decided itself. */
function goodgate(fields: readonly RecordField[], keys: ReadonlySet<string>): Reading {
  const into = reading(keys.has("instance") ? "goodgate-problem" : "goodgate-access", "goodgate");
  const { facts } = into;
  for (const field of fields) {
    if (field.path.startsWith("tries.")) continue;
    if (field.path === "cause" && isCauseId(field.value)) facts.cause = field.value;
    else if (field.path === "phase" && field.value !== "null") setFact(facts, "phase", field.value);
    else if (field.path === "target") setFact(facts, "path", field.value);
    else if (field.path === "endpoint" && field.value !== "null") setFact(facts, "upstream", field.value);
    else if (field.path === "upstream") setFact(facts, "upstreamName", field.value);
    else if (field.path === "status") setStatus(into, field.value, field.start);
    else if (field.path === "detail") into.messages.push([field.start, field.end]);
    else if (field.path.startsWith("timings.") && /^[\d.]+$/.test(field.value))
      facts.durations = { ...facts.durations, [field.key]: Number(field.value) };
    else if (field.key === "errno" || field.key === "code") takeErrno(into, field);
    else if (!field.path.includes(".")) takeField(into, field);
  }
  into.benign = facts.cause === undefined && facts.status !== undefined && facts.status < 400;
  return into;
}

function takeErrno(into: Reading, { value, start, end }: RecordField): void {
  if (!/^E[A-Z]{3,14}$/.test(value)) return;
  setFact(into.facts, "errno", value);
  addCode(into, "errno", value, start, end);
}

const LINE =
  /(?:\d{4}-\d\d-\d\d )?(\d\d:\d\d:\d\d\.\d{3}) (\d{3}) (saved )?([a-z][a-z-]{3,40}) (\S{1,200}) ([A-Z-]{1,20}) (\S{1,2000}): /y;
/** Why an endpoint is out, where the request met none. */
const OUT = /(\S{1,200}) (?:refused a connection|fails its health check|is ejected|is set to down)\b/;
const REQUEST_ID = / \[req ([\w-]{1,80})\]$/;
const FACT_LINE = /^(?:- )?Cause: ([a-z-]{4,40})$/;

/** Goodgate's log of failures, and the facts of its plain error page. */
export const goodgateLine: Format = {
  name: "goodgate-failure",
  recognise(line) {
    LINE.lastIndex = 0;
    const head = LINE.exec(line);
    if (!head) return page(line);
    const cause = head[4]!;
    if (!isCauseId(cause)) return null;
    const into = reading("goodgate-failure", "goodgate");
    const { facts } = into;
    facts.cause = cause;
    facts.time = head[1]!;
    setStatus(into, head[2], line.indexOf(` ${head[2]} `) + 1);
    // "upstream/endpoint", an upstream alone where there was no endpoint, or a route ("/api/*") where there was neither.
    const [upstreamName, ...endpoint] = head[5]!.split("/");
    setFact(facts, "upstreamName", upstreamName);
    if (endpoint.length === 0) setFact(facts, "upstream", OUT.exec(line.slice(head[0].length))?.[1]);
    else if (upstreamName !== "") setFact(facts, "upstream", endpoint.join("/"));
    setFact(facts, "method", head[6]);
    const path = head[7]!.indexOf("/");
    setFact(facts, "host", path < 0 ? head[7] : head[7]!.slice(0, path));
    setFact(facts, "path", path < 0 ? undefined : head[7]!.slice(path));
    setFact(facts, "requestId", REQUEST_ID.exec(line)?.[1]);
    into.messages = [[head[0].length, line.length]];
    return into;
  },
};

function page(line: string): Reading | null {
  const cause = FACT_LINE.exec(line)?.[1];
  if (cause === undefined || !isCauseId(cause)) return null;
  const into = reading("goodgate-page", "goodgate");
  into.facts.cause = cause;
  return into;
}
