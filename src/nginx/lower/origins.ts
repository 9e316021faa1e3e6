// Where the parts of a configuration come from: the directive of each server, location, step, upstream and table, for
// whoever prints them with their comments. It is found afterwards, since each list has the order of its directives;
// where the two do not fit (a mistake was left out) nothing is noted.
import type { Config } from "../../config/config.ts";
import type { LocationConfig, RewriteStep, ServersConfig } from "../../config/servers.ts";
import type { Directive } from "../tree.ts";
import { argOf, blockScope, type Scope, type ScopeKind } from "./scope.ts";

/** By the part; an upstream is known by its endpoints. */
export type Origins = Map<object, Directive>;

/** Notes the origins of all parts of the http block. */
export function noteOrigins(
  origins: Origins,
  http: Scope,
  { upstreams, servers }: Pick<Config, "upstreams"> & { readonly servers: ServersConfig },
): void {
  const inOrder = (parts: readonly object[], ...names: readonly string[]): void =>
    pair(
      origins,
      parts,
      http.directives.filter(({ name }) => names.includes(name)),
    );
  inOrder(servers.variables, "map", "geo", "split_clients");
  inOrder(servers.zones, "limit_req_zone", "limit_conn_zone");
  inOrder(servers.caches, "proxy_cache_path");
  inOrder(servers.formats.slice(1), "log_format");
  inOrder(servers.servers, "server");
  for (const [name, { endpoints }] of upstreams) {
    const block = http.own("upstream").find((directive) => argOf(directive).toLowerCase() === name.toLowerCase());
    if (block) origins.set(endpoints, block);
  }
  const scopes = http.own("server").map((directive) => blockScope(http, "server", directive));
  for (const [index, server] of servers.servers.entries()) {
    const scope = scopes[index];
    if (!scope) continue;
    noteSteps(origins, server.rewrite, scope);
    noteLocations(origins, server.locations, scope);
  }
}

function noteLocations(origins: Origins, locations: readonly LocationConfig[], parent: Scope): void {
  const directives = parent.own("location");
  pair(origins, locations, directives);
  if (locations.length !== directives.length) return;
  for (const [index, location] of locations.entries()) {
    const scope = blockScope(parent, "location", directives[index]!);
    noteSteps(origins, location.rewrite, scope);
    noteLocations(origins, location.locations, scope);
  }
}

const STEPS = ["set", "if", "rewrite", "break", "return"];

function noteSteps(origins: Origins, steps: readonly RewriteStep[], scope: Scope): void {
  const directives = scope.directives.filter(({ name }) => STEPS.includes(name));
  pair(origins, steps, directives);
  if (steps.length !== directives.length) return;
  const kind: ScopeKind = scope.kind === "server" || scope.kind === "server if" ? "server if" : "if";
  for (const [index, step] of steps.entries())
    if (step.do === "if") noteSteps(origins, step.then, blockScope(scope, kind, directives[index]!));
}

function pair(origins: Origins, parts: readonly object[], directives: readonly Directive[]): void {
  if (parts.length !== directives.length) return;
  for (const [index, part] of parts.entries()) origins.set(part, directives[index]!);
}
