import fc from "fast-check";
import { expect, test } from "vitest";
import { formatAddress, isProblem, parseAddress, parseCidr, parseEndpoint } from "./address.ts";

test.each([
  [":8080", { kind: "tcp", host: "", port: 8080 }],
  ["8080", { kind: "tcp", host: "", port: 8080 }],
  ["*:8080", { kind: "tcp", host: "", port: 8080 }],
  ["127.0.0.1:0", { kind: "tcp", host: "127.0.0.1", port: 0 }],
  ["[::1]:80", { kind: "tcp", host: "::1", port: 80 }],
  ["localhost:80", { kind: "tcp", host: "localhost", port: 80 }],
  ["unix:/run/a.sock", { kind: "unix", path: "/run/a.sock" }],
  ["unix:///run/a.sock", { kind: "unix", path: "/run/a.sock" }],
])("listens on %s", (text, address) => expect(parseAddress(text)).toEqual(address));

test.each([
  "",
  "localhost",
  ":65536",
  ":x",
  "::1",
  "[::1]",
  "[::g]:1",
  "999.1.1.1:80",
  "a b:80",
  "unix:run",
  `unix:/${"x".repeat(120)}`,
  "http://a:80",
])("does not listen on %j", (text) => expect(isProblem(parseAddress(text))).toBe(true));

test.each([
  ["10.0.0.1", "10.0.0.1:80", null, ""],
  ["app_1:3000", "app_1:3000", null, ""],
  ["http://a.test", "a.test:80", "http", ""],
  ["https://a.test/x/", "a.test:443", "https", "/x/"],
  ["HTTPS://[::1]:8443", "[::1]:8443", "https", ""],
  ["unix:/run/a.sock", "unix:/run/a.sock", null, ""],
])("the endpoint %s is %s", (text, address, scheme, path) => {
  const endpoint = parseEndpoint(text);
  if (isProblem(endpoint)) throw new Error(endpoint.message);
  expect([formatAddress(endpoint.address), endpoint.scheme, endpoint.path]).toEqual([address, scheme, path]);
});

test.each(["", ":3000", "a:0", "a:70000", "ws://a", "http://u:p@a", "http://a?x", "::1", "a/b c"])(
  "%j is no endpoint",
  (text) => expect(isProblem(parseEndpoint(text))).toBe(true),
);

test("CIDR blocks", () => {
  expect(["10.0.0.0/8", "192.0.2.7", "::1", "fd00::/8"].map(parseCidr)).toEqual([
    "10.0.0.0/8",
    "192.0.2.7/32",
    "::1/128",
    "fd00::/8",
  ]);
  expect(["10.0.0.0/33", "x", "10.0.0.0/", "10.0.0.0/8/8", "::1/129", "fe80::1%eth0"].map(parseCidr)).toEqual(
    Array(6).fill(undefined),
  );
});

test("an address is read back as it was formatted", () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain(), fc.constant(""));
  fc.assert(
    fc.property(host, fc.nat(65_535), (name, port) => {
      const address = { kind: "tcp", host: name, port } as const;
      expect(parseAddress(formatAddress(address))).toEqual(address);
    }),
    { numRuns: 200 },
  );
});
