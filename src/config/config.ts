// The configuration as the rest of the program sees it: complete (every default filled in), checked, in base
// units. Every syntax (goodgate.yaml, a list of URLs on the command line, later nginx.conf) lowers to this.
import type { CauseId } from "../failure/causes.ts";
import type { Bytes, Ms } from "../std/units.ts";
import type { ObservabilityConfig } from "./observability.ts";
import type { ResolverConfig, ServersConfig, Text, TlsVersion } from "./servers.ts";

/** Where a value stood in its file; line and column count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing wrong (or risky) in a configuration, with where it stands and what to do. */
export interface Problem {
  readonly severity: "error" | "warning";
  readonly message: string;
  /** The next step: a suggestion for a misspelt key, the values that are allowed. */
  readonly hint?: string;
  readonly position?: Position;
  /** The offending line as it stands in the file, for a caret display. */
  readonly source?: string;
  /** How many characters of `source` are meant, from the column on. */
  readonly length?: number;
  /** The cause (failure/causes.ts) that a finding may end in. */
  readonly cause?: CauseId;
}

export interface Config {
  /** Names this deployment in Via and Proxy-Status (RFC 9209 §2: the deployment, not the product). */
  readonly name: string;
  readonly listeners: readonly ListenerConfig[];
  /** Listener of the console and of /metrics, /healthz, /readyz; null = off. */
  readonly console: Address | null;
  readonly upstreams: ReadonlyMap<string, UpstreamConfig>;
  /** What names of endpoints that are resolved at load stood for then. */
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
  readonly routes: readonly RouteConfig[];
  /** Virtual servers; null = the routes decide. */
  readonly servers: ServersConfig | null;
  readonly client: ClientConfig;
  /** CIDR blocks of proxies before us whose X-Forwarded-* and Forwarded are believed and continued. */
  readonly trust: readonly string[];
  /** Which forwarding fields requests to upstreams get. */
  readonly forwarding: { readonly xForwarded: boolean; readonly forwarded: boolean; readonly via: boolean };
  readonly errors: ErrorsConfig;
  readonly log: LogConfig;
  readonly workers: number | "auto";
  /** What is kept of what happens, who may see it, and who is told. */
  readonly observability: ObservabilityConfig;
  /** How long a drain waits for exchanges in flight. */
  readonly drainMs: Ms;
  /** How long a drain goes on accepting before that, while /readyz says no already. */
  readonly drainDelayMs: Ms;
}

/** host:port or a Unix socket. host "" = all addresses. */
export type Address =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

export interface ListenerConfig {
  readonly address: Address;
  readonly tls: ListenerTls | null;
  /** Handshakes go by the TLS rules of the virtual servers. */
  readonly serversTls?: boolean;
  /** Connections begin with a PROXY protocol head. */
  readonly proxyProtocol?: boolean;
  /** No socket of its own: its connections come to the listener of all addresses with this port. */
  readonly viaWildcard?: boolean;
  readonly backlog?: number;
  /** false = "::" takes IPv4, too. */
  readonly ipv6Only?: boolean;
  /** TCP's own probes (SO_KEEPALIVE) on its connections, after so long without a byte; 0 = as the system says. */
  readonly probesAfterMs?: Ms;
}

export interface ListenerTls {
  /** PEM files; the first is used where no SNI name fits. */
  readonly certificates: readonly { readonly cert: string; readonly key: string }[];
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
}

export interface ClientConfig {
  readonly timeouts: {
    /** From the first byte (or accept) to the whole head: 408. */
    readonly headMs: Ms;
    /** Between two reads of a request body: 408. */
    readonly bodyMs: Ms;
    /** Between two successful writes of a response: the client is gone. */
    readonly sendMs: Ms;
    /** Between two requests on a kept connection. */
    readonly idleMs: Ms;
  };
  readonly limits: {
    /** Request line; above: 414. */
    readonly lineBytes: Bytes;
    /** Whole head; above: 431. */
    readonly headBytes: Bytes;
    /** Number of fields; above: 431. */
    readonly fields: number;
    /** Request body; above: 413. 0 = unlimited. */
    readonly bodyBytes: Bytes;
  };
}

