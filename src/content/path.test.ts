import { expect, test } from "vitest";
import { escapeHtml, escapeJson, escapeUri, escapeUriComponent } from "./escape.ts";
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
  ["/a.b/c", ""],
  ["/a.", ""],
  ["/", ""],
])("the extension of %s is %j", (uri, extension) => {
  expect(extensionOf(uri)).toBe(extension);
});

test("charset is added once", () => {
  expect(withCharset("text/html", "utf-8")).toBe("text/html; charset=utf-8");
  expect(withCharset("text/html; charset=x", "utf-8")).toBe("text/html; charset=x");
  expect(withCharset("text/html", "")).toBe("text/html");
  expect(withCharset("", "utf-8")).toBe("");
});

test("escaping", () => {
  expect(escapeUri("/a b?#%\"<>\\^`{|}\x7f\xff&'()+;=~")).toBe(
    "/a%20b%3F%23%25%22%3C%3E%5C%5E%60%7B%7C%7D%7F%FF&'()+;=~",
  );
  expect(escapeUriComponent("a/b~!'()*")).toBe("a%2Fb~%21%27%28%29%2A");
  expect(escapeHtml('<a href="x">\'&')).toBe("&lt;a href=&quot;x&quot;&gt;'&amp;");
  expect(JSON.parse(`"${escapeJson('\0\b\f\n\r\t\x1f"\\/x')}"`)).toBe('\0\b\f\n\r\t\x1f"\\/x');
});
