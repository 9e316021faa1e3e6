// Plots of the HTML report as inline SVG without text in it: bars stretch to any width, words stand beside them in HTML,
// where they keep their size. Every plot says in words what it shows.
import { type Html, html } from "../../std/html.ts";
import type { FailureSeries, LogTurn } from "../logs/model.ts";
import type { Timing } from "./page.ts";
import { counted, roughly, span, timeOfDay } from "./words.ts";

const STEPS_MAX = 240;
const HEIGHT = 100;
const TURNS_LISTED = 20;
const CLASSES_SHOWN = 7;

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
const square = (index: number): Html =>
  html`<svg viewBox="0 0 1 1" aria-hidden="true"><rect class="k${index}" width="1" height="1"></rect></svg>`;

/** Failures over time, stacked by class, with what happened to programs as lines. */
export function seriesHtml(series: FailureSeries): Html {
  const factor = Math.max(1, Math.ceil(series.failures.length / STEPS_MAX));
  const failures = merged(series.failures, factor);
  const classes = series.classes
    .slice(0, CLASSES_SHOWN)
    .map((each) => ({ ...each, counts: merged(each.counts, factor) }));
  const most = Math.max(1, ...failures);
  const stepMs = series.stepMs * factor;
  const toMs = series.fromMs + series.failures.length * series.stepMs;
  const total = sum(failures);
  const of = series.requests === null ? "" : ` of ${counted(sum(series.requests), "request")}`;
  const alt = `${counted(total, "failure")}${of} between ${timeOfDay(series.fromMs)} and ${timeOfDay(toMs)}, at most ${most} in ${roughly(stepMs)}.`;
  const bars = failures.map((count, index) =>
    bar(
      count,
      index,
      classes.map(({ counts }) => counts[index] ?? 0),
      most,
    ),
  );
  const turns = series.turns.filter(({ atMs }) => atMs !== null && atMs >= series.fromMs && atMs <= toMs);
  const x = ({ atMs }: LogTurn): number => (((atMs ?? 0) - series.fromMs) / (toMs - series.fromMs)) * failures.length;
  return html`<div class="plot"><p>${alt}</p><div class="axis"><span>${most.toLocaleString("en")} per ${roughly(stepMs)}</span></div>
<svg viewBox="0 0 ${failures.length} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${alt}">${bars}${turns.map((turn) => html`<line class="turn" x1="${x(turn)}" x2="${x(turn)}" y1="0" y2="${HEIGHT}"></line>`)}</svg>
<div class="axis"><span>${timeOfDay(series.fromMs)}</span><span>${timeOfDay(toMs)}</span></div>
<ul class="legend">${classes.map((each, index) => html`<li>${square(index)}${each.class} (${sum(each.counts).toLocaleString("en")})</li>`)}</ul>
${turnList(turns)}</div>`;
}

function turnList(turns: readonly LogTurn[]): Html | null {
  if (turns.length === 0) return null;
  const listed = turns.slice(-TURNS_LISTED);
  const more = turns.length - listed.length;
  const items = listed.map(
    ({ atMs, what, file, line }) =>
      html`<li>${atMs === null ? "" : `${timeOfDay(atMs)}: `}${what} <span class="note">${file}:${line}</span></li>`,
  );
  return html`<p>Dashed lines: what happened to programs${more > 0 ? ` (the last ${listed.length} of ${turns.length})` : ""}.</p><ul class="items">${items}</ul>`;
}

function merged(counts: readonly number[], factor: number): number[] {
  if (factor === 1) return [...counts];
  return Array.from({ length: Math.ceil(counts.length / factor) }, (_, index) =>
    sum(counts.slice(index * factor, (index + 1) * factor)),
  );
}

/** One step; what no class accounts for is drawn as the last. */
function bar(count: number, index: number, parts: readonly number[], most: number): Html[] {
  const rest = Math.max(0, count - sum(parts));
  let top = HEIGHT;
  return [...parts, rest].flatMap((part, kind) => {
    if (part <= 0) return [];
    const height = Math.round((part / most) * HEIGHT * 100) / 100;
    top = Math.round((top - height) * 100) / 100;
    return [
      html`<rect class="k${Math.min(kind, CLASSES_SHOWN - 1)}" x="${index + 0.05}" y="${top}" width="0.9" height="${height}"></rect>`,
    ];
  });
}

/** Requests with their phases as bars, all to one scale. */
export function timingsHtml(timings: readonly Timing[]): Html {
  const longest = Math.max(
    1e-6,
    ...timings.map(({ totalMs, phases }) => Math.max(totalMs, sum(phases.map(({ ms }) => ms)))),
  );
  const names = [...new Set(timings.flatMap(({ phases }) => phases.map(({ name }) => name)))];
  const rows = timings.map(({ label, phases, totalMs }) => {
    let at = 0;
    const parts = phases.map(({ name, ms }) => {
      const width = (ms / longest) * 1000;
      const rect = html`<rect class="k${phaseShade(names.indexOf(name))}" x="${round(at)}" y="0" width="${round(width)}" height="1"></rect>`;
      at += width;
      return rect;
    });
    const said = phases.map(({ name, ms }) => `${name} ${span(ms)}`).join(", ");
    return html`<li><span>${label}</span><svg viewBox="0 0 1000 1" preserveAspectRatio="none" role="img" aria-label="${said}"><title>${said}</title>${parts}</svg><span class="ms">${span(totalMs)}</span></li>`;
  });
  return html`<ul class="bars">${rows}</ul><ul class="legend">${names.map((name, index) => html`<li>${square(phaseShade(index))}${name}</li>`)}</ul>`;
}

const round = (value: number): number => Math.round(value * 100) / 100;
/** Phases are no failures: red is left out. */
const phaseShade = (index: number): number => 1 + (index % 6);
