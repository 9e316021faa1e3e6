// The life of a gateway's (main) process, the same whether it serves itself (Served) or has workers (Crew): start and
// its errors, console, pid file, signals, what the service manager and `goodgate reload` are told, upgrade, end.
import { isDeepStrictEqual } from "node:util";
import type { Config, Problem } from "../config/config.ts";
import type { ListeningSocket } from "../proxy/listening-socket.ts";
import { log } from "../std/log.ts";
import { announce, warnOfSilentEndpoints } from "./announce.ts";
import type { CommandLine } from "./backend/config-view.ts";
import type { Oversight } from "./backend/oversight.ts";
import { isWatched } from "./backend/setting.ts";
import type { Source } from "./backend/source.ts";
import type { InheritedSockets } from "./inherited-sockets.ts";
import type { Loaded } from "./load.ts";
import { removePidFile, writePidFile } from "./pid-file.ts";
import { reportStartError } from "./problems.ts";
import { bufferOwnLog, type ConsoleHandlers } from "./serve.ts";
import { ServiceManager } from "./service-manager.ts";
import { onSignals, reload } from "./signals.ts";
import { type Order, type Outcome, StatusFile } from "./status-file.ts";
import type { Language } from "./target.ts";
import { Predecessor, upgrade } from "./upgrade.ts";

/** What serves: this process, or its workers. */
export interface Service {
  /** Opens the listeners; gives their ports, rejects with the system's error. */
  start(): Promise<readonly number[]>;
  reload(config: Config): Promise<unknown>;
  reopenLogs(): void | Promise<void>;
  /** True = nothing was cut. */
  end(how: "drain" | "stop"): boolean | Promise<boolean>;
  readonly sockets: readonly ListeningSocket[];
  readonly source: Source;
  consoleHandlers(): ConsoleHandlers;
}

/** How the process was started. */
export interface Start {
  readonly config: Config;
  /** What was said of it when it was loaded. */
  readonly problems: readonly Problem[];
  load(): Promise<Loaded>;
  /** --data; undefined = it was not given. */
  readonly data: string | undefined;
  readonly commandLine: CommandLine;
  /** What --as says. */
  readonly language: Language | undefined;
  readonly pidFile: string;
  /** For the first line: the configuration's file, and how many workers there are. */
  readonly file: string | null;
  readonly workers: number;
  readonly inherited: InheritedSockets;
}

/** Runs a service to the end of the process; resolves with an exit code where it cannot start. */
export async function runService(service: Service, start: Start): Promise<number | undefined> {
  const life = new Life(service, start);
  // Before anybody can know that we run: a signal that nothing handles would end the process.
  onSignals({
    reload: async () => {
      await life.reload();
    },
    reopen: async () => service.reopenLogs(),
    upgrade: () => life.upgrade(),
    drain: () => life.end("drain"),
    stop: () => life.end("stop"),
  });
  return life.start();
}

class Life {
  readonly #service: Service;
  readonly #start: Start;
  readonly #ownLog = bufferOwnLog();
  readonly #manager = new ServiceManager();
  readonly #status: StatusFile;
  #config: Config;
  #oversight: Oversight | null = null;
  #ports: readonly number[] = [];
  /** One reload or upgrade at a time. */
  #busy: Promise<void> = Promise.resolve();
  /** Another process has taken over. */
  #replaced = false;
  /** Aborted when this process is told to end: it takes no order any more, and an upgrade under way is given up. */
  readonly #ending = new AbortController();
  #handover: Promise<unknown> = Promise.resolve();
  /** The one whose place this process takes, from when orders come here until it is told that all is well. */
  #predecessor: Predecessor | null = null;

  constructor(service: Service, start: Start) {
    this.#service = service;
    this.#start = start;
    this.#config = start.config;
    this.#status = new StatusFile(start.pidFile);
  }

