import fc from "fast-check";
import { expect, test } from "vitest";
import { readFreshness, validForSec } from "./freshness.ts";

const NOW = 1_000_000;
const PAST = "past";
const FUTURE = "future";
const dates = new Map([
  [PAST, NOW - 1],
  [FUTURE, NOW + 500],
]);

function read(fields: readonly (readonly [string, string])[], ignore: readonly string[] = []) {
  return readFreshness(
    (visit) => {
      for (const [name, value] of fields) visit(name, value);
    },
    { ignore: new Set(ignore), nowSec: NOW, parseDate: (text) => dates.get(text) ?? null },
  );
}

test.each<[string, readonly (readonly [string, string])[], number]>([
  ["max-age", [["Cache-Control", "max-age=60"]], NOW + 60],
  ["s-maxage before max-age", [["Cache-Control", "max-age=1, s-maxage=10"]], NOW + 10],
  ["Expires", [["Expires", FUTURE]], NOW + 500],
  ["X-Accel-Expires", [["X-Accel-Expires", "60"]], NOW + 60],
  ["X-Accel-Expires at a time", [["X-Accel-Expires", "@60"]], 60],
  [
    "the first X-Accel-Expires holds",
    [
      ["X-Accel-Expires", "60"],
      ["X-Accel-Expires", "0"],
    ],
    NOW + 60,
  ],
  [
    "Cache-Control before a past Expires",
    [
      ["Cache-Control", "max-age=60"],
      ["Expires", PAST],
    ],
    NOW + 60,
  ],
  [
    "Cache-Control behind a past Expires",
    [
      ["Expires", PAST],
      ["Cache-Control", "max-age=60"],
    ],
    NOW + 60,
  ],
  [
    "X-Accel-Expires over the others",
    [
      ["Expires", PAST],
      ["Cache-Control", "no-cache"],
      ["X-Accel-Expires", "6"],
    ],
    NOW + 6,
  ],
  [
    "X-Accel-Expires in front of them",
    [
      ["X-Accel-Expires", "6"],
      ["Expires", PAST],
      ["Cache-Control", "no-cache"],
    ],
    NOW + 6,
  ],
  ["no field", [["Content-Type", "text/plain"]], 0],
])("fresh by %s", (_, fields, until) => {
  expect(read(fields)).toMatchObject({ storable: true, validSec: until });
});

test.each<[string, readonly (readonly [string, string])[]]>([
  ["no-cache", [["Cache-Control", "no-cache, max-age=60"]]],
  ["no-store", [["cache-control", "No-Store"]]],
  ["private", [["Cache-Control", "private"]]],
  [
    "no-cache behind Expires",
    [
      ["Expires", FUTURE],
      ["Cache-Control", "no-cache"],
    ],
  ],
  ["max-age of nothing", [["Cache-Control", "max-age=0"]]],
  ["max-age that is no number", [["Cache-Control", "max-age=1x"]]],
  ["a past Expires", [["Expires", PAST]]],
  ["an Expires that is no date", [["Expires", "0"]]],
  [
    "X-Accel-Expires 0",
    [
      ["X-Accel-Expires", "0"],
      ["Cache-Control", "max-age=60"],
    ],
  ],
  [
    "Set-Cookie",
    [
      ["Cache-Control", "max-age=60"],
      ["Set-Cookie", "a=b"],
    ],
  ],
  ["Vary: *", [["Vary", "*"]]],
  ["Vary that is too long", [["Vary", "x".repeat(129)]]],
])("not kept by %s", (_, fields) => {
  expect(read(fields).storable).toBe(false);
});

test("what the location ignores says nothing", () => {
  const fields = [
    ["Set-Cookie", "a"],
    ["Vary", "*"],
    ["Cache-Control", "no-store"],
    ["Expires", PAST],
  ] as const;
  const ignore = ["set-cookie", "vary", "cache-control", "expires"];
  expect(read(fields, ignore)).toMatchObject({ storable: true, validSec: 0, vary: "" });
});

test("extensions, validators and variants", () => {
  const said = read([
    ["Cache-Control", "max-age=1, stale-while-revalidate=10, stale-if-error=20"],
    ["ETag", '"a"'],
    ["Last-Modified", PAST],
    ["Vary", "A"],
    ["Vary", "B"],
  ]);
  expect(said).toMatchObject({ updatingSec: 10, errorSec: 20, etag: '"a"', lastModifiedSec: NOW - 1, vary: "A, B" });
  expect(read([["Cache-Control", "stale-while-revalidate=7"]])).toMatchObject({ updatingSec: 7, errorSec: 7 });
});

test("times that no number holds mean for ever", () => {
  expect(read([["Cache-Control", "max-age=9223372036854775808"]]).validSec).toBe(Number.MAX_SAFE_INTEGER);
});

test("any text is read", () => {
  const name = fc.constantFrom("Cache-Control", "X-Accel-Expires", "Expires", "Vary", "ETag");
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.string())), (fields) => {
      const { validSec, updatingSec, errorSec } = read(fields);
      return [validSec, updatingSec, errorSec].every((seconds) => Number.isSafeInteger(seconds) && seconds >= 0);
    }),
  );
});

test("the location's rules: the first that fits", () => {
  const rules = [
    { statuses: [200], ms: 2000 },
    { statuses: "any", ms: 60_000 },
  ] as const;
  expect(validForSec(rules, 200)).toBe(2);
  expect(validForSec(rules, 404)).toBe(60);
  expect(validForSec(rules.slice(0, 1), 404)).toBe(0);
});
