// The cache of virtual servers, from the outside: what a client gets, what the upstream is asked, what is on disk; and
// that nothing of it goes wrong where the disk, the upstream or the client does.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { good } from "../src/nginx/lower/proxy.fixture.ts";
import { Gateway } from "../src/proxy/gateway.ts";
import { exchange, RawClient, type RawResponse, until } from "./harness.ts";
import { lastingPort } from "./held.ts";
import { type RawUpstream, rawResponse, startRawUpstream } from "./raw-upstream.ts";

const WAIT_MS = 8_000;
const observer = { exchangeEnded() {}, upstreamEvent() {} };
const log = { info() {}, warn() {}, error() {} };

let folder = "";
let upstream: RawUpstream;
let answer: (request: string, socket: Socket) => string | null;
const gateways: Gateway[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-cache-"));
  answer = () => rawResponse("hello", "Cache-Control: max-age=60\r\n");
  upstream = await startRawUpstream((request, socket) => answer(request, socket));
});

afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close();
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

const confOf = (port: number, lines: string, zone = ""): string => `
  proxy_cache_path ${folder}/cache levels=1:2 keys_zone=z:1m ${zone};
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://${upstream.address}; proxy_cache z; proxy_cache_key $uri; ${lines}
      add_header X-Cache $upstream_cache_status always;
    }
  }`;

/** A gateway with these lines in its location; its port. */
async function start(lines = "", zone = ""): Promise<number> {
  const port = await lastingPort();
  const gateway = new Gateway(good(confOf(port, lines, zone)), observer, log);
  gateways.push(gateway);
  await gateway.start();
  return port;
}

const get = (port: number, path: string, fields = "", method = "GET"): Promise<RawResponse> =>
  exchange(port, `${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`);

const stateOf = (response: RawResponse): string => response.fields.get("x-cache") ?? "";
const asked = (path: string): number => upstream.requests.filter((request) => request.includes(` ${path} `)).length;

/** Files below the cache's folder. */
function files(): string[] {
  if (!existsSync(join(folder, "cache"))) return [];
  return readdirSync(join(folder, "cache"), { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name));
}

/** Responses are seen whole before their files are. */
async function firstFile(): Promise<string> {
  return until(
    () => files().find((file) => !file.includes(".")),
    WAIT_MS,
    () => "no file",
  );
}

test("asked once, then given from the file that has the key in it", async () => {
  const port = await start();
  const [first, second] = [await get(port, "/a"), await get(port, "/a")];
  expect([stateOf(first), stateOf(second)]).toEqual(["MISS", "HIT"]);
  expect(second.body.toString()).toBe("hello");
  expect(second.fields.get("content-length")).toBe("5");
  expect(asked("/a")).toBe(1);
  const file = await firstFile();
  expect(readFileSync(file, "latin1")).toMatch(/\nKEY: \/a\nHTTP\/1\.1 200 OK\r\n(?:.+\r\n)*\r\nhello$/);
  expect(file).toMatch(/\/cache\/[0-9a-f]\/[0-9a-f]{2}\/[0-9a-f]{32}$/);
});

test("bodies larger than all buffers, in chunks, and parts of them", async () => {
  const body = Array.from({ length: 60_000 }, (_, k) => `${k};`.padStart(8, "-")).join("");
  answer = () => {
    const chunks = [body.slice(0, 300_000), body.slice(300_000)].map(
      (part) => `${part.length.toString(16)}\r\n${part}`,
    );
    return `HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n${chunks.join("\r\n")}\r\n0\r\n\r\n`;
  };
  const port = await start();
  expect((await get(port, "/chunked")).body.toString() === body).toBe(true);
  const cached = await get(port, "/chunked");
  expect([stateOf(cached), cached.body.toString() === body, cached.whole]).toEqual(["HIT", true, true]);

  answer = () => rawResponse(body, "Cache-Control: max-age=60\r\nAccept-Ranges: bytes\r\n");
  expect((await get(port, "/known")).body.length).toBe(body.length);
  const part = await get(port, "/known", "Range: bytes=100000-399999\r\n");
  expect([part.status, stateOf(part)]).toEqual([206, "HIT"]);
  expect(part.body.toString() === body.slice(100_000, 400_000)).toBe(true);
  const several = await get(port, "/known", "Range: bytes=0-1,479998-\r\n");
  expect(several.fields.get("content-type")).toContain("multipart/byteranges");
});

