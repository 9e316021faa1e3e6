// What the npm peers share: where they listen, how long they keep idle connections, and the access log that proxy
// libraries do not have (one JSON line per exchange, written in batches), so that each does the work that nginx does.
//   node PEER.mjs UPSTREAM_PORT HTTP_PORT HTTPS_PORT CERT KEY LOG_FILE
import { openSync, readFileSync, write } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer as createHttps } from "node:https";

const [upstreamPort, httpPort, httpsPort, cert, key, accessLog] = process.argv.slice(2);
const BATCH_BYTES = 64 * 1024;

/** Where the upstream listens. */
export const upstream = `http://127.0.0.1:${upstreamPort}`;
/** For a framework that logs by itself. */
export const logFile = accessLog;
/** As nginx keeps them: idle client connections for 75 s, up to 1,024 idle upstream connections. */
export const KEEP_IDLE_MS = 75_000;
export const UPSTREAM_IDLE_MAX = 1024;
/** For a framework that opens its own listeners. */
export const addresses = { httpPort: Number(httpPort), httpsPort: Number(httpsPort) };
export const tls = () => ({ cert: readFileSync(cert), key: readFileSync(key) });

/** Serves a request listener on both ports, with the access log. */
export function listen(handle) {
  const logged = (request, response) => {
    logExchange(request, response);
    handle(request, response);
  };
  for (const [server, port] of [
    [createHttp(logged), httpPort],
    [createHttps(tls(), logged), httpsPort],
  ]) {
    server.keepAliveTimeout = KEEP_IDLE_MS;
    server.listen({ port: Number(port), host: "127.0.0.1", backlog: 4096 });
  }
}

const log = openSync(accessLog, "a");
let batch = "";
let writing = false;

/** Logs an exchange when its response is done. */
function logExchange(request, response) {
  const began = performance.now();
  const client = request.socket.remoteAddress;
  response.on("finish", () => {
    batch += `${JSON.stringify({
      time: new Date().toISOString(),
      client,
      method: request.method,
      target: request.url,
      status: response.statusCode,
      userAgent: request.headers["user-agent"],
      ms: performance.now() - began,
    })}\n`;
    if (batch.length >= BATCH_BYTES) writeBatch();
  });
}

function writeBatch() {
  if (writing || batch === "") return;
  writing = true;
  const lines = batch;
  batch = "";
  write(log, lines, () => {
    writing = false;
  });
}
setInterval(writeBatch, 200);
