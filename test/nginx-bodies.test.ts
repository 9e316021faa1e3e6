// Bodies of requests in virtual servers, and the client's connection around them, over real sockets: what is read whole
// and where it is kept, what is streamed, what is thrown away, which timer ends what, and who leaves.
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { pause, RawClient, until } from "./harness.ts";
import { lastingPort } from "./held.ts";
import { type Origin, seededBytes, startOrigin } from "./origin.ts";

const PROGRAM = fileURLToPath(new URL("../bin/goodgate-nginx.js", import.meta.url));
const WAIT_MS = 15_000;
const AS_STARTED = process.geteuid?.() === 0 ? "user root;" : "";
/** Far from any timer that a test waits for. */
const LONG_MS = 8_000;

/** What an upstream was sent. */
interface Asked {
  readonly socket: Socket;
  head: string;
  body: Buffer;
  ended: boolean;
}

let folder: string;
let port: number;
/** Where heads have to come at once. */
let headPort: number;
let program: ChildProcess;
let origin: Origin;
let broken: Origin;
let asked: Asked[] = [];
const clients: RawClient[] = [];

const read = (name: string): string =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), "latin1") : "";
const logged = (path: string): Promise<string> =>
  until(
    () =>
      read("access.log")
        .split("\n")
        .find((line) => line.startsWith(`${path} `)),
    WAIT_MS,
    () => `not in the log: ${path}\n${read("access.log")}`,
  );

/** Answers when the request is whole, or when the path says so: "/stream…" never, "/slow…" when a test does. */
function serve(socket: Socket): void {
  const request: Asked = { socket, head: "", body: Buffer.alloc(0), ended: false };
  asked.push(request);
  socket.on("end", () => (request.ended = true));
  socket.on("close", () => (request.ended = true));
  socket.on("data", (chunk: Buffer) => {
    request.body = Buffer.concat([request.body, chunk]);
    if (request.head === "") {
      const end = request.body.indexOf("\r\n\r\n");
      if (end < 0) return;
      request.head = request.body.toString("latin1", 0, end + 4);
      request.body = request.body.subarray(end + 4);
    }
    if (/^\S+ \/(?:slow|throttled)/.test(request.head)) return;
    const length = Number(/content-length: (\d+)/i.exec(request.head)?.[1] ?? 0);
    const whole = /transfer-encoding: chunked/i.test(request.head)
      ? request.body.toString("latin1").endsWith("0\r\n\r\n")
      : request.body.length >= length;
    if (whole) answer(request);
  });
}

