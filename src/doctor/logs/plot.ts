// Failures over time as lines for a terminal: bars of blocks (or of # where only ASCII is possible), a scale at the left,
// times below, and marks where programs started, stopped or were reloaded. Pure: text out, no terminal in.
import type { FailureSeries } from "./model.ts";

export interface PlotOptions {
  /** Width in characters. */
  readonly columns: number;
  /** Height of the bars. */
  readonly rows: number;
  readonly colour: boolean;
  /** False = ASCII only; absent = block characters. */
  readonly unicode?: boolean;
  /** East of UTC, for the times below; absent = this machine's zone. */
  readonly zoneMinutes?: number;
}

const RED = "\x1b[31m";
const DIM = "\x1b[2m";
const YELLOW = "\x1b[33m";
const RESET = "\x1b[0m";
const EIGHTHS = " ▁▂▃▄▅▆▇█";
const COLUMNS_MIN = 24;

/** The plot, one text per line, without line ends. */
export function plotSeries(series: FailureSeries, options: PlotOptions): readonly string[] {
  const { failures } = series;
  if (failures.length === 0) return [];
  const unicode = options.unicode !== false;
  const rows = Math.max(1, Math.min(20, Math.floor(options.rows)));
  const labelWidth = `${Math.max(...failures)}`.length;
  const width = Math.max(COLUMNS_MIN, Math.floor(options.columns)) - labelWidth - 3;
  const paint = (style: string, text: string) => (options.colour && text.trim() !== "" ? style + text + RESET : text);
  const grouped = groupSize(failures.length, width);
  const bars = grouped === 1 ? failures : regrouped(failures, grouped);
  const wide = Math.max(1, Math.min(3, Math.floor(width / bars.length)));
  const top = Math.max(1, ...bars);
  const axis = unicode ? "┤" : "|";
  const lines: string[] = [];
  for (let row = rows; row >= 1; row--) {
    const label = row === rows ? `${top}` : row === 1 && rows > 1 ? "0" : "";
    const cells = bars.map((count) => cell(count, top, rows, row, unicode).repeat(wide)).join("");
    lines.push(`${paint(DIM, `${label.padStart(labelWidth)} ${axis}`)}${paint(RED, cells.trimEnd())}`);
  }
  const marks = turnMarks(series, grouped, bars.length, wide, unicode);
  const indent = " ".repeat(labelWidth + 2);
  if (marks !== "") lines.push(indent + paint(YELLOW, marks));
  lines.push(indent + paint(DIM, timeLine(series, bars.length * wide, options.zoneMinutes ?? null)));
  return lines;
}

const groupSize = (count: number, width: number): number => Math.max(1, Math.ceil(count / Math.max(1, width)));

function regrouped(counts: readonly number[], size: number): number[] {
  const sums: number[] = [];
  for (const [index, count] of counts.entries()) {
    const at = Math.floor(index / size);
    sums[at] = (sums[at] ?? 0) + count;
  }
  return sums;
}

/** One character of a bar; what is not zero is seen. */
function cell(count: number, top: number, rows: number, row: number, unicode: boolean): string {
  const steps = unicode ? 8 : 1;
  const full = count === 0 ? 0 : Math.max(1, Math.round((count / top) * rows * steps));
  const here = Math.max(0, Math.min(steps, full - (row - 1) * steps));
  if (!unicode) return here > 0 ? "#" : " ";
  return EIGHTHS[here] ?? " ";
}

/** A mark below the step in which something happened. */
function turnMarks(series: FailureSeries, grouped: number, bars: number, wide: number, unicode: boolean): string {
  const marks = new Array<string>(bars * wide).fill(" ");
  for (const { atMs } of series.turns) {
    if (atMs === null) continue;
    const at = Math.floor((atMs - series.fromMs) / series.stepMs / grouped) * wide;
    if (at >= 0 && at < marks.length) marks[at] = unicode ? "▲" : "^";
  }
  return marks.join("").trimEnd();
}

/** The first time and the last, and the day where it is another. */
function timeLine(series: FailureSeries, width: number, zoneMinutes: number | null): string {
  const { fromMs, stepMs, failures } = series;
  const toMs = fromMs + stepMs * failures.length;
  const seconds = stepMs < 60_000;
  const sameDay = dayOf(fromMs, zoneMinutes) === dayOf(toMs, zoneMinutes);
  const start = `${dayOf(fromMs, zoneMinutes)} ${clockOf(fromMs, zoneMinutes, seconds)}`;
  const end = `${sameDay ? "" : `${dayOf(toMs, zoneMinutes)} `}${clockOf(toMs, zoneMinutes, seconds)}`;
  return `${start}${" ".repeat(Math.max(1, width - start.length - end.length))}${end}`;
}

const two = (value: number): string => String(value).padStart(2, "0");

/** The instant so that its UTC fields read as the zone's own. */
function shifted(ms: number, zoneMinutes: number | null): Date {
  return new Date(ms + (zoneMinutes ?? -new Date(ms).getTimezoneOffset()) * 60_000);
}

function dayOf(ms: number, zoneMinutes: number | null): string {
  const date = shifted(ms, zoneMinutes);
  return `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
}

function clockOf(ms: number, zoneMinutes: number | null, seconds: boolean): string {
  const date = shifted(ms, zoneMinutes);
  const clock = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
  return seconds ? `${clock}:${two(date.getUTCSeconds())}` : clock;
}
