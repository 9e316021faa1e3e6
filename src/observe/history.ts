// From counters that only grow to figures per span of time: the differences between one snapshot of the metrics and
// the next, a point for everything, for each route, upstream and endpoint that had traffic. Snapshots are those of all
// workers added up; where one ended and the sum is less than before, the difference counts as none, never as less.
import { CAUSES, type CauseId } from "../failure/causes.ts";
import type { Ms } from "../std/units.ts";
import type { Family, Sample } from "./metrics-text.ts";
import type { Counts, Point, SeriesKind } from "./report.ts";
import { LATENCY_BOUNDS_MS } from "./series.ts";

/** 1xx … 5xx, none. */
const CLASSES = 6;
const NONE = CLASSES - 1;
const SERVER_ERRORS = 4;
const KINDS = ["all", "route", "upstream", "endpoint"] as const satisfies readonly SeriesKind[];
const BUCKETS = LATENCY_BOUNDS_MS.length + 1;

// What is counted of one series, by place in an array of numbers.
const REQUESTS = 0;
const SHOWN = 1;
/** Of those shown, the ones that have a status of 5xx; the others were cut. */
const SHOWN_WHOLE = 2;
const SAVED = 3;
const OWN_ERRORS = 4;
const BYTES_IN = 5;
const BYTES_OUT = 6;
const LATENCY_SUM = 7;
const CLASS = 8;
const LATENCY = CLASS + CLASSES;
const NUMBERS = LATENCY + BUCKETS;

/** One series: its totals since the start in the snapshot that is read, and in the one before. */
interface Totals {
  readonly kind: SeriesKind;
  readonly name: string;
  /** The last snapshot that it was in. */
  round: number;
  now: Float64Array;
  before: Float64Array;
  /** By cause, and by what saved it ("by " in front). */
  named: Map<string, number> | null;
  namedBefore: Map<string, number> | null;
}

