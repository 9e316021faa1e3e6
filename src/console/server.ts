// The console's listener: its own port, loopback by default, so that it stays reachable when the gateway's listeners
// are full, and so that visitors never reach it. Beyond loopback it does not start without something that says who asks.
// Bounded everywhere: connections, heads, time for a head, for a body, for an answer. What happens to one request is in
// handle-request.ts.
import { chmodSync, readFileSync } from "node:fs";
import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createSecureContext } from "node:tls";
import type { Address } from "../config/config.ts";
import type { ConsoleAccess } from "../config/observability.ts";
import { log } from "../std/log.ts";
import { ConsolePage } from "./assets.ts";
import { isLoopback, type Place, unbracket } from "./guard.ts";
import { handleRequest } from "./handle-request.ts";
import { Identity } from "./identity.ts";
import type { Backend } from "./model.ts";
import type { ConsoleOptions, ConsoleServer } from "./options.ts";
import type { Runner } from "./run-operation.ts";

export { readTokens } from "./credentials.ts";
export { isLoopback } from "./guard.ts";
export type { ConsoleOptions, ConsoleServer, Readiness } from "./options.ts";

const HEAD_MS = 5_000;
const REQUEST_MS = 10_000;
/** How often what is overdue is looked for. */
const CHECK_MS = 1_000;
const CLOSE_MS = 5_000;
const HEAD_BYTES = 16 * 1024;
const CONNECTIONS_MAX = 64;
/** Of a token that guards more than loopback: 16 random bytes are 22 characters of base64. */
const TOKEN_CHARS = 16;

/** Starts to listen; rejects with an Error that says what is in the way. */
export async function startConsole(options: ConsoleOptions): Promise<ConsoleServer> {
  const { address, access } = options;
  checkGuarded(options);
  const files = access?.tls ?? null;
  // Of where it really listens: the port is known later where 0 was asked for.
  let place: Place = { address, hosts: access?.hosts ?? [] };
  const identity = identityOf(options, () => place);
  let running: Promise<Runner> | null = null;
  // Loaded when somebody asks: the table of calls is more code than the listener, and most gateways are only scraped.
  const runner = options.backend ? () => (running ??= makeRunner(options, options.backend!, identity)) : null;
  const page = new ConsolePage(options.pageFolder);
  const parts = { options, identity, runner, page, place: () => place, foreign: { toldAt: -Infinity } };
  const server = makeServer(files, (request, response) => void handleRequest(parts, request, response));
  await listen(server, address);
  server.on("error", (error) => log.warn(`console: ${error.message}`));
  place = { ...place, address: actualAddress(server, address) };
  return {
    address: place.address,
    renewCertificate: () => {
      if (files) (server as TlsServer).setSecureContext(readTls(files));
    },
    close: async () => {
      (await running)?.close();
      await close(server);
    },
  };
}

function checkGuarded({ address, token, readToken, access }: ConsoleOptions): void {
  if (isLoopback(address)) return;
  if (!token && !readToken && !access?.tls?.clientCa) {
    throw new Error(
      "the console shows internals: beyond loopback it needs a token (GOODGATE_CONSOLE_TOKEN, sent as Authorization: Bearer; `openssl rand -hex 32` makes one) or client certificates (console: tls: client-ca)",
    );
  }
  const isShort = [token, readToken].some((text) => text !== undefined && text.length < TOKEN_CHARS);
  if (isShort) log.warn("console: the token is short for a console beyond loopback", { hint: "openssl rand -hex 32" });
  if (!access?.tls) {
    log.warn("console: beyond loopback without TLS, tokens and cookies can be read on the way", {
      hint: "console: tls: cert, key; or listen on loopback behind a proxy that has TLS",
    });
  }
}

function identityOf(options: ConsoleOptions, place: () => Place): Identity {
  const { token, readToken, access, backend } = options;
  return new Identity({
    tokens: { ...(token ? { token } : {}), ...(readToken ? { readToken } : {}) },
    clientCa: typeof access?.tls?.clientCa === "string",
    readOnly: access?.readOnly ?? false,
    place,
    audit: (entry) => backend?.tellAudit(entry),
  });
}

async function makeRunner({ live }: ConsoleOptions, backend: Backend, identity: Identity): Promise<Runner> {
  const { Runner } = await import("./run-operation.ts");
  return new Runner(backend, identity, live);
}

function makeServer(tls: ConsoleAccess["tls"], onRequest: RequestListener): Server | TlsServer {
  const limits: ServerOptions = {
    maxHeaderSize: HEAD_BYTES,
    headersTimeout: HEAD_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: HEAD_MS,
    connectionsCheckingInterval: CHECK_MS,
  };
  const server = tls
    ? createTlsServer({ ...limits, ...readTls(tls), handshakeTimeout: HEAD_MS }, onRequest)
    : createServer(limits, onRequest);
  server.maxConnections = CONNECTIONS_MAX;
  server.setTimeout(REQUEST_MS);
  return server;
}

/** Certificate, key and client CA as they are in their files now; throws an Error that names the file. */
function readTls({ cert, key, clientCa }: NonNullable<ConsoleAccess["tls"]>) {
  const material = {
    cert: readPem(cert, "tls.cert"),
    key: readPem(key, "tls.key"),
    // A certificate is asked for, not insisted on: probes have none, and who has none is told so by 401.
    ...(clientCa === null
      ? {}
      : { ca: readPem(clientCa, "tls.client-ca"), requestCert: true, rejectUnauthorized: false }),
  };
  try {
    createSecureContext(material);
  } catch (error) {
    const said = (error as Error).message;
    throw new Error(`the console's certificate ${cert} and key ${key} cannot be used: ${said}`, { cause: error });
  }
  return material;
}

function readPem(file: string, field: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Error(`the console's ${field} ${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function listen(server: Server | TlsServer, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => reject(listenProblem(error, address));
    server.once("error", onError);
    const onListening = (): void => {
      server.off("error", onError);
      // Who may connect may do everything, whatever the umask is: its owner.
      if (address.kind === "unix") chmodSync(address.path, 0o600);
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

function actualAddress(server: Server | TlsServer, asked: Address): Address {
  if (asked.kind === "unix") return asked;
  return { kind: "tcp", host: asked.host, port: (server.address() as AddressInfo).port };
}

function close(server: Server | TlsServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    // A scrape that is under way has its time; what hangs is cut.
    setTimeout(() => server.closeAllConnections(), CLOSE_MS).unref();
  });
}
