// TCP and TLS, each failure where it happens.
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeCertificates } from "../../lab/certificates.ts";
import type { FaultName } from "../../lab/faults.ts";
import { type Lab, startLab } from "../../lab/server.ts";
import type { Target, TargetEvidence, TlsTry } from "../evidence.ts";
import { afterwards, listening, probing, response, serving } from "./probe.fixture.ts";
import { withinReach } from "./probe.ts";

const certificates = makeCertificates();
let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab.close());

const HTTPS: Partial<Target> = { scheme: "https", host: "localhost", serverName: "localhost", ca: [certificates.ca] };

function tlsOf(evidence: TargetEvidence, what: TlsTry["what"] = "as-asked"): TlsTry | undefined {
  return evidence.tls[0]?.tries.find((one) => one.what === what);
}

test.each([
  ["refuse", "connect-refused", "ECONNREFUSED", 3],
  ["unroutable", "network-unreachable", "ENETUNREACH", 3],
  ["socket-missing", "socket-missing", "ENOENT", 3],
  ["socket-stale", "connect-refused", "ECONNREFUSED", 3],
  ["backlog-full", "upstream-saturated", "EAGAIN", 3],
] as const)("%s is %s", async (name, cause, errno, tries) => {
  const { address, close } = await lab.listener(name);
  const { tcp, http, requests } = await probing(address);
  await close();
  expect(tcp).toHaveLength(1);
  expect(tcp[0]?.tries).toHaveLength(tries);
  for (const one of tcp[0]?.tries ?? []) expect(one.failure).toMatchObject({ cause, evidence: { errno } });
  expect(http).toMatchObject([{ what: "baseline", status: null, requestId: "", failure: { cause } }]);
  expect(requests).toBe(0);
});

test("silence is connect-timeout with its limit", async () => {
  const { address, close } = await lab.listener("black-hole");
  const { tcp } = await probing(address, { limits: { connectMs: 1_200, totalMs: 2_000 } });
  await close();
  expect(tcp[0]?.tries[0]?.failure).toMatchObject({
    cause: "connect-timeout",
    evidence: { deadline: "connect", deadlineMs: 1_200 },
  });
});

test("what opens is measured twice, over a Unix socket too", async () => {
  const directory = mkdtempSync(join(tmpdir(), "goodgate-probe-"));
  afterwards(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "app.sock");
  const server = net.createServer((socket) => socket.on("data", () => socket.write(response("200 OK", "hello"))));
  server.listen(path);
  afterwards(() => server.close());
  const { dns, tcp, http } = await probing(`unix:${path}`, { limits: { requestsMax: 2, idleMs: 50 } });
  expect([dns, tcp[0]?.family, tcp[0]?.tries.map(({ failure }) => failure)]).toEqual([null, "unix", [null, null]]);
  expect(http.map(({ what, status, address }) => [what, status, address])).toContainEqual([
    "baseline",
    200,
    `unix:${path}`,
  ]);
});

