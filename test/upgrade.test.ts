// Upgrade: the program is started anew in place of the running one, over the same sockets. Nothing is refused, nothing
// is cut, and where the new one cannot start, nothing has happened.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import { runGoodgate } from "./command.ts";
import { exchange, pause, RawClient, type RunningGateway, startGateway, until } from "./harness.ts";
import { freePort } from "./origin.ts";

const HOST = "Host: shop.test\r\n";
const REQUEST = `GET /lab/echo HTTP/1.1\r\n${HOST}\r\n`;

let lab: Lab;
let gateway: RunningGateway;

beforeAll(async () => {
  lab = await startLab();
});

afterEach(async () => {
  const successor = pidOf(gateway);
  await gateway.stop("SIGKILL");
  if (successor && successor !== gateway.process.pid) kill(successor);
  lab.clear();
});

afterAll(() => lab?.close());

// Several starts of the program in each.
vi.setConfig({ testTimeout: 60_000 });

async function start(args: readonly string[], config: Record<string, unknown> = {}): Promise<void> {
  const console_ = `127.0.0.1:${await freePort()}`;
  gateway = await startGateway({ upstreams: { lab: lab.address }, console: console_, ...config }, args);
}

function pidOf({ folder }: RunningGateway): number {
  try {
    return Number(readFileSync(join(folder, "pid"), "utf8"));
  } catch {
    return 0;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const WHOLE = readFileSync(new URL("../bin/goodgate.js", import.meta.url));
/** The beginning of a successor that goes wrong: it says that it is ready, and can take the pid file. */
const TAKES_PID_FILE = `
  import { writeFileSync } from "node:fs";
  const take = () => writeFileSync(process.argv[process.argv.indexOf("--pid-file") + 1], String(process.pid));
  process.send({ successor: "ready" });`;

/** Requests until told to stop: half of the clients with a connection for each, half with one that is kept. */
function load(port: number): { stop(): Promise<{ failed: string[]; served: number }> } {
  let over = false;
  let served = 0;
  const failed: string[] = [];
  const work = Array.from({ length: 6 }, async (_, index) => {
    let client: RawClient | null = null;
    while (!over) {
      client ??= new RawClient(port);
      client.send(REQUEST);
      const response = await client.response("GET", 10_000).catch((error: Error) => error.message);
      if (typeof response === "string" || response.status !== 200) {
        failed.push(typeof response === "string" ? response : `${response.status} ${response.body}`);
      } else served++;
      const ends = typeof response === "string" || response.fields.get("connection") === "close";
      if (ends || index % 2 === 0) {
        client.close();
        client = null;
      }
      await pause(5);
    }
    client?.close();
  });
  return {
    stop: async () => {
      over = true;
      await Promise.all(work);
      return { failed, served };
    },
  };
}

test.each([
  ["one process", []],
  ["two workers", ["--workers", "2"]],
])("%s: an upgrade under load fails no request, keeps a running stream whole, moves the console", async (_, args) => {
  await start(args);
  const old = gateway.process.pid!;
  const stream = new RawClient(gateway.port);
  stream.send(`GET /lab/fault/drip-body?bytes=500&after=10&ms=10 HTTP/1.1\r\n${HOST}\r\n`);
  await until(
    () => stream.text.includes("\r\n\r\n"),
    3000,
    () => "no head",
  );
  const traffic = load(gateway.port);
  await pause(300);
  const ordered = await runGoodgate(["upgrade", "--pid-file", join(gateway.folder, "pid")]);
  expect(ordered).toMatchObject({ code: 0, stderr: "" });
  const successor = pidOf(gateway);
  expect(ordered.stdout).toContain(`process ${successor}`);
  expect(successor).not.toBe(old);
  await pause(300);
  const response = await stream.response();
  expect([response.whole, response.body.length]).toEqual([true, 500]);
  stream.close();
  await until(
    () => gateway.process.exitCode !== null,
    5000,
    () => "the old process does not end",
  );
  expect(gateway.process.exitCode).toBe(0);
  await pause(200);
  const { failed, served } = await traffic.stop();
  expect(failed).toEqual([]);
  expect(served).toBeGreaterThan(100);
  const ready = await fetch(`${gateway.consoleUrl}/readyz`);
  expect(ready.status).toBe(200);
  // The successor is a gateway like any other: it reloads, and can be upgraded in its turn.
  expect(await runGoodgate(["reload", "--pid-file", join(gateway.folder, "pid")])).toMatchObject({ code: 0 });
  expect(await runGoodgate(["upgrade", "--pid-file", join(gateway.folder, "pid")])).toMatchObject({ code: 0 });
  await until(
    () => !isAlive(successor),
    5000,
    () => "the second process does not end",
  );
  expect((await exchange(gateway.port, REQUEST)).status).toBe(200);
});

test("a configuration that has become wrong: the old process goes on, and says why", async () => {
  await start([]);
  const file = join(gateway.folder, "goodgate.yaml");
  writeFileSync(file, "upstreams:\n  lab: 127.0.0.1:1\nroutes:\n  - { path: /, prxoy: lab }\n");
  const ordered = await runGoodgate(["upgrade", "--pid-file", join(gateway.folder, "pid")]);
  expect(ordered.code).toBe(1);
  expect(ordered.stderr).toMatch(/this process goes on.*exit code 2/);
  // The new process has said what is wrong where the old one logs.
  expect(gateway.output()).toMatch(/goodgate\.yaml:4:\d+/);
  expect(pidOf(gateway)).toBe(gateway.process.pid);
  expect((await exchange(gateway.port, REQUEST)).status).toBe(200);
  expect((await fetch(`${gateway.consoleUrl}/readyz`)).status).toBe(200);
});

test.each([
  ["one process", []],
  ["two workers", ["--workers", "2"]],
])("%s: SIGUSR2 does the same, and a Unix socket keeps its path", async (_, args) => {
  const path = join(mkdtempSync(join(tmpdir(), "goodgate-up-")), "edge.sock");
  await start(args, { listen: ["127.0.0.1:0", `unix:${path}`] });
  gateway.process.kill("SIGUSR2");
  await until(
    () => gateway.process.exitCode !== null,
    10_000,
    () => `the old process does not end:\n${gateway.output()}`,
  );
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(path, () => socket.write(`GET /lab/echo HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`));
    let got = "";
    socket.on("data", (chunk: Buffer) => (got += chunk.toString()));
    socket.on("end", () => resolve(got));
    socket.on("error", reject);
  });
  expect(text).toMatch(/^HTTP\/1\.1 200 /);
  process.kill(pidOf(gateway), "SIGTERM");
  await until(
    () => !isAlive(pidOf(gateway)) || pidOf(gateway) === 0,
    5000,
    () => "the successor does not end",
  );
});

