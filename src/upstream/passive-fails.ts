// Passive failure accounting, as nginx does it: so many failures put a server out of use for a while, and its share
// shrinks with each of them. Pure; instants are whole seconds, as nginx counts them, and by its comparisons.
//
//   failed        fails + 1, the share shrinks by weight / max_fails (grows back by one with each look of the rotation)
//   out           fails >= max_fails, and no more than fail_timeout since it was checked
//   picked        the first time after fail_timeout begins a new window: that request is the check
//   ended well    behind such a check: it is well again, and all failures are forgotten
//
// A failure within the window of a check counts on; one success in between does not take it back.

/** The clock of this accounting: whole seconds, well above 0, where "never" is. */
export type Seconds = number;

const EPOCH_S: Seconds = 1_000_000_000;

/** Of an instant of the monotonic clock. */
export function secondsOf(atMs: number): Seconds {
  return EPOCH_S + Math.floor(atMs / 1000);
}

export interface FailRules {
  readonly weight: number;
  /** 0 = failures do not count. */
  readonly failsMax: number;
  readonly failTimeoutS: Seconds;
}

/** What is remembered of one server. */
export interface FailRecord {
  fails: number;
  /** The last failure. */
  accessedS: Seconds;
  /** The last failure, or the pick that began the running window. */
  checkedS: Seconds;
  /** Its share for now. */
  effectiveWeight: number;
  /** Its credit in the smooth rotation. */
  currentWeight: number;
}

export function newFailRecord(weight: number): FailRecord {
  return { fails: 0, accessedS: 0, checkedS: 0, effectiveWeight: weight, currentWeight: 0 };
}

/** Whether its failures keep it out of use. */
export function isFailed(record: FailRecord, rules: FailRules, nowS: Seconds): boolean {
  return rules.failsMax > 0 && record.fails >= rules.failsMax && nowS - record.checkedS <= rules.failTimeoutS;
}

/** It gets a request. */
export function notePicked(record: FailRecord, rules: FailRules, nowS: Seconds): void {
  if (nowS - record.checkedS > rules.failTimeoutS) record.checkedS = nowS;
}

/** An attempt failed and counts. True where it is out of use by that. */
export function noteFailed(record: FailRecord, rules: FailRules, nowS: Seconds): boolean {
  record.fails++;
  record.accessedS = nowS;
  record.checkedS = nowS;
  if (rules.failsMax === 0) return false;
  record.effectiveWeight = Math.max(0, record.effectiveWeight - Math.floor(rules.weight / rules.failsMax));
  return record.fails >= rules.failsMax;
}

/** An attempt ended, and nothing counts against it. True where it is in use again by that. */
export function noteEnded(record: FailRecord, { failsMax }: FailRules): boolean {
  if (record.accessedS >= record.checkedS) return false;
  const wasOut = failsMax > 0 && record.fails >= failsMax;
  record.fails = 0;
  return wasOut;
}

/** It is looked at by the rotation: what it credits, and its share grows back. */
export function credit(record: FailRecord, weight: number): number {
  const share = record.effectiveWeight;
  record.currentWeight += share;
  if (share < weight) record.effectiveWeight = share + 1;
  return share;
}
