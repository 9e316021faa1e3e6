// The requests that differ in one thing: HTTP/2, WebSocket, redirects, the edge's trace.
import http2 from "node:http2";
import type net from "node:net";
import { createServer } from "node:net";
import tls from "node:tls";
import { expect, test } from "vitest";
import { makeCertificates } from "../../lab/certificates.ts";
import type { Target } from "../evidence.ts";
import { listening, probing, response, serving, tryOf } from "./probe.fixture.ts";
import { isForbidden } from "./redirects.ts";
import { websocketAccept } from "./websocket-key.ts";

const certificates = makeCertificates();
const HTTPS: Partial<Target> = { scheme: "https", host: "localhost", serverName: "localhost", ca: [certificates.ca] };
const FEW = { requestsMax: 4, idleMs: 0 };

async function http2Server(
  onStream: (stream: http2.ServerHttp2Stream) => void,
  options: http2.SecureServerOptions = {},
): Promise<string> {
  const server = http2.createSecureServer({ ...certificates.good, ...options }, (request, answer) => {
    if (request.httpVersion !== "2.0") answer.end("hello");
  });
  server.on("stream", (stream) => {
    stream.on("error", () => stream.destroy());
    onStream(stream);
  });
  return listening(server as unknown as net.Server);
}

test("HTTP/2 beside HTTP/1.1, where the server offers it", async () => {
  const address = await http2Server(
    (stream) => {
      stream.respond({ ":status": 200, "x-a": "1" });
      stream.end("hello");
    },
    { allowHTTP1: true },
  );
  const evidence = await probing(address, { target: HTTPS, limits: FEW });
  const h2 = tryOf(evidence, "h2");
  expect(h2).toMatchObject({ protocol: "h2", status: 200, failure: null, excerpt: "hello", bodyBytes: 5 });
  expect(h2.fields).toContainEqual(["x-a", "1"]);
  expect(h2.headBytes).toBeGreaterThan(0);
  expect(h2.bodyHash).toBe(tryOf(evidence, "baseline").bodyHash);
});

test("only HTTP/2 is wrong: it alone fails", async () => {
  const address = await http2Server((stream) => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR), {
    allowHTTP1: true,
  });
  const evidence = await probing(address, { target: HTTPS, limits: FEW });
  expect(tryOf(evidence, "baseline")).toMatchObject({ status: 200, failure: null });
  expect(tryOf(evidence, "h2")).toMatchObject({ status: null, failure: { cause: "closed-before-response" } });
});

test.each([
  ["silent", () => {}, "response-timeout"],
  [
    "cut in its body",
    (stream: http2.ServerHttp2Stream) => {
      stream.respond({ ":status": 200 });
      stream.write("hel", () => stream.session?.destroy());
    },
    "response-truncated",
  ],
  ["asking for HTTP/1.1", (stream: http2.ServerHttp2Stream) => stream.close(13), "protocol-mismatch"],
] as const)("an HTTP/2 server that is %s", async (_, onStream, cause) => {
  const address = await http2Server(onStream, { allowHTTP1: true });
  const evidence = await probing(address, { target: HTTPS, limits: { ...FEW, headMs: 500 } });
  expect(tryOf(evidence, "h2").failure?.cause).toBe(cause);
});

test("a server that speaks HTTP/2 alone: over TLS by ALPN, in plain text by its frames", async () => {
  const secure = await http2Server((stream) => stream.respond({ ":status": 204 }, { endStream: true }));
  const overTls = await probing(secure, { target: HTTPS, limits: FEW });
  expect(tryOf(overTls, "h2")).toMatchObject({ status: 204, failure: null });
  expect(tryOf(overTls, "baseline").status).not.toBe(204);

  const server = http2.createServer();
  server.on("stream", (stream) => stream.respond({ ":status": 204 }, { endStream: true }));
  server.on("session", (session) => session.on("error", () => session.destroy()));
  const plain = await listening(server as unknown as net.Server);
  const inPlain = await probing(plain, { limits: FEW });
  expect(tryOf(inPlain, "baseline").failure?.cause).toBe("protocol-mismatch");
  expect(tryOf(inPlain, "h2")).toMatchObject({ status: 204, failure: null, protocol: "h2" });
});

test("a field of HTTP/1.1 in an HTTP/2 response is malformed", async () => {
  const frame = (type: number, flags: number, stream: number, payload: Buffer) => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head.set([type, flags], 3);
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, payload]);
  };
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  // HPACK: ":status: 200" from the static table, then a literal with a new name.
  const fields = Buffer.concat([Buffer.from([0x88, 0x00]), text("connection"), text("close")]);
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.write(frame(4, 0, 0, Buffer.alloc(0)));
    socket.on("data", (bytes) => {
      if (bytes.toString("latin1").startsWith("PRI ")) socket.write(frame(1, 5, 1, fields));
    });
  });
  const evidence = await probing(await listening(server), { limits: { ...FEW, headMs: 1_000 } });
  expect(tryOf(evidence, "h2")).toMatchObject({ status: null, failure: { cause: "response-malformed" } });
});

