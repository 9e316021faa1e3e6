// What ends too early, over real sockets: cut answers are visibly cut, cut uploads never look whole, an early answer
// reaches a client that still sends, and a client that leaves takes its upstream request with it.
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { FaultName } from "../src/lab/faults.ts";
import type { Delivery } from "../src/lab/serve.ts";
import { type Lab, startLab } from "../src/lab/server.ts";
import { metricValue } from "./command.ts";
import { exchange, pause, RawClient, type RunningGateway, startGateway, until } from "./harness.ts";
import { startOrigin } from "./origin.ts";

let lab: Lab;
let gateway: RunningGateway;

beforeAll(async () => {
  lab = await startLab();
  gateway = await startGateway({
    upstreams: { lab: { endpoints: [lab.address], timeouts: { head: "3s", "idle-body": "600ms", send: "600ms" } } },
  });
});

afterAll(async () => {
  await gateway?.stop("SIGKILL");
  await lab?.close();
});

/** The delivery of a request, once it has arrived. */
function deliveryOf(id: string): Promise<Delivery> {
  const found = (): Delivery | undefined =>
    lab.deliveries.find(({ headers }) => headers.some(([name, value]) => name === "X-Request-Id" && value === id));
  return until(found, 2000, () => `${id} did not reach the upstream`);
}

const CUT: readonly FaultName[] = [
  "short-body",
  "reset-mid-body",
  "stall-mid-body",
  "cut-in-chunk",
  "reset-in-chunk",
  "cut-between-chunks",
  "cut-in-chunk-size",
  "cut-in-last-chunk",
  "close-delimited-reset",
];

// An HTTP/1.0 client knows no chunks: to it a body without a length is whole when it ends by FIN.
test.each(CUT.flatMap((fault) => [1, 0].map((minor) => [fault, minor] as const)))(
  "%s is seen as cut by an HTTP/1.%i client (scenarios 8, 9, 10, 19)",
  async (fault, minor) => {
    const id = `cut-${fault}-${minor}`;
    const client = new RawClient(gateway.port);
    client.send(`GET /lab/fault/${fault} HTTP/1.${minor}\r\nHost: shop.test\r\nX-Request-Id: ${id}\r\n\r\n`);
    await client.closed;
    await until(
      () => client.ending === "rst",
      300,
      () => "",
    ).catch(() => client.ending);
    const text = client.text;
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(text.endsWith("0\r\n\r\n")).toBe(false);
    if (!/content-length|transfer-encoding/i.test(text.slice(0, text.indexOf("\r\n\r\n"))))
      expect(client.ending).toBe("rst");
    const entry = await gateway.entryOf(id);
    expect(entry).toMatchObject({
      status: 200,
      aborted: true,
      cause: fault === "stall-mid-body" ? "response-body-timeout" : "response-truncated",
    });
    client.close();
  },
);

test("a body without a length that ends by a reset right behind its bytes is never shown as whole (scenario 10)", async () => {
  const origin = await startOrigin((socket) => {
    socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\n\r\nhalf of", () => socket.resetAndDestroy()));
  });
  const other = await startGateway({ upstreams: { origin: { endpoints: [origin.address], retry: "off" } } });
  try {
    let whole = 0;
    for (let round = 0; round < 60; round++) {
      const client = new RawClient(other.port);
      client.send("GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n");
      const response = await client.response();
      if (response.status === 200 && response.whole) whole++;
      client.close();
    }
    expect(whole, "cut answers that were shown as whole, of 60").toBe(0);
  } finally {
    await other.stop("SIGKILL");
    await origin.close();
  }
});

test("what was sent before a cut reaches the client", async () => {
  const client = new RawClient(gateway.port);
  client.send("GET /lab/fault/short-body?bytes=100000&after=50000 HTTP/1.1\r\nHost: shop.test\r\n\r\n");
  await client.closed;
  const body = client.bytes.length - (client.bytes.indexOf("\r\n\r\n") + 4);
  expect(body).toBe(50_000);
});

