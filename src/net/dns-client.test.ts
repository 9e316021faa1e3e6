// The client against DNS servers on loopback that say what a test wants.
import dgram from "node:dgram";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import net from "node:net";
import { afterEach, expect, test } from "vitest";
import { beginEvent } from "../std/clock.ts";
import { a, aaaa, answerTo, askedFor, cname, srv } from "../wire/dns-message.fixture.ts";
import { DnsClient, type DnsResult, type DnsSettings } from "./dns-client.ts";

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

type Reply = (question: Buffer, asked: { readonly name: string; readonly type: number }) => readonly Buffer[];

/** A server; `asked` is what came, "A app.test". */
async function dnsServer(reply: Reply): Promise<{ address: string; port: number; asked: string[] }> {
  const socket = dgram.createSocket("udp4");
  const asked: string[] = [];
  socket.on("message", (question, from) => {
    const what = askedFor(question);
    asked.push(`${what.type === 1 ? "A" : what.type === 28 ? "AAAA" : "SRV"} ${what.name}`);
    for (const answer of reply(question, what)) socket.send(answer, from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  cleanups.push(() => socket.close());
  const { port } = socket.address();
  return { address: `127.0.0.1:${port}`, port, asked };
}

function clientOf(servers: readonly string[], settings: Partial<DnsSettings> = {}): DnsClient {
  return new DnsClient({ servers, validMs: 0, ipv4: true, ipv6: true, ...settings });
}

const WAIT_MS = 10_000;

function lookUp(client: DnsClient, name: string, timeoutMs = WAIT_MS): Promise<DnsResult> {
  beginEvent();
  return new Promise((resolve) => client.lookUp(name, timeoutMs, resolve));
}

const both: Reply = (question, { type }) => [
  answerTo(question, type === 1 ? [a("192.0.2.1")] : [aaaa([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])]),
];
const onlyA =
  (...records: ReturnType<typeof a>[]): Reply =>
  (question, { type }) => [answerTo(question, type === 1 ? records : [])];

test("both families are asked for at once, and their addresses are one answer, IPv4 first", async () => {
  const server = await dnsServer(both);
  expect(await lookUp(clientOf([server.address]), "App.Test.")).toMatchObject({
    ok: true,
    addresses: ["192.0.2.1", "2001:db8::1"],
  });
  expect(server.asked.toSorted()).toEqual(["A app.test", "AAAA app.test"]);
});

test("of a family that is not wanted nothing is asked", async () => {
  const server = await dnsServer(both);
  await lookUp(clientOf([server.address], { ipv6: false }), "app.test");
  expect(server.asked).toEqual(["A app.test"]);
});

test("an answer is kept, and those who wait for the same name share one question", async () => {
  const server = await dnsServer(onlyA(a("192.0.2.1")));
  const client = clientOf([server.address]);
  const results = await Promise.all([lookUp(client, "app.test"), lookUp(client, "app.test")]);
  expect(results.map(({ ok }) => ok)).toEqual([true, true]);
  expect(await lookUp(client, "APP.test")).toMatchObject({ ok: true });
  expect(server.asked).toHaveLength(2);
});

test("an error of one family is an error, and is not kept", async () => {
  let fails = true;
  const server = await dnsServer((question, { type }) => [
    answerTo(question, type === 1 ? [a("192.0.2.1")] : [], { code: fails && type === 28 ? 2 : 0 }),
  ]);
  const client = clientOf([server.address]);
  expect(await lookUp(client, "app.test")).toEqual({ ok: false, code: "ESERVFAIL" });
  fails = false;
  expect(await lookUp(client, "app.test")).toMatchObject({ ok: true });
});

test("no addresses at all is no such name", async () => {
  const server = await dnsServer((question) => [answerTo(question, [])]);
  expect(await lookUp(clientOf([server.address]), "app.test")).toEqual({ ok: false, code: "ENOTFOUND" });
  expect(await lookUp(clientOf([server.address]), "app..test")).toEqual({ ok: false, code: "ENOTFOUND" });
});

test("an alias is followed, in a circle it leads nowhere", async () => {
  const server = await dnsServer((question, { name, type }) => {
    if (name === "real.test") return [answerTo(question, type === 1 ? [a("192.0.2.7")] : [])];
    return [answerTo(question, [cname(name === "www.test" ? "real.test" : "circle.test")])];
  });
  const client = clientOf([server.address]);
  expect(await lookUp(client, "www.test")).toMatchObject({ ok: true, addresses: ["192.0.2.7"] });
  expect(await lookUp(client, "circle.test")).toEqual({ ok: false, code: "ENOTFOUND" });
});

test("what does not answer the question is passed over", async () => {
  const server = await dnsServer((question, { type }) => [
    Buffer.from("rubbish"),
    answerTo(question, [a("192.0.2.66")], { id: question.readUInt16BE(0) ^ 1 }),
    answerTo(question, [], { code: 1 }),
    answerTo(question, type === 1 ? [a("192.0.2.1")] : []),
  ]);
  expect(await lookUp(clientOf([server.address]), "app.test")).toMatchObject({ addresses: ["192.0.2.1"] });
});

test("the servers take turns", async () => {
  const servers = [await dnsServer(onlyA(a("192.0.2.1"))), await dnsServer(onlyA(a("192.0.2.2")))];
  const client = clientOf(servers.map(({ address }) => address));
  const found = [await lookUp(client, "one.test"), await lookUp(client, "two.test")];
  expect(found).toMatchObject([{ addresses: ["192.0.2.1"] }, { addresses: ["192.0.2.2"] }]);
});

const truncating = () => dnsServer((question) => [answerTo(question, [], { truncated: true })]);

test("what does not fit into a datagram comes over TCP", async () => {
  const overTcp = net.createServer((socket) => {
    let read = Buffer.alloc(0);
    socket.on("data", (bytes) => {
      read = Buffer.concat([read, bytes]);
      while (read.length >= 2 && read.length >= 2 + read.readUInt16BE(0)) {
        const question = read.subarray(2, 2 + read.readUInt16BE(0));
        read = read.subarray(2 + question.length);
        const answer = answerTo(question, askedFor(question).type === 1 ? [a("192.0.2.9")] : []);
        const length = Buffer.alloc(2);
        length.writeUInt16BE(answer.length, 0);
        socket.write(Buffer.concat([length, answer]));
      }
    });
    socket.on("error", () => socket.destroy());
  });
  // The port has to be free for both.
  let server = await truncating();
  for (;;) {
    const [event] = await Promise.race([
      once(overTcp.listen(server.port, "127.0.0.1"), "listening").then(() => ["listening"]),
      once(overTcp, "error").then(() => ["error"]),
    ]);
    if (event === "listening") break;
    server = await truncating();
  }
  cleanups.push(() => overTcp.close());
  expect(await lookUp(clientOf([server.address]), "app.test")).toMatchObject({ addresses: ["192.0.2.9"] });
});

test("each wait has its own end; who gives up waits no more", async () => {
  const server = await dnsServer(() => []);
  const client = clientOf([server.address]);
  const given = client.lookUp("app.test", WAIT_MS, () => expect.unreachable());
  expect(await lookUp(client, "app.test", 60)).toEqual({ ok: false, code: "ETIMEOUT" });
  given.cancel();
});

test("services have a TTL, too", async () => {
  const server = await dnsServer((question) => [answerTo(question, [srv(1, 2, 8080, "a.test", 9)])]);
  const client = clientOf([server.address]);
  beginEvent();
  const result = await new Promise<DnsResult>((resolve) =>
    client.lookUpServices("_http._tcp.app.test", WAIT_MS, resolve),
  );
  expect(result).toMatchObject({ ok: true, services: [{ port: 8080, name: "a.test" }] });
  expect(result.ok && result.ttl).toBeGreaterThanOrEqual(8);
  expect(server.asked).toEqual(["SRV _http._tcp.app.test"]);
});

test.runIf(existsSync("/proc/self/fd"))("names that nobody waits for any more hold few sockets", async () => {
  const server = await dnsServer(() => []);
  const client = clientOf([server.address]);
  const before = readdirSync("/proc/self/fd").length;
  const names = Array.from({ length: 300 }, (_, index) => `host-${index}.test`);
  const results = await Promise.all(names.map((name) => lookUp(client, name, 50)));
  expect(results).toEqual(names.map(() => ({ ok: false, code: "ETIMEOUT" })));
  // Sockets are closed in a later turn of the loop.
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(readdirSync("/proc/self/fd").length - before).toBeLessThan(100);
});
