// What the primary and its workers say to each other, and how a worker knows that it is one.
import type { ChildProcess } from "node:child_process";
import type { Address, Config } from "../config/config.ts";
import type { ShownEvent } from "../observe/event-log.ts";
import type { LedgerDay } from "../observe/ledger.ts";
import type { Family } from "../observe/metrics-text.ts";
import type { Report, TailFilter } from "../observe/report.ts";
import type { OpenIncident } from "../proxy/open-incidents.ts";
import type { ActionResult, EndpointAction } from "../upstream/administer.ts";
import type { ProcessState } from "./backend/process-state.ts";
import type { Tailed } from "./backend/source.ts";

const WORKER = "GOODGATE_WORKER";

/** Which worker this process is; 0 = none. */
export const workerId = process.send ? Number(process.env[WORKER] ?? 0) : 0;

/** What makes a child that is started with it a worker. */
export const workerEnv = (id: number): NodeJS.ProcessEnv => ({ ...process.env, [WORKER]: String(id) });

/** A worker as the primary sees it. */
export interface Worker {
  readonly id: number;
  readonly process: ChildProcess;
}

/** Orders of the primary. The configuration comes with them: all workers run what the primary has read and checked. */
export type ToWorker =
  | { do: "start" | "reload"; config: Config }
  | { do: "reopen" | "drain" | "stop" }
  /** A listening socket comes with it. */
  | { do: "take"; address: Address }
  | { do: "snapshot"; id: number }
  /** Requests are told as they end, from now on; null = no more. */
  | { do: "tail"; id: number; filter: TailFilter | null }
  /** Those that are open now. */
  | { do: "incidents"; incidents: readonly OpenIncident[] }
  | { do: "act"; id: number; action: EndpointAction };

/** Why a worker cannot start: the system's error. */
export interface StartError {
  readonly code: string;
  readonly message: string;
  readonly address: string;
  readonly port: number;
}

export type FromWorker =
  /** It hears what it is told from now on. */
  | { is: "here" }
  | { is: "reloaded"; problem: string | null }
  | { is: "ready" }
  /** A line of its own log. */
  | { is: "said"; line: string }
  | { is: "cannot-start"; error: StartError }
  /** What it saw since the last one. */
  | { is: "report"; report: Report }
  | { is: "tail"; id: number; tailed: Tailed }
  | { is: "acted"; id: number; result: ActionResult }
  | {
      is: "snapshot";
      /** Of the question that it answers; 0 = it is the last one, said without being asked. */
      id: number;
      worker: number;
      families: Family[];
      days: readonly LedgerDay[];
      events: readonly ShownEvent[];
      ready: { ok: boolean; reasons: string[] };
      state: ProcessState;
    };
