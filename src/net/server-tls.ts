// TLS of virtual servers: what a ServerTlsConfig says as a tls.Server of Node. It never listens: whoever has read the
// ClientHello gives it the connection, so that versions, ciphers and rules for certificates of clients are those of the
// server that is meant. As in nginx, sessions go by the rules of the address's default server.
import { createHash, constants as cryptoConstants } from "node:crypto";
import type { Socket } from "node:net";
import {
  createSecureContext,
  createServer,
  type SecureVersion,
  type TLSSocket,
  type TlsOptions,
  type Server as TlsServer,
} from "node:tls";
import type { ServerTlsConfig, TlsVersion } from "../config/servers.ts";
import type { ClientHello } from "../wire/client-hello.ts";
import {
  certificatesIn,
  type Loaded,
  type PemPair,
  readPair,
  readPassphrases,
  readPem,
  revocationsIn,
} from "./pem-files.ts";
import { sessionStore, sharedTicketKey, ticketKeyFrom } from "./tls-sessions.ts";

/** What holds for sessions of an address. */
export type SessionRules = Pick<
  ServerTlsConfig,
  "sessionTimeoutMs" | "sessionTickets" | "sessionTicketKeys" | "sessionCache"
>;

/** Who hears of handshakes; `raw` is the socket that was given. */
export interface HandshakeListener {
  secured(socket: TLSSocket, raw: Socket): void;
  failed(error: Error, raw: Socket): void;
}

const VERSIONS: readonly TlsVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
const NO_VERSION: Readonly<Record<TlsVersion, number>> = {
  TLSv1: cryptoConstants.SSL_OP_NO_TLSv1,
  "TLSv1.1": cryptoConstants.SSL_OP_NO_TLSv1_1,
  "TLSv1.2": cryptoConstants.SSL_OP_NO_TLSv1_2,
  "TLSv1.3": cryptoConstants.SSL_OP_NO_TLSv1_3,
};
/** A client may not begin another handshake on a connection; node:crypto has no name for it. */
const NO_RENEGOTIATION = 0x4000_0000;
/** OpenSSL's own, which Node leaves out where a list names none. */
const SUITES = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
const DEFAULT_CIPHERS = "DEFAULT";

/** Versions as Node wants them: bounds, and what is left out between them. */
export function versionOptions(protocols: readonly TlsVersion[]): {
  minVersion: SecureVersion;
  maxVersion: SecureVersion;
  secureOptions: number;
} {
  const wanted = VERSIONS.filter((version) => protocols.includes(version));
  const [minVersion = "TLSv1.2"] = wanted;
  const maxVersion = wanted.at(-1) ?? "TLSv1.3";
  const between = VERSIONS.slice(VERSIONS.indexOf(minVersion), VERSIONS.indexOf(maxVersion));
  const missing = between.filter((version) => !wanted.includes(version));
  return { minVersion, maxVersion, secureOptions: missing.reduce((bits, version) => bits | NO_VERSION[version], 0) };
}

/** OpenSSL's list as Node wants it. */
export function cipherOption(ciphers: string): string {
  const names = ciphers.split(":");
  const list = ciphers === "" ? DEFAULT_CIPHERS : ciphers;
  return names.some((name) => name.startsWith("TLS_")) ? list : `${SUITES}:${list}`;
}

/** One server's side of handshakes. */
export class TlsAcceptor {
  readonly #server: TlsServer;
  /** What TLS 1.3 clients want to resume, by the session id that they send along. */
  readonly #wanted = new Map<string, Buffer>();

