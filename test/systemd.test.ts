// What systemd and the gateway say to each other: sockets that are handed over, and words of readiness.
import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import type { Address } from "../src/config/config.ts";
import { type Lab, startLab } from "../src/lab/server.ts";
import { ListeningSocket } from "../src/proxy/listening-socket.ts";
import { isInstalled, runCommand, runGoodgate } from "./command.ts";
import { exchange, pause, until } from "./harness.ts";
import { freePort } from "./origin.ts";

const PROGRAM = fileURLToPath(new URL("../bin/goodgate.js", import.meta.url));
const HOST = "Host: shop.test\r\n";
const REQUEST = `GET /lab/echo HTTP/1.1\r\n${HOST}\r\n`;

let lab: Lab;
let folder: string;
const children: ChildProcess[] = [];
const sockets: ListeningSocket[] = [];

beforeAll(async () => {
  lab = await startLab();
});

afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill("SIGKILL");
  const successor = folder ? Number(read("pid")) : 0;
  if (successor > 0) await runCommand("kill", ["-9", String(successor)]);
  for (const socket of sockets.splice(0)) socket.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

afterAll(() => lab?.close());

vi.setConfig({ testTimeout: 60_000 });

function read(name: string): string {
  try {
    return readFileSync(join(folder, name), "utf8");
  } catch {
    return "";
  }
}

interface Running {
  readonly child: ChildProcess;
  output(): string;
}

/** Runs the program as systemd would: `given` from descriptor 3 on, `env` on top. */
async function run(
  config: Record<string, unknown>,
  given: readonly ListeningSocket[],
  env: NodeJS.ProcessEnv = {},
): Promise<Running> {
  folder = mkdtempSync(join(tmpdir(), "goodgate-systemd-"));
  writeFileSync(
    join(folder, "goodgate.yaml"),
    JSON.stringify({ console: "off", log: { access: "off" }, upstreams: { lab: lab.address }, ...config }),
  );
  const fds = given.map(({ fd }) => fd);
  // The process id that systemd puts into LISTEN_PID is known to the process itself only.
  const script = 'export LISTEN_PID="${MEANT:-$$}"; exec "$@"';
  const args = [PROGRAM, "run", join(folder, "goodgate.yaml"), "--pid-file", join(folder, "pid")];
  const child = spawn("/bin/sh", ["-c", script, "sh", process.execPath, ...args], {
    stdio: ["ignore", "pipe", "pipe", ...fds],
    env: { ...process.env, NO_COLOR: "1", LISTEN_FDS: String(fds.length), ...env },
  });
  children.push(child);
  let output = "";
  child.stderr!.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await until(
    () => output.includes("listening"),
    10_000,
    () => `it did not start:\n${output}`,
  );
  return { child, output: () => output };
}

async function bind(address: Address): Promise<ListeningSocket> {
  const socket = await ListeningSocket.bind(address);
  sockets.push(socket);
  return socket;
}

/** A `systemd-notify` that writes down what it is told. */
function fakeNotify(): NodeJS.ProcessEnv {
  const bin = mkdtempSync(join(tmpdir(), "goodgate-notify-"));
  const script = join(bin, "systemd-notify");
  writeFileSync(script, `#!/bin/sh\nprintf '%s\\n' "$*" >> '${join(bin, "told")}'\n`);
  chmodSync(script, 0o755);
  return { PATH: `${bin}${delimiter}${process.env["PATH"]}`, NOTIFY_SOCKET: "@nobody", TOLD: join(bin, "told") };
}

function told(env: NodeJS.ProcessEnv): string[] {
  try {
    return readFileSync(env["TOLD"]!, "utf8").trim().split("\n");
  } catch {
    return [];
  }
}

const TCP = (port: number): Address => ({ kind: "tcp", host: "127.0.0.1", port });

