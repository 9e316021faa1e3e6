// Questions about traffic: points of series, paths that are slow or fail, and what is told of gateways. Answers are
// bounded: points by choosing a coarser span (and at last the busiest series), paths by looking at the newest records.
import { sql } from "kysely";
import type { Mark, MarkKind } from "../incidents/model.ts";
import { mergePoints } from "../observe/history.ts";
import type { Point } from "../observe/report.ts";
import type { Ms } from "../std/units.ts";
import type { AuditEntry, GatewayInfo, PathFigures, PointsAnswer, PointsQuery, Range } from "./model.ts";
import { spansFor } from "./resolution.ts";
import { auditOf, gatewayOf, markOf, name, pointOf, seriesName } from "./rows.ts";
import type { Db } from "./schema.ts";

const POINT_ROWS_MAX = 20_000;
const MARKS_MAX = 5_000;
const AUDIT_MAX = 1_000;
/** The newest records that figures of paths are made of, and how many paths are told. */
const PATH_ROWS_MAX = 15_000;
const PATHS_MAX = 50;

/** A gateway and the points of its longer spans that are still to be added to what is there. */
export interface OwnPoints {
  readonly gateway: string;
  waiting(spanMs: Ms): readonly Point[];
}

/** `own` = the gateway that is meant when the question names none; null = all. */
export async function findPoints(db: Db, own: OwnPoints | null, query: PointsQuery, now: Ms): Promise<PointsAnswer> {
  const gateway = query.gateway ?? own?.gateway ?? null;
  const gateways =
    gateway === null || gateway === "all" ? (await findGateways(db)).map(({ id }) => id) : [name(gateway)];
  const { kind, range } = query;
  const spans = spansFor(range, query.points, now);
  let names = query.names?.map(seriesName);
  let spanMs = spans[0]!;
  if (gateways.length === 0 || names?.length === 0) return { spanMs, points: [] };
  let count = 0;
  for (spanMs of spans) {
    count = await countPoints(db, { gateways, kind, spanMs, range, names });
    if (count <= POINT_ROWS_MAX) break;
  }
  if (count > POINT_ROWS_MAX) names = await busiest(db, { gateways, kind, spanMs, range, names });
  const rows = await pointsWhere(db, { gateways, kind, spanMs, range, names })
    .select(["kind", "name", "span_ms", "at", "requests", "body"])
    .orderBy("at", "desc")
    .limit(POINT_ROWS_MAX)
    .execute();
  const points = rows.map(pointOf);
  const waiting = own && gateways.includes(name(own.gateway)) ? own.waiting(spanMs) : [];
  const fitting = waiting.filter((point) => point.kind === kind && fits(point, range, names));
  // Several gateways have the same routes and upstreams: their figures are added.
  const all = gateways.length > 1 || fitting.length > 0 ? mergePoints([...points, ...fitting], spanMs) : points;
  return { spanMs, points: [...all].sort(byNameAndTime) };
}

/** As pointsWhere says it of rows. */
function fits({ at, spanMs, name: series }: Point, range: Range, names: readonly string[] | undefined): boolean {
  return at > range.from - spanMs && at < range.to && (names?.includes(series) ?? true);
}

interface Wanted {
  readonly gateways: readonly string[];
  readonly kind: string;
  readonly spanMs: Ms;
  readonly range: Range;
  readonly names: readonly string[] | undefined;
}

function pointsWhere(db: Db, { gateways, kind, spanMs, range, names }: Wanted) {
  const rows = db
    .selectFrom("goodgate_points")
    .where("gateway", "in", gateways)
    .where("kind", "=", kind)
    .where("span_ms", "=", spanMs)
    // A point that began before the range may reach into it.
    .where("at", ">", range.from - spanMs)
    .where("at", "<", range.to);
  return names ? rows.where("name", "in", names) : rows;
}

async function countPoints(db: Db, wanted: Wanted): Promise<number> {
  const some = pointsWhere(db, wanted)
    .select("at")
    .limit(POINT_ROWS_MAX + 1);
  const { count } = await db
    .selectFrom(some.as("some"))
    .select(sql<number>`count(*)`.as("count"))
    .executeTakeFirstOrThrow();
  return count;
}

/** As many series as an answer has room for, by their requests at the end of the range. */
async function busiest(db: Db, wanted: Wanted): Promise<string[]> {
  const each = Math.max(1, Math.ceil((wanted.range.to - wanted.range.from) / wanted.spanMs));
  const newest = pointsWhere(db, wanted).select(["name", "requests"]).orderBy("at", "desc").limit(POINT_ROWS_MAX);
  const rows = await db
    .selectFrom(newest.as("newest"))
    .select("name")
    .groupBy("name")
    .orderBy(sql`sum(requests)`, "desc")
    .limit(Math.max(1, Math.floor(POINT_ROWS_MAX / each)))
    .execute();
  return rows.map((row) => row.name);
}

