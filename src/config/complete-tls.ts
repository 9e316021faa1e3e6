// TLS of listeners and upstreams: what belongs together is there together, and files are read, so that a certificate
// that cannot work is told before it is used.
import { errorOf } from "./address.ts";
import type { CompleteContext } from "./complete-context.ts";
import type { ListenerConfig, UpstreamTls } from "./config.ts";
import type { Path } from "./document.ts";
import { certificateProblem, pemProblem, resolveBeside } from "./files.ts";
import type { FileConfig, FileUpstream } from "./schema.ts";
import { upstreamTlsExtra } from "./schema-upstream-extra.ts";

/** A listener with its certificates. */
export function listenerOf(
  raw: NonNullable<FileConfig["listen"]>[number],
  path: Path,
  context: CompleteContext,
): ListenerConfig {
  if ("kind" in raw) return { address: raw, tls: null };
  if (raw.tls === undefined) return { address: raw.address, tls: null };
  const { cert, key, certificates, "min-version": minVersion } = raw.tls;
  const at = [...path, "tls"];
  if ((cert === undefined) !== (key === undefined))
    context.report(
      errorOf(`"${cert === undefined ? "cert" : "key"}" is missing`, "a certificate needs its key"),
      at,
      "key",
    );
  const pairs = certificates.map((pair, index) => ({ pair, path: [...at, "certificates", index] as Path }));
  if (cert !== undefined && key !== undefined) pairs.unshift({ pair: { cert, key }, path: at });
  if (pairs.length === 0)
    context.report(errorOf("TLS without a certificate", "give cert and key, or certificates"), at, "key");
  return {
    address: raw.address,
    tls: { certificates: pairs.map(({ pair, path: place }) => pairOf(pair, place, context)), minVersion },
  };
}

/** What goodgate.yaml does not say of TLS towards upstreams. */
export const UPSTREAM_TLS_STANDARD = {
  sni: true,
  nameText: null,
  certificateText: null,
  passwordFile: null,
  protocols: null,
  ciphers: null,
  sessionReuse: true,
  crl: null,
  verifyDepth: null,
} as const;

/** https:// endpoints turn TLS on; an upstream speaks TLS to all of its endpoints or to none. */
export function upstreamTlsOf(raw: FileUpstream, path: Path, context: CompleteContext): UpstreamTls | null {
  const schemes = raw.endpoints.map((endpoint) => ("scheme" in endpoint ? endpoint.scheme : endpoint.address.scheme));
  const wanted = raw.tls === undefined ? schemes.includes("https") : raw.tls !== false;
  schemes.forEach((scheme, index) => {
    if (scheme === null || (scheme === "https") === wanted) return;
    const hint =
      raw.tls === undefined ? "put them into two upstreams" : `write "${wanted ? "https" : "http"}://", or no scheme`;
    context.report(errorOf(`this endpoint is ${scheme}, and the upstream speaks ${wanted ? "TLS" : "no TLS"}`, hint), [
      ...path,
      "endpoints",
      index,
    ]);
  });
  if (!wanted) return null;
  const tls = raw.tls === true || raw.tls === false || raw.tls === undefined ? null : raw.tls;
  if (tls && (tls.cert === undefined) !== (tls.key === undefined)) {
    context.report(
      errorOf(`"${tls.cert === undefined ? "cert" : "key"}" is missing`, "a client certificate needs its key"),
      [...path, "tls"],
      "key",
    );
  }
  const client =
    tls?.cert !== undefined && tls.key !== undefined
      ? pairOf({ cert: tls.cert, key: tls.key }, [...path, "tls"], context)
      : null;
  return {
    verify: tls?.verify ?? true,
    ca: tls?.ca === undefined ? null : pemFile(tls.ca, "CERTIFICATE", [...path, "tls", "ca"], context).path,
    serverName: tls?.["server-name"] ?? null,
    cert: client?.cert ?? null,
    key: client?.key ?? null,
    minVersion: tls?.["min-version"] ?? "TLSv1.2",
    ...UPSTREAM_TLS_STANDARD,
    ...(tls ? upstreamTlsExtra.changeOf(tls) : {}),
  };
}

/** A certificate and its key, looked at. */
export function pairOf(
  pair: { cert: string; key: string },
  path: Path,
  context: CompleteContext,
): { cert: string; key: string } {
  const cert = pemFile(pair.cert, "CERTIFICATE", [...path, "cert"], context);
  const key = pemFile(pair.key, "PRIVATE KEY", [...path, "key"], context);
  if (cert.good && key.good) {
    const problem = certificateProblem(cert.path, key.path);
    if (problem) context.report(problem, [...path, "cert"]);
  }
  return { cert: cert.path, key: key.path };
}

/** A PEM file that the configuration names; `good` = it can be read and looks like one. */
export function pemFile(
  name: string,
  kind: "CERTIFICATE" | "PRIVATE KEY",
  at: Path,
  { file, report }: CompleteContext,
): { path: string; good: boolean } {
  const path = resolveBeside(file, name);
  const problem = pemProblem(path, kind);
  if (problem) report(problem, at);
  return { path, good: problem === null };
}
