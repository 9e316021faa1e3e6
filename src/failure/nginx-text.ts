// What nginx writes to its error log in the case of each failure, so that whoever knows those lines, and tooling that
// looks for them, goes on as before; our cause stands behind it (observe/error-log.ts). One row for each cause: a cause
// that is added has to say what nginx says of it. Where nginx has no words, ours are in its manner.
import type { CauseId } from "./causes.ts";
import type { Evidence, Failure } from "./failure.ts";

/** Levels of nginx's error log that failures have. */
export type NginxLevel = "info" | "error" | "crit";

/** What the sentences name besides the evidence; all may be missing. */
export interface NginxFacts {
  /** Length of the body that the client announced. */
  readonly bodyBytes?: number;
  /** The upstream's host name, as it is resolved or verified. */
  readonly host?: string;
  /** The request's path. */
  readonly uri?: string;
  /** The zone of a limit. */
  readonly zone?: string;
  /** An upstream was asked. */
  readonly asked?: boolean;
  /** It is about the request's body. */
  readonly inBody?: boolean;
}

type Sentence = (seen: Evidence, facts: NginxFacts) => string;

/** Numbers and texts of Linux (glibc). */
const ERRORS: Readonly<Record<string, readonly [errno: number, text: string]>> = {
  EPERM: [1, "Operation not permitted"],
  ENOENT: [2, "No such file or directory"],
  EAGAIN: [11, "Resource temporarily unavailable"],
  ENOMEM: [12, "Cannot allocate memory"],
  EACCES: [13, "Permission denied"],
  EINVAL: [22, "Invalid argument"],
  ENFILE: [23, "Too many open files in system"],
  EMFILE: [24, "Too many open files"],
  EPIPE: [32, "Broken pipe"],
  EPROTOTYPE: [91, "Protocol wrong type for socket"],
  EAFNOSUPPORT: [97, "Address family not supported by protocol"],
  EADDRINUSE: [98, "Address already in use"],
  EADDRNOTAVAIL: [99, "Cannot assign requested address"],
  ENETDOWN: [100, "Network is down"],
  ENETUNREACH: [101, "Network is unreachable"],
  ECONNABORTED: [103, "Software caused connection abort"],
  ECONNRESET: [104, "Connection reset by peer"],
  ENOBUFS: [105, "No buffer space available"],
  ETIMEDOUT: [110, "Connection timed out"],
  ECONNREFUSED: [111, "Connection refused"],
  EHOSTDOWN: [112, "Host is down"],
  EHOSTUNREACH: [113, "No route to host"],
};
/** connect(2) itself says these, without waiting; nginx names the address then. */
const AT_ONCE: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EADDRNOTAVAIL", "ENETUNREACH", "EAFNOSUPPORT"]);
/** An error of connect(2) that nginx takes for the network's; any other is "crit". */
const NETWORK: ReadonlySet<string> = new Set(
  "ECONNREFUSED EAGAIN ECONNRESET ENETDOWN ENETUNREACH EHOSTDOWN EHOSTUNREACH".split(" "),
);

const CONNECTING = "while connecting to upstream";
const SENDING = "while sending request to upstream";
const READING_HEAD = "while reading response header from upstream";
const READING_BODY = "while reading upstream";
const HANDSHAKING = "while SSL handshaking to upstream";
const TIMED_OUT = "upstream timed out (110: Connection timed out)";

/** " (111: Connection refused)"; "" where no number is known. */
function errnoText(errno: string | undefined, fallback = ""): string {
  const known = ERRORS[errno ?? fallback];
  return known ? ` (${known[0]}: ${known[1]})` : "";
}

function connectFailed(seen: Evidence, fallback: string): string {
  const { address = "", errno = fallback } = seen;
  const named = address.startsWith("unix:") || AT_ONCE.has(errno);
  return `connect()${named && address !== "" ? ` to ${address}` : ""} failed${errnoText(errno)} ${CONNECTING}`;
}

