// Which virtual server a TLS handshake is with, by the name in the ClientHello, and with what certificates: those of
// static files are loaded with the configuration, those with variables when a client comes, kept by their content.
// What the handshake has agreed on is judged when a request has come (tlsProblem), as nginx does: a server that wants
// certificates of clients refuses with a page that says so, not with an alert that nobody understands.
import type { ListenerConfig } from "../../config/config.ts";
import type { ServerTlsConfig } from "../../config/servers.ts";
import { fullName, type Loaded, readPem } from "../../net/pem-files.ts";
import { type HandshakeListener, type SessionRules, TlsAcceptor } from "../../net/server-tls.ts";
import { readHost } from "../../routing/host.ts";
import type { ClientHello } from "../../wire/client-hello.ts";
import type { ClientConnection } from "../client-connection.ts";
import { Exchange } from "../exchange.ts";
import { UNREADABLE } from "../unreadable.ts";
import type { ServerPlan } from "./plan.ts";
import { ServerRequest } from "./request.ts";
import type { Servers } from "./servers.ts";
import { helloFacts } from "./tls-facts.ts";

/** What a connection keeps of its handshake. */
export interface Handshake {
  /** Asked for by the client, lower case; "" = none. */
  readonly serverName: string;
  readonly tls: ServerTlsConfig;
  /** Why the client's certificate is not trusted: OpenSSL's code and words; null = it is, or there is none. */
  verifyError: { readonly code: string; readonly text: string } | null;
}

/** What is done with a ClientHello. */
type Choice =
  | { readonly acceptor: TlsAcceptor; readonly handshake: Handshake }
  /** A fatal alert; `why` is for the log. */
  | { readonly alert: number; readonly why: string };

const UNRECOGNIZED_NAME = 112;
const INTERNAL_ERROR = 80;
/** Of certificates with variables so many are kept ready. */
const DYNAMIC_MAX = 200;

/** How the handshakes of one configuration go. */
export class Handshakes {
  readonly #servers: Servers;
  readonly #listener: HandshakeListener;
  /** By the server's rules, and those for sessions of its address. */
  readonly #fixed = new Map<ServerTlsConfig, Map<string, TlsAcceptor>>();
  /** By all that they are made of; the one used longest ago goes first. */
  readonly #dynamic = new Map<string, TlsAcceptor>();

  constructor(servers: Servers, listener: HandshakeListener) {
    this.#servers = servers;
    this.#listener = listener;
  }

  /** Loads what does not depend on a client; what nginx would say where that is not possible. */
  load(): string | null {
    for (const { server, main } of this.#servers.withTls()) {
      const { tls } = server.config;
      if (!tls || tls.certificates.length === 0 || this.#textsOf(tls) !== null) continue;
      const loaded = this.#fixedFor(tls, main.config.tls ?? tls);
      if (!loaded.ok) return loaded.problem;
    }
    return null;
  }

  /** Chooses for a client; `hello` null = it could not be read, and OpenSSL will say so. */
  choose(client: ClientConnection, hello: ClientHello | null): Choice {
    const serverName = readHost(hello?.serverName ?? "")?.host ?? "";
    const { server, main } = this.#servers.forHandshake(client, serverName);
    const own = server.config.tls;
    // A server without certificates takes part with those of the default server.
    const tls = own && (own.certificates.length > 0 || own.rejectHandshake) ? own : main.config.tls;
    if (!tls || (tls.rejectHandshake && hello !== null)) {
      return { alert: UNRECOGNIZED_NAME, why: "handshake rejected while SSL handshaking" };
    }
    const sessions = main.config.tls ?? tls;
    const loaded =
      this.#textsOf(tls) === null
        ? this.#fixedFor(tls, sessions)
        : this.#dynamicFor(client, hello, { server: own ? server : main, tls, sessions, serverName });
    if (!loaded.ok) return { alert: INTERNAL_ERROR, why: `${loaded.problem} while SSL handshaking` };
    return { acceptor: loaded.value, handshake: { serverName, tls: own ?? tls, verifyError: null } };
  }

  #textsOf({ certificates }: ServerTlsConfig): true | null {
    const { compiler } = this.#servers;
    const isFixed = ({ cert, key }: { readonly cert: string; readonly key: string }): boolean =>
      compiler.text(cert).constant !== null && compiler.text(key).constant !== null;
    return certificates.every(isFixed) ? null : true;
  }

