// The times that logs print, as milliseconds since 1970: ISO 8601, nginx and Go ("2026/11/21 20:41:01"), the common log
// format, Apache, syslog (without a year), journald, klog, PHP-FPM, RFC 1123, seconds and milliseconds since 1970, a bare
// time of day. A time without a zone is of the zone that is given, else of this machine's; a year or a day that is not
// said is the one that lies nearest before the file was written last. What is no time of day (seconds since the start of
// the system) is null. Equal texts come in runs: the last one is remembered.

/** Reads times as one file prints them. */
export type TimeReader = (text: string | undefined, format: string | null) => number | null;

export interface TimeOptions {
  /** When the file was written last: years and days that are not said are those nearest before. */
  readonly referenceMs: number;
  /** East of UTC, of times that do not say; null = this machine's. */
  readonly zoneMinutes: number | null;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A clock that runs a little ahead. */
const AHEAD_MS = 2 * 3_600_000;
/** Formats whose times are UTC without saying so. */
const IS_UTC = /^(?:cloudfront|iis|aws-)/;

/** Whether a text says its zone, or is counted from 1970. */
export function saysZone(text: string, format: string | null): boolean {
  if (format !== null && IS_UTC.test(format)) return true;
  return (
    /:\d\d(?:[.,]\d+)? ?(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)\]?$/.test(text.trim()) || /^\d{10,19}(?:\.\d+)?$/.test(text)
  );
}

/** Makes a reader for the times of one file. */
export function timeReader({ referenceMs, zoneMinutes }: TimeOptions): TimeReader {
  let lastText: string | undefined;
  let lastMs: number | null = null;
  return (text, format) => {
    if (text === undefined || text === "") return null;
    if (text === lastText) return lastMs;
    const parts = partsOf(text, referenceMs, zoneMinutes);
    const utc = format !== null && IS_UTC.test(format);
    lastText = text;
    lastMs = parts === null ? null : typeof parts === "number" ? parts : toMs(parts, utc ? 0 : zoneMinutes);
    return lastMs;
  };
}

interface Parts {
  readonly year: number;
  /** From 0. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly ms: number;
  /** East of UTC; null = not said. */
  readonly zone: number | null;
}

function toMs(parts: Parts, zoneMinutes: number | null): number | null {
  const { year, month, day, hour, minute, second, ms } = parts;
  if (year < 1990 || year > 2200 || month < 0 || month > 11 || day < 1 || day > 31) return null;
  if (hour > 24 || minute > 59 || second > 60) return null;
  const zone = parts.zone ?? zoneMinutes;
  if (zone === null) return new Date(year, month, day, hour, minute, second).getTime() + ms;
  return Date.UTC(year, month, day, hour, minute, second) + ms - zone * MINUTE_MS;
}

const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";
const monthOf = (name: string): number => {
  const at = MONTHS.indexOf(name);
  return at < 0 ? -1 : at / 3;
};

const CLOCK = String.raw`(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?`;
const ZONE = String.raw`(?: ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?`;
const NUMERIC = new RegExp(String.raw`^\[?(\d{4})[-/](\d\d)[-/](\d\d)[T ]{1,2}${CLOCK}${ZONE}`);
const CLF = new RegExp(String.raw`^(\d{1,2})[/-]([A-Z][a-z]{2})[/-](\d{4})[: ]${CLOCK}(?: ([\w/+-]{1,40}))?`);
const APACHE = new RegExp(String.raw`^(?:[A-Z][a-z]{2} )?([A-Z][a-z]{2}) {1,2}(\d{1,2}) ${CLOCK} (\d{4})`);
const SYSLOG = new RegExp(String.raw`^([A-Z][a-z]{2}) {1,2}(\d{1,2}) (?:(\d{4}) )?${CLOCK}`);
const JOURNAL = new RegExp(String.raw`^[A-Z][a-z]{2} (\d{4})-(\d\d)-(\d\d) ${CLOCK}${ZONE}`);
const RFC1123 = new RegExp(String.raw`^[A-Z][a-z]{2}, (\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) ${CLOCK}${ZONE}`);
const KLOG = new RegExp(String.raw`^[IWEF]?(\d\d)(\d\d) ${CLOCK}$`);
const AMERICAN = /^(\d{1,2})\/(\d{1,2})\/(\d{4}),? (\d{1,2}):(\d\d):(\d\d) ([AP])M/;
const OF_DAY = new RegExp(`^${CLOCK}(?: ?([AP])M)?${ZONE}$`);
const EPOCH = /^(\d{10})(?:(\d{3})(\d{3})?(\d{3})?)?(?:\.(\d{1,9}))?$/;

