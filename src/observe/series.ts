// What is counted of one route and of one endpoint, and how that becomes metric families when somebody scrapes.
// Counting is additions in arrays and Maps; names and text are made at the scrape.
import type { Failure } from "../failure/failure.ts";
import type { Ms } from "../std/units.ts";
import type { Family, Sample } from "./metrics-text.ts";

/** Upper bounds of the buckets of every histogram in milliseconds; one more bucket has what is above. */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000,
];
const BOUNDS_S = LATENCY_BOUNDS_MS.map((bound) => bound / 1000);
const SUM = LATENCY_BOUNDS_MS.length + 1;

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
const OTHER_METHOD = METHODS.length;

/** A value in a Map, so that counting is one look-up. */
export interface Counter {
  value: number;
}

/** How often something avoided an error, and what that added. */
export interface AvoidedCounter {
  count: number;
  costMs: Ms;
}

/** What is counted of a route and the upstream that it led to. */
export interface RequestSeries {
  readonly route: string;
  readonly upstream: string;
  /** method index × 1000 + status → count. */
  readonly codes: Map<number, Counter>;
  readonly failures: Map<string, Counter>;
  /** Cause → gateway errors shown and responses cut. */
  readonly shown: Map<string, Counter>;
  readonly duration: Float64Array;
  bytesIn: number;
  bytesOut: number;
  retries: number;
  saved: number;
  /** "by cause" → count and cost. */
  readonly avoided: Map<string, AvoidedCounter>;
  aborted: number;
}

/** What is counted of an endpoint. */
export interface EndpointSeries {
  readonly upstream: string;
  readonly endpoint: string;
  readonly failures: Map<string, Counter>;
  readonly connect: Float64Array;
  readonly head: Float64Array;
  succeeded: number;
  failed: number;
  /** Answers with a status of 500 and more. */
  errors: number;
  reused: number;
}

/** Counts per bucket, then the sum. */
export function newHistogram(): Float64Array {
  return new Float64Array(SUM + 1);
}

/** Adds one span to a histogram. */
export function addTime(histogram: Float64Array, spanMs: Ms): void {
  const span = spanMs > 0 ? spanMs : 0;
  let bucket = 0;
  while (bucket < SUM - 1 && span > LATENCY_BOUNDS_MS[bucket]!) bucket++;
  histogram[bucket]!++;
  histogram[SUM]! += span;
}

/** Counts one. */
export function addOne<K>(counters: Map<K, Counter>, key: K): void {
  const known = counters.get(key);
  if (known === undefined) counters.set(key, { value: 1 });
  else known.value++;
}

/** Which of the known methods; those that are not known share one index. */
export function methodIndex(method: string): number {
  if (method === "GET") return 0;
  const index = METHODS.indexOf(method);
  return index < 0 ? OTHER_METHOD : index;
}

/** The key of a failure in a Map of counters. */
export function failureKey(failure: Failure): string {
  return failure.cause + " " + failure.phase;
}

/** A counter without samples. */
export function counter(name: string, help: string, labels: readonly string[]): Family {
  return { name, help, type: "counter", labels, merge: "sum", samples: [] };
}

/** A histogram of seconds without samples. */
export function histogram(name: string, help: string, labels: readonly string[]): Family {
  return { name, help, type: "histogram", labels, merge: "sum", bounds: BOUNDS_S, samples: [] };
}

/** The sample of a histogram that was counted here. */
export function histogramSample(labels: readonly string[], data: Float64Array): Sample {
  return { labels, counts: Array.from(data.subarray(0, SUM)), sum: data[SUM]! / 1000 };
}

function pushFailures(family: Family, labels: readonly string[], failures: ReadonlyMap<string, Counter>): void {
  for (const [key, { value }] of failures) family.samples.push({ labels: [...labels, ...key.split(" ")], value });
}

function pushAvoided(
  total: Family,
  cost: Family,
  labels: readonly string[],
  avoidedBy: ReadonlyMap<string, AvoidedCounter>,
): void {
  const costMs = new Map<string, Ms>();
  for (const [key, counted] of avoidedBy) {
    const [by = "", cause = ""] = key.split(" ");
    total.samples.push({ labels: [...labels, by, cause], value: counted.count });
    costMs.set(by, (costMs.get(by) ?? 0) + counted.costMs);
  }
  for (const [by, spentMs] of costMs) cost.samples.push({ labels: [...labels, by], value: spentMs / 1000 });
}

