// The application that is restarted: node:http as it comes (keep-alive 5 s, hint included), a start that takes its
// time, and a SIGTERM that does what a Node server should: no new connections, idle ones closed, answers finished.
// Every answer repeats the request's id, so that a mixed-up one is seen. A request with a body is written to the
// file of deliveries before anything else is done with it: what is in that file was in the application's hands,
// also when the process is killed a moment later.
import { createHash } from "node:crypto";
import { openSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

const DRAIN_MS_MAX = 10_000;
const SWEEP_MS = 50;

const { values } = parseArgs({
  options: {
    host: { type: "string" },
    port: { type: "string" },
    name: { type: "string" },
    deliveries: { type: "string" },
    "start-ms": { type: "string", default: "0" },
  },
});
const deliveries = openSync(values.deliveries, "a");
let draining = false;

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://app");
  const route = ROUTES[`${request.method} ${url.pathname}`];
  const id = request.headers["idempotency-key"] ?? request.headers["x-request-id"] ?? "";
  response.setHeader("X-Endpoint", values.name);
  if (draining) response.setHeader("Connection", "close");
  if (route === undefined) return void response.writeHead(404).end("no such page\n");
  route(request, response, id, url.searchParams).catch((error) => {
    // The gateway left in the middle of an upload, or of an answer: nobody is there to be told.
    if (error.code !== "ECONNRESET" && error.code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  });
});

const ROUTES = {
  "GET /": async (_request, response, id) => void response.end(`page ${id}\n`),
  "GET /healthz": async (_request, response) => void response.end("ok\n"),
  "GET /slow": async (_request, response, id, query) => {
    await sleep(Number(query.get("ms")));
    response.end(`page ${id}\n`);
  },
  "GET /bytes": async (_request, response, id, query) =>
    void response.end(Buffer.alloc(Number(query.get("n")), `${id}\n`)),
  "GET /events": async (_request, response, id, query) => {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    for (let i = 0; i < Number(query.get("n")) && !response.destroyed; i++) {
      response.write(`data: ${id} ${i}\n\n`);
      await sleep(Number(query.get("every")));
    }
    response.end();
  },
  "POST /order": async (request, response, id, query) => {
    writeSync(deliveries, `${id} ${values.name}\n`);
    const hash = createHash("sha1");
    for await (const chunk of request) hash.update(chunk);
    await sleep(Number(query.get("ms")));
    response.end(`order ${id} ${hash.digest("hex")}\n`);
  },
};

process.once("SIGTERM", () => {
  draining = true;
  server.close(() => process.exit(0));
  setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  setTimeout(() => process.exit(0), DRAIN_MS_MAX);
});

await sleep(Number(values["start-ms"]));
if (!draining) server.listen(Number(values.port), values.host, 4096, () => process.stdout.write("ready\n"));
