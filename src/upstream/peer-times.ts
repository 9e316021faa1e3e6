// How long a server takes, as nginx's least_time reckons: moving averages of the time to the head and to the last byte
// in whole milliseconds, and, where requests in flight count, how long these have been waiting already. Failed attempts
// say nothing: what refuses at once would look the fastest.
import type { Ms } from "../std/units.ts";

export interface PeerTimes {
  headMs: Ms;
  wholeMs: Ms;
  inflightMs: Ms;
  /** Time that the requests in flight had waited in all when their number changed last. */
  inflightSumMs: Ms;
  inflightChangedMs: Ms;
  inflight: number;
}

export function newPeerTimes(): PeerTimes {
  return { headMs: 0, wholeMs: 0, inflightMs: 0, inflightSumMs: 0, inflightChangedMs: 0, inflight: 0 };
}

/** Above it all are equally bad, and the number of requests decides. */
const BAD_MS: Ms = 5000;
/** Times within such a step are the same. */
const STEP_MS: Ms = 20;

/** The average behind a further value; the first is the average. */
export function averageMs(average: Ms, value: Ms): Ms {
  return average === 0 ? value : Math.floor(0.5 + value * 0.05 + average * 0.95);
}

export function noteHead(times: PeerTimes, headMs: Ms): void {
  times.headMs = averageMs(times.headMs, headMs);
}

export function noteWhole(times: PeerTimes, wholeMs: Ms): void {
  times.wholeMs = averageMs(times.wholeMs, wholeMs);
}

/** A request goes to it. */
export function inflightBegan(times: PeerTimes, nowMs: Ms): void {
  if (times.inflight > 0) times.inflightSumMs += (nowMs - times.inflightChangedMs) * times.inflight;
  times.inflightChangedMs = nowMs;
  times.inflight++;
}

/** A request is over after `tookMs`. */
export function inflightEnded(times: PeerTimes, tookMs: Ms, nowMs: Ms): void {
  if (times.inflight <= 1) times.inflightSumMs = 0;
  else {
    times.inflightSumMs += (nowMs - times.inflightChangedMs) * times.inflight - tookMs;
    times.inflightChangedMs = nowMs;
  }
  times.inflight = Math.max(0, times.inflight - 1);
}

/** Before servers are compared: how long those in flight have been waiting on average. */
export function lookAtInflight(times: PeerTimes, nowMs: Ms): void {
  if (times.inflight === 0) return;
  const waited = Math.floor(times.inflightSumMs / times.inflight) + (nowMs - times.inflightChangedMs);
  times.inflightMs = averageMs(times.inflightMs, waited);
}

/** When it would be through with what it has and one more; `unheardS` since it was last checked, in seconds. */
export function estimateMs(
  times: PeerTimes,
  by: "header" | "last-byte",
  active: number,
  unheardS: number,
  failTimeoutS: number,
): Ms {
  let ms = by === "header" ? times.headMs : times.wholeMs;
  // Once in each fail_timeout it is taken for twice as fast, so that a slow one is tried again.
  if (unheardS > failTimeoutS) ms = Math.floor(ms / 2 ** Math.floor(unheardS / (failTimeoutS + 1)));
  if (times.inflight > 0) ms = Math.max(ms, times.inflightMs);
  ms = ms > BAD_MS ? BAD_MS : ms + STEP_MS - (ms % STEP_MS);
  return ms * (1 + active);
}
