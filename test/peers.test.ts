// Real peers: curl as the client, nginx and HAProxy behind the gateway and before it, a browser on the error page.
// A program that is not there leaves its tests out, which says which.
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import { exchange, pause, type RunningGateway, startGateway, until } from "./harness.ts";
import { freePort } from "./origin.ts";

const run = promisify(execFile);
const LARGE_BYTES = 3_000_000;

let folder: string;
let lab: Lab;
const cleanUps: (() => unknown)[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-peers-"));
  lab = await startLab();
});

afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
  await lab?.close();
  rmSync(folder, { recursive: true, force: true });
});

function has(program: string): boolean {
  return (process.env["PATH"] ?? "")
    .split(":")
    .concat("/usr/sbin")
    .some((place) => existsSync(join(place, program)));
}

/** Starts a server and waits until its port answers. */
async function serve(program: string, args: readonly string[], port: number): Promise<void> {
  const child = spawn(program, args, {
    stdio: "ignore",
    env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` },
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  cleanUps.push(() => {
    child.kill("SIGTERM");
    return ended;
  });
  let up = false;
  const probe = async (): Promise<void> => {
    while (!up) {
      up = await exchange(port, "GET /lab/echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").then(
        () => true,
        () => false,
      );
      await pause(20);
    }
  };
  void probe();
  await until(
    () => up,
    5_000,
    () => `${program} does not answer on ${port}`,
    ended,
  );
}

function nginxConfig(port: number, upstreamPort: number): string {
  // Started by root, nginx would read our files as somebody else.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  return `${user} daemon off; worker_processes 1; pid ${folder}/nginx-${port}.pid; error_log ${folder}/nginx-${port}.log;
events { worker_connections 256; }
http {
  access_log off; client_body_temp_path ${folder}/body-${port}; proxy_temp_path ${folder}/proxy-${port}; fastcgi_temp_path ${folder}/f-${port};
  uwsgi_temp_path ${folder}/u-${port}; scgi_temp_path ${folder}/s-${port}; gzip on; gzip_proxied any; gzip_types text/plain; gzip_min_length 100;
  keepalive_timeout 1s;
  server {
    listen 127.0.0.1:${port}; root ${folder};
    location / { proxy_pass http://127.0.0.1:${upstreamPort}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; }
    location = /large.txt { }
  }
}`;
}

async function startNginx(upstreamPort: number): Promise<number> {
  const port = await freePort();
  const file = join(folder, `nginx-${port}.conf`);
  writeFileSync(file, nginxConfig(port, upstreamPort));
  await serve("nginx", ["-c", file, "-e", join(folder, `nginx-${port}.log`)], port);
  return port;
}

async function gatewayTo(endpoint: string, config: Record<string, unknown> = {}): Promise<RunningGateway> {
  const gateway = await startGateway({ upstreams: { app: { endpoints: [endpoint] } }, ...config });
  cleanUps.push(() => gateway.stop("SIGKILL"));
  return gateway;
}

describe.skipIf(!has("curl"))("curl (left out where it is not installed)", () => {
  test("gets, uploads with Expect, keeps its connection, and sees a cut body as an error", async () => {
    const gateway = await gatewayTo(lab.address);
    const at = `http://127.0.0.1:${gateway.port}`;
    const file = join(folder, "upload");
    writeFileSync(file, Buffer.alloc(LARGE_BYTES, 97));
    const two = await run("curl", ["-sv", `${at}/lab/echo`, `${at}/lab/echo?2`]);
    expect(two.stderr).toMatch(/Re-using existing connection/);
    const upload = await run("curl", [
      "-s",
      "-H",
      "Expect: 100-continue",
      "--data-binary",
      `@${file}`,
      `${at}/lab/echo`,
    ]);
    expect(upload.stdout).toContain(String(LARGE_BYTES));
    const chunked = await run("curl", ["-s", "-H", "Transfer-Encoding: chunked", "-T", file, `${at}/lab/echo`]);
    expect(chunked.stdout).toContain(String(LARGE_BYTES));
    // 18: a partial file; 56: the connection was reset.
    await expect(run("curl", ["-s", "-o", join(folder, "cut"), `${at}/lab/fault/short-body`])).rejects.toMatchObject({
      code: expect.toBeOneOf([18, 56]),
    });
  });
});

