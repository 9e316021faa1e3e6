// What /proc tells of a process without rights: its name, command, user, state, start, control group. The start is
// counted in ticks since the machine started; Linux gives programs 100 a second on every platform that it runs on.
import { basename, join } from "node:path";
import { REDACTED, redactText } from "../../std/redact.ts";
import type { LocalProcess } from "./model.ts";
import { readText } from "./proc-files.ts";

const TICKS_PER_SECOND = 100;
const COMMAND_MAX = 300;

/** What is the same for every process of a machine. */
export interface MachineFacts {
  readonly proc: string;
  readonly bootedAtMs: number;
  /** Number → name. */
  readonly users: ReadonlyMap<number, string>;
}

/** A process with what decides its rights. */
export interface SeenProcess extends LocalProcess {
  readonly uid: number | null;
  /** All groups that it is in. */
  readonly gids: readonly number[];
  readonly parent: number;
  /** First word of its command, without folders: "node", "nginx:". */
  readonly program: string;
  /** Paths of its control groups, as the file says them. */
  readonly cgroup: string;
}

/** The facts of this machine; a root of /proc that lacks them gives zero and no names. */
export async function machineFacts(proc: string): Promise<MachineFacts> {
  const [stat, passwd] = await Promise.all([readText(join(proc, "stat")), readText("/etc/passwd")]);
  const seconds = Number(/^btime (\d+)$/m.exec(stat ?? "")?.[1] ?? 0);
  const users = new Map<number, string>();
  for (const line of (passwd ?? "").split("\n")) {
    const [name = "", , uid = ""] = line.split(":");
    if (name !== "" && /^\d+$/.test(uid) && !users.has(Number(uid))) users.set(Number(uid), name);
  }
  return { proc, bootedAtMs: seconds * 1000, users };
}

/** Reads one process; null = it is gone. */
export async function readProcess(pid: number, machine: MachineFacts): Promise<SeenProcess | null> {
  const folder = join(machine.proc, String(pid));
  const [stat, status, cmdline, cgroup] = await Promise.all(
    ["stat", "status", "cmdline", "cgroup"].map((name) => readText(join(folder, name))),
  );
  // The name stands in brackets and may hold brackets and blanks itself.
  const match = /^\d+ \(([\s\S]{0,64})\) (\S) (\d+) ([\s\S]*)$/.exec(stat ?? "");
  if (!match) return null;
  const [, comm = "", state = "?", parent = "0", rest = ""] = match;
  const ticks = Number(rest.split(" ")[17] ?? 0);
  const uid = numbersOf(status ?? "", "Uid")[1] ?? null;
  const words = (cmdline ?? "").replace(/\0+$/, "").split("\0");
  const command = words.join(" ").trim();
  return {
    pid,
    name: comm,
    command: redactCommand(command === "" ? `[${comm}]` : command),
    user: uid === null ? null : (machine.users.get(uid) ?? String(uid)),
    startedAtMs: machine.bootedAtMs + Math.round((ticks * 1000) / TICKS_PER_SECOND),
    state,
    unit: unitOf(cgroup ?? ""),
    container: containerOf(cgroup ?? ""),
    uid,
    gids: [...new Set([...numbersOf(status ?? "", "Gid").slice(1, 2), ...numbersOf(status ?? "", "Groups")])],
    parent: Number(parent),
    program: basename(words[0]?.split(" ", 1)[0] ?? "") || comm,
    cgroup: cgroup ?? "",
  };
}

/** What the model shows of a process. */
export function shown({ pid, name, command, user, startedAtMs, state, unit, container }: SeenProcess): LocalProcess {
  return { pid, name, command, user, startedAtMs, state, unit, container };
}

function numbersOf(status: string, key: string): number[] {
  const line = new RegExp(`^${key}:[ \\t]*([\\d \\t]*)$`, "m").exec(status)?.[1] ?? "";
  return line
    .split(/[ \t]+/)
    .filter((word) => word !== "")
    .map(Number);
}

/** The systemd service that a process runs in: the innermost of its path. */
export function unitOf(cgroup: string): string | null {
  for (const line of cgroup.split("\n")) {
    const path = line.replace(/^\d+:[^:]*:/, "");
    const unit = path.split("/").findLast((part) => /^[\w@.:\\-]{1,200}\.service$/.test(part));
    if (unit !== undefined && !/^user@\d+\.service$/.test(unit)) return unit;
  }
  return null;
}

/** The container that a process runs in, as Docker, containerd, CRI-O and Podman name it: 12 digits of its id. */
export function containerOf(cgroup: string): string | null {
  return (
    /(?:docker|containerd|crio|libpod|kubepods|garden|lxc)[^\n]{0,300}?[/-]([0-9a-f]{12})[0-9a-f]{52}(?:\.scope)?(?:\/|$)/m.exec(
      cgroup,
    )?.[1] ?? null
  );
}

const SECRET_WORD = /(?:pass(?:word|wd|phrase)?|secret|token|api-?_?key|access-?_?key|private-?_?key|credentials?|auth)/
  .source;
const FLAG = new RegExp(`((?:^|\\s)--?[\\w-]{0,40}${SECRET_WORD}[\\w-]{0,20})(=|\\s+)(?!-)(\\S{1,500})`, "gi");
const VARIABLE = new RegExp(`((?:^|[\\s;,"'])[A-Z0-9_]{0,40}${SECRET_WORD}[A-Z0-9_]{0,20})=(\\S{1,500})`, "gi");

/** A command as it may be shown: without passwords, tokens and the like, and not too long. */
export function redactCommand(command: string): string {
  const text = command
    .replace(/[\s\0]+/g, " ")
    .slice(0, 4096)
    .replace(FLAG, (_, flag: string, gap: string) => `${flag}${gap}${REDACTED}`)
    .replace(VARIABLE, (_, name: string) => `${name}=${REDACTED}`)
    .replace(/\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@]{1,300}@/gi, `$1${REDACTED}@`);
  const clean = redactText(text);
  return clean.length > COMMAND_MAX ? `${clean.slice(0, COMMAND_MAX - 1)}…` : clean;
}
