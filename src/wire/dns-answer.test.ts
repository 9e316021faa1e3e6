// Responses of DNS servers with all that they say, and bytes that are none.
import { expect, test } from "vitest";
import { readDnsAnswer } from "./dns-answer.ts";
import { a, aaaa, answerTo, cname, nameBytes, srv } from "./dns-message.fixture.ts";
import { dnsQuestion } from "./dns-message.ts";

const question = dnsQuestion(7, "app.test", "A") ?? Buffer.alloc(0);

test("addresses and aliases with owner and TTL, in order; other types are passed over", () => {
  const chain = [
    cname("edge.cdn.test", 300),
    { ...a("192.0.2.1", 20), owner: nameBytes("edge.cdn.test") },
    srv(1, 1, 80, "other.test"),
    aaaa([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 0xffff_ffff),
  ];
  expect(readDnsAnswer(answerTo(question, chain))).toEqual({
    id: 7,
    rcode: "NOERROR",
    truncated: false,
    asked: { name: "app.test", type: 1 },
    records: [
      { owner: "app.test", type: "CNAME", value: "edge.cdn.test", ttlSeconds: 300 },
      { owner: "edge.cdn.test", type: "A", value: "192.0.2.1", ttlSeconds: 20 },
      { owner: "app.test", type: "AAAA", value: "2001:db8::1", ttlSeconds: 0 },
    ],
    broken: false,
  });
});

test.each([
  [1, "FORMERR"],
  [2, "SERVFAIL"],
  [3, "NXDOMAIN"],
  [5, "REFUSED"],
  [10, "NOTZONE"],
  [15, "RCODE15"],
])("code %i is %s, with the aliases that led there", (code, rcode) => {
  const answer = readDnsAnswer(answerTo(question, [cname("gone.test")], { code }));
  expect([answer?.rcode, answer?.records.map(({ value }) => value)]).toEqual([rcode, ["gone.test"]]);
});

test("an error without the question, and a cut answer", () => {
  const error = Buffer.from(answerTo(question, [], { code: 1 }).subarray(0, 12));
  error.writeUInt16BE(0, 4);
  expect(readDnsAnswer(error)).toMatchObject({ rcode: "FORMERR", asked: null });
  expect(readDnsAnswer(answerTo(question, [], { truncated: true }))?.truncated).toBe(true);
});

test("a question, a beginning, and any cut of an answer are no whole answer, and nothing throws", () => {
  expect(readDnsAnswer(question)).toBeNull();
  const whole = answerTo(question, [cname("edge.test"), a("192.0.2.1")]);
  for (let length = 0; length < whole.length; length++) {
    const answer = readDnsAnswer(whole.subarray(0, length));
    expect(answer === null || answer.broken).toBe(true);
  }
});
