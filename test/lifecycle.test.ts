// The life of the process: start and its errors, reload under load, log rotation, drain, workers, and the commands
// that work on a running gateway.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import { metricValue, runGoodgate } from "./command.ts";
import { exchange, pause, RawClient, type RunningGateway, startGateway, until } from "./harness.ts";
import { freePort, headFrom, startOrigin } from "./origin.ts";

const HOST = "Host: shop.test\r\n";

let lab: Lab;
let folder: string;
const running: RunningGateway[] = [];

beforeAll(async () => {
  lab = await startLab();
  folder = mkdtempSync(join(tmpdir(), "goodgate-life-"));
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((gateway) => gateway.stop("SIGKILL")));
  lab.clear();
});

afterAll(async () => {
  await lab?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(config: Record<string, unknown> = {}, args: readonly string[] = []): Promise<RunningGateway> {
  const gateway = await startGateway({ upstreams: { lab: lab.address }, ...config }, args);
  running.push(gateway);
  return gateway;
}

/** Changes the file that a gateway runs on; it keeps its listener, console and logs. */
function rewrite(gateway: RunningGateway, change: (config: Record<string, unknown>) => Record<string, unknown>): void {
  const file = join(gateway.folder, "goodgate.yaml");
  writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>)));
}

/** Sends SIGHUP and waits until the gateway says what came of it. */
async function reload(gateway: RunningGateway, says = /^.*reloaded/gm): Promise<void> {
  const before = gateway.output().match(says)?.length ?? 0;
  gateway.process.kill("SIGHUP");
  await until(
    () => (gateway.output().match(says)?.length ?? 0) > before,
    5000,
    () => `nothing came of the reload:\n${gateway.output()}`,
  );
}

/** Requests one after the other on `clients` connections until `done`; what was not a whole 200. */
function load(port: number, clients: number): { stop(): Promise<{ failed: string[]; served: number }> } {
  let over = false;
  const failed: string[] = [];
  let served = 0;
  const work = Array.from({ length: clients }, async (_, index) => {
    let client = new RawClient(port);
    while (!over) {
      const post = index % 2 === 0;
      client.send(
        `${post ? "POST" : "GET"} /lab/echo HTTP/1.1\r\n${HOST}${post ? "Content-Length: 5\r\n" : ""}\r\n${post ? "hello" : ""}`,
      );
      const response = await client.response(post ? "POST" : "GET", 4000).catch((error: Error) => error.message);
      if (typeof response === "string" || response.status !== 200 || !response.whole)
        failed.push(typeof response === "string" ? response : `${response.status} ${response.body}`);
      else served++;
      if (typeof response === "string" || response.fields.get("connection") === "close") {
        client.close();
        client = new RawClient(port);
      }
      await pause(2);
    }
    client.close();
  });
  return {
    stop: async () => {
      over = true;
      await Promise.all(work);
      return { failed, served };
    },
  };
}

const isUp = (port: number): Promise<boolean> =>
  exchange(port, `GET /lab/echo HTTP/1.1\r\n${HOST}\r\n`).then(
    ({ status }) => status === 200,
    () => false,
  );

test("three reloads under load: nothing fails, a running stream stays whole (scenario 28)", async () => {
  // By name too: a look-up that is under way when its generation ends must not be lost.
  const gateway = await start({ upstreams: { lab: { endpoints: [lab.address.replace("127.0.0.1", "localhost")] } } });
  const stream = new RawClient(gateway.port);
  stream.send(`GET /lab/fault/drip-body?bytes=3000&after=10&ms=8 HTTP/1.1\r\n${HOST}\r\n`);
  const traffic = load(gateway.port, 8);
  for (let round = 0; round < 3; round++) {
    await pause(250);
    rewrite(gateway, (config) => ({ ...config, client: { timeouts: { idle: `${60 + round}s` } } }));
    await reload(gateway);
  }
  await pause(200);
  const { failed, served } = await traffic.stop();
  expect(failed).toEqual([]);
  expect(served).toBeGreaterThan(100);
  const response = await stream.response();
  expect([response.whole, response.body.length]).toEqual([true, 3000]);
  stream.close();
});

