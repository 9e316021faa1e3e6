// An nginx.conf as one hop: every listen of every server, every location that is answered or forwarded, every group.
// A group (or address) that is used with different Hosts, names or HTTP versions is a pool for each of them, since
// they are different requests to its servers.

import type { Survey } from "../../../nginx/advice/survey.ts";
import { shown } from "../../../nginx/byte-text.ts";
import { addressesOf } from "../../../nginx/lower/listen.ts";
import { matchOf } from "../../../nginx/lower/location.ts";
import { argOf, argsOf, blockScope, type Scope } from "../../../nginx/lower/scope.ts";
import type { Source } from "../../../nginx/source.ts";
import type { Directive } from "../../../nginx/tree.ts";
import type { ConfiguredHop, ConfiguredRoute, Listen, Pool } from "../model.ts";
import { type Forward, forwardOf, poolOf } from "./forwards.ts";
import { clientTimers, forwardingTimers, placeOf, timerOf } from "./timers.ts";

const PORTS_OF_RANGE_MAX = 32;

/** Collects what a hop has. */
interface Draft {
  readonly survey: Survey;
  readonly isWritten: (directive: Directive) => boolean;
  readonly listens: Listen[];
  readonly routes: ConfiguredRoute[];
  /** By what makes two of them the same. */
  readonly pools: Map<string, Pool>;
  readonly names: Set<string>;
}

/** The hop; null = nothing in it serves or forwards. */
export function nginxHop(survey: Survey, written: ReadonlySet<Source>): ConfiguredHop | null {
  const { main, http, servers, groups, scopes } = survey;
  const isWritten = ({ source }: Directive) => written.has(source);
  const draft: Draft = { survey, isWritten, listens: [], routes: [], pools: new Map(), names: new Set() };
  for (const server of servers) addServer(draft, server);
  for (const stream of main.own("stream")) addStream(draft, blockScope(main, "http", stream));
  // Groups that nothing uses here are used by a file that is not at hand.
  const used = new Set([...draft.pools.values()].map(({ name }) => name.toLowerCase()));
  for (const [name, group] of groups) if (!used.has(name)) addUnusedGroup(draft, group);
  // Around a part of a configuration stand blocks that nobody wrote.
  const first =
    [http, ...scopes].find((scope) => scope && survey.isWritten(scope))?.directive ??
    scopes.flatMap(({ directives }) => directives).find((each) => draft.isWritten(each)) ??
    main.directives[0];
  const { listens, routes, pools } = draft;
  if (!first || (listens.length === 0 && routes.length === 0 && pools.size === 0)) return null;
  const forwarding = http ? forwardingTimers(http, "proxy", false) : [];
  return {
    software: "nginx",
    name: "nginx",
    at: placeOf(first),
    listens,
    routes,
    pools: [...pools.values()],
    timers: [
      ...clientTimers(scopes.filter(({ kind }) => kind === "http" || kind === "server")),
      ...forwarding,
      ...timerOf(main.own("worker_shutdown_timeout")[0], "drain"),
    ],
    logs: logsOf([main, ...scopes]),
  };
}

function addServer(draft: Draft, server: Scope): void {
  const names = server
    .own("server_name")
    .flatMap((directive) => argsOf(directive).map(shown))
    .filter((name) => name !== "_" && name !== "");
  const isReal = server.directive !== null && draft.isWritten(server.directive);
  const listens = isReal ? listensOf(server, names) : [];
  draft.listens.push(...listens);
  const before = draft.routes.length;
  const answered = server.directives.find(({ name }) => name === "return" || name === "root");
  addRoutes(draft, server, server, names);
  // What no location matches is answered by the server itself.
  const isCovered = draft.survey.inner(server, "location").some(({ directive }) => {
    const match = directive && matchOf(directive);
    return match && typeof match !== "string" && match.kind === "prefix" && match.path === "/";
  });
  const at = answered ?? server.directive;
  if (!isCovered && at && isReal)
    draft.routes.push({ hosts: names, path: ROOT, pool: null, pathBecomes: null, timers: [], at: placeOf(at) });
  const ports = listens.map(({ port }) => port);
  const plain = ports.filter((port) => port !== null);
  if (plain.length < ports.length || plain.length === 0) return;
  const own = draft.routes.splice(before);
  draft.routes.push(...own.map((route) => ({ ...route, ports: plain })));
}

const ROOT = { kind: "prefix", text: "/" } as const;

function listensOf(server: Scope, names: readonly string[]): Listen[] {
  const isOldTls = argOf(server.last("ssl")) === "on";
  const directives = server.own("listen");
  if (directives.length === 0 && server.directive)
    return [{ host: "*", port: 80, socket: null, tls: isOldTls, names, at: placeOf(server.directive) }];
  return directives.flatMap((directive): Listen[] => {
    const words = argsOf(directive, 1);
    const tls = isOldTls || words.includes("ssl") || words.includes("quic");
    const at = placeOf(directive);
    const addresses = addressesOf(argOf(directive));
    // What envsubst fills in, or nginx refuses.
    if (typeof addresses === "string") return [{ host: "*", port: null, socket: null, tls, names, at }];
    return addresses
      .slice(0, PORTS_OF_RANGE_MAX)
      .map((address) =>
        address.kind === "unix"
          ? { host: "", port: null, socket: shown(address.path), tls, names, at }
          : { host: address.host === "0.0.0.0" ? "*" : address.host, port: address.port, socket: null, tls, names, at },
      );
  });
}

