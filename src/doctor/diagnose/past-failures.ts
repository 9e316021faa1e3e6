// The failures that logs tell of, put together: what several sentences, or several files, say of the same class at the
// same place is one. What clients do wrong is none of the site's: scanners and aborts are in every log. Answers of which
// no line says why are counted, and told where they are more than a few. Pure.
import { CAUSES, isCauseId } from "../../failure/causes.ts";
import type { Evidence } from "../evidence.ts";
import type { LogEvent, LogFile } from "../logs/model.ts";
import { bare, failureClass } from "./clues-logs.ts";
import type { Certainty, FaultClass } from "./model.ts";
import { RANK } from "./symptom.ts";

/** Failures of one class at one place. */
export interface Failures {
  readonly class: FaultClass;
  readonly count: number;
  /** Of those that are known, ascending. */
  readonly times: readonly number[];
  /** "10.0.0.7:3000", "app/app1"; null = the lines do not say. */
  readonly place: string | null;
  readonly certainty: Certainty;
  readonly sample: LogEvent | null;
  readonly file: string;
  readonly line: number;
}

/** Answers of which no line says why. */
export interface Unnamed {
  readonly file: string;
  readonly line: number;
  readonly count: number;
  /** Lines of the file. */
  readonly of: number;
  /** "502", "502 and 504". */
  readonly statuses: string;
  readonly place: string | null;
  readonly times: readonly number[];
  readonly sample: LogEvent | null;
}

/** A client's own mistake that everybody makes is a setting of the site: of all lines, so many. */
const MOST = 0.5;
/** Of all answers, fewer errors than these happen on any day. */
const UNNAMED_SHARE = 0.001;
const UNNAMED_FEW = 3;
const UNNAMED_SHARE_OF_FEW = 0.05;

/** By class and place. */
export function failuresOf({ logs }: Evidence): Failures[] {
  const inFiles = logs.files.map((file) => merged(groupsIn(file), (a, b) => a + b));
  // Two files tell of the same requests: the larger count is of all of them.
  return merged(inFiles.flat(), Math.max);
}

function groupsIn({ file, report, events }: LogFile): Failures[] {
  return report.groups.flatMap((group): Failures[] => {
    const ofClass = events.filter((event) => event.class === group.class);
    const upstream = group.upstreams[0]?.value ?? null;
    const same = ofClass.filter((event) => event.line >= group.first.line && event.line <= group.last.line);
    const own = same.filter((event) => upstream === null || placeOf(event.upstream) === placeOf(upstream));
    const sample = own.find(({ line }) => line === group.first.line) ?? own[0] ?? ofClass[0] ?? null;
    const of = failureClass({ class: group.class, status: sample?.status ?? null });
    if (of === null || group.confidence === "none" || of === "status-only-502") return [];
    if (isClients(of, sample) && !isOfMost(of, sample, group.count, report.lines)) return [];
    return [
      {
        class: of,
        count: group.count,
        times: timesOf(own.length > 0 ? own : ofClass),
        place: placeOf(upstream),
        certainty: group.confidence,
        sample,
        file,
        line: group.first.line,
      },
    ];
  });
}

/** What a client did, and was told: no failure of the site. */
function isClients(of: FaultClass, sample: LogEvent | null): boolean {
  const status = sample?.status ?? null;
  if (status !== null && status >= 400 && status < 500) return true;
  return isCauseId(of) && CAUSES[of].status < 500 && (status === null || status < 500);
}

/** Where most of what the log tells of is that: a limit or a route of the site is wrong. */
function isOfMost(of: FaultClass, sample: LogEvent | null, count: number, lines: number): boolean {
  if (count < lines * MOST) return false;
  // Of messages the lines are failures only: they tell of no share of the requests.
  return sample?.status == null ? of === "client-request-too-large" : of !== "client-closed-request";
}

const timesOf = (events: readonly LogEvent[]): number[] =>
  events.flatMap(({ atMs }) => (atMs === null ? [] : [atMs])).sort((a, b) => a - b);

const placeOf = (upstream: string | null): string | null => (upstream === null ? null : bare(upstream));

function merged(all: readonly Failures[], count: (a: number, b: number) => number): Failures[] {
  const kept: Failures[] = [];
  for (const each of all) {
    const at = kept.findIndex((other) => isSame(other, each));
    const other = kept[at];
    if (!other) {
      kept.push(each);
      continue;
    }
    const [more, less] = other.count >= each.count ? [other, each] : [each, other];
    kept[at] = {
      ...more,
      count: count(more.count, less.count),
      times: [...new Set([...more.times, ...less.times])].sort((a, b) => a - b),
      place: fuller(more.place, less.place),
      certainty: RANK[more.certainty] >= RANK[less.certainty] ? more.certainty : less.certainty,
    };
  }
  return kept;
}

/** A worker's own log says no address, and means the one that others do. */
function isSame(a: Failures, b: Failures): boolean {
  if (a.class !== b.class) return false;
  const own = isCauseId(a.class) && CAUSES[a.class].phase === "upstream";
  return isSamePlace(a.place, b.place) || (own && (a.place === null || b.place === null));
}

/** "localhost" is what "127.0.0.1:8080" is called elsewhere in the same lines. */
function isSamePlace(a: string | null, b: string | null): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  const [one, two] = [a, b].map((each) => each.replace(/^localhost\b/, "127.0.0.1"));
  return one === two || one?.startsWith(`${two}:`) === true || two?.startsWith(`${one}:`) === true;
}

function fuller(a: string | null, b: string | null): string | null {
  return a !== null && b !== null && b.length > a.length && b.includes(":") ? b : (a ?? b);
}

// ── Answers that nothing explains ───────────────────────────────────────────────────────────────────────────────

/** Of each log that has some. */
export function unnamedOf({ logs }: Evidence): Unnamed[] {
  return logs.files.flatMap(({ file, report, events }): Unnamed[] => {
    const groups = report.groups.filter((group) => group.class === "status-only-502");
    const count = groups.reduce((sum, group) => sum + group.count, 0);
    const own = events.filter((event) => event.class === "status-only-502" && (event.status ?? 0) >= 500);
    const [sample] = own;
    if (count === 0 || !sample) return [];
    const statuses = [...new Set(own.map(({ status }) => status))].slice(0, 3);
    const places = new Set(own.map(({ upstream }) => placeOf(upstream)));
    return [
      {
        file,
        line: sample.line,
        count,
        of: report.lines,
        statuses: statuses.join(" and "),
        place: places.size === 1 ? ([...places][0] ?? null) : null,
        times: timesOf(own),
        sample,
      },
    ];
  });
}

/** More than what happens on any day, or all at once. */
export function isMany({ count, of, file }: Unnamed, { logs }: Evidence): boolean {
  const share = count / Math.max(1, of);
  const inBurst = logs.patterns.some(({ id, lines }) => id === "burst" && lines.some((line) => line.file === file));
  if (count < UNNAMED_FEW) return share >= UNNAMED_SHARE_OF_FEW;
  return share >= UNNAMED_SHARE || inBurst;
}
