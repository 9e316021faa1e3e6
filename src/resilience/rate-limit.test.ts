import fc from "fast-check";
import { expect, test } from "vitest";
import { account, formatExcess, type RateRule, RateZone } from "./rate-limit.ts";

const MEBIBYTE = 2 ** 20;

function rule(perSecond: number, burst = 0, delayAbove = 0, bytes = MEBIBYTE): RateRule {
  return { zone: new RateZone(`at ${perSecond}`, perSecond, bytes), burst, delayAbove };
}

/** Decisions for requests of one key at these instants. */
function decisions(rules: readonly RateRule[], instants: readonly number[]): string[] {
  return instants.map((at) => {
    const { decision, delayMs } = account(
      rules,
      rules.map(() => "a"),
      at,
    );
    return decision === "delay" ? `delay ${delayMs}` : decision;
  });
}

test("without a burst, requests have to keep the distance of the rate", () => {
  expect(decisions([rule(2)], [0, 499, 500, 999, 1000])).toEqual(["pass", "reject", "pass", "reject", "pass"]);
});

test("a burst waits for its turn, and what is over it is refused", () => {
  const rules = [rule(2, 2)];
  expect(decisions(rules, [0, 0, 0, 0, 1000])).toEqual(["pass", "delay 500", "delay 1000", "reject", "delay 500"]);
});

test("of a burst, only what is above the delay waits", () => {
  expect(decisions([rule(0.5, 2, 1)], [0, 0, 0, 0])).toEqual(["pass", "pass", "delay 2000", "reject"]);
  expect(decisions([rule(2, 1, Infinity)], [0, 0, 0])).toEqual(["pass", "pass", "reject"]);
});

test("what is refused counts nowhere, and after a pause the bucket is empty, not below", () => {
  const rules = [rule(2, 1, Infinity)];
  expect(decisions(rules, [0, 0, 0, 0, 0, 500])).toEqual(["pass", "pass", "reject", "reject", "reject", "pass"]);
  expect(decisions([rule(1000, 1)], [0, 100, 100, 100])).toEqual(["pass", "pass", "delay 1", "reject"]);
});

test("the first zone that refuses decides, and those before it have not counted", () => {
  const fast = rule(1000);
  const slow = rule(1 / 60);
  const keys = ["b", "a"];
  expect(account([fast, slow], keys, 0).decision).toBe("pass");
  const refused = account([fast, slow], keys, 100);
  expect(refused).toMatchObject({ decision: "reject", zone: "at 0.016666666666666666", excess: 999 });
  expect(account([fast], ["b"], 100).decision).toBe("pass");
});

test("the longest delay of all zones holds", () => {
  const rules = [rule(1, 9), rule(4, 9)];
  account(rules, ["a", "a"], 0);
  expect(account(rules, ["a", "a"], 0)).toMatchObject({ decision: "delay", delayMs: 1000, zone: "at 1", excess: 1000 });
  const reversed = [rule(4, 9), rule(1, 9)];
  account(reversed, ["a", "a"], 0);
  expect(account(reversed, ["a", "a"], 0)).toMatchObject({ decision: "delay", delayMs: 1000, zone: "at 1" });
});

test("an empty key and one over 65,535 bytes are not counted", () => {
  const rules = [rule(1)];
  const long = "x".repeat(65_536);
  expect(account(rules, [""], 0).decision).toBe("uncounted");
  expect(account(rules, [long], 0).decision).toBe("uncounted");
  expect(rules[0]!.zone.size).toBe(0);
  const longest = long.slice(1);
  const larger = rule(1, 0, 0, MEBIBYTE);
  expect([0, 0].map((at) => account([larger], [longest], at).decision)).toEqual(["pass", "reject"]);
  expect([0, 0].map((at) => account([rule(1), larger], ["", "b"], at).decision)).toEqual(["pass", "reject"]);
});

test("rates per minute are rounded down to thousandths", () => {
  expect([1 / 60, 3 / 60, 7 / 60, 1].map((rate) => new RateZone("", rate, MEBIBYTE).rate)).toEqual([16, 50, 116, 1000]);
});

test("a zone of one megabyte knows some 8,000 keys of ordinary length, then gives up the oldest", () => {
  const { zone } = rule(1 / 60);
  const rules = [{ zone, burst: 0, delayAbove: 0 }];
  for (let index = 0; index < 10_000; index++) account(rules, [`client ${index}`], 0);
  expect(zone.size).toBeGreaterThan(7_900);
  expect(zone.size).toBeLessThan(8_200);
  expect(account(rules, ["client 9999"], 0).decision).toBe("reject");
  expect(account(rules, ["client 0"], 0).decision).toBe("pass");
});

test("entries that have leaked empty go two at a time, after a minute", () => {
  const { zone } = rule(1);
  const rules = [{ zone, burst: 5, delayAbove: 5 }];
  for (let index = 0; index < 6; index++) account(rules, [`old ${index}`], index === 0 ? 1 : 0);
  account(rules, ["early"], 59_999);
  expect(zone.size).toBe(7);
  account(rules, ["late"], 60_001);
  expect(zone.size).toBe(6);
});

test("a key that no zone of this size could hold is refused as such", () => {
  const tiny = rule(1, 0, 0, 8 * 4096);
  expect(account([tiny], ["x".repeat(60_000)], 0)).toMatchObject({ decision: "reject", zoneFull: true });
});

test("excess is shown in requests", () => {
  expect([0, 7, 1250, 12_000].map(formatExcess)).toEqual(["0.000", "0.007", "1.250", "12.000"]);
});

test("whatever the arrivals, what passes never exceeds rate × time + burst + 1", () => {
  const arrivals = fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 200 });
  const property = fc.property(arrivals, fc.integer({ min: 1, max: 50 }), fc.nat(5), (gaps, rate, burst) => {
    const rules = [rule(rate, burst, Infinity)];
    let at = 0;
    let passed = 0;
    for (const gap of gaps) {
      at += gap;
      if (account(rules, ["k"], at).decision === "pass") passed += 1;
      expect(passed).toBeLessThanOrEqual((rate * at) / 1000 + burst + 1 + gaps.length * 0.001);
    }
  });
  fc.assert(property, { numRuns: 200 });
});
