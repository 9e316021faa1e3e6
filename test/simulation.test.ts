// The simulation (test/simulation/): a fixed range of seeds, the seeds that have found something before, and the proof
// that it finds what it is there for: each broken gateway below is caught. `npm run simulate` runs as many as asked.
import { afterEach, describe, expect, test, vi } from "vitest";
import kept from "./simulation/seeds.json" with { type: "json" };
import { simulate } from "./simulation/simulate.ts";

/** Seeds take milliseconds; this is for a machine that does other things. */
vi.setConfig({ testTimeout: 120_000 });

const FIRST_SEED = 1;
const SEEDS = 100;
const PER_TEST = 20;
/** A broken gateway is found within so many seeds. */
const SEEDS_TO_FIND = 60;

async function expectWhole(seed: number): Promise<void> {
  const { violations, lines } = await simulate(seed);
  const report = `seed ${seed}: npm run simulate -- --seed ${seed}\n${lines.slice(-20).join("\n")}`;
  expect(violations, report).toEqual([]);
}

for (let first = FIRST_SEED; first < FIRST_SEED + SEEDS; first += PER_TEST) {
  test(`seeds ${first} to ${first + PER_TEST - 1} keep every promise`, async () => {
    for (let seed = first; seed < first + PER_TEST; seed++) await expectWhole(seed);
  });
}

test.each(kept)("seed $seed: $found", async ({ seed }) => {
  await expectWhole(seed);
});

test("the same seed is the same story, another one is another", async () => {
  const [once, again, other] = [await simulate(7), await simulate(7), await simulate(8)];
  expect(once.digest).toBe(again.digest);
  expect(once.steps).toBeGreaterThan(100);
  expect(other.digest).not.toBe(once.digest);
});

describe("a broken gateway is found:", () => {
  afterEach(() => {
    vi.doUnmock("../src/resilience/retry.ts");
    vi.doUnmock("../src/resilience/retry-budget.ts");
    vi.doUnmock("../src/net/connection.ts");
    vi.resetModules();
  });

  /** The first violation that any of the seeds shows. */
  async function firstViolation(): Promise<string> {
    const broken = await import("./simulation/simulate.ts");
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS_TO_FIND; seed++) {
      const { violations } = await broken.simulate(seed);
      if (violations[0] !== undefined) return violations[0];
    }
    return "";
  }

  test("one that sends again whatever failed", async () => {
    vi.resetModules();
    vi.doMock("../src/resilience/retry.ts", async (original) => ({
      ...(await original<typeof import("../src/resilience/retry.ts")>()),
      decideRetry: () => ({ retry: true, proof: "nothing-sent" }),
    }));
    expect(await firstViolation()).toMatch(/reached an application 2 times|was delivered \d+ times/);
  });

  test("one that forgets retries", async () => {
    vi.resetModules();
    vi.doMock("../src/resilience/retry-budget.ts", async (original) => ({
      ...(await original<typeof import("../src/resilience/retry-budget.ts")>()),
      endRetry: () => {},
    }));
    expect(await firstViolation()).toMatch(/retries count as in flight/);
  });

  test("one that takes a reset for the end of a body", async () => {
    vi.resetModules();
    vi.doMock("../src/net/connection.ts", async (original) => {
      const module = await original<typeof import("../src/net/connection.ts")>();
      Object.defineProperty(module.Connection.prototype, "endedByReset", { get: () => false });
      return module;
    });
    expect(await firstViolation()).toMatch(/bytes were shown as the whole/);
  });
});
