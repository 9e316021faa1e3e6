import fc from "fast-check";
import { expect, test } from "vitest";
import { type Balanced, leastConnections, roundRobin, smoothRotation } from "./balance.ts";

interface Named extends Balanced {
  readonly name: string;
}
const endpoint = (name: string, weight = 1, active = 0): Named => ({ name, weight, active });
const any = (): boolean => true;

test("the smooth rotation interleaves by weight", () => {
  const order = smoothRotation([endpoint("a", 5), endpoint("b"), endpoint("c")]);
  expect(order.map((e) => e.name).join("")).toBe("aabacaa");
});

test("each endpoint gets its share, whatever the weights", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 }), (weights) => {
      const endpoints = weights.map((weight, i) => endpoint(`e${i}`, weight));
      const total = weights.reduce((a, b) => a + b, 0);
      const balancer = roundRobin(endpoints);
      const counts = new Map<string, number>();
      for (let i = 0; i < total; i++) {
        const { name } = balancer.pick(any)!;
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      expect(endpoints.map((e) => counts.get(e.name))).toEqual(weights);
    }),
  );
});

test("large weights are scaled down, and nobody drops out", () => {
  const order = smoothRotation([endpoint("a", 1_000_000), endpoint("b", 1)]);
  expect(order.length).toBeLessThan(10_000);
  expect(order.some((e) => e.name === "b")).toBe(true);
});

for (const [name, make] of [
  ["round robin", roundRobin],
  ["least connections", leastConnections],
] as const) {
  test(`${name}: picks only what is usable, and null where nothing is`, () => {
    const endpoints = [endpoint("a"), endpoint("b", 3), endpoint("c")];
    const balancer = make(endpoints);
    for (let i = 0; i < 20; i++) expect(balancer.pick((e) => e.name === "c")?.name).toBe("c");
    expect(balancer.pick(() => false)).toBeNull();
    expect(make<Named>([]).pick(any)).toBeNull();
  });
}

test("least connections: the fewest in flight per weight; ties go round", () => {
  const balancer = leastConnections([endpoint("busy", 1, 3), endpoint("heavy", 4, 4), endpoint("free", 1, 2)]);
  expect(balancer.pick(any)?.name).toBe("heavy");
  const even = leastConnections([endpoint("a"), endpoint("b"), endpoint("c")]);
  expect(new Set([1, 2, 3].map(() => even.pick(any)!.name)).size).toBe(3);
});
