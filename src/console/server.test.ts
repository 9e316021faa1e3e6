import * as http from "node:http";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { setLogSink } from "../std/log.ts";
import { type ConsoleOptions, type ConsoleServer, isLoopback, startConsole } from "./server.ts";

const open: ConsoleServer[] = [];
afterEach(async () => {
  setLogSink(null);
  await Promise.all(open.splice(0).map((server) => server.close()));
});

const LOCAL = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;

async function start(changes: Partial<ConsoleOptions> = {}): Promise<ConsoleServer> {
  const ready = () => ({ ok: true, reasons: [] });
  const server = await startConsole({ address: LOCAL, ready, metrics: () => "# nothing\n", ...changes });
  open.push(server);
  return server;
}

interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

function ask(server: ConsoleServer, path: string, options: http.RequestOptions = {}): Promise<Answer> {
  const { address } = server;
  const where = address.kind === "tcp" ? { host: "127.0.0.1", port: address.port } : { socketPath: address.path };
  return new Promise((resolve, reject) => {
    const request = http.request({ ...where, path, agent: false, ...options }, (response) => {
      let body = "";
      response.on("data", (data) => {
        body += data;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    request.on("error", reject);
    request.end();
  });
}

test("healthz, readyz, metrics and the index", async () => {
  const server = await start({ metrics: async () => "goodgate_x 1\n" });
  expect(await ask(server, "/healthz")).toMatchObject({ status: 200, body: "ok\n" });
  expect(await ask(server, "/readyz")).toMatchObject({ status: 200, body: "ready\n" });
  const metrics = await ask(server, "/metrics?x=1");
  expect(metrics).toMatchObject({ status: 200, body: "goodgate_x 1\n" });
  expect(metrics.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(metrics.headers["cache-control"]).toBe("no-store");
  const index = await ask(server, "/");
  expect(index.status).toBe(200);
  for (const path of ["/healthz", "/readyz", "/metrics"]) expect(index.body).toContain(`href="${path}"`);
  expect((await ask(server, "/nothing")).status).toBe(404);
});

test("the API answers with JSON, is on the index, and behind the same guards", async () => {
  const api = { "/api/events": async () => ({ events: [{ message: "<b>" }] }), "/api/avoided": () => ({ days: [] }) };
  const server = await start({ api });
  const answer = await ask(server, "/api/events");
  expect(answer).toMatchObject({ status: 200, body: '{"events":[{"message":"<b>"}]}\n' });
  expect(answer.headers["content-type"]).toBe("application/json");
  expect(answer.headers["x-content-type-options"]).toBe("nosniff");
  expect((await ask(server, "/api/avoided?x=1")).body).toBe('{"days":[]}\n');
  expect((await ask(server, "/")).body).toContain('href="/api/avoided"');
  for (const path of ["/api/", "/api/toString", "/toString", "/__proto__"]) {
    expect((await ask(server, path)).status, path).toBe(404);
  }
  expect((await ask(server, "/api/events", { headers: { Host: "evil.example" } })).status).toBe(421);
  expect((await ask(server, "/api/events", { method: "POST" })).status).toBe(405);
  const guarded = await start({ api, token: "s3cret" });
  expect((await ask(guarded, "/api/avoided")).status).toBe(401);
});

test("an API answer that fails is 500, and its reason stays in the log", async () => {
  const lines: string[] = [];
  setLogSink((line) => void lines.push(line));
  const server = await start({ api: { "/api/events": () => Promise.reject(new Error("no worker")) } });
  const answer = await ask(server, "/api/events");
  expect(answer.status).toBe(500);
  expect(answer.body).not.toContain("no worker");
  expect(lines.join()).toContain("no worker");
});

test("not ready is 503 with the reasons", async () => {
  const server = await start({ ready: () => ({ ok: false, reasons: ["draining", "upstream app has no endpoint"] }) });
  expect(await ask(server, "/readyz")).toMatchObject({
    status: 503,
    body: "not ready\ndraining\nupstream app has no endpoint\n",
  });
  expect((await ask(server, "/healthz")).status).toBe(200);
});

test("HEAD has no body; other methods are refused", async () => {
  const server = await start();
  expect(await ask(server, "/healthz", { method: "HEAD" })).toMatchObject({ status: 200, body: "" });
  const refused = await ask(server, "/healthz", { method: "POST" });
  expect(refused.status).toBe(405);
  expect(refused.headers.allow).toBe("GET, HEAD");
});

test.each(["localhost", "LOCALHOST:8502", "127.0.0.1:1", "[::1]:8502"])("Host %s is ours", async (host) => {
  expect((await ask(await start(), "/metrics", { headers: { Host: host } })).status).toBe(200);
});

test.each(["evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", "10.0.0.1", "[::1"])(
  "Host %j is not ours (DNS rebinding)",
  async (host) => {
    for (const path of ["/metrics", "/", "/healthz"]) {
      expect((await ask(await start(), path, { headers: { Host: host } })).status).toBe(421);
    }
  },
);

test("an empty Host is not ours", async () => {
  const request = "GET /metrics HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n";
  expect(await raw(await start(), request)).toContain(" 421 ");
});

test("a probe of HTTP/1.0 without Host is answered", async () => {
  const server = await start();
  expect(await raw(server, "GET /healthz HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nok\n$/);
});

test("beyond loopback a token is needed: to start, and for everything but the probes", async () => {
  const everywhere = { kind: "tcp", host: "0.0.0.0", port: 0 } as const;
  await expect(start({ address: everywhere })).rejects.toThrow("GOODGATE_CONSOLE_TOKEN");
  await expect(start({ address: { ...everywhere, host: "" } })).rejects.toThrow("token");
  const server = await start({ address: everywhere, token: "s3cret" });
  const headers = { Host: "10.1.2.3:8502" };
  expect((await ask(server, "/healthz", { headers })).status).toBe(200);
  expect((await ask(server, "/readyz", { headers })).status).toBe(200);
  const without = await ask(server, "/metrics", { headers });
  expect(without.status).toBe(401);
  expect(without.headers["www-authenticate"]).toContain("Bearer");
  const ask2 = (authorization: string) => ask(server, "/metrics", { headers: { ...headers, authorization } });
  expect((await ask2("Bearer wrong")).status).toBe(401);
  expect((await ask2("Basic s3cret")).status).toBe(401);
  expect((await ask2("Bearer s3cret")).status).toBe(200);
  expect((await ask(server, "/healthz", { headers: { Host: "evil.example" } })).status).toBe(421);
});

test("metrics that fail are 500 and said in the log, not to the client", async () => {
  const lines: string[] = [];
  setLogSink((line) => lines.push(line));
  const server = await start({ metrics: () => Promise.reject(new Error("worker 3 hangs")) });
  const answer = await ask(server, "/metrics");
  expect(answer.status).toBe(500);
  expect(answer.body).not.toContain("worker 3");
  expect(lines.join("")).toContain("worker 3 hangs");
});

test("a head over the limit is refused", async () => {
  const server = await start();
  expect(await raw(server, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`)).toContain(" 431 ");
});

test("an address in use is said clearly", async () => {
  const server = await start();
  await expect(start({ address: server.address })).rejects.toThrow(
    /cannot listen on 127\.0\.0\.1:\d+ .*: the address is in use/,
  );
});

test("a Unix socket needs no token and knows no Host", async () => {
  const path = join(tmpdir(), `goodgate-console-${process.pid}.sock`);
  const server = await start({ address: { kind: "unix", path } });
  expect((await ask(server, "/metrics", { headers: { Host: "anything" } })).status).toBe(200);
});

test("close ends with a connection that is kept open", async () => {
  const server = await start();
  const socket = await connect(server);
  socket.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await new Promise((resolve) => socket.once("data", resolve));
  await server.close();
  open.length = 0;
  socket.destroy();
});

test.each([
  ["127.0.0.1", true],
  ["127.9.9.9", true],
  ["::1", true],
  ["[::1]", true],
  ["localhost", true],
  ["", false],
  ["0.0.0.0", false],
  ["::", false],
  ["10.0.0.1", false],
  ["127.0.0.1.evil.example", false],
])("loopback: %j %s", (host, expected) => {
  expect(isLoopback({ kind: "tcp", host, port: 1 })).toBe(expected);
});

function connect(server: ConsoleServer): Promise<Socket> {
  const { address } = server;
  if (address.kind !== "tcp") throw new Error("not TCP");
  return new Promise((resolve, reject) => {
    const socket = createConnection(address.port, "127.0.0.1", () => resolve(socket));
    socket.on("error", reject);
  });
}

async function raw(server: ConsoleServer, request: string): Promise<string> {
  const socket = await connect(server);
  let text = "";
  socket.on("data", (data) => {
    text += data;
  });
  socket.write(request);
  await new Promise((resolve) => socket.once("close", resolve));
  return text;
}
