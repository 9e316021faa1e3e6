import { isIPv6 } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { formatIp, readIp } from "./ip-address.ts";

function shown(text: string): string | null {
  const words = new Uint32Array(4);
  const family = readIp(text, 0, text.length, words);
  return family === 0 ? null : formatIp(words, family);
}

test.each([
  ["1.2.3.4", "1.2.3.4"],
  ["01.2.3.004", "1.2.3.4"],
  ["1.2.3.", "1.2.3.0"],
  ["0.0.0.0", "0.0.0.0"],
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
  ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
  ["1:2:3:0:5:6:7:8", "1:2:3:0:5:6:7:8"],
  ["::ffff:1.2.3.4", "::ffff:1.2.3.4"],
  ["::1.2.3.4", "::1.2.3.4"],
  ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
  ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"],
])("%s is %s", (text, expected) => {
  expect(shown(text)).toBe(expected);
});

test.each([
  ...[
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "1.2.3.a",
    "255.255.255.255",
    ":",
    ":::",
    "1",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7::",
  ],
  ...[
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "12345::",
    "g::",
    ":1.2.3.4",
    "1:2:3:4:5:6:7:1.2.3.4",
    "::1.2.3",
    "::1%eth0",
    " ::1",
  ],
])("%j is no address", (text) => {
  expect(shown(text)).toBeNull();
});

test("only the part that is named is read", () => {
  const words = new Uint32Array(4);
  expect(readIp("x1.2.3.4y", 1, 8, words)).toBe(4);
  expect(formatIp(words, 4)).toBe("1.2.3.4");
  expect(readIp("[::1]", 1, 4, words)).toBe(6);
  expect(formatIp(words, 6)).toBe("::1");
});

test("IPv6 addresses are read as URLs read them, and what is written is read again", () => {
  const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
  const some = (maxLength: number) => fc.array(group, { maxLength }).map((parts) => parts.join(":"));
  const text = fc.oneof(
    fc.array(group, { minLength: 8, maxLength: 8 }).map((parts) => parts.join(":")),
    fc.tuple(some(3), some(3)).map(([left, right]) => `${left}::${right}`),
  );
  fc.assert(
    fc.property(text, (address) => {
      const own = shown(address);
      expect(own).not.toBeNull();
      expect(isIPv6(own!)).toBe(true);
      expect(canonical(own!)).toBe(canonical(address));
      expect(shown(own!)).toBe(own);
    }),
    { numRuns: 500 },
  );
});

function canonical(address: string): string {
  return new URL(`http://[${address}]`).hostname;
}