  private constructor(options: TlsOptions, sessions: SessionRules, listener: HandshakeListener) {
    this.#server = createServer(options);
    this.#server.on("secureConnection", (socket) => listener.secured(socket, rawOf(socket)));
    this.#server.on("tlsClientError", (error, socket) => {
      listener.failed(error, rawOf(socket));
      socket.destroy();
    });
    if (sessions.sessionCache === "shared" && !sessions.sessionTickets) this.#keepSessions(sessions);
  }

  /** Reads the files of a server; `pairs` are its certificates, rendered. */
  static load(
    tls: ServerTlsConfig,
    pairs: readonly { readonly cert: string; readonly key: string }[],
    sessions: SessionRules,
    listener: HandshakeListener,
  ): Loaded<TlsAcceptor> {
    const options = optionsOf(tls, pairs, sessions);
    if (!options.ok) return options;
    try {
      return { ok: true, value: new TlsAcceptor(options.value, sessions, listener) };
    } catch (error) {
      return { ok: false, problem: `SSL: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  /** Takes a connection; what was read of it has been put back. */
  accept(raw: Socket, hello: ClientHello | null): void {
    if (hello?.pskIdentity && hello.sessionId.length > 0 && this.#server.listenerCount("resumeSession") > 0) {
      const key = hello.sessionId.toString("hex");
      this.#wanted.set(key, hello.pskIdentity);
      raw.once("close", () => this.#wanted.delete(key));
    }
    this.#server.emit("connection", raw);
  }

  #keepSessions({ sessionTimeoutMs }: SessionRules): void {
    this.#server.on("newSession", (id: Buffer, session: Buffer, done: () => void) => {
      sessionStore.keep(id, session, sessionTimeoutMs);
      done();
    });
    this.#server.on("resumeSession", (id: Buffer, done: (error: Error | null, session: Buffer | null) => void) => {
      const wanted = this.#wanted.get(id.toString("hex"));
      done(null, sessionStore.find(id) ?? (wanted ? sessionStore.find(wanted) : null));
    });
  }
}

/** What is wrong with the certificates of servers, in nginx's words; those that are chosen per handshake are not looked at. */
export function certificateProblem(servers: readonly { readonly tls: ServerTlsConfig | null }[]): string | null {
  for (const { tls } of servers) {
    const pairs = tls?.certificates.map(({ cert, key }) => ({ cert: plainText(cert), key: plainText(key) })) ?? [];
    const fixed = pairs.filter(
      (pair): pair is { cert: string; key: string } => pair.cert !== null && pair.key !== null,
    );
    if (!tls || pairs.length === 0 || fixed.length < pairs.length) continue;
    const options = optionsOf(tls, fixed, tls);
    if (!options.ok) return options.problem;
    try {
      createSecureContext(options.value);
    } catch (error) {
      return `SSL: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  return null;
}

/** A text without variables as it is read; null = it has some. */
function plainText(text: string): string | null {
  const rest = text.replaceAll("{{", "");
  return rest.includes("{") ? null : text.replaceAll("{{", "{");
}

/** tls.Server makes its sockets itself; node:tls does not document where it keeps the one that it was given. */
function rawOf(socket: TLSSocket): Socket {
  return (socket as unknown as { readonly _parent: Socket })._parent;
}

function optionsOf(
  tls: ServerTlsConfig,
  names: readonly { readonly cert: string; readonly key: string }[],
  sessions: SessionRules,
): Loaded<TlsOptions> {
  const passphrases = readPassphrases(tls.passwordFile);
  if (!passphrases.ok) return passphrases;
  const pairs: PemPair[] = [];
  for (const { cert, key } of names) {
    const pair = readPair(cert, key, passphrases.value);
    if (!pair.ok) return pair;
    pairs.push(pair.value);
  }
  const files = extraFiles(tls);
  if (!files.ok) return files;
  const { ca, ...more } = files.value;
  const tickets = ticketKeys(sessions);
  if (!tickets.ok) return tickets;
  const { secureOptions, ...versions } = versionOptions(tls.protocols);
  const verified = createHash("sha256").update(`${tls.verifyClient} ${tls.verifyDepth}`);
  for (const part of [...pairs.map(({ cert }) => cert), ...ca]) verified.update(part);
  return {
    ok: true,
    value: {
      ...versions,
      ...more,
      cert: pairs.map(({ cert }) => cert),
      key: pairs.map(({ key }) => key),
      ciphers: cipherOption(tls.ciphers),
      honorCipherOrder: tls.preferServerCiphers,
      ecdhCurve: tls.curves === "" ? "auto" : tls.curves,
      requestCert: tls.verifyClient !== "off",
      rejectUnauthorized: false,
      // [] = nobody is trusted; without it Node trusts its own list.
      ...(tls.verifyClient === "off" ? {} : { ca }),
      ALPNProtocols: [...tls.alpn],
      sessionTimeout: Math.max(1, Math.ceil(sessions.sessionTimeoutMs / 1000)),
      sessionIdContext: verified.digest("hex").slice(0, 32),
      ticketKeys: tickets.value,
      secureOptions:
        secureOptions | NO_RENEGOTIATION | (sessions.sessionTickets ? 0 : cryptoConstants.SSL_OP_NO_TICKET),
      handshakeTimeout: tls.handshakeTimeoutMs,
      allowHalfOpen: true,
    },
  };
}

/** Files beside the certificates. */
function extraFiles({ clientCa, trustedCa, crl, dhparam, verifyClient }: ServerTlsConfig): Loaded<{
  ca: string[];
  crl?: string[];
  dhparam?: Buffer;
}> {
  const ca: string[] = [];
  for (const [name, call] of [
    [clientCa, "SSL_CTX_load_verify_locations"],
    [trustedCa, "SSL_CTX_load_verify_locations"],
  ] as const) {
    if (name === null) continue;
    const bundle = readPem(name, call);
    if (!bundle.ok) return bundle;
    ca.push(...certificatesIn(bundle.value));
  }
  const result: { ca: string[]; crl?: string[]; dhparam?: Buffer } = { ca: [...new Set(ca)] };
  if (crl !== null) {
    const list = readPem(crl, "X509_LOOKUP_load_file");
    if (!list.ok) return list;
    if (verifyClient !== "off") result.crl = revocationsIn(list.value);
  }
  if (dhparam !== null) {
    const parameters = readPem(dhparam, "dhparam");
    if (!parameters.ok) return parameters;
    result.dhparam = parameters.value;
  }
  return { ok: true, value: result };
}

/** Node has one key: the first file's, with which nginx encrypts, too. */
function ticketKeys({ sessionTicketKeys }: SessionRules): Loaded<Buffer> {
  const [path] = sessionTicketKeys;
  if (path === undefined) return { ok: true, value: sharedTicketKey() };
  const file = readPem(path, "ssl_session_ticket_key", "open");
  if (!file.ok) return file;
  const key = ticketKeyFrom(file.value);
  return key ? { ok: true, value: key } : { ok: false, problem: `"${path}" must be 48 or 80 bytes` };
}