test("conditions are looked at here: the upstream is asked for the whole response", async () => {
  answer = () => rawResponse("hello", 'Cache-Control: max-age=60\r\nETag: "x"\r\n');
  const port = await start();
  const fields = 'If-None-Match: "x"\r\nRange: bytes=0-1\r\nIf-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT\r\n';
  expect((await get(port, "/a", 'If-None-Match: "x"\r\n')).status).toBe(304);
  expect(upstream.requests[0]).not.toMatch(/if-none-match/i);
  await get(port, "/b", fields);
  expect(upstream.requests[1]).not.toMatch(/if-none-match|range|if-modified/i);
  expect(stateOf(await get(port, "/a"))).toBe("HIT");
  expect((await get(port, "/a", 'If-Match: "y"\r\n')).status).toBe(412);
});

test("HEAD is asked for as GET, and kept as what a GET gets", async () => {
  const port = await start();
  expect((await get(port, "/a", "", "HEAD")).fields.get("content-length")).toBe("5");
  expect(upstream.requests[0]).toMatch(/^GET /);
  expect((await get(port, "/a")).body.toString()).toBe("hello");
  expect(asked("/a")).toBe(1);
});

test("a response that is cut is not kept", async () => {
  answer = (_, socket) => {
    socket.end("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 100\r\n\r\nhalf of it");
    return null;
  };
  const port = await start();
  expect((await get(port, "/a")).whole).toBe(false);
  answer = () => rawResponse("hello", "Cache-Control: max-age=60\r\n");
  expect(stateOf(await get(port, "/a"))).toBe("MISS");
  expect(stateOf(await get(port, "/a"))).toBe("HIT");
  expect(files()).toHaveLength(1);
});

test("a client that leaves: what it asked for is kept all the same", async () => {
  let socket: Socket | null = null;
  answer = (_, from) => {
    socket = from;
    return "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\nhello";
  };
  const port = await start();
  const client = new RawClient(port);
  client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  await until(
    () => client.text.endsWith("hello"),
    WAIT_MS,
    () => client.text,
  );
  client.close();
  const [gateway] = gateways;
  await until(
    () => gateway!.connections.size === 0,
    WAIT_MS,
    () => "the client is still there",
  );
  socket!.write("again");
  await firstFile();
  const cached = await get(port, "/a");
  expect([stateOf(cached), cached.body.toString()]).toEqual(["HIT", "helloagain"]);
});

test("files that are cut, foreign or unreadable are fetched anew", async () => {
  const port = await start();
  await get(port, "/a");
  const file = await firstFile();
  for (const spoil of [
    () => truncateSync(file, statSync(file).size - 1),
    () => writeFileSync(file, "what another program wrote"),
    () => {
      rmSync(file);
      mkdirSync(file);
      // A folder that cannot be replaced: nothing is kept, everything is answered.
    },
  ]) {
    await until(
      () => readFileSync(file, "latin1").endsWith("\r\n\r\nhello"),
      WAIT_MS,
      () => "it is not there again",
    );
    spoil();
    expect(stateOf(await get(port, "/a"))).toBe("MISS");
  }
  expect((await get(port, "/a")).body.toString()).toBe("hello");
  rmSync(file, { recursive: true });
  await get(port, "/a");
  expect(stateOf(await get(port, "/a"))).toBe("HIT");
});

test("a folder that cannot be written to", async () => {
  writeFileSync(join(folder, "cache"), "a file");
  const port = await start();
  for (let k = 0; k < 3; k++) {
    const response = await get(port, "/a");
    expect([stateOf(response), response.body.toString()]).toEqual(["MISS", "hello"]);
  }
});

test("workers share the folder, and a new program finds what is there", async () => {
  const [one, two] = [await start(), await start()];
  await get(one, "/a");
  await firstFile();
  expect(stateOf(await get(two, "/a"))).toBe("HIT");
  const three = await start();
  expect(stateOf(await get(three, "/a"))).toBe("HIT");
  expect(asked("/a")).toBe(1);
});

test("many at once: one asks, the others wait for it", async () => {
  const sockets: Socket[] = [];
  answer = (_, socket) => {
    sockets.push(socket);
    return null;
  };
  const port = await start("proxy_cache_lock on; proxy_cache_lock_timeout 60s; proxy_cache_lock_age 60s;");
  const all = Array.from({ length: 10 }, () => get(port, "/a"));
  await until(
    () => sockets[0],
    WAIT_MS,
    () => "nobody asks",
  );
  sockets[0]!.write(rawResponse("hello", "Cache-Control: max-age=60\r\n"));
  const responses = await Promise.all(all);
  expect(responses.map(({ body }) => body.toString())).toEqual(Array(10).fill("hello"));
  expect(responses.map(stateOf).sort()).toEqual([...Array(9).fill("HIT"), "MISS"]);
  expect(asked("/a")).toBe(1);
});

