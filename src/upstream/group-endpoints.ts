// The endpoints of a group: made from its servers and what is known of their names, again whenever a name that is
// resolved at run time stands for other addresses. What has the same address goes on: over a reload with how it
// stands, within a generation with its connections, too.
import type { EndpointConfig } from "../config/config.ts";
import { IdleShare } from "../net/pool.ts";
import { limitFrom } from "../resilience/keepalive-learner.ts";
import { cookieValue } from "./balance-cookie.ts";
import { Latency } from "./balance-two.ts";
import { Endpoint, Standing } from "./endpoint.ts";
import type { UpstreamGroup } from "./group.ts";
import { type FoundAddress, nameToResolve, type ServerAddress, serverAddresses } from "./server-names.ts";

/** Addresses of a name that is resolved at load; null = nobody has asked. */
export type AddressesOf = (host: string) => readonly string[] | null;

export class GroupEndpoints {
  readonly #group: UpstreamGroup;
  readonly #addressesOf: AddressesOf;
  /** What names that are resolved at run time stand for, by their place in the configuration. */
  readonly #found = new Map<EndpointConfig, readonly FoundAddress[]>();
  readonly #context;
  all: readonly Endpoint[];

  constructor(group: UpstreamGroup, previous: UpstreamGroup | undefined, addressesOf: AddressesOf | undefined) {
    this.#group = group;
    this.#addressesOf = addressesOf ?? (() => null);
    const { balance, name, keepalive } = group.config;
    const cookieKey = typeof balance === "object" && "cookie" in balance ? balance.secret || name : null;
    const share = keepalive.total > 0 ? new IdleShare(keepalive.total) : null;
    this.#context = { cookieKey, random: group.random, share, onIdleTimer: idleTimerTeller(group) };
    previous?.handOnNames(this.#found, group.config.endpoints);
    const before = byLabel(previous?.endpoints ?? []);
    this.all = this.#servers().map((server) => {
      const old = before.get(server.config.label)?.shift();
      return this.#make(server, old?.standing, old?.latency);
    });
  }

  /** The name of a server stands for other addresses. */
  setAddresses(server: EndpointConfig, found: readonly FoundAddress[]): void {
    this.#found.set(server, found);
    const before = byLabel(this.all);
    this.all = this.#servers().map((one) => {
      const same = before.get(one.config.label) ?? [];
      const at = same.findIndex((old) => isSame(old, one));
      return same.splice(at, at === -1 ? 0 : 1)[0] ?? this.#make(one);
    });
    for (const left of before.values()) for (const endpoint of left) endpoint.pool.close();
  }

  /** What is known of names, for the generation after: ports may be others. */
  handOn(into: Map<EndpointConfig, readonly FoundAddress[]>, servers: readonly EndpointConfig[]): void {
    for (const [before, found] of this.#found) {
      const name = nameToResolve(before);
      const same = (server: EndpointConfig): boolean =>
        server.service === before.service && nameToResolve(server) === name;
      const server = servers.find((one) => same(one) && !into.has(one));
      if (server) into.set(server, found);
    }
  }

  #servers(): readonly ServerAddress[] {
    return serverAddresses(this.#group.config.endpoints, (host, server) =>
      server.resolve === "at-run-time"
        ? (this.#found.get(server) ?? null)
        : (this.#addressesOf(host)?.map((address) => ({ address })) ?? null),
    );
  }

  #make({ config, server }: ServerAddress, standing?: Standing, latency?: Latency | null): Endpoint {
    const { config: upstream, clock } = this.#group;
    const { cookieKey, random, share, onIdleTimer } = this.#context;
    return new Endpoint(config, upstream, standing ?? new Standing(clock()), {
      server,
      latency: upstream.balance === "peak-ewma" ? (latency ?? new Latency()) : null,
      cookie: cookieKey === null ? "" : cookieValue(cookieKey, config.label),
      random,
      share,
      onIdleTimer,
    });
  }
}

/** An address may be there twice: each has its own standing. */
function byLabel(endpoints: readonly Endpoint[]): Map<string, Endpoint[]> {
  const all = new Map<string, Endpoint[]>();
  for (const endpoint of endpoints) {
    const same = all.get(endpoint.label);
    if (same) same.push(endpoint);
    else all.set(endpoint.label, [endpoint]);
  }
  return all;
}

function isSame({ config, server }: Endpoint, other: ServerAddress): boolean {
  return server === other.server && config.weight === other.config.weight && config.backup === other.config.backup;
}

/** A function of its own: what it keeps must not keep the generation before. */
function idleTimerTeller({ config, clock, onEvent }: UpstreamGroup): (endpoint: Endpoint) => void {
  return ({ label, idleLimitMs: limitMs, standing }) => {
    const from = limitFrom(standing.keepAlive);
    if (from) onEvent({ kind: "keepalive-learnt", at: clock(), upstream: config.name, endpoint: label, limitMs, from });
  };
}
