import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  idleLimitMs,
  type KeepAlive,
  keepIdleMs,
  limitFrom,
  newKeepAlive,
  noteEnd,
  noteHint,
  noteIdleClose,
  noteReuse,
  safeIdleMs,
} from "./keepalive-learner.ts";

/** Park and Miller's generator: the same numbers each time. */
function seeded(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function closesAt(k: KeepAlive, ages: readonly number[], fromMs = 0, everyMs = 10_000): boolean[] {
  return ages.map((ageMs, index) => noteIdleClose(k, ageMs, fromMs + index * everyMs));
}

test("nothing is known at first", () => {
  const k = newKeepAlive();
  expect([idleLimitMs(k), limitFrom(k), keepIdleMs(k, 4000, true), safeIdleMs(k)]).toEqual([0, null, 4000, 1000]);
});

test("a hint counts at once, and is told when it changes", () => {
  const k = newKeepAlive();
  expect([noteHint(k, 5000), noteHint(k, 5000), limitFrom(k)]).toEqual([true, false, "hint"]);
  expect([keepIdleMs(k, 60_000, false), keepIdleMs(k, 4000, false), safeIdleMs(k)]).toEqual([4500, 4000, 4500]);
  expect([noteHint(k, 0), idleLimitMs(k), noteHint(k, Number.NaN), noteHint(k, -1)]).toEqual([true, 0, false, false]);
});

test("the margin is a tenth, at least 500 ms, and leaves a quarter", () => {
  const kept = [100, 1000, 2000, 5000, 20_000, 60_000].map((limitMs) => {
    const k = newKeepAlive();
    noteHint(k, limitMs);
    return keepIdleMs(k, 1e9, false);
  });
  expect(kept).toEqual([25, 500, 1500, 4500, 18_000, 54_000]);
});

test("only auto goes beyond what is configured, up to a minute; 0 stays none", () => {
  const k = newKeepAlive();
  noteHint(k, 75_000);
  expect([false, true].map((auto) => keepIdleMs(k, 4000, auto))).toEqual([4000, 60_000]);
  expect([keepIdleMs(k, 90_000, true), keepIdleMs(k, 0, true)]).toEqual([67_500, 0]);
});

test("two closes at one age are a timer; the shorter of hint and closes is the limit", () => {
  const k = newKeepAlive();
  expect(closesAt(k, [2100, 2000])).toEqual([false, true]);
  expect([idleLimitMs(k), limitFrom(k)]).toEqual([2000, "closes"]);
  expect([noteHint(k, 5000), limitFrom(k), idleLimitMs(k)]).toEqual([false, "closes", 2000]);
  expect([noteHint(k, 1000), limitFrom(k), idleLimitMs(k)]).toEqual([true, "hint", 1000]);
  // Configured anew: the closes were of the old timer.
  expect([noteHint(k, 8000), limitFrom(k), idleLimitMs(k)]).toEqual([true, "hint", 8000]);
});

test("closes at other ages, of one moment, or right after a response are no timer", () => {
  for (const [ages, everyMs] of [
    [[2000, 3000, 4000, 5000], 10_000],
    [[2000, 2000], 99],
    [[50, 60, 70], 10_000],
    [[50, 200], 10_000],
  ] as const) {
    const k = newKeepAlive();
    closesAt(k, ages, 0, everyMs);
    expect(idleLimitMs(k)).toBe(0);
  }
  const k = newKeepAlive();
  // Several connections that went idle together are closed together: one observation each time.
  closesAt(k, [2000, 2010, 1990], 0, 1);
  expect(idleLimitMs(k)).toBe(0);
  expect(closesAt(k, [2000, 2010], 10_000, 1)).toEqual([true, false]);
  expect(idleLimitMs(k)).toBe(1990);
});

test("a restart that begins at the right age is undone by what follows", () => {
  for (const [known, limitMs] of [
    [[3000], 0],
    [[3000, 3000], 3000],
  ] as const) {
    const k = newKeepAlive();
    closesAt(k, known);
    expect(noteIdleClose(k, 2900, 50_000)).toBe(true);
    expect(idleLimitMs(k)).toBe(2900);
    expect(noteIdleClose(k, 20_000, 50_010)).toBe(true);
    expect(idleLimitMs(k)).toBe(limitMs);
  }
});

test("a close right after a response does not lower a short limit", () => {
  const k = newKeepAlive();
  expect(closesAt(k, [210, 200, 50, 60])).toEqual([false, true, false, false]);
  expect(idleLimitMs(k)).toBe(200);
});

test("an answer clearly beyond a learnt limit refutes it, one just beyond does not", () => {
  const k = newKeepAlive();
  closesAt(k, [2000, 2000]);
  noteReuse(k, 2200);
  expect(idleLimitMs(k)).toBe(2000);
  noteReuse(k, 2300);
  expect([idleLimitMs(k), k.closings]).toEqual([0, []]);
});

test("a refuted limit does not come back with the rest of a burst", () => {
  const k = newKeepAlive();
  closesAt(k, [2000, 2000]);
  noteIdleClose(k, 10_000, 50_000);
  noteReuse(k, 5000);
  noteIdleClose(k, 10_010, 50_010);
  expect(idleLimitMs(k)).toBe(0);
});

test("without a timer, requests that cannot be repeated follow others that were answered", () => {
  const k = newKeepAlive();
  noteReuse(k, 9000);
  noteReuse(k, 8000);
  expect(safeIdleMs(k)).toBe(1000);
  noteReuse(k, 12_000);
  expect(safeIdleMs(k)).toBe(8000);
  // Something closed one earlier: whatever it was, that age is not certain.
  noteIdleClose(k, 6000, 0);
  expect(safeIdleMs(k)).toBe(1000);
});

describe("stories", () => {
  interface Endpoint {
    /** 0 = none. */
    readonly timerMs: number;
    readonly hintMs?: number;
    readonly lateMs?: number;
  }

  interface Use {
    lost: number;
    lostPosts: number;
    reused: number;
  }

  /** One connection, and requests with random gaps: half of them POST, as the gateway would use it. */
  function use(k: KeepAlive, endpoint: Endpoint, requests: number, seed: number, gapMaxMs = 8000): Use {
    const random = seeded(seed);
    const tally: Use = { lost: 0, lostPosts: 0, reused: 0 };
    let atMs = seed * 1e9;
    for (let count = 0; count < requests; count++) {
      if (endpoint.hintMs !== undefined) noteHint(k, endpoint.hintMs);
      const keepMs = keepIdleMs(k, 60_000, false, random());
      const gapMs = random() * gapMaxMs;
      atMs += gapMs;
      const isPost = random() < 0.5;
      const closesMs =
        endpoint.timerMs > 0 ? endpoint.timerMs + random() * (endpoint.lateMs ?? 10) : Number.POSITIVE_INFINITY;
      if (Math.min(gapMs, keepMs) > closesMs + 20) {
        noteIdleClose(k, closesMs, atMs - gapMs + closesMs);
      } else if (gapMs <= keepMs && (!isPost || gapMs <= safeIdleMs(k))) {
        tally.reused += 1;
        if (gapMs <= closesMs - 20) {
          noteReuse(k, gapMs);
        } else {
          // The race: closed, and the word of it is still under way.
          tally.lost += 1;
          if (isPost) tally.lostPosts += 1;
          noteIdleClose(k, closesMs, atMs);
        }
      }
    }
    return tally;
  }

  const seeds = { numRuns: 30 };
  const seed = fc.integer({ min: 1, max: 1_000_000 });

  test("Node's 5 s, with its hint: no request is lost", () => {
    fc.assert(
      fc.property(seed, (from) => {
        const k = newKeepAlive();
        const { lost, reused } = use(k, { timerMs: 5000, hintMs: 5000 }, 2000, from);
        expect([lost, limitFrom(k), idleLimitMs(k)]).toEqual([0, "hint", 5000]);
        expect(reused).toBeGreaterThan(900);
      }),
      seeds,
    );
  });

  test("2 s without a hint, read late by up to 200 ms: learnt soon, and no POST is lost", () => {
    fc.assert(
      fc.property(seed, (from) => {
        const k = newKeepAlive();
        use(k, { timerMs: 2000, lateMs: 200 }, 20, from);
        expect(limitFrom(k)).toBe("closes");
        const { lostPosts, lost, reused } = use(k, { timerMs: 2000, lateMs: 200 }, 2000, from + 1);
        expect(lostPosts).toBe(0);
        // Only the few that probe can meet the race.
        expect(lost).toBeLessThanOrEqual(3);
        expect(reused).toBeGreaterThan(250);
        expect(idleLimitMs(k)).toBeGreaterThanOrEqual(2000);
        expect(idleLimitMs(k)).toBeLessThan(2200);
      }),
      seeds,
    );
  });

  test("no timer at all: nothing is learnt, and old connections serve POST too", () => {
    fc.assert(
      fc.property(seed, (from) => {
        const k = newKeepAlive();
        use(k, { timerMs: 0 }, 200, from, 30_000);
        expect([idleLimitMs(k), keepIdleMs(k, 60_000, false)]).toEqual([0, 60_000]);
        expect(safeIdleMs(k)).toBeGreaterThan(15_000);
      }),
      seeds,
    );
  });

  test("restarts with 50 connections at random ages teach nothing, and unteach nothing", () => {
    fc.assert(
      fc.property(seed, fc.integer({ min: 1, max: 4 }), fc.constantFrom(0, 5000), (from, restarts, timerMs) => {
        const random = seeded(from);
        const k = newKeepAlive();
        if (timerMs > 0) closesAt(k, [timerMs, timerMs]);
        let atMs = 1_000_000;
        for (let count = 0; count < restarts; count++) {
          atMs += 60_000;
          for (let index = 0; index < 50; index++) {
            atMs += random() * 90;
            noteIdleClose(k, random() * 60_000, atMs);
          }
        }
        expect(idleLimitMs(k)).toBe(timerMs);
      }),
    );
  });

  test("two restarts that look like a timer are found out", () => {
    const k = newKeepAlive();
    closesAt(k, [3000, 3100]);
    expect(idleLimitMs(k)).toBe(3000);
    use(k, { timerMs: 0 }, 500, 7);
    expect([idleLimitMs(k), keepIdleMs(k, 60_000, false)]).toEqual([0, 60_000]);
  });

  test("a deploy changes the timer from 5 s to 2 s, or the reverse: it is learnt anew, with a hint or without", () => {
    fc.assert(
      fc.property(seed, fc.boolean(), fc.boolean(), (from, isHinted, isShorter) => {
        const timers = isShorter ? [5000, 2000] : [2000, 5000];
        const k = newKeepAlive();
        timers.forEach((timerMs, index) => {
          const endpoint = isHinted ? { timerMs, hintMs: timerMs } : { timerMs };
          use(k, endpoint, 2500, from + index);
          expect(Math.round(idleLimitMs(k) / 100)).toBe(timerMs / 100);
          const after = use(k, endpoint, 500, from + index + 2);
          expect(after.lostPosts).toBe(0);
        });
      }),
      seeds,
    );
  });
});

test("whatever happens, ages stay within their bounds", () => {
  const step = fc.record({
    kind: fc.constantFrom("hint", "close", "reuse"),
    ageMs: fc.integer({ min: 0, max: 70_000 }),
    waitMs: fc.integer({ min: 0, max: 5000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 0, max: 90_000 }), (steps, configuredMs) => {
      const k = newKeepAlive();
      let atMs = 0;
      for (const { kind, ageMs, waitMs } of steps) {
        atMs += waitMs;
        const beforeMs = idleLimitMs(k);
        if (kind === "reuse") noteReuse(k, ageMs);
        else {
          const changed = kind === "hint" ? noteHint(k, ageMs) : noteIdleClose(k, ageMs, atMs);
          expect(changed).toBe(idleLimitMs(k) !== beforeMs);
        }
        const limitMs = idleLimitMs(k);
        expect(limitFrom(k) === null).toBe(limitMs === 0);
        expect(keepIdleMs(k, configuredMs, false)).toBeLessThanOrEqual(configuredMs);
        expect(keepIdleMs(k, configuredMs, true)).toBeLessThanOrEqual(Math.max(configuredMs, 60_000));
        expect(keepIdleMs(k, configuredMs, false, 0)).toBeLessThanOrEqual(configuredMs);
        if (limitMs > 0) {
          expect(safeIdleMs(k)).toBeLessThan(limitMs);
          expect(keepIdleMs(k, 90_000, true)).toBeLessThan(limitMs);
        }
        expect(k.closings.length).toBeLessThanOrEqual(3);
      }
    }),
  );
});

test("a process that ends teaches nothing, however often it does at the same age", () => {
  const k = newKeepAlive();
  for (let at = 10_000; at < 60_000; at += 10_000) {
    noteIdleClose(k, 1200, at);
    noteEnd(k, at + 50);
  }
  expect([idleLimitMs(k), limitFrom(k)]).toEqual([0, null]);
  // A timer that was known before stays known.
  closesAt(k, [5000, 5010], 100_000);
  expect(limitFrom(k)).toBe("closes");
  noteIdleClose(k, 1200, 200_000);
  expect(noteEnd(k, 200_020)).toBe(false);
  expect(idleLimitMs(k)).toBeGreaterThanOrEqual(5000);
  // Closes long before the end are closes.
  expect(noteEnd(k, 300_000)).toBe(false);
});
