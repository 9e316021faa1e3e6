import { expect, test } from "vitest";
import {
  averageMs,
  estimateMs,
  inflightBegan,
  inflightEnded,
  lookAtInflight,
  newPeerTimes,
  noteHead,
  noteWhole,
} from "./peer-times.ts";
import { Group, type Server, server } from "./peers.fixture.ts";

test("the average is of whole milliseconds: a twentieth of the new value, rounded; the first is taken as it is", () => {
  expect(averageMs(0, 100)).toBe(100);
  expect(averageMs(100, 200)).toBe(105);
  expect(averageMs(100, 90)).toBe(100);
  expect(averageMs(100, 89)).toBe(99);
});

test("the estimate goes in steps of 20 ms, times the requests and one more; above 5 s all are equal", () => {
  const times = newPeerTimes();
  expect(estimateMs(times, "header", 0, 0, 10)).toBe(20);
  noteHead(times, 19);
  noteWhole(times, 20);
  expect(estimateMs(times, "header", 0, 0, 10)).toBe(20);
  expect(estimateMs(times, "last-byte", 2, 0, 10)).toBe(120);
  expect(estimateMs({ ...times, headMs: 5001 }, "header", 1, 0, 10)).toBe(10_000);
});

test("a server that was not asked for long counts as faster, twice for each fail_timeout", () => {
  const times = { ...newPeerTimes(), headMs: 1000 };
  expect(estimateMs(times, "header", 0, 10, 10)).toBe(1020);
  expect(estimateMs(times, "header", 0, 11, 10)).toBe(520);
  expect(estimateMs(times, "header", 0, 22, 10)).toBe(260);
  expect(estimateMs(times, "header", 0, 1e9, 10)).toBe(20);
});

test("requests in flight that wait longer than the average speak against a server", () => {
  const times = newPeerTimes();
  noteHead(times, 100);
  inflightBegan(times, 1000);
  inflightBegan(times, 1200);
  lookAtInflight(times, 1600);
  // 200 ms of the first before the second came, divided by two, and 400 ms since.
  expect(times.inflightMs).toBe(500);
  expect(estimateMs(times, "header", 0, 0, 10)).toBe(520);
  inflightEnded(times, 600, 1600);
  inflightEnded(times, 400, 1600);
  expect([times.inflight, times.inflightSumMs]).toEqual([0, 0]);
  expect(estimateMs(times, "header", 0, 0, 10)).toBe(120);
});

const fast = (name: string, label: string): Server => Object.assign(server(name, label), { alive: true });

/** A request that takes so long to its head at each server. */
function ask(group: Group, headMs: Record<string, number>): string {
  const picked = group.peers.pick([], "", "")!;
  const ms = headMs[picked.name]!;
  group.peers.headCame(picked, ms);
  group.peers.ended(picked, { kind: null, headMs: ms, tookMs: ms + 5 }, true);
  return picked.name;
}

test.each([true, false])("least time: the faster server has the requests (inflight: %s)", (inflight) => {
  const group = new Group([fast("A", "a"), fast("B", "b")], { leastTime: "header", inflight });
  const asked = Array.from({ length: 20 }, () => ask(group, { A: 300, B: 30 })).join("");
  expect(asked.slice(0, 2).split("").sort().join("")).toBe("AB");
  expect(asked.slice(2)).toBe("B".repeat(18));
});

test("least time: a failed attempt says nothing of how fast a server is", () => {
  const group = new Group([server("A", "a", { maxFails: 0 }), fast("B", "b")], {
    leastTime: "last-byte",
    inflight: true,
  });
  // It stays even with the one that answers within a step, so they take turns.
  expect(group.requests(5)).toBe("AB= B= AB= B= AB=");
});
