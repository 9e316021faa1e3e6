// The way of a request through the gateways that configurations set up: which listener takes it, which route it meets,
// which pool it goes to, and whether a member of that pool is a gateway of these configurations in its turn. Pure.
import type { ConfigEvidence, ConfiguredHop, ConfiguredRoute, Listen, Pool } from "./configs/model.ts";
import type { Spot } from "./evidence.ts";
import { sameSpot } from "./options.ts";

/** The request whose way is asked for; what is null is not known and decides nothing. */
export interface Traveller {
  readonly host: string | null;
  readonly port: number | null;
  readonly path: string;
}

export interface WayLeg {
  readonly hop: ConfiguredHop;
  readonly config: ConfigEvidence;
  readonly depth: number;
  readonly route: ConfiguredRoute | null;
  readonly pool: Pool | null;
  readonly loop: boolean;
}

const LEGS_MAX = 16;
const APPS = new Set(["compose", "kubernetes", "node-source", "package-json", "dockerfile"]);

interface Setup {
  readonly hop: ConfiguredHop;
  readonly config: ConfigEvidence;
}

/** The gateways on the way, outermost first; [] = none of the configurations takes such a request. */
export function wayThrough(configs: readonly ConfigEvidence[], asked: Traveller): WayLeg[] {
  const setups = configs.flatMap((config) => config.hops.map((hop) => ({ hop, config })));
  const gateways = setups.filter(({ hop, config }) => !APPS.has(config.kind ?? "") && hop.pools.length > 0);
  const first = firstOf(gateways, asked);
  if (!first) return [];
  const legs: WayLeg[] = [];
  follow(first, asked, 0, gateways, [], legs);
  return legs.sort((a, b) => a.depth - b.depth);
}

function follow(
  setup: Setup,
  asked: Traveller,
  depth: number,
  gateways: readonly Setup[],
  before: readonly string[],
  legs: WayLeg[],
): void {
  if (legs.length >= LEGS_MAX) return;
  const { hop, config } = setup;
  const route = routeOf(hop, asked);
  const pool = route?.pool == null ? null : (hop.pools.find(({ name }) => name === route.pool) ?? null);
  const path = pool && route ? pathBehind(route, asked.path) : asked.path;
  const met = [...before, keyOf(setup, route)];
  const index = legs.push({ hop, config, depth, route, pool, loop: false }) - 1;
  for (const member of pool?.members ?? []) {
    if (member.spot === null || member.down) continue;
    const next = listenerAt(gateways, member.spot);
    if (!next) continue;
    const host = pool!.host === "client" ? asked.host : pool!.host === "member" ? hostOf(member.spot) : pool!.host.text;
    const traveller = { host, port: member.spot.kind === "tcp" ? member.spot.port : null, path };
    const goesTo = keyOf(next, routeOf(next.hop, traveller));
    if (met.includes(goesTo)) legs[index] = { ...legs[index]!, loop: true };
    else if (!legs.some((leg) => leg.depth === depth + 1 && keyOf(leg, leg.route) === goesTo))
      follow(next, traveller, depth + 1, gateways, met, legs);
  }
}

const keyOf = ({ hop, config }: Setup, route: ConfiguredRoute | null): string =>
  `${config.file} ${hop.name} ${route ? `${route.at.file}:${route.at.line}:${route.at.column}` : ""}`;

const hostOf = (spot: Spot): string | null => (spot.kind === "tcp" ? spot.host : null);

/** The gateway that visitors meet: its listener has the port; else it serves the name; else nobody forwards to it. */
function firstOf(gateways: readonly Setup[], asked: Traveller): Setup | null {
  const listening = gateways.filter(({ hop }) => hop.listens.some((listen) => takes(listen, asked)));
  const named = gateways.filter(({ hop }) => asked.host !== null && servesName(hop, asked.host));
  const both = listening.filter((setup) => named.includes(setup));
  const outer = gateways.filter(({ hop }) => !isBehind(hop, gateways));
  if (asked.port !== null && both.length + listening.length === 0 && named.length === 0) return only(outer);
  return (
    both[0] ??
    listening[0] ??
    named.find((setup) => outer.includes(setup)) ??
    named[0] ??
    outer[0] ??
    gateways[0] ??
    null
  );
}

/** Where no listener fits, a balancer may stand before it: the outermost one is meant if there is only one. */
const only = (setups: readonly Setup[]): Setup | null => (setups.length === 1 ? setups[0]! : null);

