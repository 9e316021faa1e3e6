// Names of the variables that are always there, for whoever reads a configuration: a name that is neither here nor
// defined by the configuration is a mistake in it. What each stands for is in variables/, whose tables have the
// types of these lists, so that the two cannot come apart. Case does not count in names; here they are lower case.

/** Variables by group. A family ("http_") makes a variable of whatever follows its prefix. */
const REQUEST = [
  "args",
  "content_length",
  "content_type",
  "document_root",
  "document_uri",
  "host",
  "http2",
  "http3",
  "is_args",
  "is_request_port",
  "query_string",
  "quic",
  "realpath_root",
  "remote_user",
  "request",
  "request_body",
  "request_body_file",
  "request_filename",
  "request_id",
  "request_length",
  "request_method",
  "request_port",
  "request_uri",
  "server_name",
  "uri",
  "invalid_referer",
  "limit_rate",
  "secure_link",
  "secure_link_expires",
  "slice_range",
  "uid_got",
  "uid_reset",
  "uid_set",
  "modern_browser",
  "ancient_browser",
  "msie",
] as const;

const CONNECTION = [
  "binary_remote_addr",
  "connection",
  "connection_requests",
  "connection_time",
  "connections_active",
  "connections_reading",
  "connections_waiting",
  "connections_writing",
  "https",
  "pipe",
  "proxy_add_x_forwarded_for",
  "proxy_protocol_addr",
  "proxy_protocol_port",
  "proxy_protocol_server_addr",
  "proxy_protocol_server_port",
  "realip_remote_addr",
  "realip_remote_port",
  "remote_addr",
  "remote_port",
  "scheme",
  "server_addr",
  "server_port",
  "server_protocol",
  "tcpinfo_rcv_space",
  "tcpinfo_rtt",
  "tcpinfo_rttvar",
  "tcpinfo_snd_cwnd",
] as const;

const RESPONSE = [
  "body_bytes_sent",
  "bytes_sent",
  "goodgate_cache_key",
  "goodgate_cause",
  "gzip_ratio",
  "limit_conn_status",
  "limit_req_status",
  "request_completion",
  "status",
] as const;

const UPSTREAM = [
  "proxy_host",
  "proxy_internal_body_length",
  "proxy_internal_chunked",
  "proxy_port",
  "upstream_addr",
  "upstream_bytes_received",
  "upstream_bytes_sent",
  "upstream_cache_etag",
  "upstream_cache_last_modified",
  "upstream_cache_status",
  "upstream_connect_time",
  "upstream_header_time",
  "upstream_response_length",
  "upstream_response_time",
  "upstream_status",
] as const;

const TIME = [
  "date_gmt",
  "date_local",
  "hostname",
  "msec",
  "nginx_version",
  "pid",
  "request_time",
  "time_iso8601",
  "time_local",
] as const;

const TLS = [
  "ssl_alpn_protocol",
  "ssl_cipher",
  "ssl_ciphers",
  "ssl_client_cert",
  "ssl_client_escaped_cert",
  "ssl_client_fingerprint",
  "ssl_client_i_dn",
  "ssl_client_i_dn_legacy",
  "ssl_client_raw_cert",
  "ssl_client_s_dn",
  "ssl_client_s_dn_legacy",
  "ssl_client_serial",
  "ssl_client_sigalg",
  "ssl_client_v_end",
  "ssl_client_v_remain",
  "ssl_client_v_start",
  "ssl_client_verify",
  "ssl_curve",
  "ssl_curves",
  "ssl_early_data",
  "ssl_ech_outer_server_name",
  "ssl_ech_status",
  "ssl_protocol",
  "ssl_server_name",
  "ssl_session_id",
  "ssl_session_reused",
  "ssl_sigalg",
  "ssl_sigalgs",
] as const;

/** What a name that is no variable of its own may begin with; the longest counts. */
export const VARIABLE_FAMILIES = [
  "arg_",
  "cookie_",
  "http_",
  "proxy_protocol_tlv_",
  "sent_http_",
  "sent_trailer_",
  "upstream_cookie_",
  "upstream_http_",
  "upstream_trailer_",
] as const;

export type RequestVariable = (typeof REQUEST)[number];
export type ConnectionVariable = (typeof CONNECTION)[number];
export type ResponseVariable = (typeof RESPONSE)[number];
export type UpstreamVariable = (typeof UPSTREAM)[number];
export type TimeVariable = (typeof TIME)[number];
export type TlsVariable = (typeof TLS)[number];
export type VariableFamily = (typeof VARIABLE_FAMILIES)[number];

const NAMES: readonly string[] = [...REQUEST, ...CONNECTION, ...RESPONSE, ...UPSTREAM, ...TIME, ...TLS];
const KNOWN: ReadonlySet<string> = new Set(NAMES);
/** What nginx lets a configuration redefine. Setting the first two has an effect, the others become their value. */
const CHANGEABLE: ReadonlySet<string> = new Set([
  "args",
  "limit_rate",
  "proxy_host",
  "proxy_port",
  "invalid_referer",
  "modern_browser",
  "ancient_browser",
  "msie",
  "uid_reset",
  ...TLS,
]);

/** All names that are always there, without the families. */
export function builtinNames(): readonly string[] {
  return NAMES;
}

/** It is always there, as itself, as a member of a family or as a capture ("1" to "9"). */
export function isKnown(name: string): boolean {
  return KNOWN.has(name.toLowerCase()) || familyOf(name) !== undefined || /^[1-9]$/.test(name);
}

/** Whether it belongs to a module that is not there: it never has a value. */
export function isOfMissingModule(name: string): boolean {
  return /^(?:geoip|fastcgi|uwsgi|scgi|grpc|uid)_/.test(name);
}

/** A configuration may define it, by `set`, a map or a capture. */
export function mayBeDefined(name: string): boolean {
  const lower = name.toLowerCase();
  return !KNOWN.has(lower) || CHANGEABLE.has(lower);
}

/** The family that the name belongs to. */
export function familyOf(name: string): VariableFamily | undefined {
  const lower = name.toLowerCase();
  let longest: VariableFamily | undefined;
  for (const family of VARIABLE_FAMILIES) {
    if (lower.startsWith(family) && family.length > (longest?.length ?? 0)) longest = family;
  }
  return longest;
}
