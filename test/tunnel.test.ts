// Upgrades over real sockets: a WebSocket to the shop, bytes both ways, both half-closes, the idle limit, and what
// happens to a connection whose upgrade was refused.
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import { type Shop, startShop } from "../src/lab/shop.ts";
import { acceptKey } from "../src/lab/websocket.ts";
import { pause, RawClient, type RunningGateway, startGateway, until } from "./harness.ts";
import { headFrom, type Origin, seeded, seededBytes, sha256, splits, startOrigin, writeSlowly } from "./origin.ts";

const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: wire\r\n\r\n";
const ASK = "Host: shop.test\r\nConnection: Upgrade\r\nUpgrade: wire\r\n\r\n";

let lab: Lab;
let shop: Shop;
let origin: Origin;
let gateway: RunningGateway;
/** Tunnels as the upstream sees them, with what came through each. */
const tunnels: { readonly socket: Socket; text: string; ended: boolean; parts: Buffer[] }[] = [];

beforeAll(async () => {
  lab = await startLab();
  shop = await startShop({ name: "shop-1" });
  origin = await startOrigin(async (socket) => {
    await headFrom(socket);
    const tunnel = { socket, text: "", ended: false, parts: [] as Buffer[] };
    socket.on("data", (part: Buffer) => {
      tunnel.parts.push(part);
      tunnel.text += part.length < 1000 ? part.toString("latin1") : "";
    });
    socket.on("end", () => (tunnel.ended = true));
    socket.write(`${SWITCHING}early`);
    tunnels.push(tunnel);
  });
  gateway = await startGateway({
    upstreams: { lab: lab.address, shop: shop.address, origin: origin.address },
    routes: [
      { path: "/tunnel", proxy: "origin" },
      { path: "/short-tunnel", proxy: "origin", timeouts: { "tunnel-idle": "500ms" } },
      { path: "/no-tunnel", proxy: "origin", upgrade: false },
      { path: "/lab/*", proxy: "lab" },
      { path: "/", proxy: "shop" },
    ],
  });
});

afterAll(async () => {
  await gateway?.stop("SIGKILL");
  await Promise.all([lab, shop, origin].map((server) => server?.close()));
});

/** Opens a tunnel to the scripted origin; both its ends. */
async function openTunnel(path = "/tunnel"): Promise<{ client: RawClient; upstream: (typeof tunnels)[number] }> {
  const before = tunnels.length;
  const client = new RawClient(gateway.port);
  client.send(`GET ${path} HTTP/1.1\r\nX-Request-Id: tunnel-${before}\r\n${ASK}`);
  const head = await client.response();
  expect(head.status).toBe(101);
  await until(
    () => client.text === "early",
    1000,
    () => `what came right behind the 101 is missing: ${client.text}`,
  );
  client.bytes = Buffer.alloc(0);
  return { client, upstream: tunnels[before]! };
}

/** A client's frame: masked (RFC 6455 §5.3). */
function maskedFrame(opcode: number, payload: Buffer | string): Buffer {
  const data = Buffer.from(payload);
  const mask = randomBytes(4);
  const masked = Buffer.from(data.map((byte, index) => byte ^ mask[index & 3]!));
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | data.length]), mask, masked]);
}

/** Texts of the whole frames so far (all are shorter than 126 bytes or 64 KiB). */
function frames(bytes: Buffer): { opcode: number; text: string }[] {
  const found: { opcode: number; text: string }[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const short = bytes[at + 1]! & 0x7f;
    const length = short === 126 ? bytes.readUInt16BE(at + 2) : short;
    const start = at + (short === 126 ? 4 : 2);
    if (start + length > bytes.length) break;
    found.push({ opcode: bytes[at]! & 0x0f, text: bytes.toString("utf8", start, start + length) });
    at = start + length;
  }
  return found;
}

