// One generation of the configuration at work: routes, plans, upstreams with their connections, log and figures.
// A reload makes a new one; exchanges that are running keep theirs until they end.
import type {
  Config,
  EndpointConfig,
  Problem,
  UpstreamConfig,
  UpstreamTimeouts,
  UpstreamTls,
} from "../config/config.ts";
import type { ResolverConfig } from "../config/servers.ts";
import { type DialTarget, dial } from "../net/dial.ts";
import { DnsClient } from "../net/dns-client.ts";
import { type Resolver, resolverFor } from "../net/resolve.ts";
import { createUpstreamTls, type UpstreamTlsContext } from "../net/upstream-tls.ts";
import type { ExchangeRecord } from "../observe/record.ts";
import type { ServerLogs } from "../observe/server-logs.ts";
import type { Tracer } from "../observe/traces/tracer.ts";
import { AdHocGroups } from "../upstream/ad-hoc-groups.ts";
import type { Random } from "../upstream/balance-two.ts";
import type { UpstreamEvent } from "../upstream/events.ts";
import { UpstreamGroup } from "../upstream/group.ts";
import { nameQueryBy } from "../upstream/name-query.ts";
import type { Dial } from "../upstream/watch.ts";
import type { HeadLimits } from "../wire/head.ts";
import { HANDSHAKES } from "./opening.ts";
import { planRoutes, type RoutePlan } from "./plan.ts";
import { compileRouter, type Router } from "./route.ts";
import { type Handshakes, handshakesOf } from "./server/handshake.ts";
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
  /** Requests take part in traces by it; without it their trace fields go on as they came. */
  readonly tracer?: Tracer | null;
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
  /** Their side of TLS handshakes; null = there are none. */
  readonly handshakes: Handshakes | null;
  /** Our pseudonym in Via: by it a request that comes back is known. */
  readonly viaName: string;
  readonly #tls = new Map<UpstreamTls, UpstreamTlsContext>();
  readonly #resolvers = new Map<string, Resolver>();
  /** Names that DNS servers of the configuration are asked for, by what is said of them. */
  readonly #dns = new Map<string, DnsClient>();
  /** Upstreams that requests name. */
  readonly #adHoc: AdHocGroups;
  readonly #context: RuntimeContext;
  readonly #log: GatewayLog;

  /** Throws where a file that TLS needs cannot be used. */
  constructor(config: Config, observer: Observer, viaName: string, log: GatewayLog, context: RuntimeContext = {}) {
    this.config = config;
    this.observer = observer;
    this.viaName = viaName;
    // What is kept of it must not hold the generation before.
    const { previous: _, ...lasting } = context;
    this.#context = lasting;
    this.#log = log;
    this.router = compileRouter(config.routes);
    for (const [name, { tls, resolve }] of config.upstreams) {
      if (tls) this.#tlsFor(name, tls);
      this.#resolvers.set(name, resolverFor(resolve));
    }
    this.groups = this.#groupsOf(context.previous ?? null);
    this.plans = planRoutes(config, this.groups);
    const { lineBytes, headBytes, fields } = config.client.limits;
    this.headLimits = { lineBytes, headBytes, fields };
    this.#adHoc = new AdHocGroups((upstream, template) => this.#groupOf(upstream, template));
    const table: UpstreamTable = {
      get: (name) => this.groups.get(name),
      template: (model, tls) => this.#templateOf(model, tls),
      adHoc: (template, target) => this.#adHoc.groupFor(template, target),
      dns: (resolver) => this.#dnsFor(resolver),
    };
    this.servers =
      config.servers && new Servers(config.servers, table, observer.logs ?? null, context.previous?.servers ?? null);
    this.handshakes = handshakesOf(this.servers, config.listeners, HANDSHAKES);
  }

  /** By themselves: a closure of the constructor that knew the generation before would keep it. */
  #groupsOf(previous: Runtime | null): ReadonlyMap<string, UpstreamGroup> {
    return new Map(
      [...this.config.upstreams].map(([name, upstream]) => [
        name,
        this.#groupOf(upstream, upstream, previous?.groups.get(name)),
      ]),
    );
  }

  /** `template` has what its connections are made with: itself, but for upstreams that requests name. */
  #groupOf(config: UpstreamConfig, template: UpstreamConfig, previous?: UpstreamGroup): UpstreamGroup {
    const { dial: dialWith = dial, random } = this.#context;
    const { resolver } = config;
    return new UpstreamGroup(config, {
      ...(random && { random }),
      previous,
      addressesOf: (host) => this.config.addresses?.[host] ?? null,
      ...(resolver && { nameQuery: nameQueryBy(this.#dnsFor(resolver), resolver.timeoutMs) }),
      onEvent: (event) => this.observer.upstreamEvent(event),
      dial: dialWith,
      dialTarget: (endpoint, timeouts) => this.#dialTarget(config, template, endpoint.config, timeouts),
    });
  }

  /** What upstreams are made from that requests name. */
  #templateOf(model: UpstreamConfig, tls: UpstreamTls | null): UpstreamConfig {
    if (tls) this.#tlsFor("of a proxy_pass with variables", tls);
    return { ...model, tls };
  }

  #tlsFor(name: string, tls: UpstreamTls): void {
    if (!this.#tls.has(tls)) this.#tls.set(tls, tlsContext(name, tls, this.#log));
  }

  #dnsFor({ servers, validMs, ipv4, ipv6 }: ResolverConfig): DnsClient {
    const settings = { servers, validMs, ipv4, ipv6 };
    const key = JSON.stringify(settings);
    const client = this.#dns.get(key) ?? new DnsClient(settings);
    this.#dns.set(key, client);
    return client;
  }

  /** Takes over from the generation before it. */
  start(): void {
    for (const group of this.groups.values()) group.start();
  }

  #dialTarget(
    { tls, resolve, keepalive }: UpstreamConfig,
    template: UpstreamConfig,
    { address }: EndpointConfig,
    { connectMs, tlsMs }: UpstreamTimeouts,
  ): DialTarget {
    let resolver = this.#resolvers.get(template.name);
    if (!resolver) {
      resolver = resolverFor(resolve);
      this.#resolvers.set(template.name, resolver);
    }
    return {
      address,
      tls: tls ? this.#tls.get(tls)! : null,
      resolver,
      timeouts: { resolveMs: resolve.timeoutMs, connectMs, tlsMs },
      probes: keepalive.probes,
    };
  }

  /** Ends what this generation keeps open; exchanges in flight go on. */
  close(): void {
    for (const group of this.groups.values()) group.close();
    this.#adHoc.close();
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
