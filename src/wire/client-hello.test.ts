import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import tls from "node:tls";
import fc from "fast-check";
import { expect, test } from "vitest";
import { HELLO_BYTES_MAX, readClientHello } from "./client-hello.ts";

/** What Node's own client sends first. */
async function helloOf(options: tls.ConnectionOptions): Promise<Buffer> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const client = tls.connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", ...options });
  client.on("error", () => {});
  const [socket] = await accepted;
  const [bytes] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

const hello = await helloOf({
  servername: "shop.example",
  ecdhCurve: "P-256:X25519",
  ciphers: "ECDHE-RSA-AES128-GCM-SHA256",
  maxVersion: "TLSv1.2",
});

test("a hello of a real client is read", () => {
  const read = readClientHello(hello);
  if (typeof read === "string") throw new Error(read);
  expect(read.serverName).toBe("shop.example");
  expect(read.ciphers).toContain(0xc02f);
  expect(read.groups).toEqual([0x17, 0x1d]);
  expect(read.signatureAlgorithms.length).toBeGreaterThan(0);
  expect(read.pskIdentity).toBeNull();
});

test("one without a name has none", async () => {
  expect(readClientHello(await helloOf({}))).toMatchObject({ serverName: undefined });
});

test("each beginning of a hello is incomplete, and never more than that", () => {
  for (let end = 0; end < hello.length; end++) expect(readClientHello(hello.subarray(0, end))).toBe("incomplete");
});

test("a hello in several records is the same hello", () => {
  const body = hello.subarray(5);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: body.length - 1 }), (cut) => {
      const record = (part: Buffer) => {
        const head = Buffer.from([0x16, 3, 1, 0, 0]);
        head.writeUInt16BE(part.length, 3);
        return Buffer.concat([head, part]);
      };
      const split = Buffer.concat([record(body.subarray(0, cut)), record(body.subarray(cut))]);
      expect(readClientHello(split)).toEqual(readClientHello(hello));
    }),
  );
});

test("what is no TLS is told from what is TLS and cannot be read", () => {
  expect(readClientHello(Buffer.from("GET / HTTP/1.1\r\n"))).toBe("not-tls");
  expect(readClientHello(Buffer.from([0x16, 9, 1, 0, 1, 1]))).toBe("opaque");
  expect(readClientHello(Buffer.from([0x16, 3, 1, 0, 4, 2, 0, 0, 0]))).toBe("opaque");
  expect(readClientHello(Buffer.from([0x80, 0x2e, 1, 3, 1]))).toBe("opaque");
});

test("nothing throws, and nothing is waited for beyond the bound", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(hello.length - 1), (noise, at) => {
      const bytes = Buffer.from(hello);
      bytes.set(noise.subarray(0, bytes.length - at), at);
      readClientHello(bytes);
      readClientHello(Buffer.concat([Buffer.from([0x16, 3, 1]), noise]));
    }),
  );
  const endless = Buffer.alloc(HELLO_BYTES_MAX + 1, 1);
  for (let at = 0; at + 5 < endless.length; at += 5 + 0x4000) endless.set([0x16, 3, 1, 0x40, 0], at);
  expect(readClientHello(endless)).toBe("opaque");
});
