import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CAUSE_IDS } from "../failure/causes.ts";
import type { FailureGroup, Report } from "../observe/report.ts";
import { absence } from "./absence.ts";
import { IncidentBook } from "./book.ts";
import type { Incident, Setting } from "./model.ts";
import { readStories, readStory, upstreamSetting } from "./story.fixture.ts";
import { play } from "./story-play.fixture.ts";
import { keptFailure, type Told } from "./story-tell.fixture.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const stories = readStories(join(root, "test/corpus/incident-stories"));
const T0 = Date.UTC(2026, 0, 5, 10);

function bookOf(
  setting: Setting = { upstreams: [], file: null, language: "yaml" },
  restore: Incident[] = [],
): IncidentBook {
  let ids = 0;
  return new IncidentBook({ gateway: "g1", setting, restore, newId: (at) => `i${at}-${ids++}` });
}

function reportOf(at: number, groups: readonly FailureGroup[]): Report {
  return { at, spanMs: 500, groups, failures: [], endpoints: [], events: [], slow: [], notKept: 0 };
}

function groupOf(at: number, change: Partial<FailureGroup>): FailureGroup {
  return { ...absence("app", "app-1:80", at, change.cause ?? "connect-refused"), failures: 1, shown: 1, ...change };
}

const patternsOf = (incidents: readonly Incident[]): string[] => incidents.map(({ verdict }) => verdict.pattern).sort();

/** Neighbouring reports in the other order, as two workers would send them. */
function swapped(told: readonly Told[]): Told[] {
  return told.flatMap((one) => {
    const { groups } = one.report;
    const half = (from: number, to?: number): Told => ({
      ...one,
      report: { ...one.report, groups: groups.slice(from, to) },
    });
    const rest = { ...half(groups.length >> 1), marks: [], settings: [] };
    return [
      { ...rest, report: { ...rest.report, endpoints: [], events: [], failures: one.report.failures } },
      { ...half(0, groups.length >> 1), report: { ...half(0, groups.length >> 1).report, failures: [] } },
    ];
  });
}

test.each(stories.filter((story) => story.expect.length > 0).map((story) => [story.file, story] as const))(
  "%s: parts of a report in any order give the same verdict and counts",
  (_, story) => {
    const whole = play(story).incidents;
    const mixed = play(story, swapped).incidents;
    expect(patternsOf(mixed)).toEqual(patternsOf(whole));
    const failures = (incidents: readonly Incident[]): number[] =>
      incidents.map(({ counts }) => counts.failures - counts.clientLeft).sort();
    expect(failures(mixed)).toEqual(failures(whole));
  },
);

test("incidents are opened, changed and closed once each, and snapshots stay as they were", () => {
  const book = bookOf();
  const first = book.take(reportOf(T0, [groupOf(T0, {})]));
  expect(first.opened).toHaveLength(1);
  const [opened] = first.opened;
  const text = JSON.stringify(opened);
  const second = book.take(reportOf(T0 + 3_000, [groupOf(T0 + 3_000, { failures: 5, shown: 5 })]));
  expect(second.opened).toHaveLength(0);
  expect(second.changed[0]?.counts.failures).toBe(6);
  expect(JSON.stringify(opened)).toBe(text);
  expect(book.open()).toHaveLength(1);
  const closed = book.tick(T0 + 600_000).closed;
  expect(closed.map(({ id }) => id)).toEqual([opened!.id]);
  expect(closed[0]?.closedAt).toBe(T0 + 600_000);
  expect(book.open()).toHaveLength(0);
});

test("what begins again soon after it was closed goes on under the same id", () => {
  const book = bookOf();
  const [first] = book.take(reportOf(T0, [groupOf(T0, {})])).opened;
  book.tick(T0 + 400_000);
  const again = book.take(reportOf(T0 + 420_000, [groupOf(T0 + 420_000, {})])).opened;
  expect(again.map(({ id }) => id)).toEqual([first!.id]);
  expect(again[0]?.closedAt).toBeNull();
});

test("an open incident goes on after a restart of the gateway", () => {
  const before = bookOf();
  const [incident] = before.take(reportOf(T0, [groupOf(T0, { failures: 40, shown: 40 })])).opened;
  const book = bookOf(undefined, [incident!]);
  expect(book.open().map(({ id, verdict }) => [id, verdict.sentence])).toEqual([
    [incident!.id, incident!.verdict.sentence],
  ]);
  const after = book.take(reportOf(T0 + 5_000, [groupOf(T0 + 5_000, { failures: 2, shown: 2 })]));
  expect(after.opened).toHaveLength(0);
  expect(book.open()[0]?.counts.failures).toBe(42);
});

