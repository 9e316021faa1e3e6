// What a process tells of its traffic, a tick at a time: failures as sums by what they have in common, some of them
// whole with their evidence, and what happened to upstreams. Plain data that crosses processes and is stored; secrets
// are taken out when it is made (capture.ts), so nothing behind it has to think of them.
// Instants are milliseconds of the wall clock; spans are milliseconds.
import type { CauseId, Phase } from "../failure/causes.ts";
import type { Evidence } from "../failure/failure.ts";
import type { Bytes, Ms } from "../std/units.ts";
import type { UpstreamEvent } from "../upstream/events.ts";
import type { AvoidedBy } from "./record.ts";

/** All that a process saw in one tick. */
export interface Report {
  /** End of the tick. */
  readonly at: Ms;
  readonly spanMs: Ms;
  /** One per kind of failure; at most GROUPS_MAX, the rest under the cause alone. */
  readonly groups: readonly FailureGroup[];
  /** A fair choice: every kind has its share. */
  readonly failures: readonly KeptFailure[];
  /** Attempts on each endpoint, so that it can be said who is well. */
  readonly endpoints: readonly EndpointTally[];
  readonly events: readonly SeenEvent[];
  /** The slowest exchanges of the tick. */
  readonly slow: readonly TailEntry[];
  /** Failed exchanges that were not kept whole. */
  readonly notKept: number;
}

/** An event of an upstream, by the wall clock. */
export interface SeenEvent {
  readonly at: Ms;
  readonly event: UpstreamEvent;
}

/** What an endpoint was asked and how it went. */
export interface EndpointTally {
  readonly upstream: string;
  readonly endpoint: string;
  readonly answered: number;
  readonly failed: number;
  /** Answers with a status of 500 and more. */
  readonly errors: number;
  /** Time to the response head: sum and greatest, over those answered. */
  readonly headMs: Ms;
  readonly headMaxMs: Ms;
}

/** Failures with the same cause, phase, route, upstream and endpoint. */
export interface FailureGroup {
  readonly cause: CauseId;
  readonly phase: Phase;
  readonly route: string;
  readonly upstream: string;
  /** "" where none was involved. */
  readonly endpoint: string;
  readonly firstAt: Ms;
  readonly lastAt: Ms;
  /** Attempts that failed so; for causes without an attempt, exchanges. */
  readonly failures: number;
  /** Exchanges that ended with it: shown as an error, cut behind the head, left by the client … */
  readonly shown: number;
  readonly cut: number;
  readonly clientLeft: number;
  /** … or mended. */
  readonly saved: Readonly<Partial<Record<AvoidedBy, number>>>;
  /** Answers of the upstream itself that were passed on (status of 500 and more; cause upstream-error-passthrough). */
  readonly passed: number;
  readonly statuses: Counts;
  readonly methods: Counts;
  /** Paths without query; at most TOP_MAX, the most frequent ones. */
  readonly paths: Counts;
  readonly hosts: Counts;
  /** Client addresses, at most TOP_MAX. */
  readonly clients: Counts;
  /** Distinct clients, estimated. */
  readonly clientCount: number;
  readonly errnos: Counts;
  /** Deadlines that fired: "head 30000". */
  readonly deadlines: Counts;
  /** Details as the evidence has them, digits masked; at most TOP_MAX. */
  readonly details: Counts;
  /** Proxy-Status members of hops further in. */
  readonly upstreamProxyStatus: Counts;
  /** On a kept connection; and of those, requests that had no byte of an answer. */
  readonly reused: number;
  readonly withoutByte: number;
  readonly closedBy: Counts;
  /** Spans of single failures, at most SPANS_MAX each: waited for the upstream, idle before, age of the connection. */
  readonly waitedMs: readonly Ms[];
  readonly idleMs: readonly Ms[];
  readonly ageMs: readonly Ms[];
  readonly bytesReceived: readonly Bytes[];
  /** What the upstream said or showed of its own idle timer; 0 = nothing. */
  readonly keepAliveMs: Ms;
}

export type Counts = Readonly<Record<string, number>>;

export const GROUPS_MAX = 2_000;
export const TOP_MAX = 16;
export const SPANS_MAX = 16;

/** How a failed exchange ended for the client. */
export type Outcome = "shown" | "cut" | "saved" | "client-left" | "passed";

