// What the primary and its workers say to each other, and how a worker knows that it is one.
import type { ChildProcess } from "node:child_process";
import type { Address, Config } from "../config/config.ts";
import type { ShownEvent } from "../observe/event-log.ts";
import type { LedgerDay } from "../observe/ledger.ts";
import type { Family } from "../observe/metrics-text.ts";

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
  | { do: "snapshot"; id: number };

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
  | {
      is: "snapshot";
      /** Of the question that it answers; 0 = it is the last one, said without being asked. */
      id: number;
      worker: number;
      families: Family[];
      days: readonly LedgerDay[];
      events: readonly ShownEvent[];
      ready: { ok: boolean; reasons: string[] };
    };
