// The recipes of docs/client.md for axios and ky, as they stand on the page, run as a user's own modules against the
// real gateway and the lab: what is asked again, what reaches the application, and what each library makes of the
// client's errors and of an abort. And the recipe that bounds a body, while memory is cleaned up.
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { rolldown } from "rolldown";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { json } from "../src/lab/good.ts";
import { type Lab, startLab } from "../src/lab/server.ts";
import { type RunningGateway, startGateway } from "./harness.ts";

const run = promisify(execFile);
const root = dirname(dirname(fileURLToPath(import.meta.url)));

let lab: Lab;
let gateway: RunningGateway;
let folder: string;
let recipes: Map<string, string>;

beforeAll(async () => {
  lab = await startLab({
    handler: ({ path, method }) => {
      if (path === "/orders") return json({ orders: [] }, method === "POST" ? 201 : 200);
      return path === "/missing" ? json({ missing: true }, 404) : null;
    },
  });
  // Without kept connections no failure can be taken for a race with an idle timer.
  const app = { endpoints: [lab.address], retry: "off", eject: "off", keepalive: "off", timeouts: { head: "60s" } };
  gateway = await startGateway({ upstreams: { app } });
  folder = mkdtempSync(join(tmpdir(), "goodgate-recipes-"));
  const module = join(folder, "node_modules", "goodgate");
  mkdirSync(join(module, "dist", "client"), { recursive: true });
  copyFileSync(join(root, "package.json"), join(module, "package.json"));
  for (const name of ["axios", "ky"]) symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  const built = await rolldown({ input: join(root, "src", "client", "index.ts"), platform: "browser" });
  try {
    await built.write({ format: "es", file: join(module, "dist", "client", "index.js") });
  } finally {
    await built.close();
  }
  const page = readFileSync(join(root, "docs", "client.md"), "utf8");
  const fences = page.matchAll(/^```js run (\w+)\n([\s\S]*?)^```$/gm);
  recipes = new Map(Array.from(fences, ([, name, code]) => [name!, code!]));
}, 60_000);

