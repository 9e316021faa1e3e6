// Comma-separated lists (RFC 9110 §5.6.1), without quoted strings. Only SP and HTAB are whitespace here: trim() would
// take obs-text away as well, and "chunked\xa0" is not "chunked".
import { HTAB, SP } from "./bytes.ts";

/** The elements of a list, trimmed; empty ones are kept. */
export function listElements(value: string): string[] {
  return value.split(",").map(trimBlanks);
}

/** The text without SP and HTAB at its ends. */
export function trimBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

/** SP or HTAB. */
export function isBlank(c: number): boolean {
  return c === SP || c === HTAB;
}