test("those who wait go on when the one that asked has failed", async () => {
  const sockets: Socket[] = [];
  answer = (_, socket) => {
    sockets.push(socket);
    return null;
  };
  const port = await start("proxy_cache_lock on; proxy_cache_lock_timeout 60s; proxy_cache_lock_age 60s;");
  const all = [get(port, "/a"), get(port, "/a")];
  await until(
    () => sockets[0],
    WAIT_MS,
    () => "nobody asks",
  );
  answer = () => rawResponse("hello", "Cache-Control: max-age=60\r\n");
  sockets[0]!.destroy();
  const statuses = (await Promise.all(all)).map(({ status }) => status).sort();
  expect(statuses).toEqual([200, 502]);
});

test("what is stale is the last resort", async () => {
  // Stale at once, and kept by its rule.
  answer = () => rawResponse("old", "X-Accel-Expires: @1\r\n");
  const port = await start("proxy_cache_use_stale error http_500;");
  await get(port, "/a");
  answer = () => rawResponse("broken", "", "500 Internal Server Error");
  const stale = await get(port, "/a");
  expect([stale.status, stateOf(stale), stale.body.toString()]).toEqual([200, "STALE", "old"]);
  answer = (_, socket) => {
    socket.destroy();
    return null;
  };
  expect(stateOf(await get(port, "/a"))).toBe("STALE");
  expect((await get(port, "/b")).status).toBe(502);
});

test("what is still right is not fetched again", async () => {
  answer = (request) =>
    request.includes('If-None-Match: "x"')
      ? 'HTTP/1.1 304 Not Modified\r\nX-Accel-Expires: 60\r\nETag: "x"\r\n\r\n'
      : rawResponse("hello", 'X-Accel-Expires: @1\r\nETag: "x"\r\n');
  const port = await start("proxy_cache_revalidate on;");
  const states: string[] = [];
  for (let k = 0; k < 3; k++) {
    const response = await get(port, "/a");
    expect(response.body.toString()).toBe("hello");
    states.push(stateOf(response));
  }
  expect(states).toEqual(["MISS", "REVALIDATED", "HIT"]);
});

test("a reload keeps what is known, and drops nothing that is on its way", async () => {
  const port = await start("proxy_cache_min_uses 2;");
  await get(port, "/a");
  const [gateway] = gateways;
  await gateway!.reload(good(confOf(port, "proxy_cache_min_uses 2;")), observer);
  expect(stateOf(await get(port, "/a"))).toBe("MISS");
  expect(stateOf(await get(port, "/a"))).toBe("HIT");
  expect(asked("/a")).toBe(2);
});

test("slices: asked for one by one, each kept by itself", async () => {
  const body = "0123456789abcdef";
  answer = (request) => {
    const [, from = "0", to = "0"] = /Range: bytes=(\d+)-(\d+)/.exec(request) ?? [];
    const part = body.slice(Number(from), Number(to) + 1);
    const range = `Content-Range: bytes ${from}-${Number(from) + part.length - 1}/16\r\n`;
    return rawResponse(part, `Cache-Control: max-age=60\r\nETag: "x"\r\n${range}`, "206 Partial Content");
  };
  const lines = "slice 5; proxy_cache_key $uri$slice_range; proxy_set_header Range $slice_range;";
  const port = await lastingPort();
  const conf = confOf(port, lines).replace("proxy_cache_key $uri; ", "");
  const gateway = new Gateway(good(conf), observer, log);
  gateways.push(gateway);
  await gateway.start();
  const part = await get(port, "/a", "Range: bytes=6-11\r\n");
  expect([part.status, part.body.toString(), asked("/a")]).toEqual([206, "6789ab", 2]);
  const whole = await get(port, "/a");
  expect([whole.status, whole.body.toString(), asked("/a")]).toEqual([200, body, 4]);
  expect(files()).toHaveLength(4);
});

test("proxy_store keeps a response as a file", async () => {
  const port = await lastingPort();
  const modified = "Last-Modified: Sun, 09 Sep 2001 01:46:40 GMT\r\n";
  answer = () => rawResponse("hello", modified);
  const gateway = new Gateway(
    good(`server { listen 127.0.0.1:${port}; location / {
      proxy_pass http://${upstream.address}; proxy_store ${folder}/store$uri; proxy_store_access user:rw group:r; } }`),
    observer,
    log,
  );
  gateways.push(gateway);
  await gateway.start();
  await get(port, "/deep/a.txt");
  await until(
    () => existsSync(join(folder, "store/deep/a.txt")),
    WAIT_MS,
    () => "no file",
  );
  const { mode, mtimeMs } = statSync(join(folder, "store/deep/a.txt"));
  expect([readFileSync(join(folder, "store/deep/a.txt"), "utf8"), mode & 0o777, mtimeMs]).toEqual([
    "hello",
    0o640,
    1e12,
  ]);
  expect(readdirSync(join(folder, "store/deep"))).toEqual(["a.txt"]);
});
