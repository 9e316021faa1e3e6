// How requests follow one another on a client's connection: pipelining, splits, HTTP/1.0, half-close, Expect, answers
// that come before the request has ended, and clients that do not read.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import { exchange, pause, RawClient, type RunningGateway, startGateway, until } from "./harness.ts";
import { type RawUpstream, rawResponse, startRawUpstream } from "./raw-upstream.ts";

let lab: Lab;
let gateway: RunningGateway;
/** Answers at the head of a request, whatever of its body is still to come. */
let hasty: RawUpstream;

beforeAll(async () => {
  lab = await startLab();
  hasty = await startRawUpstream(() => rawResponse("no", "", "413 Too Much"), { atHead: true });
  gateway = await startGateway({
    upstreams: { lab: lab.address, hasty: hasty.address },
    routes: [
      { path: "/hasty", proxy: "hasty" },
      { path: "/teapot", respond: { status: 418, body: "short and stout" } },
      { path: "/", proxy: "lab" },
    ],
  });
});

afterAll(async () => {
  await gateway?.stop("SIGKILL");
  await lab?.close();
  await hasty?.close();
});

const get = (target: string, fields = "", version = "1.1"): string =>
  `GET ${target} HTTP/${version}\r\nHost: shop.test\r\n${fields}\r\n`;

/** The target that an answer of /lab/echo is about. */
const echoed = (body: Buffer): string => (JSON.parse(body.toString()) as { target: string }).target;

test("ten requests in one write are answered in order", async () => {
  const client = new RawClient(gateway.port);
  const targets = Array.from({ length: 10 }, (_, n) => (n % 3 === 2 ? `/lab/slow?ms=30&${n}` : `/lab/echo?${n}`));
  client.send(targets.map((target) => get(target)).join(""));
  for (const target of targets) {
    const { status, body } = await client.response();
    expect(status).toBe(200);
    if (target.startsWith("/lab/echo")) expect(echoed(body)).toBe(target);
  }
  expect(client.text).toBe("");
  expect(client.ending).toBe("open");
  client.close();
});

test("answers of the gateway and of upstreams keep their order; bodies do not leak into heads", async () => {
  const client = new RawClient(gateway.port);
  client.send(
    get("/lab/slow?ms=80") +
      get("/teapot") +
      "POST /teapot HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 20\r\n\r\nGET /lab/echo?no HTTP" +
      "HEAD /lab/echo?head HTTP/1.1\r\nHost: shop.test\r\n\r\n" +
      "POST /lab/echo?chunks HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
      get("/lab/echo?last"),
  );
  expect((await client.response()).status).toBe(200);
  expect((await client.response()).body.toString()).toBe("short and stout");
  // One byte behind the twenty stands before HEAD: RFC 9112 §3 makes "PHEAD" another method, not ours to refuse.
  expect((await client.response()).status).toBe(418);
  const head = await client.response("GET");
  expect(echoed(head.body)).toBe("/lab/echo?head");
  expect(echoed((await client.response("POST")).body)).toBe("/lab/echo?chunks");
  expect(echoed((await client.response()).body)).toBe("/lab/echo?last");
  expect(lab.deliveriesOf("/lab/echo").at(-3)!.method).toBe("PHEAD");
  client.close();
});

test("two requests, cut at every byte", async () => {
  const bytes = Buffer.from(
    `POST /lab/echo?a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc${get("/lab/echo?b")}`,
  );
  for (let at = 1; at < bytes.length; at++) {
    const client = new RawClient(gateway.port);
    client.send(bytes.subarray(0, at));
    await new Promise((resolve) => setTimeout(resolve, 1));
    client.send(bytes.subarray(at));
    expect(echoed((await client.response("POST")).body), `cut at ${at}`).toBe("/lab/echo?a");
    expect(echoed((await client.response()).body), `cut at ${at}`).toBe("/lab/echo?b");
    client.close();
  }
});

test("pipelining without reading: what the gateway takes in is bounded", async () => {
  const client = new RawClient(gateway.port);
  client.socket.pause();
  const before = lab.deliveries.length;
  const one = get("/lab/bytes?n=100000");
  const requests = Buffer.from(one.repeat(1000));
  for (let sent = 0; sent < 40; sent++) client.socket.write(requests);
  await pause(1_500);
  // 40,000 requests were sent; their answers fill the sockets' buffers long before.
  expect(lab.deliveries.length - before).toBeLessThan(400);
  expect((await exchange(gateway.port, get("/lab/echo"))).status).toBe(200);
  client.close();
});

