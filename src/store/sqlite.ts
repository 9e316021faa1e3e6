// The SQLite database: a file goodgate.db in a folder, or memory. Write-ahead log, so that other processes read while
// this one writes and a killed process leaves it whole; a file for its owner only; room is given back in small steps.
// A file that is damaged is set aside under another name and a new one is begun.
import { constants } from "node:fs";
import { chmod, mkdir, open, rename, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { Kysely } from "kysely";
import type Libsql from "libsql";
import type { Bytes } from "../std/units.ts";
import type { Database } from "./database.ts";
import { libsqlDialect } from "./libsql-dialect.ts";
import { readProblem } from "./problem.ts";
import { migrate, type Tables } from "./schema.ts";

export const FILE = "goodgate.db";

const BUSY_MS = 5_000;
const CACHE_KIB = 8 * 1024;
const PAGE: Bytes = 4_096;
/** Pages of the log until it is moved into the file: what a full disk has to have room for before anything goes on. */
const LOG_PAGES = 200;
const LOG_PAGES_MIN = 32;
/** With less room on the disk than this, file and log no longer have room to grow beside each other. */
const TIGHT: Bytes = 4 * LOG_PAGES * PAGE;
/** Pages given back in one step: some milliseconds. */
const VACUUM_PAGES = 200;

export interface SqliteOptions {
  /** The whole store is to stay below; the log of writes has its share of it. */
  readonly bytes: Bytes;
  /** For tests: "max_page_count = 100". */
  readonly pragmas?: readonly string[];
}

export interface OpenedSqlite {
  readonly database: Database;
  /** What had to be done for it; null = nothing. */
  readonly notice: string | null;
}

/** Opens or begins the store of a folder. Rejects where the folder or the file cannot be used. */
export async function openSqlite(folder: string, options: SqliteOptions): Promise<OpenedSqlite> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, FILE);
  await ownFile(file);
  try {
    return { database: await openFile(file, file, options), notice: null };
  } catch (error) {
    if (readProblem(error, false).kind !== "broken") throw error;
  }
  const aside = await setAside(file);
  await ownFile(file);
  const notice = `${file} was damaged: it is set aside as ${aside}, and a new one is begun`;
  return { database: await openFile(file, file, options), notice };
}

/** The same in memory: it ends with the process. */
export function openMemory(options: SqliteOptions): Promise<Database> {
  return openFile(":memory:", null, options);
}

/** An existing file, to read only. */
export async function openFileToRead(file: string): Promise<Database> {
  await stat(file);
  const database = await connect(`${pathToFileURL(file).href}?mode=ro`);
  database.exec(`pragma cache_size = -${CACHE_KIB}`);
  return describe(database, file);
}

/** Moves a damaged file and its log out of the way; says its new name. */
export async function setAside(file: string): Promise<string> {
  const date = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  const aside = `${file}.broken-${date}`;
  for (const part of ["", "-wal", "-shm"]) {
    try {
      await rename(`${file}${part}`, `${aside}${part}`);
    } catch (error) {
      // There need be no log.
      if (part === "" || (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return aside;
}

/** The file belongs to its owner alone from its first byte on; its log takes its rights from it. */
async function ownFile(file: string): Promise<void> {
  const handle = await open(file, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const { mode } = await handle.stat();
    if ((mode & 0o077) !== 0) await chmod(file, 0o600);
  } finally {
    await handle.close();
  }
}

async function openFile(name: string, file: string | null, options: SqliteOptions): Promise<Database> {
  const sqlite = await connect(name);
  try {
    const walPages = Math.round(Math.min(LOG_PAGES, Math.max(LOG_PAGES_MIN, options.bytes / PAGE / 16)));
    for (const pragma of [
      "auto_vacuum = incremental",
      "journal_mode = wal",
      "synchronous = normal",
      `wal_autocheckpoint = ${walPages}`,
      `journal_size_limit = ${walPages * PAGE}`,
      `cache_size = -${CACHE_KIB}`,
      "temp_store = memory",
      ...(options.pragmas ?? []),
    ]) {
      sqlite.exec(`pragma ${pragma}`);
    }
    const database = describe(sqlite, file);
    // To begin as a writer is the lock.
    await migrate(database.db, async () => undefined);
    return database;
  } catch (error) {
    sqlite.close();
    throw error;
  }
}

async function connect(name: string): Promise<Libsql.Database> {
  const { default: Sqlite } = await import("libsql");
  const database = new Sqlite(name);
  database.exec(`pragma busy_timeout = ${BUSY_MS}`);
  return database;
}

function describe(sqlite: Libsql.Database, file: string | null): Database {
  const number = (pragma: string): number => {
    // Read to its end: a statement that is left halfway keeps the log from being cut.
    const [row] = sqlite.prepare(`pragma ${pragma}`).all([]) as Record<string, unknown>[];
    return Number(Object.values(row ?? {})[0]);
  };
  const db = new Kysely<Tables>({ dialect: libsqlDialect(sqlite) });
  return {
    kind: file === null ? "memory" : "sqlite",
    where: file ?? "memory",
    db,
    bytes: async () =>
      file === null ? number("page_count") * PAGE : (await sizeOf(file)) + (await sizeOf(`${file}-wal`)),
    used: async () => (number("page_count") - number("freelist_count")) * number("page_size"),
    tight: async () => file !== null && (await roomBeside(file)) < TIGHT,
    mayDelete: async () => true,
    // Between two transactions: within one, the log cannot be cut.
    compact: () =>
      db.connection().execute(async () => {
        // Before the vacuum, which needs room in the log: on a full disk there is none.
        if (file !== null) checkpoint(sqlite);
        if (number("freelist_count") > 0) sqlite.exec(`pragma incremental_vacuum(${VACUUM_PAGES})`);
        return number("freelist_count") > 0;
      }),
    read: (error) => readProblem(error, false),
    close: async () => {
      // The statements that are kept are let go of with it.
      await db.destroy();
      if (sqlite.open) sqlite.close();
    },
  };
}

/** Moves the log into the file and cuts it, unless somebody reads or writes at this moment. */
function checkpoint(sqlite: Libsql.Database): void {
  sqlite.exec("pragma busy_timeout = 0");
  try {
    sqlite.prepare("pragma wal_checkpoint(truncate)").all([]);
  } finally {
    sqlite.exec(`pragma busy_timeout = ${BUSY_MS}`);
  }
}

async function roomBeside(file: string): Promise<Bytes> {
  const { bavail, bsize } = await statfs(dirname(file));
  return bavail * bsize;
}

async function sizeOf(file: string): Promise<Bytes> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}
