// The gateway at this moment, for the page and `goodgate top`: what the configuration names, how it stands, and its
// rates. Pure but for what it is given.
import { formatAddress } from "../../config/address.ts";
import type { Config, RouteAction, RouteConfig, UpstreamConfig } from "../../config/config.ts";
import { locationLabel, serverLabel } from "../../config/location-label.ts";
import { formatPathPattern } from "../../config/path-pattern.ts";
import type { LocationConfig, ServerConfig } from "../../config/servers.ts";
import type { IncidentRow, Now, Rates, RouteNow, UpstreamNow } from "../../console/model.ts";
import type { SeriesKind } from "../../observe/report.ts";
import type { Ms } from "../../std/units.ts";
import type { ProcessState, UpstreamState } from "./process-state.ts";

/** What Now is made of. */
export interface NowParts {
  readonly at: Ms;
  readonly gateway: Now["gateway"];
  readonly config: Config;
  readonly state: ProcessState;
  readonly rates: (kind: SeriesKind, name: string) => Rates;
  readonly incidents: readonly IncidentRow[];
  readonly problems: readonly string[];
  /** That the listeners have: the system chooses where 0 is asked for. */
  readonly ports: readonly number[];
}

const INCIDENTS_MAX = 20;
/** A configuration of thousands of locations is no picture any more. */
const ROUTES_MAX = 500;

/** The answer of GET /api/v1/now. */
export function nowOf({ at, gateway, config, state, rates, incidents, problems, ports }: NowParts): Now {
  return {
    at,
    gateway,
    all: rates("all", ""),
    listeners: config.listeners.map(({ address, tls, serversTls = false }, index) => ({
      label: formatAddress(address.kind === "tcp" ? { ...address, port: ports[index] ?? address.port } : address),
      tls: tls !== null || serversTls,
    })),
    routes: routesOf(config, rates).slice(0, ROUTES_MAX),
    upstreams: upstreamsOf(config, state, rates),
    incidents: incidents.slice(0, INCIDENTS_MAX),
    openIncidents: incidents.length,
    problems,
  };
}

function routesOf(config: Config, rates: NowParts["rates"]): RouteNow[] {
  if (config.servers) return config.servers.servers.flatMap((server) => locationsOf(server, rates));
  return config.routes.map((route) => ({
    name: route.name,
    match: matchText(route),
    upstream: route.action.kind === "proxy" ? route.action.upstream : null,
    action: actionText(route.action),
    rates: rates("route", route.name),
  }));
}

function matchText({ hosts, paths, methods }: RouteConfig): string {
  const host = hosts.length > 0 ? hosts.join(", ") : "";
  const path = paths.map(formatPathPattern).join(", ");
  return `${methods.length > 0 ? `${methods.join(", ")} ` : ""}${host}${host && !path.startsWith("/") ? " " : ""}${path}`;
}

function actionText(action: RouteAction): string {
  switch (action.kind) {
    case "proxy":
      return `to ${action.upstream}`;
    case "redirect":
      return `redirect ${action.status} to ${action.to}`;
    case "respond":
      return `answers ${action.status}`;
  }
}

/** Locations with the words that metrics call them by; those that inner ones stand for come before these. */
function locationsOf(server: ServerConfig, rates: NowParts["rates"]): RouteNow[] {
  const label = serverLabel(server);
  const rows: RouteNow[] = [];
  const add = (name: string, match: string, { content }: LocationConfig["settings"]): void => {
    rows.push({ name, match, ...contentOf(content), rates: rates("route", name) });
  };
  const visit = (location: LocationConfig): void => {
    const inner = locationLabel(location);
    add(`${label} ${inner}`, `${label} ${inner}`, location.settings);
    location.locations.forEach(visit);
  };
  server.locations.forEach(visit);
  if (rows.length === 0 || server.settings.content.kind === "proxy") add(label, label, server.settings);
  return rows;
}

function contentOf(content: ServerConfig["settings"]["content"]): Pick<RouteNow, "upstream" | "action"> {
  if (content.kind !== "proxy") return { upstream: null, action: content.kind };
  const { target } = content;
  if (target.kind === "upstream") return { upstream: target.upstream, action: `to ${target.upstream}` };
  return { upstream: null, action: "to what the request names" };
}

function upstreamsOf(config: Config, state: ProcessState, rates: NowParts["rates"]): UpstreamNow[] {
  return state.upstreams.map((upstream) => {
    const { breakerOpen, ...rest } = upstream;
    return {
      ...rest,
      balance: balanceText(config.upstreams.get(upstream.name)),
      breaker: breakerOpen ? "open" : "closed",
      rates: rates("upstream", upstream.name),
      endpoints: endpointsOf(upstream, rates),
    };
  });
}

function endpointsOf({ name, endpoints }: UpstreamState, rates: NowParts["rates"]): UpstreamNow["endpoints"] {
  return endpoints.map(({ keptIdleMs: _, ...endpoint }) => ({
    ...endpoint,
    rates: rates("endpoint", `${name} ${endpoint.label}`),
  }));
}

function balanceText(upstream: UpstreamConfig | undefined): string {
  if (!upstream) return "";
  const { balance } = upstream;
  if (typeof balance === "string") return balance;
  if ("hash" in balance) return balance.hash === "{client.ip}" ? "ip-hash" : `hash ${balance.hash}`;
  if ("cookie" in balance) return `cookie ${balance.cookie}`;
  if ("random" in balance) return balance.random === "two" ? "random two" : "random";
  if ("ipHash" in balance) return "ip-hash";
  if ("hashText" in balance) return `hash (${balance.method})`;
  return `least-time (${balance.leastTime})`;
}
