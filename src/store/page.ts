// Pages by key: a page begins behind the last record of the page before, by time and id, so that it stays whatever is
// added meanwhile. The cursor is that key as text. And what is looked for in texts. Pure.
import { type RawBuilder, sql } from "kysely";
import type { Ms } from "../std/units.ts";
import { clip } from "./bounds.ts";

const LIMIT = 50;
const LIMIT_MAX = 500;
const NEEDLE_MAX = 200;
/** Counted up to here; beyond, how many there are is not known cheaply. */
export const COUNT_MAX = 10_000;

export interface Cursor {
  readonly at: Ms;
  readonly id: string;
}

export function cursorText({ at, id }: Cursor): string {
  return `${at.toString(36)}-${id}`;
}

/** null = from the newest on. */
export function readCursor(text: string | undefined): Cursor | null {
  if (text === undefined || text === "") return null;
  const match = /^([0-9a-z]{1,10})-(.{1,256})$/s.exec(text);
  if (!match) {
    throw new Error(
      `before: "${clip(text, 40)}" is no cursor; leave it out for the first page, or give "next" of the page before`,
    );
  }
  return { at: Number.parseInt(match[1]!, 36), id: match[2]! };
}

export function pageLimit(limit: number | undefined): number {
  if (limit === undefined || !Number.isFinite(limit)) return LIMIT;
  return Math.min(LIMIT_MAX, Math.max(1, Math.floor(limit)));
}

/** Behind the cursor, newest first. */
export function behind(cursor: Cursor, at: string): RawBuilder<boolean> {
  return sql<boolean>`(${sql.ref(at)}, ${sql.ref("id")}) < (${cursor.at}, ${cursor.id})`;
}

/** Up to the cursor and its own record, newest first. */
export function notBehind(cursor: Cursor, at: string): RawBuilder<boolean> {
  return sql<boolean>`(${sql.ref(at)}, ${sql.ref("id")}) >= (${cursor.at}, ${cursor.id})`;
}

/** Somewhere in the column `search`, whatever the case; null = nothing is looked for. */
export function textMatch(text: string | undefined): RawBuilder<boolean> | null {
  const needle = clip((text ?? "").trim().toLowerCase(), NEEDLE_MAX + 1).replace(/…$/, "");
  if (needle === "") return null;
  return contains("search", needle);
}

/** The column contains the text as it stands. */
export function contains(column: string, text: string): RawBuilder<boolean> {
  const pattern = `%${text.replace(/[!%_]/g, "!$&")}%`;
  return sql<boolean>`${sql.ref(column)} like ${pattern} escape '!'`;
}
