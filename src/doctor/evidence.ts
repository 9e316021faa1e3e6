// What doctor works with, as plain data (all of it goes into --json): what was asked, what each check saw, what could
// not be looked at. Nothing here concludes: diagnose/ reads it, report/ shows it. Times of day are milliseconds since
// 1970 (atMs), durations Ms. Failures are those of the failure table, made where they were seen (failure/classify.ts).
import type { Failure } from "../failure/failure.ts";
import type { Bytes, Ms } from "../std/units.ts";
import type { ConfigEvidence, ConfiguredRoute, Finding, Listen, Pool } from "./configs/model.ts";
import type { LocalEvidence, LocalProcess } from "./local/model.ts";
import type { LogEvidence } from "./logs/model.ts";
import type { PageMaker } from "./page/model.ts";
import type { SoftwareId } from "./software.ts";
import type { TimeoutChain } from "./timeouts/model.ts";

/** Where a thing stands in a file; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Where to connect. */
export type Spot =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/**
 * One thing that is probed: url = what the address leads to through DNS, origin = named by --origin, endpoint = a
 * member of a pool in a configuration that was given.
 */
export interface Target {
  /** "url", "origin 10.0.0.7:3000", "endpoint app 127.0.0.1:3000". */
  readonly id: string;
  readonly role: "url" | "origin" | "endpoint";
  /** How far behind the address that visitors use: 0 = that one. Of two that fail the deeper is nearer to the fault. */
  readonly depth: number;
  readonly scheme: "http" | "https";
  readonly spot: Spot;
  /** The Host field, with a port where it is not the scheme's own. */
  readonly host: string;
  /** The name in the ClientHello; null = none is sent (an IP address, or the gateway sends none). */
  readonly serverName: string | null;
  /** Whether certificates are verified, against which names; a gateway may not. */
  readonly verify: boolean;
  /** Path and query. */
  readonly path: string;
  /** Further certificate authorities, PEM. */
  readonly ca: readonly string[];
  /** endpoint only: the pool it is in, where it is configured, and how checks ask for it. */
  readonly pool: { readonly name: string; readonly at: Place | null; readonly healthPath: string | null } | null;
}

/** How much may be done; all probes of a target share `requestsMax`. */
export interface ProbeLimits {
  /** HTTP requests per target. */
  readonly requestsMax: number;
  /** By then all probes have ended. */
  readonly totalMs: Ms;
  readonly connectMs: Ms;
  readonly tlsMs: Ms;
  /** Silence until a response head. */
  readonly headMs: Ms;
  /** How long idle connections are watched. */
  readonly idleMs: Ms;
  /** Whether a WebSocket handshake is tried. */
  readonly upgrade: boolean;
  /** A DNS server that is asked beside the system's: "192.0.2.53" or "127.0.0.1:5353"; null = only the system's. */
  readonly resolver: string | null;
}

export interface DnsAnswer {
  readonly type: "A" | "AAAA" | "CNAME";
  /** NOERROR, NXDOMAIN, SERVFAIL …; null = no answer came. */
  readonly rcode: string | null;
  readonly records: readonly { readonly value: string; readonly ttlSeconds: number }[];
  readonly tookMs: Ms;
  readonly failure: Failure | null;
}

export interface DnsEvidence {
  readonly name: string;
  /** getaddrinfo: hosts file and search list included. */
  readonly system: { readonly addresses: readonly string[]; readonly tookMs: Ms; readonly failure: Failure | null };
  /** What DNS servers themselves said: of those in resolv.conf, and of the given one. */
  readonly servers: readonly {
    readonly server: string;
    readonly given: boolean;
    readonly answers: readonly DnsAnswer[];
  }[];
}

/** Connecting to one address, several times. */
export interface TcpEvidence {
  /** "10.0.0.1:443", "[::1]:443", "unix:/run/app.sock". */
  readonly address: string;
  readonly family: 4 | 6 | "unix";
  readonly tries: readonly { readonly tookMs: Ms; readonly failure: Failure | null }[];
}

export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  /** DNS names and IP addresses that it is for. */
  readonly names: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly selfSigned: boolean;
  readonly fingerprint: string;
}

/** One handshake. */
export interface TlsTry {
  readonly what: "as-asked" | "no-name" | "other-name" | "tls1.2" | "tls1.3";
  readonly serverName: string | null;
  /** "TLSv1.3"; null = it failed before. */
  readonly protocol: string | null;
  readonly cipher: string | null;
  /** "h2", "http/1.1"; null = none was chosen. */
  readonly alpn: string | null;
  /** As sent, the server's own first; also where verification failed. */
  readonly chain: readonly CertificateFacts[];
  /** Of the handshake (alert, plain text on the port, silence). */
  readonly failure: Failure | null;
  /** Of verification, looked at apart: a handshake that succeeds may show a certificate that nobody should trust. */
  readonly untrusted: Failure | null;
  readonly tookMs: Ms;
}

