// One TLS handshake on a connected socket, for those who look at it: what the server shows is known also where nobody
// should trust it, since verification is only noted. Calls back once; never throws. The socket is the caller's to close.
import { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { isIP } from "node:net";
import tls from "node:tls";
import { connectFailure, deadlineFailure } from "../failure/classify.ts";
import type { Failure } from "../failure/failure.ts";
import { now } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import { systemAuthorities } from "./upstream-tls.ts";

/** What is sent and wanted. */
export interface HandshakeWishes {
  /** null = no name in the ClientHello. */
  readonly serverName: string | null;
  /** The name or address that the certificate must be for. */
  readonly identity: string;
  readonly alpn: readonly string[];
  readonly trust: tls.SecureContext;
  readonly deadlineMs: Ms;
  /** For evidence. */
  readonly address: string;
}

export type Handshake =
  | {
      readonly ok: true;
      readonly socket: tls.TLSSocket;
      readonly tookMs: Ms;
      /** What is wrong with the certificate; null = nothing. */
      readonly untrusted: Failure | null;
    }
  | { readonly ok: false; readonly failure: Failure; readonly tookMs: Ms };

/** Trust in the system's authorities and these (PEM), for these versions. Throws what OpenSSL says of the PEM. */
export function trustIn(
  ca: readonly string[],
  versions: { readonly minVersion?: tls.SecureVersion; readonly maxVersion?: tls.SecureVersion } = {},
): tls.SecureContext {
  for (const text of ca) checkAuthorities(text);
  const system: readonly (string | Buffer)[] = systemAuthorities() ?? tls.rootCertificates;
  return tls.createSecureContext({ ca: [...system, ...ca], ...versions });
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Node passes over what it cannot read; who gave it should know. */
function checkAuthorities(text: string): void {
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw new Error("no certificate in PEM form");
  for (const certificate of certificates) new X509Certificate(certificate);
}

/** Shakes hands over `socket`. */
export function shakeHands(socket: Socket, wishes: HandshakeWishes): Promise<Handshake> {
  const { serverName, identity, alpn, trust, deadlineMs, address } = wishes;
  const startedAt = now();
  return new Promise((resolve) => {
    const secure = tls.connect({
      socket,
      secureContext: trust,
      ALPNProtocols: [...alpn],
      rejectUnauthorized: false,
      checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(identity, certificate),
      // RFC 6066 §3: no IP addresses in SNI.
      ...(serverName !== null && serverName !== "" && isIP(serverName) === 0 ? { servername: serverName } : {}),
    });
    let over = false;
    const finish = (handshake: Handshake) => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      secure.off("error", onError);
      if (!handshake.ok) {
        // What comes of it later is of no interest, and must not end the process.
        secure.on("error", () => secure.destroy());
        secure.destroy();
      }
      resolve(handshake);
    };
    const tookMs = () => now() - startedAt;
    const onError = (error: Error) => {
      const failure = connectFailure(error, "tls", { address, waitedMs: tookMs() });
      finish({ ok: false, failure, tookMs: tookMs() });
    };
    // The event loop turns once first: where it was held up, the answer may have been there for long.
    const timer = setTimeout(() => {
      setImmediate(() => {
        const failure = deadlineFailure("tls", { address, waitedMs: tookMs(), deadlineMs });
        finish({ ok: false, failure, tookMs: tookMs() });
      });
    }, deadlineMs);
    secure.on("error", onError);
    secure.once("secureConnect", () => {
      finish({ ok: true, socket: secure, tookMs: tookMs(), untrusted: untrustedOf(secure, address) });
    });
  });
}

function untrustedOf(socket: tls.TLSSocket, address: string): Failure | null {
  if (socket.authorized) return null;
  // Node has the code here, whatever the types say.
  const code = socket.authorizationError as unknown;
  return connectFailure({ code: typeof code === "string" ? code : "CERT_UNTRUSTED" }, "tls", { address });
}