test("a reload brings routes, listeners and upstreams in force, and lets go those that are gone", async () => {
  const extra = await freePort();
  const gateway = await start();
  expect(await isUp(extra)).toBe(false);
  const kept = new RawClient(gateway.port);
  rewrite(gateway, (config) => ({
    ...config,
    listen: [...(config["listen"] as string[]), `127.0.0.1:${extra}`],
    routes: [
      { path: "/new", respond: { status: 200, body: "new" } },
      { path: "/", proxy: "lab" },
    ],
  }));
  await reload(gateway);
  expect(await isUp(extra)).toBe(true);
  // A connection of before follows, too.
  kept.send(`GET /new HTTP/1.1\r\n${HOST}\r\n`);
  expect((await kept.response()).body.toString()).toBe("new");
  kept.close();
  rewrite(gateway, (config) => ({ ...config, listen: (config["listen"] as string[]).slice(0, 1) }));
  await reload(gateway);
  expect(await isUp(extra)).toBe(false);
  expect(await isUp(gateway.port)).toBe(true);
});

test("a reload that changes the settings of a listener on the same address takes effect", async () => {
  const port = await freePort();
  const { makeCertificates } = await import("../src/lab/certificates.ts");
  const { good } = makeCertificates();
  writeFileSync(join(folder, "cert.pem"), good.cert);
  writeFileSync(join(folder, "key.pem"), good.key);
  const tls = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  const gateway = await start({ listen: [{ address: `127.0.0.1:${port}`, tls }] });
  rewrite(gateway, (config) => ({
    ...config,
    listen: [{ address: `127.0.0.1:${port}`, tls: { ...tls, "min-version": "1.3" } }],
  }));
  gateway.process.kill("SIGHUP");
  await until(
    () => /reloaded|reload failed/.test(gateway.output()),
    5000,
    () => "nothing came of the reload",
  );
  expect(gateway.output()).not.toContain("reload failed");
  expect(gateway.output()).toContain("reloaded");
});

test("an invalid configuration keeps the old one and says file:line:column (scenario 32)", async () => {
  const gateway = await start();
  const file = join(gateway.folder, "goodgate.yaml");
  writeFileSync(file, "upstreams:\n  lab: 127.0.0.1:1\nroutes:\n  - { path: /, prxoy: lab }\n");
  await reload(gateway, /stays in force/g);
  expect(gateway.output()).toMatch(/goodgate\.yaml:4:\d+/);
  expect(gateway.output()).toContain("prxoy");
  expect(await isUp(gateway.port)).toBe(true);
  rmSync(file);
  await reload(gateway, /stays in force/g);
  expect(await isUp(gateway.port)).toBe(true);
});

test("a reload whose listener cannot be opened changes nothing", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as { port: number };
  const gateway = await start();
  rewrite(gateway, (config) => ({
    ...config,
    listen: [...(config["listen"] as string[]), `127.0.0.1:${port}`],
    routes: [{ path: "/", respond: 204 }],
  }));
  await reload(gateway, /reload failed/g);
  expect(gateway.output()).toContain(String(port));
  expect(await isUp(gateway.port)).toBe(true);
  taken.close();
});

