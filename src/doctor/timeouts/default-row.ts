// A row of the table of defaults: a setting of a program, what it is when nobody sets it, and which waits of a hop it
// limits. One setting may limit several (idle_timeout of an ALB is on both sides), and many limit none that a chain is
// compared by (buffers, counts): those have no timers and are kept for what they tell.
import type { Ms } from "../../std/units.ts";
import type { SoftwareId } from "../software.ts";
import type { HopTimer, TimerId } from "./model.ts";

/** Which connection of the hop it is about. */
export type TimerSide = "client-facing" | "upstream-facing" | "worker" | "tunnel/l4";

/** A wait of a hop that a setting limits. */
export interface RowTimer {
  readonly id: TimerId;
  /** null = off: it never ends. For tries the count. */
  readonly value: Ms | null;
  /** As people write it; absent = the row's setting. */
  readonly setting?: string;
}

/** One setting. */
export interface DefaultRow {
  /** null = the kernel. */
  readonly software: SoftwareId | null;
  readonly side: TimerSide;
  readonly setting: string;
  /** In `unit`, as documented; null = none, a text where it follows another. */
  readonly standard: number | string | null;
  readonly unit: string;
  readonly atExpiry: string;
  readonly confidence: "source" | "doc" | "known" | "unsure";
  readonly source: string;
  /** Versions, limits, what disagrees. */
  readonly note: string;
  /** How it should stand to its neighbours. */
  readonly alignment: string;
  readonly timers: readonly RowTimer[];
}

/** A wait that a row limits; the setting where it differs from the row's. */
export function timer(id: TimerId, value: Ms | null, setting?: string): RowTimer {
  return setting === undefined ? { id, value } : { id, value, setting };
}

/** A row, by columns. */
export function row(
  software: SoftwareId | null,
  side: TimerSide,
  setting: string,
  standard: number | string | null,
  unit: string,
  atExpiry: string,
  confidence: DefaultRow["confidence"],
  source: string,
  note: string,
  alignment: string,
  ...timers: readonly RowTimer[]
): DefaultRow {
  return { software, side, setting, standard, unit, atExpiry, confidence, source, note, alignment, timers };
}

/** The row's timers as a hop has them that nobody configured. */
export function hopTimersOf(from: DefaultRow): readonly HopTimer[] {
  return from.timers.map(({ id, value, setting }) => ({
    id,
    setting: setting ?? from.setting,
    value,
    from: "default",
    place: null,
    confidence: from.confidence,
    atExpiry: from.atExpiry,
  }));
}
