// Fields on their way through, byte by byte: what belongs to one connection stays there (RFC 9110 §7.6.1), what the
// gateway says of itself and of the client is its own word, everything else passes as it came.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { exchange, pause, RawClient, type RunningGateway, startGateway } from "./harness.ts";
import { type RawUpstream, rawResponse, startRawUpstream } from "./raw-upstream.ts";

let upstream: RawUpstream;
/** The response to the next requests, as bytes. */
let answer = rawResponse("ok");
/** Trusts nobody; its name stands in Via and Proxy-Status. */
let plain: RunningGateway;
/** Believes proxies on this machine. */
let trusting: RunningGateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => answer);
  const upstreams = {
    app: upstream.address,
    named: { endpoints: [upstream.address], host: "app.internal:81" },
    own: { endpoints: [upstream.address], host: "endpoint" },
  };
  const headers = {
    request: {
      headers: {
        remove: ["X-Gone"],
        set: { "X-Set": "{client.ip} {request.header.X-In}", "X-Forwarded-Proto": "https" },
        add: { "X-Add": ["1", "2"] },
      },
    },
    response: {
      headers: {
        remove: ["Server"],
        set: { "X-Frame-Options": "DENY", "X-Status": "{status}" },
        add: { Vary: "Origin" },
      },
    },
  };
  const routes = [
    { path: "/named", proxy: "named" },
    { path: "/own", proxy: "own" },
    { path: "/ops", proxy: "app", ...headers },
    { path: "/ip", respond: "{client.ip}" },
    { path: "/no-upgrade", proxy: "app", upgrade: false },
    { path: "/", proxy: "app" },
  ];
  plain = await startGateway({ name: "edge", upstreams, routes });
  trusting = await startGateway({ upstreams, routes, trust: ["127.0.0.0/8"] });
});

beforeEach(() => {
  answer = rawResponse("ok");
  upstream.requests.length = 0;
});

afterAll(async () => {
  await plain?.stop("SIGKILL");
  await trusting?.stop("SIGKILL");
  await upstream?.close();
});

interface Received {
  readonly line: string;
  /** As they came, without those of the gateway itself. */
  readonly passed: string[];
  /** X-Forwarded-*, Forwarded, Via, X-Request-Id: lower-case name → value. */
  readonly own: ReadonlyMap<string, string>;
}

const OWN = /^(?:x-forwarded-(?:for|proto|host)|forwarded|via|x-request-id)$/i;

/** Sends a request and returns what the upstream got. */
async function through(request: string, gateway = plain): Promise<Received> {
  const response = await exchange(gateway.port, request);
  expect(response.status, response.body.toString()).toBe(200);
  return received(upstream.requests.at(-1) ?? "");
}

function received(request: string): Received {
  const [line = "", ...lines] = request.slice(0, request.indexOf("\r\n\r\n")).split("\r\n");
  const passed: string[] = [];
  const own = new Map<string, string>();
  for (const field of lines) {
    const [name = "", value = ""] = field.split(/: (.*)/s);
    if (!OWN.test(name)) passed.push(field);
    else if (own.has(name.toLowerCase())) throw new Error(`two fields ${name}: ${request}`);
    else own.set(name.toLowerCase(), value);
  }
  return { line, passed, own };
}

const get = (fields = "", path = "/"): string => `GET ${path} HTTP/1.1\r\nHost: shop.test\r\n${fields}\r\n`;

test("order, case and duplicates of ordinary fields stay; whitespace around values is none of them", async () => {
  const { line, passed } = await through(
    get("accept: */*\r\nX-ODD-Case:   two  words \t\r\nCookie: a=1\r\ncookie: b=2\r\nX-Empty:\r\nPragma: no-cache\r\n"),
  );
  expect(line).toBe("GET / HTTP/1.1");
  expect(passed.map((field) => field.replace(/: +/, ": ").trimEnd())).toEqual([
    "Host: shop.test",
    "accept: */*",
    "X-ODD-Case: two  words",
    "Cookie: a=1",
    "cookie: b=2",
    "X-Empty:",
    "Pragma: no-cache",
  ]);
});

test("a head with bare LF goes out with CRLF", async () => {
  await through("GET / HTTP/1.1\nHost: shop.test\nX-A: b\n\n");
  expect(upstream.requests.at(-1)).not.toMatch(/(?<!\r)\n/);
  expect(received(upstream.requests.at(-1)!).passed).toEqual(["Host: shop.test", "X-A: b"]);
});

