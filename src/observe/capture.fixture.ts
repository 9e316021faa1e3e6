// Exchanges that failed, heads as the parsers make them, and what is gathered of them: for the tests of capture.
import type { CauseId } from "../failure/causes.ts";
import { isWireError, type RequestHead, type ResponseHead, type WireError } from "../wire/head.ts";
import { parseRequestHead } from "../wire/request-head.ts";
import { parseResponseHead } from "../wire/response-head.ts";
import { Capture } from "./capture.ts";
import { attempt, exchange, failure } from "./record.fixture.ts";
import type { AttemptRecord, ExchangeRecord } from "./record.ts";
import type { FailureGroup, Report } from "./report.ts";

export const WALL = Date.UTC(2026, 10, 21, 9, 17);

/** A failed attempt on an endpoint. */
export const failed = (cause: CauseId, changes: Partial<AttemptRecord> = {}): AttemptRecord =>
  attempt({ status: 0, headAt: 0, failure: failure(cause), ...changes });

/** An exchange that was answered with the failure of its last attempt. */
export function shown(
  cause: CauseId,
  changes: Partial<ExchangeRecord> = {},
  of: Partial<AttemptRecord> = {},
): ExchangeRecord {
  const last = failed(cause, of);
  return exchange({ status: last.failure!.status, attempts: [last], failure: last.failure, ...changes });
}

export function report(records: readonly ExchangeRecord[], capture = new Capture()): Report {
  records.forEach((record, i) => {
    capture.observe(record, WALL + i);
  });
  return capture.take(WALL + 1000)!;
}

export const groupOf = ({ groups }: Report, cause: CauseId, endpoint?: string): FailureGroup =>
  groups.find((group) => group.cause === cause && (endpoint === undefined || group.endpoint === endpoint))!;

export const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((a, b) => a + b, 0);

const LIMITS = { lineBytes: 65_536, headBytes: 65_536, fields: 100 };

export function responseHead(lines: readonly string[]): ResponseHead {
  const bytes = Buffer.from(`HTTP/1.1 200 OK\r\n${lines.join("\r\n")}\r\n\r\n`, "latin1");
  return good(parseResponseHead(bytes, 0, bytes.length, LIMITS));
}

export function requestHead(lines: readonly string[]): RequestHead {
  const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${lines.join("\r\n")}\r\n\r\n`, "latin1");
  return good(parseRequestHead(bytes, 0, bytes.length, LIMITS));
}

function good<T>(head: T | WireError | undefined): T {
  if (head === undefined || isWireError(head)) throw new Error("no head");
  return head;
}
