// The life of the process that stands in nginx's place, from its pid file to its end: what signals mean, and what the
// error log says of them, in nginx's words, since scripts look for those. Where nginx has a master and one worker we
// are one process, and its generations of configurations stand for the workers that nginx starts and ends.
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import type { Config } from "../../config/config.ts";
import type { ErrorLevel } from "../../config/servers.ts";
import type { ProcessSettings } from "../../nginx/lower/process.ts";
import type { ClientConnection } from "../../proxy/client-connection.ts";
import type { ActionResult } from "../../upstream/administer.ts";
import type { Oversight } from "../backend/oversight.ts";
import { handDown, type InheritedSockets } from "../inherited-sockets.ts";
import { Served } from "../serve.ts";
import type { Crew } from "../workers.ts";
import { complainUnreadable, sayProblems } from "./complain.ts";
import { bindText, workersOf } from "./crew.ts";
import { filesToOpen, tryToOpen } from "./files-to-open.ts";
import { giveTo, type Identity, workerIdentity } from "./identity.ts";
import type { Names } from "./names.ts";
import type { ProcessLog } from "./process-log.ts";
import { oldName, removeNumber, renameNumber, writeNumber } from "./process-number.ts";
import { readConfiguration } from "./reading.ts";

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGUSR1: 10, SIGUSR2: 12, SIGTERM: 15, SIGWINCH: 28 } as const;
type Name = keyof typeof NUMBERS;
const DAY_MS = 86_400_000;

export interface Begin {
  readonly names: Names;
  /** What -g gave. */
  readonly directives: string;
  readonly config: Config;
  readonly settings: ProcessSettings;
  readonly identity: Identity | null;
  readonly inherited: InheritedSockets;
  readonly log: ProcessLog;
  readonly service: Served | Crew;
  /** Not in the foreground of a terminal. */
  readonly inBackground: boolean;
  /** Logs that workers open anew. */
  readonly logPaths: readonly string[];
}

/** A process at work. */
export class NginxLife {
  readonly #begin: Begin;
  readonly #log: ProcessLog;
  readonly #parent = process.ppid;
  readonly #service: Served | Crew;
  #config: Config;
  #settings: ProcessSettings;
  #logPaths: readonly string[];
  /** The program that was started to take our place. */
  #successor: ChildProcess | null = null;
  /** WINCH: new clients wait, or are taken by the program that has our sockets, until HUP or the end. */
  #resting = false;
  #ending: "drain" | "stop" | null = null;
  /** Console and incidents, where they were asked for. */
  oversight: Oversight | null = null;
  /** One reload, reopening or start at a time. */
  #turn: Promise<void> = Promise.resolve();

  constructor(begin: Begin) {
    this.#begin = begin;
    this.#log = begin.log;
    this.#service = begin.service;
    this.#config = begin.config;
    this.#settings = begin.settings;
    this.#logPaths = begin.logPaths;
  }

