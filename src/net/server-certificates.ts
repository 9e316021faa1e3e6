// The certificates of a TLS listener: which one a client gets by the name that it asks for (SNI), and how new files
// take the place of old ones without a restart.
//
// - An exact name comes before a wildcard, which covers one label (RFC 9525 §6.3); no name, or one that fits none,
//   gets the first certificate. Of two certificates for the same name the first counts.
// - New files are used by handshakes from then on; connections that stand are not touched. Files that cannot be used
//   are reported and the old certificates stay: all of them, so that what is served is always one whole set.
import { createHash, randomBytes } from "node:crypto";
import { createSecureContext, type SecureContext, type Server, type TlsOptions } from "node:tls";
import type { ListenerTls, Problem } from "../config/config.ts";
import { type KeyPair, namesOf, readKeyPair } from "./key-pair.ts";
import { type FileContents, readFilesSync, WatchedFiles, type WatchOptions } from "./watched-files.ts";

type SniDone = (error: Error | null, context?: SecureContext) => void;

/** What one reading of the files gave. */
interface CertificateSet {
  readonly first: KeyPair;
  readonly firstContext: SecureContext;
  readonly exact: ReadonlyMap<string, SecureContext>;
  /** "*.example.com" under "example.com". */
  readonly wildcard: ReadonlyMap<string, SecureContext>;
}

/** The certificates of one listener. */
export class ServerCertificates {
  readonly #tls: ListenerTls;
  readonly #shared: SharedOptions;
  readonly #servers = new Set<Server>();
  #contents: FileContents;
  #set: CertificateSet;
  #watched: WatchedFiles | null = null;

  private constructor(tls: ListenerTls, shared: SharedOptions, contents: FileContents, set: CertificateSet) {
    this.#tls = tls;
    this.#shared = shared;
    this.#contents = contents;
    this.#set = set;
  }

  /** Reads the files of a listener; `certificates` is null where a problem is an error. */
  static load(tls: ListenerTls): { certificates: ServerCertificates | null; problems: readonly Problem[] } {
    const contents = readFilesSync(tls.certificates.flatMap(({ cert, key }) => [cert, key]));
    const shared: SharedOptions = {
      minVersion: tls.minVersion,
      ALPNProtocols: ["http/1.1"],
      sessionIdContext: createHash("sha256").update("goodgate").digest("hex").slice(0, 32),
      // Kept over reloads, so that sessions of clients outlive a renewal of the certificate.
      ticketKeys: randomBytes(48),
    };
    const { set, problems } = buildSet(tls, shared, contents);
    return { certificates: set && new ServerCertificates(tls, shared, contents, set), problems };
  }

  /** The context for the name that a client asks for. */
  secureContextFor(serverName: string): SecureContext {
    const name = serverName.toLowerCase();
    const { exact, wildcard, firstContext } = this.#set;
    const dot = name.indexOf(".");
    return exact.get(name) ?? (dot > 0 ? wildcard.get(name.slice(dot + 1)) : undefined) ?? firstContext;
  }

  /** Options for tls.createServer, followed by attach(server). */
  serverOptions(): TlsOptions {
    const { cert, key } = this.#set.first;
    return { ...this.#shared, cert, key, SNICallback: this.sniCallback };
  }

  /** Options for `new TLSSocket(socket, …)`, where sockets are accepted by other means; to be asked for each socket. */
  socketOptions(): {
    isServer: true;
    secureContext: SecureContext;
    SNICallback: (serverName: string, done: SniDone) => void;
    ALPNProtocols: string[];
  } {
    return {
      isServer: true,
      secureContext: this.#set.firstContext,
      SNICallback: this.sniCallback,
      ALPNProtocols: this.#shared.ALPNProtocols,
    };
  }

  /** For node:tls; clients without SNI get the server's own context instead (see attach). */
  readonly sniCallback = (serverName: string, done: SniDone): void => done(null, this.secureContextFor(serverName));

  /** Keeps a server's default context, which serves clients without SNI, up to date. */
  attach(server: Server): void {
    this.#servers.add(server);
    server.once("close", () => this.#servers.delete(server));
  }

  /** Follows the files from now on. `report` hears of each change: what is wrong with it, or that it is in use. */
  watch(report: (problems: readonly Problem[], reloaded: boolean) => void, options?: WatchOptions): void {
    this.#watched ??= new WatchedFiles(
      this.#contents,
      (contents) => {
        const { set, problems } = buildSet(this.#tls, this.#shared, contents);
        if (set) this.#use(contents, set);
        report(problems, set !== null);
      },
      options,
    );
  }

  close(): void {
    this.#watched?.close();
    this.#watched = null;
  }

  #use(contents: FileContents, set: CertificateSet): void {
    this.#contents = contents;
    this.#set = set;
    for (const server of this.#servers)
      server.setSecureContext({ ...this.#shared, cert: set.first.cert, key: set.first.key });
  }
}

interface SharedOptions {
  readonly minVersion: ListenerTls["minVersion"];
  readonly ALPNProtocols: string[];
  readonly sessionIdContext: string;
  readonly ticketKeys: Buffer;
}

function buildSet(
  tls: ListenerTls,
  shared: SharedOptions,
  contents: FileContents,
): { set: CertificateSet | null; problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const exact = new Map<string, SecureContext>();
  const wildcard = new Map<string, SecureContext>();
  let first: KeyPair | null = null;
  let firstContext: SecureContext | null = null;
  for (const paths of tls.certificates) {
    const pair = readKeyPair(contents, paths.cert, paths.key, problems);
    const context = pair && contextOf(pair, shared, paths.cert, problems);
    if (!pair || !context) continue;
    first ??= pair;
    firstContext ??= context;
    for (const name of namesOf(pair.leaf)) {
      const [names, key] = name.startsWith("*.") ? [wildcard, name.slice(2)] : [exact, name];
      if (!names.has(key)) names.set(key, context);
    }
  }
  if (tls.certificates.length === 0) {
    const hint = "Give at least one certificate with its key.";
    problems.push({ severity: "error", message: "A listener with TLS has no certificate.", hint });
  }
  const broken = !first || !firstContext || problems.some((problem) => problem.severity === "error");
  return { set: broken ? null : { first: first!, firstContext: firstContext!, exact, wildcard }, problems };
}

/** OpenSSL's own objections (a key that is too small, a chain that cannot be read) as a problem. */
function contextOf(pair: KeyPair, shared: SharedOptions, path: string, problems: Problem[]): SecureContext | null {
  try {
    return createSecureContext({ ...shared, cert: pair.cert, key: pair.key });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    problems.push({ severity: "error", message: `OpenSSL does not take the certificate ${path}: ${reason}.` });
    return null;
  }
}
