// Incidents as a person reads them in a terminal. What came with requests is shown with control characters escaped; the
// state is told by a symbol and a word, not by colour alone.
import type { IncidentRow, ReplayResult, ReplaySide } from "../console/model.ts";
import { cutTo, padded, widthOf, wrapped } from "../doctor/report/columns.ts";
import { span } from "../failure/words.ts";
import type { Incident, Severity, Step } from "../incidents/model.ts";
import type { Ms } from "../std/units.ts";
import type { StoredFailure } from "../store/model.ts";
import { printable } from "../wire/printable.ts";
import { waterfall } from "./incidents-waterfall.ts";
import { painter, type Style } from "./paint.ts";

export interface Look {
  readonly colour: boolean;
  readonly columns: number;
  /** Wall clock. */
  readonly now: Ms;
}

const SYMBOLS: Readonly<Record<Severity, readonly [symbol: string, style: Style]>> = {
  outage: ["■", "red"],
  degraded: ["▲", "yellow"],
  saved: ["◆", "cyan"],
  notice: ["·", "dim"],
};
const ID_SHOWN = 15;
const TIMELINE_SHOWN = 25;

/** The list, or the sentence that there is nothing. */
export function listText(rows: readonly IncidentRow[], total: number | null, where: string, look: Look): string {
  const paint = painter(look.colour);
  const open = rows.filter(({ closedAt }) => closedAt === null).length;
  const more = total !== null && total > rows.length ? `, of ${total}` : "";
  const many = `${rows.length} ${rows.length === 1 ? "incident" : "incidents"}${more}`;
  const head = rows.length === 0 ? "No incidents." : `${many}, ${open === 0 ? "none open" : `${open} open`}.`;
  const lines = [`${paint("bold", head)} ${paint("dim", where)}`];
  for (const row of rows) lines.push("", ...rowLines(row, look));
  if (rows.length > 0)
    lines.push(
      "",
      paint("dim", cutTo(`goodgate incidents show ${shortId(rows[0]!.id)}   says why, and what to do`, look.columns)),
    );
  return `${lines.join("\n")}\n`;
}

function rowLines(row: IncidentRow, look: Look): string[] {
  const paint = painter(look.colour);
  const [symbol, style] = SYMBOLS[row.severity];
  const isOpen = row.closedAt === null;
  const state = isOpen ? "open" : "over";
  const lasted = duration((row.closedAt ?? look.now) - row.openedAt);
  const facts = `${when(row.openedAt, look.now)}  ${isOpen ? "for" : "lasted"} ${lasted}`;
  const counts = `${row.shown} shown, ${row.saved} saved`;
  const mark = `${symbol} ${padded(row.severity, 8)} ${state}`;
  const wide = widthOf(`${mark}  ${facts}  ${counts}  `) + ID_SHOWN <= look.columns;
  const painted = paint(isOpen ? style : "dim", mark);
  const id = paint("dim", shortId(row.id));
  const words = `  ${cutTo(clean(row.short || row.sentence), look.columns - 2)}`;
  // On a narrow terminal the figures get a line of their own.
  return wide
    ? [`${painted}  ${facts}  ${counts}  ${id}`, words]
    : [`${painted}  ${id}`, words, `  ${facts}`, `  ${counts}`];
}

/** One incident, whole, with some of its failures. */
export function incidentText(incident: Incident, failures: readonly StoredFailure[], look: Look): string {
  const paint = painter(look.colour);
  const { verdict } = incident;
  const [symbol, style] = SYMBOLS[incident.severity];
  const isOpen = incident.closedAt === null;
  const lasted = duration((incident.closedAt ?? look.now) - incident.openedAt);
  const times = `${when(incident.openedAt, look.now)}, ${isOpen ? `open for ${lasted}` : `lasted ${lasted}`}`;
  const facts = [incident.severity, times, incident.cause, incident.upstream && `upstream ${incident.upstream}`];
  const blocks: string[] = [
    [
      ...wrapped(clean(verdict.sentence), look.columns).map((line) => paint("bold", line)),
      `${paint(style, symbol)} ${paint("dim", cutTo(clean(facts.filter(Boolean).join(" · ")), look.columns - 2))}`,
      paint("dim", `${clean(incident.id)} · ${verdict.confidence} · ${clean(verdict.pattern)}`),
    ].join("\n"),
    wrapped(countsText(incident), look.columns).join("\n"),
  ];
  const block = (title: string, lines: readonly string[]): void => {
    if (lines.length > 0) blocks.push(`${paint("bold", title)}\n${lines.join("\n")}`);
  };
  block(
    "Why",
    verdict.reasons.flatMap((reason) => item(reason, look)),
  );
  block(
    "What would settle it",
    verdict.settle.flatMap((step) => stepLines(step, look)),
  );
  block(
    "What to do",
    verdict.fixes.flatMap((step) => stepLines(step, look)),
  );
  block(
    "Could also be",
    verdict.alternatives.flatMap(({ text, why }) => item(`${text} (against it: ${why})`, look)),
  );
  block("What happened", timelineLines(incident, look));
  for (const failure of failures) blocks.push(failureText(failure, look));
  if (verdict.entry)
    blocks.push(paint("dim", cutTo(`More: /reference/${clean(verdict.entry)}/ in the console.`, look.columns)));
  return `${blocks.join("\n\n")}\n`;
}

