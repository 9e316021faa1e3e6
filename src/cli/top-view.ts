// What `goodgate top` shows, as lines: pure, from the state of the gateway and of the eye that looks. Each line is made
// of parts that have a style, cut to the terminal's width before it is painted. A state is told by a symbol and a word.
import type { EndpointNow, EndpointState, IncidentRow, Now, UpstreamNow } from "../console/model.ts";
import { cutTo, padded, widthOf, wrapped } from "../doctor/report/columns.ts";
import { size, span } from "../failure/words.ts";
import type { Severity } from "../incidents/model.ts";
import type { Ms } from "../std/units.ts";
import { printable } from "../wire/printable.ts";
import { clock, duration } from "./incidents-text.ts";
import { type Paint, painter, type Style } from "./paint.ts";
import { endpointsOf, type TopState } from "./top-state.ts";

interface Part {
  readonly text: string;
  /** Columns that are kept for it where lines are broken, so that figures that grow do not move the picture. */
  readonly room?: number;
  readonly style?: Style;
}
type Line = readonly Part[];

export interface TopLook {
  readonly colour: boolean;
  readonly columns: number;
  /** null = as many as there are. */
  readonly rows: number | null;
  readonly now: Ms;
}

const STATES: Readonly<Record<EndpointState, readonly [symbol: string, word: string, style: Style]>> = {
  ok: ["●", "ok", "green"],
  warming: ["◐", "warming", "cyan"],
  gone: ["■", "gone", "red"],
  unhealthy: ["■", "unhealthy", "red"],
  ejected: ["▲", "ejected", "yellow"],
  draining: ["◌", "draining", "yellow"],
  disabled: ["○", "disabled", "dim"],
  down: ["○", "down", "dim"],
};
/** Out of use, and nobody wanted it so. */
const OUT: ReadonlySet<EndpointState> = new Set(["gone", "unhealthy", "ejected"]);
const SEVERITIES: Readonly<Record<Severity, readonly [symbol: string, style: Style]>> = {
  outage: ["■", "red"],
  degraded: ["▲", "yellow"],
  saved: ["◆", "cyan"],
  notice: ["·", "dim"],
};

/** All lines, painted. */
export function topLines(state: TopState, look: TopLook): string[] {
  const paint = painter(look.colour);
  const head = headLines(state, look);
  const foot = look.rows === null ? [] : footLines(state);
  const { lines, selectedAt } = state.view === "incidents" ? incidentLines(state, look) : upstreamLines(state, look);
  const room = look.rows === null ? lines.length : Math.max(1, look.rows - head.length - foot.length);
  const body = windowOf(lines, selectedAt, room);
  const filler: Line[] = look.rows === null ? [] : new Array<Line>(Math.max(0, room - body.length)).fill([]);
  const above = [...head, ...body, ...filler];
  // A terminal of a few rows keeps the state, and the question that waits.
  const fitting = look.rows === null ? above : above.slice(0, Math.max(1, look.rows - foot.length));
  const shown = [...fitting, ...foot].slice(0, look.rows ?? undefined);
  return shown.map((line) => painted(line, look.columns, paint));
}

/** So many lines that the selected one is among them. */
function windowOf(lines: readonly Line[], selectedAt: number, room: number): readonly Line[] {
  if (lines.length <= room) return lines;
  const from = Math.max(0, Math.min(lines.length - room, selectedAt - Math.floor(room / 2)));
  const shown = lines.slice(from, from + room);
  const left = lines.length - from - room;
  // What is out of sight is told, in place of a line of it.
  if (left > 0 && room > 2) shown[room - 1] = [{ text: `  … ${left + 1} more below`, style: "dim" }];
  if (from > 0 && room > 2) shown[0] = [{ text: `  … ${from + 1} more above`, style: "dim" }];
  return shown;
}

function headLines({ now, problem, at }: TopState, { now: wall, columns }: TopLook): Line[] {
  if (!now) return [[{ text: problem || "asking the gateway …", style: "bold" }], []];
  const { gateway, all, upstreams } = now;
  const listeners = now.listeners.map(({ label, tls }) => label + (tls ? " (TLS)" : "")).join(", ");
  const title = `${clean(gateway.name)} ${clean(gateway.version)}`;
  const lines: Line[] = [
    [
      { text: title, style: "bold" },
      { text: ` · up ${duration(wall - gateway.startedAt)} · ${clean(listeners)} · ${clock(now.at)}`, style: "dim" },
    ],
    stateLine(now, problem, wall - at),
  ];
  const errors = all.perSecond > 0 ? ` (${share(all.shownPerSecond, all.perSecond)})` : "";
  const active = upstreams.reduce((sum, upstream) => sum + upstream.inFlight, 0);
  const waiting = upstreams.reduce((sum, { held, queued }) => sum + held + queued, 0);
  const figures: Part[] = [
    { text: `${rate(all.perSecond)}/s`, room: 8 },
    {
      text: `${rate(all.shownPerSecond)} errors/s${errors}`,
      room: 22,
      ...(all.shownPerSecond > 0 ? { style: "red" as const } : {}),
    },
    {
      text: `${rate(all.savedPerSecond)} saved/s`,
      room: 13,
      ...(all.savedPerSecond > 0 ? { style: "cyan" as const } : {}),
    },
    ...(all.ownErrorsPerSecond > 0
      ? [{ text: `${rate(all.ownErrorsPerSecond)} own 5xx/s`, style: "yellow" as const }]
      : []),
    { text: `p50 ${ms(all.p50Ms)}  p95 ${ms(all.p95Ms)}  p99 ${ms(all.p99Ms)}`, room: 34 },
    { text: `${gateway.connections} ${gateway.connections === 1 ? "connection" : "connections"}`, room: 16 },
    { text: `${active} in flight`, room: 14 },
    ...(waiting > 0 ? [{ text: `${waiting} waiting`, style: "yellow" as const }] : []),
    { text: `${Math.round(gateway.cpu * 100)} % CPU`, room: 9 },
    { text: size(gateway.rssBytes), room: 10 },
  ];
  lines.push(...flowed(figures, columns));
  for (const text of now.problems) lines.push([{ text: `! ${clean(text)}`, style: "yellow" }]);
  lines.push([]);
  return lines;
}

