// Counters and histograms of the data path. observe() costs a few Map lookups and additions in arrays; names, labels
// and text come into being when somebody scrapes. Labels have bounded values only: routes, upstreams and endpoints
// of the configuration, the methods and status codes that are known, causes and phases of the table. What a client
// sends never becomes a label.
import { lostLogLines } from "../std/log.ts";
import type { UpstreamEvent } from "../upstream/events.ts";
import { type Family, type Merge, mergeFamilies, renderFamilies, type Sample } from "./metrics-text.ts";
import { type AttemptRecord, avoided, type ExchangeRecord, isShown, statusOf } from "./record.ts";
import {
  addOne,
  addTime,
  type Counter,
  counter,
  type EndpointSeries,
  endpointFamilies,
  failureKey,
  histogram,
  histogramSample,
  methodIndex,
  newHistogram,
  type RequestSeries,
  requestFamilies,
} from "./series.ts";

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
  /** Times in hold by upstream. */
  readonly #held = new Map<string, Float64Array>();
  /** [upstream, endpoint, kind] as JSON → count. */
  readonly #events = new Map<string, Counter>();
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
    if (record.failure !== null) {
      addOne(series.failures, failureKey(record.failure));
      if (isShown(record)) addOne(series.shown, record.failure.cause);
    }
    if (attempts.length > 1 || record.heldMs > 0 || record.queuedMs > 0) this.#observeDetour(series, record);
    for (let i = 0; i < attempts.length; i++)
      this.#observeAttempt(attempts[i]!.upstream ?? record.upstream, attempts[i]!);
  }

  /** Counts what happened to an upstream or an endpoint. */
  observeEvent(event: UpstreamEvent): void {
    const { upstream, kind } = event;
    const endpoint = "endpoint" in event ? event.endpoint : "";
    const key = JSON.stringify([upstream, endpoint, kind]);
    addOne(this.#events, this.#events.size < SERIES_MAX || this.#events.has(key) ? key : `["other","","${kind}"]`);
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
      ...this.#upstreamFamilies(),
      ...this.#readRegistered(),
      ...this.#ownFamilies(),
    ];
  }

  /** Prometheus text of this process. */
  render(): string {
    return renderFamilies(this.snapshot());
  }

  /** What was registered alone, as text: for figures that stand beside those of the traffic. */
  renderRegistered(): string {
    return renderFamilies(this.#readRegistered());
  }

  /** The snapshots of all workers as one; renderFamilies makes text of it. */
  static merge(snapshots: readonly (readonly Family[])[]): Family[] {
    return mergeFamilies(snapshots);
  }

  /** An exchange that took more than one attempt, or waited. */
  #observeDetour(series: RequestSeries, record: ExchangeRecord): void {
    series.retries += Math.max(0, record.attempts.length - 1);
    if (record.heldMs > 0) addTime(this.#heldOf(series.upstream), record.heldMs);
    const saved = avoided(record);
    if (saved === null) return;
    series.saved++;
    const key = saved.by + " " + saved.cause;
    const known = series.avoided.get(key);
    if (known === undefined) series.avoided.set(key, { count: 1, costMs: saved.costMs });
    else {
      known.count++;
      known.costMs += saved.costMs;
    }
  }

  /** Bounded as the series are: by their upstreams. */
  #heldOf(upstream: string): Float64Array {
    let held = this.#held.get(upstream);
    if (held === undefined) {
      held = newHistogram();
      this.#held.set(upstream, held);
    }
    return held;
  }

  #observeAttempt(upstream: string, attempt: AttemptRecord): void {
    const series =
      this.#upstreams.get(upstream)?.get(attempt.endpoint) ?? this.#addEndpoint(upstream, attempt.endpoint);
    if (attempt.reused) series.reused++;
    else if (attempt.connectedAt > 0) addTime(series.connect, attempt.connectedAt - attempt.startedAt);
    if (attempt.headAt > 0) addTime(series.head, attempt.headAt - (attempt.sentAt || attempt.startedAt));
    if (attempt.status >= 500) series.errors++;
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
      shown: new Map(),
      duration: newHistogram(),
      bytesIn: 0,
      bytesOut: 0,
      retries: 0,
      saved: 0,
      avoided: new Map(),
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
      errors: 0,
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

  #upstreamFamilies(): Family[] {
    const held = histogram("goodgate_held_seconds", "Time that requests waited for an upstream that was away.", [
      "upstream",
    ]);
    for (const [upstream, data] of this.#held) held.samples.push(histogramSample([upstream], data));
    const events = counter("goodgate_upstream_events_total", "What happened to upstreams and endpoints, by kind.", [
      "upstream",
      "endpoint",
      "kind",
    ]);
    for (const [key, { value }] of this.#events) events.samples.push({ labels: JSON.parse(key) as string[], value });
    return [held, events];
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

/** The code itself where it is known, else its class (4 for 4xx); 0 = none was sent. */
function codeIndex(status: number): number {
  if (status === 200 || CODES.has(status)) return status;
  return status >= 100 && status < 600 ? Math.floor(status / 100) : 0;
}
