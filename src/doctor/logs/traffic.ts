// Several views of logs as one traffic. An access log and an error log of one gateway, or the logs of two hops, tell of the
// same failures: views whose failures coincide (same second, same path) are a group, and of a group the view that knows
// most counts. Views of other traffic (a second gateway) add up. Pure.
import type { LogTurn } from "./model.ts";
import type { Row, View } from "./view.ts";

export interface Traffic {
  /** Views that tell of the same traffic, each group with its best view first. */
  readonly groups: readonly (readonly View[])[];
  readonly turns: readonly LogTurn[];
  /** Of all lines with a time. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** Puts views together. What happened to programs counts as failures only where the logs tell of no others. */
export function correlate(all: readonly View[], turns: readonly LogTurn[]): Traffic {
  const failing = all.some(({ tells, failures }) => tells !== "turns" && failures > 0);
  const views = failing ? all.filter(({ tells }) => tells !== "turns") : all;
  const groups: View[][] = [];
  for (const view of views) {
    const same = groups.filter((group) => group.some((other) => tellTheSame(view, other)));
    const merged = [...same.flat(), view];
    for (const group of same) groups.splice(groups.indexOf(group), 1);
    groups.push(merged);
  }
  for (const group of groups) group.sort((a, b) => b.requests - a.requests || b.failures - a.failures);
  const times = all.filter(({ toMs, fromMs }) => toMs >= fromMs);
  return {
    groups,
    turns,
    fromMs: Math.min(...times.map(({ fromMs }) => fromMs)),
    toMs: Math.max(...times.map(({ toMs }) => toMs)),
  };
}

/** Half of the failures of the one that has fewer are in the other, too. */
function tellTheSame(a: View, b: View): boolean {
  const [few, many] = a.rows.length <= b.rows.length ? [a, b] : [b, a];
  if (few.rows.length === 0) return sameStream(a, b);
  const known = new Set<string>();
  for (const row of many.rows) for (const key of keysOf(row)) known.add(key);
  const sample = few.rows.slice(-2000);
  const timed = sample.filter(({ atMs }) => atMs !== null);
  if (timed.length === 0) return sameStream(a, b);
  const met = timed.filter((row) => known.has(keyAt(row, 0))).length;
  return met * 2 >= timed.length;
}

/** Messages and requests of one file are of one program. */
const sameStream = (a: View, b: View): boolean => a.file === b.file;

const keyAt = ({ atMs, path }: Row, shift: number): string => `${Math.floor((atMs ?? 0) / 1000) + shift} ${path ?? ""}`;

function keysOf(row: Row): readonly string[] {
  return row.atMs === null ? [] : [keyAt(row, -1), keyAt(row, 0), keyAt(row, 1)];
}