  /** Takes signals from here on. */
  listen(): void {
    const on = (name: Name, act: () => string): void => {
      process.on(name, () => this.#say("notice", `signal ${NUMBERS[name]} (${name}) received${act()}`));
    };
    on("SIGTERM", () => this.#end("stop", ", exiting"));
    on("SIGINT", () => this.#end("stop", ", exiting"));
    on("SIGQUIT", () => this.#end("drain", ", shutting down"));
    on("SIGHUP", () => this.#inTurn(", reconfiguring", () => this.#reloadAndTell()));
    on("SIGUSR1", () => this.#inTurn(", reopening logs", () => this.#reopen()));
    on("SIGUSR2", () => this.#upgrade());
    on("SIGWINCH", () => this.#rest());
    // A process that rests has nothing open that would keep it running.
    setInterval(() => {}, DAY_MS);
  }

  #say(level: ErrorLevel, text: string): void {
    this.#log.log(level, text);
  }

  #inTurn(action: string, act: () => Promise<void>): string {
    this.#turn = this.#turn.then(async () => {
      if (this.#ending) return;
      try {
        await act();
      } catch (error) {
        this.#say("emerg", bindText(error));
      }
    });
    return action;
  }

  /** The console's word for HUP. */
  async reload(): Promise<ActionResult> {
    const before = this.#config;
    this.#inTurn("", () => this.#reloadAndTell());
    await this.#turn;
    const ok = this.#config !== before;
    return { ok, said: ok ? "the configuration was taken on" : "it was not taken on; the error log says why" };
  }

  async #reloadAndTell(): Promise<void> {
    const before = this.#config;
    try {
      await this.#reload();
    } finally {
      this.oversight?.reloaded(this.#config === before ? null : this.#config, []);
    }
  }

  async #reload(): Promise<void> {
    // nginx: whoever is to be taken back is taken back as it was.
    if (this.#resting && this.#successor) return this.#wake();
    this.#say("notice", "reconfiguring");
    const { names, directives } = this.#begin;
    const problems = this.#log.forProblems;
    const reading = readConfiguration(names, directives);
    if ("errno" in reading) return complainUnreadable(reading, names.conf, directives, problems, false);
    sayProblems(reading.problems, problems, false);
    if (!reading.meant) return;
    const files = filesToOpen(reading.configuration, names);
    const complaint = tryToOpen({ ...files, pid: this.#settings.pid });
    if (complaint !== null) return this.#say("emerg", complaint);
    const { config, process: settings } = reading.meant;
    giveTo(workerIdentity(settings.user), files.logs);
    await this.#turnTo(config, settings);
    this.#logPaths = files.logs;
  }

  async #turnTo(config: Config, settings: ProcessSettings): Promise<void> {
    const service = this.#service;
    const workers = workersOf(settings, this.#begin.identity);
    const single = service instanceof Served;
    if (single !== (workers === 0))
      this.#say("warn", "the number of processes stays as it was: it changes from one to several at a start only");
    const boundMs = this.#settings.shutdownTimeoutMs;
    const before = service instanceof Served && boundMs > 0 ? [...service.gateway.connections] : [];
    const { ended } =
      service instanceof Served ? await service.reload(config) : await service.replace(config, Math.max(1, workers));
    if (this.#resting && service instanceof Served) service.wake();
    this.#resting = false;
    // nginx's old worker closes what it has then, clients that have sent nothing included.
    if (before.length > 0) setTimeout(() => closeAll(service as Served, before), boundMs);
    await this.#log.use(settings.errorLogs);
    this.#movePid(settings.pid);
    this.#config = config;
    this.#settings = settings;
    // A crew tells of each of its workers; a single process says what its generation was.
    if (single) void ended.then(() => this.#say("notice", `worker process ${process.pid} exited with code 0`));
  }

  #movePid(path: string): void {
    const { pid } = this.#settings;
    if (path === pid) return;
    const complaint = writeNumber(path) ?? removeNumber(pid);
    if (complaint !== null) this.#say("alert", complaint);
  }

  async #reopen(): Promise<void> {
    this.#say("notice", "reopening logs");
    await this.#log.reopen();
    tryToOpen({ pid: this.#settings.pid, logs: this.#logPaths });
    giveTo(this.#begin.identity, this.#logPaths);
    await this.#service.reopenLogs();
  }

  #rest(): string {
    if (!this.#begin.inBackground) return "";
    if (this.#resting || this.#ending) return ", ignoring";
    this.#service.rest();
    this.#resting = true;
    return ", stop accepting connections";
  }

  async #wake(): Promise<void> {
    const service = this.#service;
    if (service instanceof Served) service.wake();
    else await service.replace(this.#config, Math.max(1, workersOf(this.#settings, this.#begin.identity)));
    this.#resting = false;
  }

  #upgrade(): string {
    if (this.#ending) return ", ignoring";
    if (this.#successor || this.#isTried()) {
      setImmediate(() =>
        this.#say(
          "crit",
          "the changing binary signal is ignored: you should shutdown or terminate before either old or new binary's process",
        ),
      );
      return ", ignoring";
    }
    const { pid } = this.#settings;
    setImmediate(() => {
      const complaint = renameNumber(pid, oldName(pid));
      if (complaint !== null) this.#say("alert", complaint);
      else this.#startSuccessor();
    });
    return ", changing binary";
  }

  /** Whether the process that started us, with its sockets, is still there. */
  #isTried(): boolean {
    return this.#begin.inherited.fromPredecessor && process.ppid === this.#parent;
  }

  #startSuccessor(): void {
    const { sockets } = this.#service;
    const { stdio, env } = handDown(sockets);
    const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      stdio: ["inherit", "inherit", "inherit", ...stdio],
      env: { ...process.env, ...env },
    });
    this.#successor = child;
    child.unref();
    let gone = false;
    const end = (how: string): void => {
      if (gone) return;
      gone = true;
      this.#successor = null;
      this.#say("notice", `new binary process ${child.pid ?? 0} ${how}`);
      if (this.#ending) return;
      const { pid } = this.#settings;
      const complaint = renameNumber(oldName(pid), pid);
      if (complaint !== null) this.#say("alert", `${complaint} after the new binary process exited`);
      if (this.#resting) this.#inTurn("", () => this.#wake());
    };
    child.once("error", (error) => end(`could not be started: ${error.message}`));
    child.once("exit", (code, signal) => end(signal ? `exited on signal ${signal}` : `exited with code ${code}`));
    this.#say("notice", `start new binary process ${child.pid ?? 0}`);
  }

  /** Another process has the sockets, too: the path of a Unix socket stays. */
  #leaveSockets(): void {
    if (this.#successor || this.#isTried()) for (const socket of this.#service.sockets) socket.handOn();
  }

  #end(how: "drain" | "stop", action: string): string {
    if (this.#ending === "stop" || this.#ending === how) return action;
    const first = this.#ending === null;
    this.#ending = how;
    setImmediate(() => void this.#finish(how, first));
    return action;
  }

  async #finish(how: "drain" | "stop", first: boolean): Promise<void> {
    if (how === "drain") this.#say("notice", "gracefully shutting down");
    if (first) this.#leaveSockets();
    await this.#service.end(how);
    await this.oversight?.close();
    // An order to stop has overtaken this one.
    if (this.#ending !== how) return;
    if (this.#service instanceof Served) this.#say("notice", "exiting");
    const { pid } = this.#settings;
    const complaint = removeNumber(this.#successor ? oldName(pid) : pid);
    if (complaint !== null) this.#say("alert", complaint);
    this.#say("notice", "exit");
    await this.#log.close();
    process.exit(0);
  }
}

function closeAll({ gateway }: Served, connections: readonly ClientConnection[]): void {
  for (const connection of connections) if (gateway.connections.has(connection)) connection.destroy();
}