test("a WebSocket to the shop: handshake, echo, close", async () => {
  const key = randomBytes(16).toString("base64");
  const client = new RawClient(gateway.port);
  client.send(
    `GET /chat HTTP/1.1\r\nHost: shop.test\r\nX-Request-Id: chat\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  const head = await client.response();
  expect(head.status).toBe(101);
  expect(head.fields.get("upgrade")).toBe("websocket");
  expect(head.fields.get("connection")?.toLowerCase()).toContain("upgrade");
  expect(head.fields.get("sec-websocket-accept")).toBe(acceptKey(key));
  await until(
    () => frames(client.bytes).length === 1,
    1000,
    () => "no greeting",
  );
  client.send(maskedFrame(1, "a goat"));
  await until(
    () => frames(client.bytes).length === 3,
    1000,
    () => "no answer",
  );
  expect(frames(client.bytes)[1]!.text).toContain("a goat");
  client.send(maskedFrame(9, "still there?"));
  await until(
    () => frames(client.bytes).some((frame) => frame.opcode === 10),
    1000,
    () => "no pong",
  );
  client.send(maskedFrame(8, Buffer.from([0x03, 0xe8])));
  await client.closed;
  expect(client.ending).toBe("fin");
  expect(frames(client.bytes).at(-1)!.opcode).toBe(8);
  client.close();
  expect(await gateway.entryOf("chat")).toMatchObject({ status: 101, cause: null, aborted: false });
});

test("bytes pass both ways at once, whole, with random splits", async () => {
  const { client, upstream } = await openTunnel();
  const up = seededBytes(1, 1_500_000);
  const down = seededBytes(2, 1_400_000);
  const random = seeded(3);
  await Promise.all([
    writeSlowly(client.socket, splits(up, random), random),
    writeSlowly(upstream.socket, splits(down, random), random),
  ]);
  await until(
    () => client.bytes.length >= down.length,
    5000,
    () => `${client.bytes.length} of ${down.length} came down`,
  );
  await until(
    () => Buffer.concat(upstream.parts).length >= up.length,
    5000,
    () => "not all went up",
  );
  expect(sha256(client.bytes)).toBe(sha256(down));
  expect(sha256(Buffer.concat(upstream.parts))).toBe(sha256(up));
  client.close();
});

test("a tunnel whose client does not read stops the upstream, and goes on when it reads again", async () => {
  const { client, upstream } = await openTunnel();
  client.socket.pause();
  const piece = seededBytes(9, 64 * 1024);
  let written = 0;
  const more = (): void => {
    while (written < 2048 && !upstream.socket.destroyed) {
      written++;
      if (!upstream.socket.write(piece)) return;
    }
  };
  upstream.socket.on("drain", more);
  more();
  await pause(700);
  expect(upstream.socket.bytesWritten - upstream.socket.writableLength).toBeLessThan(32 * 1024 * 1024);
  let received = 0;
  client.socket.removeAllListeners("data");
  client.socket.on("data", (part: Buffer) => (received += part.length));
  client.socket.resume();
  await until(
    () => received >= 2048 * piece.length,
    10_000,
    () => `${received} bytes came`,
  );
  client.close();
});

test("the client's half-close reaches the upstream, whose bytes still come", async () => {
  const { client, upstream } = await openTunnel();
  client.socket.end("last words");
  await until(
    () => upstream.ended,
    1000,
    () => "the FIN did not arrive",
  );
  expect(upstream.text).toContain("last words");
  upstream.socket.write("answer after the end");
  await until(
    () => client.text.includes("answer after the end"),
    1000,
    () => "nothing comes after the half-close",
  );
  expect(client.ending).toBe("open");
  upstream.socket.end();
  await client.closed;
  expect(client.ending).toBe("fin");
});

test("the upstream's half-close reaches the client, whose bytes still go", async () => {
  const { client, upstream } = await openTunnel();
  upstream.socket.end("that is all");
  await client.closed;
  expect(client.text).toBe("that is all");
  client.send("and one more thing");
  await until(
    () => upstream.text.includes("one more thing"),
    1000,
    () => "nothing goes after the half-close",
  );
  client.socket.end();
  await until(
    () => upstream.ended,
    1000,
    () => "the FIN did not arrive",
  );
});

test("a reset by the upstream is a reset for the client", async () => {
  const { client, upstream } = await openTunnel();
  const id = `tunnel-${tunnels.length - 1}`;
  upstream.socket.resetAndDestroy();
  await until(
    () => client.ending === "rst",
    1000,
    () => `the client saw ${client.ending}`,
  );
  expect(await gateway.entryOf(id)).toMatchObject({ status: 101, aborted: true });
});

test("a client that is gone ends the tunnel at the upstream", async () => {
  const { client, upstream } = await openTunnel();
  client.socket.resetAndDestroy();
  await until(
    () => upstream.ended || upstream.socket.destroyed,
    1000,
    () => "the upstream still waits",
  );
});

test("tunnel-idle ends a silent tunnel, and only a silent one", async () => {
  const { client, upstream } = await openTunnel("/short-tunnel");
  const id = `tunnel-${tunnels.length - 1}`;
  for (let round = 0; round < 5; round++) {
    await pause(200);
    (round % 2 === 0 ? client.socket : upstream.socket).write(".");
  }
  expect(client.ending).toBe("open");
  const began = performance.now();
  await client.closed;
  expect(performance.now() - began).toBeGreaterThan(300);
  expect(performance.now() - began).toBeLessThan(2000);
  await until(
    () => upstream.ended || upstream.socket.destroyed,
    1000,
    () => "the upstream still waits",
  );
  client.close();
  expect(await gateway.entryOf(id)).toMatchObject({ status: 101 });
});

test.each(["upgrade-refused", "upgrade-ignored"])(
  "%s: the answer comes and the connection goes on as HTTP",
  async (fault) => {
    const client = new RawClient(gateway.port);
    client.send(`GET /lab/fault/${fault} HTTP/1.1\r\n${ASK.replace("wire", "websocket")}`);
    expect((await client.response()).status).toBe(fault === "upgrade-refused" ? 403 : 200);
    client.send("GET /lab/echo?after HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    expect(JSON.parse((await client.response()).body.toString())).toMatchObject({ target: "/lab/echo?after" });
    client.close();
  },
);

test("bytes behind an upgrade that is refused are read as a request by the gateway, not by the upstream", async () => {
  const client = new RawClient(gateway.port);
  const hidden = "GET /lab/echo?hidden HTTP/1.1\r\nHost: shop.test\r\n\r\n";
  client.send(`GET /lab/fault/upgrade-refused HTTP/1.1\r\n${ASK.replace("wire", "websocket")}${hidden}`);
  expect((await client.response()).status).toBe(403);
  const echo = JSON.parse((await client.response()).body.toString()) as { headers: string[][] };
  // It came through the gateway: its own fields are there.
  expect(echo.headers.map(([name]) => name)).toContain("X-Forwarded-For");
  client.close();
});

test("a route without upgrade answers as HTTP and passes no Upgrade on", async () => {
  const client = new RawClient(gateway.port);
  client.send(`GET /no-tunnel HTTP/1.1\r\n${ASK}`);
  // The scripted origin switches unasked: a breach.
  expect((await client.response()).status).toBe(502);
  client.close();
});

test("tunnels do not keep back other requests, and show in the figures while they are open", async () => {
  const { client } = await openTunnel();
  const other = new RawClient(gateway.port);
  other.send("GET /lab/echo HTTP/1.1\r\nHost: shop.test\r\n\r\n");
  expect((await other.response()).status).toBe(200);
  other.close();
  const metrics = await (await fetch(`${gateway.consoleUrl}/metrics`)).text();
  expect(metrics).toMatch(
    new RegExp(`goodgate_upstream_active\\{upstream="origin",endpoint="${origin.address}"\\} [1-9]`),
  );
  client.close();
});
