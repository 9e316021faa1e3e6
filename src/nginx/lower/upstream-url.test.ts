import { expect, test } from "vitest";
import { parseUpstreamUrl } from "./upstream-url.ts";

test.each([
  ["127.0.0.1", { host: "127.0.0.1", address: { kind: "tcp", host: "127.0.0.1", port: 80 }, isName: false, uri: "" }],
  ["app:8080/a?b", { text: "app:8080", host: "app", portText: "8080", isName: true, uri: "/a?b" }],
  ["app?x=/:", { text: "app", host: "app", portText: "", uri: "?x=/:" }],
  ["[::1]:81/", { text: "[::1]:81", host: "[::1]", address: { kind: "tcp", host: "::1", port: 81 }, uri: "/" }],
  ["[::1]", { host: "[::1]", portText: "", address: { kind: "tcp", host: "::1", port: 80 } }],
  ["unix:/a/b.sock", { text: "unix:/a/b.sock", address: { kind: "unix", path: "/a/b.sock" }, uri: "" }],
  ["unix:/a/b.sock:/c", { text: "unix:/a/b.sock", host: "/a/b.sock", isName: false, uri: "/c" }],
  ["unix:/a/b.sock:", { text: "unix:/a/b.sock", uri: "" }],
])("%s", (text, expected) => {
  expect(parseUpstreamUrl(text, 80, true)).toMatchObject(expected);
});

test.each([
  ["", "no host"],
  [":80", "no host"],
  ["/a", "no host"],
  ["a:0", "invalid port"],
  ["a:65536", "invalid port"],
  ["a:b", "invalid port"],
  ["a:80:90", "invalid port"],
  ["[::1", "invalid host"],
  ["[::1]80", "invalid host"],
  ["[]:80", "no host"],
  ["[::g]:80", "invalid IPv6 address"],
  ["unix:", "no path in the unix domain socket"],
  ["unix::/a", "no path in the unix domain socket"],
  [`unix:/${"a".repeat(107)}`, "too long path in the unix domain socket"],
])("%s is refused", (text, words) => {
  expect(parseUpstreamUrl(text, 80, true)).toBe(words);
});

test("without a URI a slash is no part of a host", () => {
  expect(parseUpstreamUrl("http://a", 80, false)).toBe("invalid host");
  expect(parseUpstreamUrl("[::1]/a", 80, false)).toBe("invalid host");
  expect(parseUpstreamUrl("unix:/a:/b", 80, false)).toMatchObject({ address: { kind: "unix", path: "/a:/b" } });
});