test("inherited sockets go to the listeners of their address; the others are opened, and what nobody wants is told", async () => {
  const [first, second, unwanted, own] = [await bind(TCP(0)), await bind(TCP(0)), await bind(TCP(0)), await freePort()];
  const path = join(tmpdir(), `goodgate-${process.pid}.sock`);
  const unix = await bind({ kind: "unix", path });
  // Not in the order of the configuration.
  const { child, output } = await run(
    { listen: [`127.0.0.1:${first.port}`, `127.0.0.1:${own}`, `unix:${path}`, `127.0.0.1:${second.port}`] },
    [second, unwanted, unix, first],
  );
  for (const port of [first.port, second.port, own]) expect((await exchange(port, REQUEST)).status).toBe(200);
  expect(await overUnix(path)).toMatch(/^HTTP\/1\.1 200 /);
  const warning = `no listener has its address: 127.0.0.1:${unwanted.port}`;
  await until(
    () => output().includes(warning),
    2000,
    () => `no warning:\n${output()}`,
  );
  // No descriptor of the unwanted one is left; of the first there is one, since it was not opened a second time.
  expect(listening(child.pid!, unwanted.port)).toBe(0);
  expect(listening(child.pid!, first.port)).toBe(1);
  // They are handed on by an upgrade, too, and the path of the Unix socket stays.
  expect(await runGoodgate(["upgrade", "--pid-file", join(folder, "pid")])).toMatchObject({ code: 0 });
  await until(
    () => child.exitCode === 0,
    5000,
    () => "the old process does not end",
  );
  for (const port of [first.port, second.port, own]) expect((await exchange(port, REQUEST)).status).toBe(200);
  expect(await overUnix(path)).toMatch(/^HTTP\/1\.1 200 /);
  // Who has opened the socket starts the program anew for the next client: that one must find it.
  expect(await runGoodgate(["stop", "--pid-file", join(folder, "pid")])).toMatchObject({ code: 0 });
  await until(
    () => read("pid") === "",
    5000,
    () => "the successor does not end",
  );
  expect(existsSync(path)).toBe(true);
});

test("with workers: the primary hands the sockets on, and no worker keeps one that a reload took away", async () => {
  const [first, second] = [await bind(TCP(0)), await bind(TCP(0))];
  await run({ listen: [`127.0.0.1:${first.port}`, `127.0.0.1:${second.port}`], workers: 2 }, [second, first]);
  const [kept, gone] = [first.port, second.port];
  for (const port of [kept, gone]) expect((await exchange(port, REQUEST)).status).toBe(200);
  const file = join(folder, "goodgate.yaml");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(read("goodgate.yaml")), listen: [`127.0.0.1:${kept}`] }));
  expect(await runGoodgate(["reload", "--pid-file", join(folder, "pid")])).toMatchObject({ code: 0 });
  // What this process holds of it would take clients without an end.
  for (const socket of sockets.splice(0)) socket.close();
  const outcome = await exchange(gone, REQUEST).then(
    ({ status }) => status,
    () => "refused",
  );
  expect(outcome).toBe("refused");
  expect((await exchange(kept, REQUEST)).status).toBe(200);
});

test("variables that are meant for another process are not believed", async () => {
  const given = await bind(TCP(0));
  const port = await freePort();
  const { output } = await run({ listen: [`127.0.0.1:${port}`] }, [given], { MEANT: "1" });
  expect((await exchange(port, REQUEST)).status).toBe(200);
  expect(output()).not.toContain("no listener has its address");
});

test.skipIf(!isInstalled("systemd-socket-activate"))(
  "a client that comes before the program waits for it",
  async () => {
    folder = mkdtempSync(join(tmpdir(), "goodgate-systemd-"));
    const port = await freePort();
    const file = join(folder, "goodgate.yaml");
    writeFileSync(
      file,
      JSON.stringify({ listen: `127.0.0.1:${port}`, console: "off", upstreams: { lab: lab.address } }),
    );
    const activate = ["-l", `127.0.0.1:${port}`, "-E", "PATH", "-E", "HOME"];
    const args = [process.execPath, PROGRAM, "run", file, "--pid-file", join(folder, "pid")];
    const child = spawn("systemd-socket-activate", [...activate, ...args], { stdio: "ignore" });
    children.push(child);
    // It listens once it has started; the first client then starts the program.
    let answer: number | string = "";
    for (let i = 0; i < 100 && answer !== 200; i++) {
      answer = await exchange(port, REQUEST).then(
        ({ status }) => status,
        (error: Error) => error.message,
      );
      if (/\(rst\)/.test(String(answer))) await pause(50);
    }
    expect(answer).toBe(200);
  },
);

