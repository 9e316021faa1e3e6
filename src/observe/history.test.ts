import fc from "fast-check";
import { expect, test } from "vitest";
import { History, mergePoints } from "./history.ts";
import { Metrics } from "./metrics.ts";
import { quantile, RateMeter } from "./rates.ts";
import { attempt, exchange, failure } from "./record.fixture.ts";
import type { Point, SeriesKind } from "./report.ts";
import { LATENCY_BOUNDS_MS } from "./series.ts";

const WALL = Date.UTC(2026, 10, 21, 9, 17);
const refused = attempt({ endpoint: "b:1", status: 0, headAt: 0, failure: failure("connect-refused") });
const shown = exchange({ status: 502, attempts: [refused], failure: refused.failure });
const saved = exchange({ attempts: [refused, attempt()] });
const cut = exchange({ aborted: true, failure: failure("response-truncated"), attempts: [attempt()] });
const own = exchange({ status: 500, attempts: [attempt({ status: 500 })] });

const pointOf = (points: readonly Point[], kind: SeriesKind, name = ""): Point =>
  points.find((point) => point.kind === kind && point.name === name)!;

/** A point with nothing in it. */
function point(changes: Partial<Point>): Point {
  return {
    ...{ kind: "all", name: "", at: 0, spanMs: 5000, requests: 0, classes: [0, 0, 0, 0, 0, 0], shown: 0, saved: 0 },
    ...{ causes: {}, savedBy: {}, latency: LATENCY_BOUNDS_MS.map(() => 0).concat(0), latencySumMs: 0 },
    ...{ bytesIn: 0, bytesOut: 0 },
    ...changes,
  };
}

test("what was counted since the last snapshot, of everything, each route, upstream and endpoint", () => {
  const metrics = new Metrics();
  const history = new History();
  metrics.observe(exchange());
  expect(history.take(metrics.snapshot(), WALL)).toEqual([]);
  for (const record of [exchange(), shown, saved, cut, own]) metrics.observe(record);
  metrics.observe(
    exchange({ route: "", upstream: "", attempts: [], status: 404, failure: failure("route-not-found") }),
  );
  const points = history.take(metrics.snapshot(), WALL + 5000);
  expect(points.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
    "all ",
    "endpoint app 10.0.0.7:3000",
    "endpoint app b:1",
    "route shop",
    "upstream app",
  ]);
  expect(pointOf(points, "all")).toMatchObject({
    at: WALL,
    spanMs: 5000,
    requests: 6,
    classes: [0, 3, 0, 1, 2, 0],
    shown: 2,
    saved: 1,
    ownErrors: 1,
    causes: { "connect-refused": 1, "response-truncated": 1, "route-not-found": 1 },
    savedBy: { failover: 1 },
    bytesIn: 6 * 412,
    bytesOut: 6 * 1400,
    latencySumMs: 6 * 12.5,
  });
  expect(pointOf(points, "upstream", "app")).toMatchObject({ requests: 5, shown: 2, saved: 1 });
  const endpoint = pointOf(points, "endpoint", "app b:1");
  expect(endpoint).toMatchObject({ requests: 2, shown: 2, saved: 0, causes: { "connect-refused": 2 }, ownErrors: 0 });
  expect(endpoint.classes).toEqual([0, 0, 0, 0, 0, 0]);
  expect(pointOf(points, "endpoint", "app 10.0.0.7:3000")).toMatchObject({ requests: 4, shown: 0, ownErrors: 1 });
  expect(pointOf(points, "endpoint", "app 10.0.0.7:3000").latency.reduce((a, b) => a + b)).toBe(4);
  expect(history.take(metrics.snapshot(), WALL + 10_000)).toEqual([]);
});

test("where a worker ended and its counts are gone, nothing is less than none", () => {
  const [one, two] = [new Metrics(), new Metrics()];
  const history = new History();
  history.take([], WALL);
  for (let i = 0; i < 10; i++) for (const metrics of [one, two]) metrics.observe(exchange());
  expect(pointOf(history.take(Metrics.merge([one.snapshot(), two.snapshot()]), WALL + 1000), "all").requests).toBe(20);
  two.observe(shown);
  const after = history.take(two.snapshot(), WALL + 2000);
  expect(pointOf(after, "all")).toMatchObject({ requests: 0, classes: [0, 0, 0, 0, 1, 0], shown: 1, bytesIn: 0 });
  two.observe(exchange());
  expect(pointOf(history.take(two.snapshot(), WALL + 3000), "all")).toMatchObject({ requests: 1, shown: 0 });
});

test("a clock that was set back gives a point of no length now, not one before its time", () => {
  const metrics = new Metrics();
  const history = new History();
  history.take(metrics.snapshot(), WALL);
  metrics.observe(exchange());
  expect(pointOf(history.take(metrics.snapshot(), WALL - 60_000), "all")).toMatchObject({
    at: WALL - 60_000,
    spanMs: 0,
  });
});