test("a WebSocket handshake that comes about, one that is refused, and one that is wrong", async () => {
  const keyOf = (text: string) => /Sec-WebSocket-Key: (\S+)/.exec(text)?.[1] ?? "";
  const server = (accept: (key: string) => string) =>
    serving((socket, { text }) => {
      if (!/Upgrade: websocket/.test(text)) return socket.write(response("200 OK", "hello"));
      return socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${accept(keyOf(text))}\r\n`,
      );
    });
  const limits = { ...FEW, upgrade: true };
  const good = await server((key) => `Sec-WebSocket-Accept: ${websocketAccept(key)}\r\n`);
  expect(tryOf(await probing(good.address, { limits }), "upgrade")).toMatchObject({ status: 101, failure: null });
  const wrong = await server(() => "Sec-WebSocket-Accept: x\r\n");
  expect(tryOf(await probing(wrong.address, { limits }), "upgrade").failure?.cause).toBe("upgrade-failed");
  const deaf = await serving((socket) => socket.write(response("200 OK", "hello")));
  expect(tryOf(await probing(deaf.address, { limits }), "upgrade")).toMatchObject({
    status: 200,
    failure: { cause: "upgrade-failed", evidence: { detail: "answered 200, not 101" } },
  });
  expect((await probing(deaf.address, { limits: FEW })).http.some(({ what }) => what === "upgrade")).toBe(false);
});

const to = (location: string) => response("302 Found", "", `Location: ${location}\r\n`);

test("a redirect to the same address is a loop, and so is one that comes back", async () => {
  const self = await serving((socket) => socket.write(to("/")));
  const own = await probing(self.address, { limits: FEW });
  expect(own.redirects).toEqual({ urls: [`http://${self.address}/`], loop: true });

  const pair = await serving((socket, { line }) => socket.write(to(line.startsWith("GET / ") ? "/a?x=1#y" : "/")));
  const evidence = await probing(pair.address, { limits: FEW });
  expect(evidence.redirects).toEqual({
    urls: [`http://${pair.address}/a?x=1`, `http://${pair.address}/`],
    loop: true,
  });
  expect(tryOf(evidence, "redirect")).toMatchObject({ status: 302, url: `http://${pair.address}/a?x=1` });
});

test("a host that sets a cookie and redirects to itself gets it back, and is a loop where that changes nothing", async () => {
  const set = (value: string, more = "") =>
    response("302 Found", "", `Location: /\r\nSet-Cookie: seen=${value}; Path=/${more}\r\n`);
  const gate = await serving((socket, { text }) =>
    socket.write(/^cookie: seen=1\r?$/im.test(text) ? response("200 OK", "in") : set("1")),
  );
  const passed = await probing(gate.address, { limits: FEW });
  expect(passed.redirects?.loop).toBe(false);
  expect(tryOf(passed, "redirect")).toMatchObject({ status: 200, excerpt: "in" });
  const same = await serving((socket) => socket.write(set("1")));
  expect((await probing(same.address, { limits: FEW })).redirects?.loop).toBe(true);
  let count = 0;
  const counting = await serving((socket) => socket.write(set(String(++count))));
  expect((await probing(counting.address, { limits: { requestsMax: 12, idleMs: 0 } })).redirects?.loop).toBe(true);
  const secure = await serving((socket, { text }) =>
    socket.write(/^cookie:/im.test(text) ? response("200 OK", "leaked") : set("1", "; Secure")),
  );
  expect((await probing(secure.address, { limits: FEW })).redirects?.loop).toBe(true);
});

test("redirects that never end are a loop after ten steps, or where the requests end", async () => {
  const server = await serving((socket, { line }) =>
    socket.write(to(`/${Number(/\/(\d*)/.exec(line)?.[1] ?? 0) + 1}`)),
  );
  const long = await probing(server.address, { limits: { requestsMax: 24, idleMs: 0 } });
  expect(long.redirects).toMatchObject({ loop: true });
  expect(long.redirects?.urls).toHaveLength(11);
  const short = await probing(server.address, { limits: FEW });
  expect(short.redirects?.loop).toBe(false);
  expect(short.notTested.some(({ check }) => check.startsWith("redirect to"))).toBe(true);
});

test("http leads to https on the same host", async () => {
  const secure = tls.createServer({ ...certificates.good }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => socket.end(response("200 OK", "secure")));
  });
  const [, port] = (await listening(secure)).split(":");
  const plain = await serving((socket) => socket.write(to(`https://localhost:${port}/`)));
  const host = `localhost:${plain.address.split(":")[1]}`;
  const evidence = await probing(plain.address, { target: { host, ca: [certificates.ca] }, limits: FEW });
  expect(evidence.redirects).toEqual({ urls: [`https://localhost:${port}/`], loop: false });
  expect(tryOf(evidence, "redirect")).toMatchObject({ status: 200, excerpt: "secure", address: `127.0.0.1:${port}` });
});

