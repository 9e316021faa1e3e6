// Names: what the system says beside what DNS servers say.
import dgram from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import { expect, test } from "vitest";
import { a, aaaa, answerTo, cname } from "../../wire/dns-message.fixture.ts";
import { afterwards, dnsServer, listening, probing, response, serving } from "./probe.fixture.ts";

const unknown = () => Promise.reject(Object.assign(new Error("unknown"), { code: "ENOTFOUND" }));
const DOCUMENTED = [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1];

/** A target by name, whose connections go nowhere: only the name is of interest. */
async function named(
  names: { lookup?: () => Promise<{ address: string }[]>; servers?: string[] },
  resolver: string | null,
) {
  const server = await serving((socket) => socket.write(response("200 OK", "hello")));
  const port = server.address.split(":")[1];
  return probing(`app.test:${port}`, {
    limits: { requestsMax: 1, resolver, idleMs: 0 },
    context: { names: { lookup: unknown, servers: [], ...names } },
  });
}

test("addresses, aliases, TTLs and times of the system's and the given server", async () => {
  const own = await dnsServer(({ type }) => ({
    records: type === 1 ? [cname("edge.cdn.test", 300), a("127.0.0.1", 20)] : [cname("edge.cdn.test", 300)],
  }));
  const given = await dnsServer(({ type }) => ({ records: type === 1 ? [a("127.0.0.1", 5)] : [] }));
  const lookup = () => Promise.resolve([{ address: "127.0.0.1" }]);
  const { dns, http } = await named({ servers: [own.address], lookup }, given.address);
  expect(dns).toMatchObject({
    name: "app.test",
    system: { addresses: ["127.0.0.1"], failure: null },
    servers: [
      {
        server: own.address,
        given: false,
        answers: [
          { type: "A", rcode: "NOERROR", records: [{ value: "127.0.0.1", ttlSeconds: 20 }], failure: null },
          { type: "AAAA", rcode: "NOERROR", records: [], failure: null },
          { type: "CNAME", records: [{ value: "edge.cdn.test", ttlSeconds: 300 }] },
        ],
      },
      { server: given.address, given: true, answers: [{ type: "A" }, { type: "AAAA", records: [] }] },
    ],
  });
  expect(http[0]).toMatchObject({ what: "baseline", status: 200 });
});

test.each([
  [3, "NXDOMAIN", "dns-not-resolved"],
  [2, "SERVFAIL", "dns-timeout"],
  [5, "REFUSED", "dns-timeout"],
  [9, "NOTAUTH", "dns-timeout"],
])("rcode %i is %s", async (code, rcode, cause) => {
  const server = await dnsServer(() => ({ code }));
  const { dns, tcp, http, requests } = await named({ servers: [server.address] }, null);
  expect(dns?.system).toMatchObject({ addresses: [], failure: { cause: "dns-not-resolved", phase: "dns" } });
  for (const answer of dns?.servers[0]?.answers ?? []) {
    expect(answer).toMatchObject({
      rcode,
      records: [],
      failure: { cause, evidence: { rcode, address: server.address } },
    });
  }
  expect([tcp, http, requests]).toEqual([[], [], 0]);
});

test("a server that is silent, and one that is not there", async () => {
  const silent = await dnsServer(() => null);
  const socket = dgram.createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const gone = `127.0.0.1:${socket.address().port}`;
  socket.close();
  const { dns } = await named({ servers: [silent.address, gone] }, null);
  const [first, second] = dns?.servers ?? [];
  expect(first?.answers[0]).toMatchObject({
    rcode: null,
    failure: { cause: "dns-timeout", evidence: { deadline: "resolve" } },
  });
  expect(second?.answers[0]).toMatchObject({
    rcode: null,
    failure: { cause: "dns-timeout", evidence: { errno: "ECONNREFUSED" } },
  });
  expect(silent.asked.filter((asked) => asked === "1 app.test").length).toBeGreaterThan(1);
});

test("an answer that is cut is asked for over TCP", async () => {
  const records = Array.from({ length: 40 }, (_, at) => a(`192.0.2.${at + 1}`));
  let overTcp = 0;
  const tcp = net.createServer((socket) => {
    socket.once("data", (bytes) => {
      overTcp++;
      const answer = answerTo(bytes.subarray(2), bytes.at(-3) === 1 ? records : [aaaa(DOCUMENTED)]);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answer.length);
      socket.write(Buffer.concat([length, answer.subarray(0, 100)]));
      socket.write(answer.subarray(100));
    });
  });
  const address = await listening(tcp);
  const udp = dgram.createSocket("udp4");
  udp.on("message", (question, from) => udp.send(answerTo(question, [], { truncated: true }), from.port, from.address));
  udp.bind(Number(address.split(":")[1]), "127.0.0.1");
  await once(udp, "listening");
  afterwards(() => udp.close());
  const lookup = () => Promise.resolve([{ address: "127.0.0.1" }]);
  const { dns } = await named({ lookup }, address);
  expect(dns?.servers[0]?.answers.map(({ records: { length } }) => length)).toEqual([40, 1]);
  expect(dns?.servers[0]?.answers[1]?.records[0]?.value).toBe("2001:db8::1");
  expect(overTcp).toBe(2);
});

test("what the system does not know but a server does is connected to all the same", async () => {
  const given = await dnsServer(({ type }) => ({ records: type === 1 ? [a("127.0.0.1")] : [] }));
  const { dns, tcp, http } = await named({}, given.address);
  expect(dns?.system.failure?.cause).toBe("dns-not-resolved");
  expect(tcp).toHaveLength(1);
  expect(http[0]?.status).toBe(200);
});

test("names without a dot are the system's own, unless a server is given", async () => {
  const own = await dnsServer(() => ({ code: 3 }));
  const lookup = () => Promise.resolve([{ address: "127.0.0.1" }]);
  const context = { names: { lookup, servers: [own.address] } };
  const { dns } = await probing("localhost:1", { context });
  expect([dns?.servers, own.asked]).toEqual([[], []]);
  const { dns: asked } = await probing("backend:1", { context, limits: { resolver: own.address } });
  expect(asked?.servers.map(({ given }) => given)).toEqual([true]);
});

test("an IP address needs no name, and a resolver that is none is said", async () => {
  expect((await probing("127.0.0.1:1")).dns).toBeNull();
  const { notTested } = await named({}, "resolver.example");
  expect(notTested).toContainEqual(expect.objectContaining({ check: "DNS server resolver.example" }));
});

test("a lookup that never ends ends with the time", async () => {
  const never = () => new Promise<never>(() => {});
  const evidence = await probing("app.test:1", {
    limits: { totalMs: 300 },
    context: { names: { lookup: never, servers: [] } },
  });
  expect(evidence.dns?.system.failure).toMatchObject({ cause: "dns-timeout", evidence: { deadline: "resolve" } });
});
