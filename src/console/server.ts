// The console's listener: what machines ask a gateway about itself. Its own port, loopback by default, so that it
// stays reachable when the gateway's listeners are full, and so that visitors never reach it.
// Guards: GET and HEAD only; the Host must be one of ours, because a page on the web can make a browser ask
// 127.0.0.1 under a name of its own (DNS rebinding); beyond loopback everything but the two probes needs a token.
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, isIP } from "node:net";
import type { Address } from "../config/config.ts";
import { METRICS_TYPE } from "../observe/metrics-text.ts";
import { log } from "../std/log.ts";

export interface ConsoleOptions {
  readonly address: Address;
  readonly ready: () => Readiness | Promise<Readiness>;
  /** Prometheus text. */
  readonly metrics: () => string | Promise<string>;
  /** What is answered as JSON, by path: "/api/avoided". */
  readonly api?: Readonly<Record<string, () => unknown>>;
  /** Bearer token for everything but the probes; needed beyond loopback. */
  readonly token?: string;
}

/** Whether this gateway should get traffic, and what stands against it. */
export interface Readiness {
  readonly ok: boolean;
  readonly reasons: readonly string[];
}

export interface ConsoleServer {
  /** As listened on: the port is the real one where 0 was asked for. */
  readonly address: Address;
  close(): Promise<void>;
}

const HEAD_MS = 5_000;
const REQUEST_MS = 10_000;
const ANSWER_MS = 5_000;
const HEAD_BYTES = 16 * 1024;
const CONNECTIONS_MAX = 64;
const NAME = "Goodgate console";

/** Starts to listen; rejects with an Error that says what is in the way. */
export async function startConsole(options: ConsoleOptions): Promise<ConsoleServer> {
  const { address, token } = options;
  if (!token && !isLoopback(address)) {
    throw new Error(
      "the console shows internals: beyond loopback it needs a token (GOODGATE_CONSOLE_TOKEN, sent as Authorization: Bearer)",
    );
  }
  const server = createServer(
    { maxHeaderSize: HEAD_BYTES, headersTimeout: HEAD_MS, requestTimeout: REQUEST_MS, keepAliveTimeout: HEAD_MS },
    (request, response) => void answer(options, request, response),
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.setTimeout(REQUEST_MS);
  await listen(server, address);
  server.on("error", (error) => log.warn(`console: ${error.message}`));
  return { address: actualAddress(server, address), close: () => close(server) };
}

async function answer(options: ConsoleOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = "", query = ""] = (request.url ?? "").split("?", 2);
  const isProbe = path === "/healthz" || path === "/readyz";
  response.setHeader("Cache-Control", "no-store");
  response.setHeader("X-Content-Type-Options", "nosniff");
  // No body is read; a client that sends one is not to keep the connection.
  if (request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined) {
    response.shouldKeepAlive = false;
  }
  if (!isOurHost(request.headers.host, options.address)) {
    return send(response, 421, "This host name is not the console's.\n");
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("Allow", "GET, HEAD");
    return send(response, 405, "Only GET and HEAD.\n");
  }
  if (options.token && !isProbe && !isAuthorized(request.headers.authorization, options.token)) {
    response.setHeader("WWW-Authenticate", `Bearer realm="${NAME}"`);
    return send(response, 401, "A token is needed: Authorization: Bearer TOKEN (GOODGATE_CONSOLE_TOKEN).\n");
  }
  try {
    await route(options, path, query, response);
  } catch (error) {
    log.warn(`console: ${path} cannot be answered`, { error: (error as Error).message });
    if (!response.headersSent) send(response, 500, "This cannot be answered now; the gateway's log says why.\n");
  }
}

