// From an address of the configuration to a connection: resolve → connect → TLS, each with its own deadline, each
// with its own failures. The only place that opens upstream sockets; proxy, health checks and doctor share it.
//
// - Never throws or rejects: `done` is called once with a socket or a failure, never before dial returns, and after
//   cancel not at all.
// - A plain socket reads through the caller's `onread` (reads: "onread"). A TLS socket gives "data" events: on Node
//   20 tls.connect takes `onread` too, where it opens the connection itself, and it saves a tenth of the CPU of small
//   responses; but its callback goes on being called after it returned false, for what is decrypted already, and
//   "paused means that no more bytes come" is what keeps a shared buffer safe.
import type { Socket } from "node:net";
import tls from "node:tls";
import type { Address } from "../config/config.ts";
import { connectFailure, deadlineFailure } from "../failure/classify.ts";
import type { Failure } from "../failure/failure.ts";
import { now, Timed, wheel } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import {
  type ConnectRace,
  type ConnectResult,
  connectFirst,
  type Destination,
  inOrderToTry,
  type LocalAddress,
  type SocketReader,
} from "./connect.ts";
import type { Resolved, Resolver } from "./resolve.ts";
import type { TlsWishes, UpstreamTlsContext } from "./upstream-tls.ts";

export type { SocketReader } from "./connect.ts";

/** Where to dial, and how long each phase may take. */
export interface DialTarget {
  readonly address: Address;
  readonly tls: UpstreamTlsContext | null;
  readonly timeouts: { readonly resolveMs: Ms; readonly connectMs: Ms; readonly tlsMs: Ms };
  readonly resolver: Resolver;
  /** TCP's own probes (SO_KEEPALIVE). */
  readonly probes?: boolean;
  /** What one request wants beyond that. */
  readonly wishes?: DialWishes;
}

/** What one request wants of its connection; a connection that was opened with other wishes is none for it. */
export interface DialWishes extends TlsWishes {
  /** The same for the same wishes. */
  readonly key: string;
  readonly local?: LocalAddress;
}

/** Monotonic instants at which the phases ended; securedAt is 0 without TLS. */
export interface DialTimings {
  startedAt: Ms;
  resolvedAt: Ms;
  connectedAt: Ms;
  securedAt: Ms;
}

export type DialResult =
  | {
      readonly ok: true;
      readonly socket: Socket | tls.TLSSocket;
      /** How bytes arrive: through the reader's onread, or as "data" events. */
      readonly reads: "onread" | "events";
      /** As dialled: "10.0.0.1:3000". */
      readonly address: string;
      readonly timings: DialTimings;
    }
  | { readonly ok: false; readonly failure: Failure; readonly timings?: DialTimings };

export interface DialHandle {
  /** What is under way. */
  readonly phase: "resolve" | "connect" | "tls";
  /** Gives up; `done` is not called any more. Without effect after it was. */
  cancel(): void;
}

/** Opens a connection. `reader` makes the onread of a plain socket; null = "data" events. */
export function dial(target: DialTarget, reader: SocketReader | null, done: (result: DialResult) => void): DialHandle {
  const dialling = new Dialling(target, reader, done);
  dialling.start();
  return dialling;
}

/** dial for those that are in no hurry: health checks, doctor. */
export function dialed(target: DialTarget): Promise<DialResult> {
  return new Promise((resolve) => {
    dial(target, null, resolve);
  });
}

const NO_WISHES: TlsWishes = {};

class Dialling extends Timed implements DialHandle {
  readonly #target: DialTarget;
  readonly #reader: SocketReader | null;
  readonly #done: (result: DialResult) => void;
  readonly #timings: DialTimings = { startedAt: now(), resolvedAt: 0, connectedAt: 0, securedAt: 0 };
  #race: ConnectRace | null = null;
  #secure: tls.TLSSocket | null = null;
  #address = "";
  #over = false;

