// What is kept of a failure that happened over real sockets: the instants of each step in their order, the bytes, both
// heads without their secrets, and how it ended for the client. The gateway runs in this process.
import { createServer, type Socket } from "node:net";
import tls from "node:tls";
import { afterEach, expect, test } from "vitest";
import { loadConfig } from "../src/config/load.ts";
import { makeSelfSigned } from "../src/lab/certificates.ts";
import { Metrics } from "../src/observe/metrics.ts";
import { createObserver, newMemory } from "../src/observe/observer.ts";
import type { KeptAttempt, KeptFailure, Report } from "../src/observe/report.ts";
import { Gateway } from "../src/proxy/gateway.ts";
import { exchange, pause, RawClient, until } from "./harness.ts";
import { freePort, type Origin, startOrigin } from "./origin.ts";

const log = { info() {}, warn() {}, error() {} };
/** Steps that are made to take this long must be seen to take at least most of it (timers may fire a little early). */
const SLOW_MS = 150;
const SEEN_MS = SLOW_MS - 20;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Running {
  readonly port: number;
  /** What was gathered, once so many failures were kept. */
  kept(count: number): Promise<Report>;
}

async function start(endpoints: readonly string[], settings: Record<string, unknown> = {}): Promise<Running> {
  const upstreams = { app: { endpoints, ...settings } };
  const text = JSON.stringify({
    listen: ["127.0.0.1:0"],
    upstreams,
    routes: [{ path: "/", proxy: "app", name: "shop" }],
  });
  const { config, problems } = loadConfig(text, "goodgate.yaml", {});
  if (!config) throw new Error(JSON.stringify(problems));
  const memory = newMemory();
  const gateway = new Gateway(config, createObserver({ access: null, failures: null }, new Metrics(), memory), log);
  cleanups.push(() => gateway.close());
  await gateway.start();
  const reports: Report[] = [];
  const kept = (count: number): Promise<Report> =>
    until(
      () => {
        const report = memory.capture.take(Date.now());
        if (report) reports.push(report);
        const failures = reports.flatMap((one) => one.failures);
        return (
          failures.length >= count && { ...reports.at(-1)!, groups: reports.flatMap((one) => one.groups), failures }
        );
      },
      8_000,
      () => `kept ${JSON.stringify(reports)}`,
    );
  return { port: gateway.ports[0]!, kept };
}

async function origin(serve: (socket: Socket) => void): Promise<Origin> {
  const started = await startOrigin(serve);
  cleanups.push(() => started.close());
  return started;
}

const REQUEST =
  "GET /cart?page=2&token=hunter2 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: test/1\r\n" +
  "Cookie: sid=hunter2\r\nAuthorization: Bearer hunter2\r\nX-Request-Id: req-1\r\n\r\n";

/** Those steps that happened are in their order. */
function expectInOrder(attempt: KeptAttempt, durationMs: number): void {
  const { startMs, resolvedMs, tcpMs, connectedMs, sentMs, headMs, endMs } = attempt;
  const steps = [0, startMs, resolvedMs, tcpMs, connectedMs, sentMs, headMs, endMs].filter((step) => step !== null);
  expect(steps).toEqual([...steps].sort((a, b) => a - b));
  expect(endMs).toBeLessThanOrEqual(durationMs);
}

function expectRequest(kept: KeptFailure): void {
  expect(kept).toMatchObject({
    requestId: "req-1",
    route: "shop",
    upstream: "app",
    method: "GET",
    host: "shop.example",
    target: "/cart?page=[redacted]&token=[redacted]",
    protocol: "HTTP/1.1",
    client: "127.0.0.1",
    userAgent: "test/1",
    tls: false,
  });
  expect(kept.requestHead).toEqual([
    ["Host", "shop.example"],
    ["User-Agent", "test/1"],
    ["Cookie", "sid=[redacted]"],
    ["Authorization", "Bearer [redacted]"],
    ["X-Request-Id", "req-1"],
  ]);
  expect(JSON.stringify(kept)).not.toContain("hunter2");
  for (const attempt of kept.attempts) expectInOrder(attempt, kept.durationMs);
}

