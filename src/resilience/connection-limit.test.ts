import fc from "fast-check";
import { expect, test } from "vitest";
import { type ConnectionPlace, ConnectionZone, releasePlaces, takePlaces } from "./connection-limit.ts";

const MEBIBYTE = 2 ** 20;

test("so many at once, and room again when one has gone", () => {
  const rules = [{ zone: new ConnectionZone("z", MEBIBYTE), most: 2 }];
  const first = takePlaces(rules, ["a"]);
  expect([first, takePlaces(rules, ["a"]), takePlaces(rules, ["b"])].map(({ decision }) => decision)).toEqual([
    "pass",
    "pass",
    "pass",
  ]);
  expect(takePlaces(rules, ["a"])).toEqual({ decision: "reject", places: [], zone: "z", zoneFull: false });
  releasePlaces(first.places);
  expect(takePlaces(rules, ["a"]).decision).toBe("pass");
});

test("a request that one zone refuses takes a place in none", () => {
  const one = new ConnectionZone("one", MEBIBYTE);
  const two = new ConnectionZone("two", MEBIBYTE);
  takePlaces([{ zone: two, most: 1 }], ["a"]);
  const rules = [
    { zone: one, most: 5 },
    { zone: two, most: 1 },
  ];
  expect(takePlaces(rules, ["a", "a"])).toMatchObject({ decision: "reject", zone: "two" });
  expect([one.size, two.size]).toEqual([0, 1]);
});

test("keys that are empty or over 255 bytes are not counted", () => {
  const rules = [{ zone: new ConnectionZone("z", MEBIBYTE), most: 1 }];
  expect(["", "x".repeat(256), "x".repeat(255)].map((key) => takePlaces(rules, [key]).decision)).toEqual([
    "uncounted",
    "uncounted",
    "pass",
  ]);
});

test("a full zone refuses new keys and knows the ones it has", () => {
  const zone = new ConnectionZone("z", 8 * 4096);
  const rules = [{ zone, most: 9 }];
  let count = 0;
  while (takePlaces(rules, [`key ${count}`]).decision === "pass") count += 1;
  expect(count).toBeGreaterThan(100);
  expect(takePlaces(rules, ["another"])).toMatchObject({ decision: "reject", zoneFull: true });
  expect(takePlaces(rules, ["key 0"]).decision).toBe("pass");
  zone.release("key 1");
  expect(takePlaces(rules, ["another"]).decision).toBe("pass");
});

test("in any order of takes and releases the counts are those of a model", () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.constantFrom("a", "b"), fc.constantFrom("", "x", "y")), {
    maxLength: 200,
  });
  const property = fc.property(steps, (list) => {
    const zones = [new ConnectionZone("one", MEBIBYTE), new ConnectionZone("two", MEBIBYTE)] as const;
    const rules = zones.map((zone, index) => ({ zone, most: index + 2 }));
    const taken: (readonly ConnectionPlace[])[] = [];
    for (const [takes, first, second] of list) {
      if (takes) {
        const { decision, places } = takePlaces(rules, [first, second]);
        const busy = zones[0].count(first) >= 2 && places.length === 0;
        if (busy) expect(decision).toBe("reject");
        if (decision === "pass") taken.push(places);
      } else releasePlaces(taken.pop() ?? []);
      for (const zone of zones)
        for (const key of ["a", "b", "x", "y"]) {
          expect(zone.count(key)).toBe(taken.flat().filter((place) => place.zone === zone && place.key === key).length);
          expect(zone.count(key)).toBeLessThanOrEqual(3);
        }
    }
    for (const places of taken) releasePlaces(places);
    expect(zones.map(({ size }) => size)).toEqual([0, 0]);
  });
  fc.assert(property, { numRuns: 100 });
});
