// Adaptive concurrency: a bound of requests in flight that follows latency. Beyond what an upstream can do at once,
// more requests only wait in its queue; their latency says so. Each window compares its mean latency with the one
// measured without a queue: about equal → the limit grows by about its square root, clearly above → it shrinks in
// proportion. It grows only while it is used: a quiet time proves nothing.
// The latency without a queue is measured where few requests are in flight; where that never happens, the limit goes
// down for a moment now and then, and further while that still shortens the wait. So code that gets slower by itself
// is told from a queue. Means, not minima: the fastest response of a mixed load says nothing of the others.
import type { Ms } from "../std/units.ts";

/** One upstream's state; only the functions here change it. */
export interface AdaptiveLimit {
  /** Requests that may be in flight now. */
  limit: number;
  /** The limit outside of a measurement, unrounded. */
  estimate: number;
  /** The latency without a queue; 0 = not yet measured. */
  unloadedMs: Ms;
  /** The mean of the last window; 0 = none yet. */
  meanMs: Ms;
  /** Start of the window; in the future while a measurement waits for the queue to drain. */
  sinceMs: Ms;
  count: number;
  sumMs: Ms;
  busiest: number;
  isMeasuring: boolean;
  /** When unloadedMs was measured last. */
  measuredMs: Ms;
  droppedMs: Ms;
}

const START = 20;
const MIN = 4;
const MAX = 1000;
/** A window has at least this time and so many responses… */
const WINDOW_MS = 100;
const SAMPLES_MIN = 30;
/** …and ends unused after this time, if that is long beside what a response takes. */
const STALE_MS = 10_000;
const STALE_LATENCIES = 4;
/** Latencies that a measurement waits, until what it sees began with few in flight. */
const DRAIN = 3;
/** Latency up to this multiple of the unloaded one is no queue. */
const TOLERANCE = 1.2;
/** The requests that may wait for capacity, so that it is never idle, are this multiple of the limit's square root. */
const HEADROOM = 0.5;
/** Of a step towards the new limit, so much is taken. */
const SMOOTHING = 0.2;
/** How old the unloaded latency may get, in time and in latencies: measuring takes several of them. */
const REMEASURE_MS = 15_000;
const REMEASURE_LATENCIES = 40;
/** To measure, the limit goes down to this share of it… */
const DIP = 0.4;
/** …and again while that still finds latency shorter by this factor. */
const SHORTER = 0.85;
/** Measurements within this factor of each other are of the same code, and are averaged. */
const SAME = 0.7;

export function newAdaptiveLimit(): AdaptiveLimit {
  return {
    limit: START,
    estimate: START,
    unloadedMs: 0,
    meanMs: 0,
    sinceMs: Number.NEGATIVE_INFINITY,
    count: 0,
    sumMs: 0,
    busiest: 0,
    isMeasuring: false,
    measuredMs: Number.NEGATIVE_INFINITY,
    droppedMs: Number.NEGATIVE_INFINITY,
  };
}

/** A response came; `inFlight` counts its request and those that were under way beside it. */
export function noteResponse(state: AdaptiveLimit, latencyMs: Ms, inFlight: number, nowMs: Ms): void {
  const ageMs = nowMs - state.sinceMs;
  if (ageMs >= STALE_MS && ageMs >= STALE_LATENCIES * latencyMs && state.count < SAMPLES_MIN) {
    if (state.isMeasuring) endMeasuring(state, nowMs);
    beginWindow(state, nowMs);
    return;
  }
  if (ageMs < 0) return;
  state.count += 1;
  state.sumMs += latencyMs;
  if (inFlight > state.busiest) state.busiest = inFlight;
  // Shorter than a response takes, a window would only see what was decided before it.
  if (state.count < SAMPLES_MIN || ageMs < WINDOW_MS || ageMs < state.meanMs) return;
  const meanMs = state.sumMs / state.count;
  const { limit } = state;
  if (state.isMeasuring) measure(state, meanMs, nowMs);
  else adapt(state, meanMs, nowMs);
  state.meanMs = meanMs;
  const drains = state.isMeasuring && state.limit < limit;
  beginWindow(state, drains ? nowMs + meanMs * DRAIN : nowMs);
}

/** A request came to nothing for want of capacity (no response in time, refused as overloaded). */
export function noteDrop(state: AdaptiveLimit, nowMs: Ms): void {
  // Of one overload, once: a burst of drops is one finding.
  if (nowMs - state.droppedMs < Math.max(WINDOW_MS, state.meanMs)) return;
  state.droppedMs = nowMs;
  setEstimate(state, state.estimate * 0.9);
}

function adapt(state: AdaptiveLimit, meanMs: Ms, nowMs: Ms): void {
  const isUsed = state.busiest * 2 >= state.limit;
  const isDue = nowMs - state.measuredMs >= Math.max(REMEASURE_MS, REMEASURE_LATENCIES * state.unloadedMs);
  const isFirst = state.unloadedMs === 0;
  if (!isUsed || isFirst) {
    noteUnloaded(state, meanMs);
    // The very first may have had a queue already: that is measured again at once.
    if (!isFirst || !isUsed) state.measuredMs = nowMs;
    return;
  }
  if (isDue) {
    state.isMeasuring = true;
    state.limit = Math.max(MIN, Math.ceil(state.limit * DIP));
    return;
  }
  const gradient = Math.max(0.5, Math.min(1, (TOLERANCE * state.unloadedMs) / meanMs));
  const target = state.estimate * gradient + HEADROOM * Math.sqrt(state.estimate);
  setEstimate(state, state.estimate + (target - state.estimate) * SMOOTHING);
}

function measure(state: AdaptiveLimit, meanMs: Ms, nowMs: Ms): void {
  const isKnown = isNear(meanMs, state.unloadedMs, SHORTER);
  if (!isKnown && meanMs < state.meanMs * SHORTER && state.limit > MIN) {
    state.limit = Math.max(MIN, Math.ceil(state.limit * DIP));
    return;
  }
  noteUnloaded(state, meanMs);
  endMeasuring(state, nowMs);
}

function noteUnloaded(state: AdaptiveLimit, meanMs: Ms): void {
  state.unloadedMs = isNear(meanMs, state.unloadedMs, SAME) ? (state.unloadedMs + meanMs) / 2 : meanMs;
}

function isNear(one: Ms, other: Ms, factor: number): boolean {
  return one >= other * factor && one * factor <= other;
}

function endMeasuring(state: AdaptiveLimit, nowMs: Ms): void {
  state.isMeasuring = false;
  state.measuredMs = nowMs;
  setEstimate(state, state.estimate);
}

function setEstimate(state: AdaptiveLimit, estimate: number): void {
  state.estimate = Math.min(MAX, Math.max(MIN, estimate));
  if (!state.isMeasuring) state.limit = Math.floor(state.estimate);
}

function beginWindow(state: AdaptiveLimit, nowMs: Ms): void {
  state.sinceMs = nowMs;
  state.count = 0;
  state.sumMs = 0;
  state.busiest = 0;
}
