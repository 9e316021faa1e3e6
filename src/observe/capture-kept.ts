// One failed exchange whole: made from its record only where it is kept, since it costs some ten microseconds. Nothing
// of the record is kept, and nothing secret (capture-text.ts).
import type { DescribeContext } from "../failure/describe.ts";
import { fix, sentence } from "../failure/describe.ts";
import type { Failure } from "../failure/failure.ts";
import type { Bytes, Ms } from "../std/units.ts";
import { printable } from "../wire/printable.ts";
import type { Ending } from "./capture-ending.ts";
import type { Random } from "./capture-sketch.ts";
import {
  shownEvidence,
  shownFailure,
  shownFields,
  shownHost,
  shownName,
  shownTarget,
  shownText,
} from "./capture-text.ts";
import { type AttemptRecord, type ExchangeRecord, overAt } from "./record.ts";
import type { KeptAttempt, KeptFailure, Outcome } from "./report.ts";

/** Attempts of one exchange: of more than these the middle is left out. */
const ATTEMPTS_MAX = 12;
const SENTENCE_MAX = 1000;

/** The failure that an exchange ended with, and all around it. */
export function keptFailure(record: ExchangeRecord, ending: Ending, wall: Ms, random: Random): KeptFailure {
  const failure = shownFailure(ending.failure!);
  const { cause, phase } = failure;
  const context = contextOf(record, ending.upstream, ending.endpoint);
  return {
    id: failureId(wall, random),
    requestId: shownName(record.requestId),
    at: wall,
    ...{ cause, phase, outcome: ending.outcome as Outcome, savedBy: ending.savedBy },
    status: record.status,
    route: shownName(record.route),
    upstream: shownName(ending.upstream),
    endpoint: shownName(ending.endpoint),
    listener: shownName(record.listener),
    tls: record.tls,
    method: shownName(record.method),
    host: shownHost(record.host),
    target: shownTarget(record.target),
    protocol: shownName(record.protocol),
    client: shownName(record.clientAddress),
    userAgent: shownText(record.userAgent),
    traceId: record.traceId ?? "",
    sentence: words(sentence(failure, context)),
    fix: words(fix(failure, context)),
    durationMs: span(overAt(record) - record.startedAt),
    heldMs: span(record.heldMs),
    queuedMs: span(record.queuedMs),
    bytesReceived: record.bytesReceived,
    bytesSent: record.bytesSent,
    requestHead: record.head ? shownFields(record.head) : [],
    attempts: someOf(record.attempts).map((attempt) => keptAttempt(record, attempt)),
  };
}

function keptAttempt(record: ExchangeRecord, attempt: AttemptRecord): KeptAttempt {
  const { reused, failure, responseHead } = attempt;
  const since = (at: Ms | undefined): Ms | null => (at && at > 0 ? span(at - record.startedAt) : null);
  return {
    endpoint: shownName(attempt.endpoint),
    startMs: span(attempt.startedAt - record.startedAt),
    // On a kept connection nothing of this happened.
    resolvedMs: reused ? null : since(attempt.resolvedAt),
    tcpMs: reused ? null : since(attempt.tcpAt),
    connectedMs: reused ? null : since(attempt.connectedAt),
    sentMs: since(attempt.sentAt),
    headMs: since(attempt.headAt),
    // One that is still under way ends with the exchange.
    endMs: since(attempt.endedAt) ?? span(record.endedAt - record.startedAt),
    status: attempt.status,
    reused,
    bytesSent: attempt.bytesSent as Bytes,
    bytesReceived: attempt.bytesReceived,
    cause: failure?.cause ?? null,
    phase: failure?.phase ?? null,
    sentence: failure ? attemptSentence(record, attempt, failure) : "",
    evidence: failure ? shownEvidence(failure.evidence) : null,
    responseHead: responseHead ? shownFields(responseHead) : null,
  };
}

function attemptSentence(record: ExchangeRecord, attempt: AttemptRecord, failure: Failure): string {
  return words(
    sentence(shownFailure(failure), contextOf(record, attempt.upstream ?? record.upstream, attempt.endpoint)),
  );
}

function contextOf(record: ExchangeRecord, upstream: string, endpoint: string): DescribeContext {
  return {
    upstream: shownName(upstream),
    endpoint: shownName(endpoint),
    route: shownName(record.route),
    method: shownName(record.method),
    keyed: record.keyed,
    host: shownHost(record.host),
    attempts: record.attempts.length,
    showDetail: true,
  };
}

function someOf(attempts: readonly AttemptRecord[]): readonly AttemptRecord[] {
  if (attempts.length <= ATTEMPTS_MAX) return attempts;
  return [...attempts.slice(0, ATTEMPTS_MAX / 2), ...attempts.slice(-ATTEMPTS_MAX / 2)];
}

function words(text: string): string {
  return printable(text).slice(0, SENTENCE_MAX);
}

/** With whole microseconds; instants that cross (a response before the request was out) are none. */
function span(ms: Ms): Ms {
  return Math.max(0, Math.round(ms * 1000) / 1000);
}

/** Crockford's alphabet: sorts as its values do, and nobody takes one for another. */
const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
/** Good until the year 37,648. */
const TIME_DIGITS = 10;
const RANDOM_DIGITS = 8;

/** "f" + 10 digits of the time + 8 random ones. */
function failureId(wall: Ms, random: Random): string {
  let time = "";
  let rest = Math.max(0, Math.floor(wall));
  for (let i = 0; i < TIME_DIGITS; i++) {
    time = DIGITS[rest % 32] + time;
    rest = Math.floor(rest / 32);
  }
  let tail = "";
  for (let i = 0; i < RANDOM_DIGITS; i++) tail += DIGITS[Math.floor(random() * 32)];
  return `f${time}${tail}`;
}
