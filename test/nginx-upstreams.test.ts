// Where requests of an nginx.conf go, over real sockets: hosts that a request names, resolved by the DNS servers of the
// configuration; CONNECT; and what an application's response may ask of the gateway, or may not say.
import dgram from "node:dgram";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { a, answerTo, askedFor } from "../src/wire/dns-message.fixture.ts";
import { RawClient, type RawResponse, until } from "./harness.ts";
import { lastingPort } from "./held.ts";
import { type RunningNginx, startNginxConf, WAIT_MS } from "./nginx-harness.ts";
import { type RawUpstream, rawResponse, startRawUpstream } from "./raw-upstream.ts";

let port: number;
let tunnelPort: number;
let app: RawUpstream;
let silent: RawUpstream;
let appPort: string;
let dns: dgram.Socket;
let program: RunningNginx;
const asked: string[] = [];

const read = (name: string): string => program.read(name);

/** What the application says, by the path. */
function answer(request: string): string {
  const [, path = ""] = request.split(" ", 2);
  if (path.startsWith("/redirect"))
    return rawResponse("thrown away", "X-Accel-Redirect: /inner/a%20b?c\r\nSet-Cookie: s=1\r\nX-Else: no\r\n");
  if (path.startsWith("/unsafe")) return rawResponse("thrown away", "X-Accel-Redirect: /inner/../secret\r\n");
  if (path.startsWith("/twice")) return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nno";
  if (path.startsWith("/expires")) return rawResponse("x", "Expires: one\r\nExpires: two\r\nETag: e\r\nETag: f\r\n");
  return rawResponse(`app ${path}`);
}

beforeAll(async () => {
  port = await lastingPort();
  tunnelPort = await lastingPort();
  app = await startRawUpstream(answer);
  silent = await startRawUpstream(() => null);
  appPort = app.address.split(":")[1]!;
  dns = dgram.createSocket("udp4");
  dns.on("message", (question, from) => {
    const { name, type } = askedFor(question);
    asked.push(name);
    const records = type === 1 && name === "app.test" ? [a("127.0.0.1", 300)] : [];
    dns.send(answerTo(question, records), from.port, from.address);
  });
  dns.bind(0, "127.0.0.1");
  await once(dns, "listening");
  program = await startNginxConf(`
  access_log off;
  resolver 127.0.0.1:${dns.address().port}; resolver_timeout 5s;
  upstream block { server ${app.address}; }
  upstream slow { server ${silent.address}; server ${app.address}; }
  upstream slower { server ${silent.address}; server ${app.address}; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://${app.address}; }
    location /named/ { proxy_pass http://$arg_to/x; add_header X-Addr $upstream_addr; add_header X-Host $proxy_host; }
    location /soon { proxy_pass http://slower; proxy_read_timeout 600ms; proxy_next_upstream_timeout 60s; }
    location /late { proxy_pass http://slow; proxy_read_timeout 600ms; proxy_next_upstream_timeout 300ms; }
    location /inner/ { internal; return 200 "$request_method $uri $args"; }
  }
  server {
    listen 127.0.0.1:${tunnelPort};
    tunnel_pass;
  }`);
}, 60_000);

afterAll(async () => {
  program?.stop();
  dns?.close();
  await app?.close();
  await silent?.close();
});

async function ask(path: string, method = "GET"): Promise<RawResponse> {
  const client = new RawClient(port);
  client.send(`${method} ${path} HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 0\r\n\r\n`);
  try {
    return await client.response(method, WAIT_MS);
  } finally {
    client.close();
  }
}

const field = ({ head }: RawResponse, name: string): string[] =>
  head
    .split("\r\n")
    .filter((line) => line.toLowerCase().startsWith(`${name}:`))
    .map((line) => line.slice(name.length + 1).trim());

test("a host that a request names is resolved, and asked for once", async () => {
  const first = await ask(`/named/?to=app.test:${appPort}`);
  expect(first.body.toString()).toBe("app /x");
  expect(field(first, "x-addr")).toEqual([`127.0.0.1:${appPort}`]);
  expect(field(first, "x-host")).toEqual([`app.test:${appPort}`]);
  await ask(`/named/?to=APP.test:${appPort}`);
  expect(asked.filter((name) => name === "app.test")).toHaveLength(2);
});

test("it may be an address, or an upstream block", async () => {
  expect((await ask(`/named/?to=${app.address}`)).body.toString()).toBe("app /x");
  expect((await ask("/named/?to=block")).body.toString()).toBe("app /x");
});

test("a name that nobody knows is a failure of DNS", async () => {
  const response = await ask(`/named/?to=gone.test:${appPort}`);
  expect(response.status).toBe(502);
  expect(response.head).toContain("error=dns_error");
  await until(
    () => read("error.log").includes("gone.test could not be resolved (3: Host not found)") || undefined,
    WAIT_MS,
    () => read("error.log"),
  );
});

test("CONNECT makes a tunnel to a name or address; other requests are refused there", async () => {
  const client = new RawClient(tunnelPort);
  try {
    client.send(`CONNECT app.test:${appPort} HTTP/1.1\r\nHost: app.test:${appPort}\r\n\r\n`);
    await until(
      () => client.text.includes("\r\n\r\n") || undefined,
      WAIT_MS,
      () => client.text,
    );
    expect(client.text).toMatch(/^HTTP\/1\.1 200 /);
    client.send("GET /through HTTP/1.1\r\nHost: app.test\r\n\r\n");
    await until(
      () => client.text.endsWith("app /through") || undefined,
      WAIT_MS,
      () => client.text,
    );
  } finally {
    client.close();
  }
  const plain = new RawClient(tunnelPort);
  plain.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
  expect((await plain.response("GET", WAIT_MS)).status).toBe(405);
  plain.close();
});

test("X-Accel-Redirect goes on inside with GET, and keeps what the application says of the content", async () => {
  const response = await ask("/redirect", "POST");
  expect(response.status).toBe(200);
  expect(response.body.toString()).toBe("GET /inner/a b c");
  expect(field(response, "set-cookie")).toEqual(["s=1"]);
  expect(field(response, "x-else")).toEqual([]);
  expect((await ask("/unsafe")).status).toBe(404);
});

test("of fields that are one the first holds; two lengths are no response", async () => {
  const response = await ask("/expires");
  expect([field(response, "expires"), field(response, "etag")]).toEqual([["one"], ["e"]]);
  expect((await ask("/twice")).status).toBe(502);
});

test("a request that says a field twice that is one is refused", async () => {
  const client = new RawClient(port);
  client.send("GET / HTTP/1.1\r\nHost: shop.test\r\nIf-Match: a\r\nIf-Match: b\r\n\r\n");
  expect((await client.response("GET", WAIT_MS)).status).toBe(400);
  client.close();
});

test("the time for other servers runs from the first try", async () => {
  expect((await ask("/late")).status).toBe(504);
  expect(app.requests.filter((request) => request.includes(" /late "))).toEqual([]);
});

test("within that time another server is asked", async () => {
  expect((await ask("/soon")).body.toString()).toBe("app /soon");
  expect(silent.requests.filter((request) => request.includes(" /soon "))).toHaveLength(1);
});
