// What in an Envoy configuration leads to a 503 or 504. Defaults: route timeout 15 s, no retries, connect 5 s with the
// TLS handshake in it, idle connections kept 1 h, no health checks, no outlier detection, no name in the handshake.
import { protoTime } from "../durations.ts";
import { isPublicName, note, risk } from "../finding.ts";
import type { Finding } from "../model.ts";
import { isAddress } from "../reader.ts";
import { said, treeSpan } from "../spans.ts";
import { at, textOf } from "../tree.ts";
import { type Cluster, idleOf } from "./cluster.ts";
import type { EnvoyRoute } from "./read.ts";

/** Words in a path behind which answers are known to take long. */
const LONG =
  /(?:^|[/_-])(?:sse|events?|streams?|streaming|watch|long-?poll|poll|uploads?|downloads?|exports?|imports?|reports?|backups?|chat\/completions)(?:$|[/_-])/i;
const RETRIES_RESET = /(?:^|,)\s*(?:5xx|reset|reset-before-request|connect-failure)\s*(?:,|$)/;

/** Of one route; clusters null = others may be added at run time. */
export function routeFindings(route: EnvoyRoute, clusters: readonly Cluster[] | null): Finding[] {
  const { action, cluster, path, tree } = route;
  if (!action) return [];
  const found: Finding[] = [];
  const clusterAt = at(action, "cluster")?.at ?? tree.at;
  if (clusters && cluster !== null && !clusters.some(({ name }) => name === cluster))
    found.push(
      risk({
        id: "envoy-cluster-missing",
        class: "gateway-config-invalid",
        text: `the route ${path.text} goes to the cluster ${cluster}, which is not defined${clusters.length === 0 ? "" : ` (there is ${clusters.map(({ name }) => name).join(", ")})`}: Envoy refuses to start, or answers 503 NC`,
        fix: `define static_resources.clusters with name: ${cluster}, or correct the name`,
        at: clusterAt,
      }),
    );
  return [...found, ...timeoutFindings(route), ...retryFindings(route)];
}

function timeoutFindings({ action, path, tree }: EnvoyRoute): Finding[] {
  if (at(action, "timeout") !== undefined || at(action, "max_stream_duration") !== undefined) return [];
  if (
    at(action, "cluster_header") === undefined &&
    at(action, "cluster") === undefined &&
    at(action, "weighted_clusters") === undefined
  )
    return [];
  const long = path.kind !== "pattern" && LONG.test(path.text);
  const build = long ? risk : note;
  return [
    build({
      id: "envoy-route-timeout-15",
      class: "response-timeout",
      text: `the route ${path.text} has no timeout, so whatever takes longer than 15 s, its body included, ends with 504 UT${long ? "; its path says that answers are long" : ""}`,
      fix: long
        ? 'write timeout: 0s for streams (and idle_timeout for silence), or what the slowest answer needs, as "120s"'
        : 'write the time that the slowest answer needs, as timeout: "60s"',
      at: at(action, "cluster")?.at ?? tree.at,
    }),
  ];
}

function retryFindings({ action, path, retry, tree }: EnvoyRoute): Finding[] {
  if (at(action, "cluster") === undefined && at(action, "weighted_clusters") === undefined) return [];
  const on = at(retry, "retry_on");
  const text = textOf(on);
  if (text !== undefined && RETRIES_RESET.test(text)) return [];
  const fix = 'write retry_policy: { retry_on: "connect-failure,refused-stream,reset-before-request", num_retries: 1 }';
  if (retry === undefined || text === undefined)
    return [
      note({
        id: "envoy-retry-reset-missing",
        class: "keepalive-race",
        text: `the route ${path.text} has no retry_policy: a connection that the upstream closes while it is picked for a request, or that is refused, is the visitor's 503`,
        fix,
        at: at(action, "cluster")?.at ?? tree.at,
      }),
    ];
  return [
    risk({
      id: "envoy-retry-reset-missing",
      class: "keepalive-race",
      text: `the route ${path.text} retries on ${text}, which holds neither connect-failure nor reset-before-request: a refused or a stale connection is not tried again`,
      fix: `add them: retry_on: "${text},connect-failure,reset-before-request"`,
      at: on?.at ?? tree.at,
    }),
  ];
}

/** Of one cluster, with the routes that lead to it. */
export function clusterFindings(cluster: Cluster, routes: readonly EnvoyRoute[]): Finding[] {
  const mine = routes.filter((route) => route.cluster === cluster.name);
  return [
    ...discoveryFindings(cluster),
    ...checkFindings(cluster),
    ...(mine.length > 0 ? tlsFindings(cluster, mine) : []),
    ...timerFindings(cluster),
  ];
}

function discoveryFindings({ name, type, pool, tree }: Cluster): Finding[] {
  const named = pool.members.find(({ spot }) => spot?.kind === "tcp" && !isAddress(spot.host));
  const place = at(tree, "type")?.at ?? tree.at;
  if (type === "STATIC" && named)
    return [
      risk({
        id: "envoy-static-name",
        class: "gateway-config-invalid",
        text: `cluster ${name} is of type STATIC and has ${named.text}, a name: STATIC takes addresses only, and Envoy refuses the configuration (malformed IP address)`,
        fix: "write type: STRICT_DNS",
        at: named.at,
      }),
    ];
  if (type === "LOGICAL_DNS" && pool.members.length > 1)
    return [
      risk({
        id: "envoy-logical-dns-several",
        class: "gateway-config-invalid",
        text: `cluster ${name} is of type LOGICAL_DNS and has ${pool.members.length} endpoints: it takes exactly one, and Envoy refuses the configuration`,
        fix: "write type: STRICT_DNS",
        at: place,
      }),
    ];
  return [];
}

