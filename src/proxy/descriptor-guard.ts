// Descriptors that run out. Once accept fails with EMFILE, libuv accepts and closes whoever waits: clients see a
// reset. So accepting stops before: near the limit new clients wait in the kernel's backlog, idle connections are
// closed, responses end their connections, and when enough has closed accepting goes on.
//
// What is open is asked of the kernel, but not for each connection: every look gives a budget that accepted
// connections use up (two each: theirs and the one to the upstream), and the next look comes when it is spent.
import type { ConnectionUser } from "../net/pool.ts";
import { descriptorLimit, openDescriptors } from "../observe/process-metrics.ts";
import { eventTime, now, Timed, wheel } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import { LINGER_MS } from "./client-connection.ts";
import type { Gateway } from "./gateway.ts";

/** Descriptors for each accepted connection: its own, and the upstream's. */
const PER_CLIENT = 2;
/** Kept free for logs, names, certificates and the console: an eighth of the limit, within these bounds. */
const RESERVE_MIN = 16;
const RESERVE_MAX = 256;
/** From this limit on a few dozen more or less make no difference. */
const AMPLE = 1_024;
/** A client that has not asked for anything this long after it came is not waited for. */
const WINDOW_MS: Ms = 100;
/** How often it is looked again while accepting is paused. */
const PAUSED_LOOK_MS = 20;
/** Idle client connections that are younger may bring their next request any moment. */
const IDLE_CLIENT_MS: Ms = 1_000;
/** A client that has its answer and our FIN for so long may be closed, although it has not closed itself. */
const LINGER_ENOUGH_MS: Ms = 100;
/** Pauses with less than this between them are one episode, which is told of once. */
const EPISODE_MS: Ms = 30_000;

/** Takes a connection only to close it. */
const NOBODY: ConnectionUser = {
  onBytes: () => {},
  onEnd: () => {},
  onClosed: () => {},
  onDrained: () => {},
  onDeadline: () => {},
  onWriteFailed: () => {},
  onInternalError: () => {},
};

/** Stops accepting in time, and closes what is idle. */
export class DescriptorGuard extends Timed {
  /** Files that may be open at once; null = not known on this system, and nothing is paused. */
  readonly limit: number | null = descriptorLimit();
  pauses = 0;
  paused = false;
  readonly #gateway: Gateway;
  /** Open files from which on none is left for another client. */
  readonly #capacity: number;
  #budget = 0;
  /** Clients accepted in the current and in the last window of time. */
  #recent = 0;
  #recentBefore = 0;
  #windowAt: Ms = 0;
  #lastPausedAt: Ms = -Infinity;
  #canPause = true;

  constructor(gateway: Gateway) {
    super();
    this.#gateway = gateway;
    const limit = this.limit ?? Infinity;
    this.#capacity = limit - Math.min(Math.max(Math.floor(limit / 8), RESERVE_MIN), RESERVE_MAX);
    if (this.#capacity === Infinity) this.#budget = Infinity;
  }

  /** Whether there are enough for what is a convenience only. */
  get ample(): boolean {
    return this.limit === null || this.limit >= AMPLE;
  }

  /** A client has been accepted. */
  accepted(): void {
    this.#recent++;
    this.#budget -= PER_CLIENT;
    if (this.#budget <= 0 && !this.paused) this.#look();
  }

  override onDeadline(): void {
    this.#look();
  }

  /** The gateway ends. */
  close(): void {
    wheel.remove(this);
  }

  #look(): void {
    const open = openDescriptors();
    if (typeof open !== "number" || !this.#canPause || this.#gateway.ending) {
      this.#budget = Infinity;
      return;
    }
    const free = this.#capacity - open - this.#awaited();
    this.#budget = free;
    if (!this.paused && free <= 0) this.#pause(open);
    else if (this.paused && free >= this.#enough) this.#resume();
    if (!this.paused) return;
    this.#relieve(2 * this.#enough - free);
    wheel.set(this, eventTime() + PAUSED_LOOK_MS);
  }

  /** Clients that may not have asked for their upstream yet. */
  #awaited(): number {
    const at = eventTime();
    if (at - this.#windowAt >= WINDOW_MS) {
      this.#recentBefore = at - this.#windowAt < 2 * WINDOW_MS ? this.#recent : 0;
      this.#recent = 0;
      this.#windowAt = at;
    }
    return this.#recent + this.#recentBefore;
  }

  /** Free descriptors with which it is worth to begin again. */
  get #enough(): number {
    return Math.max(2 * PER_CLIENT, Math.floor(this.#capacity / 8));
  }

  #pause(open: number): void {
    if (!this.#gateway.pauseAccepting(true)) {
      this.#canPause = false;
      this.#gateway.log.warn("this Node cannot pause accepting: where descriptors run out, new connections are reset");
      return;
    }
    this.paused = true;
    this.pauses++;
    const at = now();
    if (at - this.#lastPausedAt > EPISODE_MS) {
      this.#gateway.log.warn(
        `${open} of ${this.limit} descriptors are open: new clients wait until others leave. Raise the limit of open files: LimitNOFILE= of the systemd unit, ulimit -n, or --ulimit nofile= of the container`,
      );
    }
    this.#lastPausedAt = at;
  }

  #resume(): void {
    this.paused = false;
    this.#gateway.pauseAccepting(false);
    this.#lastPausedAt = now();
  }

  /** Closes what nobody uses: connections to upstreams first, then clients that have been quiet for long. */
  #relieve(count: number): void {
    const at = eventTime();
    for (const group of this.#gateway.runtime.groups.values()) {
      for (const { pool } of group.endpoints) {
        for (; count > 0 && pool.idle > 0; count--) pool.take(NOBODY, Infinity, at)?.discard();
      }
    }
    if (count <= 0) return;
    for (const connection of this.#gateway.connections) {
      const lingersMs = connection.state === "linger" ? at - (connection.dueAt - LINGER_MS) : 0;
      if (lingersMs >= LINGER_ENOUGH_MS && connection.pendingBytes === 0) connection.destroy();
    }
    this.#gateway.closeIdle(IDLE_CLIENT_MS);
  }
}
