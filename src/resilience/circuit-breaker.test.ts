import fc from "fast-check";
import { expect, test } from "vitest";
import {
  admit,
  admits,
  type Breaker,
  type BreakerOptions,
  newBreaker,
  type Outcome,
  openForMs,
  REFUSED,
  settle,
} from "./circuit-breaker.ts";

const options: BreakerOptions = {
  failures: 3,
  share: 0.5,
  windowMs: 1000,
  openMs: 100,
  openMaxMs: 300,
  probes: 2,
  recoveryMs: 1000,
};

/** One request with its outcome. */
function request(breaker: Breaker, nowMs: number, outcome: Outcome, random = 0): boolean {
  const permit = admit(breaker, nowMs, random, options);
  if (permit !== REFUSED) settle(breaker, permit, outcome, nowMs, options);
  return permit !== REFUSED;
}

function opened(nowMs = 0): Breaker {
  const breaker = newBreaker(nowMs, options);
  for (let count = 0; count < options.failures; count++) request(breaker, nowMs, "failure");
  expect(breaker.phase).toBe("open");
  return breaker;
}

test("opens when enough requests of the window failed, and enough of all", () => {
  const breaker = newBreaker(0, options);
  for (let count = 0; count < 4; count++) request(breaker, 0, "success");
  const outcomes: Outcome[] = ["failure", "failure", "success", "failure", "failure"];
  for (const outcome of outcomes) request(breaker, 1, outcome);
  // 4 of 9, and never three in a row.
  expect(breaker.phase).toBe("closed");
  request(breaker, 2, "success");
  request(breaker, 2, "failure");
  expect(breaker.phase).toBe("closed");
  request(breaker, 2, "failure");
  expect(breaker.phase).toBe("open");
});

test("failures of an earlier window, and requests that say nothing, do not count", () => {
  const breaker = newBreaker(0, options);
  for (let at = 0; at < 10_000; at += 1000) {
    // Two of two, each time: a third in one window would open it.
    request(breaker, at, "failure");
    request(breaker, at, "failure");
    // Ends the row in a window of its own.
    at += 1000;
    request(breaker, at, "success");
  }
  for (let count = 0; count < 50; count++) request(breaker, 10_000, "unknown");
  expect(breaker.phase).toBe("closed");
});

test("failures in a row open it at once, however many successes the window has", () => {
  const breaker = newBreaker(0, options);
  for (let count = 0; count < 1000; count++) request(breaker, 0, "success");
  request(breaker, 1, "failure");
  request(breaker, 1, "unknown");
  request(breaker, 1, "failure");
  request(breaker, 1, "success");
  request(breaker, 1, "failure");
  request(breaker, 1, "failure");
  expect([breaker.phase, breaker.inRow]).toEqual(["closed", 2]);
  // In another window the row goes on.
  request(breaker, 5000, "failure");
  expect(breaker.phase).toBe("open");
});

test("one that may not open counts on, and opens with the next failure once it may", () => {
  const breaker = newBreaker(0, options);
  for (let count = 0; count < 20; count++) {
    settle(breaker, admit(breaker, 0, 0, options), "failure", 0, options, false);
  }
  expect([breaker.phase, breaker.failed, breaker.inRow]).toEqual(["closed", 20, 20]);
  request(breaker, 1, "failure");
  expect(breaker.phase).toBe("open");

  const late = recovering();
  for (let count = 0; count < 20; count++) settle(late, admit(late, 200, 0, options), "failure", 200, options, false);
  expect(late.phase).toBe("recovering");

  const probing = opened();
  settle(probing, admit(probing, 100, 0, options), "failure", 100, options, false);
  expect([probing.phase, probing.openMs]).toEqual(["open", 200]);
});

test("refuses while open, and says for how long", () => {
  const breaker = opened();
  expect(request(breaker, 99, "success")).toBe(false);
  expect([openForMs(breaker, 30), openForMs(breaker, 100)]).toEqual([70, 0]);
  expect(openForMs(newBreaker(0, options), 0)).toBe(0);
});

test("half-open lets exactly the probes through, and recovers when all succeed", () => {
  const breaker = opened();
  const permits = [1, 2, 3].map(() => admit(breaker, 100, 0, options));
  expect(permits.map((permit) => permit !== REFUSED)).toEqual([true, true, false]);
  settle(breaker, permits[0]!, "success", 110, options);
  // The success has not made room.
  expect(admit(breaker, 110, 0, options)).toBe(REFUSED);
  settle(breaker, permits[1]!, "success", 120, options);
  expect(breaker.phase).toBe("recovering");
});

test("a probe that was given up makes room for another", () => {
  const breaker = opened();
  request(breaker, 100, "unknown");
  expect([1, 2, 3].map(() => admit(breaker, 100, 0, options) !== REFUSED)).toEqual([true, true, false]);
});

test("each probe that fails opens it for twice as long, up to the cap", () => {
  const breaker = opened();
  let at = 0;
  const spans: number[] = [];
  for (let round = 0; round < 4; round++) {
    spans.push(openForMs(breaker, at));
    at += breaker.openMs;
    request(breaker, at, "failure");
  }
  expect(spans).toEqual([100, 200, 300, 300]);
});

