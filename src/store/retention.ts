// What is old goes, and what is too much: in steps of some milliseconds each, so that a write waits for one step at
// most. By age, a gateway deletes what is its own and what gateways left that are no more; by size, whoever finds the
// store too large deletes the oldest of all: failures first, then fine points, then closed incidents, then the rest.
import { sql, type Transaction } from "kysely";
import type { SeriesKind } from "../observe/report.ts";
import type { Bytes, Ms } from "../std/units.ts";
import type { Database } from "./database.ts";
import type { Retention } from "./model.ts";
import { SPANS } from "./resolution.ts";
import type { Tables } from "./schema.ts";

const FAILURES_STEP = 150;
const INCIDENTS_STEP = 100;
const ROWS_STEP = 400;
/** It is emptied to below this share, so that it is not at the bound all the time. */
const FILL = 0.9;
/** Whatever the time. */
const EVER: Ms = Number.MAX_SAFE_INTEGER;
/** Of the bound, for the log of writes. */
const LOG_SHARE = 1 / 8;
const LOG_MAX: Bytes = 8 * 1024 * 1024;
const FINE_MS: Ms = 60_000;
const SERIES_KINDS = ["endpoint", "upstream", "route", "all"] as const satisfies readonly SeriesKind[];

type Tx = Transaction<Tables>;
/** Deletes some rows and says how many. */
type Step = (tx: Tx) => Promise<number>;

/** One step; true = there is more to do. */
export async function keepWithin(database: Database, own: string, keep: Retention, now: Ms): Promise<boolean> {
  const { db } = database;
  const deleted = await db.transaction().execute(async (tx) => {
    if (!(await database.mayDelete(tx))) return 0;
    const gateways = await agedGateways(tx, own, now - keep.forMs);
    for (const step of byAge(gateways, keep.forMs, now)) {
      const count = await step(tx);
      if (count > 0) return count;
    }
    return 0;
  });
  if (deleted > 0) {
    await database.compact();
    return true;
  }
  if ((await database.used()) > allowed(keep.bytes)) {
    const removed = await db.transaction().execute(async (tx) => {
      if (!(await database.mayDelete(tx))) return 0;
      for (const step of bySize()) {
        const count = await step(tx);
        if (count > 0) return count;
      }
      return 0;
    });
    await database.compact();
    return removed > 0;
  }
  return database.compact();
}

/** What may be in use so that file and log together stay below the bound. */
export function allowed(bytes: Bytes): Bytes {
  return bytes * FILL - Math.min(bytes * LOG_SHARE, LOG_MAX);
}

/** Those whose records this gateway looks after: itself, and who has not been seen for as long as anything is kept. */
async function agedGateways(tx: Tx, own: string, before: Ms): Promise<string[]> {
  const rows = await tx.selectFrom("goodgate_gateways").select("id").where("seen_at", "<", before).limit(100).execute();
  return [...new Set([own, ...rows.map(({ id }) => id)])];
}

function* byAge(gateways: readonly string[], forMs: Ms, now: Ms): Generator<Step> {
  const before = now - forMs;
  yield (tx) => deleteFailures(tx, sql`gateway in (${sql.join(gateways)}) and at < ${before}`);
  for (const { spanMs, keptMs } of SPANS) {
    const oldest = now - Math.min(forMs, keptMs) - spanMs;
    yield (tx) => deletePoints(tx, spanMs, sql`id in (${sql.join(gateways)})`, oldest);
  }
  // One that is still open but has not been heard of since was left behind by a gateway that was killed.
  yield (tx) =>
    deleteIncidents(
      tx,
      sql`gateway in (${sql.join(gateways)}) and opened_at < ${before} and last_at < ${before} and (closed_at is null or closed_at < ${before})`,
    );
  for (const table of ["goodgate_slow", "goodgate_marks"] as const) {
    yield (tx) => deleteSome(tx, table, sql`gateway in (${sql.join(gateways)})`, before);
  }
  yield (tx) => deleteSome(tx, "goodgate_audit", sql`gateway in (${sql.join(gateways)})`, before);
}