function closedBefore(seen: Evidence): string {
  if (seen.closedBy === "rst" || seen.errno === "ECONNRESET")
    return `recv() failed (104: Connection reset by peer) ${READING_HEAD}`;
  return `upstream prematurely closed connection ${READING_HEAD}`;
}

function writeFailed(seen: Evidence): string {
  if (seen.deadline !== undefined) return `${TIMED_OUT} ${SENDING}`;
  if (seen.errno === undefined) return `upstream prematurely closed connection ${SENDING}`;
  return `writev() failed${errnoText(seen.errno)} ${SENDING}`;
}

function handshakeFailed(seen: Evidence): string {
  if (seen.deadline !== undefined || seen.errno === "ETIMEDOUT") return `${TIMED_OUT} ${HANDSHAKING}`;
  if (seen.closedBy === "rst" || seen.errno === "ECONNRESET")
    return `peer closed connection in SSL handshake (104: Connection reset by peer) ${HANDSHAKING}`;
  if (seen.closedBy === "fin") return `peer closed connection in SSL handshake ${HANDSHAKING}`;
  return sslFailed(seen.tlsCode ?? seen.detail ?? "unknown reason");
}

function sslFailed(reason: string): string {
  return `SSL_do_handshake() failed (SSL: ${reason}) ${HANDSHAKING}`;
}

function notResolved({ host = "upstream name" }: NginxFacts, reason: string): string {
  return `${host} could not be resolved (${reason})`;
}

function certificateError(seen: Evidence): string {
  return `upstream SSL certificate verify error: (${seen.tlsCode ?? "unknown"}) ${HANDSHAKING}`;
}

function bodyTimeout(seen: Evidence): string {
  return seen.deadline === "tunnel-idle"
    ? `${TIMED_OUT} while proxying upgraded connection`
    : `${TIMED_OUT} ${READING_BODY}`;
}

function tooLarge({ limit }: Evidence, { bodyBytes }: NginxFacts): string {
  if (limit === "start line") return "client sent too long URI while reading client request line";
  if (limit === "number of fields") return "client sent too many header lines while reading client request headers";
  if (limit !== undefined && limit !== "request body")
    return "client sent too long header line while reading client request headers";
  return bodyBytes === undefined
    ? "client intended to send too large chunked body"
    : `client intended to send too large body: ${bodyBytes} bytes`;
}

function withDetail(text: string, seen: Evidence): string {
  return seen.detail === undefined ? text : `${text}: ${seen.detail}`;
}

const CLIENT_TIMED_OUT = "client timed out (110: Connection timed out)";

