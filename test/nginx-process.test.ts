// goodgate-nginx as a process: what init systems, scripts and people rely on who start, signal and stop nginx. Where
// nginx is installed, a start that fails is compared with it byte for byte.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isInstalled, runGoodgate } from "./command.ts";
import { pause, until } from "./harness.ts";
import { lastingPort } from "./held.ts";
import { startOrigin } from "./origin.ts";

const OURS = [process.execPath, fileURLToPath(new URL("../bin/goodgate-nginx.js", import.meta.url))];
const PATH = `${process.env["PATH"]}:/usr/sbin`;
const WAIT_MS = 15_000;
const isRoot = process.geteuid?.() === 0;
/** Root would serve with the rights of nobody, which the folders of these tests are closed to. */
const AS_STARTED = isRoot ? "user root;" : "";
const noNginx = !isInstalled("nginx");

let folder = "";
let port = 0;
const started: ChildProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-nginx-process-"));
  port = await lastingPort();
});

afterEach(() => {
  // What went to the background is known by its pid file only.
  const pids = [...started.splice(0).map((child) => child.pid), pidIn("nginx.pid"), pidIn("nginx.pid.oldbin")];
  for (const pid of pids) {
    try {
      if (pid) process.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
  rmSync(folder, { recursive: true });
});

/** The configuration: one server that answers with `text`. */
function conf(text: string, more = ""): void {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path temp-${name};`,
  );
  write(
    "nginx.conf",
    `${AS_STARTED} error_log error.log info; pid nginx.pid; ${more}
events {}
http {
  access_log off; ${temporary.join(" ")}
  server {
    listen 127.0.0.1:${port};
    location / { return 200 ${text}; }
    location /app/ { proxy_pass http://127.0.0.1:${appPort}; }
  }
}
`,
  );
}

let appPort = 1;

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const read = (name: string): string =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), "latin1") : "";
const pidIn = (name: string): number => Number(/^(\d+)\n$/.exec(read(name))?.[1] ?? 0);
/** The error log without times and numbers of processes. */
const errors = (): string => read("error.log").replace(/^\S+ \S+ (\[\w+\]) \d+#\d+: /gm, "$1 ");

function spawnIn(program: readonly string[], args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const [command = "", ...first] = program;
  const options = ["-p", `${folder}/`, "-c", "nginx.conf", "-e", "error.log"];
  const child = spawn(command, [...first, ...options, ...args], {
    cwd: folder,
    stdio: "pipe",
    env: { PATH, ...env },
  });
  started.push(child);
  return child;
}

async function outcome(program: readonly string[], args: readonly string[] = []) {
  const child = spawnIn(program, args);
  let stderr = "";
  child.stderr!.on("data", (chunk: Buffer) => (stderr += chunk.toString("latin1")));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stderr: stderr.replaceAll(folder, "DIR") };
}

/** Starts it in the foreground. */
async function start(
  env: NodeJS.ProcessEnv = {},
): Promise<ChildProcess & { pid: number; ended: Promise<number | null> }> {
  const child = spawnIn(OURS, ["-g", "daemon off;"], env);
  let stderr = "";
  child.stderr!.on("data", (chunk: Buffer) => (stderr += chunk.toString("latin1")));
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  await until(
    () => pidIn("nginx.pid") || undefined,
    WAIT_MS,
    () => `it did not start:\n${stderr}`,
    ended,
  );
  return Object.assign(child as ChildProcess & { pid: number }, { ended });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // It may be signalled, so there is no other reason.
    return false;
  }
}

async function get(path = "/"): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: "close" } });
  return response.text();
}

/** Waits until requests get this answer; "" = none. */
async function answers(text: string): Promise<void> {
  const end = performance.now() + WAIT_MS;
  let last: string;
  do {
    last = await get().catch(() => "");
    if (last === text) return;
    await pause(10);
  } while (performance.now() < end);
  throw new Error(`"${last}" is the answer, not "${text}"; the error log:\n${read("error.log")}`);
}

function comes<T>(what: string, condition: () => T | false): Promise<T> {
  return until<T>(
    condition,
    WAIT_MS,
    () => `${what} did not come; the error log:
${read("error.log")}`,
  );
}

const logged = (text: string) => comes(`"${text}"`, () => errors().includes(text));

describe("a start", () => {
  test("listens, then writes its own number; TERM ends it and takes the file away", async () => {
    conf("one");
    const child = await start();
    expect(pidIn("nginx.pid")).toBe(child.pid);
    expect(await get()).toBe("one");
    child.kill("SIGTERM");
    expect(await child.ended).toBe(0);
    expect(existsSync(join(folder, "nginx.pid"))).toBe(false);
    expect(errors()).toContain("[notice] signal 15 (SIGTERM) received, exiting\n");
    expect(errors()).toMatch(/\[notice\] exit\n$/);
    expect(errors()).not.toMatch(/\[(alert|emerg|crit|error)\]/);
  });

  test("in the background: the prompt comes back once it serves, and -s reaches it", async () => {
    conf("one");
    expect(await outcome(OURS)).toEqual({ code: 0, stderr: "" });
    const pid = pidIn("nginx.pid");
    expect(pid).toBeGreaterThan(0);
    expect(await get()).toBe("one");
    conf("two");
    expect(await outcome(OURS, ["-s", "reload"])).toEqual({ code: 0, stderr: "" });
    await logged("exited with code 0");
    expect(await get()).toBe("two");
    expect(await outcome(OURS, ["-s", "quit"])).toEqual({ code: 0, stderr: "" });
    await comes("the end", () => !existsSync(join(folder, "nginx.pid")));
    await comes("the end of the process", () => !isAlive(pid));
  });

  test("what --lenient leaves out is told without a terminal", async () => {
    conf("one");
    write("nginx.conf", read("nginx.conf").replace("return 200 one", "fastcgi_pass 127.0.0.1:9"));
    const { code, stderr } = await outcome(OURS, ["--lenient", "-t", "-q"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^nginx: \[warn\] "fastcgi_pass" is not supported: .* in DIR\/nginx\.conf:\d+\n$/);
  });

  test("a console that cannot be is told of in an error log that has errors only", async () => {
    conf("one");
    write("nginx.conf", read("nginx.conf").replace("error.log info", "error.log"));
    await start({ GOODGATE_CONSOLE: "0.0.0.0:1" });
    await logged("[error] no console: the console shows internals: beyond loopback it needs a token");
  });

  test("logs on standard streams that are sockets, as systemd's journal gives them", async () => {
    conf("one");
    write("nginx.conf", read("nginx.conf").replace("error_log error.log", "error_log /dev/stderr"));
    // Node's pipes to children are sockets.
    const child = await start();
    let said = "";
    child.stderr!.on("data", (chunk: Buffer) => (said += chunk.toString("latin1")));
    child.kill("SIGTERM");
    expect(await child.ended).toBe(0);
    await comes("the last line", () => said.includes("[notice]") && said.endsWith(": exit\n"));
  });

  test("a log that is a named pipe: whoever reads it reads on, and -t waits for nobody", async () => {
    conf("one");
    write("nginx.conf", read("nginx.conf").replace("access_log off", "access_log pipe"));
    expect(spawnSync("mkfifo", [join(folder, "pipe")]).status).toBe(0);
    expect(await outcome(OURS, ["-t", "-q"])).toEqual({ code: 0, stderr: "" });
    const reader = spawn("cat", [join(folder, "pipe")], { stdio: ["ignore", "pipe", "inherit"] });
    started.push(reader);
    let lines = "";
    reader.stdout.on("data", (chunk: Buffer) => (lines += chunk.toString("latin1")));
    const child = await start();
    expect(await get()).toBe("one");
    await comes("the line", () => lines.includes('"GET / HTTP/1.1" 200'));
    child.kill("SIGTERM");
    expect(await child.ended).toBe(0);
  });

  const failures: [string, () => void | Promise<void>, RegExp][] = [
    [
      "a mistake",
      () => conf("one", "sendfle on;"),
      /^nginx: \[emerg\] unknown directive "sendfle" in DIR\/nginx\.conf:1\n/,
    ],
    [
      "a log whose folder is missing",
      () => conf("one", "error_log none/log;"),
      /^nginx: \[emerg\] open\(\) "DIR\/none\/log" failed \(2/,
    ],
    [
      "a pid file whose folder is missing",
      () => {
        conf("one");
        write("nginx.conf", read("nginx.conf").replace("pid nginx.pid", "pid none/nginx.pid"));
      },
      /^nginx: \[emerg\] open\(\) "DIR\/none\/nginx\.pid" failed \(2/,
    ],
    [
      "an address that is taken",
      async () => {
        conf("one");
        const taken = createServer();
        await new Promise<void>((resolve) => taken.listen(port, "127.0.0.1", resolve));
        taken.unref();
      },
      /^(nginx: \[emerg\] bind\(\) to 127\.0\.0\.1:\d+ failed \(98: Address already in use\)\n){5}nginx: \[emerg\] still could not bind\(\)\n$/,
    ],
    [
      "-s without a process",
      () => conf("one"),
      /^nginx: \[error\] open\(\) "DIR\/nginx\.pid" failed \(2: No such file or directory\)\n$/,
    ],
  ];
  test.each(failures)("fails with nginx's words: %s", async (name, prepare, said) => {
    await prepare();
    const args = name.startsWith("-s") ? ["-s", "stop"] : ["-g", "daemon off;"];
    const ours = await outcome(OURS, args);
    expect(ours.stderr).toMatch(said);
    expect(ours.code).toBe(1);
    if (!noNginx) expect(ours).toEqual(await outcome(["nginx"], args));
  });
});

describe("signals", () => {
  test("HUP: a good configuration takes over, a bad one is told and changes nothing", async () => {
    conf("one");
    const child = await start();
    conf("two");
    child.kill("SIGHUP");
    await logged(`worker process ${child.pid} exited with code 0`);
    expect(errors()).toContain("[notice] signal 1 (SIGHUP) received, reconfiguring\n[notice] reconfiguring\n");
    expect(await get()).toBe("two");
    conf("three", "sendfle on;");
    child.kill("SIGHUP");
    await logged('[emerg] unknown directive "sendfle" in ');
    expect(await get()).toBe("two");
    conf("four", "error_log none/log;");
    child.kill("SIGHUP");
    await logged('none/log" failed (2: No such file or directory)');
    expect(await get()).toBe("two");
    expect(pidIn("nginx.pid")).toBe(child.pid);
  });

  test("QUIT lets a request end, and TERM behind it does not", async () => {
    const sockets: Socket[] = [];
    const origin = await startOrigin((socket) => void sockets.push(socket));
    appPort = origin.port;
    conf("one");
    const child = await start();
    const answer = get("/app/");
    await comes("the request", () => sockets.length === 1);
    child.kill("SIGQUIT");
    await logged("gracefully shutting down");
    sockets[0]!.end("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
    expect(await answer).toBe("late");
    expect(await child.ended).toBe(0);
    const second = await start();
    const cut = get("/app/").catch(() => "cut");
    await comes("the request", () => sockets.length === 2);
    second.kill("SIGQUIT");
    await comes("the order", () => errors().split("gracefully shutting down").length === 3);
    second.kill("SIGTERM");
    expect(await cut).toBe("cut");
    expect(await second.ended).toBe(0);
    await origin.close();
  });

  test("worker_shutdown_timeout bounds that", async () => {
    const sockets: Socket[] = [];
    const origin = await startOrigin((socket) => void sockets.push(socket));
    appPort = origin.port;
    conf("one", "worker_shutdown_timeout 10ms;");
    const child = await start();
    const cut = get("/app/").catch(() => "cut");
    await comes("the request", () => sockets.length === 1);
    child.kill("SIGQUIT");
    expect(await cut).toBe("cut");
    expect(await child.ended).toBe(0);
    await origin.close();
  });

  test("USR1 goes on in new logs", async () => {
    conf("one");
    const child = await start();
    await logged("start worker processes");
    renameSync(join(folder, "error.log"), join(folder, "error.log.1"));
    child.kill("SIGUSR1");
    await comes("the new log", () => existsSync(join(folder, "error.log")));
    child.kill("SIGTERM");
    await child.ended;
    expect(read("error.log.1")).toContain("start worker processes");
    expect(errors()).toContain("signal 15 (SIGTERM)");
  });

  test("USR2, then QUIT: another process takes over; or TERM to that one, and all is as it was", async () => {
    conf("one");
    const child = await start();
    child.kill("SIGUSR2");
    const first = await comes("the new process", () => pidIn("nginx.pid.oldbin") && pidIn("nginx.pid"));
    expect([pidIn("nginx.pid.oldbin"), first === child.pid]).toEqual([child.pid, false]);
    process.kill(first, "SIGTERM");
    await comes("the old file", () => pidIn("nginx.pid") === child.pid);
    expect(existsSync(join(folder, "nginx.pid.oldbin"))).toBe(false);
    expect(await get()).toBe("one");
    conf("two");
    child.kill("SIGUSR2");
    const second = await comes("the new process", () => pidIn("nginx.pid.oldbin") && pidIn("nginx.pid"));
    child.kill("SIGQUIT");
    expect(await child.ended).toBe(0);
    expect(pidIn("nginx.pid")).toBe(second);
    expect(existsSync(join(folder, "nginx.pid.oldbin"))).toBe(false);
    expect(await get()).toBe("two");
  });

  test.each(isRoot ? [1, 2] : [1])(
    "USR2 is taken back by WINCH, HUP and QUIT without a client noticing: %s",
    async (count) => {
      conf("one");
      const user = isRoot && count > 1 ? "user daemon;" : AS_STARTED;
      write("nginx.conf", read("nginx.conf").replace(AS_STARTED, `${user} worker_processes ${count};`));
      expect(await outcome(OURS)).toEqual({ code: 0, stderr: "" });
      const pid = pidIn("nginx.pid");
      const seen = new Set<string>();
      let over = false;
      const client = (async () => {
        while (!over) seen.add(await get().catch((error: Error) => String(error.cause)));
      })();
      process.kill(pid, "SIGUSR2");
      const other = await comes("the new process", () => pidIn("nginx.pid.oldbin") && pidIn("nginx.pid"));
      process.kill(pid, "SIGWINCH");
      await logged("stop accepting connections");
      process.kill(pid, "SIGHUP");
      await comes("the order", () => errors().includes("signal 1 (SIGHUP)"));
      process.kill(other, "SIGQUIT");
      await logged(`new binary process ${other} exited with code 0`);
      await answers("one");
      over = true;
      await client;
      expect([...seen]).toEqual(["one"]);
      expect(pidIn("nginx.pid")).toBe(pid);
      process.kill(pid, "SIGQUIT");
      await comes("the end", () => !isAlive(pid));
    },
  );

  test("WINCH in the background: nothing is accepted any more, HUP begins again", async () => {
    conf("one");
    await outcome(OURS);
    const pid = pidIn("nginx.pid");
    process.kill(pid, "SIGWINCH");
    await logged("signal 28 (SIGWINCH) received, stop accepting connections");
    const waiting = get();
    conf("two");
    process.kill(pid, "SIGHUP");
    expect(await waiting).toBe("two");
    process.kill(pid, "SIGQUIT");
    await comes("the end", () => !existsSync(join(folder, "nginx.pid")));
  });
});

describe.skipIf(!isRoot)("started by root", () => {
  const uidOf = (pid: number) => Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
  const workers = (): number[] => [...errors().matchAll(/start worker process (\d+)/g)].map(([, pid]) => Number(pid));

  test("workers have the rights of `user`, those of a reload too; one that dies is replaced", async () => {
    conf("one");
    write("nginx.conf", read("nginx.conf").replace("user root;", "user daemon; worker_processes 2;"));
    const child = await start();
    await comes("two workers", () => workers().length === 2);
    expect(await get()).toBe("one");
    await comes("their rights", () => workers().every((pid) => uidOf(pid) !== 0));
    expect(uidOf(child.pid)).toBe(0);
    write("nginx.conf", read("nginx.conf").replace("return 200 one", "return 200 two"));
    child.kill("SIGHUP");
    await comes("the end of the old ones", () => errors().split("exited with code 0").length === 3);
    expect(await get()).toBe("two");
    const [, , third = 0] = workers();
    expect(uidOf(third)).not.toBe(0);
    process.kill(third, "SIGKILL");
    await logged(`[alert] worker process ${third} exited on signal SIGKILL`);
    await comes("another worker", () => workers().length === 5);
    child.kill("SIGQUIT");
    expect(await child.ended).toBe(0);
  });

  test("standard error stays empty: a worker's own log is the error log, and an old worker is followed once", async () => {
    const sockets: Socket[] = [];
    const origin = await startOrigin((socket) => void sockets.push(socket));
    appPort = origin.port;
    conf("0");
    write("nginx.conf", read("nginx.conf").replace("user root;", "user daemon;"));
    const child = await start();
    let stderr = "";
    child.stderr!.on("data", (chunk: Buffer) => (stderr += chunk.toString("latin1")));
    const first = get("/app/");
    await comes("the request", () => sockets.length === 1);
    sockets[0]!.end("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=30\r\nContent-Length: 3\r\n\r\none");
    expect(await first).toBe("one");
    await logged("says that it closes idle connections after 30 s");
    const late = get("/app/");
    await comes("the request", () => sockets.length === 2);
    // One more than Node takes for a leak.
    for (let i = 1; i <= 11; i++) {
      write("nginx.conf", read("nginx.conf").replace(/return 200 \d+/, `return 200 ${i}`));
      child.kill("SIGHUP");
      await answers(String(i));
    }
    sockets[1]!.end("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
    expect(await late).toBe("late");
    child.kill("SIGQUIT");
    expect(await child.ended).toBe(0);
    expect(stderr).toBe("");
    await origin.close();
  }, 60_000);

  test("a user that is not there", async () => {
    conf("one");
    write("nginx.conf", read("nginx.conf").replace("user root;", "user no-such-user;"));
    const ours = await outcome(OURS, ["-g", "daemon off;"]);
    expect(ours.stderr).toMatch(/^nginx: \[emerg\] getpwnam\("no-such-user"\) failed/);
    expect(ours.code).toBe(1);
  });
});

test("goodgate run takes an nginx.conf, known by what is in it", async () => {
  conf("one");
  renameSync(join(folder, "nginx.conf"), join(folder, "gateway"));
  const args = [fileURLToPath(new URL("../bin/goodgate.js", import.meta.url)), "run", "gateway", "--pid-file", "pid"];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: "ignore", env: { PATH } });
  started.push(child);
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  await comes("the start", () => pidIn("pid") === child.pid);
  expect(await get()).toBe("one");
  child.kill("SIGTERM");
  expect(await ended).toBe(0);
  const refused = await runGoodgate(["run", "gateway", "--listen", ":0"], folder);
  expect(refused.stderr).toContain("--listen has no meaning beside an nginx.conf");
  expect(refused.code).toBe(2);
});
