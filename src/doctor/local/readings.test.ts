import { describe, expect, test } from "vitest";
import { addressesHere, plainAddress } from "./addresses.ts";
import { gatewayHere, type HereFacts } from "./gateway-here.ts";
import { overflowEvent } from "./kernel-counters.ts";
import { oomKillsOf, readKernelLines } from "./kernel-log.ts";
import { containerOf, redactCommand, unitOf } from "./processes.ts";
import { listenOverflows, readSs, readTcpTable, readUnixTable } from "./socket-tables.ts";
import { readShow, wantedPath, wantedPort } from "./units.ts";

const NOW = Date.parse("2026-11-21T20:00:00Z");
const BOOT = NOW - 50_000_000;
const lines = (text: string) => readKernelLines(text, "kernel log", BOOT, NOW);

describe("the kernel's log", () => {
  test.each([
    ["dmesg", "[45217.595486] Out of memory: Killed process 812 (node) total-vm:1kB", BOOT + 45_217_595],
    ["a control group", "[   12.5] Memory cgroup out of memory: Killed process 812 (node) total-vm:1kB", BOOT + 12_500],
    [
      "an older kernel",
      "[12.500000] Out of memory: Kill process 812 (node) score 900 or sacrifice child",
      BOOT + 12_500,
    ],
    ["the journal", `${(NOW - 5000) / 1000}.250000 web1 kernel: Out of memory: Killed process 812 (node)`, NOW - 4750],
    [
      "a log file",
      "2026-11-21T19:59:00.5+00:00 web1 kernel: [12.5] Out of memory: Killed process 812 (node)",
      NOW - 59_500,
    ],
    ["no time", "Out of memory: Killed process 812 (node)", null],
  ])("a kill, from %s", (_, line, atMs) => {
    expect(lines(line)).toMatchObject([{ kind: "oom-kill", pid: 812, process: "node", atMs }]);
  });

  test("the two lines of one kill are one event, with the service that it was in", () => {
    const text =
      "[100.000001] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/system.slice,task_memcg=/system.slice/shop.service,task=node,pid=812,uid=33\n" +
      "[100.000200] Memory cgroup out of memory: Killed process 812 (node) total-vm:1kB\n";
    expect(lines(text)).toMatchObject([{ pid: 812, process: "node", group: "shop.service" }]);
    expect(lines(text)[0]?.text).toContain("Killed process 812");
  });

  test("crashes and floods", () => {
    const text =
      "[1.0] nginx[4206]: segfault at 7ffd88395ed8 ip 0000558dcee1bdfb sp 00007ffd88395ee0 error 6 in nginx[3adfb]\n" +
      "[2.0] traps: node[77] general protection fault ip:5 sp:6 error:0\n" +
      "[3.0] TCP: request_sock_TCP: Possible SYN flooding on port 127.0.0.1:3000. Sending cookies.\n";
    expect(lines(text).map(({ kind, pid, process }) => [kind, pid, process])).toEqual([
      ["segfault", 4206, "nginx"],
      ["segfault", 77, "node"],
      ["listen-overflow", null, null],
    ]);
  });

  test("ordinary lines say nothing, and what is older than a week is left out", () => {
    expect(lines("[1.0] eth0: link up\n[2.0] audit: killed the lights\n")).toEqual([]);
    expect(lines("2026-11-01T00:00:00Z web1 kernel: Out of memory: Killed process 812 (node)")).toEqual([]);
  });

  test("a log without end is bounded", () => {
    const text = Array.from({ length: 5_000 }, (_, i) => `[${i}.0] Out of memory: Killed process ${i} (node)`).join(
      "\n",
    );
    const found = lines(text);
    expect(found.length).toBeLessThanOrEqual(50);
    expect(found.at(-1)?.pid).toBe(4_999);
  });
});

test("an overflow counts only where it grows", () => {
  expect(overflowEvent(10, 10, NOW)).toEqual([]);
  expect(overflowEvent(null, 10, NOW)).toEqual([]);
  expect(overflowEvent(10, 13, NOW)).toMatchObject([{ kind: "listen-overflow", atMs: NOW }]);
  const netstat = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 1 42 43\nIpExt: A\nIpExt: 1\n";
  expect(listenOverflows(netstat)).toBe(42);
  expect(listenOverflows("")).toBeNull();
  expect(oomKillsOf("oom 9\noom_kill 3\noom_group_kill 1\n")).toBe(3);
});

