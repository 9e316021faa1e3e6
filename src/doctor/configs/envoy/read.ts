// Envoy's bootstrap (YAML or JSON): listeners with their connection managers and routes, clusters as pools. Files of
// xDS resources are read as well. Names are taken in snake_case and camelCase. What an xDS server would add is not
// known: where there is one, nothing is said of what is missing.

import { readYaml } from "../documents.ts";
import { timers } from "../finding.ts";
import type { ConfigEvidence, ConfiguredRoute, ConfiguredTimer, Finding, Listen } from "../model.ts";
import { evidence, problem, type ReadInput } from "../reader.ts";
import { at, itemsOf, numberOf, type Tree, textOf, textsOf } from "../tree.ts";
import { clusterOf } from "./cluster.ts";
import { clusterFindings, routeFindings } from "./findings.ts";
import { timer } from "./timer.ts";

export interface EnvoyRoute {
  readonly tree: Tree;
  readonly action: Tree | undefined;
  readonly host: Tree;
  readonly hosts: readonly string[];
  readonly path: ConfiguredRoute["path"];
  readonly cluster: string | null;
  /** Retries may also stand at the virtual host or the route configuration. */
  readonly retry: Tree | undefined;
}

/** Reads a bootstrap, or a file of resources. */
export function readEnvoy({ file, text }: ReadInput): ConfigEvidence {
  const { documents, problems } = readYaml(text, file);
  const listeners = documents.flatMap((tree) => [
    ...itemsOf(at(tree, "static_resources", "listeners")),
    ...resources(tree, "Listener"),
  ]);
  const clusterTrees = documents.flatMap((tree) => [
    ...itemsOf(at(tree, "static_resources", "clusters")),
    ...resources(tree, "Cluster"),
  ]);
  const clusters = clusterTrees.map(clusterOf);
  const managers = listeners.flatMap(managersOf);
  const routeTrees = [
    ...managers.map((manager) => at(manager, "route_config")),
    ...documents.flatMap((tree) => resources(tree, "RouteConfiguration")),
  ];
  const routes = routeTrees.flatMap(routesOf);
  const dynamic = documents.some((tree) => at(tree, "dynamic_resources", "cds_config") !== undefined);
  const whole = !dynamic && documents.some((tree) => at(tree, "static_resources") !== undefined);
  const findings: Finding[] = [
    ...routes.flatMap((route) => routeFindings(route, whole ? clusters : null)),
    ...clusters.flatMap((cluster) => clusterFindings(cluster, routes)),
  ];
  const hop = {
    software: "envoy" as const,
    name: "envoy",
    at: listeners[0]?.at ?? clusterTrees[0]?.at ?? documents[0]?.at ?? { file, line: 1, column: 1 },
    listens: listeners.flatMap(listensOf),
    routes: routes.map(routeOf),
    pools: clusters.map(({ pool }) => pool),
    timers: managers.flatMap(managerTimers),
    logs: managers.flatMap(logsOf),
  };
  const empty = listeners.length + clusterTrees.length + routes.length === 0;
  return evidence(file, "envoy", {
    hops: empty ? [] : [hop],
    findings: findings.map((each) => ({ ...each, hop: "envoy" })),
    problems: problems.map(({ at: place, text: said }) =>
      problem(file, place, said, "check it with envoy --mode validate"),
    ),
  });
}

/** Resources of a file that xDS reads, or a resource by itself. */
function resources(tree: Tree, kind: string): readonly Tree[] {
  const isKind = (each: Tree) => textOf(at(each, "@type"))?.endsWith(`.${kind}`) ?? false;
  return [tree, ...itemsOf(at(tree, "resources"))].filter(isKind);
}

function managersOf(listener: Tree): readonly Tree[] {
  const chains = [...itemsOf(at(listener, "filter_chains")), at(listener, "default_filter_chain")];
  return chains
    .flatMap((chain) => itemsOf(at(chain, "filters")))
    .map((filter) => at(filter, "typed_config") ?? at(filter, "config"))
    .filter((config) => config !== undefined)
    .filter(
      (config) =>
        at(config, "route_config") ??
        at(config, "rds") ??
        /HttpConnectionManager$/.test(textOf(at(config, "@type")) ?? ""),
    );
}