/** One failed exchange with its evidence, redacted. */
export interface KeptFailure {
  /** Unique among all gateways that share a store; begins with its time, so that it sorts. */
  readonly id: string;
  readonly requestId: string;
  /** When it ended. */
  readonly at: Ms;
  readonly cause: CauseId;
  readonly phase: Phase;
  readonly outcome: Outcome;
  readonly savedBy: AvoidedBy | null;
  /** Sent to the client; 0 = none. */
  readonly status: number;
  readonly route: string;
  readonly upstream: string;
  /** Of the attempt that decided; "" = none. */
  readonly endpoint: string;
  readonly listener: string;
  readonly tls: boolean;
  readonly method: string;
  readonly host: string;
  /** Path, and the names of the query's parameters: "/cart?page=[redacted]". */
  readonly target: string;
  readonly protocol: string;
  readonly client: string;
  readonly userAgent: string;
  /** W3C trace id; "" = none. */
  readonly traceId: string;
  /** What happened and what to do, in words (failure/describe.ts). */
  readonly sentence: string;
  readonly fix: string;
  readonly durationMs: Ms;
  readonly heldMs: Ms;
  readonly queuedMs: Ms;
  readonly bytesReceived: Bytes;
  readonly bytesSent: Bytes;
  /** Fields as received, redacted; at most 4 KiB. */
  readonly requestHead: readonly HeadField[];
  readonly attempts: readonly KeptAttempt[];
}

export type HeadField = readonly [name: string, value: string];

/** One attempt. Instants are milliseconds since the exchange began; null = did not happen. */
export interface KeptAttempt {
  readonly endpoint: string;
  readonly startMs: Ms;
  readonly resolvedMs: Ms | null;
  readonly tcpMs: Ms | null;
  /** TCP, and TLS where there is one. */
  readonly connectedMs: Ms | null;
  readonly sentMs: Ms | null;
  readonly headMs: Ms | null;
  readonly endMs: Ms;
  readonly status: number;
  readonly reused: boolean;
  readonly bytesSent: Bytes;
  readonly bytesReceived: Bytes;
  readonly cause: CauseId | null;
  readonly phase: Phase | null;
  /** "" = it did not fail. */
  readonly sentence: string;
  readonly evidence: Evidence | null;
  /** Fields of the response as received, redacted; null = none came. */
  readonly responseHead: readonly HeadField[] | null;
}

/** One exchange in a line: the live tail, and the slowest. */
export interface TailEntry {
  readonly at: Ms;
  readonly requestId: string;
  readonly method: string;
  readonly host: string;
  /** As KeptFailure.target. */
  readonly target: string;
  readonly status: number;
  readonly durationMs: Ms;
  readonly route: string;
  readonly upstream: string;
  readonly endpoint: string;
  readonly attempts: number;
  readonly cause: CauseId | null;
  readonly outcome: Outcome | "ok";
  readonly savedBy: AvoidedBy | null;
  readonly bytesSent: Bytes;
  readonly client: string;
}

/** What a live tail lets through; absent = everything. */
export interface TailFilter {
  readonly failuresOnly?: boolean;
  /** "5xx", "404". */
  readonly status?: string;
  readonly cause?: string;
  readonly route?: string;
  readonly upstream?: string;
  readonly endpoint?: string;
  readonly method?: string;
  readonly minMs?: Ms;
  /** Somewhere in host and target, whatever the case. */
  readonly text?: string;
}

/** Figures of one series over one span of time: what charts are drawn from, and what is stored of traffic. */
export interface Point {
  readonly kind: SeriesKind;
  /** Route, upstream, "upstream endpoint" (one blank between); "" for all. */
  readonly name: string;
  /** Begin of the span. */
  readonly at: Ms;
  readonly spanMs: Ms;
  /** Requests; for endpoints attempts. */
  readonly requests: number;
  /** 1xx … 5xx, then none. Endpoints: all zero. */
  readonly classes: readonly number[];
  /** Gateway errors shown and cut. Endpoints: attempts that failed. */
  readonly shown: number;
  readonly saved: number;
  /** All that failed, what clients did included. */
  readonly causes: Counts;
  readonly savedBy: Counts;
  /** Answers of the upstream itself with a status of 500 and more; absent = not known. */
  readonly ownErrors?: number;
  /** Counts per bucket of LATENCY_BOUNDS_MS, then those above; for endpoints of the time to the head. */
  readonly latency: readonly number[];
  readonly latencySumMs: Ms;
  readonly bytesIn: Bytes;
  readonly bytesOut: Bytes;
}

export type SeriesKind = "all" | "route" | "upstream" | "endpoint";

/** Over the last seconds (about 5). */
export interface Rates {
  readonly perSecond: number;
  /** Gateway errors shown or cut; for endpoints failed attempts. */
  readonly shownPerSecond: number;
  readonly savedPerSecond: number;
  /** The upstream's own 5xx. */
  readonly ownErrorsPerSecond: number;
  readonly causes: Readonly<Record<string, number>>;
  /** null = no requests. */
  readonly p50Ms: Ms | null;
  readonly p95Ms: Ms | null;
  readonly p99Ms: Ms | null;
}
