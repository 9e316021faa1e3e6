// The spans of one exchange, made from its record when it has ended: a SERVER span, and below it a CLIENT span per
// attempt. Names of attributes are those of OpenTelemetry's semantic conventions for HTTP (stable) where they have
// one, else goodgate.*. Each span is text in OTLP's JSON form, ready to be sent: what waits holds no record. The query
// of the target is left out, it is where tokens are; other texts of clients are redacted and cut.
import { CAUSES } from "../../failure/causes.ts";
import { sentence } from "../../failure/describe.ts";
import { redactText } from "../../std/redact.ts";
import type { Ms } from "../../std/units.ts";
import { redactedPath } from "../capture-text.ts";
import { type AttemptRecord, avoided, type ExchangeRecord } from "../record.ts";
import { SAMPLED } from "./context.ts";
import { attemptSpanId } from "./trace-ids.ts";
import type { Trace } from "./tracer.ts";

/** opentelemetry/proto/trace/v1/trace.proto: SpanKind, StatusCode. */
const KIND_SERVER = 2;
const KIND_CLIENT = 3;
const STATUS_ERROR = 2;
/** Flags 0–7 are those of the trace; these say that it is known whether the parent was in another process. */
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

const TEXT_CHARACTERS_MAX = 1024;
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY"]);

type Value =
  | { readonly stringValue: string }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly boolValue: boolean }
  | { readonly arrayValue: { readonly values: readonly Value[] } };

/** What an attribute may be; absent and "" = it is left out. */
type Given = string | number | boolean | readonly string[] | undefined;

/** The spans as JSON texts, the exchange's first. */
export function spansOf(record: ExchangeRecord, trace: Trace, wallAtEnd: Ms): string[] {
  const wall = (at: Ms): string => nanoseconds(wallAtEnd - (record.endedAt - at));
  const spans = [JSON.stringify(serverSpan(record, trace, wall))];
  record.attempts.forEach((attempt, index) => {
    spans.push(JSON.stringify(clientSpan(record, attempt, index, trace, wall)));
  });
  return spans;
}

type Wall = (at: Ms) => string;

