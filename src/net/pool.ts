// Connections to one endpoint: the idle ones as a stack (the warmest first), the open ones counted.
// An idle connection is always being read: bytes or a FIN on it mean that it is of no use, and it is closed at
// once, so that what an upstream sends unasked never reaches the next client.
import type { Socket } from "node:net";
import { now, wheel } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import { Connection } from "./connection.ts";

/** Whoever has taken a connection: gets its events until it is released or closed. */
export interface ConnectionUser {
  onBytes(buffer: Buffer, start: number, end: number): void;
  onEnd(): void;
  onClosed(error: NodeJS.ErrnoException | null): void;
  onDrained(): void;
  onDeadline(at: Ms): void;
  onWriteFailed(error: NodeJS.ErrnoException): void;
  onInternalError(error: unknown): void;
}

/** Settings of a pool; a limit of 0 means none. */
export interface PoolLimits {
  /** Idle connections kept. */
  readonly idleMax: number;
  /** How long a connection that goes idle now is kept. */
  readonly idleMs: () => Ms;
  /** Requests per connection. */
  readonly usesMax: number;
  /** Open connections, idle ones included. */
  readonly openMax: number;
  /** A connection older than this is not kept. */
  readonly ageMs?: Ms;
  /** The idle connections of several pools together. */
  readonly share?: IdleShare | null;
}

/** A connection to an endpoint, used by one exchange after the other. */
export class PooledConnection extends Connection {
  readonly pool: ConnectionPool;
  user: ConnectionUser | null = null;
  /** The address as dialled. */
  address = "";
  /** What the request wanted that it was opened for (DialWishes.key); "" = nothing beyond what all want. */
  wishes = "";
  connectedAt: Ms = 0;
  /** When it became idle last; 0 = never used. */
  idleSince: Ms = 0;
  /** How long connecting took: about one round trip. */
  roundTripMs: Ms = 0;
  /** How long the upstream says it keeps idle connections (Keep-Alive: timeout); 0 = it has not said. */
  keepAliveHintMs: Ms = 0;
  /** Requests carried so far, the running one included. */
  uses = 0;

  constructor(pool: ConnectionPool) {
    super();
    this.pool = pool;
  }

  /** True where this connection has carried a request before the running one. */
  get reused(): boolean {
    return this.uses > 1;
  }

  override onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.user) this.user.onBytes(buffer, start, end);
    else this.discard();
  }

  override onEnd(): void {
    if (this.user) return this.user.onEnd();
    this.pool.closedIdle(this);
    this.discard();
  }

  override onClosed(error: NodeJS.ErrnoException | null): void {
    const user = this.user;
    if (!user) this.pool.closedIdle(this);
    this.pool.forget(this);
    this.user = null;
    user?.onClosed(error);
  }

  override onDrained(): void {
    this.user?.onDrained();
  }

  override onDue(at: Ms): void {
    if (this.user) this.user.onDeadline(at);
    else this.discard();
  }

  override onWriteFailed(error: NodeJS.ErrnoException): void {
    if (this.user) this.user.onWriteFailed(error);
    else this.discard();
  }

  override onInternalError(error: unknown): void {
    if (!this.user) throw error;
    this.user.onInternalError(error);
  }

  /** Closes it and tells its user nothing: the user has done with it. */
  discard(): void {
    this.user = null;
    this.destroy();
    this.pool.forget(this);
  }
}

/** A bound over the idle connections of several pools: beyond it the one that was used longest ago is closed. */
export class IdleShare {
  readonly #max: number;
  /** In the order of their last use. */
  readonly #idle = new Set<PooledConnection>();

  constructor(max: number) {
    this.#max = max;
  }

