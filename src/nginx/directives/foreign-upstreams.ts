// Upstreams that speak FastCGI, SCGI, uwsgi, gRPC or memcached: known, so that the line is named where one is used.
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
import { type Context, type DirectiveSpec, HTTP, HTTP_ALL, type Row, rowsOf } from "./spec.ts";

const httpFastcgi = rowsOf("http_fastcgi", "accepted", "it matters only with fastcgi_pass, which is refused");
const httpScgi = rowsOf("http_scgi", "accepted", "it matters only with scgi_pass, which is refused");
const httpUwsgi = rowsOf("http_uwsgi", "accepted", "it matters only with uwsgi_pass, which is refused");
const httpGrpc = rowsOf("http_grpc", "accepted", "it matters only with grpc_pass, which is refused");
const httpMemcached = rowsOf("http_memcached", "accepted", "it matters only with memcached_pass, which is refused");

const PASS: readonly Context[] = ["location", "location if"];
const GATEWAY_CONDITIONS = conditionsBut("http_502", "http_504");

/** What FastCGI, SCGI and uwsgi have in common: requests as environments, responses that can be cached. */
const gatewayRows = (row: Row, protocol: string): DirectiveSpec[] => [
  ...shared(row, `${protocol}_`, HTTP_ALL, [CONNECTING, SOCKET_BUFFERS, RESPONSE_HEADS, BODIES, CACHING].flat()),
  row(`${protocol}_param`, HTTP_ALL, "TAKE23", "own", { default: "HTTP_HOST $host$is_request_port$request_port" }),
  row(`${protocol}_cache_path`, HTTP, "2MORE", "own"),
  row(`${protocol}_cache_use_stale`, HTTP_ALL, "1MORE", GATEWAY_CONDITIONS, { default: "off" }),
  row(`${protocol}_next_upstream`, HTTP_ALL, "1MORE", GATEWAY_CONDITIONS, { default: "error timeout" }),
  row(`${protocol}_temp_path`, HTTP_ALL, "TAKE1234", "own", { default: `${protocol}_temp`, once: true }),
];

/** Upstreams that speak FastCGI, SCGI, uwsgi, gRPC or memcached. */
export const FOREIGN_UPSTREAMS: readonly DirectiveSpec[] = [
  httpFastcgi("fastcgi_pass", PASS, "TAKE1", "own", {
    once: true,
    status: "refused",
    why: "FastCGI is no HTTP: put the application server behind an HTTP listener of its own",
  }),
  ...gatewayRows(httpFastcgi, "fastcgi"),
  httpFastcgi("fastcgi_index", HTTP_ALL, "TAKE1", "string"),
  httpFastcgi("fastcgi_split_path_info", HTTP_ALL, "TAKE1", "own"),
  httpFastcgi("fastcgi_send_lowat", HTTP_ALL, "TAKE1", "size", { default: "0" }),
  httpFastcgi("fastcgi_cache_background_update", HTTP_ALL, "FLAG", "flag", { default: "off" }),
  httpFastcgi("fastcgi_catch_stderr", HTTP_ALL, "TAKE1", "string", { once: false }),
  httpFastcgi("fastcgi_keep_conn", HTTP_ALL, "FLAG", "flag", { default: "off" }),

  httpScgi("scgi_pass", PASS, "TAKE1", "own", {
    once: true,
    status: "refused",
    why: "SCGI is no HTTP: put the application server behind an HTTP listener of its own",
  }),
  ...gatewayRows(httpScgi, "scgi"),
  httpScgi("scgi_cache_background_update", HTTP_ALL, "FLAG", "flag", { default: "off" }),

  httpUwsgi("uwsgi_pass", PASS, "TAKE1", "own", {
    once: true,
    status: "refused",
    why: "the uwsgi protocol is no HTTP: uWSGI speaks HTTP too (http-socket)",
  }),
  ...gatewayRows(httpUwsgi, "uwsgi"),
  ...shared(httpUwsgi, "uwsgi_ssl_", HTTP_ALL, UPSTREAM_TLS, { name: { default: "host from uwsgi_pass" } }),
  httpUwsgi("uwsgi_modifier1", HTTP_ALL, "TAKE1", "number", { default: "0", bounds: [0, 255] }),
  httpUwsgi("uwsgi_modifier2", HTTP_ALL, "TAKE1", "number", { default: "0", bounds: [0, 255] }),
  httpUwsgi("uwsgi_cache_background_update", HTTP_ALL, "TAKE1", "flag", { default: "off" }),
  httpUwsgi("uwsgi_string", HTTP_ALL, "TAKE1", "string"),

  httpGrpc("grpc_pass", PASS, "TAKE1", "own", {
    once: true,
    status: "refused",
    why: "gRPC upstreams need HTTP/2 towards upstreams",
  }),
  ...shared(httpGrpc, "grpc_", HTTP_ALL, [...CONNECTING, ...SOCKET_BUFFERS, ...RESPONSE_HEADS]),
  ...shared(httpGrpc, "grpc_ssl_", HTTP_ALL, UPSTREAM_TLS, { name: { default: "host from grpc_pass" } }),
  httpGrpc("grpc_set_header", HTTP_ALL, "TAKE2", "own", { default: "Content-Length $content_length" }),
  httpGrpc("grpc_next_upstream", HTTP_ALL, "1MORE", conditionsBut("updating"), { default: "error timeout" }),

  httpMemcached("memcached_pass", PASS, "TAKE1", "own", {
    once: true,
    status: "refused",
    why: "memcached is no HTTP upstream",
  }),
  ...shared(httpMemcached, "memcached_", HTTP_ALL, CONNECTING),
  httpMemcached(
    "memcached_next_upstream",
    HTTP_ALL,
    "1MORE",
    { anyOf: ["error", "timeout", "invalid_response", "not_found", "off"] },
    { default: "error timeout" },
  ),
  httpMemcached("memcached_gzip_flag", HTTP_ALL, "TAKE1", "number"),
];
