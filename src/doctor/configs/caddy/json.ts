// Caddy's JSON: apps.http.servers, with handlers in subroutes at any depth. Durations are Go's texts, or nanoseconds.
import type { Ms } from "../../../std/units.ts";
import { readYaml } from "../documents.ts";
import { goTime } from "../durations.ts";
import { offAtZero, timers } from "../finding.ts";
import type { ConfigEvidence, ConfiguredRoute, ConfiguredTimer, Finding, Listen, Pool } from "../model.ts";
import { evidence, problem, type ReadInput } from "../reader.ts";
import { treeSpan } from "../spans.ts";
import { at, flagOf, itemsOf, numberOf, pairsOf, type Tree, textOf, textsOf } from "../tree.ts";
import { type CaddyProxy, poolOf, proxyFindings } from "./proxy.ts";

/** Reads Caddy's JSON. */
export function readCaddyJson({ file, text }: ReadInput): ConfigEvidence {
  const { documents, problems } = readYaml(text, file);
  const walk: Walk = { routes: [], pools: [], findings: [], names: new Map() };
  const servers = pairsOf(at(documents[0], "apps", "http", "servers"));
  const listens: Listen[] = [];
  const held: ConfiguredTimer[] = [];
  for (const { value: server } of servers) {
    const names = [...new Set(itemsOf(at(server, "routes")).flatMap((route) => hostsOf(route)))];
    listens.push(...listensOf(server, names));
    held.push(...serverTimers(server));
    walkRoutes(at(server, "routes"), [], ANY, walk, 0);
  }
  const first = servers[0];
  const hop = {
    software: "caddy" as const,
    name: "caddy",
    at: first?.value.at ?? { file, line: 1, column: 1 },
    listens,
    routes: walk.routes,
    pools: walk.pools,
    timers: held,
    logs: [],
  };
  return evidence(file, "caddy-json", {
    hops: first ? [hop] : [],
    findings: walk.findings.map((each) => ({ ...each, hop: "caddy" })),
    problems: problems.map(({ at: place, text: said }) => problem(file, place, said, "check it with caddy validate")),
  });
}

interface Walk {
  readonly routes: ConfiguredRoute[];
  readonly pools: Pool[];
  readonly findings: Finding[];
  readonly names: Map<string, number>;
}

type Path = ConfiguredRoute["path"];
const ANY: Path = { kind: "prefix", text: "/" };
const DEPTH_MAX = 20;

function hostsOf(route: Tree): readonly string[] {
  return itemsOf(at(route, "match")).flatMap((match) => textsOf(at(match, "host")));
}

function walkRoutes(routes: Tree | undefined, hosts: readonly string[], path: Path, walk: Walk, depth: number): void {
  if (depth > DEPTH_MAX) return;
  for (const route of itemsOf(routes)) {
    const own = hostsOf(route);
    const here = own.length > 0 ? own : hosts;
    const paths = itemsOf(at(route, "match")).flatMap((match) => textsOf(at(match, "path")));
    const all = paths.length === 0 ? [path] : paths.map(pathOf);
    const strip = itemsOf(at(route, "handle"))
      .map((each) => textOf(at(each, "strip_path_prefix")))
      .find((each) => each !== undefined);
    for (const handler of itemsOf(at(route, "handle"))) {
      const kind = textOf(at(handler, "handler"));
      if (kind === "subroute") for (const each of all) walkRoutes(at(handler, "routes"), here, each, walk, depth + 1);
      if (kind === "static_response" || kind === "file_server")
        for (const each of all)
          walk.routes.push({ hosts: here, path: each, pool: null, pathBecomes: null, timers: [], at: handler.at });
      if (kind !== "reverse_proxy") continue;
      const pool = addPool(handler, here, walk);
      for (const each of all)
        walk.routes.push({
          hosts: here,
          path: each,
          pool,
          pathBecomes: strip === undefined ? null : "/",
          timers: [],
          at: handler.at,
        });
    }
  }
}

function addPool(handler: Tree, hosts: readonly string[], walk: Walk): string {
  const proxy = proxyOf(handler);
  const base = proxy.upstreams[0]?.text ?? "upstream";
  const count = (walk.names.get(base) ?? 0) + 1;
  walk.names.set(base, count);
  const pool = poolOf(proxy, count === 1 ? base : `${base} (${count})`);
  walk.pools.push(pool);
  walk.findings.push(...proxyFindings(proxy, hosts, true));
  return pool.name;
}

