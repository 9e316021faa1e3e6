// Durations of failures that lie close together: a timer fired. The value says which one it may be, where it is the default
// of a known one. Requests that went well must not lie there as well (long polling does). Pure.
import { timersNear } from "../../../explain/timers.ts";
import type { Ms } from "../../../std/units.ts";
import type { LogPattern } from "../model.ts";
import { durationStep, type Row, type View } from "../view.ts";
import { linesOf, mainCause, pattern, type Story } from "./story.ts";
import { counted, number } from "./words.ts";

/** Shorter ones lie close together whatever ended them. */
const SHORTEST_MS = 900;
const CLUSTER_MIN = 3;
const SPREAD = 0.02;
const CLUSTERS_MAX = 3;

interface Cluster {
  readonly rows: readonly (Row & { readonly durationMs: Ms })[];
  readonly lowMs: Ms;
  readonly highMs: Ms;
}

/** duration-cluster: the largest first. */
export function durationPatterns({ views, failing }: Story): LogPattern[] {
  const timed = views.map((view) => ({ view, rows: longRows(view) })).sort((a, b) => b.rows.length - a.rows.length);
  const [best] = timed;
  if (!best || best.rows.length < CLUSTER_MIN) return [];
  const found: LogPattern[] = [];
  let rows = best.rows;
  while (found.length < CLUSTERS_MAX) {
    const cluster = largestCluster(rows);
    // A tenth of what is left at least: values that are spread widely have clusters by chance.
    if (!cluster || cluster.rows.length < Math.max(CLUSTER_MIN, rows.length * 0.1) || !standsOut(cluster, rows)) break;
    if (!isUsual(best.view, cluster)) found.push(patternOf(best.view, cluster, failing));
    rows = rows.filter(({ durationMs }) => durationMs < cluster.lowMs || durationMs > cluster.highMs);
  }
  return found;
}

function longRows({ rows }: View): (Row & { readonly durationMs: Ms })[] {
  const long = rows.filter(
    (row): row is Row & { readonly durationMs: Ms } =>
      row.durationMs !== null && row.durationMs >= SHORTEST_MS && row.pair !== "passthrough",
  );
  return long.sort((a, b) => a.durationMs - b.durationMs);
}

function largestCluster(rows: Cluster["rows"]): Cluster | null {
  let best: { from: number; to: number } = { from: 0, to: 0 };
  let from = 0;
  for (let to = 1; to <= rows.length; to++) {
    while ((rows[to - 1]?.durationMs ?? 0) > (rows[from]?.durationMs ?? 0) * (1 + SPREAD)) from++;
    if (to - from > best.to - best.from) best = { from, to };
  }
  const within = rows.slice(best.from, best.to);
  const low = within[0];
  const high = within.at(-1);
  return low && high ? { rows: within, lowMs: low.durationMs, highMs: high.durationMs } : null;
}

/** At least three times as many as there would be, were the others' durations spread evenly over the logarithm. */
function standsOut(cluster: Cluster, rows: Cluster["rows"]): boolean {
  const others = rows.length - cluster.rows.length;
  const shortest = rows[0]?.durationMs ?? SHORTEST_MS;
  const longest = rows.at(-1)?.durationMs ?? shortest;
  const steps = Math.max(1, Math.log(longest / shortest) / Math.log(1 + SPREAD));
  return cluster.rows.length >= 3 * (others / steps) && cluster.rows.length >= CLUSTER_MIN;
}

/** Requests that went well lie there as often: it is how long they take. */
function isUsual({ fineDurations }: View, { rows, lowMs, highMs }: Cluster): boolean {
  let fine = 0;
  for (let step = durationStep(lowMs) - 1; step <= durationStep(highMs) + 1; step++)
    fine += fineDurations.get(step) ?? 0;
  return fine >= rows.length;
}

function patternOf(view: View, { rows, lowMs, highMs }: Cluster, failing: View): LogPattern {
  const middle = rows[Math.floor(rows.length / 2)]?.durationMs ?? lowMs;
  const timers = timersNear(middle);
  const count = rows.length * view.stride;
  const spread = highMs - lowMs;
  const tight = rows.length >= 5 && spread <= Math.max(30, middle * 0.005);
  const names = [...new Set(timers.map(({ software, setting }) => `${software} ${setting}`))];
  const which =
    names.length === 0
      ? "No timer has this as its default: look for it in the configurations."
      : `A timer of this length by default: ${names.slice(0, 4).join(", ")}${names.length > 4 ? ", …" : ""}.`;
  return pattern({
    id: "duration-cluster",
    class: mainCause(rows) ?? causeOfOther(failing, rows),
    certainty: tight ? "likely" : "possible",
    count,
    text: `${counted(count, "failure")} took ${seconds(lowMs)}${highMs - lowMs >= 10 ? ` to ${seconds(highMs)}` : ""}: a timer ended them. ${which}`,
    fromMs: earliest(rows),
    toMs: latest(rows),
    durationMs: middle,
    timers,
    lines: linesOf(view.file, rows),
  });
}

/** The other log of the same failures, where it has about as many of one kind that wait. */
function causeOfOther(failing: View, rows: Cluster["rows"]): LogPattern["class"] {
  const waits = failing.rows.filter(({ class: of }) => of !== null && /timeout$/.test(of));
  return waits.length >= rows.length * 0.8 ? mainCause(waits) : null;
}

const seconds = (ms: Ms): string => `${number(Math.round(ms / 10) / 100)} s`;

const times = (rows: Cluster["rows"]): number[] => rows.map(({ atMs }) => atMs).filter((atMs) => atMs !== null);
const earliest = (rows: Cluster["rows"]): number | null =>
  times(rows).reduce<number | null>((a, b) => Math.min(a ?? b, b), null);
const latest = (rows: Cluster["rows"]): number | null =>
  times(rows).reduce<number | null>((a, b) => Math.max(a ?? b, b), null);