test.each([
  ["expired", certificates.expired, "tls-cert-expired", "CERT_HAS_EXPIRED"],
  ["not yet valid", certificates.notYetValid, "tls-cert-expired", "CERT_NOT_YET_VALID"],
  ["for another name", certificates.wrongName, "tls-cert-name-mismatch", "ERR_TLS_CERT_ALTNAME_INVALID"],
  ["self-signed", certificates.selfSigned, "tls-cert-untrusted", "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ["of an unknown CA", certificates.untrusted, "tls-cert-untrusted", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
])("a certificate that is %s: the handshake goes on, and who it is is known", async (_, pair, cause, tlsCode) => {
  const { address } = await serving((socket) => socket.write(response("200 OK", "hello")), { ...pair });
  for (const verify of [true, false]) {
    const evidence = await probing(address, { target: { ...HTTPS, verify }, limits: { requestsMax: 1 } });
    const asked = tlsOf(evidence);
    expect(asked).toMatchObject({ failure: null, untrusted: { cause, phase: "tls", evidence: { tlsCode } } });
    expect(asked?.chain[0]?.names.length).toBeGreaterThan(0);
    expect(evidence.http[0]).toMatchObject({ status: 200, failure: null });
  }
});

test("a good one: every handshake, the chain as sent, and nothing wrong", async () => {
  const { address } = await serving((socket) => socket.write(response("200 OK", "hello")), {
    key: certificates.good.key,
    cert: certificates.good.cert,
  });
  const {
    tls: [seen],
    notTested,
  } = await probing(address, { target: HTTPS, limits: { requestsMax: 1 } });
  expect(seen?.tries.map(({ what, protocol, failure, untrusted }) => [what, protocol, failure, untrusted])).toEqual([
    ["as-asked", "TLSv1.3", null, null],
    ["tls1.2", "TLSv1.2", null, null],
    ["tls1.3", "TLSv1.3", null, null],
    ["no-name", "TLSv1.3", null, null],
    ["other-name", "TLSv1.3", null, null],
  ]);
  // The authority is ours: it was not sent.
  expect(seen?.tries[0]?.chain).toMatchObject([
    {
      subject: "CN=localhost",
      issuer: "CN=Goodgate lab CA",
      names: ["localhost", "127.0.0.1", "::1"],
      selfSigned: false,
    },
  ]);
  expect(notTested.filter(({ check }) => check.includes("TLS"))).toEqual([]);
});

test("a server that has TLS 1.2 alone, and one that goes by the name", async () => {
  const old = await serving(() => {}, { ...certificates.good, maxVersion: "TLSv1.2" });
  const evidence = await probing(old.address, { target: HTTPS, limits: { requestsMax: 1, headMs: 200 } });
  expect(tlsOf(evidence)?.protocol).toBe("TLSv1.2");
  expect(tlsOf(evidence, "tls1.3")?.failure).toMatchObject({
    cause: "tls-handshake-failed",
    evidence: { tlsAlert: 70 },
  });

  const good = tls.createSecureContext({ ...certificates.good });
  const byName = await serving((socket) => socket.write(response("200 OK", "hello")), {
    ...certificates.wrongName,
    SNICallback: (name, done) =>
      name === "localhost" ? done(null, good) : done(Object.assign(new Error("no such name"))),
  });
  const named = await probing(byName.address, { target: HTTPS, limits: { requestsMax: 1 } });
  expect(tlsOf(named)).toMatchObject({ failure: null, untrusted: null });
  expect(tlsOf(named, "no-name")).toMatchObject({ serverName: null, untrusted: { cause: "tls-cert-name-mismatch" } });
  expect(tlsOf(named, "other-name")?.failure?.cause).toBe("tls-handshake-failed");
});

test.each([
  ["tls-alert", { cause: "tls-handshake-failed", evidence: { tlsAlert: 40 } }],
  ["tls-unknown-name", { cause: "tls-handshake-failed", evidence: { tlsAlert: 112 } }],
  ["tls-old-version", { cause: "tls-handshake-failed", evidence: { tlsAlert: 70 } }],
  ["tls-stall", { cause: "tls-handshake-failed", evidence: { deadline: "tls" } }],
  ["tls-close", { cause: "tls-handshake-failed", evidence: { closedBy: "fin" } }],
  ["tls-reset", { cause: "tls-handshake-failed", evidence: { closedBy: "rst" } }],
  ["tls-plaintext", { cause: "tls-plaintext-mismatch" }],
  ["tls-client-cert-wanted-1.2", { cause: "tls-handshake-failed", evidence: { tlsAlert: 40 } }],
] as const)("%s: the handshake's failure, and HTTP's for the same reason", async (name, failure) => {
  const { address, ca, close } = await lab.listener(name as FaultName);
  const target = { ...HTTPS, ca: ca === undefined ? [] : [ca] };
  const evidence = await probing(address, { target, limits: { tlsMs: 1_100, headMs: 500 } });
  await close();
  expect(tlsOf(evidence)?.failure).toMatchObject(failure);
  expect(evidence.http[0]).toMatchObject({ what: "baseline", status: null, failure: { cause: failure.cause } });
});

test("a certificate that the server wants of its client shows behind the handshake in TLS 1.3", async () => {
  const { address, ca, close } = await lab.listener("tls-client-cert-wanted");
  const evidence = await probing(address, { target: { ...HTTPS, ca: [ca ?? ""] } });
  await close();
  expect(evidence.http[0]?.failure).toMatchObject({ cause: "tls-handshake-failed", evidence: { tlsAlert: 116 } });
});

test("plain HTTP on the port that should speak TLS is found, and TLS on the plain one", async () => {
  const server = net.createServer((socket) => {
    socket.once("data", (bytes) => socket.end(response(bytes[0] === 0x16 ? "400 Bad Request" : "200 OK", "hello")));
  });
  const asTls = await probing(await listening(server), { target: HTTPS });
  expect(tlsOf(asTls)?.failure?.cause).toBe("tls-plaintext-mismatch");
  expect(asTls.tls[0]?.otherWay).toEqual({ asked: "plain-http", answered: "http", status: 200 });

  // One that waits for the end of a line that never comes.
  const waiting = await serving((socket) => socket.end(response("200 OK", "hello")));
  const silent = await probing(waiting.address, { target: HTTPS, limits: { tlsMs: 1_000 } });
  expect(tlsOf(silent)?.failure).toMatchObject({ cause: "tls-handshake-failed", evidence: { deadline: "tls" } });
  expect(silent.tls[0]?.otherWay?.answered).toBe("http");

  const secure = await serving((socket) => socket.end(response("200 OK", "hello")), { ...certificates.good });
  const asPlain = await probing(secure.address);
  expect(asPlain.http[0]?.status).toBeNull();
  expect(asPlain.tls).toEqual([
    { address: secure.address, tries: [], otherWay: { asked: "tls", answered: "tls", status: null } },
  ]);
});

test("a port that answers plain HTTP in words for its TLS is asked in TLS as well", async () => {
  const refusing = net.createServer((socket) => {
    socket.once("data", (bytes) => {
      if (bytes[0] === 0x16) socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 40]));
      else socket.end(response("400 Bad Request", "The plain HTTP request was sent to HTTPS port"));
    });
  });
  const { tls: seen } = await probing(await listening(refusing));
  expect(seen[0]?.otherWay).toEqual({ asked: "tls", answered: "tls", status: null });
});

