// How a process that serves traffic stands at this moment: connections, upstreams, endpoints and why they are out of
// use. Plain data; with workers the states of all are put together (mergeStates): numbers add up, and an endpoint stands
// as it does for the worst of them. Rates come from the metrics (observe/rates.ts), not from here.

import type { EndpointNow, EndpointState } from "../../console/model.ts";
import { sentence } from "../../failure/describe.ts";
import type { Gateway } from "../../proxy/gateway.ts";
import { keepIdleMs } from "../../resilience/keepalive-learner.ts";
import { eventTime } from "../../std/clock.ts";
import type { Bytes, Ms } from "../../std/units.ts";
import { DISABLED, DOWN, DRAINING, EJECTED, type Endpoint, GONE, WARMING } from "../../upstream/endpoint.ts";
import type { UpstreamGroup } from "../../upstream/group.ts";

/** One process. */
export interface ProcessState {
  readonly connections: number;
  /** CPU time used so far. */
  readonly cpuMs: Ms;
  readonly rssBytes: Bytes;
  readonly upstreams: readonly UpstreamState[];
}

export interface UpstreamState {
  readonly name: string;
  readonly held: number;
  readonly queued: number;
  readonly inFlight: number;
  readonly breakerOpen: boolean;
  /** By the wall clock; null = an endpoint can be used. */
  readonly awaySince: Ms | null;
  readonly panicking: boolean;
  readonly endpoints: readonly EndpointStanding[];
}

/** An endpoint as the console shows it, but for its rates. */
export interface EndpointStanding extends Omit<EndpointNow, "rates"> {
  /** After how long we close idle connections to it, as things are. */
  readonly keptIdleMs: Ms;
}

/** The state of this process, by the wall clock `wall`. */
export function processStateOf(gateway: Gateway, wall: Ms): ProcessState {
  const { user, system } = process.cpuUsage();
  const offset = wall - eventTime();
  return {
    connections: gateway.connections.size,
    cpuMs: (user + system) / 1000,
    rssBytes: process.memoryUsage.rss(),
    upstreams: [...gateway.runtime.groups.values()].map((group) => upstreamStateOf(group, offset)),
  };
}

function upstreamStateOf(group: UpstreamGroup, offset: Ms): UpstreamState {
  return {
    name: group.config.name,
    held: group.room.held,
    queued: group.room.size - group.room.held,
    inFlight: group.budget.requests,
    breakerOpen: !group.judge.closed,
    awaySince: group.outageSince > 0 ? Math.round(group.outageSince + offset) : null,
    panicking: group.panicking,
    endpoints: group.endpoints.map((endpoint) => standingOf(endpoint, group, offset)),
  };
}

function standingOf(endpoint: Endpoint, group: UpstreamGroup, offset: Ms): EndpointStanding {
  const { config, label, pool, standing } = endpoint;
  const { keepalive } = group.config;
  const { state, why, since } = stateOf(endpoint, group);
  const limitMs = endpoint.idleLimitMs;
  return {
    label,
    state,
    why,
    since: since > 0 ? Math.round(since + offset) : null,
    weight: endpoint.weight,
    configuredWeight: config.weight,
    backup: config.backup,
    active: endpoint.active,
    connections: pool.open,
    idle: pool.idle,
    keepAliveMs: limitMs > 0 ? limitMs : null,
    keepAliveFrom: limitMs === 0 ? null : standing.keepAlive.closesMs === limitMs ? "closes" : "hint",
    keptIdleMs: keepIdleMs(standing.keepAlive, keepalive.idleMs, keepalive.auto, 1),
  };
}

/** What keeps an endpoint from its share, the strongest reason first; instants are monotonic, 0 = not known. */
function stateOf(endpoint: Endpoint, { config: { name: upstream }, peers }: UpstreamGroup): StateWords {
  const { config, label, standing } = endpoint;
  if (config.down) return { state: "down", why: "the configuration says so", since: 0 };
  if (config.drain) return { state: "draining", why: "the configuration says so", since: 0 };
  const { out, gone } = standing;
  if ((out & DISABLED) !== 0)
    return { state: "disabled", why: "somebody took it out of use", since: standing.withdrawnSince };
  if ((out & DRAINING) !== 0) {
    return { state: "draining", why: "somebody said that it gets no new requests", since: standing.withdrawnSince };
  }
  // Under nginx's rules a server's failures alone count.
  if (peers?.isLeftAlone(endpoint)) return { state: "ejected", why: peers.whyOut(endpoint) ?? "", since: 0 };
  if ((out & GONE) !== 0) {
    const why = gone ? sentence(gone, { showDetail: true, upstream, endpoint: label }) : "nothing listens";
    return { state: "gone", why, since: standing.goneSince };
  }
  if ((out & DOWN) !== 0) {
    return { state: "unhealthy", why: standing.downDetail || "its checks fail", since: standing.downSince };
  }
  if ((out & EJECTED) !== 0) {
    return { state: "ejected", why: "requests failed there", since: standing.breaker.sinceMs };
  }
  if ((out & WARMING) !== 0) return { state: "warming", why: "its share still grows", since: standing.warmSince };
  return { state: "ok", why: "", since: 0 };
}

interface StateWords {
  readonly state: EndpointState;
  readonly why: string;
  readonly since: Ms;
}

/** The worst first. */
const STATES: readonly EndpointState[] = [
  "gone",
  "unhealthy",
  "ejected",
  "disabled",
  "down",
  "draining",
  "warming",
  "ok",
];

/** The states of several processes that serve the same configuration as one. */
export function mergeStates(states: readonly ProcessState[]): ProcessState {
  const [first, ...others] = states;
  if (first === undefined) return { connections: 0, cpuMs: 0, rssBytes: 0, upstreams: [] };
  return others.reduce(
    (sum, state) => ({
      connections: sum.connections + state.connections,
      cpuMs: sum.cpuMs + state.cpuMs,
      rssBytes: sum.rssBytes + state.rssBytes,
      upstreams: mergeByName(sum.upstreams, state.upstreams, ({ name }) => name, mergeUpstreams),
    }),
    first,
  );
}

function mergeUpstreams(one: UpstreamState, other: UpstreamState): UpstreamState {
  return {
    name: one.name,
    held: one.held + other.held,
    queued: one.queued + other.queued,
    inFlight: one.inFlight + other.inFlight,
    breakerOpen: one.breakerOpen || other.breakerOpen,
    awaySince: earlier(one.awaySince, other.awaySince),
    panicking: one.panicking || other.panicking,
    endpoints: mergeByName(one.endpoints, other.endpoints, ({ label }) => label, mergeEndpoints),
  };
}

function mergeEndpoints(one: EndpointStanding, other: EndpointStanding): EndpointStanding {
  const worse = STATES.indexOf(other.state) < STATES.indexOf(one.state) ? other : one;
  return {
    ...worse,
    active: one.active + other.active,
    connections: one.connections + other.connections,
    idle: one.idle + other.idle,
    keepAliveMs: one.keepAliveMs ?? other.keepAliveMs,
    keepAliveFrom: one.keepAliveFrom ?? other.keepAliveFrom,
  };
}

function earlier(one: Ms | null, other: Ms | null): Ms | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}

function mergeByName<T>(
  ones: readonly T[],
  others: readonly T[],
  nameOf: (each: T) => string,
  merge: (one: T, other: T) => T,
): T[] {
  const left = new Map(others.map((other) => [nameOf(other), other]));
  const merged = ones.map((one) => {
    const other = left.get(nameOf(one));
    left.delete(nameOf(one));
    return other === undefined ? one : merge(one, other);
  });
  return [...merged, ...left.values()];
}
