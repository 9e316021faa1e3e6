// The stream modules (TCP and UDP): known, so that the line is named where one is used.
// Rows: name, contexts, arguments, form, and what differs from the rule (spec.ts).
import { CLIENT_TLS, CLIENT_TLS_MORE, shared, UPSTREAM_TLS } from "./shared-rows.ts";
import { type DirectiveSpec, MAIN, rowsOf, STREAM, STREAM_ALL, STREAM_UPSTREAM } from "./spec.ts";

const REFUSED = ["refused", "Goodgate proxies HTTP only"] as const;
const streamCore = rowsOf("stream_core", ...REFUSED);
const streamAccess = rowsOf("stream_access", ...REFUSED);
const streamGeo = rowsOf("stream_geo", ...REFUSED);
const streamGeoip = rowsOf("stream_geoip", ...REFUSED);
const streamLimitConn = rowsOf("stream_limit_conn", ...REFUSED);
const streamLog = rowsOf("stream_log", ...REFUSED);
const streamMap = rowsOf("stream_map", ...REFUSED);
const streamPass = rowsOf("stream_pass", ...REFUSED);
const streamProxy = rowsOf("stream_proxy", ...REFUSED);
const streamRealip = rowsOf("stream_realip", ...REFUSED);
const streamReturn = rowsOf("stream_return", ...REFUSED);
const streamSet = rowsOf("stream_set", ...REFUSED);
const streamSplitClients = rowsOf("stream_split_clients", ...REFUSED);
const streamSsl = rowsOf("stream_ssl", ...REFUSED);
const streamSslPreread = rowsOf("stream_ssl_preread", ...REFUSED);
const streamUpstream = rowsOf("stream_upstream", ...REFUSED);
const streamUpstreamHash = rowsOf("stream_upstream_hash", ...REFUSED);
const streamUpstreamLeastConn = rowsOf("stream_upstream_least_conn", ...REFUSED);
const streamUpstreamLeastTime = rowsOf("stream_upstream_least_time", ...REFUSED);
const streamUpstreamRandom = rowsOf("stream_upstream_random", ...REFUSED);
const streamUpstreamZone = rowsOf("stream_upstream_zone", ...REFUSED);

