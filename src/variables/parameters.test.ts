import fc from "fast-check";
import { expect, test } from "vitest";
import { argumentOf, cookieOf, setCookieOf } from "./parameters.ts";

test.each([
  ["k=1&K=2", "k", "1"],
  ["xk=5&k=&k=3", "k", ""],
  ["a&k=3", "k", "3"],
  ["k", "k", undefined],
  ["k&j=1", "k", undefined],
  ["", "k", undefined],
  ["kk=1", "k", undefined],
  ["k=a=b%20c", "k", "a=b%20c"],
  ["LongName=v", "longname", "v"],
  ["&&k=1", "k", "1"],
])("argument of %j: %s is %j", (query, name, expected) => expect(argumentOf(query, name)).toBe(expected));

test.each([
  ["b=1; A=x ; a=2", "a", "x "],
  ["ab=1; a=2", "a", "2"],
  ["a = 2", "a", "2"],
  ["a;a=3", "a", "3"],
  ["x=a=1", "a", undefined],
  ["a=", "a", ""],
  ["", "a", undefined],
  ["b=1;   a=2", "a", "2"],
])("cookie of %j: %s is %j", (lines, name, expected) => expect(cookieOf(lines, name)).toBe(expected));

test("a cookie that is set ends before its attributes", () => {
  const lines = ["other=1; Path=/", "Sid=abc; Secure; a=b", "sid=later"];
  expect(setCookieOf(lines, "sid")).toBe("abc");
  expect(setCookieOf(lines, "a")).toBeUndefined();
});

test("an argument is found wherever it stands among others", () => {
  const word = fc.stringMatching(/^[b-z]{1,6}$/);
  fc.assert(
    fc.property(fc.array(word), fc.array(word), word, (before, after, value) => {
      const query = [...before, `a=${value}`, ...after.map((name) => `${name}=a=0`)].join("&");
      expect(argumentOf(query, "A")).toBe(value);
    }),
  );
});
