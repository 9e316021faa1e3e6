// Servers that say exactly what a test wants, and the way to them by the real dial.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import type { Address, HealthConfig } from "../config/config.ts";
import { type DialTarget, dial } from "../net/dial.ts";
import { Resolver } from "../net/resolve.ts";
import type { UpstreamTlsContext } from "../net/upstream-tls.ts";
import type { Dialler } from "./health-check.ts";

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** Runs when the test is over, the last first. */
export function afterwards(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

/** Brings a server up; it goes down with its connections when the test is over. */
export async function listening(server: net.Server, path?: string): Promise<Address> {
  server.on("connection", (socket: net.Socket) => {
    socket.on("error", () => socket.destroy());
    afterwards(() => socket.destroy());
  });
  if (path === undefined) server.listen(0, "127.0.0.1");
  else server.listen(path);
  await once(server, "listening");
  afterwards(() => server.close());
  if (path !== undefined) return { kind: "unix", path };
  return { kind: "tcp", host: "127.0.0.1", port: (server.address() as net.AddressInfo).port };
}

/** What a server saw. */
export interface Seen {
  readonly address: Address;
  readonly requests: string[];
  connections: number;
  /** Connections that are open at the server. */
  open: number;
}

/** A server that calls `answer` with each request on each connection, and its number on that connection (1 = first). */
export async function serving(answer: (socket: net.Socket, number: number) => void): Promise<Seen> {
  const seen = { requests: [] as string[], connections: 0, open: 0 };
  const server = net.createServer((socket) => {
    seen.connections++;
    seen.open++;
    socket.on("close", () => seen.open--);
    let text = "";
    let number = 0;
    socket.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        seen.requests.push(text.slice(0, end + 4));
        text = text.slice(end + 4);
        answer(socket, ++number);
      }
    });
  });
  return Object.assign(seen, { address: await listening(server) });
}

/** A path of a socket that is not there yet. */
export function socketPath(): string {
  const directory = mkdtempSync(join(tmpdir(), "goodgate-"));
  afterwards(() => rmSync(directory, { recursive: true }));
  return join(directory, "app.sock");
}

/** An address at which nothing listens. */
export async function closedPort(): Promise<Address> {
  const server = net.createServer();
  const address = await listening(server);
  server.close();
  await once(server, "close");
  return address;
}

export function targetOf(address: Address, tls: UpstreamTlsContext | null = null): DialTarget {
  const resolver = new Resolver({ minMs: 1_000, timeoutMs: 2_000 });
  afterwards(() => resolver.close());
  return { address, tls, timeouts: { resolveMs: 5_000, connectMs: 5_000, tlsMs: 5_000 }, resolver };
}

export function diallerTo(address: Address, tls: UpstreamTlsContext | null = null): Dialler {
  const target = targetOf(address, tls);
  return (reader, done) => dial(target, reader, done);
}

export const HEALTH: HealthConfig = {
  kind: "http",
  path: "/healthz",
  host: null,
  statuses: [[200, 399]],
  body: null,
  intervalMs: 2_000,
  fastIntervalMs: 500,
  downIntervalMs: 4_000,
  timeoutMs: 5_000,
  rise: 2,
  fall: 3,
};

/** Waits for what comes about in its own time; the test's own timeout is the bound. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Holds the event loop up: nothing is read, no timer fires. */
export function stall(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
