// From what was seen to a Failure: pure functions over codes, counts and times, never over message texts.
// Each is called once, where the failure happened. Evidence that is passed in is kept and added to, not changed.

import { isSecretName, REDACTED, redactField, redactText } from "../std/redact.ts";
import type { Ms } from "../std/units.ts";
import { CAUSES, type CauseId, type Phase } from "./causes.ts";
import { statusOf } from "./facets.ts";
import type { DeadlineName, Evidence, Failure } from "./failure.ts";
import { tlsAlertOf, tlsCauseOf } from "./tls-codes.ts";

/** What is said beside the row of the cause, where it differs. */
export interface FailureOverrides {
  readonly status?: number;
  readonly phase?: Phase;
}

/** A failure of this cause; status and phase come from the table unless they are given. */
export function failureOf(cause: CauseId, evidence: Evidence, overrides: FailureOverrides = {}): Failure {
  return {
    cause,
    phase: overrides.phase ?? CAUSES[cause].phase,
    status: overrides.status ?? statusOf(cause, evidence),
    evidence,
  };
}

// ── Connecting ──────────────────────────────────────────────────────────────────────────────────────────────────

/** The part of an error that is a fact: Node's system errors, its resolver's, and the TLS library's. */
interface CodedError {
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly address?: unknown;
  readonly port?: unknown;
  readonly errors?: unknown;
}

/** Happy eyeballs: of several addresses' errors the one that says most about the upstream is told, first = most. */
const TELLING = [
  "EMFILE",
  "ENFILE",
  "EACCES",
  "EPERM",
  "ECONNREFUSED",
  "ECONNRESET",
  "ETIMEDOUT",
  "ERR_SOCKET_CONNECTION_TIMEOUT",
  "EHOSTUNREACH",
  // A machine without IPv6 fails so on every AAAA address: it says nothing of the upstream.
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "EAFNOSUPPORT",
];

const CONNECT_CAUSES: Readonly<Record<string, CauseId>> = {
  ECONNREFUSED: "connect-refused",
  ETIMEDOUT: "connect-timeout",
  ERR_SOCKET_CONNECTION_TIMEOUT: "connect-timeout",
  EHOSTUNREACH: "network-unreachable",
  EHOSTDOWN: "network-unreachable",
  ENETUNREACH: "network-unreachable",
  ENETDOWN: "network-unreachable",
  EAFNOSUPPORT: "network-unreachable",
  EADDRNOTAVAIL: "gateway-resource-exhausted",
  EMFILE: "gateway-resource-exhausted",
  ENFILE: "gateway-resource-exhausted",
  ENOBUFS: "gateway-resource-exhausted",
  ENOMEM: "gateway-resource-exhausted",
  EACCES: "connect-permission-denied",
  EPERM: "connect-permission-denied",
  ENOENT: "socket-missing",
  ENOTDIR: "socket-missing",
  EAGAIN: "upstream-saturated",
  EPROTOTYPE: "gateway-config-invalid",
  EINVAL: "gateway-config-invalid",
  ECONNRESET: "closed-before-response",
  ECONNABORTED: "closed-before-response",
  EPIPE: "closed-before-response",
};

const RESOURCE_CODES: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);

/** Response codes that c-ares tells apart (getaddrinfo does not: there the code of DNS stays unknown). */
const RCODES: Readonly<Record<string, string>> = {
  ENOTFOUND: "NXDOMAIN",
  ENODATA: "NOERROR",
  ESERVFAIL: "SERVFAIL",
  EREFUSED: "REFUSED",
  EFORMERR: "FORMERR",
  ENOTIMP: "NOTIMP",
};

const NAME_UNKNOWN: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA", "EBADNAME", "EAI_NONAME", "EAI_NODATA"]);

