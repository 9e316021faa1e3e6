import { expect, test } from "vitest";
import { credit, isFailed, newFailRecord, noteEnded, noteFailed, notePicked, secondsOf } from "./passive-fails.ts";

const rules = { weight: 6, failsMax: 2, failTimeoutS: 10 };
const NOW = secondsOf(5_000);

test("so many failures put it out for fail_timeout, in whole seconds", () => {
  const record = newFailRecord(6);
  expect(noteFailed(record, rules, NOW)).toBe(false);
  expect(isFailed(record, rules, NOW)).toBe(false);
  expect(noteFailed(record, rules, NOW)).toBe(true);
  expect(isFailed(record, rules, NOW + 10)).toBe(true);
  expect(isFailed(record, rules, NOW + 11)).toBe(false);
});

test("behind its time one request is the check: until it is over, the failures hold again", () => {
  const record = newFailRecord(6);
  for (let n = 0; n < 2; n++) noteFailed(record, rules, NOW);
  notePicked(record, rules, NOW + 11);
  expect(isFailed(record, rules, NOW + 11)).toBe(true);
  expect(noteEnded(record, rules)).toBe(true);
  expect(isFailed(record, rules, NOW + 11)).toBe(false);
  expect(record.fails).toBe(0);
});

test("a check that fails puts it out at once", () => {
  const record = newFailRecord(6);
  for (let n = 0; n < 2; n++) noteFailed(record, rules, NOW);
  notePicked(record, rules, NOW + 11);
  expect(noteFailed(record, rules, NOW + 12)).toBe(true);
  expect(isFailed(record, rules, NOW + 22)).toBe(true);
  expect(isFailed(record, rules, NOW + 23)).toBe(false);
});

test("a success in the window of the failures takes none of them back", () => {
  const record = newFailRecord(6);
  noteFailed(record, rules, NOW);
  notePicked(record, rules, NOW + 1);
  expect(noteEnded(record, rules)).toBe(false);
  expect(noteFailed(record, rules, NOW + 2)).toBe(true);
});

test("its share shrinks by weight / max_fails, not below 0, and grows back by one a look", () => {
  const record = newFailRecord(6);
  noteFailed(record, rules, NOW);
  expect(record.effectiveWeight).toBe(3);
  for (let n = 0; n < 3; n++) noteFailed(record, rules, NOW);
  expect(record.effectiveWeight).toBe(0);
  expect([1, 2, 3, 4, 5, 6, 7, 8].map(() => credit(record, 6))).toEqual([0, 1, 2, 3, 4, 5, 6, 6]);
});

test("max_fails=0: failures are counted, and nothing follows", () => {
  const never = { ...rules, failsMax: 0 };
  const record = newFailRecord(6);
  for (let n = 0; n < 100; n++) expect(noteFailed(record, never, NOW)).toBe(false);
  expect(isFailed(record, never, NOW)).toBe(false);
  expect(record.effectiveWeight).toBe(6);
});
