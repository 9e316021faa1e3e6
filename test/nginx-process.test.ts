// goodgate-nginx as a process: what init systems, scripts and people rely on who start nginx. Where nginx is installed,
// a start that fails is compared with it byte for byte. Signals: nginx-signals.test.ts.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, renameSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { isInstalled, runGoodgate } from "./command.ts";
import {
  comes,
  conf,
  errors,
  folder,
  get,
  isAlive,
  logged,
  OURS,
  outcome,
  PATH,
  pidIn,
  port,
  read,
  start,
  started,
  write,
} from "./nginx-program.ts";

const noNginx = !isInstalled("nginx");

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
