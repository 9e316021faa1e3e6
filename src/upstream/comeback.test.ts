import net from "node:net";
import { expect, test } from "vitest";
import type { CauseId } from "../failure/causes.ts";
import { deadlineFailure, failureOf } from "../failure/classify.ts";
import type { Failure } from "../failure/failure.ts";
import { eventTime } from "../std/clock.ts";
import { setLogSink } from "../std/log.ts";
import { Comeback, comebackWaitMs, nothingListens, verify } from "./comeback.ts";
import { afterwards, closedPort, diallerTo, listening, socketPath, until } from "./health-check.fixture.ts";
import type { Dialler } from "./health-check.ts";

const random = () => 0.5;

/** A comeback that notes what it says. */
function waitingFor(dialler: Dialler) {
  const said: string[] = [];
  const comeback = new Comeback(
    dialler,
    random,
    () => said.push("back"),
    (failure) => said.push(failure.cause),
  );
  afterwards(() => comeback.stop());
  return { comeback, said };
}

test("it connects until something listens, closes that connection, and ends", async () => {
  const path = socketPath();
  const { comeback, said } = waitingFor(diallerTo({ kind: "unix", path }));
  comeback.start(0);
  comeback.start(60_000);
  expect(comeback.running).toBe(true);
  await until(() => said.length === 2);
  let closed = 0;
  const server = net.createServer((socket) => socket.on("close", () => closed++).resume());
  await listening(server, path);
  await until(() => said.includes("back") && closed === 1);
  expect(new Set(said.slice(0, -1))).toEqual(new Set(["socket-missing"]));
  expect([said.at(-1), comeback.running, comeback.wheelSlot]).toEqual(["back", false, -1]);
});

test("it can be started again, and begins with the shortest wait", async () => {
  const server = net.createServer((socket) => socket.resume());
  const answers = diallerTo(await listening(server));
  const refuses = diallerTo(await closedPort());
  let dials = 0;
  const waits: number[] = [];
  const comeback: Comeback = new Comeback(
    (reader, done) => (++dials % 3 === 0 ? answers : refuses)(reader, done),
    random,
    () => waits.push(0),
    () => waits.push(Math.round((comeback.dueAt - eventTime()) * 10) / 10),
  );
  afterwards(() => comeback.stop());
  for (const ended of [3, 6]) {
    comeback.start(0);
    await until(() => waits.length === ended);
    expect(comeback.running).toBe(false);
  }
  expect(waits).toEqual([60, 72, 0, 60, 72, 0]);
});

test("stop takes back the timer, and the dial that is under way", async () => {
  let dials = 0;
  let cancelled = 0;
  const { comeback, said } = waitingFor(() => {
    dials++;
    return { phase: "connect" as const, cancel: () => cancelled++ };
  });
  comeback.start(60_000);
  comeback.stop();
  expect([comeback.running, comeback.wheelSlot, dials]).toEqual([false, -1, 0]);
  comeback.start(0);
  await until(() => dials === 1);
  comeback.stop();
  expect([comeback.running, comeback.wheelSlot, cancelled, said]).toEqual([false, -1, 1, []]);
});

test("who hears that it is still gone may stop it", async () => {
  let heard = 0;
  const dialler = diallerTo(await closedPort());
  const comeback: Comeback = new Comeback(
    dialler,
    random,
    () => {},
    (failure) => {
      heard++;
      expect(failure.cause).toBe("connect-refused");
      comeback.stop();
    },
  );
  comeback.start(0);
  await until(() => heard === 1);
  expect([comeback.running, comeback.wheelSlot]).toEqual([false, -1]);
});

test("the wait grows from some 60 ms to a second at most", () => {
  expect(comebackWaitMs(1, 0.5)).toBe(60);
  expect(comebackWaitMs(1, 0)).toBeCloseTo(48);
  let before = 0;
  for (let attempt = 1; attempt <= 2_000; attempt++) {
    const waitMs = comebackWaitMs(attempt, 0.5);
    expect(waitMs).toBeGreaterThanOrEqual(before);
    expect(comebackWaitMs(attempt, 1 - Number.EPSILON)).toBeLessThanOrEqual(1000);
    before = waitMs;
  }
  expect(before).toBeGreaterThan(800);
});

test("verify: gone is what does not listen, and nothing else", async () => {
  const verified = (dialler: Dialler) =>
    new Promise<[boolean, CauseId | undefined]>((resolve) => {
      verify(dialler, (gone, failure) => resolve([gone, failure?.cause]));
    });
  const server = net.createServer((socket) => socket.resume());
  expect(await verified(diallerTo(await listening(server)))).toEqual([false, undefined]);
  expect(await verified(diallerTo(await closedPort()))).toEqual([true, "connect-refused"]);
  expect(await verified(diallerTo({ kind: "unix", path: socketPath() }))).toEqual([true, "socket-missing"]);
  const failing =
    (failure: Failure): Dialler =>
    (_, done) => {
      setImmediate(() => done({ ok: false, failure }));
      return { phase: "connect", cancel: () => {} };
    };
  expect(await verified(failing(deadlineFailure("connect", {})))).toEqual([false, "connect-timeout"]);
  expect(nothingListens(failureOf("network-unreachable", {}))).toBe(false);
});

test("a fault of who is told is a line of the log, not a throw", async () => {
  const lines: string[] = [];
  setLogSink((line) => lines.push(line));
  afterwards(() => setLogSink(null));
  verify(diallerTo(await closedPort()), () => {
    throw new Error("broken");
  });
  await until(() => lines.length > 0);
  expect(lines.join("")).toContain("Error: broken");
});
