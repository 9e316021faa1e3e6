import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Spot } from "../evidence.ts";
import { lookHere } from "./look-here.ts";
import type { LocalQuestion } from "./question.ts";

const DEADLINE_MS = 8_000;
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const nothing: LocalQuestion = { spots: [], gateways: [], listens: [], urlAddresses: [], pidFiles: [], forced: false };
const tcp = (port: number, host = "127.0.0.1"): Spot => ({ kind: "tcp", host, port });
const look = (asked: Partial<LocalQuestion>) => lookHere({ ...nothing, ...asked }, DEADLINE_MS);

/** A process of its own that listens, and says where. */
async function listener(host: string, backlog = 511): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const code = `const s=require("net").createServer();s.listen({host:${JSON.stringify(host)},port:0,backlog:${backlog}},()=>console.log(s.address().port))`;
  const child = spawn(process.execPath, ["-e", code, "--", "--password=hunter2"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  ends.push(() => child.kill("SIGKILL"));
  const port = await new Promise<number>((resolve) =>
    child.stdout?.once("data", (data: Buffer) => resolve(Number(data))),
  );
  return { child, port };
}

function listenOn(where: object): Promise<Server> {
  const server = createServer();
  ends.push(() => server.close());
  return new Promise((resolve) => server.listen(where, () => resolve(server)));
}

const portOf = (server: Server): number => (server.address() as { port: number }).port;

test("a process that listens: its address, name, command without secrets, start and state", async () => {
  const before = Date.now();
  const { child, port } = await listener("127.0.0.1");
  const { spots, root } = await look({ spots: [tcp(port)] });
  const [spot] = spots;
  expect(spot).toMatchObject({ here: true, served: true, others: [] });
  expect(spot?.listeners).toHaveLength(1);
  const [found] = spot?.listeners ?? [];
  expect(found?.address).toBe(`127.0.0.1:${port}`);
  expect(found?.process?.pid).toBe(child.pid);
  expect(found?.process?.command).toContain("--password=[redacted]");
  expect(found?.process?.state).toMatch(/^[RSD]$/);
  // The clock of /proc counts in hundredths from a start that is known to the second.
  expect(Math.abs((found?.process?.startedAtMs ?? 0) - before)).toBeLessThan(5_000);
  expect(root).toBe(process.getuid?.() === 0);
});

test("a listener on 127.0.0.1 alone does not serve other addresses", async () => {
  const { port } = await listener("127.0.0.1");
  const { spots } = await look({ spots: [tcp(port, "127.0.0.2"), tcp(port, "localhost"), tcp(port, "::1")] });
  expect(spots.map(({ here, served, listeners }) => [here, served, listeners.length])).toEqual([
    [true, false, 1],
    [true, true, 1],
    [true, false, 1],
  ]);
});

test("a listener on every address serves each of them", async () => {
  const { port } = await listener("0.0.0.0");
  const { spots } = await look({ spots: [tcp(port), tcp(port, "127.0.0.9"), tcp(port, "::1")] });
  expect(spots.map(({ served }) => served)).toEqual([true, true, false]);
});

test("nothing listens: the ports of programs that run applications are named", async () => {
  const { child, port } = await listener("127.0.0.1");
  const server = await listenOn({ host: "127.0.0.1", port: 0 });
  const dead = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  const { spots } = await look({ spots: [tcp(dead)] });
  expect(spots[0]).toMatchObject({ here: true, served: false, listeners: [] });
  const other = spots[0]?.others.find(({ process }) => process?.pid === child.pid);
  expect(other?.address).toBe(`127.0.0.1:${port}`);
});

test("an address that is not this machine's is not looked for", async () => {
  const { spots } = await look({ spots: [tcp(443, "203.0.113.9"), tcp(80, "app.invalid")] });
  expect(spots.map(({ here, served, listeners }) => [here, served, listeners])).toEqual([
    [false, false, []],
    [false, false, []],
  ]);
});

test("a stopped process is seen as stopped, and its full accept queue as full", async () => {
  const { child, port } = await listener("127.0.0.1", 1);
  child.kill("SIGSTOP");
  ends.push(() => child.kill("SIGCONT"));
  const sockets: Socket[] = [];
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (let i = 0; i < 6; i++) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => socket.destroy());
    sockets.push(socket);
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  const { spots, notTested } = await look({ spots: [tcp(port)] });
  const [found] = spots[0]?.listeners ?? [];
  expect(found?.process?.state).toBe("T");
  if (found?.queue === null) expect(notTested.map(({ check }) => check)).toContain("accept-queue");
  else {
    expect(found?.queue?.max).toBe(1);
    expect(found?.queue?.waiting).toBeGreaterThan(1);
    expect(found?.queue?.full).toBe(true);
  }
});

