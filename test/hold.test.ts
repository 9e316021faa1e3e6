// An upstream that restarts: requests wait for it instead of failing, within bounds, and none is sent twice.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { LabRequest } from "../src/lab/fault.ts";
import type { Lab } from "../src/lab/server.ts";
import { metricValue } from "./command.ts";
import { pause, RawClient, type RunningGateway, startGateway, until } from "./harness.ts";
import { type Asked, askAt, delivered, down, requestOf, routesTo, startLastingLab, statusesOf, works } from "./held.ts";
import { freePort, seededBytes, sha256 } from "./origin.ts";
import { stands } from "./upstream-events.ts";

let lab: Lab;
let other: Lab;
let gateway: RunningGateway;
/** Requests that the lab's handler works on at this moment, and the gate that they wait at. */
const working = { now: 0, most: 0, since: 0, gate: Promise.resolve() };

async function* endless(request: LabRequest): AsyncGenerator<string> {
  yield "data: hello\n\n";
  await new Promise((resolve) => request.gone.addEventListener("abort", resolve));
}

async function handler(request: LabRequest) {
  if (request.path === "/events")
    return { status: 200, headers: [["Content-Type", "text/event-stream"]] as const, body: endless(request) };
  if (request.path !== "/gated") return null;
  working.since ||= performance.now();
  working.most = Math.max(working.most, ++working.now);
  await working.gate;
  working.now--;
  return { status: 200, body: "done\n" };
}

beforeAll(async () => {
  [lab, other] = await Promise.all([startLastingLab({ handler }), startLastingLab()]);
  const upstreams: Record<string, unknown> = {
    app: { endpoints: [lab.address], hold: { for: "15s" } },
    ordered: { endpoints: [lab.address], hold: { for: "15s" }, limits: { connections: 1 } },
    never: { endpoints: [`127.0.0.1:${await freePort()}`] },
    short: { endpoints: [lab.address], hold: { for: "400ms" } },
    few: { endpoints: [lab.address], hold: { for: "15s", requests: 2 } },
    bytes: { endpoints: [lab.address], hold: { for: "15s", bytes: "100KiB" } },
    off: { endpoints: [lab.address], hold: "off" },
    narrow: { endpoints: [lab.address], hold: { for: "15s" }, limits: { requests: 1 }, queue: { for: "500ms" } },
    pair: { endpoints: [lab.address, other.address], hold: { for: "15s" } },
  };
  gateway = await startGateway({ upstreams, routes: routesTo(Object.keys(upstreams)) });
});

afterAll(async () => {
  await gateway?.stop("SIGKILL");
  await Promise.all([lab?.close(), other?.close()]);
});

afterEach(async () => {
  await Promise.all([lab.listen(), other.listen()]);
  lab.clear();
  other.clear();
});

/** A request to this gateway. */
const ask = (target: string, body?: Buffer | "chunked"): Asked => askAt(gateway, target, body);

/** Waits until the gateway has noticed that the upstream is away. */
const noticed = (upstream: string): Promise<unknown> => stands(gateway, upstream, "outage-begun");

/** The upstream has worked, and does no more. */
async function worksAndGoes(upstream: string): Promise<void> {
  await works(gateway, upstream);
  lab.clear();
  down(lab);
}

test("while the only endpoint is away GET and POST wait, go on in their order, and are delivered once", async () => {
  await worksAndGoes("ordered");
  const asked: Asked[] = [ask("/ordered/lab/echo")];
  // Those that find out by themselves that nothing listens have no certain order.
  await noticed("ordered");
  for (let n = 1; n < 20; n++) {
    asked.push(ask("/ordered/lab/echo", n % 2 === 0 ? undefined : Buffer.from(`order ${n}`)));
    await pause(10);
  }
  await lab.listen();
  expect(await statusesOf(asked)).toEqual(asked.map(() => 200));
  expect(delivered(lab)).toEqual(asked.map(({ id }) => id));
  const entries = await Promise.all(asked.map(({ id }) => gateway.entryOf(id)));
  for (const entry of entries) expect(entry["heldMs"]).toBeGreaterThan(0);
  expect(entries[5]).toMatchObject({ cause: null, avoided: { by: "hold", costMs: expect.any(Number) } });
  expect((await stands(gateway, "ordered", "outage-ended")).heldRequests).toBe(20);
  const metrics = await (await fetch(`${gateway.consoleUrl}/metrics`)).text();
  expect(metricValue(metrics, "goodgate_held_seconds_count", { upstream: "ordered" })).toBe(20);
  const events = { upstream: "ordered", kind: "outage-begun" };
  expect(metricValue(metrics, "goodgate_upstream_events_total", events)).toBe(1);
});

