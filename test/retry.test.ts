// Which requests are tried again, where they go, and which connections they use, over real sockets and several
// endpoints. What is checked is what reached the upstreams as much as what came back.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import { exchange, pause, RawClient, type RunningGateway, startGateway, until } from "./harness.ts";
import { freePort, seededBytes, sha256 } from "./origin.ts";

let labs: Lab[];
let closed: string;
let gateway: RunningGateway;

const HOST = "Host: shop.test\r\n";

beforeAll(async () => {
  labs = await Promise.all([startLab(), startLab(), startLab()]);
  closed = `127.0.0.1:${await freePort()}`;
  const [a, b, c] = labs.map((lab) => lab.address) as [string, string, string];
  const upstreams: Record<string, unknown> = {
    refused: [closed, a],
    "all-refused": [closed],
    one: a,
    "close-on-reuse-GET": a,
    "close-on-reuse-POST": a,
    "reset-on-reuse-GET": a,
    "reset-on-reuse-POST": a,
    two: { endpoints: [a, b] },
    off: { endpoints: [a, b], retry: "off" },
    weighted: { endpoints: [{ address: a, weight: 3 }, b] },
    least: { endpoints: [a, b], balance: "least-connections" },
    backup: { endpoints: [{ address: c, backup: true }, closed, { address: a, down: true }] },
    "backup-idle": { endpoints: [{ address: c, backup: true }, a, b] },
    brief: { endpoints: [c], keepalive: { idle: "400ms" } },
    worn: { endpoints: [c], keepalive: { requests: 3 } },
    unkept: { endpoints: [c], keepalive: "off" },
    narrow: { endpoints: [c], limits: { connections: 1 }, queue: "off", keepalive: { idle: "300ms" } },
  };
  gateway = await startGateway({
    upstreams,
    routes: Object.keys(upstreams).map((name) => ({ path: `/${name}/*`, strip: `/${name}`, proxy: name })),
  });
});

afterAll(async () => {
  await gateway?.stop("SIGKILL");
  await Promise.all((labs ?? []).map((lab) => lab.close()));
});

afterEach(() => {
  for (const lab of labs) lab.clear();
});

let serial = 0;

/** One request on a connection of its own, with its log entry. */
async function ask(method: string, target: string, body?: Buffer | "chunked") {
  const id = `retry-${serial++}`;
  const client = new RawClient(gateway.port);
  const framing =
    body === undefined
      ? ""
      : body === "chunked"
        ? "Transfer-Encoding: chunked\r\n"
        : `Content-Length: ${body.length}\r\n`;
  client.send(
    `${method} ${target} HTTP/1.1\r\n${HOST}X-Request-Id: ${id}\r\nAccept: application/problem+json\r\n${framing}\r\n`,
  );
  if (body === "chunked") client.send("5\r\nhello\r\n0\r\n\r\n");
  else if (body) client.send(body);
  const response = await client.response(method);
  client.close();
  return { response, entry: await gateway.entryOf(id), id };
}

/** How often a request reached each lab. */
function deliveries(id: string): number[] {
  return labs.map(
    (lab) =>
      lab.deliveries.filter(({ headers }) => headers.some(([name, value]) => name === "X-Request-Id" && value === id))
        .length,
  );
}

const total = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);

function tries(entry: Record<string, unknown>): Record<string, unknown>[] {
  return (entry["tries"] ?? []) as Record<string, unknown>[];
}

test("a refused endpoint costs no request of any method: the other one answers", async () => {
  let mended = 0;
  for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
    for (const body of method === "POST" || method === "PUT" || method === "PATCH"
      ? [seededBytes(1, 300_000), "chunked" as const]
      : [undefined, undefined]) {
      const { response, entry, id } = await ask(method, "/refused/lab/echo", body);
      expect(response.status, method).toBe(200);
      expect(total(deliveries(id))).toBe(1);
      if (method !== "HEAD" && body) {
        const whole = body === "chunked" ? Buffer.from("hello") : body;
        expect(JSON.parse(response.body.toString())).toMatchObject({ body: { sha256: sha256(whole), complete: true } });
      }
      expect(entry).toMatchObject({ cause: null, status: 200, endpoint: labs[0]!.address });
      if (entry["attempts"] !== 2) continue;
      mended++;
      expect(tries(entry)).toMatchObject([
        { endpoint: closed, cause: "connect-refused", phase: "connect", code: "ECONNREFUSED", status: 0, bytesSent: 0 },
        { endpoint: labs[0]!.address, cause: null, status: 200 },
      ]);
    }
  }
  // Only the first to meet the closed port has to be mended; the endpoint is left alone until it accepts connections.
  expect(mended).toBe(1);
});

test("where all are refused: 502 connect-refused in under a second, tried once", async () => {
  const began = performance.now();
  const { response, entry } = await ask("POST", "/all-refused/", Buffer.from("x"));
  expect(performance.now() - began).toBeLessThan(1000);
  expect(response.status).toBe(502);
  expect(entry).toMatchObject({ cause: "connect-refused", attempts: 1 });
});

