// All that listens on this machine: addresses from /proc/net, queues from ss where it is installed, owners from the open
// files of processes. Everybody may read the tables; the open files only of their own processes, so that without root
// some owners stay unknown. Bounded: at most so many processes and files are looked at, and no longer than the deadline.
import { join } from "node:path";
import type { Ms } from "../../std/units.ts";
import { runCommand } from "./commands.ts";
import { linkOf, namesIn, processIds, readTable } from "./proc-files.ts";
import {
  readSs,
  readTcpTable,
  readUnixTable,
  type SsLine,
  type TcpListener,
  type UnixListener,
} from "./socket-tables.ts";

/** What listens, as the kernel lists it. */
export interface Sockets {
  readonly tcp: readonly TcpListener[];
  readonly unix: readonly UnixListener[];
  /** By inode; empty where there is no ss, which then says why. */
  readonly queues: ReadonlyMap<number, SsLine>;
  readonly ssReason: string | null;
  /** Whether the tables themselves could be read. */
  readonly readable: boolean;
}

/** Reads the tables of a network namespace: `net` is the folder "/proc/net" or "/proc/PID/net". */
export async function readSockets(net: string, withSs: boolean, timeoutMs: Ms): Promise<Sockets> {
  const none = { ok: false as const, missing: true, reason: "ss was not asked about another process file system" };
  const [v4, v6, unix, tcpQueues, unixQueues] = await Promise.all([
    readTable(join(net, "tcp")),
    readTable(join(net, "tcp6")),
    readTable(join(net, "unix")),
    withSs ? runCommand("ss", ["-H", "-ltne"], timeoutMs) : none,
    withSs ? runCommand("ss", ["-H", "-lxne"], timeoutMs) : none,
  ]);
  const queues = new Map<number, SsLine>();
  for (const result of [tcpQueues, unixQueues])
    if (result.ok) for (const [inode, line] of readSs(result.text)) queues.set(inode, line);
  return {
    tcp: [...(v4 === null ? [] : readTcpTable(v4, 4)), ...(v6 === null ? [] : readTcpTable(v6, 6))],
    unix: unix === null ? [] : readUnixTable(unix),
    queues,
    ssReason: tcpQueues.ok ? null : tcpQueues.reason,
    readable: v4 !== null || v6 !== null,
  };
}

const PROCESSES_MAX = 8192;
const FILES_MAX = 8192;
const AT_ONCE = 32;

/** Who holds which socket. */
export interface Owners {
  /** Inode → processes that have it open, the oldest number first. */
  readonly of: ReadonlyMap<number, readonly number[]>;
  /** Processes whose open files are not ours to read. */
  readonly hidden: number;
}

/** The processes that hold the sockets of `inodes`. */
export async function ownersOf(proc: string, inodes: ReadonlySet<number>, untilMs: number): Promise<Owners> {
  const of = new Map<number, number[]>();
  let hidden = 0;
  if (inodes.size === 0) return { of, hidden };
  const pids = (await processIds(proc)).slice(0, PROCESSES_MAX);
  for (let i = 0; i < pids.length && Date.now() < untilMs; i += AT_ONCE)
    await Promise.all(
      pids.slice(i, i + AT_ONCE).map(async (pid) => {
        const held = await socketsOf(proc, pid, inodes);
        if (held === null) hidden += 1;
        for (const inode of held ?? [])
          of.set(
            inode,
            [...(of.get(inode) ?? []), pid].sort((one, other) => one - other),
          );
      }),
    );
  return { of, hidden };
}

async function socketsOf(proc: string, pid: number, inodes: ReadonlySet<number>): Promise<Set<number> | null> {
  const folder = join(proc, String(pid), "fd");
  const names = await namesIn(folder);
  if (names === null) return null;
  const links = await Promise.all(names.slice(0, FILES_MAX).map((name) => linkOf(folder, name)));
  const held = new Set<number>();
  for (const link of links) {
    const inode = Number(/^socket:\[(\d+)\]$/.exec(link ?? "")?.[1] ?? Number.NaN);
    if (inodes.has(inode)) held.add(inode);
  }
  return held;
}
