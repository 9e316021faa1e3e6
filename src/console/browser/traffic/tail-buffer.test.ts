import { describe, expect, test } from "vitest";
import type { TailEntry } from "../../../observe/report.ts";
import { ROWS_MAX, TailBuffer, visibleSlice } from "./tail-buffer.ts";

const entry = (requestId: string): TailEntry => ({
  at: 0,
  requestId,
  method: "GET",
  host: "shop.example",
  target: "/",
  status: 200,
  durationMs: 1,
  route: "/",
  upstream: "app",
  endpoint: "",
  attempts: 1,
  cause: null,
  outcome: "ok",
  savedBy: null,
  bytesSent: 0,
  client: "",
});
const ids = (buffer: TailBuffer): string[] => buffer.shown().map(({ entry: { requestId } }) => requestId);
const burst = (count: number, from = 0): TailEntry[] => Array.from({ length: count }, (_, at) => entry(`${from + at}`));

describe("the tail", () => {
  test("shows the newest first, and the same array where nothing came", () => {
    const buffer = new TailBuffer();
    buffer.push([entry("a"), entry("b")], 0);
    buffer.push([entry("c")], 0);
    expect(buffer.changed).toBe(true);
    const rows = buffer.shown();
    expect(rows.map(({ entry: { requestId } }) => requestId)).toEqual(["c", "b", "a"]);
    expect(buffer.changed).toBe(false);
    expect(buffer.shown()).toBe(rows);
  });

  test("keeps 500 and counts all, whatever comes at once", () => {
    const buffer = new TailBuffer();
    for (let part = 0; part < 50; part += 1) buffer.push(burst(700, part * 700), 3);
    const rows = buffer.shown();
    expect(rows).toHaveLength(ROWS_MAX);
    expect(rows[0]!.entry.requestId).toBe("34999");
    expect(new Set(rows.map(({ key }) => key)).size).toBe(ROWS_MAX);
    expect([buffer.seen, buffer.left]).toEqual([35_000, 150]);
  });

  test("holds back and lets in; nothing moves meanwhile", () => {
    const buffer = new TailBuffer();
    buffer.push([entry("a")], 0);
    expect(ids(buffer)).toEqual(["a"]);
    buffer.hold(true);
    buffer.push([entry("b")], 0);
    buffer.push(burst(5000), 0);
    expect(ids(buffer)).toEqual(["a"]);
    expect(buffer.heldBack).toBe(5001);
    buffer.hold(false);
    expect(ids(buffer)).toHaveLength(ROWS_MAX);
    expect(buffer.heldBack).toBe(0);
  });

  test("begins anew", () => {
    const buffer = new TailBuffer();
    buffer.push(burst(3), 9);
    buffer.clear();
    expect([ids(buffer), buffer.left, buffer.seen]).toEqual([[], 0, 0]);
  });
});

test.each([
  [
    { top: 0, height: 400 },
    { first: 0, count: 15, above: 0, below: 485 * 40 },
  ],
  [
    { top: 4000, height: 400 },
    { first: 95, count: 20, above: 3800, below: 385 * 40 },
  ],
  [
    { top: 19_600, height: 400 },
    { first: 485, count: 15, above: 19_400, below: 0 },
  ],
  [
    { top: 99_999, height: 400 },
    { first: 500, count: 0, above: 20_000, below: 0 },
  ],
])("of 500 rows at %o are drawn %o", (view, expected) => {
  expect(visibleSlice(500, { ...view, rowHeight: 40, beyond: 5 })).toEqual(expected);
});
