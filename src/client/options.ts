// What createFetch can be told, with its defaults. Spans are in milliseconds. The platform's clock, timers, randomness
// and fetch can be replaced, which is how the tests make time pass.
import type { BackoffOptions } from "../resilience/backoff.ts";
import { BREAKER, type BreakerOptions } from "../resilience/circuit-breaker.ts";
import { RETRY_BUDGET, type RetryBudgetOptions } from "../resilience/retry-budget.ts";
import type { Ms } from "../std/units.ts";
import type { ClientEvent } from "./events.ts";

/** All of it may be left out. */
export interface ClientOptions {
  /** From the call to the response head, over all tries and waits; Infinity = none. 30,000. */
  readonly deadlineMs?: Ms;
  /** The same for one try; Infinity = only deadlineMs. 10,000. */
  readonly tryMs?: Ms;
  /** Tries at most, the first included. 3. */
  readonly attempts?: number;
  /** Ceiling of the random wait before the second try, and of any. 200 and 5,000. */
  readonly backoff?: Partial<BackoffOptions>;
  /** Statuses that count as failures and are tried again. 502, 503, 504. */
  readonly statuses?: readonly number[];
  /** Methods that are tried again without an Idempotency-Key. GET, HEAD, OPTIONS. */
  readonly methods?: readonly string[];
  /** Gives requests of other methods an Idempotency-Key, unless they have one; a function makes it. false. */
  readonly idempotencyKey?: boolean | (() => string);
  /** The circuit breaker of each origin; false = none. */
  readonly breaker?: Partial<BreakerOptions> | false;
  /** How many requests to an origin may be in a retry at once. */
  readonly budget?: Partial<RetryBudgetOptions>;
  /** Failure statuses throw a RequestFailure; false = the last response is returned as it is. true. */
  readonly throwOnStatus?: boolean;
  /** Where the reference of errors stands, without a slash at its end. */
  readonly referenceBase?: string;
  /** Told of each retry, recovery and failure, and of the breaker. What it throws is uncaught, and changes no request. */
  readonly onEvent?: (event: ClientEvent) => void;
  /** The fetch that is wrapped; it must honour its signal. The global one. */
  readonly fetch?: typeof fetch;
  readonly platform?: Partial<Platform>;
}

/** What the client takes from its surroundings. */
export interface Platform {
  /** Monotonic. */
  readonly now: () => Ms;
  /** Milliseconds since 1970: dates in Retry-After. */
  readonly wallClock: () => Ms;
  /** In [0, 1). */
  readonly random: () => number;
  /** Calls back after the time, unless the function it returns is called before. */
  readonly after: (ms: Ms, callback: () => void) => () => void;
}

/** The options, complete. */
export interface Settings {
  readonly deadlineMs: Ms;
  readonly tryMs: Ms;
  readonly attempts: number;
  readonly backoff: BackoffOptions;
  readonly statuses: ReadonlySet<number>;
  readonly methods: ReadonlySet<string>;
  readonly newKey: (() => string) | null;
  readonly breaker: BreakerOptions;
  readonly budget: RetryBudgetOptions;
  readonly throwOnStatus: boolean;
  readonly referenceBase: string;
  readonly onEvent: (event: ClientEvent) => void;
  readonly fetch: typeof fetch;
  readonly platform: Platform;
}

/** 25 days: longer waits overflow the timers of every platform. */
const TIMER_MAX_MS = 2 ** 31 - 1;

const PLATFORM: Platform = {
  now: () => performance.now(),
  wallClock: () => Date.now(),
  random: () => Math.random(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, Math.min(ms, TIMER_MAX_MS));
    return () => clearTimeout(timer);
  },
};

/** The options with their defaults. */
export function complete(options: ClientOptions): Settings {
  const { idempotencyKey = false, breaker = {} } = options;
  return {
    deadlineMs: options.deadlineMs ?? 30_000,
    tryMs: options.tryMs ?? 10_000,
    attempts: options.attempts ?? 3,
    backoff: { baseMs: 200, maxMs: 5_000, ...options.backoff },
    statuses: new Set(options.statuses ?? [502, 503, 504]),
    methods: new Set(options.methods ?? ["GET", "HEAD", "OPTIONS"]),
    newKey: typeof idempotencyKey === "function" ? idempotencyKey : idempotencyKey ? randomKey : null,
    // Without one: it never has enough failures to open.
    breaker: { ...BREAKER, ...(breaker || { failures: Infinity }) },
    budget: { ...RETRY_BUDGET, ...options.budget },
    throwOnStatus: options.throwOnStatus ?? true,
    referenceBase: options.referenceBase ?? "https://goodgate.dev",
    onEvent: (event) => tell(options.onEvent, event),
    // Looked up at each call: whatever has replaced the global one is used.
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    platform: { ...PLATFORM, ...options.platform },
  };
}

/** A logger that fails must be seen, but neither by the request nor by the breaker that is being asked. */
function tell(onEvent: ClientOptions["onEvent"], event: ClientEvent): void {
  try {
    onEvent?.(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** 128 random bits in hexadecimal: crypto.randomUUID is missing on pages without TLS. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
