// Upstream groups and how one of their servers is chosen.
// Rows: name, contexts, arguments, form, and what differs from the rule (spec.ts).
import { type DirectiveSpec, HTTP, rowsOf, UPSTREAM } from "./spec.ts";

const httpUpstream = rowsOf("http_upstream", "lowered");
const httpUpstreamHash = rowsOf("http_upstream_hash", "lowered");
const httpUpstreamIpHash = rowsOf("http_upstream_ip_hash", "lowered");
const httpUpstreamKeepalive = rowsOf("http_upstream_keepalive", "lowered");
const httpUpstreamLeastConn = rowsOf("http_upstream_least_conn", "lowered");
const httpUpstreamLeastTime = rowsOf("http_upstream_least_time", "lowered");
const httpUpstreamRandom = rowsOf("http_upstream_random", "lowered");
const httpUpstreamSticky = rowsOf("http_upstream_sticky", "lowered");
const httpUpstreamZone = rowsOf("http_upstream_zone", "lowered");

/** Upstream groups and how one of their servers is chosen. */
export const UPSTREAM_GROUPS: readonly DirectiveSpec[] = [
  httpUpstream("upstream", HTTP, "TAKE1 BLOCK", "own"),
  httpUpstream("server", UPSTREAM, "1MORE", "own"),
  httpUpstream("resolver", UPSTREAM, "1MORE", "own", { once: true }),
  httpUpstream("resolver_timeout", UPSTREAM, "TAKE1", "time", { default: "30s" }),

  httpUpstreamHash("hash", UPSTREAM, "TAKE12", "own"),

  httpUpstreamIpHash("ip_hash", UPSTREAM, "TAKE0", "own"),

  httpUpstreamKeepalive("keepalive", UPSTREAM, "TAKE12", "own", { default: "32 local", once: true }),
  httpUpstreamKeepalive("keepalive_time", UPSTREAM, "TAKE1", "time", { default: "1h" }),
  httpUpstreamKeepalive("keepalive_timeout", UPSTREAM, "TAKE1", "time", { default: "75s" }),
  httpUpstreamKeepalive("keepalive_requests", UPSTREAM, "TAKE1", "number", { default: "1000" }),

  httpUpstreamLeastConn("least_conn", UPSTREAM, "TAKE0", "own"),

  httpUpstreamLeastTime("least_time", UPSTREAM, "TAKE12", "own"),

  httpUpstreamRandom("random", UPSTREAM, "TAKE012", "own"),

  httpUpstreamSticky("sticky", UPSTREAM, "2MORE", "own", { once: true }),

  httpUpstreamZone("zone", UPSTREAM, "TAKE12", "own"),
];