function answer({ socket, body }: Asked): void {
  const hash = createHash("sha256").update(body).digest("hex");
  socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${hash.length}\r\nConnection: close\r\n\r\n${hash}`);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-nginx-bodies-"));
  port = await lastingPort();
  headPort = await lastingPort();
  origin = await startOrigin(serve);
  // Takes a request and closes: the next server is asked.
  broken = await startOrigin((socket) => socket.once("data", () => socket.destroy()));
  const to = `proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://${origin.address};`;
  mkdirSync(join(folder, "html"));
  writeFileSync(join(folder, "html", "page"), "the page");
  writeFileSync(
    join(folder, "nginx.conf"),
    `${AS_STARTED} daemon off; pid nginx.pid; error_log error.log info;
events {}
http {
  client_body_temp_path bodies; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  log_format test '$request_uri $status $goodgate_cause [$request_body] [$request_body_file]';
  access_log access.log test;
  root html;
  client_body_buffer_size 1k;
  client_max_body_size 64m;
  upstream pair { server ${broken.address} max_fails=0; server ${origin.address} max_fails=0; }
  server {
    listen 127.0.0.1:${port};
    location / { }
    location /return { return 200 answered; }
    location /whole { ${to} }
    location /one-zero { proxy_http_version 1.0; proxy_request_buffering off; proxy_pass http://${origin.address}; }
    location /stream { proxy_request_buffering off; ${to} }
    location /slow { ${to} }
    location /throttled { ${to} }
    location /ignore { proxy_ignore_client_abort on; rewrite ^ /slow break; ${to} }
    location /kept { client_body_in_file_only on; ${to} }
    location /cleaned { client_body_in_file_only clean; rewrite ^ /slow break; ${to} }
    location /lost { client_body_temp_path lost; ${to} }
    location /pair { proxy_next_upstream error timeout non_idempotent; proxy_pass http://pair; }
    location /mirrored { mirror /copy; ${to} }
    location = /copy { internal; ${to} }
    location /small { client_max_body_size 10; ${to} }
    location /impatient { client_body_timeout 300ms; ${to} }
    location /impatient/stream { client_body_timeout 300ms; proxy_request_buffering off; ${to} }
    location /reset { client_body_timeout 300ms; reset_timedout_connection on; ${to} }
    location /limits { lingering_timeout 300ms; return 200 answered; }
    location /off { lingering_close off; return 200 answered; }
  }
  server { listen 127.0.0.1:${headPort}; client_header_timeout 300ms; }
}
`,
  );
  program = spawn(process.execPath, [PROGRAM, "-p", `${folder}/`, "-c", "nginx.conf", "-e", "error.log"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  program.stderr!.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<void>((resolve) => program.once("exit", () => resolve()));
  await until(
    () => read("nginx.pid") || undefined,
    WAIT_MS,
    () => `it did not start:\n${output}`,
    ended,
  );
}, 60_000);

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  for (const { socket } of asked) socket.destroy();
  asked = [];
});

afterAll(async () => {
  program?.kill("SIGKILL");
  await origin?.close();
  await broken?.close();
  rmSync(folder, { recursive: true, force: true });
});

function client(): RawClient {
  const made = new RawClient(port);
  clients.push(made);
  return made;
}

const head = (path: string, ...fields: string[]): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;
const withLength = (path: string, length: number, ...fields: string[]): string =>
  head(path, `Content-Length: ${length}`, ...fields);
const inChunks = (path: string, ...fields: string[]): string => head(path, "Transfer-Encoding: chunked", ...fields);
const hashOf = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");
const NEXT = "GET /return/next HTTP/1.1\r\nHost: a\r\n\r\n";

/** The upstream's side of the only request; waits for its head. */
const theRequest = (): Promise<Asked> =>
  until(
    () => (asked.at(-1)?.head ? asked.at(-1) : undefined),
    WAIT_MS,
    () => "no request came",
  );

