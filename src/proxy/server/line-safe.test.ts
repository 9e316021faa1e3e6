import fc from "fast-check";
import { expect, test } from "vitest";
import { fieldSafe, methodSafe, targetSafe } from "./line-safe.ts";

test("a value cannot end its field", () => {
  expect(fieldSafe("a\r\nSet-Cookie: x")).toBe("aSet-Cookie: x");
  fc.assert(fc.property(fc.string(), (text) => !/[\r\n\0]/.test(fieldSafe(text))));
});

test("a value without line ends stays as it is", () => {
  expect(fieldSafe("caf\xe9; q=1")).toBe("caf\xe9; q=1");
});

test("a target cannot end its request line", () => {
  expect(targetSafe("/a b\r\nX: y")).toBe("/a%20b%0D%0AX:%20y");
  fc.assert(fc.property(fc.string(), (text) => !/[\x00-\x20\x7f]/.test(targetSafe(text))));
});

test("what is escaped already is not escaped again", () => {
  expect(targetSafe("/a%20b?c=%25")).toBe("/a%20b?c=%25");
});

test("a method is a token or none", () => {
  expect(methodSafe("PURGE")).toBe("PURGE");
  expect(methodSafe("")).toBeNull();
  expect(methodSafe("GET / HTTP/1.1\r\nX:")).toBeNull();
});