function countsText({ counts }: Incident): string {
  const all: readonly (readonly [number, string])[] = [
    [counts.failures, counts.failures === 1 ? "failure" : "failures"],
    [counts.shown, "shown as an error"],
    [counts.cut, "cut"],
    [counts.passed, "errors of the upstream's own, passed on"],
    [counts.clientLeft, "left by the client"],
    [counts.held, "held"],
    [counts.queued, "queued"],
    [counts.retried, "retried"],
    [counts.failedOver, "failed over"],
    [counts.clients, counts.clients === 1 ? "client affected" : "clients affected (about)"],
  ];
  const parts = all.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  const of = counts.requests > 0 ? ` Of ${counts.requests} requests to it meanwhile.` : "";
  return `${parts.join(", ")}.${of}`;
}

function timelineLines({ timeline }: Incident, look: Look): string[] {
  const left = timeline.length - TIMELINE_SHOWN;
  const shown = left > 0 ? [...timeline.slice(0, 5), ...timeline.slice(5 + left)] : timeline;
  const lines = shown.map(({ at, text }) => `  ${clock(at)}  ${cutTo(clean(text), look.columns - 14)}`);
  if (left > 0) lines.splice(5, 0, `  … ${left} more`);
  return lines;
}

/** One failed request with its attempts drawn over time. */
export function failureText(failure: StoredFailure, look: Look): string {
  const paint = painter(look.colour);
  const ended = failure.status > 0 ? String(failure.status) : "no answer";
  const saved = failure.savedBy ? `, saved (${failure.savedBy})` : "";
  const request = clean(`${failure.method} ${failure.host}${failure.target}`);
  const facts = `${clock(failure.at)}  ${ended} after ${span(failure.durationMs)}${saved}  ${failure.cause}  ${failure.id}`;
  const lines = [paint("bold", cutTo(request, look.columns)), paint("dim", cutTo(clean(facts), look.columns))];
  if (failure.sentence) lines.push(...wrapped(clean(failure.sentence), look.columns - 2).map((line) => `  ${line}`));
  if (failure.heldMs > 0) lines.push(`  held for ${span(failure.heldMs)}`);
  if (failure.queuedMs > 0) lines.push(`  queued for ${span(failure.queuedMs)}`);
  lines.push(...waterfall(failure, look.columns, paint));
  return lines.join("\n");
}

/** What came of sending it again. */
export function replayText(result: ReplayResult, look: Look): string {
  const paint = painter(look.colour);
  const lines = wrapped(clean(result.verdict), look.columns).map((line) => paint("bold", line));
  if (result.refused === null) {
    lines.push(
      "",
      cutTo(clean(`${result.request.method} ${result.request.target}  to  ${result.endpoint}`), look.columns),
    );
    lines.push(sideLine("then", result.then, look), ...(result.now ? [sideLine("now", result.now, look)] : []));
  }
  if (result.differences.length > 0) lines.push("", paint("bold", "Different"));
  for (const difference of result.differences) lines.push(...item(difference, look));
  return `${lines.join("\n")}\n`;
}

function sideLine(name: string, { status, cause, durationMs, sentence }: ReplaySide, look: Look): string {
  const answer = status === 0 ? "no answer" : String(status);
  return cutTo(
    clean(`  ${padded(name, 5)} ${padded(answer, 10)} ${padded(span(durationMs), 9)} ${cause ?? ""}  ${sentence}`),
    look.columns,
  );
}

function item(text: string, { columns }: Look): string[] {
  return wrapped(clean(text), columns - 4).map((line, index) => `${index === 0 ? "  - " : "    "}${line}`);
}

function stepLines({ text, code }: Step, look: Look): string[] {
  const paint = painter(look.colour);
  const lines = item(text, look);
  // Not broken: it is there to be copied.
  for (const line of code?.split("\n") ?? []) lines.push(`      ${paint("cyan", clean(line))}`);
  return lines;
}

/** As much of an id as tells it from others. */
export function shortId(id: string): string {
  return clean(id).slice(0, ID_SHOWN);
}

const clean = (text: string): string => printable(text).replace(/[\t\n]/g, " ");

/** "12:01:33", with the day where it was another. */
export function when(at: Ms, now: Ms): string {
  const day = new Date(at).toDateString() === new Date(now).toDateString() ? "" : `${date(at)} `;
  return day + clock(at);
}

const two = (number: number): string => String(number).padStart(2, "0");

function date(at: Ms): string {
  const day = new Date(at);
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}

/** "12:01:33", here. */
export function clock(at: Ms): string {
  const time = new Date(at);
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/** "42 s", "2 min 10 s", "3 h 5 min", "2 d 4 h". */
export function duration(ms: Ms): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return pair(Math.floor(seconds / 60), "min", seconds % 60, "s");
  if (seconds < 86_400) return pair(Math.floor(seconds / 3_600), "h", Math.floor((seconds % 3_600) / 60), "min");
  return pair(Math.floor(seconds / 86_400), "d", Math.floor((seconds % 86_400) / 3_600), "h");
}

const pair = (large: number, unit: string, small: number, smaller: string): string =>
  small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smaller}`;
