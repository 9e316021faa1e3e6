// Failures over time, for a plot, and counts by member. About 60 equal steps over the time that matters: from somewhat
// before the first failure to somewhat after the last. Pure.
import type { EntryClass } from "../../knowledge/entry.ts";
import type { Ms } from "../../std/units.ts";
import type { FailureSeries, MemberCount } from "./model.ts";
import type { Traffic } from "./traffic.ts";
import type { View } from "./view.ts";

const STEPS_MS: readonly Ms[] = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000,
].map((seconds) => seconds * 1000);
const COLUMNS = 60;
const CLASSES_MAX = 6;
const TURNS_MAX = 200;

/** null = no failure with a time. */
export function seriesOf(traffic: Traffic): FailureSeries | null {
  const window = windowOf(traffic);
  if (!window) return null;
  const stepMs = STEPS_MS.find((step) => (window.toMs - window.fromMs) / step <= COLUMNS) ?? 2_592_000_000;
  const fromMs = Math.floor(window.fromMs / stepMs) * stepMs;
  const columns = Math.floor((window.toMs - fromMs) / stepMs) + 1;
  const total = new Counts(columns);
  for (const group of traffic.groups) {
    const known = new Counts(columns);
    for (const view of group) known.atLeast(countsOf(view, fromMs, stepMs, columns));
    total.add(known);
  }
  const turns = traffic.turns.filter(({ atMs }) => atMs !== null && atMs >= fromMs && atMs < fromMs + columns * stepMs);
  return {
    fromMs,
    stepMs,
    requests: total.requests.some((count) => count > 0) ? total.requests : null,
    failures: total.failures,
    classes: total.largest(),
    turns: turns.slice(-TURNS_MAX),
  };
}

function windowOf({ groups, fromMs, toMs }: Traffic): { fromMs: number; toMs: number } | null {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { buckets } of groups.flat()) {
    for (const [start, { failures }] of buckets.counts) {
      if (failures === 0) continue;
      first = Math.min(first, start);
      last = Math.max(last, start + buckets.stepMs - 1);
    }
  }
  if (first > last) return null;
  const around = Math.max(30_000, (last - first) / 4);
  return {
    fromMs: Math.max(Math.min(fromMs, first), first - around),
    toMs: Math.min(Math.max(toMs, last), last + around),
  };
}

class Counts {
  readonly requests: number[];
  readonly failures: number[];
  readonly classes = new Map<EntryClass | null, number[]>();

  constructor(columns: number) {
    this.requests = new Array<number>(columns).fill(0);
    this.failures = new Array<number>(columns).fill(0);
  }

  of(name: EntryClass | null): number[] {
    let counts = this.classes.get(name);
    if (!counts) {
      counts = new Array<number>(this.requests.length).fill(0);
      this.classes.set(name, counts);
    }
    return counts;
  }

  /** Two views of the same: step by step, the one that knows more; the classes are those of that view. */
  atLeast(other: Counts): void {
    for (const [step, failures] of other.failures.entries()) {
      this.requests[step] = Math.max(this.requests[step] ?? 0, other.requests[step] ?? 0);
      const own = this.failures[step] ?? 0;
      if (failures < own || failures === 0) continue;
      // As many, and the other names causes where this has statuses only.
      if (failures === own && named(other, step) <= named(this, step)) continue;
      this.failures[step] = failures;
      for (const counts of this.classes.values()) counts[step] = 0;
      for (const [name, counts] of other.classes) this.of(name)[step] = counts[step] ?? 0;
    }
  }

  add(other: Counts): void {
    addTo(this.requests, other.requests);
    addTo(this.failures, other.failures);
    for (const [name, counts] of other.classes) addTo(this.of(name), counts);
  }

