// What logs tell by themselves, where no request could be sent or those that were sent are answered: the failures that
// were written, with what they show together. A failure that something else explains, which the logs tell of at the same
// time (a kill, a crash, the member that was taken out), is called by that; two failures that only happen in one log are
// two.

import type { LogReport } from "../../explain/log/log-report.ts";
import { refines } from "../../explain/resolve.ts";
import type { EntryClass } from "../../knowledge/entry.ts";
import type { Evidence } from "../evidence.ts";
import type { LogPattern } from "../logs/model.ts";
import { bare, targetAt } from "./clues-logs.ts";
import type { Case } from "./decide.ts";
import type { Certainty, FaultClass, Reason } from "./model.ts";
import { type Failures, failuresOf, isMany, type Unnamed, unnamedOf } from "./past-failures.ts";
import { RANK } from "./symptom.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Fewer failures than these, longer ago than an hour, are no outage of a site that answers; older ones are none at all. */
const FEW = 3;
/** A gap without failures this long ends an outage, and one that is so much longer than those between its failures. */
const QUIET_MS = 10 * 60_000;
const QUIET_TIMES = 25;
/** What explains a failure comes so long before it, or is written so much later. */
const BEFORE_MS = 120_000;
const AFTER_MS = 5_000;

/** The failures of the logs as cases, the weightiest first; [] = they tell of none that matters. */
export function pastCases(evidence: Evidence, answering: boolean): Case[] {
  const all = failuresOf(evidence).filter((each) => !answering || matters(each, evidence.startedAtMs));
  const named = explained(all)
    .map((told) => caseOf(told, evidence))
    .sort((a, b) => b.score - a.score);
  if (answering) return named;
  const unnamed = unnamedOf(evidence).filter((each) => isMany(each, evidence));
  // An access log shows what the error log names: only what is more than that is without a reason.
  const left = unnamed.filter(({ count }) => all.every((each) => each.count < count / 2));
  return [...named, ...left.map((each) => unnamedCase(each, evidence))];
}

/** What the logs hold that is no fault, in words; null = nothing. */
export function quietOf({ logs }: Evidence): string | null {
  const sum = (of: (report: LogReport) => number): number =>
    logs.files.reduce((all, { report }) => all + of(report), 0);
  const failures = sum((report) => report.failures);
  if (failures === 0) return null;
  const vague = sum(({ classes }) => classes.reduce((all, { class: of, count }) => all + (isNamed(of) ? 0 : count), 0));
  const lines = number(sum((report) => report.lines));
  const clients = failures - vague;
  const said = [
    clients > 0 ? `${number(clients)} ${tell(clients)} of what clients did (aborted, refused, not found)` : null,
    vague > 0 ? `${number(vague)} ${tell(vague)} of an error without a reason` : null,
  ];
  return `of ${lines} lines of the logs ${said.filter((part) => part !== null).join(", ")}`;
}

const tell = (count: number): string => (count === 1 ? "tells" : "tell");
const isNamed = (of: EntryClass | null): boolean => of !== null && of !== "unknown" && of !== "status-only-502";

/** Whether a line of any log is in a format that is known, or says something that is. */
export function isRead({ logs }: Evidence): boolean {
  return logs.files.some(
    ({ report, formats }) => report.benign + report.failures > 0 || formats.some(({ format }) => format !== "text"),
  );
}

function matters({ count, times }: Failures, nowMs: number): boolean {
  const lastMs = times.at(-1);
  if (lastMs === undefined) return count >= FEW;
  return nowMs - lastMs < (count >= FEW ? DAY_MS : HOUR_MS);
}

// ── What explains what ──────────────────────────────────────────────────────────────────────────────────────────

interface Told extends Failures {
  /** The failures that it explains. */
  readonly seenAs: Failures | null;
}

/** What happens to a process or its machine, and is why connections to it fail. */
const WHY: ReadonlySet<FaultClass> = new Set([
  "oom-killed",
  "app-crashed",
  "worker-timeout",
  "upstream-saturated",
  "gateway-resource-exhausted",
  "backend-absent",
  "upstream-not-ready",
]);
const OF_DEAD: ReadonlySet<FaultClass> = new Set([
  "connect-refused",
  "closed-before-response",
  "socket-missing",
  "no-healthy-upstream",
]);

function explained(all: readonly Failures[]): Told[] {
  const [first, ...others] = [...all].sort((a, b) => weightOf(b) - weightOf(a));
  if (!first) return [];
  const alone = (each: Failures): Told => ({ ...each, seenAs: null });
  const other = others.find((each) => explains(each, first) || (WHY.has(first.class) && explains(first, each)));
  if (!other) return [first, ...others].map(alone);
  const [why, seen] = explains(other, first) ? [other, first] : [first, other];
  const joined: Told = {
    ...why,
    // That it was this process is told by the time only, unless both say the address.
    certainty: weakest(
      why.certainty,
      seen.certainty,
      why.place !== null && why.place === seen.place ? "proven" : "likely",
    ),
    // Process names and units are no places of connections.
    place: seen.class === "no-healthy-upstream" && !WHY.has(why.class) ? why.place : (seen.place ?? why.place),
    seenAs: seen,
  };
  const isToldToo = (each: Failures): boolean =>
    (each.place === seen.place || WHY.has(each.class)) && (each.class === why.class || explains(why, each));
  return [joined, ...others.filter((each) => each !== other && !isToldToo(each)).map(alone)];
}

