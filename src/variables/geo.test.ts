import fc from "fast-check";
import { expect, test } from "vitest";
import type { VariableConfig } from "../config/servers.ts";
import { BlockMap } from "./geo.ts";
import { masked, parseBlock, parseIp } from "./ip.ts";
import { fakeSubject } from "./subject.fixture.ts";
import { VariableTable } from "./table.ts";

const v4 = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((bytes) => bytes.join("."));
/** Few bits differ, so that blocks and ranges overlap. */
const near = fc.tuple(fc.nat(1), fc.nat(3)).map(([third, last]) => `10.0.${third}.${last * 64}`);

test.each([
  ["10.0.0.1", "\x0a\0\0\x01"],
  ["255.255.255.255", "\xff\xff\xff\xff"],
  ["::", "\0".repeat(16)],
  ["::1", `${"\0".repeat(15)}\x01`],
  ["1:2:3:4:5:6:7:8", "\0\x01\0\x02\0\x03\0\x04\0\x05\0\x06\0\x07\0\x08"],
  ["2001:DB8::", `\x20\x01\x0d\xb8${"\0".repeat(12)}`],
  ["::ffff:10.0.0.1", "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x01"],
])("%s", (text, bytes) => expect(parseIp(text)).toBe(bytes));

test.each([
  "",
  "10.0.0",
  "10.0.0.256",
  "10.0.0.1.2",
  "a.b.c.d",
  ":",
  ":::",
  "1::2::3",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "g::",
  "::1.2.3",
  "1:2:3:4:5:6:7:8::",
  "12345::",
  "unix:",
])("%j is no address", (text) => expect(parseIp(text)).toBeUndefined());

test("blocks clear what stands behind the prefix", () => {
  expect(parseBlock("10.1.2.3/12")).toEqual({ bytes: "\x0a\x10\0\0".replace("\x10", "\0"), bits: 12 });
  expect(parseBlock("10.31.2.3/12")).toEqual({ bytes: "\x0a\x10\0\0", bits: 12 });
  expect(parseBlock("10.0.0.0/33")).toBeUndefined();
  expect(parseBlock("10.0.0.0/")).toBeUndefined();
  expect(parseBlock("2001:db8::/129")).toBeUndefined();
});

test("the longest block that has an address wins", () => {
  const block = fc.tuple(near, fc.integer({ min: 22, max: 32 })).map(([address, bits]) => `${address}/${bits}`);
  fc.assert(
    fc.property(fc.array(block, { maxLength: 12 }), near, (blocks, address) => {
      const map = new BlockMap<string>();
      for (const text of blocks) map.set(text, text);
      const bytes = parseIp(address)!;
      const fitting = blocks.filter((text) => {
        const parsed = parseBlock(text)!;
        return masked(bytes, parsed.bits) === parsed.bytes;
      });
      const longest = Math.max(...fitting.map((text) => parseBlock(text)!.bits));
      const found = map.find(bytes);
      expect(found === undefined ? undefined : parseBlock(found)!.bits).toBe(
        fitting.length === 0 ? undefined : longest,
      );
      expect(found).toBe(fitting.findLast((text) => parseBlock(text)!.bits === longest));
    }),
  );
});

test("of ranges that overlap the later wins", () => {
  const range = fc
    .tuple(near, near)
    .map(([a, b]) => (parseIp(a)! <= parseIp(b)! ? { from: a, to: b } : { from: b, to: a }));
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 8 }), fc.oneof(near, v4), (pairs, address) => {
      const ranges = pairs.map((pair, index) => ({ ...pair, value: String(index) }));
      const config: VariableConfig = {
        kind: "geo",
        name: "g",
        source: "{$remote_addr}",
        volatile: false,
        default: "none",
        entries: [],
        ranges,
        proxies: [],
        proxyRecursive: false,
      };
      const bytes = parseIp(address)!;
      const expected = ranges.findLast(({ from, to }) => parseIp(from)! <= bytes && bytes <= parseIp(to)!);
      const value = new VariableTable([config]).variable("g")?.(fakeSubject({ remoteAddress: address }));
      expect(value).toBe(expected?.value ?? "none");
    }),
  );
});