/** What an error on the way to a usable connection means. */
export function connectFailure(error: unknown, stage: "resolve" | "connect" | "tls", evidence: Evidence): Failure {
  const told = mostTelling(error);
  const code = typeof told.code === "string" ? told.code : undefined;
  if (code === undefined) return failureOf("gateway-internal-error", evidence, { phase: phaseOf(stage) });
  if (stage === "resolve") return resolveFailure(code, told, evidence);
  if (stage === "tls") return tlsFailure(code, told, evidence);

  const seen: Evidence = { ...evidence, errno: code };
  const address = dialled(told) ?? evidence.address;
  if (address !== undefined) seen.address = address;
  if (code === "ECONNRESET" || code === "EPIPE") seen.closedBy = "rst";
  // No local port is left, or (far oftener, where the target is IPv6) this machine has no address of that family.
  // A link-local address leads nowhere without the name of a link.
  const noFamily =
    (code === "EADDRNOTAVAIL" && address?.startsWith("[") === true) ||
    (code === "EINVAL" && address?.startsWith("[fe80:") === true);
  const cause = noFamily ? "network-unreachable" : (CONNECT_CAUSES[code] ?? "gateway-internal-error");
  return failureOf(cause, seen, cause === "closed-before-response" ? { phase: "connect" } : {});
}

const phaseOf = (stage: "resolve" | "connect" | "tls"): Phase => (stage === "resolve" ? "dns" : stage);

function resolveFailure(code: string, error: CodedError, evidence: Evidence): Failure {
  const seen: Evidence = { ...evidence, errno: code };
  if (RESOURCE_CODES.has(code)) return failureOf("gateway-resource-exhausted", seen, { phase: "dns" });
  const rcode = RCODES[code];
  if (rcode !== undefined && error.syscall !== "getaddrinfo") seen.rcode = rcode;
  return failureOf(NAME_UNKNOWN.has(code) ? "dns-not-resolved" : "dns-timeout", seen);
}

function tlsFailure(code: string, error: CodedError, evidence: Evidence): Failure {
  const cause = tlsCauseOf(code);
  if (cause !== undefined) return tlsCoded(cause, code, evidence);
  const seen: Evidence = { ...evidence, errno: code };
  if (RESOURCE_CODES.has(code)) return failureOf("gateway-resource-exhausted", seen, { phase: "tls" });
  // A FIN in the handshake is ECONNRESET too in Node; only a real reset comes from a system call.
  if (code === "ECONNRESET" || code === "EPIPE") seen.closedBy = error.syscall === undefined ? "fin" : "rst";
  return failureOf("tls-handshake-failed", seen);
}

function tlsCoded(cause: CauseId, tlsCode: string, evidence: Evidence): Failure {
  const seen: Evidence = { ...evidence, tlsCode };
  const alert = tlsAlertOf(tlsCode);
  if (alert !== undefined) seen.tlsAlert = alert;
  return failureOf(cause, seen);
}

function mostTelling(error: unknown): CodedError {
  if (typeof error !== "object" || error === null) return {};
  const { errors } = error as CodedError;
  if (!Array.isArray(errors)) return error;
  const rank = (member: CodedError): number => {
    const at = TELLING.indexOf(String(member.code));
    return at === -1 ? TELLING.length : at;
  };
  const members = errors.filter((member): member is CodedError => typeof member === "object" && member !== null);
  return members.length === 0 ? error : members.reduce((best, next) => (rank(next) < rank(best) ? next : best));
}

/** The address that the error itself names. */
function dialled(error: CodedError): string | undefined {
  if (typeof error.address !== "string" || error.address === "") return undefined;
  if (typeof error.port !== "number") return `unix:${error.address}`;
  return error.address.includes(":") ? `[${error.address}]:${error.port}` : `${error.address}:${error.port}`;
}

// ── Deadlines ───────────────────────────────────────────────────────────────────────────────────────────────────

const DEADLINE_CAUSES: Readonly<Record<DeadlineName, CauseId>> = {
  "client-head": "client-timeout",
  "client-body": "client-timeout",
  "client-send": "client-closed-request",
  resolve: "dns-timeout",
  connect: "connect-timeout",
  tls: "tls-handshake-failed",
  send: "upstream-write-failed",
  head: "response-timeout",
  "idle-body": "response-body-timeout",
  "tunnel-idle": "response-body-timeout",
  queue: "pool-exhausted",
  hold: "no-healthy-upstream",
};