function listensOf(listener: Tree): readonly Listen[] {
  const socket = at(listener, "address", "socket_address");
  const pipe = textOf(at(listener, "address", "pipe", "path"));
  const chains = itemsOf(at(listener, "filter_chains"));
  const tls = chains.some((chain) => at(chain, "transport_socket") ?? at(chain, "tls_context"));
  const names = chains.flatMap((chain) => textsOf(at(chain, "filter_chain_match", "server_names")));
  const place = at(listener, "address")?.at ?? listener.at;
  if (pipe !== undefined) return [{ host: "*", port: null, socket: pipe, tls, names, at: place }];
  if (!socket) return [];
  const address = textOf(at(socket, "address")) ?? "*";
  const host = address === "0.0.0.0" ? "*" : address;
  return [{ host, port: numberOf(at(socket, "port_value")) ?? null, socket: null, tls, names, at: place }];
}

function managerTimers(manager: Tree): ConfiguredTimer[] {
  const options = at(manager, "common_http_protocol_options");
  return [
    ...timer("client-idle", "idle_timeout", at(options, "idle_timeout")),
    ...timer("tunnel-idle", "stream_idle_timeout", at(manager, "stream_idle_timeout")),
    ...timer("request", "request_timeout", at(manager, "request_timeout")),
    ...timer("drain", "drain_timeout", at(manager, "drain_timeout")),
  ];
}

function logsOf(manager: Tree): readonly { kind: "error" | "access"; file: string; at: Tree["at"] }[] {
  return itemsOf(at(manager, "access_log")).flatMap((log) => {
    const path = at(log, "typed_config", "path");
    const file = textOf(path);
    return file?.startsWith("/") && path ? [{ kind: "access" as const, file, at: path.at }] : [];
  });
}

function routesOf(config: Tree | undefined): readonly EnvoyRoute[] {
  return itemsOf(at(config, "virtual_hosts")).flatMap((host) => {
    const domains = textsOf(at(host, "domains")).filter((domain) => domain !== "*");
    return itemsOf(at(host, "routes")).map((tree): EnvoyRoute => {
      const action = at(tree, "route");
      const retry = at(action, "retry_policy") ?? at(host, "retry_policy");
      const cluster = textOf(at(action, "cluster")) ?? null;
      return {
        tree,
        action,
        host,
        hosts: domains.map((each) => each.replace(/:\*$/, "")),
        path: pathOf(at(tree, "match")),
        cluster,
        retry,
      };
    });
  });
}

function pathOf(match: Tree | undefined): ConfiguredRoute["path"] {
  const prefix = textOf(at(match, "prefix")) ?? textOf(at(match, "path_separated_prefix"));
  const exact = textOf(at(match, "path"));
  const pattern = textOf(at(match, "safe_regex", "regex"));
  if (prefix !== undefined) return { kind: "prefix", text: prefix };
  if (exact !== undefined) return { kind: "exact", text: exact };
  return pattern === undefined ? { kind: "prefix", text: "/" } : { kind: "pattern", text: pattern };
}

function routeOf({ tree, action, hosts, path, cluster, retry }: EnvoyRoute): ConfiguredRoute {
  const tries = numberOf(at(retry, "num_retries"));
  const triesAt = at(retry, "num_retries");
  return {
    hosts,
    path,
    pool: cluster,
    pathBecomes: textOf(at(action, "prefix_rewrite")) ?? null,
    timers: [
      ...timer("total", "timeout", at(action, "timeout")),
      ...timer("tunnel-idle", "idle_timeout", at(action, "idle_timeout")),
      ...timer("response", "per_try_timeout", at(retry, "per_try_timeout")),
      ...timers(
        "tries",
        "num_retries",
        tries === undefined ? undefined : tries + 1,
        textOf(triesAt) ?? "",
        triesAt?.at,
      ),
    ],
    at: tree.at,
  };
}
