// Endpoints on which requests fail, end to end: ejected, probed, returned; requests that kill what serves them; and the
// breaker of an upstream that nobody can reach.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { LabRequest, Opened } from "../src/lab/fault.ts";
import { type Lab, startLab } from "../src/lab/server.ts";
import { webSocketResponse } from "../src/lab/websocket.ts";
import { metricValue } from "./command.ts";
import { type LogEntry, pause, RawClient, type RunningGateway, startGateway, until } from "./harness.ts";
import { eventsOf, type UpstreamTold } from "./upstream-events.ts";

let labs: Lab[];
let hole: Opened;
let gateway: RunningGateway;

const EJECT = { for: "500ms", recovery: "200ms" };

beforeAll(async () => {
  const handler = (request: LabRequest) =>
    request.path === "/socket" ? webSocketResponse(request, "hello", () => []) : null;
  labs = await Promise.all([startLab({ handler }), startLab(), startLab()]);
  hole = await labs[0]!.listener("black-hole");
  const three = labs.map(({ address }) => address);
  const upstreams: Record<string, unknown> = {
    resets: { endpoints: three, eject: EJECT },
    answers: { endpoints: three, eject: { ...EJECT, for: "5m" } },
    returns: { endpoints: three, eject: EJECT },
    share: { endpoints: three, eject: { ...EJECT, for: "5m" }, retry: "off" },
    last: { endpoints: three.slice(0, 2), eject: { for: "5m", max: "100%" }, retry: "off" },
    off: { endpoints: three, eject: "off", retry: "off" },
    poison: { endpoints: three, eject: { for: "5m" }, keepalive: "off" },
    hole: { endpoints: [hole.address], timeouts: { connect: "150ms" }, breaker: { for: "1s" } },
    sockets: { endpoints: [three[0]], breaker: { on: "any", for: "300ms", recovery: "0s" }, retry: "off" },
    any: { endpoints: [three[0]], breaker: { on: "any", for: "500ms", recovery: "200ms" }, retry: "off" },
  };
  const routes = Object.keys(upstreams).map((name) => ({ path: `/${name}/*`, strip: `/${name}`, proxy: name }));
  gateway = await startGateway({ upstreams, routes });
});

afterAll(async () => {
  await gateway?.stop("SIGKILL");
  await Promise.all((labs ?? []).map((lab) => lab.close()));
});

afterEach(() => {
  for (const lab of labs) lab.clear();
});

let serial = 0;

interface Answered {
  readonly id: string;
  readonly status: number;
}

async function ask(target: string, method = "GET", more = ""): Promise<Answered> {
  const id = `eject-${serial++}`;
  const client = new RawClient(gateway.port);
  const length = method === "POST" ? "Content-Length: 0\r\n" : "";
  client.send(`${method} ${target} HTTP/1.1\r\nHost: shop.test\r\nX-Request-Id: ${id}\r\n${length}${more}\r\n`);
  const { status } = await client.response(method);
  client.close();
  return { id, status };
}

/** Statuses of requests that come one after the other. */
async function askMany(target: string, count: number): Promise<number[]> {
  const statuses: number[] = [];
  // Each has a path of its own: nothing follows them.
  for (let n = 0; n < count; n++) statuses.push((await ask(`${target}?${n}`)).status);
  return statuses;
}

const kinds = async (upstream: string): Promise<string[]> =>
  (await eventsOf(gateway, upstream)).map(({ kind }) => kind);

/** Sends requests until the events are as `expected`. */
async function askUntil(target: string, expected: (all: readonly UpstreamTold[]) => boolean): Promise<UpstreamTold[]> {
  const end = performance.now() + 10_000;
  for (;;) {
    await ask(target);
    const all = await eventsOf(gateway, target.split("/")[1]!);
    if (expected(all)) return all;
    if (performance.now() > end) throw new Error(`other events: ${JSON.stringify(all)}`);
  }
}

/** The program's log is written with a delay. */
function said(text: string): Promise<unknown> {
  return until(
    () => gateway.output().includes(text),
    3000,
    () => `nobody said “${text}”:\n${gateway.output()}`,
  );
}