/** A phase took longer than it may. */
export function deadlineFailure(deadline: DeadlineName, evidence: Evidence): Failure {
  const seen: Evidence = { ...evidence, deadline };
  return failureOf(DEADLINE_CAUSES[deadline], seen, deadline === "tunnel-idle" ? { phase: "upgrade" } : {});
}

// ── Connections that end too early ──────────────────────────────────────────────────────────────────────────────

/** A close that comes later than this after the request is an answer to it, not a crossing of it … */
export const RACE_WINDOW_MS: Ms = 50;
/** … where the round trip is known: than two of them, and this much for the event loop. */
export const RACE_SLACK_MS: Ms = 5;
/** No server closes idle connections sooner than this (the shortest default known is 2 s, gunicorn's). */
export const RACE_IDLE_MIN_MS: Ms = 500;
/** An upstream that said how long it keeps connections does not close them before this share of it. */
export const RACE_HINT_SHARE = 0.8;

/** Where the exchange stood when the upstream's connection ended. */
export type ClosedPhase = "write" | "response-head" | "response-body" | "upgrade";

/** The upstream's connection ended before its response did. */
export function closedFailure(phase: ClosedPhase, evidence: Evidence): Failure {
  const code = evidence.errno;
  const received = evidence.bytesReceived ?? 0;
  // TLS 1.3: a server refuses our certificate only after the handshake is over for us (RFC 8446 §4.4.2.4).
  if (received === 0 && code !== undefined && tlsCauseOf(code) !== undefined) {
    const { errno: _, closedBy: __, ...rest } = evidence;
    return tlsCoded("tls-handshake-failed", code, rest);
  }
  switch (phase) {
    case "response-body":
      return failureOf("response-truncated", evidence);
    case "upgrade":
      return received === 0 ? failureOf("upgrade-failed", evidence) : cutTunnel(evidence);
    case "write":
      if (isKeepaliveRace(evidence)) break;
      return failureOf("upstream-write-failed", evidence);
    case "response-head":
      if (isKeepaliveRace(evidence)) break;
      return failureOf("closed-before-response", evidence);
  }
  return failureOf("keepalive-race", { ...evidence, raceWindowMs: raceWindowMs(evidence) }, { phase });
}

const cutTunnel = (evidence: Evidence): Failure => failureOf("response-truncated", evidence, { phase: "upgrade" });

/**
 * Whether the upstream closed an idle connection while the request was on its way to it.
 *
 * What separates this from a crash on a reused connection: the upstream's close was under way before it could have
 * read the request. So (1) the connection had carried a request before and no byte of a response came; (2) it had
 * been idle long enough for an idle timer to have run out; a connection that was busy a moment ago has none running;
 * (3) the close was seen within about one crossing of the network after the request went out: what answers a request
 * cannot come sooner than one round trip, and an application has first to be woken, to read and to work; (4) where
 * the upstream said how long it keeps idle connections (Keep-Alive: timeout), or its closes have shown it, that time was
 * nearly over.
 *
 * Without (4) an application near by that dies at once of a request after a pause fits too. So this is likely, not
 * proven, and a retry is no freer for it.
 */
function isKeepaliveRace(evidence: Evidence): boolean {
  const { connectionUses = 0, bytesReceived = 0, idleMs, waitedMs } = evidence;
  const known = evidence.keepAliveLearntMs ?? evidence.keepAliveHintMs;
  if (connectionUses < 1 || bytesReceived > 0) return false;
  if (idleMs === undefined || idleMs < RACE_IDLE_MIN_MS) return false;
  if (waitedMs === undefined || waitedMs > raceWindowMs(evidence)) return false;
  return known === undefined || idleMs >= known * RACE_HINT_SHARE;
}

function raceWindowMs({ roundTripMs }: Evidence): Ms {
  return Math.max(RACE_WINDOW_MS, roundTripMs === undefined ? 0 : 2 * roundTripMs + RACE_SLACK_MS);
}