test("an idle listener's queue is not full", async () => {
  const { port } = await listener("127.0.0.1", 1);
  const { spots } = await look({ spots: [tcp(port)] });
  expect(spots[0]?.listeners[0]?.queue?.full ?? false).toBe(false);
});

describe("Unix sockets", () => {
  test("one that listens, a file that is none, one whose program is gone, one that is missing", async () => {
    const folder = await mkdtemp(join(tmpdir(), "doctor-local-"));
    ends.push(() => rm(folder, { recursive: true, force: true }));
    const path = (name: string): string => join(folder, name);
    await listenOn({ path: path("live.sock") });
    await writeFile(path("plain.sock"), "");
    const dying = spawn(process.execPath, [
      "-e",
      `require("net").createServer().listen(process.argv[1],()=>console.log("up"))`,
      path("dead.sock"),
    ]);
    ends.push(() => dying.kill("SIGKILL"));
    await new Promise((resolve) => dying.stdout.once("data", resolve));
    const gone = new Promise((resolve) => dying.once("exit", resolve));
    dying.kill("SIGKILL");
    await gone;
    const names = ["live.sock", "plain.sock", "dead.sock", "missing.sock", "no/such/folder.sock"];
    const { spots } = await look({ spots: names.map((name): Spot => ({ kind: "unix", path: path(name) })) });
    expect(spots.map(({ served, socket }) => [served, socket?.exists, socket?.isSocket])).toEqual([
      [true, true, true],
      [false, true, false],
      [false, true, true],
      [false, false, false],
      [false, false, false],
    ]);
    expect(spots[0]?.listeners[0]?.process?.pid).toBe(process.pid);
    expect(spots[0]?.socket?.mode).toMatch(/^s[r-][w-]/);
    expect(spots[4]?.socket?.reason).toContain("is not there either");
  });
});

describe("whether this is the gateway's machine", () => {
  test("an address of the URL that is this machine's", async () => {
    const { gatewayHere } = await look({ urlAddresses: ["127.0.0.1"] });
    expect(gatewayHere).toMatchObject({ certain: true, yes: true });
  });

  test("addresses elsewhere prove nothing, and nothing asked is not a yes", async () => {
    expect((await look({ urlAddresses: ["203.0.113.9"] })).gatewayHere).toMatchObject({ certain: false, yes: false });
    expect((await look({})).gatewayHere).toMatchObject({ certain: false, yes: false });
  });

  test("the user says so", async () => {
    expect((await look({ forced: true })).gatewayHere).toMatchObject({ certain: true, yes: true });
  });

  test("a configured address that something else listens on is likely, one that nothing does is a no", async () => {
    const { port } = await listener("127.0.0.1");
    const asked = { gateways: ["squid" as const], listens: [{ host: "127.0.0.1", port }] };
    expect((await look(asked)).gatewayHere).toMatchObject({ certain: false, yes: true });
    const server = await listenOn({ host: "127.0.0.1", port: 0 });
    const dead = portOf(server);
    await new Promise((resolve) => server.close(resolve));
    const { gatewayHere } = await look({ ...asked, listens: [{ host: "127.0.0.1", port: dead }] });
    expect(gatewayHere.yes).toBe(false);
  });
});

test("a deadline that is over gives an answer all the same", async () => {
  const evidence = await lookHere({ ...nothing, spots: [tcp(1)] }, 0);
  expect(evidence.notTested.map(({ check }) => check)).toContain("local-listener");
});

test("a machine without such a /proc says so", async () => {
  const folder = await mkdtemp(join(tmpdir(), "doctor-proc-"));
  ends.push(() => rm(folder, { recursive: true, force: true }));
  const evidence = await look({ spots: [tcp(80)], proc: folder });
  expect(evidence.spots).toEqual([]);
  expect(evidence.notTested[0]?.reason).toContain("for Linux");
});
