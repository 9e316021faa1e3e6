// What is stored has a bound, whoever made it: texts are cut, lists and maps keep their beginning, and a record that is
// still too large is cut harder. NUL goes, because PostgreSQL's text has no place for it. Pure.
import type { Bytes } from "../std/units.ts";

/** Bounds of one pass. */
interface Bounds {
  readonly text: number;
  readonly items: number;
  readonly keys: number;
}

const PASSES: readonly Bounds[] = [
  { text: 4096, items: 512, keys: 256 },
  { text: 512, items: 130, keys: 64 },
  { text: 160, items: 16, keys: 16 },
];
/** A list or map within a list within a map … */
const DEPTH_MAX = 12;

/** At most `max` characters, without NUL and halves of surrogate pairs; what was cut ends in "…". */
export function clip(text: string, max: number): string {
  const cut = text.length <= max ? text : `${text.slice(0, max - 1)}…`;
  const whole = cut.includes("\0") ? cut.replaceAll("\0", "") : cut;
  return /[\ud800-\udfff]/.test(whole) ? whole.replace(/\p{Surrogate}/gu, "\ufffd") : whole;
}

/** The record as JSON of at most `max` characters, as whole as that allows. */
export function boundedJson(record: object, max: Bytes): string {
  let json = "";
  for (const bounds of PASSES) {
    json = JSON.stringify(bounded(record, bounds, 0));
    if (json.length <= max) break;
  }
  return json;
}

function bounded(value: unknown, bounds: Bounds, depth: number): unknown {
  if (typeof value === "string") return clip(value, bounds.text);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= DEPTH_MAX) return null;
  if (Array.isArray(value)) return value.slice(0, bounds.items).map((item) => bounded(item, bounds, depth + 1));
  const copy: Record<string, unknown> = {};
  let left = bounds.keys;
  for (const [key, item] of Object.entries(value)) {
    if (left-- <= 0) break;
    // Assigned, "__proto__" would set the prototype and be lost.
    const name = clip(key, bounds.text);
    Object.defineProperty(copy, name, {
      value: bounded(item, bounds, depth + 1),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return copy;
}

/** About how much memory a record takes: for the bound of a queue, not for accounts. */
export function weigh(value: unknown): Bytes {
  if (typeof value === "string") return 24 + value.length;
  if (typeof value !== "object" || value === null) return 8;
  let sum = 32;
  if (Array.isArray(value)) {
    for (const item of value) sum += weigh(item);
    return sum;
  }
  for (const [key, item] of Object.entries(value)) sum += 16 + key.length + weigh(item);
  return sum;
}
