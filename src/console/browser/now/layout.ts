// Where the parts of the picture stand: pure, from the figures and the width. Four columns (listeners, routes, upstreams,
// endpoints) and a bar for the gateway between the first two. Every upstream stands beside its members and every route
// beside its upstream, so that ways seldom cross. Heights do not depend on figures that move: nothing jumps.
import type { EndpointNow, Now, RouteNow, UpstreamNow } from "../../model.ts";
import { worstFirst } from "./facts.ts";

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Group {
  readonly upstream: UpstreamNow;
  readonly box: Box;
  /** Members that are drawn one by one. */
  readonly members: readonly { readonly endpoint: EndpointNow; readonly box: Box }[];
  /** Counts by state, with the button that shows or hides the rest; null = all are drawn. */
  readonly summary: { readonly box: Box; readonly expanded: boolean } | null;
}

export interface Layout {
  readonly height: number;
  readonly bar: Box;
  readonly listeners: readonly { readonly label: string; readonly tls: boolean; readonly box: Box }[];
  readonly routes: readonly { readonly route: RouteNow; readonly box: Box; readonly group: Group | null }[];
  /** Routes that are not drawn. */
  readonly left: { readonly count: number; readonly box: Box } | null;
  readonly groups: readonly Group[];
}

/** Above so many members only the worst are drawn. */
export const MEMBERS_MAX = 8;
const WORST = 3;
const ROUTES_MAX = 24;

const GAP = 8;
const GROUP_GAP = 24;
const TOP = 4;
const MEMBER = 40;
const UPSTREAM = 88;
const ROUTE = 48;
const LISTENER = 36;
const SUMMARY = 36;
const LISTENERS_LOWEST = 320;

export function layOut(now: Now, width: number, expanded: ReadonlySet<string>): Layout {
  const way = Math.max(36, Math.min(88, width * 0.06));
  const listenerWidth = Math.min(128, width * 0.12);
  const rest = width - listenerWidth - way * 3 - 10 - way * 0.5;
  const [routeWidth, upstreamWidth, memberWidth] = [rest * 0.27, rest * 0.34, rest * 0.39];
  const barX = listenerWidth + way * 0.5;
  const routeX = barX + 10 + way;
  const upstreamX = routeX + routeWidth + way;
  const memberX = upstreamX + upstreamWidth + way;

  const routes = chooseRoutes(now);
  let y = TOP;
  const groups: Group[] = [];
  for (const upstream of now.upstreams) {
    const from = y;
    const many = upstream.endpoints.length > MEMBERS_MAX;
    const open = expanded.has(upstream.name);
    const shown = many && !open ? worstFirst(upstream.endpoints).slice(0, WORST) : upstream.endpoints;
    const place = (height: number): Box => {
      const box = { x: memberX, y, width: memberWidth, height };
      y += height + GAP;
      return box;
    };
    const summary = many ? { box: place(SUMMARY), expanded: open } : null;
    const members = shown.map((endpoint) => ({ endpoint, box: place(MEMBER) }));
    const own = routes.filter((route) => route.upstream === upstream.name).length;
    const need = Math.max(UPSTREAM, own * (ROUTE + GAP) - GAP, y - GAP - from);
    const shift = (need - (y - GAP - from)) / 2;
    const lowered = (box: Box): Box => ({ ...box, y: box.y + shift });
    const middle = from + need / 2;
    groups.push({
      upstream,
      box: { x: upstreamX, y: many && open ? from : middle - UPSTREAM / 2, width: upstreamWidth, height: UPSTREAM },
      members: members.map(({ endpoint, box }) => ({ endpoint, box: lowered(box) })),
      summary: summary && { ...summary, box: lowered(summary.box) },
    });
    y = from + need + GROUP_GAP;
  }
  const byName = new Map(groups.map((group) => [group.upstream.name, group]));
  const placed = placeRoutes(routes, byName, routeX, routeWidth);
  const end = Math.max(y - GROUP_GAP, ...placed.map(({ box }) => box.y + box.height));
  const leftOut = now.routes.length - routes.length;
  const left = leftOut > 0 ? { count: leftOut, box: { x: routeX, y: end + GAP, width: routeWidth, height: 24 } } : null;
  const height = left ? left.box.y + left.box.height : end;
  const first = placed.length === 0 ? TOP : Math.min(...placed.map(({ box }) => box.y));
  const last = placed.length === 0 ? height : Math.max(...placed.map(({ box }) => box.y + box.height));
  // Of a long picture the listeners stand where one begins to read.
  const middle = Math.min((first + last) / 2, first + LISTENERS_LOWEST);
  const total = now.listeners.length * (LISTENER + GAP) - GAP;
  const from = Math.max(TOP, middle - total / 2);
  const listeners = now.listeners.map(({ label, tls }, index) => ({
    label,
    tls,
    box: { x: 0, y: from + index * (LISTENER + GAP), width: listenerWidth, height: LISTENER },
  }));
  const barEnd = Math.max(last, from + total);
  const barFrom = Math.min(first, from);
  return {
    height: Math.max(height, barEnd) + TOP,
    bar: { x: barX, y: barFrom, width: 10, height: barEnd - barFrom },
    listeners,
    routes: placed,
    left,
    groups,
  };
}

/** In the order of the upstreams; where there are too many, those with errors and the busiest. */
function chooseRoutes(now: Now): RouteNow[] {
  const order = new Map(now.upstreams.map(({ name }, index) => [name, index]));
  const rank = ({ upstream }: RouteNow): number => (upstream === null ? Infinity : (order.get(upstream) ?? Infinity));
  let chosen = [...now.routes];
  if (chosen.length > ROUTES_MAX) {
    const weight = ({ rates }: RouteNow): number => rates.shownPerSecond * 1e6 + rates.perSecond;
    chosen = chosen.sort((a, b) => weight(b) - weight(a)).slice(0, ROUTES_MAX - 1);
  }
  const place = new Map(now.routes.map((route, index) => [route, index]));
  return chosen.sort((a, b) => compare(rank(a), rank(b)) || (place.get(a) ?? 0) - (place.get(b) ?? 0));
}

const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);

function placeRoutes(
  routes: readonly RouteNow[],
  groups: ReadonlyMap<string, Group>,
  x: number,
  width: number,
): Layout["routes"] {
  const placed: Layout["routes"][number][] = [];
  let free = TOP;
  const counts = new Map<string | null, number>();
  for (const { upstream } of routes) counts.set(upstream, (counts.get(upstream) ?? 0) + 1);
  const done = new Map<string | null, number>();
  for (const route of routes) {
    const group = route.upstream === null ? null : (groups.get(route.upstream) ?? null);
    const index = done.get(route.upstream) ?? 0;
    done.set(route.upstream, index + 1);
    const own = (counts.get(route.upstream) ?? 1) * (ROUTE + GAP) - GAP;
    const wanted = group ? group.box.y + group.box.height / 2 - own / 2 + index * (ROUTE + GAP) : free;
    const y = Math.max(free, wanted);
    free = y + ROUTE + GAP;
    placed.push({ route, group, box: { x, y, width, height: ROUTE } });
  }
  return placed;
}