test("HTTP/1.0: closed behind the answer, kept where the client asks for it", async () => {
  const once = new RawClient(gateway.port);
  once.send("GET /lab/echo HTTP/1.0\r\n\r\n");
  const last = await once.response();
  expect(last.head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(last.fields.get("connection")).toBe("close");
  await until(
    () => once.ending === "fin",
    1_500,
    () => "the connection stays open",
  );

  const kept = new RawClient(gateway.port);
  for (const n of [1, 2, 3]) {
    kept.send(get(`/lab/echo?${n}`, "Connection: keep-alive\r\n", "1.0"));
    const response = await kept.response();
    expect(response.fields.get("connection")).toBe("keep-alive");
    expect(echoed(response.body)).toBe(`/lab/echo?${n}`);
  }
  kept.send(get("/teapot", "Connection: Keep-Alive\r\n", "1.0"));
  expect((await kept.response()).fields.get("connection")).toBe("keep-alive");
  kept.close();
});

test("HTTP/1.0 is never sent chunks: the end of the connection ends the body (RFC 9112 §6.1)", async () => {
  const client = new RawClient(gateway.port);
  client.send(get("/lab/bytes?n=50000&chunked", "Connection: keep-alive\r\n", "1.0"));
  const response = await client.response();
  expect(response.fields.has("transfer-encoding")).toBe(false);
  expect(response.fields.has("content-length")).toBe(false);
  expect(response.fields.get("connection")).toBe("close");
  expect(response.body.length).toBe(50_000);
  expect(client.ending).toBe("fin");
});

test("HTTP/1.0 gets no interim response (RFC 9110 §15.2)", async () => {
  const upstream = await startRawUpstream(
    () => `HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n${rawResponse("ok")}`,
  );
  const edge = await startGateway({ upstreams: { app: upstream.address } });
  try {
    const old = await exchange(edge.port, "GET / HTTP/1.0\r\n\r\n");
    expect(old.interims).toEqual([]);
    expect(old.body.toString()).toBe("ok");
    const client = new RawClient(edge.port);
    client.send(get("/"));
    await until(
      () => client.text.endsWith("ok"),
      2_000,
      () => client.text,
    );
    expect(client.text).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    client.close();
  } finally {
    await edge.stop("SIGKILL");
    await upstream.close();
  }
});

test("HEAD, 204 and 304 have no body, whatever their fields say, and the connection goes on", async () => {
  const client = new RawClient(gateway.port);
  client.send("HEAD /lab/bytes?n=1234 HTTP/1.1\r\nHost: h\r\n\r\n");
  const head = await client.response("HEAD");
  // RFC 9110 §9.3.2: the fields that a GET would have had.
  expect(head.fields.get("content-length")).toBe("1234");
  client.send("HEAD /lab/bytes?n=1234&chunked HTTP/1.1\r\nHost: h\r\n\r\n");
  expect((await client.response("HEAD")).status).toBe(200);
  for (const status of [204, 304]) {
    client.send(get(`/lab/status/${status}`));
    const response = await client.response();
    expect(response.status).toBe(status);
    // RFC 9110 §8.6: no Content-Length in a 204; RFC 9112 §6.1: no Transfer-Encoding.
    if (status === 204) expect(response.fields.has("content-length")).toBe(false);
    expect(response.fields.has("transfer-encoding")).toBe(false);
  }
  client.send("HEAD /teapot HTTP/1.1\r\nHost: h\r\n\r\n");
  expect((await client.response("HEAD")).fields.get("content-length")).toBe("15");
  client.send("HEAD /lab/fault/none-such HTTP/1.1\r\nHost: h\r\n\r\n");
  expect((await client.response("HEAD")).status).toBe(404);
  client.send(get("/lab/echo?end"));
  expect(echoed((await client.response()).body)).toBe("/lab/echo?end");
  expect(client.text).toBe("");
  client.close();
});

test("the gateway's own error for HEAD has the fields and no body", async () => {
  const client = new RawClient(gateway.port);
  client.send(
    "HEAD /lab/echo HTTP/1.1\r\nHost: h\r\nVia: 1.1 x\r\nMax-Forwards: 0\r\n\r\nTRACE / HTTP/1.1\r\nHost: h\r\n\r\n",
  );
  expect((await client.response("HEAD")).status).toBe(200);
  expect((await client.response()).status).toBe(405);
  client.close();
});

test("100-continue: the upstream's word, end to end, and none of the gateway's", async () => {
  const accepted = new RawClient(gateway.port);
  accepted.send("POST /lab/echo?expect HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  await until(
    () => accepted.text !== "",
    2_000,
    () => "no 100",
  );
  expect(accepted.text).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  expect(lab.deliveriesOf("/lab/echo").at(-1)!.headers).toContainEqual(["Expect", "100-continue"]);
  accepted.send("hello");
  const response = await accepted.response("POST");
  expect(response.interims).toEqual([100]);
  expect(response.fields.get("connection")).toBeUndefined();
  accepted.close();

  // Refused: the final status comes without a 100, and the body that was announced can no longer be told from a request.
  const refused = new RawClient(gateway.port);
  refused.send("POST /hasty HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  const final = await refused.response("POST");
  expect([final.status, final.interims]).toEqual([413, []]);
  expect(final.fields.get("connection")).toBe("close");
  await until(
    () => refused.ending === "fin",
    1_500,
    () => "the connection stays open",
  );
});

test("an answer before the body has ended: the rest of the body is no request (CVE-2025-4366)", async () => {
  const smuggled = get("/lab/echo?smuggled");
  const client = new RawClient(gateway.port);
  client.send(`POST /hasty HTTP/1.1\r\nHost: h\r\nContent-Length: ${smuggled.length + 10}\r\n\r\n0123456789`);
  const response = await client.response("POST");
  expect(response.status).toBe(413);
  expect(response.fields.get("connection")).toBe("close");
  client.send(smuggled);
  await until(
    () => client.ending !== "open",
    4_000,
    () => "the connection stays open",
  );
  expect(client.text).toBe("");
  expect(lab.deliveries.filter(({ target }) => target.endsWith("?smuggled"))).toEqual([]);
  // Nor may the rest become the beginning of somebody else's request to that upstream.
  const connections = hasty.received.length;
  await exchange(gateway.port, get("/hasty"));
  expect(hasty.received.length).toBe(connections + 1);
});

test("a client that ends its direction behind its request is answered", async () => {
  for (const request of [
    get("/lab/echo"),
    get("/lab/slow?ms=900"),
    get("/lab/slow?ms=100", "", "1.0"),
    `POST /lab/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi`,
    get("/teapot"),
  ]) {
    const client = new RawClient(gateway.port);
    client.send(request);
    client.socket.end();
    const response = await client.response();
    expect([200, 418]).toContain(response.status);
    expect(response.whole).toBe(true);
    // No further request can come: the gateway ends its direction too.
    await until(
      () => client.ending === "fin",
      2_000,
      () => `the connection stays open after ${request}`,
    );
  }
});

test("pipelined requests with the end of the direction behind them are all answered", async () => {
  const client = new RawClient(gateway.port);
  client.send(get("/lab/slow?ms=100") + get("/lab/echo?two") + get("/teapot"));
  client.socket.end();
  expect((await client.response()).status).toBe(200);
  expect(echoed((await client.response()).body)).toBe("/lab/echo?two");
  expect((await client.response()).status).toBe(418);
  await until(
    () => client.ending === "fin",
    2_000,
    () => "the connection stays open",
  );
});

test("an upload that is cut behind another request is noticed at once", async () => {
  const client = new RawClient(gateway.port);
  // Both requests and the FIN are there before the first is answered: the second can never be whole (RFC 9112 §8).
  client.send(`${get("/lab/slow?ms=100")}POST /lab/echo?cut HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhell`);
  client.socket.end();
  expect((await client.response()).status).toBe(200);
  await until(
    () => client.ending !== "open",
    2_000,
    () => "the gateway waits for bytes that cannot come",
  );
  expect(lab.deliveries.filter(({ target, bodyComplete }) => target.endsWith("?cut") && bodyComplete)).toEqual([]);
});

test("a half-close in the middle of a large answer does not cut it", async () => {
  const client = new RawClient(gateway.port);
  client.socket.once("data", () => client.socket.end());
  client.send(get("/lab/bytes?n=30000000"));
  const response = await client.response("GET", 15_000);
  // RFC 9293 §3.6: who has closed may go on receiving. A moment earlier, before the head, the same FIN was no end.
  expect(response.whole, `${response.body.length} of 30000000, ${client.ending}`).toBe(true);
});

test("requests after one another on one connection, with think time, reach one upstream connection", async () => {
  const client = new RawClient(gateway.port);
  const seen = new Set<number>();
  for (let n = 0; n < 5; n++) {
    client.send(get("/lab/echo"));
    seen.add((JSON.parse((await client.response()).body.toString()) as { connectionId: number }).connectionId);
    await pause(10);
  }
  expect(seen.size).toBe(1);
  client.close();
});

test("half a request and the end: closed without an answer or with 400, never forwarded", async () => {
  const before = lab.deliveries.length;
  for (const part of ["GET /lab/echo?half HTTP/1.1\r\nHost: h\r\n", "GET /lab", "\r\n"]) {
    const client = new RawClient(gateway.port);
    client.send(part);
    client.socket.end();
    await until(
      () => client.ending !== "open",
      2_000,
      () => `the connection stays open after ${JSON.stringify(part)}`,
    );
    expect(client.text).toMatch(/^(?:$|HTTP\/1\.1 4)/);
  }
  expect(lab.deliveries.length).toBe(before);
});

test("connections that come and go leave nothing behind", async () => {
  for (let round = 0; round < 100; round++) {
    const client = new RawClient(gateway.port);
    if (round % 2 === 0) client.send("GET /");
    await new Promise<void>((resolve) => client.socket.once("connect", resolve));
    if (round % 3 === 0) client.socket.resetAndDestroy();
    else client.close();
  }
  const metrics = async () => (await fetch(`${gateway.consoleUrl}/metrics`)).text();
  for (let left = -1, end = performance.now() + 3_000; left !== 0; ) {
    left = Number(/^goodgate_client_connections (\d+)/m.exec(await metrics())?.[1]);
    if (performance.now() > end) expect(left).toBe(0);
    await pause(50);
  }
});
