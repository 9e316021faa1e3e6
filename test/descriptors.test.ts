// More clients than descriptors: they wait in the kernel until others have left; none is reset or refused, and the
// console answers all the while.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import { metricValue } from "./command.ts";
import { exchange, pause, RawClient, type RunningGateway, startGateway, until } from "./harness.ts";

const HOST = "Host: shop.test\r\n";
const REQUEST = `GET /lab/echo HTTP/1.1\r\n${HOST}\r\n`;
const CLIENTS = 300;

let lab: Lab;
let gateway: RunningGateway;

beforeAll(async () => {
  lab = await startLab();
});

afterEach(async () => {
  await gateway?.stop("SIGKILL");
  lab.clear();
});

afterAll(() => lab?.close());

vi.setConfig({ testTimeout: 60_000 });

const isLinux = process.platform === "linux";

async function start(files: number, config: Record<string, unknown> = {}, args: readonly string[] = []): Promise<void> {
  gateway = await startGateway({ upstreams: { lab: lab.address }, ...config }, args, {
    prefix: ["sh", "-c", `ulimit -n ${files}; exec "$@"`, "sh"],
  });
}

const metrics = async (): Promise<string> => (await fetch(`${gateway.consoleUrl}/metrics`)).text();

/** All connect at once, ask, and keep their connection; gives how each fared. */
async function crowd(target: string): Promise<string[]> {
  const clients = Array.from({ length: CLIENTS }, () => new RawClient(gateway.port));
  const outcomes = await Promise.all(
    clients.map(async (client) => {
      client.send(`GET ${target} HTTP/1.1\r\n${HOST}\r\n`);
      return client.response("GET", 15_000).then(
        ({ status, whole }) => `${status} ${whole}`,
        (error: Error) => error.message,
      );
    }),
  );
  for (const client of clients) client.close();
  return outcomes;
}

test.skipIf(!isLinux).each([
  ["at once", "/lab/echo"],
  ["slow ones", "/lab/slow?ms=100"],
])("300 clients with 128 descriptors, %s: all are answered, and the console answers meanwhile", async (_, target) => {
  await start(128);
  let over = false;
  let pausedSeen = 0;
  const watching = (async () => {
    while (!over) {
      pausedSeen += metricValue(await metrics(), "goodgate_accept_paused") ?? 0;
      await pause(20);
    }
  })();
  const outcomes = await crowd(target);
  over = true;
  await watching;
  expect(new Set(outcomes)).toEqual(new Set(["200 true"]));
  expect(pausedSeen).toBeGreaterThan(0);
  let text = await metrics();
  for (let i = 0; i < 100 && metricValue(text, "goodgate_accept_paused") !== 0; i++) {
    await pause(50);
    text = await metrics();
  }
  expect(metricValue(text, "goodgate_accept_paused")).toBe(0);
  expect(metricValue(text, "goodgate_accept_pauses_total")).toBeGreaterThan(0);
  expect(metricValue(text, "goodgate_open_descriptors_limit")).toBe(128);
  expect((await exchange(gateway.port, REQUEST)).status).toBe(200);
  const told = gateway.output().match(/new clients wait/g) ?? [];
  expect(told).toHaveLength(1);
  expect(gateway.output()).toContain("LimitNOFILE");
});

test.skipIf(!isLinux)("clients that keep their connection and say nothing make room for others", async () => {
  await start(128);
  const idle: RawClient[] = [];
  for (let i = 0; i < 60; i++) {
    const client = new RawClient(gateway.port);
    idle.push(client);
    client.send(REQUEST);
    expect((await client.response()).status).toBe(200);
  }
  await pause(1200);
  const outcomes = await crowd("/lab/echo");
  expect(new Set(outcomes)).toEqual(new Set(["200 true"]));
  for (const client of idle) client.close();
});

test.skipIf(!isLinux)("two workers with 128 descriptors each", async () => {
  await start(128, {}, ["--workers", "2"]);
  expect(new Set(await crowd("/lab/slow?ms=100"))).toEqual(new Set(["200 true"]));
});

test.skipIf(!isLinux || spawnSync("prlimit", ["--version"]).status !== 0)(
  "the limit is the hard one: what the program may raise, it has raised",
  async () => {
    gateway = await startGateway({ upstreams: { lab: lab.address } }, [], { prefix: ["prlimit", "--nofile=100:700"] });
    const limits = readFileSync(`/proc/${gateway.process.pid}/limits`, "utf8");
    expect(limits).toMatch(/^Max open files +700 +700/m);
    expect(metricValue(await metrics(), "goodgate_open_descriptors_limit")).toBe(700);
  },
);

test.skipIf(!isLinux)(
  "all leave while accepting is paused, and no console keeps the process alive: it serves on",
  async () => {
    await start(128, { console: "off" });
    const clients = Array.from({ length: CLIENTS }, () => new RawClient(gateway.port));
    for (const client of clients) client.send(`GET /lab/echo HTTP/1.1\r\n${HOST}X-Unfinished: `);
    await until(
      () => gateway.output().includes("new clients wait"),
      10_000,
      () => `accepting was never paused:\n${gateway.output()}`,
    );
    await pause(1000);
    for (const client of clients) client.close();
    await pause(500);
    expect(gateway.process.exitCode).toBeNull();
    expect((await exchange(gateway.port, REQUEST)).status).toBe(200);
  },
);
