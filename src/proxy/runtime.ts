// One generation of the configuration at work: routes, plans, upstreams with their connections, log and figures.
// A reload makes a new one; exchanges that are running keep theirs until they end.
import type { Config, Problem, UpstreamTls } from "../config/config.ts";
import type { DialTarget } from "../net/dial.ts";
import { type Resolver, resolverFor } from "../net/resolve.ts";
import { createUpstreamTls, type UpstreamTlsContext } from "../net/upstream-tls.ts";
import type { ExchangeRecord } from "../observe/record.ts";
import { type Endpoint, UpstreamGroup } from "../upstream/group.ts";
import type { HeadLimits } from "../wire/head.ts";
import { planRoutes, type RoutePlan } from "./plan.ts";
import { compileRouter, type Router } from "./route.ts";

/** The program's own log. */
export interface GatewayLog {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

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

  /** Throws where a file that TLS needs cannot be used. */
  constructor(config: Config, observer: Observer, viaName: string, log: GatewayLog) {
    this.config = config;
    this.observer = observer;
    this.viaName = viaName;
    this.router = compileRouter(config.routes);
    this.groups = new Map([...config.upstreams].map(([name, upstream]) => [name, new UpstreamGroup(upstream)]));
    this.plans = planRoutes(config, this.groups);
    const { lineBytes, headBytes, fields } = config.client.limits;
    this.headLimits = { lineBytes, headBytes, fields };
    for (const [name, upstream] of config.upstreams) {
      if (upstream.tls) this.#tls.set(name, tlsContext(name, upstream.tls, log));
      this.#resolvers.set(name, resolverFor(upstream.resolve));
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
    for (const context of this.#tls.values()) context.close();
    for (const resolver of this.#resolvers.values()) resolver.close();
  }
}

function tlsContext(name: string, tls: UpstreamTls, log: GatewayLog): UpstreamTlsContext {
  const { context, problems } = createUpstreamTls(tls);
  if (!context) throw new Error(`upstream ${name}: ${problems.map((problem) => problem.message).join("; ")}`);
  context.watch((found, reloaded) => reportFiles(log, `upstream ${name}`, found, reloaded));
  return context;
}

/** What became of TLS files that changed on disk. */
export function reportFiles(log: GatewayLog, where: string, problems: readonly Problem[], reloaded: boolean): void {
  for (const problem of problems) log.warn(`${where}: ${problem.message}`);
  if (reloaded) log.info(`${where}: certificates were read again`);
  else log.warn(`${where}: the certificates in use stay in use`);
}
