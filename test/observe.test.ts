// What a person or a program can see of each request: one access log line in each format, the failure log, figures,
// health. Log values are what clients send: none of them may break a line or reach a terminal raw.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FAULTS } from "../src/lab/faults.ts";
import { type Lab, startLab } from "../src/lab/server.ts";
import { metricValue } from "./command.ts";
import { exchange, RawClient, type RunningGateway, startGateway, until } from "./harness.ts";
import { freePort } from "./origin.ts";

const HOST = "Host: shop.test\r\n";

let lab: Lab;
let folder: string;
let closed: string;
let gateway: RunningGateway;

beforeAll(async () => {
  lab = await startLab();
  closed = `127.0.0.1:${await freePort()}`;
  folder = mkdtempSync(join(tmpdir(), "goodgate-observe-"));
  gateway = await startGateway(
    configWith({ access: { to: join(folder, "access.json"), format: "json" }, failures: join(folder, "failures.log") }),
  );
});

afterAll(async () => {
  await gateway?.stop("SIGKILL");
  await lab?.close();
  rmSync(folder, { recursive: true, force: true });
});

function configWith(log: unknown): Record<string, unknown> {
  return {
    upstreams: { lab: { endpoints: [lab.address], timeouts: { head: "400ms", "idle-body": "400ms" } }, gone: closed },
    routes: [
      { name: "gone route", path: "/gone", proxy: "gone" },
      { name: "fixed", path: "/fixed", respond: { status: 200, body: "here" } },
      { name: "all", path: "/", proxy: "lab" },
    ],
    log,
  };
}

type Entry = Record<string, unknown> & { timings: Record<string, number | null>; tries?: Record<string, unknown>[] };

const linesOf = (name: string): string[] => readFileSync(join(folder, name), "utf8").split("\n").slice(0, -1);
const entries = (): Entry[] => linesOf("access.json").map((line) => JSON.parse(line) as Entry);

function entryOf(id: string): Promise<Entry> {
  return until(
    () => entries().find((entry) => entry["requestId"] === id),
    3000,
    () => `no line for ${id}`,
  );
}

let serial = 0;

async function ask(
  target: string,
  more = "",
  method = "GET",
  body = "",
): Promise<{ status: number; size: number; entry: Entry }> {
  const id = `observe-${serial++}`;
  const framing = body === "" ? "" : `Content-Length: ${body.length}\r\n`;
  const request = `${method} ${target} HTTP/1.1\r\n${HOST}X-Request-Id: ${id}\r\n${more}${framing}\r\n${body}`;
  const response = await exchange(gateway.port, request);
  const entry = await entryOf(id);
  expect(entry["bytesIn"]).toBe(request.length);
  return { status: response.status, size: response.size, entry };
}

const metrics = async (): Promise<string> => (await fetch(`${gateway.consoleUrl}/metrics`)).text();

test("a request that went well: endpoint, route, bytes as on the wire, timings that add up", async () => {
  const { entry, size } = await ask("/lab/bytes?n=5000", "User-Agent: test/1\r\nReferer: http://from.test/\r\n");
  expect(entry).toMatchObject({
    client: "127.0.0.1",
    method: "GET",
    host: "shop.test",
    target: "/lab/bytes?n=5000",
    protocol: "HTTP/1.1",
    tls: false,
    status: 200,
    bytesOut: size,
    route: "all",
    upstream: "lab",
    endpoint: lab.address,
    attempts: 1,
    cause: null,
    phase: null,
    aborted: false,
    userAgent: "test/1",
    referer: "http://from.test/",
  });
  expect(Math.abs(Date.parse(String(entry["time"])) - Date.now())).toBeLessThan(5000);
  const { connect, send, wait, body, total } = entry.timings;
  expect((connect ?? 0) + (send ?? 0) + (wait ?? 0) + (body ?? 0)).toBeLessThanOrEqual(total! + 1);
  expect(entry["durationMs"]).toBe(total);
});

test("reused tells a kept connection from a new one", async () => {
  await ask("/lab/echo");
  expect((await ask("/lab/echo")).entry).toMatchObject({ reused: true, timings: { connect: 0 } });
});

test("the time that an upstream takes is its wait", async () => {
  const { entry } = await ask("/lab/slow?ms=150");
  expect(entry.timings["wait"]).toBeGreaterThan(140);
  expect(entry.timings["wait"]).toBeLessThan(390);
});

