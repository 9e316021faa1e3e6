import { describe, expect, test } from "vitest";
import { compileAccess, compileRealIp, decideAccess } from "./access.ts";

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

test.each([
  ["x-forwarded-for", true],
  ["x-real-ip", false],
])("whether all lines of %s count: %s", (header, everyLine) => {
  const rules = compileRealIp({ from: ["10.0.0.0/8", "unix:"], header, recursive: true });
  expect(rules).toMatchObject({ everyLine, recursive: true, trusted: { unix: true } });
  expect(rules.trusted.blocks).toHaveLength(1);
});
