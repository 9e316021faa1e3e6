// Virtual servers: the part of a configuration that chooses by listener and Host, then walks a tree of locations, with
// a rewrite program, conditions and everything that a location may say. An nginx.conf lowers to it; goodgate.yaml has
// it under `servers`. It is plain data and complete: inheritance is worked out, every default is filled in.
//
// Strings of this part are byte text: one character is one byte (latin1), since paths and bodies need not be UTF-8.
import type { Bytes, Ms } from "../std/units.ts";
import type { Address, Position } from "./config.ts";
import type { LocationSettings } from "./location-settings.ts";

export type * from "./location-settings.ts";
export type * from "./proxy-settings.ts";

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