test("refused: nothing behind the resolved name happened", async () => {
  const endpoint = `127.0.0.1:${await freePort()}`;
  const { port, kept } = await start([endpoint]);
  expect((await exchange(port, REQUEST)).status).toBe(502);
  const { failures, groups, endpoints } = await kept(1);
  expectRequest(failures[0]!);
  expect(failures[0]).toMatchObject({ cause: "connect-refused", outcome: "shown", status: 502, endpoint });
  expect(failures[0]!.attempts.at(-1)).toMatchObject({
    endpoint,
    resolvedMs: expect.any(Number),
    tcpMs: null,
    connectedMs: null,
    sentMs: null,
    headMs: null,
    status: 0,
    reused: false,
    bytesSent: 0,
    cause: "connect-refused",
    phase: "connect",
    sentence: expect.stringContaining(`${endpoint} refused the connection (ECONNREFUSED)`),
    evidence: { errno: "ECONNREFUSED", address: endpoint },
    responseHead: null,
  });
  expect(groups.find((group) => group.cause === "connect-refused")).toMatchObject({ endpoint, shown: 1 });
  expect(endpoints).toMatchObject([{ upstream: "app", endpoint, answered: 0 }]);
});

test("a TLS handshake that takes its time, then no answer: TCP, TLS and the wait are told apart", async () => {
  const { cert, key } = makeSelfSigned("localhost", ["localhost"], { from: -1, to: 1 });
  const secured = tls.createServer({ cert, key }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => setTimeout(() => socket.destroy(), SLOW_MS));
  });
  const sockets = new Set<Socket>();
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    setTimeout(() => secured.emit("connection", socket), SLOW_MS);
  });
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `127.0.0.1:${(server.address() as { port: number }).port}`;
  const { port, kept } = await start([endpoint], { tls: { verify: false }, retry: { attempts: 1 } });
  expect((await exchange(port, REQUEST)).status).toBe(502);
  const { failures } = await kept(1);
  expectRequest(failures[0]!);
  const [attempt] = failures[0]!.attempts;
  expect(attempt).toMatchObject({ cause: "closed-before-response", status: 0, headMs: null, reused: false });
  expect(attempt!.connectedMs! - attempt!.tcpMs!).toBeGreaterThan(SEEN_MS);
  expect(attempt!.endMs - attempt!.sentMs!).toBeGreaterThan(SEEN_MS);
  expect(attempt!.bytesSent).toBeGreaterThan(100);
  expect(failures[0]!.durationMs).toBeGreaterThan(2 * SEEN_MS);
});

test("a handshake that fails says when TCP was there", async () => {
  const { address } = await origin((socket) =>
    socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
  );
  const { port, kept } = await start([address], { tls: { verify: false }, retry: { attempts: 1 } });
  expect((await exchange(port, REQUEST)).status).toBe(502);
  const [failure] = (await kept(1)).failures;
  expectRequest(failure!);
  expect(failure!.attempts[0]).toMatchObject({
    phase: "tls",
    tcpMs: expect.any(Number),
    connectedMs: null,
    sentMs: null,
  });
});

test("reset before the head", async () => {
  const { address } = await origin((socket) => socket.once("data", () => socket.resetAndDestroy()));
  const { port, kept } = await start([address], { retry: { attempts: 1 } });
  expect((await exchange(port, REQUEST)).status).toBe(502);
  const { failures, groups } = await kept(1);
  expectRequest(failures[0]!);
  expect(failures[0]!.attempts).toMatchObject([
    {
      cause: "closed-before-response",
      tcpMs: expect.any(Number),
      connectedMs: expect.any(Number),
      sentMs: expect.any(Number),
      headMs: null,
      evidence: { closedBy: "rst", connectionUses: 0 },
      responseHead: null,
    },
  ]);
  // Without TLS nothing lies between the two.
  expect(failures[0]!.attempts[0]!.tcpMs).toBe(failures[0]!.attempts[0]!.connectedMs);
  expect(groups[0]).toMatchObject({ closedBy: { rst: 1 }, reused: 0, shown: 1 });
});

