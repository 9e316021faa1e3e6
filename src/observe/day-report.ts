// A line of the ledger in the program's log for each day: when the day is over, and for the day so far at shutdown.
// The clock is looked at every half hour and just behind midnight, so that a clock that was set and a machine that
// slept do no harm. A day without requests has no line.
import { log } from "../std/log.ts";
import type { Ms } from "../std/units.ts";
import { dayText, type LedgerDay } from "./ledger.ts";
import { localDate } from "./text.ts";

const LOOK_MS = 30 * 60_000;
/** What ends at midnight may be counted a moment later. */
const BEHIND_MIDNIGHT_MS = 1000;

export interface DayReportOptions {
  readonly wallClock?: () => Ms;
  readonly write?: (line: string) => void;
}

/** Writes the daily line; ends with `end`. */
export class DayReport {
  readonly #days: () => readonly LedgerDay[] | Promise<readonly LedgerDay[]>;
  readonly #wallClock: () => Ms;
  readonly #write: (line: string) => void;
  #date: string;
  #timer: NodeJS.Timeout | null = null;

  constructor(days: () => readonly LedgerDay[] | Promise<readonly LedgerDay[]>, options: DayReportOptions = {}) {
    this.#days = days;
    this.#wallClock = options.wallClock ?? Date.now;
    this.#write = options.write ?? log.info;
    this.#date = localDate(this.#wallClock());
    this.#arm();
  }

  /** Writes the line of the day that is over, if one is. */
  async look(): Promise<void> {
    if (localDate(this.#wallClock()) !== this.#date) this.#turn(await this.#days());
  }

  /** Writes the line of the day so far, which `days` holds; nothing comes after it. */
  end(days: readonly LedgerDay[]): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#turn(days);
    this.#writeDay(days, this.#date);
  }

  #turn(days: readonly LedgerDay[]): void {
    const over = this.#date;
    this.#date = localDate(this.#wallClock());
    if (this.#date !== over) this.#writeDay(days, over);
  }

  #arm(): void {
    const at = new Date(this.#wallClock());
    const midnight = new Date(at.getFullYear(), at.getMonth(), at.getDate() + 1).getTime();
    const delayMs = Math.min(LOOK_MS, Math.max(0, midnight - at.getTime()) + BEHIND_MIDNIGHT_MS);
    this.#timer = setTimeout(this.#onTimer, delayMs);
    this.#timer.unref();
  }

  readonly #onTimer = (): void => {
    this.#arm();
    this.look().catch((error: unknown) => log.warn(`no daily line: ${(error as Error).message}`));
  };

  #writeDay(days: readonly LedgerDay[], date: string): void {
    const day = days.find((one) => one.date === date);
    if (day && day.requests > 0) this.#write(dayText(day));
  }
}
