// Envoy's access log as text: its default format, Istio's, and the older forms of both; and its own log. Between the
// flags and the byte counts stand the details, if the format has them. JSON forms are read by json-log.ts.
import type { Facts } from "../explanation.ts";
import { errnoOfNumber } from "./errno.ts";
import { addCode, addDuration, type Format, type Reading, reading, setFact, setRequest, setStatus } from "./format.ts";
import { readTls } from "./tls.ts";
import { type Token, tokensOf } from "./tokens.ts";

const FLAGS = /^(?:-|[A-Z]{2,6}(?:,[A-Z]{2,6})*)$/;
const START = /(?:\[([^\]\n]{10,40})\] )?"(?=[A-Z-]+ \S|- - -)/y;

/** Names of flags, for the phase that they speak of. */
const FLAG_PHASES: Readonly<Record<string, string>> = {
  UF: "connecting to upstream",
  UT: "waiting for response headers",
  UC: "waiting for response headers",
  UR: "waiting for response headers",
  LR: "waiting for response headers",
  DF: "resolving the name",
  UH: "choosing an upstream",
  UO: "choosing an upstream",
};

/** Lines of the access log. */
export const envoyAccess: Format = { name: "envoy-access", recognise };

function recognise(line: string): Reading | null {
  if (line[0] !== "[" && line[0] !== '"') return null;
  START.lastIndex = 0;
  const start = START.exec(line);
  if (!start) return null;
  const [request, status, flags, ...rest] = tokensOf(line, START.lastIndex - 1);
  if (!request?.quoted || !status || !/^\d{1,3}$/.test(status.text) || !flags || !FLAGS.test(flags.text)) return null;
  const into = reading("envoy-access", "envoy");
  const { facts } = into;
  setFact(facts, "time", start[1]);
  setRequest(facts, request.text);
  setStatus(into, status.text, status.start);
  setFlags(into, flags);
  const counts = rest.findIndex(({ text, quoted }) => !quoted && /^\d+$/.test(text));
  if (counts < 0) return readDetails(line, rest, into);
  readDetails(line, rest.slice(0, counts), into);
  readRest(rest.slice(counts), into);
  // DI: a delay was injected on purpose, which harms nothing.
  const flagged = facts.flags?.some((flag) => flag !== "DI") ?? false;
  into.benign = (facts.status === undefined || facts.status < 400) && !flagged;
  return into;
}

/** Sets the flags, one code each. */
function setFlags(into: Reading, { text, start }: Token): void {
  if (text === "-") return;
  const flags = text.split(",");
  into.facts.flags = flags;
  let at = start;
  for (const flag of flags) {
    addCode(into, "envoy-flag", flag, at, at + flag.length);
    setFact(into.facts, "phase", FLAG_PHASES[flag]);
    at += flag.length + 1;
  }
  if (flags.includes("DC") || flags.includes("DPE")) into.facts.side = "client";
}

/** %RESPONSE_CODE_DETAILS%, the details of the end, and the failure of the transport: in old formats in quotes. */
function readDetails(line: string, tokens: readonly Token[], into: Reading): Reading {
  for (const { text, start, end, quoted } of tokens) {
    if (text === "-" || text === "") continue;
    if (!quoted && /^[a-z][\w{}|.,:~-]*$/.test(text)) addDetail(into, text, start);
    into.messages.push([start, end]);
    readReason(line, text, start, into);
  }
  return into;
}

const CONNECT_ERROR = /\bconnect error: (\d{1,5})\b/;

/** "delayed connect error: 111", "TLS error: …:WRONG_VERSION_NUMBER". */
function readReason(line: string, text: string, start: number, into: Reading): void {
  const error = CONNECT_ERROR.exec(text);
  const name = error ? errnoOfNumber(Number(error[1])) : undefined;
  if (name !== undefined) {
    into.facts.errno = name;
    addCode(into, "errno", name, start + error!.index, start + error!.index + error![0].length);
  }
  if (/TLS|SSL|cert/i.test(text)) readTls(line, start, start + text.length, into);
}

/** "upstream_reset_before_response_started{connection_failure}": with its reason, and without. */
function addDetail(into: Reading, text: string, start: number): void {
  addCode(into, "envoy-detail", text, start, start + text.length);
  const brace = text.indexOf("{");
  if (brace > 0) addCode(into, "envoy-detail", text.slice(0, brace), start, start + brace);
}

/** received sent duration service-time "x-forwarded-for" "agent" "id" "authority" "upstream" [cluster …] */
function readRest(tokens: readonly Token[], into: Reading): void {
  const { facts } = into;
  const [, sent, duration, service, forwarded, , id, authority, upstream, cluster, , , remote] = tokens;
  if (sent) setFact(facts, "bytes", Number(sent.text));
  addDuration(facts, "duration", duration?.text, 1);
  addDuration(facts, "upstream_service_time", service?.text, 1);
  setFact(facts, "client", forwarded?.text === "-" ? remote?.text : forwarded?.text);
  setFact(facts, "requestId", id?.text);
  setFact(facts, "host", authority?.text);
  setFact(facts, "upstream", upstream?.text);
  if (cluster && !cluster.quoted) setFact(facts, "upstreamName", cluster.text);
}

const LOG_HEAD =
  /\[([\d-]{10}[T ][\d:.]{8,15})\]\[(\d{1,10})\]\[(trace|debug|info|warning|error|critical|off)\]\[(\w{1,40})\] (?:\[[^\]\n]{1,200}\] )?/y;
const LOG_HEAD_ISTIO = /(trace|debug|info|warning|error|critical)\tenvoy (\w{1,40})(?: \S{1,120})?\t/y;

/** Envoy's own log. */
export const envoyLog: Format = {
  name: "envoy-log",
  recognise(line: string, known: Facts): Reading | null {
    LOG_HEAD.lastIndex = 0;
    LOG_HEAD_ISTIO.lastIndex = 0;
    const head = line[0] === "[" ? LOG_HEAD.exec(line) : null;
    const istio = head ? null : line.includes("envoy ") ? LOG_HEAD_ISTIO.exec(line) : null;
    if (!head && !istio) return null;
    const into = reading("envoy-log", "envoy");
    setFact(into.facts, "time", head?.[1] ?? known.time);
    into.facts.level = (head?.[3] ?? istio![1]!).replace("warning", "warn");
    into.messages = [[(head ?? istio)![0].length, line.length]];
    return into;
  },
};
