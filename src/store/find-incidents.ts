// Questions about incidents: pages, newest first, filtered in small rows; the whole records of a page are read by id.
import { type SelectQueryBuilder, sql } from "kysely";
import type { Incident } from "../incidents/model.ts";
import type { IncidentQuery, Page } from "./model.ts";
import { behind, COUNT_MAX, contains, cursorText, pageLimit, readCursor, textMatch } from "./page.ts";
import { name, recordOf } from "./rows.ts";
import type { Db, IncidentRow, Tables } from "./schema.ts";

type Rows<O> = SelectQueryBuilder<Tables, "goodgate_incidents", O>;

/** `own` = the gateway that is meant when the question names none; null = all. */
export async function findIncidents(db: Db, own: string | null, query: IncidentQuery): Promise<Page<Incident>> {
  const limit = pageLimit(query.limit);
  const cursor = readCursor(query.before);
  const matching = <O>(rows: Rows<O>): Rows<O> => filtered(rows, own, query);
  let page = matching(db.selectFrom("goodgate_incidents").select(["id", "opened_at"]));
  if (cursor !== null) page = page.where(behind(cursor, "opened_at"));
  const rows = await page
    .orderBy("opened_at", "desc")
    .orderBy("id", "desc")
    .limit(limit + 1)
    .execute();
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const items = await wholeIncidents(
    db,
    shown.map(({ id }) => id),
  );
  const next = rows.length > limit && last ? cursorText({ at: last.opened_at, id: last.id }) : null;
  return { items, next, total: await countUpTo(db, matching) };
}

export async function findIncident(db: Db, id: string): Promise<Incident | null> {
  const row = await db
    .selectFrom("goodgate_incident_bodies")
    .select("body")
    .where("id", "=", name(id))
    .executeTakeFirst();
  return row ? recordOf<Incident>(row) : null;
}

async function countUpTo(db: Db, matching: <O>(rows: Rows<O>) => Rows<O>): Promise<number | null> {
  const some = matching(db.selectFrom("goodgate_incidents").select("id")).limit(COUNT_MAX + 1);
  const { count } = await db
    .selectFrom(some.as("some"))
    .select(sql<number>`count(*)`.as("count"))
    .executeTakeFirstOrThrow();
  return count > COUNT_MAX ? null : count;
}

function filtered<O>(rows: Rows<O>, own: string | null, query: IncidentQuery): Rows<O> {
  let found = rows;
  const gateway = query.gateway ?? own;
  if (gateway !== null && gateway !== "all") found = found.where("gateway", "=", name(gateway));
  if (query.state === "open") found = found.where("closed_at", "is", null);
  if (query.state === "closed") found = found.where("closed_at", "is not", null);
  if (query.severities && query.severities.length > 0) found = found.where("severity", "in", query.severities);
  if (query.upstream !== undefined) found = found.where("upstream", "=", name(query.upstream));
  if (query.cause !== undefined) found = found.where("cause", "=", query.cause);
  if (query.endpoint !== undefined) found = found.where(contains("endpoints", `\n${name(query.endpoint)}\n`));
  const { range } = query;
  if (range) {
    // Those that lasted at some moment of the range, so that an outage shows on every picture it reaches into.
    found = found
      .where("opened_at", "<", range.to)
      .where((eb) => eb.or([eb("closed_at", "is", null), eb("closed_at", ">=", range.from)]));
  }
  const text = textMatch(query.text);
  return text === null ? found : found.where(text);
}

async function wholeIncidents(db: Db, ids: readonly IncidentRow["id"][]): Promise<Incident[]> {
  if (ids.length === 0) return [];
  const rows = await db.selectFrom("goodgate_incident_bodies").selectAll().where("id", "in", ids).execute();
  const bodies = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => {
    const row = bodies.get(id);
    return row ? [recordOf<Incident>(row)] : [];
  });
}
