import fc from "fast-check";
import { expect, test } from "vitest";
import { Reservoir, TopCounts } from "./capture-sketch.ts";

/** The same numbers every time (mulberry32). */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const same = (value: string): string => value;

test("property: up to 32 different values are counted exactly, and never is one counted too often", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 60 }).map(String), { maxLength: 400 }), fc.nat(), (values, seed) => {
      const counts = new TopCounts();
      const truth = new Map<string, number>();
      const random = seeded(seed);
      for (const value of values) {
        counts.add(value, random);
        truth.set(value, (truth.get(value) ?? 0) + 1);
      }
      const top = counts.top(1000, same);
      for (const [value, count] of Object.entries(top)) expect(count).toBeLessThanOrEqual(truth.get(value)!);
      if (truth.size <= 32) {
        expect(top).toEqual(Object.fromEntries(truth));
        expect(counts.distinct).toBe(truth.size);
      }
    }),
  );
});

test("what occurs often survives a flood of values that occur once", () => {
  const counts = new TopCounts();
  const random = seeded(1);
  for (let i = 0; i < 50_000; i++) {
    counts.add(`/flood/${i}`, random);
    // Comes late, and is 2 % of all.
    if (i > 10_000 && i % 50 === 0) counts.add("/cart", random);
  }
  const top = counts.top(16, same);
  expect(Object.keys(top)).toHaveLength(16);
  expect(Object.keys(top)[0]).toBe("/cart");
  expect(top["/cart"]).toBeGreaterThan(300);
});

test.each([33, 100, 1000, 20_000, 200_000])("%i different values are estimated within 15 %%", (different) => {
  const counts = new TopCounts();
  const random = seeded(2);
  for (let i = 0; i < different; i++) counts.add(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, random);
  expect(counts.distinct).toBeGreaterThan(different * 0.85);
  expect(counts.distinct).toBeLessThan(different * 1.15);
});

test("values that are called the same are added up, and none reaches a prototype", () => {
  const counts = new TopCounts();
  for (const value of ["/a/1", "/a/2", "/b", "__proto__"]) counts.add(value, () => 0.5);
  expect(counts.top(16, (value) => value.replace(/\d/, "#"))).toEqual({ "/a/#": 2, "/b": 1, "(__proto__)": 1 });
});

test("long values are cut", () => {
  const counts = new TopCounts();
  for (const end of ["x", "y"]) counts.add("/".repeat(10_000) + end, () => 0.5);
  for (const end of ["x", "y"]) counts.add(`/a/${"b".repeat(10_000)}${end}`, () => 0.5);
  expect(counts.top(16, same)).toEqual({ ["/".repeat(256)]: 2, "/a/": 2 });
});

test("a reservoir has all while there is room, then every number with the same chance", () => {
  const few = new Reservoir(16);
  for (let i = 0; i < 10; i++) few.add(i, seeded(3));
  expect(few.values).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const random = seeded(4);
  let late = 0;
  for (let round = 0; round < 400; round++) {
    const many = new Reservoir(16);
    for (let i = 0; i < 1000; i++) many.add(i, random);
    expect(many.values).toHaveLength(16);
    late += many.values.filter((value) => value >= 500).length;
  }
  expect(late / (400 * 16)).toBeGreaterThan(0.45);
  expect(late / (400 * 16)).toBeLessThan(0.55);
});

test("a source that gives 0 ends nothing", () => {
  const reservoir = new Reservoir(2);
  for (let i = 0; i < 100; i++) reservoir.add(i, () => 0);
  expect(reservoir.values).toHaveLength(2);
});
