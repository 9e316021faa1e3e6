// Every fault of the lab through the real program over real sockets: what the client sees, what the log says, how
// often the upstream was asked, and that the next request is served. And the table in both directions: each cause
// that a gateway can produce has a fault (or a case of its own below), each fault names a cause.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CAUSES, type CauseId } from "../src/failure/causes.ts";
import { FAULT_NAMES, FAULTS, type FaultName } from "../src/lab/faults.ts";
import { type Lab, startLab } from "../src/lab/server.ts";
import { type LogEntry, pause, RawClient, type RawResponse, type RunningGateway, startGateway } from "./harness.ts";

/** Causes that come from the client, the route or the gateway: cases of their own in requests.test.ts. */
const WITHOUT_FAULT: ReadonlySet<CauseId> = new Set<CauseId>([
  "client-closed-request",
  "client-request-invalid",
  "client-request-too-large",
  "client-timeout",
  "request-denied",
  "route-not-found",
  "proxy-loop",
  "no-healthy-upstream",
  "pool-exhausted",
  "backend-absent",
  "gateway-config-invalid",
  "gateway-internal-error",
  "gateway-resource-exhausted",
  "connect-permission-denied",
]);

const TIMEOUTS = { connect: "600ms", tls: "800ms", head: "800ms", "idle-body": "800ms", send: "800ms" };
const LARGE_BYTES = 8 * 1024 * 1024;

let lab: Lab;
/** Where a process that crashes takes nobody else's requests along. */
let crashing: Lab;
let gateway: RunningGateway;
let folder: string;
let certificate: { ca: string } | null = null;

beforeAll(async () => {
  lab = await startLab();
  crashing = await startLab();
  folder = mkdtempSync(join(tmpdir(), "goodgate-causes-"));
  const upstreams: Record<string, unknown> = {
    lab: { endpoints: [lab.address], timeouts: TIMEOUTS, limits: { body: "300MiB" } },
    crashing: { endpoints: [crashing.address], timeouts: TIMEOUTS },
    small: { endpoints: [lab.address], timeouts: TIMEOUTS, limits: { body: "64KiB" } },
  };
  const routes: unknown[] = [
    { path: "/crashing/*", strip: "/crashing", proxy: "crashing" },
    { path: "/small/*", strip: "/small", proxy: "small" },
    { path: "/", proxy: "lab" },
  ];
  for (const name of FAULT_NAMES) {
    const fault = FAULTS[name];
    if (fault.how === "request" || fault.how === "upload") {
      // What happens between two requests needs connections that nobody else takes.
      if (!fault.provoke.includes("get") || fault.provoke === "get") continue;
      upstreams[name] = { endpoints: [lab.address], timeouts: TIMEOUTS };
      routes.unshift({ path: `/own/${name}/*`, strip: `/own/${name}`, proxy: name });
      continue;
    }
    const opened = await lab.listener(name);
    let tls: unknown;
    if (opened.ca !== undefined) {
      const ca = join(folder, `${name}.pem`);
      writeFileSync(ca, opened.ca);
      tls = { ca };
      certificate = { ca };
    } else if (fault.stage === "tls" && fault.how === "listen") tls = true;
    // These are addresses of DNS servers; the others are endpoints.
    const dns = fault.stage === "dns" && name !== "dns-missing-name";
    upstreams[name] = {
      endpoints: [dns ? `${name}.test:80` : opened.address],
      timeouts: TIMEOUTS,
      resolve: { timeout: "800ms", ...(dns ? { servers: [opened.address] } : {}) },
      ...(tls ? { tls } : {}),
    };
    routes.unshift({ path: `/at/${name}/*`, strip: `/at/${name}`, proxy: name });
  }
  gateway = await startGateway({ upstreams, routes });
}, 60_000);

afterAll(async () => {
  await gateway?.stop("SIGKILL");
  await Promise.all([lab?.close(), crashing?.close()]);
  rmSync(folder, { recursive: true, force: true });
});

test("each cause that the gateway can produce has a fault or a case, and each fault names a known cause", () => {
  const provoked = new Set(FAULT_NAMES.map((name) => FAULTS[name].cause).filter((cause) => cause !== null));
  const live = (Object.keys(CAUSES) as CauseId[]).filter((cause) => CAUSES[cause].live);
  expect(live.filter((cause) => !provoked.has(cause) && !WITHOUT_FAULT.has(cause))).toEqual([]);
  expect([...provoked].filter((cause) => !CAUSES[cause].live)).toEqual([]);
  expect(FAULT_NAMES.length).toBeGreaterThanOrEqual(40);
  expect(certificate).not.toBeNull();
});

let serial = 0;

interface Seen {
  /** undefined = the connection ended without a response. */
  readonly response: RawResponse | undefined;
  readonly ending: string;
  readonly entry: LogEntry;
}

/** Faults that need a route of their own, or less than their default size. */
const PLACES: Partial<Record<FaultName, string>> = {
  crash: "/crashing/lab/fault/crash",
  "oversized-body": "/small/lab/fault/oversized-body",
  "large-body": `/lab/fault/large-body?bytes=${LARGE_BYTES}`,
};

function target(name: FaultName): string {
  const { how, provoke } = FAULTS[name];
  if (provoke === "two-gets" || provoke === "get-then-post") return `/own/${name}/lab/fault/${name}`;
  return PLACES[name] ?? (how === "request" || how === "upload" ? `/lab/fault/${name}` : `/at/${name}/lab/echo`);
}

