// Reload in its finer points: the command's exit code, settings that change under the same address without a gap, and
// how long what began under the old configuration may go on. One process and two workers alike.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as tlsConnect } from "node:tls";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { makeCertificates } from "../src/lab/certificates.ts";
import { type Lab, startLab } from "../src/lab/server.ts";
import { type Ended, runGoodgate } from "./command.ts";
import { exchange, pause, RawClient, type RunningGateway, startGateway, until } from "./harness.ts";
import { freePort, headFrom, type Origin, startOrigin } from "./origin.ts";

const HOST = "Host: shop.test\r\n";
const MODES = [
  ["one process", []],
  ["two workers", ["--workers", "2"]],
] as const;

let lab: Lab;
let folder: string;
let gateway: RunningGateway;

beforeAll(async () => {
  lab = await startLab();
  folder = mkdtempSync(join(tmpdir(), "goodgate-reload-"));
  const { good } = makeCertificates();
  writeFileSync(join(folder, "cert.pem"), good.cert);
  writeFileSync(join(folder, "key.pem"), good.key);
});

afterEach(async () => {
  await gateway?.stop("SIGKILL");
  lab.clear();
});

afterAll(async () => {
  await lab?.close();
  rmSync(folder, { recursive: true, force: true });
});

// Several runs of the program in each.
vi.setConfig({ testTimeout: 60_000 });

async function start(config: Record<string, unknown>, args: readonly string[] = []): Promise<void> {
  gateway = await startGateway({ upstreams: { lab: lab.address }, ...config }, args);
}

/** Changes the file that the gateway runs on, and has it read again. */
function reload(change: Record<string, unknown> | string): Promise<Ended> {
  const file = join(gateway.folder, "goodgate.yaml");
  const text = (): string => JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...(change as object) });
  writeFileSync(file, typeof change === "string" ? change : text());
  return runGoodgate(["reload", "--pid-file", join(gateway.folder, "pid")]);
}

const RESPOND = (body: string): Record<string, unknown> => ({
  routes: [
    { path: "/lab/*", proxy: "lab" },
    { path: "/", respond: { status: 200, body } },
  ],
});
const bodyOf = async (port: number): Promise<string> =>
  (await exchange(port, `GET / HTTP/1.1\r\n${HOST}\r\n`)).body.toString();

test.each(MODES)("%s: goodgate reload says what came of it, and its exit code, too", async (_, args) => {
  await start(RESPOND("one"), args);
  expect(await reload(RESPOND("two"))).toMatchObject({ code: 0, stdout: "reloaded\n", stderr: "" });
  // What the command says is so: there is no moment in which the old one still answers.
  for (let i = 0; i < 10; i++) expect(await bodyOf(gateway.port)).toBe("two");
  const broken = await reload("upstreams:\n  lab: 127.0.0.1:1\nroutes:\n  - { path: /, prxoy: lab }\n");
  expect(broken).toMatchObject({ code: 1, stdout: "" });
  expect(broken.stderr).toMatch(/goodgate\.yaml:4:\d+.*prxoy/s);
  expect(broken.stderr).toContain("stays in force");
  expect(await bodyOf(gateway.port)).toBe("two");
});

test.each(MODES)(
  "%s: a listener that cannot be opened, and a certificate that is not there, change nothing",
  async (_, args) => {
    await start(RESPOND("old"), args);
    const listen = `127.0.0.1:${gateway.port}`;
    const taken = await startOrigin((socket) => socket.end());
    const busy = await reload({ ...RESPOND("new"), listen: [listen, taken.address] });
    expect(busy).toMatchObject({ code: 1 });
    expect(busy.stderr).toMatch(/EADDRINUSE/);
    await taken.close();
    const tls = { cert: join(folder, "no.pem"), key: join(folder, "key.pem") };
    const other = `127.0.0.1:${await freePort()}`;
    const missing = await reload({ ...RESPOND("new"), listen: [listen, { address: other, tls }] });
    expect(missing).toMatchObject({ code: 1 });
    expect(missing.stderr).toContain("no.pem");
    expect(await bodyOf(gateway.port)).toBe("old");
  },
);

