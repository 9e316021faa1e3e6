// Gateway errors that the gateway avoided: the client sees a plain answer, and each of them is in the access log, the
// metrics, the failure log and the ledger, with its cause and what it cost; what was shown is counted beside it.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import { metricValue } from "./command.ts";
import { exchange, type RunningGateway, startGateway, until } from "./harness.ts";
import { freePort } from "./origin.ts";

const HOST = "Host: shop.test\r\n";

let lab: Lab;
let folder: string;
let closed: string;
let gateway: RunningGateway;

beforeAll(async () => {
  lab = await startLab();
  folder = mkdtempSync(join(tmpdir(), "goodgate-avoided-"));
});

beforeEach(async () => {
  closed = `127.0.0.1:${await freePort()}`;
});

afterEach(async () => {
  await gateway?.stop("SIGKILL");
  lab.clear();
});

afterAll(async () => {
  await lab?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(args: readonly string[] = []): Promise<void> {
  gateway = await startGateway(
    {
      upstreams: {
        app: { endpoints: [closed, lab.address] },
        lab: lab.address,
        gone: { endpoints: [closed], hold: "off" },
        held: closed,
      },
      routes: [
        { name: "lab", path: "/lab/*", proxy: "lab" },
        { name: "gone", path: "/gone", proxy: "gone" },
        { name: "held", path: "/held/*", strip: "/held", proxy: "held" },
        { name: "app", path: "/", proxy: "app" },
      ],
      log: { access: { to: join(folder, "access.log"), format: "json" }, failures: join(folder, "failures.log") },
    },
    args,
  );
}

const linesOf = (name: string): string[] => readFileSync(join(folder, name), "utf8").split("\n").slice(0, -1);
const metrics = async (): Promise<string> => (await fetch(`${gateway.consoleUrl}/metrics`)).text();

interface Day {
  date: string;
  requests: number;
  shown: Record<string, number>;
  avoided: Record<string, Record<string, number>>;
  costMs: number;
  costMaxMs: number;
}

async function ledger(): Promise<Day[]> {
  const response = await fetch(`${gateway.consoleUrl}/api/avoided`);
  expect(response.headers.get("content-type")).toBe("application/json");
  return ((await response.json()) as { days: Day[] }).days;
}

/** The ledger as one, since a test may run over midnight: "failover connect-refused" → count. */
async function sums(): Promise<{ requests: number; shown: Record<string, number>; by: Record<string, number> }> {
  const days = await ledger();
  const avoided = days.flatMap((day) =>
    Object.entries(day.avoided).flatMap(([by, causes]) =>
      Object.entries(causes).map(([cause, count]): [string, number] => [`${by} ${cause}`, count]),
    ),
  );
  return {
    requests: days.reduce((sum, day) => sum + day.requests, 0),
    shown: summed(days.flatMap((day) => Object.entries(day.shown))),
    by: summed(avoided),
  };
}

function summed(counts: readonly [string, number][]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [key, count] of counts) sums[key] = (sums[key] ?? 0) + count;
  return sums;
}

let serial = 0;

async function ask(target: string, more = ""): Promise<{ status: number; entry: Record<string, unknown> }> {
  const id = `avoided-${serial++}`;
  const { status } = await exchange(
    gateway.port,
    `GET ${target} HTTP/1.1\r\n${HOST}X-Request-Id: ${id}\r\n${more}\r\n`,
  );
  const entry = await until(
    () =>
      linesOf("access.log")
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .find(({ requestId }) => requestId === id),
    3000,
    () => `no line for ${id}`,
  );
  return { status, entry };
}

/** Asks until a request went to the closed endpoint first. */
async function askRefused(): Promise<Record<string, unknown>> {
  for (let n = 0; n < 10; n++) {
    const { status, entry } = await ask("/");
    expect(status).toBe(200);
    if (entry["attempts"] === 2) return entry;
    expect(entry).not.toHaveProperty("avoided");
  }
  throw new Error("the closed endpoint was never tried");
}

test("one of two endpoints refuses: a failover in access log, failure log, metrics and ledger", async () => {
  await start();
  const entry = await askRefused();
  expect(entry).toMatchObject({
    status: 200,
    cause: null,
    endpoint: lab.address,
    avoided: { by: "failover", cause: "connect-refused", costMs: expect.any(Number) },
  });
  const { costMs } = entry["avoided"] as { costMs: number };
  expect(costMs).toBeGreaterThanOrEqual(0);
  expect(costMs).toBeLessThanOrEqual(entry["durationMs"] as number);
  const text = await metrics();
  const labels = { route: "app", upstream: "app", by: "failover" };
  const count = metricValue(text, "goodgate_avoided_total", { ...labels, cause: "connect-refused" });
  expect(count).toBeGreaterThanOrEqual(1);
  expect(metricValue(text, "goodgate_avoided_cost_seconds_total", labels)).toBeGreaterThanOrEqual(0);
  const { by, shown } = await sums();
  expect(by).toEqual({ "failover connect-refused": count });
  expect(shown).toEqual({});
  const line = await until(
    () => linesOf("failures.log").find((one) => one.includes(" 200 saved connect-refused ")),
    3000,
    () => "no line in the failure log",
  );
  expect(line).toMatch(/, retried on .* → 200, saved by failover after [\d.]+ ms \[req /);
});

test("a connection that dies is tried again at the same endpoint: a retry", async () => {
  await start();
  lab.next("reset-before-head");
  const { status, entry } = await ask("/lab/echo");
  expect([status, entry["avoided"]]).toEqual([
    200,
    { by: "retry", cause: "closed-before-response", costMs: expect.any(Number) },
  ]);
  expect((await sums()).by).toEqual({ "retry closed-before-response": 1 });
});

interface Happened {
  kind: string;
  message: string;
  endpoint?: string;
}

async function events(): Promise<Happened[]> {
  return ((await (await fetch(`${gateway.consoleUrl}/api/events`)).json()) as { events: Happened[] }).events;
}

test("the only endpoint restarts: the request is held; its wait, and what happened, are said", async () => {
  await start();
  const [host, port] = closed.split(":");
  const address = { host: host!, port: Number(port) };
  const before = await startLab(address);
  expect((await ask("/held/lab/echo")).entry).not.toHaveProperty("heldMs");
  await before.close();
  const asked = ask("/held/lab/echo");
  await until(
    () => gateway.output().includes("requests are held"),
    3000,
    () => gateway.output(),
  );
  const back = await startLab(address);
  try {
    const { status, entry } = await asked;
    expect([status, entry["endpoint"]]).toEqual([200, closed]);
    expect(entry["avoided"]).toMatchObject({ by: "hold", cause: "connect-refused" });
    expect(entry["heldMs"]).toBeGreaterThan(0);
    expect((entry["avoided"] as { costMs: number }).costMs).toBeGreaterThanOrEqual(entry["heldMs"] as number);
    expect((await sums()).by).toEqual({ "hold connect-refused": 1 });
    expect(metricValue(await metrics(), "goodgate_held_seconds_count", { upstream: "held" })).toBe(1);
    const seen = (await events()).filter(({ message }) => message.startsWith("upstream held: "));
    expect(seen.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(["endpoint-gone", "outage-begun", "endpoint-back", "outage-ended"]),
    );
    for (const { message } of seen) expect(gateway.output()).toContain(message);
    expect(gateway.output()).toContain(`upstream held: ${closed} refuses connections (ECONNREFUSED)`);
  } finally {
    await back.close();
  }
});

test("what visitors saw stands beside it: our errors and cuts, not the upstream's own, not what clients do", async () => {
  await start();
  const targets = ["/gone", "/gone", "/lab/fault/app-503", "/lab/fault/garbage-head", "/lab/echo", "/lab/status/404"];
  for (const target of targets) await ask(target);
  await exchange(gateway.port, `GET /lab/fault/reset-mid-body HTTP/1.1\r\n${HOST}\r\n`).catch(() => "cut");
  await exchange(gateway.port, "GET / HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n");
  const { shown, by, requests } = await sums();
  expect(shown).toEqual({ "connect-refused": 2, "protocol-mismatch": 1, "response-truncated": 1 });
  expect([by, requests]).toEqual([{}, targets.length + 2]);
});

test("the day's line is in the program's log at shutdown", async () => {
  await start();
  await askRefused();
  const { by, requests } = await sums();
  const saved = by["failover connect-refused"]!;
  gateway.process.kill("SIGTERM");
  await until(
    () => /: [\d,]+ requests?, /.test(gateway.output()),
    5000,
    () => gateway.output(),
  );
  expect(gateway.output()).toMatch(
    new RegExp(
      `\\d{4}-\\d\\d-\\d\\d: ${requests} requests?, ${saved} gateway errors? avoided \\(${saved} retried elsewhere; .* added on average, .* at most\\), none shown`,
    ),
  );
});

test("with workers the ledger is theirs together, and its line is one", async () => {
  await start(["--workers", "2"]);
  await Promise.all(Array.from({ length: 20 }, () => exchange(gateway.port, `GET / HTTP/1.1\r\n${HOST}\r\n`)));
  const { requests, by } = await sums();
  expect(requests).toBe(20);
  expect(by["failover connect-refused"]).toBeGreaterThanOrEqual(1);
  const events = await fetch(`${gateway.consoleUrl}/api/events`);
  expect(await events.json()).toMatchObject({ events: expect.any(Array) });
  await exchange(gateway.port, `GET /gone HTTP/1.1\r\n${HOST}\r\n`);
  gateway.process.kill("SIGTERM");
  await until(
    () => gateway.process.exitCode !== null,
    8000,
    () => gateway.output(),
  );
  // The last request was counted after the last question: a worker says its figures when it ends.
  const lines = gateway.output().match(/\d{4}-\d\d-\d\d: .*/g) ?? [];
  expect(lines).toEqual([expect.stringMatching(/: 21 requests, .* 1 shown \(connect-refused 1\)$/)]);
});
