import { expect, test } from "vitest";
import { entryPath, keyHash, levelsOf, variantHash } from "./key.ts";

const HASH = keyHash("http://127.0.0.1/a");

test("the name of a file is the MD5 of its key, as nginx names it", () => {
  expect(keyHash("")).toBe("d41d8cd98f00b204e9800998ecf8427e");
  expect(keyHash("\xe9")).not.toBe(keyHash("\xc3\xa9"));
});

test("levels are taken from the end", () => {
  expect(levelsOf([1, 2], "b7f54b2df7773722d382f4809d65029c")).toBe("/c/29");
  expect(levelsOf([2, 2, 1], "b7f54b2df7773722d382f4809d65029c")).toBe("/9c/02/5");
  expect(entryPath("/data", [], HASH)).toBe(`/data/${HASH}`);
});

const variant = (vary: string, fields: Record<string, string[]>): string =>
  variantHash(HASH, vary, (name) => fields[name] ?? []);

test("variants differ by what Vary names, and by nothing else", () => {
  const gzip = variant("Accept-Encoding", { "accept-encoding": ["gzip"], foo: ["1"] });
  expect(variant(",, accept-encoding , ,", { "accept-encoding": ["gzip"], foo: ["2"] })).toBe(gzip);
  expect(variant("Accept-Encoding", { "accept-encoding": ["br"] })).not.toBe(gzip);
  expect(variant("Accept-Encoding", {})).not.toBe(gzip);
  expect(variant("Foo", { foo: ["1"] })).not.toBe(variant("Foo", { foo: ["2"] }));
  expect(gzip).not.toBe(HASH);
});

test("lists are compared by their elements, other fields as they are", () => {
  const lists = ["foo, bar", "foo,bar", "foo,,  ,bar , "].map((value) =>
    variant("Accept-Language", { "accept-language": [value] }),
  );
  expect(new Set(lists).size).toBe(1);
  expect(variant("Accept-Language", { "accept-language": ["foo", "bar"] })).toBe(lists[0]);
  expect(variant("Accept-Language", { "accept-language": ["foobar"] })).not.toBe(lists[0]);
  expect(variant("X", { x: ["a, b"] })).not.toBe(variant("X", { x: ["a,b"] }));
});
