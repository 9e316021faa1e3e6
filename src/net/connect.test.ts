import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import type { ConnectOptions, ConnectResult, Destination } from "./connect.ts";
import { connectFirst, inOrderToTry, meetsItself } from "./connect.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(host: string, onConnection: (socket: net.Socket) => void = () => {}): Promise<number> {
  const server = net.createServer((socket) => {
    socket.on("error", () => socket.destroy());
    cleanups.push(() => socket.destroy());
    onConnection(socket);
  });
  server.listen(0, host);
  await once(server, "listening");
  cleanups.push(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

async function refusedPort(host: string): Promise<number> {
  const server = net.createServer().listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** A listener whose queue is full: SYNs get no answer. The process that owns it never accepts. */
async function blackHole(): Promise<number> {
  const script = `const s = require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
    require("fs").writeSync(1, String(s.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  })`;
  const child: ChildProcess = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  cleanups.push(() => child.kill("SIGKILL"));
  const [output] = (await once(child.stdout!, "data")) as [Buffer];
  const port = Number(output.toString());
  // The kernel completes backlog + 1 connections by itself; the first that is not answered shows that it is full.
  for (let full = false; !full; ) {
    const filler = net.connect({ host: "127.0.0.1", port });
    filler.on("error", () => filler.destroy());
    cleanups.push(() => filler.destroy());
    full = await new Promise<boolean>((resolve) => {
      filler.once("connect", () => resolve(false));
      setTimeout(resolve, 300, true);
    });
  }
  return port;
}

const tcp = (ip: string, port: number): Destination => ({ kind: "tcp", ip, port });

function connect(
  destinations: readonly Destination[],
  options: Partial<ConnectOptions> = {},
): Promise<ConnectResult & { tookMs: number }> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    connectFirst(destinations, { deadlineMs: 5_000, reader: null, ...options }, (result) => {
      if (result.ok) cleanups.push(() => result.socket.destroy());
      resolve({ ...result, tookMs: performance.now() - startedAt });
    });
  });
}

function failureOf(result: ConnectResult) {
  if (result.ok) throw new Error("connected");
  return result.failure;
}

test("connects to the one address, half-open and without delay", async () => {
  const port = await listen("127.0.0.1");
  const result = await connect([tcp("127.0.0.1", port)]);
  expect(result).toMatchObject({ ok: true, address: `127.0.0.1:${port}` });
  if (result.ok) expect(result.socket.allowHalfOpen).toBe(true);
});

test("a refused connection is named with address and errno", async () => {
  const port = await refusedPort("127.0.0.1");
  const failure = failureOf(await connect([tcp("127.0.0.1", port)]));
  expect(failure).toMatchObject({
    cause: "connect-refused",
    evidence: { errno: "ECONNREFUSED", address: `127.0.0.1:${port}` },
  });
  expect(failure.evidence.detail).toBeUndefined();
});

test("the next address is tried at once when one fails, and every errno is kept when all do", async () => {
  const port = await listen("127.0.0.1");
  const fell = await connect([tcp("::1", port), tcp("127.0.0.1", port)], { attemptDelayMs: 60_000 });
  expect(fell).toMatchObject({ ok: true, address: `127.0.0.1:${port}` });

  const dead = await refusedPort("127.0.0.1");
  const failure = failureOf(await connect([tcp("127.255.255.255", dead), tcp("127.0.0.1", dead)]));
  expect(failure).toMatchObject({
    cause: "connect-refused",
    evidence: {
      errno: "ECONNREFUSED",
      address: `127.0.0.1:${dead}`,
      detail: `127.255.255.255:${dead} ENETUNREACH, 127.0.0.1:${dead} ECONNREFUSED`,
    },
  });
});

test("an address that does not answer is overtaken, and its attempt ended", async () => {
  const silent = await blackHole();
  const port = await listen("127.0.0.1");
  const result = await connect([tcp("127.0.0.1", silent), tcp("127.0.0.1", port)], { attemptDelayMs: 50 });
  expect(result).toMatchObject({ ok: true, address: `127.0.0.1:${port}` });
});

