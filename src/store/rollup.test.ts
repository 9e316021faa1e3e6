// Sums of longer spans: whatever comes in whatever order, what was taken and what waits are together what was given.
import fc from "fast-check";
import { expect, test } from "vitest";
import { mergePoints } from "../observe/history.ts";
import type { Point } from "../observe/report.ts";
import { point, T0 } from "./records.fixture.ts";
import { SPANS } from "./resolution.ts";
import { type Due, Rollup } from "./rollup.ts";

const COARSE = SPANS.slice(1).map(({ spanMs }) => spanMs);
const [MINUTE, TEN_MINUTES, TWO_HOURS] = COARSE as [number, number, number];
const spansOf = (due: readonly Due[]) => due.map(({ spanMs }) => spanMs);
const requestsOf = (points: readonly Point[]) => points.reduce((sum, { requests }) => sum + requests, 0);

test("a minute is taken once, when it is over; the rest every five minutes", () => {
  const rollup = new Rollup();
  const taken: [second: number, spanMs: number, requests: number][] = [];
  for (let second = 0; second < 630; second += 10) {
    rollup.add([point(T0 + second * 1_000, { requests: 1 })]);
    for (const { spanMs, points } of rollup.take()) taken.push([second + 10, spanMs, requestsOf(points)]);
  }
  const minutes = taken.filter(([, spanMs]) => spanMs === MINUTE);
  const others = taken.filter(([, spanMs]) => spanMs !== MINUTE);
  expect(minutes.slice(0, 3)).toEqual([60, 120, 180].map((second) => [second, MINUTE, 6]));
  expect(others).toEqual([
    [310, TEN_MINUTES, 31],
    [310, TWO_HOURS, 31],
    [610, TEN_MINUTES, 30],
    [610, TWO_HOURS, 30],
  ]);
});

test("what waits is taken once, and waits again where it could not be written", () => {
  const rollup = new Rollup();
  rollup.add([point(T0), point(T0, { kind: "route", name: "/" })]);
  const due = rollup.take(true);
  expect(spansOf(due)).toEqual(COARSE);
  expect(rollup.take(true)).toEqual([]);
  rollup.add([point(T0 + 10_000)]);
  rollup.putBack(due);
  expect(rollup.waiting(TEN_MINUTES).map(({ kind, requests }) => [kind, requests])).toEqual([
    ["all", 200],
    ["route", 100],
  ]);
  expect(rollup.waiting(SPANS[0]!.spanMs)).toEqual([]);
});

test("nothing waits for a clock that was set back, nor for one that was set forward", () => {
  const rollup = new Rollup();
  rollup.add([point(T0)]);
  expect(rollup.take()).toEqual([]);
  rollup.add([point(T0 - 3_600_000)]);
  expect(spansOf(rollup.take())).toEqual(COARSE);
  // From here on it counts from the clock as it is now.
  rollup.add([point(T0 - 3_590_000)]);
  expect(rollup.take()).toEqual([]);
  rollup.add([point(T0 - 3_600_000 + 300_000)]);
  expect(spansOf(rollup.take())).toEqual(COARSE);
  rollup.add([point(T0 + 86_400_000)]);
  expect(spansOf(rollup.take())).toEqual(COARSE);
});

test("nothing given: nothing to take", () => {
  const rollup = new Rollup();
  rollup.add([]);
  expect([rollup.take(), rollup.take(true)]).toEqual([[], []]);
});

test("nothing is lost and nothing counted twice, whatever comes", () => {
  const given = fc.record({ second: fc.nat(20_000), route: fc.constantFrom("/", "/a"), requests: fc.nat(50) });
  const step = fc.oneof(fc.array(given, { maxLength: 5 }), fc.constantFrom("take", "take all", "back"));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const rollup = new Rollup();
      const all: Point[] = [];
      const rows = new Map(COARSE.map((spanMs) => [spanMs, [] as Point[]]));
      let taken: readonly Due[] = [];
      const write = (): void => {
        for (const { spanMs, points } of taken) rows.get(spanMs)!.push(...points);
        taken = [];
      };
      for (const one of steps) {
        if (typeof one !== "string") {
          const points = one.map(({ second, route, requests }) =>
            point(T0 + second * 1_000, { kind: "route", name: route, requests }),
          );
          all.push(...points);
          rollup.add(points);
        } else if (one === "back") {
          rollup.putBack(taken);
          taken = [];
        } else {
          write();
          taken = rollup.take(one === "take all");
        }
      }
      write();
      for (const spanMs of COARSE) {
        const there = mergePoints([...rows.get(spanMs)!, ...rollup.waiting(spanMs)], spanMs);
        expect(inOrder(there)).toEqual(inOrder(mergePoints(all, spanMs)));
      }
    }),
  );
});

function inOrder(points: readonly Point[]): Point[] {
  return [...points].sort((a, b) => a.at - b.at || (a.name < b.name ? -1 : 1));
}