  /** The classes with the most failures, and the rest together. */
  largest(): { class: EntryClass | "other"; counts: readonly number[] }[] {
    const known: { class: EntryClass | "other"; counts: number[] }[] = [];
    const other = new Array<number>(this.requests.length).fill(0);
    const ordered = [...this.classes].map(([name, counts]) => ({ name, counts, sum: sumOf(counts) }));
    ordered.sort((a, b) => b.sum - a.sum);
    for (const { name, counts, sum } of ordered) {
      if (sum === 0) continue;
      if (name !== null && name !== "unknown" && known.length < CLASSES_MAX) known.push({ class: name, counts });
      else addTo(other, counts);
    }
    return sumOf(other) > 0 ? [...known, { class: "other", counts: other }] : known;
  }
}

function named(counts: Counts, step: number): number {
  let sum = 0;
  for (const [name, each] of counts.classes) if (name !== null && name !== "status-only-502") sum += each[step] ?? 0;
  return sum;
}

function countsOf(view: View, fromMs: number, stepMs: Ms, columns: number): Counts {
  const counts = new Counts(columns);
  for (const [start, { requests, failures, classes }] of view.buckets.counts) {
    const step = Math.floor((start - fromMs) / stepMs);
    if (step < 0 || step >= columns) continue;
    counts.requests[step] = (counts.requests[step] ?? 0) + requests;
    counts.failures[step] = (counts.failures[step] ?? 0) + failures;
    for (const [name, count] of classes) {
      const each = counts.of(name);
      each[step] = (each[step] ?? 0) + count;
    }
  }
  return counts;
}

function addTo(into: number[], other: readonly number[]): void {
  for (const [index, count] of other.entries()) into[index] = (into[index] ?? 0) + count;
}

const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

const MEMBERS_MAX = 100;

/** By upstream, most failures first. */
export function membersOf({ groups }: Traffic): MemberCount[] {
  const members = new Map<string, MemberCount>();
  for (const group of groups) {
    const inGroup = new Map<string, MemberCount>();
    for (const view of group) for (const count of countsByMember(view)) keepBetter(inGroup, count);
    for (const count of inGroup.values()) {
      const known = members.get(count.upstream);
      members.set(count.upstream, known ? summed(known, count) : count);
    }
  }
  const ordered = [...members.values()].sort(
    (a, b) => b.failures - a.failures || (b.requests ?? 0) - (a.requests ?? 0),
  );
  return ordered.slice(0, MEMBERS_MAX);
}

function countsByMember({ members }: View): MemberCount[] {
  return [...members].map(([upstream, { requests, failures, classes }]) => ({
    upstream,
    requests: requests > 0 ? requests : null,
    failures,
    classes: [...classes].map(([name, count]) => ({ class: name, count })).sort((a, b) => b.count - a.count),
  }));
}

/** Two views of the same member: the larger counts, and the classes that say more. */
function keepBetter(into: Map<string, MemberCount>, count: MemberCount): void {
  const known = into.get(count.upstream);
  if (!known) {
    into.set(count.upstream, count);
    return;
  }
  const more = count.failures > known.failures ? count : known;
  const causes = ({ classes }: MemberCount) =>
    classes.filter(({ class: of }) => of !== null && of !== "status-only-502").length;
  into.set(count.upstream, {
    upstream: count.upstream,
    requests: known.requests === null ? count.requests : Math.max(known.requests, count.requests ?? 0),
    failures: more.failures,
    classes: causes(count) > causes(known) ? count.classes : known.classes,
  });
}

function summed(a: MemberCount, b: MemberCount): MemberCount {
  return {
    upstream: a.upstream,
    requests: a.requests === null && b.requests === null ? null : (a.requests ?? 0) + (b.requests ?? 0),
    failures: a.failures + b.failures,
    classes: [...a.classes, ...b.classes.filter((each) => !a.classes.some((own) => own.class === each.class))].map(
      ({ class: of }) => ({
        class: of,
        count: [...a.classes, ...b.classes]
          .filter((each) => each.class === of)
          .reduce((sum, each) => sum + each.count, 0),
      }),
    ),
  };
}
