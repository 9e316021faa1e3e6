// Limits of an endpoint: requests above them wait for a place, in their order, for a bounded time; and the share of an
// endpoint that is back grows slowly.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { LabRequest } from "../src/lab/fault.ts";
import type { Lab } from "../src/lab/server.ts";
import { exchange, pause, RawClient, type RawResponse, type RunningGateway, startGateway, until } from "./harness.ts";
import { startLastingLab } from "./held.ts";
import { stands } from "./upstream-events.ts";

let lab: Lab;
let other: Lab;
let gateway: RunningGateway;
/** Requests at work in each lab, the most there were at once, and what lets them go on. */
let gate: { open(): void; readonly opened: Promise<void> };
const work = { now: 0, most: 0 };

async function handler(request: LabRequest) {
  if (request.path !== "/gated") return null;
  work.most = Math.max(work.most, ++work.now);
  await gate.opened;
  // What is let go on stays for a moment, so that too many at once would be seen.
  await pause(5);
  work.now--;
  return { status: 200, body: "done\n" };
}

beforeAll(async () => {
  [lab, other] = await Promise.all([startLastingLab({ handler }), startLastingLab({ handler })]);
  const patient = { for: "15s" };
  const upstreams: Record<string, unknown> = {
    connections: { endpoints: [lab.address], limits: { connections: 2 }, queue: patient },
    requests: { endpoints: [lab.address], limits: { requests: 2 }, queue: patient },
    one: { endpoints: [lab.address], limits: { requests: 1 }, queue: patient },
    off: { endpoints: [lab.address], limits: { requests: 1 }, queue: "off" },
    brief: { endpoints: [lab.address], limits: { connections: 1 }, queue: { for: "300ms" } },
    small: { endpoints: [lab.address], limits: { requests: 1 }, queue: { requests: 2, for: "15s" } },
    pair: { endpoints: [lab.address, other.address], limits: { requests: 1 }, queue: patient },
    unheld: { endpoints: [lab.address], limits: { requests: 1 }, queue: patient, hold: "off" },
    slow: { endpoints: [lab.address, other.address], "slow-start": "60s" },
  };
  const routes = Object.keys(upstreams).map((name) => ({ path: `/${name}/*`, strip: `/${name}`, proxy: name }));
  gateway = await startGateway({ upstreams, routes });
});

afterAll(async () => {
  await gateway?.stop("SIGKILL");
  await Promise.all([lab?.close(), other?.close()]);
});

beforeEach(() => {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  gate = { open, opened };
  work.now = 0;
  work.most = 0;
});

afterEach(async () => {
  gate.open();
  await Promise.all([lab.listen(), other.listen()]);
  for (const one of [lab, other]) one.clear();
});

interface Asked {
  readonly id: string;
  readonly client: RawClient;
  readonly response: Promise<RawResponse>;
}

let serial = 0;

function ask(target: string): Asked {
  const id = `queue-${serial++}`;
  const client = new RawClient(gateway.port);
  client.send(`GET ${target} HTTP/1.1\r\nHost: shop.test\r\nX-Request-Id: ${id}\r\n\r\n`);
  const response = client.response("GET", 18_000);
  // Some of them are asked for an answer late, or never.
  response.catch(() => undefined);
  return { id, client, response };
}

/** One after the other, so that their order is certain. */
async function askMany(target: string, count: number): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (let n = 0; n < count; n++) {
    asked.push(ask(target));
    await pause(10);
  }
  return asked;
}

async function statusesOf(asked: readonly Asked[]): Promise<number[]> {
  const responses = await Promise.all(asked.map(({ response }) => response));
  for (const { client } of asked) client.close();
  return responses.map(({ status }) => status);
}

const delivered = (one: Lab = lab): string[] =>
  one.deliveries.map(({ headers }) => headers.find(([name]) => name === "X-Request-Id")?.[1] ?? "");

function atWork(count: number): Promise<unknown> {
  return until(
    () => work.now === count,
    5000,
    () => `${work.now} at work, not ${count}`,
  );
}

test.each(["connections", "requests"])(
  "limits.%s: never more at once, all are answered, in their order",
  async (name) => {
    const asked = await askMany(`/${name}/gated`, 20);
    await atWork(2);
    await pause(100);
    expect([work.now, lab.deliveries.length]).toEqual([2, 2]);
    gate.open();
    expect(await statusesOf(asked)).toEqual(asked.map(() => 200));
    expect(work.most).toBe(2);
    const entries = await Promise.all(asked.map(({ id }) => gateway.entryOf(id)));
    expect(entries.map((entry) => "queuedMs" in entry)).toEqual(asked.map((_, n) => n >= 2));
    expect(entries[19]!["queuedMs"]).toBeGreaterThan(90);
    expect(entries[19]).not.toHaveProperty("heldMs");
  },
);