test.each(["one", "two"])("a GET that is reset before the head is tried once more (upstream %s)", async (upstream) => {
  for (const lab of labs) lab.setFault(null);
  const first = upstream === "one" ? [labs[0]!] : labs.slice(0, 2);
  // Only the first delivery is struck, wherever it goes.
  for (const lab of first) lab.next("reset-before-head", 1);
  const { response, entry, id } = await ask("GET", `/${upstream}/lab/echo`);
  if (upstream === "two") {
    // Both first deliveries were struck: the one retry failed, too.
    expect(response.status).toBe(502);
    expect(entry).toMatchObject({ cause: "closed-before-response", attempts: 2 });
    expect(deliveries(id)).toEqual([1, 1, 0]);
    return;
  }
  expect(response.status).toBe(200);
  expect(entry).toMatchObject({ cause: null, attempts: 2 });
  expect(tries(entry)).toMatchObject([
    { cause: "closed-before-response", code: "ECONNRESET" },
    { cause: null, status: 200 },
  ]);
  expect(deliveries(id)).toEqual([2, 0, 0]);
});

test("the second attempt goes to the other endpoint", async () => {
  labs[0]!.setFault("reset-before-head");
  for (let round = 0; round < 4; round++) {
    const { response, entry, id } = await ask("GET", "/two/lab/echo");
    expect(response.status).toBe(200);
    expect(entry["endpoint"]).toBe(labs[1]!.address);
    expect(deliveries(id)[1]).toBe(1);
  }
});

test.each(["POST", "PATCH"])("a %s that may have arrived is never sent again", async (method) => {
  for (const fault of ["reset-before-head", "close-before-head"] as const) {
    for (const lab of labs) lab.setFault(fault);
    const { response, entry, id } = await ask(method, "/two/lab/echo", Buffer.from("order"));
    expect(response.status).toBe(502);
    // On a kept connection that was idle for a while the same bytes look like a race with the idle timer.
    expect(["closed-before-response", "keepalive-race"]).toContain(entry.cause);
    expect(entry["attempts"]).toBe(1);
    expect(total(deliveries(id))).toBe(1);
  }
});

test("a PUT with a small body is replayed whole, also in chunks", async () => {
  for (const body of [seededBytes(4, 60_000), Buffer.from("hello"), "chunked" as const]) {
    labs[0]!.next("reset-before-head");
    const { response, id } = await ask("PUT", "/one/lab/echo", body);
    expect(response.status).toBe(200);
    const whole = body === "chunked" ? Buffer.from("hello") : body;
    expect(JSON.parse(response.body.toString())).toMatchObject({
      body: { bytes: whole.length, sha256: sha256(whole), complete: true },
    });
    expect(deliveries(id)).toEqual([2, 0, 0]);
  }
});

test("a PUT whose body is too large to keep is not replayed", async () => {
  labs[0]!.next("reset-before-head");
  const { response, id } = await ask("PUT", "/one/lab/echo", seededBytes(5, 400_000));
  expect(response.status).toBe(502);
  expect(deliveries(id)).toEqual([1, 0, 0]);
});

test("nothing is tried again once a byte of the response has come, or after a deadline", async () => {
  for (const fault of ["close-mid-head", "garbage-head"] as const) {
    for (const lab of labs) lab.setFault(fault);
    const { response, entry, id } = await ask("GET", "/two/lab/echo");
    expect(response.status).toBe(502);
    expect(entry["attempts"]).toBe(1);
    expect(total(deliveries(id))).toBe(1);
  }
});

test("retry: off makes one attempt", async () => {
  for (const lab of labs) lab.setFault("reset-before-head");
  const { response, entry } = await ask("GET", "/off/lab/echo");
  expect(response.status).toBe(502);
  expect(entry["attempts"]).toBe(1);
});

test.each(["close-on-reuse", "reset-on-reuse"] as const)(
  "%s: a GET is saved, a POST is not sent twice (scenario 5)",
  async (fault) => {
    for (const method of ["GET", "POST"]) {
      // An upstream of its own for each: what closes twice at one age has taught its idle timer.
      const upstream = `${fault}-${method}`;
      labs[0]!.next(fault);
      expect((await ask("GET", `/${upstream}/lab/echo`)).response.status).toBe(200);
      // Long enough for an upstream's idle timer to have run out.
      await pause(600);
      const { response, entry, id } = await ask(
        method,
        `/${upstream}/lab/echo`,
        method === "POST" ? Buffer.from("order") : undefined,
      );
      if (method === "GET") {
        expect(response.status).toBe(200);
        expect(entry).toMatchObject({ cause: null, attempts: 2 });
        expect(tries(entry)).toMatchObject([
          { cause: "keepalive-race", reused: true },
          { cause: null, reused: false },
        ]);
      } else {
        expect(response.status).toBe(502);
        expect(entry).toMatchObject({ cause: "keepalive-race", attempts: 1, reused: true });
        expect(total(deliveries(id))).toBeLessThanOrEqual(1);
      }
    }
  },
);