function addRoutes(draft: Draft, server: Scope, parent: Scope, hosts: readonly string[]): void {
  for (const location of draft.survey.inner(parent, "location")) {
    const match = location.directive && matchOf(location.directive);
    if (!location.directive || !match || typeof match === "string" || match.kind === "named") continue;
    const path =
      match.kind === "pattern"
        ? ({ kind: "pattern", text: shown(match.source) } as const)
        : ({ kind: match.kind, text: shown(match.path) } as const);
    addRoutes(draft, server, location, hosts);
    const forwards = forwardsIn(draft, server, location);
    if (!draft.isWritten(location.directive)) {
      // Lines for a location that stands in another file: where they lead to is known, and no more.
      for (const forward of forwards) poolIn(draft, forward);
      continue;
    }
    for (const forward of forwards)
      draft.routes.push({
        hosts,
        path: forward.scope.kind === "if" ? conditionOf(forward) : path,
        pool: poolIn(draft, forward),
        pathBecomes: pathBecomes(forward, path.kind),
        timers: forwardingTimers(forward.scope, forward.by, forward.upgrades),
        at: placeOf(location.directive),
      });
    if (forwards.length === 0)
      draft.routes.push({ hosts, path, pool: null, pathBecomes: null, timers: [], at: placeOf(location.directive) });
  }
}

/** Of the location itself, of an `if` in it, or of the named location that try_files ends with. */
function forwardsIn({ survey }: Draft, server: Scope, location: Scope): Forward[] {
  const { groups } = survey;
  const inIf = survey.inner(location, "if").flatMap((scope) => forwardOf(scope, groups) ?? []);
  const own = forwardOf(location, groups);
  if (own) return [own, ...inIf];
  const fallback = argsOf(location.last("try_files")).at(-1) ?? "";
  if (!fallback.startsWith("@")) return inIf;
  const named = survey.inner(server, "location").find(({ directive }) => argOf(directive ?? undefined) === fallback);
  const forward = named ? forwardOf(named, groups) : null;
  return forward ? [forward, ...inIf] : inIf;
}

/** What an `if` asks for, as written: it does not hold for every request of its location. */
function conditionOf({ scope }: Forward): ConfiguredRoute["path"] {
  return { kind: "pattern", text: shown(`if ${argsOf(scope.directive ?? undefined).join(" ")}`) };
}

/** A URI in proxy_pass takes the place of what the location matched. */
function pathBecomes({ by, uri, directive }: Forward, kind: "exact" | "prefix" | "pattern"): string | null {
  if (by !== "proxy" || kind === "pattern" || uri === "" || argOf(directive).includes("$")) return null;
  return shown(uri);
}

function poolIn({ pools, names }: Draft, forward: Forward): string {
  const pool = poolOf(forward);
  const { scheme, host, serverName, verify, caFile, httpVersion, reuses } = pool;
  const key = JSON.stringify([pool.name.toLowerCase(), scheme, host, serverName, verify, caFile, httpVersion, reuses]);
  const known = pools.get(key);
  if (known) return known.name;
  let { name } = pool;
  for (let count = 2; names.has(name); count++) name = `${pool.name} (${count})`;
  names.add(name);
  pools.set(key, { ...pool, name });
  return name;
}

function addUnusedGroup({ pools, survey }: Draft, group: Scope): void {
  const { directive } = group;
  // What is forwarded by servers of stream is there already.
  if (!directive || !survey.isWritten(group)) return;
  const groups = new Map([[argOf(directive).toLowerCase(), group]]);
  const forward: Forward = {
    by: "proxy",
    scope: group,
    directive,
    scheme: "http",
    authority: argOf(directive),
    uri: "",
    hasVariables: false,
    url: null,
    group: groups.get(argOf(directive).toLowerCase()) ?? null,
    upgrades: false,
  };
  const pool = poolOf(forward);
  pools.set(`unused ${pool.name}`, pool);
}

/** Connections that are forwarded as they are. */
function addStream(draft: Draft, stream: Scope): void {
  const groups = new Map<string, Scope>();
  for (const directive of stream.own("upstream"))
    groups.set(argOf(directive).toLowerCase(), blockScope(stream, "upstream", directive));
  for (const directive of stream.own("server")) {
    const server = blockScope(stream, "server", directive);
    const listens = listensOf(server, []);
    draft.listens.push(...listens);
    const forward = forwardOf(server, groups);
    if (!forward) continue;
    const pool: Pool = { ...poolOf(forward), scheme: "tcp", host: "client", serverName: "client", verify: null };
    const name = `${pool.name} (stream)`;
    draft.pools.set(`stream ${pool.name}`, { ...pool, name });
    const timers = [
      ...timerOf(server.last("proxy_connect_timeout"), "connect"),
      ...timerOf(server.last("proxy_timeout"), "tunnel-idle"),
    ];
    const ports = listens.flatMap(({ port }) => port ?? []);
    draft.routes.push({ hosts: [], ports, path: ROOT, pool: name, pathBecomes: null, timers, at: placeOf(directive) });
  }
}

function logsOf(scopes: readonly Scope[]): ConfiguredHop["logs"] {
  const found = scopes.flatMap((scope) =>
    (["error", "access"] as const).flatMap((kind) =>
      scope.own(`${kind}_log`).flatMap((directive) => {
        const file = shown(argOf(directive));
        const isFile = !/^(?:off|stderr|syslog:|memory:|\/dev\/)|\$/.test(file) && file !== "";
        return isFile ? [{ kind, file, at: placeOf(directive) }] : [];
      }),
    ),
  );
  return [...new Map(found.map((log) => [`${log.kind} ${log.file}`, log])).values()];
}
