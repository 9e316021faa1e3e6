// TLS toward an upstream: the CA, the client certificate and the name that is asked for and verified.
//
// - Verification is on unless the configuration turns it off. Without a CA of its own an upstream is verified against
//   the machine's CA bundle (where a company installs its CA), plus NODE_EXTRA_CA_CERTS; node's list otherwise.
// - The name is `server-name`, else the endpoint's host name. Connections are pooled per endpoint, so it never depends
//   on a request: an endpoint given as an IP address gets no SNI and must have that address in its certificate, a
//   Unix socket must be "localhost", unless `server-name` says otherwise.
// - The last session of each endpoint is kept and offered, which saves the certificates and a signature. It goes when
//   files change: a session was verified against what was trusted then.
import { existsSync } from "node:fs";
import { isIP } from "node:net";
import tls from "node:tls";
import type { Address, Problem, UpstreamTls } from "../config/config.ts";
import { contentOf, parseCertificate, readKeyPair } from "./key-pair.ts";
import { type PemPair, readPair, readPassphrases, revocationsIn } from "./pem-files.ts";
import { cipherOption, versionOptions } from "./server-tls.ts";
import { isTooDeep } from "./verify-depth.ts";
import { type FileContents, readFilesSync, WatchedFiles, type WatchOptions } from "./watched-files.ts";

/** Where distributions keep the CA bundle: Debian and Alpine, Red Hat, SUSE, BSD and macOS. */
const CA_BUNDLES: readonly string[] = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** Certificates that requests name. */
const NAMED_MAX = 200;
/** Addresses of names change over the months, and each has its session. */
const SESSIONS_MAX = 1_000;

/** Reads the files; `context` is null where a problem is an error. */
export function createUpstreamTls(config: UpstreamTls): {
  context: UpstreamTlsContext | null;
  problems: readonly Problem[];
} {
  const { ca, cert, key, crl } = config;
  const paths = [ca, cert, key, crl].filter((path) => path !== null && !path.startsWith("data:")) as string[];
  const contents = readFilesSync(paths);
  const { secureContext, problems } = buildContext(config, contents);
  return { context: secureContext && new UpstreamTlsContext(config, contents, secureContext), problems };
}

/** What one request wants of a handshake. */
export interface TlsWishes {
  /** Instead of the name of the configuration: sent and verified. */
  readonly serverName?: string;
  /** A certificate of its own: files, or "data:" and the PEM text. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** Tells certificates apart. */
  readonly certificateKey?: string;
}

/** What connections to the endpoints of one upstream share. */
export class UpstreamTlsContext {
  readonly config: UpstreamTls;
  readonly #contents: FileContents;
  readonly #sessions = new Map<string, Buffer>();
  #secureContext: tls.SecureContext;
  #watched: WatchedFiles | null = null;
  /** With certificates that requests have named, by their content. */
  readonly #named = new Map<string, tls.SecureContext>();

  constructor(config: UpstreamTls, contents: FileContents, secureContext: tls.SecureContext) {
    this.config = config;
    this.#contents = contents;
    this.#secureContext = secureContext;
  }

  /** The name or IP address that the certificate of an endpoint must be for. */
  identityOf(address: Address, { serverName }: TlsWishes = {}): string {
    const named = serverName ?? this.config.serverName;
    if (named !== null) return named.replace(/^\[|\]$/g, "");
    return address.kind === "unix" ? "localhost" : address.host.replace(/^\[|\]$|\.$/g, "");
  }

  /** Options for tls.connect, without the socket; an error = the certificate that is wished for cannot be used. */
  connectOptions(address: Address, endpoint: string, wishes: TlsWishes = {}): tls.ConnectionOptions | Error {
    const identity = this.identityOf(address, wishes);
    const session = this.config.sessionReuse ? this.#sessions.get(endpoint) : undefined;
    const secureContext = wishes.certificate ? this.#contextWith(wishes.certificate) : this.#secureContext;
    if (secureContext instanceof Error) return secureContext;
    const named = this.config.serverName !== null || wishes.serverName !== undefined;
    return {
      secureContext,
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: this.config.verify,
      checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(identity, certificate),
      // RFC 6066 §3: no IP addresses in SNI. A Unix socket's "localhost" is our convention, not a name to send.
      ...(this.config.sni && isIP(identity) === 0 && identity !== "" && (address.kind === "tcp" || named)
        ? { servername: identity }
        : {}),
      ...(session ? { session } : {}),
    };
  }

