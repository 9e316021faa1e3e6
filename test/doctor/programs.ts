// The programs of a chain: nginx, HAProxy, Caddy, Goodgate, and scripts of Node, each with a configuration as its user
// would have written it. In the texts {port} stands for an address of the case's own; what only a test needs (folders,
// no daemon) is added by options of the command line or stands in a line of its own at the top.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { connect } from "node:net";
import { startGateway, until } from "../harness.ts";
import type { Chain, Place } from "./chain.ts";

const START_MS = 15_000;
export const isRoot = process.geteuid?.() === 0;
const ENV = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin`, NO_COLOR: "1" };

/** A program that listens, and the files that its user could hand to doctor. */
export interface Edge extends Place {
  readonly config: string;
  readonly logs: readonly string[];
  readonly child: ChildProcess | null;
}

export interface Certified {
  readonly cert: string;
  readonly key: string;
}

export interface EdgeOptions {
  /** TLS at the listener. */
  readonly tls?: Certified;
  /** nginx: whose rights the workers have; the one who runs the test, where it is absent. */
  readonly user?: string;
  /** Lines that hold for the whole program: nginx's main context, HAProxy's global section, Caddy's options. */
  readonly main?: string;
  readonly connections?: number;
  /** Where to listen, where a case has promised it. */
  readonly port?: number;
  readonly name?: string;
}

/** nginx; `http` is what stands in the http block, with `listen {port};`. */
export async function nginx(chain: Chain, http: string, options: EdgeOptions = {}): Promise<Edge> {
  const { name = "nginx", port = await chain.freePort(), tls } = options;
  const certificates = tls
    ? ` ssl;\n    ssl_certificate ${chain.file(`${name}/cert.pem`, tls.cert)};` +
      `\n    ssl_certificate_key ${chain.file(`${name}/key.pem`, tls.key)};`
    : ";";
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path temp/${kind};`,
  );
  const user = options.user ?? (isRoot ? "root" : null);
  const text = `${user ? `user ${user};\n` : ""}worker_processes 1;
error_log error.log info;
pid nginx.pid;
${options.main ?? ""}
events { worker_connections ${options.connections ?? 256}; }
http {
  ${temporary.join(" ")}
  access_log access.log;
${http.replaceAll("listen {port};", `listen 127.0.0.1:${port}${certificates}`).replaceAll("{port}", `127.0.0.1:${port}`)}
}
`;
  const config = chain.file(`${name}/nginx.conf`, text);
  chain.file(`${name}/temp/.keep`, "");
  const folder = chain.path(name);
  const args = ["-p", `${folder}/`, "-c", "nginx.conf", "-e", "error.log", "-g", "daemon off;"];
  const child = start(chain, "nginx", args, folder, `${name}/stderr`);
  await listens(child, port, () => `nginx did not start with\n${text}`);
  const logs = [`${folder}/error.log`, `${folder}/access.log`];
  return { host: "127.0.0.1", port, address: `127.0.0.1:${port}`, config, logs, child };
}

/** HAProxy; `text` is frontends and backends, with `bind {port}`. It logs to a file. */
export async function haproxy(chain: Chain, text: string, options: EdgeOptions = {}): Promise<Edge> {
  const { name = "haproxy", port = await chain.freePort(), tls } = options;
  const crt = tls ? ` ssl crt ${chain.file(`${name}/both.pem`, tls.cert + tls.key)}` : "";
  const whole = `global
  log stdout format raw local0
${options.main ?? ""}
defaults
  mode http
  log global
  option httplog
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  retries 1

${text.replaceAll("bind {port}", `bind 127.0.0.1:${port}${crt}`).replaceAll("{port}", `127.0.0.1:${port}`)}
`;
  const config = chain.file(`${name}/haproxy.cfg`, whole);
  const child = start(chain, "haproxy", ["-db", "-f", config], chain.path(name), `${name}/haproxy.log`);
  await listens(child, port, () => `HAProxy did not start with\n${whole}`);
  const logs = [chain.path(`${name}/haproxy.log`)];
  return { host: "127.0.0.1", port, address: `127.0.0.1:${port}`, config, logs, child };
}

