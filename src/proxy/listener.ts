// Listeners: accept, and hand each client a ClientConnection. Accepted plain sockets are wrapped anew so that they
// read into the shared buffer: net.createServer takes no `onread`, but a Socket made around the accepted handle does.
// Where the handle is not there (another runtime), the accepted socket is used as it is.
import cluster from "node:cluster";
import { BlockList, createServer, isIP, type Server, Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from "node:tls";
import type { Address, ListenerConfig } from "../config/config.ts";
import { ServerCertificates } from "../net/server-certificates.ts";
import { beginEvent } from "../std/clock.ts";
import { ClientConnection } from "./client-connection.ts";
import type { Gateway } from "./gateway.ts";
import { duplicateListener, MANY_CONNECTIONS } from "./more-acceptors.ts";
import { reportFiles } from "./runtime.ts";

const BACKLOG = 4096;

/** What an exchange records of the listener it came through. */
export interface ListenerInfo {
  readonly label: string;
  readonly tls: boolean;
}

/** Something that listens; close() stops accepting and leaves open connections alone. */
export class Listener {
  readonly config: ListenerConfig;
  readonly info: ListenerInfo;
  readonly #gateway: Gateway;
  readonly #server: Server;
  readonly #certificates: ServerCertificates | null;
  /** Servers on duplicates of the listening socket; null = not asked for yet. */
  #more: Server[] | null = null;
  #closed = false;

  constructor(gateway: Gateway, config: ListenerConfig, label: string) {
    this.#gateway = gateway;
    this.config = config;
    this.info = { label, tls: config.tls !== null };
    if (config.tls) {
      const { certificates, problems } = ServerCertificates.load(config.tls);
      if (!certificates) throw new Error(`listener ${label}: ${problems.map((problem) => problem.message).join("; ")}`);
      this.#certificates = certificates;
      const server = this.#tlsServer(certificates);
      certificates.attach(server);
      this.#server = server;
      certificates.watch((found, reloaded) => reportFiles(gateway.log, `listener ${label}`, found, reloaded));
    } else {
      this.#certificates = null;
      this.#server = this.#plainServer();
    }
  }

  /** Resolves once it listens; rejects with the system's error. */
  listen(): Promise<void> {
    const { address } = this.config;
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      const options =
        address.kind === "unix" ? { path: address.path } : { host: address.host || undefined, port: address.port };
      server.listen({ ...options, backlog: BACKLOG }, () => {
        server.off("error", reject);
        server.on("error", (error) => this.#gateway.log.error(`listener ${this.info.label}: ${error.message}`));
        resolve();
      });
    });
  }

  /** The port that was bound; 0 for a Unix socket. */
  get port(): number {
    const bound = this.#server.address();
    return bound && typeof bound === "object" ? bound.port : 0;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Stops accepting. */
  close(): void {
    this.#closed = true;
    for (const server of [this.#server, ...(this.#more ?? [])]) if (server.listening) server.close();
    this.#certificates?.close();
  }

  #plainServer(): Server {
    const options = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true };
    return createServer(options, (socket) => this.#acceptPlain(socket));
  }

  /** Takes more than one new connection per turn of the loop from now on. */
  async #acceptMore(): Promise<void> {
    this.#more = [];
    for (const handle of await duplicateListener(this.#server)) {
      const server = this.#plainServer();
      server.on("error", (error) => this.#gateway.log.warn(`listener ${this.info.label}: ${error.message}`));
      server.listen(handle);
      if (this.#closed) server.close();
      else this.#more.push(server);
    }
  }

  #tlsServer(certificates: ServerCertificates): TlsServer {
    const server = createTlsServer({
      allowHalfOpen: true,
      noDelay: true,
      handshakeTimeout: this.#gateway.runtime.config.client.timeouts.headMs,
      ...certificates.serverOptions(),
    });
    server.on("secureConnection", (socket: TLSSocket) => this.#accept(socket, "events"));
    // A handshake that fails is the client's (a scan, an old browser): counted, not an error of the listener.
    server.on("tlsClientError", (_error, socket) => {
      this.#gateway.handshakesFailed++;
      socket.destroy();
    });
    return server;
  }

  #acceptPlain(accepted: Socket): void {
    const handle = (accepted as unknown as { _handle: object | null })._handle;
    if (!handle) {
      accepted.resume();
      this.#accept(accepted, "events");
      return;
    }
    const connection = this.#connectionFor(accepted);
    (accepted as unknown as { _handle: object | null })._handle = null;
    const socket = new Socket({ handle, allowHalfOpen: true, onread: connection.onRead() } as ConstructorParameters<
      typeof Socket
    >[0]);
    connection.attach(socket, "onread");
    this.#opened(connection);
    socket.resume();
  }

  #accept(socket: Socket, reads: "onread" | "events"): void {
    const connection = this.#connectionFor(socket);
    connection.attach(socket, reads);
    this.#opened(connection);
  }

  #connectionFor(socket: Socket): ClientConnection {
    const remoteAddress = plainAddress(socket.remoteAddress ?? "");
    return new ClientConnection(
      this.#gateway,
      this.info,
      remoteAddress,
      socket.remotePort ?? 0,
      this.#gateway.trusts(remoteAddress),
    );
  }

  #opened(connection: ClientConnection): void {
    beginEvent();
    this.#gateway.connections.add(connection);
    connection.opened();
    if (
      this.#more === null &&
      this.#gateway.connections.size >= MANY_CONNECTIONS &&
      !this.info.tls &&
      !cluster.isWorker
    ) {
      void this.#acceptMore();
    }
  }
}

/** IPv4 in IPv6 clothes ("::ffff:10.0.0.1") as plain IPv4. */
function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

/** Whether an address lies in one of the CIDR blocks. */
export function addressMatcher(blocks: readonly string[]): (address: string) => boolean {
  if (blocks.length === 0) return () => false;
  const list = new BlockList();
  for (const block of blocks) {
    const [network, bits] = block.split("/") as [string, string | undefined];
    const family = isIP(network) === 6 ? "ipv6" : "ipv4";
    list.addSubnet(network, bits === undefined ? (family === "ipv6" ? 128 : 32) : Number(bits), family);
  }
  return (address) => {
    const version = isIP(address);
    // "unknown", obfuscated names, a Unix socket's client: no address lies in no block.
    return version !== 0 && list.check(address, version === 6 ? "ipv6" : "ipv4");
  };
}

/** The listener's address as it is logged. */
export function listenerLabel(address: Address): string {
  return address.kind === "unix"
    ? `unix:${address.path}`
    : `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}
