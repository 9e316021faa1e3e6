// What the console's API says, as types: the page, `goodgate top` and `goodgate incidents` read these. Every answer of
// /api/v1/ is one of them as JSON; docs/openapi.json says the same for everybody else (a test compares).
// Instants are milliseconds of the wall clock, spans milliseconds, rates per second.
import type { Incident, Mark } from "../incidents/model.ts";
import type { IncidentRow } from "../incidents/row.ts";
import type { HeadField, Rates, TailEntry, TailFilter } from "../observe/report.ts";
import type { Bytes, Ms } from "../std/units.ts";
import type {
  AuditEntry,
  FailureQuery,
  GatewayInfo,
  IncidentQuery,
  Page,
  PathFigures,
  PointsAnswer,
  PointsQuery,
  Range,
  StoredFailure,
  StoreState,
} from "../store/model.ts";
import type { ActionResult, EndpointAction } from "../upstream/administer.ts";

export type { ActionResult, EndpointAction, Rates };

/** The gateway at this moment: GET /api/v1/now, and the event "now" of GET /api/v1/live. */
export interface Now {
  readonly at: Ms;
  readonly gateway: {
    readonly id: string;
    readonly name: string;
    readonly version: string;
    readonly startedAt: Ms;
    readonly processes: number;
    readonly connections: number;
    /** Share of one CPU, 0 to 1 per process. */
    readonly cpu: number;
    readonly rssBytes: Bytes;
    readonly ready: boolean;
    readonly reasons: readonly string[];
    /** The configuration file; null = from the command line. */
    readonly file: string | null;
    readonly language: "yaml" | "nginx";
    readonly demo: boolean;
  };
  readonly all: Rates;
  readonly listeners: readonly { readonly label: string; readonly tls: boolean }[];
  readonly routes: readonly RouteNow[];
  readonly upstreams: readonly UpstreamNow[];
  /** The open ones, most severe first, at most 20. */
  readonly incidents: readonly IncidentRow[];
  readonly openIncidents: number;
  /** What is wrong with the console itself: the store does not write, lines were dropped. */
  readonly problems: readonly string[];
}

export interface RouteNow {
  readonly name: string;
  /** What it matches, in words: "shop.example/api/*". */
  readonly match: string;
  /** null = the gateway answers itself. */
  readonly upstream: string | null;
  readonly action: string;
  readonly rates: Rates;
}

export interface UpstreamNow {
  readonly name: string;
  readonly balance: string;
  readonly rates: Rates;
  readonly held: number;
  readonly queued: number;
  readonly inFlight: number;
  readonly breaker: "closed" | "open";
  /** Since when no endpoint can be used; null = one can. */
  readonly awaySince: Ms | null;
  readonly panicking: boolean;
  readonly endpoints: readonly EndpointNow[];
}

/** ok; warming = share still grows; gone = nothing listens; unhealthy = checks fail; ejected = requests failed; draining, disabled = somebody said so; down = the file says so. */
export type EndpointState = "ok" | "warming" | "gone" | "unhealthy" | "ejected" | "draining" | "disabled" | "down";

export interface EndpointNow {
  readonly label: string;
  readonly state: EndpointState;
  /** Why, in words; "" where it is ok. */
  readonly why: string;
  /** Since when it is in this state, as far as known. */
  readonly since: Ms | null;
  readonly weight: number;
  /** As the file says. */
  readonly configuredWeight: number;
  readonly backup: boolean;
  readonly active: number;
  readonly connections: number;
  readonly idle: number;
  /** The endpoint's own idle timer as said or learnt; null = unknown. */
  readonly keepAliveMs: Ms | null;
  readonly keepAliveFrom: "hint" | "closes" | null;
  readonly rates: Rates;
}

export type { IncidentRow };

/** GET /api/v1/config. */
export interface ConfigView {
  readonly file: string | null;
  readonly language: "yaml" | "nginx";
  /** The file as it ran at the last load, secrets taken out; null = there is none. */
  readonly text: string | null;
  readonly loadedAt: Ms;
  /** Every value in force: where it comes from. */
  readonly values: readonly ConfigValue[];
  /** What check says. */
  readonly findings: readonly ConfigFinding[];
  /** Unified diff from what runs to the file as it is now; "" = the same. */
  readonly diff: string;
  /** Whether the file as it is now could be taken on; null = the same. */
  readonly pending: { readonly ok: boolean; readonly findings: readonly ConfigFinding[] } | null;
}

export interface ConfigValue {
  /** "upstreams.app.timeouts.connect" */
  readonly path: string;
  readonly value: string;
  readonly from: "file" | "default" | "command line";
  readonly line: number | null;
}

export interface ConfigFinding {
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly hint: string;
  readonly line: number | null;
  readonly cause: string | null;
}