test("another port is another place where redirects stay within their origin", async () => {
  const other = await serving((socket) => socket.write(response("200 OK", "other")));
  const [, port] = other.address.split(":");
  const plain = await serving((socket) => socket.write(to(`http://127.0.0.1:${port}/`)));
  const evidence = await probing(plain.address, { limits: FEW, context: { redirects: "origin" } });
  expect(evidence.redirects).toEqual({ urls: [`http://127.0.0.1:${port}/`], loop: false });
  expect(evidence.http.some(({ what }) => what === "redirect")).toBe(false);
  expect(evidence.notTested.find(({ check }) => check.startsWith("redirect to"))?.reason).toContain("another port");
});

test("other hosts are asked only where that is wanted, origins never leave their address", async () => {
  const other = await serving((socket) => socket.write(response("200 OK", "other")));
  const [, otherPort] = other.address.split(":");
  const server = await serving((socket) => socket.write(to(`http://other.test:${otherPort}/`)));
  const lookup = () => Promise.resolve([{ address: "127.0.0.1" }]);
  const names = { lookup, servers: [] };
  const stays = await probing(server.address, { limits: FEW });
  expect(stays.notTested).toContainEqual(expect.objectContaining({ reason: "it leads to another host" }));
  const goes = await probing(server.address, { limits: FEW, context: { redirects: true, names } });
  expect(tryOf(goes, "redirect")).toMatchObject({
    status: 200,
    excerpt: "other",
    url: `http://other.test:${otherPort}/`,
  });
  const origin = await probing(server.address, {
    target: { role: "origin" },
    limits: FEW,
    context: { redirects: true, names },
  });
  expect(origin.http.some(({ what }) => what === "redirect")).toBe(false);
  expect(origin.redirects?.urls).toEqual([`http://other.test:${otherPort}/`]);
  expect(other.requests).toHaveLength(1);
});

test.each([
  ["ftp://files.example/", "it leads to ftp:, not to HTTP"],
  ["http://[broken", "its Location “http://[broken” is no URL"],
  ["http://169.254.169.254/latest/", "169.254.169.254 leads to 169.254.169.254, an address that is not asked"],
  ["http://[fe80::1]/", "fe80::1 leads to fe80::1, an address that is not asked"],
])("a redirect to %s is not followed", async (location, reason) => {
  const server = await serving((socket) => socket.write(to(location)));
  const { http, notTested } = await probing(server.address, { limits: FEW, context: { redirects: true } });
  expect(http.some(({ what }) => what === "redirect")).toBe(false);
  expect(notTested).toContainEqual(expect.objectContaining({ reason }));
});

test("addresses that redirects never lead to", () => {
  const never = ["169.254.169.254", "169.254.1.1", "::ffff:169.254.169.254", "fe80::1", "fd00:ec2::254", "nonsense"];
  expect(never.filter((ip) => !isForbidden(ip))).toEqual([]);
  expect(["127.0.0.1", "192.0.2.1", "2001:db8::1", "::1"].filter(isForbidden)).toEqual([]);
});

test("everything is closed when the probe is over", async () => {
  const open = new Set<net.Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.on("data", () => socket.write(response("200 OK", "hello")));
  });
  const { http } = await probing(await listening(server), { limits: { idleMs: 50 } });
  expect(http.length).toBeGreaterThan(5);
  await expect.poll(() => open.size).toBe(0);
});

test("where Cloudflare is the edge its trace is asked for, and nowhere else", async () => {
  const server = (fields: string) => serving((socket) => socket.write(response("200 OK", "hello", fields)));
  const edge = await server("Server: cloudflare\r\nCF-RAY: 8a1b2c3d4e5f6789-FRA\r\n");
  const { http } = await probing(edge.address, { limits: FEW });
  expect(http.filter(({ what }) => what === "trace").map(({ url }) => url)).toEqual([
    `http://${edge.address}/cdn-cgi/trace`,
  ]);
  const other = await server("Server: nginx\r\n");
  await probing(other.address, { limits: FEW });
  expect(other.requests.some(({ line }) => line.includes("cdn-cgi"))).toBe(false);
});
