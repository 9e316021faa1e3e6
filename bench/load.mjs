// The loads: wrk for requests, plain sockets for idle connections, and one look before each proxy is measured that it
// really proxies what the loads ask for.
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { cpuMicros, findProgram, residentBytes, run } from "./processes.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const POST_BYTES = 64 * 1024;

/** @typedef {{ name: string, title: string, connections: number, path: string, post?: boolean, tls?: boolean, bytes?: number, only?: string[] }} Workload */

/** Those that run an nginx.conf. */
const NGINX = ["nginx", "goodgate-nginx"];

/** @type {Workload[]} */
export const WORKLOADS = [
  { name: "get1k", title: "GET, 1 KiB, 64 connections", connections: 64, path: "/1k" },
  { name: "conn1000", title: "GET, 1 KiB, 1,000 connections", connections: 1000, path: "/1k" },
  { name: "post64k", title: "POST, 64 KiB, 64 connections", connections: 64, path: "/post", post: true },
  { name: "get1m", title: "GET, 1 MiB, 64 connections", connections: 64, path: "/1m", bytes: 1024 * 1024 },
  {
    name: "map1000",
    title: "GET, 1 KiB, a map of 1,000 keys",
    connections: 64,
    path: "/map/1k?key=key777",
    only: NGINX,
  },
  { name: "patterns", title: "GET, 1 KiB, behind 50 patterns", connections: 64, path: "/patterns/1k", only: NGINX },
  { name: "tls", title: "GET, 1 KiB, 64 TLS connections", connections: 64, path: "/1k", tls: true },
];

/** Whether wrk is there. */
export const loadGenerator = findProgram("wrk");

/**
 * One measured stretch of load.
 * @param {Workload} workload
 * @param {{ pid: number, httpPort: number, httpsPort: number }} proxy
 * @param {number} seconds
 */
export async function measure(workload, proxy, seconds) {
  const before = cpuMicros(proxy.pid);
  const { output } = await run(loadGenerator, [
    ...["-t1", `-c${workload.connections}`, `-d${seconds}s`, "--latency", "--timeout", "10s"],
    ...(workload.post ? ["-s", join(here, "post.lua")] : []),
    workload.tls
      ? `https://127.0.0.1:${proxy.httpsPort}${workload.path}`
      : `http://127.0.0.1:${proxy.httpPort}${workload.path}`,
  ]);
  const after = cpuMicros(proxy.pid);
  const result = parseWrk(output);
  return {
    ...result,
    cpuMicros: (after.total - before.total) / result.requests,
    userMicros: (after.user - before.user) / result.requests,
    residentBytes: residentBytes(proxy.pid),
  };
}

/** Reads what wrk prints. No request served is an error of its own. */
export function parseWrk(output) {
  const [, requests = "0", elapsed = "1", unit = "s"] = /(\d+) requests in ([\d.]+)(us|ms|s|m)\b/.exec(output) ?? [];
  const errors = [];
  const socket = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output);
  if (socket !== null) errors.push(socket[0]);
  const status = /Non-2xx or 3xx responses: \d+/.exec(output);
  if (status !== null) errors.push(status[0]);
  if (Number(requests) === 0) errors.push(`no request was served: ${output.trim().split("\n").at(-1)}`);
  return {
    requests: Number(requests),
    requestsPerSecond: Number(requests) / (millis(elapsed, unit) / 1000),
    p50Ms: percentile(output, 50),
    p99Ms: percentile(output, 99),
    errors,
  };
}

function percentile(output, which) {
  const match = new RegExp(`^\\s*${which}%\\s+([\\d.]+)(us|ms|s|m)`, "m").exec(output);
  return match === null ? Number.NaN : millis(match[1], match[2]);
}

function millis(value, unit) {
  return Number(value) * { us: 0.001, ms: 1, s: 1000, m: 60_000 }[unit];
}

/** Says what a proxy does wrong with one request of each kind; empty = it may be measured. */
export async function verify({ httpPort, httpsPort }) {
  const wrong = [];
  const expectBody = async (title, options, accept) => {
    try {
      const { status, body } = await exchange(options);
      if (status !== 200 || !accept(body)) wrong.push(`${title}: status ${status}, ${body.length} body bytes`);
    } catch (error) {
      wrong.push(`${title}: ${error.message}`);
    }
  };
  await expectBody("GET /1k", { port: httpPort, path: "/1k" }, (body) => body.length === 1024);
  await expectBody("GET /1m", { port: httpPort, path: "/1m" }, (body) => body.length === 1024 * 1024);
  await expectBody("GET /1k by TLS", { port: httpsPort, path: "/1k", tls: true }, (body) => body.length === 1024);
  const post = { port: httpPort, path: "/post", method: "POST", send: Buffer.alloc(POST_BYTES, "x") };
  await expectBody("POST", post, (body) => body.toString() === String(POST_BYTES));
  return wrong;
}

function exchange({ port, path, tls = false, method = "GET", send }) {
  return new Promise((resolve, reject) => {
    const headers = send === undefined ? {} : { "Content-Length": send.length };
    const request = (tls ? httpsRequest : httpRequest)(
      { host: "127.0.0.1", port, path, method, headers, agent: false, rejectUnauthorized: false, timeout: 5000 },
      (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("end", () => resolve({ status: response.statusCode, body: Buffer.concat(chunks) }));
        response.on("error", reject);
      },
    );
    request.on("timeout", () => request.destroy(new Error("no answer within 5 s")));
    request.on("error", reject);
    request.end(send);
  });
}

/**
 * Memory per idle connection: opens connections that each make one request and stay, and looks at what they added.
 * @param {{ pid: number, httpPort: number }} proxy warmed up before
 * @param {number} count
 */
export async function measureIdle(proxy, count) {
  await sleep(1000);
  const before = residentBytes(proxy.pid);
  const sockets = [];
  const errors = new Map();
  const BATCH = 50;
  while (sockets.length < count) {
    const opened = await Promise.all(Array.from({ length: BATCH }, () => openIdle(proxy.httpPort)));
    for (const result of opened) {
      if (result instanceof Error) errors.set(result.message, (errors.get(result.message) ?? 0) + 1);
      sockets.push(result);
    }
    if (errors.size > 0) break;
  }
  await sleep(2000);
  const closed = sockets.filter(
    (socket) => !(socket instanceof Error) && (socket.destroyed || socket.readableEnded),
  ).length;
  const after = residentBytes(proxy.pid);
  for (const socket of sockets) if (!(socket instanceof Error)) socket.destroy();
  const problems = [...errors].map(([message, times]) => `${times} × ${message}`);
  if (closed > 0) problems.push(`${closed} connections were closed by the proxy`);
  return {
    restBytes: before,
    withIdleBytes: after,
    perConnectionBytes: (after - before) / sockets.length,
    errors: problems,
  };
}

/** Resolves to the socket when its first response is there. */
function openIdle(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let seen = 0;
    socket.once("connect", () => socket.write("GET /1k HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
    socket.on("data", (chunk) => {
      seen += chunk.length;
      if (seen >= 1024) resolve(socket);
    });
    socket.once("error", resolve);
    socket.once("close", () => resolve(new Error("closed before a response")));
  });
}
