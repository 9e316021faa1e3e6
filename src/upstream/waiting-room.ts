// Where requests wait for an endpoint: while the upstream is away (hold), or at a limit of connections or requests
// (queue). Bounded by time, number and bytes; released in the order in which they came. After an outage the release
// begins slowly and grows with each answer, as TCP does: an application that has just started gets four requests, not
// a thousand, and sets the pace itself. Where none is over for a while (event streams, tunnels) it grows by the clock.
// Whoever makes room wakes those who wait; what becomes free by time alone (a breaker that recovers) is looked for.
import { eventTime, Timed, wheel } from "../std/clock.ts";
import type { Bytes, Ms } from "../std/units.ts";

/** Requests that are let go before the first of them is answered. */
const FIRST_RELEASE = 4;
/** How often those who wait look by themselves. */
const LOOK_AGAIN_MS: Ms = 100;
/** Where no released request has ended for so long, twice as many may be under way. */
const WIDEN_MS: Ms = 500;

export type WaitKind = "hold" | "queue";

/** Bounds of one kind of waiting. */
export interface WaitLimits {
  readonly requests: number;
  /** 0 = no limit. */
  readonly bytes: Bytes;
}

/** Who waits. */
export interface Waiter {
  /** Memory that it keeps occupied. */
  readonly waitingBytes: Bytes;
  /** Whether it can go on now. */
  mayProceed(): boolean;
  /** Goes on; called once, after mayProceed. */
  proceed(): void;
  /** Its time is over. */
  waitedInVain(): void;
}

/** One wait; ends by proceed, by its deadline or by `leave`. */
export class Waiting extends Timed {
  readonly room: WaitingRoom;
  readonly waiter: Waiter;
  readonly kind: WaitKind;
  readonly since: Ms;
  readonly bytes: Bytes;

  constructor(room: WaitingRoom, waiter: Waiter, kind: WaitKind, since: Ms) {
    super();
    this.room = room;
    this.waiter = waiter;
    this.kind = kind;
    this.since = since;
    this.bytes = waiter.waitingBytes;
  }

  override onDeadline(): void {
    this.room.leave(this);
    this.waiter.waitedInVain();
  }
}

/** The requests of one upstream that wait. */
export class WaitingRoom extends Timed {
  readonly #all = new Set<Waiting>();
  readonly #counts = { hold: 0, queue: 0 };
  #bytes: Bytes = 0;
  /** Requests out of this room that may be under way at once; Infinity where there was no outage. */
  #window = Infinity;
  #released = 0;
  /** When the window changed last. */
  #widenedAt: Ms = 0;
  #away = false;
  #waking = false;
  /** Nobody waits any more. */
  onEmpty: (() => void) | null = null;

  /** Requests that wait. */
  get size(): number {
    return this.#all.size;
  }

  /** Requests that wait for the upstream to come back. */
  get held(): number {
    return this.#counts.hold;
  }

  get bytes(): Bytes {
    return this.#bytes;
  }

  /** Takes a request in until `dueAt`; null = the room is full. */
  enter(waiter: Waiter, kind: WaitKind, limits: WaitLimits, dueAt: Ms): Waiting | null {
    if (this.#counts[kind] >= limits.requests) return null;
    if (limits.bytes > 0 && this.#bytes + waiter.waitingBytes > limits.bytes) return null;
    const waiting = new Waiting(this, waiter, kind, eventTime());
    this.#all.add(waiting);
    this.#counts[kind]++;
    this.#bytes += waiting.bytes;
    wheel.set(waiting, dueAt);
    if (this.#all.size === 1) wheel.set(this, eventTime() + LOOK_AGAIN_MS);
    return waiting;
  }

  /** Takes a request out. */
  leave(waiting: Waiting): void {
    if (!this.#all.delete(waiting)) return;
    this.#counts[waiting.kind]--;
    this.#bytes -= waiting.bytes;
    wheel.remove(waiting);
    if (this.#all.size > 0) return;
    wheel.clear(this);
    this.onEmpty?.();
    if (!this.#away) this.#window = Infinity;
  }

  /** The upstream is away: those who wait go on slowly when it is back. */
  outage(): void {
    this.#away = true;
    this.#window = FIRST_RELEASE;
  }

  /** It is back. */
  outageOver(): void {
    this.#away = false;
    this.#widenedAt = eventTime();
    if (this.#all.size === 0) this.#window = Infinity;
  }

  /** Whether requests are let go one by one. */
  get pacing(): boolean {
    return this.#window !== Infinity;
  }

  /** Lets those go on who can, in their order. */
  wake(): void {
    if (this.#waking) return;
    this.#waking = true;
    try {
      for (const waiting of this.#all) {
        if (this.#released >= this.#window || !waiting.waiter.mayProceed()) return;
        this.#released++;
        this.leave(waiting);
        waiting.waiter.proceed();
      }
    } finally {
      this.#waking = false;
    }
  }

  /** A request that was let go has its answer, or has failed: others follow. */
  releasedEnded(answered: boolean): void {
    this.#released--;
    if (answered && this.#window !== Infinity) {
      this.#window++;
      this.#widenedAt = eventTime();
    }
    if (this.#all.size > 0) this.wake();
  }

  override onDeadline(): void {
    const at = eventTime();
    if (!this.#away && this.#released >= this.#window && at - this.#widenedAt >= WIDEN_MS) {
      this.#window *= 2;
      this.#widenedAt = at;
    }
    this.wake();
    if (this.#all.size > 0) wheel.set(this, at + LOOK_AGAIN_MS);
  }
}
