// HTTP dates (RFC 9110 §5.6.7): all three formats are read, the first is written. Seconds since 1970; like nginx, the
// name of the weekday and what follows the time are not looked at, and a day that its month lacks is no date.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS_MAX = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** "Sun, 06 Nov 1994 08:49:37 GMT" */
const RFC_1123 = /^[^, ]*, *(\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d)/;
/** "Sunday, 06-Nov-94 08:49:37 GMT" */
const RFC_850 = /^[^, ]*, *(\d\d)-([A-Z][a-z]{2})-(\d\d) (\d\d):(\d\d):(\d\d)/;
/** "Sun Nov  6 08:49:37 1994" */
const ASCTIME = /^[^, ]+ +([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})/;

/** Seconds since 1970; null = no date. */
export function parseHttpDate(text: string): number | null {
  const usual = RFC_1123.exec(text);
  if (usual) return seconds(usual[3]!, usual[2]!, usual[1]!, usual.slice(4));
  const old = RFC_850.exec(text);
  if (old) return seconds(`${Number(old[3]) < 70 ? "20" : "19"}${old[3]}`, old[2]!, old[1]!, old.slice(4));
  const c = ASCTIME.exec(text);
  if (c) return seconds(c[6]!, c[1]!, c[2]!, c.slice(3, 6));
  return null;
}

/** "Sun, 06 Nov 1994 08:49:37 GMT" */
export function formatHttpDate(secondsSince1970: number): string {
  return new Date(secondsSince1970 * 1000).toUTCString();
}

function seconds(year: string, monthName: string, day: string, time: readonly string[]): number | null {
  const month = MONTHS.indexOf(monthName);
  const [hour, minute, second] = time.map(Number);
  if (month < 0 || Number(day) < 1 || Number(day) > DAYS_MAX[month]!) return null;
  if (hour! > 23 || minute! > 59 || second! > 59) return null;
  const date = new Date(0);
  // Not Date.UTC, which takes the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(Number(year), month, Number(day));
  // The 29th of February of a common year is the 1st of March by now.
  return date.getUTCMonth() === month ? date.setUTCHours(hour!, minute!, second!) / 1000 : null;
}