describe("tables of sockets", () => {
  test("only what listens is taken, and lines that cannot be read are left out", () => {
    const text =
      "  sl  local_address rem_address   st tx_queue rx_queue\n" +
      "   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 4711 1\n" +
      "   1: 0100007F:0BB8 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1\n" +
      "   2: nonsense 00000000:0000 0A x y z\n";
    expect(readTcpTable(text, 4)).toMatchObject([{ port: 3000, inode: 4711, waiting: 3, uid: 1000 }]);
  });

  test("Unix sockets that listen, with blanks in their names", () => {
    const text =
      "Num       RefCount Protocol Flags    Type St Inode Path\n" +
      "0000: 00000002 00000000 00010000 0001 01 31 /run/my app.sock\n" +
      "0000: 00000002 00000000 00000000 0001 01 32 /run/bound.sock\n" +
      "0000: 00000003 00000000 00000000 0001 03 33\n" +
      "0000: 00000002 00000000 00010000 0001 01 34 @abstract\n";
    expect(readUnixTable(text)).toEqual([
      { path: "/run/my app.sock", inode: 31 },
      { path: "@abstract", inode: 34 },
    ]);
  });

  test("what ss says, by inode", () => {
    const found = readSs(
      "LISTEN 129    128    0.0.0.0:8080 0.0.0.0:* ino:15 sk:7 cgroup:/ <->\n" +
        "LISTEN 0      511       [::]:80      [::]:* ino:16 sk:8 v6only:1 <->\n" +
        "LISTEN 0      511          *:81         *:* ino:17 sk:9 v6only:0 <->\n" +
        "u_str LISTEN 6 5 /run/app.sock 13193809 * 0 <-> ino:2246475 dev:0/65024 peers:\n",
    );
    expect(found.get(15)).toMatchObject({ waiting: 129, max: 128 });
    expect([16, 17].map((inode) => found.get(inode)?.v6only)).toEqual([true, false]);
    expect(found.get(13_193_809)).toMatchObject({ waiting: 6, max: 5 });
  });
});

describe("control groups", () => {
  test.each([
    ["0::/system.slice/nginx.service", "nginx.service", null],
    ["0::/system.slice/system-app.slice/app@blue.service", "app@blue.service", null],
    ["0::/user.slice/user-1000.slice/user@1000.service/app.slice/shop.service", "shop.service", null],
    ["0::/user.slice/user-1000.slice/user@1000.service/session.scope", null, null],
    [`0::/system.slice/docker-${"a".repeat(64)}.scope`, null, "aaaaaaaaaaaa"],
    [`12:memory:/docker/${"b".repeat(64)}\n1:name=systemd:/docker/${"b".repeat(64)}`, null, "bbbbbbbbbbbb"],
    [
      `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-${"c".repeat(64)}.scope`,
      null,
      "cccccccccccc",
    ],
    [`0::/machine.slice/libpod-${"d".repeat(64)}.scope/container`, null, "dddddddddddd"],
    ["0::/", null, null],
    ["", null, null],
  ])("%s", (text, unit, container) => {
    expect([unitOf(text), containerOf(text)]).toEqual([unit, container]);
  });
});

describe("commands are shown without secrets", () => {
  test.each([
    ["node server.js --password=hunter2 --port 3000", "node server.js --password=[redacted] --port 3000"],
    ["app --api-key k3y --verbose", "app --api-key [redacted] --verbose"],
    ["env DB_PASSWORD=x TOKEN=y node a.js", "env DB_PASSWORD=[redacted] TOKEN=[redacted] node a.js"],
    ["app postgres://u:p@db:5432/x", "app postgres://[redacted]@db:5432/x"],
    ["java -Dspring.datasource.password=pw -jar a.jar", "java -Dspring.datasource.password=[redacted] -jar a.jar"],
    ["nginx: master process /usr/sbin/nginx -g daemon on;", "nginx: master process /usr/sbin/nginx -g daemon on;"],
    ["gunicorn -b 127.0.0.1:8000 shop.wsgi", "gunicorn -b 127.0.0.1:8000 shop.wsgi"],
    ["node --max-old-space-size=512 author.js", "node --max-old-space-size=512 author.js"],
    ["app --no-auth --port 1", "app --no-auth --port 1"],
  ])("%s", (command, shown) => {
    expect(redactCommand(command)).toBe(shown);
  });

  test("and not endlessly", () => {
    expect(redactCommand("x".repeat(100_000)).length).toBeLessThanOrEqual(300);
  });
});

