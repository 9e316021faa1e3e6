import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { afterEach, expect, test } from "vitest";
import { UPSTREAM_TLS_STANDARD } from "../config/complete-tls.ts";
import type { UpstreamTls } from "../config/config.ts";
import { makeCertificates } from "../lab/certificates.ts";
import { type DialResult, type DialTarget, dial, dialed } from "./dial.ts";
import { Resolver } from "./resolve.ts";
import { createUpstreamTls, type UpstreamTlsContext } from "./upstream-tls.ts";

const certificates = makeCertificates();
const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

function file(content: string): string {
  const directory = mkdtempSync(join(tmpdir(), "goodgate-"));
  cleanups.push(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "file.pem");
  writeFileSync(path, content);
  return path;
}

async function listen(server: net.Server): Promise<number> {
  server.on("connection", (socket: net.Socket) => cleanups.push(() => socket.destroy()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

/** A TLS server that says what it was asked for: the SNI, and whether a session was resumed. */
function tlsServer(options: tls.TlsOptions, seen: { sni: string | false | null; reused: boolean }[] = []) {
  const server = tls.createServer(options, (socket) => {
    seen.push({ sni: socket.servername, reused: socket.isSessionReused() });
    socket.on("error", () => socket.destroy());
    socket.write("hello");
  });
  server.on("tlsClientError", () => {});
  return listen(server);
}

const DEFAULTS: UpstreamTls = {
  ...UPSTREAM_TLS_STANDARD,
  verify: true,
  ca: null,
  serverName: null,
  cert: null,
  key: null,
  minVersion: "TLSv1.2",
};

function context(settings: Partial<UpstreamTls>): UpstreamTlsContext {
  const { context: made, problems } = createUpstreamTls({ ...DEFAULTS, ...settings });
  expect(problems).toEqual([]);
  cleanups.push(() => made?.close());
  return made!;
}

const trusting = (settings: Partial<UpstreamTls> = {}) => context({ ca: file(certificates.ca), ...settings });

function targetOf(port: number, tlsContext: UpstreamTlsContext | null, host = "127.0.0.1"): DialTarget {
  const resolver = new Resolver({
    minMs: 1_000,
    timeoutMs: 2_000,
    lookup: async (name) => {
      if (name.endsWith(".invalid"))
        throw Object.assign(new Error(name), { code: "ENOTFOUND", syscall: "getaddrinfo" });
      return [{ address: "127.0.0.1" }];
    },
    ttlQuery: async () => [],
  });
  cleanups.push(() => resolver.close());
  const timeouts = { resolveMs: 2_000, connectMs: 2_000, tlsMs: 2_000 };
  return { address: { kind: "tcp", host, port }, tls: tlsContext, timeouts, resolver };
}

async function dialing(target: DialTarget): Promise<DialResult> {
  const result = await dialed(target);
  if (result.ok) cleanups.push(() => result.socket.destroy());
  return result;
}

async function failing(target: DialTarget) {
  const result = await dialing(target);
  if (result.ok) throw new Error("connected");
  return result.failure;
}

test("a host name is resolved, connected to, and each phase timed", async () => {
  const port = await listen(net.createServer());
  const result = await dialing(targetOf(port, null, "app.internal"));
  expect(result).toMatchObject({ ok: true, address: `127.0.0.1:${port}`, reads: "events" });
  if (!result.ok) return;
  const { startedAt, resolvedAt, connectedAt, securedAt } = result.timings;
  expect([startedAt, resolvedAt, connectedAt]).toEqual([startedAt, resolvedAt, connectedAt].sort((a, b) => a - b));
  expect(securedAt).toBe(0);
});

test("a name that does not resolve is a failure of the dns phase", async () => {
  expect(await failing(targetOf(80, null, "nope.invalid"))).toMatchObject({
    cause: "dns-not-resolved",
    phase: "dns",
    evidence: { errno: "ENOTFOUND", address: "nope.invalid" },
  });
});

test("TLS: a certificate of our CA for the right name is accepted, and the name is sent as SNI", async () => {
  const seen: { sni: string | false | null; reused: boolean }[] = [];
  const port = await tlsServer({ ...certificates.good }, seen);
  const result = await dialing(targetOf(port, trusting(), "localhost"));
  expect(result).toMatchObject({ ok: true, reads: "events" });
  if (!result.ok) return;
  expect((result.socket as tls.TLSSocket).authorized).toBe(true);
  expect(result.timings.securedAt).toBeGreaterThanOrEqual(result.timings.connectedAt);
  expect(String((await once(result.socket, "data"))[0])).toBe("hello");
  expect(seen[0]?.sni).toBe("localhost");
});

test("TLS: an endpoint that is an IP address gets no SNI and is verified by that address", async () => {
  const seen: { sni: string | false | null; reused: boolean }[] = [];
  const port = await tlsServer({ ...certificates.good }, seen);
  expect(await dialing(targetOf(port, trusting(), "127.0.0.1"))).toMatchObject({ ok: true });
  await expect.poll(() => seen.length).toBe(1);
  expect(seen[0]?.sni).toBe(false);
  const strange = await tlsServer({ ...certificates.wrongName });
  expect(await failing(targetOf(strange, trusting(), "127.0.0.1"))).toMatchObject({ cause: "tls-cert-name-mismatch" });
});

test("TLS: server-name is sent and verified in place of the endpoint's own name", async () => {
  const seen: { sni: string | false | null; reused: boolean }[] = [];
  const port = await tlsServer({ ...certificates.wrongName }, seen);
  const named = trusting({ serverName: "other.lab.invalid" });
  expect(await dialing(targetOf(port, named))).toMatchObject({ ok: true });
  await expect.poll(() => seen[0]?.sni).toBe("other.lab.invalid");
});

test.each([
  ["expired", certificates.expired, "tls-cert-expired", "CERT_HAS_EXPIRED"],
  ["not yet valid", certificates.notYetValid, "tls-cert-expired", "CERT_NOT_YET_VALID"],
  ["for another name", certificates.wrongName, "tls-cert-name-mismatch", "ERR_TLS_CERT_ALTNAME_INVALID"],
  ["self-signed", certificates.selfSigned, "tls-cert-untrusted", "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ["of an unknown CA", certificates.untrusted, "tls-cert-untrusted", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
])("TLS: a certificate that is %s is refused, and taken where verification is off", async (_, pair, cause, tlsCode) => {
  const port = await tlsServer({ ...pair });
  expect(await failing(targetOf(port, trusting(), "localhost"))).toMatchObject({
    cause,
    phase: "tls",
    evidence: { tlsCode, address: `127.0.0.1:${port}` },
  });
  expect(await dialing(targetOf(port, context({ verify: false }), "localhost"))).toMatchObject({ ok: true });
});

test("TLS: without a CA of our own the machine's are trusted, and no others", async () => {
  const port = await tlsServer({ ...certificates.good });
  expect(await failing(targetOf(port, context({}), "localhost"))).toMatchObject({ cause: "tls-cert-untrusted" });
});

test("TLS: a client certificate is asked for: with it the connection stands, without it the alert is kept", async () => {
  const server = { ...certificates.good, ca: certificates.ca, requestCert: true, rejectUnauthorized: true };
  const port = await tlsServer({ ...server, maxVersion: "TLSv1.2" });
  const own = trusting({ cert: file(certificates.client.cert), key: file(certificates.client.key) });
  expect(await dialing(targetOf(port, own))).toMatchObject({ ok: true });
  expect(await failing(targetOf(port, trusting()))).toMatchObject({
    cause: "tls-handshake-failed",
    evidence: { tlsAlert: 40 },
  });
});

test("TLS: an alert of the server is kept by its number", async () => {
  const port = await tlsServer({ ...certificates.good, maxVersion: "TLSv1.2" });
  expect(await failing(targetOf(port, trusting({ minVersion: "TLSv1.3" })))).toMatchObject({
    cause: "tls-handshake-failed",
    evidence: { tlsAlert: 70 },
  });
});

test("TLS: a server that speaks plain HTTP is told from a broken handshake", async () => {
  const plain = net.createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  expect(await failing(targetOf(await listen(plain), trusting()))).toMatchObject({ cause: "tls-plaintext-mismatch" });
});

test("TLS: a FIN and a reset in the handshake are failures of their own", async () => {
  const fin = net.createServer((socket) => socket.once("data", () => socket.end()));
  expect(await failing(targetOf(await listen(fin), trusting()))).toMatchObject({
    cause: "tls-handshake-failed",
    evidence: { closedBy: "fin" },
  });
  const rst = net.createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  expect(await failing(targetOf(await listen(rst), trusting()))).toMatchObject({
    cause: "tls-handshake-failed",
    evidence: { closedBy: "rst" },
  });
});

test("TLS: a handshake that stalls ends at its own deadline", async () => {
  const port = await listen(net.createServer());
  const target = targetOf(port, trusting());
  expect(await failing({ ...target, timeouts: { ...target.timeouts, tlsMs: 150 } })).toMatchObject({
    cause: "tls-handshake-failed",
    evidence: { deadline: "tls", deadlineMs: 150, address: `127.0.0.1:${port}` },
  });
});

test("TLS: the second connection to an endpoint resumes the session of the first", async () => {
  const seen: { sni: string | false | null; reused: boolean }[] = [];
  const target = targetOf(await tlsServer({ ...certificates.good }, seen), trusting(), "localhost");
  for (const reused of [false, true]) {
    const result = await dialing(target);
    if (!result.ok) throw new Error(result.failure.cause);
    const { socket } = result;
    await once(socket, "data");
    await expect.poll(() => seen.at(-1)?.reused).toBe(reused);
  }
});

test("a plain socket reads through the reader", async () => {
  const port = await listen(net.createServer((socket) => socket.write("hello")));
  const buffer = Buffer.alloc(64);
  const text = await new Promise<string>((resolve) => {
    const callback = (bytes: number) => {
      resolve(buffer.toString("latin1", 0, bytes));
      return true;
    };
    dial(targetOf(port, null), { onRead: () => ({ buffer, callback }) }, (result) => {
      expect(result).toMatchObject({ ok: true, reads: "onread" });
      if (result.ok) cleanups.push(() => result.socket.destroy());
    });
  });
  expect(text).toBe("hello");
});

test("cancelled in mid-handshake, the connection is closed and nothing reported", async () => {
  let reported = 0;
  const server = net.createServer();
  const target = targetOf(await listen(server), trusting());
  const handle = dial(target, null, () => reported++);
  const [socket] = (await once(server, "connection")) as [net.Socket];
  socket.on("error", () => {});
  await once(socket, "data");
  handle.cancel();
  socket.resume();
  await once(socket, "close");
  expect(reported).toBe(0);
});

test("unusable TLS files are told with the file and what to do", () => {
  const { cert, key } = certificates.client;
  const other = certificates.good.key;
  const of = (settings: Partial<UpstreamTls>) => createUpstreamTls({ ...DEFAULTS, ...settings });
  const message = (settings: Partial<UpstreamTls>) => {
    const { context: made, problems } = of(settings);
    expect(made).toBeNull();
    return problems.map((problem) => problem.message).join(" ");
  };
  expect(message({ ca: "/nowhere/ca.pem" })).toBe("Cannot read the CA file /nowhere/ca.pem: there is no such file.");
  expect(message({ ca: file("garbage") })).toMatch(/file\.pem is not a certificate in PEM form/);
  expect(message({ cert: file(cert) })).toMatch(/has no key beside it/);
  expect(message({ cert: file(cert), key: file(other) })).toMatch(/The key .*file\.pem does not belong to .*file\.pem/);
  expect(message({ cert: file(cert), key: file("nothing") })).toMatch(/is not a private key in PEM form/);
  expect(of({ cert: file(key), key: file(cert) }).problems[0]?.hint).toMatch(/swapped/);
});

test("a new CA file is used without a restart, and a broken one is not", async () => {
  const port = await tlsServer({ ...certificates.good });
  const ca = file(makeCertificates().ca);
  const own = context({ ca });
  const target = targetOf(port, own, "localhost");
  expect(await failing(target)).toMatchObject({ cause: "tls-cert-untrusted" });
  const reports: boolean[] = [];
  own.watch((_, reloaded) => reports.push(reloaded), { settleMs: 10, pollMs: 100 });
  writeFileSync(ca, certificates.ca);
  await expect.poll(() => reports, { timeout: 5_000 }).toEqual([true]);
  expect(await dialing(target)).toMatchObject({ ok: true });
  writeFileSync(ca, "broken");
  await expect.poll(() => reports, { timeout: 5_000 }).toEqual([true, false]);
  expect(await dialing(target)).toMatchObject({ ok: true });
});
