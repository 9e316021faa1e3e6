// How many certificates stand between a peer's and a trusted one: what OpenSSL bounds by its depth, which Node does not
// let anybody set. Neither end of the chain counts (OpenSSL since 1.1.0).
import type { TLSSocket } from "node:tls";

/** Whether the chain of a verified peer is longer than that. */
export function isTooDeep(socket: TLSSocket, depthMax: number): boolean {
  let certificate = socket.getPeerCertificate(true);
  if (!certificate || Object.keys(certificate).length === 0) return false;
  let between = -1;
  while (certificate.issuerCertificate && certificate.issuerCertificate !== certificate) {
    certificate = certificate.issuerCertificate;
    between++;
  }
  return between > depthMax;
}
