import { isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileAddressSet } from "./address-set.ts";
import { realAddress } from "./real-address.ts";

describe("real address", () => {
  const trusted = ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"];
  const rules = (recursive: boolean, everyLine = true) => ({
    trusted: compileAddressSet(trusted),
    recursive,
    everyLine,
  });
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
    const unix = { trusted: compileAddressSet(["unix:"]), recursive: false, everyLine: false };
    expect(realAddress("unix:", ["1.2.3.4"], unix)).toEqual({ address: "1.2.3.4", port: "" });
  });

  test("several lines of X-Forwarded-For are one list; of another field the first counts", () => {
    const lines = ["1.2.3.4, 5.6.7.8", "10.0.0.1"];
    expect(realAddress("127.0.0.1", lines, rules(true))?.address).toBe("5.6.7.8");
    expect(realAddress("127.0.0.1", lines, rules(false))?.address).toBe("10.0.0.1");
    expect(realAddress("127.0.0.1", lines, rules(false, false))?.address).toBe("5.6.7.8");
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

  test("an endless chain of trusted proxies ends at its first address", () => {
    const field = Array.from({ length: 500 }, (_, index) => `10.0.${index >> 8}.${index & 255}`).join(", ");
    expect(real(field, true)).toBe("10.0.0.0");
    expect(real(field, false)).toBe("10.0.1.243");
  });
});
