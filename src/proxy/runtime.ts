// One generation of the configuration at work: routes, plans, upstreams with their connections, log and figures.
// A reload makes a new one; exchanges that are running keep theirs until they end.
import type { Config } from "../config/config.ts";
import type { DialTarget } from "../net/dial.ts";
import { Resolver } from "../net/resolve.ts";
import { createUpstreamTls, type UpstreamTlsContext } from "../net/upstream-tls.ts";
import type { ExchangeRecord } from "../observe/record.ts";
import { type Endpoint, UpstreamGroup } from "../upstream/group.ts";
import type { HeadLimits } from "../wire/head.ts";
import { planRoutes, type RoutePlan } from "./plan.ts";
import { compileRouter, type Router } from "./route.ts";

/** What the data path tells of each exchange. */
export interface Observer {
  exchangeEnded(record: ExchangeRecord): void;
}

export class Runtime {
  readonly config: Config;
  readonly observer: Observer;
  readonly router: Router;
  readonly groups: ReadonlyMap<string, UpstreamGroup>;
  readonly plans: readonly RoutePlan[];
  readonly headLimits: HeadLimits;
  /** Our pseudonym in Via: by it a request that comes back is known. */
  readonly viaName: string;
  readonly #tls = new Map<string, UpstreamTlsContext>();
  readonly #resolvers = new Map<string, Resolver>();

  constructor(config: Config, observer: Observer, viaName: string) {
    this.config = config;
    this.observer = observer;
    this.viaName = viaName;
    this.router = compileRouter(config.routes);
    this.groups = new Map([...config.upstreams].map(([name, upstream]) => [name, new UpstreamGroup(upstream)]));
    this.plans = planRoutes(config, this.groups);
    const { lineBytes, headBytes, fields } = config.client.limits;
    this.headLimits = { lineBytes, headBytes, fields };
    for (const [name, upstream] of config.upstreams) {
      if (upstream.tls) this.#tls.set(name, createUpstreamTls(upstream.tls));
      this.#resolvers.set(name, new Resolver({ minMs: upstream.resolve.minMs, timeoutMs: upstream.resolve.timeoutMs }));
    }
  }

  /** How to reach an endpoint, with the deadlines of the route. */
  dialTarget(group: UpstreamGroup, endpoint: Endpoint, plan: RoutePlan): DialTarget {
    const { name, resolve } = group.config;
    return {
      address: endpoint.config.address,
      tls: this.#tls.get(name) ?? null,
      resolver: this.#resolvers.get(name)!,
      timeouts: { resolveMs: resolve.timeoutMs, connectMs: plan.timeouts.connectMs, tlsMs: plan.timeouts.tlsMs },
    };
  }

  /** Ends what this generation keeps open; exchanges in flight go on. */
  close(): void {
    for (const group of this.groups.values()) group.close();
  }
}
