// Virtual time: one queue of things to happen, in order of their instants. Between them the timer wheel of the program
// ticks as it would by itself. After each step everything that node puts off (nextTick, promises) has run, as it would
// have before the next event of a real loop. The trace is a hash over all that happened, and its last lines.
import { createHash } from "node:crypto";
import { useClock, wheel } from "../../src/std/clock.ts";

const TICK_MS = 20;
const START_MS = 100_000;
const LINES_KEPT = 400;

interface Event {
  readonly at: number;
  readonly order: number;
  action: (() => void) | null;
}

/** Something that is to happen. */
export interface Planned {
  cancel(): void;
}

export class Scheduler {
  /** Virtual milliseconds. */
  now = START_MS;
  steps = 0;
  /** The last lines of the trace. */
  readonly lines: string[] = [];
  /** Called after each step. */
  afterStep: () => void = () => {};
  readonly #heap: Event[] = [];
  readonly #hash = createHash("sha1");
  #order = 0;
  #nextTick = START_MS + TICK_MS;

  constructor() {
    useClock(() => this.now);
  }

  /** Plans `action`; what is planned for one instant happens in the order in which it was planned. */
  after(delayMs: number, action: () => void): Planned {
    const event: Event = { at: this.now + delayMs, order: this.#order++, action };
    this.#push(event);
    return {
      cancel: () => {
        event.action = null;
      },
    };
  }

  /** The process is busy for so long: what falls into that time happens late. */
  stall(ms: number): void {
    this.now += ms;
  }

  trace(line: string): void {
    const text = `${(this.now - START_MS).toFixed(2)} ${line}`;
    this.#hash.update(text);
    this.lines.push(text);
    if (this.lines.length > 2 * LINES_KEPT) this.lines.splice(0, LINES_KEPT);
  }

  get digest(): string {
    return this.#hash.copy().digest("hex");
  }

  /** Goes on until `until` and everything before it has happened, or `stopped` says so. */
  async run(untilMs: number, stopped: () => boolean): Promise<void> {
    for (;;) {
      if (stopped()) return;
      const next = this.#heap[0];
      const at = Math.min(next ? next.at : Infinity, untilMs);
      if (wheel.size > 0 && this.#nextTick <= at) {
        this.now = Math.max(this.now, this.#nextTick);
        wheel.advance(this.now);
      } else {
        if (!next || next.at > untilMs) break;
        this.#pop();
        const { action } = next;
        if (!action) continue;
        this.now = Math.max(this.now, next.at);
        action();
      }
      if (this.#nextTick <= this.now) this.#nextTick = (Math.floor(this.now / TICK_MS) + 1) * TICK_MS;
      this.steps++;
      await settled();
      this.afterStep();
    }
    this.now = Math.max(this.now, untilMs);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Resolves when nothing is left that was put off to the end of this step. */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
