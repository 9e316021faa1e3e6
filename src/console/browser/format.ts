// Figures, spans and instants as text. Instants are shown in the reader's own time; whoever needs the exact one finds
// ISO 8601 in the title (ui/instant.tsx). Spans and sizes are written as in the gateway's own sentences.
import { size, span } from "../../failure/words.ts";

export { size, span };

/** "0", "0.4", "12", "1.3k", "12k", "3.1M". */
export function short(value: number): string {
  const abs = Math.abs(value);
  if (abs === 0) return "0";
  if (abs < 0.05) return value.toFixed(2);
  if (abs < 10) return trim(value.toFixed(1));
  if (abs < 1000) return String(Math.round(value));
  if (abs < 10_000) return `${trim((value / 1000).toFixed(1))}k`;
  if (abs < 1_000_000) return `${Math.round(value / 1000)}k`;
  return `${trim((value / 1_000_000).toFixed(1))}M`;
}

/** "12/s". */
export const perSecond = (value: number): string => `${short(value)}/s`;

/** "1,234": counts that people compare. */
export const count = (value: number): string => Math.round(value).toLocaleString("en-GB");

/** "1 failure", "3 failures". */
export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${Math.round(value) === 1 ? one : many}`;

/** "12 %", "0.4 %". */
export function percent(share: number): string {
  const value = share * 100;
  return `${value > 0 && value < 10 ? trim(value.toFixed(1)) : Math.round(value)} %`;
}

/** "24 ms"; "–" where there is none. */
export const latency = (ms: number | null): string => (ms === null ? "–" : span(ms));

const two = (value: number): string => String(value).padStart(2, "0");

/** "12:01:33", local. */
export function clock(at: number): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** "12:01", local. */
export const clockShort = (at: number): string => clock(at).slice(0, 5);

/** "21 Nov", local. */
export function day(at: number): string {
  const date = new Date(at);
  return `${date.getDate()} ${MONTHS[date.getMonth()] ?? ""}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** "12:01:33" of today, "20 Nov 12:01:33" of another day, with the year where it is another. Local. */
export function instant(at: number, now: number): string {
  const date = new Date(at);
  const today = new Date(now);
  if (date.toDateString() === today.toDateString()) return clock(at);
  const year = date.getFullYear() === today.getFullYear() ? "" : ` ${date.getFullYear()}`;
  return `${day(at)}${year} ${clock(at)}`;
}

/** ISO 8601 in UTC, exact. */
export const iso = (at: number): string => new Date(at).toISOString();

/** "now", "12 s", "3 min", "2 h", "4 days": how long something lasts or is ago, in one unit. */
export function lasting(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

/** "12 s ago", "now". */
export const ago = (ms: number): string => (ms < 2000 ? "now" : `${lasting(ms)} ago`);

const trim = (text: string): string => text.replace(/\.0+$/, "");
