// Which time is looked at: the last so-and-so long, which moves on with the clock, or a fixed span. Kept in the
// address ("?last=1h", "?from=…&to=…"), so that a view can be sent to somebody. Zooming and moving give a fixed
// span; moving up to the present gives back one that moves on. Pure: the present comes in.
import type { Ms } from "../../../std/units.ts";
import type { Range } from "../../../store/model.ts";

export type TimeWindow = { readonly lastMs: Ms } | { readonly from: Ms; readonly to: Ms };

/** A span that can be chosen by name. */
export interface Preset {
  readonly key: string;
  readonly label: string;
  readonly ms: Ms;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const preset = (key: string, label: string, ms: Ms): Preset => ({ key, label, ms });
const FIVE_MINUTES = preset("5m", "5 minutes", 5 * MINUTE);
const QUARTER = preset("15m", "15 minutes", 15 * MINUTE);
const ONE_HOUR = preset("1h", "1 hour", HOUR);
const SIX_HOURS = preset("6h", "6 hours", 6 * HOUR);
const ONE_DAY = preset("24h", "24 hours", DAY);
const SEVEN_DAYS = preset("7d", "7 days", 7 * DAY);
const THIRTY_DAYS = preset("30d", "30 days", 30 * DAY);

export const TRAFFIC_PRESETS: readonly Preset[] = [
  FIVE_MINUTES,
  QUARTER,
  ONE_HOUR,
  SIX_HOURS,
  ONE_DAY,
  SEVEN_DAYS,
  THIRTY_DAYS,
];
export const INCIDENT_PRESETS: readonly Preset[] = [ONE_HOUR, SIX_HOURS, ONE_DAY, SEVEN_DAYS, THIRTY_DAYS];

/** Nothing is kept in finer steps than 10 s: below a minute there is nothing to see. */
export const SPAN_MIN_MS: Ms = MINUTE;
export const SPAN_MAX_MS: Ms = 31 * DAY;

/** From the address; what cannot be read gives the preset. */
export function readWindow(params: URLSearchParams, presets: readonly Preset[], otherwise: string): TimeWindow {
  const from = instantOf(params.get("from"));
  const to = instantOf(params.get("to"));
  if (from !== null && to !== null && to > from) return bounded({ from, to });
  const named = presets.find(({ key }) => key === params.get("last")) ?? presets.find(({ key }) => key === otherwise);
  return { lastMs: (named ?? presets[0]!).ms };
}

/** Into the address; the preset that is meant anyway is left out. */
export function writeWindow(
  params: URLSearchParams,
  window: TimeWindow,
  presets: readonly Preset[],
  otherwise: string,
): void {
  for (const name of ["last", "from", "to"]) params.delete(name);
  if ("lastMs" in window) {
    const named = presets.find(({ ms }) => ms === window.lastMs);
    if (named && named.key !== otherwise) params.set("last", named.key);
    return;
  }
  params.set("from", new Date(Math.round(window.from)).toISOString());
  params.set("to", new Date(Math.round(window.to)).toISOString());
}

/** The span that is meant at this moment. */
export function rangeOf(window: TimeWindow, now: Ms): Range {
  return "lastMs" in window ? { from: now - window.lastMs, to: now } : window;
}

/** Whether it moves on with the clock. */
export const movesOn = (window: TimeWindow): boolean => "lastMs" in window;

/** What was marked by hand, in whichever direction. */
export function zoomTo(one: Ms, other: Ms): TimeWindow {
  return bounded({ from: Math.min(one, other), to: Math.max(one, other) });
}

/** Closer (factor below 1) or farther; what moves on keeps its end at the present. */
export function zoomBy(window: TimeWindow, factor: number, now: Ms): TimeWindow {
  const { from, to } = rangeOf(window, now);
  const span = Math.min(SPAN_MAX_MS, Math.max(SPAN_MIN_MS, (to - from) * factor));
  if ("lastMs" in window) return factor < 1 ? bounded({ from: to - span, to }) : { lastMs: span };
  const middle = (from + to) / 2;
  return settle({ from: middle - span / 2, to: middle + span / 2 }, now);
}

/** Earlier (below 0) or later, by a share of its length. */
export function moveBy(window: TimeWindow, share: number, now: Ms): TimeWindow {
  const { from, to } = rangeOf(window, now);
  const by = (to - from) * share;
  return settle({ from: from + by, to: to + by }, now);
}

/** How often a view that moves on is worth to be asked for again. */
export function refreshMs(window: TimeWindow): Ms {
  if (!("lastMs" in window)) return Number.POSITIVE_INFINITY;
  return Math.min(60_000, Math.max(5_000, window.lastMs / 360));
}

/** "the last 24 hours", "3 Mar 10:00 to 11:30". */
export function windowWords(window: TimeWindow, presets: readonly Preset[], at: (ms: Ms) => string): string {
  if (!("lastMs" in window)) return `${at(window.from)} to ${at(window.to)}`;
  const named = presets.find(({ ms }) => ms === window.lastMs);
  return `the last ${named?.label ?? roughly(window.lastMs)}`;
}

/** What does not reach into the future; at the present it moves on again. */
function settle({ from, to }: Range, now: Ms): TimeWindow {
  if (to >= now) {
    const named = [...TRAFFIC_PRESETS].find(({ ms }) => Math.abs(ms - (to - from)) < 1000);
    return named ? { lastMs: named.ms } : bounded({ from: now - (to - from), to: now });
  }
  return bounded({ from, to });
}

function bounded({ from, to }: Range): TimeWindow {
  const span = Math.min(SPAN_MAX_MS, Math.max(SPAN_MIN_MS, to - from));
  if (span === to - from) return { from, to };
  if (span < to - from) return { from: to - span, to };
  const middle = (from + to) / 2;
  return { from: middle - span / 2, to: middle + span / 2 };
}

function roughly(ms: Ms): string {
  if (ms < 90 * MINUTE) return `${Math.round(ms / MINUTE)} minutes`;
  if (ms < 2 * DAY) return `${Math.round(ms / HOUR)} hours`;
  return `${Math.round(ms / DAY)} days`;
}

/** An instant as people and programs write it: ISO 8601, or milliseconds. */
function instantOf(text: string | null): Ms | null {
  if (text === null || text === "") return null;
  const ms = /^\d{10,}$/.test(text) ? Number(text) : Date.parse(text);
  return Number.isFinite(ms) && ms > 0 && ms < 8.64e15 ? ms : null;
}
