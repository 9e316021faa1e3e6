// Which configured hop forwards to which: a member of a pool is where another hop listens, or is called as that one is
// (a service of compose, of Kubernetes). The longest way from a hop that nobody forwards to is the chain; hops that
// nothing joins stand in the order of their files, gateways before applications.
import type { ConfigEvidence, ConfiguredHop, ConfiguredTimer, Listen, Member, Pool } from "../configs/model.ts";
import type { Spot } from "../evidence.ts";
import { SOFTWARE } from "../software.ts";
import type { WayStep } from "./input.ts";

/** A configured hop, and the pool by which it goes on. */
export interface Forward {
  readonly hop: ConfiguredHop;
  /** null = it forwards to nobody. */
  readonly pool: Pool | null;
}

interface Node {
  readonly hop: ConfiguredHop;
  /** As its file has it. */
  readonly written: ConfiguredHop;
  /** What others call it. */
  readonly names: readonly string[];
}

interface Step {
  readonly node: Node;
  readonly pool: Pool | null;
}

interface Edge {
  readonly to: Node;
  readonly pool: Pool;
}

const HOPS_MAX = 20;
/** Of what is configured, as many are compared with each other: nobody draws a chain of more. */
const NODES_MAX = 500;
const POOLS_MAX = 200;
const MEMBERS_MAX = 50;
/** Ways that are tried: pools that forward to each other have more than anybody runs. */
const STEPS_MAX = 10_000;
const ANY_HOST = new Set(["*", "", "0.0.0.0", "::", "[::]"]);
const LOOPBACK = new Set(["localhost", "127.0.0.1", "::1", "[::1]"]);

/** The configured hops as one chain, outermost first; [] = none is configured. The way of a request comes first. */
export function forwardChain(configs: readonly ConfigEvidence[], way: readonly WayStep[] = []): readonly Forward[] {
  const nodes = nodesOf(configs);
  const edges = new Map(nodes.map((node) => [node, edgesOf(node, nodes)]));
  const taken = stepsOf(way, nodes);
  const reached = new Set([...edges.values()].flatMap((all) => all.map(({ to }) => to)));
  const roots = nodes.filter((node) => !reached.has(node));
  const last = taken.at(-1);
  const path = last
    ? longest([last.node], edges, taken.slice(0, -1), last.pool)
    : longest(roots.length > 0 ? roots : nodes, edges, [], null);
  const on = new Set(path.map(({ node }) => node));
  const alone = nodes.filter((node) => !on.has(node) && !reached.has(node) && edges.get(node)?.length === 0);
  const forwards = path.map(({ node, pool }) => ({ hop: node.hop, pool }));
  return withAlone(
    forwards,
    alone.map(({ hop }) => hop),
    path.length > 1 || last !== undefined,
  ).slice(0, HOPS_MAX);
}

/** Hops that the gateways of a chain forward to by their other pools. */
export function sideForwards(
  configs: readonly ConfigEvidence[],
  path: readonly Forward[],
): readonly { readonly from: Forward; readonly to: Forward }[] {
  const nodes = nodesOf(configs);
  const isOn = (node: Node): boolean => path.some(({ hop }) => isSame(hop, node));
  return nodes
    .filter(isOn)
    .flatMap((node) =>
      edgesOf(node, nodes)
        .filter(({ to }) => !isOn(to))
        .map(({ to, pool }) => ({ from: { hop: node.hop, pool }, to: { hop: to.hop, pool: mainPool(to.hop) } })),
    )
    .slice(0, HOPS_MAX);
}

/** Nodes are made anew for each question; where a hop stands in its file does not change. */
function isSame({ name, at }: ConfiguredHop, { hop }: Node): boolean {
  return name === hop.name && at.file === hop.at.file && at.line === hop.at.line && at.column === hop.at.column;
}

/** One hop for each step of the way: of several members that are gateways, the first. */
function stepsOf(way: readonly WayStep[], nodes: readonly Node[]): readonly Step[] {
  const steps: Step[] = [];
  for (const { hop, pool, depth } of way) {
    const node = nodes.find(({ written }) => written === hop);
    if (node && depth === steps.length && !steps.some((step) => step.node === node)) steps.push({ node, pool });
  }
  return steps;
}

/** The longest way from one of these nodes, behind those that come before; `by` = the pool of the node, where it is known. */
function longest(
  from: readonly Node[],
  edges: ReadonlyMap<Node, readonly Edge[]>,
  before: readonly Step[],
  by: Pool | null,
): readonly Step[] {
  let path: readonly Step[] = [];
  let left = STEPS_MAX;
  const walk = (node: Node, behind: readonly Step[], through: Pool | null): void => {
    left -= 1;
    if (left < 0 || behind.length >= HOPS_MAX) return;
    const next = (edges.get(node) ?? []).filter(
      ({ to, pool }) =>
        to !== node && !behind.some((step) => step.node === to) && (through === null || pool === through),
    );
    for (const { to, pool } of next) walk(to, [...behind, { node, pool }], null);
    const all = [...behind, { node, pool: through ?? mainPool(node.hop) }];
    if (next.length === 0 && all.length > path.length) path = all;
  };
  for (const node of from) walk(node, before, by);
  return path;
}

