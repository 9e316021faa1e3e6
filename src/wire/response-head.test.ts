import fc from "fast-check";
import { expect, test } from "vitest";
import { CHUNKED, responseBodyLength, UNTIL_CLOSE } from "./framing.ts";
import { type HeadLimits, isWireError, type ResponseHead, type WireError } from "./head.ts";
import { parseResponseHead } from "./response-head.ts";

const LIMITS: HeadLimits = { lineBytes: 1024, headBytes: 4096, fields: 20 };

function parse(text: string): ResponseHead | WireError | undefined {
  const buf = Buffer.from(text, "latin1");
  return parseResponseHead(buf, 0, buf.length, LIMITS);
}

function accepted(text: string): ResponseHead {
  const head = parse(text);
  if (head === undefined || isWireError(head)) throw new Error(`not accepted: ${JSON.stringify(head)}`);
  return head;
}

const withFields = (...lines: string[]) => `HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;

test.each([
  [withFields(), { status: 200, reason: "OK", minor: 1, contentLength: -1, chunked: false, keepAlive: true, size: 19 }],
  ["HTTP/1.1 200\r\n\r\n", { status: 200, reason: "" }],
  ["HTTP/1.1 200 \r\n\r\n", { status: 200, reason: "" }],
  ["HTTP/1.1 404 Not F\xe9und \r\n\r\n", { status: 404, reason: "Not F\xe9und " }],
  ["HTTP/1.0 200 OK\n\n", { minor: 0, keepAlive: false, bareLf: true }],
  ["HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", { keepAlive: true }],
  [withFields("Connection: close"), { keepAlive: false }],
  [
    withFields("Content-Length: 5", "Date: x", "Proxy-Status: a"),
    { contentLength: 5, plainLength: true, hasDate: true, hasProxyStatus: true },
  ],
  [withFields("Content-Length: 5, 5"), { contentLength: 5, plainLength: false }],
  [withFields("Transfer-Encoding: CHUNKED"), { chunked: true }],
  ["HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", { upgrade: "websocket" }],
  [
    "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
    { chunked: false, contentLength: -1 },
  ],
])("accepts %j", (text, wanted) => {
  expect(accepted(text)).toMatchObject(wanted);
});

test.each([
  ["<html>", "not-http"],
  ["\r\nHTTP/1.1 200 OK\r\n", "not-http"],
  ["http/1.1 200 OK\r\n", "bad-start-line"],
  ["ICY 200 OK\r\n", "not-http"],
  ["HTTP/2 200\r\n", "bad-version"],
  ["HTTP/x", "bad-start-line"],
  ["HTTP/1.1  200 OK\r\n", "bad-start-line"],
  ["HTTP/1.1 20 OK\r\n", "bad-start-line"],
  ["HTTP/1.1 2000 OK\r\n", "bad-start-line"],
  ["HTTP/1.1 099 OK\r\n", "bad-start-line"],
  ["HTTP/1.1 600 OK\r\n", "bad-start-line"],
  ["HTTP/1.1 200 O\0K\r\n", "bad-start-line"],
  ["HTTP/1.1 200 OK\rX: y\r\n\r\n", "bare-cr"],
  [withFields("X: a\0b"), "bad-field"],
  [withFields("X: a\rb"), "bare-cr"],
  [withFields("X : a"), "bad-field"],
  [withFields(": a"), "bad-field"],
  [withFields("X: a", " folded"), "bad-field"],
  [withFields(" X: a"), "bad-field"],
  [withFields("Content-Length: 5", "Content-Length: 6"), "bad-length"],
  [withFields("Content-Length: abc"), "bad-length"],
  [withFields("Content-Length:"), "bad-length"],
  [withFields("Content-Length: 5", "Transfer-Encoding: chunked"), "both-framings"],
  [withFields("Transfer-Encoding: gzip, chunked"), "bad-coding"],
  [withFields("Transfer-Encoding: gzip"), "bad-coding"],
  [withFields("Transfer-Encoding: chunked, chunked"), "bad-coding"],
  ["HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "bad-coding"],
])("refuses %j: %s", (text, error) => {
  expect(parse(text)).toMatchObject({ error, status: 0 });
});

test("heads over a limit are refused, whole or not", () => {
  expect(parse(withFields(`X: ${"a".repeat(5000)}`))).toMatchObject({ error: "head-too-large", status: 0 });
  expect(parse(`HTTP/1.1 200 ${"a".repeat(5000)}`)).toMatchObject({ error: "head-too-large", status: 0 });
  const many = withFields(...Array.from({ length: 21 }, () => "X: y"));
  expect(parse(many)).toMatchObject({ error: "too-many-fields", status: 0 });
});

test.each([
  ["", undefined],
  ["HTT", undefined],
  ["HTTP/1.1 200 OK\r\n\r", undefined],
])("waits for more behind %j", (text, wanted) => {
  expect(parse(text)).toBe(wanted);
});

test.each([
  ["HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "GET", 7],
  ["HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "HEAD", 0],
  ["HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", "GET", 0],
  ["HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", "GET", 0],
  ["HTTP/1.1 103 Early Hints\r\n\r\n", "GET", 0],
  ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", CHUNKED],
  ["HTTP/1.1 200 OK\r\n\r\n", "GET", UNTIL_CLOSE],
])("the body of %j to %s has length %d", (text, method, length) => {
  expect(responseBodyLength(accepted(text), method)).toBe(length);
});

const pieces = fc.constantFrom(
  "HTTP/1.1",
  "HTTP/1.0",
  " ",
  "200",
  "204",
  "OK",
  "\r\n",
  "\n",
  "\r",
  "X: y",
  ":",
  "Content-Length: 3",
  "Transfer-Encoding: chunked",
  "\0",
  "\xff",
);
const soup = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(""));
const anyHead = fc.oneof(
  soup,
  soup.map((tail) => `HTTP/1.1 200 OK\r\n${tail}\r\n\r\n`),
);
const GRAMMAR =
  /^HTTP\/1\.[0-9] [1-5][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?\r?\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r?\n)*\r?\n$/;

test("what is accepted is within the grammar, and what is said of a beginning stays true", () => {
  let seen = 0;
  fc.assert(
    fc.property(anyHead, (text) => {
      const buf = Buffer.from(text, "latin1");
      const limits = { lineBytes: 40, headBytes: 60, fields: 3 };
      const whole = parseResponseHead(buf, 0, buf.length, limits);
      if (whole !== undefined && !isWireError(whole)) {
        seen++;
        expect(GRAMMAR.test(whole.text)).toBe(true);
      }
      for (let end = 0; end < buf.length; end++) {
        const part = parseResponseHead(buf, 0, end, limits);
        if (part === undefined) continue;
        expect(part).toEqual(whole);
        return;
      }
    }),
    { numRuns: 300, seed: 9112 },
  );
  expect(seen).toBeGreaterThan(20);
});
