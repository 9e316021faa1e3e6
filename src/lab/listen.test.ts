// Faults of addresses, and the certificates behind some of them.

import { X509Certificate } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeCertificates } from "./certificates.ts";
import { FAULT_NAMES, FAULTS, type FaultName } from "./faults.ts";
import { type Lab, startLab } from "./server.ts";

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab.close());

/** The error code of a connect, "connected", or "silent". */
function dial(address: string): Promise<string> {
  const options = address.startsWith("unix:")
    ? { path: address.slice(5) }
    : { host: address.split(":")[0]!, port: Number(address.split(":")[1]) };
  return new Promise((resolve) => {
    const socket = connect(options);
    const done = (what: string) => {
      socket.destroy();
      resolve(what);
    };
    socket.setTimeout(400, () => done("silent"));
    socket.on("connect", () => done("connected"));
    socket.on("error", (error: NodeJS.ErrnoException) => done(error.code ?? "error"));
  });
}

test.each([
  ["refuse", "ECONNREFUSED"],
  ["black-hole", "silent"],
  ["unroutable", "ENETUNREACH"],
  ["socket-missing", "ENOENT"],
  ["socket-stale", "ECONNREFUSED"],
  ["backlog-full", "EAGAIN"],
] as const)("%s: a connect shows %s", async (name, code) => {
  const { address, close } = await lab.listener(name);
  expect(await dial(address)).toBe(code);
  await close();
});

/** The TLS error code, "answered" with what a GET got, or "silent". */
async function dialTls(name: FaultName, servername = "localhost"): Promise<string> {
  const { address, ca, close } = await lab.listener(name);
  const [host, port] = address.split(":");
  const seen = await new Promise<string>((resolve) => {
    const socket = connectTls({ host: host!, port: Number(port), servername, ...(ca ? { ca } : {}) }, () => {
      socket.write("GET /lab/echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    });
    socket.setTimeout(1000, () => resolve("silent"));
    socket.on("data", (chunk) => resolve(chunk.toString("latin1", 0, 15)));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on("close", () => resolve("closed"));
  });
  await close();
  return seen;
}

test.each([
  ["tls-good", "HTTP/1.1 200 OK"],
  ["tls-slow", "HTTP/1.1 200 OK"],
  ["tls-expired", "CERT_HAS_EXPIRED"],
  ["tls-not-yet-valid", "CERT_NOT_YET_VALID"],
  ["tls-wrong-name", "ERR_TLS_CERT_ALTNAME_INVALID"],
  ["tls-self-signed", "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ["tls-untrusted", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
  ["tls-client-cert-wanted", "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"],
  ["tls-client-cert-wanted-1.2", "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE"],
  ["tls-old-version", "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION"],
  ["tls-alert", "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE"],
  ["tls-unknown-name", "ERR_SSL_TLSV1_UNRECOGNIZED_NAME"],
  ["tls-stall", "silent"],
  ["tls-close", "ECONNRESET"],
  ["tls-reset", "ECONNRESET"],
  ["tls-plaintext", "ERR_SSL_WRONG_VERSION_NUMBER"],
] as const)("%s: a handshake shows %s", async (name, code) => {
  expect(await dialTls(name)).toBe(code);
});

test("every TLS fault has an expectation here", () => {
  expect(FAULT_NAMES.filter((name) => FAULTS[name].stage === "tls" && FAULTS[name].how === "listen").length).toBe(16);
});

test.each([
  ["dns-nxdomain", 3],
  ["dns-servfail", 2],
  ["dns-silent", null],
] as const)("%s answers with code %s", async (name, rcode) => {
  const { address, close } = await lab.listener(name);
  const [host, port] = address.split(":");
  const socket = createSocket("udp4");
  const query = Buffer.from("12340100000100000000000103777777036c61620000010001" + "0000290200000000000000", "hex");
  const reply = await new Promise<Buffer | null>((resolve) => {
    const timer = setTimeout(() => resolve(null), 200);
    socket.once("message", (message) => {
      clearTimeout(timer);
      resolve(message);
    });
    socket.send(query, Number(port), host);
  });
  socket.close();
  await close();
  expect(reply && [reply.readUInt16BE(0), reply[3]! & 15, reply.length]).toEqual(
    rcode === null ? null : [0x1234, rcode, 25],
  );
});

test("the certificates are what their names say", () => {
  const made = makeCertificates();
  const ca = new X509Certificate(made.ca);
  const good = new X509Certificate(made.good.cert);
  expect(ca.ca).toBe(true);
  expect(good.verify(ca.publicKey)).toBe(true);
  expect(good.checkIssued(ca)).toBe(true);
  expect([good.checkHost("localhost"), good.checkIP("127.0.0.1"), good.checkIP("::1")]).toEqual([
    "localhost",
    "127.0.0.1",
    "::1",
  ]);
  expect(good.checkHost("other.lab.invalid")).toBeUndefined();
  expect(new X509Certificate(made.untrusted.cert).verify(ca.publicKey)).toBe(false);
  expect(new Date(new X509Certificate(made.expired.cert).validTo).getTime()).toBeLessThan(Date.now());
});