test("a kept failure knows its incident", () => {
  const book = bookOf();
  const [incident] = book.take(reportOf(T0, [groupOf(T0, { paths: { "/cart": 1 } })])).opened;
  expect(book.incidentOf(keptFailure(T0 + 100, "connect-refused", "app", "app-1:80", {}))).toBe(incident!.id);
  expect(book.incidentOf(keptFailure(T0 + 100, "response-timeout", "other", "x", {}))).toBeNull();
});

test("events count once, be they told as marks or in reports of several workers", () => {
  const book = bookOf({
    upstreams: [upstreamSetting("app", { endpoints: ["app-1:80"] })],
    file: null,
    language: "yaml",
  });
  book.take(reportOf(T0, [groupOf(T0, {})]));
  const event = {
    kind: "endpoint-gone",
    at: 1,
    upstream: "app",
    endpoint: "app-1:80",
    cause: "connect-refused",
    detail: "",
  } as const;
  for (const late of [0, 300, 700]) book.take({ ...reportOf(T0 + 1_000, []), events: [{ at: T0 + late, event }] });
  book.mark({
    id: "m",
    gateway: "g1",
    at: T0 + 900,
    kind: "endpoint-gone",
    text: "gone",
    level: "warn",
    upstream: "app",
    endpoint: "app-1:80",
    by: "",
  });
  book.tick(T0 + 5_000);
  expect(book.open()[0]?.timeline.filter(({ kind }) => kind === "endpoint-gone")).toHaveLength(1);
});

test("a mended failure alone is none, four are", () => {
  const book = bookOf();
  const saved = (at: number) => reportOf(at, [groupOf(at, { shown: 0, saved: { failover: 1 } })]);
  for (const n of [0, 1, 2]) expect(book.take(saved(T0 + n * 1000)).opened).toHaveLength(0);
  expect(book.take(saved(T0 + 3000)).opened[0]?.severity).toBe("saved");
});

test("everything is bounded under random streams, and never throws", () => {
  const name = fc.string({ maxLength: 12 });
  const group = fc.record({
    cause: fc.constantFrom(...CAUSE_IDS),
    upstream: name,
    endpoint: name,
    route: name,
    failures: fc.nat(50),
    shown: fc.nat(50),
    cut: fc.nat(3),
    passed: fc.nat(9),
    paths: fc.dictionary(name, fc.nat(9), { maxKeys: 8 }),
    waitedMs: fc.array(fc.nat(90_000), { maxLength: 8 }),
  });
  fc.assert(
    fc.property(fc.array(fc.array(group, { maxLength: 20 }), { maxLength: 12 }), (ticks) => {
      const book = bookOf();
      ticks.forEach((groups, n) => {
        const at = T0 + n * 7_000;
        book.take(
          reportOf(
            at,
            groups.map((change) => groupOf(at, change)),
          ),
        );
        book.tick(at);
      });
      for (const incident of book.open()) {
        expect(incident.verdict.sentence).not.toMatch(/undefined|NaN/);
        expect(incident.timeline.length).toBeLessThanOrEqual(60);
        expect(incident.series.shown.length).toBeLessThanOrEqual(120);
      }
    }),
    { numRuns: 30 },
  );
});

test("a storm of kinds leaves at most 200 open incidents, each of bounded size", () => {
  const book = bookOf();
  for (let n = 0; n < 5; n++) {
    const at = T0 + n * 500;
    const groups = Array.from({ length: 1_000 }, (_, m) =>
      groupOf(at, {
        cause: CAUSE_IDS[m % CAUSE_IDS.length]!,
        upstream: `u${(m * 7 + n) % 900}`,
        endpoint: `e${m}`,
        route: `r${m % 50}`,
        paths: { [`/p${m}`]: 3 },
      }),
    );
    book.take(reportOf(at, groups));
  }
  const open = book.open();
  expect(open.length).toBeLessThanOrEqual(200);
  const sizes = open.map((incident) => JSON.stringify(incident).length);
  expect(Math.max(...sizes)).toBeLessThan(64 * 1024);
});

test("a long incident keeps a short series and the right sums", () => {
  const story = readStory(
    "long.yaml",
    `title: long\nstream: |\n  00:00:00 +20h fail response-timeout app app-1:3000 x720 shown=720\n  20:00:01 end\n`,
  );
  const [incident] = play(story).incidents;
  expect(incident!.series.shown.reduce((sum, one) => sum + one, 0)).toBe(720);
  expect(incident!.series.shown.length).toBeLessThanOrEqual(120);
});