afterAll(async () => {
  await gateway?.stop("SIGKILL");
  await lab?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

afterEach(() => lab.clear());

/** Runs a recipe with what its user would write below it; gives what was printed, by lines. */
async function runRecipe(name: string, code: string, ...flags: string[]): Promise<string[]> {
  const recipe = recipes.get(name);
  if (recipe === undefined) throw new Error(`docs/client.md has no recipe ${name}`);
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, `const base = "http://127.0.0.1:${gateway.port}";\n${recipe}\n${code}`);
  const { stdout } = await run(process.execPath, [...flags, file], { timeout: 15_000 });
  return stdout.trimEnd().split("\n");
}

const deliveries = (path: string): string[] => lab.deliveriesOf(path).map(({ method }) => method);

/** What the library throws, and what is in it. */
const TELL = `(error) => {
  const failure = [error, error.cause].find((one) => one instanceof RequestFailure);
  const { causeId, reference, userMessage, attempts, retryable, status } = failure ?? {};
  const seen = { name: error.constructor.name, code: error.code, causeId, reference, userMessage, attempts, retryable };
  console.log(JSON.stringify({ ...seen, status: error.status ?? error.response?.status ?? status }));
}`;

test("the page has a recipe for each", () => expect([...recipes.keys()]).toEqual(["body", "axios", "ky"]));

const LIBRARIES = {
  axios: {
    get: (path: string, init = "{}") => `api.get(\`\${base}${path}\`, ${init})`,
    post: (path: string, init = "{}") => `api.post(\`\${base}${path}\`, { item: 7 }, ${init})`,
    wraps: "AxiosError",
    missing: { name: "AxiosError", code: "ERR_BAD_REQUEST", status: 404 },
    aborted: { name: "CanceledError", code: "ERR_CANCELED" },
  },
  ky: {
    get: (path: string, init = "{}") => `api.get(\`\${base}${path}\`, ${init})`,
    post: (path: string, init = "{}") => `api.post(\`\${base}${path}\`, { json: { item: 7 }, ...${init} })`,
    wraps: "RequestFailure",
    missing: { name: "HTTPError", status: 404 },
    aborted: { name: "DOMException" },
  },
} as const;

describe.each(["axios", "ky"] as const)("%s", (name) => {
  const { get, post, wraps, missing, aborted } = LIBRARIES[name];
  const told = async (call: string): Promise<Record<string, unknown>> => {
    const lines = await runRecipe(name, `await ${call}.then(() => console.log("{}"), ${TELL});`);
    return JSON.parse(lines.at(-1)!) as Record<string, unknown>;
  };

  test("a 502 becomes a 200, and nobody sees it", async () => {
    lab.next("close-before-head", 1);
    expect(await runRecipe(name, "console.log(JSON.stringify(await orders()));")).toEqual(['{"orders":[]}']);
    expect(deliveries("/orders")).toEqual(["GET", "GET"]);
  });

  test("a POST is delivered once, and its error says that it may have gone through", async () => {
    lab.next("close-before-head", 2);
    expect(await told(post("/orders"))).toMatchObject({
      name: wraps,
      status: 502,
      causeId: "closed-before-response",
      attempts: 1,
      retryable: false,
      userMessage: expect.stringContaining("check whether it went through"),
    });
    expect(deliveries("/orders")).toEqual(["POST"]);
  });

  test("a POST with a key is sent again, whole and with the same key", async () => {
    lab.next("close-before-head", 1);
    const init = '{ headers: { "Idempotency-Key": "order-7" } }';
    const code = `const response = await ${post("/lab/echo", init)};
      console.log(JSON.stringify(response.data ?? (await response.json())));`;
    const echo = JSON.parse((await runRecipe(name, code)).at(-1)!) as { body: unknown };
    expect(echo.body).toMatchObject({ bytes: '{"item":7}'.length, complete: true });
    const keys = lab.deliveriesOf("/lab/echo").map(({ headers }) => {
      return headers.find(([field]) => field.toLowerCase() === "idempotency-key")?.[1];
    });
    expect(keys).toEqual(["order-7", "order-7"]);
  });

  test("the library's error leads to cause, sentence and reference", async () => {
    lab.setFault("bad-status-line");
    expect(await told(get("/orders"))).toEqual({
      name: wraps,
      status: 502,
      causeId: "response-malformed",
      reference: expect.stringMatching(/^https:\/\/[^/]+\/reference\/cause\/response-malformed$/),
      userMessage: expect.stringContaining("Please try again later."),
      attempts: 1,
      retryable: false,
    });
    const [causeAndReference, answer] = await runRecipe(name, "console.log(await orders());");
    expect(causeAndReference).toMatch(/^response-malformed https:/);
    expect(answer).toContain("Please try again later.");
    expect(deliveries("/orders")).toEqual(["GET", "GET"]);
  });

  test("what is no gateway error is the library's own", async () => {
    expect(await told(get("/missing"))).toEqual(missing);
    expect(deliveries("/missing")).toEqual(["GET"]);
  });

  test("an abort ends the call as the library ends it, and is not retried", async () => {
    const code = `const controller = new AbortController();
      const call = ${get("/lab/slow?ms=60000", "{ signal: controller.signal }")}.catch(${TELL});
      setTimeout(() => controller.abort(), 200);
      await call;`;
    const seen = JSON.parse((await runRecipe(name, code)).at(-1)!) as object;
    expect(seen).toMatchObject(aborted);
    expect(seen).not.toHaveProperty("causeId");
    expect(deliveries("/lab/slow").length).toBeLessThanOrEqual(1);
  });
});

/** The recipe's twenty seconds are half a second here. */
const QUICK = `const timeout = AbortSignal.timeout;
  AbortSignal.timeout = () => timeout.call(AbortSignal, 500);
  const collecting = setInterval(globalThis.gc, 50);`;

test("a body that stalls ends by the recipe's deadline, also after memory was cleaned up", async () => {
  const read = (call: string): string => `${QUICK}
    const ended = (error) => console.log(error.name);
    await ${call}.then((response) => response.text()).then(() => console.log("whole"), ended);
    clearInterval(collecting);`;
  const call = "bounded(`${base}/lab/fault/stall-mid-body`)";
  expect(await runRecipe("body", read(call), "--expose-gc")).toEqual(["{ orders: [] }", "TimeoutError"]);
  // As part of a Request it comes by way of the Request's own signal.
  const within = "client(new Request(`${base}/lab/fault/stall-mid-body`, { signal: AbortSignal.timeout() }))";
  expect(await runRecipe("body", read(within), "--expose-gc")).toEqual(["{ orders: [] }", "TimeoutError"]);
});
