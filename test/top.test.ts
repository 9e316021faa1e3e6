// goodgate top in a real terminal (a pseudo-terminal that python3 makes; skipped where there is none): it draws, takes
// keys, follows a resize, and gives the terminal back whatever ends it.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const PROGRAM = fileURLToPath(new URL("../bin/goodgate.js", import.meta.url));

/** Runs a program in a terminal of 100 by 30: types what comes in ("\0" and a number: so many columns), writes out what it shows. */
const PTY = `
import fcntl, os, pty, select, signal, struct, sys, termios
pid, master = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
def size(columns):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
size(100)
inputs = [master, 0]
while True:
    ready, _, _ = select.select(inputs, [], [])
    if 0 in ready:
        typed = os.read(0, 1024)
        if not typed: inputs.remove(0)
        elif typed[:1] == b"\\0": size(int(typed[1:]))
        elif typed == b"TERM": os.kill(pid, signal.SIGTERM)
        else: os.write(master, typed)
    if master in ready:
        try: shown = os.read(master, 65536)
        except OSError: break
        if not shown: break
        os.write(1, shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;
const hasPty = spawnSync("python3", ["-c", "import os, pty; os.waitstatus_to_exitcode"]).status === 0;
if (!hasPty) process.stderr.write("goodgate top is not tried in a terminal: python3 with its module pty is not here\n");

const rates = {
  perSecond: 10,
  shownPerSecond: 0,
  savedPerSecond: 0,
  ownErrorsPerSecond: 0,
  causes: {},
  p50Ms: 1,
  p95Ms: 2,
  p99Ms: 3,
};
const endpoint = { state: "ok", why: "", since: null, weight: 1, configuredWeight: 1, backup: false, active: 0 };
const NOW = {
  at: 1_800_000_000_000,
  gateway: {
    id: "g",
    name: "goodgate",
    version: "1.0.0",
    startedAt: 0,
    processes: 1,
    connections: 3,
    cpu: 0,
    rssBytes: 1,
    ready: true,
    reasons: [],
    file: null,
    language: "yaml",
    demo: false,
  },
  all: rates,
  listeners: [{ label: ":8080", tls: false }],
  routes: [],
  upstreams: [
    {
      ...{
        name: "shop",
        balance: "round-robin",
        rates,
        held: 0,
        queued: 0,
        inFlight: 0,
        breaker: "closed",
        awaySince: null,
        panicking: false,
      },
      endpoints: ["shop-1", "shop-2"].map((label) => ({
        ...endpoint,
        label,
        connections: 0,
        idle: 0,
        keepAliveMs: null,
        keepAliveFrom: null,
        rates,
      })),
    },
  ],
  incidents: [],
  openIncidents: 0,
  problems: [],
};

describe.skipIf(!hasPty)("in a terminal", () => {
  let server: Server;
  let child: ChildProcess;
  let out = "";
  let ended: Promise<number | null>;
  let posted = "";

  beforeEach(async () => {
    server = createServer((request, response) => {
      if (request.url === "/api/v1/live") {
        response.writeHead(200, { "Content-Type": "text/event-stream" });
        response.write(`event: now\ndata: ${JSON.stringify(NOW)}\n\n`);
        return;
      }
      if (request.method === "POST") posted = request.url ?? "";
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify(request.method === "POST" ? { ok: true, said: "it is drained" } : NOW));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const args = [process.execPath, PROGRAM, "top", "--console", `127.0.0.1:${port}`];
    child = spawn("python3", ["-c", PTY, ...args], { env: { ...process.env, TERM: "xterm" } });
    out = "";
    child.stdout!.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr!.on("data", (chunk: Buffer) => (out += chunk.toString()));
    ended = new Promise((resolve) => child.on("close", resolve));
    await sees("shop-2");
  });
  afterEach(async () => {
    if (child.exitCode === null) child.kill("SIGKILL");
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const sees = (words: string): Promise<void> => expect.poll(() => out, { timeout: 20_000 }).toContain(words);
  const type = (keys: string): void => void child.stdin!.write(keys);
  const isRestored = (): boolean => out.trimEnd().endsWith("\x1b[?25h\x1b[?1049l");

  test("it draws, drains an endpoint when told so twice, follows a resize, and leaves", async () => {
    expect(out).toContain("\x1b[?1049h");
    type("jd");
    await sees("drain shop-2 of shop?");
    type("y");
    await sees("it is drained");
    expect(posted).toBe("/api/v1/upstreams/shop/endpoints/shop-2");
    out = "";
    type("\0" + "40");
    await sees("all is well");
    const frame = out.slice(out.indexOf("\x1b[?2026h\x1b[H"));
    const lines = frame.replace(/\x1b\[[?0-9;]*[A-Za-z]/g, "").split(/\r+\n/);
    for (const line of lines.slice(0, 30)) expect(line.length, JSON.stringify(line)).toBeLessThanOrEqual(40);
    type("q");
    expect(await ended).toBe(0);
    expect(isRestored()).toBe(true);
  });

  test("a signal, and the end of the gateway, give the terminal back or say so", async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await sees("this is");
    type("TERM");
    expect(await ended).toBe(0);
    expect(isRestored()).toBe(true);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
});