test("request bodies survive the wait, whatever their size and framing", async () => {
  await worksAndGoes("app");
  const bodies = [seededBytes(1, 10), seededBytes(2, 70_000), seededBytes(3, 3_000_000), "chunked" as const];
  const asked = bodies.map((body) => ask("/app/lab/echo", body));
  await noticed("app");
  await pause(100);
  await lab.listen();
  const responses = await Promise.all(asked.map(({ response }) => response));
  for (const [index, body] of bodies.entries()) {
    const whole = body === "chunked" ? Buffer.from("hello world") : body;
    expect(responses[index]!.status).toBe(200);
    expect(JSON.parse(responses[index]!.body.toString())).toMatchObject({
      body: { bytes: whole.length, sha256: sha256(whole), complete: true },
    });
  }
  expect(delivered(lab).sort()).toEqual(asked.map(({ id }) => id).sort());
  for (const { client } of asked) client.close();
});

test("a body of which the rest comes after the wait is sent on whole", async () => {
  await worksAndGoes("app");
  const client = new RawClient(gateway.port);
  client.send("POST /app/lab/echo HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 11\r\n\r\nhello");
  await noticed("app");
  await lab.listen();
  await stands(gateway, "app", "outage-ended");
  client.send(" world");
  const { status, body } = await client.response("POST");
  expect([status, JSON.parse(body.toString())]).toMatchObject([
    200,
    { body: { complete: true, sha256: sha256(Buffer.from("hello world")) } },
  ]);
  client.close();
});

test("requests that are pipelined wait and are answered in their order", async () => {
  await worksAndGoes("app");
  const client = new RawClient(gateway.port);
  const ids = ["pipe-1", "pipe-2", "pipe-3"];
  client.send(
    Buffer.concat(ids.map((id, n) => requestOf("/app/lab/echo", id, n === 1 ? seededBytes(4, 20_000) : undefined))),
  );
  await pause(200);
  await lab.listen();
  for (const id of ids) {
    const response = await client.response();
    expect(response.status).toBe(200);
    expect(response.body.toString()).toContain(id);
  }
  client.close();
  expect(delivered(lab)).toEqual(ids);
});

test("an upstream that never worked is not waited for: 502 connect-refused at once", async () => {
  for (let n = 0; n < 3; n++) {
    const { id, response } = ask("/never/");
    expect((await response).status).toBe(502);
    const entry = await gateway.entryOf(id);
    expect(entry).toMatchObject({ cause: "connect-refused" });
    expect(entry).not.toHaveProperty("heldMs");
    expect(entry["durationMs"]).toBeLessThan(400);
  }
});

test("away for longer than hold.for: 503 with Retry-After, then failures within milliseconds, then all is well", async () => {
  await worksAndGoes("short");
  const { id, response } = ask("/short/lab/echo");
  const { status, fields } = await response;
  expect(status).toBe(503);
  expect(Number(fields.get("retry-after"))).toBeGreaterThan(0);
  expect(fields.get("proxy-status")).toMatch(/error=destination_unavailable/);
  const entry = await gateway.entryOf(id);
  expect(entry).toMatchObject({ cause: "no-healthy-upstream" });
  expect(entry["heldMs"]).toBeGreaterThanOrEqual(400);
  const durations: number[] = [];
  for (let n = 0; n < 5; n++) {
    const later = ask("/short/lab/echo", Buffer.from("x"));
    expect([502, 503]).toContain((await later.response).status);
    durations.push((await gateway.entryOf(later.id))["durationMs"] as number);
  }
  expect(Math.min(...durations)).toBeLessThan(50);
  expect(Math.max(...durations)).toBeLessThan(390);
  await lab.listen();
  await stands(gateway, "short", "outage-ended");
  expect((await ask("/short/lab/echo").response).status).toBe(200);
});

test("hold.requests: one too many is refused at once, the others are answered", async () => {
  await worksAndGoes("few");
  const held = [ask("/few/lab/echo")];
  await noticed("few");
  held.push(ask("/few/lab/echo", Buffer.from("x")));
  await pause(150);
  const { id, response } = ask("/few/lab/echo");
  expect((await response).status).toBe(503);
  const entry = await gateway.entryOf(id);
  expect(entry).toMatchObject({ cause: "no-healthy-upstream" });
  expect(entry).not.toHaveProperty("heldMs");
  await lab.listen();
  expect(await statusesOf(held)).toEqual([200, 200]);
});

