// Units. A number that has a unit carries it in its name (connectTimeoutMs, headBytesMax) and in its type.
// parseDuration / parseSize read what people write in a configuration: "5s", "250ms", "1m30s", "10MiB".
// A duration without a unit is refused: 30 means seconds to one program and milliseconds to the next. A size
// without one is bytes. "k", "m", "g" are nginx's: powers of 1024, as KiB, MiB, GiB; kB, MB, GB are powers of 1000.

/** Milliseconds; a monotonic instant or a span, as the name says. */
export type Ms = number;
/** Bytes. */
export type Bytes = number;

const DURATION_UNITS: readonly (readonly [unit: string, ms: Ms])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];

const SIZE_UNITS: ReadonlyMap<string, Bytes> = new Map([
  ["", 1],
  ["b", 1],
  ["k", 2 ** 10],
  ["kib", 2 ** 10],
  ["kb", 1e3],
  ["m", 2 ** 20],
  ["mib", 2 ** 20],
  ["mb", 1e6],
  ["g", 2 ** 30],
  ["gib", 2 ** 30],
  ["gb", 1e9],
]);

/** "1m30s" in milliseconds; undefined = not a duration. Each unit stands once, the larger before the smaller. */
export function parseDuration(text: string): Ms | undefined {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/gy)];
  if (parts.length === 0 || parts.reduce((length, [part]) => length + part.length, 0) !== text.trim().length) {
    return undefined;
  }
  let total = 0;
  let smallest = -1;
  for (const [, amount, unit] of parts) {
    const rank = DURATION_UNITS.findIndex(([name]) => name === unit);
    if (rank <= smallest) return undefined;
    smallest = rank;
    total += Number(amount) * DURATION_UNITS[rank]![1];
  }
  return Number.isSafeInteger(Math.round(total)) ? Math.round(total) : undefined;
}

/** "10MiB" in bytes; undefined = not a size. */
export function parseSize(text: string): Bytes | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text.trim());
  const factor = match ? SIZE_UNITS.get(match[2]!.toLowerCase()) : undefined;
  if (!match || factor === undefined) return undefined;
  const bytes = Number(match[1]) * factor;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The duration as parseDuration reads it: 90000 → "1m30s". */
export function formatDuration(ms: Ms): string {
  let left = Math.round(ms);
  if (left <= 0) return "0s";
  let text = "";
  for (const [unit, span] of DURATION_UNITS) {
    const count = Math.floor(left / span);
    left -= count * span;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}

/** The size as parseSize reads it, in the largest unit that divides it: 65536 → "64KiB". */
export function formatSize(bytes: Bytes): string {
  for (const [unit, factor] of [
    ["GiB", 2 ** 30],
    ["MiB", 2 ** 20],
    ["KiB", 2 ** 10],
  ] as const) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return `${bytes}B`;
}