/** The families of routes. */
export function requestFamilies(all: readonly RequestSeries[]): Family[] {
  const by = ["route", "upstream"];
  const total = counter("goodgate_requests_total", "Requests by route, upstream, method and status sent.", [
    ...by,
    "method",
    "code",
  ]);
  const duration = histogram("goodgate_request_duration_seconds", "From the request's head to the end.", by);
  const failures = counter("goodgate_failures_total", "Requests that failed, by cause.", [...by, "cause", "phase"]);
  const shown = counter(
    "goodgate_shown_total",
    "Gateway errors that clients saw, responses that were cut included, by cause.",
    [...by, "cause"],
  );
  const received = counter("goodgate_received_bytes_total", "Bytes of requests received from clients.", by);
  const sent = counter("goodgate_sent_bytes_total", "Bytes of responses sent to clients.", by);
  const retries = counter("goodgate_retries_total", "Attempts after the first.", by);
  const saved = counter("goodgate_saved_total", "Requests whose gateway error was avoided.", by);
  const avoidedTotal = counter("goodgate_avoided_total", "Gateway errors that were not shown, by what avoided them.", [
    ...by,
    "by",
    "cause",
  ]);
  const cost = counter("goodgate_avoided_cost_seconds_total", "What avoiding them added to requests.", [...by, "by"]);
  const aborted = counter("goodgate_aborted_total", "Responses cut off after their head was sent.", by);
  for (const series of all) {
    const labels = [series.route, series.upstream];
    for (const [key, { value }] of series.codes) {
      const code = key % 1000;
      const codeText = code >= 100 ? String(code) : code === 0 ? "none" : `${code}xx`;
      total.samples.push({ labels: [...labels, METHODS[Math.floor(key / 1000)] ?? "other", codeText], value });
    }
    duration.samples.push(histogramSample(labels, series.duration));
    pushFailures(failures, labels, series.failures);
    for (const [cause, { value }] of series.shown) shown.samples.push({ labels: [...labels, cause], value });
    received.samples.push({ labels, value: series.bytesIn });
    sent.samples.push({ labels, value: series.bytesOut });
    retries.samples.push({ labels, value: series.retries });
    saved.samples.push({ labels, value: series.saved });
    pushAvoided(avoidedTotal, cost, labels, series.avoided);
    aborted.samples.push({ labels, value: series.aborted });
  }
  return [total, duration, failures, shown, received, sent, retries, saved, avoidedTotal, cost, aborted];
}

/** The families of endpoints. */
export function endpointFamilies(all: readonly EndpointSeries[]): Family[] {
  const by = ["upstream", "endpoint"];
  const attempts = counter("goodgate_upstream_attempts_total", "Attempts on an endpoint.", [...by, "result"]);
  const failures = counter("goodgate_upstream_failures_total", "Attempts that failed, by cause.", [
    ...by,
    "cause",
    "phase",
  ]);
  const errors = counter("goodgate_upstream_errors_total", "Answers of an endpoint with a status of 500 and more.", by);
  const reused = counter("goodgate_upstream_reused_total", "Attempts on a connection that was kept alive.", by);
  const connect = histogram("goodgate_upstream_connect_seconds", "Time to a new connection, TLS included.", by);
  const head = histogram("goodgate_upstream_head_seconds", "From the request's end to the response's head.", by);
  for (const series of all) {
    const labels = [series.upstream, series.endpoint];
    attempts.samples.push({ labels: [...labels, "success"], value: series.succeeded });
    attempts.samples.push({ labels: [...labels, "failure"], value: series.failed });
    pushFailures(failures, labels, series.failures);
    errors.samples.push({ labels, value: series.errors });
    reused.samples.push({ labels, value: series.reused });
    connect.samples.push(histogramSample(labels, series.connect));
    head.samples.push(histogramSample(labels, series.head));
  }
  return [attempts, failures, errors, reused, connect, head];
}
