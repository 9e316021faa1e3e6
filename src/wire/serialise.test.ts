import fc from "fast-check";
import { expect, test } from "vitest";
import { FIELD_USER_AGENT, FIELD_VIA, kindBit } from "./fields.ts";
import { CHUNKED, UNTIL_CLOSE } from "./framing.ts";
import { eachField, type Fields, type HeadLimits, isWireError, type RequestHead, type ResponseHead } from "./head.ts";
import { parseRequestHead } from "./request-head.ts";
import { parseResponseHead } from "./response-head.ts";
import { type ForwardRequest, type ForwardResponse, forwardRequestHead, forwardResponseHead } from "./serialise.ts";

const LIMITS: HeadLimits = { lineBytes: 8192, headBytes: 16_384, fields: 100 };

function request(text: string): RequestHead {
  const buf = Buffer.from(text, "latin1");
  const head = parseRequestHead(buf, 0, buf.length, LIMITS);
  if (head === undefined || isWireError(head)) throw new Error(`not accepted: ${JSON.stringify([text, head])}`);
  return head;
}

function response(text: string): ResponseHead {
  const buf = Buffer.from(text, "latin1");
  const head = parseResponseHead(buf, 0, buf.length, LIMITS);
  if (head === undefined || isWireError(head)) throw new Error(`not accepted: ${JSON.stringify([text, head])}`);
  return head;
}

function onward(head: RequestHead, changes: Partial<ForwardRequest> = {}): string {
  const { method, host, bodyLength, upgrade } = head;
  const target = head.path + head.query;
  return forwardRequestHead(head, { method, target, host, added: "", bodyLength, upgrade, drop: null, ...changes });
}

function back(head: ResponseHead, bodyLength: number, changes: Partial<ForwardResponse> = {}): string {
  return forwardResponseHead(head, {
    bodyLength,
    keepAlive: true,
    added: "",
    drop: null,
    upgrade: "",
    http10Client: false,
    ...changes,
  });
}

const lines = (...fields: string[]) => fields.map((field) => `${field}\r\n`).join("");

test("ordinary fields go on as they came, in order and case", () => {
  const fields = lines("aCCept:text/html", "X-Empty:", "X-Odd: \xe9\xff", "Cookie: a=b", "cookie: c=d");
  const head = request(`GET /a?b HTTP/1.1\r\nHOST: a\r\n${fields}\r\n`);
  expect(onward(head, { added: lines("Via: 1.1 g") })).toBe(
    `GET /a?b HTTP/1.1\r\nHost: a\r\n${fields}Via: 1.1 g\r\n\r\n`,
  );
});

test("fields of the connection stay behind, with what they nominate", () => {
  const head = request(
    `GET / HTTP/1.1\r\n${lines("X-A: 1", "Connection: X-Drop, keep-alive, Host, Content-Length, X-Forwarded-For, Cookie", "X-B: 2", "Keep-Alive: 5", "Proxy-Connection: close", "TE: trailers", "x-drop: 3", "Host: a", "Trailer: X", "Cookie: c", "Content-Length: 5", "Upgrade: foo", "X-C: 4")}\r\n`,
  );
  expect(onward(head, { added: lines("X-Forwarded-For: 1.2.3.4") })).toBe(
    `GET / HTTP/1.1\r\nHost: a\r\n${lines("X-A: 1", "X-B: 2", "Content-Length: 5", "X-C: 4", "X-Forwarded-For: 1.2.3.4")}\r\n`,
  );
});

test("received forwarding fields give way to the gateway's own unless told otherwise", () => {
  const head = request(
    `GET / HTTP/1.1\r\nHost: a\r\n${lines("X-Forwarded-For: evil", "x-forwarded-proto: evil", "X-Forwarded-Host: evil", "Forwarded: for=evil", "Via: 1.1 evil", "X-Request-Id: evil", "User-Agent: u")}\r\n`,
  );
  expect(onward(head)).toBe("GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: u\r\n\r\n");
  const kept = onward(head, { replaced: kindBit(FIELD_USER_AGENT) | kindBit(FIELD_VIA) });
  expect(kept).not.toContain("User-Agent");
  expect(kept).toContain("Forwarded: for=evil\r\nX-Request-Id: evil\r\n");
});

test.each([
  ["Content-Length: 5", "Content-Length: 5\r\n"],
  ["content-length:5", "content-length:5\r\n"],
  ["Content-Length: 05", "Content-Length: 5\r\n"],
  ["Content-Length: 5, 5", "Content-Length: 5\r\n"],
  ["Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5\r\n"],
  ["Content-Length: 0", "Content-Length: 0\r\n"],
  ["Content-Length: 00", "Content-Length: 0\r\n"],
  ["Transfer-Encoding: CHUNKED\r\nTrailer: X", "Trailer: X\r\nTransfer-Encoding: chunked\r\n"],
  ["X: y", "X: y\r\n"],
])("the framing %j goes on as %j", (given, sent) => {
  expect(onward(request(`POST / HTTP/1.1\r\nHost: a\r\n${given}\r\n\r\n`))).toBe(
    `POST / HTTP/1.1\r\nHost: a\r\n${sent}\r\n`,
  );
});

test("names are dropped where a route says so, but never the framing", () => {
  const head = request(
    `POST / HTTP/1.1\r\nHost: a\r\n${lines("Cookie: a", "COOKIE: b", "X: y", "Content-Length: 5")}\r\n`,
  );
  expect(onward(head, { drop: new Set(["cookie", "content-length", "host"]) })).toBe(
    "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\nContent-Length: 5\r\n\r\n",
  );
});

