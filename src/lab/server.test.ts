// What the lab records, how faults are chosen, and its plain endpoints.
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { afterAll, beforeEach, expect, test } from "vitest";
import { startLab } from "./server.ts";

const lab = await startLab();
afterAll(() => lab.close());
beforeEach(() => lab.clear());

/** Sends the text on a connection of its own and collects until the lab is silent or ends. */
function raw(text: string | string[], quietMs = 150): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(lab.port, lab.host);
    let seen = "";
    let quiet = setTimeout(() => socket.destroy(), quietMs);
    socket.on("data", (chunk) => {
      seen += chunk.toString("latin1");
      clearTimeout(quiet);
      quiet = setTimeout(() => socket.destroy(), quietMs);
    });
    socket.on("error", () => socket.destroy());
    socket.on("end", () => socket.destroy());
    socket.on("close", () => {
      clearTimeout(quiet);
      resolve(seen);
    });
    for (const part of [text].flat()) socket.write(part);
  });
}

test("a request is recorded as it came, once, with its place on the connection", async () => {
  const one = "POST /lab/echo?a=1 HTTP/1.1\r\nHost: x\r\nX-b: 1\r\nx-B: 2\r\nContent-Length: 3\r\n\r\nabc";
  const seen = await raw(one + "GET /lab/echo HTTP/1.1\r\nHost: x\r\n\r\n");
  expect(seen.match(/HTTP\/1\.1 200 OK/g)?.length).toBe(2);
  expect(lab.deliveriesOf("/lab/echo")).toMatchObject([
    {
      method: "POST",
      target: "/lab/echo?a=1",
      bodyBytes: 3,
      bodyComplete: true,
      requestIndexOnConnection: 0,
      oddities: [],
    },
    { method: "GET", requestIndexOnConnection: 1, fault: null },
  ]);
  expect(lab.deliveries[0]!.headers).toEqual([
    ["Host", "x"],
    ["X-b", "1"],
    ["x-B", "2"],
    ["Content-Length", "3"],
  ]);
});

test("a chunked body with trailers is read whole; a cut one is not complete", async () => {
  const seen = await raw(
    "POST /lab/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
  );
  expect(JSON.parse(seen.slice(seen.indexOf("{"))).body).toEqual({
    bytes: 5,
    complete: true,
    sha256: createHash("sha256").update("hello").digest("hex"),
    trailers: [["X-Sum", "1"]],
  });
  await raw("POST /cut HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf", 50);
  await expect.poll(() => lab.deliveriesOf("/cut")[0]?.bodyBytes).toBe(4);
  expect(lab.deliveriesOf("/cut")[0]!.bodyComplete).toBe(false);
});