test("points of a series become those of longer spans", () => {
  const minute = 60_000;
  const counts = LATENCY_BOUNDS_MS.map(() => 1).concat(0);
  const points = [
    point({ at: 0, requests: 3, causes: { "connect-refused": 1 }, latency: counts, ownErrors: 1 }),
    point({ at: 55_000, requests: 4, causes: { "connect-refused": 2, "keepalive-race": 1 }, latency: counts }),
    point({ at: minute, requests: 5, savedBy: { hold: 2 } }),
    point({ at: 10_000, requests: 6, kind: "route", name: "shop" }),
  ];
  const merged = mergePoints(points, minute);
  expect(merged.map(({ kind, at, spanMs, requests }) => [kind, at, spanMs, requests])).toEqual([
    ["all", 0, minute, 7],
    ["all", minute, minute, 5],
    ["route", 0, minute, 6],
  ]);
  expect(merged[0]).toMatchObject({ causes: { "connect-refused": 3, "keepalive-race": 1 }, ownErrors: 1 });
  expect(merged[0]!.latency).toEqual(LATENCY_BOUNDS_MS.map(() => 2).concat(0));
  expect(merged[2]).not.toHaveProperty("ownErrors");
});

test("property: merging loses and invents nothing", () => {
  const anyPoint = fc
    .record({
      at: fc.nat(1e6),
      requests: fc.nat(100),
      shown: fc.nat(9),
      kind: fc.constantFrom<SeriesKind>("all", "route"),
    })
    .map((changes) => point({ ...changes, causes: { "connect-refused": changes.shown } }));
  fc.assert(
    fc.property(fc.array(anyPoint), (points) => {
      const merged = mergePoints(points, 60_000);
      for (const kind of ["all", "route"] as const) {
        const sum = (list: readonly Point[], value: (point: Point) => number): number =>
          list.filter((one) => one.kind === kind).reduce((all, one) => all + value(one), 0);
        expect(sum(merged, (one) => one.requests)).toBe(sum(points, (one) => one.requests));
        const causes = (one: Point): number => one.causes["connect-refused"] ?? 0;
        expect(sum(merged, causes)).toBe(sum(points, causes));
      }
      expect(mergePoints(merged, 60_000)).toEqual(merged);
      expect(new Set(merged.map(({ kind, at }) => `${kind} ${at}`)).size).toBe(merged.length);
    }),
  );
});

test("rates are those of the last seconds", () => {
  const metrics = new Metrics();
  const meter = new RateMeter();
  expect(meter.rates("all", "")).toMatchObject({ perSecond: 0, p50Ms: null, causes: {} });
  meter.take(metrics.snapshot(), WALL);
  for (let second = 1; second <= 5; second++) {
    for (const record of [exchange(), exchange(), shown, saved, own]) metrics.observe(record);
    meter.take(metrics.snapshot(), WALL + second * 1000);
  }
  expect(meter.rates("all", "")).toEqual({
    perSecond: 5,
    shownPerSecond: 1,
    savedPerSecond: 1,
    ownErrorsPerSecond: 1,
    causes: { "connect-refused": 1 },
    p50Ms: expect.closeTo(17.5),
    p95Ms: expect.closeTo(24.25),
    p99Ms: expect.closeTo(24.85),
  });
  expect(meter.rates("endpoint", "app b:1")).toMatchObject({ perSecond: 2, shownPerSecond: 2, p50Ms: null });
  expect(meter.rates("route", "none")).toMatchObject({ perSecond: 0 });
  for (let second = 6; second <= 10; second++) meter.take(metrics.snapshot(), WALL + second * 1000);
  expect(meter.rates("all", "")).toMatchObject({ perSecond: 0, p50Ms: null });
});

test("quantiles lie within their buckets, in order", () => {
  const none = LATENCY_BOUNDS_MS.map(() => 0).concat(0);
  expect(quantile(none, 0.5)).toBeNull();
  expect(quantile([...none.slice(0, -1), 7], 0.5)).toBe(60_000);
  expect(quantile([10, ...none.slice(1)], 0.5)).toBe(0.5);
  fc.assert(
    fc.property(fc.array(fc.nat(50), { minLength: none.length, maxLength: none.length }), (counts) => {
      fc.pre(counts.some((count) => count > 0));
      const values = [0, 0.1, 0.5, 0.9, 0.99, 1].map((q) => quantile(counts, q)!);
      expect(values).toEqual([...values].sort((a, b) => a - b));
      for (const value of values) expect(value).toBeLessThanOrEqual(60_000);
    }),
  );
});