/** Sends a request that meets the fault, and gathers what can be seen of it. */
async function provoke(name: FaultName): Promise<Seen> {
  const fault = FAULTS[name];
  const id = `t-${name}-${serial++}`;
  const client = new RawClient(gateway.port);
  const common = `Host: shop.test\r\nX-Request-Id: ${id}\r\nAccept: application/problem+json\r\n`;
  const at = target(name);
  let method = "GET";
  try {
    switch (fault.provoke) {
      case "get":
        client.send(`GET ${at} HTTP/1.1\r\n${common}\r\n`);
        break;
      case "head":
        method = "HEAD";
        client.send(`HEAD ${at} HTTP/1.1\r\n${common}\r\n`);
        break;
      case "post":
        method = "POST";
        client.send(`POST ${at} HTTP/1.1\r\n${common}Content-Length: 5\r\n\r\nhello`);
        break;
      case "large-post":
        method = "POST";
        client.send(`POST ${at} HTTP/1.1\r\n${common}Content-Length: ${LARGE_BYTES}\r\n\r\n`);
        client.socket.write(Buffer.alloc(LARGE_BYTES, 120));
        break;
      case "expect":
        method = "POST";
        client.send(`POST ${at} HTTP/1.1\r\n${common}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`);
        // RFC 9110 §10.1.1: a client does not wait for ever for the 100.
        await pause(300);
        if (client.bytes.length === 0) client.send("hello");
        break;
      case "upgrade":
        client.send(`GET ${at} HTTP/1.1\r\n${common}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
        break;
      case "two-gets":
        client.send(`GET ${at} HTTP/1.1\r\nHost: shop.test\r\n\r\n`);
        await client.response();
        await pause(250);
        client.send(`GET ${at} HTTP/1.1\r\n${common}\r\n`);
        break;
      case "get-then-post":
        client.send(`GET ${at} HTTP/1.1\r\nHost: shop.test\r\n\r\n`);
        await client.response();
        await pause(700);
        method = "POST";
        client.send(`POST ${at} HTTP/1.1\r\n${common}Content-Length: 5\r\n\r\nhello`);
    }
    const response = await client.response(method).catch(() => undefined);
    const { ending } = client;
    client.close();
    return { response, ending, entry: await gateway.entryOf(id) };
  } finally {
    client.close();
  }
}

for (const name of FAULT_NAMES) {
  const fault = FAULTS[name];
  test.concurrent(`${name}: ${fault.cause ?? "copes"}`, async () => {
    const { response, entry } = await provoke(name);
    if (fault.cause === null) expectCoped(response, entry);
    else if (fault.cause === "upstream-error-passthrough") expectPassedOn(response, entry);
    else if (response?.whole && response.status >= 400 && response.fields.has("proxy-status"))
      expectNamed(fault.cause, response, entry, fault.repairable);
    else if (fault.repairable && response?.whole) expectCoped(response, entry);
    else expectVisiblyCut(fault.cause, response, entry);
    expectDeliveredOnce(name);
    await expectNextServed();
  }, 30_000);
}

function expectCoped(response: RawResponse | undefined, entry: LogEntry): void {
  expect(response?.whole, JSON.stringify(entry)).toBe(true);
  expect(response!.fields.has("proxy-status")).toBe(false);
  expect(entry.cause ?? null).toBeNull();
}

function expectPassedOn(response: RawResponse | undefined, entry: LogEntry): void {
  expect(response?.whole).toBe(true);
  expect(entry.cause).toBe("upstream-error-passthrough");
  expect(entry.status).toBe(response!.status);
  expect(response!.fields.get("proxy-status") ?? "").not.toContain("goodgate;");
}

/** An error response of the gateway: status, Proxy-Status, body and log say the same. */
function expectNamed(cause: CauseId, response: RawResponse, entry: LogEntry, repairable = false): void {
  const row = CAUSES[cause];
  const problem = JSON.parse(response.body.toString()) as Record<string, unknown>;
  expect(problem["cause"], JSON.stringify(entry)).toBe(cause);
  expect(entry.cause).toBe(cause);
  expect(problem["status"]).toBe(response.status);
  expect(entry.status).toBe(response.status);
  if (!repairable) expect([row.status, 504, 502]).toContain(response.status);
  expect(response.fields.get("proxy-status")).toMatch(/^goodgate; error=[a-z_]+/);
  expect(response.fields.get("content-type")).toBe("application/problem+json");
  expect(response.fields.get("cache-control")).toBe("no-store");
  expect(response.fields.get("x-request-id")).toBe(entry.requestId);
}

/** The head was out: the failure shows as a response that has no end. */
function expectVisiblyCut(cause: CauseId, response: RawResponse | undefined, entry: LogEntry): void {
  expect(response?.whole ?? false, "a cut answer was shown as whole").toBe(false);
  expect(entry.cause).toBe(cause);
  expect(entry["aborted"]).toBe(true);
}

/** What is not idempotent reached an upstream at most once; the rest at most twice. */
function expectDeliveredOnce(name: FaultName): void {
  const seen = new Map<string, number>();
  for (const { method, headers } of lab.deliveriesOf(`/lab/fault/${name}`)) {
    const id = headers.find(([field]) => field.toLowerCase() === "x-request-id")?.[1] ?? "";
    if (id.startsWith(`t-${name}-`)) seen.set(`${method} ${id}`, (seen.get(`${method} ${id}`) ?? 0) + 1);
  }
  for (const [request, times] of seen) expect(times, request).toBeLessThanOrEqual(request.startsWith("POST") ? 1 : 2);
}

async function expectNextServed(): Promise<void> {
  const client = new RawClient(gateway.port);
  client.send("GET /lab/echo HTTP/1.1\r\nHost: shop.test\r\n\r\n");
  const response = await client.response();
  expect(response.status).toBe(200);
  client.close();
}
