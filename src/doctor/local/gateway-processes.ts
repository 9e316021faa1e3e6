// The gateway's own processes: found by the names of their programs, with their limits and the user that their workers
// run as. The program of a container counts too, since its process is one of this machine.
import { join } from "node:path";
import { SOFTWARE, type SoftwareId } from "../software.ts";
import type { GatewayProcess } from "./model.ts";
import { linkOf, namesIn, processIds, readText } from "./proc-files.ts";
import { type MachineFacts, readProcess, type SeenProcess, shown } from "./processes.ts";

/** Names of programs; others are looked for by nobody. */
const PROGRAMS: { readonly [id in SoftwareId]?: RegExp } = {
  nginx: /^(?:nginx|openresty|angie|tengine|freenginx)(?:-debug)?:?$/,
  haproxy: /^haproxy$/,
  envoy: /^(?:envoy|pilot-agent)$/,
  caddy: /^caddy$/,
  traefik: /^traefik$/,
  apache: /^(?:apache2|httpd)(?:-\w+)?$/,
  varnish: /^(?:varnishd|cache-main)$/,
  goodgate: /^goodgate(?:-nginx)?$/,
  cloudflared: /^cloudflared$/,
  kong: /^kong$/,
  squid: /^\(?squid(?:-\d)?\)?$/,
};

const PROCESSES_MAX = 8192;
const SHOWN_MAX = 24;
const AT_ONCE = 64;

/** A process of a gateway, with what decides where it may connect. */
export interface FoundGateway extends SeenProcess {
  readonly software: SoftwareId;
  readonly descriptors: { readonly open: number; readonly max: number } | null;
  /** Whether it is in the same network namespace as doctor; null = not ours to see. */
  readonly sameNetwork: boolean | null;
  readonly sameMounts: boolean | null;
  /** Its root folder where it was moved (chroot); null = "/", or not ours to see. */
  readonly chroot: string | null;
}

/** Processes of the programs, oldest number first, at most so many of each. */
export async function findGateways(
  machine: MachineFacts,
  wanted: readonly SoftwareId[],
  untilMs: number,
): Promise<FoundGateway[]> {
  const patterns = wanted.flatMap((software) => {
    const pattern = PROGRAMS[software];
    return pattern ? [{ software, pattern }] : [];
  });
  const pids = patterns.length === 0 ? [] : (await processIds(machine.proc)).slice(0, PROCESSES_MAX);
  const found: FoundGateway[] = [];
  for (let i = 0; i < pids.length && Date.now() < untilMs; i += AT_ONCE) {
    const some = await Promise.all(pids.slice(i, i + AT_ONCE).map((pid) => gatewayOf(pid, machine, patterns)));
    for (const each of some) if (each && found.length < SHOWN_MAX) found.push(each);
  }
  return found;
}

interface Wanted {
  readonly software: SoftwareId;
  readonly pattern: RegExp;
}

async function gatewayOf(pid: number, machine: MachineFacts, wanted: readonly Wanted[]): Promise<FoundGateway | null> {
  if (pid === process.pid) return null;
  const comm = (await readText(join(machine.proc, String(pid), "comm")))?.trim() ?? "";
  const words = (await readText(join(machine.proc, String(pid), "cmdline")))?.split("\0", 2) ?? [];
  const names = [
    comm,
    ...words.map(
      (word) =>
        word
          .split(" ", 1)[0]
          ?.split("/")
          .at(-1)
          ?.replace(/\.[cm]?js$/, "") ?? "",
    ),
  ];
  // A script's name is the second word, and only of an interpreter: "vim haproxy" is not HAProxy.
  const script = /^(?:node|MainThread|bun|goodgate)/.test(comm);
  const match = wanted.find(({ pattern }) => names.slice(0, script ? 3 : 2).some((name) => pattern.test(name)));
  const seen = match ? await readProcess(pid, machine) : null;
  if (!match || !seen) return null;
  const [descriptors, sameNetwork, sameMounts, root] = await Promise.all([
    descriptorsOf(pid, machine.proc),
    sameNamespace(pid, machine.proc, "net"),
    sameNamespace(pid, machine.proc, "mnt"),
    linkOf(machine.proc, String(pid), "root"),
  ]);
  const chroot = root === null || root === "/" ? null : root;
  return { ...seen, software: match.software, descriptors, sameNetwork, sameMounts, chroot };
}

async function descriptorsOf(pid: number, proc: string): Promise<{ open: number; max: number } | null> {
  const folder = join(proc, String(pid));
  const [names, limits] = await Promise.all([namesIn(join(folder, "fd")), readText(join(folder, "limits"))]);
  const max = Number(/^Max open files\s+(\d+)/m.exec(limits ?? "")?.[1] ?? Number.NaN);
  return names === null || !Number.isFinite(max) ? null : { open: names.length, max };
}

async function sameNamespace(pid: number, proc: string, kind: "net" | "mnt"): Promise<boolean | null> {
  const [own, other] = await Promise.all([linkOf(proc, "self", "ns", kind), linkOf(proc, String(pid), "ns", kind)]);
  return own === null || other === null ? null : own === other;
}

/** As the report shows it. */
export function gatewayShown(found: FoundGateway, nowMs: number): GatewayProcess {
  return {
    ...shown(found),
    software: SOFTWARE[found.software].name,
    descriptors: found.descriptors,
    uptimeMs: Math.max(0, nowMs - found.startedAtMs),
  };
}

/** Those of the same master: a machine may run several gateways of one program. */
export function familyOf(gateways: readonly FoundGateway[], pids: ReadonlySet<number>): readonly FoundGateway[] {
  const byPid = new Map(gateways.map((each) => [each.pid, each] as const));
  const top = (each: FoundGateway): number => {
    let at = each;
    for (let depth = 0; depth < 8; depth++) at = byPid.get(at.parent) ?? at;
    return at.pid;
  };
  const tops = new Set(gateways.filter(({ pid }) => pids.has(pid)).map(top));
  return gateways.filter((each) => tops.has(top(each)));
}

/** Those that connect to upstreams: workers where a master has some, else all. */
export function workersOf(gateways: readonly FoundGateway[]): readonly FoundGateway[] {
  const pids = new Set(gateways.map(({ pid }) => pid));
  const workers = gateways.filter(({ parent }) => pids.has(parent));
  const parents = new Set(workers.map(({ parent }) => parent));
  const alone = gateways.filter(({ pid, parent }) => !pids.has(parent) && !parents.has(pid));
  return [...workers, ...alone];
}
