// What an incident is: failures that belong together, with a beginning, an end, counts, and a verdict in words.
// Plain data: stored, sent and shown as it is. Instants are milliseconds of the wall clock.
import type { CauseId, Fault, Phase } from "../failure/causes.ts";
import type { Counts } from "../observe/report.ts";
import type { Ms } from "../std/units.ts";

/** outage = every request of its part fails; degraded = some are shown an error; saved = nobody saw one; notice = not the gateway's or upstream's (clients). */
export type Severity = "outage" | "degraded" | "saved" | "notice";

/** As in explain and doctor: what proves it was seen; the evidence fits best; it is one of several. */
export type Confidence = "proven" | "likely" | "possible";

export interface Incident {
  /** Sorts by time; unique among gateways that share a store. "i" + 10 characters of time + 4 random ones, lower-case base 32. */
  readonly id: string;
  /** Id of the gateway that saw it (Gateway.id of the store). */
  readonly gateway: string;
  readonly openedAt: Ms;
  /** Of the last failure. */
  readonly lastAt: Ms;
  /** null = open. */
  readonly closedAt: Ms | null;
  readonly severity: Severity;
  /** What decides: of the causes that it has, the one that explains the others. */
  readonly cause: CauseId;
  readonly causes: Counts;
  readonly phase: Phase;
  readonly fault: readonly Fault[];
  /** "" = before an upstream was chosen. */
  readonly upstream: string;
  readonly routes: Counts;
  /** Failed attempts by endpoint; "" = none was involved. */
  readonly endpoints: Counts;
  readonly counts: IncidentCounts;
  /** Failures over time, for a small picture: at most 120 points, of equal length that grows with the incident. */
  readonly series: {
    readonly fromAt: Ms;
    readonly stepMs: Ms;
    readonly shown: readonly number[];
    readonly saved: readonly number[];
  };
  readonly methods: Counts;
  readonly paths: Counts;
  readonly hosts: Counts;
  readonly statuses: Counts;
  readonly verdict: Verdict;
  /** What happened around it, oldest first, at most 60. */
  readonly timeline: readonly TimelineEntry[];
}

export interface IncidentCounts {
  readonly failures: number;
  readonly shown: number;
  readonly cut: number;
  readonly clientLeft: number;
  /** The upstream's own errors, passed on. */
  readonly passed: number;
  readonly held: number;
  readonly queued: number;
  readonly retried: number;
  readonly failedOver: number;
  /** All requests to the upstream while it lasted, as far as known. */
  readonly requests: number;
  /** Distinct clients that were shown an error or left, estimated. */
  readonly clients: number;
}

export interface Verdict {
  /** One sentence with names, times and figures: "app-2 (10.0.0.7:3000) refuses connections since 12:01:33; app-1 healthy: the process on app-2 is not listening". */
  readonly sentence: string;
  /** At most about 60 characters, for lists and the terminal. */
  readonly short: string;
  /** Which story it is ("process-down", "keepalive-race", "bad-deploy" …): pattern ids of verdict/. */
  readonly pattern: string;
  readonly confidence: Confidence;
  /** What speaks for it, strongest first. */
  readonly reasons: readonly string[];
  /** What would settle it where it is not proven: something to look at or to run. */
  readonly settle: readonly Step[];
  /** What to do, first things first, with this gateway's own names and values. */
  readonly fixes: readonly Step[];
  /** What else it could be, and what speaks against it. */
  readonly alternatives: readonly { readonly text: string; readonly why: string }[];
  /** Entry of the reference: "connect-refused" (served at /reference/ENTRY/). */
  readonly entry: string;
}

export interface Step {
  readonly text: string;
  /** A command or a piece of configuration to copy. */
  readonly code?: string;
  readonly language?: "shell" | "yaml" | "nginx" | "javascript" | "text";
}

/** Something that happened at a moment: shown on timelines, kept with the incident, and evidence for verdicts. */
export interface Mark {
  readonly id: string;
  readonly gateway: string;
  readonly at: Ms;
  readonly kind: MarkKind;
  /** In words, whole: "reload: goodgate.yaml taken on (2 endpoints added)". */
  readonly text: string;
  readonly level: "info" | "warn";
  readonly upstream: string;
  readonly endpoint: string;
  /** Who did it, where somebody did: "127.0.0.1", "admin". */
  readonly by: string;
}

export type MarkKind =
  /** Of the process. */
  | "started"
  | "stopping"
  | "reload"
  | "reload-refused"
  | "upgrade"
  /** Told by a pipeline through the API. */
  | "deploy"
  /** An action from the console: drain, enable, weight, check. */
  | "action"
  /** Of an upstream (upstream/events.ts). */
  | "endpoint-gone"
  | "endpoint-back"
  | "health-down"
  | "health-up"
  | "ejected"
  | "returned"
  | "poison-request"
  | "keepalive-learnt"
  | "breaker-opened"
  | "breaker-closed"
  | "outage-begun"
  | "outage-ended"
  /** The addresses of a name have changed. */
  | "addresses-changed";

export interface TimelineEntry {
  readonly at: Ms;
  readonly kind: MarkKind | "opened" | "first-shown" | "last-failure" | "closed" | "verdict-changed";
  readonly text: string;
}

/** What a verdict has to know of the configuration: names and values to speak of. Made anew at each reload. */
export interface Setting {
  readonly upstreams: readonly UpstreamSetting[];
  /** The file that runs, for fixes; null = from the command line. */
  readonly file: string | null;
  /** "yaml" or "nginx": in which words fixes speak. */
  readonly language: "yaml" | "nginx";
}

export interface UpstreamSetting {
  readonly name: string;
  readonly endpoints: readonly {
    readonly label: string;
    readonly host: string;
    /** Where it is dialled: "127.0.0.1:8512", "unix:/run/app.sock"; the label may be a name. */
    readonly address: string;
    readonly backup: boolean;
    readonly down: boolean;
  }[];
  readonly tls: boolean;
  /** Name that is asked for in TLS where it is not the host of the endpoint; "" = that. */
  readonly tlsName?: string;
  readonly timeouts: {
    readonly connectMs: Ms;
    readonly tlsMs: Ms;
    readonly sendMs: Ms;
    readonly headMs: Ms;
    readonly idleBodyMs: Ms;
  };
  readonly keepalive: { readonly idleMs: Ms; readonly auto: boolean };
  readonly hold: { readonly forMs: Ms; readonly requests: number } | null;
  readonly health: { readonly path: string; readonly intervalMs: Ms } | null;
  readonly eject: boolean;
  readonly retryAttempts: number;
  readonly limits: { readonly connections: number; readonly requests: number };
}
