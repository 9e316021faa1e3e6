import { expect, test } from "vitest";
import { DayReport } from "./day-report.ts";
import { dayText, LEDGER_DAYS_MAX, Ledger, type LedgerDay, mergeDays } from "./ledger.ts";
import { attempt, exchange, failure } from "./record.fixture.ts";

/** Local time: the days of the ledger are those of the machine's calendar. */
const at = (day: number, hour = 12, minute = 0, month = 10): number =>
  new Date(2026, month, day, hour, minute).getTime();

const refused = attempt({ startedAt: 1000, status: 0, failure: failure("connect-refused") });
const elsewhere = exchange({ attempts: [refused, attempt({ startedAt: 1004, endpoint: "10.0.0.8:3000" })] });
const held = exchange({ heldMs: 812, attempts: [attempt({ startedAt: 1812 })] });
const shown = exchange({ status: 502, attempts: [refused], failure: refused.failure });

function dayOf(date: string, changes: Partial<LedgerDay> = {}): LedgerDay {
  const none = { hold: {}, queue: {}, failover: {}, retry: {} };
  return { date, requests: 0, shown: {}, avoided: none, costMs: 0, costMaxMs: 0, ...changes };
}

test("a day counts requests, errors avoided by what and why, what that cost, and errors shown", () => {
  const ledger = new Ledger();
  for (const record of [exchange(), elsewhere, held, held, shown]) ledger.observe(record, at(21));
  expect(ledger.days()).toEqual([
    dayOf("2026-11-21", {
      requests: 5,
      shown: { "connect-refused": 1 },
      avoided: { hold: { "no-healthy-upstream": 2 }, queue: {}, failover: { "connect-refused": 1 }, retry: {} },
      costMs: 1628,
      costMaxMs: 812,
    }),
  ]);
});

test("a day ends at midnight, local time", () => {
  const ledger = new Ledger();
  ledger.observe(held, at(21, 0));
  ledger.observe(held, at(22, 0) - 1);
  ledger.observe(exchange(), at(22, 0));
  expect(ledger.days().map(({ date, requests, costMs }) => [date, requests, costMs])).toEqual([
    ["2026-11-22", 1, 0],
    ["2026-11-21", 2, 1624],
  ]);
});

test("a clock that is set back goes on with its day; one that was far off leaves no day for ever", () => {
  const ledger = new Ledger();
  ledger.observe(exchange(), at(21));
  ledger.observe(exchange(), new Date(2099, 0, 1).getTime());
  ledger.observe(exchange(), at(21, 13));
  expect(ledger.days().map(({ date, requests }) => [date, requests])).toEqual([
    ["2099-01-01", 1],
    ["2026-11-21", 2],
  ]);
  for (let day = 1; day <= LEDGER_DAYS_MAX; day++) ledger.observe(exchange(), at(day, 12, 0, 11));
  const dates = ledger.days().map(({ date }) => date);
  expect(dates).toHaveLength(LEDGER_DAYS_MAX);
  expect([dates[0], dates.at(-1)]).toEqual(["2026-12-31", "2026-12-01"]);
});

test("ledgers of workers survive IPC and add up; the input stays as it was", () => {
  const [one, other] = [new Ledger(), new Ledger()];
  for (const record of [elsewhere, shown, exchange()]) one.observe(record, at(21));
  for (const record of [held, shown]) other.observe(record, at(21));
  other.observe(exchange(), at(20));
  const lists = [one.days(), other.days()].map((days) => JSON.parse(JSON.stringify(days)) as LedgerDay[]);
  const before = structuredClone(lists);
  expect(mergeDays(lists)).toEqual([
    dayOf("2026-11-21", {
      requests: 5,
      shown: { "connect-refused": 2 },
      avoided: { hold: { "no-healthy-upstream": 1 }, queue: {}, failover: { "connect-refused": 1 }, retry: {} },
      costMs: 816,
      costMaxMs: 812,
    }),
    dayOf("2026-11-20", { requests: 1 }),
  ]);
  expect(lists).toEqual(before);
});

test("the line of a day", () => {
  const full = dayOf("2026-11-21", {
    requests: 12_345,
    shown: { "response-timeout": 1, "connect-refused": 2 },
    avoided: {
      hold: { "connect-refused": 100, "no-healthy-upstream": 20 },
      queue: {},
      failover: { "connect-timeout": 12 },
      retry: {},
    },
    costMs: 105_600,
    costMaxMs: 4200,
  });
  expect(dayText(full)).toBe(
    "2026-11-21: 12,345 requests, 132 gateway errors avoided (120 held, 12 retried elsewhere; 800 ms added on average, 4.2 s at most), 3 shown (connect-refused 2, response-timeout 1)",
  );
  expect(dayText({ ...full, shown: {} })).toMatch(/at most\), none shown$/);
  expect(dayText(dayOf("2026-11-21", { requests: 1 }))).toBe("2026-11-21: 1 request, no gateway errors");
  expect(dayText(dayOf("2026-11-21", { requests: 2, shown: { "connect-refused": 1 } }))).toBe(
    "2026-11-21: 2 requests, 1 gateway error shown (connect-refused 1)",
  );
});

test("the daily line: once for the day that is over, once at the end, none for a day without requests", async () => {
  const ledger = new Ledger();
  const lines: string[] = [];
  let wall = at(20);
  const options = { wallClock: () => wall, write: (line: string) => void lines.push(line) };
  const report = new DayReport(() => ledger.days(), options);
  await report.look();
  expect(lines).toEqual([]);
  wall = at(21, 0, 1);
  await report.look();
  expect(lines).toEqual([]);
  ledger.observe(exchange(), wall);
  wall = at(22, 0, 1);
  await report.look();
  await report.look();
  expect(lines).toEqual(["2026-11-21: 1 request, no gateway errors"]);
  ledger.observe(shown, wall);
  report.end(ledger.days());
  report.end(ledger.days());
  expect(lines.slice(1)).toEqual(["2026-11-22: 1 request, 1 gateway error shown (connect-refused 1)"]);
});

test("a shutdown just behind midnight has both lines", () => {
  const ledger = new Ledger();
  const lines: string[] = [];
  let wall = at(21, 23, 59);
  const report = new DayReport(() => ledger.days(), { wallClock: () => wall, write: (line) => void lines.push(line) });
  ledger.observe(exchange(), wall);
  wall = at(22, 0, 0);
  ledger.observe(exchange(), wall);
  report.end(ledger.days());
  expect(lines.map((line) => line.slice(0, 10))).toEqual(["2026-11-21", "2026-11-22"]);
});
