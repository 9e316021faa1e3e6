// Questions about failures: pages, newest first. A text is looked for in a bounded number of rows at a time; where more
// are left, the page says so by its cursor, even when it found nothing.
import { type SelectQueryBuilder, sql } from "kysely";
import type { FailureQuery, Page, StoredFailure } from "./model.ts";
import { behind, COUNT_MAX, cursorText, notBehind, pageLimit, readCursor, textMatch } from "./page.ts";
import { name, recordOf } from "./rows.ts";
import type { Db, Tables } from "./schema.ts";

/** Rows that one question for a text looks through. */
const SCAN_MAX = 50_000;

type Rows<O> = SelectQueryBuilder<Tables, "goodgate_failures", O>;

interface Key {
  readonly id: string;
  readonly at: number;
}

/** `own` = the gateway that is meant when the question names none; null = all. */
export async function findFailures(db: Db, own: string | null, query: FailureQuery): Promise<Page<StoredFailure>> {
  const limit = pageLimit(query.limit);
  const cursor = readCursor(query.before);
  const matching = <O>(rows: Rows<O>): Rows<O> => filtered(rows, own, query);
  let candidates = matching(db.selectFrom("goodgate_failures").select(["id", "at"]))
    .orderBy("at", "desc")
    .orderBy("id", "desc");
  if (cursor !== null) candidates = candidates.where(behind(cursor, "at"));
  const text = textMatch(query.text);
  let scanned: Key | undefined;
  if (text !== null) {
    // Where looking ends; from its index alone, and then as many rows are read as the page needs.
    scanned = await candidates
      .offset(SCAN_MAX - 1)
      .limit(1)
      .executeTakeFirst();
    if (scanned) candidates = candidates.where(notBehind(scanned, "at"));
    candidates = candidates.where(text);
  }
  const keys = await candidates.limit(limit + 1).execute();
  const last = keys.length > limit ? keys[limit - 1] : scanned;
  return {
    items: await wholeFailures(
      db,
      keys.slice(0, limit).map(({ id }) => id),
    ),
    next: last ? cursorText(last) : null,
    total: text === null ? await countUpTo(db, matching) : null,
  };
}

/** By its id, or the newest by the id of its request. */
export async function findFailure(db: Db, id: string): Promise<StoredFailure | null> {
  const wanted = name(id);
  const [own] = await wholeFailures(db, [wanted]);
  if (own) return own;
  const row = await db
    .selectFrom("goodgate_failures")
    .select("id")
    .where("request_id", "=", wanted)
    .orderBy("at", "desc")
    .limit(1)
    .executeTakeFirst();
  return row ? ((await wholeFailures(db, [row.id]))[0] ?? null) : null;
}

async function countUpTo(db: Db, matching: <O>(rows: Rows<O>) => Rows<O>): Promise<number | null> {
  const some = matching(db.selectFrom("goodgate_failures").select("id")).limit(COUNT_MAX + 1);
  const { count } = await db
    .selectFrom(some.as("some"))
    .select(sql<number>`count(*)`.as("count"))
    .executeTakeFirstOrThrow();
  return count > COUNT_MAX ? null : count;
}

function filtered<O>(rows: Rows<O>, own: string | null, query: FailureQuery): Rows<O> {
  let found = rows;
  // The failures of an incident are its gateway's.
  const gateway = query.gateway ?? (query.incident === undefined ? own : null);
  if (gateway !== null && gateway !== "all") found = found.where("gateway", "=", name(gateway));
  for (const column of ["incident", "upstream", "endpoint", "route", "cause"] as const) {
    const value = query[column];
    if (value !== undefined) found = found.where(column, "=", name(value));
  }
  const { range } = query;
  return range ? found.where("at", ">=", range.from).where("at", "<", range.to) : found;
}

async function wholeFailures(db: Db, ids: readonly string[]): Promise<StoredFailure[]> {
  if (ids.length === 0) return [];
  const rows = await db.selectFrom("goodgate_failure_bodies").selectAll().where("id", "in", ids).execute();
  const bodies = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => {
    const row = bodies.get(id);
    return row ? [recordOf<StoredFailure>(row)] : [];
  });
}
