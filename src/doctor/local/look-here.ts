// Looks at the machine that doctor runs on: who listens at the configured addresses, since when, whether it was killed,
// whether its queue is full, whether the gateway's user may open a socket file. Reads /proc directly, asks programs where
// they add something, needs no root and says what root would add. Every source has its own time within the deadline; one
// that is slow or missing is left out and named. Never throws.
import { join } from "node:path";
import type { NotTested, Spot } from "../evidence.ts";
import { ownAddresses } from "./addresses.ts";
import { gatewayHere } from "./gateway-here.ts";
import { type FoundGateway, findGateways, gatewayShown, workersOf } from "./gateway-processes.ts";
import { hereFacts, ownGateways } from "./here-facts.ts";
import { memoryEvents, overflowEvent, overflows } from "./kernel-counters.ts";
import { type KernelLog, readKernelLog } from "./kernel-log.ts";
import type { KernelEvent, LocalEvidence, LocalSpot } from "./model.ts";
import { readText } from "./proc-files.ts";
import { type MachineFacts, machineFacts, readProcess } from "./processes.ts";
import type { LocalQuestion } from "./question.ts";
import { type Owners, ownersOf, readSockets, type Sockets } from "./sockets.ts";
import { inodesFor, lookAtSpot, type SpotContext } from "./spots.ts";
import { readUnits, type Units, type Wanted, wantedPath, wantedPort } from "./units.ts";

const SOURCE_MS_MAX = 2_000;
const OWNERS_MAX = 400;
const CGROUPS = "/sys/fs/cgroup";

/** What this machine tells of the asked addresses and programs. Never throws; ends by the deadline. */
export async function lookHere(asked: LocalQuestion, deadlineMs: number): Promise<LocalEvidence> {
  const startedAtMs = Date.now();
  const budget = Math.max(1, deadlineMs);
  const look = lookAtMachine(asked, startedAtMs, startedAtMs + budget);
  return within(look, budget, () => nothingSeen(asked, `the look at this machine took longer than ${deadlineMs} ms`));
}

/** The value, or what stands for it where it comes too late or not at all. */
async function within<T>(value: Promise<T>, ms: number, instead: (error: unknown) => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(instead(null)), ms);
  });
  try {
    return await Promise.race([value, late]);
  } catch (error) {
    return instead(error);
  } finally {
    clearTimeout(timer);
  }
}

const isRoot = (): boolean => process.getuid?.() === 0;

function nothingSeen(asked: LocalQuestion, reason: string): LocalEvidence {
  return {
    gatewayHere: { certain: asked.forced, yes: asked.forced, reason: asked.forced ? "--local says so" : reason },
    root: isRoot(),
    spots: [],
    kernel: [],
    units: [],
    gateways: [],
    notTested: [{ check: "local-listener", target: null, reason, how: "ss -ltnp" }],
  };
}

async function lookAtMachine(asked: LocalQuestion, nowMs: number, untilMs: number): Promise<LocalEvidence> {
  const proc = asked.proc ?? "/proc";
  const real = asked.proc === undefined || asked.proc === "/proc";
  // What is slow is given up in time for the rest to be told.
  const lastMs = untilMs - Math.min(300, (untilMs - nowMs) * 0.1);
  const left = (share: number): number =>
    Math.max(1, Math.min(SOURCE_MS_MAX, Math.floor((lastMs - Date.now()) * share)));
  const machine = await machineFacts(proc);
  if (machine.bootedAtMs === 0) return nothingSeen(asked, `${proc} cannot be read: this check is for Linux`);
  // Beside each other: the kernel's log is the slowest, and nothing waits for it.
  const dropped = await overflows(proc);
  const logMs = left(0.3);
  const kernelLog: Promise<KernelLog> = real
    ? within(readKernelLog(machine.bootedAtMs, nowMs, logMs), lastMs - Date.now(), (error) => lateKernelLog(error))
    : Promise.resolve({ events: [], notTested: [] });
  const gateways = await findGateways(machine, asked.gateways, lastMs);
  const view = networkView(proc, gateways);
  const sockets = await readSockets(view.net, real && view.own, left(0.3));
  const listened = asked.listens.map(({ host, port }): Spot => ({ kind: "tcp", host, port }));
  const owners = await ownersOf(proc, inodesFor([...asked.spots, ...listened], sockets), Date.now() + left(0.6));
  const common = { sockets, owners, own: ownAddresses(), hosts: (await readText("/etc/hosts")) ?? "", proc };
  const facts = await hereFacts(asked, gateways, common);
  const ours = ownGateways(gateways, facts);
  const context: SpotContext = { ...common, ...(await processesOf(machine, owners)), ...gatewayRights(gateways, ours) };
  const spots = await Promise.all(asked.spots.map((spot) => lookAtSpot(spot, context)));
  const units = real ? await unitsOf(spots, ours, machine, left(0.45)) : { units: [], notTested: [] };
  const memory = await memoryEvents(spots, ours, context.processes, asked.cgroups ?? CGROUPS);
  const log = await kernelLog;
  const overflow = overflowEvent(dropped, await overflows(proc), Date.now());
  return {
    gatewayHere: gatewayHere(facts),
    root: isRoot(),
    spots,
    kernel: [...memory, ...log.events.filter((event) => concerns(event, asked)), ...overflow],
    units: units.units,
    gateways: ours.map((found) => gatewayShown(found, nowMs)),
    notTested: [
      ...view.notTested,
      ...log.notTested,
      ...units.notTested,
      ...notSeen(sockets, owners, spots, real && view.own),
    ],
  };
}