/** The timers of a way through this gateway and where they do not fit: GET /api/v1/timeouts?upstream=. */
export interface TimeoutsView {
  readonly upstream: string;
  readonly hops: readonly {
    readonly name: string;
    readonly timers: readonly { readonly name: string; readonly ms: Ms | null; readonly from: string }[];
  }[];
  readonly inversions: readonly { readonly text: string; readonly fix: string }[];
}

/** POST /api/v1/failures/ID/replay. */
export interface ReplayRequest {
  /** "upstream endpoint"; absent = where it failed. */
  readonly endpoint?: string;
}

export interface ReplayResult {
  readonly ok: boolean;
  /** Why it was not sent: the method is not safe, the query was redacted … */
  readonly refused: string | null;
  readonly endpoint: string;
  readonly request: { readonly method: string; readonly target: string; readonly head: readonly HeadField[] };
  readonly then: ReplaySide;
  readonly now: ReplaySide | null;
  /** What is different, in words. */
  readonly differences: readonly string[];
  readonly verdict: string;
}

export interface ReplaySide {
  readonly status: number;
  readonly cause: string | null;
  readonly sentence: string;
  readonly durationMs: Ms;
  readonly head: readonly HeadField[] | null;
  readonly bytes: Bytes;
}

/** POST /api/v1/doctor. Only what the configuration names is asked. */
export interface DoctorRequest {
  readonly upstream?: string;
  readonly path?: string;
}

/** What the console needs of the program; cli/ gives it. Promises reject with Errors whose message may be shown. */
export interface Backend {
  now(): Promise<Now>;
  /** Called about once a second with "now", and at once with what happens. Returns how to stop. */
  live(take: (event: LiveEvent) => void): () => void;
  incidents(query: IncidentQuery): Promise<Page<IncidentRow>>;
  incident(id: string): Promise<Incident | null>;
  failures(query: FailureQuery): Promise<Page<StoredFailure>>;
  failure(id: string): Promise<StoredFailure | null>;
  /** Of one gateway, or of "all"; of this one where none is named. */
  marks(range: Range, gateway?: string): Promise<readonly Mark[]>;
  addMark(text: string, by: string): Promise<Mark>;
  points(query: PointsQuery): Promise<PointsAnswer>;
  /** As marks. */
  paths(
    range: Range,
    gateway?: string,
  ): Promise<{ readonly slow: readonly PathFigures[]; readonly failing: readonly PathFigures[] }>;
  tail(filter: TailFilter, take: (entries: readonly TailEntry[], left: number) => void): () => void;
  act(action: EndpointAction, by: string): Promise<ActionResult>;
  config(): Promise<ConfigView>;
  reload(by: string): Promise<ActionResult>;
  timeouts(upstream: string): Promise<TimeoutsView>;
  /** The document of `goodgate doctor --json`. */
  doctor(request: DoctorRequest, signal: AbortSignal): Promise<unknown>;
  replay(failure: string, request: ReplayRequest): Promise<ReplayResult>;
  gateways(): Promise<readonly GatewayInfo[]>;
  audit(limit: number): Promise<readonly AuditEntry[]>;
  tellAudit(entry: Omit<AuditEntry, "id" | "gateway" | "at">): void;
  store(): StoreState;
  /** null = this is no demo. */
  readonly demo: DemoBackend | null;
}

export type LiveEvent =
  | { readonly event: "now"; readonly now: Now }
  | { readonly event: "incident"; readonly incident: IncidentRow }
  | { readonly event: "mark"; readonly mark: Mark };

/** The demo's buttons: GET and POST /api/v1/demo. */
export interface DemoBackend {
  state(): DemoState;
  /** crash = nothing listens; slow = answers late; freeze = accepts and never answers; error = answers 500; reset = cuts; heal. */
  do(action: DemoAction): Promise<DemoState>;
}

export type DemoWhat = "crash" | "restart" | "slow" | "freeze" | "error" | "reset" | "heal";
export type DemoAction =
  /** A shop's name, or "all". */
  | { readonly shop: string; readonly do: DemoWhat }
  /** Visitors that the demo makes, per second: 0 to 500. */
  | { readonly visitors: number };

export interface DemoState {
  readonly shops: readonly {
    readonly name: string;
    readonly endpoint: string;
    readonly state: string;
    readonly doing: DemoWhat | "fine";
  }[];
  readonly visitors: number;
  /** The shop's own address, for a link. */
  readonly shopUrl: string;
  /** What the visitors saw since the start. */
  readonly seen?: {
    readonly requests: number;
    /** Answers below 500; 500 and more; none, or one that broke off; later than a second. */
    readonly fine: number;
    readonly errors: number;
    readonly cut: number;
    readonly slow: number;
    /** Not sent, since too many were waiting. */
    readonly turnedAway: number;
  };
}

/** GET /api/v1/session: who is asking, and what is allowed. */
export interface SessionView {
  readonly role: "admin" | "reader";
  readonly by: string;
  /** Whether a token is needed at all; false on loopback without one. */
  readonly tokens: boolean;
}
