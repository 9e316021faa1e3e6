// The faults of the lab under an nginx.conf: the client sees nginx's status and our cause, the error log nginx's words
// with the cause behind them, the access log the status. What nginx's own suite says little of: 502, 504 and 499.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CAUSES, type CauseId } from "../src/failure/causes.ts";
import { FAULT_NAMES, FAULTS, type FaultName } from "../src/lab/faults.ts";
import { type Lab, startLab } from "../src/lab/server.ts";
import { RawClient, type RawResponse, until } from "./harness.ts";
import { lastingPort } from "./held.ts";
import { type RunningNginx, startNginxConf, WAIT_MS } from "./nginx-harness.ts";

const NEVER_LISTENS = "127.0.0.1:1";

let port: number;
let lab: Lab;
let program: RunningNginx;

const read = (name: string): string => program.read(name);

beforeAll(async () => {
  port = await lastingPort();
  lab = await startLab();
  const listening = [];
  for (const name of LISTENING) {
    const { address } = await lab.listener(name);
    const url = address.startsWith("unix:") ? `${address}:/` : `${address}/`;
    listening.push(`location /at/${name}/ { proxy_pass http://${url}; }`);
  }
  program = await startNginxConf(`
  log_format test '$status $goodgate_cause $upstream_status $request_uri';
  access_log access.log test;
  proxy_connect_timeout 600ms; proxy_read_timeout 800ms; proxy_send_timeout 800ms;
  limit_req_zone $host zone=one:1m rate=1r/m;
  upstream nobody { server ${NEVER_LISTENS}; server 127.0.0.2:1; }
  server {
    listen 127.0.0.1:${port};
    client_max_body_size 10;
    location / { proxy_pass http://${lab.address}; proxy_http_version 1.1; proxy_set_header Connection ""; }
    ${listening.join("\n    ")}
    location /nobody { proxy_pass http://nobody; }
    location /own-page { error_page 502 = @page; proxy_pass http://nobody; }
    location @page { return 503 "calm\\n"; }
    location /limited { limit_req zone=one; proxy_pass http://${lab.address}/lab/echo; }
    location /own { proxy_pass http://${lab.address}; error_page 504 /calm; }
    location = /calm { internal; return 200 "calm"; }
  }`);
}, 60_000);

afterAll(async () => {
  program?.stop();
  await lab?.close();
});

/** Faults that a plain GET meets, by asking for them and by connecting to where they listen. */
const ASKED: readonly FaultName[] = FAULT_NAMES.filter((name) => {
  const { how, provoke, cause } = FAULTS[name];
  return how === "request" && provoke === "get" && cause !== null && cause !== "upstream-error-passthrough";
}).filter((name) => name !== "crash" && name !== "oversized-body");
const LISTENING: readonly FaultName[] = FAULT_NAMES.filter((name) => {
  const { how, stage, provoke, cause } = FAULTS[name];
  return how === "listen" && stage === "listen" && provoke === "get" && cause !== null;
});

let serial = 0;

async function get(path: string): Promise<{ response: RawResponse | undefined; path: string }> {
  const marked = `${path}${path.includes("?") ? "&" : "?"}n=${serial++}`;
  const client = new RawClient(port);
  client.send(`GET ${marked} HTTP/1.1\r\nHost: shop.test\r\nAccept: application/problem+json\r\n\r\n`);
  try {
    // What was cut by us is no response; what the client waits for is another matter.
    const response = await client.response("GET").catch(() => undefined);
    return { response, path: marked };
  } finally {
    client.close();
  }
}

const accessLine = (path: string): Promise<string> =>
  until(
    () =>
      read("access.log")
        .split("\n")
        .find((line) => line.endsWith(` ${path}`)),
    WAIT_MS,
    () => `no line for ${path} in\n${read("access.log")}`,
  );
const errorLines = (path: string): string[] =>
  read("error.log")
    .split("\n")
    .filter((line) => line.includes(` ${path} HTTP/1.1"`));

test("there are faults to meet", () => {
  expect(ASKED.length).toBeGreaterThan(10);
  expect(LISTENING.length).toBeGreaterThan(1);
});

describe.each([
  ...ASKED.map((name) => [name, `/lab/fault/${name}`]),
  ...LISTENING.map((name) => [name, `/at/${name}/lab/echo`]),
] as [FaultName, string][])("%s", (name, at) => {
  test("is named, with nginx's status", async () => {
    const cause = FAULTS[name].cause as CauseId;
    const { response, path } = await get(at);
    const line = await accessLine(path);
    expect(line).toContain(` ${cause} `);
    await until(
      () => errorLines(path).some((text) => text.endsWith(`, cause: ${cause}`)) || undefined,
      WAIT_MS,
      () => `${cause} is not in\n${errorLines(path).join("\n") || read("error.log")}`,
    );
    if (!response?.whole || response.status < 400) return;
    const { nginxStatus } = CAUSES[cause];
    expect([nginxStatus, 504]).toContain(response.status);
    expect(line.startsWith(`${response.status} `)).toBe(true);
    expect(response.fields.get("proxy-status")).toMatch(/^goodgate; error=/);
  });
});

test("an upstream whose servers all refuse answers 502, and then has none to try", async () => {
  const first = await get("/nobody");
  expect(first.response?.status).toBe(502);
  const second = await get("/nobody");
  expect(second.response?.status).toBe(502);
  expect(await accessLine(second.path)).toBe(`502 no-healthy-upstream 502 ${second.path}`);
  expect(errorLines(second.path).join("\n")).toContain("no live upstreams while connecting to upstream");
});

test("an error page stands for a failure, which is still named", async () => {
  const { response, path } = await get("/own-page");
  expect(response?.status).toBe(503);
  expect(response?.body.toString()).toBe("calm\n");
  expect(response?.fields.get("proxy-status")).toMatch(/^goodgate; error=/);
  expect(await accessLine(path)).toMatch(/^503 /);
});

test("a limit answers 503 in nginx's words", async () => {
  expect((await get("/limited")).response?.status).toBe(200);
  const { response, path } = await get("/limited");
  expect(response?.status).toBe(503);
  await until(
    () => errorLines(path).find((line) => /limiting requests, excess: \d\.\d{3} by zone "one"/.test(line)),
    WAIT_MS,
    () => read("error.log"),
  );
});

test("a body over client_max_body_size is refused before an upstream is asked", async () => {
  const client = new RawClient(port);
  const path = `/big?n=${serial++}`;
  client.send(`POST ${path} HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1000\r\n\r\n`);
  expect((await client.response("POST"))?.status).toBe(413);
  client.close();
  expect(await accessLine(path)).toBe(`413 client-request-too-large - ${path}`);
  expect(errorLines(path).join("\n")).toContain("client intended to send too large body: 1000 bytes");
});

test("a client that leaves is logged as 499", async () => {
  const client = new RawClient(port);
  const path = `/lab/fault/stall-head?n=${serial++}`;
  client.send(`GET ${path} HTTP/1.1\r\nHost: shop.test\r\n\r\n`);
  const arrived = () => lab.deliveries.some(({ target }) => target === path) || undefined;
  await until(arrived, WAIT_MS, () => "the request did not arrive");
  client.close();
  expect(await accessLine(path)).toMatch(/^499 client-closed-request /);
});
