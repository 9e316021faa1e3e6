// What the kernel wrote of processes that it ended: kills for lack of memory, segmentation faults, connections dropped at
// a full accept queue. Three sources are tried in turn, each with a time of its own: dmesg, the journal, the kernel's log
// file; where none may be read, that is said. A line tells of one process: whether it was the upstream's is for whoever
// knows its number, its name or its container to decide.
import { open } from "node:fs/promises";
import type { Ms } from "../../std/units.ts";
import type { NotTested } from "../evidence.ts";
import { type CommandResult, runCommand } from "./commands.ts";
import type { KernelEvent } from "./model.ts";
import { containerOf, unitOf } from "./processes.ts";

const EVENTS_MAX = 50;
const LINES_MAX = 100_000;
const LINE_MAX = 500;
const FILE_TAIL = 1024 * 1024;
const AGE_MAX_MS = 7 * 24 * 3_600_000;

/** The pages of a log that matter, newest last. */
export interface KernelLog {
  readonly events: readonly KernelEvent[];
  readonly notTested: readonly NotTested[];
}

/** Reads the kernel's log of this machine. */
export async function readKernelLog(bootedAtMs: number, nowMs: number, timeoutMs: Ms): Promise<KernelLog> {
  const reasons: string[] = [];
  const dmesg = await runCommand("dmesg", [], timeoutMs);
  if (dmesg.ok) return logOf(dmesg.text, "kernel log", bootedAtMs, nowMs);
  reasons.push(reasonOf(dmesg));
  const journal = await runCommand(
    "journalctl",
    ["-k", "-o", "short-unix", "--no-pager", "-q", "-n", "20000"],
    timeoutMs,
  );
  if (journal.ok && journal.text.trim() !== "") return logOf(journal.text, "journal", bootedAtMs, nowMs);
  reasons.push(journal.ok ? "the journal has no kernel messages that doctor's user may read" : reasonOf(journal));
  for (const file of ["/var/log/kern.log", "/var/log/messages"]) {
    const text = await tailOf(file);
    if (text !== null) return logOf(text, file, bootedAtMs, nowMs);
  }
  const how = "sudo dmesg -T | grep -iE 'killed process|segfault|SYN flooding'";
  return { events: [], notTested: [{ check: "kernel-log", target: null, reason: reasons.join("; "), how }] };
}

const reasonOf = (result: CommandResult): string => (result.ok ? "" : result.reason);

async function tailOf(path: string): Promise<string | null> {
  let file: Awaited<ReturnType<typeof open>> | null = null;
  try {
    file = await open(path, "r");
    const { size } = await file.stat();
    const length = Math.min(size, FILE_TAIL);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead).toString("utf8");
  } catch {
    // Not there, or not ours to read: the next source is tried.
    return null;
  } finally {
    await file?.close();
  }
}

function logOf(text: string, source: string, bootedAtMs: number, nowMs: number): KernelLog {
  return { events: readKernelLines(text, source, bootedAtMs, nowMs), notTested: [] };
}

interface Kind {
  readonly kind: KernelEvent["kind"];
  readonly pattern: RegExp;
}

/** Groups: pid, process. */
const KINDS: readonly Kind[] = [
  { kind: "oom-kill", pattern: /\bKill(?:ed)? process (?<pid>\d+)(?:,? \((?<process>[^)]{1,64})\))?/ },
  { kind: "oom-kill", pattern: /\boom-kill:.*\btask=(?<process>[^,]{1,64}),pid=(?<pid>\d+)/ },
  {
    kind: "segfault",
    pattern:
      /(?:^|[\s\]:])(?<process>[^\s[\]]{1,64})\[(?<pid>\d+)\]:? (?:segfault at|general protection|trap |bad frame)/,
  },
  {
    kind: "listen-overflow",
    pattern: /Possible SYN flooding on port (?<process>\S{1,60}?)\. (?:Dropping request|Sending cookies)/,
  },
];

/** The events among lines of a kernel log, whatever writes the beginning of its lines. */
export function readKernelLines(text: string, source: string, bootedAtMs: number, nowMs: number): KernelEvent[] {
  const found: KernelEvent[] = [];
  for (const line of text.split("\n").slice(-LINES_MAX)) {
    for (const { kind, pattern } of KINDS) {
      const groups = pattern.exec(line.slice(0, LINE_MAX))?.groups;
      if (!groups) continue;
      const pid = groups["pid"] === undefined ? null : Number(groups["pid"]);
      const atMs = timeOf(line, bootedAtMs, nowMs);
      if (atMs !== null && nowMs - atMs > AGE_MAX_MS) break;
      const process = kind === "listen-overflow" ? null : (groups["process"] ?? null);
      const cgroup = /\btask_memcg=([^,\s]{1,300})/.exec(line)?.[1];
      const group = cgroup === undefined ? null : (unitOf(cgroup) ?? containerOf(cgroup));
      add(found, { kind, atMs, pid, process, group, text: withoutTime(line).slice(0, 300), source });
      break;
    }
  }
  return found.slice(-EVENTS_MAX);
}

/** The kernel writes two lines of one kill: the second says more. */
function add(found: KernelEvent[], event: KernelEvent): void {
  const before = found.findIndex(({ kind, pid }) => kind === "oom-kill" && event.kind === kind && pid === event.pid);
  const known = found[before];
  if (!known || Math.abs((known.atMs ?? 0) - (event.atMs ?? 0)) >= 60_000) {
    found.push(event);
    return;
  }
  found.splice(before, 1);
  found.push({ ...event, group: event.group ?? known.group ?? null, process: event.process ?? known.process });
}

/** "[ 1234.567]" since the start, "1795293864.38 host kernel:", "2026-11-21T20:00:00…", "Nov 21 20:00:00". */
function timeOf(line: string, bootedAtMs: number, nowMs: number): number | null {
  const unix = /^(\d{9,11})\.(\d{1,6}) /.exec(line);
  if (unix) return Math.round(Number(`${unix[1]}.${unix[2]}`) * 1000);
  const iso = /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,6})?(?:Z|[+-]\d\d:?\d\d)?)/.exec(line);
  if (iso?.[1]) return numberOrNull(Date.parse(iso[1].replace(",", ".")));
  const since = /^(?:<\d{1,3}>)?\[\s*(\d{1,9}\.\d{1,6})(?:,|\])/.exec(line);
  if (since) return bootedAtMs > 0 ? bootedAtMs + Math.round(Number(since[1]) * 1000) : null;
  const long = /^([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d)/.exec(line);
  if (!long) return null;
  const year = new Date(nowMs).getFullYear();
  const guess = numberOrNull(Date.parse(`${long[1]} ${long[2]} ${year} ${long[3]}`));
  // The form has no year: December is read in January.
  return guess !== null && guess > nowMs + 86_400_000
    ? numberOrNull(Date.parse(`${long[1]} ${long[2]} ${year - 1} ${long[3]}`))
    : guess;
}

const numberOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

const withoutTime = (line: string): string =>
  line
    .replace(/^(?:<\d{1,3}>)?\[[\s\d.,]{1,40}\]\s*/, "")
    .replace(/^.{0,80}?\bkernel: (?:\[[\s\d.]{1,24}\]\s*)?/, "")
    .trim();

/** How often a control group killed for memory, from memory.events (v2) or memory.oom_control (v1). */
export function oomKillsOf(text: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}
