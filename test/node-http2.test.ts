// goodgate/node behind node:http2's compatibility API, and WebSocket upgrades.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createSecureServer,
  createServer,
  type IncomingHttpHeaders,
} from "node:http2";
import { get } from "node:https";
import type { Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { makeSelfSigned } from "../src/lab/certificates.ts";
import { type Lab, startLab } from "../src/lab/server.ts";
import type { ProxyTarget } from "../src/node/public.ts";
import { RawClient, until } from "./harness.ts";
import { away, Cleanup } from "./node-server.ts";
import { headFrom, startOrigin } from "./origin.ts";
import { startRawUpstream } from "./raw-upstream.ts";

let lab: Lab;
const cleanup = new Cleanup();

beforeAll(async () => {
  lab = await startLab();
});
afterAll(async () => {
  await lab?.close();
});
afterEach(async () => {
  lab.clear();
  await cleanup.run();
});

describe("HTTP/2", () => {
  async function session(target: ProxyTarget): Promise<ClientHttp2Session> {
    const server = createServer(cleanup.proxy(target));
    const port = await cleanup.listen(server as unknown as Parameters<Cleanup["listen"]>[0]);
    const client = connect(`http://127.0.0.1:${port}`);
    cleanup.add(() => client.destroy());
    return client;
  }

  interface Answer {
    readonly headers: IncomingHttpHeaders;
    readonly body: string;
    readonly trailers: IncomingHttpHeaders;
    readonly interims: IncomingHttpHeaders[];
    readonly code: number;
  }

  function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
    return new Promise((resolve) => {
      let headers: IncomingHttpHeaders = {};
      let trailers: IncomingHttpHeaders = {};
      let body = "";
      const interims: IncomingHttpHeaders[] = [];
      stream.on("response", (given) => (headers = given));
      stream.on("headers", (given) => interims.push(given));
      stream.on("trailers", (given) => (trailers = given));
      stream.on("data", (chunk: Buffer) => (body += chunk.toString("latin1")));
      // The code says it.
      stream.on("error", () => {});
      stream.on("close", () => resolve({ headers, body, trailers, interims, code: stream.rstCode }));
    });
  }

  test("requests and responses pass, without what belongs to the other version", async () => {
    const client = await session(lab.url);
    const got = await answerOf(client.request({ ":path": "/lab/echo?x", cookie: ["a=1", "b=2"], "x-one": "1" }));
    expect(got.headers).toMatchObject({ ":status": 200, "content-type": "application/json" });
    const echo = JSON.parse(got.body) as {
      method: string;
      target: string;
      version: string;
      headers: [string, string][];
    };
    expect(echo).toMatchObject({ method: "GET", target: "/lab/echo?x", version: "1.1" });
    const names = echo.headers.map(([name]) => name.toLowerCase());
    expect(names.filter((name) => name.startsWith(":") || name === "connection")).toEqual([]);
    expect(echo.headers).toEqual(
      expect.arrayContaining([
        ["cookie", "a=1; b=2"],
        ["x-one", "1"],
      ]),
    );
    expect(lab.deliveries[0]!.oddities).toEqual([]);
  });

  test("bodies without a length, trailers, HEAD, 204", async () => {
    const client = await session(lab.url);
    const post = client.request({ ":method": "POST", ":path": "/lab/echo" });
    post.write("abc");
    post.end("def");
    const posted = await answerOf(post);
    expect(JSON.parse(posted.body)).toMatchObject({ body: { bytes: 6, complete: true } });
    const trailed = await answerOf(client.request({ ":path": "/lab/bytes?n=5&trailers" }));
    expect([trailed.body.length, trailed.trailers["x-bytes"]]).toEqual([5, "5"]);
    const head = await answerOf(client.request({ ":method": "HEAD", ":path": "/lab/bytes?n=7" }));
    expect([head.headers["content-length"], head.body]).toEqual(["7", ""]);
    expect((await answerOf(client.request({ ":path": "/lab/status/204" }))).headers[":status"]).toBe(204);
  });

  test("fields of the connection and the words of the status line are left out; hints go on", async () => {
    const upstream = await startRawUpstream(
      () =>
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 Fine\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    );
    cleanup.add(() => upstream.close());
    const { headers, body, interims, code } = await answerOf(
      (await session(upstream.address)).request({ ":path": "/" }),
    );
    expect(interims.map((one) => one[":status"])).toEqual([103]);
    expect(headers).toMatchObject({ ":status": 200, "set-cookie": ["a=1", "b=2"] });
    expect(Object.keys(headers)).not.toContain("keep-alive");
    expect([body, code]).toEqual(["ok", 0]);
  });

  test("over TLS, in both versions, the upstream is told so", async () => {
    const { cert, key } = makeSelfSigned("localhost", ["localhost"], { from: -1, to: 1 });
    const server = createSecureServer({ cert, key, allowHTTP1: true }, cleanup.proxy(lab.url));
    const port = await cleanup.listen(server as unknown as Parameters<Cleanup["listen"]>[0]);
    const client = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    cleanup.add(() => client.destroy());
    const modern = await answerOf(client.request({ ":path": "/lab/echo" }));
    const plain = await new Promise<string>((resolve) => {
      get({ port, host: "127.0.0.1", path: "/lab/echo", rejectUnauthorized: false, agent: false }, (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString())).on("end", () => resolve(text));
      });
    });
    for (const text of [modern.body, plain]) {
      const { headers } = JSON.parse(text) as { headers: [string, string][] };
      expect(headers).toEqual(
        expect.arrayContaining([
          ["X-Forwarded-Proto", "https"],
          ["X-Forwarded-For", "127.0.0.1"],
        ]),
      );
    }
  });

  test("failures have their names, a cut body is a reset stream, and an abort goes through", async () => {
    const refused = await session(await away());
    const { headers } = await answerOf(refused.request({ ":path": "/" }));
    expect(headers).toMatchObject({ ":status": 502, "proxy-status": expect.stringContaining("connection_refused") });
    const client = await session(lab.url);
    lab.next("short-body", 1);
    expect((await answerOf(client.request({ ":path": "/" }))).code).not.toBe(0);
    const leaving = client.request({ ":path": "/lab/slow?ms=60000" });
    const left = answerOf(leaving);
    await until(
      () => lab.deliveriesOf("/lab/slow").length === 1,
      5000,
      () => "nothing arrived",
    );
    leaving.close();
    await left;
    await until(
      () => lab.deliveriesOf("/lab/slow")[0]!.peerLeftAt !== null,
      5000,
      () => "not cancelled",
    );
  });
});

