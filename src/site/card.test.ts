import { inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { statusCard } from "./card.ts";

test("the picture is a PNG of 1200 × 630 with a palette, and shows its digits", () => {
  const [one, other] = [statusCard("502"), statusCard("504")].map((bytes) => Buffer.from(bytes));
  expect(one!.subarray(0, 8).toString("latin1")).toBe("\x89PNG\r\n\x1a\n");
  expect([one!.readUInt32BE(16), one!.readUInt32BE(20), one![24], one![25]]).toEqual([1200, 630, 8, 3]);
  expect(one!.length).toBeLessThan(20_000);
  const [first, second] = [pixelsOf(one!), pixelsOf(other!)];
  expect(first.length).toBe(1201 * 630);
  const differs = [...first.keys()].filter((at) => first[at] !== second[at]).map((at) => at % 1201);
  // Only the last digit.
  expect(Math.min(...differs)).toBeGreaterThan(700);
});

function pixelsOf(png: Buffer): Buffer {
  const at = png.indexOf("IDAT", 0, "latin1");
  return inflateSync(png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4)));
}