const counts = (): number[] => labs.map((lab) => lab.deliveries.length);

test("an endpoint that resets is ejected after three in a row, and probed once for each time that is over", async () => {
  labs[0]!.setFault("reset-before-head");
  expect(new Set(await askMany("/resets/lab/echo", 30))).toEqual(new Set([200]));
  const isEjection = ({ kind }: UpstreamTold): boolean => kind === "ejected";
  const all = await askUntil("/resets/lab/echo", (told) => told.filter(isEjection).length >= 3);
  const ejections = all.filter(isEjection);
  expect(ejections[0]).toMatchObject({
    endpoint: labs[0]!.address,
    cause: "closed-before-response",
  });
  expect(ejections.slice(0, 3).map(({ forMs }) => forMs)).toEqual([500, 1000, 2000]);
  // Three until it was ejected, and one probe before each further time.
  expect(counts()[0]).toBe(2 + ejections.length);
});

test("an endpoint that answers 500 is ejected; visitors see three of them", async () => {
  labs[1]!.setFault("app-500");
  const statuses = await askMany("/answers/lab/echo", 30);
  expect(statuses.filter((status) => status === 500)).toHaveLength(3);
  expect(statuses.filter((status) => status === 200)).toHaveLength(27);
  expect(await eventsOf(gateway, "answers")).toMatchObject([
    { kind: "ejected", endpoint: labs[1]!.address, forMs: 300_000, detail: "answers 500" },
  ]);
  await said(`upstream answers: ${labs[1]!.address} fails too often (answers 500)`);
});

test("well again, it returns after its time and has its full share", async () => {
  labs[2]!.setFault("app-503");
  await askUntil("/returns/lab/echo", (told) => told.some(({ kind }) => kind === "ejected"));
  labs[2]!.setFault(null);
  await askUntil("/returns/lab/echo", (told) => told.at(-1)?.kind === "returned");
  for (const lab of labs) lab.clear();
  expect(new Set(await askMany("/returns/lab/echo", 30))).toEqual(new Set([200]));
  expect(counts()).toEqual([10, 10, 10]);
});

test("no more than half are ejected, and never the last that can be used", async () => {
  // The good one stands between them: its answers tell that it is not the requests.
  labs[0]!.setFault("app-500");
  labs[2]!.setFault("app-502");
  await askMany("/share/lab/echo", 40);
  expect(await kinds("share")).toEqual(["ejected"]);
  labs[1]!.setFault("app-503");
  expect(new Set(await askMany("/last/lab/echo", 30))).not.toContain(200);
  const told = await kinds("last");
  expect(told.filter((kind) => kind === "ejected").length).toBeLessThanOrEqual(1);
  expect(told).not.toContain("outage-begun");
  for (const lab of labs) lab.setFault(null);
  expect(new Set(await askMany("/last/lab/echo", 5))).toEqual(new Set([200]));
});

test("eject: off leaves all in use", async () => {
  labs[0]!.setFault("app-500");
  const statuses = await askMany("/off/lab/echo", 30);
  expect(statuses.filter((status) => status === 500)).toHaveLength(10);
  expect(await eventsOf(gateway, "off")).toEqual([]);
});

test.each(["POST", "GET"])("a %s that kills whatever serves it takes no endpoint out, and is found", async (method) => {
  const before = (await eventsOf(gateway, "poison")).length;
  const target = `/poison/${method.toLowerCase()}`;
  for (let n = 0; n < 12; n++) {
    const { status } = await ask(target, method, "X-Lab-Fault: reset-before-head\r\n");
    expect(status).toBe(502);
    // Others go on, at all endpoints.
    if (n % 2 === 0) expect(await askMany("/poison/lab/echo", 3)).toEqual([200, 200, 200]);
  }
  const found = (await eventsOf(gateway, "poison")).slice(before);
  expect(found).toMatchObject([{ kind: "poison-request", request: expect.stringContaining(method) }]);
  for (const lab of labs) {
    expect(lab.deliveriesOf("/lab/echo").length).toBe(6);
    expect(lab.deliveriesOf(`/${method.toLowerCase()}`).length).toBeGreaterThan(2);
  }
  await said("upstream poison: failures follow ");
  const text = await (await fetch(`${gateway.consoleUrl}/metrics`)).text();
  const labels = { upstream: "poison", kind: "poison-request" };
  expect(metricValue(text, "goodgate_upstream_events_total", labels)).toBe(before + 1);
});

