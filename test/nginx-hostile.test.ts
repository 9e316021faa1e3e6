// What attackers send to an nginx.conf, over real sockets: framing that is split where it hurts, requests whose
// responses nobody reads, line ends that variables bring along. Each test holds what must not come out at the other end, or how much of it may be kept.
import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { pause, RawClient, until } from "./harness.ts";
import { lastingPort } from "./held.ts";
import { type RunningNginx, startNginxConf, WAIT_MS } from "./nginx-harness.ts";
import { type Origin, startOrigin } from "./origin.ts";

const TEXT = "x".repeat(3_000);
const WITH_TRAILERS =
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n";

let port: number;
let program: RunningNginx;
let origin: Origin;
/** What the upstream was sent, connection by connection. */
let sent: string[] = [];
const clients: { destroy(): void }[] = [];

/** Answers what is whole: a request without a body, or one whose last chunk has come. */
function serve(socket: Socket): void {
  const at = sent.push("") - 1;
  socket.on("data", (chunk: Buffer) => {
    sent[at] += chunk.toString("latin1");
    if (sent[at]!.startsWith("GET /plain/trailers")) socket.write(WITH_TRAILERS);
    else if (
      /\r\n\r\n(?:.*\r\n)?0\r\n\r\n$/s.test(sent[at]!) ||
      (/^GET/.test(sent[at]!) && sent[at]!.endsWith("\r\n\r\n"))
    ) {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
  });
}

function client(): RawClient {
  const made = new RawClient(port);
  clients.push({ destroy: () => made.close() });
  return made;
}

beforeAll(async () => {
  origin = await startOrigin(serve);
  port = await lastingPort();
  program = await startNginxConf(`
    access_log off;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    keepalive_requests 100000;
    upstream sticky { server ${origin.address}; server ${origin.address} backup; sticky cookie srv domain=$uri; }
    server {
      listen 127.0.0.1:${port};
      location /plain/ { proxy_pass http://${origin.address}; }
      location /bound/ { proxy_pass http://sticky; }
      location /stream { proxy_request_buffering off; proxy_pass http://${origin.address}; }
      location /text { return 200 "${TEXT}"; }
    }`);
});

afterEach(() => {
  for (const each of clients.splice(0)) each.destroy();
  sent = [];
});

afterAll(async () => {
  program?.stop();
  await origin?.close();
});

const HEAD = "POST /stream HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n";
const SPLITS: readonly (readonly [where: string, parts: readonly string[], body: string])[] = [
  ["behind a size", [`${HEAD}5`, "\r", "\nhel", "lo\r\n0\r\n", "\r\n"], "hello"],
  ["behind the line of a size", [`${HEAD}5\r\n`, "hello\r\n0\r\n\r\n"], "hello"],
  ["behind the data", [HEAD, "5\r\nhello", "\r\n", "0\r\n\r\n"], "hello"],
  ["before the empty line", [HEAD, "5\r\nhello\r\n0\r\n", "\r\n"], "hello"],
  ["in an extension", [HEAD, "5;a", "=b\r\nhello\r\n0\r\n\r\n"], "hello"],
  ["in the trailers", [HEAD, "5\r\nhello\r\n0\r\nX-T", ": 1\r\n", "\r\n"], "hello"],
];

test.each(SPLITS)("a chunked body that is split %s has one end upstream", async (_where, parts, body) => {
  const c = client();
  for (const part of parts) {
    c.send(part);
    // Each part has to be a read of its own.
    await pause(30);
  }
  expect((await c.response()).status).toBe(200);
  const [, framed] = sent[0]!.split(/\r\n\r\n(.*)/s);
  const chunks = [...framed!.matchAll(/([0-9a-f]+)\r\n([^\r]*)\r\n/g)];
  expect(chunks.map(([whole]) => whole).join("")).toBe(framed);
  expect(chunks.map(([, size]) => Number.parseInt(size!, 16))).toEqual(chunks.map(([, , data]) => data!.length));
  expect(chunks.filter(([, size]) => size === "0")).toHaveLength(1);
  expect(chunks.map(([, , data]) => data).join("")).toBe(body);
});

test("who sends requests and reads no responses has to wait", async () => {
  const requests = 10_000;
  const socket = connect({ port, host: "127.0.0.1" });
  clients.push(socket);
  socket.pause();
  // As long as its response, and together far more than the kernel keeps in both directions.
  const one = `GET /text HTTP/1.1\r\nHost: shop\r\nX-Filler: ${TEXT}\r\n\r\n`;
  for (let count = 0; count < requests; count += 100) socket.write(one.repeat(100));
  let before = -1;
  let since = 0;
  await until(
    () => {
      if (socket.writableLength !== before) since = performance.now();
      before = socket.writableLength;
      return performance.now() - since > 1_000;
    },
    WAIT_MS,
    () => "it goes on taking requests",
  );
  expect(before).toBeGreaterThan(requests * one.length * 0.2);
  // And has lost nothing.
  let answers = 0;
  let tail = "";
  socket.on("data", (chunk: Buffer) => {
    const text = tail + chunk.toString("latin1");
    answers += text.split("HTTP/1.1 200 OK\r\n").length - 1;
    tail = text.slice(-16);
  });
  socket.resume();
  await until(
    () => answers === requests || undefined,
    WAIT_MS,
    () => `${answers} answers`,
  );
}, 60_000);

test("a line end in a variable begins no field in the cookie that binds to a server", async () => {
  const c = client();
  c.send("GET /bound/%0d%0aX-Injected:%201 HTTP/1.1\r\nHost: shop\r\n\r\n");
  const response = await c.response();
  expect(response.status).toBe(200);
  expect(response.head).toContain("domain=/bound/X-Injected: 1");
  expect(response.head).not.toMatch(/^X-Injected/m);
});

test("trailers of an upstream go no further unless proxy_pass_trailers says so", async () => {
  const c = client();
  c.send("GET /plain/trailers HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
  await c.closed;
  expect(c.text).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n2\r\nok\r\n0\r\n\r\n$/s);
  expect(c.text).not.toMatch(/^(?:Trailer|X-T)/m);
});

test.each([
  ["If-None-Match: *", 304],
  ['If-None-Match: "a"', 200],
  ['If-Match: "a"', 412],
  ["If-Modified-Since: Mon, 28 Sep 2037 06:00:00 GMT", 200],
])("conditions hold for a text of the configuration, too: %s", async (field, status) => {
  const c = client();
  c.send(`GET /text HTTP/1.1\r\nHost: shop\r\n${field}\r\n\r\n`);
  expect((await c.response()).status).toBe(status);
});
