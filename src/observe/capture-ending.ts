// How an exchange ended: which failure decided, on which attempt, and what the client saw of it. The same for the sums,
// for what is kept whole and for the live tail.

import { CAUSES } from "../failure/causes.ts";
import { failureOf } from "../failure/classify.ts";
import type { Failure } from "../failure/failure.ts";
import { type AttemptRecord, type AvoidedBy, avoided, type ExchangeRecord } from "./record.ts";
import type { Outcome } from "./report.ts";

export interface Ending {
  readonly outcome: Outcome | "ok";
  /** What decided; null = nothing failed, or nobody was to see it. */
  readonly failure: Failure | null;
  /** Index of the attempt that failed so; -1 = none did. */
  readonly attempt: number;
  /** What had to do with it; "" = none. */
  readonly upstream: string;
  readonly endpoint: string;
  readonly savedBy: AvoidedBy | null;
  /** An error was avoided, but the answer that came instead was one of the upstream's own. */
  readonly savedBefore: { readonly failure: Failure; readonly attempt: number; readonly by: AvoidedBy } | null;
}

/** The end of an exchange in which nothing was remarkable. */
export const ENDED_WELL: Ending = {
  outcome: "ok",
  failure: null,
  attempt: -1,
  upstream: "",
  endpoint: "",
  savedBy: null,
  savedBefore: null,
};

/** Whether there is nothing to look at; most exchanges end here. */
export function isPlain({ failure, status, attempts, heldMs, queuedMs }: ExchangeRecord): boolean {
  if (failure !== null || status >= OWN_ERRORS_FROM || attempts.length > 1) return false;
  // The only attempt may have failed although the answer was good: one that the cache had, say.
  return heldMs === 0 && queuedMs === 0 && (attempts.length === 0 || attempts[0]!.failure === null);
}

/** Answers of an upstream from here on are errors of its own. */
export const OWN_ERRORS_FROM = 500;

/** How it ended. */
export function endingOf(record: ExchangeRecord): Ending {
  const saved = savedIn(record);
  const failed = record.failure === null ? passedOn(record) : decidedBy(record, record.failure);
  // Where an error was avoided, and the answer that came instead is one of the upstream's own, both are told.
  if (failed !== null) return saved === null ? failed : { ...failed, savedBefore: saved };
  if (saved === null) return ENDED_WELL;
  const { failure, attempt, by } = saved;
  return {
    ...{ outcome: "saved", failure, attempt, savedBy: by, savedBefore: null },
    ...placeOf(record, record.attempts[attempt]),
  };
}

/** What would have been shown without waiting or another attempt. */
function savedIn(record: ExchangeRecord): Ending["savedBefore"] {
  const saved = avoided(record);
  if (saved === null) return null;
  const attempt = record.attempts.slice(0, -1).findIndex(({ failure }) => failure?.cause === saved.cause);
  return { failure: record.attempts[attempt]?.failure ?? failureOf(saved.cause, {}), attempt, by: saved.by };
}

/** The upstream's own error. */
function passedOn(record: ExchangeRecord): Ending | null {
  const { attempts, status } = record;
  const last = attempts.at(-1);
  if (last === undefined || last.failure !== null) return null;
  if (last.status < OWN_ERRORS_FROM || status < OWN_ERRORS_FROM) return null;
  const failure = failureOf("upstream-error-passthrough", { address: last.endpoint }, { status: last.status });
  const attempt = attempts.length - 1;
  return { ...ENDED_WELL, outcome: "passed", failure, attempt, ...placeOf(record, last) };
}

function decidedBy(record: ExchangeRecord, failure: Failure): Ending {
  const { attempts } = record;
  let attempt = attempts.findLastIndex((one) => one.failure === failure);
  if (attempt < 0) attempt = attempts.findLastIndex((one) => one.failure?.cause === failure.cause);
  // A client that left had been waiting for the last.
  const waitedFor = attempts.at(-1)?.failure === null ? attempts.at(-1) : undefined;
  const place = placeOf(record, attempts[attempt] ?? waitedFor);
  return { ...ENDED_WELL, outcome: outcomeOf(record, failure), failure, attempt, ...place };
}

function placeOf(record: ExchangeRecord, attempt: AttemptRecord | undefined): Pick<Ending, "upstream" | "endpoint"> {
  return { upstream: attempt?.upstream ?? record.upstream, endpoint: attempt?.endpoint ?? "" };
}

function outcomeOf(record: ExchangeRecord, { cause, phase }: Failure): Outcome {
  if (cause === "upstream-error-passthrough" && !record.aborted) return "passed";
  if (phase === "client" && (record.aborted || record.status === 0)) return "client-left";
  return record.aborted ? "cut" : "shown";
}

/** A request that we did not take: the client's doing, or the configuration's. */
export function isRefusal(ending: Ending): boolean {
  return ending.outcome === "shown" && ending.failure !== null && CAUSES[ending.failure.cause].status < OWN_ERRORS_FROM;
}