test("the deadline names the address that did not answer, and what the others said", async () => {
  const silent = await blackHole();
  const dead = await refusedPort("127.0.0.1");
  const failure = failureOf(await connect([tcp("127.0.0.1", silent), tcp("::1", dead)], { deadlineMs: 400 }));
  expect(failure).toMatchObject({
    cause: "connect-timeout",
    status: 504,
    evidence: {
      deadline: "connect",
      deadlineMs: 400,
      address: `127.0.0.1:${silent}`,
      detail: `127.0.0.1:${silent} no answer, [::1]:${dead} ECONNREFUSED`,
    },
  });
  expect(failure.evidence.waitedMs).toBeGreaterThanOrEqual(400);
});

test("Unix sockets: missing, not listening, not permitted, fine", async () => {
  const directory = mkdtempSync(join(tmpdir(), "goodgate-"));
  cleanups.push(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "app.sock");
  const unix: Destination = { kind: "unix", path };
  expect(failureOf(await connect([unix]))).toMatchObject({
    cause: "socket-missing",
    evidence: { errno: "ENOENT", address: `unix:${path}` },
  });
  writeFileSync(path, "");
  expect(failureOf(await connect([unix]))).toMatchObject({
    cause: "connect-refused",
    evidence: { errno: "ECONNREFUSED", address: `unix:${path}` },
  });
  rmSync(path);
  const server = net.createServer((socket) => socket.destroy()).listen(path);
  await once(server, "listening");
  cleanups.push(() => server.close());
  expect(await connect([unix])).toMatchObject({ ok: true, address: `unix:${path}` });

  // The directory is open to its owner only; root is not asked, so the test connects as somebody else then.
  const root = process.geteuid?.() === 0;
  if (!root) return;
  process.seteuid?.(65_534);
  const refused = connect([unix]);
  process.seteuid?.(0);
  expect(failureOf(await refused)).toMatchObject({
    cause: "connect-permission-denied",
    evidence: { errno: "EACCES", address: `unix:${path}` },
  });
});

test("each attempt has an onread of its own, and no byte is read before done returned", async () => {
  const port = await listen("127.0.0.1", (socket) => socket.write("hello"));
  const dead = await refusedPort("127.0.0.1");
  const buffer = Buffer.alloc(1024);
  const order: string[] = [];
  let readers = 0;
  await new Promise<void>((resolve) => {
    const reader = {
      onRead: () => {
        readers++;
        return {
          buffer,
          callback: (bytes: number) => {
            order.push(buffer.toString("latin1", 0, bytes));
            resolve();
            return true;
          },
        };
      },
    };
    connectFirst([tcp("127.0.0.1", dead), tcp("127.0.0.1", port)], { deadlineMs: 5_000, reader }, (result) => {
      order.push(result.ok ? "done" : "failed");
      if (result.ok) cleanups.push(() => result.socket.destroy());
    });
    order.push("returned");
  });
  expect(order).toEqual(["returned", "done", "hello"]);
  expect(readers).toBe(2);
});

test("after cancel nothing is reported", async () => {
  const port = await listen("127.0.0.1");
  let reported = 0;
  const options = { deadlineMs: 50, reader: null };
  connectFirst([tcp("127.0.0.1", port)], options, () => reported++).cancel();
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(reported).toBe(0);
});

test("the order to try keeps every address, begins with the preferred family and lets the families take turns", () => {
  expect(inOrderToTry(["::1", "::2", "10.0.0.1", "10.0.0.2", "10.0.0.3"], 0)).toEqual([
    "::1",
    "10.0.0.1",
    "::2",
    "10.0.0.2",
    "10.0.0.3",
  ]);
  expect(inOrderToTry(["10.0.0.1", "10.0.0.2"], 3)).toEqual(["10.0.0.2", "10.0.0.1"]);
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  fc.assert(
    fc.property(fc.uniqueArray(address, { minLength: 1, maxLength: 8 }), fc.nat(100), (addresses, turn) => {
      const ordered = inOrderToTry(addresses, turn);
      expect([...ordered].sort()).toEqual([...addresses].sort());
      expect(ordered[0]!.includes(":")).toBe(addresses[0]!.includes(":"));
    }),
    { numRuns: 200 },
  );
});

test("a connection that met itself is none: nothing listens there", async () => {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  const destination = { kind: "tcp", ip: "127.0.0.1", port } as const;
  const other = net.connect({ host: "127.0.0.1", port });
  await once(other, "connect");
  expect(meetsItself(destination, other)).toBe(false);
  other.destroy();
  await new Promise((resolve) => server.close(resolve));
  const own = net.connect({ host: "127.0.0.1", port, localPort: port });
  await once(own, "connect");
  expect(meetsItself(destination, own)).toBe(true);
  own.destroy();
});
