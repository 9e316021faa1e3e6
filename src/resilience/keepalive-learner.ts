// The keep-alive learner: what is known of the idle timer of one endpoint. A request on a connection that the
// upstream is just closing is lost, so idle connections are used only below its timer, with a margin. Known is what
// it says (Keep-Alive: timeout=N), or what its closes show: a timer closes at the same idle age each time.
// A close counts if two of the last three agree. Closes at one moment are one observation: at one age a timer, at
// several ages a restart, which teaches nothing. A limit that closes have shown may be wrong, or become wrong, and
// would hide that: no connection gets old enough. So a few idle connections are kept for longer (`random`), and a
// request that is answered beyond the limit, or closes at another age, correct it. Until a timer is known, requests
// that cannot be repeated use only ages at which others were answered.
import type { Ms } from "../std/units.ts";

/** One observation: closes without a pause between them. */
interface Closing {
  lowestMs: Ms;
  highestMs: Ms;
  lastAtMs: Ms;
}

/** One endpoint's state; only the functions here change it. */
export interface KeepAlive {
  /** What the endpoint says; 0 = nothing. */
  hintMs: Ms;
  /** The age at which closes cluster; 0 = they do not. */
  closesMs: Ms;
  /** closesMs before the latest observation, in case it turns out to be a restart. */
  closesBeforeMs: Ms;
  /** The latest, newest last. */
  readonly closings: Closing[];
  /** Up to this age requests were answered repeatedly. */
  answeredMs: Ms;
  /** Answered beyond that: how many, and the lowest age of them. */
  answeredBeyond: number;
  lowestBeyondMs: Ms;
}

/** Closes with less than this between them are one observation. */
const BURST_MS = 100;
/** A process that ends closes its connections within this time of refusing the next one. */
const END_MS = 1000;
/** A close sooner than this says nothing of a timer: the endpoint has had enough requests, or is going. */
const AGE_MIN_MS = 100;
const CLOSINGS_MAX = 3;
const CLUSTER_MIN = 2;
/** So many answers beyond an age make it a safe one. */
const ANSWERS_MIN = 3;
/** A connection that cannot be younger is still safe at this age if no timer is known: common ones are longer. */
const SAFE_MS = 1000;
/** Where the limit is known and `auto` is on, idle connections are kept up to this. */
const AUTO_MAX_MS = 60_000;
/** Of the connections that go idle, this share is kept beyond what closes have shown, to see whether it still holds. */
const PROBE_SHARE = 0.02;

export function newKeepAlive(): KeepAlive {
  return {
    hintMs: 0,
    closesMs: 0,
    closesBeforeMs: 0,
    closings: [],
    answeredMs: 0,
    answeredBeyond: 0,
    lowestBeyondMs: 0,
  };
}

/** The endpoint said for how long it keeps an idle connection (0 = it did not); true = the limit is another now. */
export function noteHint(k: KeepAlive, hintMs: Ms): boolean {
  const saidMs = hintMs > 0 ? hintMs : 0;
  if (saidMs === k.hintMs) return false;
  const beforeMs = idleLimitMs(k);
  // It was configured anew, to more: what its closes showed is of the old timer.
  if (k.hintMs > 0 && saidMs > k.hintMs) forgetCloses(k);
  k.hintMs = saidMs;
  return idleLimitMs(k) !== beforeMs;
}

/** The endpoint closed a connection that had been idle for so long; true = the limit is another now. */
export function noteIdleClose(k: KeepAlive, idleMs: Ms, nowMs: Ms): boolean {
  const beforeMs = idleLimitMs(k);
  // Whatever closed it, that age is not as safe as it seemed.
  if (idleMs >= AGE_MIN_MS && idleMs < k.answeredMs) forgetAnswers(k);
  const last = k.closings.at(-1);
  if (last && nowMs - last.lastAtMs < BURST_MS) {
    last.lowestMs = Math.min(last.lowestMs, idleMs);
    last.highestMs = Math.max(last.highestMs, idleMs);
    last.lastAtMs = nowMs;
  } else {
    k.closings.push({ lowestMs: idleMs, highestMs: idleMs, lastAtMs: nowMs });
    if (k.closings.length > CLOSINGS_MAX) k.closings.shift();
    k.closesBeforeMs = k.closesMs;
  }
  k.closesMs = clusterMs(k.closings) || k.closesBeforeMs;
  return idleLimitMs(k) !== beforeMs;
}

/** Nothing listens there any more: what closed just before that was its end, and no timer. True = the limit is another now. */
export function noteEnd(k: KeepAlive, nowMs: Ms): boolean {
  const beforeMs = idleLimitMs(k);
  const last = k.closings.at(-1);
  if (!last || nowMs - last.lastAtMs > END_MS) return false;
  k.closings.pop();
  k.closesMs = k.closesBeforeMs;
  return idleLimitMs(k) !== beforeMs;
}

