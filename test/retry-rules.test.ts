// The rules of retries that a configuration can turn: statuses, keys, attempts, time, budget, kept bodies. Beside
// retry.test.ts, which has what is true of every upstream. What reached the upstreams is counted there, not here.
import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import { RawClient, type RunningGateway, startGateway, until } from "./harness.ts";
import { freePort, seededBytes, sha256 } from "./origin.ts";
import { type RawUpstream, rawResponse, startRawUpstream } from "./raw-upstream.ts";

const KEPT_BYTES = 1024;
const CROWD = 50;
const IN_FLIGHT = 60;
/** Nothing but the retry rules decides: neither endpoint nor upstream is left out for what the tests do to it. */
const PLAIN = { eject: "off", breaker: "off" };

let labs: Lab[];
let gateway: RunningGateway;
/** Resets a connection 300 ms after a request. */
let late: RawUpstream;
/** Waits for a crowd, then resets everything; the retries wait until the crowd is answered. */
let crowds: { share: RawUpstream; none: RawUpstream };
let answered = 0;
/** Answers 503 to each three requests at once, and well from the seventh on. */
let third: RawUpstream;

beforeAll(async () => {
  labs = await Promise.all([startLab(), startLab()]);
  const [a, b] = labs.map((lab) => lab.address) as [string, string];
  late = await startRawUpstream((_, socket) => {
    setTimeout(() => socket.resetAndDestroy(), 300);
    return null;
  });
  const waiting: Socket[] = [];
  third = await startRawUpstream((_, socket) => {
    if (third.requests.length > 6) return rawResponse("third time");
    if (waiting.push(socket) === 3)
      for (const each of waiting.splice(0)) each.write(rawResponse("busy", "", "503 Service Unavailable"));
    return null;
  });
  crowds = { share: await startCrowd(), none: await startCrowd() };
  const closed = async () => `127.0.0.1:${await freePort()}`;
  const upstreams: Record<string, unknown> = {
    pair: { endpoints: [a, b], ...PLAIN },
    single: { endpoints: [a], ...PLAIN, retry: { body: `${KEPT_BYTES}B` } },
    patient: { endpoints: [a], ...PLAIN, retry: { backoff: "1s", "backoff-max": "1s", budget: "off" } },
    eager: { endpoints: [a], ...PLAIN, retry: { backoff: "0s" } },
    "closed-GET": { endpoints: [await closed(), await closed(), a], ...PLAIN },
    "closed-POST": { endpoints: [await closed(), await closed(), a], ...PLAIN },
    full: { endpoints: [a, await closed()], ...PLAIN, limits: { requests: 1 } },
    "third-time": { endpoints: [third.address], ...PLAIN, retry: { backoff: "0s" } },
    late: { endpoints: [late.address], ...PLAIN },
    crowd: { endpoints: [crowds.share.address], ...PLAIN },
    "crowd-without-budget": { endpoints: [crowds.none.address], ...PLAIN, retry: { budget: "off" } },
  };
  const status = [503, 500];
  const routes: Record<string, [upstream: string, retry?: unknown]> = {
    status: ["pair", { status }],
    "single-status": ["single", { status, attempts: 2 }],
    "patient-status": ["patient", { status }],
    keyed: ["pair", { "idempotency-key": true, status }],
    "keyed-single": ["single", { "idempotency-key": true }],
    unkeyed: ["pair", { status }],
    off: ["pair", "off"],
    "third-time": ["third-time", { status, attempts: 3 }],
    within: ["late", { within: "200ms", attempts: 4 }],
    ...Object.fromEntries([1, 2, 3, 4].map((attempts) => [`attempts-${attempts}`, ["eager", { attempts, status }]])),
  };
  for (const name of Object.keys(upstreams)) routes[name] ??= [name];
  gateway = await startGateway({
    upstreams,
    routes: Object.entries(routes).map(([name, [proxy, retry = {}]]) => ({
      name,
      path: `/${name}/*`,
      strip: `/${name}`,
      proxy,
      retry,
    })),
  });
});

afterAll(async () => {
  await gateway?.stop("SIGKILL");
  await Promise.all((labs ?? []).map((lab) => lab.close()));
  await Promise.all([late, third, crowds?.share, crowds?.none].map((upstream) => upstream?.close()));
});

afterEach(() => {
  for (const lab of labs) lab.clear();
});

function startCrowd(): Promise<RawUpstream> {
  let waiting: Socket[] = [];
  let came = 0;
  return startRawUpstream((_, socket) => {
    waiting.push(socket);
    came++;
    if (came === CROWD) {
      for (const each of waiting) each.resetAndDestroy();
      waiting = [];
    } else if (came === CROWD + 1) {
      // Not before all of the crowd that got no second try has been told so.
      const timer = setInterval(() => {
        if (answered + waiting.length < CROWD) return;
        clearInterval(timer);
        for (const each of waiting) each.resetAndDestroy();
      }, 10);
    }
    return null;
  });
}