function serverSpan(record: ExchangeRecord, trace: Trace, wall: Wall): object {
  const { failure, route, attempts } = record;
  const [address, port] = splitHost(record.host);
  const saved = avoided(record);
  const cause = failure?.cause ?? saved?.cause;
  // What a client did wrong is no error of a server's span (semantic conventions, status).
  const isError = failure !== null && (record.status >= 500 || (record.aborted && failure.phase !== "client"));
  return {
    traceId: trace.traceId,
    spanId: trace.spanId,
    ...(trace.parentId && { parentSpanId: trace.parentId }),
    ...(trace.state && { traceState: trace.state }),
    flags: (trace.flags & 0xff) | HAS_IS_REMOTE | (trace.parentId ? IS_REMOTE : 0),
    name: route === "" ? methodName(record.method) : `${methodName(record.method)} ${text(route)}`,
    kind: KIND_SERVER,
    startTimeUnixNano: wall(record.startedAt),
    endTimeUnixNano: wall(record.endedAt),
    attributes: attributes({
      ...methodFacts(record.method),
      "url.path": path(record.target),
      "url.scheme": record.tls ? "https" : "http",
      "server.address": address,
      "server.port": port,
      "http.route": route,
      "http.response.status_code": record.status || undefined,
      "network.protocol.name": "http",
      "network.protocol.version": record.protocol.replace(/^HTTP\//, ""),
      "client.address": record.clientAddress,
      "user_agent.original": redactText(record.userAgent.slice(0, TEXT_CHARACTERS_MAX)),
      "error.type": isError ? failure.cause : undefined,
      "goodgate.request_id": record.requestId,
      "goodgate.upstream": record.upstream,
      "goodgate.attempts": attempts.length,
      "goodgate.cause": cause,
      "goodgate.phase": failure?.phase ?? (cause && CAUSES[cause].phase),
      "goodgate.fault": cause && CAUSES[cause].fault,
      "goodgate.saved_by": saved?.by,
      "goodgate.held_ms": record.heldMs || undefined,
      "goodgate.queued_ms": record.queuedMs || undefined,
      "goodgate.response_cut": (record.aborted && record.respondedAt > 0) || undefined,
    }),
    ...(isError && { status: { code: STATUS_ERROR, message: said(record, failure) } }),
  };
}

function clientSpan(record: ExchangeRecord, attempt: AttemptRecord, index: number, trace: Trace, wall: Wall): object {
  const { failure } = attempt;
  const [address, port] = splitHost(attempt.endpoint);
  const isError = failure !== null || attempt.status >= 400;
  // An attempt that was left when its exchange ended has no end of its own.
  const endedAt = attempt.endedAt || record.endedAt;
  return {
    traceId: trace.traceId,
    spanId: attemptSpanId(trace.spanId, index + 1),
    parentSpanId: trace.spanId,
    ...(trace.state && { traceState: trace.state }),
    flags: (trace.flags & SAMPLED) | HAS_IS_REMOTE,
    name: methodName(record.method),
    kind: KIND_CLIENT,
    startTimeUnixNano: wall(attempt.startedAt),
    endTimeUnixNano: wall(Math.max(endedAt, attempt.startedAt)),
    attributes: attributes({
      ...methodFacts(record.method),
      "server.address": address,
      "server.port": port,
      "http.response.status_code": attempt.status || undefined,
      "http.request.resend_count": index || undefined,
      "error.type": failure?.cause ?? (isError ? String(attempt.status) : undefined),
      "goodgate.upstream": record.upstream,
      "goodgate.attempt": index + 1,
      "goodgate.reused": attempt.reused,
      "goodgate.cause": failure?.cause,
      "goodgate.phase": failure?.phase,
      "goodgate.errno": failure?.evidence.errno ?? failure?.evidence.tlsCode ?? failure?.evidence.rcode,
      "goodgate.deadline": failure?.evidence.deadline,
      "goodgate.bytes_sent": attempt.bytesSent,
      "goodgate.bytes_received": attempt.bytesReceived,
    }),
    events: eventsOf(attempt, wall),
    ...(isError && { status: { code: STATUS_ERROR, ...(failure && { message: said(record, failure, attempt) }) } }),
  };
}

/** Instants of an attempt that opened a connection, where they are known. */
interface NewConnection {
  readonly resolvedAt?: Ms;
  readonly tcpAt?: Ms;
}

/** What happened in an attempt, in order. The first two are known where its connection was a new one. */
function eventsOf(attempt: AttemptRecord, wall: Wall): object[] {
  const { resolvedAt = 0, tcpAt = 0, connectedAt, sentAt, headAt, reused } = attempt as AttemptRecord & NewConnection;
  const events: object[] = [];
  const add = (name: string, at: Ms): void => {
    if (at > 0) events.push({ timeUnixNano: wall(at), name });
  };
  if (!reused) {
    add("dns resolved", resolvedAt);
    add("tcp connected", tcpAt);
    // Without TLS the two are one.
    if (tcpAt === 0) add("connected", connectedAt);
    else if (connectedAt > tcpAt) add("tls established", connectedAt);
  }
  add("request sent", sentAt);
  add("response head", headAt);
  return events;
}

function said(
  record: ExchangeRecord,
  failure: NonNullable<ExchangeRecord["failure"]>,
  attempt?: AttemptRecord,
): string {
  const { upstream, route, method, host, attempts } = record;
  const endpoint = (attempt ?? attempts.find((each) => each.failure === failure))?.endpoint;
  return text(
    redactText(
      sentence(failure, { upstream, endpoint, route, method, host, attempts: attempts.length, showDetail: true }),
    ),
  );
}

function methodName(method: string): string {
  return METHODS.has(method) ? method : "HTTP";
}

function methodFacts(method: string): Readonly<Record<string, Given>> {
  if (METHODS.has(method)) return { "http.request.method": method };
  return { "http.request.method": "_OTHER", "http.request.method_original": method };
}

function path(target: string): string {
  return redactedPath(target).slice(0, TEXT_CHARACTERS_MAX);
}

/** Host and port of "shop.example:8080", "[::1]:80", "10.0.0.7"; a Unix socket is an address without a port. */
function splitHost(label: string): readonly [address: string, port: number | undefined] {
  if (label.startsWith("unix:")) return [label.slice(5), undefined];
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(label) ?? [];
  return [bracketed ?? plain ?? label, port === undefined ? undefined : Number(port)];
}

function text(value: string): string {
  return value.length > TEXT_CHARACTERS_MAX ? `${value.slice(0, TEXT_CHARACTERS_MAX - 1)}…` : value;
}

/** KeyValue messages. Numbers that are whole go as int64, which OTLP's JSON writes as a string. */
export function attributes(given: Readonly<Record<string, Given>>): { key: string; value: Value }[] {
  const list: { key: string; value: Value }[] = [];
  for (const [key, value] of Object.entries(given)) {
    if (value !== undefined && value !== "") list.push({ key, value: anyValue(value) });
  }
  return list;
}

function anyValue(value: NonNullable<Given>): Value {
  if (typeof value === "string") return { stringValue: text(value) };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value !== "number") return { arrayValue: { values: value.map((each) => ({ stringValue: text(each) })) } };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** Nanoseconds since 1970 as decimal digits: more than a number holds exactly. */
function nanoseconds(wall: Ms): string {
  const whole = Math.floor(wall);
  const rest = Math.floor((wall - whole) * 1e6);
  return `${whole}${String(rest).padStart(6, "0")}`;
}
