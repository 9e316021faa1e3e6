// A clue: one source's opinion of what is wrong and where. decide.ts weighs them together.
import type { Certainty, FaultClass, Reason } from "./model.ts";

/** Who says so, the stronger evidence for the present failure first. */
export type ClueFrom = "log-now" | "probe" | "config" | "page" | "local" | "log" | "timing" | "status";

export interface Clue {
  readonly from: ClueFrom;
  readonly class: FaultClass;
  readonly certainty: Certainty;
  /** Id of a target; "dns"; "upstream ADDRESS" of a log; "behind ID": something behind that target, not known which. */
  readonly hop: string;
  readonly address: string | null;
  readonly depth: number;
  readonly reason: Reason;
  /** What another source adds to it. */
  readonly more?: readonly Reason[];
  readonly sinceMs?: number | null;
}

/** What is behind a gateway, where nothing tells which of it. */
export const behind = (id: string): string => `behind ${id}`;

export const isBehind = (hop: string): boolean => hop.startsWith("behind ");
