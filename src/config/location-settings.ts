// What a location of a virtual server says (and a server or an if-block, where no location does): all settings, each
// with its own interface. Part of servers.ts, which says what texts are.
import type { Bytes, Ms } from "../std/units.ts";
import type { Address, LogTarget } from "./config.ts";
import type { CacheUseConfig, ProxyConfig, TunnelConfig } from "./proxy-settings.ts";
import type { Pattern, ServerName, Text } from "./servers.ts";

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
