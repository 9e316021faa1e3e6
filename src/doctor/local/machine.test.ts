import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Spot } from "../evidence.ts";
import { lookHere } from "./look-here.ts";
import type { LocalEvidence } from "./model.ts";
import { BOOTED_AT_MS, procTree, type Tree, type TreeProcess } from "./proc-tree.fixture.ts";
import type { LocalQuestion } from "./question.ts";

const folders: string[] = [];
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const tcp = (port: number, host = "127.0.0.1"): Spot => ({ kind: "tcp", host, port });

async function look(tree: Tree, asked: Partial<LocalQuestion>): Promise<LocalEvidence> {
  const proc = await procTree(tree);
  folders.push(proc);
  const nothing = { spots: [], gateways: [], listens: [], urlAddresses: [], pidFiles: [], forced: false };
  return lookHere({ ...nothing, proc, ...asked }, 8_000);
}

const master: TreeProcess = {
  pid: 700,
  comm: "nginx",
  command: ["nginx: master process /usr/sbin/nginx -g daemon on;"],
  sockets: [11],
  cgroup: "0::/system.slice/nginx.service",
};
const worker: TreeProcess = {
  pid: 701,
  comm: "nginx",
  command: ["nginx: worker process"],
  parent: 700,
  uid: 64_999,
  sockets: [11, 12, 13],
  filesMax: 4,
  cgroup: "0::/system.slice/nginx.service",
};
const front = { host: "0.0.0.0", port: 8080, inode: 11 };

test("the gateway that listens where it is configured to, with its processes and limits", async () => {
  const { gatewayHere, gateways } = await look(
    { processes: [master, worker], tcp: [front] },
    { gateways: ["nginx"], listens: [{ host: "*", port: 8080 }] },
  );
  expect(gatewayHere).toEqual({ certain: true, yes: true, reason: "nginx (pid 700) listens on *:8080, as configured" });
  expect(gateways.map(({ pid, unit, descriptors }) => [pid, unit, descriptors])).toEqual([
    [700, "nginx.service", { open: 1, max: 1024 }],
    [701, "nginx.service", { open: 3, max: 4 }],
  ]);
  expect(gateways[0]?.startedAtMs).toBe(BOOTED_AT_MS + 100_000);
});

test("of two gateways of one program only the configured one's processes are given", async () => {
  const other: TreeProcess = { ...master, pid: 800, sockets: [21] };
  const { gateways } = await look(
    {
      processes: [master, worker, other, { ...worker, pid: 801, parent: 800 }],
      tcp: [front, { ...front, port: 9090, inode: 21 }],
    },
    { gateways: ["nginx"], listens: [{ host: "", port: 9090 }] },
  );
  expect(gateways.map(({ pid }) => pid)).toEqual([800, 801]);
});

test("a gateway that listens elsewhere is not taken for the configured one", async () => {
  const { gatewayHere } = await look(
    { processes: [master, worker], tcp: [front] },
    { gateways: ["nginx"], listens: [{ host: "*", port: 443 }] },
  );
  expect(gatewayHere.yes).toBe(false);
  expect(gatewayHere.certain).toBe(false);
});

test("a process id file of a running gateway", async () => {
  const folder = await mkdtemp(join(tmpdir(), "doctor-pid-"));
  folders.push(folder);
  const file = join(folder, "nginx.pid");
  await writeFile(file, "700\n");
  const asked = { gateways: ["nginx" as const], pidFiles: [file] };
  expect((await look({ processes: [master] }, asked)).gatewayHere).toMatchObject({ certain: true, yes: true });
  await writeFile(file, "4242\n");
  expect((await look({ processes: [master] }, asked)).gatewayHere.certain).toBe(false);
});

test("a program whose name only stands in a command is no gateway", async () => {
  const editor: TreeProcess = { pid: 50, comm: "vim", command: ["vim", "/etc/nginx/nginx"] };
  const grep: TreeProcess = { pid: 51, comm: "grep", command: ["grep", "haproxy"] };
  const node: TreeProcess = { pid: 52, comm: "node", command: ["node", "/opt/app/bin/goodgate.js", "run"] };
  const { gateways } = await look({ processes: [editor, grep, node] }, { gateways: ["nginx", "haproxy", "goodgate"] });
  expect(gateways.map(({ pid, software }) => [pid, software])).toEqual([[52, "Goodgate"]]);
});

