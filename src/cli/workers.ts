// --workers N: one primary that owns the sockets, the console and the signals, N workers that own the traffic.
// The primary binds and never accepts; each worker has every socket and takes from it what it has time for. So a
// client that comes while a worker is replaced waits in the kernel, and a connection costs no way through the primary.
// A worker that dies is replaced at once (with a pause where it dies again and again); only its own exchanges fail.
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import type { Config } from "../config/config.ts";
import { sharedTicketKey, TICKET_KEY_VARIABLE } from "../net/tls-sessions.ts";
import { DayReport } from "../observe/day-report.ts";
import type { GivenSockets } from "../proxy/gateway.ts";
import { listenerLabel, withSockets } from "../proxy/listener.ts";
import { ListeningSocket, socketOptions } from "../proxy/listening-socket.ts";
import { log } from "../std/log.ts";
import { CrewSource } from "./backend/source.ts";
import { CrewTalk } from "./crew-talk.ts";
import type { InheritedSockets } from "./inherited-sockets.ts";
import { type ConsoleHandlers, consoleApi, sayAs } from "./serve.ts";
import type { Service } from "./service.ts";
import { WorkerFigures } from "./worker-figures.ts";
import { type FromWorker, type StartError, type ToWorker, type Worker, workerEnv } from "./worker-messages.ts";

/** A worker that lived shorter than this is replaced after a pause. */
const SHORT_LIFE_MS = 1_000;
const PAUSE_MS = 500;
/** A worker that has not taken a configuration on by then will not. */
const RELOAD_MS = 10_000;

export function workerCount(workers: number | "auto"): number {
  return workers === "auto" ? availableParallelism() : workers;
}

interface Started extends Worker {
  readonly at: number;
  /** It has been told to start: what it is told from then on it does in this order. */
  employed: boolean;
  serving: boolean;
  /** Others have taken its place: nobody follows it. */
  retired: boolean;
}

/** What a crew tells of its workers, and how they are started. */
export interface CrewOptions {
  readonly onStart?: (pid: number) => void;
  readonly onExit?: (pid: number, code: number | null, signal: string | null) => void;
  /** Takes what workers say in their own log; without it they write it to standard error. */
  readonly onSaid?: (line: string) => void;
  /** What workers have in their environment besides. */
  readonly env?: NodeJS.ProcessEnv;
}

/** The workers, as many as there should be. */
export class Crew implements Service {
  #count: number;
  readonly #inherited: InheritedSockets;
  readonly #options: CrewOptions;
  readonly #workers = new Map<number, Started>();
  readonly #figures = new WorkerFigures();
  readonly #dayReport = new DayReport(() => this.#figures.days(this.#serving()));
  readonly #sockets = new Map<string, ListeningSocket>();
  #config: Config;
  /** A worker that comes while the configuration changes starts behind that. */
  #changing: Promise<void> = Promise.resolve();
  #forked = 0;
  #ending: "drain" | "stop" | null = null;
  #allWhole = true;
  #onGone: () => void = () => {};

  constructor(config: Config, count: number, inherited: InheritedSockets, options: CrewOptions = {}) {
    sayAs(config);
    this.#config = config;
    this.#count = count;
    this.#inherited = inherited;
    this.#options = options;
  }

