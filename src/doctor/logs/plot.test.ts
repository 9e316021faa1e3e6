import { expect, test } from "vitest";
import type { FailureSeries } from "./model.ts";
import { plotSeries } from "./plot.ts";

const START_MS = Date.UTC(2026, 10, 21, 10, 0, 0);

function series(failures: readonly number[], more: Partial<FailureSeries> = {}): FailureSeries {
  return { fromMs: START_MS, stepMs: 60_000, requests: null, failures, classes: [], turns: [], ...more };
}

test("bars, scale and times", () => {
  const lines = plotSeries(series([0, 1, 4, 8, ...Array.from({ length: 20 }, () => 0)]), {
    columns: 40,
    rows: 2,
    colour: false,
    zoneMinutes: 0,
  });
  expect(lines).toEqual(["8 ┤   █", "0 ┤ ▂██", "   2026-11-21 10:00   10:24"]);
});

test("ASCII only, with a mark where something happened", () => {
  const turn = { file: "e", line: 1, atMs: START_MS + 60_000, kind: "reload", what: "", text: "" } as const;
  const lines = plotSeries(series([0, 0, 2, 1, ...Array.from({ length: 20 }, () => 0)], { turns: [turn] }), {
    columns: 40,
    rows: 1,
    colour: false,
    unicode: false,
    zoneMinutes: 0,
  });
  expect(lines).toEqual(["2 |  ##", "    ^", "   2026-11-21 10:00   10:24"]);
  expect(lines.join("")).toMatch(/^[ -~]*$/);
});

test.each([1, 24, 80, 200])("no line is wider than %i columns allow, whatever the series", (columns) => {
  for (const length of [1, 3, 60, 500]) {
    const counts = Array.from({ length }, (_, at) => (at * 7919) % 1234);
    const lines = plotSeries(series(counts), { columns, rows: 5, colour: false });
    for (const line of lines.slice(0, -1)) expect(line.length).toBeLessThanOrEqual(Math.max(24, columns));
  }
});

test("nothing to plot", () => {
  expect(plotSeries(series([]), { columns: 80, rows: 4, colour: true })).toEqual([]);
});