  #fixedFor(tls: ServerTlsConfig, sessions: SessionRules): Loaded<TlsAcceptor> {
    const byRules = this.#fixed.get(tls) ?? new Map<string, TlsAcceptor>();
    this.#fixed.set(tls, byRules);
    const rules = sessionKey(sessions);
    const known = byRules.get(rules);
    if (known) return { ok: true, value: known };
    const { compiler } = this.#servers;
    const constant = (text: string): string => compiler.text(text).constant ?? "";
    const pairs = tls.certificates.map(({ cert, key }) => ({ cert: constant(cert), key: constant(key) }));
    const loaded = TlsAcceptor.load(tls, pairs, sessions, this.#listener);
    if (loaded.ok) byRules.set(rules, loaded.value);
    return loaded;
  }

  #dynamicFor(
    client: ClientConnection,
    hello: ClientHello | null,
    {
      server,
      tls,
      sessions,
      serverName,
    }: {
      server: ServerPlan;
      tls: ServerTlsConfig;
      sessions: SessionRules;
      serverName: string;
    },
  ): Loaded<TlsAcceptor> {
    client.tlsFacts = helloFacts(hello, serverName || undefined);
    const exchange = new Exchange(client, client.gateway.runtime, UNREADABLE);
    const { subject } = new ServerRequest(exchange, this.#servers, server);
    const { compiler, config } = this.#servers;
    const file = (text: string): string => fullName(compiler.text(text).render(subject), config.certificatesFrom ?? "");
    const pairs: { cert: string; key: string }[] = [];
    for (const { cert, key } of tls.certificates) {
      const pair = { cert: file(cert), key: file(key) };
      // nginx: an empty name is no certificate.
      if (pair.cert !== "") pairs.push(pair);
    }
    const inline: { cert: string; key: string }[] = [];
    for (const { cert, key } of pairs) {
      const certPem = readPem(cert, "cannot load certificate");
      if (!certPem.ok) return certPem;
      const keyPem = readPem(key, "cannot load certificate key");
      if (!keyPem.ok) return keyPem;
      inline.push({ cert: `data:${certPem.value.toString("latin1")}`, key: `data:${keyPem.value.toString("latin1")}` });
    }
    const key = JSON.stringify([this.#servers.config.servers.indexOf(server.config), sessionKey(sessions), inline]);
    const known = this.#dynamic.get(key);
    this.#dynamic.delete(key);
    const loaded: Loaded<TlsAcceptor> = known
      ? { ok: true, value: known }
      : TlsAcceptor.load(tls, inline, sessions, this.#listener);
    if (loaded.ok) this.#dynamic.set(key, loaded.value);
    for (const oldest of this.#dynamic.keys()) {
      if (this.#dynamic.size <= DYNAMIC_MAX) break;
      this.#dynamic.delete(oldest);
    }
    return loaded;
  }
}

/** The handshakes of a configuration, their files loaded; null = it has no listener for TLS. Throws what nginx says. */
export function handshakesOf(
  servers: Servers | null,
  listeners: readonly ListenerConfig[],
  listener: HandshakeListener,
): Handshakes | null {
  if (!servers || !listeners.some(({ serversTls }) => serversTls)) return null;
  const handshakes = new Handshakes(servers, listener);
  const problem = handshakes.load();
  if (problem !== null) throw new Error(problem);
  return handshakes;
}

function sessionKey({ sessionCache, sessionTickets, sessionTicketKeys, sessionTimeoutMs }: SessionRules): string {
  return JSON.stringify([sessionCache, sessionTickets, sessionTicketKeys, sessionTimeoutMs]);
}

/** A TLS record with a fatal alert. */
export function alertRecord(alert: number): Buffer {
  return Buffer.from([0x15, 3, 3, 0, 2, 2, alert]);
}

/** Verifications that "optional-no-ca" passes over: nobody vouches for the certificate. */
const NOBODY_VOUCHES: ReadonlySet<string> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_UNTRUSTED",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** What is wrong with a request because of its connection: a status of nginx; 0 = nothing. */
export function tlsProblem(request: ServerRequest): 0 | 421 | 495 | 496 | 497 {
  const { client } = request.exchange;
  if (client.plainOnTls) {
    request.log("info", "client sent plain HTTP request to HTTPS port");
    return 497;
  }
  const { handshake } = client;
  if (handshake === null) return 0;
  const { verifyClient } = request.server.config.tls ?? handshake.tls;
  if (verifyClient === "off") return 0;
  if (handshake.serverName !== "" && request.host !== "" && request.host !== handshake.serverName) {
    request.log("info", "client attempted to request the server name different from the one that was negotiated");
    return 421;
  }
  const { verifyError } = handshake;
  if (verifyError && !(verifyClient === "optional-no-ca" && NOBODY_VOUCHES.has(verifyError.code))) {
    request.log("info", `client SSL certificate verify error: (${verifyError.code}:${verifyError.text})`);
    return 495;
  }
  if (verifyClient === "on" && client.tlsFacts?.client === undefined) {
    request.log("info", "client sent no required SSL certificate");
    return 496;
  }
  return 0;
}