export interface EndpointConfig {
  /** As written: "10.0.0.1:3000", "app.internal:80", "[::1]:80", "unix:/run/app.sock". */
  readonly label: string;
  /** What it is called instead of by its address; `label` is the same then. */
  readonly name?: string;
  readonly address: Address;
  readonly weight: number;
  readonly backup: boolean;
  readonly down: boolean;
  /** So many failed attempts within `failTimeoutMs` put it out of use for as long; 0 = none does. null = `eject` says. */
  readonly maxFails: number | null;
  readonly failTimeoutMs: Ms;
  /** Its own bound of open connections; 0 = that of the upstream. */
  readonly maxConnections: number;
  /** Value of sticky cookies and routes that means it; "" = made from its address. */
  readonly route: string;
  /** Only requests that are bound to it by a sticky cookie or route. */
  readonly drain: boolean;
  /** Names: asked for with each new connection, once at load, or all the time by `resolver`; in the latter two each address is an endpoint. */
  readonly resolve: "per-connection" | "at-load" | "at-run-time";
  /** Name of an SRV record's service ("http", "_http._tcp.x"), which gives ports and weights; "" = none. */
  readonly service: string;
}

export interface UpstreamTls {
  /** Verify the chain and the name. */
  readonly verify: boolean;
  /** PEM file of CAs instead of the system's; null = the system's. */
  readonly ca: string | null;
  /** Name sent as SNI and verified; null = the endpoint's host, or the request's Host where the endpoint is an IP. */
  readonly serverName: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  /** Whether a name is sent as SNI. */
  readonly sni: boolean;
  /** A name made per request, instead of `serverName`; null = that one. */
  readonly nameText: Text | null;
  /** A client certificate made per request (files, or "data:" and the PEM text); null = `cert` and `key`. */
  readonly certificateText: { readonly cert: Text; readonly key: Text } | null;
  /** For keys that are encrypted: a passphrase per line. */
  readonly passwordFile: string | null;
  /** Instead of `minVersion`; null = that one. */
  readonly protocols: readonly TlsVersion[] | null;
  /** OpenSSL's list; null = the platform's. */
  readonly ciphers: string | null;
  readonly sessionReuse: boolean;
  /** PEM file of revoked certificates. */
  readonly crl: string | null;
  /** Certificates between the server's and a trusted one; null = no bound. */
  readonly verifyDepth: number | null;
}

/** Which endpoint gets the next attempt. */
export type BalanceConfig =
  | "round-robin"
  | "least-connections"
  | "random-two"
  | "peak-ewma"
  /** The same value of the template, the same endpoint; ip-hash is "{client.ip}". */
  | { readonly hash: string }
  /** The cookie of this name holds the endpoint; `secret` keys what it says, "" = the upstream's name does. */
  | { readonly cookie: string; readonly secret: string }
  /** Any, by weight; "two": the one of two with fewer connections. nginx's random. */
  | { readonly random: "one" | "two" }
  /** nginx's ip_hash: the first three bytes of an IPv4 address. */
  | { readonly ipHash: true }
  /** nginx's hash: by CRC-32 modulo weights, or on a ring of 160 points for each weight ("ketama"). */
  | { readonly hashText: Text; readonly method: "modulo" | "ketama" }
  /** Least average time to the head or the last byte, by connections and weight. nginx's least_time. */
  | { readonly leastTime: "header" | "last-byte"; readonly inflight: boolean };

/** What binds a request to an endpoint, before the balancer is asked. */
export type StickyConfig =
  /** A cookie that is set: it holds the endpoint's route. */
  | {
      readonly kind: "cookie";
      readonly name: string;
      readonly domain: Text | null;
      readonly path: string | null;
      /** null = with the browser's session; "max" = as late as can be. */
      readonly expiresMs: Ms | "max" | null;
      readonly httpOnly: boolean;
      readonly secure: boolean;
      readonly sameSite: Text | null;
    }
  /** The first value that is not empty is the route. */
  | { readonly kind: "route"; readonly lookup: readonly Text[] }
  /** Sessions are learnt from responses (`create`) and looked up in requests. */
  | {
      readonly kind: "learn";
      readonly create: readonly Text[];
      readonly lookup: readonly Text[];
      readonly zone: string;
      readonly bytes: Bytes;
      readonly timeoutMs: Ms;
      /** Learnt from the head; else when the response has ended. */
      readonly afterHead: boolean;
    };