describe("read whole", () => {
  test("in memory", async () => {
    const c = client();
    c.send(withLength("/whole/memory", 5));
    await pause(50);
    expect(asked).toHaveLength(0);
    c.send("hello");
    expect((await c.response()).body.toString()).toBe(hashOf("hello"));
    expect(await logged("/whole/memory")).toBe("/whole/memory 200 - [hello] [-]");
  });

  test("in a file that nothing is left of", async () => {
    const body = seededBytes(1, 3_000_000);
    const c = client();
    c.send(withLength("/whole/file", body.length));
    c.send(body);
    expect((await c.response()).body.toString()).toBe(hashOf(body));
    expect(await logged("/whole/file")).toMatch(/ 200 - \[-\] \[.*\/bodies\/\d{10}\]$/);
    expect(readdirSync(join(folder, "bodies"))).toEqual([]);
    expect(read("error.log")).toContain("[warn]");
    expect(read("error.log")).toContain("a client request body is buffered to a temporary file");
  });

  test("chunks get a length", async () => {
    const body = seededBytes(2, 300_000);
    const c = client();
    c.send(inChunks("/whole/chunks"));
    for (let at = 0; at < body.length; at += 100_000) {
      const piece = body.subarray(at, at + 100_000);
      c.send(Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]));
    }
    c.send("0\r\n\r\n");
    expect((await c.response()).body.toString()).toBe(hashOf(body));
    expect(asked[0]!.head).toContain("Content-Length: 300000\r\n");
    expect(asked[0]!.head).not.toMatch(/transfer-encoding/i);
  });

  test("sent again out of the file to the next server", async () => {
    const body = seededBytes(3, 500_000);
    for (let i = 0; i < 2; i++) {
      const c = client();
      c.send(withLength(`/pair/${i}`, body.length));
      c.send(body);
      expect((await c.response()).body.toString()).toBe(hashOf(body));
    }
    expect(broken.sockets.length).toBeGreaterThan(0);
  });

  test("an upstream that takes nothing for a while gets all of it", async () => {
    const body = seededBytes(4, 8_000_000);
    const c = client();
    c.send(withLength("/throttled", body.length));
    c.send(body);
    const request = await theRequest();
    request.socket.pause();
    await pause(200);
    expect(request.body.length).toBeLessThan(body.length);
    request.socket.resume();
    await until(
      () => request.body.length === body.length || undefined,
      WAIT_MS,
      () => `${request.body.length} bytes came`,
    );
    answer(request);
    expect((await c.response()).body.toString()).toBe(hashOf(body));
  });

  test("client_body_in_file_only on: the file stays", async () => {
    const c = client();
    c.send(`${withLength("/kept", 5)}hello`);
    expect((await c.response()).status).toBe(200);
    const path = /\[([^\]]*)\]$/.exec(await logged("/kept"))![1]!;
    expect(readFileSync(path, "latin1")).toBe("hello");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    rmSync(path);
  });

  test("client_body_in_file_only clean: it is there until the end", async () => {
    const c = client();
    c.send(`${withLength("/cleaned", 5)}hello`);
    const request = await theRequest();
    const [name] = readdirSync(join(folder, "bodies"));
    expect(read(`bodies/${name}`)).toBe("hello");
    answer(request);
    expect((await c.response()).status).toBe(200);
    await until(
      () => readdirSync(join(folder, "bodies")).length === 0 || undefined,
      WAIT_MS,
      () => "the file stays",
    );
  });

  test("a mirror gets a copy out of the same file", async () => {
    const body = seededBytes(6, 400_000);
    const c = client();
    c.send(withLength("/mirrored", body.length));
    c.send(body);
    expect((await c.response()).body.toString()).toBe(hashOf(body));
    await until(
      () => (asked.length === 2 && asked.every((each) => each.body.length === body.length)) || undefined,
      WAIT_MS,
      () => `${asked.map((each) => each.body.length)}`,
    );
    expect(asked.map((each) => /^\S+ (\S+)/.exec(each.head)?.[1]).sort()).toEqual(["/copy", "/mirrored"]);
    for (const each of asked) expect(hashOf(each.body)).toBe(hashOf(body));
  });

  test("a disk that fails is our fault, told in nginx's words", async () => {
    rmSync(join(folder, "lost"), { recursive: true, force: true });
    writeFileSync(join(folder, "lost"), "no folder");
    const c = client();
    c.send(`${withLength("/lost", 5_000)}${"x".repeat(5_000)}`);
    const response = await c.response();
    expect(response.status).toBe(500);
    expect(response.body.toString()).toContain("gateway-internal-error");
    expect(read("error.log")).toMatch(
      /\[crit\].* open\(\) "[^"]*\/lost\/\d{10}" failed \(20: Not a directory\), client: .*cause: gateway-internal-error/,
    );
    expect(asked).toHaveLength(0);
  });
});

