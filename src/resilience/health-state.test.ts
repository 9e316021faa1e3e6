import fc from "fast-check";
import { expect, test } from "vitest";
import { type Health, isChanging, newHealth, noteCheck, noteGone } from "./health-state.ts";

const options = { rise: 2, fall: 3 };

/** Each check's answer: + for a good one, - for a bad one. */
function run(health: Health, checks: string): boolean[] {
  return [...checks].map((check) => noteCheck(health, check === "+", options));
}

test("the first good check makes it up, and that changes nothing for its use", () => {
  const health = newHealth();
  expect([run(health, "+"), health.status, isChanging(health)]).toEqual([[false], "up", false]);
});

test("after a bad beginning, one good check is still enough", () => {
  const health = newHealth();
  run(health, "--");
  expect([health.status, isChanging(health)]).toEqual(["unknown", true]);
  expect([run(health, "+"), health.status, isChanging(health)]).toEqual([[false], "up", false]);
});

test("bad checks in a row take it out, good ones bring it back", () => {
  for (const start of ["", "+"]) {
    const health = newHealth();
    run(health, start);
    expect(run(health, "---")).toEqual([false, false, true]);
    expect([health.status, isChanging(health)]).toEqual(["down", false]);
    expect(run(health, "-+-++")).toEqual([false, false, false, false, true]);
    expect([health.status, isChanging(health)]).toEqual(["up", false]);
  }
});

test("where nothing listens it is down at once, and comes back like any other", () => {
  const health = newHealth();
  run(health, "+-");
  expect([noteGone(health), health.status, isChanging(health)]).toEqual([true, "down", false]);
  run(health, "+");
  expect([noteGone(health), health.streak]).toEqual([false, 0]);
  expect(run(health, "++")).toEqual([false, true]);
});

test("results that alternate never change its use", () => {
  fc.assert(
    fc.property(
      fc.constantFrom<Health["status"]>("unknown", "up", "down"),
      fc.boolean(),
      fc.integer({ min: 2, max: 5 }),
      fc.integer({ min: 2, max: 5 }),
      (status, first, rise, fall) => {
        const health: Health = { status, streak: 0 };
        for (let count = 0; count < 50; count++) {
          expect(noteCheck(health, (count % 2 === 0) === first, { rise, fall })).toBe(false);
        }
        expect(health.status === "down").toBe(status === "down");
      },
    ),
  );
});

test("its use changes exactly when the last `rise` or `fall` results all say so", () => {
  let changes = 0;
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 40, maxLength: 80 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      (checks, rise, fall) => {
        const health = newHealth();
        let usable = true;
        let since = 0;
        checks.forEach((good, index) => {
          const row = checks.slice(Math.max(since, index + 1 - (usable ? fall : rise)), index + 1);
          const due = row.length === (usable ? fall : rise) && row.every((result) => result !== usable);
          expect(noteCheck(health, good, { rise, fall })).toBe(due);
          if (due) {
            usable = !usable;
            since = index + 1;
            changes += 1;
          }
          expect(health.status !== "down").toBe(usable);
          expect(isChanging(health)).toBe(!due && good !== usable);
        });
      },
    ),
  );
  expect(changes).toBeGreaterThan(100);
});
