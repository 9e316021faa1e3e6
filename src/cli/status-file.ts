// What came of the last order, in a file beside the pid file: `goodgate reload` and `goodgate upgrade` read it, so
// that their exit code tells what happened and not that a signal was sent.
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { log } from "../std/log.ts";

export type Order = "reload" | "upgrade";

/** What came of an order. */
export interface Outcome {
  readonly ok: boolean;
  /** What there is to say, one entry a line or a problem with its place. */
  readonly said: readonly string[];
}

export interface Status extends Outcome {
  /** The process that was ordered. */
  readonly process: number;
  /** Counts the orders of that process. */
  readonly count: number;
  readonly what: Order;
}

const statusPath = (pidFile: string): string => `${pidFile}.status`;

/** The last status that was written; null where there is none that can be read. */
export function readStatus(pidFile: string): Status | null {
  try {
    return JSON.parse(readFileSync(statusPath(pidFile), "utf8")) as Status;
  } catch {
    // None yet, or the file of another time: no order of ours has been answered.
    return null;
  }
}

/** Writes the outcomes of one process. */
export class StatusFile {
  readonly #path: string;
  #count = 0;

  constructor(pidFile: string) {
    this.#path = statusPath(pidFile);
  }

  write(what: Order, { ok, said }: Outcome): void {
    const status: Status = { process: process.pid, count: ++this.#count, what, ok, said };
    try {
      // A reader sees the old one or the new one, never half of it. Problems quote the configuration: not for others.
      writeFileSync(`${this.#path}.new`, `${JSON.stringify(status)}\n`, { mode: 0o600 });
      renameSync(`${this.#path}.new`, this.#path);
    } catch (error) {
      log.warn(`what came of the ${what} cannot be told to whoever ordered it: ${(error as Error).message}`);
    }
  }

  remove(): void {
    rmSync(this.#path, { force: true });
  }
}
