// Records for the tests of this folder: plain ones, with what a test changes.
import { CAUSES, type CauseId } from "../failure/causes.ts";
import type { Evidence, Failure } from "../failure/failure.ts";
import type { AttemptRecord, ExchangeRecord } from "./record.ts";

/** An attempt that went well on a kept connection. */
export function attempt(changes: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    endpoint: "10.0.0.7:3000",
    startedAt: 1000.5,
    connectedAt: 1000.5,
    sentAt: 1000.75,
    headAt: 1010.75,
    endedAt: 1011.875,
    status: 200,
    reused: true,
    bytesSent: 400,
    bytesReceived: 1300,
    failure: null,
    ...changes,
  };
}

/** An exchange that went well. */
export function exchange(changes: Partial<ExchangeRecord> = {}): ExchangeRecord {
  return {
    requestId: "3f2a9c",
    startedAt: 1000,
    respondedAt: 1011,
    endedAt: 1012.5,
    clientAddress: "192.0.2.7",
    clientPort: 40000,
    listener: ":8080",
    tls: false,
    method: "GET",
    keyed: false,
    target: "/cart?page=2",
    protocol: "HTTP/1.1",
    host: "shop.example",
    userAgent: "curl/8.5.0",
    referer: "",
    route: "shop",
    upstream: "app",
    status: 200,
    bytesReceived: 412,
    bytesSent: 1400,
    bodyBytesSent: 1024,
    attempts: [attempt()],
    failure: null,
    heldMs: 0,
    queuedMs: 0,
    aborted: false,
    ...changes,
  };
}

/** A failure with the status and phase of its cause. */
export function failure(cause: CauseId, evidence: Evidence = {}): Failure {
  return { cause, phase: CAUSES[cause].phase, status: CAUSES[cause].status, evidence };
}
