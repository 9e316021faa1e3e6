import { expect, test } from "vitest";
import { saysZone, timeReader } from "./time.ts";

const AT = Date.UTC(2026, 10, 21, 20, 41, 1);
const utc = timeReader({ referenceMs: AT + 60_000, zoneMinutes: 0 });

test.each([
  ["2026-11-21T20:41:01Z", 0],
  ["2026-11-21T20:41:01.123Z", 123],
  ["2026-11-21T20:41:01.123456789Z", 123],
  ["2026-11-21T21:41:01+01:00", 0],
  ["2026-11-21T15:11:01-0530", 0],
  ["2026-11-21 20:41:01,250", 250],
  ["2026-11-21 20:41:01 +0000", 0],
  ["2026-11-21 22:41:01.5 +0200", 500],
  ["2026/11/21 20:41:01", 0],
  ["2026/11/21 20:41:01.123456", 123],
  ["21/Nov/2026:21:41:01 +0100", 0],
  ["21/Nov/2026:20:41:01.042", 42],
  ["Sat Nov 21 20:41:01.123456 2026", 123],
  ["Sat Nov 21 20:41:01 2026", 0],
  ["Nov 21 20:41:01", 0],
  ["Nov 21 2026 20:41:01", 0],
  ["Sat 2026-11-21 20:41:01 UTC", 0],
  ["Sat, 21 Nov 2026 20:41:01 GMT", 0],
  ["21-Nov-2026 20:41:01", 0],
  ["21-Nov-2026 20:41:01 UTC", 0],
  ["1121 20:41:01.123456", 123],
  ["E1121 20:41:01.123456", 123],
  ["20:41:01.123", 123],
  ["08:41:01 PM", 0],
  ["11/21/2026, 8:41:01 PM", 0],
  [`${AT / 1000}`, 0],
  [`${AT / 1000}.250`, 250],
  [`${AT}`, 0],
  [`${AT}000`, 0],
])("%s", (text, ms) => {
  expect(utc(text, null)).toBe(AT + ms);
});

test.each(["12345.678901", "-", "soon", "2026-13-41 10:00:00", "0001-01-01T00:00:00Z", "", "99:99:99"])(
  "%s is no time of day",
  (text) => {
    expect(utc(text, null)).toBeNull();
  },
);

test("a time without a zone is of the given zone, else of this machine's", () => {
  const berlin = timeReader({ referenceMs: AT, zoneMinutes: 60 });
  expect(berlin("2026/11/21 21:41:01", null)).toBe(AT);
  expect(berlin("2026-11-21T20:41:01Z", null)).toBe(AT);
  const here = timeReader({ referenceMs: AT, zoneMinutes: null });
  expect(here("2026/11/21 20:41:01", null)).toBe(new Date(2026, 10, 21, 20, 41, 1).getTime());
  expect(berlin("2026-11-21 20:41:01", "cloudfront-access")).toBe(AT);
});

test("the year that is not said lies before the end of the file", () => {
  const january = timeReader({ referenceMs: Date.UTC(2027, 0, 2), zoneMinutes: 0 });
  expect(january("Nov 21 20:41:01", null)).toBe(AT);
  expect(january("Jan  1 00:00:00", null)).toBe(Date.UTC(2027, 0, 1));
  const newYear = timeReader({ referenceMs: Date.UTC(2026, 11, 31, 23, 59), zoneMinutes: 0 });
  expect(newYear("Jan  1 00:00:30", null)).toBe(Date.UTC(2027, 0, 1, 0, 0, 30));
});

test("the day that is not said, too", () => {
  const night = timeReader({ referenceMs: Date.UTC(2026, 10, 22, 1), zoneMinutes: 0 });
  expect(night("20:41:01", null)).toBe(AT);
});

test("which texts say their zone", () => {
  expect(saysZone("2026-11-21T20:41:01Z", null)).toBe(true);
  expect(saysZone("21/Nov/2026:21:41:01 +0100", null)).toBe(true);
  expect(saysZone("2026/11/21 20:41:01", null)).toBe(false);
  expect(saysZone("20:41:01.123", null)).toBe(false);
});
