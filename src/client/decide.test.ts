import { expect, test } from "vitest";
import { refusal, type TryFacts } from "./decide.ts";

const facts: TryFacts = {
  attemptsMade: 1,
  attemptsMax: 3,
  repeatable: true,
  bodyReplayable: true,
  refusedByGateway: false,
  waitMs: 100,
  leftMs: 101,
  openForMs: 100,
};

test("what is repeatable, whole and in time is tried again", () => expect(refusal(facts)).toBeNull());

test.each([
  ["method", { repeatable: false, bodyReplayable: false }],
  ["body", { bodyReplayable: false, refusedByGateway: true }],
  ["not-retryable", { refusedByGateway: true, attemptsMade: 3 }],
  ["attempts", { attemptsMade: 3, leftMs: 0 }],
  ["deadline", { leftMs: 100, openForMs: 200 }],
  ["circuit-open", { openForMs: 101 }],
] as const)("%s refuses, before what stands after it", (why, change) => {
  expect(refusal({ ...facts, ...change })).toBe(why);
});
