// goodgate/node as a package: the examples of README.md ("Inside a Node app") and of docs/node.md run as they stand, but
// for their ports, each as a user's own module; the declarations stand on their own and fit the frameworks' types.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { rolldown } from "rolldown";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import { RawClient, until } from "./harness.ts";
import { freePort } from "./origin.ts";

const run = promisify(execFile);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
const START_MS = 15_000;

let folder: string;
let lab: Lab;
let example: ChildProcess | null = null;

beforeAll(async () => {
  lab = await startLab();
  folder = mkdtempSync(join(tmpdir(), "goodgate-package-"));
  const module = join(folder, "node_modules", "goodgate");
  mkdirSync(join(module, "dist", "node"), { recursive: true });
  copyFileSync(join(root, "package.json"), join(module, "package.json"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  for (const name of ["express", "fastify", "vite", "@types"])
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  const built = await rolldown({ input: join(root, "src", "node", "index.ts"), platform: "node", logLevel: "warn" });
  try {
    await built.write({ format: "es", file: join(module, nodeExport().default) });
  } finally {
    await built.close();
  }
}, 60_000);

afterAll(async () => {
  await lab?.close();
  rmSync(folder, { recursive: true, force: true });
});

afterEach(async () => {
  const child = example;
  example = null;
  if (child && child.exitCode === null) {
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
  }
  lab.clear();
});

/** What package.json says of goodgate/node. */
function nodeExport(): { default: string; types: string } {
  const { exports: entries } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    exports: { "./node": { default: string; types: string } };
  };
  return entries["./node"];
}

/** The fences of a page that run, by name. */
function examplesOf(page: string): Map<string, string> {
  const text = readFileSync(join(root, page), "utf8");
  return new Map(Array.from(text.matchAll(/^```js run (\w+)\n([\s\S]*?)^```$/gm), ([, name, code]) => [name!, code!]));
}

/** Runs an example on ports of this test until it answers at `path`; `around` is what the framework would do with it. */
async function start(code: string, path: string, around: (file: string, port: number) => string): Promise<number> {
  const port = await freePort();
  const file = join(folder, `example-${port}.mjs`);
  expect(code).toMatch(/localhost:3000/);
  writeFileSync(file, code.replaceAll("localhost:3000", lab.address).replaceAll("8080", String(port)));
  const main = join(folder, `main-${port}.mjs`);
  writeFileSync(main, around(file, port));
  const child = spawn(process.execPath, [main], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  example = child;
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  let up = false;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const ask = async (): Promise<void> => {
    while (!up && child.exitCode === null)
      up = await fetch(`http://127.0.0.1:${port}${path}`).then(
        ({ ok }) => ok,
        () => new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 20)),
      );
  };
  void ask();
  await until(
    () => up,
    START_MS,
    () => `the example does not answer:\n${output}`,
    ended,
  );
  return port;
}

const asItIs = (file: string): string => `import ${JSON.stringify(file)};`;

