// Failures over time: in a burst, all the time, or over since. Compared with the requests where they are known, because
// failures that follow the traffic are no burst. Pure.
import type { LogPattern } from "../model.ts";
import type { View } from "../view.ts";
import { linesOf, mainCause, pattern, type Story } from "./story.ts";
import { counted, momentOf, number, percent, spanOf } from "./words.ts";

const BURST_MIN = 10;
const STEADY_MIN = 20;
const OVER_MIN = 5;
const RANGE_MIN_MS = 120_000;
const IN_BURST = 0.8;
const BURST_OF_RANGE = 0.2;
const SLICES = 10;

/** burst or steady, and over. */
export function timePatterns(story: Story): LogPattern[] {
  return [burst(story) ?? steady(story), over(story)].filter((found) => found !== null);
}

function burst(story: Story): LogPattern | null {
  const { timed, fromMs, toMs, failing, asked } = story;
  const range = toMs - fromMs;
  if (timed.length < BURST_MIN || range < RANGE_MIN_MS) return null;
  const window = densest(
    timed.map(({ atMs }) => atMs),
    Math.ceil(timed.length * IN_BURST),
  );
  const width = Math.max(1000, window.toMs - window.fromMs);
  if (width > range * BURST_OF_RANGE) return null;
  if (asked && !isWorseWithin(asked, failing, window)) return null;
  const inside = timed.filter(({ atMs }) => atMs >= window.fromMs && atMs <= window.toMs);
  const count = inside.length * failing.stride;
  return pattern({
    id: "burst",
    class: mainCause(inside),
    certainty: inside.length >= 20 ? "proven" : "likely",
    count,
    text: `${number(count)} of ${counted(failing.failures, "failure")} fell within ${spanOf(width)}, from ${momentOf(window.fromMs)} on; the log covers ${spanOf(range)}.`,
    fromMs: window.fromMs,
    toMs: window.toMs,
    lines: linesOf(failing.file, inside),
  });
}

interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The shortest window with so many of the times, and what follows or precedes it closely. */
function densest(times: readonly number[], count: number): Window {
  let best = 0;
  const widthAt = (at: number) => (times[at + count - 1] ?? 0) - (times[at] ?? 0);
  for (let at = 1; at + count <= times.length; at++) if (widthAt(at) < widthAt(best)) best = at;
  let first = best;
  let last = best + count - 1;
  const close = Math.max(2000, (widthAt(best) / count) * 10);
  while (first > 0 && (times[first] ?? 0) - (times[first - 1] ?? 0) <= close) first--;
  while (last < times.length - 1 && (times[last + 1] ?? 0) - (times[last] ?? 0) <= close) last++;
  return { fromMs: times[first] ?? 0, toMs: times[last] ?? 0 };
}

/** Of the requests within, three times as many failed as of those outside. */
function isWorseWithin(asked: View, failing: View, window: Window): boolean {
  const inside = { failures: 0, requests: 0 };
  const outside = { failures: 0, requests: 0 };
  for (const view of asked === failing ? [asked] : [asked, failing]) {
    for (const [start, bucket] of view.buckets.counts) {
      const into = start + view.buckets.stepMs > window.fromMs && start <= window.toMs ? inside : outside;
      if (view === asked) into.requests += bucket.requests;
      if (view === failing) into.failures += bucket.failures;
    }
  }
  if (inside.requests === 0) return true;
  const within = inside.failures / inside.requests;
  return within >= 3 * (outside.failures / Math.max(1, outside.requests));
}

function steady({ timed, failing, asked, fromMs, toMs }: Story): LogPattern | null {
  const range = toMs - fromMs;
  if (timed.length < STEADY_MIN || range < RANGE_MIN_MS) return null;
  const slices = new Array<number>(SLICES).fill(0);
  for (const { atMs } of timed) {
    const at = Math.min(SLICES - 1, Math.floor(((atMs - fromMs) / range) * SLICES));
    slices[at] = (slices[at] ?? 0) + 1;
  }
  const mean = timed.length / SLICES;
  if (slices.filter((count) => count > 0).length < SLICES - 1 || Math.max(...slices) > mean * 3) return null;
  const share = asked ? ` (${percent(failing.failures / Math.max(1, asked.requests))} of the requests)` : "";
  const rate = rateIn(failing.failures / (range / 60_000));
  return pattern({
    id: "steady",
    class: mainCause(timed),
    certainty: "proven",
    count: failing.failures,
    text: `${counted(failing.failures, "failure")} spread over the whole ${spanOf(range)} of the log, ${rate}${share}.`,
    fromMs: timed[0]?.atMs ?? null,
    toMs: timed.at(-1)?.atMs ?? null,
    lines: linesOf(failing.file, timed),
  });
}

/** In the unit in which it is at least one. */
function rateIn(perMinute: number): string {
  if (perMinute >= 1) return `${number(Math.round(perMinute))} a minute`;
  if (perMinute * 60 >= 1) return `${number(Math.round(perMinute * 60))} an hour`;
  return perMinute * 1440 >= 1 ? `${number(Math.round(perMinute * 1440))} a day` : "fewer than one a day";
}

function over(story: Story): LogPattern | null {
  const { timed, toMs, failing, asked } = story;
  const first = timed[0];
  const last = timed.at(-1);
  if (timed.length < OVER_MIN || !first || !last) return null;
  const quietMs = toMs - last.atMs;
  const chance = asked ? chanceOfQuiet(asked, failing, first.atMs, last.atMs) : null;
  if (chance === null ? !isLongQuiet(timed, quietMs) : quietMs < 30_000 || chance.chance > 1e-3) return null;
  const since = chance ? `${counted(chance.after, "request")} since then went well` : "nothing of the kind came since";
  return pattern({
    id: "over",
    class: mainCause(timed),
    certainty: chance === null ? "possible" : chance.chance < 1e-6 ? "proven" : "likely",
    count: failing.failures,
    text: `The failures ended at ${momentOf(last.atMs)}, ${spanOf(quietMs)} before the end of the log: ${since}. They began at ${momentOf(first.atMs)}.`,
    fromMs: first.atMs,
    toMs: last.atMs,
    lines: linesOf(failing.file, [first, last]),
  });
}

/** The chance of no failure in the requests since, were it as before. */
function chanceOfQuiet(
  asked: View,
  failing: View,
  fromMs: number,
  toMs: number,
): { chance: number; after: number } | null {
  let during = 0;
  let after = 0;
  for (const [start, { requests }] of asked.buckets.counts) {
    if (start > toMs) after += requests;
    else if (start + asked.buckets.stepMs > fromMs) during += requests;
  }
  if (after < 20) return { chance: 1, after };
  const rate = Math.min(1, failing.failures / Math.max(1, during));
  return { chance: (1 - rate) ** after, after };
}

/** Only failures are known: quiet for ten times longer than ever between them. */
function isLongQuiet(timed: Story["timed"], quietMs: number): boolean {
  let longest = 0;
  for (let at = 1; at < timed.length; at++)
    longest = Math.max(longest, (timed[at]?.atMs ?? 0) - (timed[at - 1]?.atMs ?? 0));
  return quietMs >= Math.max(60_000, longest * 10);
}
