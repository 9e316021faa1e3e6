import { describe, expect, test } from "vitest";
import type { Mark } from "../../../incidents/model.ts";
import type { IncidentRow } from "../../model.ts";
import { timelineLayout } from "./timeline.ts";

const row = (
  id: string,
  openedAt: number,
  closedAt: number | null,
  changes: Partial<IncidentRow> = {},
): IncidentRow => ({
  id,
  gateway: "g",
  openedAt,
  lastAt: closedAt ?? openedAt,
  closedAt,
  severity: "degraded",
  cause: "connect-refused",
  upstream: "app",
  endpoints: [],
  sentence: "",
  short: "",
  confidence: "likely",
  shown: 1,
  saved: 0,
  failures: 1,
  series: { fromAt: openedAt, stepMs: 1000, shown: [], saved: [] },
  ...changes,
});

const mark = (at: number, kind: Mark["kind"]): Mark => ({
  id: `m${at}`,
  gateway: "g",
  at,
  kind,
  text: kind,
  level: "info",
  upstream: "",
  endpoint: "",
  by: "",
});

const range = { from: 0, to: 1000 };
const options = { small: 0.01, lanesMax: 3, now: 1000 };

describe("incidents", () => {
  test("stand where their time is; an open one goes on to the present, one from before is cut", () => {
    const { bars } = timelineLayout(range, [row("a", 100, 300), row("b", 800, null), row("c", -50, 20)], [], options);
    expect(bars.map(({ incident, from, to, cutLeft, cutRight }) => [incident.id, from, to, cutLeft, cutRight])).toEqual(
      [
        ["c", 0, 0.02, true, false],
        ["a", 0.1, 0.3, false, false],
        ["b", 0.8, 1, false, false],
      ],
    );
  });

  test("never lie on each other", () => {
    const { bars, lanes } = timelineLayout(
      range,
      [row("a", 0, 500), row("b", 100, 200), row("c", 300, 400)],
      [],
      options,
    );
    const laneOf = Object.fromEntries(bars.map(({ incident, lane }) => [incident.id, lane]));
    expect(laneOf["a"]).not.toBe(laneOf["b"]);
    expect(laneOf["b"]).toBe(laneOf["c"]);
    expect(lanes).toBe(2);
  });

  test("of no length, and at the very end, can still be seen", () => {
    const { bars } = timelineLayout(range, [row("a", 999, 999)], [], options);
    expect(bars[0]!.to - bars[0]!.from).toBeCloseTo(0.01);
    expect(bars[0]!.to).toBeLessThanOrEqual(1);
  });

  test("outside of the range are left out", () => {
    expect(timelineLayout(range, [row("a", -100, -50), row("b", 1000, 1200)], [], options).bars).toEqual([]);
  });

  test("without a lane are counted, the most severe keep theirs", () => {
    const many = Array.from({ length: 10 }, (_, index) => row(`n${index}`, 500, 600, { severity: "notice" }));
    const { bars, more } = timelineLayout(range, [...many, row("o", 505, 600, { severity: "outage" })], [], options);
    expect(bars).toHaveLength(3);
    expect(bars.some(({ incident }) => incident.id === "o")).toBe(true);
    expect(more).toEqual([{ from: 0.5, to: 25 / 48, count: 8, severity: "notice" }]);
  });

  test("500 are laid out in no time to speak of", () => {
    const many = Array.from({ length: 500 }, (_, index) => row(`n${index}`, index * 2, index * 2 + 30));
    const { bars, more } = timelineLayout(range, many, [], { ...options, lanesMax: 6 });
    expect(bars.length + more.reduce((sum, { count }) => sum + count, 0)).toBe(500);
  });
});

describe("marks", () => {
  test("that stand too close become one, shown as the most telling", () => {
    const { marks } = timelineLayout(
      range,
      [],
      [mark(700, "health-up"), mark(105, "deploy"), mark(100, "health-down")],
      options,
    );
    expect(marks.map(({ at, group, marks: inside }) => [at, group, inside.length])).toEqual([
      [0.1, "deploy", 2],
      [0.7, "better", 1],
    ]);
  });

  test("of a kind that this page does not know are shown by their level", () => {
    const unknown = { ...mark(10, "deploy"), kind: "moon-phase" as Mark["kind"], level: "warn" as const };
    expect(timelineLayout(range, [], [unknown], options).marks[0]!.group).toBe("worse");
  });
});