const lateKernelLog = (error: unknown): KernelLog => ({
  events: [],
  notTested: [
    {
      check: "kernel-log",
      target: null,
      reason:
        error instanceof Error ? `the kernel log could not be read: ${error.message}` : "the kernel log took too long",
      how: "sudo dmesg -T | tail -50",
    },
  ],
});

/** A gateway in a container sees its own 127.0.0.1: its tables are read, not those of the machine. */
function networkView(
  proc: string,
  gateways: readonly FoundGateway[],
): { readonly net: string; readonly own: boolean; readonly notTested: readonly NotTested[] } {
  const apart = gateways.find(({ sameNetwork }) => sameNetwork === false);
  if (!apart || gateways.some(({ sameNetwork }) => sameNetwork !== false))
    return { net: join(proc, "net"), own: true, notTested: [] };
  const where = apart.container === null ? "another network namespace" : `container ${apart.container}`;
  const reason = `${apart.name} (pid ${apart.pid}) runs in ${where}: listeners are those that it sees, without their queues`;
  const how = `sudo nsenter -t ${apart.pid} -n ss -ltnp`;
  return {
    net: join(proc, String(apart.pid), "net"),
    own: false,
    notTested: [{ check: "accept-queue", target: null, reason, how }],
  };
}

/** The processes that hold the sockets. */
async function processesOf(machine: MachineFacts, { of }: Owners): Promise<Pick<SpotContext, "processes">> {
  const pids = [...new Set([...of.values()].flatMap((each) => each.slice(0, 2)))].slice(0, OWNERS_MAX);
  const read = await Promise.all(pids.map((pid) => readProcess(pid, machine)));
  return { processes: new Map(read.flatMap((each) => (each ? [[each.pid, each] as const] : []))) };
}

function gatewayRights(
  all: readonly FoundGateway[],
  ours: readonly FoundGateway[],
): Pick<SpotContext, "workers" | "workersSure" | "gatewayPids"> {
  const masters = ours.filter(({ parent }) => !ours.some(({ pid }) => pid === parent));
  return {
    workers: workersOf(ours),
    workersSure: ours.length < all.length || masters.length === 1,
    gatewayPids: new Set(all.map(({ pid }) => pid)),
  };
}

/** The kernel warns of floods on any port of the machine; those asked about are few. */
function concerns({ kind, text }: KernelEvent, { spots, listens }: LocalQuestion): boolean {
  if (kind !== "listen-overflow") return true;
  const port = Number(/on port (?:\S+:)?(\d{1,5})\./.exec(text)?.[1] ?? Number.NaN);
  return listens.some((each) => each.port === port) || spots.some((spot) => spot.kind === "tcp" && spot.port === port);
}

/** The services of what listens and of the gateway, and those that do not run and name an unserved address. */
function unitsOf(
  spots: readonly LocalSpot[],
  gateways: readonly FoundGateway[],
  machine: MachineFacts,
  timeoutMs: number,
): Promise<Units> {
  const named = new Map<string, string>();
  const owners = spots.flatMap(({ listeners, others }) => [...listeners, ...others].map(({ process }) => process));
  for (const owner of [...owners, ...gateways])
    if (owner?.unit && !named.has(owner.unit)) named.set(owner.unit, `${owner.name} (pid ${owner.pid}) is in it`);
  const wanted = spots.flatMap(({ spot, here, served }): Wanted[] =>
    !here || served ? [] : [spot.kind === "tcp" ? wantedPort(spot.port) : wantedPath(spot.path)],
  );
  return readUnits(named, wanted, machine.bootedAtMs, timeoutMs);
}

function notSeen(sockets: Sockets, owners: Owners, spots: readonly LocalSpot[], withSs: boolean): NotTested[] {
  const missed: NotTested[] = [];
  if (!sockets.readable)
    missed.push({
      check: "local-listener",
      target: null,
      reason: "the tables of sockets could not be read",
      how: "ss -ltnp",
    });
  if (withSs && sockets.ssReason !== null)
    missed.push({
      check: "accept-queue",
      target: null,
      reason: `how many connections may wait is not known: ${sockets.ssReason}`,
      how: "apt install iproute2, then ss -ltn",
    });
  const nameless = spots.flatMap(({ listeners }) => listeners).filter(({ process }) => process === null);
  if (nameless.length > 0 && owners.hidden > 0) {
    const where = [...new Set(nameless.map(({ address }) => address))].slice(0, 4).join(", ");
    const reason = `which process listens on ${where} is another user's: root would see it, with since when and its state`;
    missed.push({ check: "local-owner", target: null, reason, how: "sudo ss -ltnp, or doctor as root" });
  }
  return missed;
}
