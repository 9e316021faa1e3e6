// Virtual servers: the part of a configuration that chooses by listener and Host, then walks a tree of locations, with
// a rewrite program, conditions and everything that a location may say. An nginx.conf lowers to it; goodgate.yaml has
// it under `servers`. It is plain data and complete: inheritance is worked out, every default is filled in.
//
// Strings of this part are byte text: one character is one byte (latin1), since paths and bodies need not be UTF-8.
import type { Bytes, Ms } from "../std/units.ts";
import type { Address, LogTarget, Position, UpstreamConfig, UpstreamTimeouts, UpstreamTls } from "./config.ts";

/** Byte text with variables: "{$host}", "{$1}" for a capture; "{{" is a brace by itself. */
export type Text = string;

/** A regular expression in PCRE's language (pcre.ts makes it JavaScript's). */
export interface Pattern {
  readonly source: string;
  readonly ignoreCase: boolean;
}

/** All that virtual servers need. */
export interface ServersConfig {
  readonly servers: readonly ServerConfig[];
  readonly variables: readonly VariableConfig[];
  readonly zones: readonly ZoneConfig[];
  readonly caches: readonly CacheConfig[];
  readonly formats: readonly LogFormatConfig[];
  /** Where a response may be recoded (charset_map); missing = nowhere. */
  readonly charsetMaps?: readonly CharsetMapConfig[];
  /** Names that `set`, groups of patterns and auth_request_set define, and what they are before: "" or not there. */
  readonly slots?: readonly { readonly name: string; readonly unset: "empty" | "not-found" }[];
  /** Names of certificates that come out of variables start here, unless they are absolute; it ends in "/". */
  readonly certificatesFrom?: string;
  /** What Server says: name, or name/version where tokens are on. */
  readonly product: { readonly name: string; readonly version: string };
}

export interface ServerConfig {
  /** The first name: what $server_name says. */
  readonly name: string;
  /** Lower case but for patterns. */
  readonly names: readonly ServerName[];
  readonly listen: readonly ServerListen[];
  readonly head: HeadRules;
  /** Certificates and rules for handshakes that choose this server by SNI; null = plain listeners only. */
  readonly tls: ServerTlsConfig | null;
  readonly rewrite: readonly RewriteStep[];
  readonly settings: LocationSettings;
  readonly locations: readonly LocationConfig[];
  readonly position?: Position;
}

export type ServerName =
  | { readonly kind: "exact"; readonly name: string }
  /** "*.example.com": any name below. "below-or-same" is ".example.com". */
  | { readonly kind: "below" | "below-or-same"; readonly name: string }
  /** "www.example.*": value without ".*". */
  | { readonly kind: "any-end"; readonly name: string }
  | ({ readonly kind: "pattern" } & Pattern);

export interface ServerListen {
  /** One of Config.listeners. */
  readonly address: Address;
  readonly isDefault: boolean;
}

/** How request heads are read. Those of the listener's default server hold until a server is chosen. */
export interface HeadRules {
  readonly timeoutMs: Ms;
  readonly bufferBytes: Bytes;
  /** Lines and fields may have one buffer each, the head all of them. */
  readonly largeBuffers: { readonly count: number; readonly bytes: Bytes };
  readonly fieldsMax: number;
  /** Fields with invalid names are passed over; else the request is refused. */
  readonly ignoreInvalid: boolean;
  readonly underscores: boolean;
  readonly mergeSlashes: boolean;
}

export interface ServerTlsConfig {
  /** Files or, with variables, chosen per handshake. "data:" values hold the PEM text itself. */
  readonly certificates: readonly { readonly cert: Text; readonly key: Text }[];
  readonly passwordFile: string | null;
  readonly protocols: readonly TlsVersion[];
  readonly ciphers: string;
  readonly preferServerCiphers: boolean;
  readonly curves: string;
  readonly dhparam: string | null;
  readonly rejectHandshake: boolean;
  readonly verifyClient: "off" | "on" | "optional" | "optional-no-ca";
  readonly verifyDepth: number;
  readonly clientCa: string | null;
  readonly trustedCa: string | null;
  readonly crl: string | null;
  readonly sessionTimeoutMs: Ms;
  readonly sessionTickets: boolean;
  readonly sessionTicketKeys: readonly string[];
  /** "shared", "builtin", "none" and "off" as nginx means them. */
  readonly sessionCache: "shared" | "none" | "off";
  readonly alpn: readonly string[];
  readonly handshakeTimeoutMs: Ms;
}

