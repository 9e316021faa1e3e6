import { expect, test } from "vitest";
import { aliasAt, rootAt } from "./folder.fixture.ts";
import { extensionOf, withCharset } from "./mime.ts";
import { climbsOut, mapToPath } from "./path.ts";

test("root and alias", () => {
  expect(mapToPath(rootAt("/data"), "/data", "/a/b")).toEqual({ path: "/data/a/b", rootLength: 5 });
  expect(mapToPath(aliasAt("/data/", 3), "/data/", "/a/b")).toEqual({ path: "/data/b", rootLength: 6 });
  const pattern = aliasAt("/data/{$1}", -1);
  expect(mapToPath(pattern, "/data/x", "/a/b")).toEqual({ path: "/data/x", rootLength: 6 });
  expect(mapToPath(pattern, "/data/x", "/b", true)).toEqual({ path: "/data/x/b", rootLength: 6 });
});

test.each([
  ["/data", "/a/../b", true],
  ["/data", "/..", true],
  ["/data", "/a/..", true],
  ["/data/", "../b", true],
  ["/data/x/..", "/b", false],
  ["/data/../x/", "b", false],
  ["/data", "/..b", false],
  ["/data", "/b..", false],
  ["/data", "/a/.../b", false],
  ["/data", "../b", false],
  ["/data/.", "./b", true],
  ["/a..", "/a..b/..", true],
])("%s + %s climbs out: %j", (root, rest, expected) => {
  expect(climbsOut({ path: root + rest, rootLength: root.length })).toBe(expected);
});

test.each([
  ["/a.html", "html"],
  ["/a.tar.gz", "gz"],
  ["/.html", ""],
  ["/a/.html", ""],
  ["/a/.b.c", "c"],
  ["/a.b/c", ""],
  ["/a.", ""],
  ["/", ""],
  ["", ""],
])("the extension of %s is %j", (uri, extension) => {
  expect(extensionOf(uri)).toBe(extension);
});

test("charset is added once", () => {
  expect(withCharset("text/html", "utf-8")).toBe("text/html; charset=utf-8");
  expect(withCharset("text/html; charset=x", "utf-8")).toBe("text/html; charset=x");
  expect(withCharset("text/html", "")).toBe("text/html");
  expect(withCharset("", "utf-8")).toBe("");
});
