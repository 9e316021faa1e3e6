// The PostgreSQL database: a small pool of connections, each with deadlines, numbers read as numbers by this pool alone.
// Several gateways may write: locks of the database's own keep migrations and deletions apart.
import { Kysely, PostgresDialect, sql } from "kysely";
import type pg from "pg";
import type { Bytes, Ms } from "../std/units.ts";
import type { Database } from "./database.ts";
import { readPostgresUrl, readProblem } from "./problem.ts";
import { migrate, type Tables } from "./schema.ts";

const CONNECT_MS: Ms = 5_000;
const STATEMENT_MS: Ms = 15_000;
const CONNECTIONS = 4;
/** "goodgate" as a number: keys of advisory locks are shared by all programs of a database. */
const LOCK = 0x600d_6a7e;
const LOCK_MIGRATE = 1;
const LOCK_DELETE = 2;

const INT8 = 20;
const NUMERIC = 1700;

/** Connects and brings the tables to this program's schema. Rejects where that cannot be done now. */
export async function openPostgres(url: string): Promise<Database> {
  const { shown, secrets } = readPostgresUrl(url);
  const { default: pgModule } = await import("pg");
  const types: pg.CustomTypesConfig = {
    getTypeParser: ((oid: number, format?: "text" | "binary") =>
      oid === INT8 || oid === NUMERIC
        ? Number
        : pgModule.types.getTypeParser(oid, format as "text")) as typeof pgModule.types.getTypeParser,
  };
  const pool = new pgModule.Pool({
    connectionString: url,
    application_name: "goodgate",
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_MS,
    idleTimeoutMillis: 60_000,
    query_timeout: STATEMENT_MS + 2_000,
    statement_timeout: STATEMENT_MS,
    idle_in_transaction_session_timeout: 2 * STATEMENT_MS,
    keepAlive: true,
    types,
  });
  // An idle connection that breaks is made anew with the next question; without a listener it would end the thread.
  pool.on("error", () => undefined);
  // The same for one that is in use, between two statements: the next one of the transaction meets it and says so.
  pool.on("connect", (client) => client.on("error", () => undefined));
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  try {
    await migrate(db, async (tx) => {
      await sql`select pg_advisory_xact_lock(${sql.lit(LOCK)}, ${sql.lit(LOCK_MIGRATE)})`.execute(tx);
    });
  } catch (error) {
    await db.destroy();
    throw error;
  }
  // Texts as they were given: what a table takes on disk would not shrink with what is deleted.
  const used = async (): Promise<Bytes> => {
    const { rows } = await sql<{ bytes: number | null }>`
      select (select coalesce(sum(octet_length(body)), 0) from goodgate_failure_bodies)
           + (select coalesce(sum(octet_length(body)), 0) from goodgate_incident_bodies)
           + (select coalesce(sum(octet_length(body) + 100), 0) from goodgate_points)
           + (select count(*) * 600 from goodgate_failures)
           + (select count(*) * 300 from goodgate_slow) as bytes`.execute(db);
    return rows[0]?.bytes ?? 0;
  };
  return {
    kind: "postgres",
    where: shown,
    db,
    bytes: used,
    used,
    tight: async () => false,
    mayDelete: async (tx) => {
      const { rows } = await sql<{ got: boolean }>`
        select pg_try_advisory_xact_lock(${sql.lit(LOCK)}, ${sql.lit(LOCK_DELETE)}) as got`.execute(tx);
      return rows[0]?.got === true;
    },
    // Its own vacuum does that.
    compact: async () => false,
    read: (error) => readProblem(error, true, secrets),
    close: () => db.destroy(),
  };
}