function checkFindings({ name, pool, tree }: Cluster): Finding[] {
  if (pool.health || at(tree, "outlier_detection") !== undefined || pool.members.length === 0) return [];
  const several = pool.members.length > 1;
  const build = several ? risk : note;
  return [
    build({
      id: "envoy-health-missing",
      class: "no-healthy-upstream",
      text: several
        ? `cluster ${name} has ${pool.members.length} endpoints, neither health_checks nor outlier_detection: one that is down keeps its share of the requests`
        : `cluster ${name} has neither health_checks nor outlier_detection: of the addresses that its name may have, a dead one keeps its share`,
      fix: "write outlier_detection: { consecutive_5xx: 5, base_ejection_time: 30s }, or health_checks with a path that answers 200",
      at: tree.at,
    }),
  ];
}

function tlsFindings(cluster: Cluster, mine: readonly EnvoyRoute[]): Finding[] {
  const { name, pool, tls, otherTransport } = cluster;
  if (!tls) return otherTransport ? [] : plainFindings(cluster);
  const found: Finding[] = [];
  const spot = pool.members[0]?.spot;
  const host = spot?.kind === "tcp" ? spot.host : "";
  // A server of this network has one certificate, mostly, and needs no name.
  const far = isPublicName(host);
  if (pool.serverName === null)
    found.push(
      (far ? risk : note)({
        id: "envoy-sni-missing",
        class: "tls-handshake-failed",
        text: `cluster ${name} speaks TLS without sni: Envoy then sends no name in the handshake, and a server of many names refuses it or shows another certificate`,
        fix: `write sni: ${host !== "" && !isAddress(host) ? host : "the name in the certificate"} in its UpstreamTlsContext`,
        at: tls.at,
      }),
    );
  if (pool.verify === false)
    found.push(
      note({
        id: "envoy-verify-off",
        class: null,
        text: `cluster ${name}: no validation_context, so Envoy verifies no certificate: whoever answers at the address is believed`,
        fix: "write common_tls_context: { validation_context: { trusted_ca: { filename: /etc/ssl/certs/ca-certificates.crt } } }",
        at: tls.at,
      }),
    );
  const rewrites = ({ action }: EnvoyRoute) =>
    [
      "host_rewrite_literal",
      "auto_host_rewrite",
      "host_rewrite",
      "host_rewrite_header",
      "host_rewrite_path_regex",
    ].some((setting) => at(action, setting) !== undefined);
  const passes = mine.find((route) => !rewrites(route) && !route.hosts.includes(host));
  if (isPublicName(host) && passes)
    found.push(
      risk({
        id: "envoy-host-of-client",
        class: "upstream-error-passthrough",
        text: `the route ${passes.path.text} goes to ${host} over TLS with the visitor's Host: a server of many names answers 403, 404 or 421 to one that is not its own`,
        fix: `write host_rewrite_literal: ${host} beside cluster: ${name}, where ${host} does not serve your names`,
        at: at(passes.action, "cluster")?.at ?? passes.tree.at,
      }),
    );
  return found;
}

function plainFindings({ name, pool }: Cluster): Finding[] {
  const member = pool.members.find(({ spot }) => spot?.kind === "tcp" && spot.port === 443);
  if (!member) return [];
  return [
    risk({
      id: "envoy-plain-to-443",
      class: "tls-plaintext-mismatch",
      text: `cluster ${name} has ${member.text} and no transport_socket: plain HTTP goes to the port of HTTPS`,
      fix: "write transport_socket: { name: envoy.transport_sockets.tls, typed_config: { '@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, sni: … } }",
      at: member.at,
    }),
  ];
}

function timerFindings({ name, tree, pool, tls, options }: Cluster): Finding[] {
  const found: Finding[] = [];
  const idle = idleOf(tree, options);
  const idleMs = idle ? treeSpan(idle, protoTime) : 3_600_000;
  if (pool.reuses && idleMs !== undefined && (idleMs <= 0 || idleMs > 60_000))
    found.push(
      note({
        id: "envoy-idle-over-upstream",
        class: "keepalive-race",
        text: `cluster ${name} reuses connections that were idle for ${idleMs <= 0 ? "any time" : said(idleMs)}${idle ? "" : " (the default)"}: nearly every application closes them sooner (Node 5 s, uvicorn 5 s, gunicorn 2 s, nginx 75 s), and a request that meets the close is a 503 UC`,
        fix: "write idle_timeout below the application's keep-alive: typed_extension_protocol_options with common_http_protocol_options: { idle_timeout: 4s }",
        at: idle?.at ?? tree.at,
      }),
    );
  const connect = at(tree, "connect_timeout");
  const connectMs = treeSpan(connect, protoTime);
  const far = pool.members.some(({ spot }) => spot?.kind === "tcp" && isPublicName(spot.host));
  if (connect && connectMs !== undefined && connectMs > 0 && connectMs < 500 && tls && far)
    found.push(
      risk({
        id: "envoy-connect-short",
        class: "connect-timeout",
        text: `cluster ${name}: connect_timeout ${said(connectMs)} holds the TLS handshake as well, and the server is beyond this network: a lost packet alone takes 1 s, and ends in 503 UF`,
        fix: "write connect_timeout: 2s",
        at: connect.at,
      }),
    );
  if (connect && connectMs !== undefined && connectMs > 10_000)
    found.push(
      note({
        id: "envoy-connect-long",
        class: "connect-timeout",
        text: `cluster ${name}: connect_timeout ${said(connectMs)}: a host that drops packets holds each visitor that long before another is tried`,
        fix: "write connect_timeout: 2s",
        at: connect.at,
      }),
    );
  return found;
}