export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

export interface LocationConfig {
  readonly match: LocationMatch;
  readonly rewrite: readonly RewriteStep[];
  readonly settings: LocationSettings;
  /** Other methods than these are under the settings (limit_except); null = none. GET stands for HEAD, too. */
  readonly limitExcept: { readonly methods: readonly string[]; readonly settings: LocationSettings } | null;
  readonly locations: readonly LocationConfig[];
}

export type LocationMatch =
  /** `redirectBare` as for prefixes: "= /a/" that proxies takes "/a" there, too. */
  | { readonly kind: "exact"; readonly path: string; readonly redirectBare?: boolean }
  /** `final`: where it is the longest one, patterns are not asked (^~). `redirectBare`: "/a" goes to "/a/" (auto_redirect). */
  | { readonly kind: "prefix"; readonly path: string; readonly final: boolean; readonly redirectBare: boolean }
  | ({ readonly kind: "pattern" } & Pattern)
  | { readonly kind: "named"; readonly name: string };

/** One step of a rewrite program; they run in order. */
export type RewriteStep =
  | { readonly do: "set"; readonly variable: string; readonly value: Text }
  /** Where it holds, `then` runs (and what follows), under `settings` from here on; null = they stay. */
  | {
      readonly do: "if";
      readonly condition: Condition;
      readonly then: readonly RewriteStep[];
      readonly settings: LocationSettings | null;
    }
  | {
      readonly do: "rewrite";
      readonly pattern: Pattern;
      /** New path, with "?args" where it has its own. A "?" at the end keeps the old ones away. */
      readonly to: Text;
      readonly then: "go-on" | "last" | "break";
      /** 301, 302; 0 = internal. A target with a scheme redirects whatever is said. */
      readonly redirect: 0 | 301 | 302;
      readonly log: boolean;
    }
  | { readonly do: "break" }
  /** 444 closes the connection. For redirects (301, 302, 303, 307, 308) the text is the Location. */
  | { readonly do: "return"; readonly status: number; readonly text: Text | null };

export type Condition =
  /** Neither "" nor "0". */
  | { readonly kind: "set"; readonly value: Text }
  | { readonly kind: "equals"; readonly value: Text; readonly with: Text; readonly not: boolean }
  | { readonly kind: "matches"; readonly value: Text; readonly pattern: Pattern; readonly not: boolean }
  | {
      readonly kind: "file";
      readonly test: "file" | "directory" | "exists" | "executable";
      readonly path: Text;
      readonly not: boolean;
    };

/** Variables that the configuration defines; `set` and captures define theirs in place. */
export type VariableConfig =
  | {
      readonly kind: "map";
      readonly name: string;
      readonly source: Text;
      /** Keys are host names: wildcards and ".name" hold, ports and a dot at the end do not count. */
      readonly hostnames: boolean;
      readonly volatile: boolean;
      readonly default: Text;
      readonly entries: readonly { readonly key: string | Pattern; readonly value: Text }[];
    }
  | {
      readonly kind: "geo";
      readonly name: string;
      /** What the address is read from: "{$remote_addr}" by default. */
      readonly source: Text;
      readonly volatile: boolean;
      readonly default: string;
      /** Blocks (CIDR); longest first wins. `from`–`to` where they are ranges. */
      readonly entries: readonly { readonly block: string; readonly value: string }[];
      readonly ranges: readonly { readonly from: string; readonly to: string; readonly value: string }[];
      readonly proxies: readonly string[];
      readonly proxyRecursive: boolean;
    }
  | {
      readonly kind: "split";
      readonly name: string;
      readonly source: Text;
      /** Shares (0 to 1) in order; null = the rest. */
      readonly parts: readonly { readonly share: number | null; readonly value: Text }[];
    };