/** Hops that nothing joins to the path, where there is an obvious place for them. */
function withAlone(path: readonly Forward[], alone: readonly ConfiguredHop[], joined: boolean): readonly Forward[] {
  const as = (hop: ConfiguredHop): Forward => ({ hop, pool: mainPool(hop) });
  const isApp = ({ software }: ConfiguredHop): boolean => ["app", "database"].includes(SOFTWARE[software].kind);
  // Two of one program that nothing joins are two sites of it, or two parts, and no chain.
  const isFirst = (hop: ConfiguredHop): boolean =>
    !path.some((step) => step.hop.software === hop.software) &&
    alone.findIndex(({ software }) => software === hop.software) === alone.indexOf(hop);
  const gateways = joined ? [] : alone.filter((hop) => !isApp(hop) && isFirst(hop));
  const ends = [...path.filter(({ hop }) => isApp(hop)), ...alone.filter(isApp).map(as)];
  const front = [...path.filter(({ hop }) => !isApp(hop)), ...gateways.map(as)];
  // Two applications side by side are no chain: only where there is one is it clear what stands behind the gateway.
  const apps = ends.filter(({ hop }) => SOFTWARE[hop.software].kind === "app");
  if (joined) return path.some(({ hop }) => isApp(hop)) || apps.length !== 1 ? path : [...path, ...apps];
  return apps.length > 1 ? [...front, ...apps.slice(0, 1)] : [...front, ...ends];
}

/**
 * One node per program. What compose and Kubernetes say of a program whose own configuration is there too (its name,
 * how long it may take to stop) is added to that one.
 */
function nodesOf(configs: readonly ConfigEvidence[]): readonly Node[] {
  const all = configs.flatMap(({ kind, hops, platform }) =>
    hops.map((hop) => ({
      hop,
      around: kind === "compose" || kind === "kubernetes",
      build: platform?.containers.find(({ name }) => name === hop.name)?.build ?? null,
    })),
  );
  const own = all.filter(({ around }) => !around);
  const merged = new Map<ConfiguredHop, { readonly timers: ConfiguredTimer[]; readonly names: string[] }>();
  const nodes: Node[] = [];
  for (const { hop, around, build } of all) {
    const same = own.filter((each) => isProgramOf(each.hop, hop, build));
    const [target] = same;
    if (around && target && same.length === 1) {
      const into = merged.get(target.hop) ?? { timers: [], names: [] };
      into.timers.push(...hop.timers);
      into.names.push(hop.name);
      merged.set(target.hop, into);
    } else nodes.push({ hop, written: hop, names: [hop.name] });
  }
  return nodes.slice(0, NODES_MAX).map((node) => {
    const more = merged.get(node.hop);
    if (!more) return node;
    return {
      ...node,
      hop: { ...node.hop, timers: [...more.timers, ...node.hop.timers] },
      names: [...node.names, ...more.names],
    };
  });
}

/** The program of a service: of its image, or what is built from the folder in which its source stands. */
function isProgramOf(own: ConfiguredHop, service: ConfiguredHop, build: string | null): boolean {
  if (own.software === service.software) return true;
  if (service.software !== "app" || build === null || SOFTWARE[own.software].kind !== "app") return false;
  const folder = build.replace(/^\.?\/?$/, "");
  return folder === "" ? !own.at.file.includes("/") : own.at.file.startsWith(`${folder.replace(/\/$/, "")}/`);
}

function edgesOf(from: Node, nodes: readonly Node[]): readonly Edge[] {
  return from.hop.pools.slice(0, POOLS_MAX).flatMap((pool) => {
    const members = pool.members.slice(0, MEMBERS_MAX);
    const scored = nodes
      .filter((node) => node !== from)
      .map((to) => ({ to, score: Math.max(0, ...members.map((member) => leads(member, to))) }));
    const best = Math.max(0, ...scored.map(({ score }) => score));
    return scored.filter(({ score }) => score > 0 && score === best).map(({ to }) => ({ to, pool }));
  });
}

/** How surely a member is that hop: 0 = it is not. */
function leads({ spot, text }: Member, { hop, names }: Node): number {
  if (spot?.kind === "unix") return hop.listens.some(({ socket }) => socket === spot.path) ? 3 : 0;
  const host = spot?.kind === "tcp" ? spot.host : (/^(?:\w+:\/\/)?([^:/]+)/.exec(text)?.[1] ?? "");
  if (names.some((name) => isCalled(host, name))) return 3;
  if (spot?.kind !== "tcp") return 0;
  return Math.max(0, ...hop.listens.map((listen) => listensAt(listen, spot)));
}

/** "shop.default.svc.cluster.local" is "Deployment shop". */
function isCalled(host: string, name: string): boolean {
  const label = host.toLowerCase().split(".")[0];
  return label !== "" && !LOOPBACK.has(host) && label === name.toLowerCase().split(" ").at(-1);
}

function listensAt({ host, port }: Listen, spot: Extract<Spot, { kind: "tcp" }>): number {
  if (port !== spot.port) return 0;
  if (host === spot.host || (LOOPBACK.has(host) && LOOPBACK.has(spot.host))) return 2;
  return ANY_HOST.has(host) ? 1 : 0;
}

/** The pool most requests go to: that of the route for "/", else the first with members. */
function mainPool({ routes, pools }: ConfiguredHop): Pool | null {
  const root = routes.find(({ path, pool }) => path.text === "/" && pool !== null);
  return pools.find(({ name }) => name === root?.pool) ?? pools.find(({ members }) => members.length > 0) ?? null;
}

/** Whether a spot is one of the hop's own. */
export function isSpotOf(spot: Spot, { listens }: ConfiguredHop): boolean {
  if (spot.kind === "unix") return listens.some(({ socket }) => socket === spot.path);
  return listens.some((listen) => listensAt(listen, spot) > 0);
}