async function route(options: ConsoleOptions, path: string, query: string, response: ServerResponse): Promise<void> {
  if (path === "/healthz") return send(response, 200, "ok\n");
  if (path === "/readyz") {
    const { ok, reasons } = await within(ANSWER_MS, options.ready());
    return send(response, ok ? 200 : 503, ok ? "ready\n" : `not ready\n${reasons.map((why) => `${why}\n`).join("")}`);
  }
  if (path === "/metrics") return send(response, 200, await within(ANSWER_MS, options.metrics()), METRICS_TYPE);
  if (options.api && Object.hasOwn(options.api, path)) {
    const value = await within(ANSWER_MS, options.api[path]!());
    return send(response, 200, `${JSON.stringify(value)}\n`, "application/json");
  }
  if (path === "/") {
    response.setHeader("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'");
    return send(response, 200, indexPage(Object.keys(options.api ?? {})), "text/html; charset=utf-8");
  }
  if (path === "/reference" || path.startsWith("/reference/")) {
    // Loaded when somebody reads it: explain and the pages are as much code as the gateway itself.
    const { answerReference } = await import("./reference.ts");
    const { status, headers, body } = await within(ANSWER_MS, answerReference(path, query));
    const bytes = Buffer.from(body);
    response.writeHead(status, { ...headers, "Content-Length": bytes.length }).end(bytes);
    return;
  }
  return send(
    response,
    404,
    "Not found. There are /reference/, /healthz, /readyz, /metrics, /api/avoided and /api/events.\n",
  );
}

const API_WORDS: Readonly<Record<string, string>> = {
  "/api/avoided": "gateway errors avoided and shown, by day",
  "/api/events": "what happened to upstreams and endpoints, newest first",
};

function indexPage(api: readonly string[]): string {
  const items = api.map((path) => `<li><a href="${path}">${path}</a>: ${API_WORDS[path] ?? "JSON"}\n`);
  return INDEX_HEAD + items.join("") + INDEX_END;
}

const INDEX_HEAD = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${NAME}</title>
<h1>${NAME}</h1>
<ul>
<li><a href="/reference/">/reference</a>: every gateway error, its cause and its fix; paste yours
<li><a href="/healthz">/healthz</a>: the process lives
<li><a href="/readyz">/readyz</a>: it should get traffic
<li><a href="/metrics">/metrics</a>: figures for Prometheus
`;
const INDEX_END = `</ul>
</html>
`;

function send(response: ServerResponse, status: number, body: string, type = "text/plain; charset=utf-8"): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { "Content-Type": type, "Content-Length": bytes.length });
  response.end(bytes);
}

/** Rejects where the answer takes longer than `ms`: a worker that hangs must not hang the scrape. */
async function within<T>(ms: number, answer: T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Whether a request under this Host may be answered. Rebinding needs a name that an attacker controls, so beyond
 * loopback, where probes come by whatever address the machine has, IP literals pass too. A request without Host is
 * HTTP/1.0, which no browser sends.
 */
function isOurHost(host: string | undefined, address: Address): boolean {
  if (host === undefined || address.kind === "unix") return true;
  const name = hostName(host).toLowerCase();
  if (name === "localhost" || name === "127.0.0.1" || name === "::1") return true;
  if (name === unbracket(address.host).toLowerCase() && name !== "") return true;
  return !isLoopback(address) && isIP(name) !== 0;
}

function hostName(host: string): string {
  const port = /:\d*$/.exec(host);
  return unbracket(port ? host.slice(0, port.index) : host);
}

function unbracket(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}

/** Whether only this machine can connect. "" and names that may resolve to anything are not. */
export function isLoopback(address: Address): boolean {
  if (address.kind === "unix") return true;
  const host = unbracket(address.host).toLowerCase();
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function isAuthorized(header: string | undefined, token: string): boolean {
  const given = /^Bearer +(\S+) *$/i.exec(header ?? "")?.[1];
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function listen(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => reject(listenProblem(error, address));
    server.once("error", onError);
    const onListening = (): void => {
      server.off("error", onError);
      resolve();
    };
    if (address.kind === "unix") server.listen(address.path, onListening);
    else if (address.host === "") server.listen(address.port, onListening);
    else server.listen(address.port, unbracket(address.host), onListening);
  });
}

function listenProblem(error: NodeJS.ErrnoException, address: Address): Error {
  const at = address.kind === "unix" ? address.path : `${address.host}:${address.port}`;
  const why =
    error.code === "EADDRINUSE"
      ? "the address is in use"
      : error.code === "EADDRNOTAVAIL"
        ? "this machine does not have the address"
        : error.code === "EACCES"
          ? "permission denied"
          : error.message;
  return Object.assign(new Error(`cannot listen on ${at} for the console: ${why}`, { cause: error }), {
    code: error.code,
  });
}

function actualAddress(server: Server, asked: Address): Address {
  if (asked.kind === "unix") return asked;
  return { kind: "tcp", host: asked.host, port: (server.address() as AddressInfo).port };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    // A scrape that is under way has its time; what hangs is cut.
    setTimeout(() => server.closeAllConnections(), ANSWER_MS).unref();
  });
}