describe("streamed", () => {
  test("with a length", async () => {
    const c = client();
    c.send(`${withLength("/stream", 10)}01234`);
    const request = await theRequest();
    expect(request.head).toContain("Content-Length: 10\r\n");
    await until(
      () => request.body.toString() === "01234" || undefined,
      WAIT_MS,
      () => request.body.toString(),
    );
    c.send("56789");
    expect((await c.response()).body.toString()).toBe(hashOf("0123456789"));
  });

  test("in chunks of ours", async () => {
    const c = client();
    c.send(`${inChunks("/stream")}5;ext=1\r\n01234\r\n`);
    const request = await theRequest();
    expect(request.head).toContain("Transfer-Encoding: chunked\r\n");
    await until(
      () => request.body.toString() === "5\r\n01234\r\n" || undefined,
      WAIT_MS,
      () => request.body.toString(),
    );
    c.send("2\r\n56\r\n1\r\n7\r\n0\r\nTrailer: x\r\n\r\n");
    expect((await c.response()).status).toBe(200);
    expect(request.body.toString()).toBe("5\r\n01234\r\n3\r\n567\r\n0\r\n\r\n");
  });

  test("an HTTP/1.0 upstream is told a length", async () => {
    const c = client();
    c.send(`${inChunks("/one-zero")}5\r\n01234\r\n`);
    await pause(50);
    expect(asked).toHaveLength(0);
    c.send("0\r\n\r\n");
    expect((await c.response()).status).toBe(200);
    expect(asked[0]!.head).toContain("Content-Length: 5\r\n");
  });

  test("an answer before the end of the body ends the connection", async () => {
    const c = client();
    c.send(`${withLength("/slow", 10).replace("/slow", "/stream/slow")}01234`);
    const request = await theRequest();
    request.socket.write("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    const response = await c.response();
    expect([response.status, response.fields.get("connection")]).toEqual([413, "close"]);
    await c.closed;
  });
});

describe("not wanted", () => {
  test.each([
    ["with a length", withLength("/return/length", 10), "0123456789"],
    ["in chunks", inChunks("/return/chunks"), "a\r\n0123456789\r\n0\r\n\r\n"],
    ["of a file's request", `${withLength("/page", 10).replace("POST", "GET")}`, "0123456789"],
    ["of a request that fails", withLength("/none", 10).replace("POST", "GET"), "0123456789"],
  ])("%s: answered at once, then read away", async (_what, request, body) => {
    const c = client();
    c.send(request);
    const first = await c.response();
    expect(first.fields.get("connection")).toBe("keep-alive");
    c.send(body + NEXT);
    expect((await c.response()).body.toString()).toBe("answered");
    expect(c.ending).toBe("open");
  });

  test("large: read away, whatever its size", async () => {
    const c = client();
    c.send(withLength("/return/large", 3_000_000));
    c.send(seededBytes(5, 3_000_000));
    c.send(NEXT);
    expect((await c.response()).body.toString()).toBe("answered");
    expect((await c.response()).body.toString()).toBe("answered");
  });

  test("and never sent: the connection ends in lingering_timeout", async () => {
    const c = client();
    c.send(withLength("/limits", 10));
    expect((await c.response()).status).toBe(200);
    expect(c.ending).toBe("open");
    await c.closed;
  });

  test("and sent badly: refused", async () => {
    const c = client();
    c.send(`${inChunks("/return/bad")}zz\r\n`);
    expect((await c.response()).status).toBe(400);
    await c.closed;
    expect(read("error.log")).toContain("client sent invalid chunked body: ");
  });

  test("lingering_close off: closed at once", async () => {
    const c = client();
    c.send("GET /off HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect((await c.response()).status).toBe(200);
    await c.closed;
  });

  test("too large by its length: answered before it comes, and without 100", async () => {
    const c = client();
    c.send(withLength("/small", 11, "Expect: 100-continue"));
    const response = await c.response();
    expect([response.status, response.interims]).toEqual([413, []]);
    await c.closed;
    expect(read("error.log")).toContain("client intended to send too large body: 11 bytes");
  });

  test("too large by a chunk that has only begun", async () => {
    const c = client();
    c.send(`${inChunks("/small")}5\r\n01234\r\nffff\r\n5`);
    expect((await c.response()).status).toBe(413);
    await c.closed;
    expect(asked).toHaveLength(0);
  });
});

describe("Expect: 100-continue", () => {
  test.each(["/whole/expect", "/stream/expect", "/return/expect"])("%s", async (path) => {
    const c = client();
    c.send(withLength(path, 2, "Expect: 100-Continue"));
    await until(
      () => c.text.startsWith("HTTP/1.1 100 Continue\r\n\r\n") || undefined,
      WAIT_MS,
      () => c.text,
    );
    c.send("hi");
    const response = await c.response();
    expect([response.status, response.interims]).toEqual([200, [100]]);
    for (const { head: sent } of asked) expect(sent).not.toMatch(/^expect:/im);
  });
});

describe("who takes too long or leaves", () => {
  test.each(["/impatient", "/impatient/stream"])("%s: a body that stalls gets no answer", async (path) => {
    const c = client();
    c.send(`${withLength(path, 10)}01`);
    await c.closed;
    expect(c.text).toBe("");
    expect(await logged(path)).toContain(`${path} 408 client-timeout`);
  });

  test("reset_timedout_connection: it ends with a reset", async () => {
    const c = client();
    c.send(`${withLength("/reset", 10)}01`);
    await c.closed;
    expect([c.text, c.ending]).toEqual(["", "rst"]);
  });

  test("a head that stalls gets no answer", async () => {
    const c = new RawClient(headPort);
    clients.push(c);
    c.send("GET /head HTTP/1.1\r\nHost:");
    await c.closed;
    expect([c.text, c.ending]).toEqual(["", "fin"]);
  });

  test("a body that ends early is a bad request", async () => {
    const c = client();
    c.send(`${withLength("/whole/cut", 10)}01`);
    await pause(50);
    c.socket.end();
    await c.closed;
    expect(c.text).toBe("");
    expect(await logged("/whole/cut")).toContain("/whole/cut 400 client-closed-request");
    expect(asked).toHaveLength(0);
  });

  test("an end behind a whole request is an abort: the upstream is told", async () => {
    const c = client();
    c.send("GET /slow/left HTTP/1.1\r\nHost: a\r\n\r\n");
    const request = await theRequest();
    c.socket.end();
    await until(
      () => request.ended || undefined,
      LONG_MS,
      () => "the upstream still waits",
    );
    expect(await logged("/slow/left")).toContain("/slow/left 499 client-closed-request");
  });

  test("proxy_ignore_client_abort: it gets its answer", async () => {
    const c = client();
    c.send("GET /ignore HTTP/1.1\r\nHost: a\r\n\r\n");
    const request = await theRequest();
    c.socket.end();
    await pause(100);
    expect(request.ended).toBe(false);
    answer(request);
    expect((await c.response()).status).toBe(200);
  });

  test("proxy_ignore_client_abort: the upstream may finish for a client that is gone", async () => {
    const c = client();
    c.send("GET /ignore/gone HTTP/1.1\r\nHost: a\r\n\r\n");
    const request = await theRequest();
    c.socket.resetAndDestroy();
    await pause(200);
    expect(request.ended).toBe(false);
    answer(request);
    expect(await logged("/ignore/gone")).toContain("/ignore/gone 200");
  });

  test("an end behind a request that we answer ourselves is none", async () => {
    const c = client();
    c.send("GET /return/half HTTP/1.1\r\nHost: a\r\n\r\n");
    c.socket.end();
    expect((await c.response()).body.toString()).toBe("answered");
    await c.closed;
  });
});

describe("targets", () => {
  test("a fragment is cut off, bytes beyond ASCII pass", async () => {
    const c = client();
    c.send("GET /whole/\xe9?a=\xff#part?b HTTP/1.1\r\nHost: a\r\n\r\n");
    expect((await c.response()).status).toBe(200);
    expect(asked[0]!.head).toMatch(/^GET \/whole\/\xe9\?a=\xff HTTP\/1\.1\r\n/);
  });

  test.each([
    ["identity", "Transfer-Encoding: identity", 501],
    ["a list", "Transfer-Encoding: chunked, identity", 501],
    ["twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400],
    ["with a length", "Transfer-Encoding: chunked\r\nContent-Length: 5", 400],
  ])("transfer coding %s is refused", async (_what, field, status) => {
    const c = client();
    c.send(head("/return/coding", field));
    expect((await c.response()).status).toBe(status);
    await c.closed;
  });
});