test("SIGTERM: the request in flight finishes, new connections are refused, exit 0 (scenario 30)", async () => {
  const gateway = await start();
  const slow = new RawClient(gateway.port);
  const idle = new RawClient(gateway.port);
  idle.send(`GET /lab/echo HTTP/1.1\r\n${HOST}\r\n`);
  await idle.response();
  slow.send(`GET /lab/slow?ms=800 HTTP/1.1\r\n${HOST}\r\n`);
  await until(
    () => lab.deliveriesOf("/lab/slow").length === 1,
    1000,
    () => "not in flight",
  );
  const exit = gateway.stop("SIGTERM");
  await idle.closed;
  expect(idle.ending).toBe("fin");
  idle.close();
  await pause(50);
  expect(await isUp(gateway.port)).toBe(false);
  const ready = await fetch(`${gateway.consoleUrl}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining("draining")]);
  const response = await slow.response();
  expect([response.status, response.whole, response.fields.get("connection")]).toEqual([200, true, "close"]);
  slow.close();
  const began = performance.now();
  expect(await exit).toBe(0);
  expect(performance.now() - began).toBeLessThan(3000);
});

test("drain-delay: /readyz says no at once, and clients are still taken in for a while", async () => {
  const gateway = await start({ "drain-delay": "1500ms" });
  const exit = gateway.stop("SIGTERM");
  // Ends by the test's own deadline where it never does.
  while ((await fetch(`${gateway.consoleUrl}/readyz`)).status === 200) await pause(10);
  const { status } = await exchange(gateway.port, `GET /lab/echo HTTP/1.1\r\n${HOST}\r\n`);
  expect(status).toBe(200);
  expect(await exit).toBe(0);
});

test("SIGTERM while a response streams: it ends whole, then the process goes, whether or not the client closes", async () => {
  const gateway = await start();
  const client = new RawClient(gateway.port);
  client.send(`GET /lab/fault/drip-body?bytes=600&after=10&ms=10 HTTP/1.1\r\n${HOST}\r\n`);
  await until(
    () => client.text.includes("\r\n\r\n"),
    2000,
    () => "no head",
  );
  const exit = gateway.stop("SIGTERM");
  const response = await client.response();
  expect([response.whole, response.body.length]).toEqual([true, 600]);
  // The client keeps its connection open: the gateway has to close it.
  const code = await Promise.race([exit, pause(4000).then(() => "still there 4 s after the last response")]);
  expect(code).toBe(0);
  client.close();
});

test("drain gives up on what does not end in its time, and says so by its exit code", async () => {
  const gateway = await start({ drain: "500ms" });
  const client = new RawClient(gateway.port);
  client.send(`GET /lab/slow?ms=20000 HTTP/1.1\r\n${HOST}\r\n`);
  await until(
    () => lab.deliveriesOf("/lab/slow").length === 1,
    1000,
    () => "not in flight",
  );
  const began = performance.now();
  expect(await gateway.stop("SIGTERM")).toBe(1);
  expect(performance.now() - began).toBeLessThan(3000);
  client.close();
});

test("a second SIGTERM, or SIGINT, ends at once", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const gateway = await start();
    const client = new RawClient(gateway.port);
    client.send(`GET /lab/slow?ms=20000 HTTP/1.1\r\n${HOST}\r\n`);
    await until(
      () => lab.deliveriesOf("/lab/slow").length > 0,
      1000,
      () => "not in flight",
    );
    gateway.process.kill("SIGTERM");
    await pause(100);
    const began = performance.now();
    await gateway.stop(signal);
    expect(performance.now() - began).toBeLessThan(1500);
    client.close();
    lab.clear();
  }
});

test("SIGUSR1 opens renamed logs anew, and loses no line", async () => {
  const gateway = await start();
  const path = join(gateway.folder, "access.log");
  const traffic = load(gateway.port, 4);
  await pause(200);
  renameSync(path, `${path}.1`);
  await pause(100);
  gateway.process.kill("SIGUSR1");
  await until(
    () => existsSync(path),
    2000,
    () => "the log was not opened again",
  );
  await pause(200);
  const { failed, served } = await traffic.stop();
  expect(failed).toEqual([]);
  const lines = (): number =>
    [path, `${path}.1`].reduce((sum, file) => sum + readFileSync(file, "utf8").split("\n").length - 1, 0);
  await until(
    () => lines() === served,
    2000,
    () => `${lines()} lines for ${served} requests`,
  );
});

test("stop and reload by pid file, and what they say where nothing runs", async () => {
  const gateway = await start();
  const pidFile = join(gateway.folder, "pid");
  expect(Number(readFileSync(pidFile, "utf8"))).toBe(gateway.process.pid);
  expect(await runGoodgate(["reload", "--pid-file", pidFile])).toMatchObject({ code: 0 });
  await until(
    () => gateway.output().includes("reloaded"),
    3000,
    () => "no reload",
  );
  expect(await runGoodgate(["stop", "--pid-file", pidFile])).toMatchObject({ code: 0 });
  await until(
    () => gateway.process.exitCode !== null,
    3000,
    () => "it still runs",
  );
  expect(gateway.process.exitCode).toBe(0);
  expect(existsSync(pidFile)).toBe(false);
  const again = await runGoodgate(["stop", "--pid-file", pidFile]);
  expect(again.code).not.toBe(0);
  expect(again.stderr.trim().split("\n")).toHaveLength(1);
  for (const text of ["999999999\n", "99999999999\n", "none\n"]) {
    writeFileSync(pidFile, text);
    const refused = await runGoodgate(["reload", "--pid-file", pidFile]);
    expect([refused.code, refused.stderr.trim().split("\n").length], refused.stderr).toEqual([1, 1]);
  }
});

test("a pid file that cannot be written costs the commands, not the gateway nor its end", async () => {
  const inTheWay = mkdtempSync(join(tmpdir(), "goodgate-pid-"));
  // The later of two options counts.
  const gateway = await start({}, ["--pid-file", inTheWay]);
  await until(
    () => gateway.output().includes("no pid file"),
    3000,
    () => `no warning:\n${gateway.output()}`,
  );
  const refused = await runGoodgate(["stop", "--pid-file", inTheWay]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^goodgate: .* cannot be read \(EISDIR\).*\n$/);
  expect(await gateway.stop("SIGTERM")).toBe(0);
  rmSync(inTheWay, { recursive: true });
});

test("a full disk costs log lines, which are counted, and no traffic (scenario 48)", async () => {
  const gateway = await start({
    log: { access: { to: "/dev/full", format: "json" } },
    routes: [
      { path: "/fixed", respond: 204 },
      { path: "/", proxy: "lab" },
    ],
  });
  // More than what may wait for the disk to come back (8 MiB).
  const requests = 1600;
  const long = `GET /fixed?${"x".repeat(7000)} HTTP/1.1\r\n${HOST}\r\n`;
  const client = new RawClient(gateway.port);
  for (let sent = 0; sent < requests; sent += 100) {
    client.send(long.repeat(100));
    for (let n = 0; n < 100; n++) expect((await client.response()).status).toBe(204);
  }
  client.close();
  expect(await isUp(gateway.port)).toBe(true);
  const text = await (await fetch(`${gateway.consoleUrl}/metrics`)).text();
  expect(metricValue(text, "goodgate_log_lines_dropped_total", { log: "access" })).toBeGreaterThan(0);
  await until(
    () => /access log .*no space/.test(gateway.output()),
    3000,
    () => `nothing was said: ${gateway.output()}`,
  );
  expect(await gateway.stop("SIGTERM")).toBe(0);
});

test("a log whose reader is gone (closed pipe) does not end the gateway", async () => {
  const origin = await startOrigin(async (socket) => {
    await headFrom(socket);
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  const port = await freePort();
  const file = join(folder, "pipe.yaml");
  writeFileSync(
    file,
    JSON.stringify({
      listen: `127.0.0.1:${port}`,
      console: "off",
      upstreams: { o: origin.address },
      log: { access: "stdout" },
    }),
  );
  const child = spawn(process.execPath, ["bin/goodgate.js", "run", file, "--pid-file", join(folder, "pipe.pid")], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ask = (): Promise<number> =>
    exchange(port, `GET / HTTP/1.1\r\n${HOST}\r\n`).then(
      ({ status }) => status,
      () => 0,
    );
  const end = performance.now() + 8000;
  while ((await ask()) !== 200 && performance.now() < end) await pause(50);
  child.stdout.destroy();
  for (let round = 0; round < 5; round++) {
    expect(await ask()).toBe(200);
    await pause(50);
  }
  expect(child.exitCode).toBeNull();
  child.kill("SIGKILL");
  await origin.close();
});
