// Faults of the response's body, and of connections that are used again.
import type { RequestListener } from "node:http";
import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import type { FaultOptions } from "../../../src/lab/fault.ts";
import type { FaultName } from "../../../src/lab/faults.ts";
import type { Expected, FaultCase } from "../case.ts";
import { goodgate, haproxy, nginx } from "../programs.ts";
import { ask, goodgateSettings, haproxySite, nginxSite, type Told } from "../shapes.ts";

function nginxBefore(
  name: string,
  fault: string,
  lab: FaultName,
  expect: Expected,
  told: Told,
  location = "",
  options: FaultOptions = {},
): FaultCase {
  return {
    name: `body/${name}`,
    chain: "nginx > application",
    fault: `${fault}; ${told.config ? "nginx.conf" : told.log ? "logs" : "only the URL"} given`,
    needs: ["nginx"],
    expect,
    build: async (chain) => {
      const app = await chain.fault(lab, options);
      return ask(chain, await nginx(chain, nginxSite([app], { location })), { at: [app.address], ...told });
    },
  };
}

const cut: Expected = { class: "response-truncated", atLeast: "likely" };
const STALLED: Expected = { class: "response-body-timeout", atLeast: "likely" };
const SHORT = "proxy_read_timeout 1s;";

const PAGE = "<!doctype html><title>Shop</title>" + "<p>All that we have.</p>".repeat(200);

/** Says gzip and is none, for whoever accepts it. */
const wrongGzip: RequestListener = (request, response) => {
  const packed = /gzip/.test(String(request.headers["accept-encoding"] ?? ""));
  response.writeHead(200, { "Content-Type": "text/html", ...(packed ? { "Content-Encoding": "gzip" } : {}) });
  response.end(PAGE);
};

/** gzip that ends early, with a Content-Length that fits. */
const cutGzip: RequestListener = (_, response) => {
  const packed = gzipSync(PAGE);
  response.writeHead(200, { "Content-Type": "text/html", "Content-Encoding": "gzip" });
  response.end(packed.subarray(0, packed.length - 20));
};

const OK = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n";

/** Answers the first request of a connection; the second one finds it closed (`idleMs`: only behind such a pause). */
function onceOnly(socket: Socket, idleMs = 0): void {
  let answeredAt = -1;
  socket.on("data", () => {
    if (answeredAt >= 0 && performance.now() - answeredAt >= idleMs) {
      socket.resetAndDestroy();
      return;
    }
    socket.write(OK);
    answeredAt = performance.now();
  });
  socket.on("end", () => socket.end());
}

export const BODY: readonly FaultCase[] = [
  nginxBefore("cut-config", "the body ends before its length", "short-body", cut, { config: true }),
  nginxBefore("cut-log", "the body ends before its length", "short-body", cut, { log: true }),
  nginxBefore("reset-config", "the connection is reset within the body", "reset-mid-body", cut, { config: true }),
  nginxBefore("cut-between-chunks", "the last chunk is missing", "cut-between-chunks", cut, { config: true }),
  nginxBefore("cut-url-only", "the body ends before its length", "short-body", cut, { at: [], more: ["--no-local"] }),
  nginxBefore("stalled-config", "the body stalls", "stall-mid-body", STALLED, { config: true }, SHORT),
  nginxBefore(
    "stalled-log",
    "the body stalls",
    "stall-mid-body",
    { ...STALLED, also: ["response-truncated"] },
    {
      log: true,
    },
    SHORT,
  ),
  nginxBefore(
    "bad-chunk-size",
    "a chunk's size is no number",
    "bad-chunk-size",
    { class: "response-encoding-invalid", also: ["response-truncated"], atLeast: "likely" },
    { config: true, log: true },
  ),
  {
    name: "body/cut-app-direct",
    chain: "application",
    fault: "the body ends before its length; no gateway",
    expect: { ...cut, atLeast: "proven" },
    build: async (chain) => ask(chain, await chain.fault("short-body")),
  },
  {
    name: "body/stalled-app-direct",
    chain: "application",
    fault: "the body stalls; no gateway",
    expect: STALLED,
    build: async (chain) => ask(chain, await chain.fault("stall-mid-body"), { more: ["--timeout", "4s"] }),
  },
  {
    name: "body/wrong-gzip",
    chain: "nginx > Node",
    fault: "the application says gzip and sends plain text; nginx.conf given",
    needs: ["nginx"],
    expect: { class: "response-encoding-invalid", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(wrongGzip);
      return ask(chain, await nginx(chain, nginxSite([app])), { config: true, at: [app.address] });
    },
  },
  {
    name: "body/cut-gzip",
    chain: "nginx > Node",
    fault: "the application's gzip ends early; only the URL given",
    needs: ["nginx"],
    expect: { class: "response-encoding-invalid", also: ["response-truncated"], atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(cutGzip);
      return ask(chain, await nginx(chain, nginxSite([app])), { at: [], more: ["--no-local"] });
    },
  },
  {
    name: "body/too-large-goodgate",
    chain: "Goodgate > Node",
    fault: "the body is over limits.body; only the URL given",
    expect: { class: "response-too-large", also: ["response-truncated"], atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app((_, response) => response.end(Buffer.alloc(50_000, 0x61)));
      const edge = await goodgate(chain, goodgateSettings([app], { limits: { body: "10KiB" } }));
      return ask(chain, edge, { at: [], more: ["--no-local"] });
    },
  },
  {
    name: "keepalive/second-request-dropped",
    chain: "application",
    fault: "each connection takes one request, the second one is reset; no Connection: close",
    expect: { class: "keepalive-race", also: ["closed-before-response"], atLeast: "likely" },
    build: async (chain) => ask(chain, await chain.raw((socket) => onceOnly(socket))),
  },
  {
    name: "keepalive/idle-dropped",
    chain: "application",
    fault: "connections that were idle for 300 ms are dead, and nobody was told",
    expect: { class: "keepalive-race", also: ["closed-before-response"], atLeast: "likely" },
    build: async (chain) => ask(chain, await chain.raw((socket) => onceOnly(socket, 300))),
  },
  {
    name: "keepalive/behind-haproxy",
    chain: "HAProxy > application",
    fault: "HAProxy reuses connections (http-reuse always) that the application resets; haproxy.cfg and log given",
    needs: ["haproxy"],
    expect: { class: "keepalive-race", also: ["closed-before-response"], atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.raw((socket) => onceOnly(socket));
      const edge = await haproxy(chain, haproxySite([app], { backend: "  http-reuse always\n  retries 0" }));
      return ask(chain, edge, { config: true, log: true, at: [app.address, edge.address, "app"] });
    },
  },
];
