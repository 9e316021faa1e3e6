// One address of a configuration, held against what listens on this machine: whether the address is this machine's,
// what listens on its port on whichever address, whether one of them takes connections to it, and, where nothing does,
// where programs of the kind that answer HTTP listen instead.
import { basename, dirname } from "node:path";
import type { Spot } from "../evidence.ts";
import { addressesHere, addressText, takes } from "./addresses.ts";
import type { FoundGateway } from "./gateway-processes.ts";
import type { LocalListener, LocalSpot, SocketFile } from "./model.ts";
import { type SeenProcess, shown } from "./processes.ts";
import { lookAtSocketFile } from "./socket-file.ts";
import type { TcpListener, UnixListener } from "./socket-tables.ts";
import type { Owners, Sockets } from "./sockets.ts";

/** What is known of the machine when spots are looked at. */
export interface SpotContext {
  readonly sockets: Sockets;
  readonly owners: Owners;
  readonly processes: ReadonlyMap<number, SeenProcess>;
  readonly own: ReadonlySet<string>;
  readonly hosts: string;
  readonly workers: readonly FoundGateway[];
  /** Whether all of these are one gateway's: else one that may not connect proves nothing. */
  readonly workersSure: boolean;
  /** Processes of gateways: they are not where an upstream listens by mistake. */
  readonly gatewayPids: ReadonlySet<number>;
  readonly proc: string;
}

const OTHERS_MAX = 12;

/** Programs that run applications; what else listens on a machine is not taken for a misplaced one. */
const APP_PROGRAMS =
  /^(?:node|MainThread|bun|deno|npm|tsx|next-server|python[\d.]*|gunicorn:?|uvicorn|hypercorn|daphne|waitress-serve|uwsgi|ruby[\d.]*|puma:?|unicorn|passenger.*|rackup|java|dotnet|php[\d.]*|php-fpm[\d.]*:?|beam\.smp|perl|starman|apache2|httpd|nginx:?|caddy|goodgate)$/;

/** Inodes of the sockets whose owners matter: those on the ports asked for, and where one is unserved, all others. */
export function inodesFor(spots: readonly Spot[], sockets: Sockets): ReadonlySet<number> {
  const ports = new Set(spots.flatMap((spot) => (spot.kind === "tcp" ? [spot.port] : [])));
  const paths = new Set(spots.flatMap((spot) => (spot.kind === "unix" ? [spot.path] : [])));
  const inodes = new Set<number>();
  const unserved = [...ports].some((port) => !sockets.tcp.some((listener) => listener.port === port));
  for (const { port, inode } of sockets.tcp) if (unserved || ports.has(port)) inodes.add(inode);
  for (const { path, inode } of sockets.unix)
    if ([...paths].some((asked) => samePath(path, asked) || sameFolder(path, asked))) inodes.add(inode);
  inodes.delete(0);
  return inodes;
}

