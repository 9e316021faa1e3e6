import { expect, test } from "vitest";
import { fileEtag, lastModifiedSeconds } from "./etag.ts";
import { type ConditionalFields, decideConditional, matchesEtag } from "./not-modified.ts";

const NONE: ConditionalFields = {
  ifModifiedSince: undefined,
  ifUnmodifiedSince: undefined,
  ifMatch: undefined,
  ifNoneMatch: undefined,
};
const MODIFIED = "Sun, 09 Sep 2001 01:46:40 GMT";
const BEFORE = "Sun, 09 Sep 2001 01:46:39 GMT";
const AFTER = "Sun, 09 Sep 2001 01:46:41 GMT";
const VALIDATORS = { lastModifiedSeconds: 1e9, etag: '"3b9aca00-a"' };

test("tags are time and size in hexadecimal", () => {
  expect(fileEtag(1e9, 10)).toBe('"3b9aca00-a"');
  expect(fileEtag(-1, 2 ** 40)).toBe('"ffffffffffffffff-10000000000"');
  expect(lastModifiedSeconds(1999.9)).toBe(1);
});

test("If-Modified-Since, exact and before", () => {
  const decide = (ifModifiedSince: string, mode: "off" | "exact" | "before"): string =>
    decideConditional(200, { ...NONE, ifModifiedSince }, VALIDATORS, mode);
  expect([BEFORE, MODIFIED, AFTER, "garbage"].map((date) => decide(date, "exact"))).toEqual([
    "send",
    "not-modified",
    "send",
    "send",
  ]);
  expect([BEFORE, MODIFIED, AFTER, "garbage"].map((date) => decide(date, "before"))).toEqual([
    "send",
    "not-modified",
    "not-modified",
    "send",
  ]);
  expect(decide(MODIFIED, "off")).toBe("send");
  expect(
    decideConditional(
      200,
      { ...NONE, ifModifiedSince: MODIFIED },
      { ...VALIDATORS, lastModifiedSeconds: null },
      "exact",
    ),
  ).toBe("send");
});

test("If-Unmodified-Since", () => {
  const decide = (ifUnmodifiedSince: string): string =>
    decideConditional(200, { ...NONE, ifUnmodifiedSince }, VALIDATORS, "exact");
  expect([BEFORE, MODIFIED, AFTER, "garbage"].map(decide)).toEqual([
    "precondition-failed",
    "send",
    "send",
    "precondition-failed",
  ]);
});

test("all of If-Modified-Since and If-None-Match that are there have to agree", () => {
  const decide = (ifModifiedSince: string, ifNoneMatch: string): string =>
    decideConditional(200, { ...NONE, ifModifiedSince, ifNoneMatch }, VALIDATORS, "exact");
  expect(decide(MODIFIED, VALIDATORS.etag)).toBe("not-modified");
  expect(decide(BEFORE, VALIDATORS.etag)).toBe("send");
  expect(decide(MODIFIED, '"x"')).toBe("send");
});

test("only what would be 200 is conditional", () => {
  for (const status of [206, 301, 404, 500]) {
    expect(decideConditional(status, { ...NONE, ifMatch: '"x"', ifNoneMatch: "*" }, VALIDATORS, "exact")).toBe("send");
  }
  expect(decideConditional(200, NONE, VALIDATORS, "exact")).toBe("send");
});

test("If-Match compares strongly, If-None-Match weakly", () => {
  expect(decideConditional(200, { ...NONE, ifMatch: 'W/"3b9aca00-a"' }, VALIDATORS, "exact")).toBe(
    "precondition-failed",
  );
  expect(decideConditional(200, { ...NONE, ifMatch: '"3b9aca00-a"' }, VALIDATORS, "exact")).toBe("send");
  expect(decideConditional(200, { ...NONE, ifNoneMatch: 'W/"3b9aca00-a"' }, VALIDATORS, "exact")).toBe("not-modified");
});

test.each<[list: string, etag: string | null, strong: boolean, weak: boolean]>([
  ["*", null, true, true],
  ["*", '"a"', true, true],
  ['"a"', null, false, false],
  ['"a"', '"a"', true, true],
  ['"b", "c" , \t"a" ,"d"', '"a"', true, true],
  ['"ab"', '"a"', false, false],
  ['"a"x', '"a"', false, false],
  ['"a" x', '"a"', false, false],
  ['"b",W/"a"', '"a"', false, true],
  ['"a"', 'W/"a"', false, true],
  ['W/"a"', 'W/"a"', true, true],
  ["W/", '"a"', false, false],
  ["", '"a"', false, false],
  ['*, "b"', '"a"', false, false],
])("%j has %j: strongly %j, weakly %j", (list, etag, strong, weak) => {
  expect(matchesEtag(list, etag, "strong")).toBe(strong);
  expect(matchesEtag(list, etag, "weak")).toBe(weak);
});