test.each(["early-413", "early-413-reset"])(
  "%s reaches a client that uploads, 50 times of 50 (scenario 20)",
  async (fault) => {
    const piece = Buffer.alloc(256 * 1024, "u");
    const outcomes: string[] = [];
    for (let round = 0; round < 50; round++) {
      const client = new RawClient(gateway.port);
      client.send(
        `POST /lab/fault/${fault} HTTP/1.1\r\nHost: shop.test\r\nContent-Length: ${64 * 1024 * 1024}\r\n\r\n`,
      );
      let left = 64 * 1024 * 1024;
      const more = (): void => {
        // It sends until it sees an answer, and looks for one after each piece.
        if (client.bytes.length > 0 || client.ending !== "open" || left === 0) return;
        left -= piece.length;
        if (client.socket.write(piece)) setImmediate(more);
      };
      client.socket.on("drain", () => setImmediate(more));
      more();
      const response = await client.response("POST", 3000).catch((error: Error) => error.message);
      outcomes.push(
        typeof response === "string"
          ? response
          : `${response.status} ${response.body.toString().trim()} ${response.whole}`,
      );
      client.close();
    }
    expect(outcomes.filter((outcome) => outcome !== "413 too large true")).toEqual([]);
  },
);

test("a 413 of the gateway's own limit reaches a client that goes on sending", async () => {
  const small = await startGateway({ upstreams: { lab: lab.address }, client: { limits: { body: "100KiB" } } });
  try {
    for (const framing of ["Content-Length: 3000000", "Transfer-Encoding: chunked"]) {
      const client = new RawClient(small.port);
      client.send(
        `POST /lab/echo HTTP/1.1\r\nHost: shop.test\r\nX-Request-Id: big-${framing.length}\r\n${framing}\r\n\r\n`,
      );
      client.send(
        framing.startsWith("C")
          ? Buffer.alloc(3_000_000)
          : Buffer.concat([Buffer.from("2dc6c0\r\n"), Buffer.alloc(3_000_000)]),
      );
      const response = await client.response("POST");
      expect([response.status, response.whole]).toEqual([413, true]);
      expect((await small.entryOf(`big-${framing.length}`)).cause).toBe("client-request-too-large");
      client.close();
    }
    expect(lab.deliveriesOf("/lab/echo").every((delivery) => !delivery.bodyComplete)).toBe(true);
  } finally {
    await small.stop("SIGKILL");
  }
});

test("an early 200 and a whole upload behind it: one answer, and the connection may go on", async () => {
  const client = new RawClient(gateway.port);
  client.send("POST /lab/fault/early-200 HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1000\r\n\r\n");
  const response = await client.response("POST");
  expect([response.status, response.body.toString()]).toEqual([200, "ok\n"]);
  client.close();
});

const LEAVES: readonly (readonly [string, (client: RawClient) => void])[] = [
  ["closes", (client) => client.socket.destroy()],
  ["resets", (client) => void client.socket.resetAndDestroy()],
];

test.each(LEAVES)(
  "a client that %s before the response: the upstream request is cancelled within 1 s (scenario 23)",
  async (how, leave) => {
    const id = `gone-before-${how}`;
    const client = new RawClient(gateway.port);
    client.send(`GET /lab/slow?ms=20000 HTTP/1.1\r\nHost: shop.test\r\nX-Request-Id: ${id}\r\n\r\n`);
    const delivery = await deliveryOf(id);
    const at = performance.now();
    leave(client);
    await until(
      () => delivery.peerLeftAt,
      1500,
      () => "the upstream still works for nobody",
    );
    expect(delivery.peerLeftAt! - at).toBeLessThan(1000);
    expect(await gateway.entryOf(id)).toMatchObject({ status: 499, cause: "client-closed-request", phase: "client" });
  },
);

test.each(LEAVES)(
  "a client that %s during the response: the upstream request is cancelled within 1 s (scenario 23)",
  async (how, leave) => {
    const id = `gone-during-${how}`;
    const client = new RawClient(gateway.port);
    client.send(`GET /lab/fault/drip-body?bytes=100000 HTTP/1.1\r\nHost: shop.test\r\nX-Request-Id: ${id}\r\n\r\n`);
    const delivery = await deliveryOf(id);
    await until(
      () => client.bytes.length > 500,
      1000,
      () => "no body",
    );
    const at = performance.now();
    leave(client);
    await until(
      () => delivery.peerLeftAt,
      1500,
      () => "the upstream still sends to nobody",
    );
    expect(delivery.peerLeftAt! - at).toBeLessThan(1000);
    expect(await gateway.entryOf(id)).toMatchObject({ status: 200, aborted: true, cause: "client-closed-request" });
  },
);

