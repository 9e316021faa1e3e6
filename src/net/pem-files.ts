// Certificates, keys and lists of virtual servers: files, or the PEM text itself behind "data:". What cannot be used is
// told in nginx's words. Keys that are encrypted are opened with the first passphrase of their file that fits.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { getSystemErrorMap } from "node:util";

/** A certificate with its chain, and its key. */
export interface PemPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** A value, or why there is none. */
export type Loaded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

const DATA = "data:";

/** The content of a file, or of a text behind "data:"; `what` and `call` are for the message. */
export function readPem(name: string, what: string, call = "BIO_new_file"): Loaded<Buffer> {
  if (name.startsWith(DATA)) return { ok: true, value: Buffer.from(name.slice(DATA.length), "latin1") };
  try {
    return { ok: true, value: readFileSync(Buffer.from(name, "latin1")) };
  } catch (error) {
    const { errno = 0, message } = error as NodeJS.ErrnoException;
    const reason = getSystemErrorMap().get(errno)?.[1] ?? message;
    return { ok: false, problem: `${what} "${name}": ${call}() failed (${reason})` };
  }
}

/** A name that came out of variables, as that of a file. */
export function fullName(name: string, folder: string): string {
  return name === "" || name.startsWith("/") || name.startsWith(DATA) ? name : folder + name;
}

/** Reads and checks a certificate with its key. */
export function readPair(cert: string, key: string, passphrases: readonly string[]): Loaded<PemPair> {
  const certificate = readPem(cert, "cannot load certificate");
  if (!certificate.ok) return certificate;
  const leaf = parse(() => new X509Certificate(certificate.value));
  if (!leaf.ok) {
    return {
      ok: false,
      problem: `cannot load certificate "${shown(cert)}": PEM_read_bio_X509_AUX() failed (SSL: ${leaf.problem})`,
    };
  }
  const encrypted = readPem(key, "cannot load certificate key");
  if (!encrypted.ok) return encrypted;
  const opened = openKey(encrypted.value, passphrases);
  if (!opened.ok) {
    return {
      ok: false,
      problem: `cannot load certificate key "${shown(key)}": PEM_read_bio_PrivateKey() failed (SSL: ${opened.problem})`,
    };
  }
  if (!leaf.value.checkPrivateKey(createPrivateKey(opened.value))) {
    return { ok: false, problem: `SSL_CTX_use_PrivateKey("${shown(key)}") failed (SSL: key values mismatch)` };
  }
  return { ok: true, value: { cert: certificate.value, key: opened.value } };
}

function openKey(pem: Buffer, passphrases: readonly string[]): Loaded<Buffer> {
  if (!pem.includes("ENCRYPTED")) {
    const plain = parse(() => createPrivateKey(pem));
    return plain.ok ? { ok: true, value: pem } : plain;
  }
  let last: Loaded<Buffer> = { ok: false, problem: "the key is encrypted, and there is no password file" };
  for (const passphrase of passphrases) {
    last = parse(() =>
      Buffer.from(createPrivateKey({ key: pem, passphrase }).export({ type: "pkcs8", format: "pem" }) as string),
    );
    if (last.ok) return last;
  }
  return last;
}

/** The lines of a password file. */
export function readPassphrases(path: string | null): Loaded<readonly string[]> {
  if (path === null) return { ok: true, value: [] };
  const content = readPem(path, "cannot load password file", "open");
  return content.ok
    ? {
        ok: true,
        value: content.value
          .toString("latin1")
          .split(/\r?\n/)
          .filter((line) => line !== ""),
      }
    : content;
}

/** Each certificate of a bundle once, since clients are sent the names. */
export function certificatesIn(bundle: Buffer): string[] {
  const found = bundle
    .toString("latin1")
    .match(/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END [^-]*-----/g);
  return [...new Set(found ?? [])];
}

/** Each list of revoked certificates in a file, of which Node would read one. */
export function revocationsIn(file: Buffer): string[] {
  return file.toString("latin1").match(/-----BEGIN X509 CRL-----[\s\S]*?-----END X509 CRL-----/g) ?? [];
}

function parse<T>(read: () => T): Loaded<T> {
  try {
    return { ok: true, value: read() };
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Nobody wants a key in a log. */
function shown(name: string): string {
  return name.startsWith(DATA) ? `${DATA}…` : name;
}
