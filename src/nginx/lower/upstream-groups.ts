// Upstream blocks: names for several servers, a balancing method, kept connections. Each becomes a group here; what is
// run is made per use (upstream-registry.ts), since the settings of connections belong to locations in nginx.
import type { BalanceConfig, EndpointConfig, StickyConfig } from "../../config/config.ts";
import type { ResolverConfig } from "../../config/servers.ts";
import type { Ms } from "../../std/units.ts";
import { lineAt } from "../source.ts";
import type { Directive } from "../tree.ts";
import { parseNumber, parseSize } from "../units.ts";
import { atEndOf } from "./proxy-late.ts";
import { argOf, blockScope, msOf, numberOf, type Scope } from "./scope.ts";
import { balanceOf, METHODS, stickyOf, WITHOUT_BACKUP } from "./upstream-balance.ts";
import { resolverOf } from "./upstream-resolver.ts";
import { endpointOf } from "./upstream-servers.ts";

/** Servers that requests are sent to, of a block or of an address in proxy_pass. */
export interface Group {
  /** As written. */
  readonly name: string;
  /** The `upstream` directive; null = an address. */
  readonly block: Directive | null;
  readonly endpoints: readonly EndpointConfig[];
  readonly balance: BalanceConfig;
  readonly sticky: StickyConfig | null;
  readonly keepalive: {
    readonly connections: number;
    readonly idleMs: Ms;
    readonly timeMs: Ms;
    readonly requests: number;
  };
  readonly resolver: ResolverConfig | null;
}

/** What nginx has for an address: no connections are kept. */
export const NOT_KEPT: Group["keepalive"] = { connections: 0, idleMs: 60_000, timeMs: 3_600_000, requests: 1000 };

/** The upstream blocks, by their names in lower case. */
export function readGroups(http: Scope): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const directive of http.own("upstream")) {
    const name = argOf(directive);
    if (groups.has(name.toLowerCase()))
      http.problems.complain(directive, `duplicate upstream "${name}"`, directive.args[0]);
    const group = groupOf(http, directive);
    if (!groups.has(name.toLowerCase())) groups.set(name.toLowerCase(), group);
  }
  checkZoneSizes(http);
  return groups;
}

/** One of those that share a zone says how large it is. */
function checkZoneSizes(http: Scope): void {
  const zones = http.own("upstream").flatMap((directive) => blockScope(http, "upstream", directive).own("zone"));
  const sized = new Set(zones.filter(({ args }) => args.length > 1).map((zone) => argOf(zone)));
  for (const zone of zones) {
    const name = argOf(zone);
    if (name === "" || sized.has(name)) continue;
    const facts = {
      ...atEndOf(http, zone),
      placeless: true,
      hint: `write how large it is: "zone ${name} 64k;"`,
    } as const;
    http.problems.complain(zone, `zero size shared memory zone "${name}"`, zone.args[0], facts);
  }
}

function groupOf(http: Scope, directive: Directive): Group {
  const scope = blockScope(http, "upstream", directive);
  const endpoints: EndpointConfig[] = [];
  let method: Directive | null = null;
  let balance: BalanceConfig = "round-robin";
  let sticky: StickyConfig | null = null;
  for (const each of scope.directives) {
    if (METHODS.has(each.name)) {
      // It takes the place of sticky, too.
      if (method || sticky)
        scope.problems.complain(each, "load balancing method redefined", undefined, { severity: "warning" });
      sticky = null;
      method = each;
      balance = balanceOf(scope, each);
    } else if (each.name === "sticky") sticky = stickyOf(scope, each) ?? sticky;
    else if (each.name === "server") {
      const endpoint = endpointOf(scope, each, method === null || !WITHOUT_BACKUP.has(method.name));
      if (endpoint) endpoints.push(endpoint);
    } else if (each.name === "zone") checkZone(scope, each);
  }
  const resolver = checkServers(scope, directive, endpoints);
  return {
    name: argOf(directive),
    block: directive,
    endpoints: isSingle(endpoints) ? endpoints.map((only) => ({ ...only, maxFails: 0 })) : withOwnLabels(endpoints),
    balance,
    sticky,
    keepalive: keepaliveOf(scope),
    resolver,
  };
}

