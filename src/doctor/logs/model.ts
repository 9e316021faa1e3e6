// What the logs say together: failures as events with their facts, counted by class, member and time, and the patterns
// that single lines cannot show. Texts are redacted when they are taken in. Bounded whatever the size of the logs.
import type { Confidence } from "../../explain/explanation.ts";
import type { LogReport } from "../../explain/log/log-report.ts";
import type { Timer } from "../../explain/timers.ts";
import type { CauseId } from "../../failure/causes.ts";
import type { EntryClass } from "../../knowledge/entry.ts";
import type { Bytes, Ms } from "../../std/units.ts";
import type { InputProblem } from "../evidence.ts";

export interface LogEvidence {
  readonly files: readonly LogFile[];
  /** Over all files. */
  readonly series: FailureSeries | null;
  readonly members: readonly MemberCount[];
  readonly patterns: readonly LogPattern[];
  /** Requests that more than one file tells of, newest last; at most 200. */
  readonly joined: readonly JoinedRequest[];
  /** What was written while doctor sent its own requests: proof of what they met. */
  readonly duringProbes: readonly LogEvent[];
  readonly problems: readonly InputProblem[];
}

export interface LogFile {
  /** As it was given. */
  readonly file: string;
  readonly bytes: Bytes;
  /** How much was read; less than bytes where only the end of a very large file was. */
  readonly readBytes: Bytes;
  /** "utf-8", "utf-16le", "latin1", "gzip + utf-8". */
  readonly encoding: string;
  /** Formats of its lines, most frequent first: "nginx-error". */
  readonly formats: readonly { readonly format: string; readonly lines: number }[];
  readonly software: string | null;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** Groups and totals as `goodgate explain --log` has them. */
  readonly report: LogReport;
  /** Failures, oldest first: the first of each group and the newest, at most 500. */
  readonly events: readonly LogEvent[];
  /** Starts, stops, reloads, crashes, kills, deploys that the log tells of, oldest first; at most 200. */
  readonly turns: readonly LogTurn[];
}

export interface LogEvent {
  readonly file: string;
  readonly line: number;
  readonly atMs: number | null;
  readonly time: string | null;
  readonly class: EntryClass | null;
  readonly confidence: Confidence;
  readonly upstream: string | null;
  readonly client: string | null;
  readonly host: string | null;
  readonly method: string | null;
  readonly path: string | null;
  readonly status: number | null;
  readonly upstreamStatus: number | null;
  readonly durationMs: Ms | null;
  readonly requestId: string | null;
  readonly pid: number | null;
  readonly software: string | null;
  /** The line, redacted, at most 600 characters. */
  readonly text: string;
}

/** Something happened to a program. */
export interface LogTurn {
  readonly file: string;
  readonly line: number;
  readonly atMs: number | null;
  readonly kind:
    | "start"
    | "stop"
    | "reload"
    | "crash"
    | "oom-kill"
    | "deploy"
    | "worker-killed"
    | "health-down"
    | "health-up";
  readonly what: string;
  readonly text: string;
}

/** Failures over time, in equal steps. */
export interface FailureSeries {
  readonly fromMs: number;
  readonly stepMs: Ms;
  /** Requests, where access logs tell; null = only failures are known. */
  readonly requests: readonly number[] | null;
  readonly failures: readonly number[];
  /** The classes with the most failures, at most 6, then the rest under "other". */
  readonly classes: readonly { readonly class: EntryClass | "other"; readonly counts: readonly number[] }[];
  readonly turns: readonly LogTurn[];
}

export interface MemberCount {
  readonly upstream: string;
  /** null = the logs tell only of failures. */
  readonly requests: number | null;
  readonly failures: number;
  readonly classes: readonly { readonly class: EntryClass | null; readonly count: number }[];
}

/** What the lines show together. */
export interface LogPattern {
  readonly id:
    | "one-bad-member"
    | "all-members"
    | "burst"
    | "steady"
    | "after-turn"
    | "idle-gap"
    | "duration-cluster"
    | "status-pair"
    | "one-path"
    | "retry-chain"
    | "over";
  readonly class: CauseId | null;
  readonly certainty: "proven" | "likely" | "possible";
  /** In words, with the numbers. */
  readonly text: string;
  readonly upstream: string | null;
  readonly count: number;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** duration-cluster: the value, and the timers that it may be. */
  readonly durationMs: Ms | null;
  readonly timers: readonly Timer[];
  /** Lines that show it. */
  readonly lines: readonly { readonly file: string; readonly line: number }[];
}

/** The same request in several logs, outermost first where that can be told. */
export interface JoinedRequest {
  readonly by: "request-id" | "time-and-path";
  readonly key: string;
  readonly events: readonly LogEvent[];
}
