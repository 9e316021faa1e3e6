// Numbers, shares, spans and times as the patterns say them. Times are UTC and say so. Pure.
import type { Ms } from "../../../std/units.ts";

/** "1,204". */
export const number = (value: number): string => value.toLocaleString("en-US");

/** "3 failures", "1 failure". */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${number(value)} ${value === 1 ? one : many}`;

/** "30 %", "0.2 %". */
export function percent(share: number): string {
  const value = share * 100;
  if (value === 0 || value >= 10) return `${Math.round(value)} %`;
  return value >= 0.1 ? `${Math.round(value * 10) / 10} %` : "less than 0.1 %";
}

/** "250 ms", "4.2 s", "3 min", "5 h". */
export function spanOf(ms: Ms): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 100) / 10} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} days`;
}

/** "2026-11-21 20:41:01 UTC". */
export const momentOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;
