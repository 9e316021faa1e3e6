import net from "node:net";
import tls from "node:tls";
import { expect, test } from "vitest";
import { UPSTREAM_TLS_STANDARD } from "../config/complete-tls.ts";
import { makeCertificates } from "../lab/certificates.ts";
import { dialed } from "../net/dial.ts";
import { createUpstreamTls } from "../net/upstream-tls.ts";
import { setLogSink } from "../std/log.ts";
import {
  afterwards,
  closedPort,
  diallerTo,
  HEALTH,
  listening,
  serving,
  socketPath,
  stall,
  targetOf,
  until,
} from "./health-check.fixture.ts";
import { type CheckConnection, type CheckPlan, type CheckResult, checkRequest, HealthCheck } from "./health-check.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

type Settings = Partial<CheckPlan> & Pick<CheckPlan, "dialler">;

function planOf(settings: Settings): CheckPlan {
  const request = checkRequest(HEALTH.path, "app.internal");
  return { label: "app:80", request, statuses: HEALTH.statuses, body: null, timeoutMs: HEALTH.timeoutMs, ...settings };
}

interface Checked {
  readonly result: CheckResult;
  readonly kept: CheckConnection | null;
}

function checking(settings: Settings, on: CheckConnection | null = null): Promise<Checked> {
  return new Promise((resolve) => {
    const check = new HealthCheck(planOf(settings), (result) => {
      if (check.kept) afterwards(() => check.kept!.discard());
      resolve({ result, kept: check.kept });
    });
    check.start(on);
  });
}

/** The result of a check of a server that answers so. */
async function answered(answer: string | ((socket: net.Socket) => void), settings: Partial<CheckPlan> = {}) {
  const { address } = await serving((socket) => {
    if (typeof answer === "string") socket.write(answer, "latin1");
    else answer(socket);
  });
  return checking({ dialler: diallerTo(address), ...settings });
}

test("a good answer: what was asked, and the connection can be used again", async () => {
  const seen = await serving((socket) => socket.write(OK));
  const dialler = diallerTo(seen.address);
  const first = await checking({ dialler });
  expect(first.result).toMatchObject({ good: true, failure: null, detail: "", reused: false });
  expect(first.result.tookMs).toBeGreaterThanOrEqual(0);
  const second = await checking({ dialler }, first.kept);
  expect(second.result).toMatchObject({ good: true, reused: true });
  expect(second.kept).toBe(first.kept);
  expect(seen.connections).toBe(1);
  expect(seen.requests).toEqual([
    "GET /healthz HTTP/1.1\r\nHost: app.internal\r\nUser-Agent: goodgate-health\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n",
    expect.any(String),
  ]);
});

