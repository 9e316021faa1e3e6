import { describe, expect, test } from "vitest";
import type { Point } from "../../../observe/report.ts";
import { LATENCY_BOUNDS_MS } from "../../../observe/series.ts";
import {
  busiest,
  causeSeries,
  classSeries,
  onGrid,
  percentile,
  perSecond,
  savedSeries,
  sumOf,
  totals,
} from "./series.ts";

const SPAN = 10_000;
const FROM = 1_000_000;
const latency = (bucket: number, count: number): number[] =>
  Array.from({ length: LATENCY_BOUNDS_MS.length + 1 }, (_, index) => (index === bucket ? count : 0));

const point = (index: number, changes: Partial<Point> = {}): Point => ({
  kind: "all",
  name: "",
  at: FROM + index * SPAN,
  spanMs: SPAN,
  requests: 100,
  classes: [0, 90, 0, 5, 5, 0],
  shown: 5,
  saved: 20,
  causes: { "connect-refused": 25 },
  savedBy: { retry: 20 },
  latency: latency(3, 100),
  latencySumMs: 700,
  bytesIn: 0,
  bytesOut: 0,
  ...changes,
});

const range = { from: FROM, to: FROM + 6 * SPAN };
const grid = (points: readonly Point[], now = range.to) => onGrid({ spanMs: SPAN, points }, range, now);

describe("the grid", () => {
  test("a span without points is a gap, not a nought and not a line", () => {
    const gridded = grid([point(0), point(1), point(4)]);
    const row = sumOf(gridded);
    // The last span is not known yet: the picture goes on to the end of the range without it.
    expect(gridded.grid.at).toHaveLength(5);
    expect(perSecond(row, gridded.grid, ({ requests }) => requests)).toEqual([10, 10, null, null, 10]);
    expect(percentile(row, 0.5)[2]).toBeNull();
  });

  test("a span in which others had requests is a nought for the rate, and still nothing for the latency", () => {
    const own = [point(0, { kind: "route", name: "/a" }), point(4, { kind: "route", name: "/a" })];
    const alive = { spanMs: SPAN, points: [point(0), point(1), point(2), point(4), point(5)] };
    const gridded = onGrid({ spanMs: SPAN, points: own }, range, range.to, alive);
    const row = sumOf(gridded);
    expect(perSecond(row, gridded.grid, ({ requests }) => requests)).toEqual([10, 0, 0, null, 10]);
    expect(percentile(row, 0.5).map((value) => value === null)).toEqual([false, true, true, true, false]);
  });

  test("what has just begun is scaled to what has passed, or left out", () => {
    const half = grid([point(4), point(5, { requests: 50 })], FROM + 5.5 * SPAN);
    expect(perSecond(sumOf(half), half.grid, ({ requests }) => requests)[5]).toBeCloseTo(10);
    const begun = grid([point(4), point(5, { requests: 1 })], FROM + 5.1 * SPAN);
    expect(begun.grid.at).toHaveLength(5);
    expect(perSecond(sumOf(begun), begun.grid, ({ requests }) => requests)[4]).toBe(10);
  });

  test("more spans than can be told apart are added up, and nothing is lost", () => {
    const points = Array.from({ length: 4320 }, (_, index) => point(index));
    const wide = { from: FROM, to: FROM + 4320 * SPAN };
    const gridded = onGrid({ spanMs: SPAN, points }, wide, wide.to);
    expect(gridded.grid.at.length).toBeLessThanOrEqual(721);
    expect(gridded.grid.spanMs % SPAN).toBe(0);
    expect(totals(sumOf(gridded)).requests).toBe(432_000);
    expect(perSecond(sumOf(gridded), gridded.grid, ({ requests }) => requests)[3]).toBe(10);
  });

  test("points outside of the range are left out", () => {
    expect(totals(sumOf(grid([point(-1), point(0), point(6)]))).requests).toBe(100);
  });
});

test("series of a kind are added for the sum, and ordered by their requests", () => {
  const gridded = grid([
    point(0, { kind: "route", name: "/a" }),
    point(0, { kind: "route", name: "/b", requests: 300, latency: latency(8, 300) }),
    point(1, { kind: "route", name: "/b" }),
  ]);
  expect(busiest(gridded, 1)).toEqual(["/b"]);
  const sum = totals(sumOf(gridded));
  expect([sum.requests, sum.shown, sum.saved, sum.savedBy]).toEqual([500, 15, 60, { retry: 60 }]);
  // 200 of 500 lie in the fourth bucket, 300 in the ninth.
  expect(sum.p50Ms).toBeGreaterThan(LATENCY_BOUNDS_MS[7]!);
});

test("percentiles come from the buckets", () => {
  const row = sumOf(
    grid([point(0, { latency: latency(3, 100).map((value, index) => value + (index === 9 ? 4 : 0)) })]),
  );
  expect(percentile(row, 0.5)[0]).toBeLessThanOrEqual(LATENCY_BOUNDS_MS[3]!);
  expect(percentile(row, 0.99)[0]).toBeGreaterThan(LATENCY_BOUNDS_MS[8]!);
  expect(totals(sumOf(grid([]))).p50Ms).toBeNull();
});

test("classes that never occur are left out", () => {
  const gridded = grid([point(0)]);
  expect(classSeries(sumOf(gridded), gridded.grid).map(({ name, values }) => [name, values[0]])).toEqual([
    ["2xx", 9],
    ["4xx", 0.5],
    ["5xx", 0.5],
  ]);
});

test("causes beyond the most frequent become others; nothing is lost", () => {
  const causes = { a: 50, b: 40, c: 3, d: 2, e: 1 };
  const series = causeSeries(sumOf(grid([point(0, { causes })])), 3);
  expect(series.map(({ name, values }) => [name, values[0]])).toEqual([
    ["a", 50],
    ["b", 40],
    ["others", 6],
  ]);
  expect(savedSeries(sumOf(grid([point(0)]))).map(({ name }) => name)).toEqual(["retry"]);
});
