// HTTP: which requests are made, and what becomes of each kind of answer.
import { once } from "node:events";
import type net from "node:net";
import { createServer } from "node:net";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { afterwards, probing, response, type SeenRequest, serving, tryOf } from "./probe.fixture.ts";

const hello = response("200 OK", "hello", "Content-Type: text/plain\r\n");
const answering = (bytes: Buffer | string) => serving((socket) => socket.write(bytes));
/** One request and no more. */
const ONE = { requestsMax: 1, idleMs: 0 };

test("the requests of a healthy target: within the budget, each with its id, nothing left out but its reason", async () => {
  const server = await answering(hello);
  const steps: string[] = [];
  const evidence = await probing(server.address, {
    limits: { idleMs: 1_200 },
    context: { onStep: (text) => steps.push(text) },
  });
  const kinds = evidence.http.map(({ what }) => what);
  expect(kinds[0]).toBe("baseline");
  expect(kinds.toSorted()).toEqual([
    "baseline",
    "encoded",
    ...Array.from({ length: 6 }, () => "fresh"),
    "reused",
    "reused-after-gap",
  ]);
  expect(evidence.http.every(({ status, failure }) => status === 200 && failure === null)).toBe(true);
  expect([evidence.requests, server.requests.length]).toEqual([10, 10]);
  expect(new Set(evidence.http.map(({ requestId }) => requestId)).size).toBe(10);
  expect(
    evidence.http.every(({ requestId }) => server.requests.some(({ text }) => text.includes(`${requestId}\r\n`))),
  ).toBe(true);
  expect(tryOf(evidence, "reused")).toMatchObject({ reused: true, timings: { connectMs: null } });
  expect(tryOf(evidence, "reused-after-gap").idleMs).toBeGreaterThan(400);
  expect(evidence.idle).toMatchObject([{ address: server.address, saidMs: null, closedAfterMs: null, closedBy: null }]);
  expect(evidence.notTested).toEqual([]);
  expect(steps.length).toBeGreaterThan(3);
});

test("a request is plain: method, host, agent, and no cookie or credential", async () => {
  const server = await answering(response("200 OK", "x", "Set-Cookie: a=b\r\n"));
  await probing(server.address, {
    target: { host: "shop.example.com", path: "/cart?x=1" },
    limits: { requestsMax: 3, idleMs: 0 },
  });
  for (const { line, text } of server.requests) {
    expect(line).toBe("GET /cart?x=1 HTTP/1.1");
    expect(text).toMatch(/\r\nHost: shop\.example\.com\r\nUser-Agent: goodgate-doctor\/test\r\nAccept: \*\/\*\r\n/);
    expect(text).not.toMatch(/cookie|authorization/i);
  }
});

test("what a response says: head, fields as they came, excerpt, hash", async () => {
  const { address } = await answering(
    "HTTP/1.1 404 Not There\r\nserver: TEST\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 5\r\n\r\nhello",
  );
  const { http } = await probing(address, { limits: ONE });
  expect(http[0]).toMatchObject({
    status: 404,
    reason: "Not There",
    fields: [
      ["server", "TEST"],
      ["X-A", "1"],
      ["X-A", "2"],
      ["Content-Length", "5"],
    ],
    headBytes: 75,
    excerpt: "hello",
    bodyBytes: 5,
    bodyHash: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    failure: null,
    url: `http://${address}/`,
    page: { madeBy: null },
  });
});

test("compressed and plain have the same hash", async () => {
  const text = "hello ".repeat(1000);
  const { address } = await serving((socket, { text: request }) => {
    const br = /Accept-Encoding: gzip, br/.test(request);
    socket.write(
      br ? response("200 OK", brotliCompressSync(text), "Content-Encoding: br\r\n") : response("200 OK", text),
    );
  });
  const evidence = await probing(address, { limits: { requestsMax: 3, idleMs: 0 } });
  const { bodyHash, bodyBytes, excerpt, failure } = tryOf(evidence, "encoded");
  expect(failure).toBeNull();
  expect(bodyBytes).toBeLessThan(100);
  expect(excerpt).toBe(text.slice(0, 4096));
  expect(bodyHash).toBe(tryOf(evidence, "baseline").bodyHash);
});

const zipped = gzipSync("hello ".repeat(1000));
test.each([
  ["no gzip at all", Buffer.from("<html>plain text, said to be gzip</html>")],
  ["gzip that stops in its middle", zipped.subarray(0, zipped.length - 12)],
])("Content-Encoding: gzip, but %s", async (_, body) => {
  const { address } = await answering(response("200 OK", body, "Content-Encoding: gzip\r\n"));
  const { http } = await probing(address, { limits: ONE });
  expect(http[0]).toMatchObject({ status: 200, bodyHash: null, failure: { cause: "response-encoding-invalid" } });
  expect(http[0]?.failure?.evidence.detail).toMatch(/^Content-Encoding: gzip, but the body does not decode/);
});