test.each([
  ["/gone", 502, "connect-refused", "connect", 1],
  ["/lab/fault/reset-before-head", 502, "closed-before-response", "response-head", 2],
  ["/lab/fault/stall-head", 504, "response-timeout", "response-head", 1],
  ["/lab/fault/garbage-head", 502, FAULTS["garbage-head"].cause!, "response-head", 1],
  ["/lab/fault/app-503", 503, "upstream-error-passthrough", "response-head", 1],
])("%s is logged as %i %s in phase %s after %i attempts", async (target, status, cause, phase, attempts) => {
  const seen = await ask(target);
  expect(seen.status).toBe(status);
  expect(seen.entry).toMatchObject({ status, cause, phase, attempts, aborted: false, bytesOut: seen.size });
  expect(seen.entry.tries).toHaveLength(attempts);
  expect(seen.entry.tries!.at(-1)).toMatchObject({ cause, endpoint: target === "/gone" ? closed : lab.address });
});

test("a cut answer is logged as aborted, with the status that was sent", async () => {
  const id = "observe-cut";
  const client = new RawClient(gateway.port);
  client.send(`GET /lab/fault/reset-mid-body HTTP/1.1\r\n${HOST}X-Request-Id: ${id}\r\n\r\n`);
  await client.closed;
  expect(await entryOf(id)).toMatchObject({
    status: 200,
    cause: "response-truncated",
    phase: "response-body",
    aborted: true,
  });
  client.close();
});

test("what the gateway answers itself, and what it cannot read, has its line", async () => {
  expect((await ask("/fixed")).entry).toMatchObject({
    status: 200,
    route: "fixed",
    upstream: "",
    endpoint: null,
    attempts: 0,
  });
  const before = entries().length;
  await exchange(gateway.port, "GET / HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n");
  await until(
    () => entries().length > before,
    2000,
    () => "a request that cannot be read left no line",
  );
  expect(entries().at(-1)).toMatchObject({
    status: 400,
    cause: "client-request-invalid",
    phase: "client",
    attempts: 0,
  });
});

test("each request has one line, also when they are pipelined", async () => {
  const before = entries().length;
  const client = new RawClient(gateway.port);
  client.send(Array.from({ length: 20 }, (_, n) => `GET /lab/echo?p=${n} HTTP/1.1\r\n${HOST}\r\n`).join(""));
  for (let n = 0; n < 20; n++) await client.response();
  client.close();
  await until(
    () => entries().length >= before + 20,
    2000,
    () => `${entries().length - before} lines`,
  );
  expect(
    entries()
      .slice(before)
      .map((entry) => entry["target"]),
  ).toEqual(Array.from({ length: 20 }, (_, n) => `/lab/echo?p=${n}`));
});

/** Values as a client can send them: latin1 bytes, terminal escapes, quotes, line separators; CR and LF by encoding. */
const NASTY = 'a"b\\c \x1b[31mred\x1b]0;title\x07 \x80\xff %0d%0aGET /forged \u00e9';

