import fc from "fast-check";
import { expect, test } from "vitest";
import { warmLimit, warmth } from "./slow-start.ts";

test("the share grows in a straight line from a tenth to all", () => {
  expect([0, 5000, 9999.999, 10_000, 1e9].map((at) => Number(warmth(0, at, 10_000).toFixed(3)))).toEqual([
    0.1, 0.55, 1, 1, 1,
  ]);
});

test("without a duration everything is warm, and a clock that stands still is no trouble", () => {
  expect([warmth(50, 50, 0), warmth(50, 50, 10), warmth(50, 49, 10)]).toEqual([1, 0.1, 0.1]);
});

test("a limit of connections grows with the share; none stays none", () => {
  expect([warmLimit(100, 0.1), warmLimit(3, 0.1), warmLimit(25, 0.5), warmLimit(3, 1), warmLimit(0, 0.1)]).toEqual([
    10, 1, 12, 3, 0,
  ]);
});

test("later is never colder, and no limit is passed", () => {
  const span = fc.integer({ min: 0, max: 100_000 });
  fc.assert(
    fc.property(span, span, span, fc.integer({ min: 1, max: 5000 }), (durationMs, firstMs, laterMs, limit) => {
      const cold = warmth(0, firstMs, durationMs);
      const warm = warmth(0, firstMs + laterMs, durationMs);
      expect(cold).toBeGreaterThanOrEqual(0.1);
      expect(warm).toBeGreaterThanOrEqual(cold);
      expect(warm).toBeLessThanOrEqual(1);
      expect(warmLimit(limit, cold)).toBeGreaterThanOrEqual(1);
      expect(warmLimit(limit, warm)).toBeLessThanOrEqual(limit);
      expect(warmLimit(limit, warmth(0, durationMs, durationMs))).toBe(limit);
    }),
  );
});
