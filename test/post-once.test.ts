// What must never happen: that a POST reaches upstreams twice. Random requests under random faults that change all the
// time (endpoints that reset, freeze, talk nonsense, die and come back), with default settings and with settings that
// try hard. Counted where the requests arrive; each request has one outcome, seen alike by client and access log.
// GOODGATE_SEEDS="7 8 9" runs these seeds, too.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { FaultName } from "../src/lab/faults.ts";
import { type Lab, startLab } from "../src/lab/server.ts";
import {
  exchange,
  type LogEntry,
  pause,
  RawClient,
  type RawResponse,
  type RunningGateway,
  startGateway,
  until,
} from "./harness.ts";
import { chunked, seeded, seededBytes, sha256 } from "./origin.ts";

const CLIENTS = 12;
const PER_CLIENT = 50;
const TIME_MS = 60_000;
const SEEDS = [1, 4711, 20_261_121, ...(process.env["GOODGATE_SEEDS"]?.match(/\d+/g) ?? []).map(Number)];

/** What strikes an endpoint for a while; null = it is well. The last ones are no faults of the lab. */
const WEATHER: readonly (FaultName | null | "restart" | "die" | "outage")[] = [
  ...[null, null, null, null, null, null, null, null],
  "reset-before-head",
  "reset-after-request",
  "close-before-head",
  "reset-on-accept",
  "close-on-accept",
  "reset-on-first-byte",
  "close-on-reuse",
  "reset-on-reuse",
  "close-idle",
  "close-unannounced",
  "stall-head",
  "slow-head",
  "close-mid-head",
  "reset-mid-head",
  "short-body",
  "reset-mid-body",
  "garbage-head",
  "bad-length",
  "early-413-reset",
  "reset-during-upload",
  "app-500",
  "app-503",
  "restart",
  "die",
  "outage",
];

interface Setting {
  readonly name: string;
  readonly attempts: number;
  readonly upstream: Record<string, unknown>;
  readonly retry: Record<string, unknown>;
}

const UPSTREAM = { timeouts: { connect: "2s", head: "300ms", "idle-body": "300ms", send: "300ms" } };
const SETTINGS: readonly Setting[] = [
  { name: "default settings", attempts: 2, upstream: UPSTREAM, retry: {} },
  {
    name: "settings that try hard",
    attempts: 4,
    upstream: {
      ...UPSTREAM,
      retry: { attempts: 4, budget: "off", body: "256KiB" },
      eject: "off",
      breaker: "off",
    },
    retry: { status: [500, 503] },
  },
];

let labs: Lab[];
let gateway: RunningGateway;

beforeAll(async () => {
  labs = await Promise.all([startLab(), startLab(), startLab()]);
});

beforeEach(() => {
  for (const lab of labs) lab.clear();
});

afterEach(async () => {
  await gateway?.stop("SIGKILL");
});

afterAll(async () => {
  await Promise.all((labs ?? []).map((lab) => lab.close()));
});

interface Asked {
  readonly id: string;
  readonly method: string;
  readonly body: Buffer | null;
  /** It may arrive more than once. */
  readonly repeatable: boolean;
  readonly message: Buffer;
}

interface Outcome extends Asked {
  readonly response: RawResponse | null;
  readonly ending: string;
}

const METHODS = ["GET", "GET", "POST", "POST", "POST", "PATCH", "PUT", "DELETE", "HEAD"];
const SIZES = [0, 5, 3000, 60_000, 150_000];

function makeRequest(id: string, random: () => number): Asked {
  const one = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
  const method = one(METHODS);
  const route = one(["plain", "keyed"]);
  const keyed = random() < 0.5;
  const size = one(SIZES);
  const body = /^(POST|PATCH|PUT)$/.test(method) ? seededBytes(size + 1, size) : null;
  const inChunks = body !== null && random() < 0.5;
  const framing = !body ? "" : inChunks ? "Transfer-Encoding: chunked\r\n" : `Content-Length: ${body.length}\r\n`;
  const head =
    `${method} /${route}/lab/echo?id=${id} HTTP/1.1\r\nHost: shop.test\r\nX-Request-Id: ${id}\r\n` +
    `Accept: application/problem+json\r\n${keyed ? `Idempotency-Key: ${id}\r\n` : ""}${framing}\r\n`;
  const framed = !body ? Buffer.alloc(0) : inChunks ? chunked(body, random) : body;
  const repeatable = !/^(POST|PATCH)$/.test(method) || (keyed && route === "keyed");
  return { id, method, body, repeatable, message: Buffer.concat([Buffer.from(head, "latin1"), framed]) };
}

/** One client: a request after the other, on one connection as long as it lasts. */
async function runClient(name: string, random: () => number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let client = new RawClient(gateway.port);
  for (let serial = 0; serial < PER_CLIENT; serial++) {
    const asked = makeRequest(`${name}-${serial}`, random);
    await pause(random() * 40);
    client.socket.write(asked.message);
    const response = await client.response(asked.method, 10_000).catch(() => null);
    outcomes.push({ ...asked, response, ending: client.ending });
    const closes = response?.fields.get("connection") === "close";
    if (response?.whole && client.ending === "open" && !closes) continue;
    client.close();
    client = new RawClient(gateway.port);
  }
  client.close();
  return outcomes;
}

/** Changes what the labs do until it is told to stop. */
async function makeWeather(random: () => number, over: () => boolean): Promise<void> {
  while (!over()) {
    const lab = labs[Math.floor(random() * labs.length)]!;
    const kind = WEATHER[Math.floor(random() * WEATHER.length)]!;
    const ms = random() * 60;
    if (kind === "restart") await lab.restart(ms);
    else if (kind === "die") lab.crash(ms * 5);
    else if (kind === "outage") for (const each of labs) each.crash(ms * 5);
    else lab.setFault(kind, kind === "slow-head" || kind === "close-idle" ? { ms: Math.ceil(ms) } : {});
    await pause(random() * 40);
  }
}

