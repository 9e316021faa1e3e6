// One generation of the configuration at work: routes, plans, upstreams with their connections, log and figures.
// A reload makes a new one; exchanges that are running keep theirs until they end.
import type { Address, Config, Problem, UpstreamTimeouts, UpstreamTls } from "../config/config.ts";
import { type DialTarget, dial } from "../net/dial.ts";
import { type Resolver, resolverFor } from "../net/resolve.ts";
import { createUpstreamTls, type UpstreamTlsContext } from "../net/upstream-tls.ts";
import type { ExchangeRecord } from "../observe/record.ts";
import type { ServerLogs } from "../observe/server-logs.ts";
import type { Random } from "../upstream/balance-two.ts";
import type { UpstreamEvent } from "../upstream/events.ts";
import { UpstreamGroup } from "../upstream/group.ts";
import type { Dial } from "../upstream/watch.ts";
import type { HeadLimits } from "../wire/head.ts";
import { planRoutes, type RoutePlan } from "./plan.ts";
import { compileRouter, type Router } from "./route.ts";
import { Servers } from "./server/servers.ts";
import type { UpstreamTable } from "./server/target.ts";

/** The program's own log. */
export interface GatewayLog {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** What the data path tells of each exchange. */
export interface Observer {
  exchangeEnded(record: ExchangeRecord): void;
  upstreamEvent(event: UpstreamEvent): void;
  /** Opens the logs of virtual servers; without it they have none. */
  readonly logs?: ServerLogs;
}

/** What a runtime is given by those who simulate the world, and by the generation before it. */
export interface RuntimeContext {
  readonly dial?: Dial;
  readonly random?: Random;
  readonly previous?: Runtime;
}

export class Runtime {
  readonly config: Config;
  readonly observer: Observer;
  readonly router: Router;
  readonly groups: ReadonlyMap<string, UpstreamGroup>;
  readonly plans: readonly RoutePlan[];
  readonly headLimits: HeadLimits;
  /** Its virtual servers; null = it has routes. */
  readonly servers: Servers | null;
  /** Our pseudonym in Via: by it a request that comes back is known. */
  readonly viaName: string;
  readonly #tls = new Map<string, UpstreamTlsContext>();
  readonly #resolvers = new Map<string, Resolver>();

  /** Throws where a file that TLS needs cannot be used. */
  constructor(config: Config, observer: Observer, viaName: string, log: GatewayLog, context: RuntimeContext = {}) {
    this.config = config;
    this.observer = observer;
    this.viaName = viaName;
    this.router = compileRouter(config.routes);
    this.groups = new Map([...config.upstreams.keys()].map((name) => [name, this.#groupOf(name, context)]));
    this.plans = planRoutes(config, this.groups);
    const { lineBytes, headBytes, fields } = config.client.limits;
    this.headLimits = { lineBytes, headBytes, fields };
    for (const [name, upstream] of config.upstreams) {
      if (upstream.tls) this.#tls.set(name, tlsContext(name, upstream.tls, log));
      this.#resolvers.set(name, resolverFor(upstream.resolve));
    }
    const table: UpstreamTable = { get: (name) => this.groups.get(name), adHoc: () => null };
    this.servers =
      config.servers && new Servers(config.servers, table, observer.logs ?? null, context.previous?.servers ?? null);
  }

  #groupOf(name: string, { dial: dialWith = dial, random, previous }: RuntimeContext): UpstreamGroup {
    return new UpstreamGroup(this.config.upstreams.get(name)!, {
      ...(random && { random }),
      previous: previous?.groups.get(name),
      addressesOf: (host) => this.config.addresses?.[host] ?? null,
      onEvent: (event) => this.observer.upstreamEvent(event),
      dial: dialWith,
      dialTarget: ({ config }, timeouts) => this.#dialTarget(name, config.address, timeouts),
    });
  }

  /** Takes over from the generation before it. */
  start(): void {
    for (const group of this.groups.values()) group.start();
  }

  #dialTarget(name: string, address: Address, { connectMs, tlsMs }: UpstreamTimeouts): DialTarget {
    const { resolve } = this.config.upstreams.get(name)!;
    return {
      address,
      tls: this.#tls.get(name) ?? null,
      resolver: this.#resolvers.get(name)!,
      timeouts: { resolveMs: resolve.timeoutMs, connectMs, tlsMs },
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