  add(connection: PooledConnection): void {
    this.#idle.add(connection);
    if (this.#idle.size <= this.#max) return;
    const [oldest] = this.#idle;
    oldest?.discard();
  }

  remove(connection: PooledConnection): void {
    this.#idle.delete(connection);
  }
}

/** The connections of one endpoint. */
export class ConnectionPool {
  readonly limits: PoolLimits;
  /** The upstream has closed a connection that had been idle for `idleMs`. */
  onClosedIdle: ((idleMs: Ms, at: Ms) => void) | null = null;
  readonly #idle: PooledConnection[] = [];
  readonly #open = new Set<PooledConnection>();
  #dialling = 0;
  #closed = false;

  constructor(limits: PoolLimits) {
    this.limits = limits;
  }

  get idle(): number {
    return this.#idle.length;
  }

  get open(): number {
    return this.#open.size;
  }

  /** Whether another connection may be opened. */
  get mayOpen(): boolean {
    const max = this.limits.openMax;
    return max === 0 || this.#open.size + this.#dialling < max;
  }

  /** The most recently used idle connection with these wishes, where it has not been idle for longer than `idleMs`; else null. */
  take(user: ConnectionUser, idleMs: Ms, at: Ms, wishes = ""): PooledConnection | null {
    const warmest = this.#idle[this.#idle.length - 1];
    if (!warmest || at - warmest.idleSince > idleMs) return null;
    const connection = warmest.wishes === wishes ? this.#idle.pop()! : this.#takeOther(idleMs, at, wishes);
    if (!connection) return null;
    this.limits.share?.remove(connection);
    connection.user = user;
    connection.uses++;
    connection.clearDeadline();
    return connection;
  }

  /** The warmest that was opened with these wishes. */
  #takeOther(idleMs: Ms, at: Ms, wishes: string): PooledConnection | null {
    const index = this.#idle.findLastIndex((connection) => connection.wishes === wishes);
    const found = this.#idle[index];
    if (!found || at - found.idleSince > idleMs) return null;
    this.#idle.splice(index, 1);
    return found;
  }

  /** A connection is being opened: it counts against the limit. Ends with `adopt` or `dialFailed`. */
  dialStarted(): void {
    this.#dialling++;
  }

  dialFailed(): void {
    this.#dialling--;
  }

  /** Takes in a connection that was dialled for `user`. */
  adopt(
    connection: PooledConnection,
    socket: Socket,
    reads: "onread" | "events",
    address: string,
    user: ConnectionUser,
  ): void {
    this.#dialling--;
    this.#open.add(connection);
    connection.address = address;
    connection.connectedAt = now();
    connection.uses = 1;
    connection.user = user;
    connection.attach(socket, reads, true);
  }

  /** Gives a connection back after a whole exchange; it is kept where the limits allow. */
  release(connection: PooledConnection, at: Ms): void {
    const { idleMax, idleMs, usesMax, ageMs = 0, share } = this.limits;
    const worn = (usesMax > 0 && connection.uses >= usesMax) || (ageMs > 0 && at - connection.connectedAt > ageMs);
    // Under a share it is not the new one that goes.
    const full = idleMax === 0 || (!share && this.#idle.length >= idleMax);
    if (worn || full || this.#closed || connection.closed || connection.ended) {
      connection.discard();
      return;
    }
    connection.user = null;
    connection.idleSince = at;
    connection.resumeReading();
    this.#idle.push(connection);
    share?.add(connection);
    wheel.set(connection, at + idleMs());
  }

  /** The upstream ended a connection that nobody used: by its idle timer, or because it goes. */
  closedIdle(connection: PooledConnection): void {
    if (!this.#open.has(connection) || connection.idleSince === 0) return;
    const at = now();
    this.onClosedIdle?.(at - connection.idleSince, at);
  }

  /** A connection has closed. */
  forget(connection: PooledConnection): void {
    if (!this.#open.delete(connection)) return;
    this.limits.share?.remove(connection);
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  /** Makes room for a new connection: the idle one that is the least likely to be of use goes. */
  closeOldestIdle(): void {
    this.#idle.shift()?.discard();
  }

  /** Closes the idle connections now. */
  closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.discard();
  }

  /** Closes the idle connections now and the others when they are released. */
  close(): void {
    this.#closed = true;
    this.closeIdle();
  }
}
