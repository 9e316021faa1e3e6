// An upstream: a named group of endpoints, each with its connection pool; it says which endpoint is next.
// Primary endpoints come first; backups only when no primary one is left for this exchange.
import type { EndpointConfig, UpstreamConfig } from "../config/config.ts";
import { ConnectionPool } from "../net/pool.ts";
import { type Balancer, leastConnections, roundRobin } from "./balance.ts";

/** One address of an upstream with its connections. */
export class Endpoint {
  readonly config: EndpointConfig;
  readonly label: string;
  readonly weight: number;
  readonly pool: ConnectionPool;
  active = 0;

  constructor(config: EndpointConfig, pool: ConnectionPool) {
    this.config = config;
    this.label = config.label;
    this.weight = config.weight;
    this.pool = pool;
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

  constructor(config: UpstreamConfig) {
    this.config = config;
    const limits = {
      idleMax: config.keepalive.connections,
      idleMs: config.keepalive.idleMs,
      usesMax: config.keepalive.requests,
      openMax: config.limits.connections,
    };
    this.endpoints = config.endpoints.map((endpoint) => new Endpoint(endpoint, new ConnectionPool(limits)));
    const balancer = config.balance === "least-connections" ? leastConnections : roundRobin;
    const up = this.endpoints.filter((endpoint) => !endpoint.config.down);
    const tiers = [up.filter((e) => !e.config.backup), up.filter((e) => e.config.backup)];
    this.#tiers = tiers.filter((tier) => tier.length > 0).map((tier) => balancer(tier));
    this.#only = up.length === 1 ? up[0]! : null;
  }

  /** The next endpoint that is not among `tried`. A second try takes nobody's turn, so that shares stay what they are. */
  pick(tried: readonly Endpoint[]): Pick {
    if (this.#only && tried.length === 0) return this.#only.hasRoom ? this.#only : "pool-exhausted";
    if (this.endpoints.length === 0) return "backend-absent";
    if (this.#tiers.length === 0) return "no-healthy-upstream";
    let full = false;
    for (const tier of this.#tiers) {
      const endpoint = tier.pick((candidate) => {
        if (tried.includes(candidate)) return false;
        if (candidate.hasRoom) return true;
        full = true;
        return false;
      }, tried.length === 0);
      if (endpoint) return endpoint;
    }
    return full ? "pool-exhausted" : "all-tried";
  }

  /** Whether a request can be sent anywhere at all. */
  get usable(): boolean {
    return this.#tiers.length > 0;
  }

  /** Closes idle connections now, the others as they come back. */
  close(): void {
    for (const endpoint of this.endpoints) endpoint.pool.close();
  }
}
