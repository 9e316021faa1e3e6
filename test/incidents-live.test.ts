// Incidents end to end: the real program before real applications that crash, hang, answer errors, close connections
// and show expired certificates. One trouble is one incident, its words are true, it ends when the trouble has ended,
// it outlives the gateway, and those who should know of it are told. Every test has a gateway of its own; they run
// beside each other, as most of their time is waiting.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, type TestContext, test } from "vitest";
import { makeCertificates } from "../src/lab/certificates.ts";
import { verify } from "../src/notify/signature.ts";
import { pause, type RunningGateway, startGateway, until } from "./harness.ts";
import { ask, failuresOf, incidentsOf, keepAsking, type LivePeer, startPeer, untilIncidents } from "./live-peer.ts";
import { freePort, startOrigin } from "./origin.ts";

const PROGRAM = fileURLToPath(new URL("../bin/goodgate.js", import.meta.url));
const LIMIT_MS = 80_000;

/** What a test starts ends with it. */
function owner(context: TestContext): {
  peer(port: number, status?: number): Promise<LivePeer>;
  gateway(config: Record<string, unknown>, args?: readonly string[]): Promise<RunningGateway>;
  later(close: () => unknown): void;
} {
  const later = (close: () => unknown): void => context.onTestFinished(async () => void (await close()));
  return {
    later,
    peer: async (port, status) => {
      const peer = await startPeer(port, status);
      later(() => peer.kill());
      return peer;
    },
    gateway: async (config, args) => {
      const gateway = await startGateway(config, args);
      later(() => gateway.stop("SIGKILL"));
      return gateway;
    },
  };
}

const app = (ports: readonly number[], more: Record<string, unknown> = {}): Record<string, unknown> => ({
  upstreams: { app: { endpoints: ports.map((port) => `127.0.0.1:${port}`), ...more } },
});

