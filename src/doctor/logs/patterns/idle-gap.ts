// Failures that come as the first request after a quiet time, while requests in busy times succeed: what a connection does
// that was closed while it idled. Logs show requests, not connections, so this is never more than likely; and it needs an
// access log: without one nothing is known of the requests between the failures. Times are compared in whole seconds. Pure.
import type { LogPattern } from "../model.ts";
import { type MemberTally, ownCopy, type Row, type View } from "../view.ts";
import { chanceOf, quantile, rateOf } from "./statistics.ts";
import { linesOf, pattern, type Story } from "./story.ts";
import { counted, number, percent, spanOf } from "./words.ts";

const CLASSES: ReadonlySet<string | null> = new Set([
  "closed-before-response",
  "keepalive-race",
  "upstream-write-failed",
]);
const FAILURES_MIN = 3;
const GAP_MIN_SECONDS = 2;
const BUSY_MIN = 30;
const CHANCE_MAX = 1e-4;

/** idle-gap, for each member. */
export function idlePatterns(story: Story): LogPattern[] {
  const { failing, views } = story;
  const rows = failing.rows.filter((row) => row.atMs !== null && CLASSES.has(row.class));
  if (rows.length < FAILURES_MIN) return [];
  const asked = views.filter(({ requests }) => requests > 0);
  const found: LogPattern[] = [];
  for (const view of asked) {
    for (const [name, tally] of view.members) {
      const own = rows.filter(({ member }) => member === name);
      const result = own.length >= FAILURES_MIN ? afterGaps(failing, own, tally, ownCopy(name)) : null;
      if (result) found.push(result);
    }
    // The access log does not say which member: all requests together.
    if (view.members.size === 0) {
      const result = afterGaps(failing, rows, view.everybody, null);
      if (result) found.push(result);
    }
  }
  return found;
}

function afterGaps(
  failing: View,
  rows: readonly Row[],
  tally: MemberTally,
  upstream: string | null,
): LogPattern | null {
  const gaps = rows.map(({ atMs }) => gapBefore(tally.seconds, Math.floor((atMs ?? 0) / 1000)));
  const known = gaps.filter((gap) => gap !== null).sort((a, b) => a - b);
  if (known.length < FAILURES_MIN || known.length < rows.length * 0.8) return null;
  const limit = quantile(known, 0.1);
  if (limit < GAP_MIN_SECONDS) return null;
  const quietHits = known.filter((gap) => gap >= limit).length;
  const quiet = { hits: quietHits, of: Math.max(quietHits, countGaps(tally.seconds, limit)) };
  const requests = tally.counts.reduce((sum, count) => sum + count, 0);
  const busy = { hits: known.length - quietHits, of: requests - quiet.of };
  if (busy.of < BUSY_MIN || rateOf(quiet) < 5 * rateOf(busy) || chanceOf(quiet, busy) >= CHANCE_MAX) return null;
  const to = upstream === null ? "" : ` to ${upstream}`;
  return pattern({
    id: "idle-gap",
    class: "keepalive-race",
    certainty: "likely",
    upstream,
    count: rows.length * failing.stride,
    text: `${number(quiet.hits)} of ${counted(rows.length, "failure")} came with the first request${to} after ${spanOf(limit * 1000)} or more without one (${percent(rateOf(quiet))} of such requests); of ${counted(busy.of, "request")} at busier times ${busy.hits === 0 ? "none" : number(busy.hits)} failed so. That is how a kept connection fails that the upstream had closed.`,
    fromMs: rows[0]?.atMs ?? null,
    toMs: rows.at(-1)?.atMs ?? null,
    durationMs: limit * 1000,
    lines: linesOf(failing.file, rows),
  });
}

/** Seconds since the last one before in which a request ended; null = none is known. */
function gapBefore(seconds: readonly number[], second: number): number | null {
  let low = 0;
  let high = seconds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((seconds[middle] ?? 0) < second) low = middle + 1;
    else high = middle;
  }
  const before = seconds[low - 1];
  return before === undefined ? null : second - before;
}

function countGaps(seconds: readonly number[], limit: number): number {
  let count = 0;
  for (let at = 1; at < seconds.length; at++) if ((seconds[at] ?? 0) - (seconds[at - 1] ?? 0) >= limit) count++;
  return count;
}
