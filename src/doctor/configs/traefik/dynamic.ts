// Traefik's routers, services, middlewares and transports as routes and pools, from a file or from labels. What a name
// with @ stands for is another provider's and not known here.
import type { Place } from "../../evidence.ts";
import type { ConfiguredRoute, Finding, Member, Pool } from "../model.ts";
import { spotOf } from "../reader.ts";
import { at, flagOf, itemsOf, pairsOf, type Tree, textOf } from "../tree.ts";
import { listed } from "./dotted.ts";
import { routerFindings, serviceFindings } from "./findings.ts";
import { ruleMeans } from "./rule.ts";
import { transportTimers } from "./static.ts";

export interface Dynamic {
  readonly routes: readonly ConfiguredRoute[];
  readonly pools: readonly Pool[];
  readonly findings: readonly Finding[];
}

export interface Router {
  readonly name: string;
  readonly at: Place;
  readonly rule: string;
  readonly hosts: readonly string[];
  readonly service: string | null;
  readonly middlewares: readonly string[];
  readonly tree: Tree;
}

export interface Service {
  readonly name: string;
  readonly at: Place;
  readonly members: readonly Member[];
  readonly passHostHeader: boolean;
  readonly passHostAt: Place | null;
  readonly health: Tree | undefined;
  readonly passive: boolean;
  readonly transport: Tree | undefined;
  readonly tree: Tree;
}

/** What the section `http` says. `hostOf` = the container that labels are on, as a host; null = a file. */
export function dynamicOf(http: Tree | undefined, container: string | null, defaultTransport?: Tree): Dynamic {
  const middlewares = new Map(pairsOf(at(http, "middlewares")).map(({ key, value }) => [key, value]));
  const services = pairsOf(at(http, "services")).flatMap(({ key, value }) => {
    const own = textOf(at(value, "loadBalancer", "serversTransport"));
    const transport = own === undefined ? defaultTransport : at(http, "serversTransports", own.replace(/@.*$/, ""));
    return serviceOf(key, value, container, transport) ?? [];
  });
  const composed = pairsOf(at(http, "services"))
    .filter(({ value }) => !at(value, "loadBalancer"))
    .map(({ key }) => key);
  const routers = pairsOf(at(http, "routers")).map(({ key, value }) => routerOf(key, value, services, container));
  const weight = ({ rule, tree }: Router) => Number(textOf(at(tree, "priority")) ?? rule.length);
  const routes = [...routers].sort((a, b) => weight(b) - weight(a)).flatMap((router) => routesOf(router, middlewares));
  const known = new Set([...services.map(({ name }) => name), ...composed]);
  return {
    routes,
    pools: services.map(poolOf),
    findings: [
      ...routers.flatMap((router) => routerFindings(router, known, middlewares, container !== null)),
      ...services.flatMap((service) => serviceFindings(service, routers, middlewares)),
    ],
  };
}

function routerOf(name: string, tree: Tree, services: readonly Service[], container: string | null): Router {
  const rule = textOf(at(tree, "rule")) ?? "";
  const said = textOf(at(tree, "service")) ?? null;
  // With labels, the only service of the container is meant where none is named.
  const service = said ?? (container !== null && services.length === 1 ? (services[0]?.name ?? null) : null);
  const hosts = ruleMeans(rule).flatMap((each) => each.hosts);
  return { name, at: tree.at, rule, hosts, service, middlewares: listed(at(tree, "middlewares")), tree };
}

function serviceOf(name: string, tree: Tree, container: string | null, transport: Tree | undefined): Service | null {
  const balancer = at(tree, "loadBalancer");
  if (!balancer) return null;
  const members = itemsOf(at(balancer, "servers")).flatMap((server): readonly Member[] => {
    const url = textOf(at(server, "url")) ?? textOf(at(server, "address"));
    return url === undefined ? [] : [memberOf(url, server.at)];
  });
  const port = at(balancer, "server", "port");
  const scheme = textOf(at(balancer, "server", "scheme")) ?? "http";
  const url = at(balancer, "server", "url");
  const byLabel = url
    ? [memberOf(url.text, url.at)]
    : container !== null && port
      ? [memberOf(`${scheme}://${container}:${port.text}`, port.at)]
      : [];
  const passes = at(balancer, "passHostHeader");
  return {
    name,
    at: tree.at,
    members: [...members, ...byLabel],
    passHostHeader: flagOf(passes) !== false,
    passHostAt: passes?.at ?? null,
    health: at(balancer, "healthCheck"),
    passive: at(balancer, "passiveHealthCheck") !== undefined,
    transport,
    tree,
  };
}

function memberOf(url: string, place: Place): Member {
  const match = /^(?:(https?|h2c):\/\/)?([^/]*)/i.exec(url);
  const plain = /[{}$]/.test(url) ? null : spotOf(match?.[2] ?? "", match?.[1]?.toLowerCase() === "https" ? 443 : 80);
  return { text: url, spot: plain, backup: false, down: false, at: place };
}

function poolOf({ name, at: place, members, passHostHeader, health, transport }: Service): Pool {
  const first = members[0]?.text.toLowerCase() ?? "";
  const scheme = first.startsWith("https:") ? "https" : first.startsWith("h2c:") ? "h2c" : "http";
  const serverName = textOf(at(transport, "serverName"));
  return {
    name,
    scheme,
    members,
    host: passHostHeader ? "client" : "member",
    serverName: scheme !== "https" ? null : serverName === undefined ? "member" : { text: serverName },
    verify: scheme !== "https" ? null : flagOf(at(transport, "insecureSkipVerify")) !== true,
    caFile: listed(at(transport, "rootCAs"))[0] ?? null,
    httpVersion: scheme === "h2c" ? "2" : "1.1",
    reuses: textOf(at(transport, "maxIdleConnsPerHost")) !== "-1",
    health: health
      ? { path: textOf(at(health, "path")) ?? null, host: textOf(at(health, "hostname")) ?? null, at: health.at }
      : null,
    timers: transportTimers(transport),
    at: place,
  };
}

function routesOf(router: Router, middlewares: ReadonlyMap<string, Tree>): readonly ConfiguredRoute[] {
  const stripped = router.middlewares.flatMap((name) =>
    listed(at(middlewares.get(name.replace(/@.*$/, "")), "stripPrefix", "prefixes")),
  );
  return ruleMeans(router.rule).map(({ hosts, path }) => ({
    hosts,
    path,
    pool: router.service?.replace(/@.*$/, "") ?? null,
    pathBecomes: stripped.some((prefix) => path.text.replace(/\/$/, "") === prefix.replace(/\/$/, "")) ? "/" : null,
    timers: [],
    at: router.at,
  }));
}
