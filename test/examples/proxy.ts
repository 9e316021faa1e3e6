// A configuration of an example as a running proxy, and what it logs.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { parse } from "yaml";
import { pause, startGateway } from "../harness.ts";
import type { Example } from "./fences.ts";
import { ENV } from "./program.ts";
import { type Surroundings, type Wrapped, withApplications } from "./surroundings.ts";
import { wrapCaddy } from "./wrap-caddy.ts";
import { wrapGoodgate } from "./wrap-goodgate.ts";
import { wrapHaproxy } from "./wrap-haproxy.ts";
import { wrapNginx } from "./wrap-nginx.ts";

const STARTS_WITHIN_MS = 10_000;

export interface RunningProxy {
  readonly port: number;
  /** What it has logged, a line each. */
  readonly logged: () => string[];
  readonly stop: () => Promise<unknown>;
}

/** How each language's program reads and runs a file. */
interface Runner {
  readonly program: string;
  readonly file: string;
  readonly wrap: (code: string, around: Surroundings) => Promise<Wrapped>;
  readonly check: (file: string, folder: string) => readonly string[];
  readonly run: (file: string, folder: string) => readonly string[];
  /** Files in the folder that it logs to; none = its output. */
  readonly logs: readonly string[];
  /** Lines of its start, and of the connection that looks whether it listens. */
  readonly noise: RegExp;
}

export const RUNNERS: Readonly<Record<string, Runner>> = {
  nginx: {
    program: "nginx",
    file: "nginx.conf",
    wrap: wrapNginx,
    check: (file, folder) => ["-t", "-p", folder, "-c", file],
    run: (file, folder) => ["-p", folder, "-c", file],
    logs: ["error.log", "access.log"],
    noise: /\[notice\]|client closed connection while waiting for request/,
  },
  haproxy: {
    program: "haproxy",
    file: "haproxy.cfg",
    wrap: wrapHaproxy,
    check: (file) => ["-c", "-dW", "-f", file],
    run: (file) => ["-db", "-dW", "-f", file],
    logs: [],
    noise: /^\[NOTICE\]/,
  },
  caddyfile: {
    program: "caddy",
    file: "Caddyfile",
    wrap: wrapCaddy,
    check: (file) => ["adapt", "--validate", "--adapter", "caddyfile", "--config", file],
    run: (file) => ["run", "--adapter", "caddyfile", "--config", file],
    logs: [],
    noise: /^\{"level":"info"/,
  },
};

/** Starts the program of the example's language; rejects with its output where it does not listen. */
export async function startProxy({ language, code }: Example, around: Surroundings): Promise<RunningProxy> {
  if (language === "goodgate") return startOwn(code, around);
  const runner = RUNNERS[language];
  if (!runner) throw new Error(`${language} cannot be run`);
  const { folder } = around;
  const { text, port } = await runner.wrap(code, around);
  const file = join(folder, runner.file);
  writeFileSync(file, text);
  const started = await start(runner, runner.run(file, folder), port, folder);
  const inFiles = () => runner.logs.flatMap((name) => linesOf(folder, name));
  const lines = runner.logs.length > 0 ? inFiles : started.logged;
  return { ...started, port, logged: () => lines().filter((line) => !runner.noise.test(line)) };
}

async function startOwn(code: string, around: Surroundings): Promise<RunningProxy> {
  const config = parse(withApplications(wrapGoodgate(code, around), around)) as Record<string, unknown>;
  // Ports and logs are the harness's own.
  const { listen: _listen, console: _console, log: _log, ...rest } = config;
  const gateway = await startGateway(rest);
  return {
    port: gateway.port,
    logged: () => gateway.log().map((entry) => JSON.stringify(entry)),
    stop: () => gateway.stop("SIGKILL"),
  };
}

async function start(
  { program }: Runner,
  args: readonly string[],
  port: number,
  folder: string,
): Promise<Omit<RunningProxy, "port">> {
  let output = "";
  const home = join(folder, "home");
  mkdirSync(home, { recursive: true });
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...ENV, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that the workers end with it.
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  let over = false;
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve())).then(() => (over = true));
  const stop = () => {
    killGroup(child);
    return ended;
  };
  const end = performance.now() + STARTS_WITHIN_MS;
  while (!(await isOpen(port))) {
    if (over || performance.now() > end) {
      await stop();
      throw new Error(`${program} does not listen:\n${output}`);
    }
    await pause(20);
  }
  return { logged: () => nonEmptyLines(output), stop };
}

function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // It ended in this moment.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      // Waits for the other side's end too: what counts its connections has forgotten this one.
      socket.end();
      socket.resume();
      socket.once("close", () => resolve(true));
    });
  });
}

function linesOf(folder: string, name: string): string[] {
  try {
    return nonEmptyLines(readFileSync(join(folder, name), "utf8"));
  } catch {
    // A program that logged nothing made no file.
    return [];
  }
}

function nonEmptyLines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
