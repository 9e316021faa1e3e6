import fc from "fast-check";
import { expect, test } from "vitest";
import type { HealthConfig } from "../config/config.ts";
import { failureOf } from "../failure/classify.ts";
import { now } from "../std/clock.ts";
import { setLogSink } from "../std/log.ts";
import { afterwards, closedPort, diallerTo, HEALTH, serving, stall, until } from "./health-check.fixture.ts";
import type { CheckResult, Dialler } from "./health-check.ts";
import { type CheckedEndpoint, HealthChecker, intervalMs } from "./health-checker.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const SOON: Partial<HealthConfig> = { intervalMs: 1, fastIntervalMs: 1, downIntervalMs: 1 };
const NEVER = 1e9;

type Status = CheckedEndpoint["health"]["status"];

/** A checker of an endpoint that only notes its results. */
function checkerOf(
  dialler: Dialler,
  config: Partial<HealthConfig>,
  onResult: (result: CheckResult) => void = () => {},
) {
  const results: CheckResult[] = [];
  const health: { status: Status; streak: number } = { status: "up", streak: 0 };
  const endpoint: CheckedEndpoint = {
    label: "app:80",
    hostField: "app.internal",
    dialler,
    health,
    onCheck(result) {
      results.push(result);
      onResult(result);
    },
  };
  const checker = new HealthChecker(endpoint, { ...HEALTH, ...config }, () => 0.5);
  afterwards(() => checker.stop());
  return { checker, results, health };
}

test("checks take turns between a fresh connection and the last one's, with one connection open at most", async () => {
  let most = 0;
  const seen = await serving((socket) => {
    most = Math.max(most, seen.open);
    socket.write(OK);
  });
  const { checker, results } = checkerOf(diallerTo(seen.address), SOON);
  checker.start();
  checker.start();
  await until(() => results.length >= 6);
  expect(results.slice(0, 6).map(({ reused, good }) => [reused, good])).toEqual([
    [false, true],
    [true, true],
    [false, true],
    [true, true],
    [false, true],
    [true, true],
  ]);
  expect(seen.requests[0]).toContain("\r\nHost: app.internal\r\n");
  // The server may hear of a close only after it has accepted the next.
  expect(most).toBeLessThanOrEqual(2);
  checker.stop();
  await until(() => seen.open === 0);
});

test("the host of the configuration goes before the endpoint's", async () => {
  const seen = await serving((socket) => socket.write(OK));
  const { checker, results } = checkerOf(diallerTo(seen.address), { host: "shop.example", path: "/up?deep=1" });
  checker.start();
  await until(() => results.length === 1);
  expect(seen.requests[0]).toMatch(/^GET \/up\?deep=1 HTTP\/1\.1\r\nHost: shop\.example\r\n/);
});

test("a connection that the endpoint closes between checks is not there; no check is bad for it", async () => {
  const seen = await serving((socket) => socket.end(OK));
  const { checker, results } = checkerOf(diallerTo(seen.address), SOON);
  checker.start();
  await until(() => results.length >= 5);
  expect(results.map(({ good, reused }) => [good, reused])).toEqual(results.map(() => [true, false]));
  expect(seen.connections).toBeGreaterThanOrEqual(5);
});

test("an end that waits to be read while the process was busy is read before the connection is used", async () => {
  const seen = await serving((socket, number) => {
    socket.write(OK);
    if (number === 1) socket.end();
  });
  const { checker, results } = checkerOf(diallerTo(seen.address), SOON, () => {
    // Past the time of the next check, with the end in the kernel's hands.
    setImmediate(() => stall(60));
  });
  checker.start();
  await until(() => results.length >= 4);
  expect(results.filter(({ good }) => !good)).toEqual([]);
});

test("never two at once, and the next comes only after the last has ended", async () => {
  let running = 0;
  let dials = 0;
  const inner = diallerTo(await closedPort());
  const { checker, results } = checkerOf((reader, done) => {
    dials++;
    expect(++running).toBe(1);
    const handle = inner(reader, (result) => {
      running--;
      done(result);
    });
    checker.hurry();
    return handle;
  }, SOON);
  checker.start();
  checker.hurry();
  await until(() => results.length >= 4);
  expect(dials - results.length).toBeLessThanOrEqual(1);
  expect(results[0]).toMatchObject({ good: false, failure: { cause: "connect-refused" } });
});

test("the interval follows the state", () => {
  const config = { ...HEALTH, intervalMs: 2_000, fastIntervalMs: 500, downIntervalMs: 4_000 };
  const states: readonly [Status, number, number][] = [
    ["unknown", 0, 500],
    ["up", 0, 2_000],
    ["up", 1, 500],
    ["down", 0, 4_000],
    ["down", 2, 500],
  ];
  for (const [status, streak, expected] of states) {
    expect(intervalMs({ status, streak }, config, 0.5)).toBe(expected);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
        const waitMs = intervalMs({ status, streak }, config, random);
        expect(Math.abs(waitMs - expected)).toBeLessThanOrEqual(expected * 0.1 + 1e-9);
      }),
    );
  }
});