test("fields of the client's connection stay here", async () => {
  const { passed } = await through(
    get(
      "Connection: keep-alive, X-Private , x-SECOND\r\nConnection: X-Third\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: trailers, gzip;q=0.5\r\nUpgrade: websocket\r\nX-Private: 1\r\nX-Second: 2\r\nx-third: 3\r\nX-Fourth: 4\r\n",
    ),
  );
  expect(passed).toEqual(["Host: shop.test", "X-Fourth: 4"]);
});

test("Connection cannot take the gateway's own words or the routing away (CVE-2024-45410)", async () => {
  const names =
    "Host, X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, Forwarded, Via, X-Request-Id, X-Real-IP, Content-Length, close";
  const { passed, own } = await through(
    `POST / HTTP/1.1\r\nHost: shop.test\r\nConnection: ${names}\r\nX-Real-IP: 1.2.3.4\r\nContent-Length: 2\r\n\r\nhi`,
  );
  expect(passed).toContain("Host: shop.test");
  expect(passed).toContain("Content-Length: 2");
  expect([...own.keys()].sort()).toEqual([
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
  ]);
});

test("what an unknown client claims of itself is replaced", async () => {
  const { own } = await through(
    get(
      "X-Forwarded-For: 6.6.6.6\r\nx-forwarded-for: 7.7.7.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.test\r\nForwarded: for=6.6.6.6;proto=https\r\nVia: 1.1 first\r\n",
    ),
  );
  expect(own.get("x-forwarded-for")).toBe("127.0.0.1");
  expect(own.get("x-forwarded-proto")).toBe("http");
  expect(own.get("x-forwarded-host")).toBe("shop.test");
  expect(own.get("forwarded")).toBe("for=127.0.0.1;host=shop.test;proto=http");
  // RFC 9110 §7.6.3: Via is appended to, whoever sent it.
  expect(own.get("via")).toBe("1.1 first, 1.1 edge");
});

test("no field of the X-Forwarded family and no X-Real-IP comes through from an unknown client", async () => {
  // send-request.ts: "What a client claims about itself (X-Forwarded-*, Forwarded) goes on only from trusted proxies";
  // applications and frameworks read Port, Prefix, Server and Ssl of the family, and X-Real-IP, like the others.
  const { passed } = await through(
    get(
      "X-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /x\r\nX-Forwarded-Server: y\r\nX-Forwarded-Ssl: on\r\nX-Real-IP: 6.6.6.6\r\n",
    ),
  );
  expect(passed).toEqual(["Host: shop.test"]);
});

test("what a trusted proxy says is continued", async () => {
  const { own } = await through(
    get(
      "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: www.test\r\nForwarded: for=6.6.6.6;proto=https\r\n",
    ),
    trusting,
  );
  expect(own.get("x-forwarded-for")).toBe("6.6.6.6, 10.0.0.1, 127.0.0.1");
  expect(own.get("x-forwarded-proto")).toBe("https");
  expect(own.get("x-forwarded-host")).toBe("www.test");
  expect(own.get("forwarded")).toBe("for=6.6.6.6;proto=https, for=127.0.0.1;host=shop.test;proto=http");
});

test("client.ip is the nearest address that no trusted proxy has", async () => {
  const ip = async (fields: string, gateway: RunningGateway) =>
    (await exchange(gateway.port, get(fields, "/ip"))).body.toString();
  const claims = "X-Forwarded-For: 1.1.1.1, 6.6.6.6\r\nX-Forwarded-For: 127.0.0.9\r\n";
  expect(await ip(claims, plain)).toBe("127.0.0.1");
  // 1.1.1.1 is what 6.6.6.6 says of itself: anybody can write that.
  expect(await ip(claims, trusting)).toBe("6.6.6.6");
  expect(await ip("X-Forwarded-For: nonsense, ,\r\n", trusting)).toBe("127.0.0.1");
});

test("an X-Request-Id that is fit for a log is kept, another is replaced, none is made", async () => {
  const id = async (fields: string) => (await through(get(fields))).own.get("x-request-id") ?? "";
  expect(await id("X-Request-Id: 01J-abc.DEF:7/x+y=\r\n")).toBe("01J-abc.DEF:7/x+y=");
  for (const unfit of [
    "",
    "X-Request-Id:\r\n",
    "X-Request-Id: a b\r\n",
    'X-Request-Id: "><script>\r\n',
    `X-Request-Id: ${"a".repeat(200)}\r\n`,
    "X-Request-Id: \xe4\r\n",
  ]) {
    expect(await id(unfit)).toMatch(/^[0-9a-f]{32}$/);
  }
  expect(await id("x-request-id: one\r\nX-Request-Id: two\r\n")).toMatch(/^(?:one|[0-9a-f]{32})$/);
});

