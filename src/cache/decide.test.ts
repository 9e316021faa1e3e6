import { expect, test } from "vitest";
import { decideStale, newEntryFacts, rangeIsBeyond, revalidatedFacts, validUntilSec } from "./decide.ts";
import type { Freshness } from "./freshness.ts";

const NOW = 1000;
const STALE = {
  entry: { validSec: 900, updatingSec: 0 },
  nowSec: NOW,
  updating: false,
  useWhileUpdating: false,
  backgroundUpdate: false,
  isBackground: false,
};

test("a stale response", () => {
  expect(decideStale(STALE)).toBe("ask");
  expect(decideStale({ ...STALE, useWhileUpdating: true })).toBe("ask");
  expect(decideStale({ ...STALE, useWhileUpdating: true, updating: true })).toBe("serve");
  expect(decideStale({ ...STALE, useWhileUpdating: true, backgroundUpdate: true })).toBe("serve-and-update");
  expect(decideStale({ ...STALE, updating: true, backgroundUpdate: true })).toBe("ask");
});

test("stale-while-revalidate holds for its time", () => {
  const until = (updatingSec: number) =>
    decideStale({ ...STALE, updating: true, entry: { validSec: 900, updatingSec } });
  expect(until(100)).toBe("serve");
  expect(until(99)).toBe("ask");
});

test("the update itself asks", () => {
  expect(decideStale({ ...STALE, useWhileUpdating: true, updating: true, isBackground: true })).toBe("ask");
});

const SAID: Freshness = {
  storable: true,
  validSec: 0,
  updatingSec: 5,
  errorSec: 6,
  vary: "A",
  etag: '"e"',
  lastModifiedSec: 7,
};
const RULES = [{ statuses: [200, 404], ms: 60_000 }];

test("how long", () => {
  expect(validUntilSec(1234, RULES, 200, NOW)).toBe(1234);
  expect(validUntilSec(0, RULES, 200, NOW)).toBe(1060);
  expect(validUntilSec(0, RULES, 500, NOW)).toBe(0);
});

test("what a new file says", () => {
  const facts = (status: number, said = SAID) => newEntryFacts(said, RULES, status, NOW, (vary) => `hash of ${vary}`);
  expect(facts(200)).toEqual({
    validSec: 1060,
    updatingSec: 5,
    errorSec: 6,
    dateSec: NOW,
    lastModifiedSec: 7,
    etag: '"e"',
    vary: "A",
    variant: "hash of A",
  });
  expect(facts(404)).toMatchObject({ lastModifiedSec: -1, etag: "" });
  expect(facts(500)).toBeNull();
  expect(facts(200, { ...SAID, storable: false })).toBeNull();
  expect(facts(200, { ...SAID, vary: "" })?.variant).toBe("");
});

test("a response that is still right is fresh by what the 304 says, then by what it said itself, then by rule", () => {
  const entry = newEntryFacts(SAID, RULES, 200, 1, () => "v")!;
  const of = (told: number, kept: number, status = 200) =>
    revalidatedFacts(entry, { ...SAID, validSec: told }, { ...SAID, validSec: kept }, RULES, status, NOW);
  expect(of(5000, 6000)?.validSec).toBe(5000);
  expect(of(0, 6000)?.validSec).toBe(6000);
  expect(of(0, 0)).toMatchObject({ validSec: 1060, dateSec: NOW, variant: "v" });
  expect(of(0, 0, 201)).toBeNull();
});

test.each([
  [undefined, 0, false],
  ["bytes=0-0", 0, true],
  ["bytes=0-0", -1, false],
  ["bytes=1-", 2, false],
  ["bytes=2-", 2, true],
  ["bytes= 3-", 2, true],
  ["bytes=-1", 2, true],
  ["lines=9-", 2, false],
])("a range %s beyond %d: %s", (range, offsetMax, is) => {
  expect(rangeIsBeyond(range, offsetMax)).toBe(is);
});