function pathOf(text: string): Path {
  const inner = text.slice(0, -1);
  if (text.endsWith("*") && !inner.includes("*")) return { kind: "prefix", text: inner === "" ? "/" : inner };
  return { kind: text.includes("*") ? "pattern" : "exact", text };
}

/** A bare number is nanoseconds. */
function time(text: string): Ms | undefined {
  return /^-?\d+$/.test(text) ? Number(text) / 1e6 : goTime(text);
}

function proxyOf(handler: Tree): CaddyProxy {
  const transport = at(handler, "transport");
  const tls = at(transport, "tls");
  const checks = at(handler, "health_checks");
  const active = at(checks, "active");
  const healthUri = textOf(at(active, "uri")) ?? textOf(at(active, "path"));
  const serverName = at(tls, "server_name");
  const balancing = at(handler, "load_balancing");
  const retries = at(balancing, "retries");
  const tries = numberOf(retries);
  const idle = at(transport, "keep_alive", "idle_timeout");
  return {
    at: handler.at,
    upstreams: itemsOf(at(handler, "upstreams")).flatMap((each) => {
      const dial = textOf(at(each, "dial"));
      return dial === undefined ? [] : [{ text: dial, at: each.at }];
    }),
    dynamic: at(handler, "dynamic_upstreams") !== undefined,
    tls: tls !== undefined,
    fastcgi: textOf(at(transport, "protocol")) === "fastcgi",
    serverName: textOf(serverName) === undefined || !serverName ? null : { text: serverName.text, at: serverName.at },
    skipVerify: flagOf(at(tls, "insecure_skip_verify")) ? (at(tls, "insecure_skip_verify")?.at ?? null) : null,
    caFile: textsOf(at(tls, "root_ca_pem_files"))[0] ?? textsOf(at(tls, "ca", "pem_files"))[0] ?? null,
    host: textsOf(at(handler, "headers", "request", "set", "Host"))[0] ?? null,
    healthPath: healthUri ?? null,
    healthHost: textsOf(at(active, "headers", "Host"))[0] ?? null,
    healthAt: active?.at ?? null,
    passive: (treeSpan(at(checks, "passive", "fail_duration"), time) ?? 0) > 0,
    retries: (treeSpan(at(balancing, "try_duration"), time) ?? 0) > 0 || (numberOf(at(balancing, "retries")) ?? 0) > 0,
    keepalive: flagOf(at(transport, "keep_alive", "enabled")) !== false,
    versions: textsOf(at(transport, "versions")),
    timers: [
      ...timer("connect", "dial_timeout", at(transport, "dial_timeout")),
      ...timer("response", "response_header_timeout", at(transport, "response_header_timeout")),
      ...timer("response", "read_timeout", at(transport, "read_timeout")),
      ...timer("upstream-idle", "keep_alive.idle_timeout", idle),
      ...timer("try-total", "try_duration", at(balancing, "try_duration")),
      ...timers("tries", "retries", tries === undefined ? undefined : tries + 1, textOf(retries) ?? "", retries?.at),
      ...timer("tunnel-idle", "stream_timeout", at(handler, "stream_timeout")),
    ],
  };
}

function timer(id: ConfiguredTimer["id"], setting: string, tree: Tree | undefined): ConfiguredTimer[] {
  return timers(id, setting, offAtZero(treeSpan(tree, time)), textOf(tree) ?? "", tree?.at);
}

function serverTimers(server: Tree): ConfiguredTimer[] {
  return [
    ...timer("client-idle", "idle_timeout", at(server, "idle_timeout")),
    ...timer("request", "read_header_timeout", at(server, "read_header_timeout")),
    ...timer("request", "read_timeout", at(server, "read_timeout")),
  ];
}

function listensOf(server: Tree, names: readonly string[]): readonly Listen[] {
  const automatic = flagOf(at(server, "automatic_https", "disable")) !== true && names.length > 0;
  const policies = itemsOf(at(server, "tls_connection_policies")).length > 0;
  return itemsOf(at(server, "listen")).flatMap((each): readonly Listen[] => {
    const match = /^(?:tcp[46]?\/)?(\[[^\]]*\]|[^:]*):(\d+)$/.exec(textOf(each) ?? "");
    if (!match) return [];
    const port = Number(match[2]);
    return [
      {
        host: match[1] || "*",
        port,
        socket: null,
        tls: port !== 80 && (policies || automatic || port === 443),
        names,
        at: each.at,
      },
    ];
  });
}