test("Via says which version the request came in", async () => {
  const { line, own, passed } = await through("GET / HTTP/1.0\r\n\r\n");
  expect(line).toBe("GET / HTTP/1.1");
  expect(own.get("via")).toBe("1.0 edge");
  // RFC 9112 §3.2: a request in HTTP/1.1 has a Host, also where the client sent none.
  expect(passed).toEqual([`Host: ${upstream.address}`]);
  expect(own.has("x-forwarded-host")).toBe(false);
});

test("Host: the client's, the endpoint's, a name of the configuration's", async () => {
  expect((await through(get("", "/named"))).passed).toEqual(["Host: app.internal:81"]);
  expect((await through(get("", "/own"))).passed).toEqual([`Host: ${upstream.address}`]);
  const { passed, own } = await through("GET http://Other.Test:80/x?y HTTP/1.1\r\nHost: shop.test\r\n\r\n");
  // RFC 9112 §3.2.2: Host is ignored for what the absolute form says.
  expect(passed).toEqual(["Host: Other.Test:80"]);
  expect(own.get("x-forwarded-host")).toBe("Other.Test:80");
});

test("an IPv6 client: bare in X-Forwarded-For, bracketed and quoted in Forwarded (RFC 7239 §6)", async (context) => {
  const gateway = await startGateway({ listen: ["[::1]:0"], upstreams: { app: upstream.address } }).catch(() => null);
  if (!gateway) return context.skip("no IPv6 here");
  const client = new RawClient(gateway.port, "::1");
  try {
    client.send("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n");
    await client.response();
    const { own } = received(upstream.requests.at(-1)!);
    expect(own.get("x-forwarded-for")).toBe("::1");
    expect(own.get("forwarded")).toBe('for="[::1]";host="[::1]:8080";proto=http');
  } finally {
    client.close();
    await gateway.stop("SIGKILL");
  }
});

test("Max-Forwards counts down for OPTIONS, and is no business of ours for others (RFC 9110 §7.6.2)", async () => {
  expect((await through("OPTIONS / HTTP/1.1\r\nHost: shop.test\r\nMax-Forwards: 3\r\n\r\n")).passed).toEqual([
    "Host: shop.test",
    "Max-Forwards: 2",
  ]);
  expect((await through(get("Max-Forwards: 0\r\n"))).passed).toContain("Max-Forwards: 0");
});

test("operations of a route: remove, set, add", async () => {
  answer = rawResponse("ok", "Server: app/1\r\nx-frame-options: SAMEORIGIN\r\nVary: Accept\r\n");
  const response = await exchange(plain.port, get("x-gone: 1\r\nx-set: theirs\r\nX-Add: 0\r\nX-In: in\r\n", "/ops"));
  expect(upstream.requests.at(-1)).toMatch(/\r\nX-Set: 127\.0\.0\.1 in\r\n/);
  const { passed, own } = received(upstream.requests.at(-1)!);
  expect(passed).toEqual(["Host: shop.test", "X-Add: 0", "X-In: in", "X-Set: 127.0.0.1 in", "X-Add: 1", "X-Add: 2"]);
  // One that is set replaces ours too: behind a balancer that ends TLS this is how an application is told "https".
  expect(own.get("x-forwarded-proto")).toBe("https");
  expect(
    response.head
      .split("\r\n")
      .slice(1)
      .filter((field) => !field.startsWith("Date:")),
  ).toEqual(expect.arrayContaining(["Vary: Accept", "X-Frame-Options: DENY", "X-Status: 200", "Vary: Origin"]));
  expect(response.head).not.toMatch(/server:|SAMEORIGIN/i);
});

test("fields of the upstream's connection stay there; the others pass in order and case", async () => {
  answer =
    "HTTP/1.1 200 Fine By Me\r\nserver: app\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nProxy-Connection: x\r\n" +
    "Set-Cookie: a=1\r\nset-cookie: b=2\r\nUpgrade: h2c\r\nDATE: Sat, 21 Nov 2026 10:00:00 GMT\r\nProxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nok";
  const response = await exchange(plain.port, get());
  expect(response.head.split("\r\n")).toEqual([
    "HTTP/1.1 200 Fine By Me",
    "server: app",
    "Set-Cookie: a=1",
    "set-cookie: b=2",
    "DATE: Sat, 21 Nov 2026 10:00:00 GMT",
    "Proxy-Authenticate: Basic",
    "Content-Length: 2",
  ]);
});

