// From stored points to what charts draw: one even grid of instants, a value or null at each, so that a span without
// points is a gap and not a line across it. The span that is not over yet is scaled to what has passed of it, and left
// out while it has hardly begun: a rate must not fall at its end only because the clock went on.
import { quantile } from "../../../observe/rates.ts";
import type { Point } from "../../../observe/report.ts";

import type { Ms } from "../../../std/units.ts";
import type { PointsAnswer, Range } from "../../../store/model.ts";

/** Values over time; null = nothing is known. */
export type Values = readonly (number | null)[];

export interface Grid {
  readonly spanMs: Ms;
  /** Begin of each span, even. */
  readonly at: readonly Ms[];
  /** Share of each span that the figures are of: 1 but for the first and the last. */
  readonly covered: readonly number[];
}

export interface NamedSeries {
  readonly name: string;
  readonly values: Values;
}

/** Points by name, put on the grid. */
export interface Gridded {
  readonly grid: Grid;
  readonly series: ReadonlyMap<string, readonly (Point | null)[]>;
}

/** A span without requests. */
const NOTHING: Point = {
  kind: "all",
  name: "",
  at: 0,
  spanMs: 0,
  requests: 0,
  classes: [],
  shown: 0,
  saved: 0,
  causes: {},
  savedBy: {},
  latency: [],
  latencySumMs: 0,
  bytesIn: 0,
  bytesOut: 0,
};

/** What has passed of a span has to be this much of it before it says something. */
const PASSED_MIN = 0.3;
/** More spans than that are not told apart on a screen: neighbours are added up. */
const SPANS_MAX = 720;

/**
 * Lays the points of an answer on an even grid over the range. `alive` = the points of all traffic: where there are some,
 * a series without its own had no requests, which is a nought; elsewhere nothing is known, which is a gap.
 */
export function onGrid({ spanMs, points }: PointsAnswer, range: Range, now: Ms, alive?: PointsAnswer): Gridded {
  const fine = Math.max(1, spanMs);
  const span = fine * Math.max(1, Math.ceil((range.to - range.from) / fine / SPANS_MAX));
  const first = Math.floor(range.from / span) * span;
  let count = Math.max(1, Math.ceil((range.to - first) / span));
  // What has hardly begun, or lies ahead, is no part of the picture.
  while (count > 1 && now - (first + (count - 1) * span) < PASSED_MIN * span) count -= 1;
  const at = Array.from({ length: count }, (_, index) => first + index * span);
  // Points that began before the range are not in the answer.
  const begins = Math.ceil(range.from / fine) * fine;
  const covered = at.map((begin) => Math.max(0, Math.min(begin + span, now) - Math.max(begin, begins)) / span);
  const series = new Map<string, (Point | null)[]>();
  let known = 0;
  for (const point of points) {
    const index = Math.floor((point.at - first) / span);
    if (index < 0 || index >= count) continue;
    let row = series.get(point.name);
    if (!row) {
      row = new Array<Point | null>(count).fill(null);
      series.set(point.name, row);
    }
    const there = row[index];
    row[index] = there ? merge(there, point) : point;
    known = Math.max(known, index + 1);
  }
  // The newest spans come a little later: without them the newest figures are the newest that are known.
  for (const row of series.values()) row.length = known;
  for (const { at: begin } of alive?.points ?? []) {
    const index = Math.floor((begin - first) / span);
    if (index < 0 || index >= known) continue;
    for (const [name, row] of series) row[index] ??= { ...NOTHING, name, at: begin };
  }
  return { grid: { spanMs: span, at: at.slice(0, known), covered: covered.slice(0, known) }, series };
}

/** All rows as one, where a chart shows the sum of what was chosen. */
export function sumOf({ grid, series }: Gridded): readonly (Point | null)[] {
  const rows = [...series.values()];
  if (rows.length === 1) return rows[0]!;
  return grid.at.map((_, index) =>
    rows.reduce<Point | null>((sum, row) => {
      const point = row[index];
      if (!point) return sum;
      return sum ? merge(sum, point) : point;
    }, null),
  );
}

/** A figure of each span, per second. */
export function perSecond(row: readonly (Point | null)[], grid: Grid, figure: (point: Point) => number): Values {
  return row.map((point, index) =>
    point ? figure(point) / ((grid.spanMs / 1000) * (grid.covered[index] || 1)) : null,
  );
}

/** A figure of each span as it is. */
export function counts(row: readonly (Point | null)[], figure: (point: Point) => number): Values {
  return row.map((point) => (point ? figure(point) : null));
}

