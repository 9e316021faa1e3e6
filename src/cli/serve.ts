// One gateway process at work: gateway, observer, figures; reload, drain and log reopening on demand.
// `run` uses it directly, each worker of `--workers` has one, `demo` has one.
import { formatAddress } from "../config/address.ts";
import type { Config } from "../config/config.ts";
import { readTokens } from "../console/credentials.ts";
import type { ConsoleOptions, ConsoleServer } from "../console/options.ts";
import { startConsole } from "../console/server.ts";
import { DayReport } from "../observe/day-report.ts";
import { EventLog, type ShownEvent } from "../observe/event-log.ts";
import { Ledger, type LedgerDay } from "../observe/ledger.ts";
import { LogWriter } from "../observe/log-writer.ts";
import { Metrics } from "../observe/metrics.ts";
import { createObserver, type ExchangeObserver, type Memory, newMemory } from "../observe/observer.ts";
import { registerProcessMetrics } from "../observe/process-metrics.ts";
import { Traces } from "../observe/traces/traces.ts";
import { Gateway, type GivenSockets, QUIET_MS } from "../proxy/gateway.ts";
import type { ListeningSocket } from "../proxy/listening-socket.ts";
import { log, setLogFormat, setLogSink, useColours } from "../std/log.ts";
import { isWatched } from "./backend/setting.ts";
import { OwnSource, type Source } from "./backend/source.ts";
import { registerUpstreamMetrics } from "./upstream-metrics.ts";
import { version } from "./version.ts";
import { workerId } from "./worker-messages.ts";

/** So long the collector may take with the last spans. */
const TRACES_MS = 2_000;

export class Served {
  readonly gateway: Gateway;
  readonly metrics: Metrics;
  readonly #traces: Traces;
  readonly memory: Memory;
  /** With workers the primary writes the daily line. */
  readonly #dayReport = workerId > 0 ? null : new DayReport(() => this.memory.ledger.days());
  #observer: ExchangeObserver;