describe("what listens on the port of a spot", () => {
  test.each([
    ["127.0.0.1 only", { tcp: [{ host: "127.0.0.1", port: 3000, inode: 5 }] }, "127.0.0.1", true],
    ["127.0.0.1 only, asked by ::1", { tcp: [{ host: "127.0.0.1", port: 3000, inode: 5 }] }, "::1", false],
    ["another loopback address", { tcp: [{ host: "127.0.0.1", port: 3000, inode: 5 }] }, "127.0.0.2", false],
    ["::1 only", { tcp6: [{ host: "::1", port: 3000, inode: 5 }] }, "127.0.0.1", false],
    ["every address of both families", { tcp6: [{ host: "::", port: 3000, inode: 5 }] }, "127.0.0.1", true],
    ["every IPv4 address", { tcp: [{ host: "0.0.0.0", port: 3000, inode: 5 }] }, "127.0.0.1", true],
    ["another port", { tcp: [{ host: "0.0.0.0", port: 3001, inode: 5 }] }, "127.0.0.1", false],
  ])("%s", async (_, tree, host, served) => {
    const { spots } = await look(tree, { spots: [tcp(3000, host)] });
    expect(spots[0]).toMatchObject({ here: true, served });
  });

  test("the oldest process that holds the socket is its owner", async () => {
    const child: TreeProcess = { pid: 901, comm: "gunicorn", parent: 900, sockets: [5] };
    const parent: TreeProcess = { pid: 900, comm: "gunicorn", sockets: [5], state: "T" };
    const { spots } = await look(
      { processes: [child, parent], tcp: [{ host: "127.0.0.1", port: 3000, inode: 5 }] },
      { spots: [tcp(3000)] },
    );
    expect(spots[0]?.listeners[0]?.process).toMatchObject({ pid: 900, state: "T", name: "gunicorn" });
  });

  test("a name with brackets and blanks, a container, a secret in the command", async () => {
    const odd: TreeProcess = {
      pid: 77,
      comm: "a) S (b",
      command: ["./app", "--token", "abc123def456", "postgres://shop:pw@db/x"],
      sockets: [5],
      cgroup: `0::/system.slice/docker-${"ab12cd34ef56".padEnd(64, "0")}.scope`,
      state: "Z",
    };
    const { spots } = await look(
      { processes: [odd], tcp: [{ host: "127.0.0.1", port: 3000, inode: 5 }] },
      { spots: [tcp(3000)] },
    );
    const process = spots[0]?.listeners[0]?.process;
    expect(process).toMatchObject({ name: "a) S (b", state: "Z", container: "ab12cd34ef56", unit: null });
    expect(process?.command).toBe("./app --token [redacted] postgres://[redacted]@db/x");
  });

  test("an owner that is another user's is said to be", async () => {
    const hidden: TreeProcess = { pid: 77, comm: "node", sockets: null };
    const { spots, notTested } = await look(
      { processes: [hidden], tcp: [{ host: "127.0.0.1", port: 3000, inode: 5 }] },
      { spots: [tcp(3000)] },
    );
    expect(spots[0]).toMatchObject({ served: true });
    expect(spots[0]?.listeners[0]?.process).toBeNull();
    expect(notTested.map(({ check }) => check)).toContain("local-owner");
  });

  test("where nothing listens, applications on other ports are named, and neither gateways nor system services", async () => {
    const app: TreeProcess = { pid: 77, comm: "node", command: ["node", "server.js"], sockets: [5] };
    const ssh: TreeProcess = { pid: 78, comm: "sshd", sockets: [6] };
    const { spots } = await look(
      {
        processes: [app, ssh, master],
        tcp: [{ host: "127.0.0.1", port: 3001, inode: 5 }, { host: "0.0.0.0", port: 22, inode: 6 }, front],
      },
      { spots: [tcp(3000)], gateways: ["nginx"] },
    );
    expect(spots[0]?.others.map(({ address }) => address)).toEqual(["127.0.0.1:3001"]);
  });
});

test("where no process listens on a socket's path, a socket of almost that name beside it is named", async () => {
  const fpm: TreeProcess = { pid: 90, comm: "php-fpm8.2", command: ["php-fpm: master process"], sockets: [40] };
  const docker: TreeProcess = { pid: 91, comm: "dockerd", sockets: [41] };
  const { spots } = await look(
    {
      processes: [fpm, docker],
      unix: [
        { path: "/run/nowhere/php8.2-fpm.sock", inode: 40 },
        { path: "/run/nowhere/docker.sock", inode: 41 },
        { path: "/run/elsewhere/php8.3-fpm.sock", inode: 42 },
      ],
    },
    { spots: [{ kind: "unix", path: "/var/run/nowhere/php8.1-fpm.sock" }] },
  );
  expect(spots[0]).toMatchObject({ served: false, listeners: [], socket: { exists: false } });
  expect(spots[0]?.others.map(({ address, process }) => [address, process?.pid])).toEqual([
    ["unix:/run/nowhere/php8.2-fpm.sock", 90],
  ]);
});

test("a socket whose file the gateway does not see is not served, and the reason names who is bound to it", async () => {
  const app: TreeProcess = { pid: 90, comm: "node", sockets: [40] };
  const { spots } = await look(
    { processes: [app], unix: [{ path: "/run/nowhere/app.sock", inode: 40 }] },
    { spots: [{ kind: "unix", path: "/run/nowhere/app.sock" }] },
  );
  expect(spots[0]?.served).toBe(false);
  expect(spots[0]?.socket?.reason).toContain("though node (pid 90) is bound to this path");
});