export interface UpstreamConfig {
  readonly name: string;
  readonly endpoints: readonly EndpointConfig[];
  readonly tls: UpstreamTls | null;
  readonly balance: BalanceConfig;
  readonly sticky: StickyConfig | null;
  /** Host field sent: the client's ("keep"), the endpoint's ("endpoint"), or this one. */
  readonly host: "keep" | "endpoint" | { readonly name: string };
  readonly timeouts: UpstreamTimeouts;
  readonly keepalive: {
    /** Idle connections kept per endpoint; 0 = none. */
    readonly connections: number;
    /** An idle connection is closed after this; "auto" in the file is KEEPALIVE_AUTO_MS here, and `auto`. */
    readonly idleMs: Ms;
    /** What the upstream says or shows of its own idle timer may also make it longer. */
    readonly auto: boolean;
    /** A connection is closed after this many requests; 0 = no limit. */
    readonly requests: number;
    /** Idle connections kept in all, those that were used longest ago closed first; 0 = no bound. */
    readonly total: number;
    /** A connection older than this is closed after its request; 0 = no limit. */
    readonly timeMs: Ms;
    /** TCP's own probes (SO_KEEPALIVE). */
    readonly probes: boolean;
  };
  readonly limits: {
    /** Response head; above: response-header-too-large. */
    readonly headBytes: Bytes;
    /** Response body; above: response-too-large. 0 = unlimited. */
    readonly bodyBytes: Bytes;
    /** Open connections per endpoint; above: they queue. 0 = unlimited. */
    readonly connections: number;
    /** Requests in flight per endpoint; above: they queue. 0 = unlimited. */
    readonly requests: number;
    /** Bound of requests in flight to the whole upstream that follows its latency; what is above is shed. */
    readonly adaptive: boolean;
  };
  /** Requests that wait where a limit is reached; null = they fail at once (pool-exhausted). */
  readonly queue: { readonly requests: number; readonly forMs: Ms } | null;
  readonly retry: {
    /** Attempts in all, the first included. */
    readonly attempts: number;
    /** No new attempt is begun after this, from the start of the exchange; time in hold does not count. */
    readonly withinMs: Ms;
    /** Retries at once, as a share (0 to 1) of the requests in flight; at least 3 are allowed. 1 = no budget. */
    readonly budget: number;
    /** Ceiling of the wait before the second retry (the first goes at once); it doubles up to the maximum. Full jitter. */
    readonly backoffMs: Ms;
    readonly backoffMaxMs: Ms;
    /** Request bodies up to this size are kept, so that they can be sent again. */
    readonly bodyBytes: Bytes;
  };
  /** An endpoint that comes back gets its full share only after this; 0 = at once. */
  readonly slowStartMs: Ms;
  /** Where less than this share (0 to 1) of the endpoints is well, all that accept connections are used; 0 = never. */
  readonly panic: number;
  readonly health: HealthConfig | null;
  readonly eject: EjectConfig | null;
  readonly breaker: BreakerConfig | null;
  /** Requests wait while every endpoint refuses connections, fails its checks or is set to down. */
  readonly hold: { readonly forMs: Ms; readonly requests: number; readonly bytes: Bytes } | null;
  /** Names are asked for again after their TTL, but at least this long. */
  readonly resolve: {
    readonly minMs: Ms;
    readonly timeoutMs: Ms;
    /** DNS servers to ask; empty = the system's resolver. */
    readonly servers: readonly string[];
  };
  /** For endpoints whose names are resolved at run time. */
  readonly resolver: ResolverConfig | null;
}

/** Active checks of each endpoint. */
export interface HealthConfig {
  readonly kind: "http" | "tcp";
  /** Path and query that are asked for with GET. */
  readonly path: string;
  /** Host field; null = as requests of the upstream get it, the endpoint's where that is the client's. */
  readonly host: string | null;
  /** Statuses that are good, as ranges. */
  readonly statuses: readonly (readonly [from: number, to: number])[];
  /** What the body has to contain, within its first 64 KiB; null = anything. */
  readonly body: string | null;
  readonly intervalMs: Ms;
  /** Between checks of an endpoint that is on its way up or down. */
  readonly fastIntervalMs: Ms;
  /** Between checks of an endpoint that is down. */
  readonly downIntervalMs: Ms;
  /** For a whole check. */
  readonly timeoutMs: Ms;
  /** Good checks in a row until an endpoint that is down is used again. */
  readonly rise: number;
  /** Bad checks in a row until an endpoint is out of use. */
  readonly fall: number;
}

/** Outlier ejection: the circuit breaker of each endpoint. */
export interface EjectConfig {
  /** So many failures in a row eject an endpoint; or so many within the window, if they are at least `share` of all. */
  readonly failures: number;
  readonly share: number;
  readonly withinMs: Ms;
  /** How long it stays out; doubles up to the maximum each time that its return fails. */
  readonly forMs: Ms;
  readonly forMaxMs: Ms;
  /** Share (0 to 1) of the endpoints that may be out at once; at least one of several. */
  readonly max: number;
  /** Requests that are let through to see whether it is well again. */
  readonly probes: number;
  /** Time in which its share grows back to all. */
  readonly recoveryMs: Ms;
  /** Responses with these statuses count as failures. */
  readonly statuses: readonly number[];
}

