// Certificates and keys from PEM files, checked before OpenSSL sees them, so that what is wrong is told with the
// names of the files and what to do. Nothing here throws on content: value + problems.
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { Problem } from "../config/config.ts";
import type { FileContents } from "./watched-files.ts";

/** A certificate (with its chain) and the key that belongs to it. */
export interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly leaf: X509Certificate;
}

/** The content of one file; null with a problem where it could not be read. */
export function contentOf(contents: FileContents, path: string, what: string, problems: Problem[]): Buffer | null {
  const content = contents.get(path);
  if (Buffer.isBuffer(content)) return content;
  const code = errorCode(content);
  problems.push({
    severity: "error",
    message: `Cannot read ${what} ${path}: ${readErrorText(code)}.`,
    hint:
      code === "EACCES"
        ? "Let the user that runs the gateway read the file and enter its directory."
        : "Check the path; relative paths start at the directory of the configuration.",
  });
  return null;
}

/** Reads and checks a certificate with its key. */
export function readKeyPair(
  contents: FileContents,
  certPath: string,
  keyPath: string,
  problems: Problem[],
): KeyPair | null {
  const cert = contentOf(contents, certPath, "the certificate", problems);
  const key = contentOf(contents, keyPath, "the key", problems);
  const leaf = cert && parseCertificate(cert, certPath, problems);
  const privateKey = key && parseKey(key, keyPath, problems);
  if (!cert || !key || !leaf || !privateKey) return null;
  if (!leaf.checkPrivateKey(privateKey)) {
    problems.push({
      severity: "error",
      message: `The key ${keyPath} does not belong to the certificate ${certPath}.`,
      hint: "The certificate file must begin with the server's own certificate, followed by its chain; the key must be the one it was issued for.",
    });
    return null;
  }
  const expiry = expiryProblem(leaf, certPath);
  if (expiry) problems.push(expiry);
  return { cert, key, leaf };
}

/** The first certificate of a PEM file. */
export function parseCertificate(content: Buffer, path: string, problems: Problem[]): X509Certificate | null {
  try {
    return new X509Certificate(content);
  } catch (error) {
    const hint = content.includes("PRIVATE KEY")
      ? "The file holds a private key: are certificate and key swapped?"
      : "A PEM file holds lines between -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----.";
    const message = `${path} is not a certificate in PEM form (${errorCode(error)}).`;
    problems.push({ severity: "error", message, hint });
    return null;
  }
}

function parseKey(content: Buffer, path: string, problems: Problem[]): KeyObject | null {
  try {
    return createPrivateKey(content);
  } catch (error) {
    const code = errorCode(error);
    const encrypted = code === "ERR_MISSING_PASSPHRASE" || content.includes("ENCRYPTED");
    const hint = encrypted
      ? "The key is encrypted; store it without a passphrase: openssl pkey -in KEY -out PLAIN_KEY."
      : content.includes("BEGIN CERTIFICATE")
        ? "The file holds a certificate: are certificate and key swapped?"
        : "A PEM file holds lines between -----BEGIN PRIVATE KEY----- and -----END PRIVATE KEY-----.";
    problems.push({ severity: "error", message: `${path} is not a private key in PEM form (${code}).`, hint });
    return null;
  }
}

function expiryProblem(leaf: X509Certificate, path: string): Problem | null {
  const at = Date.now();
  const hint = "Renew it; the new file is taken over without a restart.";
  if (Date.parse(leaf.validTo) < at) {
    return { severity: "warning", message: `The certificate ${path} expired on ${leaf.validTo}.`, hint };
  }
  if (Date.parse(leaf.validFrom) > at) {
    const message = `The certificate ${path} is not valid before ${leaf.validFrom}.`;
    return { severity: "warning", message, hint: "Check the clock of this machine." };
  }
  return null;
}

/** The DNS names that a certificate is for, lower case: its SANs, or the common name where it has none. */
export function namesOf(leaf: X509Certificate): string[] {
  const names: string[] = [];
  for (const part of (leaf.subjectAltName ?? "").split(", ")) {
    // Names with characters that do not belong there come quoted, and fit no name that a client may send.
    if (part.startsWith("DNS:") && !part.includes('"')) names.push(part.slice(4).toLowerCase());
  }
  if (leaf.subjectAltName !== undefined) return names;
  const commonName = /^CN=([^\s/,]+)$/m.exec(leaf.subject)?.[1];
  return commonName === undefined ? [] : [commonName.toLowerCase()];
}

function errorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? "no code";
}

function readErrorText(code: string): string {
  if (code === "ENOENT") return "there is no such file";
  if (code === "EACCES") return "permission denied";
  if (code === "EISDIR") return "it is a directory";
  return code;
}
