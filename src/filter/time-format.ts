// strftime in the C locale, for $date_gmt, $date_local and SSI's timefmt. What is no conversion stays as it is.
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June"],
  ...["July", "August", "September", "October", "November", "December"],
];
const DAY_MS = 86_400_000;

/** What $date_gmt and $date_local are without a timefmt. */
export const TIME_FORMAT = "%A, %d-%b-%Y %H:%M:%S %Z";

/** A moment of a calendar. */
interface Moment {
  /** As if the local time were UTC. */
  readonly date: Date;
  /** Minutes east of Greenwich. */
  readonly offset: number;
  readonly zone: string;
  readonly seconds: number;
}

/** The text of a time. */
export function formatTime(format: string, wallMs: number, zone: "gmt" | "local"): string {
  const at = new Date(wallMs);
  const offset = zone === "gmt" ? 0 : -at.getTimezoneOffset();
  const date = new Date(wallMs + offset * 60_000);
  const name = zone === "gmt" ? "GMT" : localZone(at);
  return expand(format, { date, offset, zone: name, seconds: Math.floor(wallMs / 1000) });
}

function expand(format: string, moment: Moment): string {
  return format.replace(/%[EO]?([a-zA-Z%])/g, (whole, letter: string) => conversion(letter, moment) ?? whole);
}

function conversion(letter: string, moment: Moment): string | undefined {
  const { date, offset, zone, seconds } = moment;
  const composed = COMPOSED[letter];
  if (composed !== undefined) return expand(composed, moment);
  const year = date.getUTCFullYear();
  const hours = date.getUTCHours();
  const yearDay = Math.floor((date.getTime() - Date.UTC(year, 0, 1)) / DAY_MS);
  const day = date.getUTCDay();
  const fields: Readonly<Record<string, string>> = {
    a: DAYS[day]!.slice(0, 3),
    A: DAYS[day]!,
    b: MONTHS[date.getUTCMonth()]!.slice(0, 3),
    B: MONTHS[date.getUTCMonth()]!,
    C: padded(Math.floor(year / 100)),
    d: padded(date.getUTCDate()),
    e: String(date.getUTCDate()).padStart(2),
    H: padded(hours),
    I: padded(hours % 12 || 12),
    j: padded(yearDay + 1, 3),
    k: String(hours).padStart(2),
    l: String(hours % 12 || 12).padStart(2),
    m: padded(date.getUTCMonth() + 1),
    M: padded(date.getUTCMinutes()),
    n: "\n",
    p: hours < 12 ? "AM" : "PM",
    P: hours < 12 ? "am" : "pm",
    s: String(seconds),
    S: padded(date.getUTCSeconds()),
    t: "\t",
    u: String(day || 7),
    U: padded(Math.floor((yearDay + 7 - day) / 7)),
    w: String(day),
    W: padded(Math.floor((yearDay + 7 - ((day + 6) % 7)) / 7)),
    y: padded(year % 100),
    Y: String(year),
    z: `${offset < 0 ? "-" : "+"}${padded(Math.floor(Math.abs(offset) / 60))}${padded(Math.abs(offset) % 60)}`,
    Z: zone,
    "%": "%",
  };
  return fields[letter] ?? weekField(letter, date);
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

/** The week of ISO 8601 and its year: they are those of its Thursday. */
function weekField(letter: string, date: Date): string | undefined {
  const thursday = new Date(date.getTime() + (4 - (date.getUTCDay() || 7)) * DAY_MS);
  const year = thursday.getUTCFullYear();
  if (letter === "G") return String(year);
  if (letter === "g") return padded(year % 100);
  if (letter !== "V") return undefined;
  return padded(Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) + 1);
}

function padded(value: number, width = 2): string {
  return String(value).padStart(width, "0");
}

function localZone(at: Date): string {
  const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(at);
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
}
