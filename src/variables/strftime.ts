// strftime of the C locale, as far as formats of logs and SSI use it; a conversion that is not known stays as it is.

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
] as const;

/** The instant (wall clock, ms) in the format; local time unless `gmt`. */
export function formatTime(wallMs: number, format: string, gmt: boolean): string {
  const offsetMinutes = gmt ? 0 : -new Date(wallMs).getTimezoneOffset();
  // The fields of local time are those of UTC, moved.
  const at = new Date(wallMs + offsetMinutes * 60_000);
  return format.replace(/%([a-zA-Z%])/g, (whole, letter: string) => {
    if (letter === "s") return String(Math.floor(wallMs / 1000));
    if (letter === "z") return zoneOffset(offsetMinutes);
    if (letter === "Z") return gmt ? "GMT" : zoneName(wallMs);
    return fieldOf(at, letter) ?? whole;
  });
}

function fieldOf(at: Date, letter: string): string | undefined {
  const hours = at.getUTCHours();
  switch (letter) {
    case "a":
      return DAYS[at.getUTCDay()]!.slice(0, 3);
    case "A":
      return DAYS[at.getUTCDay()]!;
    case "b":
    case "h":
      return MONTHS[at.getUTCMonth()]!.slice(0, 3);
    case "B":
      return MONTHS[at.getUTCMonth()]!;
    case "C":
      return two(Math.floor(at.getUTCFullYear() / 100));
    case "d":
      return two(at.getUTCDate());
    case "e":
      return String(at.getUTCDate()).padStart(2);
    case "H":
      return two(hours);
    case "I":
      return two(hours % 12 || 12);
    case "j":
      return String(dayOfYear(at) + 1).padStart(3, "0");
    case "k":
      return String(hours).padStart(2);
    case "l":
      return String(hours % 12 || 12).padStart(2);
    case "m":
      return two(at.getUTCMonth() + 1);
    case "M":
      return two(at.getUTCMinutes());
    case "p":
      return hours < 12 ? "AM" : "PM";
    case "S":
      return two(at.getUTCSeconds());
    case "u":
      return String(at.getUTCDay() || 7);
    case "w":
      return String(at.getUTCDay());
    case "y":
      return two(at.getUTCFullYear() % 100);
    case "Y":
      return String(at.getUTCFullYear());
    default:
      return literalOrCombined(at, letter);
  }
}

function literalOrCombined(at: Date, letter: string): string | undefined {
  const combined: Readonly<Record<string, string>> = {
    c: "%a %b %e %H:%M:%S %Y",
    D: "%m/%d/%y",
    F: "%Y-%m-%d",
    r: "%I:%M:%S %p",
    R: "%H:%M",
    T: "%H:%M:%S",
    x: "%m/%d/%y",
    X: "%H:%M:%S",
  };
  const format = Object.hasOwn(combined, letter) ? combined[letter] : undefined;
  if (format !== undefined) return format.replace(/%([a-zA-Z])/g, (_, part: string) => fieldOf(at, part) ?? "");
  return { n: "\n", t: "\t", "%": "%" }[letter];
}

function dayOfYear(at: Date): number {
  return Math.floor((at.getTime() - Date.UTC(at.getUTCFullYear(), 0, 1)) / 86_400_000);
}

function zoneOffset(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}${two(size % 60)}`;
}

function zoneName(wallMs: number): string {
  const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(wallMs);
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "UTC";
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
