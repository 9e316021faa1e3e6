import { expect, test } from "vitest";
import { hostField, readOrigin, readUrl, sameSpot, serverNameOf, spotText } from "./options.ts";

const URLS = [
  ["https://shop.example.com/cart?x=1#top", "https", "shop.example.com", 443, "/cart?x=1"],
  ["http://127.0.0.1:8080", "http", "127.0.0.1", 8080, "/"],
  ["https://[::1]:8443/a", "https", "::1", 8443, "/a"],
  ["shop.example.com", "https", "shop.example.com", 443, "/"],
  ["shop.example.com:8443/x", "https", "shop.example.com", 8443, "/x"],
  ["localhost:3000", "http", "localhost", 3000, "/"],
  ["localhost", "http", "localhost", 80, "/"],
  ["HTTPS://EXAMPLE.com", "https", "example.com", 443, "/"],
  ["https://bücher.example/", "https", "xn--bcher-kva.example", 443, "/"],
] as const;

test.each(URLS)("%s is an address", (text, scheme, hostname, port, path) => {
  expect(readUrl(text)).toMatchObject({ scheme, hostname, port, path });
});

test.each([
  ["", /empty/],
  ["ftp://x.example/", /http and https, not ftp/],
  ["http://", /names no host/],
  ["http://a b/", /blank/],
  ["http://x.example:99999/", /99999 is no port/],
  ["http://x.example:0/", /Port 0/],
  ["http://u:geheim@x.example/", /no credentials/],
  ["http://x.example:abc/", /no port/],
])("%j is none, and it is said why", (text, said) => {
  const read = readUrl(text);
  expect(read).toHaveProperty("next");
  expect((read as { text: string }).text).toMatch(said);
});

test.each([
  ["10.0.0.7:3000", null, "10.0.0.7:3000"],
  ["10.0.0.7", "https", "10.0.0.7:443"],
  ["http://10.0.0.7", "http", "10.0.0.7:80"],
  ["https://app.internal:8443/", "https", "app.internal:8443"],
  ["[::1]:3000", null, "[::1]:3000"],
  ["::1", "https", "[::1]:443"],
  ["unix:/run/app.sock", "http", "unix:/run/app.sock"],
])("origin %s", (text, scheme, spot) => {
  const url = readUrl("https://shop.example.com/");
  if ("next" in url) throw new Error(url.text);
  const origin = readOrigin(text, url);
  if ("next" in origin) throw new Error(origin.text);
  expect(origin.scheme).toBe(scheme);
  expect(spotText(origin.spot)).toBe(spot);
});

test.each(["", "a b", "x:y", "x:0", "x:70000", "unix:run/app.sock", "http://x/path"])("%j is no origin", (text) => {
  expect(readOrigin(text, null)).toHaveProperty("next");
});

test("the Host field has a port where it is not the scheme's own, and SNI has no addresses", () => {
  expect(hostField("x.example", 443, "https")).toBe("x.example");
  expect(hostField("x.example", 80, "https")).toBe("x.example:80");
  expect(hostField("::1", 8080, "http")).toBe("[::1]:8080");
  expect(serverNameOf("X.example:8443")).toBe("x.example");
  expect(serverNameOf("127.0.0.1:8443")).toBeNull();
  expect(serverNameOf("[::1]")).toBeNull();
});

test("localhost is the same place as both of its addresses, and another loopback address is not", () => {
  const at = (host: string, port = 80) => ({ kind: "tcp", host, port }) as const;
  expect(sameSpot(at("localhost"), at("127.0.0.1"))).toBe(true);
  expect(sameSpot(at("::1"), at("localhost"))).toBe(true);
  expect(sameSpot(at("127.0.0.2"), at("127.0.0.1"))).toBe(false);
  expect(sameSpot(at("a.example"), at("A.example"))).toBe(true);
  expect(sameSpot(at("a.example", 81), at("a.example"))).toBe(false);
  expect(sameSpot({ kind: "unix", path: "/a" }, { kind: "unix", path: "/a" })).toBe(true);
});
