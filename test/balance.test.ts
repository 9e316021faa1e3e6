// Every balance of the configuration over real sockets: which of three labs a request reaches, by client, by key, by
// cookie, and by how each of them answers. A lab counts what it was sent.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { makeCertificates } from "../src/lab/certificates.ts";
import { type Lab, startLab } from "../src/lab/server.ts";
import { exchange, RawClient, type RawResponse, type RunningGateway, startGateway, until } from "./harness.ts";
import { freePort } from "./origin.ts";

let labs: Lab[];
let gateway: RunningGateway;
let secure: RunningGateway;
let folder: string;
let closed: string;

const BALANCES: Record<string, unknown> = {
  turns: "round-robin",
  least: "least-connections",
  two: "random-two",
  ewma: "peak-ewma",
  ip: "ip-hash",
  uri: { hash: "{uri}" },
  field: { hash: "{request.header.x-tenant}" },
  cookie: { cookie: "at" },
};

beforeAll(async () => {
  labs = await Promise.all([startLab(), startLab(), startLab()]);
  closed = `127.0.0.1:${await freePort()}`;
  const endpoints = labs.map((lab) => lab.address);
  const upstreams: Record<string, unknown> = {};
  for (const [name, balance] of Object.entries(BALANCES)) upstreams[name] = { endpoints, balance, eject: "off" };
  upstreams["moved"] = { endpoints: [closed, ...endpoints.slice(0, 2)], balance: { cookie: "at" } };
  const routes = Object.keys(upstreams).map((name) => ({ path: `/${name}/*`, strip: `/${name}`, proxy: name }));
  gateway = await startGateway({ trust: ["127.0.0.1"], upstreams, routes });
  folder = mkdtempSync(join(tmpdir(), "goodgate-balance-"));
  const { good } = makeCertificates();
  writeFileSync(join(folder, "cert.pem"), good.cert);
  writeFileSync(join(folder, "key.pem"), good.key);
  secure = await startGateway({
    listen: [{ address: "127.0.0.1:0", tls: { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") } }],
    upstreams: { app: { endpoints, balance: { cookie: "at" } } },
  });
});

afterAll(async () => {
  await Promise.all([gateway?.stop("SIGKILL"), secure?.stop("SIGKILL")]);
  await Promise.all((labs ?? []).map((lab) => lab.close()));
  if (folder) rmSync(folder, { recursive: true });
});

afterEach(() => {
  for (const lab of labs) lab.clear();
});

let serial = 0;

/** One GET; which lab it reached, and what came back. */
async function ask(path: string, fields: Record<string, string> = {}): Promise<{ lab: number; response: RawResponse }> {
  const id = `balance-${serial++}`;
  const lines = Object.entries({ Host: "shop.test", "X-Request-Id": id, ...fields });
  const response = await exchange(
    gateway.port,
    `GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`,
  );
  const reached = labs.map((lab) => lab.deliveries.some(({ headers }) => headers.some(([, value]) => value === id)));
  return { lab: reached.indexOf(true), response };
}

/** How many of the requests reached each lab. */
async function spread(count: number, make: (n: number) => readonly [string, Record<string, string>?]) {
  const counts = [0, 0, 0];
  for (let n = 0; n < count; n++) {
    const { lab, response } = await ask(...make(n));
    expect(response.status).toBe(200);
    counts[lab] = counts[lab]! + 1;
  }
  return counts;
}

test.each(["turns", "least", "field", "cookie"])("%s: requests that nothing binds take turns", async (name) => {
  expect(await spread(12, () => [`/${name}/lab/echo`])).toEqual([4, 4, 4]);
});

test("ip-hash: the client that a trusted proxy names stays where it is, and clients spread", async () => {
  const from = (n: number) => ["/ip/lab/echo", { "X-Forwarded-For": `198.51.100.${n}` }] as const;
  for (const client of [1, 2, 3]) {
    const counts = await spread(5, () => from(client));
    expect(counts.filter((count) => count > 0)).toEqual([5]);
  }
  const counts = await spread(60, from);
  expect(Math.min(...counts)).toBeGreaterThan(0);
});

test("hash: the same URI, or the same value of a field, goes to the same endpoint", async () => {
  const forms: ((n: number) => [string, Record<string, string>?])[] = [
    (n: number) => [`/uri/lab/echo?item=${n}`],
    (n: number) => ["/field/lab/echo", { "X-Tenant": `tenant-${n}` }],
  ];
  for (const form of forms) {
    const first: number[] = [];
    for (let n = 0; n < 40; n++) first.push((await ask(...form(n))).lab);
    for (let n = 0; n < 40; n++) expect((await ask(...form(n))).lab).toBe(first[n]);
    expect(new Set(first)).toEqual(new Set([0, 1, 2]));
  }
});

test("hash: while an endpoint fails, its keys go elsewhere, the others stay, and it gets them back", async () => {
  const path = (n: number): string => `/uri/lab/echo?key=${n}`;
  const first: number[] = [];
  for (let n = 0; n < 40; n++) first.push((await ask(path(n))).lab);
  expect(first).toContain(0);
  labs[0]!.setFault("reset-before-head");
  const from = serial;
  for (let n = 0; n < 40; n++) expect((await ask(path(n))).response.status).toBe(200);
  await gateway.entryOf(`balance-${from + 39}`);
  for (const entry of gateway.log()) {
    const n = Number(entry.requestId.slice("balance-".length)) - from;
    if (!(n >= 0)) continue;
    // Who answered is in the log: the lab that resets has a delivery, too.
    const home = labs[first[n]!]!;
    if (home === labs[0]) expect(entry["endpoint"]).not.toBe(home.address);
    else expect(entry["endpoint"]).toBe(home.address);
  }
  labs[0]!.setFault(null);
  for (let n = 0; n < 40; n++) expect((await ask(path(n))).lab).toBe(first[n]);
});

const cookieOf = (response: RawResponse): string => response.fields.get("set-cookie") ?? "";

test("cookie: the first answer names its endpoint, later requests go there and are told no more", async () => {
  const seen = new Map<number, string>();
  for (let client = 0; client < 3; client++) {
    const { lab, response } = await ask("/cookie/lab/echo");
    const set = cookieOf(response);
    expect(set).toMatch(/^at=[\w-]{12}; Path=\/; HttpOnly; SameSite=Lax$/);
    for (const { address, port } of labs) expect(set).not.toMatch(new RegExp(`${address}|${port}`));
    const pair = set.slice(0, set.indexOf(";"));
    seen.set(lab, pair);
    for (let n = 0; n < 4; n++) {
      const again = await ask("/cookie/lab/echo", { Cookie: `theme=dark; ${pair}; lang=en` });
      expect(again.lab).toBe(lab);
      expect(cookieOf(again.response)).toBe("");
    }
  }
  expect(new Set(seen.values()).size).toBe(3);
});

test("cookie: a name that nobody knows is replaced; an endpoint that fails hands its client on", async () => {
  expect(cookieOf((await ask("/cookie/lab/echo", { Cookie: "at=stale" })).response)).toMatch(/^at=/);
  const { lab, response } = await ask("/cookie/lab/echo");
  const pair = cookieOf(response).slice(0, "at=".length + 12);
  labs[lab]!.setFault("reset-before-head");
  const moved = await ask("/cookie/lab/echo", { Cookie: pair });
  expect(moved.response.status).toBe(200);
  expect(cookieOf(moved.response)).toMatch(/^at=/);
  expect(cookieOf(moved.response).startsWith(pair)).toBe(false);
  labs[lab]!.setFault(null);
  const next = cookieOf(moved.response).slice(0, pair.length);
  expect((await ask("/cookie/lab/echo", { Cookie: next })).lab).not.toBe(lab);
});

test("cookie: where the endpoint of the turn refuses, the cookie names the one that answered", async () => {
  for (let n = 0; n < 3; n++) {
    const { lab, response } = await ask("/moved/lab/echo");
    expect(response.status).toBe(200);
    const pair = cookieOf(response).slice(0, "at=".length + 12);
    for (let again = 0; again < 3; again++) expect((await ask("/moved/lab/echo", { Cookie: pair })).lab).toBe(lab);
  }
});

test("cookie: Secure on a TLS listener", async () => {
  const set = await new Promise<string[] | undefined>((resolve, reject) => {
    const request = httpsRequest(
      { port: secure.port, host: "127.0.0.1", path: "/lab/echo", rejectUnauthorized: false, agent: false },
      (response) => {
        response.resume();
        resolve(response.headers["set-cookie"]);
      },
    );
    request.on("error", reject).end();
  });
  expect(set).toEqual([expect.stringMatching(/^at=[\w-]{12}; Path=\/; HttpOnly; SameSite=Lax; Secure$/)]);
});

test.each(["two", "least"])("%s: an endpoint that holds requests gets no more of them", async (name) => {
  labs[0]!.setFault("stall-head");
  const clients = Array.from({ length: 60 }, () => new RawClient(gateway.port));
  try {
    for (const client of clients) client.send(`GET /${name}/lab/echo HTTP/1.1\r\nHost: shop.test\r\n\r\n`);
    const answered = (): number => clients.filter(({ text }) => text.startsWith("HTTP/1.1 200")).length;
    await until(
      () => answered() + labs[0]!.deliveries.length === clients.length,
      8_000,
      () => `${answered()} answered, ${labs[0]!.deliveries.length} held`,
    );
    expect(labs[0]!.deliveries.length).toBeGreaterThan(0);
    const counts = await spread(15, () => [`/${name}/lab/echo`]);
    expect(counts[0]).toBe(0);
    expect(Math.min(counts[1]!, counts[2]!)).toBeGreaterThan(0);
  } finally {
    for (const client of clients) client.close();
  }
});

test("peak-ewma: once an endpoint was slow it is left alone, with nothing in flight anywhere", async () => {
  labs[1]!.setFault("slow-head", { ms: 300 });
  // One after the other: how many are in flight tells nothing, only how long each took.
  const counts = await spread(40, () => ["/ewma/lab/echo"]);
  expect(counts[1]).toBeLessThanOrEqual(2);
  expect(counts[0]! + counts[2]!).toBeGreaterThanOrEqual(38);
  expect(Math.min(counts[0]!, counts[2]!)).toBeGreaterThan(0);
});

test("peak-ewma: an endpoint that fails at once does not look like the fastest", async () => {
  labs[2]!.setFault("reset-before-head");
  const before = labs[2]!.deliveries.length;
  for (let n = 0; n < 40; n++) expect((await ask("/ewma/lab/echo")).response.status).toBe(200);
  expect(labs[2]!.deliveries.length - before).toBeLessThanOrEqual(2);
});
