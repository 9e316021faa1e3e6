// A folder with an nginx.conf for each test, and goodgate-nginx run in it as a process.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach } from "vitest";
import { pause, until } from "./harness.ts";
import { lastingPort } from "./held.ts";

export const OURS = [process.execPath, fileURLToPath(new URL("../bin/goodgate-nginx.js", import.meta.url))];
export const PATH = `${process.env["PATH"]}:/usr/sbin`;
const WAIT_MS = 15_000;
export const isRoot = process.geteuid?.() === 0;
/** Root would serve with the rights of nobody, which the folders of these tests are closed to. */
export const AS_STARTED = isRoot ? "user root;" : "";

export let folder = "";
export let port = 0;
export const started: ChildProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-nginx-process-"));
  port = await lastingPort();
});

afterEach(() => {
  // What went to the background is known by its pid file only.
  const pids = [...started.splice(0).map((child) => child.pid), pidIn("nginx.pid"), pidIn("nginx.pid.oldbin")];
  for (const pid of pids) {
    try {
      if (pid) process.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
  rmSync(folder, { recursive: true });
});

/** The configuration: one server that answers with `text`. */
export function conf(text: string, more = ""): void {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path temp-${name};`,
  );
  write(
    "nginx.conf",
    `${AS_STARTED} error_log error.log info; pid nginx.pid; ${more}
events {}
http {
  access_log off; ${temporary.join(" ")}
  server {
    listen 127.0.0.1:${port};
    location / { return 200 ${text}; }
    location /app/ { proxy_pass http://127.0.0.1:${appPort}; }
  }
}
`,
  );
}

let appPort = 1;

/** Where /app/ leads in configurations that are written from here on. */
export function setApp(to: number): void {
  appPort = to;
}

export const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
export const read = (name: string): string =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), "latin1") : "";
export const pidIn = (name: string): number => Number(/^(\d+)\n$/.exec(read(name))?.[1] ?? 0);
/** The error log without times and numbers of processes. */
export const errors = (): string => read("error.log").replace(/^\S+ \S+ (\[\w+\]) \d+#\d+: /gm, "$1 ");

function spawnIn(program: readonly string[], args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const [command = "", ...first] = program;
  const options = ["-p", `${folder}/`, "-c", "nginx.conf", "-e", "error.log"];
  const child = spawn(command, [...first, ...options, ...args], {
    cwd: folder,
    stdio: "pipe",
    env: { PATH, ...env },
  });
  started.push(child);
  return child;
}

export async function outcome(program: readonly string[], args: readonly string[] = []) {
  const child = spawnIn(program, args);
  let stderr = "";
  child.stderr!.on("data", (chunk: Buffer) => (stderr += chunk.toString("latin1")));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stderr: stderr.replaceAll(folder, "DIR") };
}

/** Starts it in the foreground. */
export async function start(
  env: NodeJS.ProcessEnv = {},
): Promise<ChildProcess & { pid: number; ended: Promise<number | null> }> {
  const child = spawnIn(OURS, ["-g", "daemon off;"], env);
  let stderr = "";
  child.stderr!.on("data", (chunk: Buffer) => (stderr += chunk.toString("latin1")));
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  await until(
    () => pidIn("nginx.pid") || undefined,
    WAIT_MS,
    () => `it did not start:\n${stderr}`,
    ended,
  );
  return Object.assign(child as ChildProcess & { pid: number }, { ended });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // It may be signalled, so there is no other reason.
    return false;
  }
}

export async function get(path = "/"): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: "close" } });
  return response.text();
}

/** Waits until requests get this answer; "" = none. */
export async function answers(text: string): Promise<void> {
  const end = performance.now() + WAIT_MS;
  let last: string;
  do {
    last = await get().catch(() => "");
    if (last === text) return;
    await pause(10);
  } while (performance.now() < end);
  throw new Error(`"${last}" is the answer, not "${text}"; the error log:\n${read("error.log")}`);
}

export function comes<T>(what: string, condition: () => T | false): Promise<T> {
  return until<T>(
    condition,
    WAIT_MS,
    () => `${what} did not come; the error log:
${read("error.log")}`,
  );
}

export const logged = (text: string) => comes(`"${text}"`, () => errors().includes(text));