let serial = 0;

type Answer = Awaited<ReturnType<typeof ask>>;

/** One request on a connection of its own, with its log entry. */
async function ask(method: string, target: string, body?: Buffer, fields = "") {
  const id = `rules-${serial++}`;
  const client = new RawClient(gateway.port);
  const length = body ? `Content-Length: ${body.length}\r\n` : "";
  client.send(
    `${method} ${target} HTTP/1.1\r\nHost: shop.test\r\nX-Request-Id: ${id}\r\nAccept: application/problem+json\r\n${fields}${length}\r\n`,
  );
  if (body) client.send(body);
  const response = await client.response(method);
  client.close();
  return { response, entry: await gateway.entryOf(id), id };
}

const problemIn = ({ response }: Answer) =>
  JSON.parse(response.body.toString()) as { retryable: boolean; evidence: { notRetried?: string } };
const triesOf = ({ entry }: Answer) => (entry["tries"] ?? []) as { status: number; cause: string | null }[];

/** How often a request reached the labs. */
function deliveries(id: string): number {
  const isIt = ([name, value]: readonly [string, string]) => name === "X-Request-Id" && value === id;
  return labs.flatMap((lab) => lab.deliveries).filter(({ headers }) => headers.some(isIt)).length;
}

const KEY = "Idempotency-Key: 4711\r\n";
const ORDER = Buffer.from("order");

test.each(["app-503", "app-500"] as const)(
  "a GET that one endpoint answers with %s is answered by the other",
  async (fault) => {
    labs[0]!.setFault(fault);
    let mended = 0;
    for (const method of ["GET", "HEAD", "OPTIONS", "DELETE", "GET", "GET"]) {
      const answer = await ask(method, "/status/lab/echo");
      expect(answer.response.status, method).toBe(200);
      expect(answer.entry).toMatchObject({ status: 200, cause: null });
      if (triesOf(answer).length === 0) continue;
      mended++;
      expect(triesOf(answer)).toMatchObject([
        { endpoint: labs[0]!.address, status: fault === "app-503" ? 503 : 500, cause: "upstream-error-passthrough" },
        { endpoint: labs[1]!.address, status: 200, cause: null },
      ]);
      expect(answer.entry["avoided"]).toMatchObject({ by: "failover", cause: "upstream-error-passthrough" });
      expect(deliveries(answer.id)).toBe(2);
    }
    expect(mended).toBe(3);
  },
);

test("the only endpoint is asked again, after a wait", async () => {
  labs[0]!.next("app-503", 6);
  const answers = await Promise.all(Array.from({ length: 6 }, () => ask("GET", "/patient-status/lab/echo")));
  for (const answer of answers) {
    expect(answer.response.status).toBe(200);
    expect(deliveries(answer.id)).toBe(2);
    expect(answer.entry["avoided"]).toMatchObject({ by: "retry" });
  }
  // Each wait is drawn from 0 to 1 s: that all six are short is one chance in a million.
  expect(Math.max(...answers.map(({ entry }) => entry["durationMs"] as number))).toBeGreaterThan(100);
});

test("when the attempts are used up the upstream's own error is passed on as it is", async () => {
  for (const lab of labs) lab.setFault("app-503");
  const own = new RawClient(labs[0]!.port);
  own.send("GET /lab/echo HTTP/1.1\r\nHost: shop.test\r\n\r\n");
  const direct = await own.response();
  own.close();
  for (const path of ["/status/", "/single-status/"]) {
    const answer = await ask("GET", `${path}lab/echo`);
    expect(answer.response.status).toBe(503);
    expect(answer.response.body).toEqual(direct.body);
    for (const [name, value] of direct.fields) expect(answer.response.fields.get(name), name).toBe(value);
    expect(answer.entry).toMatchObject({ status: 503, cause: "upstream-error-passthrough", attempts: 2 });
    expect(answer.entry).not.toHaveProperty("avoided");
    expect(deliveries(answer.id)).toBe(2);
  }
});

test("a POST is not tried again for a status, nor is anything for a status that the route does not name", async () => {
  for (const lab of labs) lab.setFault("app-503");
  const once = [
    await ask("POST", "/status/lab/echo", ORDER),
    await ask("PATCH", "/status/lab/echo", ORDER),
    await ask("GET", "/pair/lab/echo"),
    await ask("POST", "/unkeyed/lab/echo", ORDER, KEY),
  ];
  for (const lab of labs) lab.setFault("app-502");
  once.push(await ask("GET", "/status/lab/echo"));
  for (const answer of once) {
    expect(answer.response.body.toString()).toBe("the application says so\n");
    expect(answer.entry["attempts"]).toBe(1);
    expect(deliveries(answer.id)).toBe(1);
  }
});