test.each([
  ["json", "json"],
  ["combined", "combined"],
  [
    "template",
    '{client.ip} {id} "{request}" {status} {cause} {phase} {endpoint} {attempts} {reused} {bytes.in} {duration} "{userAgent}" {referer}',
  ],
])("values of a client cannot break a line of the %s format (scenario 54)", async (name, format) => {
  const file = `nasty-${name}.log`;
  const other = await startGateway(
    configWith({ access: { to: join(folder, file), format }, failures: join(folder, `nasty-${name}.failures`) }),
  );
  try {
    const fields = `User-Agent: ${NASTY.replaceAll("\x1b", "").replace("\x07", "")}\r\nReferer: ${NASTY.replaceAll("\x1b", "").replace("\x07", "")}\r\n`;
    const asked = [
      `GET /lab/echo HTTP/1.1\r\n${HOST}${fields}\r\n`,
      `GET /gone HTTP/1.1\r\n${HOST}${fields}X-Request-Id: ok"quoted\r\n\r\n`,
      `GET /gone?%0d%0aforged=1 HTTP/1.1\r\n${HOST}\r\n`,
      `GET /gone HTTP/1.1\r\n${HOST}User-Agent: ${NASTY}\r\n\r\n`,
      `GET /go\x1b[2Jne HTTP/1.1\r\n${HOST}\r\n`,
      `G\x1bT / HTTP/1.1\r\n${HOST}\r\n`,
      `GET / HTTP/1.1\r\nHost: \x1b[31m\r\n\r\n`,
    ];
    for (const request of asked) {
      const client = new RawClient(other.port);
      client.send(request);
      await client.response();
      client.close();
    }
    await until(
      () => linesOf(file).length >= asked.length,
      3000,
      () => `${linesOf(file).length} lines of ${asked.length}`,
    );
    const lines = linesOf(file);
    expect(lines).toHaveLength(asked.length);
    for (const line of [...lines, ...linesOf(`nasty-${name}.failures`)])
      expect(line).toMatch(/^[\x20-\x7e\u00a0-\uffff]*$/);
    for (const line of lines) expect(line).toMatch(/^[\x20-\x7e]*$/);
    if (name === "json") for (const line of lines) JSON.parse(line);
    if (name === "combined") {
      const shape =
        /^127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "[^"]*" \d{3} \d+ "[^"]*" "[^"]*"$/;
      for (const line of lines) expect(line).toMatch(shape);
    }
    if (name === "template")
      expect(lines[1]).toMatch(
        /^127\.0\.0\.1 \S+ "GET \/gone HTTP\/1\.1" 502 connect-refused connect 127\.0\.0\.1:\d+ 1 - \d+ [\d.]+ "/,
      );
    expect(other.output()).not.toContain("\x1b[31m");
  } finally {
    await other.stop("SIGKILL");
  }
});

test("the failure log says what failed and where, a line each, and nothing of what went well", async () => {
  const id = "observe-failure-line";
  await exchange(gateway.port, `GET /gone HTTP/1.1\r\n${HOST}X-Request-Id: ${id}\r\n\r\n`);
  const line = await until(
    () => linesOf("failures.log").find((text) => text.includes("connect-refused")),
    3000,
    () => "no line",
  );
  expect(line).toContain(closed);
  expect(linesOf("failures.log").filter((text) => text.includes("/fixed"))).toEqual([]);
});

test("secrets of a request are in no log (scenario 58)", async () => {
  await ask("/gone", "Authorization: Bearer s3cret-token\r\nCookie: session=s3cret-cookie\r\n");
  await ask("/lab/echo", "Authorization: Bearer s3cret-token\r\nCookie: session=s3cret-cookie\r\n");
  const all = `${linesOf("access.json").join()}${linesOf("failures.log").join()}${gateway.output()}`;
  expect(all).not.toContain("s3cret");
});

test("/metrics is text that Prometheus can read", async () => {
  const response = await fetch(`${gateway.consoleUrl}/metrics`);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  expect(text.endsWith("\n")).toBe(true);
  const typed = new Map<string, string>();
  const seen = new Set<string>();
  for (const line of text.slice(0, -1).split("\n")) {
    const type = /^# TYPE (\w+) (counter|gauge|histogram)$/.exec(line);
    if (type) typed.set(type[1]!, type[2]!);
    if (line.startsWith("#")) continue;
    const sample = /^([a-z_][a-z0-9_]*)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? (NaN|[+-]?Inf|[\d.e+-]+)$/.exec(
      line,
    );
    expect(sample, line).not.toBeNull();
    const family = sample![1]!.replace(/_(bucket|sum|count)$/, "");
    expect(typed.has(sample![1]!) || typed.get(family) === "histogram", line).toBe(true);
    expect(seen.has(`${sample![1]}${sample![2]}`), `twice: ${line}`).toBe(false);
    seen.add(`${sample![1]}${sample![2]}`);
  }
  expect(typed.size).toBeGreaterThan(10);
});

