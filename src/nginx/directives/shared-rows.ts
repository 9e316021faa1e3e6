// Directives that several modules have with another prefix or in other blocks: what asks upstreams, caches and speaks
// TLS is one piece of code in nginx, too. A module takes the groups that it has and adds rows of its own.
import type { ArgCount, Context, Details, DirectiveSpec, Form, Row } from "./spec.ts";

/** A row but for its module, prefix and contexts. */
export type SharedRow = readonly [name: string, args: ArgCount, form: Form, details?: Details];

/** Shared rows as those of one module; `but` has what it says otherwise of some of them. */
export function shared(
  row: Row,
  prefix: string,
  contexts: readonly Context[],
  rows: readonly SharedRow[],
  but: Readonly<Record<string, Details>> = {},
): DirectiveSpec[] {
  return rows.map(([name, args, form, details]) =>
    row(prefix + name, contexts, args, form, { ...details, ...but[name] }),
  );
}

/** What every module has that asks an upstream. */
export const CONNECTING: readonly SharedRow[] = [
  ["bind", "TAKE12", "own", { once: true }],
  ["socket_keepalive", "FLAG", "flag", { default: "off" }],
  ["connect_timeout", "TAKE1", "time", { default: "60s" }],
  ["send_timeout", "TAKE1", "time", { default: "60s" }],
  ["read_timeout", "TAKE1", "time", { default: "60s" }],
  ["buffer_size", "TAKE1", "size", { default: "4k|8k" }],
  ["next_upstream_tries", "TAKE1", "number", { default: "0" }],
  ["next_upstream_timeout", "TAKE1", "time", { default: "0" }],
];

/** The kernel's buffers of a connection to an upstream. */
export const SOCKET_BUFFERS: readonly SharedRow[] = [
  ["socket_rcvbuf", "TAKE1", "size"],
  ["socket_sndbuf", "TAKE1", "size"],
];

/** What happens to fields and errors of an upstream's response. */
export const RESPONSE_HEADS: readonly SharedRow[] = [
  ["intercept_errors", "FLAG", "flag", { default: "off" }],
  ["pass_header", "TAKE1", "string", { once: false }],
  ["hide_header", "TAKE1", "string", { once: false }],
  [
    "ignore_headers",
    "1MORE",
    {
      anyOf: [
        ...["X-Accel-Redirect", "X-Accel-Expires", "X-Accel-Limit-Rate", "X-Accel-Buffering", "X-Accel-Charset"],
        ...["Expires", "Cache-Control", "Set-Cookie", "Vary"],
      ],
    },
  ],
];

/** When another server of an upstream is asked, or an old response is served. */
const CONDITIONS: readonly string[] = [
  ...["error", "timeout", "invalid_header", "non_idempotent"],
  ...["http_500", "http_502", "http_503", "http_504", "http_403", "http_404", "http_429"],
  ...["updating", "off"],
];

/** Those conditions but for some. */
export function conditionsBut(...missing: readonly string[]): Form {
  return { anyOf: CONDITIONS.filter((condition) => !missing.includes(condition)) };
}

/** Bodies of requests and responses: buffers, temporary files, what is stored. */
export const BODIES: readonly SharedRow[] = [
  ["store", "TAKE1", "own", { default: "off", once: true }],
  ["store_access", "TAKE123", "own", { default: "user:rw", once: true }],
  ["buffering", "FLAG", "flag", { default: "on" }],
  ["request_buffering", "FLAG", "flag", { default: "on" }],
  ["ignore_client_abort", "FLAG", "flag", { default: "off" }],
  ["pass_request_headers", "FLAG", "flag", { default: "on" }],
  ["pass_request_body", "FLAG", "flag", { default: "on" }],
  ["buffers", "TAKE2", "buffers", { default: "8 4k|8k" }],
  ["busy_buffers_size", "TAKE1", "size", { default: "8k|16k" }],
  ["force_ranges", "FLAG", "flag", { default: "off" }],
  ["limit_rate", "TAKE1", "own", { default: "0", once: true }],
  ["max_temp_file_size", "TAKE1", "size", { default: "1024m" }],
  ["temp_file_write_size", "TAKE1", "size", { default: "8k|16k" }],
];