test("hold.bytes: bodies that would take more memory are refused at once", async () => {
  await worksAndGoes("bytes");
  const first = ask("/bytes/lab/echo", seededBytes(5, 60_000));
  await noticed("bytes");
  await pause(150);
  const second = ask("/bytes/lab/echo", seededBytes(6, 60_000));
  expect((await second.response).status).toBe(503);
  const small = ask("/bytes/lab/echo", seededBytes(7, 1000));
  await pause(100);
  await lab.listen();
  expect(await statusesOf([first, small])).toEqual([200, 200]);
  expect(delivered(lab)).not.toContain(second.id);
});

/** Two clients wait and leave; what they asked for must not be sent, and their places must be free. */
async function leave(body?: Buffer): Promise<void> {
  await worksAndGoes("few");
  const [reset, closed] = [ask("/few/lab/echo", body), ask("/few/lab/echo", body)];
  await pause(200);
  reset.client.socket.resetAndDestroy();
  closed.client.close();
  for (const { id } of [reset, closed])
    expect(await gateway.entryOf(id)).toMatchObject({ cause: "client-closed-request", aborted: true });
  // Their places are free again.
  const next = [ask("/few/lab/echo"), ask("/few/lab/echo")];
  await pause(100);
  await lab.listen();
  expect(await statusesOf(next)).toEqual([200, 200]);
  expect(delivered(lab).sort()).toEqual(next.map(({ id }) => id).sort());
}

test("a client that leaves while it waits is taken out, and its request is not sent", () => leave());

// Its body was read whole, and reading is paused behind it: its end is not seen.
test("a client that leaves while its POST waits is taken out, too", () => leave(Buffer.from("order")));

test("hold: off fails at once", async () => {
  await worksAndGoes("off");
  const { id, response } = ask("/off/lab/echo", Buffer.from("x"));
  expect((await response).status).toBe(502);
  expect(await gateway.entryOf(id)).toMatchObject({ cause: "connect-refused" });
});

test("200 requests that waited do not meet an application that has just started all at once", async () => {
  let open = (): void => {};
  working.gate = new Promise((resolve) => (open = resolve));
  await worksAndGoes("app");
  const asked = Array.from({ length: 200 }, () => ask("/app/gated"));
  await pause(400);
  await lab.listen();
  await until(
    () => working.now >= 4,
    10_000,
    () => `${working.now} are at work`,
  );
  await pause(200);
  // Four, and twice as many for each half second in which none of them was answered.
  const doublings = Math.ceil((performance.now() - working.since) / 500);
  expect(working.most).toBeGreaterThanOrEqual(4);
  expect(working.most).toBeLessThanOrEqual(4 * 2 ** doublings);
  open();
  expect(new Set(await statusesOf(asked))).toEqual(new Set([200]));
});

test("event streams that wait do not hold up each other, or what comes behind them", async () => {
  await worksAndGoes("app");
  const streams = Array.from({ length: 12 }, () => ask("/app/events"));
  await pause(300);
  const last = ask("/app/lab/echo");
  await pause(100);
  await lab.listen();
  expect((await last.response).status).toBe(200);
  for (const { client } of streams) {
    await until(
      () => client.text.includes("data: hello"),
      5000,
      () => `a stream has not begun: ${client.text}`,
    );
    client.close();
  }
});

test("who waits for a place when the upstream goes away waits for the upstream, and longer", async () => {
  await works(gateway, "narrow");
  lab.clear();
  const first = ask("/narrow/lab/slow?ms=300");
  await until(
    () => lab.deliveries.length === 1,
    2000,
    () => "nothing is slow",
  );
  const queued = [ask("/narrow/lab/echo"), ask("/narrow/lab/echo", Buffer.from("x"))];
  await pause(100);
  down(lab);
  await pause(1200);
  await lab.listen();
  expect(await statusesOf([first, ...queued])).toEqual([200, 200, 200]);
});

test("of two endpoints both go and one comes back: that is enough", async () => {
  await works(gateway, "pair");
  await worksAndGoes("pair");
  other.clear();
  down(other);
  const asked = Array.from({ length: 10 }, (_, n) => ask("/pair/lab/echo", n % 2 ? Buffer.from("x") : undefined));
  await noticed("pair");
  await other.listen();
  expect(await statusesOf(asked)).toEqual(asked.map(() => 200));
  expect(delivered(other).sort()).toEqual(asked.map(({ id }) => id).sort());
});
