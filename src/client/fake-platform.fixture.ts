// A platform without real time for the client's tests: an upstream that is a list of answers, and a clock that jumps
// to the next timer when everything else has come to rest.
import type { Platform } from "./options.ts";

/** What the fake fetch does with one try. */
export type Answer = Response | Error | "hang" | ((input: unknown, init: RequestInit) => Response);

export interface Fake {
  readonly platform: Platform;
  readonly fetch: typeof fetch;
  /** Each try that was sent, with the instant. */
  readonly sent: { readonly atMs: number; readonly input: unknown; readonly init: RequestInit }[];
  readonly nowMs: () => number;
  /** Moves the clock with nothing to wait for. */
  readonly pass: (ms: number) => void;
  /** Timers that are set. */
  readonly timers: () => number;
}

/** Answers in order; the last one again and again. `random` is always the same. */
export function fakePlatform(answers: readonly Answer[], random = 0.5): Fake {
  let nowMs = 0;
  const sent: Fake["sent"] = [];
  const timers = new Set<{ readonly dueMs: number; readonly callback: () => void }>();
  let isResting = false;
  const rest = (): void => {
    if (isResting || timers.size === 0) return;
    isResting = true;
    // After every promise that can settle has settled.
    setImmediate(() => {
      isResting = false;
      const next = [...timers].sort((one, other) => one.dueMs - other.dueMs)[0];
      if (!next) return;
      timers.delete(next);
      nowMs = Math.max(nowMs, next.dueMs);
      next.callback();
      rest();
    });
  };
  return {
    sent,
    nowMs: () => nowMs,
    pass: (ms) => {
      nowMs += ms;
    },
    timers: () => timers.size,
    platform: {
      now: () => nowMs,
      wallClock: () => Date.UTC(2026, 0, 1) + nowMs,
      random: () => random,
      after: (ms, callback) => {
        const timer = { dueMs: nowMs + ms, callback };
        if (ms < Infinity) timers.add(timer);
        rest();
        return () => timers.delete(timer);
      },
    },
    fetch: async (input, init = {}) => {
      const answer = answers[Math.min(sent.length, answers.length - 1)]!;
      sent.push({ atMs: nowMs, input, init });
      init.signal?.throwIfAborted();
      if (answer instanceof Error) throw answer;
      if (answer instanceof Response) return answer.clone();
      if (typeof answer === "function") return answer(input, init);
      return await new Promise((_, reject) => {
        init.signal?.addEventListener("abort", () => reject(init.signal!.reason));
      });
    },
  };
}