test("the state that a result has led to decides when the next comes", async () => {
  const seen = await serving((socket) => socket.write(OK));
  const config = { intervalMs: NEVER, fastIntervalMs: 1, downIntervalMs: NEVER };
  const { checker, results, health } = checkerOf(diallerTo(seen.address), config, () => {
    if (results.length === 3) health.status = "up";
  });
  health.status = "unknown";
  checker.start();
  await until(() => results.length === 3);
  expect(checker.dueAt - now()).toBeGreaterThan(NEVER / 2);
});

test("hurry brings the next check near, and never moves it away", async () => {
  const seen = await serving((socket) => socket.write(OK));
  const { checker, results } = checkerOf(diallerTo(seen.address), { intervalMs: NEVER, fastIntervalMs: 1_000 });
  checker.hurry();
  expect(checker.dueAt).toBe(Infinity);
  checker.start();
  const first = checker.dueAt;
  checker.hurry();
  expect(checker.dueAt).toBe(first);
  await until(() => results.length === 1);
  expect(checker.dueAt - now()).toBeGreaterThan(NEVER / 2);
  checker.hurry();
  const hurried = checker.dueAt;
  expect(hurried - now()).toBeLessThanOrEqual(1_000);
  checker.hurry();
  expect(checker.dueAt).toBeLessThanOrEqual(hurried + 1_000);
});

test("hurry during a check, or at its result, is meant for the next", async () => {
  const config = { intervalMs: NEVER, fastIntervalMs: 1 };
  const seen = await serving((socket) => {
    during.checker.hurry();
    socket.write(OK);
  });
  const during = checkerOf(diallerTo(seen.address), config);
  during.checker.start();
  await until(() => during.results.length >= 3);

  const quiet = await serving((socket) => socket.write(OK));
  const after = checkerOf(diallerTo(quiet.address), config, () => after.checker.hurry());
  after.checker.start();
  await until(() => after.results.length >= 3);
});

test("stop in the middle of a check, and between two: nothing is left open, nothing is said", async () => {
  const seen = await serving((socket, number) => {
    if (number === 1) socket.write(OK);
  });
  const { checker, results } = checkerOf(diallerTo(seen.address), SOON);
  checker.start();
  await until(() => seen.requests.length === 2);
  checker.stop();
  await until(() => seen.open === 0);
  expect([results.length, checker.wheelSlot, checker.dueAt]).toEqual([1, -1, Infinity]);

  checker.start();
  checker.stop();
  expect([checker.wheelSlot, checker.dueAt]).toEqual([-1, Infinity]);

  const idle = await serving((socket) => socket.write(OK));
  const other = checkerOf(diallerTo(idle.address), { intervalMs: NEVER });
  other.checker.start();
  await until(() => other.results.length === 1);
  expect(idle.open).toBe(1);
  other.checker.stop();
  await until(() => idle.open === 0);
});

test("whoever is told may stop it", async () => {
  const seen = await serving((socket) => socket.write(OK));
  const { checker, results } = checkerOf(diallerTo(seen.address), SOON, () => checker.stop());
  checker.start();
  await until(() => results.length === 1 && seen.open === 0);
  expect([checker.wheelSlot, checker.dueAt]).toEqual([-1, Infinity]);
});

test("what goes wrong on our side is not told, and the check is repeated soon", async () => {
  const seen = await serving((socket) => socket.write(OK));
  const real = diallerTo(seen.address);
  let dials = 0;
  const dialler: Dialler = (reader, done) => {
    if (++dials > 2) return real(reader, done);
    setImmediate(() => done({ ok: false, failure: failureOf("gateway-resource-exhausted", { errno: "EMFILE" }) }));
    return { phase: "connect", cancel: () => {} };
  };
  const { checker, results } = checkerOf(dialler, { intervalMs: NEVER, fastIntervalMs: 1 });
  checker.start();
  await until(() => results.length > 0);
  expect(results.map(({ good }) => good)).toEqual([true]);
  expect(dials).toBe(3);
});

test("a fault of who is told does not end the checks", async () => {
  const lines: string[] = [];
  setLogSink((line) => lines.push(line));
  afterwards(() => setLogSink(null));
  const seen = await serving((socket) => socket.write(OK));
  const { checker, results } = checkerOf(diallerTo(seen.address), SOON, () => {
    throw new Error("broken");
  });
  checker.start();
  await until(() => results.length >= 2);
  expect(lines.join("")).toContain("Error: broken");
});