/** The differences between snapshots. */
export class History {
  readonly #series: Readonly<Record<SeriesKind, Map<string, Totals>>> = {
    all: new Map(),
    route: new Map(),
    upstream: new Map(),
    endpoint: new Map(),
  };
  #round = 0;
  #takenAt: Ms = 0;

  /** Points since the last call, for series that had traffic; the first call only notes where counting begins. */
  take(families: readonly Family[], wall: Ms): Point[] {
    this.#round++;
    for (const family of families) READERS[family.name]?.(this, family);
    // A clock that was set back: what was counted meanwhile belongs to now.
    const spanMs = wall > this.#takenAt ? wall - this.#takenAt : 0;
    this.#takenAt = wall;
    const points: Point[] = [];
    for (const kind of KINDS) {
      for (const totals of this.#series[kind].values()) {
        // It has left the metrics: as if it had never been.
        if (totals.round < this.#round) this.#series[kind].delete(totals.name);
        else if (this.#round > 1) pushDifference(points, totals, wall - spanMs, spanMs);
      }
    }
    return points;
  }

  /** The totals of a series in the snapshot that is read. */
  totals(kind: SeriesKind, name: string): Totals {
    let totals = this.#series[kind].get(name);
    if (totals === undefined) {
      const [now, before] = [new Float64Array(NUMBERS), new Float64Array(NUMBERS)];
      totals = { kind, name, round: this.#round, now, before, named: null, namedBefore: null };
      this.#series[kind].set(name, totals);
    } else if (totals.round < this.#round) {
      const { now, before } = totals;
      totals.round = this.#round;
      totals.before = now;
      totals.now = before.fill(0);
      totals.namedBefore = totals.named;
      totals.named = null;
    }
    return totals;
  }
}

type Reader = (history: History, family: Family) => void;

/** The families that are read; the order of their labels stands in series.ts. */
const READERS: Readonly<Record<string, Reader>> = {
  goodgate_requests_total: requestReader((totals, labels, value) => {
    totals.now[REQUESTS]! += value;
    totals.now[CLASS + classOf(labels[3]!)]! += value;
  }),
  goodgate_request_duration_seconds: (history, { samples }) => {
    for (const sample of samples) ofRequest(history, sample.labels, (totals) => addTimes(totals, sample));
  },
  goodgate_shown_total: requestReader(({ now }, labels, value) => {
    now[SHOWN]! += value;
    if (CAUSES[labels[2] as CauseId]?.phase !== "response-body") now[SHOWN_WHOLE]! += value;
  }),
  goodgate_avoided_total: requestReader((totals, labels, value) => {
    totals.now[SAVED]! += value;
    count(totals, BY + labels[2]!, value);
  }),
  goodgate_failures_total: requestReader((totals, labels, value) => count(totals, labels[2]!, value)),
  goodgate_received_bytes_total: requestReader(({ now }, _, value) => {
    now[BYTES_IN]! += value;
  }),
  goodgate_sent_bytes_total: requestReader(({ now }, _, value) => {
    now[BYTES_OUT]! += value;
  }),
  goodgate_upstream_attempts_total: endpointReader(({ now }, labels, value) => {
    now[REQUESTS]! += value;
    if (labels[2] === "failure") now[SHOWN]! += value;
  }),
  goodgate_upstream_failures_total: endpointReader((totals, labels, value) => count(totals, labels[2]!, value)),
  goodgate_upstream_errors_total: endpointReader(({ now }, _, value) => {
    now[OWN_ERRORS]! += value;
  }),
  goodgate_upstream_head_seconds: (history, { samples }) => {
    for (const sample of samples) addTimes(ofEndpoint(history, sample.labels), sample);
  },
};

type Add = (totals: Totals, labels: readonly string[], value: number) => void;

function requestReader(add: Add): Reader {
  return (history, { samples }) => {
    for (const sample of samples) {
      if (!("value" in sample)) continue;
      ofRequest(history, sample.labels, (totals) => add(totals, sample.labels, sample.value));
    }
  };
}

function endpointReader(add: Add): Reader {
  return (history, { samples }) => {
    for (const sample of samples) {
      if ("value" in sample) add(ofEndpoint(history, sample.labels), sample.labels, sample.value);
    }
  };
}

/** All, the route, the upstream: requests without the one or the other are in the first only. */
function ofRequest(history: History, labels: readonly string[], add: (totals: Totals) => void): void {
  const [route = "", upstream = ""] = labels;
  add(history.totals("all", ""));
  if (route !== "") add(history.totals("route", route));
  if (upstream !== "") add(history.totals("upstream", upstream));
}

function ofEndpoint(history: History, labels: readonly string[]): Totals {
  return history.totals("endpoint", `${labels[0]} ${labels[1]}`);
}

/** What a series is found by. */
export function seriesKey(kind: SeriesKind, name: string): string {
  return `${kind} ${name}`;
}

function addTimes({ now }: Totals, sample: Sample): void {
  if (!("counts" in sample)) return;
  for (let bucket = 0; bucket < BUCKETS; bucket++) now[LATENCY + bucket]! += sample.counts[bucket] ?? 0;
  now[LATENCY_SUM]! += sample.sum * 1000;
}

/** "404" and "4xx" → 3; "none" → the last. */
function classOf(code: string): number {
  const digit = code.charCodeAt(0) - 0x31;
  return digit >= 0 && digit < NONE ? digit : NONE;
}

const BY = "by ";

function count(totals: Totals, name: string, value: number): void {
  totals.named ??= new Map();
  totals.named.set(name, (totals.named.get(name) ?? 0) + value);
}

function pushDifference(points: Point[], totals: Totals, at: Ms, spanMs: Ms): void {
  const { kind, name, now, before } = totals;
  const grown = (place: number): number => Math.max(0, now[place]! - before[place]!);
  const requests = grown(REQUESTS);
  const shown = grown(SHOWN);
  const saved = grown(SAVED);
  const bytesIn = grown(BYTES_IN);
  const bytesOut = grown(BYTES_OUT);
  if (requests + shown + saved + bytesIn + bytesOut === 0) return;
  const classes: number[] = [];
  for (let i = 0; i < CLASSES; i++) classes.push(grown(CLASS + i));
  const latency: number[] = [];
  for (let i = 0; i < BUCKETS; i++) latency.push(grown(LATENCY + i));
  const ownErrors = kind === "endpoint" ? grown(OWN_ERRORS) : Math.max(0, classes[SERVER_ERRORS]! - grown(SHOWN_WHOLE));
  const latencySumMs = Math.round(grown(LATENCY_SUM) * 1000) / 1000;
  const [causes, savedBy] = namedOf(totals);
  points.push({
    kind,
    name,
    at,
    spanMs,
    requests,
    classes,
    shown,
    saved,
    causes,
    savedBy,
    ownErrors,
    latency,
    latencySumMs,
    bytesIn,
    bytesOut,
  });
}

function namedOf({ named, namedBefore }: Totals): [causes: Counts, savedBy: Counts] {
  const causes: Record<string, number> = {};
  const savedBy: Record<string, number> = {};
  if (named === null) return [causes, savedBy];
  for (const [name, value] of named) {
    const more = value - (namedBefore?.get(name) ?? 0);
    if (more <= 0) continue;
    if (name.startsWith(BY)) savedBy[name.slice(BY.length)] = more;
    else causes[name] = more;
  }
  return [causes, savedBy];
}

/** Points of longer spans: those of one series that begin in the same span (of the wall clock) are added up. */
export function mergePoints(points: readonly Point[], spanMs: Ms): Point[] {
  const merged = new Map<string, Point[]>();
  for (const point of points) {
    const at = Math.floor(point.at / spanMs) * spanMs;
    const key = `${at} ${seriesKey(point.kind, point.name)}`;
    const others = merged.get(key);
    if (others === undefined) merged.set(key, [point]);
    else others.push(point);
  }
  return [...merged.values()].map((same) => sumOf(same, Math.floor(same[0]!.at / spanMs) * spanMs, spanMs));
}

function sumOf(points: readonly Point[], at: Ms, spanMs: Ms): Point {
  const { kind, name } = points[0]!;
  const sum = (value: (point: Point) => number): number => points.reduce((total, point) => total + value(point), 0);
  const known = points.some((point) => point.ownErrors !== undefined);
  return {
    ...{ kind, name, at, spanMs },
    requests: sum((point) => point.requests),
    classes: sumOfLists(points.map((point) => point.classes)),
    shown: sum((point) => point.shown),
    saved: sum((point) => point.saved),
    causes: sumOfCounts(points.map((point) => point.causes)),
    savedBy: sumOfCounts(points.map((point) => point.savedBy)),
    ...(known && { ownErrors: sum((point) => point.ownErrors ?? 0) }),
    latency: sumOfLists(points.map((point) => point.latency)),
    latencySumMs: sum((point) => point.latencySumMs),
    bytesIn: sum((point) => point.bytesIn),
    bytesOut: sum((point) => point.bytesOut),
  };
}

function sumOfLists(lists: readonly (readonly number[])[]): number[] {
  const sums: number[] = [];
  for (const list of lists) for (let i = 0; i < list.length; i++) sums[i] = (sums[i] ?? 0) + list[i]!;
  return sums;
}

function sumOfCounts(all: readonly Counts[]): Counts {
  const sums: Record<string, number> = {};
  for (const counts of all) {
    for (const [name, value] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + value;
  }
  return sums;
}