test.each(["POST", "PATCH"])(
  "a %s with a key is tried again where the route honours keys, and only there",
  async (method) => {
    for (const fault of ["app-503", "reset-after-request", "reset-before-head"] as const) {
      labs[0]!.setFault(fault);
      for (let round = 0; round < 2; round++) {
        const answer = await ask(method, "/keyed/lab/echo", ORDER, KEY);
        expect(answer.response.status, fault).toBe(200);
        expect(JSON.parse(answer.response.body.toString())).toMatchObject({
          headers: expect.arrayContaining([["Idempotency-Key", "4711"]]),
          body: { sha256: sha256(ORDER), complete: true },
        });
        expect(deliveries(answer.id)).toBe(answer.entry["attempts"]);
      }
    }
    expect(labs[0]!.deliveries.length).toBeGreaterThan(0);
    labs[1]!.setFault("reset-after-request");
    for (const [route, key] of [
      ["keyed", ""],
      ["unkeyed", KEY],
    ] as const) {
      const answer = await ask(method, `/${route}/lab/echo`, ORDER, key);
      expect(answer.response.status).toBe(502);
      expect(answer.entry["attempts"]).toBe(1);
      expect(problemIn(answer)).toMatchObject({ retryable: false, evidence: { notRetried: "not-idempotent" } });
      expect(deliveries(answer.id)).toBe(1);
    }
  },
);

test("what may be sent again says so: a key counts where the route honours it", async () => {
  for (const lab of labs) lab.setFault("reset-after-request");
  const retryable = async (method: string, route: string, fields = "") => {
    const answer = await ask(method, `/${route}/lab/echo`, method === "GET" ? undefined : ORDER, fields);
    expect(answer.response.status).toBe(502);
    return [problemIn(answer).retryable, answer.response.fields.has("retry-after")];
  };
  expect(await retryable("GET", "pair")).toEqual([true, true]);
  expect(await retryable("POST", "keyed", KEY)).toEqual([true, true]);
  expect(await retryable("POST", "keyed")).toEqual([false, false]);
  expect(await retryable("POST", "pair", KEY)).toEqual([false, false]);
});

const ATTEMPTS = [["off", 1] as const, ...[1, 2, 3, 4].map((n) => [`attempts-${n}`, n] as const)];

test.each(ATTEMPTS)("of a request that always fails, route %s makes %i deliveries", async (route, attempts) => {
  for (const fault of ["reset-after-request", "app-500"] as const) {
    for (const lab of labs) lab.setFault(fault);
    const answer = await ask("GET", `/${route}/lab/echo`);
    expect(answer.response.status).toBe(fault === "app-500" ? 500 : 502);
    expect(answer.entry["attempts"]).toBe(attempts);
    expect(deliveries(answer.id)).toBe(attempts);
    if (fault === "reset-after-request") expect(problemIn(answer).evidence.notRetried).toBe("attempts");
  }
});

test("within: no attempt is begun later", async () => {
  const answer = await ask("GET", "/within/");
  expect(answer.entry).toMatchObject({ status: 502, attempts: 1 });
  expect(problemIn(answer).evidence.notRetried).toBe("time");
  expect(late.requests).toHaveLength(1);
  await ask("GET", "/late/");
  expect(late.requests).toHaveLength(3);
});

test("a crowd that fails at once has its retries within the budget; without one each has its own", async () => {
  answered = 0;
  const all = Array.from({ length: CROWD }, () => ask("GET", "/crowd/").finally(() => answered++));
  const reasons = (await Promise.all(all)).map((answer) => problemIn(answer).evidence.notRetried);
  // A fifth of those in flight.
  expect(crowds.share.requests.length).toBeGreaterThan(CROWD);
  expect(crowds.share.requests.length).toBeLessThanOrEqual(CROWD + CROWD / 5);
  const retried = crowds.share.requests.length - CROWD;
  expect(reasons.filter((reason) => reason === "attempts")).toHaveLength(retried);
  expect(reasons.filter((reason) => reason === "budget")).toHaveLength(CROWD - retried);

  answered = 0;
  const others = Array.from({ length: CROWD }, () => ask("GET", "/crowd-without-budget/").finally(() => answered++));
  for (const answer of await Promise.all(others)) expect(problemIn(answer).evidence.notRetried).toBe("attempts");
  expect(crowds.none.requests).toHaveLength(2 * CROWD);
});

