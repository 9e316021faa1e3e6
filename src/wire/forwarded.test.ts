import fc from "fast-check";
import { expect, test } from "vitest";
import { forwardedElement, parseForwarded, parseForwardedFor } from "./forwarded.ts";
import { isWireError, type RequestHead } from "./head.ts";
import { parseRequestHead } from "./request-head.ts";
import { viaContains, viaValue } from "./via.ts";

function request(...fields: string[]): RequestHead {
  const buf = Buffer.from(["GET / HTTP/1.1", "Host: a", ...fields, "", ""].join("\r\n"));
  const head = parseRequestHead(buf, 0, buf.length, { lineBytes: 1024, headBytes: 4096, fields: 20 });
  if (head === undefined || isWireError(head)) throw new Error("not accepted");
  return head;
}

test.each([
  ["10.0.0.1", "a", "for=10.0.0.1;host=a;proto=http"],
  ["::1", "a:80", 'for="[::1]";host="a:80";proto=http'],
  ["", "", "for=unknown;proto=http"],
])("the element for %j, %j", (address, host, element) => {
  expect(forwardedElement(address, host, "http")).toBe(element);
});

test.each([
  ["for=1.2.3.4", [{ for: "1.2.3.4", by: "", host: "", proto: "" }]],
  [
    'For="[2001:db8::1]:47";PROTO=https , for=unknown;by=_x',
    [
      { for: "2001:db8::1", by: "", host: "", proto: "https" },
      { for: "unknown", by: "_x", host: "", proto: "" },
    ],
  ],
  ['for="a\\"b,c;d"', [{ for: 'a"b,c;d', by: "", host: "", proto: "" }]],
  ["", null],
  ["for", null],
  ["for=", null],
  ["for=a;for=b", null],
  ["for=a,", null],
  ["for=a b", null],
  ['for="a', null],
  ["for=[::1]", null],
])("reads Forwarded %j", (value, elements) => {
  expect(parseForwarded(value)).toEqual(elements);
});

test("what is written is read back", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.webAuthority({ withPort: true }), (address, host) => {
      expect(parseForwarded(`for=x, ${forwardedElement(address, host, "https")}`)).toEqual([
        { for: "x", by: "", host: "", proto: "" },
        { for: address, by: "", host, proto: "https" },
      ]);
    }),
    { numRuns: 100 },
  );
});

test.each([
  ["1.2.3.4, ::1 ,[::2]:80,5.6.7.8:90", ["1.2.3.4", "::1", "::2", "5.6.7.8"]],
  ["unknown", ["unknown"]],
  ["", null],
  ["1.2.3.4,,::1", null],
])("reads X-Forwarded-For %j", (value, addresses) => {
  expect(parseForwardedFor(value)).toEqual(addresses);
});

test("Via is appended to, and tells a loop", () => {
  expect(viaValue(request(), "gate")).toBe("1.1 gate");
  const head = request("Via: 1.0 fred, HTTP/1.1 Gate (goodgate)", "via: 1.1 other:80");
  expect(viaValue(head, "x")).toBe("1.0 fred, HTTP/1.1 Gate (goodgate), 1.1 other:80, 1.1 x");
  expect(viaContains(head, "gate")).toBe(true);
  expect(viaContains(head, "other:80")).toBe(true);
  expect(viaContains(head, "goodgate")).toBe(false);
  expect(viaContains(request(), "gate")).toBe(false);
});
