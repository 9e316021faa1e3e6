// What went wrong in an attempt (or before one): made once, where it happened, never relabelled later.
// Later stages only read it. The cause is the key into failure/causes.ts; the evidence is what was seen.
import type { Bytes, Ms } from "../std/units.ts";
import type { CauseId, Phase } from "./causes.ts";

/** Deadlines that can end a phase; each names the setting that a person would change. */
export type DeadlineName =
  | "client-head"
  | "client-body"
  | "client-send"
  | "resolve"
  | "connect"
  | "tls"
  | "send"
  | "head"
  | "idle-body"
  | "tunnel-idle"
  | "queue"
  | "hold";

/** What was seen when a failure happened. Only facts; every field is optional because not every phase has it. */
export interface Evidence {
  /** System error code: ECONNREFUSED, EPIPE, ENOTFOUND … */
  errno?: string;
  /** Code of the TLS library: ERR_SSL_WRONG_VERSION_NUMBER, CERT_HAS_EXPIRED … */
  tlsCode?: string;
  /** TLS alert description number as received (RFC 8446 §6). */
  tlsAlert?: number;
  /** DNS response code by name, where one was received: NXDOMAIN, SERVFAIL … */
  rcode?: string;
  /** Address as dialled: "10.0.0.1:3000", "[::1]:80", "unix:/run/app.sock". */
  address?: string;
  /** Bytes of this request written to the upstream socket. */
  bytesSent?: Bytes;
  /** Bytes of this response received. */
  bytesReceived?: Bytes;
  /** Age of the upstream connection when the failure happened. */
  connectionAgeMs?: Ms;
  /** Requests that this connection had carried before this one. */
  connectionUses?: number;
  /** How long the connection had been idle before this request. */
  idleMs?: Ms;
  /** How long the upstream said that it keeps an idle connection (Keep-Alive: timeout=…). */
  keepAliveHintMs?: Ms;
  /** How long the upstream was found to keep an idle connection, from its closes. */
  keepAliveLearntMs?: Ms;
  /** Why it was not tried again (resilience/retry.ts). */
  notRetried?: string;
  /** Bodies above this are not kept, and cannot be sent again. */
  replayBytesMax?: Bytes;
  /** How long the upstream's TCP connection took to open: about one round trip. */
  roundTripMs?: Ms;
  /** A close within this time of the request counts as having crossed it (keepalive-race only). */
  raceWindowMs?: Ms;
  /** Time from the last byte of the request (or the start of the phase) to the failure. */
  waitedMs?: Ms;
  /** Which deadline fired, and its length. */
  deadline?: DeadlineName;
  deadlineMs?: Ms;
  /** How the peer ended the connection. */
  closedBy?: "fin" | "rst";
  /** What the parser objected to, in its own words ("two different Content-Length values"). */
  detail?: string;
  /** First bytes of a head that could not be read, escaped and cut to at most 120 characters. */
  headExcerpt?: string;
  /** A limit that was passed, and its value. */
  limit?: string;
  limitBytes?: Bytes;
  /** The upstream's body was delimited by close: a cut could not have been seen. */
  closeDelimited?: boolean;
  /** Members of a Proxy-Status field that came from further in (RFC 9209), as received. */
  upstreamProxyStatus?: string;
}

/** One failure. `status` is what the visitor is shown (or would have been, were the head not sent already). */
export interface Failure {
  readonly cause: CauseId;
  readonly phase: Phase;
  readonly status: number;
  readonly evidence: Evidence;
}
