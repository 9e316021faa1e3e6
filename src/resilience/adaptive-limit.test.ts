import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AdaptiveLimit, newAdaptiveLimit, noteDrop, noteResponse } from "./adaptive-limit.ts";

/** Park and Miller's generator: the same numbers each time. */
function seeded(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** A server that works on so many requests at once; the others wait in a queue. */
interface Server {
  readonly capacity: number;
  readonly serviceMs: number;
  /** Service times vary as much as they are long (exponential), or not at all. */
  readonly varies: boolean;
}

interface Load {
  /** Of what the server can do: 2 = twice as many requests. */
  readonly factor: number;
  readonly fromMs: number;
  readonly seconds: number;
  readonly seed: number;
}

interface Figures {
  /** The middle one of the limits in the second half, one each 100 ms. */
  readonly limit: number;
  /** The lowest of these. */
  readonly lowest: number;
  readonly latencyMs: number;
  /** Of what the server can do. */
  readonly done: number;
}

function middle(values: number[]): number {
  return values.sort((left, right) => left - right)[values.length >> 1]!;
}

/** Plays requests at random instants; what is over the limit is refused. */
function play(state: AdaptiveLimit, server: Server, load: Load): Figures {
  const random = seeded(load.seed);
  const spread = (meanMs: number): number => -Math.log(random()) * meanMs;
  const freeMs = new Array<number>(server.capacity).fill(load.fromMs);
  const running: { startMs: number; endMs: number }[] = [];
  const limits: number[] = [];
  const latencies: number[] = [];
  const endMs = load.fromMs + load.seconds * 1000;
  const halfMs = (load.fromMs + endMs) / 2;
  let sampleMs = halfMs;
  let arrivalMs = load.fromMs;
  while (arrivalMs < endMs) {
    let first = 0;
    for (let index = 1; index < running.length; index++) {
      if (running[index]!.endMs < running[first]!.endMs) first = index;
    }
    const response = running[first];
    if (response && response.endMs <= arrivalMs) {
      const latencyMs = response.endMs - response.startMs;
      noteResponse(state, latencyMs, running.length, response.endMs);
      running.splice(first, 1);
      if (response.endMs >= halfMs) latencies.push(latencyMs);
    } else {
      if (running.length < state.limit) {
        const slot = freeMs.indexOf(Math.min(...freeMs));
        const takesMs = server.varies ? spread(server.serviceMs) : server.serviceMs;
        freeMs[slot] = Math.max(arrivalMs, freeMs[slot]!) + takesMs;
        running.push({ startMs: arrivalMs, endMs: freeMs[slot]! });
      }
      if (arrivalMs >= sampleMs) {
        limits.push(state.limit);
        sampleMs += 100;
      }
      arrivalMs += spread(server.serviceMs / server.capacity / load.factor);
    }
  }
  const can = (load.seconds * 500 * server.capacity) / server.serviceMs;
  return {
    limit: middle(limits),
    lowest: Math.min(...limits),
    latencyMs: middle(latencies),
    done: latencies.length / can,
  };
}

/** The limit fits the server, latency is bounded, and hardly any of its capacity is lost. */
function expectSettled({ limit, latencyMs, done }: Figures, { capacity, serviceMs }: Server): void {
  expect(limit).toBeGreaterThanOrEqual(0.7 * capacity);
  expect(limit).toBeLessThanOrEqual(2.5 * capacity);
  expect(latencyMs).toBeLessThan(2.6 * serviceMs);
  expect(done).toBeGreaterThan(0.8);
}

describe("under more load than the server can do", () => {
  for (const capacity of [4, 10, 40, 100]) {
    for (const varies of [false, true]) {
      test(`it settles near the capacity of ${capacity}${varies ? ", service times vary" : ""}`, () => {
        const server = { capacity, serviceMs: 50, varies };
        for (const factor of [1.5, 4]) {
          const state = newAdaptiveLimit();
          expectSettled(play(state, server, { factor, fromMs: 0, seconds: 40, seed: 7 }), server);
        }
      });
    }
  }

  test("it does with fast and with slow services", () => {
    for (const [serviceMs, seconds] of [
      [2, 20],
      [1000, 300],
    ] as const) {
      const server = { capacity: 10, serviceMs, varies: true };
      expectSettled(play(newAdaptiveLimit(), server, { factor: 2, fromMs: 0, seconds, seed: 3 }), server);
    }
  });
});

test("less load than the server can do is never refused once it has settled", () => {
  const state = newAdaptiveLimit();
  const server = { capacity: 50, serviceMs: 50, varies: true };
  play(state, server, { factor: 1.5, fromMs: 0, seconds: 40, seed: 5 });
  const { done, latencyMs } = play(state, server, { factor: 0.5, fromMs: 40_000, seconds: 40, seed: 6 });
  expect(done).toBeGreaterThan(0.48);
  expect(latencyMs).toBeLessThan(50);
});

test("where the latency without a queue is what it was, measuring goes down a single step", () => {
  const server = { capacity: 40, serviceMs: 50, varies: false };
  const state = newAdaptiveLimit();
  play(state, server, { factor: 2, fromMs: 0, seconds: 40, seed: 5 });
  const { limit, lowest } = play(state, server, { factor: 2, fromMs: 40_000, seconds: 80, seed: 6 });
  // It did measure, and most of the capacity was in use meanwhile.
  expect(lowest).toBeLessThan(0.5 * limit);
  expect(lowest).toBeGreaterThan(0.3 * limit);
});

test("a quiet time does not ruin it", () => {
  const server = { capacity: 40, serviceMs: 50, varies: true };
  const state = newAdaptiveLimit();
  play(state, server, { factor: 2, fromMs: 0, seconds: 40, seed: 11 });
  const before = state.estimate;
  // Nothing for a minute, a little for ten, nothing for an hour.
  play(state, server, { factor: 0.02, fromMs: 100_000, seconds: 600, seed: 12 });
  expect(state.estimate).toBe(before);
  expectSettled(play(state, server, { factor: 2, fromMs: 4_300_000, seconds: 10, seed: 13 }), server);
});

test("code that gets slower by itself is learnt within a minute, under full load", () => {
  for (const times of [2, 8]) {
    const server = { capacity: 30, serviceMs: 40, varies: true };
    const slower = { ...server, serviceMs: 40 * times };
    const state = newAdaptiveLimit();
    play(state, server, { factor: 2, fromMs: 0, seconds: 40, seed: 17 });
    play(state, slower, { factor: 2, fromMs: 40_000, seconds: 60, seed: 18 });
    expectSettled(play(state, slower, { factor: 2, fromMs: 100_000, seconds: 20, seed: 19 }), slower);
    // And the reverse.
    play(state, server, { factor: 2, fromMs: 120_000, seconds: 60, seed: 20 });
    expectSettled(play(state, server, { factor: 2, fromMs: 180_000, seconds: 20, seed: 21 }), server);
  }
});

test("it grows only while at least half of it is used", () => {
  for (const [inFlight, grows] of [
    [9, false],
    [10, true],
  ] as const) {
    const state = newAdaptiveLimit();
    for (let at = 0; at < 10_000; at += 5) noteResponse(state, 50, inFlight, at);
    expect(state.estimate > 20).toBe(grows);
  }
});

test("drops lower it, once for each overload, and not below its least", () => {
  const state = newAdaptiveLimit();
  for (let count = 0; count < 50; count++) noteDrop(state, 1000 + count);
  expect([state.estimate, state.limit]).toEqual([18, 18]);
  for (let at = 2000; at < 10_000; at += 100) noteDrop(state, at);
  expect(state.limit).toBe(4);
});

test("whatever comes, the limit is a whole number within its bounds", () => {
  const step = fc.record({
    waitMs: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 60_000 })),
    latencyMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100_000 })),
    inFlight: fc.integer({ min: 1, max: 2000 }),
    count: fc.integer({ min: 1, max: 60 }),
    isDrop: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const state = newAdaptiveLimit();
      let atMs = 0;
      for (const { waitMs, latencyMs, inFlight, count, isDrop } of steps) {
        for (let index = 0; index < count; index++) {
          atMs += waitMs / count;
          noteResponse(state, latencyMs, inFlight, atMs);
        }
        if (isDrop) noteDrop(state, atMs);
        expect(Number.isInteger(state.limit)).toBe(true);
        expect(state.limit).toBeGreaterThanOrEqual(4);
        expect(state.limit).toBeLessThanOrEqual(1000);
      }
    }),
  );
});