  get sockets(): readonly ListeningSocket[] {
    return [...this.#sockets.values()];
  }

  /** Its workers as the keeper hears of them. */
  readonly #talk = new CrewTalk(() => this.#serving(), this.#figures);
  readonly source = new CrewSource(this.#talk);

  /** The first worker shows whether the listeners can be served: gives their ports, or its error. */
  async start(): Promise<readonly number[]> {
    await this.#openSockets(this.#config, this.#inherited.take);
    await served(this.#fork());
    if (!this.#ending) for (let i = 1; i < this.#count; i++) this.#fork();
    return withSockets(this.#config).map(({ address }) => this.#sockets.get(listenerLabel(address))!.port);
  }

  reload(config: Config): Promise<void> {
    const done = this.#takeOn(config);
    this.#changing = done.catch(() => {
      // Whoever ordered it hears of it; here it only matters that it is over.
    });
    return done;
  }

  async #takeOn(config: Config): Promise<void> {
    const opened = await this.#openSockets(config, () => undefined);
    const workers = this.#employed();
    for (const worker of workers) {
      for (const socket of opened) give(worker, socket);
    }
    const problems = await Promise.all(workers.map((worker) => reloadWorker(worker, config)));
    const problem = problems.find((text) => text !== null);
    if (problem !== undefined && problem !== null && problems.every((text) => text !== null)) {
      for (const socket of opened) this.#close(socket);
      throw new Error(problem);
    }
    sayAs(config);
    // From here on it is in force: a worker that could not take it on is replaced by one that starts with it.
    this.#config = config;
    for (const [index, worker] of workers.entries()) {
      if (problems[index] === null) continue;
      log.error(`worker ${worker.process.pid} did not take the configuration on and is replaced: ${problems[index]}`);
      order(worker, { do: "drain" });
    }
    const labels = new Set(config.listeners.map(({ address }) => listenerLabel(address)));
    for (const [label, socket] of this.#sockets) if (!labels.has(label)) this.#close(socket);
  }

  /**
   * Another configuration by other workers, which those that run make way for: what has given up its rights cannot take
   * on what needs them. Rejects where they cannot start, and all stays as it was.
   */
  async replace(config: Config, count: number): Promise<{ readonly ended: Promise<void> }> {
    const opened = await this.#openSockets(config, () => undefined);
    const old = [...this.#workers.values()].filter(({ retired }) => !retired);
    const before = this.#config;
    this.#config = config;
    const fresh = Array.from({ length: count }, () => this.#fork());
    // One that cannot start is not tried again.
    for (const worker of fresh) worker.retired = true;
    try {
      await Promise.all(fresh.map(served));
    } catch (error) {
      this.#config = before;
      for (const worker of fresh) order(worker, { do: "stop" });
      for (const socket of opened) this.#close(socket);
      throw error;
    }
    this.#count = count;
    for (const worker of fresh) worker.retired = false;
    const ended = Promise.all(old.map(({ process: child }) => new Promise((resolve) => child.once("exit", resolve))));
    for (const worker of old) {
      worker.retired = true;
      order(worker, { do: "drain" });
    }
    const labels = new Set(config.listeners.map(({ address }) => listenerLabel(address)));
    for (const [label, socket] of this.#sockets) if (!labels.has(label)) this.#close(socket);
    return { ended: ended.then(() => undefined) };
  }

  /** Lets the workers end until replace() brings others; who comes meanwhile waits in the kernel. */
  rest(): void {
    for (const worker of this.#workers.values()) {
      worker.retired = true;
      order(worker, { do: "drain" });
    }
  }

  reopenLogs(): void {
    for (const worker of this.#employed()) order(worker, { do: "reopen" });
  }

  /** Lets every worker end; true = none cut an exchange. */
  async end(how: "drain" | "stop"): Promise<boolean> {
    this.#ending = how;
    const gone = new Promise<void>((resolve) => {
      this.#onGone = resolve;
    });
    // Nobody is to connect to a socket that no worker will ever take from.
    for (const socket of this.sockets) this.#close(socket);
    for (const worker of this.#employed()) order(worker, { do: how });
    this.#checkGone();
    await gone;
    this.#dayReport.end(this.#figures.endedDays);
    return this.#allWhole;
  }

  consoleHandlers(): ConsoleHandlers {
    return {
      ready: () => this.#ready(),
      metrics: () => this.#figures.render(this.#serving()),
      api: consoleApi(
        () => this.#figures.days(this.#serving()),
        () => this.#figures.events(this.#serving()),
      ),
    };
  }

  async #ready(): Promise<{ ok: boolean; reasons: string[] }> {
    return this.#ending ? { ok: false, reasons: ["draining"] } : this.#figures.ready(this.#serving());
  }

  /** Opens what a configuration asks for and is not open yet; all or nothing. */
  async #openSockets(config: Config, given: GivenSockets): Promise<ListeningSocket[]> {
    const opened: ListeningSocket[] = [];
    try {
      for (const listener of withSockets(config)) {
        const { address } = listener;
        const label = listenerLabel(address);
        if (this.#sockets.has(label)) continue;
        const socket = given(address) ?? (await ListeningSocket.bind(address, socketOptions(listener, config)));
        this.#sockets.set(label, socket);
        opened.push(socket);
      }
    } catch (error) {
      for (const socket of opened) this.#close(socket);
      throw error;
    }
    return opened;
  }

  #close(socket: ListeningSocket): void {
    this.#sockets.delete(listenerLabel(socket.address));
    socket.close();
  }

  #fork(): Started {
    const id = ++this.#forked;
    // Descriptors that we were started with are open in every child, unless their numbers are taken.
    const padding = Array.from({ length: this.#inherited.count }, () => "ignore" as const);
    const child = fork(process.argv[1]!, process.argv.slice(2), {
      env: { ...workerEnv(id), [TICKET_KEY_VARIABLE]: sharedTicketKey().toString("hex"), ...this.#options.env },
      serialization: "advanced",
      stdio: ["inherit", "inherit", "inherit", "ipc", ...padding],
    });
    const at = performance.now();
    const worker: Started = { id, process: child, at, employed: false, serving: false, retired: false };
    this.#workers.set(id, worker);
    if (child.pid !== undefined) this.#options.onStart?.(child.pid);
    child.on("message", (message: FromWorker) => {
      if (message.is === "here") void this.#changing.then(() => this.#employ(worker));
      else if (message.is === "snapshot" && message.id === 0) this.#figures.keep(message);
      else if (message.is === "ready") {
        worker.serving = true;
        this.#talk.arrived(worker);
      } else if (message.is === "said") this.#options.onSaid?.(message.line);
      else if (message.is === "report") this.source.told(message.report);
      else if (message.is === "tail") this.source.toldTail(message.id, message.tailed);
    });
    child.on("error", (error) => log.error(`worker: ${error.message}`));
    child.once("exit", (code, signal) => this.#exited(worker, code, signal));
    return worker;
  }

  #employ(worker: Started): void {
    if (this.#ending) return order(worker, { do: this.#ending });
    worker.employed = true;
    for (const socket of this.sockets) give(worker, socket);
    order(worker, { do: "start", config: this.#config });
  }

  #exited(worker: Started, code: number | null, signal: string | null): void {
    this.#figures.forget(worker);
    const livedMs = performance.now() - worker.at;
    this.#workers.delete(worker.id);
    this.#options.onExit?.(worker.process.pid ?? 0, code, signal);
    if (this.#ending) {
      if (code !== 0) this.#allWhole = false;
      return this.#checkGone();
    }
    if (worker.retired) return;
    // The first one is looked after by start().
    if (this.#forked === 1 && !worker.serving) return;
    log.error(`worker ${worker.process.pid} ended (${signal ?? code}); another takes its place`);
    const replace = (): void => {
      if (!this.#ending) this.#fork();
    };
    setTimeout(replace, livedMs < SHORT_LIFE_MS ? PAUSE_MS : 0);
  }

  #checkGone(): void {
    if (this.#workers.size === 0) this.#onGone();
  }

  #employed(): Started[] {
    return [...this.#workers.values()].filter((worker) => worker.employed && worker.process.connected);
  }

  #serving(): Started[] {
    return this.#employed().filter((worker) => worker.serving);
  }
}

/** Resolves when a worker serves; rejects with what kept it from that. */
function served({ process: child }: Started): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on("message", (message: FromWorker) => {
      if (message.is === "ready") resolve();
      else if (message.is === "cannot-start") reject(asError(message.error));
    });
    child.once("exit", (code, signal) => reject(new Error(`the worker ended (${signal ?? code})`)));
  });
}

function order(worker: Worker, message: ToWorker): void {
  // A worker that is gone is noticed by its exit.
  if (worker.process.connected) worker.process.send(message, () => {});
}

function give(worker: Worker, socket: ListeningSocket): void {
  const message: ToWorker = { do: "take", address: socket.address };
  // A bare handle; the declared types know sockets and servers only, which would listen here.
  worker.process.send(message, socket.handle as Parameters<typeof worker.process.send>[1], () => {});
}

/** What kept a worker from taking a configuration on; null = it did. */
function reloadWorker(worker: Worker, config: Config): Promise<string | null> {
  return new Promise((resolve) => {
    const { process: child } = worker;
    const done = (problem: string | null): void => {
      clearTimeout(timer);
      child.off("message", onMessage);
      child.off("exit", onExit);
      resolve(problem);
    };
    const onMessage = (message: FromWorker): void => {
      if (message.is === "reloaded") done(message.problem);
    };
    const onExit = (): void => done(null);
    const timer = setTimeout(done, RELOAD_MS, "no answer");
    child.on("message", onMessage);
    child.once("exit", onExit);
    order(worker, { do: "reload", config });
  });
}

function asError({ message, ...facts }: StartError): Error {
  return Object.assign(new Error(message), facts);
}