/** The stream modules (TCP and UDP): known, so that the line is named where one is used. */
export const STREAM_MODULES: readonly DirectiveSpec[] = [
  streamCore("stream", MAIN, "TAKE0 BLOCK", "own", { once: true }),
  streamCore("variables_hash_max_size", STREAM, "TAKE1", "number", { default: "1024" }),
  streamCore("variables_hash_bucket_size", STREAM, "TAKE1", "number", { default: "64" }),
  streamCore("server_names_hash_max_size", STREAM, "TAKE1", "number", { default: "512" }),
  streamCore("server_names_hash_bucket_size", STREAM, "TAKE1", "number", { default: "32|64|128" }),
  streamCore("server", STREAM, "TAKE0 BLOCK", "own"),
  streamCore("listen", ["stream server"], "1MORE", "own"),
  streamCore("server_name", ["stream server"], "1MORE", "own", { default: '""' }),
  streamCore("error_log", STREAM_ALL, "1MORE", "own"),
  streamCore("resolver", STREAM_ALL, "1MORE", "own", { once: true }),
  streamCore("resolver_timeout", STREAM_ALL, "TAKE1", "time", { default: "30s" }),
  streamCore("proxy_protocol_timeout", STREAM_ALL, "TAKE1", "time", { default: "30s" }),
  streamCore("tcp_nodelay", STREAM_ALL, "FLAG", "flag", { default: "on" }),
  streamCore("preread_buffer_size", STREAM_ALL, "TAKE1", "size", { default: "16k" }),
  streamCore("preread_timeout", STREAM_ALL, "TAKE1", "time", { default: "30s" }),

  streamAccess("allow", STREAM_ALL, "TAKE1", "own"),
  streamAccess("deny", STREAM_ALL, "TAKE1", "own"),

  streamGeo("geo", STREAM, "TAKE12 ENTRIES", "own"),

  streamGeoip("geoip_country", STREAM, "TAKE12", "own", { once: true }),
  streamGeoip("geoip_org", STREAM, "TAKE12", "own", { once: true }),
  streamGeoip("geoip_city", STREAM, "TAKE12", "own", { once: true }),

  streamLimitConn("limit_conn_zone", STREAM, "TAKE2", "own"),
  streamLimitConn("limit_conn", STREAM_ALL, "TAKE2", "own"),
  streamLimitConn(
    "limit_conn_log_level",
    STREAM_ALL,
    "TAKE1",
    { oneOf: ["info", "notice", "warn", "error"] },
    { default: "error" },
  ),
  streamLimitConn("limit_conn_dry_run", STREAM_ALL, "FLAG", "flag", { default: "off" }),

  streamLog("log_format", STREAM, "2MORE", "own"),
  streamLog("access_log", STREAM_ALL, "1MORE", "own", { default: "off" }),
  streamLog("open_log_file_cache", STREAM_ALL, "TAKE1234", "own", { default: "off", once: true }),

  streamMap("map", STREAM, "TAKE2 ENTRIES", "own"),
  streamMap("map_hash_max_size", STREAM, "TAKE1", "number", { default: "2048" }),
  streamMap("map_hash_bucket_size", STREAM, "TAKE1", "number", { default: "32|64|128" }),

  streamPass("pass", ["stream server"], "TAKE1", "own", { once: true }),

  streamProxy("proxy_pass", ["stream server"], "TAKE1", "own", { once: true }),
  streamProxy("proxy_bind", STREAM_ALL, "TAKE12", "own", { once: true }),
  streamProxy("proxy_socket_keepalive", STREAM_ALL, "FLAG", "flag", { default: "off" }),
  streamProxy("proxy_socket_rcvbuf", STREAM_ALL, "TAKE1", "size"),
  streamProxy("proxy_socket_sndbuf", STREAM_ALL, "TAKE1", "size"),
  streamProxy("proxy_connect_timeout", STREAM_ALL, "TAKE1", "time", { default: "60s" }),
  streamProxy("proxy_timeout", STREAM_ALL, "TAKE1", "time", { default: "10m" }),
  streamProxy("proxy_buffer_size", STREAM_ALL, "TAKE1", "size", { default: "16k" }),
  streamProxy("proxy_downstream_buffer", STREAM_ALL, "TAKE1", "size"),
  streamProxy("proxy_upstream_buffer", STREAM_ALL, "TAKE1", "size"),
  streamProxy("proxy_upload_rate", STREAM_ALL, "TAKE1", "own", { default: "0", once: true }),
  streamProxy("proxy_download_rate", STREAM_ALL, "TAKE1", "own", { default: "0", once: true }),
  streamProxy("proxy_requests", STREAM_ALL, "TAKE1", "number", { default: "0" }),
  streamProxy("proxy_responses", STREAM_ALL, "TAKE1", "number"),
  streamProxy("proxy_next_upstream", STREAM_ALL, "FLAG", "flag", { default: "on" }),
  streamProxy("proxy_next_upstream_tries", STREAM_ALL, "TAKE1", "number", { default: "0" }),
  streamProxy("proxy_next_upstream_timeout", STREAM_ALL, "TAKE1", "time", { default: "0" }),
  streamProxy("proxy_protocol", STREAM_ALL, "TAKE1", { oneOf: ["off", "on", "v2"] }, { default: "off" }),
  streamProxy("proxy_half_close", STREAM_ALL, "FLAG", "flag", { default: "off" }),
  streamProxy("proxy_ssl", STREAM_ALL, "FLAG", "flag", { default: "off" }),
  ...shared(streamProxy, "proxy_ssl_", STREAM_ALL, UPSTREAM_TLS, { name: { default: "host from proxy_pass" } }),
  streamProxy("proxy_ssl_alpn", STREAM_ALL, "1MORE", "own", { once: true }),

  streamRealip("set_real_ip_from", STREAM_ALL, "TAKE1", "own"),

  streamReturn("return", ["stream server"], "TAKE1", "own", { once: true }),

  streamSet("set", ["stream server"], "TAKE2", "own"),

  streamSplitClients("split_clients", STREAM, "TAKE2 ENTRIES", "own"),

  streamSsl("ssl_handshake_timeout", STREAM_ALL, "TAKE1", "time", { default: "60s" }),
  ...shared(streamSsl, "ssl_", STREAM_ALL, [...CLIENT_TLS, ...CLIENT_TLS_MORE]),
  streamSsl("ssl_alpn", STREAM_ALL, "1MORE", "own", { once: true }),

  streamSslPreread("ssl_preread", STREAM_ALL, "FLAG", "flag", { default: "off" }),

  streamUpstream("upstream", STREAM, "TAKE1 BLOCK", "own"),
  streamUpstream("server", STREAM_UPSTREAM, "1MORE", "own"),
  streamUpstream("resolver", STREAM_UPSTREAM, "1MORE", "own", { once: true }),
  streamUpstream("resolver_timeout", STREAM_UPSTREAM, "TAKE1", "time", { default: "30s" }),

  streamUpstreamHash("hash", STREAM_UPSTREAM, "TAKE12", "own"),

  streamUpstreamLeastConn("least_conn", STREAM_UPSTREAM, "TAKE0", "own"),

  streamUpstreamLeastTime("least_time", STREAM_UPSTREAM, "TAKE12", "own"),

  streamUpstreamRandom("random", STREAM_UPSTREAM, "TAKE012", "own"),

  streamUpstreamZone("zone", STREAM_UPSTREAM, "TAKE12", "own"),
];
