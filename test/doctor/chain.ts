// A chain of real programs on loopback for one case: applications in this process, programs of their own beside it
// (programs.ts), names by a test resolver, all at ports that were free a moment before, files in one temporary folder.
// close() ends what was started, by its own process id, and removes the folder.
import type { ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsHttpServer } from "node:https";
import { createServer as createNetServer, type ListenOptions, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import type { FaultOptions } from "../../src/lab/fault.ts";
import type { FaultName } from "../../src/lab/faults.ts";
import { type Lab, startLab } from "../../src/lab/server.ts";
import { lastingPort } from "../held.ts";
import { startResolver, type TestResolver, type Zone } from "./resolver.ts";

export interface Place {
  readonly host: string;
  readonly port: number;
  /** "127.0.0.1:3000", "unix:/…/app.sock". */
  readonly address: string;
}

export interface AppOptions {
  readonly host?: string;
  /** A Unix socket in place of a port. */
  readonly socket?: string;
  readonly tls?: TlsOptions;
  /** How long idle connections stay. */
  readonly keepAliveMs?: number;
  readonly maxHeaderBytes?: number;
}

/** Answers 200 with a page. */
export const hello: RequestListener = (request, response) => {
  response.setHeader("Content-Type", "text/html");
  response.end(`<!doctype html><title>Shop</title><p>Hello from the shop: ${request.url?.split("?")[0]}</p>\n`);
};

export class Chain {
  readonly folder = mkdtempSync(join(tmpdir(), "goodgate-doctor-"));
  /** What resolv.conf of doctor's and of the programs' surroundings is to name; null = a resolver that knows nothing. */
  systemResolver: TestResolver | null = null;
  readonly #closers: (() => unknown)[] = [];
  #lab: Promise<Lab> | null = null;

  constructor() {
    // Workers of nginx run as another user.
    chmodSync(this.folder, 0o755);
  }

  add(close: () => unknown): void {
    this.#closers.push(close);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Writes a file of the case; gives its path. */
  file(name: string, text: string | Buffer): string {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  freePort(): Promise<number> {
    return lastingPort();
  }

  /** An address where nothing listens. */
  async nowhere(host = "127.0.0.1"): Promise<Place> {
    const port = await this.freePort();
    return { host, port, address: `${host}:${port}` };
  }

  /** An application of node:http. */
  app(listener: RequestListener = hello, options: AppOptions = {}): Promise<Place> {
    const limits = { maxHeaderSize: options.maxHeaderBytes ?? 65_536 };
    const server = options.tls
      ? createTlsHttpServer({ ...limits, ...options.tls }, listener)
      : createServer(limits, listener);
    if (options.keepAliveMs !== undefined) server.keepAliveTimeout = options.keepAliveMs;
    return this.listen(server, options);
  }

  /** An application that speaks for itself, byte by byte. */
  raw(serve: (socket: Socket) => void, options: AppOptions = {}): Promise<Place> {
    const guarded = (socket: Socket): void => {
      // Whoever connects may leave when it likes.
      socket.on("error", () => socket.destroy());
      serve(socket);
    };
    const server = options.tls
      ? createTlsServer(options.tls, guarded)
      : createNetServer({ allowHalfOpen: true, noDelay: true }, guarded);
    return this.listen(server, options);
  }

  /** Listens, and closes with the chain. */
  async listen(server: Server, { host = "127.0.0.1", socket }: AppOptions = {}): Promise<Place> {
    const sockets = new Set<Socket>();
    server.on("connection", (each: Socket) => {
      sockets.add(each);
      each.on("error", () => each.destroy());
      each.on("close", () => sockets.delete(each));
    });
    // Failed handshakes are what some cases are about.
    server.on("tlsClientError", () => undefined);
    const where: ListenOptions = socket ? { path: socket } : { host, port: await this.freePort() };
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(where, resolve));
    this.add(() => {
      server.close();
      for (const each of sockets) each.destroy();
    });
    if (socket) return { host: socket, port: 0, address: `unix:${socket}` };
    const { port = 0 } = where;
    return { host, port, address: `${host.includes(":") ? `[${host}]` : host}:${port}` };
  }

  lab(): Promise<Lab> {
    this.#lab ??= startLab().then((lab) => {
      this.add(() => lab.close());
      return lab;
    });
    return this.#lab;
  }

  /** An address where every connection meets a fault of the lab. */
  async fault(name: FaultName, options: FaultOptions = {}): Promise<Place & { readonly ca: string | null }> {
    const { address, ca } = await (await this.lab()).listener(name, options);
    const [, host = address, port = "0"] = /^(.*):(\d+)$/.exec(address) ?? [];
    return { address, host, port: Number(port), ca: ca ?? null };
  }

  async resolver(zone: Zone): Promise<TestResolver> {
    const resolver = await startResolver(zone);
    this.add(() => resolver.close());
    return resolver;
  }

  /** The names that this machine's own resolver has, as doctor sees it. Needs "names". */
  async names(zone: Zone): Promise<TestResolver> {
    const [b, c, d] = [1, 2, 3].map(() => 1 + Math.floor(Math.random() * 250));
    const resolver = await startResolver(zone, `127.${b}.${c}.${d}`, 53);
    this.add(() => resolver.close());
    this.systemResolver = resolver;
    return resolver;
  }

  /** Ends a program with the chain: in order first, by force where it does not. */
  addProcess(child: ChildProcess): void {
    this.add(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      // A process that was stopped takes no other signal.
      child.kill("SIGCONT");
      child.kill("SIGTERM");
      const force = setTimeout(() => child.kill("SIGKILL"), 700);
      await ended;
      clearTimeout(force);
    });
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
