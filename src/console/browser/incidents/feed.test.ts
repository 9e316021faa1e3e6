import { expect, test } from "vitest";
import type { IncidentRow } from "../../model.ts";
import { arrived, EMPTY_FEED, firstPage, olderPage, takenIn } from "./feed.ts";
import { incidentQuery, NO_FILTERS, passes, readFilters, writeFilters } from "./filters.ts";

const row = (id: string, openedAt: number, changes: Partial<IncidentRow> = {}): IncidentRow => ({
  id,
  gateway: "g",
  openedAt,
  lastAt: openedAt,
  closedAt: null,
  severity: "degraded",
  cause: "connect-refused",
  upstream: "app",
  endpoints: ["10.0.0.7:3000"],
  sentence: "app-2 refuses connections",
  short: "",
  confidence: "likely",
  shown: 1,
  saved: 0,
  failures: 1,
  series: { fromAt: openedAt, stepMs: 1000, shown: [], saved: [] },
  ...changes,
});
const ids = (rows: readonly IncidentRow[]): string[] => rows.map(({ id }) => id);
const page = (rows: readonly IncidentRow[], next: string | null = null) => ({ items: rows, next, total: 9 });
const reading = { passes: true, atTop: false };

test("a new incident waits while somebody reads, and goes in at the top", () => {
  let feed = firstPage(page([row("b", 20), row("a", 10)], "cursor"));
  feed = arrived(feed, row("c", 30), reading);
  expect([ids(feed.items), ids(feed.waiting), feed.total]).toEqual([["b", "a"], ["c"], 10]);
  feed = arrived(feed, row("d", 40), reading);
  feed = takenIn(feed);
  expect([ids(feed.items), ids(feed.waiting)]).toEqual([["d", "c", "b", "a"], []]);
  expect(ids(arrived(feed, row("e", 50), { passes: true, atTop: true }).items)).toEqual(["e", "d", "c", "b", "a"]);
});

test("one that is there changes in its place, whether it still passes the filters or not", () => {
  const feed = firstPage(page([row("b", 20), row("a", 10)]));
  const next = arrived(feed, row("a", 10, { closedAt: 99 }), { passes: false, atTop: true });
  expect(ids(next.items)).toEqual(["b", "a"]);
  expect(next.items[1]!.closedAt).toBe(99);
  expect(arrived(EMPTY_FEED, row("x", 1), { passes: false, atTop: true })).toBe(EMPTY_FEED);
});

test("one that is older than what was loaded belongs to a later page", () => {
  const feed = firstPage(page([row("b", 20)], "cursor"));
  expect(arrived(feed, row("a", 10), { passes: true, atTop: true })).toBe(feed);
});

test("older pages bring nothing twice", () => {
  let feed = arrived(firstPage(page([row("b", 20)], "c1")), row("c", 30), reading);
  feed = olderPage(feed, page([row("c", 30), row("b", 20), row("a", 10)], null));
  expect([ids(feed.items), feed.next]).toEqual([["b", "a"], null]);
});

test("filters stand in the address and come back from it; nonsense is left out", () => {
  const filters = { ...NO_FILTERS, state: "open", severities: ["outage", "saved"], text: "app & co" } as const;
  const params = new URLSearchParams("last=7d&cause=x");
  writeFilters(params, filters);
  expect(params.toString()).toBe("last=7d&state=open&text=app+%26+co&severity=outage%2Csaved");
  expect(readFilters(params)).toEqual(filters);
  expect(readFilters(new URLSearchParams("state=maybe&severity=bad,outage"))).toEqual({
    ...NO_FILTERS,
    severities: ["outage"],
  });
});

test("the question has what is set and nothing else", () => {
  expect(incidentQuery(NO_FILTERS, null, { limit: 50 })).toEqual({ limit: 50 });
  expect(
    incidentQuery({ ...NO_FILTERS, cause: "connect-refused" }, { from: 1.5, to: 9.5 }, { limit: 5, before: "x" }),
  ).toEqual({ limit: 5, cause: "connect-refused", range: { from: 1, to: 10 }, before: "x" });
});

test.each([
  [{ state: "closed" as const }, false],
  [{ state: "open" as const }, true],
  [{ severities: ["outage" as const] }, false],
  [{ endpoint: "10.0.0.7:3000" }, true],
  [{ endpoint: "10.0.0.8:3000" }, false],
  [{ text: "REFUSES" }, true],
  [{ upstream: "other" }, false],
])("a live incident against %o: %s", (changes, expected) => {
  expect(passes(row("a", 10), { ...NO_FILTERS, ...changes }, { from: 0, to: 100 })).toBe(expected);
});
