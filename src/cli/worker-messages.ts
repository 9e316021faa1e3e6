// What the primary and its workers say to each other.
import type { Family } from "../observe/metrics-text.ts";

/** Orders of the primary. */
export type ToWorker = { do: "reload" | "reopen" | "drain" | "stop" } | { do: "snapshot"; id: number };

/** Why a worker cannot start: the system's error. */
export interface StartError {
  readonly code: string;
  readonly message: string;
  readonly address: string;
  readonly port: number;
}

export type FromWorker =
  | { is: "ready"; ports: number[] }
  | { is: "cannot-start"; error: StartError }
  | { is: "snapshot"; id: number; worker: number; families: Family[]; ready: { ok: boolean; reasons: string[] } };
