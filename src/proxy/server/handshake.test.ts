// TLS and the PROXY protocol in front of virtual servers, over sockets: which server a client gets, by what rules, and
// what it is told where these are broken; and what requests want of their connections to upstreams.
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import tls from "node:tls";
import { afterEach, expect, test, vi } from "vitest";
import type { Address, Config } from "../../config/config.ts";
import { type Certificate, makeCertificates, makeSelfSigned } from "../../lab/certificates.ts";
import { lowerHttp } from "../../nginx/lower/lower.fixture.ts";
import { ServerLogs } from "../../observe/server-logs.ts";
import { Gateway } from "../gateway.ts";

const issue = (name: string) => makeSelfSigned(name, [name], { from: -1, to: 30 });
const [one, two] = [issue("one.example"), issue("two.example")];
const pki = makeCertificates();
const certificate = ({ cert, key }: Certificate) =>
  `ssl_certificate "data:${cert}"; ssl_certificate_key "data:${key}";`;
const observer = { exchangeEnded() {}, upstreamEvent() {} };

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

function caFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "goodgate-handshake-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "ca.pem"), pki.ca);
  return join(folder, "ca.pem");
}

/** Port 0 wherever it listens: the system chooses. */
function anyPort(config: Config): Config {
  const free = <T extends { readonly address: Address }>(each: T): T =>
    each.address.kind === "tcp" ? { ...each, address: { ...each.address, port: 0 } } : each;
  const { servers } = config;
  return {
    ...config,
    listeners: config.listeners.map(free),
    servers: servers && {
      ...servers,
      servers: servers.servers.map((server) => ({ ...server, listen: server.listen.map(free) })),
    },
  };
}

async function serve(http: string, logs?: ServerLogs): Promise<number> {
  const config = anyPort(lowerHttp(`access_log off; ${http}`));
  const gateway = new Gateway(config, { ...observer, ...(logs && { logs }) }, { info() {}, warn() {}, error() {} });
  cleanups.push(() => gateway.close());
  await gateway.start();
  return gateway.ports[0]!;
}

interface Asked {
  readonly host?: string;
  readonly path?: string;
  readonly options?: tls.ConnectionOptions;
  /** Sent before the handshake. */
  readonly before?: string;
}

/** One request; the answer, or what went wrong. */
async function ask(port: number, { host = "a", path = "/", options = {}, before = "" }: Asked): Promise<string> {
  const plain = connect(port, "127.0.0.1");
  await once(plain, "connect");
  if (before !== "") plain.write(before, "latin1");
  const socket = tls.connect({ socket: plain, rejectUnauthorized: false, ...options });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  return read(socket);
}

async function read(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (bytes: Buffer) => {
    text += bytes.toString("latin1");
  });
  const error = once(socket, "error").then(([failure]) => String((failure as Error).message));
  return Promise.race([once(socket, "close").then(() => text), error]);
}

const SERVERS = `
  server { listen 127.0.0.1:8443 ssl default_server; server_name one.example; ${certificate(one)}
    return 200 "one $ssl_server_name $ssl_protocol"; }
  server { listen 127.0.0.1:8443 ssl; server_name *.two.example ~^re[0-9]; ${certificate(two)} ssl_protocols TLSv1.2;
    return 200 "two $ssl_server_name $ssl_protocol $ssl_cipher"; }
  server { listen 127.0.0.1:8443 ssl; server_name closed.example; ssl_reject_handshake on; }`;

test("the name that is asked for chooses the server, its certificate and its versions", async () => {
  const port = await serve(SERVERS);
  const served = async (servername: string) => {
    const socket = tls.connect({ port, host: "127.0.0.1", servername, rejectUnauthorized: false });
    socket.on("error", () => {});
    await once(socket, "secureConnect");
    const names = [socket.getPeerCertificate().subject.CN, socket.getProtocol()];
    socket.destroy();
    return names;
  };
  expect(await served("one.example")).toEqual(["one.example", "TLSv1.3"]);
  expect(await served("unknown.example")).toEqual(["one.example", "TLSv1.3"]);
  expect(await served("WWW.two.example")).toEqual(["two.example", "TLSv1.2"]);
  expect(await served("re7")).toEqual(["two.example", "TLSv1.2"]);
  const options = { servername: "a.two.example", minVersion: "TLSv1.3" } as const;
  expect(await ask(port, { options })).toMatch(/alert protocol version/);
});

