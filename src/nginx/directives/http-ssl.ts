// TLS and the newer versions of HTTP towards clients.
// Rows: name, contexts, arguments, form, and what differs from the rule (spec.ts).
import { BUFFERS, type DirectiveSpec, HTTP, HTTP_ALL, HTTP_SERVER, rowsOf } from "./spec.ts";

const httpSsl = rowsOf("http_ssl", "lowered");
const httpV2 = rowsOf("http_v2", "accepted", "clients are served HTTP/1.1");
const httpV3 = rowsOf("http_v3", "accepted", 'it matters only to "listen … quic", which is refused');

/** TLS and the newer versions of HTTP towards clients. */
export const HTTP_SSL: readonly DirectiveSpec[] = [
  httpSsl("ssl_certificate", HTTP_SERVER, "TAKE1", "string", { once: false }),
  httpSsl("ssl_certificate_key", HTTP_SERVER, "TAKE1", "string", { once: false }),
  httpSsl("ssl_certificate_cache", HTTP_SERVER, "TAKE123", "own", { default: "off", once: true }),
  httpSsl("ssl_ech_file", HTTP_SERVER, "TAKE1", "string", { once: false }),
  httpSsl("ssl_password_file", HTTP_SERVER, "TAKE1", "own", { once: true }),
  httpSsl("ssl_certificate_compression", HTTP_SERVER, "FLAG", "flag", { default: "off" }),
  httpSsl("ssl_dhparam", HTTP_SERVER, "TAKE1", "string"),
  httpSsl("ssl_ecdh_curve", HTTP_SERVER, "TAKE1", "string", { default: "auto" }),
  httpSsl(
    "ssl_protocols",
    HTTP_SERVER,
    "1MORE",
    { anyOf: ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] },
    { default: "TLSv1.2 TLSv1.3" },
  ),
  httpSsl("ssl_ciphers", HTTP_SERVER, "TAKE1", "string", { default: "HIGH:!aNULL:!MD5" }),
  httpSsl("ssl_buffer_size", HTTP_SERVER, "TAKE1", "size", { default: "16k", status: "accepted", why: BUFFERS }),
  httpSsl(
    "ssl_verify_client",
    HTTP_SERVER,
    "TAKE1",
    { oneOf: ["off", "on", "optional", "optional_no_ca"] },
    { default: "off" },
  ),
  httpSsl("ssl_verify_depth", HTTP_SERVER, "TAKE1", "number", { default: "1" }),
  httpSsl("ssl_client_certificate", HTTP_SERVER, "TAKE1", "string"),
  httpSsl("ssl_trusted_certificate", HTTP_SERVER, "TAKE1", "string"),
  httpSsl("ssl_prefer_server_ciphers", HTTP_SERVER, "FLAG", "flag", { default: "off" }),
  httpSsl("ssl_session_cache", HTTP_SERVER, "TAKE12", "own", { default: "none" }),
  httpSsl("ssl_session_tickets", HTTP_SERVER, "FLAG", "flag", { default: "on" }),
  httpSsl("ssl_session_ticket_key", HTTP_SERVER, "TAKE1", "string", { once: false }),
  httpSsl("ssl_session_timeout", HTTP_SERVER, "TAKE1", "seconds", { default: "5m" }),
  httpSsl("ssl_crl", HTTP_SERVER, "TAKE1", "string"),
  httpSsl("ssl_ocsp", HTTP_SERVER, "TAKE1", { oneOf: ["off", "on", "leaf"] }, { default: "off" }),
  httpSsl("ssl_ocsp_responder", HTTP_SERVER, "TAKE1", "string"),
  httpSsl("ssl_ocsp_cache", HTTP_SERVER, "TAKE1", "own", { default: "off", once: true }),
  httpSsl("ssl_stapling", HTTP_SERVER, "FLAG", "flag", { default: "off" }),
  httpSsl("ssl_stapling_file", HTTP_SERVER, "TAKE1", "string"),
  httpSsl("ssl_stapling_responder", HTTP_SERVER, "TAKE1", "string"),
  httpSsl("ssl_stapling_verify", HTTP_SERVER, "FLAG", "flag", { default: "off" }),
  httpSsl("ssl_early_data", HTTP_SERVER, "FLAG", "flag", { default: "off" }),
  httpSsl("ssl_conf_command", HTTP_SERVER, "TAKE2", "own"),
  httpSsl("ssl_reject_handshake", HTTP_SERVER, "FLAG", "flag", { default: "off" }),

  httpV2("http2", HTTP_SERVER, "FLAG", "flag", { default: "off" }),
  httpV2("http2_recv_buffer_size", HTTP, "TAKE1", "size", { default: "256k" }),
  httpV2("http2_pool_size", HTTP_SERVER, "TAKE1", "size"),
  httpV2("http2_max_concurrent_streams", HTTP_SERVER, "TAKE1", "number", { default: "128" }),
  httpV2("http2_max_concurrent_pushes", HTTP_SERVER, "TAKE1", "own", { default: "10" }),
  httpV2("http2_max_requests", HTTP_SERVER, "TAKE1", "own", { default: "1000" }),
  httpV2("http2_max_field_size", HTTP_SERVER, "TAKE1", "own", { default: "4k" }),
  httpV2("http2_max_header_size", HTTP_SERVER, "TAKE1", "own", { default: "16k" }),
  httpV2("http2_body_preread_size", HTTP_SERVER, "TAKE1", "size", { default: "64k" }),
  httpV2("http2_streams_index_size", HTTP_SERVER, "TAKE1", "number"),
  httpV2("http2_recv_timeout", HTTP_SERVER, "TAKE1", "own", { default: "30s" }),
  httpV2("http2_idle_timeout", HTTP_SERVER, "TAKE1", "own", { default: "3m" }),
  httpV2("http2_chunk_size", HTTP_ALL, "TAKE1", "size", { default: "8k" }),
  httpV2("http2_push_preload", HTTP_ALL, "FLAG", "own", { default: "off" }),
  httpV2("http2_push", HTTP_ALL, "TAKE1", "own", { default: "off" }),

  httpV3("http3", HTTP_SERVER, "FLAG", "flag", { default: "on" }),
  httpV3("http3_hq", HTTP_SERVER, "FLAG", "flag", { default: "off" }),
  httpV3("http3_max_concurrent_streams", HTTP_SERVER, "TAKE1", "number", { default: "128" }),
  httpV3("http3_stream_buffer_size", HTTP_SERVER, "TAKE1", "size", { default: "64k" }),
  httpV3("quic_retry", HTTP_SERVER, "FLAG", "flag", { default: "off" }),
  httpV3("quic_gso", HTTP_SERVER, "FLAG", "flag", { default: "off" }),
  httpV3("quic_host_key", HTTP_SERVER, "TAKE1", "own", { once: true }),
  httpV3("quic_active_connection_id_limit", HTTP_SERVER, "TAKE1", "number", { default: "2" }),
];
