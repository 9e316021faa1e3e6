// Rows in, many at a time. The number of rows in a statement is a power of two, so that there are few statements and
// each is prepared once. A row that is there already is replaced: what is written twice is the newer of the two.
import { sql, type Transaction } from "kysely";
import type { Tables } from "./schema.ts";

const ROWS_MAX = 64;

/** Inserts rows; those with the same key replace what is there. No key = they are only added. */
export async function insertRows<T extends keyof Tables & string>(
  db: Transaction<Tables>,
  table: T,
  rows: readonly Tables[T][],
  key: readonly (keyof Tables[T] & string)[],
): Promise<void> {
  const unique = key.length === 0 ? rows : lastOfEach(rows, key);
  let at = 0;
  while (at < unique.length) {
    let size = ROWS_MAX;
    while (size > unique.length - at) size /= 2;
    await insertChunk(db, table, unique.slice(at, at + size), key);
    at += size;
  }
}

async function insertChunk<T extends keyof Tables & string>(
  db: Transaction<Tables>,
  table: T,
  rows: readonly Tables[T][],
  key: readonly (keyof Tables[T] & string)[],
): Promise<void> {
  // The builder's types want one table by name; the rows have been typed above.
  const insert = (db as unknown as Transaction<{ any_table: Record<string, unknown> }>)
    .insertInto(table as unknown as "any_table")
    .values(rows as readonly Record<string, unknown>[]);
  if (key.length === 0) {
    await insert.execute();
    return;
  }
  const others = Object.keys(rows[0] as object).filter((column) => !(key as readonly string[]).includes(column));
  const replaced = Object.fromEntries(others.map((column) => [column, sql.ref(`excluded.${column}`)]));
  await insert.onConflict((conflict) => conflict.columns(key as readonly string[]).doUpdateSet(replaced)).execute();
}

/** PostgreSQL refuses a statement that has a key twice. */
function lastOfEach<R>(rows: readonly R[], key: readonly (keyof R)[]): readonly R[] {
  const found = new Map<string, R>();
  for (const row of rows) found.set(JSON.stringify(key.map((column) => row[column])), row);
  return found.size === rows.length ? rows : [...found.values()];
}
