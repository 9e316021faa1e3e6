import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffMs, parseHttpDate, retryAfterMs } from "./backoff.ts";

const NEWEST = Date.UTC(1994, 10, 6, 8, 49, 37);

test("the ceiling doubles up to the cap", () => {
  const options = { baseMs: 100, maxMs: 500 };
  expect([1, 2, 3, 4, 2000].map((attempt) => backoffMs(attempt, 0.5, options))).toEqual([50, 100, 200, 250, 250]);
  expect(backoffMs(1, 0, options)).toBe(0);
});

test("the jitter stays within its bounds for any attempt, and reaches both ends", () => {
  const bounded = fc.property(
    fc.integer({ min: 1, max: 5000 }),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    fc.integer({ min: 1, max: 60_000 }),
    fc.integer({ min: 1, max: 600_000 }),
    (attempt, random, baseMs, maxMs) => {
      const ceiling = Math.min(maxMs, baseMs * 2 ** (attempt - 1));
      const wait = backoffMs(attempt, random, { baseMs, maxMs });
      expect(wait).toBeGreaterThanOrEqual(0);
      expect(wait).toBeLessThanOrEqual(maxMs);
      expect(wait).toBeCloseTo(random * ceiling, 6);
    },
  );
  fc.assert(bounded, { numRuns: 300 });
});

test("the three forms of an HTTP date are one instant", () => {
  for (const text of ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])
    expect(parseHttpDate(text)).toBe(NEWEST);
  expect(parseHttpDate("Sunday, 06-Nov-26 08:49:37 GMT")).toBe(Date.UTC(2026, 10, 6, 8, 49, 37));
});

test.each([
  "",
  "soon",
  "06 Nov 1994",
  "Sun, 06 Nov 1994 08:49:37 CET",
  "Sun, 06 anF 1994 08:49:37 GMT",
  "Sun, 06 Nov 1994 24:49:37 GMT",
  "Sun, 32 Nov 1994 08:49:37 GMT",
])("%j is no HTTP date", (text) => expect(parseHttpDate(text)).toBeNull());

test("Retry-After is read in seconds and as a date, within bounds", () => {
  const read = (value: string | null) => retryAfterMs(value, NEWEST, 60_000);
  expect(read("7")).toBe(7000);
  expect(read(" 0 ")).toBe(0);
  expect(read("Sun, 06 Nov 1994 08:49:47 GMT")).toBe(10_000);
  expect(read("Sun, 06 Nov 1994 08:49:07 GMT")).toBe(0);
  expect(read("9".repeat(400))).toBe(60_000);
  expect([null, "", "-1", "1.5", "1e3", "0x10", "later"].map(read)).toEqual(Array(7).fill(null));
});

test("any two dates of the usual form are as far apart as they say", () => {
  const instant = fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000);
  const property = fc.property(instant, (at) => {
    expect(parseHttpDate(new Date(at).toUTCString())).toBe(at);
  });
  fc.assert(property, { numRuns: 300 });
});