/** A percentile (0 to 1) of the latency of each span. */
export function percentile(row: readonly (Point | null)[], share: number): Values {
  return row.map((point) => (point ? quantile(point.latency, share) : null));
}

export const CLASS_NAMES = ["1xx", "2xx", "3xx", "4xx", "5xx", "no answer"] as const;

/** Requests per second by status class, without those that never occur. */
export function classSeries(row: readonly (Point | null)[], grid: Grid): NamedSeries[] {
  return CLASS_NAMES.flatMap((name, index) => {
    if (!row.some((point) => (point?.classes[index] ?? 0) > 0)) return [];
    return [{ name, values: perSecond(row, grid, (point) => point.classes[index] ?? 0) }];
  });
}

/** Failures of each span by cause: the most frequent ones, the rest as "others". */
export function causeSeries(row: readonly (Point | null)[], most: number): NamedSeries[] {
  return topOf(row, (point) => point.causes, most);
}

/** What was avoided, by what avoided it. */
export function savedSeries(row: readonly (Point | null)[]): NamedSeries[] {
  return topOf(row, (point) => point.savedBy, 8);
}

/** The names with the most requests, most first. */
export function busiest({ series }: Gridded, most: number): string[] {
  const sums = [...series].map(([name, row]) => [name, totalOf(row, ({ requests }) => requests)] as const);
  return sums
    .sort(([oneName, one], [otherName, other]) => other - one || (oneName < otherName ? -1 : 1))
    .slice(0, most)
    .map(([name]) => name);
}

export interface Totals {
  readonly requests: number;
  readonly shown: number;
  readonly saved: number;
  readonly savedBy: Readonly<Record<string, number>>;
  readonly causes: Readonly<Record<string, number>>;
  readonly classes: readonly number[];
  readonly p50Ms: Ms | null;
  readonly p95Ms: Ms | null;
  readonly p99Ms: Ms | null;
}

/** All points in figures, those that are too young to be drawn as well. */
export function totals(points: readonly (Point | null)[]): Totals {
  const all = points.reduce<Point | null>((sum, point) => (point ? (sum ? merge(sum, point) : point) : sum), null);
  const at = (share: number): Ms | null => (all ? quantile(all.latency, share) : null);
  return {
    requests: all?.requests ?? 0,
    shown: all?.shown ?? 0,
    saved: all?.saved ?? 0,
    savedBy: all?.savedBy ?? {},
    causes: all?.causes ?? {},
    classes: all?.classes ?? [],
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
  };
}

function topOf(
  row: readonly (Point | null)[],
  of: (point: Point) => Readonly<Record<string, number>>,
  most: number,
): NamedSeries[] {
  const sums = new Map<string, number>();
  for (const point of row) {
    if (point) for (const [name, count] of Object.entries(of(point))) sums.set(name, (sums.get(name) ?? 0) + count);
  }
  const order = [...sums].filter(([, sum]) => sum > 0).sort(([, one], [, other]) => other - one);
  const named = order.slice(0, order.length > most ? most - 1 : most).map(([name]) => name);
  const list = named.map((name) => ({ name, values: counts(row, (point) => of(point)[name] ?? 0) }));
  if (order.length <= named.length) return list;
  const isNamed = new Set(named);
  const rest = (point: Point): number =>
    Object.entries(of(point)).reduce((sum, [name, count]) => (isNamed.has(name) ? sum : sum + count), 0);
  return [...list, { name: "others", values: counts(row, rest) }];
}

function totalOf(row: readonly (Point | null)[], figure: (point: Point) => number): number {
  return row.reduce((sum, point) => sum + (point ? figure(point) : 0), 0);
}

function merge(one: Point, other: Point): Point {
  return {
    ...one,
    requests: one.requests + other.requests,
    classes: added(one.classes, other.classes),
    shown: one.shown + other.shown,
    saved: one.saved + other.saved,
    causes: addedCounts(one.causes, other.causes),
    savedBy: addedCounts(one.savedBy, other.savedBy),
    latency: added(one.latency, other.latency),
    latencySumMs: one.latencySumMs + other.latencySumMs,
    bytesIn: one.bytesIn + other.bytesIn,
    bytesOut: one.bytesOut + other.bytesOut,
  };
}

function added(one: readonly number[], other: readonly number[]): readonly number[] {
  return Array.from({ length: Math.max(one.length, other.length) }, (_, at) => (one[at] ?? 0) + (other[at] ?? 0));
}

function addedCounts(
  one: Readonly<Record<string, number>>,
  other: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const sum: Record<string, number> = { ...one };
  for (const [name, count] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
