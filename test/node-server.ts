// Applications of a test: servers of its own on free ports, closed behind it.
import { createServer, type RequestListener, type Server } from "node:http";
import type { Server as NetServer } from "node:net";
import { createProxy } from "../src/node/index.ts";
import type { NodeProxy, ProxyOptions, ProxyTarget } from "../src/node/public.ts";
import { freePort } from "./origin.ts";

/** A GET as its bytes, with further header lines. */
export const get = (path: string, ...lines: string[]): string =>
  `GET ${path} HTTP/1.1\r\nHost: shop.test\r\n${lines.map((l) => `${l}\r\n`).join("")}\r\n`;

/** What closes when a test has ended. */
export class Cleanup {
  readonly #closers: (() => unknown)[] = [];

  add(close: () => unknown): void {
    this.#closers.push(close);
  }

  /** A proxy that says nothing on standard error. */
  proxy(target: ProxyTarget, options: ProxyOptions = {}): NodeProxy {
    const proxy = createProxy(target, { logger: SILENT, ...options });
    this.add(() => proxy.close());
    return proxy;
  }

  /** An application on a free port. */
  async serve(listener: RequestListener): Promise<{ port: number; url: string; server: Server }> {
    const server = createServer(listener);
    const port = await this.listen(server);
    this.add(() => server.closeAllConnections());
    return { port, url: `http://127.0.0.1:${port}`, server };
  }

  listen(server: NetServer): Promise<number> {
    this.add(() => new Promise((resolve) => server.close(resolve)));
    return new Promise((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });
  }

  async run(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }
}

/** An upstream where nothing listens, and whose requests do not wait until something does. */
export async function away(): Promise<{ upstreams: { app: { endpoints: string[]; hold: "off" } } }> {
  return { upstreams: { app: { endpoints: [`127.0.0.1:${await freePort()}`], hold: "off" } } };
}

const SILENT = { info() {}, warn() {}, error() {} };