describe("upgrade", () => {
  const HANDSHAKE =
    "Host: shop.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

  /** An upstream that agrees and then sends everything back. */
  async function echoing(): Promise<{ address: string; heads: string[]; sockets: readonly Socket[] }> {
    const heads: string[] = [];
    const origin = await startOrigin((socket) => {
      void headFrom(socket).then((head) => {
        heads.push(head);
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        const early = head.slice(head.indexOf("\r\n\r\n") + 4);
        if (early !== "") socket.write(early, "latin1");
        socket.pipe(socket);
      });
    });
    cleanup.add(() => origin.close());
    return { address: origin.address, heads, sockets: origin.sockets };
  }

  test("bytes pass both ways, early ones first, and each end's end reaches the other", async () => {
    const upstream = await echoing();
    const proxy = cleanup.proxy(upstream.address);
    const { port, server } = await cleanup.serve(proxy);
    server.on("upgrade", proxy.upgrade);
    const client = new RawClient(port);
    client.send(`GET /chat HTTP/1.1\r\n${HANDSHAKE}early`);
    expect((await client.response()).status).toBe(101);
    client.send(" and late");
    await until(
      () => client.text === "early and late",
      5000,
      () => client.text,
    );
    expect(upstream.heads[0]).toMatch(/^GET \/chat HTTP\/1\.1\r\n[\s\S]*Connection: upgrade\r\nUpgrade: websocket\r\n/);
    expect(upstream.heads[0]).toContain("X-Forwarded-For: 127.0.0.1\r\n");
    client.socket.end();
    await client.closed;
    expect(client.ending).toBe("fin");
  });

  test("a refusal is passed on, and the connection is no way past the application", async () => {
    const upstream = await startRawUpstream(() => "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
    cleanup.add(() => upstream.close());
    const proxy = cleanup.proxy(upstream.address);
    const { port, server } = await cleanup.serve((_request, response) => response.end("the application"));
    server.on("upgrade", proxy.upgrade);
    const client = new RawClient(port);
    client.send(`GET /chat HTTP/1.1\r\n${HANDSHAKE}GET /second HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(await client.response()).toMatchObject({ status: 403 });
    await client.closed;
    expect(client.text).toBe("");
    expect(upstream.requests.join()).not.toContain("/second");
  });

  test("failures are answered by name", async () => {
    const proxy = cleanup.proxy(await away());
    const { port, server } = await cleanup.serve(proxy);
    server.on("upgrade", proxy.upgrade);
    const client = new RawClient(port);
    client.send(`GET /chat HTTP/1.1\r\n${HANDSHAKE}`);
    const { status, fields } = await client.response();
    expect([status, fields.get("proxy-status")]).toEqual([502, expect.stringContaining("connection_refused")]);
    client.close();
  });

  test("what no route takes is left to the server's other listeners", async () => {
    const upstream = await echoing();
    const proxy = cleanup.proxy({ upstreams: { app: upstream.address }, routes: [{ path: "/chat/*", proxy: "app" }] });
    const { port, server } = await cleanup.serve(proxy);
    server.on("upgrade", proxy.upgrade);
    const alone = new RawClient(port);
    alone.send(`GET /hmr HTTP/1.1\r\n${HANDSHAKE}`);
    expect((await alone.response()).status).toBe(404);
    alone.close();
    server.on("upgrade", (request, socket) => {
      if (request.url === "/hmr") socket.end("HTTP/1.1 200 Mine\r\nContent-Length: 0\r\n\r\n");
    });
    const other = new RawClient(port);
    other.send(`GET /hmr HTTP/1.1\r\n${HANDSHAKE}`);
    expect((await other.response()).head).toContain("200 Mine");
    other.close();
    const ours = new RawClient(port);
    ours.send(`GET /chat/1 HTTP/1.1\r\n${HANDSHAKE}`);
    expect((await ours.response()).status).toBe(101);
    ours.close();
  });
});