/** Shared counters: a leaky bucket per key, or a count of requests at work per key. */
export type ZoneConfig =
  | {
      readonly kind: "rate";
      readonly name: string;
      readonly key: Text;
      readonly bytes: Bytes;
      readonly perSecond: number;
    }
  | { readonly kind: "connections"; readonly name: string; readonly key: Text; readonly bytes: Bytes };

export interface LogFormatConfig {
  readonly name: string;
  readonly escape: "default" | "json" | "none";
  readonly text: Text;
}

/** How a charset of one byte per character becomes another; it holds in both directions. */
export interface CharsetMapConfig {
  readonly from: string;
  readonly to: string;
  /** A byte, and the bytes of the same character in the other charset. Bytes below 128 stay unless named. */
  readonly entries: readonly { readonly from: number; readonly to: string }[];
}

/** Where responses are kept. */
export interface CacheConfig {
  readonly name: string;
  readonly path: string;
  /** Digits of each folder level, such as [1, 2]. */
  readonly levels: readonly number[];
  readonly useTempPath: boolean;
  readonly keysBytes: Bytes;
  readonly inactiveMs: Ms;
  /** 0 = no bound. */
  readonly maxBytes: Bytes;
  readonly minFreeBytes: Bytes;
  /** How many files are removed at once, and the pause behind it; missing = 100, 50 ms. */
  readonly manager?: { readonly files: number; readonly pauseMs: Ms };
}

// ---- what a location says

/** All settings of a location (or server, or if-block), inheritance worked out. */
export interface LocationSettings {
  /** What makes the response where the rewrite program did not. */
  readonly content: ContentConfig;
  readonly internal: boolean;
  readonly root: RootConfig;
  readonly index: readonly Text[];
  readonly autoindex: AutoindexConfig | null;
  readonly tryFiles: TryFilesConfig | null;
  readonly errorPages: readonly ErrorPageConfig[];
  readonly recursiveErrorPages: boolean;
  readonly access: AccessConfig;
  readonly limits: LimitsConfig;
  readonly realIp: RealIpConfig | null;
  readonly referers: ReferersConfig | null;
  readonly mirror: { readonly uris: readonly string[]; readonly body: boolean } | null;
  readonly request: RequestRules;
  readonly response: ResponseRules;
  readonly filters: FiltersConfig;
  readonly types: TypesConfig;
  readonly logs: readonly AccessLogConfig[];
  readonly logNotFound: boolean;
  readonly logSubrequests: boolean;
  readonly errorLog: readonly ErrorLogConfig[];
  readonly cache: CacheUseConfig | null;
  readonly resolver: ResolverConfig | null;
  /** Path or "@name" of a request that is made behind the response; missing or null = none. */
  readonly postAction?: string | null;
}

export type ContentConfig =
  /** Files below root, with index and autoindex for folders. */
  | { readonly kind: "files" }
  | ProxyConfig
  | TunnelConfig
  | { readonly kind: "status-page" }
  | { readonly kind: "empty-gif" }
  | { readonly kind: "random-index" }
  /** Something that is not done here (--lenient): answered with 501 and the reason. */
  | { readonly kind: "unsupported"; readonly why: string };

export interface RootConfig {
  readonly kind: "root" | "alias";
  readonly path: Text;
  /** The length of the location's prefix, which an alias takes the place of; -1 = a pattern's: the alias is the file. */
  readonly prefixLength: number;
  readonly disableSymlinks: "off" | "on" | "if-not-owner";
  readonly symlinksFrom: Text | null;
}

export interface AutoindexConfig {
  readonly format: "html" | "json" | "jsonp" | "xml";
  readonly exactSize: boolean;
  readonly localTime: boolean;
}

export interface TryFilesConfig {
  /** Files; with a slash at the end folders. */
  readonly paths: readonly Text[];
  /** A path or "@name" to go on with, or a status. */
  readonly last: Text | { readonly status: number };
}

export interface ErrorPageConfig {
  readonly statuses: readonly number[];
  /** "/path", "@name" or a URL (then a redirect). */
  readonly to: Text;
  /** The client gets this status; "of-page" = whatever the page gives (a bare "="); null = the error's. */
  readonly status: number | "of-page" | null;
}

