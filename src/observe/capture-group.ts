// The failures of one kind in one tick as sums. A failure under a storm costs some look-ups in small Maps: what is
// text in the report is made when the tick ends.
import type { CauseId, Phase } from "../failure/causes.ts";
import type { Evidence } from "../failure/failure.ts";
import type { Ms } from "../std/units.ts";
import { type Random, Reservoir, TopCounts } from "./capture-sketch.ts";
import { pathOf } from "./log-template.ts";
import type { AvoidedBy, ExchangeRecord } from "./record.ts";
import { type Counts, type FailureGroup, type Outcome, SPANS_MAX, TOP_MAX } from "./report.ts";

/** What all failures of a group have in common. */
export interface GroupKey {
  readonly cause: CauseId;
  readonly phase: Phase;
  readonly route: string;
  readonly upstream: string;
  readonly endpoint: string;
}

/** What failures say of their requests; read once per exchange. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly client: string;
}

/** Of the request of a record. */
export function askedOf(record: ExchangeRecord): Asked {
  const { method, target, host, clientAddress } = record;
  return { method, path: pathOf(target), host, client: clientAddress };
}

/** How values become what may be shown. */
export interface Shown {
  readonly name: (value: string) => string;
  readonly host: (value: string) => string;
  readonly text: (value: string) => string;
}

export class GroupTally {
  readonly key: GroupKey;
  /** Failures of it that are kept whole. */
  kept = 0;
  failures = 0;
  #firstAt: Ms;
  #lastAt: Ms = 0;
  #shown = 0;
  #cut = 0;
  #clientLeft = 0;
  #passed = 0;
  #saved: Partial<Record<AvoidedBy, number>> | null = null;
  #reused = 0;
  #withoutByte = 0;
  #keepAliveMs: Ms = 0;
  readonly #statuses = new TopCounts();
  readonly #methods = new TopCounts();
  readonly #paths = new TopCounts();
  readonly #hosts = new TopCounts();
  readonly #clients = new TopCounts();
  readonly #errnos = new TopCounts();
  readonly #deadlines = new TopCounts();
  readonly #details = new TopCounts();
  readonly #proxyStatus = new TopCounts();
  readonly #closedBy = new TopCounts();
  readonly #waitedMs = new Reservoir(SPANS_MAX);
  readonly #idleMs = new Reservoir(SPANS_MAX);
  readonly #ageMs = new Reservoir(SPANS_MAX);
  readonly #bytesReceived = new Reservoir(SPANS_MAX);

  constructor(key: GroupKey, wall: Ms) {
    this.key = key;
    this.#firstAt = wall;
  }

  /** Counts one failure; `reused` = on a kept connection. */
  failed(asked: Asked, evidence: Evidence, reused: boolean, wall: Ms, random: Random): void {
    this.failures++;
    this.#firstAt = Math.min(this.#firstAt, wall);
    this.#lastAt = Math.max(this.#lastAt, wall);
    this.#methods.add(asked.method, random);
    this.#paths.add(asked.path, random);
    this.#hosts.add(asked.host, random);
    this.#clients.add(asked.client, random);
    const { waitedMs, idleMs, connectionAgeMs, bytesReceived, detail, deadline, upstreamProxyStatus } = evidence;
    const code = evidence.errno ?? evidence.tlsCode ?? evidence.rcode;
    if (code !== undefined) this.#errnos.add(code, random);
    if (deadline !== undefined) this.#deadlines.add(`${deadline} ${evidence.deadlineMs ?? 0}`, random);
    if (detail !== undefined) this.#details.add(detail, random);
    if (upstreamProxyStatus !== undefined) this.#proxyStatus.add(upstreamProxyStatus, random);
    if (evidence.closedBy !== undefined) this.#closedBy.add(evidence.closedBy, random);
    if (waitedMs !== undefined) this.#waitedMs.add(waitedMs, random);
    if (idleMs !== undefined) this.#idleMs.add(idleMs, random);
    if (connectionAgeMs !== undefined) this.#ageMs.add(connectionAgeMs, random);
    if (bytesReceived !== undefined) this.#bytesReceived.add(bytesReceived, random);
    const keepAliveMs = evidence.keepAliveHintMs ?? evidence.keepAliveLearntMs;
    if (keepAliveMs !== undefined) this.#keepAliveMs = keepAliveMs;
    if (!reused) return;
    this.#reused++;
    if (!bytesReceived) this.#withoutByte++;
  }

  /** Counts a status: what the client was sent, or what the upstream answered. */
  status(status: number, random: Random): void {
    if (status > 0) this.#statuses.add(String(status), random);
  }

  /** An exchange ended with it. */
  ended(outcome: Outcome, savedBy: AvoidedBy | null, wall: Ms): void {
    // What was mended is no failure of that later moment.
    if (outcome !== "saved") this.#lastAt = Math.max(this.#lastAt, wall);
    if (outcome === "shown") this.#shown++;
    else if (outcome === "cut") this.#cut++;
    else if (outcome === "client-left") this.#clientLeft++;
    else if (outcome === "passed") this.#passed++;
    if (savedBy === null) return;
    this.#saved ??= {};
    this.#saved[savedBy] = (this.#saved[savedBy] ?? 0) + 1;
  }

  /** As plain data that may be shown. */
  report({ name, host, text }: Shown): FailureGroup {
    const { cause, phase, route, upstream, endpoint } = this.key;
    const top = (counts: TopCounts, shown: (value: string) => string): Counts => counts.top(TOP_MAX, shown);
    return {
      cause,
      phase,
      route: name(route),
      upstream: name(upstream),
      endpoint: name(endpoint),
      firstAt: this.#firstAt,
      lastAt: this.#lastAt,
      failures: this.failures,
      shown: this.#shown,
      cut: this.#cut,
      clientLeft: this.#clientLeft,
      saved: this.#saved ?? {},
      passed: this.#passed,
      statuses: top(this.#statuses, name),
      methods: top(this.#methods, name),
      paths: top(this.#paths, name),
      hosts: top(this.#hosts, host),
      clients: top(this.#clients, name),
      clientCount: this.#clients.distinct,
      errnos: top(this.#errnos, name),
      deadlines: top(this.#deadlines, name),
      details: top(this.#details, (detail) => masked(text(detail))),
      upstreamProxyStatus: top(this.#proxyStatus, text),
      reused: this.#reused,
      withoutByte: this.#withoutByte,
      closedBy: top(this.#closedBy, name),
      waitedMs: spans(this.#waitedMs),
      idleMs: spans(this.#idleMs),
      ageMs: spans(this.#ageMs),
      bytesReceived: this.#bytesReceived.values,
      keepAliveMs: this.#keepAliveMs,
    };
  }
}

/** Lengths, ports and times in a message differ from failure to failure; what it says does not. */
function masked(detail: string): string {
  return detail.replace(/\d+/g, "#");
}

/** With whole microseconds, as logs have them. */
function spans({ values }: Reservoir): Ms[] {
  return values.map((value) => Math.round(value * 1000) / 1000);
}
