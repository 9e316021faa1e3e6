// Listeners: accept, and hand each client a ClientConnection. Accepted plain sockets are wrapped anew so that they
// read into the shared buffer: net.createServer takes no `onread`, but a Socket made around the accepted handle does.
// Where the handle is not there (another runtime), the accepted socket is used as it is.
//
// Who accepts knows nothing of TLS: what is done with a connection is the listener's manner, which a reload changes
// while the socket stays open and accepting goes on. A TLS server is given its connections; it never listens itself.
import { BlockList, createServer, isIP, type Server, Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from "node:tls";
import type { Address, Config, ListenerConfig } from "../config/config.ts";
import { ServerCertificates } from "../net/server-certificates.ts";
import { beginEvent } from "../std/clock.ts";
import { ClientConnection } from "./client-connection.ts";
import type { Gateway } from "./gateway.ts";
import { type ListeningSocket, setAccepting } from "./listening-socket.ts";
import { duplicateListener, MANY_CONNECTIONS } from "./more-acceptors.ts";
import { Opening } from "./opening.ts";
import { reportFiles } from "./runtime.ts";

/** What an exchange records of the listener it came through. */
export interface ListenerInfo {
  readonly label: string;
  readonly address: Address;
  readonly tls: boolean;
}

/** What is done with connections: the settings that may change while the socket stays. */
export interface Manner {
  readonly config: ListenerConfig;
  readonly info: ListenerInfo;
  /** null = plain. */
  readonly tls: { readonly server: TlsServer; readonly certificates: ServerCertificates } | null;
  /** Addresses of its port that have no socket of their own, and what holds for connections to them. */
  readonly narrower: ReadonlyMap<string, { readonly config: ListenerConfig; readonly info: ListenerInfo }>;
}

/** Listeners that have a socket of their own. */
export function withSockets({ listeners }: Pick<Config, "listeners">): ListenerConfig[] {
  return listeners.filter((listener) => !listener.viaWildcard);
}

/** Listeners whose connections come to the socket of this one. */
export function narrowerThan(
  { address, viaWildcard }: ListenerConfig,
  { listeners }: Pick<Config, "listeners">,
): ListenerConfig[] {
  if (address.kind === "unix" || viaWildcard || isIP(address.host) === 0) return [];
  return listeners.filter(
    (other) =>
      other.viaWildcard &&
      other.address.kind === "tcp" &&
      other.address.port === address.port &&
      isIP(other.address.host) === isIP(address.host),
  );
}

/** Something that listens; close() stops accepting and leaves open connections alone. */
export class Listener {
  readonly label: string;
  readonly socket: ListeningSocket;
  readonly #gateway: Gateway;
  readonly #server: Server;
  #manner: Manner;
  /** Servers on duplicates of the listening socket; null = not asked for yet. */
  #more: Server[] | null = null;
  #paused = false;
  #closed = false;
  readonly #openings = new Set<Opening>();

  /** `manner` = what `prepare` gave. */
  constructor(gateway: Gateway, socket: ListeningSocket, manner: Manner) {
    this.#gateway = gateway;
    this.socket = socket;
    this.label = manner.info.label;
    this.#manner = manner;
    this.#server = this.#acceptor();
    manner.tls?.certificates.watch(this.#reportFiles);
  }

  /** Makes what a configuration asks for, and changes nothing; throws where a file that TLS needs cannot be used. */
  static prepare(gateway: Gateway, config: ListenerConfig, narrowerOnes: readonly ListenerConfig[] = []): Manner {
    const info = infoOf(config);
    const { label } = info;
    const narrower = new Map(
      narrowerOnes.map((other) => [
        other.address.kind === "tcp" ? other.address.host : "",
        { config: other, info: infoOf(other) },
      ]),
    );
    if (!config.tls) return { config, info, tls: null, narrower };
    const { certificates, problems } = ServerCertificates.load(config.tls);
    if (!certificates) throw new Error(`listener ${label}: ${problems.map((problem) => problem.message).join("; ")}`);
    return { config, info, tls: { server: tlsServer(gateway, info, certificates), certificates }, narrower };
  }

  /** Resolves once it listens; rejects with the system's error. */
  async listen(): Promise<void> {
    await this.socket.listen(this.#server);
    this.#server.on("error", (error) => this.#gateway.log.error(`listener ${this.label}: ${error.message}`));
  }

  get config(): ListenerConfig {
    return this.#manner.config;
  }

  /** The port that was bound; 0 for a Unix socket. */
  get port(): number {
    return this.socket.port;
  }

  /** Whether a configuration wants something else of it. */
  isOther(config: ListenerConfig, narrowerOnes: readonly ListenerConfig[]): boolean {
    const { config: now, narrower } = this.#manner;
    return (
      JSON.stringify([now, [...narrower.values()].map((each) => each.config)]) !==
      JSON.stringify([config, narrowerOnes])
    );
  }

  /** Ends connections that have not come as far as a request. */
  destroyOpenings(): void {
    for (const opening of this.#openings) opening.destroy();
  }

  /** Serves connections from now on in another manner; those that stand keep theirs. */
  use(manner: Manner): void {
    this.#manner.tls?.certificates.close();
    this.#manner = manner;
    manner.tls?.certificates.watch(this.#reportFiles);
  }

  /** Lets new clients wait in the kernel's backlog, or accepts again. False = this Node cannot. */
  setPaused(paused: boolean): boolean {
    if (this.#closed || paused === this.#paused) return true;
    this.#paused = paused;
    return this.#servers.every((server) => setAccepting(server, !paused));
  }

  /** Stops accepting. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.socket.close();
    for (const server of this.#more ?? []) if (server.listening) server.close();
    this.#manner.tls?.certificates.close();
  }

  get #servers(): Server[] {
    return [this.#server, ...(this.#more ?? [])];
  }

  readonly #reportFiles: Parameters<ServerCertificates["watch"]>[0] = (found, reloaded) =>
    reportFiles(this.#gateway.log, `listener ${this.label}`, found, reloaded);

  #acceptor(): Server {
    const options = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true };
    return createServer(options, (socket) => this.#accepted(socket));
  }

  /** Takes more than one new connection per turn of the loop from now on. */
  async #acceptMore(): Promise<void> {
    this.#more = [];
    for (const handle of await duplicateListener(this.#server)) {
      const server = this.#acceptor();
      server.on("error", (error) => this.#gateway.log.warn(`listener ${this.label}: ${error.message}`));
      server.listen(handle);
      if (this.#closed) server.close();
      else {
        this.#more.push(server);
        if (this.#paused) setAccepting(server, false);
      }
    }
  }

  #accepted(socket: Socket): void {
    const { tls, narrower } = this.#manner;
    const { config, info } = narrower.size === 0 ? this.#manner : this.#mannerFor(socket);
    if (config.probesAfterMs !== undefined) socket.setKeepAlive(true, config.probesAfterMs);
    if (tls) tls.server.emit("connection", socket);
    else if (config.serversTls || config.proxyProtocol) this.#open(socket, config, info);
    else this.#acceptPlain(socket, info);
    const gateway = this.#gateway;
    gateway.onAccepted();
    if (this.#more === null && gateway.connections.size >= MANY_CONNECTIONS && gateway.descriptors.ample) {
      void this.#acceptMore();
    }
  }

  /** What holds for the very address that a connection came to. */
  #mannerFor(socket: Socket): { readonly config: ListenerConfig; readonly info: ListenerInfo } {
    return this.#manner.narrower.get(plainAddress(socket.localAddress ?? "")) ?? this.#manner;
  }

  #open(accepted: Socket, { serversTls = false, proxyProtocol = false }: ListenerConfig, info: ListenerInfo): void {
    const gateway = this.#gateway;
    const client = connectionFor(gateway, info, accepted);
    const opening = new Opening(client, accepted, {
      proxyProtocol,
      tls: serversTls,
      plain: (connection, socket, rest) => {
        connection.attach(socket, "events");
        opened(gateway, connection);
        if (rest.length > 0) connection.receive(rest, rest.length);
      },
      secured: (connection, socket) => {
        connection.attach(socket, "events");
        opened(gateway, connection);
      },
      over: (ended) => this.#openings.delete(ended),
    });
    this.#openings.add(opening);
    opening.start();
  }

  #acceptPlain(accepted: Socket, info: ListenerInfo): void {
    const handle = (accepted as unknown as { _handle: object | null })._handle;
    const connection = connectionFor(this.#gateway, info, accepted);
    if (!handle) {
      accepted.resume();
      connection.attach(accepted, "events");
      return opened(this.#gateway, connection);
    }
    (accepted as unknown as { _handle: object | null })._handle = null;
    const socket = new Socket({ handle, allowHalfOpen: true, onread: connection.onRead() } as ConstructorParameters<
      typeof Socket
    >[0]);
    connection.attach(socket, "onread");
    opened(this.#gateway, connection);
    socket.resume();
  }
}

function tlsServer(gateway: Gateway, info: ListenerInfo, certificates: ServerCertificates): TlsServer {
  const server = createTlsServer({
    allowHalfOpen: true,
    noDelay: true,
    handshakeTimeout: gateway.runtime.config.client.timeouts.headMs,
    ...certificates.serverOptions(),
  });
  certificates.attach(server);
  server.on("secureConnection", (socket: TLSSocket) => {
    const connection = connectionFor(gateway, info, socket);
    connection.attach(socket, "events");
    opened(gateway, connection);
  });
  // A handshake that fails is the client's (a scan, an old browser): counted, not an error of the listener.
  server.on("tlsClientError", (_error, socket) => {
    gateway.handshakesFailed++;
    socket.destroy();
  });
  return server;
}

function infoOf({ address, tls, serversTls }: ListenerConfig): ListenerInfo {
  return { label: listenerLabel(address), address, tls: tls !== null || serversTls === true };
}

function connectionFor(gateway: Gateway, info: ListenerInfo, socket: Socket): ClientConnection {
  const remoteAddress = plainAddress(socket.remoteAddress ?? "");
  return new ClientConnection(gateway, info, remoteAddress, socket.remotePort ?? 0, gateway.trusts(remoteAddress));
}

function opened(gateway: Gateway, connection: ClientConnection): void {
  beginEvent();
  gateway.connections.add(connection);
  connection.opened();
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
