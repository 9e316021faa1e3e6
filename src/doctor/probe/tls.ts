// TLS at one address, handshake by handshake: as the target is asked; and (in full) without a name, with another name,
// with TLS 1.2 and with TLS 1.3 alone, so that what the server makes of each can be told apart. Every try is verified
// against the name that the target should have, and a certificate that fails there is shown all the same.
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { SecureContext, SecureVersion, TLSSocket } from "node:tls";
import type { Failure } from "../../failure/failure.ts";
import { trustIn } from "../../net/handshake.ts";
import type { CertificateFacts, TlsTry } from "../evidence.ts";
import { addressOf, alpnOf, connectTo, handshakeOn, type Way } from "./connection.ts";
import { keepTrack, leaveOut, leftMs, MORE_TIME, roundedMs, type Scene } from "./context.ts";
import { hostnameOf } from "./request.ts";

/** A name that no server has (RFC 2606). */
const OTHER_NAME = "goodgate-doctor.invalid";
const ALPN = ["h2", "http/1.1"];
/** Longer chains are cut. */
const CHAIN_MAX = 10;
/** A silent handshake that was given less than this says nothing. */
const TELLING_MS = 1_000;
const CONTEXTS_MAX = 8;

/** Reading the machine's authorities costs OpenSSL 25 ms: probes with the same ones share them. */
const contexts = new Map<string, SecureContext>();

/** Who is trusted, for one version or all; null = OpenSSL does not take the authorities that were given. */
export function trustOf(ca: readonly string[], version: SecureVersion | null = null): SecureContext | null {
  const key = `${version ?? "any"}\n${ca.join("\n")}`;
  const known = contexts.get(key);
  if (known) return known;
  try {
    const made = trustIn(ca, version === null ? {} : { minVersion: version, maxVersion: version });
    if (contexts.size >= CONTEXTS_MAX) contexts.clear();
    contexts.set(key, made);
    return made;
  } catch {
    // What is wrong with the file is said where it was read; here it can only be left out.
    return null;
  }
}

/** Reads the authorities for all versions. */
export function prepareTrust(ca: readonly string[]): void {
  for (const version of [null, "TLSv1.2", "TLSv1.3"] as const) trustOf(ca, version);
}

/** The handshake as it is asked; null = the time was up. */
export function tryAsked(scene: Scene, way: Way): Promise<TlsTry | null> {
  return tryTls(scene, way, "as-asked", way.secure?.serverName ?? null, scene.trust);
}

/** The other handshakes, in the light of the first one. */
export async function tryVariants(scene: Scene, way: Way, asked: TlsTry): Promise<readonly TlsTry[]> {
  const { serverName } = asked;
  const variants: Promise<TlsTry | null>[] = [];
  const version = (what: "tls1.2" | "tls1.3", name: SecureVersion) => {
    const trust = trustOf(scene.target.ca, name);
    if (trust) variants.push(tryTls(scene, way, what, serverName, trust));
  };
  // A hello of TLS 1.2 is small: what is silent to large ones may answer it.
  version("tls1.2", "TLSv1.2");
  if (asked.failure?.evidence.deadline === "tls") {
    leaveOut(scene, "TLS without and with another name", "the handshake as asked was not answered", null);
  } else {
    version("tls1.3", "TLSv1.3");
    if (serverName !== null) variants.push(tryTls(scene, way, "no-name", null, scene.trust));
    variants.push(tryTls(scene, way, "other-name", otherNameOf(scene, serverName), scene.trust));
  }
  return (await Promise.all(variants)).filter((one) => one !== null);
}

/** A name that nobody has; where the target is asked without one, the name that it should have. */
function otherNameOf({ target }: Scene, serverName: string | null): string {
  const name = hostnameOf(target.host);
  return serverName === null && isIP(name) === 0 && name.includes(".") ? name : OTHER_NAME;
}

