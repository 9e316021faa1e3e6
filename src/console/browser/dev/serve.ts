// The console's API with made-up data, and the bundled page before it: for people who work on the page, and for its
// browser tests. Not built, not published. Words: "large" = 500 endpoints and 10,000 incidents, "demo" = the demo's
// buttons, "calm" = nothing is broken, "reader" = nothing may be changed, "token" = asks for the token "secret".
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { type PageManifest, writeConsolePage } from "../../../site/build/console-page.ts";
import { type Api, ApiProblem, makeApi } from "./backend.ts";

export interface ServeOptions {
  readonly source: string;
  /** The page is bundled into it. */
  readonly folder: string;
  /** 0 = any. */
  readonly port: number;
  readonly words: readonly string[];
  /** Bundled already: what writeConsolePage returned. */
  readonly manifest?: PageManifest;
}

export interface Served {
  readonly port: number;
  readonly api: Api;
  /** Cuts every stream and refuses new ones, until it is called with false: the gateway is away. */
  away(is: boolean): void;
  close(): void;
}

/** The policy of the real console (console/answer.ts). */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
const TOKEN = "secret";
const LIVE_MS = 1000;
const TAIL_MS = 250;

export async function serve({ source, folder, port, words, manifest }: ServeOptions): Promise<Served> {
  const made = manifest ?? (await writeConsolePage({ source, output: folder }));
  const api = makeApi(words);
  let isAway = false;
  const server: Server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    response.setHeader("Content-Security-Policy", POLICY);
    if (isAway) return void response.destroy();
    if (path.startsWith("/api/v1/")) return void answer(api, words, request, response);
    if (path.startsWith("/assets/")) return asset(folder, made, path.slice("/assets/".length), response);
    if (path.startsWith("/reference/"))
      return void response.writeHead(200, { "Content-Type": "text/html" }).end("<title>Reference</title>");
    response
      .writeHead(200, { "Content-Type": "text/html; charset=utf-8" })
      .end(readFileSync(join(folder, "console", made.index)));
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    api,
    away(is) {
      isAway = is;
      if (is) server.closeAllConnections();
    },
    close() {
      api.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

function asset(folder: string, manifest: PageManifest, name: string, response: ServerResponse): void {
  if (!manifest.assets.includes(name)) return void response.writeHead(404).end();
  response.writeHead(200, { "Content-Type": TYPES[extname(name)] ?? "text/plain" });
  response.end(readFileSync(join(folder, "console", "assets", name)));
}

async function answer(
  api: Api,
  words: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  const path = url.pathname.slice("/api/v1".length);
  const text = await bodyOf(request);
  const body = (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
  const role = words.includes("reader") ? "reader" : "admin";
  const needs = words.includes("token");
  if (path === "/session" && request.method === "POST") {
    if (body["token"] !== TOKEN) return problem(response, 401, "That is not a token of this console.");
    response.setHeader("Set-Cookie", "made-up=1; Path=/; HttpOnly; SameSite=Strict");
  } else if (needs && !(request.headers.cookie ?? "").includes("made-up=1")) {
    return problem(response, 401, "A token is needed.");
  }
  if (path === "/session" && request.method === "DELETE") {
    response.setHeader("Set-Cookie", "made-up=; Path=/; Max-Age=0");
    return json(response, {});
  }
  if (path === "/session") return json(response, { role, by: "127.0.0.1", tokens: needs });
  if (path === "/live") return stream(request, response, (send) => api.live(send, LIVE_MS));
  if (path === "/tail") return stream(request, response, (send) => api.tail(send, TAIL_MS));
  if (request.method !== "GET" && role === "reader" && path !== "/explain")
    return problem(response, 403, "You may look, not change.");
  try {
    json(response, await api.answer(request.method ?? "GET", path, url.searchParams, body));
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    problem(response, error.status, error.message);
  }
}

function stream(
  request: IncomingMessage,
  response: ServerResponse,
  open: (send: (event: string, data: unknown) => void) => () => void,
): void {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  const stop = open((event, data) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
  request.on("close", stop);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}

function problem(response: ServerResponse, status: number, detail: string): void {
  response
    .writeHead(status, { "Content-Type": "application/problem+json" })
    .end(JSON.stringify({ title: "Refused", detail, status }));
}
