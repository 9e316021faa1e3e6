// The stream modules (TCP and UDP): known, so that the line is named where one is used.
// Rows: name, contexts, arguments, form, and what differs from the rule (spec.ts).
import { type DirectiveSpec, MAIN, rowsOf, STREAM, STREAM_ALL, STREAM_UPSTREAM } from "./spec.ts";

const streamCore = rowsOf("stream_core", "refused", "Goodgate proxies HTTP only");
const streamAccess = rowsOf("stream_access", "refused", "Goodgate proxies HTTP only");
const streamGeo = rowsOf("stream_geo", "refused", "Goodgate proxies HTTP only");
const streamGeoip = rowsOf("stream_geoip", "refused", "Goodgate proxies HTTP only");
const streamLimitConn = rowsOf("stream_limit_conn", "refused", "Goodgate proxies HTTP only");
const streamLog = rowsOf("stream_log", "refused", "Goodgate proxies HTTP only");
const streamMap = rowsOf("stream_map", "refused", "Goodgate proxies HTTP only");
const streamPass = rowsOf("stream_pass", "refused", "Goodgate proxies HTTP only");
const streamProxy = rowsOf("stream_proxy", "refused", "Goodgate proxies HTTP only");
const streamRealip = rowsOf("stream_realip", "refused", "Goodgate proxies HTTP only");
const streamReturn = rowsOf("stream_return", "refused", "Goodgate proxies HTTP only");
const streamSet = rowsOf("stream_set", "refused", "Goodgate proxies HTTP only");
const streamSplitClients = rowsOf("stream_split_clients", "refused", "Goodgate proxies HTTP only");
const streamSsl = rowsOf("stream_ssl", "refused", "Goodgate proxies HTTP only");
const streamSslPreread = rowsOf("stream_ssl_preread", "refused", "Goodgate proxies HTTP only");
const streamUpstream = rowsOf("stream_upstream", "refused", "Goodgate proxies HTTP only");
const streamUpstreamHash = rowsOf("stream_upstream_hash", "refused", "Goodgate proxies HTTP only");
const streamUpstreamLeastConn = rowsOf("stream_upstream_least_conn", "refused", "Goodgate proxies HTTP only");
const streamUpstreamLeastTime = rowsOf("stream_upstream_least_time", "refused", "Goodgate proxies HTTP only");
const streamUpstreamRandom = rowsOf("stream_upstream_random", "refused", "Goodgate proxies HTTP only");
const streamUpstreamZone = rowsOf("stream_upstream_zone", "refused", "Goodgate proxies HTTP only");

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
  streamProxy("proxy_ssl_session_reuse", STREAM_ALL, "FLAG", "flag", { default: "on" }),
  streamProxy(
    "proxy_ssl_protocols",
    STREAM_ALL,
    "1MORE",
    { anyOf: ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] },
    { default: "TLSv1.2 TLSv1.3" },
  ),
  streamProxy("proxy_ssl_ciphers", STREAM_ALL, "TAKE1", "string", { default: "DEFAULT" }),
  streamProxy("proxy_ssl_name", STREAM_ALL, "TAKE1", "own", { default: "host from proxy_pass", once: true }),
  streamProxy("proxy_ssl_server_name", STREAM_ALL, "FLAG", "flag", { default: "off" }),
  streamProxy("proxy_ssl_alpn", STREAM_ALL, "1MORE", "own", { once: true }),
  streamProxy("proxy_ssl_verify", STREAM_ALL, "FLAG", "flag", { default: "off" }),
  streamProxy("proxy_ssl_verify_depth", STREAM_ALL, "TAKE1", "number", { default: "1" }),
  streamProxy("proxy_ssl_trusted_certificate", STREAM_ALL, "TAKE1", "string"),
  streamProxy("proxy_ssl_crl", STREAM_ALL, "TAKE1", "string"),
  streamProxy("proxy_ssl_certificate", STREAM_ALL, "TAKE1", "own", { once: true }),
  streamProxy("proxy_ssl_certificate_key", STREAM_ALL, "TAKE1", "own", { once: true }),
  streamProxy("proxy_ssl_certificate_cache", STREAM_ALL, "TAKE123", "own", { default: "off", once: true }),
  streamProxy("proxy_ssl_password_file", STREAM_ALL, "TAKE1", "own", { once: true }),
  streamProxy("proxy_ssl_conf_command", STREAM_ALL, "TAKE2", "own"),

  streamRealip("set_real_ip_from", STREAM_ALL, "TAKE1", "own"),

  streamReturn("return", ["stream server"], "TAKE1", "own", { once: true }),

  streamSet("set", ["stream server"], "TAKE2", "own"),

  streamSplitClients("split_clients", STREAM, "TAKE2 ENTRIES", "own"),

  streamSsl("ssl_handshake_timeout", STREAM_ALL, "TAKE1", "time", { default: "60s" }),
  streamSsl("ssl_certificate", STREAM_ALL, "TAKE1", "string", { once: false }),
  streamSsl("ssl_certificate_key", STREAM_ALL, "TAKE1", "string", { once: false }),
  streamSsl("ssl_certificate_cache", STREAM_ALL, "TAKE123", "own", { default: "off", once: true }),
  streamSsl("ssl_ech_file", STREAM_ALL, "TAKE1", "string", { once: false }),
  streamSsl("ssl_password_file", STREAM_ALL, "TAKE1", "own", { once: true }),
  streamSsl("ssl_certificate_compression", STREAM_ALL, "FLAG", "flag", { default: "off" }),
  streamSsl("ssl_dhparam", STREAM_ALL, "TAKE1", "string"),
  streamSsl("ssl_ecdh_curve", STREAM_ALL, "TAKE1", "string", { default: "auto" }),
  streamSsl(
    "ssl_protocols",
    STREAM_ALL,
    "1MORE",
    { anyOf: ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] },
    { default: "TLSv1.2 TLSv1.3" },
  ),
  streamSsl("ssl_ciphers", STREAM_ALL, "TAKE1", "string", { default: "HIGH:!aNULL:!MD5" }),
  streamSsl(
    "ssl_verify_client",
    STREAM_ALL,
    "TAKE1",
    { oneOf: ["off", "on", "optional", "optional_no_ca"] },
    { default: "off" },
  ),
  streamSsl("ssl_verify_depth", STREAM_ALL, "TAKE1", "number", { default: "1" }),
  streamSsl("ssl_client_certificate", STREAM_ALL, "TAKE1", "string"),
  streamSsl("ssl_trusted_certificate", STREAM_ALL, "TAKE1", "string"),
  streamSsl("ssl_prefer_server_ciphers", STREAM_ALL, "FLAG", "flag", { default: "off" }),
  streamSsl("ssl_session_cache", STREAM_ALL, "TAKE12", "own", { default: "none" }),
  streamSsl("ssl_session_tickets", STREAM_ALL, "FLAG", "flag", { default: "on" }),
  streamSsl("ssl_session_ticket_key", STREAM_ALL, "TAKE1", "string", { once: false }),
  streamSsl("ssl_session_timeout", STREAM_ALL, "TAKE1", "seconds", { default: "5m" }),
  streamSsl("ssl_crl", STREAM_ALL, "TAKE1", "string"),
  streamSsl("ssl_ocsp", STREAM_ALL, "TAKE1", { oneOf: ["off", "on", "leaf"] }, { default: "off" }),
  streamSsl("ssl_ocsp_responder", STREAM_ALL, "TAKE1", "string"),
  streamSsl("ssl_ocsp_cache", STREAM_ALL, "TAKE1", "own", { default: "off", once: true }),
  streamSsl("ssl_stapling", STREAM_ALL, "FLAG", "flag", { default: "off" }),
  streamSsl("ssl_stapling_file", STREAM_ALL, "TAKE1", "string"),
  streamSsl("ssl_stapling_responder", STREAM_ALL, "TAKE1", "string"),
  streamSsl("ssl_stapling_verify", STREAM_ALL, "FLAG", "flag", { default: "off" }),
  streamSsl("ssl_conf_command", STREAM_ALL, "TAKE2", "own"),
  streamSsl("ssl_reject_handshake", STREAM_ALL, "FLAG", "flag", { default: "off" }),
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
