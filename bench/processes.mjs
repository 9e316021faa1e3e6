// Processes of the benchmark: started pinned to a core, measured through /proc, and ended by their id, also on Ctrl-C.
import { spawn } from "node:child_process";
import { accessSync, closeSync, constants, openSync, readdirSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const TICKS_PER_SECOND = 100; // USER_HZ: 100 on every Linux that /proc/PID/stat speaks of.
const START_MS_MAX = 10_000;
const STOP_MS_MAX = 3_000;
const FILES_MAX = 65_536;

const running = new Set();

/** Full path of a program, or null. Debian keeps servers in /usr/sbin, which is not on everybody's PATH. */
export function findProgram(name) {
  for (const folder of [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"]) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/** Load generator and upstream share one core, the proxy has another. One core, or no taskset: nothing is pinned. */
export const pinning = availableParallelism() > 1 && findProgram("taskset") !== null ? { load: 0, proxy: 1 } : null;

/** Puts this process on the load's core; children that name no other core inherit it. */
export async function pinSelf() {
  if (pinning !== null) await run("taskset", ["-cp", String(pinning.load), String(process.pid)]);
}

/**
 * Starts a process that stays.
 * @param {{ command: string, args: string[], core?: number, env?: Record<string, string>, stdout?: string, stderr?: string, cwd?: string }} what
 */
export function start({ command, args, core, env, stdout, stderr, cwd }) {
  const prefix = core === undefined || pinning === null ? [] : ["taskset", "-c", String(core)];
  if (findProgram("prlimit") !== null) prefix.unshift("prlimit", `--nofile=${openFilesMax()}:${openFilesMax()}`);
  const [program, ...rest] = [...prefix, command, ...args];
  const files = [stdout, stderr].map((file) => (file === undefined ? null : openSync(file, "a")));
  const child = spawn(program, rest, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", files[0] ?? "pipe", files[1] ?? "pipe"],
  });
  for (const file of files) if (file !== null) closeSync(file);
  running.add(child);
  child.once("error", (error) => {
    process.stderr.write(`${program}: ${error.message}\n`);
    running.delete(child);
  });
  child.once("close", () => running.delete(child));
  child.stderr?.resume();
  return child;
}

/** Ends a process: politely, then for good. */
export async function stop(child) {
  if (!running.has(child)) return;
  const gone = new Promise((resolve) => child.once("close", resolve));
  const tree = processTree(child.pid);
  child.kill("SIGTERM");
  const waited = new AbortController();
  await Promise.race([gone, sleep(STOP_MS_MAX, null, { signal: waited.signal }).catch(() => null)]);
  waited.abort();
  killAll(tree);
}

/** Ends whatever is left, at once; for the way out. */
export function stopEverything() {
  for (const child of running) killAll(processTree(child.pid));
  running.clear();
}

function killAll(pids) {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Already gone.
    }
  }
}

/** Runs a program to its end and returns what it printed. */
export async function run(command, args) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk) => {
      output += chunk;
    });
  }
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  running.delete(child);
  return { code, output };
}

/** CPU time that a process and its descendants used so far. */
export function cpuMicros(pid) {
  let user = 0;
  let system = 0;
  for (const id of processTree(pid)) {
    const fields = statFields(id);
    user += Number(fields?.[11] ?? 0);
    system += Number(fields?.[12] ?? 0);
  }
  const micros = 1e6 / TICKS_PER_SECOND;
  return { user: user * micros, system: system * micros, total: (user + system) * micros };
}

/** Resident memory of a process and its descendants. */
export function residentBytes(pid) {
  return processTree(pid).reduce((sum, id) => {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${id}/status`))?.[1] ?? "0";
    return sum + Number(kib) * 1024;
  }, 0);
}

function processTree(pid) {
  const children = new Map();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = Number(statFields(entry)?.[1] ?? -1);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const tree = [pid];
  for (let i = 0; i < tree.length; i++) tree.push(...(children.get(tree[i]) ?? []));
  return tree;
}

/** Fields after the name, which may hold spaces: [0] is the state. */
function statFields(pid) {
  const text = read(`/proc/${pid}/stat`);
  return text === "" ? undefined : text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // The process ended between two looks.
  }
}

/** What a process may have open: the machine's hard limit, within reason. */
export function openFilesMax() {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(read("/proc/self/limits"))?.[1];
  return hard === "unlimited" ? FILES_MAX : Math.min(Number(hard ?? 1024), FILES_MAX);
}

/** A port that is free now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Waits until somebody accepts on a port; false where nobody did in time or the process is gone. */
export async function accepts(port, child) {
  const until = performance.now() + START_MS_MAX;
  while (performance.now() < until && child.exitCode === null) {
    const open = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (open) return true;
    await sleep(50);
  }
  return false;
}
