// goodgate-nginx at work: signals, upgrades and those taken back, and the workers of a master that is root.
import { existsSync, readFileSync, renameSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  AS_STARTED,
  answers,
  comes,
  conf,
  errors,
  folder,
  get,
  isAlive,
  isRoot,
  logged,
  OURS,
  outcome,
  pidIn,
  read,
  setApp,
  start,
  write,
} from "./nginx-program.ts";
import { startOrigin } from "./origin.ts";

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
    setApp(origin.port);
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
    setApp(origin.port);
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
    setApp(origin.port);
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