describe("README.md", () => {
  const examples = examplesOf("README.md");
  const post = { method: "POST", body: '{"a": 1}', headers: { "content-type": "application/json" } };

  test("has an example for each", () => {
    expect([...examples.keys()]).toEqual(["http", "express", "fastify", "next", "vite"]);
  });

  test("node:http, with WebSocket", async () => {
    const port = await start(examples.get("http")!, "/lab/echo", asItIs);
    expect(await (await fetch(`http://127.0.0.1:${port}/lab/echo`, post)).json()).toMatchObject({
      target: "/lab/echo",
    });
    lab.next("upgrade-refused", 1);
    const client = new RawClient(port);
    client.send(
      "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    expect((await client.response()).status).toBe(403);
    expect(lab.deliveriesOf("/chat")[0]!.headers).toContainEqual(["Upgrade", "websocket"]);
    client.close();
  });

  test.each(["express", "fastify"])("%s: what is mounted at /api goes on without it", async (name) => {
    const port = await start(examples.get(name)!, "/api/lab/echo", asItIs);
    const echo = await (await fetch(`http://127.0.0.1:${port}/api/lab/echo?a`, post)).json();
    expect(echo).toMatchObject({ target: "/lab/echo?a", body: { bytes: post.body.length, complete: true } });
    expect((await fetch(`http://127.0.0.1:${port}/other`)).status).toBe(404);
    expect(lab.deliveriesOf("/other")).toEqual([]);
  });

  test("Next: what is exported is a handler and its configuration", async () => {
    const server = (file: string, port: number): string => `
      import { createServer } from "node:http";
      import handler, { config } from ${JSON.stringify(file)};
      if (config.api.bodyParser !== false) throw new Error("the body would be parsed");
      createServer(handler).listen(${port});`;
    const port = await start(examples.get("next")!, "/lab/echo", server);
    expect((await fetch(`http://127.0.0.1:${port}/api/users`, post)).status).toBe(404);
    expect(lab.deliveriesOf("/api/users")).toMatchObject([{ method: "POST", bodyComplete: true }]);
  });

  test("Vite: /api goes on, the rest is Vite's", async () => {
    const server = (file: string, port: number): string => `
      import { createServer } from "vite";
      const server = await createServer({
        configFile: ${JSON.stringify(file)}, root: ${JSON.stringify(folder)}, logLevel: "error",
        server: { port: ${port}, host: "127.0.0.1", strictPort: true },
      });
      await server.listen();`;
    writeFileSync(join(folder, "index.html"), "<title>from Vite</title>");
    const port = await start(examples.get("vite")!, "/", server);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toContain("from Vite");
    await fetch(`http://127.0.0.1:${port}/api/users`, post);
    expect(lab.deliveriesOf("/api/users")).toMatchObject([{ method: "POST", bodyComplete: true }]);
    // Vite's own WebSocket still belongs to Vite, which wants its token.
    const client = new RawClient(port);
    client.send(
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: vite-ping\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
    const { head } = await client.response();
    expect(head.toLowerCase()).not.toContain("goodgate");
    client.close();
  });
});

describe("docs/node.md", () => {
  const examples = examplesOf("docs/node.md");

  test("targets: each is accepted", async () => {
    const file = join(folder, "targets.mjs");
    writeFileSync(join(folder, "goodgate.yaml"), "upstreams: { app: 10.0.0.1:3000 }\n");
    writeFileSync(
      file,
      `import { createProxy } from "goodgate/node";\n${examples.get("targets")!}console.log("fine");`,
    );
    expect((await run(process.execPath, [file], { cwd: folder })).stdout).toBe("fine\n");
  });

  test("errors: the handler answers", async () => {
    const head =
      'import express from "express";\nimport { createProxy, GatewayError } from "goodgate/node";\nconst app = express();\n';
    const first = 'app.get("/up", (request, response) => response.end());\n';
    const port = await start(`${head}${first}${examples.get("errors")!}app.listen(8080);`, "/up", asItIs);
    lab.setFault("bad-status-line");
    const response = await fetch(`http://127.0.0.1:${port}/api/x`);
    expect(response.headers.get("proxy-status")).toContain("http_protocol_error");
    expect([response.status, await response.json()]).toEqual([502, { cause: expect.any(String) }]);
  });

  test("has no other examples that run", () => {
    expect([...examples.keys()]).toEqual(["targets", "errors"]);
  });
});

test("it exports what its declarations say, to import and to require", async () => {
  expect(nodeExport()).toEqual({ types: "./dist/node/public.d.ts", default: "./dist/node/index.js" });
  const file = join(folder, "names.cjs");
  writeFileSync(file, 'console.log(Object.keys(require("goodgate/node")).sort().join())');
  expect((await run(process.execPath, [file])).stdout).toBe("GatewayError,createProxy\n");
});

test("the declarations stand on their own, and fit node, Fastify and Vite", async () => {
  const outDir = join(folder, "node_modules", "goodgate", "dist");
  await run(process.execPath, [tsc, "-p", join(root, "tsconfig.node.json"), "--outDir", outDir]);
  const file = join(folder, "user.ts");
  writeFileSync(
    file,
    `import { createServer } from "node:http";
    import { createServer as createHttp2 } from "node:http2";
    import fastify from "fastify";
    import { createProxy, GatewayError, type NodeProxy, type ProxiedExchange } from "goodgate/node";
    const seen: ProxiedExchange[] = [];
    const proxy: NodeProxy = createProxy("localhost:1", { onError: "next", onExchange: (one) => void seen.push(one), logger: console });
    createServer(proxy).on("upgrade", proxy.upgrade).on("checkContinue", proxy);
    createHttp2(proxy);
    fastify().register(proxy.fastify, { prefix: "/api" });
    createProxy({ upstreams: { app: { endpoints: ["a:1"], retry: "off" } }, routes: [{ path: "/", proxy: "app" }], trust: "10.0.0.0/8" });
    createProxy({ config: "goodgate.yaml", name: "shop" });
    export const status = (error: unknown): number => (error instanceof GatewayError ? error.status : 0);
    // @ts-expect-error no such option
    createProxy("localhost:1", { onFailure: "next" });
    // @ts-expect-error neither
    createProxy({ upstream: "localhost:1" });`,
  );
  const strict = ["--ignoreConfig", "--strict", "--exactOptionalPropertyTypes", "--noEmit", "--module", "nodenext"];
  const lib = ["--target", "es2023", "--lib", "es2023", "--types", "node", "--skipLibCheck"];
  expect((await run(process.execPath, [tsc, ...strict, ...lib, file])).stdout).toBe("");
});