  constructor(target: DialTarget, reader: SocketReader | null, done: (result: DialResult) => void) {
    super();
    this.#target = target;
    this.#reader = reader;
    this.#done = done;
  }

  start(): void {
    const { address, resolver, timeouts } = this.#target;
    if (address.kind === "unix") {
      this.#connect([address]);
      return;
    }
    const { port } = address;
    const host = address.host.startsWith("[") ? address.host.slice(1, -1) : address.host;
    const known = resolver.known(host);
    if (known?.ok) this.#resolved(known, port);
    else void resolver.resolve(host, timeouts.resolveMs).then((resolved) => this.#resolved(resolved, port));
  }

  get phase(): "resolve" | "connect" | "tls" {
    if (this.#secure) return "tls";
    return this.#race ? "connect" : "resolve";
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#race?.cancel();
    wheel.remove(this);
    this.#secure?.destroy();
  }

  #resolved(resolved: Resolved, port: number): void {
    if (this.#over) return;
    if (!resolved.ok) {
      this.#fail(resolved.failure);
      return;
    }
    const ips = inOrderToTry(resolved.addresses, resolved.turn);
    this.#connect(ips.map((ip) => ({ kind: "tcp", ip, port })));
  }

  #connect(destinations: readonly Destination[]): void {
    const { timeouts, tls: context, wishes, probes } = this.#target;
    this.#timings.resolvedAt = now();
    const reader = context ? null : this.#reader;
    const options = { deadlineMs: timeouts.connectMs, reader, local: wishes?.local, probes };
    this.#race = connectFirst(destinations, options, (result) => this.#connected(result));
  }

  #connected(result: ConnectResult): void {
    if (!result.ok) {
      this.#fail(result.failure);
      return;
    }
    const { tls: context } = this.#target;
    this.#timings.connectedAt = now();
    this.#address = result.address;
    if (context) this.#handshake(context, result.socket);
    else this.#succeed(result.socket, this.#reader ? "onread" : "events");
  }

  #handshake(context: UpstreamTlsContext, plain: Socket): void {
    const { address, timeouts, wishes = NO_WISHES } = this.#target;
    const endpoint = `${context.identityOf(address, wishes)} ${this.#address} ${wishes.certificateKey ?? ""}`;
    const options = context.connectOptions(address, endpoint, wishes);
    if (options instanceof Error) {
      plain.destroy();
      this.#fail(connectFailure(options, "tls", { address: this.#address }));
      return;
    }
    const socket = tls.connect({ ...options, socket: plain });
    this.#secure = socket;
    const onError = (error: Error) => {
      if (this.#over) return;
      // An endpoint may have lost the key of its tickets, or changed its certificate: the next one starts afresh.
      context.forgetSession(endpoint);
      const evidence = { address: this.#address, waitedMs: now() - this.#timings.connectedAt };
      this.#fail(connectFailure(error, "tls", evidence));
    };
    socket.on("error", onError);
    socket.once("secureConnect", () => {
      if (this.#over) return;
      socket.off("error", onError);
      const tooLong = context.chainProblem(socket);
      if (tooLong) return onError(tooLong);
      context.rememberSessions(socket, endpoint, options);
      this.#timings.securedAt = now();
      this.#succeed(socket, "events");
    });
    wheel.set(this, this.#timings.connectedAt + timeouts.tlsMs);
  }

  override onDeadline(at: Ms): void {
    const waitedMs = at - this.#timings.connectedAt;
    const evidence = { address: this.#address, waitedMs, deadlineMs: this.#target.timeouts.tlsMs };
    this.#fail(deadlineFailure("tls", evidence));
  }

  #succeed(socket: Socket, reads: "onread" | "events"): void {
    this.#finish({ ok: true, socket, reads, address: this.#address, timings: this.#timings });
  }

  #fail(failure: Failure): void {
    this.#secure?.destroy();
    this.#finish({ ok: false, failure, timings: this.#timings });
  }

  #finish(result: DialResult): void {
    this.#over = true;
    wheel.remove(this);
    this.#done(result);
  }
}
