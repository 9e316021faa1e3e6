// The tables, the same in SQLite and PostgreSQL: text, integers (instants and spans in milliseconds, sizes in bytes),
// and JSON as text for what is only ever shown whole. What is searched stands in small rows of its own; the whole
// records (bodies) stand in tables beside them, so that a search reads little. Migrations are numbered and never
// change once they have been in a release; each runs once, in one transaction with its number.
import { type Kysely, sql, type Transaction } from "kysely";

export interface Tables {
  goodgate_schema: { version: number };
  goodgate_gateways: GatewayRow;
  goodgate_incidents: IncidentRow;
  goodgate_incident_bodies: BodyRow;
  goodgate_failures: FailureRow;
  goodgate_failure_bodies: BodyRow;
  goodgate_marks: MarkRow;
  goodgate_points: PointRow;
  goodgate_slow: SlowRow;
  goodgate_audit: AuditRow;
}

export type Db = Kysely<Tables>;

export interface GatewayRow {
  id: string;
  name: string;
  host: string;
  version: string;
  started_at: number;
  seen_at: number;
}

export interface IncidentRow {
  id: string;
  gateway: string;
  opened_at: number;
  last_at: number;
  closed_at: number | null;
  severity: string;
  cause: string;
  upstream: string;
  /** Each between line feeds. */
  endpoints: string;
  /** What a text is looked for in, in small letters. */
  search: string;
}

export interface BodyRow {
  id: string;
  body: string;
}

export interface FailureRow {
  id: string;
  gateway: string;
  at: number;
  incident: string;
  request_id: string;
  cause: string;
  upstream: string;
  endpoint: string;
  route: string;
  method: string;
  host: string;
  /** Without query, ids masked (paths.ts). */
  path: string;
  duration_ms: number;
  search: string;
}

export interface MarkRow {
  id: string;
  gateway: string;
  at: number;
  kind: string;
  said: string;
  level: string;
  upstream: string;
  endpoint: string;
  who: string;
}

export interface PointRow {
  gateway: string;
  kind: string;
  name: string;
  span_ms: number;
  at: number;
  requests: number;
  body: string;
}

export interface SlowRow {
  gateway: string;
  at: number;
  request_id: string;
  method: string;
  host: string;
  path: string;
  route: string;
  duration_ms: number;
}

export interface AuditRow {
  id: string;
  gateway: string;
  at: number;
  who: string;
  role: string;
  client: string;
  action: string;
  outcome: string;
}

type Migration = (db: Transaction<Tables>) => Promise<void>;

const MIGRATIONS: readonly Migration[] = [begin];

/** What this program writes; a store with a higher one was written by a newer program. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** The store was written by a newer program: this one must not touch it. */
export class NewerSchema extends Error {
  constructor(version: number) {
    super(
      `the store has schema ${version}, written by a newer Goodgate; this one knows up to ${SCHEMA_VERSION}. ` +
        "Upgrade this gateway, or give it a store of its own",
    );
    this.name = "NewerSchema";
  }
}

/** Version of a store; 0 = it is empty. */
export async function schemaVersion(db: Db): Promise<number> {
  const { rows } = await sql<{ version: number }>`select version from goodgate_schema`.execute(db);
  return rows[0]?.version ?? 0;
}

/** Brings the store to this program's schema. `lock` keeps other gateways out until the transaction ends. */
export async function migrate(db: Db, lock: (db: Transaction<Tables>) => Promise<void>): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await lock(tx);
    await sql`create table if not exists goodgate_schema (version integer not null)`.execute(tx);
    const version = await schemaVersion(tx);
    if (version > SCHEMA_VERSION) throw new NewerSchema(version);
    if (version === SCHEMA_VERSION) return;
    for (const migration of MIGRATIONS.slice(version)) await migration(tx);
    await tx.deleteFrom("goodgate_schema").execute();
    await tx.insertInto("goodgate_schema").values({ version: SCHEMA_VERSION }).execute();
  });
}

async function begin(db: Transaction<Tables>): Promise<void> {
  for (const statement of [
    `create table goodgate_gateways (id text primary key, name text not null, host text not null,
       version text not null, started_at bigint not null, seen_at bigint not null)`,

    `create table goodgate_incidents (id text primary key, gateway text not null, opened_at bigint not null,
       last_at bigint not null, closed_at bigint, severity text not null, cause text not null, upstream text not null,
       endpoints text not null, search text not null)`,
    "create table goodgate_incident_bodies (id text primary key, body text not null)",
    "create index goodgate_incidents_own on goodgate_incidents (gateway, opened_at, id)",
    "create index goodgate_incidents_all on goodgate_incidents (opened_at, id)",
    "create index goodgate_incidents_open on goodgate_incidents (gateway, opened_at, id) where closed_at is null",
    "create index goodgate_incidents_closed on goodgate_incidents (closed_at) where closed_at is not null",

    `create table goodgate_failures (id text primary key, gateway text not null, at bigint not null,
       incident text not null, request_id text not null, cause text not null, upstream text not null,
       endpoint text not null, route text not null, method text not null, host text not null, path text not null,
       duration_ms integer not null, search text not null)`,
    "create table goodgate_failure_bodies (id text primary key, body text not null)",
    // Holds what is filtered by, so that rows that do not fit are passed over without being read.
    `create index goodgate_failures_own on goodgate_failures
       (gateway, at, id, cause, upstream, endpoint, route)`,
    "create index goodgate_failures_all on goodgate_failures (at, id)",
    "create index goodgate_failures_incident on goodgate_failures (incident, at, id)",
    "create index goodgate_failures_request on goodgate_failures (request_id)",

    `create table goodgate_marks (id text primary key, gateway text not null, at bigint not null, kind text not null,
       said text not null, level text not null, upstream text not null, endpoint text not null, who text not null)`,
    "create index goodgate_marks_own on goodgate_marks (gateway, at)",
    "create index goodgate_marks_all on goodgate_marks (at)",

    // The time stands before the name in the key: what comes together is written together. With the name in front, each
    // series of a moment would rewrite a page of its own.
    `create table goodgate_points (gateway text not null, kind text not null, name text not null,
       span_ms integer not null, at bigint not null, requests bigint not null, body text not null,
       primary key (gateway, kind, span_ms, at, name))`,

    `create table goodgate_slow (gateway text not null, at bigint not null, request_id text not null,
       method text not null, host text not null, path text not null, route text not null,
       duration_ms integer not null)`,
    "create index goodgate_slow_own on goodgate_slow (gateway, at)",
    "create index goodgate_slow_all on goodgate_slow (at)",

    `create table goodgate_audit (id text primary key, gateway text not null, at bigint not null, who text not null,
       role text not null, client text not null, action text not null, outcome text not null)`,
    "create index goodgate_audit_at on goodgate_audit (at)",
  ]) {
    await sql.raw(statement).execute(db);
  }
}
