// What the data path tells of each exchange, and where it goes: metrics, access log, failure log.
// exchangeEnded never throws and never waits: a log that cannot be written or a format that fails costs its own
// lines, counted, not the request. The record is read before it returns; nothing of it is kept.
import type { LogConfig } from "../config/config.ts";
import type { Ms } from "../std/units.ts";
import { type AccessFormat, compileAccessLog } from "./access-log.ts";
import { FailureLog } from "./failure-log.ts";
import { LogWriter } from "./log-writer.ts";
import type { Metrics } from "./metrics.ts";
import { type ExchangeRecord, hasFailed } from "./record.ts";

/** Takes the records of exchanges that ended. */
export interface ExchangeObserver {
  exchangeEnded(record: ExchangeRecord): void;
  /** Opens log files anew, after they were renamed. */
  reopen(): Promise<void>;
  /** Resolves when what was logged is written, or cannot be. */
  flush(): Promise<void>;
  /** Writes what waits, at once; for the end of the process. */
  flushSync(): void;
  close(): Promise<void>;
}

/** Opens the logs of a configuration; throws an Error that says which cannot be opened and why. */
export function createObserver(config: LogConfig, metrics: Metrics, wallClock: () => Ms = Date.now): ExchangeObserver {
  return new Observer(config, metrics, wallClock);
}

class Observer implements ExchangeObserver {
  readonly #metrics: Metrics;
  readonly #wallClock: () => Ms;
  readonly #format: AccessFormat | null;
  readonly #access: LogWriter | null;
  readonly #failures: LogWriter | null;
  readonly #failureLog: FailureLog | null;

  constructor(config: LogConfig, metrics: Metrics, wallClock: () => Ms) {
    this.#metrics = metrics;
    this.#wallClock = wallClock;
    this.#format = config.access ? compileAccessLog(config.access.format) : null;
    // All formats of the access log are ASCII.
    this.#access = config.access
      ? new LogWriter(config.access.to, {
          name: "access log",
          encoding: "latin1",
          onDrop: (lines) => {
            metrics.linesDropped.access += lines;
          },
        })
      : null;
    try {
      this.#failures = config.failures
        ? new LogWriter(config.failures.to, {
            name: "failure log",
            onDrop: (lines) => {
              metrics.linesDropped.failures += lines;
            },
          })
        : null;
    } catch (error) {
      void this.#access?.close();
      throw error;
    }
    const failures = this.#failures;
    this.#failureLog = failures
      ? new FailureLog((line) => failures.write(line), { dated: config.failures?.to.kind === "file" })
      : null;
  }

  exchangeEnded(record: ExchangeRecord): void {
    try {
      this.#metrics.observe(record);
      if (this.#access === null && this.#failureLog === null) return;
      const wall = this.#wallClock();
      if (this.#failureLog !== null && hasFailed(record)) this.#failureLog.record(record, wall);
      if (this.#access !== null) this.#access.write(this.#format!(record, wall));
    } catch {
      // A defect of ours in a log must not become the visitor's; goodgate_observer_errors_total shows it.
      this.#metrics.observerErrors++;
    }
  }

  async reopen(): Promise<void> {
    await Promise.all([this.#access?.reopen(), this.#failures?.reopen()]);
  }

  async flush(): Promise<void> {
    this.#failureLog?.summarise();
    await Promise.all([this.#access?.flush(), this.#failures?.flush()]);
  }

  flushSync(): void {
    this.#failureLog?.summarise();
    this.#access?.flushSync();
    this.#failures?.flushSync();
  }

  async close(): Promise<void> {
    this.#failureLog?.close();
    await Promise.all([this.#access?.close(), this.#failures?.close()]);
  }
}
