// What the store keeps and is asked for. Everything that is given to it is taken at once into a bounded queue and
// written behind the caller's back (store.ts); what does not fit is dropped and counted. Questions are promises.
import type { Incident, Mark, MarkKind, Severity } from "../incidents/model.ts";
import type { KeptFailure, Point, SeriesKind, TailEntry } from "../observe/report.ts";
import type { Bytes, Ms } from "../std/units.ts";

/** A gateway that writes into the store. */
export interface GatewayInfo {
  /** Stable over restarts: by host and listeners. */
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly version: string;
  readonly startedAt: Ms;
  readonly seenAt: Ms;
}

export interface StoreOptions {
  readonly target: StoreTarget;
  readonly gateway: GatewayInfo;
  readonly keep: Retention;
}

export type StoreTarget =
  | { readonly kind: "sqlite"; readonly folder: string }
  | { readonly kind: "memory" }
  | { readonly kind: "postgres"; readonly url: string };

export interface Retention {
  readonly forMs: Ms;
  /** Of the whole store; the oldest failures go first, then points, then closed incidents. */
  readonly bytes: Bytes;
}

/** A time span; from inclusive, to exclusive. */
export interface Range {
  readonly from: Ms;
  readonly to: Ms;
}

export interface IncidentQuery {
  readonly state?: "open" | "closed";
  readonly severities?: readonly Severity[];
  readonly range?: Range;
  readonly upstream?: string;
  readonly endpoint?: string;
  readonly cause?: string;
  /** In verdict, upstream, cause, paths; whatever the case. */
  readonly text?: string;
  /** Absent = this gateway's; "all" = all in the store. */
  readonly gateway?: string;
  /** At most 500; default 50. Newest first. */
  readonly limit?: number;
  /** Cursor of the page before. */
  readonly before?: string;
}

export interface FailureQuery {
  readonly incident?: string;
  readonly range?: Range;
  readonly cause?: string;
  readonly upstream?: string;
  readonly endpoint?: string;
  readonly route?: string;
  /** In request id, method, address, client, trace, cause, endpoint, sentence; the newest 50,000 rows that fit are looked
   *  through, and a page that found less than its limit has a `next` where there are more to look through. */
  readonly text?: string;
  readonly limit?: number;
  readonly before?: string;
  readonly gateway?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Cursor for the next page; null = this was the last. */
  readonly next: string | null;
  /** In all, where it is known cheaply. */
  readonly total: number | null;
}

export interface PointsQuery {
  readonly range: Range;
  readonly kind: SeriesKind;
  /** Absent = all of the kind. */
  readonly names?: readonly string[];
  /** Wanted points per series, about; the store chooses the resolution (10 s, 1 min, 10 min, 2 h). */
  readonly points?: number;
  readonly gateway?: string;
}

/** Points of one resolution in order of name and time; spans without traffic are absent. */
export interface PointsAnswer {
  readonly spanMs: Ms;
  readonly points: readonly Point[];
}

export interface PathFigures {
  readonly host: string;
  readonly path: string;
  readonly method: string;
  readonly count: number;
  readonly worstMs: Ms;
  readonly meanMs: Ms;
  readonly route: string;
  /** By cause; empty for slow ones. */
  readonly causes: Readonly<Record<string, number>>;
}

export interface StoreState {
  readonly kind: StoreTarget["kind"];
  /** Folder's file, or the address without its password. */
  readonly where: string;
  /** "writing", or why not ("the disk is full"): then it tries again, and says what was dropped. */
  readonly ok: boolean;
  readonly problem: string | null;
  readonly bytes: Bytes;
  readonly queued: number;
  readonly written: number;
  readonly dropped: number;
  readonly oldestAt: Ms | null;
}

/** One audit line: who did what through the console, and what came of it. */
export interface AuditEntry {
  readonly id: string;
  readonly gateway: string;
  readonly at: Ms;
  readonly by: string;
  readonly role: "admin" | "reader";
  readonly client: string;
  readonly action: string;
  readonly outcome: string;
}

export interface Store {
  putIncidents(incidents: readonly Incident[]): void;
  /** With the incident that each belongs to. */
  putFailures(failures: readonly (KeptFailure & { readonly incident: string; readonly gateway: string })[]): void;
  putMarks(marks: readonly Mark[]): void;
  putPoints(points: readonly Point[]): void;
  putSlow(entries: readonly TailEntry[]): void;
  putAudit(entries: readonly AuditEntry[]): void;
  incidents(query: IncidentQuery): Promise<Page<Incident>>;
  incident(id: string): Promise<Incident | null>;
  failures(query: FailureQuery): Promise<Page<StoredFailure>>;
  /** By its id, or by the id of its request. */
  failure(id: string): Promise<StoredFailure | null>;
  marks(range: Range, gateway?: string, kinds?: readonly MarkKind[]): Promise<readonly Mark[]>;
  points(query: PointsQuery): Promise<PointsAnswer>;
  /** The slowest and the most failing paths. */
  paths(
    range: Range,
    gateway?: string,
  ): Promise<{ readonly slow: readonly PathFigures[]; readonly failing: readonly PathFigures[] }>;
  audit(limit: number): Promise<readonly AuditEntry[]>;
  gateways(): Promise<readonly GatewayInfo[]>;
  state(): StoreState;
  /** Resolves when all that was given is written, or cannot be. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export type StoredFailure = KeptFailure & { readonly incident: string; readonly gateway: string };