test("bare LF goes out as CRLF, Expect of HTTP/1.0 not at all, an upgrade with its Connection", () => {
  expect(onward(request("GET / HTTP/1.1\nHost: a\nX: y \n\n"))).toBe("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");
  expect(onward(request("GET / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"))).toBe(
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  );
  expect(onward(request("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"))).toContain(
    "Expect: 100-continue",
  );
  expect(onward(request("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"))).toBe(
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  expect(onward(request("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), { keepAlive: false })).toContain(
    "\r\nConnection: close\r\n",
  );
});

test.each<[string, number, Partial<ForwardResponse>, string]>([
  [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nKeep-Alive: timeout=5\r\nETag: a\r\n\r\n",
    5,
    {},
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: a\r\n\r\n",
  ],
  ["HTTP/1.0 200 OK\r\nA: b\r\n\r\n", CHUNKED, {}, "HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["HTTP/1.1 200\r\nContent-Length: 5, 5\r\n\r\n", 5, {}, "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\n"],
  [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n",
    CHUNKED,
    {},
    "HTTP/1.1 200 OK\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n",
  ],
  [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n",
    UNTIL_CLOSE,
    { keepAlive: false, http10Client: true },
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
  ],
  [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
    5,
    { http10Client: true },
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n",
  ],
  // HEAD and 304: the length of what is not sent
  [
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 05\r\n\r\n",
    0,
    {},
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
  ],
  ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 0, {}, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"],
  ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, {}, "HTTP/1.1 200 OK\r\n\r\n"],
  [
    "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    0,
    {},
    "HTTP/1.1 204 No Content\r\n\r\n",
  ],
  [
    "HTTP/1.1 101 S\r\nConnection: upgrade, X-A\r\nUpgrade: websocket\r\nX-A: b\r\nX-C: d\r\n\r\n",
    0,
    { upgrade: "websocket", keepAlive: false },
    "HTTP/1.1 101 S\r\nX-C: d\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
  ],
  [
    "HTTP/1.1 426 U\r\nConnection: upgrade\r\nUpgrade: foo/2\r\nContent-Length: 0\r\n\r\n",
    0,
    { keepAlive: false },
    "HTTP/1.1 426 U\r\nContent-Length: 0\r\nConnection: close, upgrade\r\nUpgrade: foo/2\r\n\r\n",
  ],
  [
    "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\n\r\n",
    5,
    { drop: new Set(["server", "content-length"]), added: "A: b\r\n" },
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\n",
  ],
])("%j with body %d goes back %j", (text, bodyLength, changes, sent) => {
  expect(back(response(text), bodyLength, changes)).toBe(sent);
});

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/);
const value = fc.stringMatching(/^[!-~\x80-\xff](?:[\t -~\x80-\xff]{0,20}[!-~\x80-\xff])?$|^$/);
const special = fc.constantFrom(
  "Connection: keep-alive",
  "Connection: x-a",
  "X-A: b",
  "TE: x",
  "Via: 1.0 z",
  "Expect: 100-continue",
  "Upgrade: foo",
);
const ordinary = fc
  .tuple(token, fc.constantFrom(":", ": ", ":\t"), value)
  .map(([name, colon, text]) => `${name}${colon}${text}`);
const fieldLines = fc.array(fc.oneof(ordinary, special), { maxLength: 8 });
const eol = fc.constantFrom("\r\n", "\r\n", "\n");

function list(fields: Fields): string[] {
  const all: string[] = [];
  eachField(fields, (name, text) => all.push(`${name}: ${text}`));
  return all;
}

test("parse after serialise is the identity, for requests", () => {
  const target = fc.stringMatching(/^\/[a-z0-9/._~-]{0,12}(?:\?[!$-~]{0,8})?$/);
  const body = fc.constantFrom("", "Content-Length: 12", "Transfer-Encoding: chunked");
  fc.assert(
    fc.property(token, target, fieldLines, body, eol, (method, path, fields, framing, end) => {
      if (method === "CONNECT") return;
      const head = request(
        [`${method} ${path} HTTP/1.1`, "Host: a:1", ...fields, ...(framing ? [framing] : []), "", ""].join(end),
      );
      const sent = onward(head);
      const again = request(sent);
      const { form, host, query, bodyLength, upgrade } = head;
      expect(again).toMatchObject({
        method,
        form,
        host,
        path: head.path,
        query,
        bodyLength,
        upgrade,
        bareLf: false,
        size: sent.length,
      });
      // A second hop finds nothing more to change.
      expect(list(request(onward(again)))).toEqual(list(again));
      const plain = list(again).filter(
        (line) => !/^(?:host|connection|upgrade|transfer-encoding|content-length):/i.test(line),
      );
      const left = list(head).filter((line) => plain.includes(line));
      expect(left).toEqual(plain);
    }),
    { numRuns: 300 },
  );
});

test("parse after serialise is the identity, for responses", () => {
  const body = fc.constantFrom("", "Content-Length: 12", "Transfer-Encoding: chunked");
  fc.assert(
    fc.property(
      fc.integer({ min: 200, max: 599 }),
      value,
      fieldLines,
      body,
      eol,
      (status, reason, fields, framing, end) => {
        const head = response(
          [`HTTP/1.1 ${status} ${reason}`, ...fields, ...(framing ? [framing] : []), "", ""].join(end),
        );
        const sent = back(head, head.chunked ? CHUNKED : head.contentLength < 0 ? UNTIL_CLOSE : head.contentLength);
        const again = response(sent);
        const { chunked, contentLength } = head;
        expect(again).toMatchObject({ status, reason, chunked, contentLength, bareLf: false, size: sent.length });
      },
    ),
    { numRuns: 300 },
  );
});