/** "/var/run" and "/run" are one folder everywhere. */
const plain = (path: string): string => path.replace(/^\/var\/run\//, "/run/").replace(/\/{2,}/g, "/");

const sameFolder = (bound: string, asked: string): boolean => dirname(plain(bound)) === dirname(plain(asked));

/** A socket may be bound by a relative path. */
function samePath(bound: string, asked: string): boolean {
  return (
    plain(bound) === plain(asked) || (!/^[/@]/.test(bound) && plain(asked).endsWith(`/${bound.replace(/^\.\//, "")}`))
  );
}

/** Looks at one address. */
export async function lookAtSpot(spot: Spot, context: SpotContext): Promise<LocalSpot> {
  return spot.kind === "unix" ? unixSpot(spot, context) : tcpSpot(spot, context);
}

function tcpSpot(spot: Extract<Spot, { kind: "tcp" }>, context: SpotContext): LocalSpot {
  const addresses = addressesHere(spot.host, context.own, context.hosts);
  if (addresses === null) return { spot, here: false, listeners: [], served: false, socket: null, others: [] };
  const onPort = context.sockets.tcp.filter(({ port }) => port === spot.port);
  const served = onPort.some((each) =>
    addresses.some((address) => takes(each, address, context.sockets.queues.get(each.inode))),
  );
  return {
    spot,
    here: true,
    listeners: onPort.map((each) => tcpListener(each, context)),
    served,
    socket: null,
    others: onPort.length > 0 ? [] : misplaced(context),
  };
}

async function unixSpot(spot: Extract<Spot, { kind: "unix" }>, context: SpotContext): Promise<LocalSpot> {
  const { sockets, workers, workersSure, proc } = context;
  const abstract = spot.path.startsWith("@");
  const bound = sockets.unix.filter(({ path }) => (abstract ? path === spot.path : samePath(path, spot.path)));
  const file = abstract ? null : await lookAtSocketFile(spot.path, workers, workersSure, proc);
  const listeners = bound.map((each) => unixListener(each, context));
  return {
    spot,
    here: true,
    listeners,
    // A file whose program died stays, and a socket whose file was removed listens on for nobody.
    served: bound.length > 0 && (abstract || (file?.exists ?? false)),
    socket: file && { ...file, reason: reasonOf(file, listeners) },
    others: bound.length > 0 ? [] : neighbours(spot.path, context),
  };
}

/** php8.1-fpm.sock where php8.2-fpm.sock was asked for, or an application's socket beside it. */
function neighbours(path: string, context: SpotContext): LocalListener[] {
  const name = (each: string): string => basename(each).replace(/[\d._-]+/g, "#");
  return context.sockets.unix
    .filter((each) => sameFolder(each.path, path))
    .map((each) => unixListener(each, context))
    .filter(({ address, process: owner }) => name(address) === name(path) || (owner && APP_PROGRAMS.test(owner.name)))
    .slice(0, OTHERS_MAX);
}

/** Why nobody gets through: the file alone does not say whether a program is behind it. */
function reasonOf(file: SocketFile, listeners: readonly LocalListener[]): string | null {
  const [first] = listeners;
  if (!file.exists && first) {
    const owner = first.process ? `${first.process.name} (pid ${first.process.pid})` : "a process";
    return `${file.reason ?? "no such file"}, though ${owner} is bound to this path: the file was removed, or it is in another mount namespace (PrivateTmp, a container)`;
  }
  if (file.isSocket && !first) return "the file is there, but no process listens on it: the one that made it is gone";
  return file.reason;
}

function tcpListener({ host, port, inode, waiting }: TcpListener, context: SpotContext): LocalListener {
  return {
    address: addressText(host, port),
    process: ownerOf(inode, context),
    queue: queueOf(inode, waiting, context),
  };
}

function unixListener({ path, inode }: UnixListener, context: SpotContext): LocalListener {
  return { address: `unix:${path}`, process: ownerOf(inode, context), queue: queueOf(inode, null, context) };
}

/** The first process that has the socket: a master is older than its workers. */
function ownerOf(inode: number, { owners, processes }: SpotContext): LocalListener["process"] {
  const [pid] = owners.of.get(inode) ?? [];
  const process = pid === undefined ? undefined : processes.get(pid);
  return process ? shown(process) : null;
}

/** The kernel takes one more while no more than `max` wait. */
function queueOf(inode: number, waiting: number | null, { sockets }: SpotContext): LocalListener["queue"] {
  const line = sockets.queues.get(inode);
  if (!line) return null;
  const now = Math.max(waiting ?? 0, line.waiting);
  return { waiting: now, max: line.max, full: now > line.max };
}

function misplaced(context: SpotContext): LocalListener[] {
  const seen = new Set<string>();
  const found: LocalListener[] = [];
  for (const each of context.sockets.tcp) {
    const [pid] = context.owners.of.get(each.inode) ?? [];
    const owner = pid === undefined ? undefined : context.processes.get(pid);
    if (!owner || owner.pid === process.pid || context.gatewayPids.has(owner.pid)) continue;
    if (!APP_PROGRAMS.test(owner.program) && !APP_PROGRAMS.test(owner.name)) continue;
    const key = `${owner.pid} ${each.port}`;
    if (seen.has(key) || found.length >= OTHERS_MAX) continue;
    seen.add(key);
    found.push(tcpListener(each, context));
  }
  return found;
}
