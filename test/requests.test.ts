// Requests that the gateway answers itself because they, their client or their route cannot be served: what the client
// is told (status, Proxy-Status, body by Accept), what the log says, and that no upstream heard of it.
// The causes that need no fault of an upstream (WITHOUT_FAULT in causes.test.ts) are met here.
import { afterAll, beforeAll, expect, test } from "vitest";
import { CAUSES, type CauseId } from "../src/failure/causes.ts";
import { type Lab, startLab } from "../src/lab/server.ts";
import { exchange, pause, RawClient, type RawResponse, type RunningGateway, startGateway, until } from "./harness.ts";
import { freePort } from "./origin.ts";

const HEAD_MS = 500;
const BODY_MS = 500;
const IDLE_MS = 700;
const BODY_MAX = 64 * 1024;
const HEAD_MAX = 4096;
const LINE_MAX = 1024;
const FIELDS_MAX = 20;

let lab: Lab;
let gateway: RunningGateway;

beforeAll(async () => {
  lab = await startLab();
  gateway = await startGateway({
    name: "edge-7",
    client: {
      timeouts: { idle: `${IDLE_MS}ms`, head: `${HEAD_MS}ms`, body: `${BODY_MS}ms` },
      limits: { line: `${LINE_MAX}`, head: `${HEAD_MAX}`, fields: FIELDS_MAX, body: `${BODY_MAX}` },
    },
    upstreams: {
      lab: lab.address,
      narrow: { endpoints: [lab.address], limits: { connections: 1 }, queue: "off" },
      absent: { endpoints: [] },
      down: { endpoints: [{ address: lab.address, down: true }] },
      nowhere: { endpoints: ["127.0.0.1:1"] },
    },
    routes: [
      { path: "/lab/*", proxy: "lab" },
      { path: "/narrow/*", strip: "/narrow", proxy: "narrow" },
      { path: "/absent/*", proxy: "absent" },
      { path: "/down/*", proxy: "down" },
      { path: "/nowhere/*", proxy: "nowhere" },
      { path: "/secret/*", proxy: "nowhere", errors: { detail: "never" } },
      { path: "/large/*", strip: "/large", proxy: "lab", body: "off" },
      { path: "/rewritten/*", rewrite: "/lab/echo{request.header.X-Path}", proxy: "lab" },
      { path: "/teapot", respond: { status: 418, body: "no coffee for {client.ip}\n" } },
    ],
  });
});

afterAll(async () => {
  await gateway?.stop("SIGKILL");
  await lab?.close();
});

let serial = 0;
const newId = (): string => `r-${serial++}`;

interface Expected {
  readonly status: number;
  readonly cause: CauseId;
  readonly closes?: boolean;
}

