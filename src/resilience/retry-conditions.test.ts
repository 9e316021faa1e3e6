import fc from "fast-check";
import { expect, test } from "vitest";
import type { NginxFailureKind } from "../failure/nginx-kind.ts";
import { countsAgainstServer, type NextFacts, nextUpstream, triesAfter, triesAtFirst } from "./retry-conditions.ts";

const KINDS: readonly NginxFailureKind[] = [
  "error",
  "timeout",
  "invalid_header",
  "http_403",
  "http_404",
  "http_429",
  "http_500",
  "http_502",
  "http_503",
  "http_504",
];

/** A GET whose connection broke, under nginx's default conditions. */
const BROKEN: NextFacts = {
  kind: "error",
  conditions: ["error", "timeout"],
  method: "GET",
  requestSent: true,
  bodyReplayable: true,
  responseBegun: false,
  triesLeft: 1,
  elapsedMs: 10,
  withinMs: 0,
};
const next = (facts: Partial<NextFacts>): boolean => nextUpstream({ ...BROKEN, ...facts });

test("another server is asked for what is among the conditions, and for nothing else", () => {
  for (const kind of KINDS) {
    expect(next({ kind })).toBe(kind === "error" || kind === "timeout");
    expect(next({ kind, conditions: [kind] })).toBe(true);
    expect(next({ kind, conditions: [] })).toBe(false);
  }
  expect(next({ kind: null })).toBe(false);
});

test("what was sent with POST, LOCK or PATCH is repeated only with non_idempotent", () => {
  for (const method of ["POST", "LOCK", "PATCH"]) {
    expect(next({ method })).toBe(false);
    expect(next({ method, requestSent: false })).toBe(true);
    expect(next({ method, conditions: ["error", "non_idempotent"] })).toBe(true);
    expect(next({ method, conditions: ["non_idempotent"] })).toBe(false);
  }
  for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "MKCOL", "PROPFIND"])
    expect(next({ method })).toBe(true);
});

test("a body that is not kept keeps a request from being repeated once it was sent", () => {
  expect(next({ bodyReplayable: false })).toBe(false);
  expect(next({ bodyReplayable: false, requestSent: false })).toBe(true);
});

test("time counts from the first attempt; 0 is no bound", () => {
  expect(next({ withinMs: 100, elapsedMs: 99 })).toBe(true);
  expect(next({ withinMs: 100, elapsedMs: 100 })).toBe(false);
  expect(next({ withinMs: 0, elapsedMs: 1e9 })).toBe(true);
});

test("nothing is repeated without a try left, or behind a response that has begun", () => {
  fc.assert(
    fc.property(fc.constantFrom(...KINDS), fc.boolean(), (kind, begun) => {
      expect(next({ kind, conditions: KINDS, triesLeft: 0, responseBegun: begun })).toBe(false);
      expect(next({ kind, conditions: KINDS, responseBegun: true })).toBe(false);
    }),
  );
});

test("tries: one for each server, fewer where it is configured; a kept connection's error costs none", () => {
  expect(triesAtFirst(3, 0)).toBe(3);
  expect(triesAtFirst(3, 2)).toBe(2);
  expect(triesAtFirst(3, 9)).toBe(3);
  const several = { kind: "error", reused: false, single: false } as const;
  expect(triesAfter(3, several)).toBe(2);
  expect(triesAfter(0, several)).toBe(0);
  expect(triesAfter(3, { ...several, reused: true })).toBe(3);
  expect(triesAfter(3, { ...several, reused: true, kind: "timeout" })).toBe(2);
  // A single server is asked once more where only a kept connection was dead.
  expect(triesAfter(1, { ...several, single: true })).toBe(0);
  expect(triesAfter(1, { ...several, single: true, reused: true })).toBe(1);
});

test("403 and 404 are nobody's fault", () => {
  expect(KINDS.filter((kind) => !countsAgainstServer(kind))).toEqual(["http_403", "http_404"]);
});