test("keep-alive race on a connection that was used before: repeated, and saved", async () => {
  let requests = 0;
  const { address } = await origin((socket) =>
    socket.on("data", () => {
      // The second request meets the close.
      if (++requests === 2) return socket.destroy();
      return socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: sid=hunter2\r\n\r\nok");
    }),
  );
  const { port, kept } = await start([address]);
  const client = new RawClient(port);
  cleanups.push(() => client.close());
  client.send(REQUEST);
  expect((await client.response()).status).toBe(200);
  await pause(700);
  client.send(REQUEST);
  expect((await client.response()).status).toBe(200);
  const { failures, groups } = await kept(1);
  expectRequest(failures[0]!);
  expect(failures[0]).toMatchObject({ cause: "keepalive-race", outcome: "saved", savedBy: "retry", status: 200 });
  expect(failures[0]!.attempts).toMatchObject([
    { reused: true, resolvedMs: null, tcpMs: null, connectedMs: null, headMs: null, evidence: { connectionUses: 1 } },
    { reused: false, tcpMs: expect.any(Number), status: 200, cause: null, sentence: "", evidence: null },
  ]);
  expect(failures[0]!.attempts[0]!.evidence!.idleMs).toBeGreaterThan(600);
  expect(failures[0]!.attempts[1]!.responseHead).toEqual([
    ["Content-Length", "2"],
    ["Set-Cookie", "sid=[redacted]"],
  ]);
  const group = groups.find((one) => one.cause === "keepalive-race")!;
  expect(group).toMatchObject({ failures: 1, reused: 1, withoutByte: 1, saved: { retry: 1 }, shown: 0 });
  expect(group.idleMs[0]).toBeGreaterThan(600);
});

test("a body that is cut", async () => {
  const { address } = await origin((socket) =>
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\nServer: app/1\r\n\r\nonly this");
      setTimeout(() => socket.destroy(), SLOW_MS);
    }),
  );
  const { port, kept } = await start([address]);
  const client = new RawClient(port);
  cleanups.push(() => client.close());
  client.send(REQUEST);
  await client.closed;
  const { failures, groups } = await kept(1);
  expectRequest(failures[0]!);
  expect(failures[0]).toMatchObject({ cause: "response-truncated", outcome: "cut", status: 200 });
  const [attempt] = failures[0]!.attempts;
  expect(attempt).toMatchObject({ status: 200, headMs: expect.any(Number), phase: "response-body" });
  expect(attempt!.endMs - attempt!.headMs!).toBeGreaterThan(SEEN_MS);
  expect(attempt!.responseHead).toEqual([
    ["Content-Length", "100"],
    ["Server", "app/1"],
  ]);
  expect(groups[0]).toMatchObject({ cut: 1, shown: 0, statuses: { 200: 1 } });
});

test("refused at one endpoint, answered by another: saved, with both attempts", async () => {
  const { address } = await origin((socket) =>
    socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")),
  );
  const gone = `127.0.0.1:${await freePort()}`;
  const { port, kept } = await start([gone, address]);
  // Whichever comes first: one of the two requests meets the one that is gone.
  for (let i = 0; i < 2; i++) expect((await exchange(port, REQUEST)).status).toBe(200);
  const { failures, groups } = await kept(1);
  expectRequest(failures[0]!);
  expect(failures[0]).toMatchObject({
    ...{ cause: "connect-refused", outcome: "saved", savedBy: "failover", endpoint: gone, status: 200 },
    sentence: expect.stringContaining(`${gone} refused the connection`),
  });
  expect(failures[0]!.attempts).toMatchObject([
    { endpoint: gone, cause: "connect-refused" },
    { endpoint: address, cause: null, status: 200 },
  ]);
  expect(groups).toMatchObject([{ endpoint: gone, failures: 1, saved: { failover: 1 }, shown: 0 }]);
});

test("the upstream's own error, a client that leaves, and a path that is nowhere", async () => {
  const { address } = await origin((socket) =>
    socket.on("data", (bytes) => {
      if (bytes.includes("/slow")) return;
      socket.write("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy");
    }),
  );
  const { port, kept } = await start([address]);
  expect((await exchange(port, REQUEST)).status).toBe(503);
  const client = new RawClient(port);
  client.send(REQUEST.replace("/cart", "/slow"));
  await pause(100);
  client.socket.resetAndDestroy();
  const { failures, groups } = await kept(2);
  expect(failures.map(({ cause, outcome, status }) => [cause, outcome, status])).toEqual([
    ["upstream-error-passthrough", "passed", 503],
    ["client-closed-request", "client-left", 0],
  ]);
  expect(failures[0]!.sentence).toContain(`${address} itself answered 503`);
  expect(groups.map((group) => [group.cause, group.endpoint, group.passed, group.clientLeft])).toEqual([
    ["upstream-error-passthrough", address, 1, 0],
    ["client-closed-request", address, 0, 1],
  ]);
  expect(groups[1]!.waitedMs[0]).toBeGreaterThan(50);
});