function explains(why: Failures, seen: Failures): boolean {
  const ofDead = why.class === "app-crashed" && OF_DEAD.has(seen.class);
  if (!ofDead && !refines(why.class as EntryClass, seen.class as EntryClass)) return false;
  const emptied = seen.class === "no-healthy-upstream";
  if (!WHY.has(why.class) && !emptied) return false;
  if (why.times.length === 0 || seen.times.length === 0) return WHY.has(why.class) || why.place === seen.place;
  const start = runStart(seen) ?? 0;
  if (why.times.some((at) => at >= start - BEFORE_MS && at <= start + AFTER_MS)) return true;
  return !emptied && hits(why, seen) * 2 >= Math.min(why.times.length, seen.times.length);
}

/** Of the events of `why`, those that failures follow. */
function hits(why: Failures, seen: Failures): number {
  return why.times.filter((at) => seen.times.some((each) => each >= at - AFTER_MS && each <= at + BEFORE_MS)).length;
}

const weakest = (...all: readonly Certainty[]): Certainty =>
  all.reduce((a, b) => (RANK[b] < RANK[a] ? b : a), "proven");

/** The first failure of the run of failures that is the newest; null = no times are known. */
function runStart({ times, count }: Pick<Failures, "times" | "count">): number | null {
  const gaps = times.slice(1).map((at, index) => at - (times[index] ?? at));
  const typical = [...gaps].sort((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 0;
  const quiet = Math.max(QUIET_MS, typical * QUIET_TIMES);
  // Of many failures the first and the newest are known: the others lie in the widest gap.
  const widest = Math.max(...gaps, 0);
  const hidden = Math.max(0, count - times.length);
  let start = times.length - 1;
  while (start > 0) {
    const gap = gaps[start - 1] ?? 0;
    if ((gap === widest ? gap / (hidden + 1) : gap) > quiet) break;
    start -= 1;
  }
  return times[start] ?? null;
}

// ── Cases ───────────────────────────────────────────────────────────────────────────────────────────────────────

const VAGUE: ReadonlySet<FaultClass> = new Set(["status-only-502", "upstream-error-passthrough"]);

const weightOf = ({ count, certainty, class: of }: Failures): number =>
  Math.log10(count + 1) * 10 + RANK[certainty] * 6 - (VAGUE.has(of) ? 15 : 0);

function caseOf(told: Told, evidence: Evidence): Case {
  const { seenAs, place } = told;
  const target = place === null ? null : targetAt(place, evidence);
  const patterns = patternsOf(seenAs ?? told, evidence);
  const race =
    seenAs === null && told.class === "closed-before-response" && patterns.some(({ id }) => id === "idle-gap");
  const main = seenAs ?? told;
  return {
    class: race ? "keepalive-race" : told.class,
    certainty: race ? "likely" : told.certainty,
    hop: target?.id ?? (place === null ? "behind url" : `upstream ${place}`),
    address: place,
    depth: target?.depth ?? 1,
    reasons: [...linesOf(main, patterns), ...(seenAs ? linesOf(told, []) : []), ...patterns.map(reasonOf)],
    sinceMs: runStart(main),
    from: ["log"],
    score: weightOf(main),
  };
}

function linesOf({ count, times, sample, file, line }: Failures, patterns: readonly LogPattern[]): Reason[] {
  const last = times.at(-1);
  const ended = patterns.some(({ id }) => id === "over");
  const when = last === undefined ? "" : `, the last at ${clock(last)}${ended ? ", and none since" : ""}`;
  const said: Reason = {
    text: `${counted(count, "line")} ${tell(count)} of it${when}`,
    source: `log ${file}:${line}`,
  };
  return sample ? [said, { text: sample.text, source: `log ${sample.file}:${sample.line}` }] : [said];
}

const reasonOf = ({ text, lines: [line] }: LogPattern): Reason => ({
  text,
  source: line ? `log ${line.file}:${line.line}` : "logs",
});

function unnamedCase({ count, of, statuses, place, times, sample, file, line }: Unnamed, evidence: Evidence): Case {
  const last = times.at(-1);
  const until = last === undefined ? "" : `, the last at ${clock(last)}`;
  const patterns = patternsOf({ class: "status-only-502", place }, evidence);
  return {
    class: "status-only-502",
    certainty: "possible",
    hop: place === null ? "behind url" : `upstream ${place}`,
    address: place,
    depth: 1,
    reasons: [
      {
        text: `${number(count)} of ${counted(of, "line")} ${count === 1 ? "is an answer" : "are answers"} with ${statuses}${until}, and no line says why`,
        source: `log ${file}:${line}`,
      },
      ...(sample ? [{ text: sample.text, source: `log ${sample.file}:${sample.line}` }] : []),
      ...patterns.map(reasonOf),
    ],
    sinceMs: runStart({ times, count }),
    from: ["log"],
    score: 0,
  };
}

/** Those of this class first. */
function patternsOf({ class: of, place }: Pick<Failures, "class" | "place">, { logs }: Evidence): LogPattern[] {
  const isOf = (pattern: LogPattern): boolean =>
    pattern.class === of || (of === "closed-before-response" && pattern.class === "keepalive-race");
  return logs.patterns
    .filter((pattern) => pattern.class === null || isOf(pattern))
    .filter(({ upstream }) => upstream === null || place === null || bare(upstream) === place)
    .sort((a, b) => Number(isOf(b)) - Number(isOf(a)))
    .filter(({ id }, index, all) => all.findIndex((each) => each.id === id) === index)
    .slice(0, 3);
}

const number = (value: number): string => value.toLocaleString("en");
const counted = (count: number, what: string): string => `${number(count)} ${what}${count === 1 ? "" : "s"}`;

/** "2026-11-21 20:15:03 UTC". */
export function clock(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
