import { expect, test } from "vitest";
import type { LogPattern } from "./model.ts";
import {
  type Answered,
  type Case,
  CLOSED,
  evidenceOf,
  logsOf,
  REFUSED,
  START_MS,
  TIMED_OUT,
} from "./traffic.fixture.ts";

const MEMBERS = ["10.0.0.7:3000", "10.0.0.8:3000", "10.0.0.9:3000"];
const fine: Answered = {};
const refused: Answered = { status: 502, seconds: 0, error: REFUSED };

async function patternsOf(
  made: Case,
  which: readonly ("access" | "error")[] = ["access", "error"],
): Promise<LogPattern[]> {
  const logs = logsOf(made);
  const evidence = await evidenceOf(Object.fromEntries(which.map((name) => [name, logs[name]])));
  expect(evidence.problems.filter(({ text }) => text !== "is empty")).toEqual([]);
  return [...evidence.patterns];
}

const ids = (patterns: readonly LogPattern[]): string[] => [...new Set(patterns.map(({ id }) => id))].sort();

test("a healthy log has no pattern", async () => {
  expect(await patternsOf({ seconds: 900, perSecond: 5, members: MEMBERS, answer: () => fine }, ["access"])).toEqual(
    [],
  );
});

test("nor has one with a few failures here and there", async () => {
  let count = 0;
  const answer = (): Answered => (++count % 1500 === 700 ? { status: 500, seconds: 0.1, header: true } : fine);
  const found = await patternsOf({ seconds: 1200, perSecond: 4, members: MEMBERS, answer }, ["access"]);
  expect(ids(found.filter(({ id }) => id !== "status-pair"))).toEqual([]);
});

test("what clients did wrong is no pattern", async () => {
  const answer = ({ random }: { random: () => number }): Answered => (random() < 0.3 ? { status: 404 } : fine);
  expect(await patternsOf({ seconds: 600, perSecond: 4, answer }, ["access"])).toEqual([]);
});

test("one bad member", async () => {
  const found = await patternsOf({
    seconds: 600,
    perSecond: 6,
    members: MEMBERS,
    answer: ({ member, random }) => (member === MEMBERS[1] && random() < 0.3 ? refused : fine),
  });
  const bad = found.find(({ id }) => id === "one-bad-member");
  expect(bad).toMatchObject({ upstream: MEMBERS[1], class: "connect-refused", certainty: "proven" });
  expect(bad?.text).toMatch(/^10\.0\.0\.8:3000 failed \d+ of [\d,]+ requests \(\d+ %\); the other 2 members 0 of/);
  expect(ids(found)).not.toContain("all-members");
  expect(bad?.lines.length).toBeGreaterThan(0);
});

test("one failure of two requests is no bad member", async () => {
  let failed = 0;
  const found = await patternsOf({
    seconds: 600,
    perSecond: 6,
    members: MEMBERS,
    answer: ({ member }) => (member === MEMBERS[1] && failed++ === 4 ? refused : fine),
  });
  expect(ids(found)).not.toContain("one-bad-member");
});

test("members of other pools are not compared", async () => {
  const logs = logsOf({ seconds: 300, perSecond: 3, members: ["10.0.0.7:3000"], answer: () => fine });
  const other = logsOf({
    seconds: 300,
    perSecond: 3,
    members: ["10.0.9.9:8080"],
    paths: ["/reports/a", "/reports/b"],
    answer: ({ random }) => (random() < 0.5 ? refused : fine),
  });
  const { patterns } = await evidenceOf({ access: logs.access + other.access });
  expect(ids(patterns)).not.toContain("one-bad-member");
});

test("all members", async () => {
  const found = await patternsOf({
    seconds: 600,
    perSecond: 6,
    members: MEMBERS,
    answer: ({ random }) => (random() < 0.1 ? refused : fine),
  });
  expect(found.find(({ id }) => id === "all-members")).toMatchObject({ class: "connect-refused", upstream: null });
  expect(ids(found)).not.toContain("one-bad-member");
  expect(ids(found)).toContain("steady");
});

test("with an error log alone a bad member is no more than possible", async () => {
  const answer: Case["answer"] = ({ member, random }) =>
    random() < (member === MEMBERS[0] ? 0.5 : 0.005) ? refused : fine;
  const found = await patternsOf({ seconds: 600, perSecond: 6, members: MEMBERS, answer }, ["error"]);
  expect(found.find(({ id }) => id === "one-bad-member")).toMatchObject({
    upstream: MEMBERS[0],
    certainty: "possible",
  });
});