  /** Keeps the sessions that the endpoint hands out on a connection made with `options`; the last one counts. */
  rememberSessions(socket: tls.TLSSocket, endpoint: string, options: tls.ConnectionOptions): void {
    socket.on("session", (session: Buffer) => {
      // One that was verified against what was trusted before a reload must not be resumed after it.
      if (options.secureContext !== this.#secureContext && !this.#isNamed(options.secureContext)) return;
      if (this.#sessions.size >= SESSIONS_MAX) this.#sessions.clear();
      this.#sessions.set(endpoint, session);
    });
  }

  /** What is wrong with the chain of a server that was verified. */
  chainProblem(socket: tls.TLSSocket): Error | null {
    const { verify, verifyDepth } = this.config;
    if (!verify || verifyDepth === null || !isTooDeep(socket, verifyDepth)) return null;
    return Object.assign(new Error("certificate chain too long"), { code: "CERT_CHAIN_TOO_LONG" });
  }

  #isNamed(context: tls.SecureContext | undefined): boolean {
    return context !== undefined && [...this.#named.values()].includes(context);
  }

  /** As for everybody, but with this certificate. It is read anew, so that a new file is used at once. */
  #contextWith({ cert, key }: { readonly cert: string; readonly key: string }): tls.SecureContext | Error {
    const passphrases = readPassphrases(this.config.passwordFile);
    const pair = passphrases.ok ? readPair(cert, key, passphrases.value) : passphrases;
    if (!pair.ok) return Object.assign(new Error(pair.problem), { code: "ERR_OSSL_PEM_NO_START_LINE" });
    const content = `${pair.value.cert.toString("latin1")} ${pair.value.key.toString("latin1")}`;
    const known = this.#named.get(content);
    if (known) return known;
    const { secureContext, problems } = buildContext(this.config, this.#contents, pair.value);
    if (!secureContext) return new Error(problems[0]?.message ?? "");
    if (this.#named.size >= NAMED_MAX) this.#named.clear();
    this.#named.set(content, secureContext);
    return secureContext;
  }

  /** A session that a handshake failed with is not offered again. */
  forgetSession(endpoint: string): void {
    this.#sessions.delete(endpoint);
  }

  /** Follows the files from now on; a broken new file is reported and the old ones stay in use. */
  watch(report: (problems: readonly Problem[], reloaded: boolean) => void, options?: WatchOptions): void {
    if (this.#watched || this.#contents.size === 0) return;
    const onChange = (contents: FileContents) => {
      const { secureContext, problems } = buildContext(this.config, contents);
      if (secureContext) {
        this.#secureContext = secureContext;
        this.#named.clear();
        this.#sessions.clear();
      }
      report(problems, secureContext !== null);
    };
    this.#watched = new WatchedFiles(this.#contents, onChange, options);
  }

  close(): void {
    this.#watched?.close();
    this.#watched = null;
    this.#sessions.clear();
  }
}

const plainContexts = new Map<UpstreamTls["minVersion"], tls.SecureContext>();

function buildContext(
  config: UpstreamTls,
  contents: FileContents,
  given: PemPair | null = null,
): { secureContext: tls.SecureContext | null; problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const pair = given ?? clientPair(config, contents, problems);
  const ca = authorities(config, contents, problems);
  if (problems.some((problem) => problem.severity === "error")) return { secureContext: null, problems };
  // Reading the machine's bundle costs OpenSSL 25 ms: upstreams with nothing of their own share one context.
  const { protocols, ciphers, crl } = config;
  const plain = contents.size === 0 && config.verify && !pair && protocols === null && ciphers === null && crl === null;
  const shared = plain ? plainContexts.get(config.minVersion) : undefined;
  if (shared) return { secureContext: shared, problems };
  try {
    const secureContext = tls.createSecureContext({
      ...(protocols ? versionOptions(protocols) : { minVersion: config.minVersion }),
      ...(ciphers === null ? {} : { ciphers: cipherOption(ciphers) }),
      ...(crl === null ? {} : { crl: revocations(contents, crl, problems) }),
      ...(ca ? { ca } : {}),
      ...(pair ? { cert: pair.cert, key: pair.key } : {}),
    });
    if (problems.some((problem) => problem.severity === "error")) return { secureContext: null, problems };
    if (plain) plainContexts.set(config.minVersion, secureContext);
    return { secureContext, problems };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const files = [...contents.keys()].join(", ");
    problems.push({ severity: "error", message: `OpenSSL does not take the TLS files ${files}: ${reason}.` });
    return { secureContext: null, problems };
  }
}

function revocations(contents: FileContents, path: string, problems: Problem[]): string[] {
  const file = contentOf(contents, path, "the list of revoked certificates", problems);
  return file ? revocationsIn(file) : [];
}

function clientPair(config: UpstreamTls, contents: FileContents, problems: Problem[]): PemPair | null {
  const { cert, key, passwordFile } = config;
  if (cert !== null && key !== null && (passwordFile !== null || cert.startsWith("data:") || key.startsWith("data:"))) {
    const passphrases = readPassphrases(passwordFile);
    const pair = passphrases.ok ? readPair(cert, key, passphrases.value) : passphrases;
    if (pair.ok) return pair.value;
    problems.push({ severity: "error", message: pair.problem });
    return null;
  }
  if (config.cert !== null && config.key !== null) return readKeyPair(contents, config.cert, config.key, problems);
  if (config.cert === null && config.key === null) return null;
  problems.push({
    severity: "error",
    message:
      config.key === null
        ? `The client certificate ${config.cert} has no key beside it.`
        : `The client key ${config.key} has no certificate beside it.`,
    hint: "A client certificate needs both: cert and key.",
  });
  return null;
}

function authorities(config: UpstreamTls, contents: FileContents, problems: Problem[]): Buffer[] | null {
  if (!config.verify) return null;
  if (config.ca === null) return systemAuthorities();
  const ca = contentOf(contents, config.ca, "the CA file", problems);
  return ca && parseCertificate(ca, config.ca, problems) ? [ca] : null;
}

let machineAuthorities: Buffer[] | undefined;

/** The CA bundle of this machine, read once; null = node's own list. */
export function systemAuthorities(): Buffer[] | null {
  if (!machineAuthorities) {
    const bundle = process.env["SSL_CERT_FILE"] ?? CA_BUNDLES.find((path) => existsSync(path));
    const paths = bundle === undefined ? [] : [bundle, process.env["NODE_EXTRA_CA_CERTS"]];
    const distinct = [...new Set(paths.filter((path) => path !== undefined))];
    machineAuthorities = [...readFilesSync(distinct).values()].filter((content) => Buffer.isBuffer(content));
  }
  return machineAuthorities.length > 0 ? machineAuthorities : null;
}
