// Counters and histograms of the data path. observe() costs a few Map lookups and additions in arrays; names, labels
// and text come into being when somebody scrapes. Labels have bounded values only: routes, upstreams and endpoints
// of the configuration, the methods and status codes that are known, causes and phases of the table. What a client
// sends never becomes a label.
import type { Failure } from "../failure/failure.ts";
import { lostLogLines } from "../std/log.ts";
import type { Ms } from "../std/units.ts";
import { type Family, type Merge, mergeFamilies, renderFamilies, type Sample } from "./metrics-text.ts";
import { type AttemptRecord, type ExchangeRecord, isSaved, statusOf } from "./record.ts";

/** Upper bounds in milliseconds, from 1 ms to 60 s. */
const BOUNDS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000];
const BOUNDS_S = BOUNDS_MS.map((bound) => bound / 1000);
const SUM = BOUNDS_MS.length + 1;

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
const OTHER_METHOD = METHODS.length;
/** RFC 9110 §15 and the registry; 499 is nginx's for a client that left. What else is sent is counted as "4xx". */
const CODES = new Set([
  ...[100, 101, 103, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 307, 308],
  ...[400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423],
  ...[424, 425, 426, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511],
]);
/** Series of upstreams, routes and endpoints kept; names beyond (after many reloads, say) share "other". */
const SERIES_MAX = 10_000;

/** What a registered gauge or counter reads: one value, or one per set of label values. */
export type Reading = number | readonly (readonly [labels: readonly string[], value: number])[];

export interface Registration {
  readonly type?: "gauge" | "counter";
  readonly labels?: readonly string[];
  /** How the values of workers become one; default: sum. */
  readonly merge?: Merge;
}

interface Counter {
  value: number;
}

interface RequestSeries {
  readonly route: string;
  readonly upstream: string;
  /** method index × 1000 + status → count. */
  readonly codes: Map<number, Counter>;
  readonly failures: Map<string, Counter>;
  readonly duration: Float64Array;
  bytesIn: number;
  bytesOut: number;
  retries: number;
  saved: number;
  aborted: number;
}

interface EndpointSeries {
  readonly upstream: string;
  readonly endpoint: string;
  readonly failures: Map<string, Counter>;
  readonly connect: Float64Array;
  readonly head: Float64Array;
  succeeded: number;
  failed: number;
  reused: number;
}

interface Registered {
  readonly name: string;
  readonly help: string;
  readonly read: () => Reading;
  readonly options: Registration;
}

/** The metrics of one process. */
export class Metrics {
  readonly #routes = new Map<string, Map<string, RequestSeries>>();
  readonly #upstreams = new Map<string, Map<string, EndpointSeries>>();
  readonly #registered: Registered[] = [];
  #seriesCount = 0;
  #readFailures = 0;
  /** Log lines lost; the observer adds to it. */
  readonly linesDropped = { access: 0, failures: 0 };
  /** Records that a log or a counter failed on: defects of ours. */
  observerErrors = 0;

  /** Counts one exchange. */
  observe(record: ExchangeRecord): void {
    const series =
      this.#routes.get(record.route)?.get(record.upstream) ?? this.#addRoute(record.route, record.upstream);
    const attempts = record.attempts;
    addTime(series.duration, record.endedAt - record.startedAt);
    addOne(series.codes, methodIndex(record.method) * 1000 + codeIndex(statusOf(record)));
    series.bytesIn += record.bytesReceived;
    series.bytesOut += record.bytesSent;
    if (record.aborted) series.aborted++;
    if (record.failure !== null) addOne(series.failures, failureKey(record.failure));
    if (attempts.length > 1) {
      series.retries += attempts.length - 1;
      if (isSaved(record)) series.saved++;
    }
    for (let i = 0; i < attempts.length; i++) this.#observeAttempt(record.upstream, attempts[i]!);
  }

  /** Adds a metric whose value is read at each scrape: connections open, lines dropped. */
  register(name: string, help: string, read: () => Reading, options: Registration = {}): void {
    this.#registered.push({ name, help, read, options });
  }

  /** `register` for a gauge. */
  registerGauge(name: string, help: string, read: () => Reading, options: Registration = {}): void {
    this.register(name, help, read, { ...options, type: "gauge" });
  }

