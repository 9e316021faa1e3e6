// Made-up figures over time (30 days, with days and nights and a bad hour), marks, paths, and lines of the live tail.
import type { Mark } from "../../../incidents/model.ts";
import type { Point, SeriesKind, TailEntry } from "../../../observe/report.ts";
import type { PathFigures, PointsAnswer } from "../../../store/model.ts";
import { between, chanceOf, pick } from "./chance.ts";
import type { World } from "./world.ts";

const DAY_MS = 86_400_000;
/** Buckets as observe/rates.ts has them, about: enough for pictures. */
const BUCKETS = 24;

export function pointsOf(
  world: World,
  kind: SeriesKind,
  names: readonly string[],
  from: number,
  to: number,
  wanted: number,
): PointsAnswer {
  const span = (to - from) / Math.max(1, wanted);
  const spanMs = span <= 30_000 ? 10_000 : span <= 300_000 ? 60_000 : 600_000;
  const all = namesOf(world, kind).filter((name) => names.length === 0 || names.includes(name));
  const points: Point[] = [];
  for (const [index, name] of all.entries()) {
    for (let at = Math.floor(from / spanMs) * spanMs; at < to; at += spanMs)
      points.push(pointAt(kind, name, at, spanMs, index + 1, all.length));
  }
  return { spanMs, points };
}

function namesOf({ names, upstreams }: World, kind: SeriesKind): string[] {
  if (kind === "all") return [""];
  if (kind === "upstream") return [...names];
  if (kind === "route") return names.map((name) => `/${name}`);
  return upstreams.flatMap((members, index) => members.map(({ label }) => `${names[index]} ${label}`));
}

function pointAt(kind: SeriesKind, name: string, at: number, spanMs: number, order: number, of: number): Point {
  const chance = chanceOf(Math.floor(at / 1000) + order * 7919);
  const wave = 0.85 + 0.15 * Math.sin((at / DAY_MS) * 2 * Math.PI - 2);
  const requests = Math.round(((kind === "all" ? 330 : 330 / of) * wave * between(chance, 0.9, 1.1) * spanMs) / 1000);
  const bad = at % (7 * 3_600_000) < 900_000 ? 0.06 : 0.001;
  const shown = Math.round(requests * bad * 0.3);
  const saved = Math.round(requests * bad);
  const latency = Array.from({ length: BUCKETS + 1 }, (_, bucket) =>
    Math.round(requests * 0.12 * Math.exp(-((bucket - 7) ** 2) / 9)),
  );
  return {
    kind,
    name,
    at,
    spanMs,
    requests,
    classes:
      kind === "endpoint"
        ? [0, 0, 0, 0, 0, 0]
        : [0, Math.round(requests * 0.93), Math.round(requests * 0.04), Math.round(requests * 0.025), shown, 0],
    shown,
    saved,
    causes: { "response-timeout": shown, "connect-refused": saved },
    savedBy: { failover: saved },
    latency,
    latencySumMs: requests * 34,
    bytesIn: requests * 700,
    bytesOut: requests * 18_000,
  };
}

export function marksOf(from: number, to: number, now: number, added: readonly Mark[]): Mark[] {
  const texts: readonly (readonly [Mark["kind"], string, Mark["level"]])[] = [
    ["deploy", "deploy: shop v42 (pipeline 8812)", "info"],
    ["reload", "reload: goodgate.yaml taken on (2 endpoints added)", "info"],
    ["endpoint-gone", "app-2 (10.0.0.7:3000): nothing listens", "warn"],
    ["endpoint-back", "app-2 (10.0.0.7:3000): accepts connections again after 41 s", "info"],
    ["health-down", "find-3 (10.0.2.13:9200): checks fail", "warn"],
    ["ejected", "pay-2 (10.0.1.5:8443): ejected for 20 s", "warn"],
  ];
  const marks: Mark[] = [];
  const step = 47 * 60_000;
  for (let at = Math.ceil((now - 30 * DAY_MS) / step) * step, index = 0; at < now; at += step, index += 1) {
    if (at < from || at >= to) continue;
    const [kind, text, level] = texts[index % texts.length]!;
    marks.push({
      id: `m${at}`,
      gateway: "g-shop-eu",
      at,
      kind,
      text,
      level,
      upstream: "shop",
      endpoint: "",
      by: kind === "deploy" ? "pipeline" : "",
    });
  }
  return [...marks.slice(-400), ...added.filter(({ at }) => at >= from && at < to)];
}

export function pathsOf(): { slow: PathFigures[]; failing: PathFigures[] } {
  const row = (path: string, count: number, worstMs: number, causes: Record<string, number>): PathFigures => ({
    host: "shop.example",
    path,
    method: path.includes("pay") ? "POST" : "GET",
    count,
    worstMs,
    meanMs: worstMs / 3,
    route: "/",
    causes,
  });
  return {
    slow: [row("/search", 812, 11_940, {}), row("/pay/capture", 310, 8_210, {}), row("/product/17", 1204, 2_010, {})],
    failing: [
      row("/pay/capture", 61, 30_004, { "response-timeout": 61 }),
      row("/cart", 12, 40, { "connect-refused": 12 }),
    ],
  };
}

let tailed = 0;

export function tailEntry(world: World, at: number): TailEntry {
  const { chance, names } = world;
  tailed += 1;
  const fails = chance() < 0.08;
  const upstream = pick(chance, names);
  return {
    at,
    requestId: `t${tailed}`,
    method: pick(chance, ["GET", "GET", "GET", "POST"]),
    host: "shop.example",
    target: pick(chance, [
      "/",
      "/cart",
      "/product/17",
      "/search?q=[redacted]",
      "/pay/capture",
      '/x"><script>alert(1)</script>',
    ]),
    status: fails ? 504 : 200,
    durationMs: fails ? 30_004 : between(chance, 4, 80),
    route: "/",
    upstream,
    endpoint: world.upstreams[names.indexOf(upstream)]?.[0]?.label ?? "",
    attempts: fails ? 2 : 1,
    cause: fails ? "response-timeout" : null,
    outcome: fails ? "shown" : "ok",
    savedBy: null,
    bytesSent: 18_000,
    client: "203.0.113.9",
  };
}