test("a small body that unpacks to a large one is bounded, and no failure", async () => {
  const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
  const { address } = await answering(response("200 OK", bomb, "Content-Encoding: gzip\r\n"));
  const { http } = await probing(address, { limits: ONE });
  expect(http[0]).toMatchObject({ failure: null, bodyHash: null, bodyBytes: bomb.length });
});

test("a large body is not read to its end, which is no failure", async () => {
  const { address } = await answering(response("200 OK", Buffer.alloc(3 * 1024 * 1024, "a")));
  const { http, notTested } = await probing(address, { limits: { requestsMax: 2, idleMs: 0 } });
  expect(http[0]).toMatchObject({ failure: null, bodyHash: null });
  expect(http[0]?.bodyBytes).toBeGreaterThanOrEqual(1024 * 1024);
  expect(notTested).toContainEqual(expect.objectContaining({ check: "reused connections" }));
});

test("a stream of events, and a body that goes on and on, are no failures", async () => {
  const events = await answering("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
  expect((await probing(events.address, { limits: ONE })).http[0]).toMatchObject({ status: 200, failure: null });
  const dripping = await serving((socket) => {
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    const timer = setInterval(() => socket.write("x"), 50);
    afterwards(() => clearInterval(timer));
    socket.on("close", () => clearInterval(timer));
  });
  const { http } = await probing(dripping.address, { limits: { ...ONE, headMs: 600 } });
  expect(http[0]).toMatchObject({ status: 200, failure: null, bodyHash: null });
});

test("silence: response-timeout with its limit, and fewer requests", async () => {
  const server = await serving(() => {});
  const { http, requests } = await probing(server.address, { limits: { headMs: 400, totalMs: 6_000 } });
  expect(http[0]?.failure).toMatchObject({
    cause: "response-timeout",
    evidence: { deadline: "head", deadlineMs: 400 },
  });
  expect(http.every(({ failure }) => failure?.cause === "response-timeout")).toBe(true);
  // The first, and two more; what other protocol the port may speak is asked by a handshake.
  expect(requests).toBe(3);
});

test("one silent address does not cost the other its requests", async () => {
  const port = Number((await answering(hello)).address.split(":")[1]);
  const silent = createServer(() => {});
  silent.listen(port, "127.0.0.2");
  await once(silent, "listening");
  afterwards(() => silent.close());
  const lookup = () => Promise.resolve([{ address: "127.0.0.2" }, { address: "127.0.0.1" }]);
  const evidence = await probing(`shop.test:${port}`, {
    limits: { requestsMax: 4, headMs: 3_000, idleMs: 0, totalMs: 4_000 },
    context: { names: { lookup, servers: [] } },
  });
  expect(tryOf(evidence, "encoded")).toMatchObject({ address: `127.0.0.1:${port}`, status: 200 });
  const silence = evidence.http.find(({ address, what }) => what === "baseline" && address.startsWith("127.0.0.2"));
  expect(silence?.failure?.cause).toBe("response-timeout");
});

test("while the path is silent the health path is asked", async () => {
  const server = await serving((socket, { line }) => {
    if (line.includes("/healthz")) socket.write(hello);
  });
  const pool = { name: "app", at: null, healthPath: "/healthz" };
  const { http } = await probing(server.address, {
    target: { role: "endpoint", pool },
    limits: { headMs: 20_000, totalMs: 6_000, idleMs: 0 },
  });
  expect(http.filter(({ what }) => what === "health")).toMatchObject([{ status: 200 }]);
  for (const { what, failure } of http) expect(failure?.cause).toBe(what === "health" ? undefined : "response-timeout");
  expect(http.length).toBeGreaterThan(2);
});

test("a wait that only our own time cut short is no failure of the target", async () => {
  const server = await serving(() => {});
  const { http, notTested } = await probing(server.address, { limits: { headMs: 30_000, totalMs: 700 } });
  expect(http).toEqual([]);
  expect(notTested).toContainEqual({
    check: "request (baseline)",
    target: "url",
    reason: "the time was up before an answer",
    how: "--timeout 30s",
  });
});

test("a slow target gets as many requests as there is time for", async () => {
  const server = await serving((socket) => {
    const timer = setTimeout(() => socket.write(hello), 900);
    afterwards(() => clearTimeout(timer));
  });
  const { http, notTested } = await probing(server.address, { limits: { headMs: 2_000, totalMs: 4_000, idleMs: 0 } });
  expect(http.length).toBeGreaterThan(1);
  expect(http.length).toBeLessThan(10);
  expect(http.filter(({ failure }) => failure !== null)).toEqual([]);
  expect(notTested.some(({ reason }) => reason === "the time was not enough")).toBe(true);
});

test.each([
  ["fin", (socket: net.Socket) => socket.end()],
  ["rst", (socket: net.Socket) => socket.resetAndDestroy()],
] as const)("an idle connection that the server ends by %s is measured against what it said", async (closedBy, end) => {
  const { address } = await serving((socket) => {
    socket.write(response("200 OK", "hello", "Keep-Alive: timeout=1\r\n"));
    clearTimeout(timers.get(socket));
    timers.set(
      socket,
      setTimeout(() => end(socket), 700),
    );
  });
  const timers = new Map<net.Socket, NodeJS.Timeout>();
  afterwards(() => {
    for (const timer of timers.values()) clearTimeout(timer);
  });
  const { idle, notTested, http } = await probing(address, { limits: { idleMs: 3_000 } });
  expect(idle.length).toBeGreaterThan(0);
  for (const one of idle) expect(one).toMatchObject({ address, saidMs: 1_000, closedBy });
  expect(idle[0]?.closedAfterMs).toBeGreaterThan(500);
  expect(http.filter(({ failure }) => failure !== null)).toEqual([]);
  expect(notTested).toContainEqual(expect.objectContaining({ check: "a request after an idle gap" }));
});

test("a server that drops what comes on a rested connection: the reused request fails, fresh ones do not", async () => {
  const last = new Map<number, number>();
  const { address } = await serving((socket, { connection }) => {
    const restedMs = performance.now() - (last.get(connection) ?? Number.POSITIVE_INFINITY);
    last.set(connection, performance.now());
    if (restedMs > 400) socket.resetAndDestroy();
    else socket.write(hello);
  });
  const evidence = await probing(address, { limits: { idleMs: 1_600 } });
  expect(tryOf(evidence, "reused-after-gap")).toMatchObject({
    status: null,
    reused: true,
    failure: { cause: "keepalive-race", evidence: { closedBy: "rst" } },
  });
  expect(evidence.http.filter(({ what, failure }) => what === "fresh" && failure !== null)).toEqual([]);
});

test("Connection: close leaves nothing to reuse, which is said", async () => {
  const { address } = await serving((socket) => socket.end(response("200 OK", "hello", "Connection: close\r\n")));
  const { http, idle, notTested } = await probing(address);
  expect(http.some(({ reused }) => reused)).toBe(false);
  expect(idle).toEqual([]);
  expect(notTested).toContainEqual(
    expect.objectContaining({
      check: "reused connections",
      reason: "the server closes the connection after its response",
    }),
  );
});

test("one bad address of a name shows beside the good one", async () => {
  const good = await answering(hello);
  const port = good.address.split(":")[1];
  const lookup = () => Promise.resolve([{ address: "127.0.0.1" }, { address: "127.0.0.2" }]);
  const evidence = await probing(`shop.test:${port}`, {
    context: { names: { lookup, servers: [] } },
    limits: { requestsMax: 3, idleMs: 0 },
  });
  expect(evidence.tcp.map(({ address, tries }) => [address, tries[0]?.failure?.cause ?? "open"])).toEqual([
    [`127.0.0.1:${port}`, "open"],
    [`127.0.0.2:${port}`, "connect-refused"],
  ]);
  const baselines = evidence.http.filter(({ what }) => what === "baseline");
  expect(baselines.map(({ address, status }) => [address, status]).toSorted()).toEqual([
    [`127.0.0.1:${port}`, 200],
    [`127.0.0.2:${port}`, null],
  ]);
});

test("sometimes bad: the failures are those of some requests", async () => {
  let count = 0;
  const { address } = await serving((socket) => {
    if (++count % 3 === 0) socket.destroy();
    else socket.write(hello);
  });
  const { http } = await probing(address, { limits: { idleMs: 0 } });
  const failed = http.filter(({ failure }) => failure?.cause === "closed-before-response");
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.length).toBeLessThan(http.length / 2);
});