test("ready, reloading, watchdog, stopping, in this order", async () => {
  const notify = fakeNotify();
  const { child } = await run({ listen: "127.0.0.1:0" }, [], { ...notify, WATCHDOG_USEC: "400000" });
  const says = (pattern: RegExp): Promise<unknown> =>
    until(
      () => told(notify).some((line) => pattern.test(line)),
      5000,
      () => `${pattern} was not told:\n${told(notify).join("\n")}`,
    );
  await says(/^READY=1 STATUS=serving/);
  await says(/^WATCHDOG=1$/);
  expect(await runGoodgate(["reload", "--pid-file", join(folder, "pid")])).toMatchObject({ code: 0 });
  await says(/^RELOADING=1 MONOTONIC_USEC=\d+ /);
  const afterReload = (): string[] =>
    told(notify).slice(told(notify).findIndex((line) => line.startsWith("RELOADING")));
  await until(
    () => afterReload().some((line) => line.startsWith("READY=1")),
    5000,
    () => "not ready again",
  );
  child.kill("SIGTERM");
  await until(
    () => child.exitCode === 0,
    5000,
    () => "it does not end",
  );
  await says(/^STOPPING=1/);
});

test("after an upgrade the new process is the main one, and the old one does not say that the service stops", async () => {
  const notify = fakeNotify();
  const { child } = await run({ listen: "127.0.0.1:0" }, [], notify);
  expect(await runGoodgate(["upgrade", "--pid-file", join(folder, "pid")])).toMatchObject({ code: 0 });
  const successor = Number(read("pid"));
  expect(successor).not.toBe(child.pid);
  await until(
    () => child.exitCode === 0,
    5000,
    () => "the old process does not end",
  );
  expect(told(notify).some((line) => line.startsWith(`MAINPID=${successor} READY=1`))).toBe(true);
  expect(told(notify).some((line) => line.startsWith("STOPPING"))).toBe(false);
});

test("without systemd-notify the gateway serves, and says once what is missing", async () => {
  const { output } = await run({ listen: "127.0.0.1:0" }, [], { PATH: folder, NOTIFY_SOCKET: "@nobody" });
  expect(await runGoodgate(["reload", "--pid-file", join(folder, "pid")])).toMatchObject({ code: 0 });
  await until(
    () => output().includes("reloaded"),
    2000,
    () => "the log is not written",
  );
  expect(output().match(/systemd-notify cannot be run/g)).toHaveLength(1);
});

const RECEIVE = `
import socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(sys.argv[1])
print("bound", flush=True)
while True: print(server.recv(4096).decode().replace("\\n", " "), flush=True)
`;

test.skipIf(!isInstalled("systemd-notify") || !isInstalled("python3"))(
  "the real systemd-notify carries it over a real socket",
  async () => {
    const at = join(mkdtempSync(join(tmpdir(), "goodgate-notify-")), "notify");
    const receiver = spawn("python3", ["-c", RECEIVE, at], { stdio: ["ignore", "pipe", "inherit"] });
    children.push(receiver);
    let received = "";
    receiver.stdout.on("data", (chunk: Buffer) => (received += chunk.toString()));
    await until(
      () => received.includes("bound"),
      5000,
      () => "the receiver did not start",
    );
    await run({ listen: "127.0.0.1:0" }, [], { NOTIFY_SOCKET: at });
    await until(
      () => /^READY=1 STATUS=serving/m.test(received),
      5000,
      () => `received: ${received}`,
    );
  },
);

test("the units are what this program understands", () => {
  const unit = readFileSync(new URL("../packaging/goodgate.service", import.meta.url), "utf8");
  expect(unit).toMatch(/^Type=notify$/m);
  expect(unit).toMatch(/^NotifyAccess=all$/m);
  expect(unit).toMatch(/^ExecReload=\S+goodgate reload --pid-file (\S+)$/m);
  const [, started] = /^ExecStart=.*--pid-file (\S+)$/m.exec(unit)!;
  expect(unit).toContain(`ExecReload=/usr/bin/goodgate reload --pid-file ${started}\n`);
});

/** How many descriptors of a process are sockets that listen on a port. */
function listening(pid: number, port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const inodes = readFileSync(`/proc/${pid}/net/tcp`, "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(`:${hex}`) && state === "0A")
    .map((columns) => `socket:[${columns[9]}]`);
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => inodes.includes(linkOf(`/proc/${pid}/fd/${fd}`))).length;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function overUnix(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const client = connect(path, () => client.write(`GET /lab/echo HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`));
    let text = "";
    client.on("data", (chunk: Buffer) => (text += chunk.toString()));
    client.on("end", () => resolve(text));
    client.on("error", reject);
  });
}