/** How often each request arrived, by its id; what arrived whole is what was sent. */
function countDeliveries(sent: ReadonlyMap<string, Asked>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const lab of labs) {
    for (const { headers, method, bodyBytes, bodyComplete, oddities } of lab.deliveries) {
      const id = headers.find(([name]) => name === "X-Request-Id")?.[1] ?? "without id";
      counts.set(id, (counts.get(id) ?? 0) + 1);
      const asked = sent.get(id)!;
      expect(method, id).toBe(asked.method);
      expect(oddities, id).toEqual([]);
      if (bodyComplete) expect(bodyBytes, id).toBe(asked.body?.length ?? 0);
    }
    expect(lab.unreadable).toEqual([]);
  }
  return counts;
}

/** What is wrong with the answer; null = nothing, be it a failure that can be seen. */
function judge({ id, method, body, response, ending }: Outcome): string | null {
  if (!response) return ending === "open" ? "no answer" : null;
  if (!response.whole) return ending === "open" ? "an answer that never ends" : null;
  const text = response.body.toString("latin1");
  const other = /id=([\w-]+)|"requestId": ?"([\w-]+)"/.exec(text);
  if (other && (other[1] ?? other[2]) !== id) return `the answer of ${other[1] ?? other[2]}`;
  if (response.status !== 200 || method === "HEAD" || text === "ok\n") return null;
  const echo = JSON.parse(text) as { body: { sha256: string; bytes: number; complete: boolean } };
  if (echo.body.complete && echo.body.sha256 === sha256(body ?? Buffer.alloc(0))) return null;
  return `the body arrived as ${echo.body.bytes} bytes`;
}

/** One entry for each request, which says what its client saw and how often it was sent. */
async function checkLog(outcomes: readonly Outcome[], counts: ReadonlyMap<string, number>): Promise<void> {
  const ours = (): LogEntry[] => gateway.log().filter(({ requestId }) => /^[dh]\d/.test(requestId));
  await until(
    () => ours().length >= outcomes.length,
    5000,
    () => `${ours().length} entries for ${outcomes.length} requests`,
  );
  const entries = new Map(ours().map((entry) => [entry.requestId, entry]));
  expect(ours()).toHaveLength(entries.size);
  expect(entries.size).toBe(outcomes.length);
  for (const { id, response, repeatable } of outcomes) {
    const entry = entries.get(id)!;
    if (response?.whole) expect(entry, id).toMatchObject({ status: response.status, aborted: false });
    else expect(entry["aborted"], id).toBe(true);
    const tries = (entry["tries"] as { bytesSent: number }[] | undefined) ?? [];
    const sent = tries.filter(({ bytesSent }) => bytesSent > 0).length;
    // What was not sent yet moves on or waits: no endpoint is away for long.
    expect(["connect-refused", "no-healthy-upstream"], id).not.toContain(entry.cause);
    if (!repeatable) expect(sent, id).toBeLessThanOrEqual(1);
    if (tries.length > 0) expect(counts.get(id) ?? 0, id).toBeLessThanOrEqual(sent);
  }
}

const CASES = SETTINGS.flatMap((setting) => SEEDS.map((seed) => ({ ...setting, seed })));

test.each(CASES)(
  `${CLIENTS * PER_CLIENT} requests under random faults, $name, seed $seed: no POST arrives twice`,
  async ({ name, attempts, upstream, retry, seed }) => {
    gateway = await startGateway({
      upstreams: { labs: { endpoints: labs.map((lab) => lab.address), ...upstream } },
      routes: [
        { path: "/plain/*", strip: "/plain", proxy: "labs", retry },
        { path: "/keyed/*", strip: "/keyed", proxy: "labs", retry: { ...retry, "idempotency-key": true } },
      ],
    });
    // An upstream that has never answered is not waited for.
    const first = "GET /plain/lab/echo HTTP/1.1\r\nHost: shop.test\r\nX-Request-Id: first\r\n\r\n";
    expect((await exchange(gateway.port, first)).status).toBe(200);
    for (const lab of labs) lab.clear();
    let over = false;
    const weather = makeWeather(seeded(seed), () => over);
    const all = await Promise.all(
      Array.from({ length: CLIENTS }, (_, index) =>
        runClient(`${name[0] === "d" ? "d" : "h"}${seed}-${index}`, seeded(seed + 1 + index)),
      ),
    );
    over = true;
    await weather;
    await Promise.all(labs.map((lab) => lab.listen()));

    const outcomes = all.flat();
    const wrong = outcomes.flatMap((outcome) => {
      const problem = judge(outcome);
      return problem ? [`${outcome.id} ${outcome.method}: ${problem}`] : [];
    });
    expect(wrong).toEqual([]);
    const counts = countDeliveries(new Map(outcomes.map((outcome) => [outcome.id, outcome])));
    for (const { id, method, repeatable } of outcomes)
      expect(counts.get(id) ?? 0, `${method} ${id}`).toBeLessThanOrEqual(repeatable ? attempts : 1);
    await checkLog(outcomes, counts);
    // It was bad weather, and yet most came through; and some of them twice, or the test would show nothing.
    expect(Math.max(...counts.values())).toBeGreaterThan(1);
    expect(outcomes.filter(({ response }) => response?.whole && response.status === 200).length).toBeGreaterThan(60);
    expect(gateway.process.exitCode).toBeNull();
    expect(gateway.output()).not.toContain("internal error");
  },
  TIME_MS,
);
