// Files that a configuration names: own error pages, certificates, keys. They are looked at when it is loaded, so
// that a name that is wrong is a problem with a place in the file, and not a failure at the first request.
import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { createSecureContext } from "node:tls";
import { errorOf } from "./address.ts";
import type { Problem } from "./config.ts";

const PAGE_BYTES_MAX = 1024 * 1024;
const PEM_BYTES_MAX = 1024 * 1024;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  EACCES: "it may not be read by this user",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is not a folder",
};

/** A name in a configuration file is relative to that file. */
export function resolveBeside(configFile: string, name: string): string {
  return resolve(dirname(configFile), name);
}

/** The text of a page, or what is in the way. */
export function readPage(path: string): string | Problem {
  return readText(path, PAGE_BYTES_MAX);
}

/** What is wrong with a PEM file; null = it can be read and looks like one. */
export function pemProblem(path: string, kind: "CERTIFICATE" | "PRIVATE KEY"): Problem | null {
  const text = readText(path, PEM_BYTES_MAX);
  if (typeof text !== "string") return text;
  const begins =
    kind === "CERTIFICATE"
      ? /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/
      : /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/;
  return begins.test(text)
    ? null
    : errorOf(`${path} has no ${kind.toLowerCase()}`, `a PEM file with "-----BEGIN ${kind}-----" is expected`);
}

/** What is wrong with a certificate and its key, each of which can be read. */
export function certificateProblem(cert: string, key: string): Problem | null {
  try {
    createSecureContext({ cert: readFileSync(cert), key: readFileSync(key) });
    return null;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (code === "ERR_OSSL_X509_KEY_VALUES_MISMATCH")
      return errorOf(`the key ${key} does not belong to the certificate ${cert}`);
    return errorOf(`the certificate ${cert} with the key ${key} cannot be used: ${(error as Error).message}`);
  }
}

function readText(path: string, bytesMax: number): string | Problem {
  try {
    if (statSync(path).size > bytesMax) return errorOf(`${path} is too large`, `at most ${bytesMax / 1024} KiB`);
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    return errorOf(
      `cannot read ${path}: ${REASONS[code] ?? message}`,
      "names of files are relative to the configuration file",
    );
  }
}