test.each(MODES)("%s: a listener that is new, and one that goes", async (_, args) => {
  const first = await freePort();
  await start({ ...RESPOND("x"), listen: [`127.0.0.1:${first}`] }, args);
  const second = await freePort();
  expect(await reload({ listen: [`127.0.0.1:${first}`, `127.0.0.1:${second}`] })).toMatchObject({ code: 0 });
  expect([await bodyOf(first), await bodyOf(second)]).toEqual(["x", "x"]);
  expect(await reload({ listen: [`127.0.0.1:${second}`] })).toMatchObject({ code: 0 });
  expect(await bodyOf(second)).toBe("x");
  await expect(bodyOf(first)).rejects.toThrow();
});

/** A handshake and a request; gives the version of TLS, or why there was none. */
function overTls(port: number, maxVersion: "TLSv1.2" | "TLSv1.3" = "TLSv1.3"): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = tlsConnect({ port, host: "127.0.0.1", rejectUnauthorized: false, maxVersion }, () =>
      socket.write(`GET /lab/echo HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`),
    );
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
    socket.on("end", () => resolve(text.startsWith("HTTP/1.1 200") ? String(socket.getProtocol()) : `got ${text}`));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(String(error.code)));
  });
}

test.each(MODES)("%s: TLS settings change at the same address, and no client is refused meanwhile", async (_, args) => {
  const port = await freePort();
  const tls = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  const listen = (minVersion: string): object => ({
    listen: [{ address: `127.0.0.1:${port}`, tls: { ...tls, "min-version": minVersion } }],
  });
  await start(listen("1.2") as Record<string, unknown>, args);
  expect(await overTls(port, "TLSv1.2")).toBe("TLSv1.2");
  let over = false;
  const outcomes: Record<string, number> = {};
  const traffic = Array.from({ length: 4 }, async () => {
    while (!over) {
      const outcome = await overTls(port);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
  });
  for (const version of ["1.3", "1.2", "1.3", "1.2", "1.3"]) {
    expect(await reload(listen(version) as Record<string, unknown>)).toMatchObject({ code: 0 });
  }
  over = true;
  await Promise.all(traffic);
  expect(Object.keys(outcomes)).toEqual(["TLSv1.3"]);
  expect(outcomes["TLSv1.3"]).toBeGreaterThan(5);
  expect(await overTls(port, "TLSv1.2")).not.toBe("TLSv1.2");
  // From TLS to plain and back, at the same address.
  expect(await reload({ listen: [`127.0.0.1:${port}`] })).toMatchObject({ code: 0 });
  expect((await exchange(port, `GET /lab/echo HTTP/1.1\r\n${HOST}\r\n`)).status).toBe(200);
  expect(await reload(listen("1.2") as Record<string, unknown>)).toMatchObject({ code: 0 });
  expect(await overTls(port)).toBe("TLSv1.3");
});

test("what a reload does not change is said", async () => {
  await start({});
  const reloaded = await reload({ workers: 3 });
  expect(reloaded).toMatchObject({ code: 0 });
  expect(reloaded.stdout).toMatch(/workers stays as it was.*goodgate upgrade/);
});

/** An upstream that upgrades every connection and sends back what it gets. */
function echoTunnels(): Promise<Origin> {
  return startOrigin(async (socket) => {
    await headFrom(socket);
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: wire\r\n\r\n");
    socket.pipe(socket);
  });
}

/** An upstream whose event stream says one thing and then nothing. */
function quietStream(): Promise<Origin> {
  return startOrigin(async (socket) => {
    await headFrom(socket);
    socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
  });
}

test("tunnels and streams of an old configuration: what is quiet for a drain period is closed, what moves goes on", async () => {
  const [origin, events] = [await echoTunnels(), await quietStream()];
  const upstreams = { lab: lab.address, origin: origin.address, events: events.address };
  const routes = [
    { path: "/tunnel", proxy: "origin" },
    { path: "/events", proxy: "events" },
    { path: "/", proxy: "lab" },
  ];
  await start({ upstreams, routes, drain: "1s" });
  const open = async (): Promise<RawClient> => {
    const client = new RawClient(gateway.port);
    client.send(`GET /tunnel HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: wire\r\n\r\n`);
    expect((await client.response()).status).toBe(101);
    return client;
  };
  const [quiet, lively, slow] = [await open(), await open(), new RawClient(gateway.port)];
  const stream = new RawClient(gateway.port);
  stream.send(`GET /events HTTP/1.1\r\n${HOST}X-Request-Id: events\r\n\r\n`);
  await until(
    () => stream.text.includes("data: 1"),
    2000,
    () => "no event",
  );
  // What waits for its response head has a deadline of its own and is left alone.
  slow.send(`GET /lab/slow?ms=3000 HTTP/1.1\r\n${HOST}\r\n`);
  await until(
    () => lab.deliveriesOf("/lab/slow").length === 1,
    2000,
    () => "not in flight",
  );
  expect(await reload({ client: { timeouts: { idle: "50s" } } })).toMatchObject({ code: 0 });
  const fresh = await open();
  const moving = setInterval(() => lively.send("."), 50);
  const closed = await Promise.race([quiet.closed.then(() => "closed"), pause(10_000).then(() => "still open")]);
  expect(closed).toBe("closed");
  await stream.closed;
  // Nobody has failed: the record says that it was cut, and names no cause.
  expect(await gateway.entryOf("events")).toMatchObject({ status: 200 });
  expect((await gateway.entryOf("events")).cause ?? null).toBeNull();
  await pause(1000);
  expect([lively.ending, fresh.ending]).toEqual(["open", "open"]);
  expect(lively.text.length).toBeGreaterThan(5);
  expect((await slow.response()).status).toBe(200);
  clearInterval(moving);
  for (const client of [quiet, lively, slow, fresh, stream]) client.close();
  await Promise.all([origin.close(), events.close()]);
});

test("a stream that ends long after the reload is in the log that it began with", async () => {
  await start({});
  const client = new RawClient(gateway.port);
  client.send(`GET /lab/fault/drip-body?bytes=200&after=10&ms=10 HTTP/1.1\r\n${HOST}X-Request-Id: stream\r\n\r\n`);
  await until(
    () => client.text.includes("\r\n\r\n"),
    2000,
    () => "no head",
  );
  const elsewhere = join(gateway.folder, "second.log");
  expect(await reload({ log: { access: { to: elsewhere, format: "json" } } })).toMatchObject({ code: 0 });
  expect((await client.response()).whole).toBe(true);
  client.close();
  expect((await gateway.entryOf("stream")).status).toBe(200);
});

// A machine that stands still for half a second looks like a client that is idle.
test("a drain: connections that are kept get their next answer with Connection: close, and /readyz fails at once", {
  retry: 2,
}, async () => {
  await start({});
  const [busy, idle] = [new RawClient(gateway.port), new RawClient(gateway.port)];
  for (const client of [busy, idle]) {
    client.send(`GET /lab/echo HTTP/1.1\r\n${HOST}\r\n`);
    expect((await client.response()).fields.get("connection")).not.toBe("close");
  }
  const slow = new RawClient(gateway.port);
  slow.send(`GET /lab/slow?ms=1500 HTTP/1.1\r\n${HOST}\r\n`);
  await until(
    () => lab.deliveriesOf("/lab/slow").length === 1,
    2000,
    () => "not in flight",
  );
  // It asks right now, as a busy client does: what it has sent is answered.
  busy.send(`GET /lab/echo HTTP/1.1\r\n${HOST}\r\n`);
  expect((await busy.response()).status).toBe(200);
  gateway.process.kill("SIGTERM");
  const ready = await fetch(`${gateway.consoleUrl}/readyz`);
  expect(ready.status).toBe(503);
  busy.send(`GET /lab/echo HTTP/1.1\r\n${HOST}\r\n`);
  const last = await busy.response();
  expect([last.status, last.fields.get("connection")]).toEqual([200, "close"]);
  await idle.closed;
  expect((await slow.response()).fields.get("connection")).toBe("close");
  for (const client of [busy, idle, slow]) client.close();
  await until(
    () => gateway.process.exitCode !== null,
    5000,
    () => "it does not end",
  );
  expect(gateway.process.exitCode).toBe(0);
});
