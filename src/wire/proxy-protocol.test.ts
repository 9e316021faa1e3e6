import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PROXY_HEAD_BYTES_MAX, readProxyHead, tlvOf } from "./proxy-protocol.ts";

const text = (head: string) => readProxyHead(Buffer.from(head, "latin1"));
const SIGNATURE = "0d0a0d0a000d0a515549540a";
const hex = (...parts: string[]) => Buffer.from(parts.join(""), "hex");

describe("version 1", () => {
  test("addresses and ports, and where the head ends", () => {
    expect(text("PROXY TCP4 192.0.2.1 192.0.2.2 123 5678\r\nGET /")).toEqual({
      ok: true,
      connection: {
        address: "192.0.2.1",
        port: 123,
        serverAddress: "192.0.2.2",
        serverPort: 5678,
        tlvs: Buffer.alloc(0),
      },
      size: 41,
    });
    expect(text("PROXY TCP6 2001:Db8::1 2001:Db8::2 1 65535\r\n")).toMatchObject({
      connection: { address: "2001:Db8::1", serverPort: 65_535 },
    });
  });

  test.each(["PROXY UNKNOWN\r\n", "PROXY UNKNOWN 1 2 3 4\r\n"])("%j says nothing of the client", (head) => {
    expect(text(head)).toEqual({ ok: true, connection: null, size: head.length });
  });

  test.each([
    ["GET / HTTP/1.1\r\n\r\n", 'broken header: "GET / HTTP/1.1"'],
    ["PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n", 'broken header: "PROXY TCP4 1.1.1.1 2.2.2.2 1 65536"'],
    ["PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n", 'broken header: "PROXY TCP4 1.1.1.1 2.2.2.2 1"'],
    ["PROXY TCP4 evil.example 2.2.2.2 1 2\r\n", 'broken header: "PROXY TCP4 evil.example 2.2.2.2 1 2"'],
    ["PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n", 'broken header: "PROXY UDP4 1.1.1.1 2.2.2.2 1 2"'],
    ["PROXY TCP4 1.1.1.1 2.2.2.2 1 2\nGET", 'broken header: "PROXY TCP4 1.1.1.1 2.2.2.2 1 2"'],
  ])("%j is broken", (head, problem) => {
    expect(text(head)).toEqual({ ok: false, problem });
  });

  test("a line without an end is broken once it is too long", () => {
    expect(text(`PROXY TCP4 ${"1".repeat(90)}`)).toBeUndefined();
    expect(text(`PROXY TCP4 ${"1".repeat(110)}`)).toMatchObject({ ok: false });
  });
});

describe("version 2", () => {
  const tcp4 = hex(SIGNATURE, "2111", "000c", "c0000201", "c0000202", "007b", "162e");

  test("addresses of both families", () => {
    expect(readProxyHead(tcp4)).toMatchObject({
      connection: { address: "192.0.2.1", port: 123, serverAddress: "192.0.2.2", serverPort: 5678 },
      size: 28,
    });
    const one = "20010db8000000000000000000000001";
    expect(readProxyHead(hex(SIGNATURE, "2121", "0024", one, one, "0001", "0002"))).toMatchObject({
      connection: { address: "2001:db8::1", port: 1 },
      size: 52,
    });
  });

  test("what is no TCP connection of somebody is passed over", () => {
    for (const head of ["20010000", "21310002abcd", "21120004abcdabcd", "22110000"]) {
      expect(readProxyHead(hex(SIGNATURE, head))).toMatchObject({
        ok: true,
        connection: null,
        size: 12 + head.length / 2,
      });
    }
  });

  test("other versions, addresses that are cut, and heads without a bound are refused", () => {
    expect(readProxyHead(hex(SIGNATURE, "31110000"))).toEqual({
      ok: false,
      problem: "unknown PROXY protocol version: 3",
    });
    expect(readProxyHead(hex(SIGNATURE, "21110004", "01020304"))).toMatchObject({ ok: false });
    expect(readProxyHead(hex(SIGNATURE, "2111ffff"))).toEqual({ ok: false, problem: "header is too large" });
  });

  test("TLVs by name and by number", () => {
    const ssl = "20000f0000000000" + "21000354" + "4c53" + "220001" + "41";
    const tlvs = hex("010002", "6832", ssl);
    expect(tlvOf(tlvs, "alpn")).toBe("h2");
    expect(tlvOf(tlvs, "0x01")).toBe("h2");
    expect(tlvOf(tlvs, "ssl_verify")).toBe("0");
    expect(tlvOf(tlvs, "ssl_version")).toBe("TLS");
    expect(tlvOf(tlvs, "ssl_0x22")).toBe("A");
    expect(tlvOf(tlvs, "authority")).toBeUndefined();
    expect(tlvOf(hex("0100ff", "6832"), "alpn")).toBeUndefined();
  });

  test("no bytes make it throw, and each beginning of a head is waited for", () => {
    for (let end = 0; end < tcp4.length; end++) expect(readProxyHead(tcp4.subarray(0, end))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
        readProxyHead(Buffer.from(noise));
        readProxyHead(Buffer.concat([hex(SIGNATURE), noise]));
        tlvOf(Buffer.from(noise), "ssl_cn");
      }),
    );
    expect(readProxyHead(Buffer.alloc(PROXY_HEAD_BYTES_MAX, "a"))).toMatchObject({ ok: false });
  });
});
