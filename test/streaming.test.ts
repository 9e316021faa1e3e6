// Bodies on their way through, over real sockets: whole and unchanged whatever the framing and the splits, at the
// reader's pace, event by event; never longer in memory than a few buffers.
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import { residentBytes } from "./command.ts";
import { exchange, pause, RawClient, type RunningGateway, startGateway, until } from "./harness.ts";
import {
  chunked,
  headFrom,
  type Origin,
  seeded,
  seededBytes,
  sha256,
  splits,
  startOrigin,
  writeSlowly,
} from "./origin.ts";

const MIB = 1024 * 1024;
const SIZES = [0, 1, 65_535, 65_536, 65_537, MIB, 3 * MIB + 7];

let lab: Lab;
let origin: Origin;
let flood: Origin;
let gateway: RunningGateway;
/** What the scripted origin sends for /events/ID, when the test says so. */
const eventStreams = new Map<string, Socket>();

beforeAll(async () => {
  lab = await startLab();
  origin = await startOrigin((socket) => void serveSeeded(socket));
  flood = await startOrigin((socket) => {
    socket.once("data", () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${256 * MIB}\r\n\r\n`);
      const piece = Buffer.alloc(64 * 1024, "x");
      const more = (): void => {
        while (!socket.destroyed && socket.bytesWritten < 256 * MIB && socket.write(piece));
      };
      socket.on("drain", more);
      more();
    });
  });
  gateway = await startGateway({
    upstreams: {
      lab: lab.address,
      origin: { endpoints: [origin.address], timeouts: { "idle-body": "10s" } },
      flood: flood.address,
    },
    routes: [
      { path: ["/seeded/*", "/events/*"], proxy: "origin" },
      { path: "/flood", proxy: "flood" },
      { path: "/", proxy: "lab" },
    ],
  });
});

afterAll(async () => {
  await gateway?.stop("SIGKILL");
  await Promise.all([lab, origin, flood].map((server) => server?.close()));
});

/** GET /seeded/FRAMING/SEED/SIZE: bytes of the seed, framed so, in random pieces. GET /events/ID: the test sends. */
async function serveSeeded(socket: Socket): Promise<void> {
  for (;;) {
    const target = (await headFrom(socket)).split(" ")[1] ?? "";
    const [, kind, framing, seed, size] = target.split("/");
    if (kind === "events") {
      const close = framing!.startsWith("close-");
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n${close ? "" : "Transfer-Encoding: chunked\r\n"}\r\n`,
      );
      eventStreams.set(framing!, socket);
      continue;
    }
    const random = seeded(Number(seed));
    const body = seededBytes(Number(seed), Number(size));
    const head = { length: `Content-Length: ${body.length}\r\n`, chunked: "Transfer-Encoding: chunked\r\n", close: "" }[
      framing!
    ];
    const framed = framing === "chunked" ? chunked(body, random) : body;
    const message = Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n${head}\r\n`), framed]);
    await writeSlowly(socket, splits(message, random), random);
    if (framing === "close") return void socket.end();
  }
}

/** Reads a response at a random pace and hashes its body as it comes; keeps nothing. */
async function hashOf(
  target: string,
  seed: number,
  minor = 1,
): Promise<{ digest: string; bytes: number; ending: string; head: string }> {
  const random = seeded(seed);
  const socket = connect({ port: gateway.port, host: "127.0.0.1", allowHalfOpen: true });
  socket.write(`GET ${target} HTTP/1.${minor}\r\nHost: shop.test\r\nConnection: close\r\n\r\n`);
  const parts: Buffer[] = [];
  let ending = "open";
  socket.on("error", () => (ending = "rst"));
  socket.on("data", (part: Buffer) => {
    parts.push(part);
    if (random() < 0.1) {
      socket.pause();
      setTimeout(() => socket.resume(), random() * 15);
    }
  });
  await new Promise<void>((resolve) => {
    socket.once("end", () => {
      ending = "fin";
      resolve();
    });
    socket.once("close", () => resolve());
  });
  socket.destroy();
  const all = Buffer.concat(parts);
  const split = all.indexOf("\r\n\r\n") + 4;
  const head = all.toString("latin1", 0, split);
  let body: Buffer = all.subarray(split);
  if (/transfer-encoding: chunked/i.test(head)) body = unchunked(body);
  return { digest: sha256(body), bytes: body.length, ending, head };
}

function unchunked(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = bytes.indexOf("\r\n", at);
    const size = Number.parseInt(bytes.toString("latin1", at, line), 16);
    if (line < 0 || Number.isNaN(size)) throw new Error(`no chunk at ${at} of ${bytes.length}`);
    if (size === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}

test.each(["length", "chunked", "close"])(
  "responses delimited by %s come whole, to HTTP/1.1 and HTTP/1.0 clients",
  async (framing) => {
    for (const [index, size] of SIZES.entries()) {
      for (const minor of [1, 0]) {
        const seed = 100 + index;
        const seen = await hashOf(`/seeded/${framing}/${seed}/${size}`, seed, minor);
        expect(seen, `${size} bytes, HTTP/1.${minor}`).toMatchObject({
          digest: sha256(seededBytes(seed, size)),
          bytes: size,
          ending: "fin",
        });
        if (minor === 0) expect(seen.head.toLowerCase()).not.toContain("transfer-encoding");
      }
    }
  },
);

test("transfers at the same time, with slow readers, do not mix", async () => {
  const framings = ["length", "chunked", "close"];
  const jobs = Array.from({ length: 18 }, async (_, index) => {
    const size = 700_000 + 77_777 * index;
    const seen = await hashOf(`/seeded/${framings[index % 3]}/${index}/${size}`, 1000 + index);
    expect(seen, `transfer ${index}`).toMatchObject({ digest: sha256(seededBytes(index, size)), bytes: size });
  });
  const uploads = Array.from({ length: 12 }, (_, index) =>
    upload(index % 2 === 0 ? "length" : "chunked", 2000 + index, 600_000 + 55_555 * index),
  );
  await Promise.all([...jobs, ...uploads]);
});

/** Sends a body in random pieces to /lab/echo, which says what arrived. */
async function upload(framing: string, seed: number, size: number): Promise<void> {
  const random = seeded(seed);
  const body = seededBytes(seed, size);
  const client = new RawClient(gateway.port);
  const field = framing === "chunked" ? "Transfer-Encoding: chunked" : `Content-Length: ${size}`;
  const framed = framing === "chunked" ? chunked(body, random) : body;
  const message = Buffer.concat([
    Buffer.from(`POST /lab/echo HTTP/1.1\r\nHost: shop.test\r\n${field}\r\n\r\n`),
    framed,
  ]);
  await writeSlowly(client.socket, splits(message, random), random);
  const response = await client.response("POST", 15_000);
  client.close();
  const echo = JSON.parse(response.body.toString()) as { body: unknown };
  expect(echo.body, `${framing}, ${size} bytes`).toMatchObject({ bytes: size, complete: true, sha256: sha256(body) });
}

test.each(["length", "chunked"])("uploads framed by %s arrive whole", async (framing) => {
  for (const [index, size] of SIZES.entries()) await upload(framing, 300 + index, size);
  expect(lab.deliveries.flatMap((delivery) => delivery.oddities)).toEqual([]);
});

test("requests and responses behind one another on a connection, with bodies, keep their boundaries", async () => {
  const client = new RawClient(gateway.port);
  const bodies = [5, 70_000, 0, 65_536, 200_000].map((size, index) => seededBytes(500 + index, size));
  const random = seeded(7);
  const requests = bodies.map((body, index) =>
    Buffer.concat([
      Buffer.from(`POST /lab/echo?n=${index} HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n`),
      chunked(body, random),
    ]),
  );
  void writeSlowly(client.socket, splits(Buffer.concat(requests), random), random);
  for (const [index, body] of bodies.entries()) {
    const echo = JSON.parse((await client.response("POST")).body.toString()) as {
      target: string;
      body: { sha256: string };
    };
    expect(echo).toMatchObject({ target: `/lab/echo?n=${index}`, body: { sha256: sha256(body) } });
  }
  client.close();
});

test("a slow reader of 256 MiB costs the gateway a few buffers, and the upstream waits (scenario 24)", async () => {
  const before = await settledRss();
  const readers = Array.from({ length: 8 }, () => {
    const socket = connect(gateway.port, "127.0.0.1");
    socket.write("GET /flood HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    socket.once("readable", () => socket.read(1));
    return socket;
  });
  await pause(1200);
  // The gateway looks at each endpoint when it starts: those connections carried no request.
  const busy = flood.sockets.filter((socket) => socket.bytesWritten > 0);
  const taken = busy.map((socket) => socket.bytesWritten - socket.writableLength);
  const grown = residentBytes(gateway.process.pid!) - before;
  for (const socket of readers) socket.destroy();
  expect(taken).toHaveLength(8);
  // Kernel buffers of two connections, and ours.
  for (const bytes of taken) expect(bytes).toBeLessThan(32 * MIB);
  expect(grown).toBeLessThan(32 * MIB);
  await until(
    () => busy.every((socket) => socket.destroyed),
    2000,
    () => "the upstream was not let go",
  );
});

test("an upstream that does not read stops the upload (scenario 24)", async () => {
  const before = await settledRss();
  const piece = Buffer.alloc(64 * 1024, "u");
  const clients = Array.from({ length: 8 }, () => {
    const socket = connect(gateway.port, "127.0.0.1");
    socket.on("error", () => socket.destroy());
    socket.write(`POST /lab/fault/never-read HTTP/1.1\r\nHost: shop.test\r\nContent-Length: ${256 * MIB}\r\n\r\n`);
    const more = (): void => {
      while (!socket.destroyed && socket.bytesWritten < 256 * MIB && socket.write(piece));
    };
    socket.on("drain", more);
    more();
    return socket;
  });
  await pause(1200);
  const sent = clients.map((socket) => socket.bytesWritten - socket.writableLength);
  const grown = residentBytes(gateway.process.pid!) - before;
  for (const socket of clients) socket.destroy();
  for (const bytes of sent) expect(bytes).toBeLessThan(32 * MIB);
  expect(grown).toBeLessThan(32 * MIB);
});

/** Resident memory once it has stopped moving: what earlier tests left is not ours. */
async function settledRss(): Promise<number> {
  let last = residentBytes(gateway.process.pid!);
  for (let round = 0; round < 10; round++) {
    await pause(50);
    const next = residentBytes(gateway.process.pid!);
    if (Math.abs(next - last) < 256 * 1024) return next;
    last = next;
  }
  return last;
}

test("many clients that pipeline and do not read are bounded (scenario 41)", async () => {
  const before = await settledRss();
  const request = Buffer.from("GET /lab/bytes?n=20000 HTTP/1.1\r\nHost: shop.test\r\n\r\n".repeat(2000));
  const clients = Array.from({ length: 5 }, () => {
    const socket = connect(gateway.port, "127.0.0.1");
    socket.on("error", () => socket.destroy());
    socket.write(request);
    socket.pause();
    return socket;
  });
  await pause(1000);
  const grown = residentBytes(gateway.process.pid!) - before;
  for (const socket of clients) socket.destroy();
  expect(grown).toBeLessThan(48 * MIB);
});

test.each([
  ["chunked", 1],
  ["chunked", 0],
  ["close-delimited", 1],
  ["close-delimited", 0],
])("server-sent events (%s upstream, HTTP/1.%i client) arrive each before the next is sent", async (framing, minor) => {
  const id = `${framing === "chunked" ? "c" : "close-"}${minor}`;
  const client = new RawClient(gateway.port);
  client.send(`GET /events/${id} HTTP/1.${minor}\r\nHost: shop.test\r\n\r\n`);
  const upstream = await until(
    () => eventStreams.get(id),
    2000,
    () => "no request at the upstream",
  );
  await until(
    () => client.text.includes("\r\n\r\n"),
    500,
    () => "the head waits for the first event",
  );
  for (let serial = 0; serial < 20; serial++) {
    const event = `id: ${serial}\ndata: event-${serial}.\n\n`;
    upstream.write(framing === "chunked" ? `${event.length.toString(16)}\r\n${event}\r\n` : event);
    await until(
      () => client.text.includes(`event-${serial}.`),
      500,
      () => `event ${serial} did not come: ${client.text.slice(-200)}`,
    );
  }
  if (framing === "chunked") upstream.write("0\r\n\r\n");
  else upstream.end();
  const response = await client.response();
  expect(response.whole).toBe(true);
  expect(response.body.toString().match(/event-\d+\./g)).toHaveLength(20);
  client.close();
});

test("trailers pass in both directions, in front of the next message", async () => {
  const client = new RawClient(gateway.port);
  client.send("GET /lab/bytes?n=40000&trailers HTTP/1.1\r\nHost: shop.test\r\nTE: trailers\r\n\r\n");
  await until(
    () => client.text.includes("\r\n0\r\n") && client.text.endsWith("\r\n\r\n"),
    2000,
    () => "no end",
  );
  expect(client.text).toContain("\r\n0\r\nX-Bytes: 40000\r\n\r\n");
  expect((await client.response()).body).toHaveLength(40_000);
  const hash = createHash("sha256").update("hello").digest("hex");
  client.send(
    `POST /lab/echo HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: ${hash}\r\n\r\n`,
  );
  const echo = JSON.parse((await client.response("POST")).body.toString()) as { body: unknown };
  expect(echo.body).toMatchObject({ complete: true, sha256: hash, trailers: [["X-Sum", hash]] });
  client.send("GET /lab/status/204 HTTP/1.1\r\nHost: shop.test\r\n\r\n");
  expect((await client.response()).status).toBe(204);
  client.close();
});

test("an HTTP/1.0 client gets a chunked body without its chunks and trailers, ended by close", async () => {
  const seen = await exchange(
    gateway.port,
    "GET /lab/bytes?n=40000&trailers HTTP/1.0\r\nHost: shop.test\r\nConnection: keep-alive\r\n\r\n",
  );
  expect(seen.status).toBe(200);
  expect(seen.fields.has("transfer-encoding")).toBe(false);
  expect(seen.fields.has("content-length")).toBe(false);
  expect(seen.fields.get("connection")).toBe("close");
  expect(seen.body).toHaveLength(40_000);
  expect(seen.ending).toBe("fin");
});

test("an HTTP/1.0 client may keep its connection where the length is known", async () => {
  const client = new RawClient(gateway.port);
  for (let round = 0; round < 2; round++) {
    client.send("GET /lab/bytes?n=100 HTTP/1.0\r\nHost: shop.test\r\nConnection: keep-alive\r\n\r\n");
    const response = await client.response();
    expect(response.fields.get("connection")).toBe("keep-alive");
    expect(response.body).toHaveLength(100);
  }
  client.close();
});

test("an HTTP/1.0 upstream: its body is chunked for an HTTP/1.1 client, whose connection goes on", async () => {
  const client = new RawClient(gateway.port);
  for (let round = 0; round < 2; round++) {
    client.send("GET /lab/fault/http-1.0 HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    const response = await client.response();
    expect(response.head).toMatch(/^HTTP\/1\.1 200 /);
    expect(response.fields.get("transfer-encoding")).toBe("chunked");
    expect(response.body.toString()).toBe("hello\n");
  }
  expect(client.ending).toBe("open");
  client.close();
});
