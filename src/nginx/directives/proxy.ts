// Proxying to HTTP upstreams, and tunnels.
// Rows: name, contexts, arguments, form, and what differs from the rule (spec.ts).
import {
  BODIES,
  CACHING,
  CONNECTING,
  conditionsBut,
  RESPONSE_HEADS,
  SOCKET_BUFFERS,
  shared,
  UPSTREAM_TLS,
} from "./shared-rows.ts";
import { BY_NODE, type Details, type DirectiveSpec, GROWS, HTTP, HTTP_ALL, rowsOf } from "./spec.ts";

const httpProxy = rowsOf("http_proxy", "lowered");
const httpTunnel = rowsOf("http_tunnel", "lowered");

const MADE_BY_NODE: Details = { status: "accepted", why: BY_NODE };
const IN_MEMORY: Details = { status: "accepted", why: "bodies are kept in memory, within bounds" };
const TABLE_SIZE: Details = { status: "accepted", why: GROWS };

/** Proxying to HTTP upstreams, and tunnels. */
export const PROXY: readonly DirectiveSpec[] = [
  httpProxy("proxy_pass", ["location", "location if", "limit_except"], "TAKE1", "own", { inherit: "none", once: true }),
  ...shared(httpProxy, "proxy_", HTTP_ALL, CONNECTING),
  ...shared(httpProxy, "proxy_", HTTP_ALL, SOCKET_BUFFERS, {
    socket_rcvbuf: MADE_BY_NODE,
    socket_sndbuf: MADE_BY_NODE,
  }),
  ...shared(httpProxy, "proxy_", HTTP_ALL, RESPONSE_HEADS),
  ...shared(httpProxy, "proxy_", HTTP_ALL, BODIES, {
    busy_buffers_size: IN_MEMORY,
    max_temp_file_size: IN_MEMORY,
    temp_file_write_size: IN_MEMORY,
  }),
  ...shared(httpProxy, "proxy_", HTTP_ALL, CACHING, { cache_key: { default: "$scheme$proxy_host$request_uri" } }),
  ...shared(httpProxy, "proxy_ssl_", HTTP_ALL, UPSTREAM_TLS, { name: { default: "$proxy_host" } }),
  httpProxy("proxy_redirect", HTTP_ALL, "TAKE12", "own", { default: "default" }),
  httpProxy("proxy_cookie_domain", HTTP_ALL, "TAKE12", "own", { default: "off" }),
  httpProxy("proxy_cookie_path", HTTP_ALL, "TAKE12", "own", { default: "off" }),
  httpProxy("proxy_cookie_flags", HTTP_ALL, "TAKE1234", "own", { default: "off" }),
  httpProxy("proxy_send_lowat", HTTP_ALL, "TAKE1", "size", { default: "0", ...MADE_BY_NODE }),
  httpProxy("proxy_set_header", HTTP_ALL, "TAKE2", "own", { default: "Host $proxy_host" }),
  httpProxy("proxy_headers_hash_max_size", HTTP_ALL, "TAKE1", "number", { default: "512", ...TABLE_SIZE }),
  httpProxy("proxy_headers_hash_bucket_size", HTTP_ALL, "TAKE1", "number", { default: "64", ...TABLE_SIZE }),
  httpProxy("proxy_set_body", HTTP_ALL, "TAKE1", "string"),
  httpProxy("proxy_method", HTTP_ALL, "TAKE1", "own", { once: true }),
  httpProxy("proxy_pass_trailers", HTTP_ALL, "FLAG", "flag", { default: "off" }),
  httpProxy("proxy_temp_path", HTTP_ALL, "TAKE1234", "own", { default: "proxy_temp", once: true, ...IN_MEMORY }),
  httpProxy("proxy_cache_path", HTTP, "2MORE", "own"),
  httpProxy("proxy_cache_use_stale", HTTP_ALL, "1MORE", conditionsBut(), { default: "off" }),
  httpProxy("proxy_cache_convert_head", HTTP_ALL, "FLAG", "flag", { default: "on" }),
  httpProxy("proxy_cache_background_update", HTTP_ALL, "FLAG", "flag", { default: "off" }),
  httpProxy("proxy_next_upstream", HTTP_ALL, "1MORE", conditionsBut(), { default: "error timeout" }),
  httpProxy("proxy_http_version", HTTP_ALL, "TAKE1", { oneOf: ["1.0", "1.1", "2"] }, { default: "1.1" }),

  httpTunnel("tunnel_pass", ["server", "location", "location if"], "TAKE01", "own", { once: true }),
  ...shared(httpTunnel, "tunnel_", HTTP_ALL, CONNECTING, { buffer_size: { default: "16k" } }),
  ...shared(httpTunnel, "tunnel_", HTTP_ALL, SOCKET_BUFFERS),
  httpTunnel("tunnel_send_lowat", HTTP_ALL, "TAKE1", "size", { default: "0" }),
  httpTunnel(
    "tunnel_next_upstream",
    HTTP_ALL,
    "1MORE",
    { anyOf: ["error", "timeout", "off"] },
    { default: "error timeout" },
  ),
];
