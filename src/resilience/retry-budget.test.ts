import fc from "fast-check";
import { expect, test } from "vitest";
import { beginRequest, beginRetry, endRequest, endRetry, newRetryBudget, RETRY_BUDGET } from "./retry-budget.ts";

function retriesOf(requests: number): number {
  const budget = newRetryBudget();
  for (let count = 0; count < requests; count++) beginRequest(budget);
  let taken = 0;
  while (beginRetry(budget)) taken += 1;
  return taken;
}

test("a fifth of the active requests may be in a retry, and always three", () => {
  expect([0, 1, 10, 15, 19, 20, 100].map(retriesOf)).toEqual([3, 3, 3, 3, 3, 4, 20]);
});

test("a retry that has ended makes room for another", () => {
  const budget = newRetryBudget();
  while (beginRetry(budget, { share: 0, least: 1 }));
  expect(beginRetry(budget, { share: 0, least: 1 })).toBe(false);
  endRetry(budget);
  expect(beginRetry(budget, { share: 0, least: 1 })).toBe(true);
});

test("in any order of events the counters balance, and no retry begins over the budget", () => {
  const steps = fc.array(fc.constantFrom("request", "answer", "retry", "outcome"), { maxLength: 300 });
  const property = fc.property(steps, (list) => {
    const budget = newRetryBudget();
    let requests = 0;
    let retries = 0;
    for (const step of list) {
      if (step === "request") {
        beginRequest(budget);
        requests += 1;
      } else if (step === "answer" && requests > 0) {
        endRequest(budget);
        requests -= 1;
      } else if (step === "retry") {
        const allowed = Math.max(RETRY_BUDGET.least, Math.floor(requests * RETRY_BUDGET.share));
        expect(beginRetry(budget)).toBe(retries < allowed);
        if (retries < allowed) retries += 1;
      } else if (step === "outcome" && retries > 0) {
        endRetry(budget);
        retries -= 1;
      }
      expect(budget).toEqual({ requests, retries });
    }
    for (; requests > 0; requests--) endRequest(budget);
    for (; retries > 0; retries--) endRetry(budget);
    expect(budget).toEqual(newRetryBudget());
  });
  fc.assert(property, { numRuns: 200 });
});
