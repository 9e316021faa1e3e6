// The ledger: per calendar day (local time) how many requests there were, which gateway errors visitors saw, which
// were avoided, by what and at what cost. An exchange costs a counter; only one that failed or took a detour is
// looked at. Plain data: ledgers of workers are added up (mergeDays), and days can be stored. The wall clock is
// passed in and may be set back: its day then goes on where it was left.
import type { CauseId } from "../failure/causes.ts";
import { span } from "../failure/words.ts";
import type { Ms } from "../std/units.ts";
import { AVOIDED_BY, type AvoidedBy, avoided, type ExchangeRecord, isShown } from "./record.ts";
import { localDate } from "./text.ts";

/** One day in figures. */
export interface LedgerDay {
  /** "2026-11-21", local time. */
  readonly date: string;
  requests: number;
  /** Gateway errors that were shown, and responses that were cut, by cause. */
  readonly shown: Counts;
  /** Gateway errors that were not shown: by what avoided them, then by cause. */
  readonly avoided: Record<AvoidedBy, Counts>;
  /** What avoiding them added to those requests: in all, and at most to one. */
  costMs: Ms;
  costMaxMs: Ms;
}

type Counts = Partial<Record<CauseId, number>>;

/** Days kept. */
export const LEDGER_DAYS_MAX = 31;

/** The ledger of one process. */
export class Ledger {
  /** In the order in which they were begun, or gone on with. */
  #days: LedgerDay[] = [];
  #today: LedgerDay = emptyDay("");
  #dayFrom: Ms = Number.NaN;
  #dayUntil: Ms = Number.NaN;

  /** Counts one exchange that ended now, by the wall clock. */
  observe(record: ExchangeRecord, wall: Ms): void {
    if (!(wall >= this.#dayFrom && wall < this.#dayUntil)) this.#turnTo(wall);
    const today = this.#today;
    today.requests++;
    if (record.failure === null && record.attempts.length < 2 && record.heldMs === 0 && record.queuedMs === 0) return;
    if (isShown(record)) addCount(today.shown, record.failure!.cause, 1);
    const saved = avoided(record);
    if (saved === null) return;
    addCount(today.avoided[saved.by], saved.cause, 1);
    today.costMs += saved.costMs;
    today.costMaxMs = Math.max(today.costMaxMs, saved.costMs);
  }

  /** The days so far, newest first. */
  days(): readonly LedgerDay[] {
    return this.#days.map(rounded).sort(newestFirst);
  }

  #turnTo(wall: Ms): void {
    const at = new Date(wall);
    // The days on which clocks change have 23 or 25 hours.
    this.#dayFrom = new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
    this.#dayUntil = new Date(at.getFullYear(), at.getMonth(), at.getDate() + 1).getTime();
    const date = localDate(wall);
    this.#today = this.#days.find((day) => day.date === date) ?? emptyDay(date);
    // The longest unused goes, not the oldest: a clock that was wrong for a moment must not leave a day for ever.
    this.#days = [...this.#days.filter((day) => day.date !== date), this.#today].slice(-LEDGER_DAYS_MAX);
  }
}

/** The days of several ledgers as one list, newest first. The input stays as it is. */
export function mergeDays(ledgers: readonly (readonly LedgerDay[])[]): LedgerDay[] {
  const merged = new Map<string, LedgerDay>();
  for (const day of ledgers.flat()) {
    let into = merged.get(day.date);
    if (!into) {
      into = emptyDay(day.date);
      merged.set(day.date, into);
    }
    into.requests += day.requests;
    addCounts(into.shown, day.shown);
    for (const by of AVOIDED_BY) addCounts(into.avoided[by], day.avoided[by]);
    into.costMs += day.costMs;
    into.costMaxMs = Math.max(into.costMaxMs, day.costMaxMs);
  }
  return [...merged.values()].map(rounded).sort(newestFirst).slice(0, LEDGER_DAYS_MAX);
}

const WAYS: Readonly<Record<AvoidedBy, string>> = {
  hold: "held",
  queue: "queued",
  failover: "retried elsewhere",
  retry: "retried at the same endpoint",
};

/** The day as one line for the program's log. */
export function dayText(day: LedgerDay): string {
  const requests = `${day.date}: ${number(day.requests)} ${day.requests === 1 ? "request" : "requests"}`;
  const shown = total(day.shown);
  const saved = avoidedText(day);
  if (saved === "")
    return `${requests}, ${shown === 0 ? "no gateway errors" : `${gatewayErrors(shown)} shown${causesText(day)}`}`;
  return `${requests}, ${saved}, ${shown === 0 ? "none" : number(shown)} shown${causesText(day)}`;
}

function avoidedText(day: LedgerDay): string {
  const ways = AVOIDED_BY.map((by) => ({ way: WAYS[by], count: total(day.avoided[by]) })).filter(
    ({ count }) => count > 0,
  );
  if (ways.length === 0) return "";
  const count = ways.reduce((sum, one) => sum + one.count, 0);
  const list = ways.map((one) => `${number(one.count)} ${one.way}`).join(", ");
  const cost = `${span(day.costMs / count)} added on average, ${span(day.costMaxMs)} at most`;
  return `${gatewayErrors(count)} avoided (${list}; ${cost})`;
}

/** " (connect-refused 2, response-timeout 1)", the most frequent first. */
function causesText({ shown }: LedgerDay): string {
  const causes = Object.entries(shown).sort(([, a], [, b]) => b - a);
  return causes.length === 0 ? "" : ` (${causes.map(([cause, count]) => `${cause} ${number(count)}`).join(", ")})`;
}

const gatewayErrors = (count: number): string => `${number(count)} gateway ${count === 1 ? "error" : "errors"}`;

function emptyDay(date: string): LedgerDay {
  const none = { hold: {}, queue: {}, failover: {}, retry: {} };
  return { date, requests: 0, shown: {}, avoided: none, costMs: 0, costMaxMs: 0 };
}

/** With whole microseconds, as logs have them. */
function rounded(day: LedgerDay): LedgerDay {
  return { ...day, costMs: Math.round(day.costMs * 1000) / 1000, costMaxMs: Math.round(day.costMaxMs * 1000) / 1000 };
}

function newestFirst(a: LedgerDay, b: LedgerDay): number {
  return a.date < b.date ? 1 : -1;
}

function addCount(counts: Counts, cause: CauseId, count: number): void {
  counts[cause] = (counts[cause] ?? 0) + count;
}

function addCounts(into: Counts, counts: Counts): void {
  for (const [cause, count] of Object.entries(counts)) addCount(into, cause as CauseId, count);
}

function total(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

const number = (value: number): string => value.toLocaleString("en-US");
