import fc from "fast-check";
import { expect, test } from "vitest";
import { a, aaaa, answerTo, askedFor, cname, nameBytes, srv, type TestRecord } from "./dns-message.fixture.ts";
import { type DnsType, dnsQuestion, readDnsResponse } from "./dns-message.ts";

const question = (name: string, type: DnsType = "A"): Buffer => dnsQuestion(0x1234, name, type)!;
const read = (records: readonly TestRecord[], type: DnsType = "A", options = {}) =>
  readDnsResponse(answerTo(question("app.test", type), records, options));

test("a question names what is asked for", () => {
  const bytes = question("app.example.test", "AAAA");
  expect(bytes.readUInt16BE(0)).toBe(0x1234);
  expect(askedFor(bytes)).toEqual({ name: "app.example.test", type: 28 });
});

test.each(["", "a..b", ".a", `${"x".repeat(64)}.test`])("%j is no name", (name) => {
  expect(dnsQuestion(1, name, "A")).toBeNull();
});

test("addresses come in their order; the shortest TTL holds for all", () => {
  expect(read([a("192.0.2.1", 30), a("192.0.2.2", 7)])).toMatchObject({
    id: 0x1234,
    code: 0,
    name: "app.test",
    type: "A",
    addresses: ["192.0.2.1", "192.0.2.2"],
    alias: null,
    ttl: 7,
  });
});

test.each([
  [[0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], "2001:db8::1"],
  [[0, 0, 0, 0, 0, 0, 0, 0], "::"],
  [[0, 0, 0, 0, 0, 0, 0, 1], "::1"],
  [[1, 0, 0, 2, 0, 0, 0, 3], "1:0:0:2::3"],
  [[1, 0, 2, 3, 4, 5, 6, 7], "1:0:2:3:4:5:6:7"],
])("%j is written %s", (groups, written) => {
  expect(read([aaaa(groups)], "AAAA")).toMatchObject({ addresses: [written] });
});

test("an alias is told beside its addresses; records of other types say nothing", () => {
  const other: TestRecord = { type: 16, data: Buffer.from([1, 65]) };
  expect(read([cname("Real.Test"), other, a("192.0.2.1")])).toMatchObject({
    alias: "real.test",
    addresses: ["192.0.2.1"],
    records: 3,
  });
});

test("a service has priority, weight, port and name", () => {
  const { services } = read([srv(1, 5, 8080, "a.test")], "SRV") as { services: unknown };
  expect(services).toEqual([{ priority: 1, weight: 5, port: 8080, name: "a.test" }]);
});

test("codes of the name and truncation are told", () => {
  expect(read([], "A", { code: 3 })).toMatchObject({ code: 3, addresses: [] });
  expect(read([], "A", { truncated: true })).toMatchObject({ truncated: true });
});

test.each<[string, Buffer]>([
  ["a question", question("app.test")],
  ["FORMERR", answerTo(question("app.test"), [], { code: 1 })],
  ["an address of another length", answerTo(question("app.test"), [{ type: 1, data: Buffer.from([127, 0, 1]) }])],
  ["an address of the other family", answerTo(question("app.test"), [aaaa([1, 2, 3, 4, 5, 6, 7, 8])])],
  ["a record without its data", answerTo(question("app.test"), [a("192.0.2.1")]).subarray(0, -3)],
  [
    "an owner that points to itself",
    answerTo(question("a.b"), [{ ...a("192.0.2.1"), owner: Buffer.from([0xc0, 21]) }]),
  ],
])("%s is no answer", (_what, bytes) => {
  expect(typeof readDnsResponse(bytes)).toBe("string");
});

test("whatever comes is read or refused", () => {
  const head = answerTo(question("app.test"), [a("192.0.2.1"), cname("x.test")]);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(head.length), (bytes, from) => {
      const message = Buffer.concat([head.subarray(0, from), bytes]);
      const response = readDnsResponse(message);
      if (typeof response !== "string") for (const address of response.addresses) expect(address).toMatch(/[.:]/);
    }),
  );
});

test("the root is a name of no labels", () => {
  expect(nameBytes("")).toEqual(Buffer.from([0]));
  expect(read([cname("")])).toMatchObject({ alias: "" });
});
