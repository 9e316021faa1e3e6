// One sentence about a whole log: what most failures are, where, and when.
import type { ClassTotal, LogReport, Moment } from "./log-report.ts";

/** From which share on one upstream is named as the place. */
const MOST = 0.6;

/** The sentence for the top of a report. */
export function verdictOf(report: Omit<LogReport, "verdict">): string {
  const { failures, lines, classes } = report;
  if (failures === 0) return `No failures in ${counted(lines, "line")}.`;
  const causes = classes.filter(isCause);
  const top = causes[0];
  if (!top) return withoutCause(report);
  const explained = causes.reduce((sum, { count }) => sum + count, 0);
  const rest = failures - explained;
  const share = explained === top.count ? all(explained) : `${figure(top.count)} of ${figure(explained)} failures are`;
  const sentence = `${share} ${top.class}${place(top)}${span(top.first, top.last)}`;
  return rest > 0
    ? `${sentence}; ${counted(rest, "more entry", "more entries")} ${rest === 1 ? "says" : "say"} no cause.`
    : `${sentence}.`;
}

const isCause = ({ class: of }: ClassTotal): boolean => of !== null && of !== "status-only-502" && of !== "unknown";

function all(count: number): string {
  if (count === 1) return "The one failure is";
  return count === 2 ? "Both failures are" : `All ${figure(count)} failures are`;
}

function withoutCause({ failures, classes }: Omit<LogReport, "verdict">): string {
  const { first, last } = classes[0]!;
  const what = failures === 1 ? "1 entry tells" : `${figure(failures)} entries tell`;
  return `${what} of a failure, and none says why${span(first, last)}.`;
}

function place({ upstreams, count }: ClassTotal): string {
  const top = upstreams[0];
  if (!top) return "";
  if (top.count === count) return ` at ${top.value}`;
  if (top.count >= MOST * count) return `, most of them at ${top.value}`;
  return upstreams.length > 1 ? `, at ${upstreams.length >= 8 ? "8 or more" : upstreams.length} upstreams` : "";
}

/** ", between 12:01:33 and 12:04:10": with the dates where they differ. */
function span(first: Moment, last: Moment): string {
  if (first.time === null || last.time === null) return "";
  const [from, to] = [clockOf(first.time), clockOf(last.time)];
  if (from === null || to === null) return `, between ${first.time} and ${last.time}`;
  if (dateOf(first.time) !== dateOf(last.time)) return `, between ${first.time} and ${last.time}`;
  return from === to ? `, at ${from}` : `, between ${from} and ${to}`;
}

const CLOCK = /(?<!\d)\d\d:\d\d:\d\d(?!\d)/;

const clockOf = (time: string): string | null => CLOCK.exec(time)?.[0] ?? null;

const dateOf = (time: string): string => time.slice(0, Math.max(0, time.search(CLOCK)));

function counted(count: number, one: string, many = `${one}s`): string {
  return `${figure(count)} ${count === 1 ? one : many}`;
}

/** 1204 → "1,204". */
function figure(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ",");
}
