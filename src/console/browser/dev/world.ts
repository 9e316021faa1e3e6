// A made-up gateway of a small shop at this moment: three upstreams with members in every state, routes, rates that move.
// "large" has 500 endpoints in ten upstreams. Actions and the demo's buttons change it, so that pages can be tried.
import type { EndpointNow, EndpointState, Now, Rates, RouteNow, UpstreamNow } from "../../model.ts";
import { between, type Chance, chanceOf } from "./chance.ts";
import { incidentRow, type MadeIncidents } from "./incidents.ts";

export interface WorldOptions {
  readonly large: boolean;
  readonly demo: boolean;
  /** Nothing is broken. */
  readonly calm: boolean;
}

export interface World {
  readonly startedAt: number;
  readonly options: WorldOptions;
  readonly upstreams: Member[][];
  readonly names: readonly string[];
  readonly chance: Chance;
  visitors: number;
}

/** What changes of an endpoint; the rest is made from it. */
export interface Member {
  readonly label: string;
  state: EndpointState;
  why: string;
  since: number | null;
  weight: number;
  readonly configuredWeight: number;
  readonly backup: boolean;
  slowMs: number;
  failing: number;
}

const DAY_MS = 86_400_000;

export function makeWorld(options: WorldOptions, now: number): World {
  const chance = chanceOf(7);
  const names = options.large
    ? Array.from({ length: 10 }, (_, index) => `service-${index + 1}`)
    : options.demo
      ? ["shop"]
      : ["shop", "payments", "search"];
  const upstreams = options.large
    ? names.map((_, group) => Array.from({ length: 50 }, (_, index) => largeMember(chance, group, index, now)))
    : options.demo
      ? [[1, 2, 3].map((index) => member(`shop-${index} (127.0.0.1:91${index}0)`))]
      : options.calm
        ? SHOP.map((labels) => labels.map((label) => member(label)))
        : brokenShop(now);
  return { startedAt: now - 3 * DAY_MS, options, upstreams, names, chance, visitors: 25 };
}

const SHOP = [
  ["app-1 (10.0.0.6:3000)", "app-2 (10.0.0.7:3000)", "app-3 (10.0.0.8:3000)"],
  ["pay-1 (10.0.1.4:8443)", "pay-2 (10.0.1.5:8443)", "pay-backup (10.9.0.2:8443)"],
  [
    "find-1 (10.0.2.11:9200)",
    "find-2 (10.0.2.12:9200)",
    "find-3 (10.0.2.13:9200)",
    "find-4 (10.0.2.14:9200)",
    "find-5 (10.0.2.15:9200)",
  ],
] as const;

function brokenShop(now: number): Member[][] {
  const groups = SHOP.map((labels) => labels.map((label) => member(label)));
  const [shop = [], payments = [], search = []] = groups;
  set(shop[1], "gone", "connect() was refused (ECONNREFUSED): nothing listens on 10.0.0.7:3000", now - 252_000);
  set(payments[1], "ejected", "5 of its last 20 requests got no answer within 30 s; out for 20 s", now - 41_000);
  Object.assign(payments[0] ?? {}, { slowMs: 800, failing: 0.04 });
  Object.assign(payments[2] ?? {}, { backup: true });
  set(search[0], "draining", "somebody drains it: 3 requests still run", now - 12_000);
  set(search[1], "warming", "came back; its share grows to 10 in 18 s", now - 9_000);
  set(search[2], "unhealthy", "GET /_health answered 503 three times", now - 640_000);
  set(search[3], "disabled", "somebody took it out", now - 7_200_000);
  return groups;
}

function set(one: Member | undefined, state: EndpointState, why: string, since: number): void {
  if (one) Object.assign(one, { state, why, since });
}

function member(label: string): Member {
  const configuredWeight = label.startsWith("find") ? 10 : 1;
  return {
    label,
    state: "ok",
    why: "",
    since: null,
    weight: configuredWeight,
    configuredWeight,
    backup: label.includes("backup"),
    slowMs: 18,
    failing: 0,
  };
}

const STATES: readonly EndpointState[] = ["gone", "unhealthy", "ejected", "draining", "disabled", "warming", "down"];

function largeMember(chance: Chance, group: number, index: number, now: number): Member {
  const made = member(`10.${group}.0.${index + 10}:8080`);
  if (chance() < 0.07)
    set(
      made,
      STATES[Math.floor(chance() * STATES.length)] ?? "gone",
      "made up: it failed",
      now - between(chance, 1e3, 9e6),
    );
  return made;
}

export const rates = (perSecond: number, failing: number, slowMs: number, cause: string): Rates => ({
  perSecond,
  shownPerSecond: perSecond * failing,
  savedPerSecond: perSecond * failing * 2,
  ownErrorsPerSecond: perSecond * 0.002,
  causes: failing > 0 ? { [cause]: perSecond * failing } : {},
  p50Ms: perSecond > 0 ? slowMs : null,
  p95Ms: perSecond > 0 ? slowMs * 3.1 : null,
  p99Ms: perSecond > 0 ? slowMs * 7.4 : null,
});

