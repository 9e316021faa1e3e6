import fc from "fast-check";
import { expect, test } from "vitest";
import { formatHttpDate, parseHttpDate } from "./http-date.ts";

test("dates of all three formats", () => {
  expect(parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT")).toBe(784_111_777);
  expect(parseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT")).toBe(784_111_777);
  expect(parseHttpDate("Sun Nov  6 08:49:37 1994")).toBe(784_111_777);
  expect(parseHttpDate("Sun Nov 16 08:49:37 1994")).toBe(784_975_777);
  expect(parseHttpDate("Sunday, 06-Nov-69 08:49:37 GMT")).toBe(Date.UTC(2069, 10, 6, 8, 49, 37) / 1000);
  expect(parseHttpDate("Fri, 25 Feb 2174 09:42:23 GMT")).toBe(Date.UTC(2174, 1, 25, 9, 42, 23) / 1000);
});

test.each([
  "",
  "garbage",
  "Sun, 6 Nov 1994 08:49:37 GMT",
  "Sun, 06 Nov 1994 24:49:37 GMT",
  "Sun, 06 Nov 1994 08:60:37 GMT",
  "Sun, 30 Feb 2000 08:49:37 GMT",
  "Sun, 29 Feb 1900 08:49:37 GMT",
  "Sun, 31 Apr 2000 08:49:37 GMT",
  "Sun, 00 Apr 2000 08:49:37 GMT",
  "Sun, 06 Foo 1994 08:49:37 GMT",
  "784111777",
])("%j is no date", (text) => {
  expect(parseHttpDate(text)).toBeNull();
});

test("what is written is read", () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_000_000_000, max: 250_000_000_000 }), (seconds) => {
      expect(parseHttpDate(formatHttpDate(seconds))).toBe(seconds);
    }),
  );
});
