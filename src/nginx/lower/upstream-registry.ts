// The upstreams that are run. nginx has settings of connections (TLS, the local address, SO_KEEPALIVE) at locations,
// and keeps one list of servers for all of them; here they are the upstream's, so that each combination that is used
// becomes one. The first has the group's name, others "name#2". An address in proxy_pass is a group of one server.
//
// Text with variables may mean any group, those of locations that come later too: `finishUpstreams` fills them in.
import type { UpstreamConfig, UpstreamTimeouts, UpstreamTls } from "../../config/config.ts";
import type { HostsByText, Text } from "../../config/servers.ts";
import type { Bytes } from "../../std/units.ts";
import { lineAt } from "../source.ts";
import type { Directive } from "../tree.ts";
import type { Lowering } from "./lowering.ts";
import { type Group, NOT_KEPT, readGroups } from "./upstream-groups.ts";
import type { UpstreamUrl } from "./upstream-url.ts";

/** What a location says of the connections to an upstream. */
export interface Use {
  /** null = plain. */
  readonly tls: UpstreamTls | null;
  readonly bind: Text | null;
  readonly probes: boolean;
  readonly timeouts: UpstreamTimeouts;
  readonly headBytes: Bytes;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
type Upstreams = Record<string, Writable<HostsByText["upstreams"][string]>>;

/** Texts with variables that may mean any group: those that have the same settings share it. */
interface Waiting {
  readonly hosts: HostsByText;
  readonly upstreams: Upstreams;
  readonly plain: Use | null;
  readonly secure: Use | null;
}

/** What a text with variables can begin with: "http:", and "https:" with these settings. */
export interface Schemes {
  readonly http: boolean;
  readonly https: UpstreamTls | null;
}

interface Registry {
  /** Upstream blocks by name, and addresses by "host:port"; lower case. */
  readonly groups: Map<string, Group>;
  /** Names of upstreams by group and use. */
  readonly names: Map<string, string>;
  /** By their settings. */
  readonly waiting: Map<string, Waiting>;
}

const registries = new WeakMap<Lowering, Registry>();

/** Reads the upstream blocks where that was not done yet. */
function registryOf(lowering: Lowering): Registry {
  const known = registries.get(lowering);
  if (known) return known;
  const registry: Registry = { groups: readGroups(lowering.http), names: new Map(), waiting: new Map() };
  registries.set(lowering, registry);
  return registry;
}

/** The group that an address means: a block of its name, or itself. null = nginx refuses it. */
export function groupFor(url: UpstreamUrl, directive: Directive, lowering: Lowering): Group | null {
  const { groups } = registryOf(lowering);
  const block = groups.get(url.host.toLowerCase());
  if (block?.block && url.address.kind === "tcp") {
    if (url.portText === "") return block;
    complainPort(block.block, block.name, Number(url.portText), directive, lowering);
    return null;
  }
  const key = addressKey(url);
  const known = groups.get(key);
  if (known) return known;
  const group = addressGroup(url);
  groups.set(key, group);
  return group;
}

/** nginx notices it at whichever of the two comes later. */
function complainPort(block: Directive, name: string, port: number, at: Directive, { http }: Lowering): void {
  const text = `upstream "${name}" may not have port ${port}`;
  const later = block.source === at.source && block.span.start > at.span.start;
  const hint = `"${name}" is the name of an upstream block: its servers have the ports`;
  if (!later) http.problems.complain(at, text, at.args[0], { hint });
  else
    http.problems.complain(block, `${text} in ${at.source.path}:${lineAt(at.source, at.endsAt)}`, undefined, {
      placeless: true,
      hint,
    });
}

/** "host:port" or "unix:/path", in lower case but for paths. */
function addressKey({ host, address }: UpstreamUrl): string {
  return address.kind === "unix" ? `unix:${address.path}` : `${host.toLowerCase()}:${address.port}`;
}

function addressGroup(url: UpstreamUrl): Group {
  return {
    name: addressKey(url),
    block: null,
    endpoints: [
      {
        label: addressKey(url),
        address: url.address,
        weight: 1,
        backup: false,
        down: false,
        // A name may have several addresses: several servers. An address is one, which is never out of use.
        maxFails: url.isName ? 1 : 0,
        failTimeoutMs: 10_000,
        maxConnections: 0,
        route: "",
        drain: false,
        resolve: url.isName ? "at-load" : "per-connection",
        service: "",
      },
    ],
    balance: "round-robin",
    sticky: null,
    keepalive: NOT_KEPT,
    resolver: null,
  };
}

/** The name of the upstream that a group is under these settings. */
export function upstreamFor(group: Group, use: Use, lowering: Lowering): string {
  const { names } = registryOf(lowering);
  const { upstreams } = lowering;
  const key = JSON.stringify([group.name.toLowerCase(), group.block === null, use.tls, use.bind, use.probes]);
  const known = names.get(key);
  const before = known === undefined ? undefined : upstreams.get(known);
  if (known !== undefined && before) {
    const { headBytes } = use;
    if (headBytes > before.limits.headBytes)
      upstreams.set(known, { ...before, limits: { ...before.limits, headBytes } });
    return known;
  }
  let name = group.name;
  for (let count = 2; upstreams.has(name); count++) name = `${group.name}#${count}`;
  names.set(key, name);
  upstreams.set(name, upstreamOf(name, group, use));
  return name;
}

/** What a host made of text may mean. */
export function hostsByText(use: Use, { http, https }: Schemes, lowering: Lowering): HostsByText {
  const { waiting } = registryOf(lowering);
  const key = JSON.stringify([use, http, https]);
  const known = waiting.get(key);
  if (known) return known.hosts;
  const upstreams: Upstreams = {};
  const hosts = { upstreams, model: upstreamOf("", NO_GROUP, use) };
  waiting.set(key, { hosts, upstreams, plain: http ? use : null, secure: https && { ...use, tls: https } });
  return hosts;
}

/** A host that is no group: what it resolves to is its endpoints. */
const NO_GROUP: Group = {
  name: "",
  block: null,
  endpoints: [],
  balance: "round-robin",
  sticky: null,
  keepalive: NOT_KEPT,
  resolver: null,
};

/** Checks and makes what no location has asked for yet. Comes last. */
export function finishUpstreams(lowering: Lowering): void {
  const { groups, waiting } = registryOf(lowering);
  for (const { upstreams, plain, secure } of waiting.values()) {
    for (const [key, group] of groups) {
      const entry: Upstreams[string] = {};
      if (plain) entry.http = upstreamFor(group, plain, lowering);
      if (secure) entry.https = upstreamFor(group, secure, lowering);
      upstreams[key] = entry;
    }
  }
}

/** As long as a timer can be. */
const NO_BOUND_MS = 2 ** 31 - 1;

/** nginx has no queue, no hold, no breaker, no checks and no budget; endpoints have max_fails. */
function upstreamOf(name: string, group: Group, { tls, probes, timeouts, headBytes }: Use): UpstreamConfig {
  const { endpoints, balance, sticky, keepalive, resolver } = group;
  return {
    name,
    endpoints,
    tls,
    balance,
    sticky,
    host: "keep",
    timeouts,
    keepalive: {
      connections: keepalive.connections,
      total: keepalive.connections,
      idleMs: keepalive.idleMs,
      timeMs: keepalive.timeMs,
      requests: keepalive.requests,
      auto: false,
      probes,
    },
    limits: { headBytes, bodyBytes: 0, connections: 0, requests: 0, adaptive: false },
    queue: null,
    retry: {
      attempts: Math.max(1, endpoints.filter(({ down }) => !down).length),
      withinMs: NO_BOUND_MS,
      budget: 1,
      backoffMs: 0,
      backoffMaxMs: 0,
      bodyBytes: Number.MAX_SAFE_INTEGER,
    },
    slowStartMs: 0,
    panic: 0,
    health: null,
    eject: null,
    breaker: null,
    hold: null,
    resolve: { minMs: NO_BOUND_MS, timeoutMs: resolver?.timeoutMs ?? 30_000, servers: [] },
    resolver,
  };
}
