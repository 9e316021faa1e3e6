import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { escapeArgs, escapeUri, escapeUriComponent } from "../wire/escape.ts";
import { readNamedUri, readUri, splitArgs, unescapeRedirect, unescapeUri } from "./uri.ts";

describe("readUri", () => {
  test.each([
    ["/", "/", undefined],
    ["/a/b.c", "/a/b.c", undefined],
    ["/a?", "/a", undefined],
    ["/a?b=/../c", "/a", "b=/../c"],
    ["/a?b?c", "/a", "b?c"],
    ["/a#b?c", "/a", undefined],
    ["/a?b#c", "/a", "b"],
    ["/a?#c", "/a", ""],
    ["/a//b///", "/a/b/", undefined],
    ["/a/./b/.", "/a/b/", undefined],
    ["/a/../b", "/b", undefined],
    ["/a/b/..", "/a/", undefined],
    ["/a/b/..?c", "/a/", "c"],
    ["/a/b/.#c", "/a/b/", undefined],
    ["/a//../b", "/b", undefined],
    ["/.a/..b/...", "/.a/..b/...", undefined],
    ["/%61%2Fb%2f%2e%2E/c", "/a/c", undefined],
    ["/%2561", "/%61", undefined],
    ["/a%3Fb%23c?d", "/a?b#c", "d"],
    ["/%e9\xe9", "/\xe9\xe9", undefined],
    ["/%0a", "/\n", undefined],
    ["/a?%zz", "/a", "%zz"],
  ])("%s", (target, uri, args) => {
    expect(readUri(target, true)).toMatchObject({ uri, args });
  });

  test.each([
    "/..",
    "/a/../..",
    "/%2e%2e/",
    "/a/../../b",
    "/%00",
    "/%",
    "/%4",
    "/%4g",
    "/%0g",
    "/%0",
    "/%g4",
    "/a/%2",
    "//..",
    "a",
    "",
    "*",
  ])("%s is no path", (target) => {
    expect(readUri(target, true)).toBeNull();
  });

  test("slashes stay where they are not merged, and each is a level", () => {
    expect(readUri("//a///b//", false)?.uri).toBe("//a///b//");
    expect(readUri("/a//../b", false)?.uri).toBe("/a/b");
    expect(readUri("/a//./b", false)?.uri).toBe("/a//b");
    expect(readUri("//..", false)?.uri).toBe("/");
  });

  test("says whether the path was encoded or has a plus", () => {
    expect(readUri("/a?%41+", true)).toMatchObject({ quoted: false, plus: false });
    expect(readUri("/%41", true)).toMatchObject({ quoted: true, plus: false });
    expect(readUri("/a+", true)).toMatchObject({ quoted: false, plus: true });
    expect(readUri("/a%2b", true)).toMatchObject({ quoted: true, plus: true });
    expect(readUri("//+", true)).toMatchObject({ quoted: false, plus: true });
  });

  test("reads as a slow reader does, segment by segment", () => {
    const piece = fc.constantFrom(
      ...[
        "/",
        "/",
        ".",
        "..",
        "a",
        "b.c",
        "%2e",
        "%2F",
        "%25",
        "%23",
        "%3f",
        "%41",
        "%zz",
        "%",
        "%0",
        "%00",
        "#",
        "?",
        "+",
        "\xff",
      ],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.boolean(), (pieces, merge) => {
        const target = `/${pieces.join("")}`;
        expect(readUri(target, merge)?.uri ?? null).toBe(readSlowly(target, merge));
      }),
      { numRuns: 1000 },
    );
  });

  test("long targets grow the buffer", () => {
    const path = `/${"a/".repeat(8000)}`;
    expect(readUri(`${path}./%62`, true)?.uri).toBe(`${path}b`);
  });
});

function readSlowly(target: string, merge: boolean): string | null {
  const path = target.replace(/[?#].*$/s, "");
  if (/%(?![0-9a-f]{2})|%00/i.test(path)) return null;
  const decoded = path.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const kept: string[] = [];
  const segments = decoded.split("/").slice(1);
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (segment === ".." && kept.pop() === undefined) return null;
    const goes = segment === "." || segment === ".." || (segment === "" && merge);
    if (!goes) kept.push(segment);
    else if (last) kept.push("");
  }
  return `/${kept.join("/")}`;
}

test("escaping is undone by unescapeUri and readUri", () => {
  const text = fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)) });
  fc.assert(
    fc.property(text, (bytes) => {
      for (const escaped of [escapeUri, escapeArgs, escapeUriComponent])
        expect(unescapeUri(escaped(bytes))).toBe(bytes);
      const uri = readUri(escapeUri(`/${bytes}`), true)?.uri;
      if (uri !== undefined) expect(readUri(escapeUri(uri), true)?.uri).toBe(uri);
    }),
  );
});

describe("unescaping", () => {
  test.each([
    ["a%20b%2Fc", "a b/c"],
    ["%zz", "zz"],
    ["%4z5", "5"],
    ["%%41", "%41"],
    ["a%", "a"],
    ["a%4", "a"],
    ["a%3fb%3f", "a?b?"],
  ])("%s is %s", (text, expected) => {
    expect(unescapeUri(text)).toBe(expected);
  });

  test.each([
    ["http://h/%61%20%2F", "http://h/a%20/"],
    ["/%e9%7f%25%26", "/%e9%7f%25&"],
    ["/a%41?b%41", "/aA?b%41"],
    ["/a%3fb%41", "/a?b%41"],
    ["/%zz%4", "/zz"],
  ])("the redirect %s is %s", (text, expected) => {
    expect(unescapeRedirect(text)).toBe(expected);
  });
});

test("named paths: decoded, never upwards", () => {
  expect(readNamedUri("/a%20b?c%20d")).toEqual({ uri: "/a b", args: "c%20d" });
  expect(readNamedUri("/a..b/...")).toEqual({ uri: "/a..b/...", args: undefined });
  for (const text of ["", "?a", "..", "../a", "/a/..", "/../a", "/%2e%2e/a", "/a%2f..", "/a\0", "/%00"]) {
    expect([text, readNamedUri(text)]).toEqual([text, null]);
  }
});

test("arguments are split off at the first question mark", () => {
  expect(splitArgs("/a?b?c")).toEqual({ uri: "/a", args: "b?c" });
  expect(splitArgs("/a?")).toEqual({ uri: "/a", args: undefined });
  expect(splitArgs("@a")).toEqual({ uri: "@a", args: undefined });
});
