// goodgate/node as middleware: Express, Connect (as Vite has it), Fastify, the API routes of Next; and what createProxy
// says of settings that cannot work.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import express from "express";
import fastify, { type FastifyInstance } from "fastify";
import { createServer as createVite } from "vite";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import { createProxy, GatewayError } from "../src/node/index.ts";
import type { ProxyTarget } from "../src/node/public.ts";
import { away, Cleanup } from "./node-server.ts";

let lab: Lab;
let folder: string;
const cleanup = new Cleanup();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-node-"));
  lab = await startLab();
});
afterAll(async () => {
  await lab?.close();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(async () => {
  lab.clear();
  await cleanup.run();
});

interface Echo {
  readonly method: string;
  readonly target: string;
  readonly body: { readonly bytes: number; readonly complete: boolean };
}
const echoOf = async (response: Response): Promise<Echo> => (await response.json()) as Echo;

describe("Express", () => {
  test("the mount path is taken off, and what follows the proxy is not reached", async () => {
    const app = express();
    app.use("/api", cleanup.proxy(lab.url));
    app.use("/v2", cleanup.proxy(`${lab.url}/lab`));
    app.use((_request, response) => response.end("the application"));
    const { url } = await cleanup.serve(app);
    expect(await echoOf(await fetch(`${url}/api/lab/echo?a=1`))).toMatchObject({ target: "/lab/echo?a=1" });
    expect(await echoOf(await fetch(`${url}/v2/echo`))).toMatchObject({ target: "/lab/echo" });
    expect(await (await fetch(`${url}/other`)).text()).toBe("the application");
    expect((await fetch(`${url}/api/lab/echo`)).headers.get("x-powered-by")).toBe("Express");
  });

  test("a failure goes to the error handler where that is asked for", async () => {
    const app = express();
    app.use("/api", cleanup.proxy(await away(), { onError: "next" }));
    app.use("/plain", cleanup.proxy(await away()));
    const handler: express.ErrorHandler = (error, _request, response, next) => {
      if (!(error instanceof GatewayError)) return next(error);
      response.writeHead(error.status, { ...error.headers, "Content-Type": "text/plain" });
      response.end(`mine: ${error.cause}`);
    };
    app.use(handler);
    const { url } = await cleanup.serve(app);
    const mine = await fetch(`${url}/api/x`);
    expect([mine.status, await mine.text()]).toEqual([502, "mine: connect-refused"]);
    expect(mine.headers.get("proxy-status")).toContain("connection_refused");
    const ours = await fetch(`${url}/plain/x`, { headers: { accept: "text/html" } });
    expect([ours.status, ours.headers.get("content-type")]).toEqual([502, "text/html; charset=utf-8"]);
  });

  test("without an error handler Express shows the status of the failure", async () => {
    const app = express();
    app.use(cleanup.proxy(await away(), { onError: "next" }));
    const { url } = await cleanup.serve((request, response) => {
      // finalhandler writes to standard error otherwise.
      (request as { app?: unknown }).app = undefined;
      app(request, response);
    });
    const log = console.error;
    console.error = () => {};
    try {
      expect((await fetch(url)).status).toBe(502);
    } finally {
      console.error = log;
    }
  });
});

describe("Fastify", () => {
  async function listen(app: FastifyInstance): Promise<string> {
    cleanup.add(() => app.close());
    return app.listen({ port: 0, host: "127.0.0.1" });
  }

  test("the prefix is taken off; every method, path and body goes on as it came", async () => {
    const app = fastify({ bodyLimit: 1000 });
    const finished: number[] = [];
    app.addHook("onResponse", (_request, reply, done) => {
      finished.push(reply.statusCode);
      done();
    });
    app.register(cleanup.proxy(lab.url).fastify, { prefix: "/api" });
    app.post("/own", (request) => ({ parsed: request.body }));
    const url = await listen(app);
    expect(await echoOf(await fetch(`${url}/api/lab/echo?a=1`))).toMatchObject({
      method: "GET",
      target: "/lab/echo?a=1",
    });
    for (const [method, type] of [
      ["POST", "application/json"],
      ["PUT", "text/plain"],
      ["PATCH", "image/png"],
    ]) {
      const sent = { method: method!, body: Buffer.alloc(100_000, "{"), headers: { "content-type": type! } };
      const echo = await echoOf(await fetch(`${url}/api/lab/echo`, sent));
      expect(echo).toMatchObject({ method, body: { bytes: 100_000, complete: true } });
    }
    expect((await fetch(`${url}/api`)).status).toBe(200);
    expect((await fetch(`${url}/api/lab/bytes?n=3`, { method: "HEAD" })).headers.get("content-length")).toBe("3");
    expect((await fetch(`${url}/apix`)).status).toBe(404);
    const own = { method: "POST", body: '{"a":1}', headers: { "content-type": "application/json" } };
    expect(await (await fetch(`${url}/own`, own)).json()).toEqual({ parsed: { a: 1 } });
    expect(finished).toContain(200);
  });

  test("at the root, without a prefix", async () => {
    const app = fastify();
    app.register(cleanup.proxy(lab.url).fastify);
    const url = await listen(app);
    expect(await echoOf(await fetch(`${url}/lab/echo`))).toMatchObject({ target: "/lab/echo" });
  });

  test("a failure goes to Fastify's error handler, what no route takes to its not-found handler", async () => {
    const app = fastify();
    app.setErrorHandler((error, _request, reply) => {
      void reply.code((error as GatewayError).statusCode).send({ mine: (error as GatewayError).cause });
    });
    app.setNotFoundHandler((_request, reply) => void reply.code(404).send({ mine: "not found" }));
    const target = { ...(await away()), routes: [{ path: "/some/*", proxy: "app" }] };
    app.register(cleanup.proxy(target, { onError: "next" }).fastify, { prefix: "/api" });
    app.register(cleanup.proxy(await away()).fastify, { prefix: "/plain" });
    const url = await listen(app);
    const failed = await fetch(`${url}/api/some/x`);
    expect([failed.status, await failed.json()]).toEqual([502, { mine: "connect-refused" }]);
    expect(await (await fetch(`${url}/api/other`)).json()).toEqual({ mine: "not found" });
    const plain = await fetch(`${url}/plain/x`);
    expect([plain.status, plain.headers.get("proxy-status")]).toEqual([502, expect.stringContaining("refused")]);
  });
});

test("Vite: the proxy's routes go on, and the rest stays Vite's", async () => {
  writeFileSync(join(folder, "page.txt"), "from Vite");
  const proxy = cleanup.proxy({ upstreams: { api: lab.address }, routes: [{ path: "/lab/*", proxy: "api" }] });
  const vite = await createVite({
    configFile: false,
    root: folder,
    logLevel: "silent",
    appType: "custom",
    optimizeDeps: { noDiscovery: true },
    server: { middlewareMode: true, ws: false },
    plugins: [{ name: "api", configureServer: (server) => void server.middlewares.use(proxy) }],
  });
  cleanup.add(() => vite.close());
  const { url } = await cleanup.serve(vite.middlewares);
  expect(await echoOf(await fetch(`${url}/lab/echo?x`))).toMatchObject({ target: "/lab/echo?x" });
  expect(await (await fetch(`${url}/page.txt`)).text()).toBe("from Vite");
});

test("Next: the handler of an API route has answered when its promise resolves", async () => {
  const handler = cleanup.proxy({
    upstreams: { app: lab.address },
    routes: [{ path: "/", proxy: "app", strip: "/api" }],
  });
  const ended: boolean[] = [];
  const { url } = await cleanup.serve(async (request, response) => {
    await handler(request, response);
    ended.push(response.writableEnded);
  });
  const sent = { method: "POST", body: "x".repeat(5000) };
  expect(await echoOf(await fetch(`${url}/api/lab/echo`, sent))).toMatchObject({
    target: "/lab/echo",
    body: { bytes: 5000 },
  });
  expect(ended).toEqual([true]);
});

describe("settings", () => {
  const problemOf = (target: ProxyTarget, options = {}): string => {
    try {
      void createProxy(target, options).close();
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };

  test("every problem is told at once, with the line where it stands", () => {
    const file = join(folder, "bad.yaml");
    writeFileSync(
      file,
      "upstreams:\n  app: { endpoints: [a:1], timeouts: { head: soon } }\nroutes:\n  - { path: x, proxy: app }\n",
    );
    const told = problemOf({ config: file });
    expect(told).toContain(`${file}:2:`);
    expect(told).toContain(`${file}:4:`);
    const inline = problemOf({
      upstreams: { app: { endpoints: ["a:1"], timeout: { head: "1s" } } },
      trust: "everybody",
    });
    expect(inline).toMatch(/timeout/);
    expect(inline).toMatch(/everybody/);
    expect(inline).not.toMatch(/:\d+:\d+:/);
  });

  test.each<[string, ProxyTarget, object, RegExp]>([
    ["an address that is none", "http://", {}, /address|host/i],
    ["a file that is not there", { config: "no-such.yaml" }, {}, /no-such\.yaml cannot be read \(ENOENT\)/],
    [
      "settings beside a file",
      { config: "x.yaml", upstreams: {} },
      {},
      /settings beside it[\s\S]*put upstreams into x\.yaml/,
    ],
    [
      "listeners",
      { upstreams: { app: "a:1" }, listen: ":80" } as ProxyTarget,
      {},
      /"listen" has no meaning inside an application/,
    ],
    ["another onError", "a:1", { onError: "throw" }, /onError[\s\S]*"respond" or "next"/],
    ["a hook that is no function", "a:1", { onExchange: 1 }, /onExchange is not a function/],
    ["a logger that lacks something", "a:1", { logger: { info() {} } }, /logger lacks/],
    ["a bad name", "a:1", { name: "two words" }, /two words/],
  ])("%s", (_what, target, options, words) => {
    expect(problemOf(target, options)).toMatch(words);
  });

  test("a file, several addresses, and text that looks like a variable", async () => {
    const file = join(folder, "good.yaml");
    writeFileSync(file, `listen: [":1"]\nconsole: ":2"\nworkers: 4\nupstreams: { app: "${lab.address}" }\n`);
    const app = express();
    app.use("/file", cleanup.proxy({ config: file }, { name: "from-file" }));
    app.use("/two", cleanup.proxy([lab.url, lab.address]));
    const respond = { path: "/", respond: "${{HOME}" };
    app.use("/text", cleanup.proxy({ routes: [respond] }));
    const { url } = await cleanup.serve(app);
    expect((await fetch(`${url}/file/lab/echo`)).status).toBe(200);
    expect((await fetch(`${url}/two/lab/echo`)).status).toBe(200);
    expect(await (await fetch(`${url}/text/`)).text()).toBe("${HOME}");
  });

  test("the failure log goes to the application's logger", async () => {
    const lines: string[] = [];
    const logger = { info() {}, warn: (line: string) => void lines.push(line), error() {} };
    const { url } = await cleanup.serve(cleanup.proxy(await away(), { logger }));
    await fetch(`${url}/cart`);
    expect(lines.join("\n")).toMatch(/502 connect-refused .*\/cart/);
  });
});