test("/metrics counts requests, failures, attempts, bytes and times as they were", async () => {
  const before = await metrics();
  const targets = ["/lab/echo", "/lab/echo", "/lab/status/404", "/gone", "/lab/fault/reset-before-head", "/fixed"];
  const seen = [];
  for (const target of targets) seen.push(await ask(target));
  seen.push(await ask("/lab/echo", "", "POST", "hello"));
  const after = await metrics();
  const grown = (name: string, labels: Record<string, string> = {}): number =>
    (metricValue(after, name, labels) ?? 0) - (metricValue(before, name, labels) ?? 0);
  expect(grown("goodgate_requests_total")).toBe(7);
  expect(grown("goodgate_requests_total", { route: "all", method: "GET", code: "200" })).toBe(2);
  expect(grown("goodgate_requests_total", { route: "all", method: "GET", code: "404" })).toBe(1);
  expect(grown("goodgate_requests_total", { route: "gone route", code: "502" })).toBe(1);
  expect(grown("goodgate_requests_total", { route: "fixed", code: "200" })).toBe(1);
  expect(grown("goodgate_requests_total", { method: "POST", code: "200" })).toBe(1);
  expect(grown("goodgate_failures_total", { cause: "connect-refused", phase: "connect", upstream: "gone" })).toBe(1);
  expect(grown("goodgate_failures_total", { cause: "closed-before-response" })).toBe(1);
  expect(grown("goodgate_upstream_failures_total", { cause: "closed-before-response", endpoint: lab.address })).toBe(2);
  expect(grown("goodgate_upstream_attempts_total", { upstream: "lab", result: "success" })).toBe(4);
  expect(grown("goodgate_retries_total")).toBe(1);
  expect(grown("goodgate_saved_total")).toBe(0);
  expect(grown("goodgate_request_duration_seconds_count")).toBe(7);
  expect(grown("goodgate_request_duration_seconds_bucket", { le: "+Inf" })).toBe(7);
  expect(grown("goodgate_sent_bytes_total")).toBe(seen.reduce((sum, { size }) => sum + size, 0));
  expect(grown("goodgate_received_bytes_total")).toBe(
    seen.reduce((sum, { entry }) => sum + Number(entry["bytesIn"]), 0),
  );
  expect(grown("goodgate_observer_errors_total")).toBe(0);
});

test("a request that a retry saved is counted as saved, not as failed", async () => {
  const before = await metrics();
  lab.next("reset-before-head");
  const { status, entry } = await ask("/lab/echo");
  const after = await metrics();
  expect([status, entry["cause"], entry["attempts"]]).toEqual([200, null, 2]);
  const grown = (name: string): number => (metricValue(after, name) ?? 0) - (metricValue(before, name) ?? 0);
  expect([grown("goodgate_saved_total"), grown("goodgate_retries_total"), grown("goodgate_failures_total")]).toEqual([
    1, 1, 0,
  ]);
});

test("gauges follow the connections", async () => {
  const clients = Array.from({ length: 3 }, () => new RawClient(gateway.port));
  for (const client of clients) client.send(`GET /lab/slow?ms=300 HTTP/1.1\r\n${HOST}\r\n`);
  await until(
    () => lab.deliveriesOf("/lab/slow").length >= 3,
    1000,
    () => "not in flight",
  );
  const busy = await metrics();
  expect(metricValue(busy, "goodgate_upstream_active", { upstream: "lab" })).toBe(3);
  expect(metricValue(busy, "goodgate_client_connections")).toBeGreaterThanOrEqual(3);
  for (const client of clients) await client.response();
  for (const client of clients) client.close();
  const idle = await metrics();
  expect(metricValue(idle, "goodgate_upstream_active", { upstream: "lab" })).toBe(0);
  expect(metricValue(idle, "goodgate_upstream_connections_idle", { upstream: "lab" })).toBeGreaterThanOrEqual(3);
});

test("/healthz and /readyz: alive and ready; 503 with the name of an upstream that has no usable endpoint", async () => {
  expect((await fetch(`${gateway.consoleUrl}/healthz`)).status).toBe(200);
  expect((await fetch(`${gateway.consoleUrl}/readyz`)).status).toBe(200);
  const other = await startGateway({
    upstreams: { lab: lab.address, empty: { endpoints: [{ address: closed, down: true }] } },
    routes: [
      { path: "/empty", proxy: "empty" },
      { path: "/", proxy: "lab" },
    ],
  });
  try {
    const ready = await fetch(`${other.consoleUrl}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining("empty")]);
    expect((await fetch(`${other.consoleUrl}/healthz`)).status).toBe(200);
    const refused = await exchange(other.port, `GET /empty HTTP/1.1\r\n${HOST}\r\n`);
    expect(refused.status).toBe(503);
    expect(refused.fields.get("retry-after")).toBeDefined();
    expect((await exchange(other.port, `GET /lab/echo HTTP/1.1\r\n${HOST}\r\n`)).status).toBe(200);
  } finally {
    await other.stop("SIGKILL");
  }
});
