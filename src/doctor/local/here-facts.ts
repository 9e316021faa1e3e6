// What the machine says of the question whether the configured gateway runs here, and which processes are its own: those
// that hold a configured address, or that a process id file names. Others of the same program are somebody else's.
import type { SoftwareId } from "../software.ts";
import { addressesHere, addressText, plainAddress, takes } from "./addresses.ts";
import type { HereFacts } from "./gateway-here.ts";
import { type FoundGateway, familyOf } from "./gateway-processes.ts";
import { readText } from "./proc-files.ts";
import type { LocalQuestion } from "./question.ts";
import type { SpotContext } from "./spots.ts";

/** What it needs of the machine. */
export type HereContext = Pick<SpotContext, "sockets" | "owners" | "own" | "hosts">;

/** The processes of the configured gateway; where nothing tells which they are, all of its program. */
export function ownGateways(
  gateways: readonly FoundGateway[],
  { served, pidFiles }: HereFacts,
): readonly FoundGateway[] {
  const family = familyOf(
    gateways,
    new Set([...served.flatMap(({ pids }) => pids), ...pidFiles.map(({ pid }) => pid)]),
  );
  return family.length > 0 ? family : gateways;
}

/** Holds what is configured against what is here. */
export async function hereFacts(
  asked: LocalQuestion,
  gateways: readonly FoundGateway[],
  context: HereContext,
): Promise<HereFacts> {
  const served: { address: string; pids: readonly number[] }[] = [];
  const unserved: string[] = [];
  for (const { host, port } of asked.listens) {
    const addresses = addressesHere(host, context.own, context.hosts) ?? [];
    const taking = context.sockets.tcp.filter(
      (each) =>
        each.port === port && addresses.some((address) => takes(each, address, context.sockets.queues.get(each.inode))),
    );
    const address = addressText(host === "" ? "*" : host.replace(/^\[|\]$/g, ""), port);
    if (taking.length === 0) unserved.push(address);
    else served.push({ address, pids: taking.flatMap(({ inode }) => context.owners.of.get(inode) ?? []) });
  }
  const plain = asked.urlAddresses.map((address) => plainAddress(address) ?? address);
  const isHere = (address: string): boolean => addressesHere(address, context.own, "") !== null;
  return {
    forced: asked.forced,
    gateways: asked.gateways,
    processes: gateways,
    served,
    unserved,
    urlHere: plain.filter(isHere),
    urlElsewhere: plain.filter((address) => !isHere(address)),
    pidFiles: await alivePidFiles(asked.pidFiles, gateways),
  };
}

const PID_FILES_MAX = 16;

async function alivePidFiles(
  files: readonly string[],
  gateways: readonly FoundGateway[],
): Promise<{ file: string; pid: number; software: SoftwareId }[]> {
  const alive: { file: string; pid: number; software: SoftwareId }[] = [];
  for (const file of files.slice(0, PID_FILES_MAX)) {
    const pid = Number(/^\s*(\d{1,9})\s*$/.exec((await readText(file, 64)) ?? "")?.[1] ?? Number.NaN);
    const found = gateways.find((each) => each.pid === pid);
    if (found) alive.push({ file, pid, software: found.software });
  }
  return alive;
}
