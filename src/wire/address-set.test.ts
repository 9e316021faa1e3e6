import { BlockList, isIPv4 } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compileAddressSet, isAmong, readBlock } from "./address-set.ts";
import { readIp } from "./ip-address.ts";

test.each(["", "a", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "/8", "10.0.0/8", "1.2.3.4.5"])(
  "%j is no block",
  (text) => {
    expect(readBlock(text)).toBeNull();
  },
);

test("blocks hold what node's own list says", () => {
  const v4 = fc
    .array(fc.constantFrom(0, 1, 10, 127, 128, 255), { minLength: 4, maxLength: 4 })
    .map((parts) => parts.join("."));
  const group = fc.constantFrom("0", "1", "8000", "ffff", "db8");
  const v6 = fc.array(group, { minLength: 8, maxLength: 8 }).map((parts) => parts.join(":"));
  const cases = fc.oneof(
    fc.tuple(v4, v4, fc.integer({ min: 0, max: 32 })),
    fc.tuple(v6, v6, fc.integer({ min: 0, max: 128 })),
  );
  fc.assert(
    fc.property(cases, ([network, address, length]) => {
      // nginx cannot read the broadcast address, and an IPv4 address in IPv6 is one of IPv4.
      fc.pre(network !== "255.255.255.255" && address !== "255.255.255.255");
      fc.pre(!/^(?:0:){5}ffff:/.test(address));
      const family = isIPv4(network) ? "ipv4" : "ipv6";
      const list = new BlockList();
      list.addSubnet(network, length, family);
      const words = new Uint32Array(4);
      const own = readIp(address, 0, address.length, words);
      expect(isAmong(compileAddressSet([`${network}/${length}`]), words, own)).toBe(list.check(address, family));
    }),
    { numRuns: 500 },
  );
});