test("what fails always is asked twice more, not ten times", async () => {
  const server = await serving((socket) => socket.destroy());
  const { http, requests } = await probing(server.address);
  expect(http.map(({ failure }) => failure?.cause)).toEqual(Array.from({ length: 3 }, () => "closed-before-response"));
  expect(requests).toBe(3);
});

test("an endpoint of a pool gets four requests, its health path as checks ask for it", async () => {
  const server = await serving((socket, { line }) =>
    socket.write(line.includes("/healthz") ? response("503 Service Unavailable", "no") : hello),
  );
  const pool = { name: "app", at: null, healthPath: "/healthz" };
  const { http, requests } = await probing(server.address, {
    target: { role: "endpoint", host: "shop.example.com", pool },
    limits: { idleMs: 50 },
  });
  expect(requests).toBe(4);
  expect(http.map(({ what, status }) => `${what} ${status}`).toSorted()).toEqual([
    "baseline 200",
    "encoded 200",
    "health 503",
    "reused 200",
  ]);
  const health = server.requests.find(({ line }: SeenRequest) => line === "GET /healthz HTTP/1.1");
  expect(health?.text).toContain(`\r\nHost: ${server.address}\r\n`);
});

test("the budget is shared: nothing is sent when it is used up", async () => {
  const server = await answering(hello);
  const { http, requests, notTested } = await probing(server.address, { limits: { requestsMax: 0 } });
  expect([http, requests, server.requests.length]).toEqual([[], 0, 0]);
  expect(notTested.some(({ check }) => check.startsWith("requests to"))).toBe(true);
});