test.each(["close-idle", "reset-idle", "close-unannounced", "unsolicited-on-idle"] as const)(
  "%s: a pooled connection that went away costs no request (scenarios 6, 16)",
  async (fault) => {
    labs[0]!.next(fault, 1, { ms: 30 });
    expect((await ask("GET", "/one/lab/echo")).response.status).toBe(200);
    await pause(150);
    const { response, entry } = await ask("POST", "/one/lab/echo", Buffer.from("order"));
    expect(response.status).toBe(200);
    expect(entry).toMatchObject({ attempts: 1, reused: false });
    expect(response.body.toString()).not.toContain("not your bytes");
  },
);

test("round robin follows the weights", async () => {
  for (let round = 0; round < 40; round++)
    await exchange(gateway.port, `GET /weighted/lab/echo HTTP/1.1\r\n${HOST}\r\n`);
  expect(labs.map((lab) => lab.deliveries.length)).toEqual([30, 10, 0]);
});

test("least connections avoids the endpoint that is busy", async () => {
  labs[0]!.setFault("stall-head", { ms: 900 });
  const busy = [0, 1].map(() => exchange(gateway.port, `GET /least/lab/echo?busy HTTP/1.1\r\n${HOST}\r\n`));
  await until(
    () => labs[0]!.deliveries.length === 1,
    1000,
    () => "no request is busy",
  );
  labs[0]!.setFault(null);
  await pause(50);
  for (let round = 0; round < 6; round++) await exchange(gateway.port, `GET /least/lab/echo HTTP/1.1\r\n${HOST}\r\n`);
  expect(
    labs.map((lab) => lab.deliveriesOf("/lab/echo").filter(({ target }) => !target.includes("busy")).length),
  ).toEqual([0, 6, 0]);
  await Promise.all(busy);
});

test("a backup serves only where no other endpoint can; one that is down never does", async () => {
  for (let round = 0; round < 6; round++) {
    expect((await ask("POST", "/backup/lab/echo", Buffer.from("x"))).response.status).toBe(200);
    expect((await ask("GET", "/backup-idle/lab/echo")).response.status).toBe(200);
  }
  expect(labs.map((lab) => lab.deliveries.length)).toEqual([3, 3, 6]);
});

test("connections are kept and used again, across clients and behind answers without a body", async () => {
  const before = labs[2]!.connections.total;
  const targets = [
    "/lab/echo",
    "/lab/status/204",
    "/lab/bytes?n=100000",
    "/lab/bytes?n=100000&chunked",
    "/lab/status/304",
    "/lab/status/404",
  ];
  for (const target of targets) await exchange(gateway.port, `GET /brief${target} HTTP/1.1\r\n${HOST}\r\n`);
  await exchange(gateway.port, `HEAD /brief/lab/bytes?n=5 HTTP/1.1\r\n${HOST}\r\n`);
  const { entry } = await ask("POST", "/brief/lab/echo", Buffer.from("x"));
  expect(labs[2]!.connections.total - before).toBe(1);
  expect(entry).toMatchObject({ reused: true, attempts: 1 });
});

test("an idle connection is closed after keepalive.idle", async () => {
  const open = labs[2]!.connections.open;
  await exchange(gateway.port, `GET /brief/lab/echo HTTP/1.1\r\n${HOST}\r\n`);
  await until(
    () => labs[2]!.connections.open <= open - 1 || labs[2]!.connections.open === 0,
    2000,
    () => `${labs[2]!.connections.open} are open`,
  );
});

test("a connection is closed after keepalive.requests", async () => {
  const before = labs[2]!.connections.total;
  for (let round = 0; round < 7; round++) await exchange(gateway.port, `GET /worn/lab/echo HTTP/1.1\r\n${HOST}\r\n`);
  expect(labs[2]!.connections.total - before).toBe(3);
});

test("keepalive: off closes each connection after its request", async () => {
  const before = labs[2]!.connections.total;
  for (let round = 0; round < 3; round++) await exchange(gateway.port, `GET /unkept/lab/echo HTTP/1.1\r\n${HOST}\r\n`);
  expect(labs[2]!.connections.total - before).toBe(3);
});

test("above limits.connections: 503 pool-exhausted at once, and room again afterwards", async () => {
  const slow = ask("GET", "/narrow/lab/slow?ms=500");
  await until(
    () => labs[2]!.deliveriesOf("/lab/slow").length === 1,
    1000,
    () => "no request is slow",
  );
  const { response, entry } = await ask("GET", "/narrow/lab/echo");
  expect(response.status).toBe(503);
  expect(entry.cause).toBe("pool-exhausted");
  expect(response.fields.get("retry-after")).toBeDefined();
  expect((await slow).response.status).toBe(200);
  expect((await ask("GET", "/narrow/lab/echo")).response.status).toBe(200);
});

test("an upstream that restarts: after it is back all is served, on fresh connections", async () => {
  await ask("GET", "/one/lab/echo");
  await labs[0]!.restart(50);
  for (let round = 0; round < 3; round++) {
    const { response } = await ask("POST", "/one/lab/echo", Buffer.from("x"));
    expect(response.status).toBe(200);
  }
});