async function tryTls(
  scene: Scene,
  way: Way,
  what: TlsTry["what"],
  serverName: string | null,
  trust: SecureContext,
): Promise<TlsTry | null> {
  const limited = leftMs(scene) < scene.limits.tlsMs + scene.limits.connectMs;
  const connected = await connectTo(scene, way.destination);
  if (!connected.ok) return failed(what, serverName, connected.failure, connected.tookMs);
  const handshake = await handshakeOn(scene, connected.socket, way, ALPN, { serverName, trust });
  if (!handshake.ok) {
    if (limited && handshake.failure.evidence.deadline === "tls" && handshake.tookMs < TELLING_MS) {
      leaveOut(scene, `TLS handshake (${what}) with ${addressOf(way)}`, "the time was up", MORE_TIME);
      return null;
    }
    return failed(what, serverName, handshake.failure, handshake.tookMs);
  }
  const { socket, untrusted, tookMs } = handshake;
  keepTrack(scene, socket);
  socket.on("error", () => socket.destroy());
  const seen: TlsTry = {
    what,
    serverName,
    protocol: socket.getProtocol(),
    cipher: socket.getCipher()?.standardName ?? null,
    alpn: alpnOf(socket),
    chain: chainOf(socket),
    failure: null,
    untrusted,
    tookMs: roundedMs(tookMs),
  };
  // Not end(): Node 20 crashes (in SSL_read) where a peer drops a connection that has sent its close_notify.
  socket.destroy();
  return seen;
}

function failed(what: TlsTry["what"], serverName: string | null, failure: Failure, tookMs: number): TlsTry {
  return {
    what,
    serverName,
    protocol: null,
    cipher: null,
    alpn: null,
    chain: [],
    failure,
    untrusted: null,
    tookMs: roundedMs(tookMs),
  };
}

/**
 * The certificates that the server sent, its own first. Node completes the chain with an authority of ours, which was
 * not sent: a certificate at the end that signs itself counts as ours unless OpenSSL found it in what was sent.
 */
function chainOf(socket: TLSSocket): readonly CertificateFacts[] {
  const chain: CertificateFacts[] = [];
  let certificate = socket.getPeerCertificate(true);
  while (certificate && certificate.raw !== undefined && chain.length < CHAIN_MAX) {
    chain.push(factsOf(certificate.raw));
    const issuer = certificate.issuerCertificate;
    if (!issuer || issuer === certificate || issuer.fingerprint256 === certificate.fingerprint256) break;
    certificate = issuer;
  }
  const code = socket.authorizationError as unknown;
  const last = chain.at(-1);
  return chain.length > 1 && last?.selfSigned && code !== "SELF_SIGNED_CERT_IN_CHAIN" ? chain.slice(0, -1) : chain;
}

/** What a certificate (DER) says. */
export function factsOf(raw: Buffer): CertificateFacts {
  const certificate = new X509Certificate(raw);
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    names: namesOf(certificate.subjectAltName),
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
    selfSigned: certificate.checkIssued(certificate),
    fingerprint: certificate.fingerprint256,
  };
}

function oneLine(name: string | undefined): string {
  return (name ?? "").split("\n").join(", ");
}

/** "DNS:a.example, IP Address:192.0.2.1"; what has a comma in it is quoted there as JSON. */
function namesOf(alternatives: string | undefined): string[] {
  const found = (alternatives ?? "").matchAll(/(?:^|, )(?:DNS|IP Address):(?:"((?:[^"\\]|\\.)*)"|([^,]*))/g);
  return [...found].map(([, quoted, plain]) => shortest(quoted ?? plain ?? ""));
}

/** An IPv6 address in its usual form (RFC 5952); anything else as it is. */
function shortest(name: string): string {
  const address = `http://[${name}]/`;
  return name.includes(":") && URL.canParse(address) ? new URL(address).hostname.replace(/^\[|\]$/g, "") : name;
}
