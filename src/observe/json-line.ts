// The JSON format of the access log: one object a line. Made to be cheap: what recurs (times of this second, names
// of the configuration, statuses, the usual outcomes) is kept as ready pieces with the keys around them, because each
// piece of a concatenation costs about 15 ns: once when it is joined, once when the line is copied out.
import type { Ms } from "../std/units.ts";
import { type AttemptRecord, avoided, type ExchangeRecord, statusOf } from "./record.ts";
import { count, isoTime, jsonEscape, millis } from "./text.ts";

/** One exchange as a JSON object and "\n". */
export function jsonLine(record: ExchangeRecord, wallAtEnd: Ms): string {
  const attempts = record.attempts;
  const last = attempts.length > 0 ? attempts[attempts.length - 1] : undefined;
  const total = millis(record.endedAt - record.startedAt);
  return (
    '{"time":"' +
    isoTime(wallAtEnd) +
    '","requestId":"' +
    jsonEscape(record.requestId) +
    '","client":"' +
    jsonEscape(record.clientAddress) +
    (record.method === "GET" ? '","method":"GET","host":"' : `","method":"${jsonEscape(record.method)}","host":"`) +
    jsonEscape(record.host) +
    '","target":"' +
    jsonEscape(record.target) +
    jsonStatus(record) +
    total +
    ',"bytesIn":' +
    count(record.bytesReceived) +
    ',"bytesOut":' +
    count(record.bytesSent) +
    jsonPlace(record.route, record.upstream) +
    (last === undefined ? jsonNoAttempt(record) : jsonLastAttempt(record, last)) +
    '"total":' +
    total +
    '},"userAgent":"' +
    jsonEscape(record.userAgent) +
    '","referer":"' +
    jsonEscape(record.referer) +
    (attempts.length > 1 ||
    (last !== undefined && last.failure !== null) ||
    record.heldMs > 0 ||
    record.queuedMs > 0 ||
    record.trace
      ? jsonUnusual(record, last)
      : '"}\n')
  );
}

/** Statuses of HTTP/1.1 without TLS, made once: nearly all there are. */
const STATUS: (string | undefined)[] = new Array<undefined>(600).fill(undefined);

function jsonStatus(record: ExchangeRecord): string {
  const status = statusOf(record);
  const isUsual = !record.tls && record.protocol === "HTTP/1.1" && status >= 0 && status < STATUS.length;
  const known = isUsual ? STATUS[status] : undefined;
  if (known !== undefined) return known;
  const text = `","protocol":"${jsonEscape(record.protocol)}","tls":${record.tls},"status":${count(status)},"durationMs":`;
  if (isUsual) STATUS[status] = flat(text);
  return text;
}

/** Names of the configuration; bounded because endpoints that are resolved may change for ever. */
const NAMES_MAX = 1000;
const PLACES = new Map<string, { readonly upstream: string; readonly text: string }>();

function jsonPlace(route: string, upstream: string): string {
  const known = PLACES.get(route);
  if (known !== undefined && known.upstream === upstream) return known.text;
  const text = flat(`,"route":"${jsonEscape(route)}","upstream":"${jsonEscape(upstream)}","endpoint":`);
  if (PLACES.size >= NAMES_MAX) PLACES.clear();
  PLACES.set(route, { upstream, text });
  return text;
}

const REUSED = new Map<string, string>();

/** From the value of `endpoint` to the last phase; a single attempt that went well on a kept connection is one piece. */
function jsonLastAttempt(record: ExchangeRecord, last: AttemptRecord): string {
  const isUsual = last.reused && record.attempts.length === 1 && record.failure === null && !record.aborted;
  if (!isUsual || last.connectedAt !== last.startedAt || last.startedAt === 0) {
    return `"${jsonEscape(last.endpoint)}"${jsonOutcome(record, last.reused)}${jsonSpans(last)}`;
  }
  let text = REUSED.get(last.endpoint);
  if (text === undefined) {
    text = flat(`"${jsonEscape(last.endpoint)}"${jsonOutcome(record, true)}"connect":0,"send":`);
    if (REUSED.size >= NAMES_MAX) REUSED.clear();
    REUSED.set(last.endpoint, text);
  }
  return text + jsonSpansFromSend(last);
}

function jsonNoAttempt(record: ExchangeRecord): string {
  return `null${jsonOutcome(record, false)}`;
}

function jsonOutcome(record: ExchangeRecord, reused: boolean): string {
  const failure = record.failure;
  return (
    `,"attempts":${count(record.attempts.length)},"reused":${reused}` +
    (failure === null ? ',"cause":null,"phase":null' : `,"cause":"${failure.cause}","phase":"${failure.phase}"`) +
    `,"aborted":${record.aborted},"timings":{`
  );
}

function jsonSpans(attempt: AttemptRecord): string {
  return `"connect":${span(attempt.startedAt, attempt.connectedAt)},"send":` + jsonSpansFromSend(attempt);
}

function jsonSpansFromSend(attempt: AttemptRecord): string {
  return (
    span(attempt.connectedAt, attempt.sentAt) +
    ',"wait":' +
    span(attempt.sentAt, attempt.headAt) +
    ',"body":' +
    span(attempt.headAt, attempt.endedAt) +
    ","
  );
}

/** The end of a line that has more to say: waits, what was avoided, attempts. */
function jsonUnusual(record: ExchangeRecord, last: AttemptRecord | undefined): string {
  const saved = avoided(record);
  let text = record.trace ? `","traceId":"${record.trace.traceId}"` : '"';
  if (record.heldMs > 0) text += ',"heldMs":' + millis(record.heldMs);
  if (record.queuedMs > 0) text += ',"queuedMs":' + millis(record.queuedMs);
  if (saved !== null) {
    text += `,"avoided":{"by":"${saved.by}","cause":"${saved.cause}","costMs":${millis(saved.costMs)}}`;
  }
  if (record.attempts.length > 1 || (last !== undefined && last.failure !== null)) {
    text += ',"tries":' + jsonTries(record.attempts);
  }
  return text + "}\n";
}

function jsonTries(attempts: readonly AttemptRecord[]): string {
  let list = "[";
  for (const attempt of attempts) {
    const failure = attempt.failure;
    list +=
      (list.length > 1 ? ',{"endpoint":"' : '{"endpoint":"') +
      jsonEscape(attempt.endpoint) +
      '","status":' +
      count(attempt.status) +
      ',"reused":' +
      attempt.reused +
      ',"bytesSent":' +
      count(attempt.bytesSent) +
      ',"bytesReceived":' +
      count(attempt.bytesReceived);
    if (failure === null) list += ',"cause":null,';
    else {
      const code = failure.evidence.errno ?? failure.evidence.tlsCode ?? failure.evidence.rcode;
      list += `,"cause":"${failure.cause}","phase":"${failure.phase}",`;
      if (code !== undefined) list += `"code":"${jsonEscape(code)}",`;
      if (failure.evidence.notRetried !== undefined) list += `"notRetried":"${failure.evidence.notRetried}",`;
    }
    list += jsonSpans(attempt) + '"total":' + span(attempt.startedAt, attempt.endedAt) + "}";
  }
  return list + "]";
}

function span(from: Ms, to: Ms): string {
  return from > 0 && to > 0 ? millis(to - from) : "null";
}

/** As one string: a concatenation is kept as a tree, which would be walked anew for every line. */
function flat(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
