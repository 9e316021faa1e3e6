// The socket behind a listener, apart from the server that accepts on it: bound here, or inherited from systemd, from
// the process that this one takes the place of, or from the primary of --workers.
//
// Two handles share one descriptor: one that owns the binding and is never polled, and one opened on its number that
// a server accepts on. That split is what makes the rest possible: a descriptor can be handed on while nobody accepts
// here, and accepting can be paused without closing. libuv has no call for a pause, but a handle that was opened on a
// descriptor may be read from, and stopping to read stops the polling; whoever connects then waits in the kernel's
// backlog. node:net does not document createServerHandle; node:cluster stands on it since Node 0.6.

import { lookup } from "node:dns/promises";
import { chmodSync, rmSync } from "node:fs";
import net, { isIP, type Server } from "node:net";
import { getSystemErrorName } from "node:util";
import type { Address, Config, ListenerConfig } from "../config/config.ts";

const BACKLOG = 4096;
const IPV6_ONLY = 1;
const FOR_EVERYBODY = 0o666;

/** What `listen` may say of a socket. */
export interface SocketOptions {
  readonly backlog?: number;
  /** Only where it is bound to "::". */
  readonly ipv6Only?: boolean;
  /** A Unix socket may be connected to by everybody. */
  readonly open?: boolean;
}

/** The options of a listener; those of virtual servers are nginx's where none is given. */
export function socketOptions(
  { backlog, ipv6Only }: ListenerConfig,
  { servers }: Pick<Config, "servers">,
): SocketOptions {
  return {
    ...(backlog !== undefined && backlog > 0 ? { backlog } : {}),
    ipv6Only: ipv6Only ?? servers !== null,
    open: servers !== null,
  };
}

/** What node:net keeps of a socket; readStart and readStop return 0 or an error number. */
export interface SocketHandle {
  readonly fd: number;
  getsockname?(out: { address?: string; port?: number }): number;
  readStart(): number;
  readStop(): number;
  close(): void;
}

type CreateServerHandle = (
  address: string | null,
  port: number | null,
  kind: number | null,
  fd?: number,
  flags?: number,
) => SocketHandle | number;

const { _createServerHandle: createServerHandle } = net as unknown as { _createServerHandle: CreateServerHandle };

/** A listening socket; whoever holds it decides when it is given up. */
export class ListeningSocket {
  /** The address as it was configured. */
  readonly address: Address;
  /** The service manager has it, too, and will start the program anew for the next client: its path stays. */
  readonly lent: boolean;
  readonly #owner: SocketHandle;
  #accepting: Server | null = null;
  #handedOn = false;

  readonly #backlog: number;

  private constructor(address: Address, owner: SocketHandle, lent = false, backlog = BACKLOG) {
    this.address = address;
    this.lent = lent;
    this.#backlog = backlog;
    this.#owner = owner;
  }

  /** Binds; rejects with the system's error, which carries code, address and port. */
  static async bind(address: Address, options: SocketOptions = {}): Promise<ListeningSocket> {
    const { backlog } = options;
    if (address.kind === "unix") {
      const owner = handleOrThrow(address.path, -1, -1);
      if (options.open) chmodSync(address.path, FOR_EVERYBODY);
      return new ListeningSocket(address, owner, false, backlog);
    }
    const { host, port } = address;
    const found = host === "" || isIP(host) ? { address: host, family: isIP(host) } : await lookup(host);
    const owner = handleOrThrow(
      found.address || null,
      port,
      found.family === 6 ? 6 : 4,
      options.ipv6Only ? IPV6_ONLY : 0,
    );
    // libuv tells of an address that is in use only when it is asked for next.
    const late = owner.getsockname?.({}) ?? 0;
    if (late !== 0) {
      owner.close();
      throw systemError(late, found.address, port);
    }
    return new ListeningSocket(address, owner, false, backlog);
  }

  /** Takes over a descriptor that this process was started with. */
  static inherited(address: Address, fd: number, lent: boolean): ListeningSocket {
    return new ListeningSocket(address, handleOnDescriptor(fd), lent);
  }

  /** Takes over a handle that another process has sent. */
  static received(address: Address, handle: unknown): ListeningSocket {
    const socket = new ListeningSocket(address, handle as SocketHandle);
    socket.handOn();
    return socket;
  }

  /** What a child that is to inherit the socket gets. */
  get fd(): number {
    return this.#owner.fd;
  }

  /** What can be sent to a child over its channel. */
  get handle(): object {
    return this.#owner;
  }

  /** The port that was bound; 0 for a Unix socket. */
  get port(): number {
    return boundAddress(this.#owner).port;
  }

  /** Lets `server` accept on it; rejects with the system's error. */
  listen(server: Server): Promise<void> {
    this.#accepting = server;
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(handleOnDescriptor(this.#owner.fd), this.#backlog, () => {
        server.off("error", reject);
        resolve();
      });
    });
  }

  /** Somebody else has it, too: closing it here leaves a Unix socket's path in place. */
  handOn(): void {
    this.#handedOn = true;
  }

  /** Gives it up. */
  close(): void {
    const { address } = this;
    const isUnix = address.kind === "unix";
    // Both handles have the same descriptor: it must be closed once. Closing whoever has bound a path removes the path.
    if (this.#accepting?.listening) this.#accepting.close();
    else if (!this.#accepting && !(isUnix && this.#handedOn)) this.#owner.close();
    if (isUnix && !this.#handedOn && !this.lent) rmSync(address.path, { force: true });
  }
}

/** Stops or begins again to accept; false where this Node cannot. Clients that connect meanwhile wait in the backlog. */
export function setAccepting(server: Server, accepting: boolean): boolean {
  const handle = (server as unknown as { _handle?: SocketHandle | null })._handle;
  if (!handle) return false;
  // Only what is being read can be stopped, and after a pause it is being read already.
  const started = handle.readStart();
  if (started !== 0 && getSystemErrorName(started) !== "EALREADY") return false;
  return accepting || handle.readStop() === 0;
}

/** Whether a descriptor is a socket that listens somewhere, and where; "" = a Unix socket. */
export function addressOfDescriptor(fd: number): { host: string; port: number } | null {
  const handle = createServerHandle(null, null, null, fd);
  if (typeof handle === "number") return null;
  const { host, port } = boundAddress(handle);
  return { host, port };
}

function boundAddress(handle: SocketHandle): { host: string; port: number } {
  const out: { address?: string; port?: number } = {};
  handle.getsockname?.(out);
  return { host: out.address ?? "", port: out.port ?? 0 };
}

function handleOnDescriptor(fd: number): SocketHandle {
  const handle = createServerHandle(null, null, null, fd);
  if (typeof handle === "number") throw systemError(handle, `descriptor ${fd}`, 0);
  return handle;
}

function handleOrThrow(address: string | null, port: number, kind: number, flags = 0): SocketHandle {
  const handle = createServerHandle(address, port, kind, undefined, kind === 6 ? flags : 0);
  if (typeof handle === "number") throw systemError(handle, address ?? "", port);
  return handle;
}

function systemError(number: number, address: string, port: number): Error {
  const code = getSystemErrorName(number);
  const where = port > 0 ? `${address}:${port}` : address;
  return Object.assign(new Error(`listen ${code}: ${where}`), {
    code,
    errno: number,
    syscall: "listen",
    address,
    port,
  });
}