test.each(LEAVES)("a client that does not read and %s lets the upstream go within 1 s", async (how, leave) => {
  const id = `gone-blocked-${how}`;
  const before = lab.connections.open;
  const client = new RawClient(gateway.port);
  client.socket.pause();
  client.send(`GET /lab/fault/large-body HTTP/1.1\r\nHost: shop.test\r\nX-Request-Id: ${id}\r\n\r\n`);
  await deliveryOf(id);
  await pause(400);
  leave(client);
  // The connection may have been an idle one before.
  await until(
    () => lab.connections.open <= before,
    1000,
    () => "the upstream still sends to nobody",
  );
  expect((await gateway.entryOf(id)).cause).toBe("client-closed-request");
});

test("clients that leave are not counted against the endpoint", async () => {
  const metrics = await (await fetch(`${gateway.consoleUrl}/metrics`)).text();
  expect(metricValue(metrics, "goodgate_failures_total", { cause: "client-closed-request" })).toBeGreaterThanOrEqual(6);
  expect(metricValue(metrics, "goodgate_upstream_failures_total", { cause: "client-closed-request" })).toBeUndefined();
});

const CUT_UPLOADS: readonly (readonly [string, string, string])[] = [
  ["length", "Content-Length: 1000", "only a part"],
  ["chunked, in a chunk", "Transfer-Encoding: chunked", "20\r\nonly a part"],
  ["chunked, between chunks", "Transfer-Encoding: chunked", "4\r\nsome\r\n"],
  ["chunked, in the last chunk", "Transfer-Encoding: chunked", "4\r\nsome\r\n0\r\n"],
];

test.each(
  CUT_UPLOADS.flatMap((one) =>
    LEAVES.concat([["ends its direction", (c) => void c.socket.end()]]).map((leave) => [...one, ...leave] as const),
  ),
)(
  "an upload (%s; %s) that is cut is never shown as whole: the client %4$s (scenario 39)",
  async (name, field, part, how, leave) => {
    const id = `cut-upload-${name}-${how}`.replace(/\W/g, "-");
    const client = new RawClient(gateway.port);
    client.send(`POST /lab/echo HTTP/1.1\r\nHost: shop.test\r\nX-Request-Id: ${id}\r\n${field}\r\n\r\n${part}`);
    const delivery = await deliveryOf(id);
    await pause(50);
    leave(client);
    await until(
      () => delivery.peerLeftAt,
      1500,
      () => "the upstream still waits for the rest",
    );
    expect(delivery.bodyComplete).toBe(false);
    expect((await gateway.entryOf(id)).cause).toBe("client-closed-request");
  },
);

test("a client that half-closes still gets its answer, at once or late (scenario 40)", async () => {
  for (const ms of [0, 1200]) {
    const client = new RawClient(gateway.port);
    client.socket.end(`GET /lab/slow?ms=${ms} HTTP/1.1\r\nHost: shop.test\r\n\r\n`);
    const response = await client.response();
    expect([response.status, response.body.toString(), response.whole]).toEqual([200, "slow, but here\n", true]);
    await client.closed;
    expect(client.ending).toBe("fin");
  }
});

test("a client that half-closes behind pipelined requests gets all their answers", async () => {
  const client = new RawClient(gateway.port);
  client.socket.end([0, 1, 2].map((n) => `GET /lab/echo?n=${n} HTTP/1.1\r\nHost: shop.test\r\n\r\n`).join(""));
  for (const n of [0, 1, 2])
    expect(JSON.parse((await client.response()).body.toString())).toMatchObject({ target: `/lab/echo?n=${n}` });
});

test("a half-closed client that reads a large answer slowly gets it whole", async () => {
  const socket = connect({ port: gateway.port, host: "127.0.0.1", allowHalfOpen: true });
  socket.end("GET /lab/bytes?n=3000000 HTTP/1.1\r\nHost: shop.test\r\n\r\n");
  let bytes = 0;
  socket.on("data", (part: Buffer) => {
    bytes += part.length;
    socket.pause();
    setTimeout(() => socket.resume(), 2);
  });
  const ending = await new Promise<string>((resolve) =>
    socket.once("end", () => resolve("fin")).once("error", () => resolve("rst")),
  );
  expect(ending).toBe("fin");
  expect(bytes).toBeGreaterThan(3_000_000);
});

test("after all that the gateway serves", async () => {
  expect((await exchange(gateway.port, "GET /lab/echo HTTP/1.1\r\nHost: shop.test\r\n\r\n")).status).toBe(200);
  expect(gateway.output()).not.toContain("internal error");
});