const TAKES: ReadonlySet<EndpointState> = new Set(["ok", "warming"]);

function endpointNow(one: Member, share: number, chance: Chance): EndpointNow {
  const { label, state, why, since, weight, configuredWeight, backup } = one;
  const perSecond =
    TAKES.has(state) && !backup && weight > 0
      ? share * between(chance, 0.85, 1.15) * (state === "warming" ? 0.3 : 1)
      : 0;
  const failing = state === "gone" ? 1 : one.failing;
  const learnt = label.includes("-1") || label.endsWith("0:8080");
  return {
    label,
    state,
    why,
    since,
    weight,
    configuredWeight,
    backup,
    active: state === "draining" ? 3 : Math.round(perSecond * 0.05),
    connections: TAKES.has(state) ? 8 : 0,
    idle: TAKES.has(state) ? 5 : 0,
    keepAliveMs: learnt ? 5000 : null,
    keepAliveFrom: learnt ? (label.startsWith("pay") ? "hint" : "closes") : null,
    rates: rates(state === "gone" ? 0.2 : perSecond, failing, one.slowMs, "connect-refused"),
  };
}

function upstreamNow(world: World, index: number, perSecond: number): UpstreamNow {
  const { chance, names } = world;
  const members = world.upstreams[index] ?? [];
  const usable = members.filter(({ state, backup }) => TAKES.has(state) && !backup);
  const away = usable.length === 0 && members.every(({ state }) => !TAKES.has(state));
  const endpoints = members.map((one) => endpointNow(one, perSecond / Math.max(1, usable.length), chance));
  const failing = away ? 0.2 : members.some(({ failing }) => failing > 0) ? 0.01 : 0;
  return {
    name: names[index] ?? "",
    balance: index === 2 ? "random-two" : "round-robin",
    rates: rates(
      perSecond,
      failing,
      Math.max(18, ...usable.map(({ slowMs }) => slowMs / 3)),
      away ? "no-healthy-upstream" : "response-timeout",
    ),
    held: away ? 34 : 0,
    queued: index === 1 && !world.options.calm && !world.options.demo ? 6 : 0,
    inFlight: Math.round(perSecond * 0.06),
    breaker: index === 1 && away ? "open" : "closed",
    awaySince: away ? Math.max(...members.map(({ since }) => since ?? 0)) : null,
    panicking: false,
    endpoints,
  };
}

/** The figures of this moment; they move a little each time. */
export function nowOf(world: World, incidents: MadeIncidents, at: number): Now {
  const { names, chance, options } = world;
  const loads = names.map(
    (_, index) => (options.demo ? world.visitors : [212, 31, 88][index % 3]!) * between(chance, 0.95, 1.05),
  );
  const upstreams = names.map((_, index) => upstreamNow(world, index, loads[index] ?? 0));
  const all = loads.reduce((sum, load) => sum + load, 0);
  const open = incidents.rows().filter(({ closedAt }) => closedAt === null);
  const shown = upstreams.reduce((sum, upstream) => sum + upstream.rates.shownPerSecond, 0);
  const saved = open.length > 0 ? 3.2 : 0;
  return {
    at,
    gateway: {
      id: "g-shop-eu",
      name: "edge-1",
      version: "0.1.0",
      startedAt: world.startedAt,
      processes: 4,
      connections: Math.round(all * 3.1),
      cpu: 0.31,
      rssBytes: 214_000_000,
      ready: true,
      reasons: [],
      file: options.demo ? null : "goodgate.yaml",
      language: "yaml",
      demo: options.demo,
    },
    all: {
      ...rates(all, 0, 21, ""),
      shownPerSecond: shown,
      savedPerSecond: saved,
      causes: shown > 0 ? { "response-timeout": shown } : {},
    },
    listeners: options.demo
      ? [{ label: "127.0.0.1:8080", tls: false }]
      : [
          { label: ":443", tls: true },
          { label: ":8080", tls: false },
        ],
    routes: routesOf(world, loads),
    upstreams,
    incidents: open.slice(0, 20).map(incidentRow),
    openIncidents: open.length,
    problems: [],
  };
}

function routesOf({ names, options }: World, loads: readonly number[]): RouteNow[] {
  if (options.demo)
    return [{ name: "/", match: "/*", upstream: "shop", action: "proxy", rates: rates(loads[0] ?? 0, 0, 20, "") }];
  const matches = ["shop.example/*", "shop.example/pay/*", "shop.example/search*"];
  const routes = names.map(
    (upstream, index): RouteNow => ({
      name: options.large ? `/s${index}/*` : (["/", "/pay/*", "/search"][index] ?? ""),
      match: options.large ? `api.example/s${index}/*` : (matches[index] ?? ""),
      upstream,
      action: "proxy",
      rates: rates(loads[index] ?? 0, index === 1 ? 0.012 : 0, 20, "response-timeout"),
    }),
  );
  return [
    ...routes,
    { name: "/healthz", match: "/healthz", upstream: null, action: "respond 200", rates: rates(0.5, 0, 0.2, "") },
  ];
}