  /** Everything as plain data, for another process to merge (Metrics.merge). */
  snapshot(): Family[] {
    const requests = [...this.#routes.values()].flatMap((byUpstream) => [...byUpstream.values()]);
    const endpoints = [...this.#upstreams.values()].flatMap((byEndpoint) => [...byEndpoint.values()]);
    return [
      ...requestFamilies(requests),
      ...endpointFamilies(endpoints),
      ...this.#readRegistered(),
      ...this.#ownFamilies(),
    ];
  }

  /** Prometheus text of this process. */
  render(): string {
    return renderFamilies(this.snapshot());
  }

  /** The snapshots of all workers as one; renderFamilies makes text of it. */
  static merge(snapshots: readonly (readonly Family[])[]): Family[] {
    return mergeFamilies(snapshots);
  }

  #observeAttempt(upstream: string, attempt: AttemptRecord): void {
    const series =
      this.#upstreams.get(upstream)?.get(attempt.endpoint) ?? this.#addEndpoint(upstream, attempt.endpoint);
    if (attempt.reused) series.reused++;
    else if (attempt.connectedAt > 0) addTime(series.connect, attempt.connectedAt - attempt.startedAt);
    if (attempt.headAt > 0) addTime(series.head, attempt.headAt - (attempt.sentAt || attempt.startedAt));
    if (attempt.failure === null) series.succeeded++;
    else {
      series.failed++;
      addOne(series.failures, failureKey(attempt.failure));
    }
  }

  #addRoute(route: string, upstream: string): RequestSeries {
    if (this.#seriesCount >= SERIES_MAX) [route, upstream] = ["other", "other"];
    return this.#insert(this.#routes, route, upstream, () => ({
      route,
      upstream,
      codes: new Map(),
      failures: new Map(),
      duration: newHistogram(),
      bytesIn: 0,
      bytesOut: 0,
      retries: 0,
      saved: 0,
      aborted: 0,
    }));
  }

  #addEndpoint(upstream: string, endpoint: string): EndpointSeries {
    if (this.#seriesCount >= SERIES_MAX) [upstream, endpoint] = ["other", "other"];
    return this.#insert(this.#upstreams, upstream, endpoint, () => ({
      upstream,
      endpoint,
      failures: new Map(),
      connect: newHistogram(),
      head: newHistogram(),
      succeeded: 0,
      failed: 0,
      reused: 0,
    }));
  }

  #insert<T>(outer: Map<string, Map<string, T>>, first: string, second: string, make: () => T): T {
    let inner = outer.get(first);
    if (!inner) {
      inner = new Map();
      outer.set(first, inner);
    }
    let series = inner.get(second);
    if (!series) {
      series = make();
      inner.set(second, series);
      this.#seriesCount++;
    }
    return series;
  }

  #ownFamilies(): Family[] {
    const dropped = counter("goodgate_log_lines_dropped_total", "Log lines that could not be written.", ["log"]);
    const { access, failures } = this.linesDropped;
    for (const [name, value] of Object.entries({ access, failures, program: lostLogLines() })) {
      dropped.samples.push({ labels: [name], value });
    }
    const observer = counter("goodgate_observer_errors_total", "Records that logs or metrics failed on.", []);
    observer.samples.push({ labels: [], value: this.observerErrors });
    const reads = counter("goodgate_metrics_read_failures_total", "Metrics that could not be read at a scrape.", []);
    reads.samples.push({ labels: [], value: this.#readFailures });
    return [dropped, observer, reads];
  }

  #readRegistered(): Family[] {
    return this.#registered.map(({ name, help, read, options }): Family => {
      const samples: Sample[] = [];
      try {
        const reading = read();
        if (typeof reading === "number") samples.push({ labels: [], value: reading });
        else for (const [labels, value] of reading) samples.push({ labels: [...labels], value });
      } catch {
        // One metric that cannot be read must not hide the others; how often that happens is itself a metric.
        this.#readFailures++;
      }
      const { type = "gauge", labels = [], merge = "sum" } = options;
      return { name, help, type, labels, merge, samples };
    });
  }
}

function newHistogram(): Float64Array {
  return new Float64Array(SUM + 1);
}