test("who waits goes on in the order of arrival", async () => {
  const asked = await askMany("/one/gated", 15);
  gate.open();
  expect(await statusesOf(asked)).toEqual(asked.map(() => 200));
  expect([delivered(), work.most]).toEqual([asked.map(({ id }) => id), 1]);
});

test("a place at any endpoint will do", async () => {
  const asked = await askMany("/pair/gated", 10);
  await atWork(2);
  gate.open();
  expect(await statusesOf(asked)).toEqual(asked.map(() => 200));
  expect(lab.deliveries.length).toBeGreaterThan(0);
  expect(other.deliveries.length).toBeGreaterThan(0);
  expect(lab.deliveries.length + other.deliveries.length).toBe(10);
});

test("queue: off refuses at once", async () => {
  const first = ask("/off/gated");
  await atWork(1);
  const refused = ask("/off/gated");
  const { status, fields } = await refused.response;
  expect([status, fields.has("retry-after")]).toEqual([503, true]);
  const entry = await gateway.entryOf(refused.id);
  expect(entry).toMatchObject({ cause: "pool-exhausted" });
  expect(entry).not.toHaveProperty("queuedMs");
  gate.open();
  expect((await first.response).status).toBe(200);
});

test("queue.for: 503 pool-exhausted, which says that the wait in the queue was over", async () => {
  const first = ask("/brief/gated");
  await atWork(1);
  const refused = ask("/brief/gated");
  const { status, fields } = await refused.response;
  expect([status, fields.has("retry-after")]).toEqual([503, true]);
  expect(fields.get("proxy-status")).toContain("error=connection_limit_reached");
  const entry = await gateway.entryOf(refused.id);
  expect(entry).toMatchObject({ cause: "pool-exhausted", attempts: 0 });
  expect(entry["queuedMs"]).toBeGreaterThanOrEqual(300);
  await until(
    () => /pool-exhausted brief.*no place at .* became free within 300 ms/i.test(gateway.output()),
    3000,
    () => gateway.output(),
  );
  gate.open();
  expect((await first.response).status).toBe(200);
  expect((await ask("/brief/lab/echo").response).status).toBe(200);
  expect(delivered()).not.toContain(refused.id);
});

test("queue.requests: one too many is refused at once, and its place is free when one has left", async () => {
  const asked = await askMany("/small/gated", 3);
  await atWork(1);
  const refused = ask("/small/gated");
  expect((await refused.response).status).toBe(503);
  expect(await gateway.entryOf(refused.id)).toMatchObject({ cause: "pool-exhausted" });
  const leaver = asked.pop()!;
  leaver.client.socket.resetAndDestroy();
  expect(await gateway.entryOf(leaver.id)).toMatchObject({ cause: "client-closed-request" });
  asked.push(ask("/small/gated"));
  await pause(100);
  gate.open();
  expect(await statusesOf(asked)).toEqual([200, 200, 200]);
  expect(delivered()).toEqual(asked.map(({ id }) => id));
});

test("an attempt that fails makes room as one that is answered does", async () => {
  const first = ask("/one/gated");
  await atWork(1);
  lab.next("garbage-head", 1);
  const asked = await askMany("/one/lab/echo", 3);
  gate.open();
  expect((await first.response).status).toBe(200);
  expect(await statusesOf(asked)).toEqual([502, 200, 200]);
});

test("hold: off and a queue: behind an outage new requests wait for a place like those before them", async () => {
  const first = ask("/unheld/gated");
  await atWork(1);
  const queued = await askMany("/unheld/gated", 6);
  lab.crash(600_000);
  // A GET whose connection dies is tried again once, and then nothing listens.
  expect((await first.response).status).toBe(502);
  await lab.listen();
  work.now = 0;
  await atWork(1);
  const late = await askMany("/unheld/gated", 3);
  gate.open();
  // The next in line had the place of the first before anybody knew.
  const [next, ...others] = await statusesOf([...queued, ...late]);
  expect([200, 502]).toContain(next);
  expect(others).toEqual(others.map(() => 200));
});

test("slow-start: an endpoint that is back does not get its full share at once", async () => {
  const share = async (requests: number): Promise<number> => {
    for (const one of [lab, other]) one.clear();
    for (let n = 0; n < requests; n++)
      await exchange(gateway.port, "GET /slow/lab/echo HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    return lab.deliveries.length / requests;
  };
  expect(await share(20)).toBe(0.5);
  lab.crash(600_000);
  expect(await share(6)).toBe(0);
  await lab.listen();
  await stands(gateway, "slow", "endpoint-back", lab.address);
  const cold = await share(100);
  expect(cold).toBeGreaterThan(0);
  expect(cold).toBeLessThan(0.35);
});
