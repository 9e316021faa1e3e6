// --workers N: one primary that owns the console and the signals, N workers that own the traffic.
// A worker that dies is replaced at once (with a pause where it dies again and again); only its own exchanges fail.
import cluster, { type Worker } from "node:cluster";
import { availableParallelism } from "node:os";
import { formatAddress } from "../config/address.ts";
import type { Config } from "../config/config.ts";
import { log } from "../std/log.ts";
import { announce, warnOfSilentEndpoints } from "./announce.ts";
import type { Loaded } from "./load.ts";
import { removePidFile, writePidFile } from "./pid-file.ts";
import { reportStartError } from "./problems.ts";
import { bufferOwnLog, openConsole } from "./serve.ts";
import { onSignals, reload } from "./signals.ts";
import { WorkerFigures } from "./worker-figures.ts";
import type { FromWorker, StartError, ToWorker } from "./worker-messages.ts";

/** A worker that lived shorter than this is replaced after a pause. */
const SHORT_LIFE_MS = 1_000;
const PAUSE_MS = 500;

export function workerCount(workers: number | "auto"): number {
  return workers === "auto" ? availableParallelism() : workers;
}

/** The primary's life. Resolves with an exit code where the first worker cannot start. */
export async function runPrimary(config: Config, load: () => Loaded, pidFile: string): Promise<number | undefined> {
  const crew = new Crew();
  const ownLog = bufferOwnLog();
  let console_: Awaited<ReturnType<typeof openConsole>> = null;
  const end = async (how: "drain" | "stop"): Promise<void> => {
    const whole = await crew.end(how);
    await console_?.close();
    await ownLog.close();
    removePidFile(pidFile);
    process.exit(whole ? 0 : 1);
  };
  onSignals({
    reload: () => reload(load, async () => crew.order({ do: "reload" })),
    reopen: async () => crew.order({ do: "reopen" }),
    drain: () => end("drain"),
    stop: () => end("stop"),
  });
  const count = workerCount(config.workers);
  const ports = await crew.start(count);
  if (!Array.isArray(ports)) {
    reportStartError(ports);
    return 1;
  }
  console_ = await openConsole(config, { ready: () => crew.ready(), metrics: () => crew.metrics() });
  writePidFile(pidFile);
  announce(config, ports, console_ && formatAddress(console_.address), null, count);
  void warnOfSilentEndpoints(config);
  return undefined;
}

/** The workers, as many as there should be. */
class Crew {
  readonly #started = new Map<number, number>();
  readonly #figures = new WorkerFigures();
  #ending: "drain" | "stop" | null = null;
  #allWhole = true;
  #onGone: () => void = () => {};

  /** Starts `count` workers. The first shows whether the listeners can be opened: gives its ports, or its error. */
  async start(count: number): Promise<number[] | StartError> {
    const first = this.#fork();
    const ports = await new Promise<number[] | StartError>((resolve) => {
      first.on("message", (message: FromWorker) => {
        if (message.is === "ready") resolve(message.ports);
        else if (message.is === "cannot-start") resolve(message.error);
      });
      first.on("exit", (code, signal) =>
        resolve({ code: "", message: `the worker ended (${signal ?? code})`, address: "", port: 0 }),
      );
    });
    if (!Array.isArray(ports)) return ports;
    cluster.on("exit", (worker, code, signal) => this.#exited(worker, code, signal));
    if (!this.#ending) for (let i = 1; i < count; i++) this.#fork();
    return ports;
  }

  order(message: ToWorker): void {
    for (const worker of this.#connected()) worker.send(message);
  }

  /** Lets every worker end; true = none cut an exchange. */
  async end(how: "drain" | "stop"): Promise<boolean> {
    this.#ending = how;
    const gone = new Promise<void>((resolve) => {
      this.#onGone = resolve;
    });
    this.order({ do: how });
    this.#checkGone();
    await gone;
    return this.#allWhole;
  }

  async ready(): Promise<{ ok: boolean; reasons: string[] }> {
    return this.#ending ? { ok: false, reasons: ["draining"] } : this.#figures.ready(this.#connected());
  }

  metrics(): Promise<string> {
    return this.#figures.render(this.#connected());
  }

  #fork(): Worker {
    const worker = cluster.fork();
    this.#started.set(worker.id, performance.now());
    worker.on("message", (message: FromWorker) => {
      // An order that came before the worker could hear it is said again.
      if (message.is === "ready" && this.#ending) worker.send({ do: this.#ending } satisfies ToWorker);
    });
    return worker;
  }

  #exited(worker: Worker, code: number, signal: string): void {
    this.#figures.forget(worker);
    const livedMs = performance.now() - (this.#started.get(worker.id) ?? 0);
    this.#started.delete(worker.id);
    if (this.#ending) {
      if (code !== 0) this.#allWhole = false;
      this.#checkGone();
      return;
    }
    log.error(`worker ${worker.process.pid} ended (${signal ?? code}); another takes its place`);
    const replace = (): void => {
      if (!this.#ending) this.#fork();
    };
    setTimeout(replace, livedMs < SHORT_LIFE_MS ? PAUSE_MS : 0);
  }

  #checkGone(): void {
    if (this.#started.size === 0) this.#onGone();
  }

  #connected(): Worker[] {
    return Object.values(cluster.workers ?? {}).filter((worker): worker is Worker => worker?.isConnected() === true);
  }
}
