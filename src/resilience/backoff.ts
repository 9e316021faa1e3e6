// How long to wait before the next try: exponential growth with full jitter under a cap, and what Retry-After asks
// (RFC 9110 §10.2.3: seconds or a date). Pure: randomness and the instant of now are passed in.
// Full jitter means anything from nothing to the ceiling: callers that failed together do not come back together.
import type { Ms } from "../std/units.ts";

export interface BackoffOptions {
  /** Ceiling of the wait after the first try; it doubles with each further one. */
  readonly baseMs: Ms;
  /** The ceiling grows no further. */
  readonly maxMs: Ms;
}

/** The wait after try number `attempt` (1 = the first); `random` is in [0, 1). */
export function backoffMs(attempt: number, random: number, { baseMs, maxMs }: BackoffOptions): Ms {
  return random * Math.min(maxMs, baseMs * 2 ** (attempt - 1));
}

/** What a Retry-After field asks for, at most `maxMs`; null = it says nothing that can be read. */
export function retryAfterMs(value: string | null, wallClockMs: Ms, maxMs: Ms): Ms | null {
  const text = value?.trim() ?? "";
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : (parseHttpDate(text) ?? Number.NaN) - wallClockMs;
  return Number.isNaN(waitMs) ? null : Math.min(maxMs, Math.max(0, waitMs));
}

const MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec";
// The form that is sent today, and the two that a recipient must still read (RFC 9110 §5.6.7).
const DAY_FIRST = new RegExp(`^[A-Z][a-z]+, (\\d\\d)[ -](${MONTHS})[ -](\\d{4}|\\d\\d) ([\\d:]{8}) GMT$`);
const MONTH_FIRST = new RegExp(`^[A-Z][a-z]{2} (${MONTHS}) ([ \\d]\\d) ([\\d:]{8}) (\\d{4})$`);

/** An HTTP date in milliseconds since 1970; null = none. */
export function parseHttpDate(text: string): Ms | null {
  let [, day, month, year, time] = DAY_FIRST.exec(text) ?? [];
  if (!year) [, month, day, time, year] = MONTH_FIRST.exec(text) ?? [];
  if (!day || !month || !year) return null;
  const monthNumber = `${MONTHS.indexOf(month) / 4 + 1}`.padStart(2, "0");
  // Two digits: no date of today's web is from before 1970.
  const century = year.length === 4 ? "" : year < "70" ? "20" : "19";
  const at = Date.parse(`${century}${year}-${monthNumber}-${day.replace(" ", "0")}T${time}Z`);
  return Number.isNaN(at) ? null : at;
}
