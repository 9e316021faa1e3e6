// What is known of a whole log once it was read: groups of lines that say the same, totals by class, one sentence.
import type { EntryClass } from "../../knowledge/entry.ts";
import type { Confidence, NextStep } from "../explanation.ts";

/** A line of the log, and its time as printed. */
export interface Moment {
  readonly line: number;
  readonly time: string | null;
}

/** A value and how often it was seen; `atMost` where others were counted in its place before. */
export interface Counted {
  readonly value: string;
  readonly count: number;
  readonly atMost: boolean;
}

/** How often, when, and what it concerned. */
export interface Tally {
  readonly count: number;
  readonly first: Moment;
  readonly last: Moment;
  /** Most frequent first; at most as many as TOP_SHOWN. */
  readonly upstreams: readonly Counted[];
  readonly hosts: readonly Counted[];
  readonly paths: readonly Counted[];
}

/** Lines of one class and one template. */
export interface LogGroup extends Tally {
  /** null = it tells of a failure that is not in the reference. */
  readonly class: EntryClass | null;
  readonly confidence: Confidence;
  readonly entry: string;
  readonly title: string;
  readonly summary: string;
  readonly next: NextStep;
  /** The line with its changing parts masked. */
  readonly template: string;
  /** The first line of the group, with those that belong to it; cut where it is long. */
  readonly sample: string;
}

/** All groups of one class together, those included that were merged into `others`. */
export interface ClassTotal extends Tally {
  readonly class: EntryClass | null;
  readonly entry: string;
  readonly title: string;
}

export interface LogReport {
  readonly lines: number;
  /** Lines that tell of normal work. */
  readonly benign: number;
  /** Lines of which nothing is known and that do not say of themselves that something failed. */
  readonly other: number;
  /** Answers with a status from 400 to 499 that no class is known for: the clients' own. */
  readonly clientErrors: number;
  /** Entries (a stack trace is one) that tell of a failure. */
  readonly failures: number;
  /** Most frequent first. */
  readonly groups: readonly LogGroup[];
  /** Groups that were dropped to stay within bounds, and the entries in them; they are in `classes`. */
  readonly others: { readonly groups: number; readonly entries: number };
  readonly classes: readonly ClassTotal[];
  /** One sentence for the top. */
  readonly verdict: string;
}
