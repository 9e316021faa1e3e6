import dgram from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { dnsTtlQuery, type Resolved, Resolver, type ResolverOptions } from "./resolve.ts";

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
  vi.useRealTimers();
});

/** DNS as a test says it is; counts what it is asked. */
class FakeDns {
  answer: string[] | Error | "silence" = ["10.0.0.1"];
  ttlSeconds: number | null = null;
  lookups = 0;
  #release: (() => void)[] = [];

  lookup = async () => {
    this.lookups++;
    if (this.answer === "silence") await new Promise<void>((resolve) => this.#release.push(resolve));
    if (this.answer === "silence" || this.answer instanceof Error) throw this.answer;
    return this.answer.map((address) => ({ address }));
  };

  ttlQuery = async () => {
    const { answer, ttlSeconds } = this;
    if (ttlSeconds === null || !Array.isArray(answer)) throw dnsError("ENOTFOUND");
    return answer.map((address) => ({ address, ttl: ttlSeconds }));
  };

  /** Lets lookups that hang end with the answer of now. */
  release(): void {
    for (const resolve of this.#release.splice(0)) resolve();
  }
}

function dnsError(code: string): Error {
  return Object.assign(new Error(code), { code, syscall: "getaddrinfo" });
}

function setup(options: Partial<ResolverOptions> = {}) {
  vi.useFakeTimers();
  const fake = new FakeDns();
  const clock = () => Date.now();
  const resolver = new Resolver({
    minMs: 0,
    timeoutMs: 2_000,
    clock,
    lookup: fake.lookup,
    ttlQuery: fake.ttlQuery,
    ...options,
  });
  cleanups.push(() => resolver.close());
  return { fake, resolver };
}

const addressesOf = (resolved: Resolved | null) => (resolved?.ok ? resolved.addresses : resolved);

test("IP literals are answered at once and ask nobody", () => {
  const { fake, resolver } = setup();
  expect(resolver.known("127.0.0.1")).toMatchObject({ ok: true, addresses: ["127.0.0.1"], stale: false });
  expect(resolver.known("::1")).toMatchObject({ ok: true, addresses: ["::1"] });
  expect(fake.lookups).toBe(0);
});

test("one lookup serves all who ask, and what is found is known from then on", async () => {
  const { fake, resolver } = setup();
  fake.answer = ["10.0.0.1", "fd00::1", "10.0.0.1"];
  const all = await Promise.all([resolver.resolve("app"), resolver.resolve("app"), resolver.resolve("app")]);
  for (const one of all) expect(addressesOf(one)).toEqual(["10.0.0.1", "fd00::1"]);
  expect(addressesOf(resolver.known("app"))).toEqual(["10.0.0.1", "fd00::1"]);
  expect(fake.lookups).toBe(1);
});

test("a name in use follows a change within its TTL without anybody waiting", async () => {
  const { fake, resolver } = setup();
  fake.ttlSeconds = 3;
  await resolver.resolve("app");
  fake.answer = ["10.0.0.2"];
  await vi.advanceTimersByTimeAsync(2_900);
  expect(addressesOf(resolver.known("app"))).toEqual(["10.0.0.1"]);
  await vi.advanceTimersByTimeAsync(200);
  expect(addressesOf(resolver.known("app"))).toEqual(["10.0.0.2"]);
  expect(fake.lookups).toBe(2);
});

test("a name that nobody uses is not asked for; its next use waits for the new answer", async () => {
  const { fake, resolver } = setup();
  fake.ttlSeconds = 3;
  await resolver.resolve("app");
  fake.answer = ["10.0.0.2"];
  await vi.advanceTimersByTimeAsync(60_000);
  expect(fake.lookups).toBe(1);
  expect(resolver.known("app")).toBeNull();
  expect(addressesOf(await resolver.resolve("app"))).toEqual(["10.0.0.2"]);
});

test("a TTL below the minimum is raised to it; without a TTL ten seconds hold", async () => {
  const { fake, resolver } = setup({ minMs: 5_000 });
  fake.ttlSeconds = 0;
  await resolver.resolve("app");
  await vi.advanceTimersByTimeAsync(4_900);
  resolver.known("app");
  await vi.advanceTimersByTimeAsync(50);
  expect(fake.lookups).toBe(1);
  await vi.advanceTimersByTimeAsync(100);
  expect(fake.lookups).toBe(2);

  fake.ttlSeconds = null;
  await resolver.resolve("other");
  resolver.known("other");
  await vi.advanceTimersByTimeAsync(9_900);
  expect(fake.lookups).toBe(3);
  await vi.advanceTimersByTimeAsync(200);
  expect(fake.lookups).toBe(4);
});

test("when DNS fails the last good answer is kept, marked stale, and DNS asked again with backoff", async () => {
  const { fake, resolver } = setup();
  fake.ttlSeconds = 1;
  await resolver.resolve("app");
  fake.answer = dnsError("EAI_AGAIN");
  for (let second = 0; second < 60; second++) {
    expect(addressesOf(resolver.known("app"))).toEqual(["10.0.0.1"]);
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(resolver.known("app")).toMatchObject({ ok: true, stale: true });
  expect(fake.lookups).toBeGreaterThan(4);
  expect(fake.lookups).toBeLessThan(9);
  fake.answer = ["10.0.0.9"];
  for (let second = 0; second < 35; second++) {
    resolver.known("app");
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(resolver.known("app")).toMatchObject({ ok: true, stale: false, addresses: ["10.0.0.9"] });
});

test("while DNS hangs the last good answer is given, after a short wait once", async () => {
  const { fake, resolver } = setup();
  fake.ttlSeconds = 1;
  await resolver.resolve("app");
  fake.answer = "silence";
  await vi.advanceTimersByTimeAsync(30_000);
  const first = resolver.resolve("app");
  await vi.advanceTimersByTimeAsync(600);
  expect(await first).toMatchObject({ ok: true, addresses: ["10.0.0.1"], stale: true });
  expect(addressesOf(resolver.known("app"))).toEqual(["10.0.0.1"]);
});

test("a name that does not exist is a failure, remembered for a second", async () => {
  const { fake, resolver } = setup();
  fake.answer = dnsError("ENOTFOUND");
  expect(await resolver.resolve("nope.invalid")).toMatchObject({
    ok: false,
    failure: {
      cause: "dns-not-resolved",
      evidence: { errno: "ENOTFOUND", rcode: "NXDOMAIN", address: "nope.invalid" },
    },
  });
  expect(resolver.known("nope.invalid")).toMatchObject({ ok: false });
  expect(fake.lookups).toBe(1);
  await vi.advanceTimersByTimeAsync(1_100);
  fake.answer = ["10.0.0.1"];
  expect(await resolver.resolve("nope.invalid")).toMatchObject({ ok: true });
});

test("a DNS server that fails is a timeout of DNS, not a name that is missing", async () => {
  const { fake, resolver } = setup();
  fake.answer = dnsError("EAI_AGAIN");
  expect(await resolver.resolve("app")).toMatchObject({
    ok: false,
    failure: { cause: "dns-timeout", evidence: { errno: "EAI_AGAIN" } },
  });
});

test("the deadline ends the wait, not the lookup: its late answer is used", async () => {
  const { fake, resolver } = setup();
  fake.answer = "silence";
  const first = resolver.resolve("app", 700);
  await vi.advanceTimersByTimeAsync(800);
  expect(await first).toMatchObject({
    ok: false,
    failure: { cause: "dns-timeout", evidence: { deadline: "resolve", deadlineMs: 700, waitedMs: 700 } },
  });
  fake.answer = ["10.0.0.1"];
  fake.release();
  await vi.advanceTimersByTimeAsync(0);
  expect(addressesOf(resolver.known("app"))).toEqual(["10.0.0.1"]);
  expect(fake.lookups).toBe(1);
});

test("the system resolves localhost, and says what does not exist", async () => {
  const resolver = new Resolver({ minMs: 1_000, timeoutMs: 5_000, ttlQuery: async () => [] });
  cleanups.push(() => resolver.close());
  const local = await resolver.resolve("localhost");
  expect(local.ok && local.addresses.some((address) => address === "127.0.0.1" || address === "::1")).toBe(true);
});

/** Answers A queries with 10.0.0.1 and a TTL, AAAA with nothing, and other names with NXDOMAIN. */
async function dnsServer(known: string, ttlSeconds: number): Promise<string> {
  const socket = dgram.createSocket("udp4");
  socket.on("message", (query, peer) => {
    const nameEnd = query.indexOf(0, 12);
    const labels: string[] = [];
    for (let at = 12; at < nameEnd; at += 1 + query[at]!)
      labels.push(query.toString("latin1", at + 1, at + 1 + query[at]!));
    const exists = labels.join(".") === known;
    const isA = query.readUInt16BE(nameEnd + 1) === 1;
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(exists ? 0x8180 : 0x8183, 2);
    header.writeUInt16BE(exists && isA ? 1 : 0, 6);
    header.writeUInt32BE(0, 8);
    const record = Buffer.from("c00c0001000100000000" + "0004" + "0a000001", "hex");
    record.writeUInt32BE(ttlSeconds, 6);
    const question = query.subarray(12, nameEnd + 5);
    socket.send(Buffer.concat([header, question, ...(exists && isA ? [record] : [])]), peer.port, peer.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  cleanups.push(() => socket.close());
  return `127.0.0.1:${(socket.address() as AddressInfo).port}`;
}

test("the TTL comes from DNS itself", async () => {
  const query = dnsTtlQuery([await dnsServer("app.test", 7)]);
  expect(await query("app.test")).toEqual([{ address: "10.0.0.1", ttl: 7 }]);
  await expect(query("nope.test")).rejects.toMatchObject({ code: "ENOTFOUND" });
});

test("a TTL of other addresses than those found does not count: the hosts file overrides DNS", async () => {
  const { fake, resolver } = setup({ ttlQuery: async () => [{ address: "192.0.2.7", ttl: 1 }] });
  await resolver.resolve("app");
  resolver.known("app");
  await vi.advanceTimersByTimeAsync(9_000);
  expect(fake.lookups).toBe(1);
});