export interface AccessConfig {
  readonly satisfy: "all" | "any";
  /** In order; the first that fits decides. Empty = all may. */
  readonly rules: readonly { readonly allow: boolean; readonly from: string }[];
  /** realm "off" (rendered) turns it off. */
  readonly basic: {
    readonly realm: Text;
    readonly file: Text;
    /** Where a file that comes out relative is; with a slash. Missing = where the process is. */
    readonly folder?: string;
  } | null;
  readonly request: { readonly uri: string } | null;
  readonly requestSets: readonly { readonly variable: string; readonly value: Text }[];
  readonly delayMs: Ms;
  /** What $secure_link checks; missing or null = nothing. */
  readonly secureLink?: SecureLinkConfig | null;
}

/** "md5": a link "hash,expires" against the MD5 of a text. "secret": the hash is a part of the path. */
export type SecureLinkConfig =
  | { readonly kind: "md5"; readonly link: Text; readonly md5: Text }
  | { readonly kind: "secret"; readonly secret: string };

export interface LimitsConfig {
  readonly rate: readonly {
    readonly zone: string;
    readonly burst: number;
    /** Requests above it wait; Infinity = none does (nodelay). */
    readonly delayAbove: number;
  }[];
  readonly rateStatus: number;
  readonly rateDryRun: boolean;
  readonly rateLogLevel: ErrorLevel;
  readonly connections: readonly { readonly zone: string; readonly most: number }[];
  readonly connectionsStatus: number;
  readonly connectionsDryRun: boolean;
  readonly connectionsLogLevel: ErrorLevel;
}

export interface RealIpConfig {
  /** CIDR blocks, "unix:". Host names are resolved at load. */
  readonly from: readonly string[];
  /** "x-forwarded-for", "x-real-ip", another field in lower case, or "proxy_protocol". */
  readonly header: string;
  readonly recursive: boolean;
}

/** What $invalid_referer and $valid referers go by. */
export interface ReferersConfig {
  readonly none: boolean;
  readonly blocked: boolean;
  readonly names: readonly ServerName[];
  /** With a path that the referer's has to begin with; "" = any. */
  readonly uris: readonly { readonly name: string; readonly uri: string }[];
  readonly patterns: readonly Pattern[];
}

export interface RequestRules {
  /** 0 = no bound. */
  readonly bodyBytesMax: Bytes;
  /** Bodies above it go to a file. */
  readonly bodyBufferBytes: Bytes;
  readonly bodyTimeoutMs: Ms;
  readonly bodyInFile: "off" | "on" | "clean";
  readonly bodyTempPath: string;
  readonly sendTimeoutMs: Ms;
  readonly keepAliveMs: Ms;
  /** Sent as "Keep-Alive: timeout=n"; 0 = not sent. */
  readonly keepAliveHeaderMs: Ms;
  readonly keepAliveRequests: number;
  readonly keepAliveTimeMs: Ms;
  readonly keepAliveMinMs: Ms;
  /** Browsers that get no kept connection: "msie6", "safari". */
  readonly keepAliveDisable: readonly string[];
  readonly lingering: "off" | "on" | "always";
  readonly lingeringTimeMs: Ms;
  readonly lingeringTimeoutMs: Ms;
  readonly resetTimedOut: boolean;
}

export interface ResponseRules {
  readonly addHeaders: readonly { readonly name: string; readonly value: Text; readonly always: boolean }[];
  readonly addTrailers: readonly { readonly name: string; readonly value: Text; readonly always: boolean }[];
  readonly expires: ExpiresConfig | null;
  readonly absoluteRedirect: boolean;
  readonly portInRedirect: boolean;
  readonly serverNameInRedirect: boolean;
  readonly serverTokens: "on" | "off" | "build";
  readonly etag: boolean;
  readonly ifModifiedSince: "off" | "exact" | "before";
  readonly chunked: boolean;
  /** -1 = no bound. */
  readonly rangesMax: number;
  /** Bytes per second, as text; "0" = no bound. */
  readonly limitRate: Text;
  readonly limitRateAfter: Text;
  readonly refreshForMsie: boolean;
  /** A cookie that numbers visitors; missing or null = none. */
  readonly visitorId?: VisitorIdConfig | null;
}

