// --workers 2: both serve, one that dies is replaced and costs only what it had in flight, figures are merged, and
// reload, drain and start-up work as with one process.
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import { metricValue } from "./command.ts";
import { exchange, pause, RawClient, type RunningGateway, startGateway, until } from "./harness.ts";

const HOST = "Host: shop.test\r\n";
const REQUEST = `GET /lab/echo HTTP/1.1\r\n${HOST}\r\n`;

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

async function start(config: Record<string, unknown> = {}): Promise<number[]> {
  gateway = await startGateway({ upstreams: { lab: lab.address }, ...config }, ["--workers", "2"]);
  return until(
    () => workers().length === 2 && workers(),
    3000,
    () => `${workers().length} workers`,
  );
}

/** Process ids of the workers: the children that run the program. */
function workers(): number[] {
  const parent = gateway.process.pid!;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
}

function parentOf(pid: number): number {
  try {
    return Number(/\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]);
  } catch {
    return 0;
  }
}

const metrics = async (): Promise<string> => (await fetch(`${gateway.consoleUrl}/metrics`)).text();

/** Which worker holds each of these client connections: by the pids that own their sockets. */
function workerOf(client: RawClient, pids: readonly number[]): number | undefined {
  const port = client.socket.localPort!.toString(16).toUpperCase().padStart(4, "0");
  // The kernel's table is read in pieces; a line may be missed where it changes meanwhile.
  for (let attempt = 0; attempt < 10; attempt++) {
    const line = readFileSync("/proc/net/tcp", "utf8")
      .split("\n")
      .find((text) => new RegExp(`^\\s*\\d+: \\S+ 0100007F:${port} 01 `).test(text));
    const inode = line?.trim().split(/\s+/)[9];
    const owner = pids.find((pid) =>
      readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`),
    );
    if (owner !== undefined) return owner;
  }
  return undefined;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

test("both workers serve, and /metrics adds up what they did", async () => {
  const pids = await start();
  const clients: RawClient[] = [];
  const owners = new Set<number | undefined>();
  // The second worker may still be starting.
  for (const end = performance.now() + 4000; owners.size < 2 && performance.now() < end; await pause(20)) {
    const client = new RawClient(gateway.port);
    clients.push(client);
    client.send(REQUEST);
    expect((await client.response()).status).toBe(200);
    owners.add(workerOf(client, pids));
  }
  expect([...owners].sort()).toEqual([...pids].sort());
  const text = await metrics();
  expect(metricValue(text, "goodgate_requests_total", { code: "200", method: "GET" })).toBe(clients.length);
  expect(metricValue(text, "goodgate_client_connections")).toBe(clients.length);
  for (const client of clients) client.close();
});

test("a worker that is killed is replaced within 1 s, and only its requests fail (scenario 29)", async () => {
  const pids = await start();
  await pause(1100);
  const clients = Array.from({ length: 8 }, () => new RawClient(gateway.port));
  for (const client of clients) client.send(`GET /lab/slow?ms=900 HTTP/1.1\r\n${HOST}\r\n`);
  await until(
    () => lab.deliveriesOf("/lab/slow").length === 8,
    2000,
    () => "not all are in flight",
  );
  const owners = clients.map((client) => workerOf(client, pids));
  const [victim] = pids;
  expect(owners).toContain(victim);
  process.kill(victim!, "SIGKILL");
  const outcomes = await Promise.all(
    clients.map((client) =>
      client.response().then(
        ({ status, whole }) => `${status} ${whole}`,
        () => "failed",
      ),
    ),
  );
  expect(outcomes).toEqual(owners.map((owner) => (owner === victim ? "failed" : "200 true")));
  for (const client of clients) client.close();
  expect(workers()).toHaveLength(2);
  for (let round = 0; round < 20; round++) expect((await exchange(gateway.port, REQUEST)).status).toBe(200);
});

test("requests while a worker is replaced are served by the other", async () => {
  const pids = await start();
  await pause(1100);
  process.kill(pids[0]!, "SIGKILL");
  const began = performance.now();
  let failed = 0;
  while (performance.now() - began < 1000) {
    const seen = await exchange(gateway.port, REQUEST).catch(() => null);
    if (seen?.status !== 200) failed++;
    await pause(10);
  }
  // Connections that the dead worker had been handed and not yet read are lost with it.
  expect(failed).toBeLessThanOrEqual(1);
  expect(workers().filter((pid) => !pids.includes(pid))).toHaveLength(1);
});

test("clients that come while no worker is left wait for the next one instead of being refused", async () => {
  const pids = await start();
  await pause(1100);
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await until(
    () => pids.every((pid) => parentOf(pid) === 0),
    2000,
    () => "the workers do not end",
  );
  const statuses = await Promise.all(
    Array.from({ length: 10 }, () => exchange(gateway.port, REQUEST).then(({ status }) => status)),
  );
  expect(new Set(statuses)).toEqual(new Set([200]));
});

test("a worker is replaced also while the file on disk is broken: the configuration in force stays in force", async () => {
  const pids = await start();
  await pause(1100);
  writeFileSync(join(gateway.folder, "goodgate.yaml"), "upstreams: [");
  gateway.process.kill("SIGHUP");
  await until(
    () => gateway.output().includes("stays in force"),
    3000,
    () => "no word about the broken file",
  );
  process.kill(pids[0]!, "SIGKILL");
  await pause(1500);
  expect(workers()).toContain(pids[1]);
  expect(workers()).toHaveLength(2);
  // It is not one that starts and dies again and again.
  const now = workers();
  await pause(1200);
  expect(workers().sort()).toEqual(now.sort());
});

test("a reload reaches all workers", async () => {
  await start();
  const file = join(gateway.folder, "goodgate.yaml");
  const config = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify({ ...config, routes: [{ path: "/", respond: { status: 200, body: "new" } }] }));
  gateway.process.kill("SIGHUP");
  await until(
    () => gateway.output().includes("reloaded"),
    3000,
    () => gateway.output(),
  );
  await pause(300);
  const bodies = await Promise.all(
    Array.from({ length: 8 }, () => exchange(gateway.port, REQUEST).then(({ body }) => body.toString())),
  );
  expect(new Set(bodies)).toEqual(new Set(["new"]));
});

test("SIGTERM drains all workers: what is in flight finishes, exit 0, no process is left", async () => {
  const pids = await start();
  await pause(1000);
  const clients = Array.from({ length: 6 }, () => new RawClient(gateway.port));
  for (const client of clients) client.send(`GET /lab/slow?ms=700 HTTP/1.1\r\n${HOST}\r\n`);
  await until(
    () => lab.deliveriesOf("/lab/slow").length === 6,
    2000,
    () => "not all are in flight",
  );
  const exit = gateway.stop("SIGTERM");
  await pause(150);
  expect((await fetch(`${gateway.consoleUrl}/readyz`)).status).toBe(503);
  expect(await exchange(gateway.port, REQUEST).catch(() => "refused")).toBe("refused");
  for (const client of clients) expect((await client.response()).status).toBe(200);
  for (const client of clients) client.close();
  expect(await exit).toBe(0);
  for (const pid of pids) expect(parentOf(pid)).toBe(0);
});

test("SIGTERM while a worker is still starting ends, too", async () => {
  await start();
  // Right after the start line the second worker has not yet begun to listen to the primary.
  const code = await Promise.race([gateway.stop("SIGTERM"), pause(6000).then(() => "still there after 6 s")]);
  expect(code).toBe(0);
});

test("SIGTERM that has to cut requests says so by its exit code, as with one process", async () => {
  await start({ drain: "400ms" });
  await pause(1000);
  const client = new RawClient(gateway.port);
  client.send(`GET /lab/slow?ms=20000 HTTP/1.1\r\n${HOST}\r\n`);
  await until(
    () => lab.deliveriesOf("/lab/slow").length === 1,
    2000,
    () => "not in flight",
  );
  expect(await gateway.stop("SIGTERM")).toBe(1);
  client.close();
});

test("/readyz knows an upstream without a usable endpoint before anybody asks for /metrics", async () => {
  await start({
    upstreams: { lab: lab.address, empty: { endpoints: [{ address: "127.0.0.1:1", down: true }] } },
    routes: [
      { path: "/", proxy: "lab" },
      { path: "/e", proxy: "empty" },
    ],
  });
  const ready = await fetch(`${gateway.consoleUrl}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining("empty")]);
});

test("logs of both workers are whole lines in one file", async () => {
  await start();
  await Promise.all(Array.from({ length: 60 }, () => exchange(gateway.port, REQUEST)));
  await until(
    () => gateway.log().length === 60,
    3000,
    () => `${gateway.log().length} entries`,
  );
});
