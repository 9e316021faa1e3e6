// An httpd.conf as one hop. Where virtual hosts forward the same server with different settings, it is a pool for each.
import { apacheTime } from "../durations.ts";
import type { ConfiguredHop, ConfiguredRoute, ConfiguredTimer, Listen, Pool } from "../model.ts";
import { spotOf } from "../reader.ts";
import { type Forward, forwardsOf } from "./forwards.ts";
import type { Directive, Tree } from "./parse.ts";
import { reached } from "./path-findings.ts";
import { poolOf } from "./pools.ts";
import { flag, named, type Site, sitesOf } from "./sites.ts";

/** Pools by what makes two of them the same. */
interface Pools {
  readonly byKey: Map<string, Pool>;
  readonly names: Set<string>;
}

/** The hop; null = nothing in it serves or forwards. */
export function apacheHop({ directives }: Tree): ConfiguredHop | null {
  const sites = sitesOf(directives);
  const [main, ...hosts] = sites;
  if (!main) return null;
  const listens = listensOf(main, hosts);
  const pools: Pools = { byKey: new Map(), names: new Set() };
  // The main server answers only what no virtual host does; what is in it holds for them.
  const serving = hosts.length > 0 ? hosts : [main];
  const routes = serving.flatMap((site) => {
    const own = listens.filter(({ at }) => site.section?.places.includes(at));
    const ports = own.flatMap(({ port }) => port ?? []);
    const found = routesOf(site, pools);
    return ports.length === 0 || ports.length < own.length ? found : found.map((route) => ({ ...route, ports }));
  });
  const first = listens[0]?.at ?? routes[0]?.at ?? directives[0]?.at;
  if (!first || (listens.length === 0 && pools.byKey.size === 0)) return null;
  return {
    software: "apache",
    name: "apache",
    at: first,
    listens,
    routes,
    pools: [...pools.byKey.values()],
    timers: sites.flatMap(({ own }) => clientTimers(own)),
    logs: [...new Map(sites.flatMap(({ own }) => logsIn(own)).map((log) => [`${log.kind} ${log.file}`, log])).values()],
  };
}

function listensOf(main: Site, hosts: readonly Site[]): Listen[] {
  const ports = named(main.own, "Listen").map((directive) => ({ directive, ...portOf(directive.args[0] ?? "") }));
  const ofHosts = hosts.flatMap((site) =>
    site.addresses.flatMap((address, index): Listen[] => {
      const { host, port } = portOf(address);
      const at = site.section?.places[index] ?? site.section?.at;
      if (!at) return [];
      // "<VirtualHost *>" is for every port.
      const numbers = port !== null ? [port] : ports.map((each) => each.port);
      return (numbers.length === 0 ? [null] : numbers).map((number) => {
        const proto = ports.find((each) => each.port === number)?.directive.args[1];
        const tls = flag(site.scopes, "SSLEngine") ?? /^https$/i.test(proto ?? "");
        return { host, port: number, socket: null, tls, names: site.names, at };
      });
    }),
  );
  const covered = new Set(ofHosts.map(({ port }) => port));
  const rest = ports
    .filter(({ port }) => !covered.has(port))
    .map(({ directive, host, port }): Listen => {
      const tls = /^https$/i.test(directive.args[1] ?? "") || flag(main.scopes, "SSLEngine") === true;
      return { host, port, socket: null, tls, names: hosts.length === 0 ? main.names : [], at: directive.at };
    });
  return [...ofHosts, ...rest];
}

/** "80", "*:443", "[::]:80", "192.0.2.1:80", "_default_:443". */
function portOf(text: string): { readonly host: string; readonly port: number | null } {
  if (/^\d+$/.test(text)) return { host: "*", port: Number(text) };
  const [, name = text, digits] = /^(.*?)(?::(\d+|\*))?$/.exec(text.startsWith("[") ? "" : text) ?? [];
  if (text.startsWith("[")) {
    const spot = spotOf(text, null);
    return spot?.kind === "tcp" ? spot : { host: text.replace(/^\[|\](?::.*)?$/g, ""), port: null };
  }
  const host = name === "_default_" || name === "" ? "*" : name;
  return { host, port: digits === undefined || digits === "*" ? null : Number(digits) };
}

function routesOf(site: Site, pools: Pools): ConfiguredRoute[] {
  const hosts = site.names;
  const forwards = reached(forwardsOf(site));
  const routes = forwards.map((forward): ConfiguredRoute => {
    const { path, target, at } = forward;
    const pool = target ? poolIn(pools, poolOf(forward, target)) : null;
    return { hosts, path, pool, pathBecomes: pathBecomes(forward), timers: [], at };
  });
  const isCovered = forwards.some(({ path }) => path.kind === "prefix" && path.text === "/");
  const at = named(site.own, "DocumentRoot")[0]?.at ?? site.section?.at;
  if (isCovered || !at) return routes;
  return [...routes, { hosts, path: { kind: "prefix", text: "/" }, pool: null, pathBecomes: null, timers: [], at }];
}

function pathBecomes({ kind, path, target }: Forward): string | null {
  if (kind !== "ProxyPass" || path.kind !== "prefix" || !target) return null;
  if (target.path === path.text || (target.path === "" && path.text === "/")) return null;
  return target.path;
}

function poolIn({ byKey, names }: Pools, pool: Pool): string {
  const { members: _, at: __, health: ___, ...same } = pool;
  const key = JSON.stringify({ ...same, timers: pool.timers.map(({ id, value }) => [id, value]) });
  const known = byKey.get(key);
  if (known) return known.name;
  let { name } = pool;
  for (let count = 2; names.has(name); count++) name = `${pool.name} (${count})`;
  names.add(name);
  byKey.set(key, { ...pool, name });
  return name;
}

function clientTimers(own: readonly Directive[]): ConfiguredTimer[] {
  const timer = (id: ConfiguredTimer["id"], setting: string, bareUnitMs = 1000) =>
    named(own, setting).flatMap(({ args: [text = ""], at }): ConfiguredTimer[] => {
      const value = apacheTime(text, bareUnitMs);
      return value === undefined ? [] : [{ id, setting, value, text, at }];
    });
  const off = named(own, "KeepAlive").filter(({ args }) => /^off$/i.test(args[0] ?? ""));
  return [
    ...off.map(({ at }): ConfiguredTimer => ({ id: "client-idle", setting: "KeepAlive", value: 0, text: "Off", at })),
    ...(off.length === 0 ? timer("client-idle", "KeepAliveTimeout") : []),
    ...timer("request", "Timeout"),
    ...timer("drain", "GracefulShutdownTimeout").map((each) => (each.value === 0 ? { ...each, value: null } : each)),
  ];
}

function logsIn(own: readonly Directive[]): ConfiguredHop["logs"] {
  const kinds = [
    ["error", "ErrorLog"],
    ["access", "CustomLog"],
    ["access", "TransferLog"],
  ] as const;
  return kinds.flatMap(([kind, name]) =>
    named(own, name).flatMap(({ args: [file = ""], at }) =>
      /^(?:\||syslog|\/dev\/)|\$\{/.test(file) || file === "" ? [] : [{ kind, file, at }],
    ),
  );
}
