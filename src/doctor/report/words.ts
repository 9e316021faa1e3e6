// The words of a report: certainties, times, places and counts as people read them. Times of day are UTC and say so:
// logs, vendors and colleagues stand in other time zones.
import { size, span } from "../../failure/words.ts";
import type { Certainty, Hop } from "../diagnose/model.ts";
import type { Place, Spot } from "../evidence.ts";
import type { FailureSeries } from "../logs/model.ts";
import type { Block, Item } from "./page.ts";

export { size, span };

/** What a certainty is called at the top. */
export const CERTAINTY_LABELS: Readonly<Record<Certainty, string>> = {
  proven: "Proven",
  likely: "Likely",
  possible: "Possible",
};

const MARK_WORDS: Readonly<Record<Hop["mark"], string>> = {
  good: "good",
  bad: "it fails here",
  warn: "works, with something to look at",
  behind: "not reached",
  unknown: "not tested",
};

/** What a mark says, for those who do not see it: of a fault no more than the verdict does. */
export function markWords(mark: Hop["mark"], certainty: Certainty | null): string {
  if (mark !== "bad" || certainty === null) return MARK_WORDS[mark];
  return certainty === "proven" ? "the fault is here" : `${certainty === "likely" ? "likely" : "possibly"} the fault`;
}

/** "2026-11-21 03:12:04 UTC"; a number that is no time of day is said as such. */
export function timeOfDay(atMs: number): string {
  const date = new Date(atMs);
  if (Number.isNaN(date.getTime())) return "at an unknown time";
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** "41 s", "12 min", "3 h 5 min", "2 days 4 h": roughly, as people say how long something has gone on. */
export function roughly(ms: number): string {
  if (ms < 2 * MINUTE_MS) return `${Math.max(0, Math.round(ms / 1000))} s`;
  if (ms < 2 * HOUR_MS) return `${Math.round(ms / MINUTE_MS)} min`;
  const [unit, below, name, part] =
    ms < 2 * DAY_MS ? ([HOUR_MS, MINUTE_MS, "h", "min"] as const) : ([DAY_MS, HOUR_MS, "days", "h"] as const);
  const whole = Math.floor(ms / unit);
  const rest = Math.floor((ms - whole * unit) / below);
  return rest === 0 || whole >= 10 ? `${whole} ${name}` : `${whole} ${name} ${rest} ${part}`;
}

/** "nginx.conf:14". */
export function placeText({ file, line }: Place): string {
  return `${file}:${line}`;
}

/** "10.0.0.7:3000", "[::1]:80", "unix:/run/app.sock". */
export function spotText(spot: Spot): string {
  if (spot.kind === "unix") return `unix:${spot.path}`;
  return `${spot.host.includes(":") ? `[${spot.host}]` : spot.host}:${spot.port}`;
}

/** "1 request", "12 requests". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** "a, b and c"; "" for none. */
export function listed(parts: readonly string[], word = "and"): string {
  if (parts.length < 2) return parts.join("");
  return `${parts.slice(0, -1).join(", ")} ${word} ${parts.at(-1)}`;
}

/** A text with at most a note beside it. */
export const plainItem = (text: string, note: string | null = null): Item => ({
  text,
  note,
  advice: null,
  command: null,
});

/** A table as block; none without rows. */
export function rowsOf(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): Block[] {
  return rows.length === 0 ? [] : [{ kind: "table", caption, head, rows }];
}

/** A value with each of its texts made harmless, for drawings that know nothing of strangers. */
export function harmless<T>(value: T, clean: (text: string) => string): T {
  const mapped = (each: unknown): unknown => {
    if (typeof each === "string") return clean(each);
    if (Array.isArray(each)) return each.map(mapped);
    if (each === null || typeof each !== "object") return each;
    return Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, mapped(inner)]));
  };
  return mapped(value) as T;
}

const TURNS_NAMED = 5;

/** What a plot of failures cannot say: how many, of which classes, and what happened to programs meanwhile. */
export function seriesLegend({ failures, requests, classes, turns, fromMs, stepMs }: FailureSeries): string[] {
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
  const of = requests === null ? "" : ` of ${counted(sum(requests), "request")}`;
  const kinds = classes.map(({ class: name, counts }) => `${name} ${sum(counts).toLocaleString("en")}`).join(", ");
  const legend = [
    `${counted(sum(failures), "failure")}${of}, ${roughly(stepMs)} a step${kinds === "" ? "" : `: ${kinds}`}`,
  ];
  const within = turns.filter(
    ({ atMs }) => atMs !== null && atMs >= fromMs && atMs <= fromMs + stepMs * failures.length,
  );
  for (const { atMs, what, file, line } of within.slice(-TURNS_NAMED))
    legend.push(`▲ ${timeOfDay(atMs ?? 0)}: ${what} [${file}:${line}]`);
  if (within.length > TURNS_NAMED) legend.push(`▲ and ${within.length - TURNS_NAMED} more before these`);
  return legend;
}
