// One gateway process at work: gateway, observer, figures; reload, drain and log reopening on demand.
// `run` uses it directly, each worker of `--workers` has one, `demo` has one.

import { formatAddress } from "../config/address.ts";
import type { Config } from "../config/config.ts";
import { type ConsoleServer, startConsole } from "../console/server.ts";
import { LogWriter } from "../observe/log-writer.ts";
import { Metrics } from "../observe/metrics.ts";
import { createObserver, type ExchangeObserver } from "../observe/observer.ts";
import { registerProcessMetrics } from "../observe/process-metrics.ts";
import { Gateway } from "../proxy/gateway.ts";
import { log, setLogSink, useColours } from "../std/log.ts";
import { version } from "./version.ts";

/** How long a generation's logs stay open for exchanges that still use them, after a reload. */
const OLD_LOGS_CLOSE_MS = 60_000;

export class Served {
  readonly gateway: Gateway;
  readonly metrics: Metrics;
  #observer: ExchangeObserver;

  constructor(config: Config) {
    this.metrics = new Metrics();
    registerProcessMetrics(this.metrics, version);
    this.#observer = createObserver(config.log, this.metrics);
    this.gateway = new Gateway(config, this.#observer, log);
    this.#registerGauges();
  }

  /** Another configuration; where it cannot be taken on, the old one stays and the error is thrown. */
  async reload(config: Config): Promise<void> {
    const observer = createObserver(config.log, this.metrics);
    try {
      await this.gateway.reload(config, observer);
    } catch (error) {
      await observer.close();
      throw error;
    }
    const old = this.#observer;
    this.#observer = observer;
    setTimeout(() => void old.close(), OLD_LOGS_CLOSE_MS).unref();
  }

  async reopenLogs(): Promise<void> {
    await this.#observer.reopen();
  }

  /** Ends in order: exchanges in flight finish, logs are written out. True = nothing was cut. */
  async drain(): Promise<boolean> {
    const whole = await this.gateway.drain();
    await this.#observer.close();
    return whole;
  }

  /** Ends at once. */
  close(): boolean {
    this.gateway.close();
    return true;
  }

  /** What /readyz says. */
  ready(): { ok: boolean; reasons: string[] } {
    if (this.gateway.draining) return { ok: false, reasons: ["draining"] };
    const reasons = this.gateway.unusableUpstreams().map((name) => `upstream ${name} has no usable endpoint`);
    return { ok: reasons.length === 0, reasons };
  }

  #registerGauges(): void {
    const { metrics, gateway } = this;
    metrics.registerGauge("goodgate_client_connections", "Open client connections.", () => gateway.connections.size);
    metrics.register(
      "goodgate_tls_handshakes_failed_total",
      "TLS handshakes of clients that failed.",
      () => gateway.handshakesFailed,
      { type: "counter" },
    );
    const perEndpoint = (read: (pool: { open: number; idle: number }, active: number) => number) => () =>
      [...gateway.runtime.groups.values()].flatMap((group) =>
        group.endpoints.map((e): readonly [readonly string[], number] => [
          [group.config.name, e.label],
          read(e.pool, e.active),
        ]),
      );
    const labels = ["upstream", "endpoint"];
    metrics.registerGauge(
      "goodgate_upstream_connections",
      "Open connections to the endpoint.",
      perEndpoint((pool) => pool.open),
      { labels },
    );
    metrics.registerGauge(
      "goodgate_upstream_connections_idle",
      "Idle connections to the endpoint.",
      perEndpoint((pool) => pool.idle),
      { labels },
    );
    metrics.registerGauge(
      "goodgate_upstream_active",
      "Attempts in flight.",
      perEndpoint((_pool, active) => active),
      { labels },
    );
  }
}

/** Sends the program's own log through a buffer, so that a reader of stderr that stalls does not stop the traffic. */
export function bufferOwnLog(): LogWriter {
  const writer = new LogWriter({ kind: "stderr" });
  setLogSink((line) => writer.write(line), { colours: useColours() });
  return writer;
}

/** Starts the console's listener; one that is taken costs the console, not the gateway. */
export async function openConsole(
  config: Config,
  handlers: Pick<Parameters<typeof startConsole>[0], "ready" | "metrics">,
): Promise<ConsoleServer | null> {
  if (!config.console) return null;
  try {
    const token = process.env["GOODGATE_CONSOLE_TOKEN"];
    return await startConsole({ address: config.console, ...handlers, ...(token ? { token } : {}) });
  } catch (error) {
    log.warn(`no console: ${(error as Error).message}`, {
      address: formatAddress(config.console),
      hint: "--console ADDR or --console off",
    });
    return null;
  }
}
