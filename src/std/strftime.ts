// strftime in the C locale, for the times of logs, $date_gmt and $date_local, and SSI's timefmt. What is no conversion
// stays as it is. The fields of local time are those of UTC, moved.

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June"],
  ...["July", "August", "September", "October", "November", "December"],
];
const DAY_MS = 86_400_000;

/** What $date_gmt and $date_local are without a timefmt. */
export const SSI_TIME = "%A, %d-%b-%Y %H:%M:%S %Z";

/** A moment of a calendar. */
interface Moment {
  readonly wallMs: number;
  /** As if the time of the zone were UTC. */
  readonly date: Date;
  /** Minutes east of Greenwich. */
  readonly offset: number;
  readonly zone: "gmt" | "local";
}

/** The text of a time. */
export function formatTime(format: string, wallMs: number, zone: "gmt" | "local"): string {
  const offset = zone === "gmt" ? 0 : -new Date(wallMs).getTimezoneOffset();
  return expand(format, { wallMs, date: new Date(wallMs + offset * 60_000), offset, zone });
}

function expand(format: string, moment: Moment): string {
  return format.replace(/%[EO]?([a-zA-Z%])/g, (whole, letter: string) => {
    const composed = COMPOSED[letter];
    return composed === undefined ? (FIELDS[letter]?.(moment) ?? whole) : expand(composed, moment);
  });
}

const COMPOSED: Readonly<Record<string, string>> = {
  c: "%a %b %e %H:%M:%S %Y",
  D: "%m/%d/%y",
  F: "%Y-%m-%d",
  h: "%b",
  r: "%I:%M:%S %p",
  R: "%H:%M",
  T: "%H:%M:%S",
  x: "%m/%d/%y",
  X: "%H:%M:%S",
};

const FIELDS: Readonly<Record<string, (moment: Moment) => string>> = {
  a: ({ date }) => DAYS[date.getUTCDay()]!.slice(0, 3),
  A: ({ date }) => DAYS[date.getUTCDay()]!,
  b: ({ date }) => MONTHS[date.getUTCMonth()]!.slice(0, 3),
  B: ({ date }) => MONTHS[date.getUTCMonth()]!,
  C: ({ date }) => padded(Math.floor(date.getUTCFullYear() / 100)),
  d: ({ date }) => padded(date.getUTCDate()),
  e: ({ date }) => String(date.getUTCDate()).padStart(2),
  g: ({ date }) => padded(thursdayOf(date).getUTCFullYear() % 100),
  G: ({ date }) => String(thursdayOf(date).getUTCFullYear()),
  H: ({ date }) => padded(date.getUTCHours()),
  I: ({ date }) => padded(date.getUTCHours() % 12 || 12),
  j: ({ date }) => padded(dayOfYear(date) + 1, 3),
  k: ({ date }) => String(date.getUTCHours()).padStart(2),
  l: ({ date }) => String(date.getUTCHours() % 12 || 12).padStart(2),
  m: ({ date }) => padded(date.getUTCMonth() + 1),
  M: ({ date }) => padded(date.getUTCMinutes()),
  n: () => "\n",
  p: ({ date }) => (date.getUTCHours() < 12 ? "AM" : "PM"),
  P: ({ date }) => (date.getUTCHours() < 12 ? "am" : "pm"),
  s: ({ wallMs }) => String(Math.floor(wallMs / 1000)),
  S: ({ date }) => padded(date.getUTCSeconds()),
  t: () => "\t",
  u: ({ date }) => String(date.getUTCDay() || 7),
  U: ({ date }) => padded(Math.floor((dayOfYear(date) + 7 - date.getUTCDay()) / 7)),
  V: ({ date }) => padded(Math.floor(dayOfYear(thursdayOf(date)) / 7) + 1),
  w: ({ date }) => String(date.getUTCDay()),
  W: ({ date }) => padded(Math.floor((dayOfYear(date) + 7 - ((date.getUTCDay() + 6) % 7)) / 7)),
  y: ({ date }) => padded(date.getUTCFullYear() % 100),
  Y: ({ date }) => String(date.getUTCFullYear()),
  z: ({ offset }) =>
    (offset < 0 ? "-" : "+") + padded(Math.floor(Math.abs(offset) / 60)) + padded(Math.abs(offset) % 60),
  Z: ({ wallMs, zone }) => (zone === "gmt" ? "GMT" : zoneName(wallMs)),
  "%": () => "%",
};

function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS);
}

/** A week of ISO 8601 and its year are those of its Thursday. */
function thursdayOf(date: Date): Date {
  return new Date(date.getTime() + (4 - (date.getUTCDay() || 7)) * DAY_MS);
}

function padded(value: number, width = 2): string {
  return String(value).padStart(width, "0");
}

function zoneName(wallMs: number): string {
  const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(wallMs);
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
}