function byNameAndTime(a: Point, b: Point): number {
  return a.name === b.name ? a.at - b.at : a.name < b.name ? -1 : 1;
}

/** In order of time; where there are too many, the newest. */
export async function findMarks(
  db: Db,
  own: string | null,
  range: Range,
  gateway?: string,
  kinds?: readonly MarkKind[],
): Promise<readonly Mark[]> {
  const wanted = gateway ?? own;
  let rows = db.selectFrom("goodgate_marks").selectAll().where("at", ">=", range.from).where("at", "<", range.to);
  if (wanted !== null && wanted !== "all") rows = rows.where("gateway", "=", name(wanted));
  if (kinds) {
    if (kinds.length === 0) return [];
    rows = rows.where("kind", "in", kinds);
  }
  const newest = await rows.orderBy("at", "desc").orderBy("id", "desc").limit(MARKS_MAX).execute();
  return newest.reverse().map(markOf);
}

/** The slowest and the most failing paths of the range. */
export async function findPaths(
  db: Db,
  own: string | null,
  range: Range,
  gateway?: string,
): Promise<{ readonly slow: readonly PathFigures[]; readonly failing: readonly PathFigures[] }> {
  const wanted = gateway ?? own;
  const one = wanted === null || wanted === "all" ? null : name(wanted);
  const [slow, failing] = [
    await figuresOf(db, "goodgate_slow", range, one),
    await figuresOf(db, "goodgate_failures", range, one),
  ];
  return {
    slow: slow.sort((a, b) => b.worstMs - a.worstMs || b.count - a.count).slice(0, PATHS_MAX),
    failing: failing.sort((a, b) => b.count - a.count || b.worstMs - a.worstMs).slice(0, PATHS_MAX),
  };
}

/** One line for each method, host and path, from the newest records. */
async function figuresOf(
  db: Db,
  table: "goodgate_slow" | "goodgate_failures",
  range: Range,
  gateway: string | null,
): Promise<PathFigures[]> {
  const cause = table === "goodgate_failures" ? sql`cause` : sql`''`;
  const own = gateway === null ? sql`` : sql`and gateway = ${gateway}`;
  const { rows } = await sql<PathRow>`
    select method, host, path, cause, count(*) as "count", max(duration_ms) as worst, sum(duration_ms) as total,
      max(route) as route
    from (select method, host, path, route, duration_ms, ${cause} as cause from ${sql.table(table)}
      where at >= ${range.from} and at < ${range.to} ${own} order by at desc limit ${PATH_ROWS_MAX}) as newest
    group by method, host, path, cause`.execute(db);
  return joinCauses(rows);
}

interface PathRow {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly cause: string;
  readonly count: number;
  readonly worst: number;
  readonly total: number;
  readonly route: string;
}

/** Lines that differ in their cause alone become one. */
function joinCauses(rows: readonly PathRow[]): PathFigures[] {
  const found = new Map<
    string,
    { first: PathRow; count: number; worst: number; total: number; causes: [string, number][] }
  >();
  for (const row of rows) {
    const key = `${row.method} ${row.host} ${row.path}`;
    const line = found.get(key) ?? { first: row, count: 0, worst: 0, total: 0, causes: [] };
    found.set(key, line);
    line.count += row.count;
    line.total += row.total;
    line.worst = Math.max(line.worst, row.worst);
    if (row.cause !== "") line.causes.push([row.cause, row.count]);
  }
  return [...found.values()].map(({ first, count, worst, total, causes }) => ({
    host: first.host,
    path: first.path,
    method: first.method,
    count,
    worstMs: worst,
    meanMs: Math.round(total / count),
    route: first.route,
    causes: Object.fromEntries(causes),
  }));
}

/** Newest first. */
export async function findAudit(db: Db, limit: number): Promise<readonly AuditEntry[]> {
  const most = Number.isFinite(limit) ? Math.min(AUDIT_MAX, Math.max(1, Math.floor(limit))) : 100;
  const rows = await db
    .selectFrom("goodgate_audit")
    .selectAll()
    .orderBy("at", "desc")
    .orderBy("id", "desc")
    .limit(most)
    .execute();
  return rows.map(auditOf);
}

export async function findGateways(db: Db): Promise<readonly GatewayInfo[]> {
  const rows = await db
    .selectFrom("goodgate_gateways")
    .selectAll()
    .orderBy("name")
    .orderBy("id")
    .limit(1_000)
    .execute();
  return rows.map(gatewayOf);
}
