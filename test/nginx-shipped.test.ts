// What the nginx.conf files that applications ship have shown and corpus/nginx-run cannot: when bytes go out, what a
// subrequest may not be answered, connections by TLS, and what is not done here.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeCertificates } from "../src/lab/certificates.ts";
import { RawClient, type RawResponse, readResponse, until } from "./harness.ts";
import { lastingPort } from "./held.ts";
import { type RunningNginx, startNginxConf, WAIT_MS } from "./nginx-harness.ts";
import { type RawUpstream, rawResponse, startRawUpstream } from "./raw-upstream.ts";

const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";

let port: number;
let tlsPort: number;
let app: RawUpstream;
let program: RunningNginx;

beforeAll(async () => {
  port = await lastingPort();
  tlsPort = await lastingPort();
  app = await startRawUpstream((request) =>
    request.startsWith("GET /auth") ? SWITCHING : rawResponse(request.split(" ")[1]!),
  );
  const { cert, key } = makeCertificates().good;
  program = await startNginxConf(
    `
  access_log off;
  upstream app { server ${app.address}; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://app; proxy_request_buffering off; }
    location = /moved { return 301 /; }
    location = /auth { proxy_pass http://app; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }
    location = /guarded { auth_request /auth; proxy_pass http://app; }
    location = /php { fastcgi_pass 127.0.0.1:9; }
  }
  ssl_certificate cert.pem; ssl_certificate_key key.pem;
  server { listen 127.0.0.1:${tlsPort} ssl; server_name one.test; return 200 one; }
  server { listen 127.0.0.1:${tlsPort} ssl; server_name two.test; return 200 two; }`,
    (folder) => {
      writeFileSync(join(folder, "cert.pem"), cert);
      writeFileSync(join(folder, "key.pem"), key);
    },
    ["--lenient"],
  );
}, 60_000);

afterAll(async () => {
  program?.stop();
  await app?.close();
});

async function ask(text: string): Promise<RawResponse> {
  const client = new RawClient(port);
  client.send(text);
  try {
    return await client.response("GET", WAIT_MS);
  } finally {
    client.close();
  }
}

test("on a kept connection, too, the head does not wait for a body that goes on as it comes", async () => {
  const client = new RawClient(port);
  try {
    client.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n");
    expect((await client.response("GET", WAIT_MS)).body.toString()).toBe("/first");
    client.send("POST /second HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    await until(
      () => app.received.find((text) => /GET \/first .*POST \/second .*\r\n\r\n$/s.test(text)),
      WAIT_MS,
      () => app.received.join("\n"),
    );
    client.send("hello");
    expect((await client.response("POST", WAIT_MS)).body.toString()).toBe("/second");
  } finally {
    client.close();
  }
});

test("a subrequest makes no tunnel", async () => {
  const response = await ask("GET /guarded HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  expect(response.status).toBe(500);
});

test("a client that waits for 100 gets it before a redirect of return, as from nginx", async () => {
  const client = new RawClient(port);
  try {
    client.send("POST /moved HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    await until(
      () => client.text.includes(" 301 ") || undefined,
      WAIT_MS,
      () => client.text,
    );
    expect(client.text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 301 /);
  } finally {
    client.close();
  }
});

test("what is not done here is answered with 501 under --lenient", async () => {
  const response = await ask("GET /php HTTP/1.1\r\nHost: a\r\n\r\n");
  expect(response.status).toBe(501);
  expect(response.body.toString()).toContain('"fastcgi_pass" is not supported');
  expect(program.read("error.log")).not.toContain("[emerg]");
});

test("a request without a host is the default server's, whatever its handshake asked for", async () => {
  const bytes = (text: string) =>
    new Promise<Buffer>((resolve, reject) => {
      const parts: Buffer[] = [];
      const socket = connectTls({ port: tlsPort, servername: "two.test", rejectUnauthorized: false }, () =>
        socket.write(text),
      );
      socket.on("data", (part: Buffer) => parts.push(part));
      socket.once("end", () => resolve(Buffer.concat(parts)));
      socket.once("error", reject);
    });
  const bodyOf = async (text: string) => readResponse(await bytes(text), "GET", true)?.body.toString();
  expect(await bodyOf("GET / HTTP/1.0\r\n\r\n")).toBe("one");
  expect(await bodyOf("GET / HTTP/1.0\r\nHost: two.test\r\n\r\n")).toBe("two");
});