/** "v1": as older programs have made it. "log": what clients bring is read, nothing is set. */
export interface VisitorIdConfig {
  readonly mode: "on" | "v1" | "log";
  readonly name: string;
  /** What tells servers apart; null = their address. */
  readonly service: number | null;
  /** "" = none. */
  readonly domain: string;
  readonly path: string;
  /** null = the cookie ends with the session. */
  readonly expires: Ms | "max" | null;
  readonly flags: readonly string[];
  /** "" = none. */
  readonly p3p: string;
  /** A character that cookies under the rules of today have; others are set anew. "" = none. */
  readonly mark: string;
}

/** "epoch", "max", "off", a text with variables that gives one of these, or a time. */
export type ExpiresConfig =
  | { readonly kind: "epoch" | "max" | "off" }
  | { readonly kind: "after-access" | "after-modified"; readonly ms: Ms }
  | { readonly kind: "daily"; readonly ms: Ms }
  | { readonly kind: "text"; readonly value: Text; readonly modified: boolean };

export interface FiltersConfig {
  readonly gzip: GzipConfig | null;
  readonly gunzip: boolean;
  readonly gzipStatic: "off" | "on" | "always";
  /** gzip_vary, gzip_http_version, gzip_proxied, gzip_disable: they hold for gzip_static and gunzip where gzip is off, too. */
  readonly gzipRules: GzipRules;
  readonly sub: SubConfig | null;
  readonly ssi: SsiConfig | null;
  readonly charset: CharsetConfig | null;
  readonly addition: {
    readonly before: string;
    readonly after: string;
    readonly types: readonly string[];
  } | null;
  /** Slices of upstream responses in the cache; 0 = whole. */
  readonly sliceBytes: Bytes;
  /** What a subrequest may answer that becomes the value of a variable; missing = 4 KB. */
  readonly subrequestBytesMax?: Bytes;
}

export interface GzipConfig extends GzipRules {
  readonly level: number;
  readonly minLengthBytes: Bytes;
  /** Lower case; "*" = all. text/html is always among them. */
  readonly types: readonly string[];
}

/** Who gets compressed content, and whether Vary says so. */
export interface GzipRules {
  readonly minHttpMinor: 0 | 1;
  /** Conditions on Via responses: "off", "any", "expired", "no-cache", … */
  readonly proxied: readonly string[];
  readonly vary: boolean;
  readonly disable: readonly Pattern[];
}

export interface SubConfig {
  readonly pairs: readonly { readonly from: Text; readonly to: Text }[];
  readonly once: boolean;
  readonly types: readonly string[];
  readonly keepLastModified: boolean;
}

export interface SsiConfig {
  readonly types: readonly string[];
  readonly silentErrors: boolean;
  readonly keepLastModified: boolean;
  readonly valueBytesMax: Bytes;
}

export interface CharsetConfig {
  /** "" = none. */
  readonly charset: Text;
  readonly source: Text;
  readonly override: boolean;
  readonly types: readonly string[];
}

export interface TypesConfig {
  /** Extension (lower case) → type. */
  readonly byExtension: Readonly<Record<string, string>>;
  readonly default: Text;
}

export interface AccessLogConfig {
  /** A path with variables, stdout, or syslog ("syslog:server=…"). */
  readonly to: LogTarget | { readonly kind: "text"; readonly path: Text } | SyslogConfig;
  /** Name of one of the formats; "combined" is always there. */
  readonly format: string;
  readonly condition: Text | null;
  readonly bufferBytes: Bytes;
  readonly flushMs: Ms;
  /** 1 to 9; 0 = as it is. */
  readonly gzipLevel: number;
}

export interface SyslogConfig {
  readonly kind: "syslog";
  readonly server: Address;
  readonly facility: string;
  readonly severity: string;
  readonly tag: string;
  readonly noHostname: boolean;
}

export type ErrorLevel = "debug" | "info" | "notice" | "warn" | "error" | "crit" | "alert" | "emerg";

export interface ErrorLogConfig {
  readonly to: LogTarget | SyslogConfig;
  readonly level: ErrorLevel;
}

export interface ResolverConfig {
  readonly servers: readonly string[];
  readonly timeoutMs: Ms;
  /** 0 = the answer's TTL. */
  readonly validMs: Ms;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

// ---- proxying

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
