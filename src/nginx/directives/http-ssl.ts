// TLS and the newer versions of HTTP towards clients.
// Rows: name, contexts, arguments, form, and what differs from the rule (spec.ts).
import { CLIENT_TLS, CLIENT_TLS_MORE, shared } from "./shared-rows.ts";
import { BUFFERS, type DirectiveSpec, HTTP, HTTP_ALL, HTTP_SERVER, rowsOf } from "./spec.ts";

const httpSsl = rowsOf("http_ssl", "lowered");
const httpV2 = rowsOf("http_v2", "accepted", "clients are served HTTP/1.1");
const httpV3 = rowsOf("http_v3", "accepted", 'it matters only to "listen … quic", which is refused');

/** TLS and the newer versions of HTTP towards clients. */
export const HTTP_SSL: readonly DirectiveSpec[] = [
  ...shared(httpSsl, "ssl_", HTTP_SERVER, [...CLIENT_TLS, ...CLIENT_TLS_MORE]),
  httpSsl("ssl_buffer_size", HTTP_SERVER, "TAKE1", "size", { default: "16k", status: "accepted", why: BUFFERS }),
  httpSsl("ssl_early_data", HTTP_SERVER, "FLAG", "flag", { default: "off" }),

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