/** Caddy, which must not put a CA of its own among those that this machine trusts; `text` is sites, with {port} as their address ("http://{port}" or "https://{port}"). */
export async function caddy(chain: Chain, text: string, options: EdgeOptions = {}): Promise<Edge> {
  const { name = "caddy", port = await chain.freePort() } = options;
  const whole = `{
  admin off
  auto_https off
  skip_install_trust
  ${options.main ?? ""}
  log {
    output file ${chain.path(`${name}/caddy.log`)}
  }
}
${text.replaceAll("{port}", `127.0.0.1:${port}`)}
`;
  const config = chain.file(`${name}/Caddyfile`, whole);
  const folder = chain.path(name);
  const env = { ...ENV, XDG_DATA_HOME: `${folder}/data`, XDG_CONFIG_HOME: `${folder}/config`, HOME: folder };
  const args = ["run", "--config", config, "--adapter", "caddyfile"];
  const child = start(chain, "caddy", args, folder, `${name}/stderr`, env);
  await listens(child, port, () => `Caddy did not start with\n${whole}`);
  return { host: "127.0.0.1", port, address: `127.0.0.1:${port}`, config, logs: [`${folder}/caddy.log`], child };
}

/** Goodgate with these settings of goodgate.yaml. */
export async function goodgate(chain: Chain, settings: Record<string, unknown>): Promise<Edge> {
  const port = await chain.freePort();
  const running = await startGateway({ listen: [`127.0.0.1:${port}`], ...settings });
  chain.add(() => running.stop());
  const { folder, process: child } = running;
  const logs = [`${folder}/access.log`];
  return { host: "127.0.0.1", port, address: `127.0.0.1:${port}`, config: `${folder}/goodgate.yaml`, logs, child };
}

/** A program of Node in a process of its own; it prints the port that it listens on, unless it is given one. */
export async function script(
  chain: Chain,
  source: string,
  port?: number,
  name = "app",
): Promise<Place & { child: ChildProcess; log: string }> {
  const at = port ?? (await chain.freePort());
  const file = chain.file(`${name}/server.mjs`, source);
  const child = start(chain, process.execPath, [file, String(at)], chain.path(name), `${name}/app.log`);
  await listens(child, at, () => "the script did not start");
  return { host: "127.0.0.1", port: at, address: `127.0.0.1:${at}`, child, log: chain.path(`${name}/app.log`) };
}

/** Starts a program whose output goes to a file of the chain. */
export function start(
  chain: Chain,
  command: string,
  args: readonly string[],
  cwd: string,
  output: string,
  env: NodeJS.ProcessEnv = ENV,
): ChildProcess {
  const file = openSync(chain.file(output, ""), "a");
  const child = spawn(command, args, { cwd, stdio: ["ignore", file, file], env });
  closeSync(file);
  chain.addProcess(child);
  return child;
}

/** Waits until something takes connections at the port. */
export async function listens(child: ChildProcess | null, port: number, message: () => string): Promise<void> {
  let [answers, over] = [false, false];
  const ended = child ? new Promise((resolve) => child.once("exit", resolve)) : undefined;
  const knock = (): void => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      answers = true;
      socket.destroy();
    });
    socket.once("error", () => {
      socket.destroy();
      if (!over) setTimeout(knock, 10);
    });
  };
  knock();
  await until(() => answers, START_MS, message, ended).finally(() => {
    over = true;
  });
}

/** A program of Node that is started again, a moment after each end. */
export async function respawned(chain: Chain, source: string, pauseMs: number): Promise<Place & { log: string }> {
  const port = await chain.freePort();
  const file = chain.file("app/server.mjs", source);
  const log = chain.file("app/app.log", "");
  let [over, timer, child] = [false, setTimeout(() => undefined), null as ChildProcess | null];
  const run = (): void => {
    const output = openSync(log, "a");
    child = spawn(process.execPath, [file, String(port)], { stdio: ["ignore", output, output], env: ENV });
    closeSync(output);
    child.once("exit", () => {
      if (!over) timer = setTimeout(run, pauseMs);
    });
  };
  run();
  chain.add(() => {
    over = true;
    clearTimeout(timer);
    child?.kill("SIGKILL");
  });
  return { host: "127.0.0.1", port, address: `127.0.0.1:${port}`, log };
}