test.each([
  ["says that it closes", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"],
  ["is HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"],
  ["has bytes behind it that nobody asked for", `${OK}HTTP/1.1 200 OK\r\n`],
  ["is longer than what is read", `HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n${"x".repeat(100)}`],
])("a good answer that %s ends the connection", async (_, answer) => {
  const { result, kept } = await answered(answer);
  expect([result.good, kept]).toEqual([true, null]);
});

test("a status that is not asked for; an error of the application is named as live traffic names it", async () => {
  const moved = await answered("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  expect(moved.result).toMatchObject({ good: false, failure: null, detail: "status 404" });
  expect(moved.kept).not.toBeNull();
  const broken = await answered(
    "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nProxy-Status: inner; error=connection_refused\r\n\r\n",
  );
  expect(broken.result).toMatchObject({
    good: false,
    detail: "status 503",
    failure: {
      cause: "upstream-error-passthrough",
      status: 503,
      evidence: { upstreamProxyStatus: "inner; error=connection_refused" },
    },
  });
  const teapot = "HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n";
  expect((await answered(teapot, { statuses: [[200, 299], [418, 418]] })).result.good).toBe(true); // biome-ignore format: one line
});

test("the text is found in a chunked body, split over chunks and reads", async () => {
  const pieces = [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chu",
    "nked\r\n\r\n4\r\n..al",
    "\r\n5\r\nl wel",
    "\r\n1\r",
    "\nl\r\n0\r\n\r\n",
  ];
  const { result, kept } = await answered(
    (socket) => {
      socket.setNoDelay(true);
      const next = () => {
        const piece = pieces.shift();
        if (piece !== undefined) socket.write(piece, () => setImmediate(next));
      };
      next();
    },
    { body: "all well" },
  );
  expect([result.good, result.detail]).toEqual([true, ""]);
  expect(kept).not.toBeNull();
});

test.each([
  ["a body without it", OK, "body without “fine”"],
  [
    "one that has it only behind 64 KiB",
    `HTTP/1.1 200 OK\r\nContent-Length: 70004\r\n\r\n${"x".repeat(70_000)}fine`,
    "first 64 KiB of the body without “fine”",
  ],
  ["no body", "HTTP/1.1 204 No Content\r\n\r\n", "body without “fine”"],
])("the text is missing: %s", async (_, answer, detail) => {
  const { result } = await answered(answer, { body: "fine" });
  expect(result).toMatchObject({ good: false, failure: null, detail });
});

test("a body that ends with the connection is whole then", async () => {
  const { result, kept } = await answered((socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nall fine"), { body: "fine" });
  expect([result.good, kept]).toEqual([true, null]);
});

test("interim answers are passed over, up to a bound; 101 is no answer", async () => {
  const interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  expect((await answered("HTTP/1.1 100 Continue\r\n\r\n" + interim + OK)).result.good).toBe(true);
  const cause = "response-malformed";
  expect((await answered(interim.repeat(17) + OK)).result.failure).toMatchObject({ cause });
  const switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
  expect((await answered(switched)).result.failure).toMatchObject({ cause });
});

const endings: readonly [string, string, (socket: net.Socket) => void][] = [
  ["a garbage head", "protocol-mismatch", (socket) => socket.write("-ERR unknown command 'GET'\r\n")],
  ["a head that is two heads", "response-encoding-invalid", (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n")], // biome-ignore format: a table
  ["a bad chunk", "response-encoding-invalid", (socket) => socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")], // biome-ignore format: a table
  ["an endless head", "response-header-too-large", (socket) => socket.write(`HTTP/1.1 200 OK\r\nA: ${"a".repeat(70_000)}`)], // biome-ignore format: a table
  ["a close before a byte", "closed-before-response", (socket) => socket.end()],
  ["a reset before a byte", "closed-before-response", (socket) => socket.resetAndDestroy()],
  ["a close in the head", "closed-before-response", (socket) => socket.end("HTTP/1.1 200")],
  ["a cut body", "response-truncated", (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok")],
];
test.each(endings)("%s is %s", async (_, cause, answer) => {
  const { result, kept } = await answered(answer);
  expect(result).toMatchObject({ good: false, reused: false, failure: { cause } });
  expect(result.detail).toContain("127.0.0.1");
  expect(kept).toBeNull();
});

const silences: readonly [string, string, (socket: net.Socket) => void][] = [
  ["before the head", "response-timeout", () => {}],
  ["in the head", "response-timeout", (socket) => socket.write("HTTP/1.1 200 OK\r\n")],
  ["in the body", "response-body-timeout", (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok")],
];
test.each(silences)("silence %s is %s, and the connection is closed", async (_, cause, answer) => {
  const seen = await serving(answer);
  const { result } = await checking({ dialler: diallerTo(seen.address), timeoutMs: 50 });
  expect(result).toMatchObject({ good: false, failure: { cause, evidence: { deadlineMs: 50 } } });
  expect(result.tookMs).toBeGreaterThanOrEqual(50);
  await until(() => seen.open === 0);
});

test("an answer that came in time is no timeout where this process was too busy to read it", async () => {
  const { result } = await answered(
    (socket) => {
      socket.write(OK);
      stall(120);
    },
    { timeoutMs: 40 },
  );
  expect(result).toMatchObject({ good: true, failure: null });
});

test("an endpoint that cannot be connected to within the time", async () => {
  let cancelled = 0;
  const dialler = () => ({ phase: "connect" as const, cancel: () => cancelled++ });
  const { result } = await checking({ dialler, timeoutMs: 30 });
  expect(result.failure).toMatchObject({ cause: "connect-timeout", evidence: { address: "app:80", deadlineMs: 30 } });
  expect(cancelled).toBe(1);
  const inTls = () => ({ phase: "tls" as const, cancel() {} });
  const secured = await checking({ dialler: inTls, timeoutMs: 30 });
  expect(secured.result.failure).toMatchObject({ cause: "tls-handshake-failed", evidence: { deadline: "tls" } });
});

test("what dial fails with is what the check fails with", async () => {
  const refused = await checking({ dialler: diallerTo(await closedPort()) });
  expect(refused.result).toMatchObject({ good: false, failure: { cause: "connect-refused" } });
  expect(refused.result.detail).toMatch(/^127\.0\.0\.1:\d+ refused the connection \(ECONNREFUSED\)/);
  const missing = await checking({ dialler: diallerTo({ kind: "unix", path: socketPath() }) });
  expect(missing.result.failure).toMatchObject({ cause: "socket-missing" });
});

const certificates = makeCertificates();
const NO_TLS_SETTINGS = {
  ...UPSTREAM_TLS_STANDARD,
  ca: null,
  serverName: null,
  cert: null,
  key: null,
  minVersion: "TLSv1.2",
} as const;

async function tlsEndpoint(verify: boolean) {
  const server = tls.createServer(certificates.untrusted, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", () => socket.write(OK));
  });
  server.on("tlsClientError", () => {});
  const address = await listening(server);
  const { context } = createUpstreamTls({ ...NO_TLS_SETTINGS, verify });
  afterwards(() => context!.close());
  return { address, context: context! };
}

test.each(["http", "tcp"])("%s over TLS: a certificate that is not trusted is told as dial tells it", async (kind) => {
  const request = kind === "tcp" ? { request: "" } : {};
  const { address, context } = await tlsEndpoint(true);
  const dialledTo = await dialed(targetOf(address, context));
  if (dialledTo.ok) throw new Error("connected");
  const { result } = await checking({ dialler: diallerTo(address, context), ...request });
  expect(result.failure?.cause).toBe(dialledTo.failure.cause);
  expect(result.failure?.evidence.tlsCode).toBe(dialledTo.failure.evidence.tlsCode);
  const unverified = await tlsEndpoint(false);
  const dialler = diallerTo(unverified.address, unverified.context);
  const first = await checking({ dialler, ...request });
  expect([first.result.good, first.kept === null]).toEqual([true, kind === "tcp"]);
  if (first.kept) expect((await checking({ dialler }, first.kept)).result).toMatchObject({ good: true, reused: true });
});

test("a TCP check is good once connected, sends nothing and closes", async () => {
  let bytes = 0;
  let closed = false;
  const server = net.createServer((socket) => {
    socket.on("data", (data) => (bytes += data.length));
    socket.on("close", () => (closed = true));
  });
  const { result, kept } = await checking({ dialler: diallerTo(await listening(server)), request: "" });
  expect([result.good, kept]).toEqual([true, null]);
  await until(() => closed);
  expect(bytes).toBe(0);
});

test("over a Unix socket: an answer that ends with the connection is no reset", async () => {
  const path = socketPath();
  const server = net.createServer((socket) => socket.on("data", () => socket.end("HTTP/1.1 200 OK\r\n\r\nfine")));
  await listening(server, path);
  const { result } = await checking({ dialler: diallerTo({ kind: "unix", path }), body: "fine" });
  expect(result).toMatchObject({ good: true, failure: null });
});

/** A connection that has carried a check, to a server that closes at the second request on it. */
async function worn() {
  const seen = await serving((socket, number) => (number === 1 ? socket.write(OK) : socket.end()));
  const dialler = diallerTo(seen.address);
  const { kept } = await checking({ dialler });
  return { seen, dialler, kept: kept! };
}

test("an idle timer that runs out under a check is no failure: the check goes on, on a fresh connection", async () => {
  const { seen, dialler, kept } = await worn();
  // Long idle, and a network so far that the close must have crossed the request.
  kept.idleSince -= 5_000;
  kept.roundTripMs = 10_000;
  const { result } = await checking({ dialler }, kept);
  expect(result).toMatchObject({ good: true, failure: null, reused: false });
  expect([seen.connections, seen.requests.length]).toEqual([2, 3]);
});

test("where the fresh connection fails after such a race, that failure counts", async () => {
  let up = true;
  const { address } = await serving((socket) => {
    if (up) socket.write(OK);
    else socket.end();
    up = false;
  });
  const dialler = diallerTo(address);
  const { kept } = await checking({ dialler });
  kept!.idleSince -= 5_000;
  kept!.roundTripMs = 10_000;
  const { result } = await checking({ dialler }, kept);
  expect(result).toMatchObject({ good: false, reused: false, failure: { cause: "closed-before-response" } });
});

test("a connection that was busy a moment ago and dies at its next request is a failure of its kind", async () => {
  const { seen, dialler, kept } = await worn();
  // No idle timer runs on it yet, however slow this machine is.
  kept.idleSince += 60_000;
  const { result } = await checking({ dialler }, kept);
  expect(result).toMatchObject({ good: false, reused: true, failure: { cause: "closed-before-response" } });
  expect(seen.connections).toBe(1);
});

test("bytes or an end on an idle connection make it unusable", async () => {
  const says: readonly ((socket: net.Socket) => void)[] = [(socket) => socket.end(), (socket) => socket.write("x")];
  for (const say of says) {
    let server: net.Socket | null = null;
    const { address } = await serving((socket) => {
      server = socket;
      socket.write(OK);
    });
    const { kept } = await checking({ dialler: diallerTo(address) });
    expect(kept!.usable).toBe(true);
    say(server!);
    await until(() => !kept!.usable);
    await until(() => kept!.socket.destroyed);
  }
});

test("a check that is cancelled closes its connection, leaves the wheel and says nothing", async () => {
  const seen = await serving(() => {});
  const results: CheckResult[] = [];
  const check = new HealthCheck(planOf({ dialler: diallerTo(seen.address) }), (result) => results.push(result));
  check.start(null);
  await until(() => seen.requests.length === 1);
  check.cancel();
  await until(() => seen.open === 0);
  expect([results, check.wheelSlot, check.dueAt]).toEqual([[], -1, Infinity]);

  let cancelled = 0;
  const dialling = new HealthCheck(
    planOf({ dialler: () => ({ phase: "connect" as const, cancel: () => cancelled++ }) }),
    (result) => results.push(result),
  );
  dialling.start(null);
  dialling.cancel();
  expect([cancelled, results, dialling.wheelSlot]).toEqual([1, [], -1]);
});

test("a fault of our own is a result and a line of the log, not a throw", async () => {
  const lines: string[] = [];
  setLogSink((line) => lines.push(line));
  afterwards(() => setLogSink(null));
  const { result } = await checking({
    dialler: () => {
      throw new Error("broken");
    },
  });
  expect(result).toMatchObject({ good: false, failure: { cause: "gateway-internal-error" } });
  expect(lines.join("")).toContain("Error: broken");
});
