// Expires and Cache-Control as the expires directive makes them, for statuses that may be kept. Both replace what the
// response had. A text with variables is read at each request; what is no time then adds nothing.
import type { ExpiresConfig } from "../config/servers.ts";
import { formatHttpDate } from "../wire/http-date.ts";

export interface ExpiresFields {
  readonly expires: string;
  readonly cacheControl: string;
}

/** What the decision is made from. */
export interface ExpiresFacts {
  readonly status: number;
  readonly lastModifiedSeconds: number | null;
  readonly wallNowMs: number;
  /** Of a text with variables. */
  readonly render: (text: string) => string;
}

const FIXED = {
  epoch: { expires: "Thu, 01 Jan 1970 00:00:01 GMT", cacheControl: "no-cache" },
  max: { expires: "Thu, 31 Dec 2037 23:55:55 GMT", cacheControl: "max-age=315360000" },
  off: null,
} as const;

const SAFE_STATUSES: ReadonlySet<number> = new Set([200, 201, 204, 206, 301, 302, 303, 304, 307, 308]);

/** Whether expires, and what add_header adds without "always", go with this status. */
function isSafeStatus(status: number): boolean {
  return SAFE_STATUSES.has(status);
}

/** null = nothing is set. */
export function expiresFields(config: ExpiresConfig | null, facts: ExpiresFacts): ExpiresFields | null {
  if (config === null || !isSafeStatus(facts.status)) return null;
  if (config.kind === "text") {
    const parsed = parseExpires(facts.render(config.value), config.modified);
    return parsed === null ? null : expiresFields(parsed, facts);
  }
  if (!("ms" in config)) return FIXED[config.kind];
  const now = Math.floor(facts.wallNowMs / 1000);
  const span = Math.trunc(config.ms / 1000);
  if (span === 0 && config.kind !== "daily") return { expires: formatHttpDate(now), cacheControl: "max-age=0" };
  const base = config.kind === "after-modified" ? (facts.lastModifiedSeconds ?? now) : now;
  const at = config.kind === "daily" ? nextLocalTime(span, now) : base + span;
  const isOver = at < now || span < 0;
  return { expires: formatHttpDate(at), cacheControl: isOver ? "no-cache" : `max-age=${at - now}` };
}

/** A time of day, in seconds, today or tomorrow by the server's clock. */
function nextLocalTime(secondOfDay: number, now: number): number {
  const date = new Date(now * 1000);
  date.setHours(0, 0, secondOfDay, 0);
  if (date.getTime() <= now * 1000) date.setDate(date.getDate() + 1);
  return date.getTime() / 1000;
}

const WORDS: ReadonlyMap<string, ExpiresConfig> = new Map([
  ["epoch", { kind: "epoch" }],
  ["max", { kind: "max" }],
  ["off", { kind: "off" }],
]);
const DAY_SECONDS = 24 * 60 * 60;

/** What a rendered text says; null = it says nothing. */
function parseExpires(text: string, modified: boolean): ExpiresConfig | null {
  const word = modified ? undefined : WORDS.get(text);
  if (word) return word;
  const [, sign, span] = /^([@+-]?)(.*)$/s.exec(text)!;
  const seconds = parseSpan(span!);
  if (seconds === null) return null;
  if (sign === "@") return modified || seconds > DAY_SECONDS ? null : { kind: "daily", ms: seconds * 1000 };
  return { kind: modified ? "after-modified" : "after-access", ms: seconds * (sign === "-" ? -1000 : 1000) };
}

const UNIT_SECONDS: readonly (readonly [unit: string, seconds: number])[] = [
  ["y", 365 * DAY_SECONDS],
  ["M", 30 * DAY_SECONDS],
  ["w", 7 * DAY_SECONDS],
  ["d", DAY_SECONDS],
  ["h", 3600],
  ["m", 60],
  ["s", 1],
];

/** nginx's spans: "1h 30m", "2048"; each unit once, the larger before the smaller; a bare number is seconds. */
function parseSpan(text: string): number | null {
  const match = /^(?:\d+y *)?(?:\d+M *)?(?:\d+w *)?(?:\d+d *)?(?:\d+h *)?(?:\d+m *)?(?:\d+s *)?(?:\d+ *)?$/.exec(text);
  if (!match || !/\d/.test(text)) return null;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([yMwdhms]?)/g)) {
    total += Number(count) * (UNIT_SECONDS.find(([name]) => name === unit)?.[1] ?? 1);
  }
  return Number.isSafeInteger(total) ? total : null;
}