  async start(): Promise<number | undefined> {
    const { config, pidFile, file, workers, inherited } = this.#start;
    try {
      this.#ports = await this.#service.start();
    } catch (error) {
      reportStartError(error);
      await this.#service.end("stop");
      return 1;
    }
    for (const socket of inherited.closeRest()) {
      log.warn(`a socket that this process was started with is closed, since no listener has its address: ${socket}`);
    }
    const predecessor = inherited.fromPredecessor ? new Predecessor() : null;
    await predecessor?.ready();
    await this.#openOversight();
    writePidFile(pidFile);
    this.#predecessor = predecessor;
    await this.#manager.ready(this.#summary(), predecessor !== null);
    this.#settle();
    announce(config, this.#ports, this.#oversight?.consoleUrl ?? null, file, workers);
    void warnOfSilentEndpoints(config);
    return undefined;
  }

  async reload(): Promise<Outcome> {
    let said: Outcome = { ok: false, said: ["this process ends, or another has taken its place"] };
    await this.#inTurn("reload", async () => {
      void this.#manager.reloading();
      let problems: readonly Problem[] = [];
      const load = async (): Promise<Loaded> => {
        const loaded = await this.#start.load();
        problems = loaded.problems;
        return loaded;
      };
      const outcome = await reload(load, async (config) => {
        await this.#service.reload(config);
        this.#config = config;
      });
      this.#oversight?.reloaded(outcome.ok ? this.#config : null, problems);
      const later = outcome.ok ? this.#notTakenOn() : [];
      for (const text of later) log.warn(text);
      said = { ok: outcome.ok, said: [...outcome.said, ...later] };
      this.#status.write("reload", said);
      void this.#manager.ready(
        outcome.ok ? this.#summary() : "the configuration has errors; the one before stays in force",
      );
    });
    return said;
  }

  upgrade(): Promise<void> {
    return this.#inTurn("upgrade", async () => {
      log.info("upgrade: starting the program anew");
      const { sockets } = this.#service;
      const handover = upgrade({
        sockets,
        inherited: this.#start.inherited.count,
        release: () => void this.#oversight?.close(),
        restore: () => this.#restore(),
        ordered: this.#ending.signal,
      });
      this.#handover = handover;
      const result = await handover;
      if ("problem" in result) {
        const goesOn = this.#ending.signal.aborted ? "" : ", this process goes on";
        return this.#refuse("upgrade", `upgrade failed${goesOn}: ${result.problem}`);
      }
      log.info(`process ${result.pid} has taken over`);
      this.#status.write("upgrade", { ok: true, said: [`process ${result.pid} has taken over`] });
      this.#replaced = true;
      this.#manager.retire();
      for (const socket of sockets) socket.handOn();
      void this.end("drain");
    });
  }

  async end(how: "drain" | "stop"): Promise<void> {
    this.#manager.retire();
    const told = this.#replaced ? Promise.resolve() : this.#manager.stopping();
    this.#ending.abort();
    // An order to stop that is already meant for this process: the other one is not to go on in its place.
    this.#settle();
    const whole = await this.#service.end(how);
    await this.#handover;
    await this.#oversight?.close();
    await this.#ownLog.close();
    // A word that is still under way would be lost with this process.
    await told;
    if (removePidFile(this.#start.pidFile)) this.#status.remove();
    process.exit(whole ? 0 : 1);
  }

  #inTurn(what: Order, action: () => Promise<void>): Promise<void> {
    const turn = this.#busy.then(() => {
      if (this.#replaced) return;
      if (this.#ending.signal.aborted) return this.#refuse(what, `${what}: this process ends`);
      return action();
    });
    this.#busy = turn.catch(() => {
      // Whoever gave the order hears of it (onSignals); the next one is not kept from its turn.
    });
    return turn;
  }

  #settle(): void {
    this.#predecessor?.settled();
    this.#predecessor = null;
  }

  #refuse(what: Order, why: string): void {
    log.error(why);
    this.#status.write(what, { ok: false, said: [why] });
  }

  /** The successor has died behind its first words: what it took is this process's again. */
  async #restore(): Promise<void> {
    writePidFile(this.#start.pidFile);
    if (!this.#ending.signal.aborted) await this.#openOversight();
  }

  /** Its code is loaded once the gateway serves: nobody's first request waits for it. */
  async #openOversight(): Promise<void> {
    const { problems, file, commandLine, language, data, load } = this.#start;
    const { Oversight } = await import("./backend/oversight.ts");
    this.#oversight = await Oversight.open({
      config: this.#config,
      problems,
      file,
      commandLine,
      ...(language && { language }),
      data,
      load,
      source: this.#service.source,
      handlers: this.#service.consoleHandlers(),
      ports: () => this.#ports,
      reload: async () => {
        const { ok, said } = await this.reload();
        return { ok, said: said.join("\n") || "the configuration was taken on" };
      },
    });
  }

  /** What a reload leaves as it was when the process started. */
  #notTakenOn(): string[] {
    const [then, now] = [this.#start.config, this.#config];
    const changed: string[] = (["console", "workers"] as const).filter(
      (key) => !isDeepStrictEqual(then[key], now[key]),
    );
    const [thenKept, nowKept] = [then.observability, now.observability];
    changed.push(...(["data", "store"] as const).filter((key) => !isDeepStrictEqual(thenKept[key], nowKept[key])));
    if (!isDeepStrictEqual(thenKept.console, nowKept.console)) changed.push("who may use the console");
    if (isWatched(now) && !isWatched(then)) changed.push("watching for incidents");
    return changed.map((key) => `reload: ${key} stays as it was at the start; goodgate upgrade brings the new one`);
  }

  #summary(): string {
    const { listeners, upstreams } = this.#config;
    return `serving: ${listeners.length} listeners, ${upstreams.size} upstreams`;
  }
}
