// Where the records of exchanges go inside an application: figures, the logs of the configuration, and the
// application's own hooks. A hook that throws costs a line in the log, not the request.
import { EventLog } from "../observe/event-log.ts";
import { FailureLog } from "../observe/failure-log.ts";
import { Ledger } from "../observe/ledger.ts";
import { Metrics } from "../observe/metrics.ts";
import { createObserver, type ExchangeObserver } from "../observe/observer.ts";
import { type ExchangeRecord, hasFailed } from "../observe/record.ts";
import type { Observer } from "../proxy/runtime.ts";
import type { UpstreamEvent } from "../upstream/events.ts";
import { reportOf } from "./exchange-report.ts";
import type { ProxiedExchange } from "./public.ts";
import type { Settings } from "./settings.ts";

export class AppObserver implements Observer {
  readonly metrics = new Metrics();
  readonly #logs: ExchangeObserver;
  /** The failure log where it goes to the application's logger. */
  readonly #failures: FailureLog | null;
  readonly #onExchange: ((exchange: ProxiedExchange) => void) | undefined;
  readonly #onHookError: (error: unknown) => void;

  /** Throws an Error that says which log cannot be opened and why. */
  constructor({ config, logger, ownLogger, onExchange }: Settings) {
    const toLogger = ownLogger && config.log.failures?.to.kind === "stderr";
    const memory = { ledger: new Ledger(), events: new EventLog((level, line) => logger[level](line)) };
    this.#logs = createObserver(toLogger ? { ...config.log, failures: null } : config.log, this.metrics, memory);
    this.#failures = toLogger ? new FailureLog((line) => logger.warn(line.trimEnd())) : null;
    this.#onExchange = onExchange;
    this.#onHookError = (error) =>
      logger.error(`onExchange: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }

  exchangeEnded(record: ExchangeRecord): void {
    this.#logs.exchangeEnded(record);
    try {
      if (this.#failures !== null && hasFailed(record)) this.#failures.record(record, Date.now());
      this.#onExchange?.(reportOf(record));
    } catch (error) {
      this.#onHookError(error);
    }
  }

  upstreamEvent(event: UpstreamEvent): void {
    this.#logs.upstreamEvent(event);
  }

  async close(): Promise<void> {
    this.#failures?.close();
    await this.#logs.close();
  }
}