export interface TlsEvidence {
  readonly address: string;
  readonly tries: readonly TlsTry[];
  /** A plain GET to the TLS port, or a ClientHello to the plain one: what answered. */
  readonly otherWay: {
    readonly asked: "plain-http" | "tls";
    readonly answered: "http" | "tls" | "nothing" | "other";
    readonly status: number | null;
  } | null;
}

export interface HttpTimings {
  readonly connectMs: Ms | null;
  readonly tlsMs: Ms | null;
  /** From the request sent to the response head. */
  readonly headMs: Ms | null;
  readonly bodyMs: Ms | null;
  readonly totalMs: Ms;
}

/** One request with its response, or how it failed. */
export interface HttpTry {
  /** baseline; second on the same connection; after an idle gap; one of the repeats; the variants by their names. */
  readonly what:
    | "baseline"
    | "reused"
    | "reused-after-gap"
    | "fresh"
    | "h2"
    | "encoded"
    | "redirect"
    | "health"
    | "upgrade"
    | "no-name"
    | "trace";
  readonly address: string;
  readonly protocol: "http/1.1" | "h2";
  readonly method: "GET" | "HEAD";
  readonly url: string;
  readonly reused: boolean;
  /** How long the connection had been idle before. */
  readonly idleMs: Ms | null;
  /** X-Request-Id as sent: logs are searched for it. */
  readonly requestId: string;
  readonly startedAtMs: number;
  readonly status: number | null;
  readonly reason: string;
  /** In order, names as received. Secrets still in: redaction is the report's, before anything is shown. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Bytes of the head. */
  readonly headBytes: Bytes;
  /** The first 4 KiB of the decoded body, as text. */
  readonly excerpt: string;
  readonly bodyBytes: Bytes;
  /** SHA-256 of the decoded body; null = it did not arrive whole. */
  readonly bodyHash: string | null;
  readonly timings: HttpTimings;
  readonly failure: Failure | null;
  readonly page: PageMaker | null;
}

/** The server closed an idle connection, or had not by the end of the watch. */
export interface IdleEvidence {
  readonly address: string;
  /** Keep-Alive: timeout=… as it was said. */
  readonly saidMs: Ms | null;
  /** null = still open after watchedMs. */
  readonly closedAfterMs: Ms | null;
  readonly closedBy: "fin" | "rst" | null;
  readonly watchedMs: Ms;
}

/** All that was seen of one target. */
export interface TargetEvidence {
  readonly target: Target;
  /** Names only. */
  readonly dns: DnsEvidence | null;
  readonly tcp: readonly TcpEvidence[];
  readonly tls: readonly TlsEvidence[];
  readonly http: readonly HttpTry[];
  /** Where redirects led, in order; loop = an address came twice, or more than 10 steps. */
  readonly redirects: { readonly urls: readonly string[]; readonly loop: boolean } | null;
  readonly idle: readonly IdleEvidence[];
  readonly requests: number;
  readonly notTested: readonly NotTested[];
}

/** A check that was not made, why, and what would be needed. */
export interface NotTested {
  readonly check: string;
  readonly target: string | null;
  readonly reason: string;
  /** A command or an option that makes it; null = nothing here can. */
  readonly how: string | null;
}

/** An input that could not be used, or only in part; the rest still runs. */
export interface InputProblem {
  /** "--log /var/log/nginx/error.log". */
  readonly input: string;
  readonly place: Place | null;
  readonly text: string;
  readonly next: string;
}

/** A gateway of a configuration on the way of the request, and what it forwards to. */
export interface Leg {
  readonly hop: string;
  readonly software: SoftwareId;
  readonly depth: number;
  readonly listens: readonly Listen[];
  /** null = it answers this request itself. */
  readonly pool: Pool | null;
  readonly route: ConfiguredRoute | null;
  /** Ids of the targets that are the members of the pool; members that were not probed are absent. */
  readonly targets: readonly string[];
  /** A member is the hop itself, or one before it: requests go round. */
  readonly loop: boolean;
}

/** A process that listened at an address when doctor began, and another (or none) when it had sent its requests. */
export interface Restart {
  readonly address: string;
  readonly before: LocalProcess;
  readonly after: LocalProcess | null;
}

/** Everything that was seen. */
export interface Evidence {
  readonly url: string | null;
  /** Outermost first; [] = no configuration says. */
  readonly way: readonly Leg[];
  readonly startedAtMs: number;
  readonly tookMs: Ms;
  readonly targets: readonly TargetEvidence[];
  readonly local: LocalEvidence | null;
  /** Processes that died or were replaced while doctor sent its requests. */
  readonly restarts?: readonly Restart[];
  readonly configs: readonly ConfigEvidence[];
  /** What needs two configurations to be seen. */
  readonly findings?: readonly Finding[];
  readonly logs: LogEvidence;
  readonly chain: TimeoutChain | null;
  readonly notTested: readonly NotTested[];
  readonly problems: readonly InputProblem[];
}
