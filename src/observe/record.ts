// What is known of one exchange when it ends: the one thing that access log, metrics and incidents read.
// The data path fills it; nothing here holds a socket or a buffer.
import type { Failure } from "../failure/failure.ts";
import type { Bytes, Ms } from "../std/units.ts";

/** One try on one endpoint. Instants are monotonic milliseconds (Clock.now); 0 = did not happen. */
export interface AttemptRecord {
  endpoint: string;
  startedAt: Ms;
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
  /** Why the response was not delivered whole although its head was sent. */
  aborted: boolean;
}

/** The status that the client was sent, or would have been: 499 for a client that left, as nginx logs it. */
export function statusOf(record: ExchangeRecord): number {
  return record.status || (record.failure === null ? 0 : record.failure.status);
}

/** Whether an attempt failed and a later one mended it: a gateway error that the client did not see. */
export function isSaved(record: ExchangeRecord): boolean {
  return record.failure === null && record.attempts.length > 1 && record.attempts[0]!.failure !== null;
}

/** Whether anything failed, be it that a retry mended it. */
export function hasFailed(record: ExchangeRecord): boolean {
  return record.failure !== null || isSaved(record);
}
