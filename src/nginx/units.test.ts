import { beforeAll, describe, expect, test } from "vitest";
import { askNginx, whyNotAsked } from "./real-nginx.fixture.ts";
import { parseBuffers, parseFlag, parseNumber, parseOffset, parseSeconds, parseSize, parseTime } from "./units.ts";

const TIMES: readonly (readonly [text: string, ms: number | undefined, seconds: number | undefined])[] = [
  ["0", 0, 0],
  ["30", 30_000, 30],
  ["30s", 30_000, 30],
  ["500ms", 500, undefined],
  ["1m30s", 90_000, 90],
  ["1h30m", 5_400_000, 5400],
  ["1d", 86_400_000, 86_400],
  ["2w1d", 1_296_000_000, 1_296_000],
  ["1M", undefined, 2_592_000],
  ["1y", undefined, 31_536_000],
  ["1y1M", undefined, 34_128_000],
  ["1m 30s", 90_000, 90],
  ["1m  30", 90_000, 90],
  ["5 ", 5000, 5],
  ["1s500ms", 1500, undefined],
  ["1s 500ms", 1500, undefined],
  ["10 500ms", undefined, undefined],
  ["1m30", 90_000, 90],
  ["s", undefined, undefined],
  ["ms", undefined, undefined],
  ["1hm", 3_600_000, 3600],
  ["", undefined, undefined],
  ["30s1m", undefined, undefined],
  ["1s1s", undefined, undefined],
  ["1ms1ms", undefined, undefined],
  ["1.5s", undefined, undefined],
  ["-1", undefined, undefined],
  ["1S", undefined, undefined],
  ["1x", undefined, undefined],
  [" 1", 1000, 1],
  ["99999999999999999999", undefined, undefined],
  ["9223372036854775807", undefined, 2 ** 63],
  ["300000000000y", undefined, undefined],
];

const SIZES: readonly (readonly [text: string, size: number | undefined, offset: number | undefined])[] = [
  ["0", 0, 0],
  ["4096", 4096, 4096],
  ["8k", 8192, 8192],
  ["8K", 8192, 8192],
  ["1m", 1_048_576, 1_048_576],
  ["2M", 2_097_152, 2_097_152],
  ["1g", undefined, 1_073_741_824],
  ["1G", undefined, 1_073_741_824],
  ["1kb", undefined, undefined],
  ["k", undefined, undefined],
  ["", undefined, undefined],
  ["1.5m", undefined, undefined],
  ["-1", undefined, undefined],
  ["1 k", undefined, undefined],
  ["10000000000g", undefined, undefined],
  ["9999999999999999999", undefined, undefined],
  ["0000000000000000000000000000000000000000000000000008k", 8192, 8192],
];

describe("times", () => {
  test.each(TIMES)("%j", (text, ms, seconds) => {
    expect(parseTime(text)).toBe(ms);
    expect(parseSeconds(text)).toBe(seconds);
  });
});

describe("sizes", () => {
  test.each(SIZES)("%j", (text, size, offset) => {
    expect(parseSize(text)).toBe(size);
    expect(parseOffset(text)).toBe(offset);
  });
});

test("numbers, flags, buffers", () => {
  expect(["0", "12", "-1", "1k", "", "1.0"].map(parseNumber)).toEqual([0, 12, ...Array(4).fill(undefined)]);
  expect(["on", "OFF", "yes", ""].map(parseFlag)).toEqual([true, false, undefined, undefined]);
  expect(parseBuffers("8", "4k")).toEqual({ count: 8, bytes: 4096 });
  expect(parseBuffers("0", "4k")).toBeUndefined();
  expect(parseBuffers("8", "0")).toBeUndefined();
});

describe("nginx agrees", () => {
  let whyNot: string | null = null;
  beforeAll(async () => {
    whyNot = await whyNotAsked();
  });

  test.for<[string, typeof TIMES, (text: string) => number | undefined]>([
    ["client_body_timeout", TIMES, parseTime],
    ["open_file_cache_valid", TIMES, parseSeconds],
    ["client_body_buffer_size", SIZES, parseSize],
    ["client_max_body_size", SIZES, parseOffset],
  ])("%s", async ([directive, values, parse], context) => {
    if (whyNot !== null) context.skip(whyNot);
    for (const [text] of values) {
      const answer = await askNginx(new Map([["nginx.conf", `events {}\nhttp {\n${directive} "${text}";\n}\n`]]));
      const ours =
        parse(text) === undefined ? `[emerg] "${directive}" directive invalid value in nginx.conf:3` : "accepted";
      expect(`${text}: ${answer}`).toBe(`${text}: ${ours}`);
    }
  });
});