test("a gateway in a container sees its own listeners", async () => {
  const contained: TreeProcess = { ...master, network: 9, cgroup: `0::/docker/${"0123456789ab".padEnd(64, "f")}` };
  const { spots, notTested } = await look(
    {
      processes: [contained],
      tcp: [{ host: "127.0.0.1", port: 3000, inode: 5 }],
      apart: { pid: 700, tcp: [{ host: "127.0.0.1", port: 4000, inode: 6 }] },
    },
    { spots: [tcp(3000), tcp(4000)], gateways: ["nginx"] },
  );
  expect(spots.map(({ served }) => served)).toEqual([false, true]);
  expect(notTested.find(({ check }) => check === "accept-queue")?.reason).toContain("container 0123456789ab");
});

test("kills that the control group of a listener counts, and none of groups that are not asked about", async () => {
  const cgroups = await mkdtemp(join(tmpdir(), "doctor-cgroups-"));
  folders.push(cgroups);
  for (const name of ["app", "other"]) {
    await mkdir(join(cgroups, "system.slice", `${name}.service`), { recursive: true });
    await writeFile(join(cgroups, "system.slice", `${name}.service`, "memory.events"), "low 0\noom 3\noom_kill 2\n");
  }
  const app: TreeProcess = { pid: 77, comm: "node", sockets: [5], cgroup: "0::/system.slice/app.service" };
  const other: TreeProcess = { pid: 78, comm: "node", sockets: [6], cgroup: "0::/system.slice/other.service" };
  const { kernel } = await look(
    { processes: [app, other], tcp: [{ host: "127.0.0.1", port: 3000, inode: 5 }] },
    { spots: [tcp(3000)], cgroups },
  );
  expect(kernel).toHaveLength(1);
  expect(kernel[0]).toMatchObject({ kind: "oom-kill", process: "node", group: "app.service", atMs: null });
  expect(kernel[0]?.text).toContain("counts 2 kills");
});

describe("whether the gateway's user may open a socket file", () => {
  async function socketIn(modes: { readonly folder: number; readonly file: number }): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "doctor-sock-"));
    folders.push(folder);
    const path = join(folder, "app.sock");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    ends.push(() => new Promise((resolve) => server.close(resolve)));
    await chmod(path, modes.file);
    await chmod(folder, modes.folder);
    ends.push(() => chmod(folder, 0o755));
    return path;
  }

  test.each([
    ["anybody may", { folder: 0o755, file: 0o666 }, {}, true, "may connect"],
    ["no right to write", { folder: 0o755, file: 0o660 }, {}, false, "may not write to the file"],
    ["reading is not enough", { folder: 0o755, file: 0o664 }, {}, false, "may not write to the file"],
    ["no way through the folder", { folder: 0o700, file: 0o666 }, {}, false, "may not pass the folder"],
    [
      "by a further group",
      { folder: 0o750, file: 0o660 },
      { groups: [64_999, process.getgid?.() ?? 0] },
      true,
      "may connect",
    ],
    ["root passes", { folder: 0o700, file: 0o600 }, { uid: 0 }, true, "may connect"],
  ])("%s", async (_, modes, rights, allowed, reason) => {
    const path = await socketIn(modes);
    const { spots } = await look(
      { processes: [master, { ...worker, ...rights }], tcp: [front], unix: [{ path, inode: 40 }] },
      { spots: [{ kind: "unix", path }], gateways: ["nginx"], listens: [{ host: "*", port: 8080 }] },
    );
    expect(spots[0]).toMatchObject({ served: true, socket: { isSocket: true, allowed } });
    expect(spots[0]?.socket?.reason).toContain(reason);
  });

  test("without a process of the gateway nothing is claimed", async () => {
    const path = await socketIn({ folder: 0o755, file: 0o600 });
    const { spots } = await look(
      { unix: [{ path, inode: 40 }] },
      { spots: [{ kind: "unix", path }], gateways: ["nginx"] },
    );
    expect(spots[0]?.socket).toMatchObject({ allowed: null });
  });

  test("two gateways of which one may, and none that is known to be the configured one", async () => {
    const path = await socketIn({ folder: 0o755, file: 0o660 });
    const other: TreeProcess = { ...master, pid: 800, uid: 0 };
    const { spots } = await look(
      { processes: [master, worker, other], unix: [{ path, inode: 40 }] },
      { spots: [{ kind: "unix", path }], gateways: ["nginx"] },
    );
    expect(spots[0]?.socket).toMatchObject({ allowed: null });
    expect(spots[0]?.socket?.reason).toContain("several gateways run here");
  });
});
