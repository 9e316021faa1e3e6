// A line with its changing parts masked. Lines that differ only in addresses, times, numbers and names have the same
// template, and with it the same generated page and the same group of a log.

const MASKS: readonly (readonly [pattern: RegExp, mask: string])[] = [
  [/\x1b\[[0-9;]*[A-Za-z]/g, ""],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<id>"],
  [/\b\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?/g, "<time>"],
  [/\b\d{1,2}\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{4})?/g, "<time>"],
  [/\b(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} [ \d]?\d \d\d:\d\d:\d\d(?:\.\d+)?(?: \d{4})?/g, "<time>"],
  [/\b\d\d:\d\d:\d\d(?:[.,]\d+)?(?: [AP]M)?\b/g, "<time>"],
  [/\b[a-z][a-z0-9+.-]{1,12}:\/\/[^\s"'<>,;)\]}]+/gi, "<url>"],
  [/"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) [^"\n]*"/g, '"<request>"'],
  [/\b(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \/[^\s"]*/g, "<request>"],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b/g, "<address>"],
  [/\[[0-9a-f:]*:[0-9a-f:.]*\](?::\d{1,5})?/gi, "<address>"],
  [/\bunix:[^\s"',;)]+/g, "<address>"],
  [/\b[\w-]+(?:\.[\w-]+)*\.(?:[a-z]{2,12})(?::\d{1,5})?\b/gi, "<name>"],
  [/(?<![\w.])(?:\/[\w.@%+~-]+){2,}\/?/g, "<path>"],
  [/\b0x[0-9a-f]+\b/gi, "<n>"],
  [/\b[0-9a-f]{12,}\b/gi, "<id>"],
  [/\d+(?:\.\d+)?/g, "<n>"],
  [/\s+/g, " "],
];

const TEXT_MAX = 2_000;
const CLEAN_MAX = 8_192;

/** The masked line; at most 2,000 characters of it. */
export function templateOf(text: string): string {
  let masked = text.slice(0, CLEAN_MAX);
  for (const [pattern, mask] of MASKS) masked = masked.replace(pattern, mask);
  return masked.trim().slice(0, TEXT_MAX);
}

/** Twelve hexadecimal digits that stand for a template (FNV-1a over its UTF-16 units, two lanes of 32 bits). */
export function templateHash(template: string): string {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let index = 0; index < template.length; index++) {
    const unit = template.charCodeAt(index);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ ((unit << 5) | (index % 31)), 0x85ebca6b);
  }
  const hex = (lane: number) => (lane >>> 0).toString(16).padStart(8, "0");
  return (hex(low) + hex(high)).slice(2, 14);
}
