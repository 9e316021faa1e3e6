// One address of an upstream: its connections, what is in flight, and how it stands.
// The standing outlives a reload: the next generation of the configuration goes on with it. Its bits say at a glance
// why a pick has to think; 0, the usual case, means that there is nothing to think about.
import { formatAddress } from "../config/address.ts";
import type { EndpointConfig, UpstreamConfig } from "../config/config.ts";
import type { Failure } from "../failure/failure.ts";
import { ConnectionPool, type IdleShare } from "../net/pool.ts";
import { type Breaker, newBreaker } from "../resilience/circuit-breaker.ts";
import { type Health, newHealth } from "../resilience/health-state.ts";
import {
  idleLimitMs,
  type KeepAlive,
  keepIdleMs,
  newKeepAlive,
  noteHint,
  noteIdleClose,
  noteReuse,
  safeIdleMs,
} from "../resilience/keepalive-learner.ts";
import type { Ms } from "../std/units.ts";
import type { Balanced } from "./balance.ts";
import type { Latency } from "./balance-two.ts";

/** Nothing listens there: the kernel said so, and no connection has succeeded since. */
export const GONE = 1;
/** Active checks say that it is not well. */
export const DOWN = 2;
/** Its circuit breaker is not closed: requests failed there. */
export const EJECTED = 4;
/** It has just come back and does not get its full share yet. */
export const WARMING = 8;
/** Somebody said so, or gave it the weight 0: only what a cookie binds to it goes there. */
export const DRAINING = 16;
/** Somebody said so: nothing goes there. */
export const DISABLED = 32;
/** Out of use by somebody's word (administer.ts). */
export const WITHDRAWN = DRAINING | DISABLED;
/** Out of use as a whole, not by chance. */
export const AWAY = GONE | DOWN | WITHDRAWN;
/** What is ending, or is to end: kept connections would only hold it up. */
const NOT_KEPT = GONE | WITHDRAWN;

/** Idle timers are exact to about this. */
const TIMER_SLACK_MS: Ms = 250;

/** What somebody has said of an endpoint while the gateway ran (administer.ts); it outlives a reload. */
export interface Orders {
  drained: boolean;
  disabled: boolean;
  /** Instead of the configuration's; null = that one. */
  weight: number | null;
}

/** How an endpoint stands. */
export class Standing {
  out = 0;
  readonly orders: Orders = { drained: false, disabled: false, weight: null };
  /** Since when it is drained or disabled; 0 = it is not. */
  withdrawnSince: Ms = 0;
  active = 0;
  /** Since when nothing listens, and the failure that showed it. */
  goneSince: Ms = 0;
  gone: Failure | null = null;
  health: Health = newHealth();
  downSince: Ms = 0;
  /** Why the last check was bad. */
  downDetail = "";
  breaker: Breaker;
  keepAlive: KeepAlive = newKeepAlive();
  warmSince: Ms = 0;
  /** The idle timer as it was last told. */
  toldLimitMs: Ms = 0;
  /** It has answered: an upstream that worked is worth waiting for. */
  worked = false;

  constructor(now: Ms) {
    this.breaker = newBreaker(now);
  }
}

/** What else an endpoint is made of. */
export interface EndpointContext {
  readonly latency: Latency | null;
  readonly cookie: string;
  /** What was written for it; several addresses of a name share it. */
  readonly server: string;
  readonly random: () => number;
  /** The bound over the idle connections of all its upstream's endpoints; null = there is none. */
  readonly share: IdleShare | null;
  /** What is known of its idle timer has changed. */
  readonly onIdleTimer: (endpoint: Endpoint) => void;
}

/** One address of an upstream with its connections. */
export class Endpoint implements Balanced {
  readonly config: EndpointConfig;
  readonly label: string;
  readonly server: string;
  readonly pool: ConnectionPool;
  readonly standing: Standing;
  readonly latency: Latency | null;
  /** Its name in the cookie of a sticky upstream; "" = it has none. */
  readonly cookieValue: string;
  /** Requests in flight that it may have; 0 = no limit. */
  readonly requestsMax: number;
  readonly #onIdleTimer: (endpoint: Endpoint) => void;

  constructor(config: EndpointConfig, upstream: UpstreamConfig, standing: Standing, more: EndpointContext) {
    const { keepalive, limits } = upstream;
    this.config = config;
    this.label = config.label;
    this.server = more.server;
    this.standing = standing;
    this.latency = more.latency;
    this.cookieValue = more.cookie;
    this.requestsMax = limits.requests;
    this.pool = new ConnectionPool({
      idleMax: keepalive.connections,
      idleMs: () =>
        (standing.out & NOT_KEPT) !== 0
          ? 0
          : keepIdleMs(standing.keepAlive, keepalive.idleMs, keepalive.auto, more.random()),
      usesMax: keepalive.requests,
      ageMs: keepalive.timeMs,
      share: more.share,
      openMax: limits.connections,
    });
    this.pool.onClosedIdle = (idleMs, at) => this.closedIdle(idleMs, at);
    this.#onIdleTimer = more.onIdleTimer;
  }

  /** Its share: as somebody said while the gateway ran, or as the configuration has it. */
  get weight(): number {
    return this.standing.orders.weight ?? this.config.weight;
  }

  /** What somebody has said of it while the gateway ran. */
  get orders(): Readonly<Orders> {
    return this.standing.orders;
  }

  /** Attempts in flight, those of earlier generations included. */
  get active(): number {
    return this.standing.active;
  }
  set active(active: number) {
    this.standing.active = active;
  }

  /** What Host says where the upstream is to be called by its own name. */
  get hostField(): string {
    const { address, name } = this.config;
    if (address.kind === "unix") return "localhost";
    return name === undefined ? this.label : formatAddress(address);
  }

  /** It may have another request, and a connection for it is there or may be opened. */
  get hasRoom(): boolean {
    if (this.requestsMax > 0 && this.active >= this.requestsMax) return false;
    return this.pool.idle > 0 || this.pool.mayOpen;
  }

  get away(): boolean {
    return (this.standing.out & AWAY) !== 0;
  }

  /** The upstream's own idle timer, as far as it is known; 0 = it is not. */
  get idleLimitMs(): Ms {
    return idleLimitMs(this.standing.keepAlive);
  }

  /** How long a kept connection may have been idle for a request that cannot be repeated. */
  get safeIdleMs(): Ms {
    return safeIdleMs(this.standing.keepAlive);
  }

  /** The upstream said how long it keeps idle connections. */
  hinted(hintMs: Ms): void {
    if (noteHint(this.standing.keepAlive, hintMs)) this.#tellIdleTimer();
  }

  /** It closed a connection after so long without a request, unused or just as one was on its way. */
  closedIdle(idleMs: Ms, at: Ms): void {
    if (noteIdleClose(this.standing.keepAlive, idleMs, at)) this.#tellIdleTimer();
  }

  /** A request on a connection that had been idle for so long was answered. */
  reused(idleMs: Ms): void {
    const before = this.idleLimitMs;
    noteReuse(this.standing.keepAlive, idleMs);
    if (this.idleLimitMs !== before) this.#tellIdleTimer();
  }

  /** What is known of the idle timer has changed; told where it changed by more than a timer is exact. */
  #tellIdleTimer(): void {
    const limitMs = this.idleLimitMs;
    const toldMs = this.standing.toldLimitMs;
    if (limitMs === 0 || Math.abs(limitMs - toldMs) <= Math.max(toldMs / 10, TIMER_SLACK_MS)) return;
    this.standing.toldLimitMs = limitMs;
    this.#onIdleTimer(this);
  }
}
