// What the tests of bodies in virtual servers stand on: the program with an nginx.conf that has a location for each way
// to read a body, and an upstream that keeps what it was sent and answers with its hash.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll } from "vitest";
import { RawClient, until } from "./harness.ts";
import { lastingPort } from "./held.ts";
import { type RunningNginx, startNginxConf, WAIT_MS } from "./nginx-harness.ts";
import { type Origin, startOrigin } from "./origin.ts";

export { WAIT_MS };

/** What an upstream was sent. */
export interface Asked {
  readonly socket: Socket;
  head: string;
  body: Buffer;
  ended: boolean;
}

/** Where the program runs. */
export let folder: string;
let port: number;
/** Where heads have to come at once. */
export let headPort: number;
let program: RunningNginx;
let origin: Origin;
/** Takes requests and answers none. */
export let broken: Origin;
/** What the upstream was sent in this test, oldest first. */
export let asked: Asked[] = [];
export const clients: RawClient[] = [];

/** A file of it as byte text; "" = it is not there. */
export const read = (name: string): string => program.read(name);
/** The line of the access log for a target. */
export const logged = (path: string): Promise<string> =>
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

/** Answers with the hash of the body. */
export function answer({ socket, body }: Asked): void {
  const hash = createHash("sha256").update(body).digest("hex");
  socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${hash.length}\r\nConnection: close\r\n\r\n${hash}`);
}

/** Runs it for the tests of a file. */
export function useBodies(): void {
  beforeAll(async () => {
    port = await lastingPort();
    headPort = await lastingPort();
    origin = await startOrigin(serve);
    // Takes a request and closes: the next server is asked.
    broken = await startOrigin((socket) => socket.once("data", () => socket.destroy()));
    const to = `proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://${origin.address};`;
    const pages = (at: string): void => {
      mkdirSync(join(at, "html"));
      writeFileSync(join(at, "html", "page"), "the page");
    };
    program = await startNginxConf(
      `
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
`,
      pages,
    );
    folder = program.folder;
  }, 60_000);

  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
    for (const { socket } of asked) socket.destroy();
    asked = [];
  });

  afterAll(async () => {
    program?.stop();
    await origin?.close();
    await broken?.close();
  });
}

/** A connection to it. */
export function client(): RawClient {
  const made = new RawClient(port);
  clients.push(made);
  return made;
}

export const head = (path: string, ...fields: string[]): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;
export const withLength = (path: string, length: number, ...fields: string[]): string =>
  head(path, `Content-Length: ${length}`, ...fields);
export const inChunks = (path: string, ...fields: string[]): string =>
  head(path, "Transfer-Encoding: chunked", ...fields);
export const hashOf = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");
export const NEXT = "GET /return/next HTTP/1.1\r\nHost: a\r\n\r\n";

/** The upstream's side of the only request; waits for its head. */
export const theRequest = (): Promise<Asked> =>
  until(
    () => (asked.at(-1)?.head ? asked.at(-1) : undefined),
    WAIT_MS,
    () => "no request came",
  );
