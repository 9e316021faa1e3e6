// What is written at once, as it goes from the gateway's thread to the store's.
import type { Incident, Mark } from "../incidents/model.ts";
import type { Point, TailEntry } from "../observe/report.ts";
import type { AuditEntry, StoredFailure } from "./model.ts";

export interface Batch {
  readonly audit: readonly AuditEntry[];
  readonly incidents: readonly Incident[];
  readonly marks: readonly Mark[];
  readonly failures: readonly StoredFailure[];
  readonly slow: readonly TailEntry[];
  readonly points: readonly Point[];
}

export type Kind = keyof Batch;

/** Most worth keeping first. */
export const KINDS: readonly Kind[] = ["audit", "incidents", "marks", "failures", "slow", "points"];

export const EMPTY: Batch = { audit: [], incidents: [], marks: [], failures: [], slow: [], points: [] };

export function recordsIn(batch: Batch): number {
  return KINDS.reduce((sum, kind) => sum + batch[kind].length, 0);
}

/** The batch in two; a batch of one record stays whole. */
export function halves(batch: Batch): readonly Batch[] {
  const count = recordsIn(batch);
  if (count < 2) return [batch];
  const first: Record<Kind, readonly unknown[]> = { ...EMPTY };
  const second: Record<Kind, readonly unknown[]> = { ...EMPTY };
  let left = Math.ceil(count / 2);
  for (const kind of KINDS) {
    first[kind] = batch[kind].slice(0, left);
    second[kind] = batch[kind].slice(left);
    left = Math.max(0, left - batch[kind].length);
  }
  return [first as unknown as Batch, second as unknown as Batch];
}

/** Two parts of a batch as one again. */
export function joined(first: Batch | null, second: Batch): Batch {
  if (first === null) return second;
  const both = KINDS.map((kind) => [kind, [...first[kind], ...second[kind]]] as const);
  return Object.fromEntries(both) as unknown as Batch;
}
