// What the data path tells of each exchange and of its upstreams, and where it goes: metrics, ledger, what is gathered
// for the console, access log, failure log, the program's own log. exchangeEnded and upstreamEvent never throw and never wait: a log that cannot
// be written or a format that fails costs its own lines, counted, not the request. A record is read before
// exchangeEnded returns; nothing of it is kept.
import type { LogConfig } from "../config/config.ts";
import { log } from "../std/log.ts";
import type { Ms } from "../std/units.ts";
import type { UpstreamEvent } from "../upstream/events.ts";
import { type AccessFormat, compileAccessLog } from "./access-log.ts";
import { Capture } from "./capture.ts";
import { EventLog } from "./event-log.ts";
import { FailureLog } from "./failure-log.ts";
import { Ledger } from "./ledger.ts";
import { LogWriter } from "./log-writer.ts";
import type { Metrics } from "./metrics.ts";
import { type ExchangeRecord, hasFailed } from "./record.ts";
import { ServerLogs } from "./server-logs.ts";
import type { Tracer } from "./traces/tracer.ts";

/** What is remembered beside the metrics; it outlives a reload. */
export interface Memory {
  readonly ledger: Ledger;
  readonly events: EventLog;
  /** What is gathered for the console; absent where there is none. */
  readonly capture?: Capture;
}

/** A memory with nothing in it, of a process that serves traffic. */
export function newMemory(): Memory & { readonly capture: Capture } {
  return { ledger: new Ledger(), events: new EventLog(), capture: new Capture() };
}

/** Takes the records of exchanges that ended, and what happens to upstreams. */
export interface ExchangeObserver {
  exchangeEnded(record: ExchangeRecord): void;
  upstreamEvent(event: UpstreamEvent): void;
  /** Opens log files anew, after they were renamed. */
  reopen(): Promise<void>;
  /** Resolves when what was logged is written, or cannot be. */
  flush(): Promise<void>;
  /** Writes what waits, at once; for the end of the process. */
  flushSync(): void;
  close(): Promise<void>;
  readonly logs: ServerLogs;
  /** The traces of this process; null = none are configured. */
  tracer: Tracer | null;
}

/** Opens the logs of a configuration; throws an Error that says which cannot be opened and why. */
export function createObserver(
  config: LogConfig,
  metrics: Metrics,
  memory: Memory = newMemory(),
  wallClock: () => Ms = Date.now,
): ExchangeObserver {
  return new Observer(config, metrics, memory, wallClock);
}

class Observer implements ExchangeObserver {
  readonly #metrics: Metrics;
  readonly #memory: Memory;
  readonly #wallClock: () => Ms;
  readonly #format: AccessFormat | null;
  readonly #access: LogWriter | null;
  readonly #failures: LogWriter | null;
  readonly #failureLog: FailureLog | null;
  readonly logs: ServerLogs;
  tracer: Tracer | null = null;

  constructor(config: LogConfig, metrics: Metrics, memory: Memory, wallClock: () => Ms) {
    this.#metrics = metrics;
    this.#memory = memory;
    this.#wallClock = wallClock;
    this.logs = new ServerLogs(
      (message) => log.warn(message),
      (lines) => {
        metrics.linesDropped.access += lines;
      },
    );
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
      ? new FailureLog((line) => failures.write(line), {
          dated: config.failures?.to.kind === "file",
          format: config.failures?.format ?? "text",
        })
      : null;
  }

  exchangeEnded(record: ExchangeRecord): void {
    try {
      const wall = this.#wallClock();
      this.#metrics.observe(record);
      this.#memory.ledger.observe(record, wall);
      if (this.#failureLog !== null && hasFailed(record)) this.#failureLog.record(record, wall);
      if (this.#access !== null) this.#access.write(this.#format!(record, wall));
      this.#memory.capture?.observe(record, wall);
      if (this.tracer !== null) this.tracer.exchangeEnded(record, wall);
    } catch {
      // A defect of ours in a log must not become the visitor's; goodgate_observer_errors_total shows it.
      this.#metrics.observerErrors++;
    }
  }

  upstreamEvent(event: UpstreamEvent): void {
    try {
      this.#metrics.observeEvent(event);
      const wall = this.#wallClock();
      this.#memory.capture?.event(event, wall);
      this.#memory.events.take(event, wall);
    } catch {
      // As above: what we say of an upstream must not become its failure.
      this.#metrics.observerErrors++;
    }
  }

  async reopen(): Promise<void> {
    await Promise.all([this.#access?.reopen(), this.#failures?.reopen(), this.logs.reopen()]);
  }

  async flush(): Promise<void> {
    this.#failureLog?.summarise();
    await Promise.all([this.#access?.flush(), this.#failures?.flush(), this.logs.flush()]);
  }

  flushSync(): void {
    this.#failureLog?.summarise();
    this.#access?.flushSync();
    this.#failures?.flushSync();
    this.logs.flushSync();
  }

  async close(): Promise<void> {
    this.#failureLog?.close();
    this.#memory.events.summarise();
    await Promise.all([this.#access?.close(), this.#failures?.close(), this.logs.close()]);
  }
}