const minute = (asked: { atMs: number }): number => (asked.atMs - START_MS) / 60_000;

test("a burst that is over", async () => {
  const found = await patternsOf({
    seconds: 3600,
    perSecond: 1,
    answer: (asked) => (minute(asked) > 20 && minute(asked) < 23 ? refused : fine),
  });
  const burst = found.find(({ id }) => id === "burst");
  expect(burst).toMatchObject({ class: "connect-refused", certainty: "proven" });
  expect(((burst?.fromMs ?? 0) - START_MS) / 60_000).toBeCloseTo(20, 0);
  expect(((burst?.toMs ?? 0) - START_MS) / 60_000).toBeCloseTo(23, 0);
  expect(found.find(({ id }) => id === "over")).toMatchObject({ certainty: "proven" });
  expect(ids(found)).not.toContain("steady");
});

test("failures that follow the traffic are no burst", async () => {
  const busy = logsOf({ seconds: 120, perSecond: 20, answer: ({ random }) => (random() < 0.1 ? refused : fine) });
  const quiet = logsOf({ seconds: 3600, perSecond: 0.2, answer: ({ random }) => (random() < 0.1 ? refused : fine) });
  const { patterns } = await evidenceOf({ access: quiet.access + busy.access });
  expect(ids(patterns)).not.toContain("burst");
});

test("failures that go on are not over", async () => {
  const found = await patternsOf({
    seconds: 1800,
    perSecond: 2,
    answer: (asked) => (minute(asked) > 5 && asked.random() < 0.02 ? refused : fine),
  });
  expect(ids(found)).not.toContain("over");
});

const RELOAD = "signal 1 (SIGHUP) received from 17, reconfiguring";

test("failures after a reload", async () => {
  const found = await patternsOf({
    seconds: 1800,
    perSecond: 2,
    notices: [[900, RELOAD]],
    answer: (asked) => (minute(asked) > 15.03 ? refused : fine),
  });
  const after = found.find(({ id }) => id === "after-turn");
  expect(after).toMatchObject({ certainty: "likely", class: "connect-refused", fromMs: START_MS + 900_000 });
  expect(after?.text).toContain("nginx reloads its configuration");
});

test("a reload amid failures is no cause of them, nor is one long before", async () => {
  const amid = await patternsOf({
    seconds: 1800,
    perSecond: 2,
    notices: [[900, RELOAD]],
    answer: (asked) => (minute(asked) > 10 ? refused : fine),
  });
  expect(ids(amid)).not.toContain("after-turn");
  const before = await patternsOf({
    seconds: 1800,
    perSecond: 2,
    notices: [[600, RELOAD]],
    answer: (asked) => (minute(asked) > 12 ? refused : fine),
  });
  expect(ids(before)).not.toContain("after-turn");
});

test("idle gaps before failures", async () => {
  const made: Case = {
    seconds: 3600,
    perSecond: 4,
    rhythm: [20, 70],
    answer: ({ idleMs }) => (idleMs > 60_000 && idleMs < 1e9 ? { status: 502, seconds: 0, error: CLOSED } : fine),
  };
  const gap = (await patternsOf(made)).find(({ id }) => id === "idle-gap");
  expect(gap).toMatchObject({ class: "keepalive-race", certainty: "likely", upstream: "10.0.0.7:3000" });
  expect(gap?.durationMs).toBeGreaterThanOrEqual(60_000);
  expect(ids(await patternsOf(made, ["error"]))).not.toContain("idle-gap");
});

test("an upstream that closes at any time shows no idle gap", async () => {
  const found = await patternsOf({
    seconds: 3600,
    perSecond: 4,
    rhythm: [20, 70],
    answer: ({ random }) => (random() < 0.05 ? { status: 502, seconds: 0, error: CLOSED } : fine),
  });
  expect(ids(found)).not.toContain("idle-gap");
});

test("durations of failures that cluster", async () => {
  const found = await patternsOf({
    seconds: 600,
    perSecond: 2,
    answer: ({ random }) =>
      random() < 0.05 ? { status: 504, seconds: 60 + Math.round(random() * 5) / 1000, error: TIMED_OUT } : fine,
  });
  const cluster = found.find(({ id }) => id === "duration-cluster");
  expect(cluster).toMatchObject({ class: "response-timeout", certainty: "likely" });
  expect(cluster?.durationMs).toBeCloseTo(60_000, -2);
  expect(cluster?.timers.map(({ setting }) => setting)).toContain("proxy_read_timeout");
});