test("a Date is added where the upstream has none (RFC 9110 §6.6.1); nothing else is", async () => {
  const response = await exchange(plain.port, get());
  expect([...response.fields.keys()].sort()).toEqual(["content-length", "date"]);
});

test("Connection of a response cannot take its framing away", async () => {
  answer = rawResponse("ok", "Connection: Content-Length, Date\r\n");
  const response = await exchange(plain.port, get());
  expect(response.fields.get("content-length")).toBe("2");
  expect(response.whole).toBe(true);
});

test("an error of the application passes as it is, Proxy-Status included", async () => {
  answer = rawResponse(
    "down",
    "Proxy-Status: inner; error=connection_timeout\r\nRetry-After: 7\r\n",
    "503 Application Says No",
  );
  const response = await exchange(plain.port, get("X-Request-Id: passthrough-1\r\n"));
  expect(response.head.split("\r\n")[0]).toBe("HTTP/1.1 503 Application Says No");
  expect(response.fields.get("proxy-status")).toBe("inner; error=connection_timeout");
  expect(response.fields.get("retry-after")).toBe("7");
  expect(response.body.toString()).toBe("down");
  expect(await plain.entryOf("passthrough-1")).toMatchObject({ status: 503, cause: "upstream-error-passthrough" });
});

test("Upgrade goes on only with Connection, only where the route lets it, and as it was offered", async () => {
  const upgrade = "Connection: Upgrade\r\nUpgrade: websocket, chat/2\r\nSec-WebSocket-Version: 13\r\n";
  expect((await through(get(upgrade))).passed).toEqual(
    expect.arrayContaining(["Connection: upgrade", "Upgrade: websocket, chat/2", "Sec-WebSocket-Version: 13"]),
  );
  expect((await through(get(upgrade, "/no-upgrade"))).passed).toEqual(["Host: shop.test", "Sec-WebSocket-Version: 13"]);
  expect((await through(`GET / HTTP/1.0\r\nHost: shop.test\r\n${upgrade}\r\n`)).passed.join()).not.toMatch(/upgrade/i);
});

test("a tunnel carries what follows 101, both ways, and nothing before it", async () => {
  answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi";
  const client = new RawClient(plain.port);
  client.send(`${get("Connection: Upgrade\r\nUpgrade: websocket\r\n", "/tunnel")}early`);
  const response = await client.response();
  expect(response.status).toBe(101);
  expect(response.fields.get("upgrade")).toBe("websocket");
  expect(response.fields.get("connection")).toBe("upgrade");
  client.send("\0\xff");
  await pause(100);
  expect(client.text).toBe("\x81\x02hi");
  expect(upstream.received.some((bytes) => bytes.endsWith("\r\n\r\nearly\0\xff"))).toBe(true);
  client.close();
});

test.each([
  ["X-Forwarded-For: 1.2.3.4, 10.0.0.5", "1.2.3.4"],
  ["X-Forwarded-For: 9.9.9.9, 1.2.3.4, 10.0.0.5", "1.2.3.4"],
  ["X-Forwarded-For: 10.0.0.7", "10.0.0.7"],
  ["X-Forwarded-For: unknown, 10.1.1.1", "127.0.0.1"],
  ['Forwarded: for="[2001:db8::1]:443";proto=https, for=10.2.3.4', "2001:db8::1"],
  ["Forwarded: for=unknown", "127.0.0.1"],
  ["Forwarded: ,,,", "127.0.0.1"],
  ["X-Other: 1", "127.0.0.1"],
])("the client is the last address that trusted proxies name and that is not theirs: %s", async (field, client) => {
  const routes = [{ path: "/", respond: { status: 200, body: "{client.ip}" } }];
  const gateway = await startGateway({ routes, trust: ["127.0.0.0/8", "10.0.0.0/8"] });
  try {
    const response = await exchange(gateway.port, `GET / HTTP/1.1\r\nHost: h\r\n${field}\r\n\r\n`);
    expect(response.body.toString()).toBe(client);
  } finally {
    await gateway.stop("SIGKILL");
  }
});
