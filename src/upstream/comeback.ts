// An endpoint at which nothing listens costs a request nothing but the news: this connects in its place, soon and then
// more and more seldom (up to once a second), until something accepts. The successful connection is closed at once.
// `verify` asks the same once, now: whether an endpoint is gone, or was only slow.
import type { CauseId } from "../failure/causes.ts";
import type { Failure } from "../failure/failure.ts";
import type { DialHandle } from "../net/dial.ts";
import { beginEvent, eventTime, now, Timed, wheel } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import { type Dialler, reportInternal } from "./health-check.ts";

const FIRST_MS: Ms = 50;
// A wait is at most a fifth of the outage so far: what returns is not noticed much later than it was away.
const GROWTH = 1.2;
const JITTER = 0.2;
/** With the jitter on top of it. */
const LONGEST_MS: Ms = 1000;

/** The system says that nothing listens, without anybody having to answer; a timeout may be mere load. */
const NOTHING_LISTENS: ReadonlySet<CauseId> = new Set<CauseId>(["connect-refused", "socket-missing"]);

/** Whether a failure says that nothing listens at the endpoint. */
export function nothingListens(failure: Failure): boolean {
  return NOTHING_LISTENS.has(failure.cause);
}

/** The wait before try number `attempt` (1 = the first after firstMs has passed in vain); `random` is in [0, 1). */
export function comebackWaitMs(attempt: number, random: number): Ms {
  const base = Math.min(LONGEST_MS / (1 + JITTER), FIRST_MS * GROWTH ** attempt);
  return base * (1 - JITTER + 2 * JITTER * random);
}

/** Connects to an endpoint until it is there again. */
export class Comeback extends Timed {
  readonly #dialler: Dialler;
  readonly #random: () => number;
  readonly #onBack: () => void;
  readonly #onStillGone: (failure: Failure) => void;
  #running = false;
  #tries = 0;
  #dial: DialHandle | null = null;

  constructor(dialler: Dialler, random: () => number, onBack: () => void, onStillGone: (failure: Failure) => void) {
    super();
    this.#dialler = dialler;
    this.#random = random;
    this.#onBack = onBack;
    this.#onStillGone = onStillGone;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Tries for the first time after `firstMs`; without effect while it runs. */
  start(firstMs: Ms = FIRST_MS): void {
    if (this.#running) return;
    this.#running = true;
    this.#tries = 0;
    wheel.set(this, now() + firstMs);
  }

  stop(): void {
    this.#running = false;
    wheel.remove(this);
    this.#dial?.cancel();
    this.#dial = null;
  }

  override onDeadline(): void {
    this.#dial = connectOnce(this.#dialler, (failure) => {
      this.#dial = null;
      // Where it fails at TLS, something listens: live traffic will say what is wrong with it.
      if (!failure || failure.phase === "tls") {
        this.#running = false;
        this.#onBack();
        return;
      }
      // Scheduled first: whoever hears of it may stop us.
      wheel.set(this, eventTime() + comebackWaitMs(++this.#tries, this.#random()));
      this.#onStillGone(failure);
    });
  }
}

/** One connection, now: does anything listen? Gone = refused or socket missing; `failure` = why it failed. */
export function verify(dialler: Dialler, done: (gone: boolean, failure: Failure | null) => void): DialHandle {
  return connectOnce(dialler, (failure) => done(failure !== null && nothingListens(failure), failure));
}

function connectOnce(dialler: Dialler, done: (failure: Failure | null) => void): DialHandle {
  return dialler(null, (result) => {
    beginEvent();
    if (result.ok) result.socket.destroy();
    try {
      done(result.ok ? null : result.failure);
    } catch (error) {
      reportInternal(error);
    }
  });
}