/** Parts beside each other, as many to a line as fit. */
function flowed(parts: readonly Part[], columns: number): Line[] {
  const lines: Part[][] = [[]];
  let taken = 0;
  for (const part of parts) {
    const wide = Math.max(widthOf(part.text), part.room ?? 0);
    if (taken > 0 && taken + 3 + wide > columns) {
      lines.push([]);
      taken = 0;
    }
    const line = lines.at(-1)!;
    if (taken > 0) line.push({ text: "   " });
    line.push(part);
    taken += wide + (taken > 0 ? 3 : 0);
  }
  return lines;
}

/** How it goes, in a sentence. */
function stateLine(now: Now, problem: string, staleMs: Ms): Line {
  if (problem !== "") return [{ text: `? ${clean(problem)}; this is ${duration(staleMs)} old`, style: "yellow" }];
  const { gateway, all, upstreams, incidents, openIncidents } = now;
  const worst = incidents[0];
  const more = openIncidents > 1 ? ` (and ${openIncidents - 1} more: i)` : "";
  const why = worst ? `: ${clean(worst.short || worst.sentence)}${more}` : "";
  const away = upstreams.filter(({ awaySince }) => awaySince !== null).map(({ name }) => clean(name));
  if (away.length > 0) return [{ text: `■ no endpoint of ${away.join(", ")} can be used${why}`, style: "red" }];
  if (!gateway.ready) return [{ text: `■ not ready: ${clean(gateway.reasons.join("; "))}`, style: "red" }];
  if (all.shownPerSecond > 0) return [{ text: `▲ visitors see errors${why}`, style: "yellow" }];
  if (worst) return [{ text: `◆ visitors see none of it${why}`, style: "cyan" }];
  const out = upstreams.flatMap(({ endpoints }) => endpoints.filter(({ state }) => OUT.has(state)));
  if (out.length === 0) return [{ text: "● all is well", style: "green" }];
  const first = clean(out[0]!.label);
  const which = out.length === 1 ? `${first} is out` : `${first} and ${out.length - 1} more endpoints are out`;
  return [{ text: `◆ visitors see none of it: ${which}`, style: "cyan" }];
}

interface Column {
  readonly title: string;
  readonly width: number;
  /** The terminal has to be as wide. */
  readonly from: number;
  readonly of: (endpoint: EndpointNow) => string;
}

const FIGURES: readonly Column[] = [
  { title: "req/s", width: 8, from: 0, of: ({ rates }) => rate(rates.perSecond) },
  { title: "fail/s", width: 7, from: 0, of: ({ rates }) => rate(rates.shownPerSecond) },
  { title: "p95", width: 9, from: 60, of: ({ rates }) => ms(rates.p95Ms) },
  { title: "active", width: 7, from: 110, of: ({ active }) => String(active) },
  { title: "conns", width: 6, from: 130, of: ({ connections }) => String(connections) },
  { title: "weight", width: 7, from: 120, of: weightOf },
];

function weightOf({ weight, configuredWeight, backup }: EndpointNow): string {
  return `${weight}${weight === configuredWeight ? "" : "*"}${backup ? "b" : ""}`;
}

const STATE_WIDTH = 12;

