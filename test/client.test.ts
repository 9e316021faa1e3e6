// goodgate/client against the real gateway and the lab: what it asks again, what reached the application, what its
// errors say. In Node, and once in a real browser (left out where chromium is not installed). And what it weighs, what
// the package exports, and whether the code of docs/client.md does what the page says.
import { execFile } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { rolldown } from "rolldown";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type ClientEvent, createFetch, RequestFailure } from "../src/client/index.ts";
import { json } from "../src/lab/good.ts";
import { type Lab, startLab } from "../src/lab/server.ts";
import { type RunningGateway, startGateway } from "./harness.ts";
import { freePort } from "./origin.ts";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const run = promisify(execFile);
const WEIGHT_BYTES_MAX = 5000;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, "src", "client", "index.ts");

let lab: Lab;
let gateway: RunningGateway;
let base: string;

beforeAll(async () => {
  lab = await startLab({
    handler: ({ path, method }) => {
      if (path === "/page")
        return { status: 200, headers: [["Content-Type", "text/html"]], body: "<title>Page</title>" };
      return path === "/orders" ? json({ orders: [] }, method === "POST" ? 201 : 200) : null;
    },
  });
  gateway = await startGateway({
    upstreams: {
      app: { endpoints: [lab.address], retry: "off", timeouts: { head: "5s" } },
      away: { endpoints: [`127.0.0.1:${await freePort()}`], retry: "off" },
    },
    routes: [
      { path: "/away/*", proxy: "away" },
      { path: "/", proxy: "app" },
    ],
  });
  base = `http://127.0.0.1:${gateway.port}`;
});

afterAll(async () => {
  await gateway?.stop("SIGKILL");
  await lab?.close();
});

afterEach(() => lab.clear());

/** Deadlines hold; the seconds that Retry-After asks for are not waited. */
const quick = {
  platform: {
    after: (ms: number, callback: () => void) => {
      const timer = setTimeout(callback, ms < 9000 ? Math.min(ms, 50) : ms);
      return () => clearTimeout(timer);
    },
  },
};

async function failureOf(promise: Promise<unknown>): Promise<RequestFailure> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (!(error instanceof RequestFailure)) throw new Error(`not a RequestFailure: ${String(error)}`);
  return error;
}

/** Runs in the page; as text, since the test runner would rewrite its import. */
const IN_BROWSER = `(async () => {
  const { createFetch, RequestFailure } = await import("/client.js");
  const events = [];
  const after = (ms, callback) => {
    const timer = setTimeout(callback, ms < 9000 ? Math.min(ms, 50) : ms);
    return () => clearTimeout(timer);
  };
  const go = createFetch({ platform: { after }, onEvent: ({ type }) => events.push(type) });
  const { status } = await go("lab/echo?browser");
  const failure = await go("/away/").catch((error) => error);
  const aborted = await go("/lab/slow?ms=60000", { signal: AbortSignal.timeout(50) }).catch(({ name }) => name);
  const { causeId, attempts, url, userMessage } = failure;
  return { status, events, isFailure: failure instanceof RequestFailure, causeId, attempts, url, userMessage, aborted };
})()`;

/** Runs in a worker: there is no window, and addresses go by the worker's own. */
const IN_WORKER = `
  import { createFetch } from "/client.js";
  const send = createFetch({ idempotencyKey: true, platform: { after: (ms, callback) => {
    const timer = setTimeout(callback, ms < 9000 ? Math.min(ms, 50) : ms);
    return () => clearTimeout(timer);
  } } });
  // As ky sends it: a Request with a body.
  const response = await send(new Request("lab/echo?worker", { method: "POST", body: "whole" }));
  const { body } = await response.json();
  postMessage({ hasWindow: typeof window !== "undefined", status: response.status, bytes: body.bytes });
`;

/** In the page: what the worker says. */
const ASK_WORKER = `new Promise((resolve, reject) => {
  const worker = new Worker("/worker.js", { type: "module" });
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = ({ message }) => reject(new Error(message));
})`;

/** The client as one minified module, as a page would load it. */
async function bundle(input: string = source): Promise<string> {
  const built = await rolldown({ input, platform: "browser", logLevel: "warn" });
  try {
    const { output } = await built.generate({ format: "es", minify: true });
    expect(output).toHaveLength(1);
    return output[0].code;
  } finally {
    await built.close();
  }
}

test("a GET that the application breaks off is asked again, and nobody sees it", async () => {
  lab.next("close-before-head", 2);
  const events: ClientEvent[] = [];
  const go = createFetch({ ...quick, onEvent: (event) => events.push(event) });
  expect((await go(`${base}/lab/echo`)).status).toBe(200);
  expect(lab.deliveriesOf("/lab/echo")).toHaveLength(3);
  expect(events.map(({ type }) => type)).toEqual(["retry", "retry", "recovered"]);
});