describe("systemd", () => {
  const block = (values: Record<string, string | number>): string =>
    Object.entries(values)
      .map(([key, value]) => `${key}=${value}`)
      .join("\n");

  test("a crash loop, a kill for memory, a unit that does not exist", () => {
    const text = [
      block({
        Id: "shop.service",
        LoadState: "loaded",
        ActiveState: "activating",
        SubState: "auto-restart",
        Result: "exit-code",
        NRestarts: 41,
        ExecMainCode: 1,
        ExecMainStatus: 1,
        StateChangeTimestampMonotonic: 2_000_000,
        ExecStart: "{ path=/usr/bin/node ; argv[]=node s.js --port 3000 }",
      }),
      block({
        Id: "pay.service",
        LoadState: "loaded",
        ActiveState: "failed",
        SubState: "failed",
        Result: "oom-kill",
        NRestarts: 0,
        ExecMainCode: 2,
        ExecMainStatus: 9,
        StateChangeTimestampMonotonic: 0,
        Environment: "PORT=3001",
      }),
      block({ Id: "nothing.service", LoadState: "not-found", ActiveState: "inactive" }),
    ].join("\n\n");
    const found = readShow(text, BOOT);
    expect(
      found.map(({ state }) => [
        state.unit,
        state.active,
        state.sub,
        state.result,
        state.restarts,
        state.exit,
        state.sinceMs,
      ]),
    ).toEqual([
      ["shop.service", "activating", "auto-restart", "exit-code", 41, "exit status 1", BOOT + 2_000],
      ["pay.service", "failed", "failed", "oom-kill", 0, "killed by signal 9 (SIGKILL)", null],
    ]);
    expect(
      found.map(({ settings }) => [wantedPort(3000).pattern.test(settings), wantedPort(3001).pattern.test(settings)]),
    ).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  test("a port is not found within another number or an address", () => {
    const { pattern } = wantedPort(300);
    expect(["--port 3000", "10.0.0.300", "x300", ":300.5"].map((text) => pattern.test(text))).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(["--port 300", "127.0.0.1:300", "PORT=300 A=b", '":300"'].map((text) => pattern.test(text))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(wantedPath("/run/a+b.sock").pattern.test("--bind unix:/run/a+b.sock")).toBe(true);
  });
});

describe("whether this is the gateway's machine", () => {
  const none: HereFacts = {
    forced: false,
    gateways: ["nginx"],
    processes: [],
    served: [],
    unserved: [],
    urlHere: [],
    urlElsewhere: [],
    pidFiles: [],
  };
  const nginx = { pid: 7, software: "nginx" as const };

  test.each<[string, Partial<HereFacts>, boolean, boolean]>([
    ["the user says so", { forced: true, unserved: ["*:80"] }, true, true],
    ["it listens", { processes: [nginx], served: [{ address: "*:80", pids: [7] }] }, true, true],
    ["its pid file is alive", { pidFiles: [{ file: "/run/nginx.pid", ...nginx }] }, true, true],
    ["the URL's address is here", { urlHere: ["127.0.0.1"] }, true, true],
    ["somebody listens there", { served: [{ address: "*:80", pids: [] }] }, false, true],
    ["the program runs, no listen is known", { processes: [nginx] }, false, true],
    ["the program runs and listens elsewhere", { processes: [nginx], unserved: ["*:80"] }, false, false],
    ["neither listens nor runs", { unserved: ["*:80"] }, true, false],
    ["the URL's address is elsewhere", { urlElsewhere: ["203.0.113.9"] }, false, false],
    ["nothing is known", {}, false, false],
  ])("%s", (_, facts, certain, yes) => {
    const here = gatewayHere({ ...none, ...facts });
    expect([here.certain, here.yes]).toEqual([certain, yes]);
    expect(here.reason).not.toBe("");
  });
});

describe("addresses of this machine", () => {
  const own = new Set(["192.0.2.7", "127.0.0.1", "::1"]);
  const hosts =
    "127.0.0.1 localhost # both\n192.0.2.7 web1.example web1\n203.0.113.9 db\n::1 localhost ip6-localhost\n";

  test.each<[string, readonly string[] | null]>([
    ["127.0.0.1", ["127.0.0.1"]],
    ["127.9.9.9", ["127.9.9.9"]],
    ["[::1]", ["::1"]],
    ["::ffff:192.0.2.7", ["192.0.2.7"]],
    ["192.0.2.8", null],
    ["*", ["0.0.0.0", "::"]],
    ["localhost", ["127.0.0.1", "::1"]],
    ["LOCALHOST.", ["127.0.0.1", "::1"]],
    ["app.localhost", ["127.0.0.1", "::1"]],
    ["web1", ["192.0.2.7"]],
    ["db", null],
    ["app.example.com", null],
  ])("%s", (host, addresses) => {
    expect(addressesHere(host, own, hosts)).toEqual(addresses);
  });

  test("a zone and brackets are no part of an address", () => {
    expect(plainAddress("fe80::1%eth0")).toBe("fe80::1");
    expect(plainAddress("example.com")).toBeNull();
  });
});