/** A failure is told in the same words everywhere: head, body, log. */
async function expectFailure(response: RawResponse, { status, cause, closes = false }: Expected): Promise<void> {
  const { fields } = response;
  expect(response.status, response.body.toString()).toBe(status);
  // RFC 9209 §2.3: the error type; §2: the name is the deployment's.
  expect(fields.get("proxy-status")).toMatch(new RegExp(`^edge-7; error=${CAUSES[cause].proxyStatus}(?:;|$)`));
  expect(fields.get("cache-control")).toBe("no-store");
  expect(fields.get("content-type")).toBe("application/problem+json");
  expect(fields.get("vary")).toBe("Accept");
  expect(fields.get("date")).toMatch(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
  expect(fields.get("retry-after")).toBe(CAUSES[cause].retryAfterSeconds?.toString());
  expect(fields.get("connection")).toBe(closes ? "close" : undefined);
  expect(response.whole).toBe(true);
  const problem = JSON.parse(response.body.toString()) as Record<string, unknown>;
  expect(problem).toMatchObject({ status, cause, title: CAUSES[cause].title, requestId: fields.get("x-request-id") });
  const entry = await gateway.entryOf(fields.get("x-request-id") ?? "");
  expect(entry).toMatchObject({ status, cause, aborted: false });
}

const PROBLEM = "Accept: application/problem+json\r\n";
const head = (line: string, fields = ""): string => `${line} HTTP/1.1\r\nHost: shop.test\r\n${PROBLEM}${fields}\r\n`;

interface Refused extends Expected {
  readonly name: string;
  readonly request: string;
}

const filled = (count: number, line: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => line(n)).join("");

const REFUSED: readonly Refused[] = [
  { name: "no route", request: head("GET /elsewhere?lab"), status: 404, cause: "route-not-found" },
  // The whole body is read: the connection can go on.
  {
    name: "no route, with a body",
    request: `${head("POST /elsewhere", "Content-Length: 5\r\n")}hello`,
    status: 404,
    cause: "route-not-found",
  },
  { name: "an upstream without endpoints", request: head("GET /absent/a"), status: 503, cause: "backend-absent" },
  { name: "every endpoint down", request: head("GET /down/a"), status: 503, cause: "no-healthy-upstream" },
  { name: "a refused connection", request: head("GET /nowhere/a"), status: 502, cause: "connect-refused" },
  // RFC 9110 §7.6.2: at zero it must not be forwarded; of the methods that it is for, only OPTIONS is served.
  {
    name: "Max-Forwards: 0",
    request: head("OPTIONS /lab/echo", "Max-Forwards: 0\r\n"),
    status: 403,
    cause: "request-denied",
  },
  {
    name: "CONNECT",
    request: `CONNECT shop.test:443 HTTP/1.1\r\nHost: shop.test\r\n${PROBLEM}\r\n`,
    status: 405,
    cause: "client-request-invalid",
  },
  { name: "TRACE", request: head("TRACE /lab/echo"), status: 405, cause: "client-request-invalid" },
  // RFC 9110 §7.6.3: our own name in Via.
  {
    name: "a loop",
    request: head("GET /lab/echo", "Via: 1.0 first, 1.1 edge-7 (note), 1.1 last\r\n"),
    status: 502,
    cause: "proxy-loop",
  },
  {
    name: "a length over the limit",
    request: head("POST /lab/echo", `Content-Length: ${BODY_MAX + 1}\r\n`),
    status: 413,
    cause: "client-request-too-large",
    closes: true,
  },
  {
    name: "a body that is refused with its expectation",
    request: head("POST /lab/echo", `Expect: 100-continue\r\nContent-Length: ${BODY_MAX + 1}\r\n`),
    status: 413,
    cause: "client-request-too-large",
    closes: true,
  },
];

for (const { name, request, ...expected } of REFUSED) {
  test(`${name}: ${expected.status}`, async () => {
    const before = lab.deliveries.length;
    const client = new RawClient(gateway.port);
    client.send(request);
    await expectFailure(await client.response(), expected);
    expect(lab.deliveries.length, "it reached the upstream").toBe(before);
    if (expected.closes)
      await until(
        () => client.ending === "fin",
        1_500,
        () => "the connection stays open",
      );
    else {
      client.send(head("GET /teapot"));
      expect((await client.response()).status).toBe(418);
    }
    client.close();
  });
}

test("heads over a limit: 414 and 431, before they have come to their end", async () => {
  const cases: [string, number][] = [
    [`GET /lab/${"a".repeat(LINE_MAX)}`, 414],
    [`GET /lab/${"a".repeat(LINE_MAX)} HTTP/1.1\r\nHost: shop.test\r\n\r\n`, 414],
    [`GET /lab/a HTTP/1.1\r\nHost: shop.test\r\nX-A: ${"a".repeat(HEAD_MAX)}`, 431],
    [`GET /lab/a HTTP/1.1\r\nHost: shop.test\r\n${filled(FIELDS_MAX, (n) => `X-${n}: a\r\n`)}`, 431],
  ];
  for (const [request, status] of cases) {
    const before = lab.deliveries.length;
    const response = await exchange(gateway.port, request, "GET");
    expect(response.status).toBe(status);
    expect(response.fields.get("connection")).toBe("close");
    expect(response.fields.get("proxy-status")).toContain("error=http_request_error");
    const entry = await gateway.entryOf(response.fields.get("x-request-id")!);
    expect(entry).toMatchObject({ status, cause: "client-request-too-large" });
    expect(lab.deliveries.length).toBe(before);
  }
});

test("heads just within the limits are served", async () => {
  const line = `GET /lab/echo?${"a".repeat(LINE_MAX - 26)} HTTP/1.1\r\n`;
  expect(line.length).toBeLessThanOrEqual(LINE_MAX + 2);
  expect((await exchange(gateway.port, `${line}Host: shop.test\r\n\r\n`)).status).toBe(200);
  const fields = filled(FIELDS_MAX - 1, (n) => `X-${n}: a\r\n`);
  expect((await exchange(gateway.port, `GET /lab/echo HTTP/1.1\r\nHost: shop.test\r\n${fields}\r\n`)).status).toBe(200);
});

test("chunks over the limit: 413, and the upstream never sees a whole request", async () => {
  const client = new RawClient(gateway.port);
  const id = newId();
  client.send(head("POST /lab/echo?chunks", `X-Request-Id: ${id}\r\nTransfer-Encoding: chunked\r\n`));
  const piece = `4000\r\n${"x".repeat(0x4000)}\r\n`;
  for (let sent = 0; sent <= BODY_MAX; sent += 0x4000) client.send(piece);
  await expectFailure(await client.response("POST"), { status: 413, cause: "client-request-too-large", closes: true });
  await until(
    () => client.ending !== "open",
    3_000,
    () => "the connection stays open",
  );
  expect(
    lab.deliveriesOf("/lab/echo").filter(({ target, bodyComplete }) => target.endsWith("?chunks") && bodyComplete),
  ).toEqual([]);
});

test("a route's own limit takes precedence", async () => {
  const client = new RawClient(gateway.port);
  client.send(head("POST /large/lab/echo", `Content-Length: ${BODY_MAX * 2}\r\n`) + "x".repeat(BODY_MAX * 2));
  expect((await client.response("POST")).status).toBe(200);
  client.close();
});

test("a head that does not come: 408 within the limit, others unaffected", async () => {
  const slow = new RawClient(gateway.port);
  const began = performance.now();
  const drip = setInterval(() => slow.send("X"), HEAD_MS / 10);
  slow.send("GET /lab/echo HTTP/1.1\r\nHost: shop.test\r\nX");
  const other = await exchange(gateway.port, head("GET /lab/echo"));
  expect(other.status).toBe(200);
  const response = await slow.response().finally(() => clearInterval(drip));
  expect(performance.now() - began).toBeLessThan(HEAD_MS * 4);
  expect(response.status).toBe(408);
  // RFC 9110 §15.5.9: the server closes, and says so.
  expect(response.fields.get("connection")).toBe("close");
  expect((await gateway.entryOf(response.fields.get("x-request-id")!)).cause).toBe("client-timeout");
  slow.close();
});

test("a connection on which nothing was asked is closed without an answer", async () => {
  const client = new RawClient(gateway.port);
  await until(
    () => client.ending !== "open",
    HEAD_MS * 4,
    () => "the connection stays open",
  );
  expect(client.text).toBe("");
});

test("a kept connection on which nothing follows is closed without an answer", async () => {
  const client = new RawClient(gateway.port);
  client.send(head("GET /teapot"));
  expect((await client.response()).status).toBe(418);
  await until(
    () => client.ending !== "open",
    IDLE_MS * 4,
    () => "the connection stays open",
  );
  expect([client.text, client.ending]).toEqual(["", "fin"]);
});

test("a body that stalls: 408, and the upstream is let go", async () => {
  const id = newId();
  const client = new RawClient(gateway.port);
  client.send(`${head("POST /lab/echo?stalls", `X-Request-Id: ${id}\r\nContent-Length: 100\r\n`)}hello`);
  await expectFailure(await client.response("POST"), { status: 408, cause: "client-timeout", closes: true });
  const delivery = lab.deliveriesOf("/lab/echo").find(({ target }) => target.endsWith("?stalls"));
  await until(
    () => delivery === undefined || delivery.peerLeftAt !== null || !delivery.bodyComplete,
    1_000,
    () => "the upstream waits on",
  );
  expect(delivery?.bodyComplete ?? false).toBe(false);
  client.close();
});

test("an upload that is cut is never whole to the upstream", async () => {
  for (const [framing, body] of [
    ["Content-Length: 100", "hello"],
    ["Transfer-Encoding: chunked", "5\r\nhello\r\n"],
    ["Transfer-Encoding: chunked", "5\r\nhe"],
  ] as const) {
    for (const how of ["fin", "rst"] as const) {
      const id = newId();
      const client = new RawClient(gateway.port);
      client.send(head(`POST /lab/echo?${id}`, `X-Request-Id: ${id}\r\n${framing}\r\n`) + body);
      const arrived = () => lab.deliveries.find(({ target }) => target.endsWith(`?${id}`));
      await until(arrived, 2_000, () => "nothing arrived");
      if (how === "fin") client.socket.end();
      else client.socket.resetAndDestroy();
      const entry = await gateway.entryOf(id);
      expect(entry).toMatchObject({ cause: "client-closed-request", status: 499 });
      await pause(50);
      expect(arrived()!.bodyComplete).toBe(false);
      expect(arrived()!.body.oddities).toEqual([]);
      client.close();
    }
  }
});

test("a client that leaves: the upstream is cancelled within a second, and not blamed", async () => {
  for (const how of ["fin", "rst"] as const) {
    const id = newId();
    const client = new RawClient(gateway.port);
    client.send(head(`GET /lab/slow?ms=6000&${id}`, `X-Request-Id: ${id}\r\n`));
    const arrived = () => lab.deliveries.find(({ target }) => target.endsWith(`&${id}`));
    await until(arrived, 2_000, () => "nothing arrived");
    const left = performance.now();
    // destroy() closes both directions: to the gateway a FIN first, and a reset once it writes.
    if (how === "fin") client.socket.destroy();
    else client.socket.resetAndDestroy();
    await until(
      () => arrived()!.peerLeftAt !== null,
      3_000,
      () => `${how}: the upstream works on for nobody`,
    );
    expect(arrived()!.peerLeftAt! - left, how).toBeLessThan(1_000);
    expect(await gateway.entryOf(id)).toMatchObject({ cause: "client-closed-request", status: 499, aborted: true });
  }
});

test("the limit of connections to an endpoint: 503 at once, and room again behind it", async () => {
  const first = new RawClient(gateway.port);
  first.send(head("GET /narrow/lab/slow?ms=600&first"));
  await until(
    () => lab.deliveries.some(({ target }) => target.endsWith("&first")),
    2_000,
    () => "nothing arrived",
  );
  const second = await exchange(gateway.port, head("GET /narrow/lab/echo"));
  await expectFailure(second, { status: 503, cause: "pool-exhausted" });
  expect((await first.response()).status).toBe(200);
  expect((await exchange(gateway.port, head("GET /narrow/lab/echo"))).status).toBe(200);
  first.close();
});

test("a gateway that is its own upstream: 502 proxy_loop_detected after one turn", async () => {
  const port = await freePort();
  const looped = await startGateway({ listen: [`127.0.0.1:${port}`], upstreams: { self: `127.0.0.1:${port}` } });
  try {
    const response = await exchange(port, head("GET /lab/echo"));
    expect(response.status).toBe(502);
    expect(response.fields.get("proxy-status")).toMatch(/^goodgate; error=proxy_loop_detected/);
    await until(
      () => looped.log().length === 2,
      2_000,
      () => `${looped.log().length} log lines, not 2`,
    );
    expect(looped.log()[0]!.cause).toBe("proxy-loop");
  } finally {
    await looped.stop("SIGKILL");
  }
});

test("what a client sends into a rewrite can end neither the target nor the line", async () => {
  const before = lab.deliveries.length;
  // A space in the target would end it, and what follows would be read as a version (RFC 9112 §3).
  const response = await exchange(gateway.port, head("GET /rewritten/a", "X-Path: /a HTTP/1.1 x\r\n"));
  // The lab has no such page; what matters is what it was asked for.
  expect(response.status).toBe(404);
  expect(lab.deliveries.slice(before).map(({ target }) => target)).toEqual(["/lab/echo/a%20HTTP/1.1%20x"]);
  expect((await exchange(gateway.port, head("GET /rewritten/a", "X-Path: ?b=c\r\n"))).status).toBe(200);
});
