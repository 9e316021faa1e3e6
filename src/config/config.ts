// The configuration as the rest of the program sees it: complete (every default filled in), checked, in base
// units. Every syntax (goodgate.yaml, a list of URLs on the command line, later nginx.conf) lowers to this.
import type { CauseId } from "../failure/causes.ts";
import type { Bytes, Ms } from "../std/units.ts";

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
  /** A setting that is accepted, and that this version does not act on. */
  readonly planned?: true;
}

export interface Config {
  /** Names this deployment in Via and Proxy-Status (RFC 9209 §2: the deployment, not the product). */
  readonly name: string;
  readonly listeners: readonly ListenerConfig[];
  /** Listener of the console and of /metrics, /healthz, /readyz; null = off. */
  readonly console: Address | null;
  readonly upstreams: ReadonlyMap<string, UpstreamConfig>;
  readonly routes: readonly RouteConfig[];
  readonly client: ClientConfig;
  /** CIDR blocks of proxies before us whose X-Forwarded-* and Forwarded are believed and continued. */
  readonly trust: readonly string[];
  /** Which forwarding fields requests to upstreams get. */
  readonly forwarding: { readonly xForwarded: boolean; readonly forwarded: boolean; readonly via: boolean };
  readonly errors: ErrorsConfig;
  readonly log: LogConfig;
  readonly workers: number | "auto";
  /** How long a drain waits for exchanges in flight. */
  readonly drainMs: Ms;
}

/** host:port or a Unix socket. host "" = all addresses. */
export type Address =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

export interface ListenerConfig {
  readonly address: Address;
  readonly tls: ListenerTls | null;
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
  readonly address: Address;
  readonly weight: number;
  readonly backup: boolean;
  readonly down: boolean;
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
  | { readonly cookie: string; readonly secret: string };

export interface UpstreamConfig {
  readonly name: string;
  readonly endpoints: readonly EndpointConfig[];
  readonly tls: UpstreamTls | null;
  readonly balance: BalanceConfig;
  /** Host field sent: the client's ("keep"), the endpoint's ("endpoint"), or this one. */
  readonly host: "keep" | "endpoint" | { readonly name: string };
  readonly timeouts: UpstreamTimeouts;
  readonly keepalive: {
    /** Idle connections kept per endpoint; 0 = none. */
    readonly connections: number;
    /** An idle connection is closed after this. */
    readonly idleMs: Ms;
    /** A connection is closed after this many requests; 0 = no limit. */
    readonly requests: number;
  };
  readonly limits: {
    /** Response head; above: response-header-too-large. */
    readonly headBytes: Bytes;
    /** Response body; above: response-too-large. 0 = unlimited. */
    readonly bodyBytes: Bytes;
    /** Open connections per endpoint; above: pool-exhausted. 0 = unlimited. */
    readonly connections: number;
  };
  readonly retry: {
    /** Attempts in all, the first included. */
    readonly attempts: number;
    /** No new attempt is begun after this, from the start of the exchange. */
    readonly withinMs: Ms;
  };
  /** Names are asked for again after their TTL, but at least this long. */
  readonly resolve: {
    readonly minMs: Ms;
    readonly timeoutMs: Ms;
    /** DNS servers to ask; empty = the system's resolver. */
    readonly servers: readonly string[];
  };
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
  readonly failures: { readonly to: LogTarget } | null;
}

export type LogTarget =
  | { readonly kind: "stdout" }
  | { readonly kind: "stderr" }
  | { readonly kind: "file"; readonly path: string };