test("without IPv6 only the IPv4 addresses are asked, unless there are no others", () => {
  const both = ["192.0.2.1", "2001:db8::1", "::1"];
  expect(withinReach(both, true)).toEqual(both);
  expect(withinReach(both, false)).toEqual(["192.0.2.1", "::1"]);
  expect(withinReach(["2001:db8::1"], false)).toEqual(["2001:db8::1"]);
});

test("authorities that are no certificates are left out, and said", async () => {
  const { address } = await serving((socket) => socket.write(response("200 OK", "hello")), { ...certificates.good });
  const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const evidence = await probing(address, { target: { ...HTTPS, ca: [broken] }, limits: { requestsMax: 1 } });
  expect(tlsOf(evidence)?.untrusted?.cause).toBe("tls-cert-untrusted");
  expect(evidence.notTested).toContainEqual(expect.objectContaining({ check: "trust in the given authorities" }));
});

test("a server that drops every connection behind the handshake", async () => {
  const server = tls.createServer({ ...certificates.good }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.write("x", () => socket.destroy());
  });
  const evidence = await probing(await listening(server), { target: HTTPS });
  expect(tlsOf(evidence)).toMatchObject({ failure: null, untrusted: null });
  expect(evidence.http.length).toBeGreaterThan(0);
  expect(evidence.http.filter(({ status, failure }) => status !== null || failure === null)).toEqual([]);
});
