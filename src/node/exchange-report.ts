// What an application is told of an exchange: for onExchange, and as the error that goes to `next`. Details (addresses,
// settings) are in it: it is for the application's logs, not for its visitors.
import { fix, isRetryable, sentence } from "../failure/describe.ts";
import type { Failure } from "../failure/failure.ts";
import { referenceOf } from "../failure/reference.ts";
import type { DescribeContext } from "../failure/words.ts";
import { type ExchangeRecord, statusOf } from "../observe/record.ts";
import { fieldValue, type ResponseHead } from "../wire/head.ts";
import { GatewayError } from "./gateway-error.ts";
import type { ProxiedExchange } from "./public.ts";

/** Fields of our own answer that say something of the failure; the others belong to its body. */
const ABOUT_THE_FAILURE = ["proxy-status", "retry-after", "x-request-id"];

/** The record as plain data of its own. */
export function reportOf(record: ExchangeRecord): ProxiedExchange {
  const { failure } = record;
  return {
    requestId: record.requestId,
    method: record.method,
    target: record.target,
    host: record.host,
    clientAddress: record.clientAddress,
    status: statusOf(record),
    durationMs: record.endedAt - record.startedAt,
    route: record.route,
    upstream: record.upstream,
    cause: failure?.cause ?? null,
    phase: failure?.phase ?? null,
    sentence: failure ? sentence(failure, contextOf(record)) : "",
    aborted: record.aborted,
    bytesReceived: record.bytesReceived,
    bytesSent: record.bytesSent,
    attempts: record.attempts.map((attempt) => ({
      endpoint: attempt.endpoint,
      status: attempt.status,
      reused: attempt.reused,
      durationMs: attempt.endedAt - attempt.startedAt,
      cause: attempt.failure?.cause ?? null,
    })),
  };
}

/** The failure of an exchange as an Error; `head` is what the gateway would have answered. */
export function errorOf(record: ExchangeRecord, failure: Failure, head: ResponseHead): GatewayError {
  const context = contextOf(record);
  const headers: Record<string, string> = {};
  for (const name of ABOUT_THE_FAILURE) {
    const value = fieldValue(head, name);
    if (value !== undefined) headers[name] = value;
  }
  return new GatewayError({
    cause: failure.cause,
    phase: failure.phase,
    status: head.status,
    sentence: sentence(failure, context),
    fix: fix(failure, context),
    requestId: record.requestId,
    reference: referenceOf(failure.cause),
    retryable: isRetryable(failure, record.method, record.keyed),
    headers,
  });
}

function contextOf(record: ExchangeRecord): DescribeContext {
  return {
    upstream: record.upstream,
    endpoint: record.attempts.at(-1)?.endpoint,
    route: record.route,
    method: record.method,
    host: record.host,
    attempts: record.attempts.length,
    showDetail: true,
  };
}
