// What is known of one exchange when it ends: the one thing that access log, metrics and incidents read.
// The data path fills it; nothing here holds a socket or a buffer.
import type { CauseId } from "../failure/causes.ts";
import type { Failure } from "../failure/failure.ts";
import type { Bytes, Ms } from "../std/units.ts";
import type { RequestHead, ResponseHead } from "../wire/head.ts";
import type { Trace } from "./traces/tracer.ts";

/** One try on one endpoint. Instants are monotonic milliseconds (Clock.now); 0 = did not happen. */
export interface AttemptRecord {
  endpoint: string;
  /** The exchange may have gone on to another one since, or to none; absent = that of the exchange. */
  readonly upstream?: string;
  startedAt: Ms;
  /** The name was resolved, TCP was connected: steps of a new connection; absent or 0 = did not happen. */
  readonly resolvedAt?: Ms;
  readonly tcpAt?: Ms;
  /** TCP connected (and TLS, where there is one); equals startedAt on a reused connection. */
  connectedAt: Ms;
  /** Last byte of the request handed to the kernel. */
  sentAt: Ms;
  headAt: Ms;
  endedAt: Ms;
  /** Status received; 0 = none. */
  status: number;
  reused: boolean;
  bytesSent: Bytes;
  bytesReceived: Bytes;
  failure: Failure | null;
  /** The head of the final response; null = none came. */
  readonly responseHead?: ResponseHead | null;
}

export interface ExchangeRecord {
  requestId: string;
  /** Monotonic instants. */
  startedAt: Ms;
  /** First byte of the response head to the client; 0 = none was sent. */
  respondedAt: Ms;
  endedAt: Ms;
  clientAddress: string;
  clientPort: number;
  listener: string;
  tls: boolean;
  method: string;
  /** It is repeatable by an Idempotency-Key that the route honours. */
  keyed: boolean;
  /** As received. "" where the request could not be read. */
  target: string;
  /** "HTTP/1.1" */
  protocol: string;
  host: string;
  userAgent: string;
  referer: string;
  route: string;
  upstream: string;
  /** Status sent to the client; 0 = none. */
  status: number;
  bytesReceived: Bytes;
  bytesSent: Bytes;
  /** Body bytes only. */
  bodyBytesSent: Bytes;
  /** Attempts in order; empty where the gateway answered by itself. */
  attempts: AttemptRecord[];
  /** The failure that decided the outcome; null = none. Failures that a retry mended are in `attempts`. */
  failure: Failure | null;
  /** Time spent waiting for an endpoint while the upstream was away. */
  heldMs: Ms;
  /** Time spent waiting at a limit of connections or requests. */
  queuedMs: Ms;
  /** When the client ended its direction, which may have been its leaving; 0 or missing = it did not. */
  clientEndedAt?: Ms;
  /** Why the response was not delivered whole although its head was sent. */
  aborted: boolean;
  /** As received; absent where the request could not be read. */
  readonly head?: RequestHead;
  /** Its part in a trace; null = no traces are configured. */
  readonly trace?: Trace | null;
  /** W3C trace id: of its trace, or as the caller says; "" = none. */
  readonly traceId?: string;
}

/** The status that the client was sent, or would have been: 499 for a client that left, as nginx logs it. */
export function statusOf(record: ExchangeRecord): number {
  return record.status || (record.failure === null ? 0 : record.failure.status);
}

/** When the exchange was over for its client: one that left is noticed a while later. */
export function overAt({ failure, clientEndedAt = 0, endedAt }: ExchangeRecord): Ms {
  return failure?.cause === "client-closed-request" && clientEndedAt > 0 ? clientEndedAt : endedAt;
}

/** What kept a gateway error from being shown. */
export type AvoidedBy = (typeof AVOIDED_BY)[number];
export const AVOIDED_BY = ["hold", "queue", "failover", "retry"] as const;

/** A gateway error that the client did not see. */
export interface Avoided {
  readonly by: AvoidedBy;
  /** What would have been shown. */
  readonly cause: CauseId;
  /** What it added to the exchange: until the attempt began that answered. */
  readonly costMs: Ms;
  readonly attempts: number;
}

/**
 * What was avoided in an exchange whose response was delivered; null = nothing. Waiting for an upstream that was away
 * is a hold, whatever else was tried. A failed attempt that a later one mended is a failover where that one went to
 * another endpoint, else a retry; a status that a route tries again counts. Waiting at a limit is a queue.
 */
export function avoided(record: ExchangeRecord): Avoided | null {
  const { attempts, heldMs, queuedMs } = record;
  const waitedMs = heldMs + queuedMs;
  if (attempts.length < 2 && waitedMs === 0) return null;
  const answering = attempts.at(-1);
  if (answering === undefined || !isDelivered(record, answering)) return null;
  const failed = attempts.find((attempt) => attempt !== answering && attempt.failure !== null);
  const cause = failed?.failure?.cause ?? (heldMs > 0 ? "no-healthy-upstream" : "pool-exhausted");
  // The upstream's own error at the first try, and again at the last: it was shown.
  if (cause === OWN_ANSWER && record.failure !== null) return null;
  let by: AvoidedBy;
  if (heldMs > 0) by = "hold";
  else if (failed) by = failed.endpoint === answering.endpoint ? "retry" : "failover";
  else if (queuedMs > 0) by = "queue";
  else return null;
  const beganAt = waitedMs > 0 ? record.startedAt : attempts[0]!.startedAt;
  // An attempt may begin and then wait for its connection: the wait is the least that it cost.
  return { by, cause, costMs: Math.max(waitedMs, answering.startedAt - beganAt, 0), attempts: attempts.length };
}

const OWN_ANSWER: CauseId = "upstream-error-passthrough";

/** The response went out whole, be it an error that the upstream itself answered with. */
function isDelivered(record: ExchangeRecord, answering: AttemptRecord): boolean {
  const { failure } = record;
  if (record.aborted || answering.failure?.cause !== failure?.cause) return false;
  return failure === null || failure.cause === OWN_ANSWER;
}

/** Whether a gateway error was avoided. */
export function isSaved(record: ExchangeRecord): boolean {
  return avoided(record) !== null;
}

/** Whether a gateway error was shown, or a response of ours cut; what clients did, and the upstream's own answers, are none. */
export function isShown(record: ExchangeRecord): boolean {
  const { failure } = record;
  if (failure === null || failure.phase === "client" || failure.cause === OWN_ANSWER) return false;
  return record.aborted ? record.respondedAt > 0 : statusOf(record) >= 500;
}

/** Whether anything failed, be it that a retry mended it. */
export function hasFailed(record: ExchangeRecord): boolean {
  return record.failure !== null || isSaved(record);
}