test.each([
  ["GET / HTTP/1.1\r\n\r\n", "no Host"],
  ["GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "several Host fields"],
  ["GET / HTTP/1.1\nHost: x\n\n", "a line of the head ends in a bare LF"],
  ["GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", "a folded line"],
  ["GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 'a field name that is no token: "A "'],
  [
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "both Transfer-Encoding and Content-Length",
  ],
])("an oddity of %j is noted", async (request, oddity) => {
  await raw(request, 50);
  expect(lab.deliveries[0]?.oddities).toEqual([oddity]);
});

test("what cannot be read is answered 400 and noted", async () => {
  expect(await raw("\x16\x03\x01\r\n\r\n")).toMatch(/^HTTP\/1\.1 400/);
  expect(lab.unreadable.length).toBe(1);
});

test("next strikes as many requests as were asked for, and not the controls", async () => {
  const get = async (path: string) => (await fetch(lab.url + path)).status;
  await fetch(lab.url + "/lab/next", { method: "POST", body: '{"fault":"app-503","count":2}' });
  expect(await get("/lab/faults")).toBe(200);
  expect([await get("/"), await get("/"), await get("/")]).toEqual([503, 503, 200]);
  expect(lab.deliveries.map(({ fault }) => fault)).toEqual(["app-503", "app-503", null]);
});

test("setFault stands until it is taken away; X-Lab-Fault goes before it", async () => {
  lab.setFault("app-500");
  const get = async (headers = {}) => (await fetch(lab.url + "/", { headers })).status;
  expect([await get(), await get({ "x-lab-fault": "app-504" }), await get()]).toEqual([500, 504, 500]);
  lab.setFault(null);
  expect(await get()).toBe(200);
});

test("a fault that does not exist is not a success; one of addresses says how to get it", async () => {
  expect((await fetch(lab.url + "/", { headers: { "x-lab-fault": "no-such" } })).status).toBe(404);
  expect((await fetch(lab.url + "/lab/fault/no-such")).status).toBe(404);
  expect(await (await fetch(lab.url + "/lab/fault/refuse")).text()).toContain("POST /lab/listen?fault=refuse");
  expect((await fetch(lab.url + "/lab/next?fault=refuse", { method: "POST" })).status).toBe(409);
  expect(() => lab.setFault("refuse")).toThrow("address of its own");
});

test("faults at accept strike the next connection", async () => {
  lab.next("close-on-accept");
  expect(await raw("GET / HTTP/1.1\r\nHost: x\r\n\r\n")).toBe("");
  expect(await raw("GET / HTTP/1.1\r\nHost: x\r\n\r\n")).toMatch(/^HTTP\/1\.1 200/);
  expect(lab.deliveries.length).toBe(1);
});

test("/lab/listen opens an address with the fault", async () => {
  const response = await fetch(lab.url + "/lab/listen?fault=close-before-head", { method: "POST" });
  const { address, cause } = (await response.json()) as { address: string; cause: string };
  expect([response.status, cause]).toEqual([201, "closed-before-response"]);
  await expect(fetch(`http://${address}/anything`)).rejects.toThrow();
  expect(lab.deliveriesOf("/anything").length).toBeGreaterThanOrEqual(1);
});

test("crash resets the request, refuses for a while, and is back", async () => {
  await expect(fetch(lab.url + "/lab/fault/crash?ms=60")).rejects.toThrow();
  expect(lab.listening).toBe(false);
  await expect.poll(() => lab.listening).toBe(true);
  expect((await fetch(lab.url + "/")).status).toBe(200);
});

test("a peer that leaves while the lab stalls is noticed", async () => {
  await raw("GET /lab/fault/stall-head HTTP/1.1\r\nHost: x\r\n\r\n", 20);
  await expect.poll(() => lab.deliveries[0]?.peerLeftAt).not.toBeNull();
  await expect.poll(() => lab.connections.open).toBeLessThanOrEqual(2);
});

test("a client that half-closes still gets its answer", async () => {
  const seen = await new Promise<string>((resolve) => {
    const socket = connect({ port: lab.port, host: lab.host, allowHalfOpen: true });
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString();
    });
    socket.on("end", () => resolve(text));
    socket.end("GET /lab/slow?ms=30 HTTP/1.1\r\nHost: x\r\n\r\n");
  });
  expect(seen).toContain("slow, but here");
});

test("Expect: 100-continue is answered by 100 before the body is read", async () => {
  const seen = await raw("POST /lab/echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  expect(seen).toBe("HTTP/1.1 100 Continue\r\n\r\n");
});

test("bytes come counted, chunked, and with trailers", async () => {
  const get = (query: string) => raw(`GET /lab/bytes?${query} HTTP/1.1\r\nHost: x\r\n\r\n`);
  expect(await get("n=20")).toMatch(/Content-Length: 20\r\n\r\n.{20}$/s);
  expect(await get("n=5&chunked")).toMatch(/chunked\r\n\r\n5\r\nline \r\n0\r\n\r\n$/);
  expect(await get("n=5&trailers")).toMatch(/0\r\nX-Bytes: 5\r\n\r\n$/);
  expect(await raw("GET /lab/bytes?n=5&chunked HTTP/1.0\r\n\r\n")).toMatch(/Connection: close\r\n\r\nline $/);
  expect(await raw("HEAD /lab/bytes?n=5 HTTP/1.1\r\nHost: x\r\n\r\n")).toMatch(/Content-Length: 5\r\n\r\n$/);
  expect((await fetch(lab.url + "/lab/status/418")).status).toBe(418);
});

test("the index is a page with every fault", async () => {
  const text = await (await fetch(lab.url + "/lab/")).text();
  expect(text).toContain('<a href="/lab/fault/stall-head"><code>stall-head</code></a>');
  expect(text).not.toContain("&lt;td");
  const deliveries = await (await fetch(lab.url + "/lab/deliveries")).json();
  expect(deliveries).toEqual([]);
});