/** What is cached. The path of a cache stands only in http. */
export const CACHING: readonly SharedRow[] = [
  ["cache", "TAKE1", "own", { default: "off", once: true }],
  ["cache_key", "TAKE1", "own", { once: true }],
  ["cache_bypass", "1MORE", "own"],
  ["no_cache", "1MORE", "own"],
  ["cache_valid", "1MORE", "own"],
  ["cache_min_uses", "TAKE1", "number", { default: "1" }],
  ["cache_max_range_offset", "TAKE1", "offset"],
  ["cache_methods", "1MORE", { anyOf: ["GET", "HEAD", "POST"] }, { default: "GET HEAD" }],
  ["cache_lock", "FLAG", "flag", { default: "off" }],
  ["cache_lock_timeout", "TAKE1", "time", { default: "5s" }],
  ["cache_lock_age", "TAKE1", "time", { default: "5s" }],
  ["cache_revalidate", "FLAG", "flag", { default: "off" }],
];

const PROTOCOLS: SharedRow = [
  "protocols",
  "1MORE",
  { anyOf: ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] },
  { default: "TLSv1.2 TLSv1.3" },
];

/** TLS towards upstreams. */
export const UPSTREAM_TLS: readonly SharedRow[] = [
  ["session_reuse", "FLAG", "flag", { default: "on" }],
  PROTOCOLS,
  ["ciphers", "TAKE1", "string", { default: "DEFAULT" }],
  ["name", "TAKE1", "own", { once: true }],
  ["server_name", "FLAG", "flag", { default: "off" }],
  ["verify", "FLAG", "flag", { default: "off" }],
  ["verify_depth", "TAKE1", "number", { default: "1" }],
  ["trusted_certificate", "TAKE1", "string"],
  ["crl", "TAKE1", "string"],
  ["certificate", "TAKE1", "own", { once: true }],
  ["certificate_key", "TAKE1", "own", { once: true }],
  ["certificate_cache", "TAKE123", "own", { default: "off", once: true }],
  ["password_file", "TAKE1", "own", { once: true }],
  ["conf_command", "TAKE2", "own"],
];

/** TLS towards clients. */
export const CLIENT_TLS: readonly SharedRow[] = [
  ["certificate", "TAKE1", "string", { once: false }],
  ["certificate_key", "TAKE1", "string", { once: false }],
  ["password_file", "TAKE1", "own", { once: true }],
  ["certificate_compression", "FLAG", "flag", { default: "off" }],
  ["dhparam", "TAKE1", "string"],
  ["ecdh_curve", "TAKE1", "string", { default: "auto" }],
  PROTOCOLS,
  ["ciphers", "TAKE1", "string", { default: "HIGH:!aNULL:!MD5" }],
  ["verify_client", "TAKE1", { oneOf: ["off", "on", "optional", "optional_no_ca"] }, { default: "off" }],
  ["verify_depth", "TAKE1", "number", { default: "1" }],
  ["client_certificate", "TAKE1", "string"],
  ["trusted_certificate", "TAKE1", "string"],
  ["prefer_server_ciphers", "FLAG", "flag", { default: "off" }],
  ["session_cache", "TAKE12", "own", { default: "none" }],
  ["session_tickets", "FLAG", "flag", { default: "on" }],
  ["session_ticket_key", "TAKE1", "string", { once: false }],
  ["session_timeout", "TAKE1", "seconds", { default: "5m" }],
  ["crl", "TAKE1", "string"],
  ["conf_command", "TAKE2", "own"],
];

/** TLS towards clients, but for those of mail. */
export const CLIENT_TLS_MORE: readonly SharedRow[] = [
  ["certificate_cache", "TAKE123", "own", { default: "off", once: true }],
  ["ech_file", "TAKE1", "string", { once: false }],
  ["ocsp", "TAKE1", { oneOf: ["off", "on", "leaf"] }, { default: "off" }],
  ["ocsp_responder", "TAKE1", "string"],
  ["ocsp_cache", "TAKE1", "own", { default: "off", once: true }],
  ["stapling", "FLAG", "flag", { default: "off" }],
  ["stapling_file", "TAKE1", "string"],
  ["stapling_responder", "TAKE1", "string"],
  ["stapling_verify", "FLAG", "flag", { default: "off" }],
  ["reject_handshake", "FLAG", "flag", { default: "off" }],
];