function upstreamLines(state: TopState, { columns, rows, now: wall }: TopLook): { lines: Line[]; selectedAt: number } {
  if (!state.now) return { lines: [], selectedAt: 0 };
  const figures = FIGURES.filter(({ from }) => columns >= from);
  const longest = Math.max(18, ...state.upstreams.flatMap((one) => one.endpoints.map(({ label }) => label.length + 1)));
  const nameWidth = Math.min(longest, Math.max(12, Math.floor(columns * 0.3)));
  const titles = figures.map(({ title, width }) => title.padStart(width)).join("");
  const lines: Line[] = [
    [
      {
        text: `  ${padded("upstream, endpoint", nameWidth)} ${padded("state", STATE_WIDTH)}${titles}  why`,
        style: "dim",
      },
    ],
  ];
  const selected = rows === null ? undefined : endpointsOf(state)[state.selected];
  let selectedAt = 0;
  for (const upstream of state.upstreams) {
    lines.push(upstreamLine(upstream, wall));
    for (const endpoint of upstream.endpoints) {
      const [symbol, word, style] = STATES[endpoint.state];
      const isSelected = selected?.endpoint.label === endpoint.label && selected.upstream === upstream.name;
      if (isSelected) selectedAt = lines.length;
      const since = endpoint.since === null || endpoint.state === "ok" ? "" : `${duration(wall - endpoint.since)}: `;
      const name = padded(cutTo(clean(endpoint.label), nameWidth - 1), nameWidth - 1);
      lines.push([
        { text: `${isSelected ? "›" : " "}  ${name} `, ...(isSelected ? { style: "inverse" as const } : {}) },
        { text: padded(`${symbol} ${word}`, STATE_WIDTH), style },
        { text: figures.map(({ of, width }) => of(endpoint).padStart(width)).join("") },
        { text: `  ${since}${clean(endpoint.why)}`, style: "dim" },
      ]);
    }
  }
  return { lines, selectedAt };
}

function upstreamLine(
  { name, balance, rates, held, queued, breaker, awaySince, panicking }: UpstreamNow,
  wall: Ms,
): Line {
  const facts = [
    `${rate(rates.perSecond)}/s`,
    `p95 ${ms(rates.p95Ms)}`,
    clean(balance),
    held > 0 ? `${held} held` : "",
    queued > 0 ? `${queued} queued` : "",
    breaker === "open" ? "breaker open" : "",
    panicking ? "panicking: nearly all seem unwell" : "",
    awaySince === null ? "" : `away for ${duration(wall - awaySince)}`,
  ].filter((fact) => fact !== "");
  const alarm = awaySince !== null || breaker === "open";
  return [
    { text: `  ${clean(name)}`, style: "bold" },
    { text: `  ${facts.join(" · ")}`, style: alarm ? "red" : "dim" },
  ];
}

function incidentLines(state: TopState, { columns, rows, now: wall }: TopLook): { lines: Line[]; selectedAt: number } {
  const incidents = state.now?.incidents ?? [];
  if (incidents.length === 0) return { lines: [[{ text: "  No incident is open.", style: "green" }]], selectedAt: 0 };
  const lines: Line[] = [];
  let selectedAt = 0;
  incidents.forEach((incident, index) => {
    const isSelected = rows !== null && index === state.selected;
    if (isSelected) selectedAt = lines.length;
    lines.push(incidentLine(incident, isSelected, wall));
    for (const text of wrapped(clean(incident.sentence), columns - 6)) lines.push([{ text: `    ${text}` }]);
  });
  return { lines, selectedAt };
}

function incidentLine(incident: IncidentRow, isSelected: boolean, wall: Ms): Line {
  const [symbol, style] = SEVERITIES[incident.severity];
  const counts = `${incident.shown} shown, ${incident.saved} saved`;
  const facts = `since ${clock(incident.openedAt)} (${duration(wall - incident.openedAt)})  ${counts}  ${clean(incident.id)}`;
  return [
    { text: isSelected ? "›" : " ", ...(isSelected ? { style: "inverse" as const } : {}) },
    { text: ` ${symbol} ${padded(incident.severity, 9)}`, style },
    { text: ` ${facts}`, style: "dim" },
  ];
}

function footLines({ confirm, message, view, sort }: TopState): Line[] {
  if (confirm) {
    const { do: what, endpoint, upstream } = confirm;
    return [[], [{ text: `${what} ${clean(endpoint)} of ${clean(upstream)}? y yes, n no`, style: "inverse" }]];
  }
  const keys =
    view === "incidents"
      ? "q quit  ↑↓ move  u upstreams"
      : `q quit  ↑↓ move  s sort (${sort})  i incidents  d drain  e enable`;
  return [[{ text: clean(message), style: "bold" }], [{ text: keys, style: "dim" }]];
}

function painted(line: Line, columns: number, paint: Paint): string {
  let left = columns;
  let text = "";
  for (const part of line) {
    const cut = cutTo(part.text, left);
    text += part.style ? paint(part.style, cut) : cut;
    left -= widthOf(cut);
    if (left <= 0 || cut !== part.text) break;
  }
  return text;
}

const clean = (text: string): string => printable(text).replace(/[\t\n]/g, " ");

/** "102", "8.4", "0". */
function rate(perSecond: number): string {
  if (perSecond >= 10) return Math.round(perSecond).toLocaleString("en");
  return perSecond === 0 ? "0" : perSecond.toFixed(perSecond < 0.1 ? 2 : 1);
}

function share(part: number, whole: number): string {
  const percent = (100 * part) / whole;
  return `${percent >= 10 || percent === 0 ? Math.round(percent) : percent.toFixed(1)} %`;
}

const ms = (value: Ms | null): string => (value === null ? "–" : span(value));