/** The gateway from a program at a path of its own, so that it can be another one later. */
async function startReplaceable(): Promise<{ place: string; program: string; install(text: string | Buffer): void }> {
  const place = mkdtempSync(join(tmpdir(), "goodgate-version-"));
  mkdirSync(join(place, "bin"));
  symlinkSync(fileURLToPath(new URL("../dist", import.meta.url)), join(place, "dist"));
  const program = join(place, "bin", "goodgate.js");
  const install = (text: string | Buffer): void => writeFileSync(program, text);
  writeFileSync(join(place, "package.json"), '{"type":"module"}');
  install(WHOLE);
  // The harness names the program of this checkout; what follows it stays.
  const script = `node=$1; shift 2; exec "$node" '${program}' "$@"`;
  const console_ = `127.0.0.1:${await freePort()}`;
  gateway = await startGateway({ upstreams: { lab: lab.address }, console: console_ }, [], {
    prefix: ["sh", "-c", script, "sh"],
  });
  return { place, program, install };
}

test("a new version that cannot start, or dies on the way, changes nothing; one that is whole takes over", async () => {
  const { place, program, install } = await startReplaceable();
  const order = (): ReturnType<typeof runGoodgate> =>
    runGoodgate(["upgrade", "--pid-file", join(gateway.folder, "pid")]);
  const works = async (): Promise<void> => {
    expect(gateway.process.exitCode).toBeNull();
    expect((await exchange(gateway.port, REQUEST)).status).toBe(200);
    expect((await fetch(`${gateway.consoleUrl}/readyz`)).status).toBe(200);
  };
  rmSync(program);
  expect(await order()).toMatchObject({ code: 1, stderr: expect.stringContaining("exit code 1") });
  await works();
  // It dies when it has been given the console's address, and has named itself in the pid file.
  install(`${TAKES_PID_FILE} process.on("message", () => { take(); process.exit(7); });`);
  expect(await order()).toMatchObject({ code: 1, stderr: expect.stringContaining("exit code 7") });
  await works();
  expect(pidOf(gateway)).toBe(gateway.process.pid);
  install(WHOLE);
  expect(await order()).toMatchObject({ code: 0 });
  expect(pidOf(gateway)).not.toBe(gateway.process.pid);
  expect((await exchange(gateway.port, REQUEST)).status).toBe(200);
  rmSync(place, { recursive: true });
});

test("told to end while it upgrades, it leaves nobody in its place", async () => {
  const { place, install } = await startReplaceable();
  install(`${TAKES_PID_FILE} process.on("message", take); setInterval(() => {}, 1000);`);
  gateway.process.kill("SIGUSR2");
  await until(
    () => pidOf(gateway) > 0 && pidOf(gateway) !== gateway.process.pid,
    10_000,
    () => `no successor:\n${gateway.output()}`,
  );
  const successor = pidOf(gateway);
  gateway.process.kill("SIGTERM");
  await until(
    () => gateway.process.exitCode !== null,
    10_000,
    () => `the old process does not end:\n${gateway.output()}`,
  );
  expect(gateway.process.exitCode).toBe(0);
  await until(
    () => !isAlive(successor),
    5000,
    () => "the successor lives on",
  );
  expect(pidOf(gateway)).toBe(0);
  rmSync(place, { recursive: true });
});