// ── Bytes that are not HTTP as it should be ─────────────────────────────────────────────────────────────────────

/** What the parsers of heads, chunks and trailers in wire/ object to. */
export type WireCode =
  | "not-http"
  | "tls-bytes"
  | "http2-preface"
  | "http-0.9"
  | "bad-start-line"
  | "bad-version"
  | "bad-field"
  | "bad-host"
  | "bad-length"
  | "bad-coding"
  | "both-framings"
  | "bare-cr"
  | "line-too-long"
  | "head-too-large"
  | "too-many-fields"
  | "bad-chunk"
  | "bad-trailer"
  | "trailer-too-large"
  | "bad-target";

/** Codes that mean that a limit was passed: what it limits, and the status for a request. */
const LIMITS: { readonly [code in WireCode]?: { readonly limit: string; readonly status: number } } = {
  "line-too-long": { limit: "start line", status: 414 },
  "head-too-large": { limit: "head", status: 431 },
  "too-many-fields": { limit: "number of fields", status: 431 },
  "trailer-too-large": { limit: "trailer section", status: 431 },
};

/** A message that could not be read. `status` is the parser's choice for a request (400, 414, 431, 501, 505 …). */
export function wireFailure(
  side: "request" | "response",
  code: WireCode,
  detail: string,
  status: number | undefined,
  evidence: Evidence,
): Failure {
  const limit = LIMITS[code];
  const seen: Evidence = { ...evidence, detail };
  if (limit) seen.limit = limit.limit;
  if (side === "request") {
    const cause = limit || status === 413 ? "client-request-too-large" : "client-request-invalid";
    return failureOf(cause, seen, { status: status || limit?.status || CAUSES[cause].status });
  }
  if (limit) {
    const phase = code === "trailer-too-large" ? "response-body" : "response-head";
    return failureOf("response-header-too-large", seen, { phase });
  }
  switch (code) {
    case "tls-bytes":
      return failureOf("tls-plaintext-mismatch", seen, { phase: "response-head" });
    case "not-http":
    case "http2-preface":
    case "http-0.9":
      return failureOf("protocol-mismatch", seen);
    case "both-framings":
    case "bad-coding":
      return failureOf("response-encoding-invalid", seen, { phase: "response-head" });
    case "bad-chunk":
    case "bad-trailer":
      return failureOf("response-encoding-invalid", seen);
    default:
      return failureOf("response-malformed", seen);
  }
}

const EXCERPT_MAX = 120;
/** More is looked at than is shown: what is cut through is not recognised as a secret. */
const EXCERPT_READ = 4 * EXCERPT_MAX;
const NAMED_ESCAPES: Readonly<Record<number, string>> = { 9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\" };

/**
 * The first bytes in [start, end) without secrets, escaped to printable ASCII and cut to 120 characters: safe in any log.
 */
export function headExcerpt(bytes: Buffer, start: number, end: number): string {
  const clean = withoutSecrets(bytes.toString("latin1", start, Math.min(end, start + EXCERPT_READ)));
  let text = "";
  for (let at = 0; at < clean.length; at++) {
    const byte = clean.charCodeAt(at);
    const printable = byte >= 0x20 && byte < 0x7f && byte !== 0x5c;
    const next = printable ? clean.charAt(at) : (NAMED_ESCAPES[byte] ?? "\\x" + byte.toString(16).padStart(2, "0"));
    if (text.length + next.length > EXCERPT_MAX) break;
    text += next;
  }
  return text;
}

/** Line by line, since the head could not be read: what stands behind a name is its value, with a colon or without. */
function withoutSecrets(head: string): string {
  return head.replace(/[^\r\n]+/g, (line) => {
    const [whole, name = "", between = "", value = ""] = /^([^:\s]{1,80})([:\s]+)(.+)$/.exec(line) ?? [];
    if (whole === undefined) return redactText(line);
    const isCookie = /cookie/i.test(name);
    return name + between + (isSecretName(name) && !isCookie ? REDACTED : redactField(name, value));
  });
}
