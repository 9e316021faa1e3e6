// Sockets that this process was started with, in systemd's form (sd_listen_fds): descriptors from 3 on, their number
// in LISTEN_FDS, their names in LISTEN_FDNAMES. A process that takes the place of a running one gets its sockets in
// the same form; since nobody knows a child's process id before it runs, LISTEN_PID is then the parent's, in a
// variable of our own.
//
// A socket belongs to the listener whose address is its name (percent-encoded, as an upgrade hands it over) or, as
// systemd names them after units, whose address it is bound to.
import { closeSync, readFileSync, readlinkSync } from "node:fs";
import { formatAddress } from "../config/address.ts";
import type { Address } from "../config/config.ts";
import type { GivenSockets } from "../proxy/gateway.ts";
import { addressOfDescriptor, ListeningSocket } from "../proxy/listening-socket.ts";

const FIRST = 3;
const PARENT = "GOODGATE_LISTEN_PPID";
/** Before the name of a socket that is handed over and was the service manager's; no encoded address has a comma. */
const LENT = "lent,";

interface Inherited {
  readonly fd: number;
  readonly name: string;
  /** The service manager has opened it, and keeps it. */
  readonly lent: boolean;
  /** null = it is no socket; a Unix socket has a path. */
  readonly bound: { readonly host: string; readonly port: number } | { readonly path: string } | null;
}

/** The descriptors that this process was started with. */
export class InheritedSockets {
  readonly #left: Inherited[];
  /** How many there were: numbers that no child of ours may get to see. */
  readonly count: number;
  /** They come from a process whose place this one takes. */
  readonly fromPredecessor: boolean;

  private constructor(sockets: Inherited[], fromPredecessor: boolean) {
    this.#left = sockets;
    this.count = sockets.length;
    this.fromPredecessor = fromPredecessor;
  }

  /** Reads the environment once, and clears it so that no child believes to be meant. */
  static fromEnvironment(env: NodeJS.ProcessEnv = process.env): InheritedSockets {
    const fromPredecessor = env[PARENT] === String(process.ppid);
    const isOurs = fromPredecessor || env["LISTEN_PID"] === String(process.pid);
    const count = isOurs ? Number(env["LISTEN_FDS"]) || 0 : 0;
    const names = (env["LISTEN_FDNAMES"] ?? "").split(":");
    for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", PARENT]) delete env[name];
    return new InheritedSockets(
      Array.from({ length: count }, (_, index) => {
        const fd = FIRST + index;
        const name = names[index] ?? "";
        const plain = fromPredecessor && name.startsWith(LENT) ? name.slice(LENT.length) : name;
        const lent = !fromPredecessor || plain !== name;
        return { fd, name: decodeName(plain), lent, bound: boundTo(fd) };
      }),
      fromPredecessor,
    );
  }

  /** The socket for a listener, once. */
  readonly take: GivenSockets = (address) => {
    const label = formatAddress(address);
    const named = this.#left.findIndex(({ name, bound }) => bound && name === label);
    const at = named >= 0 ? named : this.#left.findIndex(({ bound }) => bound && isAt(bound, address));
    if (at < 0) return undefined;
    const [{ fd, lent }] = this.#left.splice(at, 1) as [Inherited];
    return ListeningSocket.inherited(address, fd, lent);
  };

  /** Closes what no listener wanted, and says which: clients would wait there for nobody. */
  closeRest(): string[] {
    return this.#left.splice(0).map(({ fd, name, bound }) => {
      closeSync(fd);
      const where = !bound
        ? "which is no listening socket"
        : "path" in bound
          ? bound.path
          : `${bound.host}:${bound.port}`;
      return `${name ? `${name}, ` : ""}${where}`;
    });
  }
}

/** What a child is started with so that it inherits `sockets`: its stdio from 3 on, and its environment. */
export function handDown(sockets: readonly ListeningSocket[]): { stdio: number[]; env: NodeJS.ProcessEnv } {
  return {
    stdio: sockets.map(({ fd }) => fd),
    env: {
      LISTEN_FDS: String(sockets.length),
      LISTEN_FDNAMES: sockets.map(nameOf).join(":"),
      [PARENT]: String(process.pid),
    },
  };
}

function nameOf({ address, lent }: ListeningSocket): string {
  return `${lent ? LENT : ""}${encodeURIComponent(formatAddress(address))}`;
}

function decodeName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    // A name that systemd gave, with a "%" of its own.
    return name;
  }
}

function boundTo(fd: number): Inherited["bound"] {
  const bound = addressOfDescriptor(fd);
  if (bound?.host !== "") return bound;
  const path = unixPath(fd);
  return path === null ? null : { path };
}

/** Node does not say where a Unix socket is bound; Linux does. */
function unixPath(fd: number): string | null {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
    const line = readFileSync("/proc/net/unix", "utf8")
      .split("\n")
      .find((text) => text.split(/\s+/)[6] === inode);
    return line?.split(/\s+/)[7] ?? null;
  } catch {
    // No /proc on this system: only its name tells whose it is.
    return null;
  }
}

function isAt(bound: NonNullable<Inherited["bound"]>, address: Address): boolean {
  if (address.kind === "unix") return "path" in bound && bound.path === address.path;
  if ("path" in bound || bound.port !== address.port) return false;
  if (address.host === "") return bound.host === "::" || bound.host === "0.0.0.0";
  if (address.host === "localhost") return bound.host === "127.0.0.1" || bound.host === "::1";
  return bound.host === address.host;
}
