// goodgate/node behind node:http: what goes to the upstream, and what comes back. Real sockets throughout; the client
// keeps the exact bytes. node-failures, node-bodies, node-http2 and node-frameworks have the rest.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import { exchange, RawClient, until } from "./harness.ts";
import { Cleanup, get } from "./node-server.ts";
import { startRawUpstream } from "./raw-upstream.ts";

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

describe("what goes on", () => {
  test("a request reaches the upstream as it came, with who sent it", async () => {
    const { port } = await cleanup.serve(cleanup.proxy(lab.url));
    const request = get(
      "/lab/echo?a=%20b",
      "X-One: 1",
      "x-Two: a",
      "X-two: b",
      "X-Forwarded-For: 6.6.6.6",
      "Connection: X-One",
    );
    const { status, body } = await exchange(port, request);
    expect(status).toBe(200);
    const seen = JSON.parse(body.toString()) as { target: string; headers: [string, string][] };
    expect(seen.target).toBe("/lab/echo?a=%20b");
    const fields = seen.headers.map(([name, value]) => `${name}: ${value}`);
    expect(fields).toEqual(
      expect.arrayContaining([
        "Host: shop.test",
        "x-Two: a",
        "x-Two: b",
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Proto: http",
        "X-Forwarded-Host: shop.test",
      ]),
    );
    expect(fields.join()).not.toMatch(/6\.6\.6\.6|X-One|close/);
    expect(lab.deliveries[0]!.oddities).toEqual([]);
  });

  test("what a middleware changed in req.headers and req.url counts", async () => {
    const proxy = cleanup.proxy(lab.url);
    const { port } = await cleanup.serve((request, response) => {
      delete request.headers["x-secret"];
      request.headers["x-user"] = "7";
      request.headers["x-many"] = ["a", "b"];
      request.headers["accept"] = "application/json";
      request.url = "/lab/echo?from=middleware";
      void proxy(request, response);
    });
    const { body } = await exchange(port, get("/", "X-Secret: s", "Accept: text/html", "X-Kept: k"));
    const { target, headers } = JSON.parse(body.toString()) as { target: string; headers: [string, string][] };
    const names = ["x-secret", "x-user", "x-many", "accept", "x-kept"];
    expect(target).toBe("/lab/echo?from=middleware");
    expect(headers.filter(([name]) => names.includes(name.toLowerCase()))).toEqual([
      ["Accept", "application/json"],
      ["X-Kept", "k"],
      ["x-user", "7"],
      ["x-many", "a"],
      ["x-many", "b"],
    ]);
  });

  test("a middleware cannot make a second request of a line break", async () => {
    const proxy = cleanup.proxy(lab.url);
    const second = "/lab/echo HTTP/1.1\r\nHost: x\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n";
    // The low bytes of U+010D and U+010A are CR and LF.
    const wide = second.replaceAll("\r", "\u010d").replaceAll("\n", "\u010a");
    const { port } = await cleanup.serve((request, response) => {
      if (request.url === "/url") request.url = second;
      else if (request.url === "/method") request.method = `GET ${second}`;
      else request.headers["x-evil"] = request.url === "/wide" ? wide : second;
      void proxy(request, response);
    });
    await exchange(port, get("/url"));
    expect(lab.deliveries).toHaveLength(1);
    expect((await exchange(port, get("/wide"))).status).toBe(404);
    expect((await exchange(port, get("/field"))).status).toBe(400);
    expect((await exchange(port, get("/method"))).status).toBe(400);
    expect(lab.deliveriesOf("/evil")).toEqual([]);
    expect(lab.unreadable).toEqual([]);
    expect(lab.deliveries.flatMap(({ oddities }) => oddities)).toEqual([]);
  });

  test.each([
    ["HEAD", "/lab/bytes?n=70000", 200, { "content-length": "70000" }],
    ["GET", "/lab/status/204", 204, {}],
    ["GET", "/lab/status/304", 304, {}],
    ["OPTIONS", "/lab/bytes?n=3", 200, { "content-length": "3" }],
  ])("%s %s is %i", async (method, path, status, fields) => {
    const { port } = await cleanup.serve(cleanup.proxy(lab.url));
    const client = new RawClient(port);
    for (let i = 0; i < 2; i++) {
      client.send(`${method} ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const response = await client.response(method);
      expect(response.status).toBe(status);
      expect(Object.fromEntries(response.fields)).toMatchObject(fields);
    }
    client.close();
  });

  test("the upstream's connection is used again, and so is the client's", async () => {
    const { port } = await cleanup.serve(cleanup.proxy(lab.url));
    const client = new RawClient(port);
    for (let i = 0; i < 3; i++) {
      client.send(get("/lab/echo"));
      await client.response();
    }
    client.close();
    expect(lab.deliveries.map(({ requestIndexOnConnection }) => requestIndexOnConnection)).toEqual([0, 1, 2]);
    expect(new Set(lab.deliveries.map(({ connectionId }) => connectionId)).size).toBe(1);
  });

  test("trailers pass both ways", async () => {
    const { port } = await cleanup.serve(cleanup.proxy(lab.url));
    const client = new RawClient(port);
    client.send(get("/lab/bytes?n=5&trailers"));
    const response = await client.response();
    expect(response.whole).toBe(true);
    client.close();
    const raw = new RawClient(port);
    raw.send(get("/lab/bytes?n=5&trailers", "Connection: close"));
    await raw.closed;
    expect(raw.text).toMatch(/0\r\nX-Bytes: 5\r\n\r\n$/);
    const post = await exchange(
      port,
      "POST /lab/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n",
    );
    expect(JSON.parse(post.body.toString())).toMatchObject({
      body: { bytes: 3, complete: true, trailers: [["X-Sum", "9"]] },
    });
  });

  test("interim responses: 103 goes on, and 100 comes once", async () => {
    const upstream = await startRawUpstream(
      () =>
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload; as=style, </b.js>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    );
    cleanup.add(() => upstream.close());
    const { port } = await cleanup.serve(cleanup.proxy(upstream.address));
    const response = await exchange(port, get("/"));
    expect([response.status, response.interims]).toEqual([200, [103]]);
    const plain = await cleanup.serve(cleanup.proxy(lab.url));
    const expecting = "POST /lab/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
    const client = new RawClient(plain.port);
    client.send(expecting);
    await until(
      () => client.text.includes("100 Continue"),
      5000,
      () => "no 100",
    );
    client.send("ab");
    expect((await client.response()).interims).toEqual([100]);
    client.close();
  });

  test("with checkContinue it is the upstream that says 100, or that it wants no body", async () => {
    const proxy = cleanup.proxy(lab.url);
    const { port, server } = await cleanup.serve(() => {});
    server.on("checkContinue", proxy);
    const expecting = "POST /lab/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
    const client = new RawClient(port);
    client.send(expecting);
    await until(
      () => client.text.includes("100 Continue"),
      5000,
      () => "no 100",
    );
    expect(lab.deliveries).toHaveLength(1);
    client.send("ab");
    expect(await client.response()).toMatchObject({ status: 200, interims: [100] });
    client.close();
    const refusing = await startRawUpstream(() => "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n", { atHead: true });
    cleanup.add(() => refusing.close());
    const second = cleanup.proxy(refusing.address);
    server.removeAllListeners("checkContinue").on("checkContinue", second);
    const refused = new RawClient(port);
    refused.send(expecting);
    const response = await refused.response();
    // Nobody knows whether the two bytes come: the connection is not used for another request.
    expect([response.status, response.interims, response.fields.get("connection")]).toEqual([417, [], "close"]);
    refused.close();
  });

  test("an HTTP/1.0 client without Host gets its answer", async () => {
    const { port } = await cleanup.serve(cleanup.proxy(lab.url));
    const { status, body } = await exchange(port, "GET /lab/bytes?n=9&chunked HTTP/1.0\r\n\r\n");
    expect([status, body.length]).toEqual([200, 9]);
  });
});

describe("the response object", () => {
  test("fields that were set before stay; the upstream's replace their own, cookies and Vary add up", async () => {
    const upstream = await startRawUpstream(
      () =>
        "HTTP/1.1 200 Fine\r\nX-Both: upstream\r\nSet-Cookie: u=1\r\nSet-Cookie: v=2\r\nVary: Accept\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nContent-Length: 2\r\n\r\nok",
    );
    cleanup.add(() => upstream.close());
    const proxy = cleanup.proxy(upstream.address);
    const { port } = await cleanup.serve((request, response) => {
      response.setHeader("X-App", "kept");
      response.setHeader("X-Both", "app");
      response.setHeader("Set-Cookie", "a=0");
      response.setHeader("Vary", "Origin");
      void proxy(request, response);
    });
    const { head, fields } = await exchange(port, get("/"));
    expect(head.startsWith("HTTP/1.1 200 Fine\r\n")).toBe(true);
    expect(Object.fromEntries(fields)).toMatchObject({
      "x-app": "kept",
      "x-both": "upstream",
      "set-cookie": "a=0, u=1, v=2",
      vary: "Origin, Accept",
    });
    expect(head).not.toContain("X-Hop");
    expect(fields.get("keep-alive")).not.toBe("timeout=9");
  });

  test("a response that has begun already is not touched", async () => {
    const proxy = cleanup.proxy(lab.url);
    const errors: unknown[] = [];
    let passOn = true;
    const { port } = await cleanup.serve((request, response) => {
      response.write("early");
      void proxy(
        request,
        response,
        passOn
          ? (error) => {
              errors.push(error);
              response.end(" and late");
            }
          : undefined,
      );
    });
    expect((await exchange(port, get("/"))).body.toString()).toBe("early and late");
    expect(String(errors[0])).toContain("had begun before");
    passOn = false;
    const client = new RawClient(port);
    client.send(get("/"));
    await client.closed;
    expect(client.text).not.toContain("0\r\n\r\n");
    expect(lab.deliveries).toEqual([]);
  });

  test("an answer that the application gives meanwhile stands, and the upstream's is not awaited", async () => {
    const proxy = cleanup.proxy(lab.url);
    const { port } = await cleanup.serve((request, response) => {
      void proxy(request, response);
      if (request.url?.includes("begun")) response.writeHead(503).write("too");
      else response.writeHead(503).end("too slow");
    });
    expect(await exchange(port, get("/lab/slow?ms=60000"))).toMatchObject({ status: 503, ending: "open" });
    await until(
      () => lab.deliveries.every(({ peerLeftAt }) => peerLeftAt !== null),
      5000,
      () => "still awaited",
    );
    const client = new RawClient(port);
    client.send(get("/lab/echo?begun"));
    await until(
      () => client.text.endsWith("too\r\n"),
      5000,
      () => client.text,
    );
    await until(
      () => lab.deliveriesOf("/lab/echo").length === 1,
      5000,
      () => "nothing arrived",
    );
    client.close();
  });

  test("with next, what no route takes goes on; without, it is 404", async () => {
    const proxy = cleanup.proxy({ upstreams: { lab: lab.address }, routes: [{ path: "/lab/*", proxy: "lab" }] });
    const { port } = await cleanup.serve((request, response) => {
      void proxy(
        request,
        response,
        request.url === "/alone" ? undefined : (error) => void response.end(`next ${String(error)}`),
      );
    });
    expect((await exchange(port, get("/lab/echo"))).status).toBe(200);
    expect((await exchange(port, get("/index.html"))).body.toString()).toBe("next undefined");
    expect(await exchange(port, get("/alone"))).toMatchObject({ status: 404 });
  });
});

test("close() lets an exchange end, and refuses what comes later by name", async () => {
  const proxy = cleanup.proxy(lab.url);
  const { port } = await cleanup.serve(proxy);
  const running = exchange(port, get("/lab/slow?ms=150"));
  await until(
    () => lab.deliveries.length === 1,
    5000,
    () => "nothing arrived",
  );
  const closing = proxy.close();
  const late = await exchange(port, get("/late"));
  expect(late.status).toBe(503);
  expect((await running).body.toString()).toBe("slow, but here\n");
  expect(await closing).toBe(true);
  expect(lab.deliveriesOf("/late")).toEqual([]);
});
