import fc from "fast-check";
import { expect, test } from "vitest";
import {
  eachField,
  fieldValue,
  fieldValues,
  type HeadLimits,
  isWireError,
  type RequestHead,
  type WireError,
} from "./head.ts";
import { parseRequestHead } from "./request-head.ts";

const LIMITS: HeadLimits = { lineBytes: 1024, headBytes: 4096, fields: 20 };

function parse(text: string, limits = LIMITS): RequestHead | WireError | undefined {
  const buf = Buffer.from(text, "latin1");
  return parseRequestHead(buf, 0, buf.length, limits);
}

function accepted(text: string): RequestHead {
  const head = parse(text);
  if (head === undefined || isWireError(head)) throw new Error(`not accepted: ${JSON.stringify(head)}`);
  return head;
}

function refused(text: string): string {
  const result = parse(text);
  return isWireError(result) ? `${result.error} ${result.status}` : result === undefined ? "incomplete" : "accepted";
}

/** A head with these lines besides Host. */
function withFields(...lines: string[]): string {
  return `POST / HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
}

test("reads a plain request", () => {
  const text =
    "GET /a/b?c=d HTTP/1.1\r\nHost: example.com:8080\r\nX-Thing:\t one two \r\nAccept: */*\r\nx-thing: three\r\n\r\n";
  const head = accepted(`${text}body`);
  expect(head).toMatchObject({
    size: text.length,
    text,
    method: "GET",
    target: "/a/b?c=d",
    minor: 1,
    form: "origin",
    host: "example.com:8080",
    path: "/a/b",
    query: "?c=d",
    bodyLength: 0,
    keepAlive: true,
    expectContinue: false,
    upgrade: "",
    nominated: null,
    bareLf: false,
    hasVia: false,
  });
  expect(fieldValue(head, "accept")).toBe("*/*");
  expect(fieldValue(head, "x-thing")).toBe("one two");
  expect(fieldValues(head, "x-thing")).toEqual(["one two", "three"]);
  expect(fieldValue(head, "cookie")).toBeUndefined();
  const names: string[] = [];
  eachField(head, (name) => names.push(name));
  expect(names).toEqual(["Host", "X-Thing", "Accept", "x-thing"]);
});

test("reads at an offset and leaves what stands around it", () => {
  const buf = Buffer.from("xxGET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 x\r\n\r\nGET /next");
  const head = parseRequestHead(buf, 2, buf.length, LIMITS) as RequestHead;
  expect(head.size).toBe(buf.length - 2 - "GET /next".length);
  expect(fieldValue(head, "via")).toBe("1.1 x");
  expect(head.hasVia).toBe(true);
});

test.each([
  ["POST / HTTP/1.1\nHost: a\n\n", { bareLf: true, host: "a" }],
  ["\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", { bareLf: false, method: "GET", size: 30 }],
  ["GET / HTTP/1.0\r\n\r\n", { minor: 0, host: "", keepAlive: false }],
  ["GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", { keepAlive: true }],
  ["GET / HTTP/1.7\r\nHost: a\r\n\r\n", { minor: 1 }],
  [withFields("Connection: close"), { keepAlive: false }],
  [
    withFields("Connection: x-a, Close , X-B", "Connection: Host, x-forwarded-for, content-length"),
    { keepAlive: false, nominated: ["x-a", "x-b"] },
  ],
  [withFields("Content-Length: 0"), { bodyLength: 0, plainLength: true }],
  [withFields("Content-Length: 0012"), { bodyLength: 12, plainLength: false }],
  [withFields("Content-Length: 5, 5"), { bodyLength: 5, plainLength: false }],
  [withFields("Content-Length: 5", "Content-Length: 5"), { bodyLength: 5, plainLength: false }],
  [withFields("Content-Length: 9007199254740991"), { bodyLength: Number.MAX_SAFE_INTEGER }],
  [withFields("transfer-encoding: Chunked"), { bodyLength: -1 }],
  [withFields("Expect: 100-Continue"), { expectContinue: true }],
  [withFields("Connection: Upgrade", "Upgrade: websocket"), { upgrade: "websocket", nominated: null }],
  [withFields("Upgrade: websocket"), { upgrade: "" }],
  [
    withFields("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA"),
    { upgrade: "", nominated: ["http2-settings"] },
  ],
  ["GET http://b:80/x?y HTTP/1.1\r\nHost: a\r\n\r\n", { form: "absolute", host: "b:80", path: "/x", query: "?y" }],
  ["GET HTTPS://b?y/z HTTP/1.1\r\nHost: a\r\n\r\n", { form: "absolute", host: "b", path: "/", query: "?y/z" }],
  ["OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", { form: "asterisk", host: "a", path: "/" }],
  ["OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n", { form: "asterisk", host: "b", path: "/" }],
  ["CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n", { form: "authority", host: "b:443", path: "/" }],
  ["GET /a/../b%2f%7e?%zz HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", { path: "/b%2F~", query: "?%zz", host: "[::1]:80" }],
  [withFields("X: \xe9\xff\ttext"), { method: "POST" }],
])("accepts %j", (text, wanted) => {
  expect(accepted(text)).toMatchObject(wanted);
});

test.each([
  // First bytes
  ["\x16\x03\x01\x02\x00\x01", "tls-bytes 400"],
  ["\x16\x04", "not-http 400"],
  ["\x00", "not-http 400"],
  [" GET / HTTP/1.1\r\n", "not-http 400"],
  ["\r\n\r\n\r\n\r\n\r\n", "bad-start-line 400"],
  ["\rGET", "bare-cr 400"],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2-preface 505"],
  // Request line
  ["GET /\r\n", "http-0.9 400"],
  ["GET / HTTP/2.0\r\n", "bad-version 505"],
  ["GET / HTTP/0.9\r\n", "bad-version 505"],
  ["GET / HTTP/1.10\r\n", "bad-start-line 400"],
  ["GET / HTTP/1.1 \r\n", "bad-start-line 400"],
  ["GET / http/1.1\r\n", "bad-start-line 400"],
  ["GET  / HTTP/1.1\r\n", "bad-start-line 400"],
  ["GET /  HTTP/1.1\r\n", "bad-start-line 400"],
  ["GET\t/ HTTP/1.1\r\n", "bad-start-line 400"],
  ["G@T / HTTP/1.1\r\n", "bad-start-line 400"],
  [`${"A".repeat(33)} / HTTP/1.1\r\n`, "bad-start-line 400"],
  ["GET / HTTP/1.1\rHost: a\r\n\r\n", "bare-cr 400"],
  // Targets (nginx CVE-2013-4547: a space, a NUL)
  ["GET /a b HTTP/1.1\r\n", "bad-start-line 400"],
  ["GET /a\0b HTTP/1.1\r\n", "bad-target 400"],
  ["GET /a\x7f HTTP/1.1\r\n", "bad-target 400"],
  ["GET /\xe9 HTTP/1.1\r\n", "bad-target 400"],
  ["GET /a#b HTTP/1.1\r\n", "bad-target 400"],
  ["GET /?a#b HTTP/1.1\r\n", "bad-target 400"],
  ["GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target 400"],
  ["GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target 400"],
  ["GET * HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target 400"],
  ["GET a HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target 400"],
  ["GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target 400"],
  ["GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target 400"],
  ["GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target 400"],
  ["GET http://u@b/x HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target 400"],
  ["CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target 400"],
  // Host
  ["GET / HTTP/1.1\r\n\r\n", "bad-host 400"],
  ["GET http://a/ HTTP/1.1\r\n\r\n", "bad-host 400"],
  ["GET / HTTP/1.1\r\nHost:\r\n\r\n", "bad-host 400"],
  ["GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", "bad-host 400"],
  ["GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", "bad-host 400"],
  ["GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "bad-host 400"],
  ["GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "bad-host 400"],
  ["GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "bad-host 400"],
  ["GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "bad-host 400"],
  ["GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", "bad-host 400"],
  // Field lines (HAProxy CVE-2023-25725: an empty name)
  [withFields(": x"), "bad-field 400"],
  [withFields("X : x"), "bad-field 400"],
  [withFields("X x"), "bad-field 400"],
  [withFields("X"), "bad-field 400"],
  [withFields("X\0: x"), "bad-field 400"],
  [withFields("X: a\0b"), "bad-field 400"],
  [withFields("X: a\x7fb"), "bad-field 400"],
  [withFields("X: a\x0bb"), "bad-field 400"],
  [withFields("X: a\rb"), "bare-cr 400"],
  [withFields("X: a\r", "Y: b"), "bare-cr 400"],
  [withFields("X: a", " b"), "bad-field 400"],
  [withFields("X: a", "\tb: c"), "bad-field 400"],
  ["GET / HTTP/1.1\r\n Host: a\r\n\r\n", "bad-field 400"],
  // Content-Length (HAProxy CVE-2023-40225: an empty one; Node CVE-2022-32215 and others)
  [withFields("Content-Length:"), "bad-length 400"],
  [withFields("Content-Length: +5"), "bad-length 400"],
  [withFields("Content-Length: -5"), "bad-length 400"],
  [withFields("Content-Length: 0x5"), "bad-length 400"],
  [withFields("Content-Length: 5 5"), "bad-length 400"],
  [withFields("Content-Length: 5,"), "bad-length 400"],
  [withFields("Content-Length: 5,6"), "bad-length 400"],
  [withFields("Content-Length: 5", "Content-Length: 6"), "bad-length 400"],
  [withFields("Content-Length: 5", "Content-Length:"), "bad-length 400"],
  [withFields("Content-Length: 5_0"), "bad-length 400"],
  [withFields("Content-Length: 5\xa0"), "bad-length 400"],
  [withFields("Content-Length: 9007199254740992"), "bad-length 400"],
  [withFields("Content-Length: 18446744073709551620"), "bad-length 400"],
  // Node CVE-2024-27982: a space before the name does not hide it
  ["POST / HTTP/1.1\r\nHost: a\r\n Content-Length: 5\r\n\r\n", "bad-field 400"],
  // Transfer-Encoding (Node CVE-2022-32213, -32214, -32215; Pingora CVE-2026-2835)
  [withFields("Transfer-Encoding: chunked", "Content-Length: 5"), "both-framings 400"],
  [withFields("Transfer-Encoding: gzip, chunked"), "bad-coding 501"],
  [withFields("Transfer-Encoding: gzip"), "bad-coding 400"],
  [withFields("Transfer-Encoding: identity"), "bad-coding 400"],
  [withFields("Transfer-Encoding: chunked, identity"), "bad-coding 400"],
  [withFields("Transfer-Encoding: chunked, chunked"), "bad-coding 400"],
  [withFields("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), "bad-coding 400"],
  [withFields("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), "bad-coding 400"],
  [withFields("Transfer-Encoding:"), "bad-coding 400"],
  [withFields("Transfer-Encoding: , chunked"), "bad-coding 400"],
  [withFields("Transfer-Encoding: chunked;q=1"), "bad-coding 400"],
  [withFields("Transfer-Encoding: xchunked"), "bad-coding 400"],
  [withFields('Transfer-Encoding: "chunked"'), "bad-coding 400"],
  [withFields("Transfer-Encoding: chunked\xa0"), "bad-coding 400"],
  [withFields("Transfer-Encoding: chunkedchunked"), "bad-coding 400"],
  [withFields("Transfer-Encoding: chunked\x0b"), "bad-field 400"],
  [withFields("Transfer-Encoding:\x0bchunked"), "bad-field 400"],
  [withFields("Transfer-Encoding : chunked"), "bad-field 400"],
  [withFields("Transfer-Encoding", " : chunked"), "bad-field 400"],
  [withFields("Transfer-Encoding:", " chunked"), "bad-field 400"],
  [withFields("X: y\rTransfer-Encoding: chunked"), "bare-cr 400"],
  ["POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "bad-coding 400"],
  ["POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "both-framings 400"],
  // Nothing wrong so far
  ["", "incomplete"],
  ["\r", "incomplete"],
  ["\x16", "incomplete"],
  ["GET / HTTP/1.1\r\nHost: a\r\n\r", "incomplete"],
  [withFields("X: y").slice(0, -2), "incomplete"],
])("refuses %j: %s", (text, wanted) => {
  expect(refused(text)).toBe(wanted);
});

test("HAProxy CVE-2021-40346: a name of any length stays itself", () => {
  for (const length of [255, 256, 257, 270]) {
    const name = "content-length".padEnd(length, "0");
    const head = accepted(withFields(`${name}: 5`, "Content-Length: 3"));
    expect(head.bodyLength).toBe(3);
    expect(fieldValue(head, name)).toBe("5");
  }
});

test("heads over a limit are refused, whole or not", () => {
  expect(refused(`GET /${"a".repeat(2000)} HTTP/1.1\r\n`)).toBe("line-too-long 414");
  expect(refused(`GET /${"a".repeat(2000)}`)).toBe("line-too-long 414");
  expect(refused(withFields(`X: ${"a".repeat(5000)}`))).toBe("head-too-large 431");
  expect(refused(withFields(`X: ${"a".repeat(5000)}`).trimEnd())).toBe("head-too-large 431");
  expect(refused(withFields(...Array.from({ length: 20 }, () => "X: y")))).toBe("too-many-fields 431");
});

test("limits are exact", () => {
  const line = "GET / HTTP/1.1\r\n";
  const text = `${line}Host: a\r\n\r\n`;
  const limits = (lineBytes: number, headBytes: number, fields = 1) => ({ lineBytes, headBytes, fields });
  expect(parse(text, limits(line.length, text.length))).toMatchObject({ size: text.length });
  expect(parse(text, limits(line.length - 1, text.length))).toMatchObject({ error: "line-too-long", status: 414 });
  expect(parse(text, limits(line.length, text.length - 1))).toMatchObject({ error: "head-too-large", status: 431 });
  expect(parse(text, limits(line.length, text.length, 0))).toMatchObject({ error: "too-many-fields", status: 431 });
});

// RFC 9112 §3 and §5 as an expression, with what is let in besides: bare LF, targets of any visible character but "#".
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const GRAMMAR = new RegExp(
  `^(?:\\r?\\n)*${TOKEN} [!"$-~]+ HTTP/1\\.[0-9]\\r?\\n(?:${TOKEN}:[\\t\\x20-\\x7e\\x80-\\xff]*\\r?\\n)*\\r?\\n`,
);

/** Pieces that make heads and broken heads, put together at random. */
const pieces = fc.constantFrom(
  "GET",
  "POST",
  " ",
  "/",
  "/a?b",
  "*",
  "http://b/",
  "HTTP/1.1",
  "HTTP/1.0",
  "\r\n",
  "\n",
  "\r",
  "Host: a",
  "Host:",
  "X: y",
  ":",
  "Content-Length: 3",
  "Content-Length: 3, 3",
  "Transfer-Encoding: chunked",
  "Connection: close",
  "\t",
  "\0",
  "\x7f",
  "\xff",
  "é",
);
const soup = fc.array(pieces, { maxLength: 14 }).map((parts) => parts.join(""));
const mended = fc
  .tuple(
    fc.constantFrom("GET / HTTP/1.1\r\nHost: a\r\n", "POST /x HTTP/1.0\r\n", "GET http://a HTTP/1.1\nHost: a\n"),
    soup,
  )
  .map(([head, tail]) => `${head}${tail}\r\n\r\n`);
const anyHead = fc.oneof(soup, mended);

test("what is accepted is within the grammar", () => {
  let seen = 0;
  fc.assert(
    fc.property(anyHead, (text) => {
      const head = parse(text);
      if (head === undefined || isWireError(head)) return;
      seen++;
      expect(GRAMMAR.test(head.text)).toBe(true);
      expect(Buffer.byteLength(head.text, "latin1") <= head.size).toBe(true);
    }),
    { numRuns: 300, seed: 9112 },
  );
  expect(seen).toBeGreaterThan(20);
});

test("what is said of a beginning stays true whatever follows", () => {
  fc.assert(
    fc.property(anyHead, fc.boolean(), (text, rawTargets) => {
      const limits: HeadLimits = { lineBytes: 40, headBytes: 60, fields: 3, rawTargets };
      const buf = Buffer.from(text, "latin1");
      const whole = parseRequestHead(buf, 0, buf.length, limits);
      for (let end = 0; end < buf.length; end++) {
        const part = parseRequestHead(buf, 0, end, limits);
        if (part === undefined) continue;
        expect(part).toEqual(whole);
        return;
      }
    }),
    { numRuns: 300 },
  );
});

test("targets with fragments and bytes beyond ASCII: only where they are asked for", () => {
  const raw: HeadLimits = { ...LIMITS, rawTargets: true };
  const ask = (target: string, limits: HeadLimits) => parse(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`, limits);
  for (const target of ["/a#b", "/a?b#c", "/\xe9", "/a?\xff", "/#", "http://a/b#c", "/%41/../c#%zz?d"])
    expect(ask(target, LIMITS)).toMatchObject({ error: "bad-target", status: 400 });
  expect(ask("/a#b", raw)).toMatchObject({ target: "/a#b", path: "/a", query: "" });
  expect(ask("/a?b#c", raw)).toMatchObject({ path: "/a", query: "?b#c" });
  expect(ask("/\xe9/.?\xff", raw)).toMatchObject({ path: "/\xe9/", query: "?\xff" });
  expect(ask("http://b/c#d", raw)).toMatchObject({ host: "b", path: "/c" });
  expect(ask("/%41/../c#%zz?d", raw)).toMatchObject({ path: "/c" });
  for (const target of ["/a\x01", "/a\x7f", "/a b", "/a\tb#", "#", "\xe9"])
    expect(ask(target, raw)).toMatchObject({ error: expect.any(String), status: 400 });
});

test("one transfer coding that is not chunked is one that is not known, where that is asked for", () => {
  const raw: HeadLimits = { ...LIMITS, rawTargets: true };
  const ask = (fields: string, limits: HeadLimits) => parse(`POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`, limits);
  for (const coding of ["identity", "chunked, identity", "chunked, chunked", "x"]) {
    const strict = ask(`Transfer-Encoding: ${coding}`, LIMITS);
    expect(isWireError(strict)).toBe(true);
    expect(ask(`Transfer-Encoding: ${coding}`, raw)).toMatchObject({ error: "bad-coding", status: 501 });
  }
  const twice = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked";
  expect(ask(twice, raw)).toMatchObject({ error: "bad-coding", status: 400 });
  expect(ask("Transfer-Encoding: chunked\r\nContent-Length: 5", raw)).toMatchObject({
    error: "both-framings",
    status: 400,
  });
});