describe.skipIf(!has("nginx"))("nginx (left out where it is not installed)", () => {
  test("behind the gateway: files, gzip, ranges, HEAD, 304, its idle timeout of a second", async () => {
    writeFileSync(join(folder, "large.txt"), "line\n".repeat(LARGE_BYTES / 5));
    const port = await startNginx(lab.port);
    const gateway = await gatewayTo(`127.0.0.1:${port}`);
    const ask = (fields = "", method = "GET") =>
      exchange(gateway.port, `${method} /large.txt HTTP/1.1\r\nHost: h\r\n${fields}\r\n`);
    const whole = await ask();
    expect([whole.status, whole.body.length]).toEqual([200, LARGE_BYTES]);
    expect((await ask("Accept-Encoding: gzip\r\n")).fields.get("content-encoding")).toBe("gzip");
    expect((await ask("Range: bytes=5-9\r\n")).body.toString()).toBe("line\n");
    expect((await ask("", "HEAD")).fields.get("content-length")).toBe(String(LARGE_BYTES));
    expect((await ask(`If-None-Match: ${whole.fields.get("etag")}\r\n`)).status).toBe(304);
    // nginx closes its idle connections after a second, the gateway after four: nobody notices.
    await pause(1_300);
    expect((await ask("", "POST")).status).toBe(405);
    expect((await ask()).status).toBe(200);
  });

  test("before the gateway: the error of the gateway passes with its name", async () => {
    const gateway = await gatewayTo(lab.address);
    const port = await startNginx(gateway.port);
    const ok = await exchange(port, "GET /lab/echo HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    expect(ok.status).toBe(200);
    const failed = await exchange(port, "GET /lab/fault/garbage-head HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    expect([failed.status, failed.fields.get("proxy-status")]).toEqual([
      502,
      expect.stringContaining("http_protocol_error"),
    ]);
  });
});

describe.skipIf(!has("haproxy"))("HAProxy (left out where it is not installed)", () => {
  test("behind the gateway, and before it", async () => {
    const gateway = await gatewayTo(lab.address);
    const [front, back] = [await freePort(), await freePort()];
    const file = join(folder, "haproxy.cfg");
    const section = (port: number, to: number) =>
      `listen l${port}\n  bind 127.0.0.1:${port}\n  server s 127.0.0.1:${to}\n`;
    const defaults = "defaults\n  mode http\n  timeout connect 2s\n  timeout client 10s\n  timeout server 10s\n";
    writeFileSync(file, defaults + section(front, gateway.port) + section(back, lab.port));
    await serve("haproxy", ["-db", "-f", file], back);
    const throughBoth = await gatewayTo(`127.0.0.1:${back}`);
    for (const port of [front, throughBoth.port]) {
      const chunked = await exchange(port, "GET /lab/bytes?n=200000&chunked=1 HTTP/1.1\r\nHost: h\r\n\r\n");
      expect([chunked.status, chunked.body.length, chunked.whole]).toEqual([200, 200_000, true]);
    }
  });
});

describe.skipIf(!has("chromium"))("a browser (left out where chromium is not installed)", () => {
  test("the error page tries again by itself, and shows the site once it is back", async () => {
    const gateway = await gatewayTo(lab.address);
    lab.next("reset-before-head", 2);
    const { stdout } = await run(
      "chromium",
      [
        ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
        ...["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"],
        ...[`--user-data-dir=${join(folder, "profile")}`, "--virtual-time-budget=20000", "--dump-dom"],
        `http://127.0.0.1:${gateway.port}/lab/echo`,
      ],
      { timeout: 30_000 },
    );
    expect(stdout).toContain("method");
    expect(stdout).not.toContain("Bad Gateway");
    expect(gateway.output()).toContain("closed-before-response");
  }, 40_000);
});
