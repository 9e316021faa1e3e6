// Time for the data path: one monotonic clock and one coarse timer wheel for every deadline of every connection.
// A deadline that is only moved later (the usual case: each request pushes the idle deadline out) costs one field
// write: the wheel looks again when the old slot comes up. Deadlines fire up to one tick late, never early.
import type { Ms } from "./units.ts";

const monotonic: () => Ms = performance.now.bind(performance);

/** The monotonic clock; a jump of the wall clock moves no deadline. A live binding: useClock exchanges it. */
export let now: () => Ms = monotonic;

let eventAt: Ms = now();

/** The instant of the event that is being handled: asking the clock a dozen times per request would cost a microsecond. */
export function eventTime(): Ms {
  return eventAt;
}

/** A socket, a timer or a signal has something to be handled: eventTime is this instant until the next. */
export function beginEvent(): void {
  eventAt = now();
}

const TICK_MS = 20;
const SLOTS = 1024;

/** A thing with one deadline; kept in the wheel as a node of its own linked list. */
export abstract class Timed {
  /** When onDeadline is due; Infinity = no deadline. */
  dueAt: Ms = Infinity;
  /** When the wheel looks at this node next; Infinity = it is in no slot. */
  wheelAt: Ms = Infinity;
  wheelPrevious: Timed | null = null;
  wheelNext: Timed | null = null;
  wheelSlot = -1;

  /** Called at most TICK_MS after dueAt; the deadline has been cleared before. */
  abstract onDeadline(at: Ms): void;
}

/** A hashed timer wheel; it ticks only while something is in it. */
export class TimerWheel {
  readonly #slots: (Timed | null)[] = new Array<Timed | null>(SLOTS).fill(null);
  readonly #clock: () => Ms;
  #cursor = 0;
  #count = 0;
  /** It has something in it, and its cursor is where the clock is. */
  #running = false;
  #ticks = true;
  #interval: NodeJS.Timeout | null = null;

  constructor(clock: () => Ms = () => now()) {
    this.#clock = clock;
  }

  /** Number of nodes in the wheel. */
  get size(): number {
    return this.#count;
  }

  /** Sets (or moves) the deadline of `timed` to the instant `dueAt`. */
  set(timed: Timed, dueAt: Ms): void {
    timed.dueAt = dueAt;
    if (dueAt >= timed.wheelAt) return;
    if (timed.wheelSlot >= 0) this.#unlink(timed);
    this.#link(timed);
  }

  /** Takes the deadline away; the node leaves the wheel lazily. */
  clear(timed: Timed): void {
    timed.dueAt = Infinity;
  }

  /** Takes the deadline away and the node out of the wheel: for things that end. */
  remove(timed: Timed): void {
    timed.dueAt = Infinity;
    if (timed.wheelSlot >= 0) this.#unlink(timed);
  }

  /** Fires what is due at the instant `at`; the interval calls it, tests may. */
  advance(at: Ms): void {
    beginEvent();
    const target = Math.floor(at / TICK_MS);
    const last = Math.min(target, this.#cursor + SLOTS);
    for (let tick = this.#cursor; tick < last; tick++) {
      // Where a handler sets a deadline that is over already, the next slot is looked at soonest.
      this.#cursor = tick + 1;
      this.#expire(tick % SLOTS, at);
    }
    this.#cursor = Math.max(target, this.#cursor);
    if (this.#count === 0) this.stop();
  }

  /** Ends the ticking; deadlines set later start it again. */
  stop(): void {
    if (this.#interval) clearInterval(this.#interval);
    this.#interval = null;
    this.#running = false;
  }

  /** Begins anew for another clock: what is in it falls out and never fires. `ticks`: by itself, not by advance alone. */
  restart(ticks: boolean): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      for (let node = this.#slots[slot]; node; node = this.#slots[slot]) this.remove(node);
    }
    this.stop();
    this.#ticks = ticks;
  }

  #expire(slot: number, at: Ms): void {
    let node = this.#slots[slot] ?? null;
    while (node) {
      const next: Timed | null = node.wheelNext;
      if (node.wheelAt <= at) {
        this.#unlink(node);
        if (node.dueAt <= at) {
          node.dueAt = Infinity;
          node.onDeadline(at);
        } else if (node.dueAt !== Infinity) this.#link(node);
      }
      // What onDeadline did may have unlinked `next`: begin again from the slot's head then.
      node = next && next.wheelSlot !== slot ? (this.#slots[slot] ?? null) : next;
    }
  }

  #start(): void {
    this.#running = true;
    this.#cursor = Math.floor(this.#clock() / TICK_MS);
    if (!this.#ticks) return;
    this.#interval = setInterval(() => this.advance(this.#clock()), TICK_MS);
    this.#interval.unref();
  }

  #link(timed: Timed): void {
    if (!this.#running) this.#start();
    // The slot whose tick ends at or after dueAt, so that it never fires early; far deadlines wait in the last slot.
    const tick = Math.min(Math.max(Math.floor(timed.dueAt / TICK_MS), this.#cursor), this.#cursor + SLOTS - 1);
    const slot = tick % SLOTS;
    timed.wheelAt = Math.min(timed.dueAt, (tick + 1) * TICK_MS);
    timed.wheelSlot = slot;
    timed.wheelPrevious = null;
    const head = this.#slots[slot] ?? null;
    timed.wheelNext = head;
    if (head) head.wheelPrevious = timed;
    this.#slots[slot] = timed;
    this.#count++;
  }

  #unlink(timed: Timed): void {
    if (timed.wheelPrevious) timed.wheelPrevious.wheelNext = timed.wheelNext;
    else this.#slots[timed.wheelSlot] = timed.wheelNext;
    if (timed.wheelNext) timed.wheelNext.wheelPrevious = timed.wheelPrevious;
    timed.wheelPrevious = null;
    timed.wheelNext = null;
    timed.wheelSlot = -1;
    timed.wheelAt = Infinity;
    this.#count--;
  }
}

/** The wheel of this process. */
export const wheel = new TimerWheel();

/**
 * Takes time from `source` and leaves it to the caller to advance the wheel: for a simulation. null = time as it passes.
 * Deadlines of the time before are gone.
 */
export function useClock(source: (() => Ms) | null): void {
  now = source ?? monotonic;
  wheel.restart(source === null);
  beginEvent();
}
