// An upstream: a named group of endpoints, each with its connection pool; it says which endpoint is next.
// Primary endpoints come first; backups only when no primary one is left for this exchange.
import { randomInt } from "node:crypto";
import type { BalanceConfig, EndpointConfig, UpstreamConfig } from "../config/config.ts";
import { ConnectionPool } from "../net/pool.ts";
import { eventTime } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import { type Balanced, type Balancer, leastConnections, roundRobin } from "./balance.ts";
import { cookieValue, sticky } from "./balance-cookie.ts";
import { consistentHash } from "./balance-hash.ts";
import { Latency, peakEwma, type Random, randomTwo, seededRandom } from "./balance-two.ts";

/** One address of an upstream with its connections. */
export class Endpoint implements Balanced {
  readonly config: EndpointConfig;
  readonly label: string;
  readonly weight: number;
  readonly pool: ConnectionPool;
  active = 0;
  readonly latency: Latency | null;
  /** Its name in the cookie of a sticky upstream; "" = it has none. */
  readonly cookieValue: string;

  constructor(config: EndpointConfig, pool: ConnectionPool, latency: Latency | null, cookie: string) {
    this.config = config;
    this.label = config.label;
    this.weight = config.weight;
    this.pool = pool;
    this.latency = latency;
    this.cookieValue = cookie;
  }

  /** What Host says where the upstream is to be called by its own name. */
  get hostField(): string {
    return this.config.address.kind === "unix" ? "localhost" : this.label;
  }

  /** An idle connection is there, or another may be opened. */
  get hasRoom(): boolean {
    return this.pool.idle > 0 || this.pool.mayOpen;
  }
}

/** An endpoint to try, or why there is none. */
export type Pick = Endpoint | "backend-absent" | "no-healthy-upstream" | "pool-exhausted" | "all-tried";

/** A named upstream. */
export class UpstreamGroup {
  readonly config: UpstreamConfig;
  readonly endpoints: readonly Endpoint[];
  readonly #tiers: readonly Balancer<Endpoint>[];
  readonly #only: Endpoint | null;
  /** What the pick that is running may not use, and whether it met an endpoint without room. */
  #tried: readonly Endpoint[] = [];
  #full = false;

  constructor(config: UpstreamConfig, random: Random = seededRandom(randomInt(2 ** 32)), clock: () => Ms = eventTime) {
    this.config = config;
    const limits = {
      idleMax: config.keepalive.connections,
      idleMs: config.keepalive.idleMs,
      usesMax: config.keepalive.requests,
      openMax: config.limits.connections,
    };
    const { balance } = config;
    const cookieKey = typeof balance === "object" && "cookie" in balance ? balance.secret || config.name : null;
    this.endpoints = config.endpoints.map(
      (endpoint) =>
        new Endpoint(
          endpoint,
          new ConnectionPool(limits),
          balance === "peak-ewma" ? new Latency() : null,
          cookieKey === null ? "" : cookieValue(cookieKey, endpoint.label),
        ),
    );
    const up = this.endpoints.filter((endpoint) => !endpoint.config.down);
    const tiers = [up.filter((e) => !e.config.backup), up.filter((e) => e.config.backup)];
    this.#tiers = tiers.filter((tier) => tier.length > 0).map((tier) => balancerFor(balance, tier, random, clock));
    this.#only = up.length === 1 ? up[0]! : null;
  }

  /**
   * The next endpoint that is not among `tried`, for a request that is bound by `key` ("" = by nothing). A second try
   * takes nobody's turn, so that shares stay what they are.
   */
  pick(tried: readonly Endpoint[], key = ""): Pick {
    if (this.#only && tried.length === 0) return this.#only.hasRoom ? this.#only : "pool-exhausted";
    if (this.endpoints.length === 0) return "backend-absent";
    if (this.#tiers.length === 0) return "no-healthy-upstream";
    this.#tried = tried;
    this.#full = false;
    for (let i = 0; i < this.#tiers.length; i++) {
      const endpoint = this.#tiers[i]!.pick(this.#usable, tried.length === 0, key);
      if (endpoint) return endpoint;
    }
    return this.#full ? "pool-exhausted" : "all-tried";
  }

  /** Made once: a pick allocates nothing. */
  readonly #usable = (candidate: Endpoint): boolean => {
    if (this.#tried.includes(candidate)) return false;
    if (candidate.hasRoom) return true;
    this.#full = true;
    return false;
  };

  /** Whether a request can be sent anywhere at all. */
  get usable(): boolean {
    return this.#tiers.length > 0;
  }

  /** Closes idle connections now, the others as they come back. */
  close(): void {
    for (const endpoint of this.endpoints) endpoint.pool.close();
  }
}

function balancerFor(
  balance: BalanceConfig,
  endpoints: readonly Endpoint[],
  random: Random,
  clock: () => Ms,
): Balancer<Endpoint> {
  if (typeof balance === "object")
    return "hash" in balance ? consistentHash(endpoints) : sticky(endpoints, (endpoint) => endpoint.cookieValue);
  switch (balance) {
    case "round-robin":
      return roundRobin(endpoints);
    case "least-connections":
      return leastConnections(endpoints);
    case "random-two":
      return randomTwo(endpoints, random);
    case "peak-ewma":
      return peakEwma(endpoints, random, clock);
  }
}
