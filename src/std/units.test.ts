import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, formatSize, parseDuration, parseSize } from "./units.ts";

test.each([
  ["5s", 5000],
  ["250ms", 250],
  ["1m30s", 90_000],
  ["2h", 7_200_000],
  ["1.5s", 1500],
  ["1d", 86_400_000],
  ["0s", 0],
])("the duration %s is %d ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

test.each(["", "5", "s", "5 s", "5sec", "5s5s", "5s1m", "-5s", "5s junk", "1e3s", "999999999999999999d"])(
  "%j is no duration",
  (text) => expect(parseDuration(text)).toBeUndefined(),
);

test.each([
  ["10MiB", 10_485_760],
  ["64k", 65_536],
  ["8KB", 8000],
  ["1.5m", 1_572_864],
  ["1g", 2 ** 30],
  ["512", 512],
  ["512B", 512],
  ["10 MiB", 10_485_760],
])("the size %s is %d bytes", (text, bytes) => expect(parseSize(text)).toBe(bytes));

test.each(["", "k", "10XB", "-1k", "1.5", "1e3", "9999999999g"])("%j is no size", (text) =>
  expect(parseSize(text)).toBeUndefined(),
);

test("what is written is read back", () => {
  fc.assert(fc.property(fc.nat(1e12), (ms) => parseDuration(formatDuration(ms)) === ms));
  fc.assert(fc.property(fc.nat(1e12), (bytes) => parseSize(formatSize(bytes)) === bytes));
});