function addTime(histogram: Float64Array, spanMs: Ms): void {
  const span = spanMs > 0 ? spanMs : 0;
  let bucket = 0;
  while (bucket < SUM - 1 && span > BOUNDS_MS[bucket]!) bucket++;
  histogram[bucket]!++;
  histogram[SUM]! += span;
}

function addOne<K>(counters: Map<K, Counter>, key: K): void {
  const known = counters.get(key);
  if (known === undefined) counters.set(key, { value: 1 });
  else known.value++;
}

function methodIndex(method: string): number {
  if (method === "GET") return 0;
  const index = METHODS.indexOf(method);
  return index < 0 ? OTHER_METHOD : index;
}

/** The code itself where it is known, else its class (4 for 4xx); 0 = none was sent. */
function codeIndex(status: number): number {
  if (status === 200 || CODES.has(status)) return status;
  return status >= 100 && status < 600 ? Math.floor(status / 100) : 0;
}

function failureKey(failure: Failure): string {
  return failure.cause + " " + failure.phase;
}

function counter(name: string, help: string, labels: readonly string[]): Family {
  return { name, help, type: "counter", labels, merge: "sum", samples: [] };
}

function histogram(name: string, help: string, labels: readonly string[]): Family {
  return { name, help, type: "histogram", labels, merge: "sum", bounds: BOUNDS_S, samples: [] };
}

function histogramSample(labels: readonly string[], data: Float64Array): Sample {
  return { labels, counts: Array.from(data.subarray(0, SUM)), sum: data[SUM]! / 1000 };
}

function pushFailures(family: Family, labels: readonly string[], failures: ReadonlyMap<string, Counter>): void {
  for (const [key, { value }] of failures) family.samples.push({ labels: [...labels, ...key.split(" ")], value });
}

function requestFamilies(all: readonly RequestSeries[]): Family[] {
  const by = ["route", "upstream"];
  const total = counter("goodgate_requests_total", "Requests by route, upstream, method and status sent.", [
    ...by,
    "method",
    "code",
  ]);
  const duration = histogram("goodgate_request_duration_seconds", "From the request's head to the end.", by);
  const failures = counter("goodgate_failures_total", "Requests that failed, by cause.", [...by, "cause", "phase"]);
  const received = counter("goodgate_received_bytes_total", "Bytes of requests received from clients.", by);
  const sent = counter("goodgate_sent_bytes_total", "Bytes of responses sent to clients.", by);
  const retries = counter("goodgate_retries_total", "Attempts after the first.", by);
  const saved = counter("goodgate_saved_total", "Requests that failed once and that a retry saved.", by);
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
    received.samples.push({ labels, value: series.bytesIn });
    sent.samples.push({ labels, value: series.bytesOut });
    retries.samples.push({ labels, value: series.retries });
    saved.samples.push({ labels, value: series.saved });
    aborted.samples.push({ labels, value: series.aborted });
  }
  return [total, duration, failures, received, sent, retries, saved, aborted];
}

function endpointFamilies(all: readonly EndpointSeries[]): Family[] {
  const by = ["upstream", "endpoint"];
  const attempts = counter("goodgate_upstream_attempts_total", "Attempts on an endpoint.", [...by, "result"]);
  const failures = counter("goodgate_upstream_failures_total", "Attempts that failed, by cause.", [
    ...by,
    "cause",
    "phase",
  ]);
  const reused = counter("goodgate_upstream_reused_total", "Attempts on a connection that was kept alive.", by);
  const connect = histogram("goodgate_upstream_connect_seconds", "Time to a new connection, TLS included.", by);
  const head = histogram("goodgate_upstream_head_seconds", "From the request's end to the response's head.", by);
  for (const series of all) {
    const labels = [series.upstream, series.endpoint];
    attempts.samples.push({ labels: [...labels, "success"], value: series.succeeded });
    attempts.samples.push({ labels: [...labels, "failure"], value: series.failed });
    pushFailures(failures, labels, series.failures);
    reused.samples.push({ labels, value: series.reused });
    connect.samples.push(histogramSample(labels, series.connect));
    head.samples.push(histogramSample(labels, series.head));
  }
  return [attempts, failures, reused, connect, head];
}