const TEXTS: Readonly<Record<CauseId, Sentence>> = {
  "client-closed-request": (seen, { asked = true }) =>
    seen.deadline === "client-send"
      ? `${CLIENT_TIMED_OUT}${asked ? " while sending to client" : ""}`
      : `client prematurely closed connection${asked ? ", so upstream connection is closed too" : ""}`,
  "client-request-invalid": (seen, { inBody }) =>
    withDetail(`client sent invalid ${inBody ? "chunked body" : "request"}`, seen),
  "client-request-too-large": tooLarge,
  "client-timeout": () => CLIENT_TIMED_OUT,
  "request-denied": () => "access forbidden by rule",
  "rate-limited": (_, { zone }) => `limiting requests${zone === undefined ? "" : `, by zone "${zone}"`}`,
  "gateway-config-invalid": (seen) => seen.detail ?? "no upstream configuration",
  "route-not-found": () => "no location for the request",
  // A call that failed says all by itself.
  "gateway-internal-error": (seen) =>
    seen.errno !== undefined && seen.detail !== undefined ? seen.detail : withDetail("internal error", seen),
  "gateway-resource-exhausted": (seen) =>
    seen.errno === "EADDRNOTAVAIL"
      ? connectFailed(seen, "EADDRNOTAVAIL")
      : `socket() failed${errnoText(seen.errno, "EMFILE")} ${CONNECTING}`,
  "proxy-loop": (_, { uri = "/" }) => `rewrite or internal redirection cycle while processing "${uri}"`,
  "dns-not-resolved": (_, facts) => notResolved(facts, "3: Host not found"),
  "dns-timeout": (seen, facts) =>
    notResolved(facts, seen.rcode === undefined ? "110: Operation timed out" : "2: Server failure"),
  "connect-refused": (seen) => connectFailed(seen, "ECONNREFUSED"),
  "connect-timeout": (seen) =>
    seen.errno === "ETIMEDOUT" && seen.deadline === undefined
      ? connectFailed(seen, "ETIMEDOUT")
      : `${TIMED_OUT} ${CONNECTING}`,
  "network-unreachable": (seen) => connectFailed(seen, "EHOSTUNREACH"),
  "connect-permission-denied": (seen) => connectFailed(seen, "EACCES"),
  "socket-missing": (seen) => connectFailed(seen, "ENOENT"),
  "no-healthy-upstream": () => `no live upstreams ${CONNECTING}`,
  "pool-exhausted": () => `no live upstreams ${CONNECTING}`,
  "backend-absent": () => `no live upstreams ${CONNECTING}`,
  "tunnel-disconnected": () => `no live upstreams ${CONNECTING}`,
  "tls-handshake-failed": handshakeFailed,
  "tls-plaintext-mismatch": (seen) =>
    seen.tlsCode === undefined
      ? `upstream sent no valid HTTP/1.0 header ${READING_HEAD}`
      : sslFailed("error:0A00010B:SSL routines::wrong version number"),
  "tls-cert-untrusted": certificateError,
  "tls-cert-expired": certificateError,
  "tls-cert-name-mismatch": (_, { host = "" }) => `upstream SSL certificate does not match "${host}" ${HANDSHAKING}`,
  "upstream-write-failed": writeFailed,
  "closed-before-response": closedBefore,
  "keepalive-race": closedBefore,
  "response-timeout": () => `${TIMED_OUT} ${READING_HEAD}`,
  "response-header-too-large": (seen) =>
    seen.limit === "trailer section"
      ? `upstream sent too big trailers ${READING_BODY}`
      : `upstream sent too big header ${READING_HEAD}`,
  "response-malformed": (seen) => `${withDetail("upstream sent invalid header", seen)} ${READING_HEAD}`,
  "protocol-mismatch": () => `upstream sent no valid HTTP/1.0 header ${READING_HEAD}`,
  "response-truncated": (seen) =>
    seen.closedBy === "rst" || seen.errno === "ECONNRESET"
      ? `recv() failed (104: Connection reset by peer) ${READING_BODY}`
      : `upstream prematurely closed connection ${READING_BODY}`,
  "response-body-timeout": bodyTimeout,
  "response-too-large": () => `upstream sent too big response ${READING_BODY}`,
  "response-encoding-invalid": () => `upstream sent invalid chunked response ${READING_BODY}`,
  "upgrade-failed": (seen) => `${withDetail("upstream sent invalid upgrade", seen)} ${READING_HEAD}`,
  "app-crashed": closedBefore,
  "oom-killed": closedBefore,
  "worker-timeout": closedBefore,
  "upstream-saturated": (seen) => connectFailed(seen, "EAGAIN"),
  "upstream-not-ready": () => "upstream server temporarily disabled",
  "upstream-error-passthrough": ({ detail }) => detail ?? "upstream sent an error",
};

/** nginx's sentence for a failure, with what it was doing; without time, client and request. */
export function nginxFailureText(failure: Failure, facts: NginxFacts = {}): string {
  return TEXTS[failure.cause](failure.evidence, facts);
}

/** The level that nginx gives it. */
export function nginxFailureLevel({ cause, phase, evidence }: Failure): NginxLevel {
  if (cause === "gateway-internal-error") return "crit";
  if (cause === "client-request-too-large")
    return evidence.limit === undefined || evidence.limit === "request body" ? "error" : "info";
  if (phase === "client") return "info";
  if (phase !== "connect" && evidence.errno !== "EADDRNOTAVAIL") return "error";
  const { errno, deadline } = evidence;
  return errno === undefined || deadline !== undefined || errno === "ETIMEDOUT" || NETWORK.has(errno)
    ? "error"
    : "crit";
}