const takes = (listen: Listen, { port }: Traveller): boolean => port !== null && listen.port === port;

const servesName = (hop: ConfiguredHop, host: string): boolean =>
  hop.listens.some(({ names }) => names.some((name) => nameFits(name, host))) ||
  hop.routes.some(({ hosts }) => hosts.some((name) => nameFits(name, host)));

function isBehind(hop: ConfiguredHop, gateways: readonly Setup[]): boolean {
  return gateways.some(
    (other) =>
      other.hop !== hop &&
      other.hop.pools.some(({ members }) => members.some(({ spot }) => spot !== null && listensAt(hop, spot))),
  );
}

const listenerAt = (gateways: readonly Setup[], spot: Spot): Setup | null =>
  gateways.find(({ hop }) => listensAt(hop, spot)) ?? null;

function listensAt(hop: ConfiguredHop, spot: Spot): boolean {
  return hop.listens.some(({ host, port, socket }) => {
    if (spot.kind === "unix") return socket === spot.path;
    if (port !== spot.port) return false;
    const everywhere = /^(?:\*|0\.0\.0\.0|::|\[::\]|)$/.test(host);
    // "*" of another machine is not this address: only the machine's own addresses are sure to be meant.
    if (everywhere) return /^(?:localhost|127\.[\d.]+|::1)$/i.test(spot.host);
    return sameSpot({ kind: "tcp", host: host.replace(/^\[|\]$/g, ""), port: spot.port }, spot);
  });
}

/** The route that a request takes: hosts exact, wildcard, any; then paths exact, pattern, longest prefix. */
export function routeOf(hop: ConfiguredHop, { host, path, port }: Traveller): ConfiguredRoute | null {
  const routes = hop.routes.filter((route) => pathFits(route, path) && listenFits(route, port));
  let best: ConfiguredRoute | null = null;
  let most = -1;
  for (const route of routes) {
    const weight = hostWeight(route.hosts, host);
    if (weight < 0) continue;
    const rank = weight * 1_000_000 + pathWeight(route);
    if (rank > most) {
      most = rank;
      best = route;
    }
  }
  return best;
}

const listenFits = ({ ports }: ConfiguredRoute, port: number | null): boolean =>
  ports === undefined || port === null || ports.includes(port);

function hostWeight(hosts: readonly string[], host: string | null): number {
  if (hosts.length === 0) return 1;
  if (host === null) return 1;
  const name = host.replace(/:\d+$/, "").toLowerCase();
  if (hosts.some((each) => each.toLowerCase() === name)) return 3;
  if (hosts.some((each) => nameFits(each, name))) return 2;
  // A server that is the only one on its port takes names that it does not list, too.
  return hosts.some((each) => each === "_" || each === "" || each === "*") ? 1 : 0;
}

function nameFits(pattern: string, host: string): boolean {
  const name = host.replace(/:\d+$/, "").toLowerCase();
  const lower = pattern.toLowerCase();
  if (lower === name) return true;
  if (lower.startsWith("*.")) return name.endsWith(lower.slice(1));
  if (lower.startsWith(".")) return name === lower.slice(1) || name.endsWith(lower);
  return lower.startsWith("~") && matches(pattern.slice(1).replace(/^\*/, ""), name);
}

const PATTERN_MAX = 300;

function matches(pattern: string, text: string): boolean {
  if (pattern.length > PATTERN_MAX || text.length > PATTERN_MAX) return false;
  try {
    return new RegExp(pattern, "i").test(text);
  } catch {
    // Another program's language of patterns: it cannot be told, so it does not match.
    return false;
  }
}

function pathFits({ path: { kind, text } }: ConfiguredRoute, path: string): boolean {
  const bare = path.split("?", 1)[0]!;
  if (kind === "exact") return bare === text;
  if (kind === "prefix") return bare.startsWith(text) || `${bare}/` === text;
  return matches(text.replace(/^~\*?\s*/, ""), bare);
}

const pathWeight = ({ path: { kind, text } }: ConfiguredRoute): number =>
  kind === "exact" ? 900_000 : kind === "pattern" ? 500_000 : text.length;

/** The path that the pool's members see. */
export function pathBehind({ path: { kind, text }, pathBecomes }: ConfiguredRoute, path: string): string {
  if (pathBecomes === null || kind !== "prefix" || !path.startsWith(text)) return path;
  return pathBecomes + path.slice(text.length);
}
