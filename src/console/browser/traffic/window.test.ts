import { describe, expect, test } from "vitest";
import {
  moveBy,
  rangeOf,
  readWindow,
  refreshMs,
  type TimeWindow,
  TRAFFIC_PRESETS,
  windowWords,
  writeWindow,
  zoomBy,
  zoomTo,
} from "./window.ts";

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 2, 3, 12);
const read = (search: string): TimeWindow => readWindow(new URLSearchParams(search), TRAFFIC_PRESETS, "1h");
const written = (window: TimeWindow, search = ""): string => {
  const params = new URLSearchParams(search);
  writeWindow(params, window, TRAFFIC_PRESETS, "1h");
  return params.toString();
};

describe("in the address", () => {
  test.each([
    ["", { lastMs: HOUR }],
    ["last=24h", { lastMs: 24 * HOUR }],
    ["last=2y", { lastMs: HOUR }],
    ["from=2026-03-03T10:00:00Z&to=2026-03-03T11:00:00.000Z", { from: NOW - 2 * HOUR, to: NOW - HOUR }],
    [`from=${NOW - HOUR}&to=${NOW}`, { from: NOW - HOUR, to: NOW }],
    ["from=2026-03-03T10:00:00Z&to=2026-03-03T09:00:00Z", { lastMs: HOUR }],
    ["from=x&to=y", { lastMs: HOUR }],
  ])("%s", (search, window) => {
    expect(read(search)).toEqual(window);
  });

  test("what is written is read again, and leaves the rest alone", () => {
    const window = { from: NOW - 2 * HOUR, to: NOW - HOUR };
    expect(read(written(window, "route=a&last=7d"))).toEqual(window);
    expect(written(window, "route=a&last=7d")).toBe(
      "route=a&from=2026-03-03T10%3A00%3A00.000Z&to=2026-03-03T11%3A00%3A00.000Z",
    );
    expect(written({ lastMs: HOUR }, "last=7d&x=1")).toBe("x=1");
  });

  test("more than is kept is cut to what can be asked", () => {
    const window = read("from=2020-01-01T00:00:00Z&to=2026-03-03T12:00:00Z");
    expect(rangeOf(window, NOW)).toEqual({ from: NOW - 31 * 24 * HOUR, to: NOW });
  });
});

describe("moving and zooming", () => {
  test("in ends at the present, out moves on with the clock", () => {
    expect(zoomBy({ lastMs: HOUR }, 0.5, NOW)).toEqual({ from: NOW - HOUR / 2, to: NOW });
    expect(zoomBy({ lastMs: HOUR }, 2, NOW)).toEqual({ lastMs: 2 * HOUR });
  });

  test("of a fixed span keeps its middle; never below a minute", () => {
    const window = { from: NOW - 3 * HOUR, to: NOW - 2 * HOUR };
    expect(zoomBy(window, 0.5, NOW)).toEqual({ from: NOW - 2.75 * HOUR, to: NOW - 2.25 * HOUR });
    const range = rangeOf(zoomTo(NOW - 1000, NOW - 2000), NOW);
    expect(range.to - range.from).toBe(60_000);
  });

  test("back gives a fixed span; forward to the present one that moves on", () => {
    const back = moveBy({ lastMs: HOUR }, -0.5, NOW);
    expect(back).toEqual({ from: NOW - 1.5 * HOUR, to: NOW - 0.5 * HOUR });
    expect(moveBy(back, 0.5, NOW)).toEqual({ lastMs: HOUR });
  });

  test("a mark made from right to left is the same", () => {
    expect(zoomTo(NOW, NOW - HOUR)).toEqual({ from: NOW - HOUR, to: NOW });
  });
});

test("is asked for again as often as it is worth it", () => {
  expect([refreshMs({ lastMs: HOUR }), refreshMs({ lastMs: 720 * HOUR }), refreshMs({ from: 1, to: 2 })]).toEqual([
    10_000,
    60_000,
    Number.POSITIVE_INFINITY,
  ]);
});

test("in words", () => {
  expect(windowWords({ lastMs: 24 * HOUR }, TRAFFIC_PRESETS, String)).toBe("the last 24 hours");
  expect(windowWords({ lastMs: 2 * HOUR }, TRAFFIC_PRESETS, String)).toBe("the last 2 hours");
  expect(windowWords({ from: 1, to: 2 }, TRAFFIC_PRESETS, String)).toBe("1 to 2");
});