/** nginx's own: what the code says, not the documentation. */
function keepaliveOf(scope: Scope): Group["keepalive"] {
  const [directive] = scope.own("keepalive");
  const connections = directive ? parseNumber(argOf(directive)) : KEPT;
  if (directive && connections === undefined) {
    const text = `invalid value "${argOf(directive)}" in "keepalive" directive`;
    scope.problems.complain(directive, text, directive.args[0]);
  }
  if (directive?.args[1] && argOf(directive, 1) !== "local")
    scope.problems.complain(directive, `invalid parameter "${argOf(directive, 1)}"`, directive.args[1]);
  const { idleMs, timeMs, requests } = NOT_KEPT;
  // The names mean something else in http: these are of the upstream's block only.
  const own = { ...scope, all: scope.own, last: (name: string) => scope.own(name).at(-1) };
  return {
    connections: connections ?? KEPT,
    idleMs: msOf(own, "keepalive_timeout", idleMs),
    timeMs: msOf(own, "keepalive_time", timeMs),
    requests: numberOf(own, "keepalive_requests", requests),
  };
}

/** Since 1.29.7 connections are kept without being told. */
const KEPT = 32;
const PAGE_BYTES = 4096;

function checkZone(scope: Scope, directive: Directive): void {
  const [name, size] = directive.args;
  const complain = (text: string, index: number): void =>
    scope.problems.complain(directive, text, directive.args[index]);
  if (name?.value === "") complain('invalid zone name ""', 0);
  if (!size) return;
  const bytes = parseSize(size.value);
  if (bytes === undefined) complain(`invalid zone size "${size.value}"`, 1);
  else if (bytes < 8 * PAGE_BYTES) complain(`zone "${name?.value}" is too small`, 1);
}

/** Whether there are servers, and what resolves names; gives the resolver of the block or of http. */
function checkServers(scope: Scope, block: Directive, endpoints: readonly EndpointConfig[]): ResolverConfig | null {
  const [own] = scope.own("resolver");
  const timeoutMs = msOf(scope, "resolver_timeout", 30_000);
  const shared = scope.own("zone").length > 0;
  const directive = own ?? scope.parent?.last("resolver");
  const resolver = directive ? resolverOf(scope, directive, timeoutMs) : null;
  const { problems } = scope;
  const name = argOf(block);
  const place = `upstream "${name}" in ${block.source.path}:${lineAt(block.source, block.endsAt)}`;
  const complain = (text: string, hint: string): void =>
    problems.complain(block, text, undefined, { ...atEndOf(scope.parent!, block), placeless: true, hint });
  if (scope.own("server").length === 0) {
    const closed = block.block?.closedAt;
    const facts = closed === null || closed === undefined ? {} : { noticedAt: closed };
    problems.complain(block, "no servers are inside upstream", undefined, facts);
    return resolver;
  }
  const atRunTime = endpoints.some(({ resolve }) => resolve === "at-run-time");
  if (atRunTime && !shared) {
    const text = `resolving names at run time requires ${place} to be in shared memory`;
    complain(text, `add "zone ${name} 64k;" to the upstream`);
  } else if (atRunTime && (resolver?.servers.length ?? 0) === 0) {
    const hint = 'add a "resolver" with the address of a name server';
    complain(`no resolver defined to resolve names at run time in ${place}`, hint);
  } else if (endpoints.length > 0 && endpoints.every(({ backup }) => backup))
    complain(`no servers in ${place}`, "all of them are backups");
  return resolver;
}

/** One server is used whatever comes of it; a name may be several. */
function isSingle(endpoints: readonly EndpointConfig[]): boolean {
  return endpoints.length === 1 && endpoints[0]!.resolve === "per-connection";
}

/** Endpoints are known by their labels, and nginx lets a server stand there twice. */
function withOwnLabels(endpoints: readonly EndpointConfig[]): EndpointConfig[] {
  const seen = new Map<string, number>();
  return endpoints.map((endpoint) => {
    const count = (seen.get(endpoint.label) ?? 0) + 1;
    seen.set(endpoint.label, count);
    return count === 1 ? endpoint : { ...endpoint, label: `${endpoint.label}#${count}` };
  });
}