test("durations that do not cluster, or at which requests go well, too", async () => {
  const spread = await patternsOf({
    seconds: 600,
    perSecond: 2,
    answer: ({ random }) => (random() < 0.2 ? { status: 500, seconds: 1 + random() * 50, header: true } : fine),
  });
  expect(ids(spread)).not.toContain("duration-cluster");
  const polling = await patternsOf({
    seconds: 600,
    perSecond: 2,
    answer: ({ random }) => ({ status: random() < 0.1 ? 500 : 200, seconds: 25 + Math.round(random() * 5) / 1000 }),
  });
  expect(ids(polling)).not.toContain("duration-cluster");
});

test("who made the status", async () => {
  const some = (answered: Answered): Case => ({
    seconds: 300,
    perSecond: 2,
    answer: ({ random }) => (random() < 0.1 ? answered : fine),
  });
  const pair = async (answered: Answered) =>
    (await patternsOf(some(answered), ["access"])).find(({ id }) => id === "status-pair");
  expect(await pair({ status: 503, seconds: 0.1, header: true })).toMatchObject({
    class: "upstream-error-passthrough",
    certainty: "proven",
  });
  expect(await pair({ status: 502, seconds: 0.1, header: true })).toMatchObject({
    class: "upstream-error-passthrough",
    certainty: "proven",
  });
  expect(await pair({ status: 502, seconds: 0 })).toMatchObject({ class: null, certainty: "possible" });
});

test("failures of one path", async () => {
  const found = await patternsOf({
    seconds: 600,
    perSecond: 4,
    answer: ({ path, random }) =>
      path === "/cart" && random() < 0.5 ? { status: 500, seconds: 0.1, header: true } : fine,
  });
  const one = found.find(({ id }) => id === "one-path");
  expect(one?.text).toMatch(/^\d+ of \d+ requests for \/cart failed/);
  const all = await patternsOf({
    seconds: 600,
    perSecond: 4,
    answer: ({ random }) => (random() < 0.2 ? refused : fine),
  });
  expect(ids(all)).not.toContain("one-path");
});

test("a path that gets all the traffic is not the reason", async () => {
  const found = await patternsOf({
    seconds: 600,
    perSecond: 4,
    paths: ["/"],
    answer: ({ random }) => (random() < 0.2 ? refused : fine),
  });
  expect(ids(found)).not.toContain("one-path");
});

test("requests that another member had to answer", async () => {
  const found = await patternsOf(
    {
      seconds: 600,
      perSecond: 4,
      members: MEMBERS.slice(0, 2),
      answer: ({ random }) =>
        random() < 0.1 ? { status: 200, first: { member: MEMBERS[2] ?? "", status: 502 } } : fine,
    },
    ["access"],
  );
  expect(found.find(({ id }) => id === "retry-chain")).toMatchObject({ upstream: MEMBERS[2], certainty: "proven" });
  expect(found.find(({ id }) => id === "one-bad-member")).toMatchObject({ upstream: MEMBERS[2] });
});

test("an access log and its error log count the same failures once", async () => {
  const { access, error } = logsOf({
    seconds: 300,
    perSecond: 3,
    answer: ({ random }) => (random() < 0.2 ? refused : fine),
  });
  const failures = access.split("\n").filter((line) => line.includes(" 502 512 ")).length;
  const { series, members } = await evidenceOf({ access, error });
  expect(series?.failures.reduce((sum, count) => sum + count)).toBe(failures);
  expect(members).toMatchObject([{ upstream: "10.0.0.7:3000", failures, classes: [{ class: "connect-refused" }] }]);
});

test("two gateways' failures add up", async () => {
  const one = logsOf({ seconds: 300, perSecond: 3, answer: ({ random }) => (random() < 0.1 ? refused : fine) });
  const two = logsOf({
    seconds: 200,
    perSecond: 2,
    paths: ["/b", "/c"],
    answer: ({ random }) => (random() < 0.3 ? refused : fine),
  });
  const count = (log: string) => log.split("\n").filter((line) => line.includes("[error]")).length;
  const { series } = await evidenceOf({ one: one.error, two: two.error });
  expect(series?.failures.reduce((sum, each) => sum + each)).toBe(count(one.error) + count(two.error));
});
