// The table of failures: everything that says what a failure is, which status it gets, whose fault it is and
// whether trying again is safe reads it here. Nothing outside failure/ chooses 502, 503 or 504.
// Statuses follow RFC 9209 §2.3; nginxStatus is what nginx answers in the same case.

/** Where in an exchange a failure happens, in order. */
export type Phase = (typeof PHASES)[number];
export const PHASES = [
  "client",
  "config",
  "gateway",
  "dns",
  "connect",
  "pool",
  "tls",
  "write",
  "response-head",
  "response-body",
  "upgrade",
  "upstream",
] as const;

/** Who can change it. */
export type Fault = "client" | "config" | "gateway" | "network" | "upstream";

/** always = no application saw the request; if-idempotent = it may have been processed; after-delay = only with backoff; no = the same result follows. */
export type RetrySafety = "always" | "if-idempotent" | "after-delay" | "no";

export interface Cause {
  readonly title: string;
  /** Error type of RFC 9209 §2.3 that Goodgate emits; null = not an error of the proxy. */
  readonly proxyStatus: string | null;
  /** Status by RFC 9209; facets of a cause (failure/facets.ts) may have another. */
  readonly status: number;
  /** Status that nginx answers (or logs, where it answers nothing) in the same case. */
  readonly nginxStatus: number;
  readonly phase: Phase;
  readonly fault: readonly Fault[];
  /** Whether a program may repeat the request. */
  readonly retry: RetrySafety;
  /** Time alone can mend it: Retry-After makes sense and the page for visitors tries again by itself. */
  readonly waitHelps: boolean;
  /** What Retry-After says; null where waiting does not help. */
  readonly retryAfterSeconds: number | null;
  /** The gateway itself can come to this cause from what it sees; others are known only to doctor, explain and incidents. */
  readonly live: boolean;
}

