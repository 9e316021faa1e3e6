// What variables say of the TLS connection to a client: read from the socket and from the ClientHello where a variable
// is used, and kept, since a connection carries many requests.
import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { cipherName, groupName, signatureName } from "../../net/tls-names.ts";
import type { TlsClientFacts, TlsFacts } from "../../variables/subject.ts";
import type { ClientHello } from "../../wire/client-hello.ts";
import { wallMs } from "../date.ts";

const DAY_MS = 86_400_000;

/** What a handshake has told before it ended: the name that certificates may be chosen by. */
export function helloFacts(hello: ClientHello | null, serverName: string | undefined): TlsFacts {
  return {
    protocol: "",
    cipher: "",
    ciphers: names(hello?.ciphers, cipherName),
    curve: "",
    curves: names(hello?.groups, groupName),
    serverName,
    sessionId: "",
    sessionReused: false,
    alpn: undefined,
    earlyData: false,
    client: undefined,
    clientVerify: "NONE",
    sigalgs: names(hello?.signatureAlgorithms, signatureName),
  };
}

/** The facts of a connection whose handshake has ended. */
export class SocketFacts implements TlsFacts {
  readonly serverName: string | undefined;
  readonly earlyData = false;
  readonly #socket: TLSSocket;
  readonly #hello: ClientHello | null;
  /** What verified the client's certificate said of it; "" = nothing is wrong with it. */
  readonly #verifyError: string;
  /** Ours; Node tells a server nothing of the one in use, which is known where there is no choice. */
  readonly #curves: string;
  #client: TlsClientFacts | null | undefined;

  constructor(
    socket: TLSSocket,
    hello: ClientHello | null,
    serverName: string | undefined,
    verifyError: string,
    curves: string,
  ) {
    this.#socket = socket;
    this.#hello = hello;
    this.serverName = serverName;
    this.#verifyError = verifyError;
    this.#curves = curves;
  }

  get protocol(): string {
    return this.#socket.getProtocol() ?? "";
  }
  get cipher(): string {
    return this.#socket.getCipher()?.name ?? "";
  }
  get ciphers(): string {
    return names(this.#hello?.ciphers, cipherName);
  }
  get curve(): string {
    const ours = this.#curves.split(":");
    return ours.length === 1 && ours[0] !== "auto" ? ours[0]! : "";
  }
  get curves(): string {
    return names(this.#hello?.groups, groupName);
  }
  get sessionId(): string {
    return sessionIdIn(this.#socket.getSession()) ?? "";
  }
  get sessionReused(): boolean {
    return this.#socket.isSessionReused();
  }
  get alpn(): string | undefined {
    return this.#socket.alpnProtocol || undefined;
  }
  get sigalgs(): string {
    return names(this.#hello?.signatureAlgorithms, signatureName);
  }
  get client(): TlsClientFacts | undefined {
    if (this.#client === undefined) {
      const certificate = this.#socket.getPeerX509Certificate();
      this.#client = certificate ? clientFacts(certificate) : null;
    }
    return this.#client ?? undefined;
  }
  get clientVerify(): string {
    if (this.client === undefined) return "NONE";
    return this.#verifyError === "" ? "SUCCESS" : `FAILED:${this.#verifyError}`;
  }
}

function names(codes: readonly number[] | undefined, name: (code: number) => string): string {
  return (codes ?? []).map(name).join(":");
}

function clientFacts(certificate: X509Certificate): TlsClientFacts {
  const { subject, issuer, validTo } = certificate;
  return {
    pem: certificate.toString(),
    serial: certificate.serialNumber,
    fingerprint: certificate.fingerprint.replaceAll(":", "").toLowerCase(),
    subject: rfc2253(subject),
    issuer: rfc2253(issuer),
    subjectLegacy: oneLine(subject),
    issuerLegacy: oneLine(issuer),
    validFrom: certificate.validFrom,
    validUntil: validTo,
    get daysRemaining() {
      return String(Math.max(0, Math.floor((Date.parse(validTo) - wallMs()) / DAY_MS)));
    },
  };
}

/** Node gives a name part per line, each escaped as RFC 2253 wants it, from the root on. */
function rfc2253(name: string | undefined): string {
  return byteText((name ?? "").split("\n").reverse().join(","));
}

function oneLine(name: string | undefined): string {
  const parts = (name ?? "").split("\n").map((part) => part.replace(/\\([^\dA-Fa-f])/g, "$1"));
  return byteText(`/${parts.join("/")}`);
}

/** Names are UTF-8, variables bytes. */
function byteText(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

const INTEGER = 0x02;
const OCTETS = 0x04;

/** OpenSSL's DER of a session: two integers, the cipher, the session's id. */
function sessionIdIn(session: Buffer | undefined): string | undefined {
  if (!session) return undefined;
  let at = bodyOf(session, 0).from;
  for (const tag of [INTEGER, INTEGER, OCTETS, OCTETS]) {
    if (session[at] !== tag) return undefined;
    const { from, to } = bodyOf(session, at);
    if (tag === OCTETS && to - from > 2) return session.toString("hex", from, to);
    at = to;
  }
  return undefined;
}

function bodyOf(der: Buffer, at: number): { from: number; to: number } {
  const length = der[at + 1] ?? 0;
  if (length < 0x80) return { from: at + 2, to: at + 2 + length };
  const bytes = length & 0x7f;
  const from = at + 2 + bytes;
  return { from, to: bytes === 0 || bytes > 4 || from > der.length ? from : from + der.readUIntBE(at + 2, bytes) };
}