function recovering(): Breaker {
  const breaker = opened();
  request(breaker, 100, "success");
  request(breaker, 100, "success");
  expect(breaker.phase).toBe("recovering");
  return breaker;
}

test("recovery admits a share that grows to all, then it is closed with its first time", () => {
  const breaker = recovering();
  const admittedOf = (at: number): number =>
    Array.from({ length: 100 }, (_, index) => request(breaker, at, "success", index / 100)).filter(Boolean).length;
  expect([100, 600, 1099].map(admittedOf)).toEqual([10, 55, 100]);
  expect(breaker.phase).toBe("recovering");
  expect(request(breaker, 1100, "success", 0.999)).toBe(true);
  expect([breaker.phase, breaker.openMs]).toEqual(["closed", 100]);
});

test("failures during recovery open it again, for longer", () => {
  const breaker = recovering();
  for (let count = 0; count < 3; count++) request(breaker, 200, "failure");
  expect([breaker.phase, breaker.openMs]).toEqual(["open", 200]);
});

test("an outcome from an earlier phase changes nothing", () => {
  const breaker = newBreaker(0, options);
  const late = admit(breaker, 0, 0, options);
  for (let count = 0; count < 3; count++) request(breaker, 0, "failure");
  const probe = admit(breaker, 100, 0, options);
  settle(breaker, late, "failure", 101, options);
  expect([breaker.phase, breaker.probing]).toEqual(["half-open", 1]);
  settle(breaker, probe, "success", 102, options);
  expect(breaker.succeeded).toBe(1);
});

test("under any interleaving half-open has at most N probes out, and every breaker can close again", () => {
  const step = fc.record({
    kind: fc.constantFrom("admit", "settle"),
    waitMs: fc.integer({ min: 0, max: 200 }),
    which: fc.nat(1000),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    outcome: fc.constantFrom<Outcome>("success", "failure", "unknown"),
  });
  let halfOpen = 0;
  const property = fc.property(
    fc.integer({ min: 1, max: 4 }),
    fc.array(step, { minLength: 50, maxLength: 200 }),
    (probes, steps) => {
      // One failure opens it: most of the story is about half-open.
      const own = { ...options, probes, failures: 1, share: 0 };
      const breaker = newBreaker(0, own);
      const out: { permit: number; probe: boolean }[] = [];
      let at = 0;
      for (const { kind, waitMs, which, random, outcome } of steps) {
        at += waitMs;
        if (kind === "admit") {
          const permit = admit(breaker, at, random, own);
          if (permit !== REFUSED) out.push({ permit, probe: breaker.phase === "half-open" });
        } else if (out.length > 0) {
          settle(breaker, out.splice(which % out.length, 1)[0]!.permit, outcome, at, own);
        }
        if (breaker.phase !== "half-open") continue;
        halfOpen += 1;
        const probing = out.filter(({ permit, probe }) => probe && permit === breaker.generation).length;
        // Permits out and successes make up the counter: it balances, and never goes over N.
        expect(breaker.probing).toBe(probing + breaker.succeeded);
        expect(breaker.probing).toBeLessThanOrEqual(probes);
      }
      for (const { permit } of out) settle(breaker, permit, "unknown", at, own);
      for (let count = 0; count < 1000 && breaker.phase !== "closed"; count++) {
        at += 10;
        const permit = admit(breaker, at, 0, own);
        if (permit !== REFUSED) settle(breaker, permit, "success", at, own);
      }
      expect(breaker.phase).toBe("closed");
    },
  );
  fc.assert(property, { numRuns: 200 });
  expect(halfOpen).toBeGreaterThan(1000);
});

test("admits says what admit answers, and changes nothing", () => {
  const step = fc.record({
    waitMs: fc.integer({ min: 0, max: 400 }),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    outcome: fc.constantFrom<Outcome | "late">("success", "failure", "unknown", "late"),
    mayOpen: fc.boolean(),
  });
  const answers = new Map<string, number>();
  const property = fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
    const breaker = newBreaker(0, options);
    let at = 0;
    for (const { waitMs, random, outcome, mayOpen } of steps) {
      at += waitMs;
      const before = { ...breaker };
      const answer = admits(breaker, at, random, options);
      expect(breaker).toEqual(before);
      const permit = admit(breaker, at, random, options);
      expect(answer).toBe(permit !== REFUSED);
      const seen = `${before.phase} ${answer}`;
      answers.set(seen, (answers.get(seen) ?? 0) + 1);
      if (permit !== REFUSED && outcome !== "late") settle(breaker, permit, outcome, at, options, mayOpen);
    }
  });
  fc.assert(property, { numRuns: 300 });
  // Every answer of every phase was met.
  expect([...answers.keys()].sort()).toEqual([
    "closed true",
    "half-open false",
    "half-open true",
    "open false",
    "open true",
    "recovering false",
    "recovering true",
  ]);
});
