// The gateway inside an application: the same Gateway, Runtime and pools as the program's, without listeners, console
// and signals. Requests come in as ClientConnections on in-memory sockets, or, upgraded, on the client's own socket.
import type { Socket } from "node:net";
import type { Address } from "../config/config.ts";
import { ClientConnection } from "../proxy/client-connection.ts";
import { Gateway } from "../proxy/gateway.ts";
import type { ListenerInfo } from "../proxy/listener.ts";
import type { RequestHead } from "../wire/head.ts";
import { isWireError } from "../wire/head.ts";
import { parseRequestHead } from "../wire/request-head.ts";
import { AppObserver } from "./app-observer.ts";
import type { ProxyLogger } from "./public.ts";
import { isSecure } from "./request-head.ts";
import type { Settings } from "./settings.ts";

const NOWHERE: Address = { kind: "unix", path: "" };

/** Requests have come in over plain connections or over TLS: what X-Forwarded-Proto says. */
const PLAIN: ListenerInfo = { label: "node", address: NOWHERE, tls: false };
const SECURE: ListenerInfo = { label: "node", address: NOWHERE, tls: true };

export class Engine {
  readonly gateway: Gateway;
  readonly observer: AppObserver;
  readonly logger: ProxyLogger;
  /** Failures go to `next` where there is one. */
  readonly passesErrors: boolean;
  /** Some route takes every request: none is left to the next middleware. */
  readonly #takesAll: boolean;
  #closing: Promise<boolean> | null = null;

  constructor(settings: Settings) {
    const { config, logger } = settings;
    this.logger = logger;
    this.passesErrors = settings.onError === "next";
    this.observer = new AppObserver(settings);
    // Without listeners the endpoints stand for the place: two applications in a row that both proxy are no loop, and the
    // workers of one are one deployment.
    const place = [...config.upstreams.values()].map(({ endpoints }) => endpoints.map(({ label }) => label));
    this.gateway = new Gateway(config, this.observer, logger, { place });
    // Without listeners nothing is opened, but upstreams are looked after.
    this.gateway.start().catch((error: unknown) => this.gateway.reportInternal(error));
    this.#takesAll = config.routes.some(
      ({ hosts, methods, paths }) =>
        hosts.length === 0 && methods.length === 0 && paths.some((path) => path.kind === "prefix" && path.path === "/"),
    );
  }

  get closed(): boolean {
    return this.#closing !== null;
  }

  /** Whether a request is answered here: a route takes it, or it cannot be read. */
  accepts(head: Buffer): boolean {
    if (this.#takesAll) return true;
    const parsed = this.understand(head);
    if (!parsed) return true;
    return this.gateway.runtime.router.match(parsed.host, parsed.path, parsed.method).route !== null;
  }

  /** The head as the engine understands it; null = it cannot be read. */
  understand(head: Buffer): RequestHead | null {
    const parsed = parseRequestHead(head, 0, head.length, this.gateway.runtime.headLimits);
    return parsed === undefined || isWireError(parsed) ? null : parsed;
  }

  /** A client's connection on `socket`; `client` is the socket that the client is at. */
  connect(socket: Socket, client: Socket): ClientConnection {
    const { gateway } = this;
    const address = plainAddress(client.remoteAddress ?? "");
    const listener = isSecure(client) ? SECURE : PLAIN;
    const connection = new ClientConnection(
      gateway,
      listener,
      address,
      client.remotePort ?? 0,
      gateway.trusts(address),
    );
    connection.attach(socket, "events");
    gateway.connections.add(connection);
    return connection;
  }

  /** Lets exchanges in flight end, closes the rest, writes the logs out. */
  close(): Promise<boolean> {
    this.#closing ??= this.gateway.drain().finally(() => this.observer.close());
    return this.#closing;
  }
}

/** IPv4 in IPv6 clothes ("::ffff:10.0.0.1") as plain IPv4. */
function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
