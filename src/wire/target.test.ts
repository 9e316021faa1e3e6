import fc from "fast-check";
import { expect, test } from "vitest";
import { isAuthority } from "./authority.ts";
import { normalisePath } from "./target.ts";

test.each([
  ["/", "/"],
  ["/a/b.c/..d/.e/f", "/a/b.c/..d/.e/f"],
  ["/a//b", "/a//b"],
  ["/%41%7a%2D%5f%7E", "/Az-_~"],
  ["/%2f%3a%c3%a9", "/%2F%3A%C3%A9"],
  ["/a/./b", "/a/b"],
  ["/a/../b", "/b"],
  ["/a/b/..", "/a/"],
  ["/a/b/.", "/a/b/"],
  ["/a//../b", "/a/b"],
  ["/..", "/"],
  ["/../../etc/passwd", "/etc/passwd"],
  ["/a/%2e%2E/b", "/b"],
  ["/a/.%2e/b", "/b"],
  ["/a/%2e/b", "/a/b"],
  ["/a%2f..%2fb", "/a%2F..%2Fb"],
  ["/%252e%252e/", "/%252e%252e/"],
  ["/a%", null],
  ["/a%4", null],
  ["/a%4g", null],
  ["/a%00b", null],
])("%s is %s in normal form", (path, normal) => {
  expect(normalisePath(path)).toBe(normal);
});

test("the normal form is normal, begins with / and has no dot segment", () => {
  const piece = fc.constantFrom("/", ".", "..", "%2e", "%2E", "%2f", "%25", "%41", "a", "%zz", "%");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const normal = normalisePath(`/${pieces.join("")}`);
      if (normal === null) return;
      expect(normalisePath(normal)).toBe(normal);
      expect(normal.startsWith("/")).toBe(true);
      expect(normal.split("/").filter((segment) => segment === "." || segment === "..")).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test.each([
  "a",
  "A.b-c_d~:80",
  "a:",
  "127.0.0.1:65535",
  "[::]",
  "[::1]:8080",
  "[2001:db8::1]",
  "[1:2:3:4:5:6:7:8]",
  "[::ffff:10.0.0.1]",
  "[1:2:3:4:5:6:1.2.3.4]",
  "[1::8]",
  "[1:2:3:4:5:6:7::]",
  "a!$&'()*+;=b",
])("%s is a host", (text) => {
  expect(isAuthority(text, 0, text.length)).toBe(true);
  expect(isAuthority(`(${text})`, 1, text.length + 1)).toBe(true);
});

test.each([
  "",
  ":80",
  "a b",
  "a,b",
  "a/b",
  "u@a",
  "a:b",
  "a:65536",
  "a:123456",
  "a:1:2",
  "a%41",
  "\xe9",
  "[::1",
  "[::1]x",
  "[]",
  "[a]",
  "[1:2:3]",
  "[::1::2]",
  "[:::]",
  "[1:2:3:4:5:6:7:8:9]",
  "[1:2:3:4:5:6:7:8::]",
  "[12345::]",
  "[::1.2.3]",
  "[::1.2.3.256]",
  "[::01.2.3.4]",
  "[1.2.3.4::]",
  "[fe80::1%25eth0]",
  "a[::1]",
  "a?b",
  "a#b",
  "a\\b",
])("%s is no host", (text) => {
  expect(isAuthority(text, 0, text.length)).toBe(false);
  expect(isAuthority(`(${text})`, 1, text.length + 1)).toBe(false);
});
