// Real handshakes on loopback: the codes that Node gives are the facts that classify.ts relies on.
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import tls from "node:tls";
import { afterEach, expect, test } from "vitest";
import { makeCertificates } from "../lab/certificates.ts";
import type { CauseId } from "./causes.ts";
import { closedFailure, connectFailure } from "./classify.ts";
import { proxyStatusType } from "./facets.ts";
import { tlsAlertOf, tlsCauseOf } from "./tls-codes.ts";

const certificates = makeCertificates();
const { ca, good, expired, notYetValid, wrongName, selfSigned, untrusted } = certificates;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** What a TLS client of ours gets from this server: the error, and whether the handshake was over for it. */
async function errorFrom(
  server: net.Server,
  options: tls.ConnectionOptions,
): Promise<{ error: Error; secure: boolean }> {
  server.on("connection", (socket: net.Socket) => closers.push(() => socket.destroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  return await new Promise((resolve, reject) => {
    let secure = false;
    const socket = tls.connect({ port, host: "127.0.0.1", servername: "localhost", ...options });
    closers.push(() => socket.destroy());
    socket.on("secureConnect", () => {
      secure = true;
      socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    });
    socket.on("error", (error) => resolve({ error, secure }));
    // Node says "end" first where the peer ends in the handshake; without an error the connection was in order.
    socket.on("close", (failed) => failed || reject(new Error("ended in order")));
    socket.resume();
  });
}

const tlsServer = (options: tls.TlsOptions): net.Server => {
  const server = tls.createServer(options, (socket) => socket.on("error", () => {}));
  return server.on("tlsClientError", () => {});
};
const plainServer = (onConnection: (socket: net.Socket) => void): net.Server =>
  net.createServer((socket) => {
    socket.on("error", () => {});
    onConnection(socket);
  });

const TLS12 = { maxVersion: "TLSv1.2" } as const;
const cases: [string, () => net.Server, tls.ConnectionOptions, CauseId, string, object][] = [
  [
    "a self-signed certificate",
    () => tlsServer(selfSigned),
    { ca },
    "tls-cert-untrusted",
    "tls_certificate_error",
    { tlsCode: "DEPTH_ZERO_SELF_SIGNED_CERT" },
  ],
  [
    "a certificate of an unknown CA",
    () => tlsServer(untrusted),
    { ca },
    "tls-cert-untrusted",
    "tls_certificate_error",
    { tlsCode: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" },
  ],
  [
    "an expired certificate",
    () => tlsServer(expired),
    { ca },
    "tls-cert-expired",
    "tls_certificate_error",
    { tlsCode: "CERT_HAS_EXPIRED" },
  ],
  [
    "a certificate of the future",
    () => tlsServer(notYetValid),
    { ca },
    "tls-cert-expired",
    "tls_certificate_error",
    { tlsCode: "CERT_NOT_YET_VALID" },
  ],
  [
    "a certificate for another name",
    () => tlsServer(wrongName),
    { ca },
    "tls-cert-name-mismatch",
    "tls_certificate_error",
    {},
  ],
  [
    "a plain HTTP server",
    () => http.createServer(),
    {},
    "tls-plaintext-mismatch",
    "tls_protocol_error",
    { tlsCode: "ERR_SSL_WRONG_VERSION_NUMBER" },
  ],
  [
    "an SSH server",
    () => plainServer((socket) => socket.end("SSH-2.0-x\r\n")),
    {},
    "tls-plaintext-mismatch",
    "tls_protocol_error",
    {},
  ],
  [
    "a server of older TLS only",
    () => tlsServer({ ...good, ...TLS12 }),
    { ca, minVersion: "TLSv1.3" },
    "tls-handshake-failed",
    "tls_alert_received",
    { tlsAlert: 70 },
  ],
  [
    "a server of newer TLS only",
    () => tlsServer({ ...good, minVersion: "TLSv1.3" }),
    { ca, ...TLS12 },
    "tls-handshake-failed",
    "tls_alert_received",
    { tlsAlert: 70 },
  ],
  [
    "no common application protocol",
    () => tlsServer({ ...good, ALPNProtocols: ["h2"] }),
    { ca, ALPNProtocols: ["http/1.1"] },
    "tls-handshake-failed",
    "tls_alert_received",
    { tlsAlert: 120 },
  ],
  [
    "no common cipher",
    () => tlsServer({ ...good, ...TLS12, ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" }),
    { ca, ...TLS12, ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" },
    "tls-handshake-failed",
    "tls_alert_received",
    { tlsAlert: 40 },
  ],
  [
    "a client certificate wanted (1.2)",
    () => tlsServer({ ...good, ...TLS12, requestCert: true, rejectUnauthorized: true }),
    { ca },
    "tls-handshake-failed",
    "tls_alert_received",
    { tlsAlert: 40 },
  ],
  [
    "FIN in the handshake",
    () => plainServer((socket) => void socket.once("data", () => socket.end())),
    {},
    "tls-handshake-failed",
    "connection_terminated",
    { errno: "ECONNRESET", closedBy: "fin" },
  ],
  [
    "RST in the handshake",
    () => plainServer((socket) => void socket.once("data", () => socket.resetAndDestroy())),
    {},
    "tls-handshake-failed",
    "connection_terminated",
    { errno: "ECONNRESET", closedBy: "rst" },
  ],
];

test.each(cases)("%s", async (_, makeServer, options, cause, type, evidence) => {
  const { error, secure } = await errorFrom(makeServer(), options);
  expect(secure).toBe(false);
  const failure = connectFailure(error, "tls", { address: "127.0.0.1:443" });
  expect(failure).toMatchObject({ cause, status: 502, evidence: { address: "127.0.0.1:443", ...evidence } });
  expect(proxyStatusType(failure)).toBe(type);
});

test("TLS 1.3 refuses a missing client certificate only after the handshake: still a failure of TLS", async () => {
  const server = tlsServer({ ...good, requestCert: true, rejectUnauthorized: true, minVersion: "TLSv1.3" });
  const { error, secure } = await errorFrom(server, { ca });
  expect(secure).toBe(true);
  const { code } = error as NodeJS.ErrnoException;
  const failure = closedFailure("response-head", { errno: code!, closedBy: "rst", bytesReceived: 0, bytesSent: 27 });
  expect(failure).toMatchObject({ cause: "tls-handshake-failed", phase: "tls", evidence: { tlsAlert: 116 } });
  expect(failure.evidence.closedBy).toBeUndefined();
  expect(proxyStatusType(failure)).toBe("tls_alert_received");
});

test("TLS material of ours that cannot be used is a matter of the configuration", () => {
  for (const options of [
    { cert: good.cert, key: expired.key },
    { cert: "no certificate", key: "no key" },
    { ciphers: "NO-SUCH-CIPHER" },
  ]) {
    let seen: unknown;
    try {
      tls.createSecureContext(options);
    } catch (error) {
      seen = error;
    }
    expect(connectFailure(seen, "tls", {}).cause, String((seen as NodeJS.ErrnoException).code)).toBe(
      "gateway-config-invalid",
    );
  }
});

test("alerts by name, with and without the word in OpenSSL's reason", () => {
  expect(tlsAlertOf("ERR_SSL_TLSV1_ALERT_UNKNOWN_CA")).toBe(48);
  expect(tlsAlertOf("ERR_SSL_TLSV1_UNRECOGNIZED_NAME")).toBe(112);
  expect(tlsAlertOf("ERR_SSL_WRONG_VERSION_NUMBER")).toBeUndefined();
  expect(tlsCauseOf("ECONNRESET")).toBeUndefined();
});