/** The log lines of these, in their order. */
function entriesOf(answered: readonly Answered[]): Promise<LogEntry[]> {
  return Promise.all(answered.map(({ id }) => gateway.entryOf(id)));
}

test("a black hole costs five requests their connect timeout, and all others milliseconds", async () => {
  const first: Answered[] = [];
  for (let n = 0; n < 5; n++) first.push(await ask("/hole/"));
  for (const entry of await entriesOf(first))
    expect(entry).toMatchObject({ status: 504, cause: "connect-timeout", attempts: 1 });
  const refused = await Promise.all(Array.from({ length: 20 }, () => ask("/hole/", "POST")));
  const entries = await entriesOf(refused);
  const fast = entries.filter(({ attempts }) => attempts === 0);
  // On a machine that stands still for a second the breaker lets its probes through.
  expect(fast.length).toBeGreaterThanOrEqual(18);
  for (const entry of fast) {
    expect(entry).toMatchObject({ status: 503, cause: "no-healthy-upstream" });
    expect(entry["durationMs"]).toBeLessThan(100);
  }
  expect(await eventsOf(gateway, "hole")).toMatchObject([
    { kind: "breaker-opened", cause: "connect-timeout", forMs: 1000 },
    ...(fast.length < 20 ? [{ kind: "breaker-opened" }] : []),
  ]);
});

test("when its time is over the breaker lets two probes through; both fail, and it opens for longer", async () => {
  const opened = async (): Promise<UpstreamTold[]> =>
    (await eventsOf(gateway, "hole")).filter(({ kind }) => kind === "breaker-opened");
  const before = (await opened()).length;
  const end = performance.now() + 10_000;
  let tried: LogEntry[] = [];
  while (tried.length === 0) {
    if (performance.now() > end) throw new Error("nothing was let through");
    const entries = await entriesOf(await Promise.all(Array.from({ length: 10 }, () => ask("/hole/"))));
    tried = entries.filter(({ attempts }) => attempts !== 0);
  }
  expect(tried).toHaveLength(2);
  for (const entry of tried) expect(entry).toMatchObject({ status: 504, cause: "connect-timeout" });
  const after = await opened();
  expect(after).toHaveLength(before + 1);
  expect(after.at(-1)!.forMs).toBe(2 * after.at(-2)!.forMs!);
});

test("with `on: any` what fails after connecting opens it, too; it closes when the upstream is well again", async () => {
  labs[0]!.setFault("reset-before-head");
  for (let n = 0; n < 5; n++) expect((await ask("/any/lab/echo", "POST")).status).toBe(502);
  expect((await ask("/any/lab/echo", "POST")).status).toBe(503);
  expect(counts()[0]).toBe(5);
  labs[0]!.setFault(null);
  await askUntil("/any/lab/echo", (told) => told.at(-1)?.kind === "breaker-closed");
  expect(new Set(await askMany("/any/lab/echo", 20))).toEqual(new Set([200]));
  await said("upstream any: circuit breaker closed");
});

const HANDSHAKE =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

// A 101 is not told to the judge: the permit of the probe is never given back, and the breaker lets nothing through.
test("probes may be WebSockets: the handshake is their outcome", async () => {
  labs[0]!.setFault("reset-before-head");
  for (let n = 0; n < 5; n++) expect((await ask("/sockets/lab/echo", "POST")).status).toBe(502);
  labs[0]!.setFault(null);
  await pause(400);
  const sockets = [new RawClient(gateway.port), new RawClient(gateway.port)];
  for (const socket of sockets) {
    socket.send(`GET /sockets/socket HTTP/1.1\r\nHost: shop.test\r\n${HANDSHAKE}\r\n`);
    expect((await socket.response()).status).toBe(101);
  }
  expect((await ask("/sockets/lab/echo")).status).toBe(200);
  for (const socket of sockets) socket.close();
});
