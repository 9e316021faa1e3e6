// Test certificates, made when they are asked for: a CA, and leaves that are good or wrong in one way each.
// A hand-written DER writer of X.509 v3 (RFC 5280 §4.1) over node:crypto keys is all that it takes, so a lab in a
// user's hands needs no further package and no key ever lies on a disk. For tests only: keys are not kept secret.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** PEM texts of a certificate and its key. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface TestCertificates {
  /** Trust this, and `good` and `client` verify. */
  readonly ca: string;
  /** For localhost, 127.0.0.1 and ::1. */
  readonly good: Certificate;
  readonly expired: Certificate;
  readonly notYetValid: Certificate;
  /** Good in all but its name: other.lab.invalid. */
  readonly wrongName: Certificate;
  readonly selfSigned: Certificate;
  /** Good in all, but of a CA that nobody trusts. */
  readonly untrusted: Certificate;
  readonly client: Certificate;
}

const DAY_MS = 86_400_000;
const LOCAL = { names: ["localhost"], addresses: ["127.0.0.1", "::1"] };

/** Makes a whole set; valid around `now`. */
export function makeCertificates(now: Date = new Date()): TestCertificates {
  const from = (days: number) => new Date(now.getTime() + days * DAY_MS);
  const valid = { notBefore: from(-1), notAfter: from(365) };
  const ca = issue({ subject: "Goodgate lab CA", ca: true, ...valid });
  const otherCa = issue({ subject: "Some other CA", ca: true, ...valid });
  const leaf = (facts: Partial<Facts>) =>
    pem(issue({ subject: "localhost", issuer: ca, ...LOCAL, ...valid, ...facts }));
  return {
    ca: pem(ca).cert,
    good: leaf({}),
    expired: leaf({ notBefore: from(-30), notAfter: from(-1) }),
    notYetValid: leaf({ notBefore: from(1), notAfter: from(30) }),
    wrongName: leaf({ subject: "other.lab.invalid", names: ["other.lab.invalid"], addresses: [] }),
    selfSigned: pem(issue({ subject: "localhost", ...LOCAL, ...valid })),
    untrusted: leaf({ issuer: otherCa }),
    client: leaf({ subject: "lab client", names: [], addresses: [] }),
  };
}

/** A certificate that signs itself, for these names ("*.example.com" too); days count from today. */
export function makeSelfSigned(
  subject: string,
  names: readonly string[],
  days: { from: number; to: number },
): Certificate {
  const from = (day: number) => new Date(Date.now() + day * DAY_MS);
  return pem(issue({ subject, names, notBefore: from(days.from), notAfter: from(days.to) }));
}

/** A leaf below an intermediate CA; servers that forget to send the intermediate have `short`. */
export interface CertificateChain {
  /** Trust this. */
  readonly root: string;
  /** Leaf and intermediate. */
  readonly whole: Certificate;
  /** The leaf alone. */
  readonly short: Certificate;
}

/** Makes a chain of three, for localhost, 127.0.0.1 and ::1. */
export function makeCertificateChain(now: Date = new Date()): CertificateChain {
  const from = (days: number) => new Date(now.getTime() + days * DAY_MS);
  const valid = { notBefore: from(-1), notAfter: from(365) };
  const root = issue({ subject: "Goodgate lab root CA", ca: true, ...valid });
  const between = issue({ subject: "Goodgate lab intermediate CA", issuer: root, ca: true, ...valid });
  const short = pem(issue({ subject: "localhost", issuer: between, ...LOCAL, ...valid }));
  return { root: pem(root).cert, short, whole: { ...short, cert: short.cert + pem(between).cert } };
}

interface Facts {
  readonly subject: string;
  /** Absent: signs itself. */
  readonly issuer?: Issued;
  readonly ca?: boolean;
  readonly names?: readonly string[];
  readonly addresses?: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

interface Issued {
  readonly subject: string;
  readonly der: Buffer;
  readonly publicKeyDer: Buffer;
  readonly privateKey: KeyObject;
}

function issue(facts: Facts): Issued {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const publicKeyDer = publicKey.export({ type: "spki", format: "der" });
  const issuer = facts.issuer ?? { subject: facts.subject, publicKeyDer, privateKey };
  const algorithm = sequence(objectId("1.2.840.10045.4.3.2")); // ecdsa-with-SHA256
  const toSign = sequence(
    tlv(0xa0, integer(Buffer.from([2]))), // v3
    integer(Buffer.concat([Buffer.from([0x01]), randomBytes(8)])),
    algorithm,
    name(issuer.subject),
    sequence(time(facts.notBefore), time(facts.notAfter)),
    name(facts.subject),
    publicKeyDer,
    tlv(0xa3, sequence(...extensions(facts, publicKeyDer, issuer.publicKeyDer))),
  );
  const signature = sign("sha256", toSign, issuer.privateKey);
  const der = sequence(toSign, algorithm, bitString(signature));
  return { subject: facts.subject, der, publicKeyDer, privateKey };
}

function extensions(facts: Facts, publicKeyDer: Buffer, issuerKeyDer: Buffer): Buffer[] {
  const extension = (id: string, critical: boolean, value: Buffer) =>
    sequence(objectId(id), ...(critical ? [TRUE] : []), tlv(0x04, value));
  const list = [
    extension("2.5.29.19", true, sequence(...(facts.ca ? [TRUE] : []))),
    extension("2.5.29.14", false, tlv(0x04, keyIdentifier(publicKeyDer))),
    extension("2.5.29.35", false, sequence(tlv(0x80, keyIdentifier(issuerKeyDer)))),
  ];
  const keyUsage = facts.ca ? [1, 0x06] : [7, 0x80]; // keyCertSign and cRLSign, or digitalSignature
  list.push(extension("2.5.29.15", true, tlv(0x03, Buffer.from(keyUsage))));
  const alternatives = [
    ...(facts.names ?? []).map((text) => tlv(0x82, Buffer.from(text, "latin1"))),
    ...(facts.addresses ?? []).map((text) => tlv(0x87, addressBytes(text))),
  ];
  if (alternatives.length > 0) list.push(extension("2.5.29.17", false, sequence(...alternatives)));
  return list;
}

function keyIdentifier(publicKeyDer: Buffer): Buffer {
  return createHash("sha1").update(publicKeyDer).digest();
}

/** IPv4, or ::1: all that a lab on loopback needs. */
function addressBytes(text: string): Buffer {
  if (text === "::1") return Buffer.from([...new Array<number>(15).fill(0), 1]);
  return Buffer.from(text.split(".").map(Number));
}

function pem(issued: Issued): Certificate {
  const lines = issued.der.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: issued.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

const TRUE = Buffer.from([0x01, 0x01, 0xff]);

function tlv(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...contents: Buffer[]): Buffer {
  return tlv(0x30, ...contents);
}

function integer(bytes: Buffer): Buffer {
  return tlv(0x02, bytes);
}

function bitString(bytes: Buffer): Buffer {
  return tlv(0x03, Buffer.from([0]), bytes);
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tlv(0x06, Buffer.from(bytes));
}

function name(commonName: string): Buffer {
  return sequence(tlv(0x31, sequence(objectId("2.5.4.3"), tlv(0x0c, Buffer.from(commonName)))));
}

/** UTCTime: for years up to 2049. */
function time(at: Date): Buffer {
  return tlv(0x17, Buffer.from(at.toISOString().replace(/[-:T]/g, "").slice(2, 14) + "Z"));
}
