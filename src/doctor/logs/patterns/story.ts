// What one traffic tells, as the patterns need it: of the views that tell of the same failures, the one that names causes
// gives the failures, the one that has requests gives what they are compared with. Pure.
import { CAUSES, type CauseId, isCauseId } from "../../../failure/causes.ts";
import type { EntryClass } from "../../../knowledge/entry.ts";
import type { LogPattern, LogTurn } from "../model.ts";
import type { Row, View } from "../view.ts";

export interface Story {
  readonly views: readonly View[];
  /** Its rows are the failures. */
  readonly failing: View;
  /** Failures with a time, oldest first. */
  readonly timed: readonly (Row & { readonly atMs: number })[];
  /** The view with the most requests; null = only failures are known. */
  readonly asked: View | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly turns: readonly LogTurn[];
}

const isNamed = (of: EntryClass | null): boolean => of !== null && isCauseId(of);

/** null = nothing failed. */
export function storyOf(views: readonly View[], turns: readonly LogTurn[]): Story | null {
  const most = Math.max(0, ...views.map(({ failures }) => failures));
  if (most === 0) return null;
  const able = views.filter(({ failures }) => failures * 2 >= most);
  const named = (view: View) => view.rows.filter((row) => isNamed(row.class)).length;
  const failing = able.reduce((best, view) => (named(view) > named(best) ? view : best));
  const asked = views.reduce<View | null>((best, view) => (view.requests > (best?.requests ?? 0) ? view : best), null);
  const timed = failing.rows.filter((row): row is Row & { readonly atMs: number } => row.atMs !== null);
  timed.sort((a, b) => a.atMs - b.atMs);
  return {
    views,
    failing,
    timed,
    asked,
    fromMs: Math.min(...views.map(({ fromMs }) => fromMs)),
    toMs: Math.max(...views.map(({ toMs }) => toMs)),
    turns,
  };
}

/** The cause of most of these failures; null = none has the majority, or only statuses are known. */
export function mainCause(rows: readonly Row[]): CauseId | null {
  const counts = new Map<EntryClass | null, number>();
  for (const row of rows) counts.set(row.class, (counts.get(row.class) ?? 0) + 1);
  return majority(counts);
}

/** The cause with more than half of what is counted. */
export function majority(counts: ReadonlyMap<EntryClass | null, number>): CauseId | null {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  for (const [of, count] of counts) if (of !== null && isCauseId(of) && count * 2 > sum) return of;
  return null;
}

const LINES_MAX = 5;

/** A few of the lines, spread over all. */
export function linesOf(file: string, rows: readonly { readonly line: number }[]): LogPattern["lines"] {
  const step = Math.max(1, Math.floor(rows.length / LINES_MAX));
  const lines: { file: string; line: number }[] = [];
  for (let at = 0; at < rows.length && lines.length < LINES_MAX; at += step) {
    const row = rows[at];
    if (row) lines.push({ file, line: row.line });
  }
  return lines;
}

type Some = Pick<LogPattern, "id" | "certainty" | "text" | "count"> & Partial<LogPattern>;

/** A pattern; what is not given is not known. */
export function pattern(some: Some): LogPattern {
  return { class: null, upstream: null, fromMs: null, toMs: null, durationMs: null, timers: [], lines: [], ...some };
}

/** The failure in words. */
export const titleOf = (of: CauseId): string => CAUSES[of].title;
