// goodgate/node and failures: each is answered by name or handed to `next`, a cut response never looks whole, and an end
// on one side is an end on the other.
import { createServer } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import { GatewayError } from "../src/node/index.ts";
import type { ProxiedExchange } from "../src/node/public.ts";
import { exchange, pause, RawClient, until } from "./harness.ts";
import { away, Cleanup, get } from "./node-server.ts";
import { freePort } from "./origin.ts";

let lab: Lab;
const cleanup = new Cleanup();

beforeAll(async () => {
  lab = await startLab();
});
afterAll(async () => {
  await lab?.close();
});
afterEach(async () => {
  lab.clear();
  await cleanup.run();
});

describe("failures", () => {
  test("nothing listens: 502 with its name, as a problem document for a program", async () => {
    const target = await away();
    const [gone] = target.upstreams.app.endpoints;
    const seen: ProxiedExchange[] = [];
    const proxy = cleanup.proxy(target, { name: "shop", onExchange: (one) => seen.push(one) });
    const { port } = await cleanup.serve(proxy);
    const { status, fields, body } = await exchange(port, get("/cart", "Accept: application/json"));
    expect(status).toBe(502);
    expect(fields.get("proxy-status")).toContain("shop; error=connection_refused");
    expect(fields.get("content-type")).toBe("application/problem+json");
    expect(JSON.parse(body.toString())).toMatchObject({ cause: "connect-refused", status: 502 });
    expect(seen).toMatchObject([
      { target: "/cart", status: 502, cause: "connect-refused", phase: "connect", upstream: "app", aborted: false },
    ]);
    expect(seen[0]!.sentence).toContain(gone);
    expect(seen[0]!.attempts.map(({ cause }) => cause)).toContain("connect-refused");
    expect(proxy.metrics()).toMatch(/goodgate_failures_total\{[^}]*cause="connect-refused"[^}]*\} 1/);
  });

  test("a request that comes while the upstream restarts waits for it", async () => {
    const app = await startLab();
    cleanup.add(() => app.close());
    const { port } = await cleanup.serve(cleanup.proxy(app.url));
    expect((await exchange(port, get("/lab/echo"))).status).toBe(200);
    app.crash(600_000);
    const waiting = exchange(port, get("/lab/echo"));
    await pause(100);
    await app.listen();
    expect((await waiting).status).toBe(200);
  });

  test("no answer in time: 504", async () => {
    const proxy = cleanup.proxy({ upstreams: { app: { endpoints: [lab.address], timeouts: { head: "100ms" } } } });
    const { port } = await cleanup.serve(proxy);
    const { status, fields } = await exchange(port, get("/lab/slow?ms=60000"));
    expect(status).toBe(504);
    expect(fields.get("proxy-status")).toContain("http_response_timeout");
  });

  test("a connection that dies before the response costs a GET nothing, and a POST is not sent twice", async () => {
    const { port } = await cleanup.serve(cleanup.proxy(lab.url));
    lab.next("close-before-head", 1);
    expect((await exchange(port, get("/lab/echo"))).status).toBe(200);
    expect(lab.deliveriesOf("/lab/echo")).toHaveLength(2);
    lab.next("close-before-head", 1);
    const post = await exchange(port, "POST /lab/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    expect(post.status).toBe(502);
    expect(lab.deliveriesOf("/lab/echo")).toHaveLength(3);
  });

  test.each([
    "short-body",
    "reset-mid-body",
    "cut-in-chunk",
    "cut-between-chunks",
    "no-last-chunk",
    "bad-chunk-size",
  ] as const)("%s: no client can take what it got for the whole", async (fault) => {
    const { port } = await cleanup.serve(
      cleanup.proxy({ upstreams: { app: { endpoints: [lab.address], timeouts: { "idle-body": "200ms" } } } }),
    );
    for (const version of ["1.1", "1.0"]) {
      lab.next(fault, 1);
      const client = new RawClient(port);
      client.send(`GET / HTTP/${version}\r\nHost: a\r\nConnection: close\r\n\r\n`);
      await client.closed;
      const response = await client.response().catch(() => null);
      const isHonest = response === null || response.status === 502 || !response.whole || client.ending === "rst";
      expect([version, isHonest, response?.status ?? 0]).toEqual([version, true, response?.status ?? 0]);
      client.close();
    }
  });

  test('onError: "next" hands the failure to the next handler, in the context of the request', async () => {
    const { AsyncLocalStorage } = await import("node:async_hooks");
    const context = new AsyncLocalStorage<string>();
    const target = await away();
    const [gone] = target.upstreams.app.endpoints;
    const proxy = cleanup.proxy(target, { onError: "next" });
    const { port } = await cleanup.serve((request, response) => {
      context.run(`for ${request.url}`, () => {
        void proxy(request, response, (error) => {
          if (!(error instanceof GatewayError)) throw new Error(`not ours: ${String(error)}`);
          const { cause, status, statusCode, phase, sentence, headers, retryable } = error;
          response.statusCode = 418;
          response.end(
            JSON.stringify({
              cause,
              status,
              statusCode,
              phase,
              sentence,
              headers,
              retryable,
              context: context.getStore(),
            }),
          );
        });
      });
    });
    const { status, body } = await exchange(port, get("/x"));
    expect(status).toBe(418);
    const error = JSON.parse(body.toString()) as { sentence: string; headers: Record<string, string> };
    expect(error).toMatchObject({
      cause: "connect-refused",
      status: 502,
      statusCode: 502,
      phase: "connect",
      retryable: true,
      context: "for /x",
    });
    expect(error.sentence).toContain(gone);
    expect(error.headers["proxy-status"]).toContain("connection_refused");
    // What the upstream itself answers is no failure of the proxy.
    const own = await cleanup.serve(cleanup.proxy(lab.url, { onError: "next" }));
    expect((await exchange(own.port, get("/lab/status/503"))).status).toBe(503);
  });

  test("a client that leaves cancels the upstream's request", async () => {
    const { port } = await cleanup.serve(cleanup.proxy(lab.url));
    const client = new RawClient(port);
    client.send(get("/lab/slow?ms=60000"));
    await until(
      () => lab.deliveries.length === 1,
      5000,
      () => "nothing arrived",
    );
    client.close();
    await until(
      () => lab.deliveries[0]!.peerLeftAt !== null,
      5000,
      () => "the upstream's request was not cancelled",
    );
  });

  test("an upload that breaks off is broken off at the upstream", async () => {
    const { port } = await cleanup.serve(cleanup.proxy(lab.url));
    const client = new RawClient(port);
    client.send("POST /lab/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nonly a part");
    await until(
      () => lab.deliveries.length === 1,
      5000,
      () => "nothing arrived",
    );
    client.close();
    await until(
      () => lab.deliveries[0]!.peerLeftAt !== null,
      5000,
      () => "the upstream still waits for the body",
    );
    expect(lab.deliveries[0]!.bodyComplete).toBe(false);
  });

  test("two proxies in a row are no loop; one that calls itself is", async () => {
    const second = await cleanup.serve(cleanup.proxy(lab.url));
    const first = await cleanup.serve(cleanup.proxy(second.url));
    expect((await exchange(first.port, get("/lab/echo"))).status).toBe(200);
    const port = await freePort();
    const server = createServer(cleanup.proxy(`http://127.0.0.1:${port}`));
    cleanup.add(() => server.close());
    await new Promise<void>((resolve) => void server.listen(port, "127.0.0.1", resolve));
    const { fields } = await exchange(port, get("/"));
    expect(fields.get("proxy-status")).toContain("proxy_loop_detected");
    server.closeAllConnections();
  });

  test("what goes wrong in the proxy itself costs one request, and not the application", async () => {
    const lines: string[] = [];
    const logger = { info() {}, warn() {}, error: (line: string) => void lines.push(line) };
    const proxy = cleanup.proxy(lab.url, { logger });
    const { port } = await cleanup.serve((request, response) => {
      if (request.url !== "/lab/echo")
        Object.defineProperty(request, "rawHeaders", {
          get() {
            throw new Error("odd request");
          },
        });
      const next = (error: unknown): void => void response.end(String(error));
      void proxy(request, response, request.url === "/next" ? next : undefined);
    });
    expect((await exchange(port, get("/next"))).body.toString()).toBe("Error: odd request");
    await expect(exchange(port, get("/alone"))).rejects.toThrow(/no response/);
    expect((await exchange(port, get("/lab/echo"))).status).toBe(200);
    expect(lines.join()).toContain("odd request");
  });
});