describe.concurrent("incidents of the real program", { timeout: LIMIT_MS }, () => {
  test("a crash is one incident: told, named in the error response, closed when it is mended", async (context) => {
    const { peer, gateway: start, later } = owner(context);
    const told: { event: string; signature: string; body: string }[] = [];
    const hook = createServer((request: IncomingMessage, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        const field = (name: string): string => String(request.headers[name]);
        told.push({ event: field("x-goodgate-event"), signature: field("x-goodgate-signature"), body });
        response.end();
      });
    });
    await new Promise<void>((resolve) => hook.listen(0, "127.0.0.1", resolve));
    later(() => new Promise((resolve) => hook.close(resolve).closeAllConnections()));
    const hookPort = (hook.address() as { port: number }).port;

    const port = await freePort();
    const first = await peer(port);
    const gateway = await start({
      ...app([port], { hold: "off" }),
      webhooks: [{ url: `http://127.0.0.1:${hookPort}/hook`, secret: "a shared secret" }],
    });
    expect(await ask(gateway.port, "/", 20)).toEqual({ "200": 20 });
    await first.kill();
    const shown = await ask(gateway.port, "/", 30);
    expect(shown).toEqual({ "502": 30 });

    const [open, ...others] = await untilIncidents(gateway, (all) => all[0]?.counts.shown === 30);
    expect(others).toEqual([]);
    expect(open).toMatchObject({ upstream: "app", cause: "connect-refused", closedAt: null });
    expect(open!.verdict.sentence).toContain(`127.0.0.1:${port}`);
    expect(["process-down", "crash"]).toContain(open!.verdict.pattern);

    const problem = await fetch(`http://127.0.0.1:${gateway.port}/`, {
      headers: { Accept: "application/problem+json" },
    });
    expect(await problem.json()).toMatchObject({ cause: "connect-refused", incident: open!.id });
    const [failure] = await failuresOf(gateway, open!.id);
    expect(failure).toMatchObject({ status: 502, method: "GET", endpoint: `127.0.0.1:${port}`, upstream: "app" });

    await peer(port);
    const traffic = keepAsking(gateway.port, "/", 200);
    const [closed, ...more] = await untilIncidents(gateway, (all) => all.every((one) => one.closedAt !== null), 70_000);
    await traffic.stop();
    expect(more).toEqual([]);
    expect(closed!.id).toBe(open!.id);
    expect(closed!.closedAt! - closed!.lastAt).toBeGreaterThanOrEqual(30_000);

    await until(
      () => told.length === 2,
      10_000,
      () => `the webhook was told ${JSON.stringify(told)}`,
    );
    expect(told.map(({ event }) => event)).toEqual(["incident.opened", "incident.closed"]);
    for (const { body, signature } of told) {
      expect(verify("a shared secret", body, signature, Date.now())).toBe(true);
      expect(JSON.parse(body)).toMatchObject({ incident: { id: open!.id } });
    }
  });

  test("one member that answers 500 after a restart is the one that is named", async (context) => {
    const { peer, gateway: start } = owner(context);
    const [good, bad] = [await freePort(), await freePort()];
    await peer(good);
    const before = await peer(bad);
    // Not taken out of use, so that its errors are many.
    const gateway = await start(app([good, bad], { eject: "off" }));
    await ask(gateway.port, "/", 60);
    await before.kill();
    // Notices that it is gone.
    await ask(gateway.port, "/", 6);
    await peer(bad, 500);
    const traffic = keepAsking(gateway.port, "/", 10);
    const [incident, ...others] = await untilIncidents(gateway, (all) =>
      all.some(({ counts, verdict }) => counts.passed >= 20 && verdict.sentence.includes("500")),
    );
    await traffic.stop();
    expect(others).toEqual([]);
    expect(incident!.verdict.pattern).toBe("bad-deploy-member");
    expect(incident!.verdict.confidence).not.toBe("proven");
    expect(incident!.verdict.sentence).toMatch(new RegExp(`^127\\.0\\.0\\.1:${bad} .*127\\.0\\.0\\.1:${good} `));
    expect(Object.keys(incident!.endpoints)).toEqual([`127.0.0.1:${bad}`]);
  });

  test("connections that end as the next request comes are a keep-alive race", async (context) => {
    const { gateway: start, later } = owner(context);
    // A connection that was idle for a while ends just as the next request comes on it: what a race looks like.
    const origin = await startOrigin((socket) => {
      let lastAt = Number.POSITIVE_INFINITY;
      socket.on("data", () => {
        if (performance.now() - lastAt > 600) return void socket.resetAndDestroy();
        // Late enough for the other requests to need connections of their own.
        setTimeout(() => {
          lastAt = performance.now();
          if (!socket.destroyed) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }, 300);
      });
    });
    later(() => origin.close());
    const gateway = await start({
      upstreams: { app: { endpoints: [origin.address], keepalive: { idle: "30s" } } },
    });
    // From the first one the gateway learns how long connections may be idle; those beside it are raced as well.
    const atOnce = () => Promise.all(Array.from({ length: 8 }, () => ask(gateway.port, "/", 1)));
    await atOnce();
    await pause(1_500);
    const told = await atOnce();
    const shown = told.reduce((sum, one) => sum + (one["502"] ?? 0), 0);
    // The last of them may come with a report of its own.
    const [incident, ...others] = await untilIncidents(
      gateway,
      ([first]) => first?.verdict.pattern === "keepalive-race" && first.counts.shown >= shown,
    );
    expect(others).toEqual([]);
    expect(incident!.counts).toMatchObject({ shown, cut: 0 });
    const raced = (await failuresOf(gateway, incident!.id)).map(({ attempts }) => attempts[0]!);
    expect(raced.length).toBeGreaterThanOrEqual(3);
    for (const attempt of raced) expect(attempt).toMatchObject({ endpoint: origin.address, headMs: null });
  });

  test("an expired certificate is proven", async (context) => {
    const { gateway: start, later } = owner(context);
    const certificates = makeCertificates();
    const server = createTlsServer({ ...certificates.expired }, (_, response) => response.end("never seen"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    later(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));
    const { port } = server.address() as { port: number };
    const folder = mkdtempSync(join(tmpdir(), "goodgate-live-"));
    later(() => rmSync(folder, { recursive: true, force: true }));
    const ca = join(folder, "ca.pem");
    writeFileSync(ca, certificates.ca);
    const gateway = await start({
      upstreams: { app: { endpoints: [`https://127.0.0.1:${port}`], tls: { ca, "server-name": "localhost" } } },
    });
    await ask(gateway.port, "/", 8);
    const [incident, ...others] = await untilIncidents(gateway, (all) => all[0]?.counts.shown === 8);
    expect(others).toEqual([]);
    expect(incident).toMatchObject({
      cause: "tls-cert-expired",
      verdict: { pattern: "cert-expired", confidence: "proven" },
    });
  });

  test("a path that is slow is told from an application that hangs", async (context) => {
    const { peer, gateway: start } = owner(context);
    const port = await freePort();
    await peer(port);
    const gateway = await start(app([port], { timeouts: { head: "300ms" } }));
    const traffic = keepAsking(gateway.port, "/quick", 20);
    await ask(gateway.port, "/slow?customer=7", 8);
    const [incident, ...others] = await untilIncidents(gateway, (all) => all[0]?.counts.shown === 8);
    await traffic.stop();
    expect(others).toEqual([]);
    expect(incident).toMatchObject({ cause: "response-timeout", verdict: { pattern: "slow-path" } });
    expect(incident!.verdict.sentence).toContain("/slow");
    for (const failure of await failuresOf(gateway, incident!.id)) {
      expect(failure.target).toBe("/slow?customer=[redacted]");
      expect(failure.durationMs).toBeGreaterThanOrEqual(300);
    }
  });

  test("a reload to a port where nothing listens is told as that", async (context) => {
    const { peer, gateway: start } = owner(context);
    const [right, wrong] = [await freePort(), await freePort()];
    await peer(right);
    const gateway = await start(app([right], { hold: "off" }));
    await ask(gateway.port, "/", 20);
    const file = join(gateway.folder, "goodgate.yaml");
    const config = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    writeFileSync(file, JSON.stringify({ ...config, ...app([wrong], { hold: "off" }) }));
    gateway.process.kill("SIGHUP");
    await until(
      () => gateway.output().includes("taken on") || gateway.output().includes("reload"),
      10_000,
      () => `no reload:\n${gateway.output()}`,
    );
    const traffic = keepAsking(gateway.port, "/", 50);
    const [incident, ...others] = await untilIncidents(gateway, (all) => (all[0]?.counts.shown ?? 0) >= 20);
    await traffic.stop();
    expect(others).toEqual([]);
    expect(incident!.verdict.sentence).toContain(`127.0.0.1:${wrong}`);
    expect(incident!.verdict.sentence).toContain("reload");
    expect(incident!.timeline.map(({ kind }) => kind)).toContain("reload");
  });

  test("an open incident outlives a gateway that is killed", async (context) => {
    const { peer, gateway: start, later } = owner(context);
    const port = await freePort();
    const application = await peer(port);
    const first = await start(app([port], { hold: "off" }));
    await ask(first.port, "/", 10);
    await application.kill();
    await ask(first.port, "/", 10);
    const [before] = await untilIncidents(first, (all) => all[0]?.counts.shown === 10);
    // What is kept is written a moment later than it is said.
    await pause(4_000);
    const killed = new Promise((resolve) => first.process.once("exit", resolve));
    first.process.kill("SIGKILL");
    await killed;

    const again = spawn(
      process.execPath,
      [
        PROGRAM,
        "run",
        join(first.folder, "goodgate.yaml"),
        "--data",
        join(first.folder, "data"),
        "--pid-file",
        join(first.folder, "pid"),
      ],
      { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NO_COLOR: "1" } },
    );
    const ended = new Promise((resolve) => again.once("exit", resolve));
    later(async () => {
      again.kill("SIGKILL");
      await ended;
    });
    let output = "";
    again.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    again.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const consoleUrl = await until(
      () => /console +(http:\S+)/.exec(output)?.[1],
      15_000,
      () => output,
      ended,
    );
    const [after, ...others] = await untilIncidents({ consoleUrl }, (all) => all.length > 0);
    expect(others).toEqual([]);
    expect(after).toMatchObject({
      id: before!.id,
      openedAt: before!.openedAt,
      closedAt: null,
      counts: { shown: 10 },
      verdict: { pattern: before!.verdict.pattern },
    });
    expect((await failuresOf({ consoleUrl }, before!.id)).length).toBeGreaterThan(0);
  });

  test("two workers tell of the same incident once", async (context) => {
    const { peer, gateway: start } = owner(context);
    const port = await freePort();
    const application = await peer(port);
    const gateway = await start(app([port], { hold: "off" }), ["--workers", "2"]);
    await Promise.all(Array.from({ length: 8 }, () => ask(gateway.port, "/", 5)));
    await application.kill();
    const told = await Promise.all(Array.from({ length: 8 }, () => ask(gateway.port, "/", 5)));
    const shown = told.reduce((sum, one) => sum + (one["502"] ?? 0), 0);
    expect(shown).toBe(40);
    await untilIncidents(gateway, (all) => all.reduce((sum, { counts }) => sum + counts.shown, 0) === shown);
    expect(await incidentsOf(gateway)).toHaveLength(1);
  });
});
