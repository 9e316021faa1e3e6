// One connection of the probe: TCP (or a Unix socket), TLS where the target speaks it, and the times of both. It
// carries HTTP/1.1 exchanges one after the other. While it is idle it is always being read, so that what the server
// does with it is seen: when it closes, how, and bytes that nobody asked for.
//
// A certificate that should not be trusted does not end it: the layers behind are looked at all the same, and TLS's own
// probe says what is wrong with it.
import type { Socket } from "node:net";
import type { SecureContext, TLSSocket } from "node:tls";
import { failureOf } from "../../failure/classify.ts";
import type { Failure } from "../../failure/failure.ts";
import { connectFirst, type Destination, destinationText } from "../../net/connect.ts";
import { Connection } from "../../net/connection.ts";
import { type Handshake, shakeHands } from "../../net/handshake.ts";
import { now } from "../../std/clock.ts";
import type { Ms } from "../../std/units.ts";
import { keepTrack, type Scene, within } from "./context.ts";

/** How to get to a server: where to connect, and what TLS says there. */
export interface Way {
  readonly destination: Destination;
  /** null = plain. */
  readonly secure: { readonly serverName: string | null; readonly identity: string } | null;
}

/** "10.0.0.1:443". */
export function addressOf({ destination }: Way): string {
  return destinationText(destination);
}

/** Whoever has the connection's events for the length of one exchange. */
export interface Reader {
  onBytes(buffer: Buffer, start: number, end: number): void;
  onEnd(closedBy: "fin" | "rst"): void;
  onClosed(error: NodeJS.ErrnoException | null): void;
}

/** How an idle connection ended. */
export interface IdleEnd {
  readonly at: Ms;
  readonly by: "fin" | "rst";
}

export class ProbeConnection extends Connection {
  readonly way: Way;
  readonly address: string;
  readonly connectMs: Ms;
  tlsMs: Ms | null = null;
  alpn: string | null = null;
  readonly connectedAt: Ms = now();
  /** Exchanges begun on it. */
  uses = 0;
  idleSince: Ms = 0;
  /** As the server said it; 0 = it has not. */
  keepAliveHintMs: Ms = 0;
  /** Bytes came that nobody asked for. */
  spoilt = false;
  idleEnd: IdleEnd | null = null;
  /** Called when an idle connection ends. */
  onIdleEnd: ((end: IdleEnd) => void) | null = null;
  #reader: Reader | null = null;

  constructor(way: Way, connectMs: Ms) {
    super();
    this.way = way;
    this.address = addressOf(way);
    this.connectMs = connectMs;
  }

  /** Whether another request may be sent on it. */
  get usable(): boolean {
    return !this.closed && !this.ended && !this.spoilt && !this.socket.destroyed;
  }

  /** Gives its events to `reader`; null = it is idle from now on. */
  readBy(reader: Reader | null): void {
    this.#reader = reader;
    if (reader === null) this.idleSince = now();
    else this.uses++;
  }

  override onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.#reader) this.#reader.onBytes(buffer, start, end);
    else this.spoilt = true;
  }

  override onEnd(): void {
    // A Unix socket has no peer address at any time.
    const reset = this.way.destination.kind === "tcp" && this.endedByReset;
    if (this.#reader) this.#reader.onEnd(reset ? "rst" : "fin");
    else this.#idleEnded(reset ? "rst" : "fin");
  }

  override onClosed(error: NodeJS.ErrnoException | null): void {
    if (this.#reader) this.#reader.onClosed(error);
    else this.#idleEnded(error ? "rst" : "fin");
  }

  override onWriteFailed(error: NodeJS.ErrnoException): void {
    this.onClosed(error);
  }

  override onDrained(): void {}

  override onDue(): void {}

  override onInternalError(error: unknown): void {
    this.onClosed(error instanceof Error ? error : new Error(String(error)));
  }

  #idleEnded(by: "fin" | "rst"): void {
    if (this.idleEnd) return;
    this.idleEnd = { at: now(), by };
    this.onIdleEnd?.(this.idleEnd);
    this.destroy();
  }
}

export type Opened =
  | { readonly ok: true; readonly connection: ProbeConnection; readonly handshake: Handshake | null }
  | { readonly ok: false; readonly failure: Failure; readonly connectMs: Ms; readonly tlsMs: Ms | null };

/** A TCP connection (or one to a Unix socket) and how long it took. */
export type Connected =
  | { readonly ok: true; readonly socket: Socket; readonly tookMs: Ms }
  | { readonly ok: false; readonly failure: Failure; readonly tookMs: Ms };

/** Connects, within the limit. */
export function connectTo(scene: Scene, destination: Destination): Promise<Connected> {
  const startedAt = now();
  const deadlineMs = within(scene, scene.limits.connectMs);
  return new Promise((resolve) => {
    connectFirst([destination], { deadlineMs, reader: null }, (result) => {
      const tookMs = now() - startedAt;
      if (!result.ok) return resolve({ ok: false, failure: result.failure, tookMs });
      keepTrack(scene, result.socket);
      resolve({ ok: true, socket: result.socket, tookMs });
    });
  });
}

/** Opens a connection that HTTP is spoken on. */
export async function openConnection(scene: Scene, way: Way, alpn: readonly string[] = ["http/1.1"]): Promise<Opened> {
  const connected = await connectTo(scene, way.destination);
  if (!connected.ok) return { ok: false, failure: connected.failure, connectMs: connected.tookMs, tlsMs: null };
  const connection = new ProbeConnection(way, connected.tookMs);
  if (way.secure === null) {
    connection.attach(connected.socket, "events");
    connection.readBy(null);
    return { ok: true, connection, handshake: null };
  }
  const handshake = await handshakeOn(scene, connected.socket, way, alpn);
  if (!handshake.ok) {
    return { ok: false, failure: handshake.failure, connectMs: connected.tookMs, tlsMs: handshake.tookMs };
  }
  keepTrack(scene, handshake.socket);
  connection.tlsMs = handshake.tookMs;
  connection.alpn = alpnOf(handshake.socket);
  connection.attach(handshake.socket, "events");
  connection.readBy(null);
  return { ok: true, connection, handshake };
}

/** Shakes hands on a connected socket, with the target's trust; a socket whose handshake failed is closed. */
export async function handshakeOn(
  scene: Scene,
  socket: Socket,
  way: Way,
  alpn: readonly string[],
  more: { readonly serverName?: string | null; readonly trust?: SecureContext } = {},
): Promise<Handshake> {
  const { serverName = null, identity = "" } = way.secure ?? {};
  const handshake = await shakeHands(socket, {
    serverName: more.serverName === undefined ? serverName : more.serverName,
    identity,
    alpn,
    trust: more.trust ?? scene.trust,
    deadlineMs: within(scene, scene.limits.tlsMs),
    address: addressOf(way),
  });
  if (!handshake.ok) socket.destroy();
  return handshake;
}

/** What ALPN chose; null = nothing. */
export function alpnOf(socket: TLSSocket): string | null {
  return typeof socket.alpnProtocol === "string" && socket.alpnProtocol !== "" ? socket.alpnProtocol : null;
}

/** Something of ours went wrong: a failure like any other, so that the rest goes on. */
export function internalFailure(error: unknown): Failure {
  return failureOf("gateway-internal-error", { detail: error instanceof Error ? error.message : String(error) });
}