/** A number is the instant itself. */
function partsOf(text: string, referenceMs: number, zoneMinutes: number | null): Parts | number | null {
  const first = text.charCodeAt(0);
  const digit = (first >= 48 && first <= 57) || first === 91;
  if (!digit) return named(text, referenceMs, zoneMinutes);
  const numeric = NUMERIC.exec(text);
  if (numeric) {
    const [, year, month, day, hour, minute, second, fraction, zone] = numeric;
    return parts(year, Number(month) - 1, day, hour, minute, second, fraction, zoneOf(zone));
  }
  const clf = CLF.exec(text);
  if (clf) {
    const [, day, month = "", year, hour, minute, second, fraction, zone] = clf;
    return parts(year, monthOf(month), day, hour, minute, second, fraction, zoneOf(zone));
  }
  const epoch = EPOCH.exec(text);
  if (epoch) {
    const [, seconds, millis = "", , , fraction = ""] = epoch;
    return Number(seconds) * 1000 + Number((millis + fraction).padEnd(3, "0").slice(0, 3));
  }
  return undated(text, referenceMs, zoneMinutes);
}

function named(text: string, referenceMs: number, zoneMinutes: number | null): Parts | number | null {
  const apache = APACHE.exec(text);
  if (apache) {
    const [, month = "", day, hour, minute, second, fraction, year] = apache;
    return parts(year, monthOf(month), day, hour, minute, second, fraction, null);
  }
  const syslog = SYSLOG.exec(text);
  if (syslog) {
    const [, month = "", day, year, hour, minute, second, fraction] = syslog;
    const rest = [day, hour, minute, second, fraction, null] as const;
    if (year !== undefined) return parts(year, monthOf(month), ...rest);
    return nearestYear((guess) => parts(guess, monthOf(month), ...rest), referenceMs, zoneMinutes);
  }
  const journal = JOURNAL.exec(text);
  if (journal) {
    const [, year, month, day, hour, minute, second, fraction, zone] = journal;
    return parts(year, Number(month) - 1, day, hour, minute, second, fraction, zoneOf(zone));
  }
  const rfc = RFC1123.exec(text);
  if (rfc) {
    const [, day, month = "", year, hour, minute, second, fraction, zone] = rfc;
    return parts(year, monthOf(month), day, hour, minute, second, fraction, zoneOf(zone));
  }
  return undated(text, referenceMs, zoneMinutes);
}

/** Times that lack the year or the day, and those of America. */
function undated(text: string, referenceMs: number, zoneMinutes: number | null): Parts | number | null {
  const klog = KLOG.exec(text);
  if (klog) {
    const [, month, day, hour, minute, second, fraction] = klog;
    const of = (year: string) => parts(year, Number(month) - 1, day, hour, minute, second, fraction, null);
    return nearestYear(of, referenceMs, zoneMinutes);
  }
  const american = AMERICAN.exec(text);
  if (american) {
    const [, month, day, year, hour, minute, second, half] = american;
    return parts(year, Number(month) - 1, day, hour24(hour, half), minute, second, undefined, null);
  }
  const time = OF_DAY.exec(text);
  if (!time) return null;
  const [, hour, minute, second, fraction, half, zone] = time;
  const offset = zoneOf(zone) ?? zoneMinutes;
  const local = offset === null ? new Date(referenceMs) : null;
  const there = new Date(referenceMs + (offset ?? 0) * MINUTE_MS);
  const day = local
    ? ([local.getFullYear(), local.getMonth(), local.getDate()] as const)
    : ([there.getUTCFullYear(), there.getUTCMonth(), there.getUTCDate()] as const);
  const of = parts(`${day[0]}`, day[1], `${day[2]}`, hour24(hour, half), minute, second, fraction, offset);
  const ms = toMs(of, zoneMinutes);
  return ms !== null && ms > referenceMs + AHEAD_MS ? ms - DAY_MS : ms;
}

function nearestYear(of: (year: string) => Parts, referenceMs: number, zoneMinutes: number | null): number | null {
  const year = new Date(referenceMs).getUTCFullYear();
  const latest = referenceMs + DAY_MS;
  for (const guess of [year + 1, year, year - 1]) {
    const ms = toMs(of(`${guess}`), zoneMinutes);
    if (ms !== null && ms <= latest) return ms;
  }
  return null;
}

function parts(
  year: string | undefined,
  month: number,
  day: string | undefined,
  hour: string | undefined,
  minute: string | undefined,
  second: string | undefined,
  fraction: string | undefined,
  zone: number | null,
): Parts {
  return {
    year: Number(year),
    month,
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    ms: fraction === undefined ? 0 : Number(fraction.padEnd(3, "0").slice(0, 3)),
    zone,
  };
}

const hour24 = (hour: string | undefined, half: string | undefined): string =>
  half === undefined ? (hour ?? "") : `${(Number(hour) % 12) + (half === "P" ? 12 : 0)}`;

/** Minutes east of UTC; null = not said, or a name whose offset is not known here. */
function zoneOf(zone: string | undefined): number | null {
  if (zone === undefined) return null;
  if (/^(?:Z|UTC|GMT|Etc\/UTC)$/.test(zone)) return 0;
  const [, sign, hours, minutes = "0"] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  if (hours === undefined) return null;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}