// biome-ignore format: a table is read by columns
const table = {
  // id, title, RFC 9209 type, status, nginx's status, phase, fault, retry, Retry-After in seconds, live
  // Nobody reads the status; the logs have nginx's number.
  "client-closed-request":      row("Client closed the connection first",                             null,                                499, 499, "client",        ["client", "gateway"],             "no",            null, true),
  "client-request-invalid":     row("Request malformed or not acceptable to the gateway",             "http_request_error",                400, 400, "client",        ["client"],                        "no",            null, true),
  // Or 414, 431: the failure carries which.
  "client-request-too-large":   row("Request headers or body over a limit",                           "http_request_error",                413, 413, "client",        ["client", "config"],              "no",            null, true),
  // nginx logs 408 and closes without an answer.
  "client-timeout":             row("Client too slow to send the request",                            "http_request_error",                408, 408, "client",        ["client", "network"],             "always",        null, true),
  // Max-Forwards: 0; `respond: 403` on a route is an answer, not a failure.
  "request-denied":             row("Blocked by policy (WAF, ACL, auth, bans)",                       "http_request_denied",               403, 403, "gateway",       ["client", "config"],              "no",            null, true),
  // Nothing limits rates yet; nginx: limit_req_status.
  "rate-limited":               row("Rate or quota limit at the gateway",                             "http_request_denied",               429, 503, "gateway",       ["client", "config"],              "after-delay",   10,   false),
  // At run time: a rewrite that yields no valid target, TLS material that cannot be used.
  "gateway-config-invalid":     row("Gateway configuration cannot work",                              "proxy_configuration_error",         500, 500, "config",        ["config"],                        "no",            null, true),
  // RFC 9209 §2.3.3 recommends 500; every product answers 404, and to a visitor it is one.
  "route-not-found":            row("No route for this host or path",                                 "destination_not_found",             404, 404, "gateway",       ["config", "client"],              "no",            null, true),
  "gateway-internal-error":     row("Gateway itself failed",                                          "proxy_internal_error",              500, 500, "gateway",       ["gateway"],                       "if-idempotent", null, true),
  "gateway-resource-exhausted": row("Gateway out of descriptors, ports, connections or memory",       "proxy_internal_error",              500, 500, "gateway",       ["gateway", "config"],             "after-delay",   10,   true),
  // nginx goes round until worker_connections are used up, which is 500.
  "proxy-loop":                 row("Request came back to the same proxy",                            "proxy_loop_detected",               502, 500, "gateway",       ["config"],                        "no",            null, true),
  "dns-not-resolved":           row("Upstream name does not resolve",                                 "dns_error",                         502, 502, "dns",           ["config", "network"],             "no",            null, true),
  // nginx: ngx_http_upstream_resolve_handler knows only 502.
  "dns-timeout":                row("Resolver did not answer or failed",                              "dns_timeout",                       504, 502, "dns",           ["network", "config"],             "always",        5,    true),
  "connect-refused":            row("Nothing listens at the upstream address",                        "connection_refused",                502, 502, "connect",       ["upstream", "config"],            "always",        5,    true),
  "connect-timeout":            row("SYN unanswered",                                                 "connection_timeout",                504, 504, "connect",       ["network", "upstream"],           "always",        10,   true),
  "network-unreachable":        row("No route to the upstream",                                       "destination_ip_unroutable",         502, 502, "connect",       ["network", "config"],             "always",        10,   true),
  // nginx: any error of connect() moves to the next server, the last makes 502.
  "connect-permission-denied":  row("Gateway may not open the socket",                                "proxy_internal_error",              500, 502, "connect",       ["config"],                        "no",            null, true),
  "socket-missing":             row("Unix socket path does not exist",                                "connection_refused",                502, 502, "connect",       ["upstream", "config"],            "always",        5,    true),
  // nginx: "no live upstreams while connecting to upstream".
  "no-healthy-upstream":        row("No usable member in the pool",                                   "destination_unavailable",           503, 502, "pool",          ["upstream", "config"],            "after-delay",   5,    true),
  "pool-exhausted":             row("Connection or queue limit toward the upstream reached",          "connection_limit_reached",          503, 502, "pool",          ["gateway", "upstream", "config"], "after-delay",   2,    true),
  // An upstream without endpoints.
  "backend-absent":             row("Nothing deployed, registered, scaled up, or it is switched off", "destination_unavailable",           503, 502, "pool",          ["config", "upstream"],            "no",            null, true),
  "tunnel-disconnected":        row("Outbound tunnel to the origin is not connected",                 "destination_unavailable",           503, 502, "pool",          ["upstream", "network"],           "after-delay",   10,   false),
  "tls-handshake-failed":       row("TLS handshake to the upstream failed",                           "tls_protocol_error",                502, 502, "tls",           ["config", "upstream"],            "always",        null, true),
  "tls-plaintext-mismatch":     row("TLS spoken to a plain port or the reverse",                      "tls_protocol_error",                502, 502, "tls",           ["config"],                        "no",            null, true),
  "tls-cert-untrusted":         row("Upstream certificate chain not trusted",                         "tls_certificate_error",             502, 502, "tls",           ["upstream", "config"],            "no",            null, true),
  "tls-cert-expired":           row("Upstream certificate expired or not yet valid",                  "tls_certificate_error",             502, 502, "tls",           ["upstream"],                      "no",            null, true),
  "tls-cert-name-mismatch":     row("Upstream certificate is for another name",                       "tls_certificate_error",             502, 502, "tls",           ["config", "upstream"],            "no",            null, true),
  "upstream-write-failed":      row("Sending the request to the upstream failed or stalled",          "connection_terminated",             502, 502, "write",         ["upstream", "network"],           "if-idempotent", 5,    true),
  "closed-before-response":     row("Upstream closed or reset before any response",                   "connection_terminated",             502, 502, "response-head", ["upstream"],                      "if-idempotent", 5,    true),
  "keepalive-race":             row("Reused connection had just been closed by the upstream",         "connection_terminated",             502, 502, "response-head", ["config"],                        "if-idempotent", 1,    true),
  "response-timeout":           row("No response header in time",                                     "http_response_timeout",             504, 504, "response-head", ["upstream", "config"],            "if-idempotent", 10,   true),
  "response-header-too-large":  row("Response head over the gateway buffer",                          "http_response_header_section_size", 502, 502, "response-head", ["config", "upstream"],            "no",            null, true),
  "response-malformed":         row("Upstream response violates HTTP",                                "http_protocol_error",               502, 502, "response-head", ["upstream"],                      "no",            null, true),
  "protocol-mismatch":          row("Wrong application protocol spoken",                              "http_protocol_error",               502, 502, "response-head", ["config"],                        "no",            null, true),
  // Mostly seen after the head: the connection is aborted instead.
  "response-truncated":         row("Body ended early",                                               "http_response_incomplete",          502, 502, "response-body", ["upstream", "network"],           "if-idempotent", 5,    true),
  "response-body-timeout":      row("Body stalled",                                                   "connection_read_timeout",           504, 504, "response-body", ["upstream", "network"],           "if-idempotent", 10,   true),
  // nginx has no such limit.
  "response-too-large":         row("Body over a platform limit",                                     "http_response_body_size",           502, 502, "response-body", ["config", "upstream"],            "no",            null, true),
  "response-encoding-invalid":  row("Chunking or compression broken",                                 "http_response_transfer_coding",     502, 502, "response-body", ["upstream"],                      "no",            null, true),
  "upgrade-failed":             row("WebSocket or CONNECT upgrade refused",                           "http_upgrade_failed",               502, 502, "upgrade",       ["config", "gateway"],             "no",            null, true),
  "app-crashed":                row("Upstream process dies or cannot start",                          "connection_terminated",             502, 502, "upstream",      ["upstream"],                      "if-idempotent", 10,   false),
  "oom-killed":                 row("Upstream killed for memory",                                     "connection_terminated",             502, 502, "upstream",      ["upstream", "config"],            "if-idempotent", 10,   false),
  "worker-timeout":             row("Upstream supervisor killed a slow worker",                       "connection_terminated",             502, 502, "upstream",      ["upstream", "config"],            "if-idempotent", 10,   false),
  // EAGAIN from a Unix socket whose backlog is full.
  "upstream-saturated":         row("Upstream worker pool or backlog full",                           "connection_limit_reached",          503, 502, "upstream",      ["upstream", "config"],            "after-delay",   5,    true),
  "upstream-not-ready":         row("Upstream starting, draining or failing its probe",               "destination_unavailable",           503, 502, "upstream",      ["upstream", "config"],            "always",        5,    false),
  // The failure carries the status that the upstream sent.
  "upstream-error-passthrough": row("The upstream itself answered with the error",                    null,                                502, 502, "response-head", ["upstream"],                      "if-idempotent", null, true),
} satisfies Record<string, Cause>;

function row(
  title: string,
  proxyStatus: string | null,
  status: number,
  nginxStatus: number,
  phase: Phase,
  fault: readonly Fault[],
  retry: RetrySafety,
  retryAfterSeconds: number | null,
  live: boolean,
): Cause {
  const waitHelps = retryAfterSeconds !== null;
  return { title, proxyStatus, status, nginxStatus, phase, fault, retry, waitHelps, retryAfterSeconds, live };
}

export type CauseId = keyof typeof table;

/** cause → what is known of it. */
export const CAUSES: Readonly<Record<CauseId, Cause>> = table;

/** Every cause, in the order of the phases. */
export const CAUSE_IDS = Object.keys(table) as readonly CauseId[];

/** Whether a text is the id of a cause. */
export function isCauseId(text: string): text is CauseId {
  return Object.hasOwn(table, text);
}