test("a retry that is to be tried again needs no second place in the budget", async () => {
  // Three retries are what the budget allows, and all three are under way at the same time.
  const answers = await Promise.all([1, 2, 3].map(() => ask("GET", "/third-time/")));
  for (const answer of answers) expect(answer.entry).toMatchObject({ status: 200, attempts: 3 });
});

test("a request that is refused while the other endpoint is full waits for its turn there", async () => {
  const slow = ask("GET", "/full/lab/slow?ms=1500");
  await until(
    () => labs[0]!.deliveriesOf("/lab/slow").length === 1,
    5000,
    () => "no request is slow",
  );
  const answer = await ask("POST", "/full/lab/echo", ORDER);
  expect((await slow).entry["endpoint"]).toBe(labs[0]!.address);
  expect(answer.response.status).toBe(200);
  expect(triesOf(answer).map(({ cause }) => cause)).toEqual(["connect-refused", null]);
  expect(answer.entry["queuedMs"]).toBeGreaterThan(0);
});

test("a body is sent again up to retry.body, and a failure above it says so", async () => {
  for (const [route, method, key] of [
    ["single", "PUT", ""],
    ["keyed-single", "POST", KEY],
  ] as const) {
    for (const size of [0, 1, KEPT_BYTES]) {
      labs[0]!.next("reset-after-request");
      const body = seededBytes(size + 1, size);
      const answer = await ask(method, `/${route}/lab/echo`, body, key);
      expect(answer.entry).toMatchObject({ status: 200, attempts: 2 });
      expect(JSON.parse(answer.response.body.toString())).toMatchObject({ body: { sha256: sha256(body) } });
    }
    for (const size of [KEPT_BYTES + 1, 300_000]) {
      labs[0]!.next("reset-after-request");
      const answer = await ask(method, `/${route}/lab/echo`, seededBytes(9, size), key);
      expect(answer.entry).toMatchObject({ status: 502, attempts: 1 });
      expect(problemIn(answer).evidence).toMatchObject({
        notRetried: "body-not-replayable",
        replayBytesMax: KEPT_BYTES,
      });
      expect(deliveries(answer.id)).toBe(1);
    }
  }
});

test.each(["GET", "POST"])("endpoints that refuse use up no attempt of a %s", async (method) => {
  const answer = await ask(method, `/closed-${method}/lab/echo`, method === "POST" ? ORDER : undefined);
  expect(answer.response.status).toBe(200);
  expect(triesOf(answer).map(({ cause }) => cause)).toEqual(["connect-refused", "connect-refused", null]);
  expect(deliveries(answer.id)).toBe(1);
});

/** An application of its own that takes requests and never answers: "." on its output for each. */
const SILENT_APP = `require("node:http").createServer(() => process.stdout.write(".")).listen(0, "127.0.0.1",
  function () { process.stdout.write(this.address().port + "\\n") })`;

async function startSilentApp(): Promise<{ child: ChildProcess; address: string; taken: () => number }> {
  const child = spawn(process.execPath, ["-e", SILENT_APP], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout!.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const port = await until(
    () => /^(\d+)\n/.exec(output)?.[1],
    10_000,
    () => "the application did not start",
  );
  return { child, address: `127.0.0.1:${port}`, taken: () => output.split(".").length - 1 };
}

test("an endpoint that is killed with 60 requests in flight: each of them is saved by the other one", async () => {
  const app = await startSilentApp();
  const other = await startRawUpstream(() => rawResponse("saved"));
  const killed = await startGateway({
    // A backup, so that all 60 are with the application that never answers.
    upstreams: { app: { endpoints: [app.address, { address: other.address, backup: true }] } },
  });
  try {
    const clients = Array.from({ length: IN_FLIGHT }, () => new RawClient(killed.port));
    for (const client of clients) client.send("GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    await until(
      () => app.taken() === IN_FLIGHT,
      5000,
      () => `${app.taken()} of ${IN_FLIGHT} arrived`,
    );
    app.child.kill("SIGKILL");
    const responses = await Promise.all(clients.map((client) => client.response()));
    expect(responses.map(({ status, body }) => `${status} ${body}`)).toEqual(clients.map(() => "200 saved"));
    expect(other.requests).toHaveLength(IN_FLIGHT);
    for (const client of clients) client.close();
    const entries = await until(
      () => (killed.log().length >= IN_FLIGHT ? killed.log() : null),
      5000,
      () => "lines are missing",
    );
    // Twelve are what the budget allows: the others were moved since a connect said that nothing listens any more.
    for (const entry of entries)
      expect(entry).toMatchObject({
        status: 200,
        cause: null,
        avoided: { by: "failover", cause: "closed-before-response" },
      });
  } finally {
    app.child.kill("SIGKILL");
    await killed.stop("SIGKILL");
    await other.close();
  }
});