function* bySize(): Generator<Step> {
  yield (tx) => deleteFailures(tx, sql`1 = 1`);
  const [fine, coarse] = [SPANS.filter(isFine), SPANS.filter((span) => !isFine(span))];
  for (const { spanMs } of fine) yield (tx) => deletePoints(tx, spanMs, sql`1 = 1`, EVER);
  yield (tx) => deleteIncidents(tx, sql`closed_at is not null`);
  yield (tx) => deleteSome(tx, "goodgate_slow", sql`1 = 1`, EVER);
  for (const { spanMs } of coarse) yield (tx) => deletePoints(tx, spanMs, sql`1 = 1`, EVER);
  yield (tx) => deleteSome(tx, "goodgate_marks", sql`1 = 1`, EVER);
}

const isFine = ({ spanMs }: (typeof SPANS)[number]): boolean => spanMs <= FINE_MS;

type Condition = ReturnType<typeof sql>;

async function deleteFailures(tx: Tx, where: Condition): Promise<number> {
  return deleteWithBodies(tx, "goodgate_failures", "goodgate_failure_bodies", where, "at", FAILURES_STEP);
}

async function deleteIncidents(tx: Tx, where: Condition): Promise<number> {
  return deleteWithBodies(tx, "goodgate_incidents", "goodgate_incident_bodies", where, "opened_at", INCIDENTS_STEP);
}

async function deleteWithBodies(
  tx: Tx,
  heads: "goodgate_failures" | "goodgate_incidents",
  bodies: "goodgate_failure_bodies" | "goodgate_incident_bodies",
  where: Condition,
  by: string,
  limit: number,
): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    select id from ${sql.table(heads)} where ${where} order by ${sql.ref(by)} limit ${limit}`.execute(tx);
  if (rows.length === 0) return 0;
  const ids = rows.map(({ id }) => id);
  await tx.deleteFrom(bodies).where("id", "in", ids).execute();
  await tx.deleteFrom(heads).where("id", "in", ids).execute();
  return ids.length;
}

/** Points of the gateway and kind that has the oldest: what has no index of its own by time alone is found by its key. */
async function deletePoints(tx: Tx, spanMs: Ms, gateways: Condition, before: Ms): Promise<number> {
  let oldest: { gateway: string; kind: SeriesKind; at: Ms } | null = null;
  for (const kind of SERIES_KINDS) {
    const { rows } = await sql<{ gateway: string; at: Ms | null }>`
      select id as gateway, (select min(at) from goodgate_points
        where gateway = goodgate_gateways.id and kind = ${kind} and span_ms = ${spanMs}) as at
      from goodgate_gateways where ${gateways}`.execute(tx);
    for (const { gateway, at } of rows) {
      if (at !== null && at < before && (oldest === null || at < oldest.at)) oldest = { gateway, kind, at };
    }
  }
  if (oldest === null) return 0;
  const { gateway, kind } = oldest;
  const where = sql`gateway = ${gateway} and kind = ${kind} and span_ms = ${spanMs}`;
  return deleteSome(tx, "goodgate_points", where, before);
}

/** The tables without ids of their own go by time: those up to the moment of the last one of the step. */
async function deleteSome(
  tx: Tx,
  table: "goodgate_points" | "goodgate_slow" | "goodgate_marks" | "goodgate_audit",
  where: Condition,
  before: Ms,
): Promise<number> {
  const { rows } = await sql<{ upTo: number | null; count: number }>`
    select max(at) as "upTo", count(*) as "count" from
      (select at from ${sql.table(table)} where ${where} and at < ${before} order by at limit ${ROWS_STEP}) as oldest`.execute(
    tx,
  );
  const { upTo, count } = rows[0] ?? { upTo: null, count: 0 };
  if (upTo === null || count === 0) return 0;
  // One bound of time only: with two, SQLite may search by the wider one.
  await sql`delete from ${sql.table(table)} where ${where} and at <= ${upTo}`.execute(tx);
  return count;
}