  /** `given` = sockets that need not be opened, because somebody else has. */
  constructor(config: Config, given?: GivenSockets) {
    sayAs(config);
    // What nobody would ever take is not gathered.
    this.memory = isWatched(config) ? newMemory() : { ledger: new Ledger(), events: new EventLog() };
    this.metrics = new Metrics();
    registerProcessMetrics(this.metrics, version);
    this.#traces = new Traces(version, this.metrics);
    this.#observer = createObserver(config.log, this.metrics, this.memory);
    this.#observer.tracer = this.#traces.tracerFor(config.observability.traces);
    this.gateway = new Gateway(config, this.#observer, log, given && { given });
    this.#registerGauges();
  }

  async start(): Promise<readonly number[]> {
    await this.gateway.start();
    return this.gateway.ports;
  }

  get sockets(): readonly ListeningSocket[] {
    return this.gateway.sockets;
  }

  /**
   * Another configuration; where it cannot be taken on, the old one stays and the error is thrown. `ended` resolves when
   * nothing runs under the old one any more.
   */
  async reload(config: Config): Promise<{ readonly ended: Promise<void> }> {
    const observer = createObserver(config.log, this.metrics, this.memory);
    let replaced: Awaited<ReturnType<Gateway["reload"]>>;
    try {
      replaced = await this.gateway.reload(config, observer);
    } catch (error) {
      await observer.close();
      throw error;
    }
    sayAs(config);
    observer.tracer = this.#traces.tracerFor(config.observability.traces);
    const old = this.#observer;
    this.#observer = observer;
    // What still runs under the old configuration is logged as it says.
    const ended = replaced.ended.then(() => old.close());
    return { ended };
  }

  async reopenLogs(): Promise<void> {
    await this.#observer.reopen();
  }

  /** Accepts nobody any more until wake(), and lets end what is under way; who comes meanwhile waits in the kernel. */
  rest(): void {
    const { gateway } = this;
    gateway.pauseAccepting(true);
    gateway.closeIdle(QUIET_MS);
    // Whoever was about to send a request has done so by then.
    setTimeout(() => gateway.draining && gateway.closeIdle(0), QUIET_MS);
  }

  wake(): void {
    this.gateway.pauseAccepting(false);
  }

  end(how: "drain" | "stop"): boolean | Promise<boolean> {
    return how === "drain" ? this.drain() : this.close();
  }

  /** Ends in order: exchanges in flight finish, logs are written out. True = nothing was cut. */
  async drain(): Promise<boolean> {
    const whole = await this.gateway.drain();
    await Promise.all([this.#observer.close(), this.#traces.close(TRACES_MS)]);
    this.#dayReport?.end(this.memory.ledger.days());
    return whole;
  }

  /** Ends at once: spans that wait are lost. */
  close(): boolean {
    this.gateway.close();
    void this.#traces.close(0);
    this.#observer.flushSync();
    this.#dayReport?.end(this.memory.ledger.days());
    return true;
  }

  get source(): Source {
    return new OwnSource(this);
  }

  /** What the console asks for. */
  consoleHandlers(): ConsoleHandlers {
    return {
      ready: () => this.ready(),
      metrics: () => this.metrics.render(),
      api: consoleApi(
        () => this.memory.ledger.days(),
        () => this.memory.events.recent(),
      ),
    };
  }

  /** What /readyz says. */
  ready(): { ok: boolean; reasons: string[] } {
    if (this.gateway.ending) return { ok: false, reasons: ["draining"] };
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
    const { descriptors } = gateway;
    metrics.registerGauge(
      "goodgate_open_descriptors_limit",
      "Files that one process may have open; accepting pauses before.",
      () => descriptors.limit ?? [],
      { merge: "min" },
    );
    metrics.registerGauge(
      "goodgate_accept_paused",
      "Processes that let new clients wait, since descriptors are short.",
      () => (descriptors.paused ? 1 : 0),
    );
    metrics.register("goodgate_accept_pauses_total", "Times that accepting was paused.", () => descriptors.pauses, {
      type: "counter",
    });
    registerUpstreamMetrics(metrics, gateway);
  }
}

/** The program's own log in the form that the configuration wants. */
export function sayAs({ log: { own } }: Config): void {
  if (own !== undefined) setLogFormat(own);
}

/** Sends the program's own log through a buffer, so that a reader of stderr that stalls does not stop the traffic. */
export function bufferOwnLog(): LogWriter {
  const writer = new LogWriter({ kind: "stderr" });
  setLogSink((line) => writer.write(line), { colours: useColours() });
  return writer;
}

/** What the console is told, by one process or for all workers. */
export type ConsoleHandlers = Omit<ConsoleOptions, "address" | "token" | "readToken" | "access">;

/** The console's JSON: {"days": LedgerDay[]} and {"events": ShownEvent[]}, both newest first. */
export function consoleApi(
  days: () => readonly LedgerDay[] | Promise<readonly LedgerDay[]>,
  events: () => readonly ShownEvent[] | Promise<readonly ShownEvent[]>,
): NonNullable<ConsoleHandlers["api"]> {
  return {
    "/api/avoided": async () => ({ days: await days() }),
    "/api/events": async () => ({ events: await events() }),
  };
}

/** Starts the console's listener; one that is taken costs the console, not the gateway. */
export async function openConsole(config: Config, handlers: ConsoleHandlers): Promise<ConsoleServer | null> {
  if (!config.console) return null;
  try {
    const access = config.observability.console;
    return await startConsole({ address: config.console, ...handlers, access, ...readTokens(access, process.env) });
  } catch (error) {
    // Who asked for it hears of it: nginx's error_log has nothing below "error" unless told otherwise.
    log.error(`no console: ${(error as Error).message}`, {
      address: formatAddress(config.console),
      hint: config.servers ? "GOODGATE_CONSOLE, --console ADDR or --console off" : "--console ADDR or --console off",
    });
    return null;
  }
}