test("a POST reaches the application once; with a key as often as needed, each time with the same", async () => {
  lab.next("close-before-head", 3);
  const failure = await failureOf(createFetch(quick)(`${base}/lab/echo`, { method: "POST", body: "x" }));
  expect(failure).toMatchObject({ status: 502, causeId: "closed-before-response", retryable: false, attempts: 1 });
  expect(lab.deliveriesOf("/lab/echo")).toHaveLength(1);

  const keyed = createFetch({ ...quick, idempotencyKey: true });
  const response = await keyed(`${base}/lab/echo`, { method: "POST", body: "x" });
  const { headers } = (await response.json()) as { headers: [string, string][] };
  expect(lab.deliveriesOf("/lab/echo")).toHaveLength(4);
  expect(JSON.stringify(headers).toLowerCase()).toMatch(/idempotency-key[",\s]+[0-9a-f]{32}"/);
});

test("the error has the gateway's own words, by problem+json or by Proxy-Status alone", async () => {
  const go = createFetch({ attempts: 1 });
  const failure = await failureOf(go(`${base}/away/`, { headers: { "X-Request-Id": "client-1" } }));
  expect(failure).toMatchObject({
    kind: "status",
    status: 502,
    causeId: "connect-refused",
    proxyError: "connection_refused",
    requestId: "client-1",
    retryable: true,
  });
  expect(failure.detail).toEqual(expect.any(String));
  expect(failure.reference).toMatch(/^https:\/\/[^/]+\/reference\/cause\/connect-refused$/);
  const page = await failureOf(go(`${base}/away/`, { headers: { Accept: "text/html" } }));
  expect(page).toMatchObject({ causeId: "connect-refused", detail: null, reference: failure.reference });
  expect(page.body).toContain("<html");
});

test("a cause that no repetition mends is not repeated", async () => {
  lab.setFault("bad-status-line");
  const failure = await failureOf(createFetch(quick)(`${base}/lab/echo`));
  expect(failure).toMatchObject({ status: 502, retryable: false, attempts: 1 });
  expect(lab.deliveriesOf("/lab/echo")).toHaveLength(1);
});

test("a try that hangs ends by its deadline, an abort at once", async () => {
  const slow = `${base}/lab/slow?ms=60000`;
  const failure = await failureOf(createFetch({ ...quick, tryMs: 50, attempts: 2 })(slow));
  expect(failure).toMatchObject({ kind: "timeout", status: null, attempts: 2 });
  const controller = new AbortController();
  const pending = createFetch()(slow, { signal: controller.signal });
  controller.abort();
  await expect(pending).rejects.toMatchObject({ name: "AbortError" });
});

test("nobody listening is a network error", async () => {
  const failure = await failureOf(createFetch(quick)(`http://127.0.0.1:${await freePort()}/`));
  expect(failure).toMatchObject({ kind: "network", attempts: 3, causeId: null });
  expect(failure.cause).toBeInstanceOf(TypeError);
});

test("minified and gzipped it stays below 5 kB; who needs only the error takes nothing of createFetch", async () => {
  const code = await bundle();
  expect(gzipSync(code).length).toBeLessThan(WEIGHT_BYTES_MAX);
  expect(code).not.toContain("node:");
  const folder = mkdtempSync(join(tmpdir(), "goodgate-client-"));
  try {
    const input = join(folder, "only-the-error.js");
    writeFileSync(input, `import { RequestFailure } from ${JSON.stringify(source)}; globalThis.kept = RequestFailure;`);
    const onlyTheError = await bundle(input);
    expect(onlyTheError.length).toBeLessThan(code.length / 8);
    expect(onlyTheError).not.toMatch(/Idempotency-Key|proxy-status|connection_refused|half-open|AbortController/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

describe("as a package", () => {
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "goodgate-client-"));
    const module = join(folder, "node_modules", "goodgate");
    const { target } = clientExport();
    mkdirSync(dirname(join(module, target)), { recursive: true });
    copyFileSync(join(root, "package.json"), join(module, "package.json"));
    writeFileSync(join(module, target), await bundle());
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs a module as a user's own. */
  async function runModule(code: string): Promise<string> {
    const file = join(folder, "example.mjs");
    writeFileSync(file, code);
    return (await run(process.execPath, [file])).stdout;
  }

  test("goodgate/client is what the build makes of it, and package.json can be read", async () => {
    const { target, types } = clientExport();
    expect([target, types]).toEqual(["./dist/client/index.js", "./dist/client/index.d.ts"]);
    const code = `console.log(Object.keys(await import("goodgate/client")).sort().join(), import.meta.resolve("goodgate/package.json"))`;
    expect(await runModule(code)).toMatch(/^RequestFailure,createFetch file:.*package\.json\n$/);
  });

  test("the declarations stand on their own, and know the options", async () => {
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    const strict = [
      "--ignoreConfig",
      "--strict",
      "--types",
      "",
      "--module",
      "nodenext",
      "--lib",
      "es2023,dom,dom.iterable",
    ];
    const emit = ["--declaration", "--emitDeclarationOnly", "--rewriteRelativeImportExtensions", "--target", "es2023"];
    const outDir = join(folder, "node_modules", "goodgate", "dist");
    await run(process.execPath, [tsc, ...strict, ...emit, "--rootDir", join(root, "src"), "--outDir", outDir, source]);
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    const file = join(folder, "user.ts");
    writeFileSync(
      file,
      `import { type ClientOptions, createFetch, RequestFailure } from "goodgate/client";
      const options: ClientOptions = { tryMs: 5, onEvent: (event) => event.type === "retry" && event.waitMs.toFixed() };
      export const response: Promise<Response> = createFetch(options)("/x");
      export const kind = (failure: RequestFailure): "status" | "network" | "timeout" | "circuit-open" => failure.kind;
      // @ts-expect-error no such option
      createFetch({ retries: 3 });`,
    );
    expect((await run(process.execPath, [tsc, ...strict, "--noEmit", file])).stdout).toBe("");
    // A Node project has no DOM: its fetch is that of @types/node.
    symlinkSync(join(root, "node_modules", "@types"), join(folder, "node_modules", "@types"));
    const node = ["--ignoreConfig", "--strict", "--exactOptionalPropertyTypes", "--noEmit", "--module", "nodenext"];
    const inNode = ["--target", "es2023", "--lib", "es2023", "--types", "node"];
    expect((await run(process.execPath, [tsc, ...node, ...inNode, file])).stdout).toBe("");
  });

  test("the code of docs/client.md does what the page says", async () => {
    const page = readFileSync(join(root, "docs", "client.md"), "utf8");
    const blocks = Array.from(page.matchAll(/^```js run\n([\s\S]*?)^```$/gm), ([, code]) => code!);
    expect(blocks).toHaveLength(3);
    const [first, post, watched] = blocks.map((code) => {
      const header = code.includes("import {") ? "" : 'import { createFetch } from "goodgate/client";\n';
      return (target: string) => runModule(`${header}const base = ${JSON.stringify(target)};\n${code}`);
    });
    expect(await first!(base)).toBe("200 { orders: [] }\n");
    const failed = await first!(`http://127.0.0.1:${await freePort()}`);
    expect(failed).toMatch(/network, 3 tries[\s\S]*The site cannot be reached[\s\S]*null null null/);
    expect(await post!(base)).toBe("201\n");
    expect(lab.deliveriesOf("/orders").at(-1)).toMatchObject({ method: "POST" });
    lab.next("close-before-head", 1);
    expect(await watched!(base)).toMatch(/^again in [\d.]+ ms: GET .*closed-before-response.*\nsaved after 2 tries\n$/);
  });
});

/** What package.json says of goodgate/client. */
function clientExport(): { target: string; types: string } {
  const { exports: entries } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    exports: { "./client": { default: string; types: string } };
  };
  return { target: entries["./client"].default, types: entries["./client"].types };
}

describe(`in a browser${CHROMIUM ? "" : " (left out: chromium is not installed)"}`, () => {
  test.skipIf(!CHROMIUM)(
    "the same module retries, obeys an abort and names the cause",
    async () => {
      const browser = await chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox"] });
      try {
        const page = await browser.newPage();
        const code = await bundle();
        await page.route("**/client.js", (route) => route.fulfill({ contentType: "text/javascript", body: code }));
        await page.route("**/worker.js", (route) => route.fulfill({ contentType: "text/javascript", body: IN_WORKER }));
        await page.goto(`${base}/page`);
        lab.next("close-before-head", 1);
        const seen = (await page.evaluate(IN_BROWSER)) as Record<string, unknown>;
        expect(seen).toMatchObject({
          status: 200,
          isFailure: true,
          causeId: "connect-refused",
          attempts: 3,
          url: `${base}/away/`,
          aborted: "TimeoutError",
        });
        expect(seen["events"]).toEqual(["retry", "recovered", "retry", "retry", "failed"]);
        expect(seen["userMessage"]).toContain("Please try again");
        expect(lab.deliveriesOf("/lab/echo")).toHaveLength(2);
        lab.next("close-before-head", 1);
        expect(await page.evaluate(ASK_WORKER)).toEqual({ hasWindow: false, status: 200, bytes: "whole".length });
        expect(lab.deliveriesOf("/lab/echo").map(({ method }) => method)).toEqual(["GET", "GET", "POST", "POST"]);
      } finally {
        await browser.close();
      }
    },
    60_000,
  );
});
