import fc from "fast-check";
import { expect, test } from "vitest";
import type { ResponseHead } from "../wire/head.ts";
import { parseResponseHead } from "../wire/response-head.ts";
import { HEALTH_BODY_BYTES_MAX, HealthBody } from "./health-body.ts";

const LIMITS = { lineBytes: 8192, headBytes: 8192, fields: 100 };

function headOf(fields: string): ResponseHead {
  const bytes = Buffer.from(`HTTP/1.1 200 OK\r\n${fields}\r\n`);
  return parseResponseHead(bytes, 0, bytes.length, LIMITS) as ResponseHead;
}

/** Hands over `bytes` in pieces, in one buffer that is used again each time, as sockets do. */
function feed(body: HealthBody, bytes: Buffer, cuts: readonly number[]): void {
  const shared = Buffer.alloc(bytes.length);
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let at = 0;
  for (const end of ends) {
    shared.fill(0);
    bytes.copy(shared, 0, at, end);
    expect(body.take(shared, 0, end - at)).toBeNull();
    at = end;
  }
}

function chunked(bytes: Buffer, sizes: readonly number[]): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const chunk = bytes.subarray(at, at + (sizes[turn % sizes.length] ?? bytes.length));
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n"));
    at += chunk.length;
  }
  return Buffer.concat([...parts, Buffer.from("0\r\n\r\n")]);
}

const contents = fc.array(fc.constantFrom("o", "k", "ö", " ")).map((letters) => Buffer.from(letters.join("")));
const cuts = fc.array(fc.nat(200), { maxLength: 8 });
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });

test("the text is found wherever it stands, however the body is framed and comes in", () => {
  fc.assert(
    fc.property(contents, fc.constantFrom("ok", "kö", "ö o"), cuts, sizes, (content, text, where, chunks) => {
      const length = new HealthBody(headOf(`Content-Length: ${content.length}\r\n`), text);
      feed(length, content, where);
      const coded = new HealthBody(headOf("Transfer-Encoding: chunked\r\n"), text);
      feed(coded, chunked(content, chunks), where);
      const closing = new HealthBody(headOf(""), text);
      feed(closing, content, where);
      expect(closing.whole).toBe(false);
      closing.end();
      for (const body of [length, coded, closing]) {
        expect([body.found, body.whole, body.surplus, body.full]).toEqual([content.includes(text), true, false, false]);
      }
    }),
  );
});

test("64 KiB are looked at, and no more are kept", () => {
  const edge = Buffer.concat([Buffer.alloc(HEALTH_BODY_BYTES_MAX - 2, "x"), Buffer.from("ok, and more")]);
  for (const [text, found] of [
    ["ok", true],
    ["ok,", false],
  ] as const) {
    // biome-ignore format: a table
    const body = new HealthBody(headOf(""), text);
    expect(body.take(edge, 0, HEALTH_BODY_BYTES_MAX - 3)).toBeNull();
    expect(body.full).toBe(false);
    expect(body.take(edge, HEALTH_BODY_BYTES_MAX - 3, edge.length)).toBeNull();
    expect([body.found, body.full, body.cut]).toEqual([found, true, true]);
    expect(body.take(Buffer.from("ok, more than asked for"), 0, 23)).toBeNull();
    expect(body.found).toBe(found);
  }
});

test("a body that is known to be too long to be read away is not read", () => {
  const fields = `Content-Length: ${HEALTH_BODY_BYTES_MAX + 1}\r\n`;
  expect(new HealthBody(headOf(fields), null).full).toBe(true);
  expect(new HealthBody(headOf(fields), "ok").full).toBe(false);
});

test("bytes behind the end are seen", () => {
  const bytes = Buffer.from("okmore");
  const length = new HealthBody(headOf("Content-Length: 2\r\n"), null);
  length.take(bytes, 0, bytes.length);
  expect([length.whole, length.surplus]).toEqual([true, true]);
  const coded = new HealthBody(headOf("Transfer-Encoding: chunked\r\n"), null);
  const more = Buffer.from("0\r\n\r\nmore");
  coded.take(more, 0, more.length);
  expect([coded.whole, coded.surplus]).toEqual([true, true]);
});
