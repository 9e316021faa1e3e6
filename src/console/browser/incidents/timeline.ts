// Where incidents and marks stand on the picture of time above the list: bars in lanes, marks in one row beneath,
// everything in shares (0 to 1) of the range, so that nothing here has to know pixels but how small is too small.
// Bars that would lie on each other go to different lanes; when all lanes are full, what is left is counted per slice
// of time ("and 12 more"), the most severe first into the lanes. Marks closer than a finger become one with a number.
import type { Mark, MarkKind, Severity } from "../../../incidents/model.ts";
import type { Ms } from "../../../std/units.ts";
import type { Range } from "../../../store/model.ts";
import type { IncidentRow } from "../../model.ts";

export interface TimelineBar {
  readonly incident: IncidentRow;
  readonly from: number;
  readonly to: number;
  readonly lane: number;
  /** It began before the range, or goes on behind it. */
  readonly cutLeft: boolean;
  readonly cutRight: boolean;
}

export interface TimelineMore {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly severity: Severity;
}

export interface TimelineMark {
  readonly at: number;
  readonly kind: MarkKind;
  readonly group: MarkGroup;
  /** Oldest first; one but for those that stand too close. */
  readonly marks: readonly Mark[];
}

export interface TimelineLayout {
  readonly bars: readonly TimelineBar[];
  readonly lanes: number;
  readonly more: readonly TimelineMore[];
  readonly marks: readonly TimelineMark[];
}

/** Kinds of marks that look alike: what people did, what the program did, what became worse, what became better. */
export type MarkGroup = "deploy" | "reload" | "start" | "action" | "worse" | "better";

export const MARK_GROUPS: Readonly<Record<MarkKind, MarkGroup>> = {
  started: "start",
  stopping: "start",
  upgrade: "start",
  reload: "reload",
  "reload-refused": "reload",
  deploy: "deploy",
  action: "action",
  "endpoint-gone": "worse",
  "endpoint-back": "better",
  "health-down": "worse",
  "health-up": "better",
  ejected: "worse",
  returned: "better",
  "poison-request": "worse",
  "keepalive-learnt": "action",
  "breaker-opened": "worse",
  "breaker-closed": "better",
  "outage-begun": "worse",
  "outage-ended": "better",
  "addresses-changed": "reload",
};

export const GROUP_NAMES: Readonly<Record<MarkGroup, string>> = {
  deploy: "deploy",
  reload: "reload, addresses",
  start: "start, stop, upgrade",
  action: "action, learnt",
  worse: "down",
  better: "back",
};

/** Most telling first: what a cluster is shown as. */
const GROUP_ORDER: readonly MarkGroup[] = ["deploy", "worse", "reload", "start", "better", "action"];
const SEVERITY_ORDER: readonly Severity[] = ["outage", "degraded", "saved", "notice"];

const MORE_SLICES = 48;
/** A mark with its number is this much wider than what can just be seen. */
const MARK_SMALLS = 4;

/** Lays out a range; `small` is the share of it below which nothing can be seen or hit (a few pixels). */
export function timelineLayout(
  range: Range,
  incidents: readonly IncidentRow[],
  marks: readonly Mark[],
  { small, lanesMax, now }: { readonly small: number; readonly lanesMax: number; readonly now: Ms },
): TimelineLayout {
  const span = Math.max(1, range.to - range.from);
  const share = (at: Ms): number => Math.min(1, Math.max(0, (at - range.from) / span));
  const inRange = incidents
    .filter((incident) => incident.openedAt < range.to && endOf(incident, now) >= range.from)
    .sort((one, other) => rank(one.severity) - rank(other.severity) || one.openedAt - other.openedAt);
  /** Per lane, what is taken, in no order. */
  const lanes: [from: number, to: number][][] = [];
  const bars: TimelineBar[] = [];
  const left: TimelineBar[] = [];
  for (const incident of inRange) {
    const end = endOf(incident, now);
    const to = share(end);
    const from = Math.min(share(incident.openedAt), 1 - small);
    const bar = {
      incident,
      from,
      to: Math.min(1, Math.max(to, from + small)),
      cutLeft: incident.openedAt < range.from,
      cutRight: end > range.to,
    };
    const lane = freeLane(lanes, bar.from - small / 2, bar.to + small / 2, lanesMax);
    if (lane === null) left.push({ ...bar, lane: lanesMax });
    else bars.push({ ...bar, lane });
  }
  bars.sort((one, other) => one.from - other.from || one.lane - other.lane);
  return { bars, lanes: lanes.length, more: sliced(left), marks: clustered(marks, range, share, small * MARK_SMALLS) };
}

export const endOf = ({ closedAt, lastAt }: IncidentRow, now: Ms): Ms =>
  closedAt === null ? now : Math.max(lastAt, closedAt);

const rank = (severity: Severity): number => SEVERITY_ORDER.indexOf(severity);

function freeLane(lanes: [number, number][][], from: number, to: number, lanesMax: number): number | null {
  for (let lane = 0; lane < lanesMax; lane += 1) {
    const taken = lanes[lane];
    if (!taken) {
      lanes.push([[from, to]]);
      return lane;
    }
    if (taken.every(([begin, end]) => to <= begin || from >= end)) {
      taken.push([from, to]);
      return lane;
    }
  }
  return null;
}

/** What no lane had room for, counted by when it began. */
function sliced(left: readonly TimelineBar[]): TimelineMore[] {
  const slices = new Map<number, { count: number; severity: Severity }>();
  for (const { from, incident } of left) {
    const slice = Math.min(MORE_SLICES - 1, Math.floor(from * MORE_SLICES));
    const there = slices.get(slice);
    if (!there) slices.set(slice, { count: 1, severity: incident.severity });
    else {
      there.count += 1;
      if (rank(incident.severity) < rank(there.severity)) there.severity = incident.severity;
    }
  }
  return [...slices]
    .sort(([one], [other]) => one - other)
    .map(([slice, { count, severity }]) => ({
      from: slice / MORE_SLICES,
      to: (slice + 1) / MORE_SLICES,
      count,
      severity,
    }));
}

function clustered(marks: readonly Mark[], range: Range, share: (at: Ms) => number, close: number): TimelineMark[] {
  const sorted = marks.filter(({ at }) => at >= range.from && at < range.to).sort((one, other) => one.at - other.at);
  const clusters: Mark[][] = [];
  let begin = Number.NEGATIVE_INFINITY;
  for (const mark of sorted) {
    const at = share(mark.at);
    if (at - begin < close) clusters[clusters.length - 1]!.push(mark);
    else {
      clusters.push([mark]);
      begin = at;
    }
  }
  return clusters.map((cluster) => {
    const telling = cluster.reduce((one, other) => (order(other) < order(one) ? other : one));
    return { at: share(cluster[0]!.at), kind: telling.kind, group: groupOf(telling), marks: cluster };
  });
}

/** A newer gateway may know kinds that this page does not. */
const groupOf = ({ kind, level }: Mark): MarkGroup => MARK_GROUPS[kind] ?? (level === "warn" ? "worse" : "action");
const order = (mark: Mark): number => GROUP_ORDER.indexOf(groupOf(mark));