test("variables tell of the handshake", async () => {
  const port = await serve(SERVERS);
  expect(await ask(port, { host: "one.example" })).toMatch(/one {2}TLSv1\.3$/);
  const options = {
    servername: "www.two.example",
    ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
  };
  expect(await ask(port, { host: "www.two.example", options })).toMatch(
    /two www\.two\.example TLSv1\.2 ECDHE-\w+-AES128-GCM-SHA256$/,
  );
});

test("a server that rejects handshakes says unrecognized_name", async () => {
  const port = await serve(SERVERS);
  expect(await ask(port, { options: { servername: "closed.example" } })).toMatch(/unrecognized name/);
});

test("plain HTTP on a port for TLS is told so, and error_page may name it", async () => {
  const send = async (port: number) => {
    const socket = connect(port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: one.example\r\n\r\n");
    return read(socket);
  };
  expect(await send(await serve(SERVERS))).toMatch(
    /^HTTP\/1\.1 400 [\s\S]*The plain HTTP request was sent to HTTPS port/,
  );
  const redirecting = SERVERS.replace("return 200", "error_page 497 https://$host/; return 200");
  expect(await send(await serve(redirecting))).toMatch(/^HTTP\/1\.1 302 [\s\S]*Location: https:\/\/one\.example\//);
});

test("a client that leaves in its handshake does not stay until the handshake's deadline", async () => {
  const folder = mkdtempSync(join(tmpdir(), "goodgate-handshake-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const name = join(folder, "error.log");
  const logs = new ServerLogs(
    () => {},
    () => {},
  );
  const port = await serve(`error_log ${name} info; ${SERVERS}`, logs);
  // It comes as far as the last flight, which it keeps.
  const leaver = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const kept = new Duplex({ read() {}, write: (bytes: Buffer, _, done) => void leaver.write(bytes, done) });
  tls.connect({ socket: kept, rejectUnauthorized: false }).on("error", () => {});
  leaver.once("data", () => leaver.end());
  leaver.resume();
  await once(leaver, "close");
  const told = " peer closed connection in SSL handshake while SSL handshaking, ";
  await vi.waitFor(() => expect(readFileSync(name, "utf8")).toContain(told));
  await logs.close();
});

test("certificates of clients: none, one that nobody trusts, a good one", async () => {
  const port = await serve(`server { listen 127.0.0.1:8443 ssl; ${certificate(one)}
    ssl_client_certificate ${caFile()}; ssl_verify_client on; add_header X-Verify $ssl_client_verify always;
    return 200 "$ssl_client_s_dn $ssl_client_i_dn"; }`);
  expect(await ask(port, {})).toMatch(
    /^HTTP\/1\.1 400 [\s\S]*X-Verify: NONE[\s\S]*No required SSL certificate was sent/,
  );
  const { cert, key } = pki.untrusted;
  expect(await ask(port, { options: { cert, key } })).toMatch(
    /^HTTP\/1\.1 400 [\s\S]*X-Verify: FAILED:[\s\S]*The SSL certificate error/,
  );
  expect(await ask(port, { options: { cert: pki.client.cert, key: pki.client.key } })).toMatch(
    /X-Verify: SUCCESS[\s\S]*CN=lab client CN=Goodgate lab CA$/,
  );
});

test("a server that verifies clients is not reached under another name", async () => {
  const port = await serve(`
    server { listen 127.0.0.1:8443 ssl; server_name open.example; ${certificate(one)} return 200 open; }
    server { listen 127.0.0.1:8443 ssl; server_name safe.example; ${certificate(two)}
      ssl_client_certificate ${caFile()}; ssl_verify_client on; return 200 safe; }`);
  const options = { servername: "open.example" };
  expect(await ask(port, { host: "open.example", options })).toMatch(/^HTTP\/1\.1 200 /);
  expect(await ask(port, { host: "safe.example", options })).toMatch(/^HTTP\/1\.1 421 /);
});

test.each(["on", "off"])("sessions are resumed, with tickets %s", async (tickets) => {
  const port = await serve(`server { listen 127.0.0.1:8443 ssl; ${certificate(one)} ssl_session_cache shared:a:1m;
    ssl_session_tickets ${tickets}; return 200 "reused=$ssl_session_reused"; }`);
  let session: Buffer | undefined;
  const first = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  first.on("session", (given: Buffer) => {
    session = given;
  });
  first.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  expect(await read(first)).toMatch(/reused=\.$/);
  expect(session).toBeDefined();
  expect(await ask(port, { options: { session: session! } })).toMatch(/reused=r$/);
});

test("a certificate that the name chooses", async () => {
  const port = await serve(`map $ssl_server_name $pem { default "data:${one.cert}"; other "data:${two.cert}"; }
    map $ssl_server_name $key { default "data:${one.key}"; other "data:${two.key}"; }
    server { listen 127.0.0.1:8443 ssl; ssl_certificate $pem; ssl_certificate_key $key; return 200 x; }`);
  for (const [servername, expected] of [
    ["other", "two.example"],
    ["", "one.example"],
  ]) {
    const socket = tls.connect({ port, host: "127.0.0.1", servername: servername!, rejectUnauthorized: false });
    await once(socket, "secureConnect");
    expect(socket.getPeerCertificate().subject.CN).toBe(expected);
    socket.destroy();
  }
});

test("a PROXY head comes before TLS, and one that is broken ends the connection", async () => {
  const port = await serve(`server { listen 127.0.0.1:8443 ssl proxy_protocol; ${certificate(one)}
    return 200 "$proxy_protocol_addr:$proxy_protocol_port"; }`);
  expect(await ask(port, { before: "PROXY TCP4 192.0.2.1 192.0.2.2 123 443\r\n" })).toMatch(/192\.0\.2\.1:123$/);
  expect(await ask(port, { before: "PROXY WHAT\r\n" })).toMatch(/^$|disconnected|ECONNRESET|EPIPE/);
});

test("a PROXY head that comes in pieces, and a request behind it", async () => {
  const port = await serve(`server { listen 127.0.0.1:8080 proxy_protocol; return 200 "<$proxy_protocol_addr>"; }`);
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  await once(socket, "connect");
  for (const part of [
    "PROXY TC",
    "P4 192.0.2.1 192.0.2.2 1",
    "23 80\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  ]) {
    socket.write(part);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(await read(socket)).toMatch(/<192\.0\.2\.1>$/);
});

test("an address without a socket of its own has rules of its own", async () => {
  const port = await serve(`
    server { listen 8080; return 200 all; }
    server { listen 127.0.0.2:8080 proxy_protocol; return 200 "own $proxy_protocol_addr"; }`);
  const get = async (address: string, before: string) => {
    const socket = connect(port, address);
    socket.write(`${before}GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    return read(socket);
  };
  expect(await get("127.0.0.1", "")).toMatch(/all$/);
  expect(await get("127.0.0.2", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")).toMatch(/own 192\.0\.2\.1$/);
});

test("heads are bounded as the server of the address says", async () => {
  const port = await serve(`server { listen 127.0.0.1:8080; client_header_buffer_size 128;
    large_client_header_buffers 2 256; return 200 "$http_x"; error_page 494 = @large; error_page 414 = @long;
    location @large { return 200 large; } location @long { return 200 long; } }`);
  const get = async (path: string, fields: string) => {
    const socket = connect(port, "127.0.0.1");
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`);
    return read(socket);
  };
  const field = (bytes: number) => `X: ${"a".repeat(bytes - 5)}\r\n`;
  expect(await get("/", field(256))).toMatch(/^HTTP\/1\.1 200 [\s\S]*a{251}$/);
  expect(await get("/", field(257))).toMatch(/large$/);
  expect(await get("/", field(200) + field(200) + field(200) + field(200))).toMatch(/large$/);
  expect(await get(`/${"a".repeat(256)}`, "")).toMatch(/long$/);
});

test("an unusable certificate is told of in nginx's words", async () => {
  const missing = `server { listen 127.0.0.1:8443 ssl; ssl_certificate /no/such.crt; ssl_certificate_key /no/such.key; }`;
  await expect(serve(missing)).rejects.toThrow('cannot load certificate "/no/such.crt": BIO_new_file() failed');
  const mixed = `server { listen 127.0.0.1:8443 ssl; ${certificate({ cert: one.cert, key: two.key })} }`;
  await expect(serve(mixed)).rejects.toThrow("key values mismatch");
});

test("a connection to an upstream is used for the name that it was opened with", async () => {
  const names: string[] = [];
  const upstream = tls.createServer({ cert: one.cert, key: one.key }, (socket) => {
    names.push(String((socket as tls.TLSSocket & { servername?: string }).servername));
    socket.on("error", () => {});
    socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  });
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  cleanups.push(() => upstream.close());
  const { port: at } = upstream.address() as AddressInfo;
  const port = await serve(`upstream u { server 127.0.0.1:${at}; keepalive 4; }
    server { listen 127.0.0.1:8080; location / { proxy_pass https://u; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_ssl_server_name on; proxy_ssl_name $arg_n; } }`);
  for (const name of ["a.example", "b.example", "a.example:8443", "b.example"]) {
    const socket = connect(port, "127.0.0.1");
    socket.write(`GET /?n=${name} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(await read(socket)).toMatch(/ok$/);
  }
  expect(names).toEqual(["a.example", "b.example"]);
});
