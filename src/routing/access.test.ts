import { BlockList, isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compileAccess,
  compileAddressSet,
  compileRealIp,
  contains,
  decideAccess,
  readBlock,
  realAddress,
} from "./access.ts";

/** "allow 10.0.0.0/8", "deny all". */
function access(...rules: string[]) {
  return compileAccess(rules.map((rule) => ({ allow: rule.startsWith("allow"), from: rule.split(" ")[1]! })));
}

describe("allow and deny", () => {
  test("the first rule that fits decides", () => {
    const rules = access("deny 10.0.0.1", "allow 10.0.0.0/8", "allow 2001:db8::/32", "deny all");
    expect(decideAccess(rules, "10.0.0.1")).toBe(false);
    expect(decideAccess(rules, "10.0.0.2")).toBe(true);
    expect(decideAccess(rules, "11.0.0.2")).toBe(false);
    expect(decideAccess(rules, "2001:db8:1::1")).toBe(true);
    expect(decideAccess(rules, "2001:db9::1")).toBe(false);
    expect(decideAccess(rules, "unix:")).toBe(false);
  });

  test("where no rule fits nothing is decided", () => {
    const rules = access("deny 10.0.0.0/8");
    expect(decideAccess(rules, "11.0.0.1")).toBeNull();
    expect(decideAccess(rules, "::1")).toBeNull();
    expect(decideAccess(rules, "unix:")).toBeNull();
    expect(decideAccess(access(), "10.0.0.1")).toBeNull();
  });

  test("Unix sockets have rules of their own", () => {
    expect(decideAccess(access("deny 0.0.0.0/0", "allow unix:", "deny all"), "unix:/run/a")).toBe(true);
    expect(decideAccess(access("allow all", "deny unix:"), "unix:")).toBe(true);
  });

  test("an IPv4 client of an IPv6 socket goes by the rules for IPv4 where there are some", () => {
    expect(decideAccess(access("allow 10.0.0.0/8", "deny all"), "::ffff:10.0.0.1")).toBe(true);
    expect(decideAccess(access("deny ::/0"), "::ffff:10.0.0.1")).toBe(false);
    expect(decideAccess(access("deny ::/0", "allow 11.0.0.0/8"), "::ffff:10.0.0.1")).toBeNull();
  });

  test("what cannot be read is under the rules for all", () => {
    expect(decideAccess(access("allow 0.0.0.0/0", "deny all"), "?")).toBe(false);
  });
});

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
      expect(contains(compileAddressSet([`${network}/${length}`]), address)).toBe(list.check(address, family));
    }),
    { numRuns: 500 },
  );
});

describe("real address", () => {
  const trusted = ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"];
  const rules = (recursive: boolean, header = "x-forwarded-for") => compileRealIp({ from: trusted, header, recursive });
  const real = (value: string, recursive = false, peer = "127.0.0.1") => {
    const found = realAddress(peer, [value], rules(recursive));
    return found && (found.port === "" ? found.address : `${found.address} ${found.port}`);
  };

  test.each([
    ["1.2.3.4", "1.2.3.4"],
    ["1.2.3.4, 10.0.0.1", "10.0.0.1"],
    ["1.2.3.4,10.0.0.1 , ", "10.0.0.1"],
    ["5.6.7.8 1.2.3.4", "1.2.3.4"],
    ["1.2.3.4:567", "1.2.3.4 567"],
    ["[::1]", "::1"],
    ["[2001:DB8::0001]:80", "2001:db8::1 80"],
    ["::1", "::1"],
    ["::ffff:1.2.3.4", "::ffff:1.2.3.4"],
    ["1.2.3.4:0", null],
    ["1.2.3.4:65536", null],
    ["1.2.3.4:", null],
    ["[::1", null],
    ["[::1]80", null],
    ["[::1]:", null],
    ["unknown", null],
    ["", null],
    [",1.2.3.4", null],
    ["1.2.3.4, unknown", null],
  ])("%j is %s", (value, expected) => {
    expect(real(value)).toBe(expected);
  });

  test.each([
    ["1.2.3.4, 5.6.7.8, 10.0.0.1", "5.6.7.8"],
    ["10.0.0.3, 10.0.0.2, 10.0.0.1", "10.0.0.3"],
    ["1.2.3.4, unknown, 10.0.0.1", "10.0.0.1"],
    ["1.2.3.4, [2001:db8::1]:80", "1.2.3.4"],
    ["1.2.3.4", "1.2.3.4"],
  ])("%j is %s where proxies stand behind proxies", (value, expected) => {
    expect(real(value, true)).toBe(expected);
  });

  test("nobody is believed who is not trusted", () => {
    expect(real("1.2.3.4", false, "8.8.8.8")).toBeNull();
    expect(real("1.2.3.4", true, "8.8.8.8")).toBeNull();
    expect(real("1.2.3.4", false, "unix:")).toBeNull();
    expect(real("1.2.3.4", false, "::ffff:127.0.0.1")).toBe("1.2.3.4");
    const unix = compileRealIp({ from: ["unix:"], header: "x-real-ip", recursive: false });
    expect(realAddress("unix:", ["1.2.3.4"], unix)).toEqual({ address: "1.2.3.4", port: "" });
  });

  test("several lines of X-Forwarded-For are one list; of another field the first counts", () => {
    const lines = ["1.2.3.4, 5.6.7.8", "10.0.0.1"];
    expect(realAddress("127.0.0.1", lines, rules(true))?.address).toBe("5.6.7.8");
    expect(realAddress("127.0.0.1", lines, rules(false))?.address).toBe("10.0.0.1");
    expect(realAddress("127.0.0.1", lines, rules(false, "x-real-ip"))?.address).toBe("5.6.7.8");
    expect(realAddress("127.0.0.1", ["1.2.3.4", "unknown"], rules(true))).toBeNull();
    expect(realAddress("127.0.0.1", ["unknown", "10.0.0.1"], rules(true))?.address).toBe("10.0.0.1");
    expect(realAddress("127.0.0.1", [], rules(true))).toBeNull();
  });

  test("any text gives an address or none", () => {
    const value = fc.string({ unit: fc.constantFrom(..."0123456789abf:.,[] ".split("")), maxLength: 40 });
    fc.assert(
      fc.property(value, fc.boolean(), (text, recursive) => {
        const found = realAddress("127.0.0.1", [text], rules(recursive));
        if (found) expect(isIPv4(found.address) || isIPv6(found.address)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
