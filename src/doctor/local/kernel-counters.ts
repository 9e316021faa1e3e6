// Counters that the kernel keeps: kills for lack of memory of a control group, connections dropped at full accept queues.
// They count since the group or the machine was made. A kill in a process's own group is its own; an overflow counts only
// where it happens while doctor looks, since what the counter holds from before may be of any time and any program.
import { join } from "node:path";
import type { FoundGateway } from "./gateway-processes.ts";
import { oomKillsOf } from "./kernel-log.ts";
import type { KernelEvent, LocalSpot } from "./model.ts";
import { readText } from "./proc-files.ts";
import type { SeenProcess } from "./processes.ts";
import { listenOverflows } from "./socket-tables.ts";

/** Kills that the control groups of the processes count; they are those of the group, since it was made. */
export async function memoryEvents(
  spots: readonly LocalSpot[],
  gateways: readonly FoundGateway[],
  processes: ReadonlyMap<number, SeenProcess>,
  root: string,
): Promise<KernelEvent[]> {
  const pids = new Set(
    spots.flatMap(({ listeners }) => listeners.flatMap(({ process }) => (process ? [process.pid] : []))),
  );
  const asked = [...[...pids].flatMap((pid) => processes.get(pid) ?? []), ...gateways];
  const files = new Map<string, SeenProcess>();
  for (const each of asked)
    for (const file of memoryFiles(each.cgroup, root)) if (!files.has(file)) files.set(file, each);
  const events: KernelEvent[] = [];
  for (const [file, { pid, name, unit, container }] of files) {
    const kills = oomKillsOf((await readText(file)) ?? "");
    if (kills === 0) continue;
    const text = `the control group of ${name} (pid ${pid}) counts ${kills} kill${kills === 1 ? "" : "s"} for lack of memory since it was made`;
    events.push({
      kind: "oom-kill",
      atMs: null,
      pid: null,
      process: name,
      group: unit ?? container,
      text,
      source: file,
    });
  }
  return events;
}

function memoryFiles(cgroup: string, root: string): string[] {
  return cgroup.split("\n").flatMap((line) => {
    const [, controllers = "", path = "/"] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    // The root group counts the whole machine.
    if (path === "/" || path.includes("..")) return [];
    if (controllers === "") return [join(root, path, "memory.events")];
    return controllers.split(",").includes("memory") ? [join(root, "memory", path, "memory.oom_control")] : [];
  });
}

/** How often an accept queue of this machine was full, since its start; null = not known. */
export const overflows = async (proc: string): Promise<number | null> =>
  listenOverflows((await readText(join(proc, "net", "netstat"))) ?? "");

/** What was dropped between two readings. */
export function overflowEvent(before: number | null, after: number | null, nowMs: number): KernelEvent[] {
  if (before === null || after === null || after <= before) return [];
  const text = `TcpExtListenOverflows rose by ${after - before} while doctor looked: an accept queue of this machine is full`;
  return [{ kind: "listen-overflow", atMs: nowMs, pid: null, process: null, text, source: "/proc/net/netstat" }];
}
