import fc from "fast-check";
import { expect, test } from "vitest";
import { connectFailure, failureOf, wireFailure } from "./classify.ts";
import { appendMember, failureMember, hopAtFault, parseProxyStatus, serialiseMember } from "./proxy-status.ts";

const params = (value: string): Record<string, unknown>[] =>
  parseProxyStatus(value).members.map((member) => ({ name: member.name, ...Object.fromEntries(member.params) }));

test("a member with everything", () => {
  expect(
    serialiseMember({
      name: "edge-1",
      error: "dns_error",
      extra: { rcode: "NXDOMAIN", "Not a key": 1 },
      receivedStatus: 502,
      nextHop: "10.0.0.1:80",
      nextProtocol: "http/1.1",
      details: 'a "b" \\ é\n',
    }),
  ).toBe(
    'edge-1; error=dns_error; rcode="NXDOMAIN"; received-status=502; next-hop="10.0.0.1:80"; next-protocol=http/1.1; details="a \\"b\\" \\\\ ??"',
  );
  expect(serialiseMember({ name: "a name" })).toBe('"a name"');
});

test("extra parameters of the error types", () => {
  const hop = { name: "gw", showDetail: false };
  const nx = connectFailure({ code: "ENOTFOUND", syscall: "queryA" }, "resolve", { address: "app:80" });
  expect(failureMember(nx, hop)).toBe('gw; error=dns_error; rcode="NXDOMAIN"');
  const alert = connectFailure({ code: "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED" }, "tls", {
    address: "10.0.0.1:443",
  });
  expect(failureMember(alert, hop)).toBe(
    'gw; error=tls_alert_received; alert-id=116; alert-message="certificate_required"',
  );
  expect(failureMember(alert, { ...hop, showDetail: true })).toContain('next-hop="10.0.0.1:443"; details="ERR_SSL_');
  expect(failureMember(wireFailure("request", "head-too-large", "d", 431, {}), hop)).toBe(
    'gw; error=http_request_error; status-code=431; status-phrase="Request Header Fields Too Large"',
  );
  expect(
    failureMember(failureOf("upstream-error-passthrough", {}, { status: 500 }), { ...hop, receivedStatus: 500 }),
  ).toBe("gw; received-status=500");
});

test("the examples of RFC 9209 are read", () => {
  expect(params("FooProxy, ExampleCDN; error=destination_unavailable")).toEqual([
    { name: "FooProxy" },
    { name: "ExampleCDN", error: "destination_unavailable" },
  ]);
  expect(
    params('cdn.example.org; next-protocol=h2; next-hop="backend.example.org:8001"; received-status=200; x'),
  ).toEqual([
    {
      name: "cdn.example.org",
      "next-protocol": "h2",
      "next-hop": "backend.example.org:8001",
      "received-status": 200,
      x: true,
    },
  ]);
  expect(params('a;d=-1.5;t=@1659578233;s=%"f%c3%bc";b=:aGk=:;f=?0')).toEqual([
    { name: "a", d: -1.5, t: 1659578233, s: "fü", b: Buffer.from("hi"), f: false },
  ]);
  expect(parseProxyStatus("")).toEqual({ members: [], valid: true });
});

test.each([
  "a,",
  ",a",
  "a b",
  "a; Error=x",
  'a; e="x',
  'a; e="\\x"',
  "a;=1",
  "1",
  "?1",
  "(a b)",
  "a; e=1234567890123456",
  "a; e=é",
  'a; s=%"%ff"',
  "a; e=",
  "x".repeat(9000),
  Array(33).fill("a").join(", "),
])("malformed or too much is no member at all: %s", (value) => {
  expect(parseProxyStatus(value)).toEqual({ members: [], valid: false });
});

test("members that can be read are kept before ours, others are not", () => {
  expect(appendMember(["origin; error=dns_error", "mid"], "gw")).toBe("origin; error=dns_error, mid, gw");
  expect(appendMember(["a; ???"], "gw; error=x")).toBe("gw; error=x");
  expect(appendMember([], "gw")).toBe("gw");
});

test("the hop at fault is the first that reported an error", () => {
  const { members } = parseProxyStatus("cache, inner; error=connection_refused, edge; error=http_protocol_error");
  expect(hopAtFault(members)?.name).toBe("inner");
  expect(hopAtFault([])).toBeNull();
});

test("any bytes are read without throwing; what is written is read back", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), (text) => {
      expect(parseProxyStatus(text).members.length).toBeLessThanOrEqual(32);
    }),
    { numRuns: 300 },
  );
  const printable = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) });
  fc.assert(
    fc.property(printable, printable, fc.integer({ min: 100, max: 599 }), (name, details, receivedStatus) => {
      const value = appendMember(["origin"], serialiseMember({ name, error: "dns_error", details, receivedStatus }));
      const [, read] = params(value);
      const expected = { name, error: "dns_error", "received-status": receivedStatus };
      expect(read).toEqual(details === "" ? expected : { ...expected, details: details.slice(0, 200) });
    }),
    { numRuns: 300 },
  );
});
