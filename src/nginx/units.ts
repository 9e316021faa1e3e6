// nginx's numbers: sizes with k and m, offsets with g as well, times in milliseconds or seconds ("1h30m"), on and
// off. A number without a unit is bytes or seconds. Units of a time go from the larger to the smaller, each once;
// years and months exist only where nginx counts in seconds, milliseconds only where it counts in those.
// undefined = nginx refuses it; `refusal` has the words.
import type { Bytes, Ms } from "../std/units.ts";

/** What 64 bits with a sign hold. */
const MAX = 2n ** 63n - 1n;

const SIZE_UNITS: Readonly<Record<string, bigint>> = { k: 1024n, m: 1024n ** 2n };
const OFFSET_UNITS: Readonly<Record<string, bigint>> = { ...SIZE_UNITS, g: 1024n ** 3n };

/** Larger units first; how many seconds each has. A space stands for seconds. */
const TIME_UNITS: readonly (readonly [unit: string, seconds: bigint])[] = [
  ["y", 31_536_000n],
  ["M", 2_592_000n],
  ["w", 604_800n],
  ["d", 86_400n],
  ["h", 3600n],
  ["m", 60n],
  ["s", 1n],
  ["ms", 0n],
  [" ", 1n],
];
const MONTH_RANK = 1;
const SECOND_RANK = 6;

/** A whole number that is not negative. */
export function parseNumber(text: string): number | undefined {
  const value = digits(text);
  return value === undefined ? undefined : Number(value);
}

/** "8k", "1m". */
export function parseSize(text: string): Bytes | undefined {
  return scaled(text, SIZE_UNITS);
}

/** "1g" too. */
export function parseOffset(text: string): Bytes | undefined {
  return scaled(text, OFFSET_UNITS);
}

/** "1m30s" in milliseconds; a number without a unit is seconds. */
export function parseTime(text: string): Ms | undefined {
  return timeIn(text, "ms");
}

/** "1y" in seconds. */
export function parseSeconds(text: string): number | undefined {
  return timeIn(text, "s");
}

/** on and off, in any case. */
export function parseFlag(text: string): boolean | undefined {
  const word = text.toLowerCase();
  return word === "on" ? true : word === "off" ? false : undefined;
}

/** The arguments of "8 4k": how many, and how large each. */
export function parseBuffers(count: string, size: string): { count: number; bytes: Bytes } | undefined {
  const number = parseNumber(count);
  const bytes = parseSize(size);
  return number && bytes ? { count: number, bytes } : undefined;
}

function digits(text: string): bigint | undefined {
  if (!/^[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.length > 40 ? text.replace(/^0+(?=.)/, "").slice(0, 40) : text);
  return value > MAX ? undefined : value;
}

function scaled(text: string, units: Readonly<Record<string, bigint>>): number | undefined {
  const unit = units[text.slice(-1).toLowerCase()];
  const value = digits(unit === undefined ? text : text.slice(0, -1));
  if (value === undefined || value * (unit ?? 1n) > MAX) return undefined;
  return Number(value * (unit ?? 1n));
}

function timeIn(text: string, unit: "ms" | "s"): number | undefined {
  const perSecond = unit === "ms" ? 1000n : 1n;
  let rank = unit === "ms" ? MONTH_RANK : -1;
  let total = 0n;
  let at = 0;
  let hasDigits = false;
  while (at < text.length) {
    const number = /^[0-9]*/.exec(text.slice(at))![0];
    const value = number === "" ? 0n : digits(number);
    if (value === undefined) return undefined;
    hasDigits ||= number !== "";
    at += number.length;
    if (at === text.length) return finish(total + value * perSecond, hasDigits);
    const name = text.startsWith("ms", at) ? "ms" : text[at]!;
    const next = TIME_UNITS.findIndex(([known]) => known === name);
    // A space may stand behind anything but seconds and what is smaller; other units go down.
    if (next === -1 || (name === " " ? rank >= SECOND_RANK : next <= rank)) return undefined;
    if (name === "ms" && unit === "s") return undefined;
    rank = next;
    total += name === "ms" ? value : value * TIME_UNITS[next]![1] * perSecond;
    at += name.length;
    while (text[at] === " ") at += 1;
  }
  return finish(total, hasDigits);
}

function finish(total: bigint, hasDigits: boolean): number | undefined {
  return hasDigits && total <= MAX ? Number(total) : undefined;
}