/** Circuit breaker of the whole upstream: where it cannot be reached, requests fail at once. */
export interface BreakerConfig {
  readonly failures: number;
  readonly share: number;
  readonly withinMs: Ms;
  readonly forMs: Ms;
  readonly forMaxMs: Ms;
  readonly probes: number;
  readonly recoveryMs: Ms;
  /** What counts: deadlines of resolve, connect and TLS ("unreachable"), or each failure of an attempt ("any"). */
  readonly on: "unreachable" | "any";
}

/** What a route adds to the retry rules of its upstream. */
export interface RouteRetryConfig {
  /** Responses with these statuses are not passed on while another attempt is allowed (idempotent methods). */
  readonly statuses: readonly number[];
  /** POST and PATCH with an Idempotency-Key count as idempotent. */
  readonly idempotencyKey: boolean;
  /** null = as the upstream says. */
  readonly attempts: number | null;
  readonly withinMs: Ms | null;
}

export interface UpstreamTimeouts {
  readonly connectMs: Ms;
  readonly tlsMs: Ms;
  /** Between two writes that make progress. */
  readonly sendMs: Ms;
  /** From the end of the request to the end of the response head. */
  readonly headMs: Ms;
  /** Between two reads of a response body. */
  readonly idleBodyMs: Ms;
  /** An upgraded connection without a byte in either direction. */
  readonly tunnelIdleMs: Ms;
}

export interface RouteConfig {
  /** Label in logs and metrics; made from host and path where none is given. */
  readonly name: string;
  /** Host names, lower case; "*.example.com" covers any name below; empty = every host. */
  readonly hosts: readonly string[];
  readonly paths: readonly PathPattern[];
  /** Upper-case methods; empty = every method. */
  readonly methods: readonly string[];
  readonly action: RouteAction;
  /** Prefix taken off the path before it is forwarded; "" = none. */
  readonly strip: string;
  /** New path (a template: "{path}", "{path.1}" of a regex or glob); null = unchanged. Applied after strip. */
  readonly rewrite: string | null;
  readonly request: HeaderOps;
  readonly response: HeaderOps;
  /** Overrides client.limits.bodyBytes; null = inherit. */
  readonly bodyBytes: Bytes | null;
  /** Overrides of the upstream's timeouts. */
  readonly timeouts: Partial<UpstreamTimeouts>;
  readonly retry: RouteRetryConfig;
  readonly errors: ErrorsConfig;
  /** Whether Upgrade requests pass. */
  readonly upgrade: boolean;
}

/** exact "/a", prefix "/a/*" (also "/a") or "/a/" or "/", glob "/a/*\/b" (one "*" = one segment, "**" = any), regex "~ ^/a". */
export type PathPattern =
  | { readonly kind: "exact"; readonly path: string }
  | { readonly kind: "prefix"; readonly path: string }
  | { readonly kind: "glob"; readonly pattern: string }
  | { readonly kind: "regex"; readonly source: string; readonly ignoreCase: boolean };

export type RouteAction =
  | { readonly kind: "proxy"; readonly upstream: string }
  | { readonly kind: "redirect"; readonly to: string; readonly status: number }
  | { readonly kind: "respond"; readonly status: number; readonly body: string; readonly type: string };

/** Operations in the order remove, set, add. Values are templates. */
export interface HeaderOps {
  readonly remove: readonly string[];
  readonly set: readonly { readonly name: string; readonly value: string }[];
  readonly add: readonly { readonly name: string; readonly value: string }[];
}

export interface ErrorsConfig {
  /** Who sees addresses and errnos in error bodies. */
  readonly detail: "loopback" | "always" | "never";
  /** Own HTML pages by status ("502", "5xx"), read at load: key → HTML text, a template. */
  readonly pages: ReadonlyMap<string, string>;
}

export interface LogConfig {
  /** null = off. */
  readonly access: {
    readonly to: LogTarget;
    readonly format: "json" | "combined" | { readonly template: string };
  } | null;
  /** Lines for people unless `format` says otherwise. */
  readonly failures: { readonly to: LogTarget; readonly format?: "text" | "json" } | null;
  /** What the program says of itself; missing = lines for people, or as GOODGATE_LOG says. */
  readonly own?: "text" | "json";
}

export type LogTarget =
  | { readonly kind: "stdout" }
  | { readonly kind: "stderr" }
  | { readonly kind: "file"; readonly path: string };