/** A request on a connection that had been idle for so long was answered: the timer is longer than that. */
export function noteReuse(k: KeepAlive, idleMs: Ms): void {
  if (idleMs < AGE_MIN_MS) return;
  if (k.closings.length > 0) disprove(k, idleMs);
  if (idleMs <= k.answeredMs) return;
  k.lowestBeyondMs = k.answeredBeyond === 0 ? idleMs : Math.min(k.lowestBeyondMs, idleMs);
  k.answeredBeyond += 1;
  if (k.answeredBeyond < ANSWERS_MIN) return;
  k.answeredMs = k.lowestBeyondMs;
  k.answeredBeyond = 0;
}

/** The idle age from which the endpoint closes a connection; 0 = unknown. */
export function idleLimitMs(k: KeepAlive): Ms {
  if (k.hintMs === 0 || k.closesMs === 0) return k.hintMs + k.closesMs;
  return Math.min(k.hintMs, k.closesMs);
}

/** Where the limit is known from. */
export function limitFrom(k: KeepAlive): "hint" | "closes" | null {
  const limitMs = idleLimitMs(k);
  if (limitMs === 0) return null;
  return limitMs === k.hintMs ? "hint" : "closes";
}

/**
 * How long to keep a connection that goes idle: below the limit, and not beyond what is configured; `auto` = a known
 * limit may go beyond that. `random` in [0, 1), drawn once for each connection that goes idle, lets a few stay
 * longer to see whether a limit that closes have shown still holds; 1 = none.
 */
export function keepIdleMs(k: KeepAlive, configuredMs: Ms, auto: boolean, random = 1): Ms {
  if (configuredMs === 0) return 0;
  const mostMs = auto ? Math.max(configuredMs, AUTO_MAX_MS) : configuredMs;
  if (random < PROBE_SHARE && limitFrom(k) === "closes") {
    return k.hintMs > 0 ? Math.min(mostMs, belowMs(k.hintMs)) : mostMs;
  }
  const limitMs = idleLimitMs(k);
  return limitMs === 0 ? configuredMs : Math.min(mostMs, belowMs(limitMs));
}

/** Up to which idle age a connection is certainly still open: for requests that cannot be repeated. */
export function safeIdleMs(k: KeepAlive): Ms {
  const limitMs = idleLimitMs(k);
  return limitMs === 0 ? Math.max(SAFE_MS, k.answeredMs) : belowMs(limitMs);
}

function belowMs(limitMs: Ms): Ms {
  return Math.max(limitMs / 4, limitMs - Math.max(limitMs / 10, 500));
}

function agree(lowestMs: Ms, highestMs: Ms): boolean {
  return highestMs - lowestMs <= toleranceMs(highestMs);
}

function toleranceMs(ageMs: Ms): Ms {
  return Math.max(ageMs / 10, 250);
}

/** The lowest age of those that agree with the newest; 0 = they are too few. */
function clusterMs(closings: readonly Closing[]): Ms {
  const newest = closings.at(-1)!;
  if (newest.lowestMs < AGE_MIN_MS) return 0;
  let lowestMs = newest.lowestMs;
  let count = 0;
  for (const closing of closings) {
    if (closing.lowestMs < AGE_MIN_MS) continue;
    if (!agree(Math.min(closing.lowestMs, newest.lowestMs), Math.max(closing.highestMs, newest.highestMs))) continue;
    lowestMs = Math.min(lowestMs, closing.lowestMs);
    count += 1;
  }
  return count >= CLUSTER_MIN ? lowestMs : 0;
}

/** Drops what speaks of a timer that is clearly shorter than this age. */
function disprove(k: KeepAlive, idleMs: Ms): void {
  // A timer is read late now and then: an answer shortly beyond the limit does not refute it.
  if (k.closesMs > 0 && !agree(k.closesMs, idleMs) && idleMs > k.closesMs) k.closesMs = 0;
  for (let index = k.closings.length - 1; index >= 0; index--) {
    const { lowestMs } = k.closings[index]!;
    if (idleMs > lowestMs && !agree(lowestMs, idleMs)) k.closings.splice(index, 1);
  }
  k.closesBeforeMs = Math.min(k.closesBeforeMs, k.closesMs);
}

function forgetCloses(k: KeepAlive): void {
  k.closings.length = 0;
  k.closesMs = 0;
  k.closesBeforeMs = 0;
}

function forgetAnswers(k: KeepAlive): void {
  k.answeredMs = 0;
  k.answeredBeyond = 0;
}
