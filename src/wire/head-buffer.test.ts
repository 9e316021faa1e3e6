import fc from "fast-check";
import { expect, test } from "vitest";
import { type HeadLimits, isWireError, type WireError } from "./head.ts";
import { type BufferedHead, HeadBuffer } from "./head-buffer.ts";
import { parseRequestHead } from "./request-head.ts";
import { parseResponseHead } from "./response-head.ts";

const LIMITS: HeadLimits = { lineBytes: 60, headBytes: 150, fields: 4 };

/** Pushes the bytes in pieces cut at `cuts`, through one buffer that is overwritten after each push. */
function pushAll(kind: "request" | "response", bytes: Buffer, cuts: readonly number[]) {
  const buffer = new HeadBuffer(kind, LIMITS);
  const shared = Buffer.alloc(bytes.length + 3);
  const stops = [...new Set([...cuts.filter((cut) => cut < bytes.length), bytes.length])].sort((a, b) => a - b);
  let at = 0;
  for (const stop of stops) {
    bytes.copy(shared, 3, at, stop);
    const result = buffer.push(shared, 3, 3 + stop - at);
    shared.fill(0);
    if (result !== undefined) return { result, pushed: stop };
    at = stop;
  }
  return { result: undefined, pushed: at };
}

const heads = fc.constantFrom(
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  "\r\nPOST /x?y HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc",
  "GET / HTTP/1.1\r\nHost: a\r\nX: \rb\r\n\r\n",
  "GET / HTTP/1.1\r\n folded: a\r\n\r\n",
  "GET /",
  `GET /${"a".repeat(100)} HTTP/1.1\r\n`,
  `GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(300)}\r\n\r\n`,
  "GET / HTTP/1.1\r\nA: a\r\nB: b\r\nC: c\r\nD: d\r\nE: e\r\n\r\n",
  "\x16\x03\x01\x00",
  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n",
  "HTTP/1.0 200\n\nuntil close",
  "<html>no http</html>",
);

test("any split of the bytes gives what one parse gives, and the rest", () => {
  fc.assert(
    fc.property(heads, fc.constantFrom("request", "response"), fc.array(fc.nat(320)), (text, kind, cuts) => {
      const bytes = Buffer.from(text, "latin1");
      const whole = (kind === "request" ? parseRequestHead : parseResponseHead)(bytes, 0, bytes.length, LIMITS);
      const { result, pushed } = pushAll(kind, bytes, cuts);
      if (whole === undefined || isWireError(whole)) {
        expect(result).toEqual(whole);
        return;
      }
      const { head, rest } = result as BufferedHead;
      expect(head).toEqual(whole);
      expect(rest).toEqual(bytes.subarray(whole.size, pushed));
    }),
    { numRuns: 300 },
  );
});

test("wrong beginnings fail before the rest has come", () => {
  const first = (kind: "request" | "response", text: string) =>
    pushAll(kind, Buffer.from(text), [1, 2, 3, 4, 5, 6, 7, 8]);
  expect(first("request", "\x16\x03\x01\x02\x03").pushed).toBe(2);
  expect(first("request", "\0\0\0").pushed).toBe(1);
  expect(first("response", "SSH-2.0-x").pushed).toBe(1);
});

test("a head that drips in costs time in proportion to its length", () => {
  const limits = { lineBytes: 8192, headBytes: 4_000_000, fields: 100 };
  const drip = (length: number) => {
    const buffer = new HeadBuffer("request", limits);
    const byte = Buffer.from("a");
    buffer.push(Buffer.from("GET / HTTP/1.1\r\nHost: a\r\nX: "), 0, 28);
    for (let i = 0; i < length; i++) buffer.push(byte, 0, 1);
    return buffer;
  };
  // Quadratic work would be 2 · 10^12 steps here.
  const buffer = drip(2_000_000);
  expect(buffer.length).toBe(2_000_028);
  expect(buffer.push(Buffer.from("\r\n\r\nnext"), 0, 8)).toMatchObject({ rest: Buffer.from("next") });
});

test("the limits hold while the head is on its way", () => {
  const buffer = new HeadBuffer("request", LIMITS);
  let result: BufferedHead | WireError | undefined;
  const byte = Buffer.from("a");
  let pushed = 0;
  while (result === undefined) {
    result = buffer.push(byte, 0, 1);
    pushed++;
  }
  // A method of 33 letters is none; the doubling finds it at the latest at twice that.
  expect(result).toMatchObject({ error: "bad-start-line" });
  expect(pushed).toBeLessThanOrEqual(66);
});
