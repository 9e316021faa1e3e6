// How a location of a virtual server asks upstreams: where to, with what, and what becomes of the answer; and which
// answers it keeps. Part of servers.ts, which says what texts are.
import type { Bytes, Ms } from "../std/units.ts";
import type { UpstreamConfig, UpstreamTimeouts, UpstreamTls } from "./config.ts";
import type { Pattern, Text } from "./servers.ts";

export interface ProxyConfig {
  readonly kind: "proxy";
  readonly target: ProxyTarget;
  /** $proxy_host and $proxy_port where the target is fixed. */
  readonly hostName: string;
  readonly timeouts: UpstreamTimeouts;
  readonly request: ProxyRequestRules;
  readonly response: ProxyResponseRules;
  readonly retry: ProxyRetryRules;
  readonly ignoreClientAbort: boolean;
}

/** CONNECT requests become tunnels; other methods are not allowed. */
export interface TunnelConfig {
  readonly kind: "tunnel";
  /** "host:port", with variables. */
  readonly to: Text;
  readonly hosts: HostsByText;
  readonly timeouts: UpstreamTimeouts;
  readonly retry: ProxyRetryRules;
  readonly bind: Text | null;
}

/** Where to. `scheme` is that of the URL. */
export type ProxyTarget =
  | {
      readonly kind: "upstream";
      readonly scheme: "http" | "https";
      /** One of Config.upstreams. */
      readonly upstream: string;
      readonly uri: ProxyUri;
    }
  /** The whole URL has variables. */
  | { readonly kind: "text"; readonly url: Text; readonly tls: UpstreamTls | null; readonly hosts: HostsByText };

/** What a host means that is made per request. */
export interface HostsByText {
  /** Upstreams by "name" (where no port is given) or "host:port" or "unix:/path", in lower case, for each scheme. */
  readonly upstreams: Readonly<Record<string, { readonly http?: string; readonly https?: string }>>;
  /** Any other host: an upstream like this one, with the endpoints that the host resolves to. */
  readonly model: UpstreamConfig;
}

export type ProxyUri =
  /** The target of the request as it was received, or what became of it. */
  | { readonly kind: "as-received" }
  /** The part of the path that the location's prefix matched is replaced by this. */
  | { readonly kind: "replace"; readonly prefixLength: number; readonly by: string }
  /** In a pattern location, if-block, named location: the URI may not be given. */
  | { readonly kind: "whole"; readonly uri: Text };

export interface ProxyRequestRules {
  readonly method: Text | null;
  readonly minor: 0 | 1;
  /** What goes out instead of the client's fields of these names; an empty value leaves the field out. */
  readonly setHeaders: readonly { readonly name: string; readonly value: Text }[];
  /** The same for requests whose response may be kept in the cache. */
  readonly setHeadersCached: readonly { readonly name: string; readonly value: Text }[];
  readonly passHeaders: boolean;
  readonly passBody: boolean;
  readonly body: Text | null;
  /** The body is read whole before an upstream is asked. */
  readonly buffered: boolean;
  /** Local address to connect from; "" (rendered) or "off" = any. */
  readonly bind: Text | null;
}

export interface ProxyResponseRules {
  readonly buffered: boolean;
  /** The head has to fit into it. */
  readonly headBytes: Bytes;
  /** What may be buffered for a slow client: buffers, then the file. */
  readonly bufferBytes: Bytes;
  readonly tempFileBytesMax: Bytes;
  /** Lower case; these are not passed on, those of `pass` are although they usually are not. */
  readonly hide: readonly string[];
  readonly pass: readonly string[];
  /** X-Accel-… , "expires", "cache-control", "set-cookie", "vary" that are not obeyed; lower case. */
  readonly ignore: readonly string[];
  readonly interceptErrors: boolean;
  readonly passTrailers: boolean;
  readonly redirects: readonly ProxyRedirectRule[];
  readonly cookieDomains: readonly { readonly from: Text | Pattern; readonly to: Text }[];
  readonly cookiePaths: readonly { readonly from: Text | Pattern; readonly to: Text }[];
  readonly cookieFlags: readonly { readonly cookie: Text | Pattern; readonly flags: readonly Text[] }[];
  readonly limitRate: Text;
  readonly forceRanges: boolean;
  readonly store: { readonly path: Text; readonly mode: number } | null;
}

export interface ProxyRedirectRule {
  readonly from: Text | Pattern;
  readonly to: Text;
}

export type RetryCondition =
  | "error"
  | "timeout"
  | "denied"
  | "invalid_header"
  | "non_idempotent"
  | "updating"
  | "http_403"
  | "http_404"
  | "http_429"
  | "http_500"
  | "http_502"
  | "http_503"
  | "http_504";

export interface ProxyRetryRules {
  /** Empty = off. */
  readonly conditions: readonly RetryCondition[];
  /** 0 = as many as there are endpoints. */
  readonly tries: number;
  /** 0 = no bound. */
  readonly withinMs: Ms;
}

export interface CacheUseConfig {
  /** Name of a cache; a text with variables chooses; "off" = none. */
  readonly cache: Text;
  /** "" = the URL that the upstream is asked for. */
  readonly key: Text;
  readonly valid: readonly { readonly statuses: readonly number[] | "any"; readonly ms: Ms }[];
  readonly bypass: readonly Text[];
  readonly noCache: readonly Text[];
  readonly minUses: number;
  readonly methods: readonly string[];
  readonly useStale: readonly (RetryCondition | "updating")[];
  readonly backgroundUpdate: boolean;
  readonly revalidate: boolean;
  readonly lock: { readonly timeoutMs: Ms; readonly ageMs: Ms } | null;
  readonly convertHead: boolean;
  /** Ranges that begin beyond it go to the upstream as they are; -1 = none do. */
  readonly maxRangeOffset: number;
}
