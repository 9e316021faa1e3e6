// --workers N: one primary that owns the console and the signals, N workers that own the traffic.
// A worker that dies is replaced at once (with a pause where it dies again and again); only its own exchanges fail.
import cluster, { type Worker } from "node:cluster";
import { availableParallelism } from "node:os";
import { formatAddress } from "../config/address.ts";
import type { Config } from "../config/config.ts";
import type { Family } from "../observe/metrics-text.ts";
import { log } from "../std/log.ts";
import { announce, warnOfSilentEndpoints } from "./announce.ts";
import type { loadTargets } from "./load.ts";
import { removePidFile, writePidFile } from "./pid-file.ts";
import { reportStartError } from "./problems.ts";
import { onSignals, reload } from "./run.ts";
import { bufferOwnLog, openConsole, Served } from "./serve.ts";
import { WorkerFigures } from "./worker-figures.ts";

type Load = () => ReturnType<typeof loadTargets>;

/** A worker that lived shorter than this is replaced after a pause. */
const SHORT_LIFE_MS = 1_000;
const PAUSE_MS = 500;

export type ToWorker = { do: "reload" | "reopen" | "drain" | "stop" } | { do: "snapshot"; id: number };
export type FromWorker =
  | { is: "ready"; ports: number[] }
  | { is: "cannot-start"; code: string; message: string }
  | { is: "snapshot"; id: number; worker: number; families: Family[]; ready: { ok: boolean; reasons: string[] } };

export const isWorker: boolean = cluster.isWorker;

export function workerCount(workers: number | "auto"): number {
  return workers === "auto" ? availableParallelism() : workers;
}

/** A worker's life: serves, and does what the primary says. */
export async function runWorker(config: Config, load: Load): Promise<undefined> {
  const served = new Served(config);
  const tell = (message: FromWorker): void => void process.send?.(message);
  const leave = (): void => process.exit(0);
  process.on("disconnect", leave);
  for (const signal of ["SIGHUP", "SIGUSR1", "SIGTERM", "SIGQUIT", "SIGINT"] as const) process.on(signal, () => {});
  process.on("message", (message: ToWorker) => {
    if (message.do === "snapshot")
      tell({
        is: "snapshot",
        id: message.id,
        worker: cluster.worker!.id,
        families: served.metrics.snapshot(),
        ready: served.ready(),
      });
    else if (message.do === "reload") void reload(load, (next) => served.reload(next));
    else if (message.do === "reopen") void served.reopenLogs();
    else if (message.do === "drain") void served.drain().then(leave);
    else leave();
  });
  try {
    await served.gateway.start();
    tell({ is: "ready", ports: served.gateway.ports });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    process.send?.({ is: "cannot-start", code: code ?? "", message } satisfies FromWorker, () => process.exit(1));
  }
  return undefined;
}

/** The primary's life. Resolves with an exit code where the first worker cannot start. */
export async function runPrimary(config: Config, load: Load, pidFile: string): Promise<number | undefined> {
  const count = workerCount(config.workers);
  let ending = false;
  const ports = await firstWorker();
  if (!Array.isArray(ports)) {
    reportStartError(ports);
    return 1;
  }
  for (let i = 1; i < count; i++) fork();
  cluster.on("exit", (worker, code, signal) => {
    figures.forget(worker);
    if (ending) return;
    log.error(`worker ${worker.process.pid} ended (${signal ?? code}); another takes its place`);
    const lived = performance.now() - (started.get(worker.id) ?? 0);
    setTimeout(fork, lived < SHORT_LIFE_MS ? PAUSE_MS : 0);
  });
  const console_ = await openConsole(config, {
    ready: () => (ending ? { ok: false, reasons: ["draining"] } : figures.ready(workers())),
    metrics: () => figures.render(workers()),
  });
  writePidFile(pidFile);
  announce(config, ports, console_ && formatAddress(console_.address), null, count);
  void warnOfSilentEndpoints(config);
  const ownLog = bufferOwnLog();
  const end = async (how: "drain" | "stop"): Promise<void> => {
    ending = true;
    const gone = Promise.all(workers().map((worker) => new Promise((resolve) => worker.once("exit", resolve))));
    for (const worker of workers()) worker.send({ do: how } satisfies ToWorker);
    await gone;
    await console_?.close();
    await ownLog.close();
    removePidFile(pidFile);
    process.exit(0);
  };
  const all = async (message: ToWorker): Promise<void> => {
    for (const worker of workers()) worker.send(message);
  };
  onSignals({
    reload: () => reload(load, () => all({ do: "reload" })),
    reopen: () => all({ do: "reopen" }),
    drain: () => end("drain"),
    stop: () => end("stop"),
  });
  return undefined;
}

const started = new Map<number, number>();
const figures = new WorkerFigures();

function fork(): Worker {
  const worker = cluster.fork();
  started.set(worker.id, performance.now());
  return worker;
}

function workers(): Worker[] {
  return Object.values(cluster.workers ?? {}).filter((worker): worker is Worker => worker?.isConnected() === true);
}

/** The first worker shows whether the listeners can be opened: its ports, or the error. */
function firstWorker(): Promise<number[] | { code: string; message: string }> {
  return new Promise((resolve) => {
    const worker = fork();
    worker.on("message", (message: FromWorker) => {
      if (message.is === "ready") resolve(message.ports);
      else if (message.is === "cannot-start") resolve(message);
    });
    worker.on("exit", (code) => resolve({ code: "", message: `the worker ended with ${code}` }));
  });
}
