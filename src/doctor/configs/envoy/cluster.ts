// An Envoy cluster as a pool. Envoy sends no name in the handshake unless sni (or auto_sni) says so, verifies nothing
// without a validation context, and passes the visitor's Host on unless the route rewrites it.
import type { Member, Pool } from "../model.ts";
import { spotOf } from "../reader.ts";
import { at, flagOf, itemsOf, numberOf, type Tree, textOf } from "../tree.ts";
import { timer } from "./timer.ts";

export interface Cluster {
  readonly name: string;
  readonly tree: Tree;
  /** STATIC, STRICT_DNS, LOGICAL_DNS, EDS, ORIGINAL_DST. */
  readonly type: string;
  readonly pool: Pool;
  /** The UpstreamTlsContext; undefined = plain text. */
  readonly tls: Tree | undefined;
  /** It has a transport_socket of another kind. */
  readonly otherTransport: boolean;
  readonly options: Tree | undefined;
}

const OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** What a cluster says. */
export function clusterOf(tree: Tree): Cluster {
  const name = textOf(at(tree, "name")) ?? "cluster";
  const socket = at(tree, "transport_socket");
  const config = at(socket, "typed_config");
  const isTls =
    /UpstreamTlsContext$/.test(textOf(at(config, "@type")) ?? "") || /tls$/.test(textOf(at(socket, "name")) ?? "");
  const tls = socket && isTls ? (config ?? socket) : at(tree, "tls_context");
  const options = at(tree, "typed_extension_protocol_options", OPTIONS);
  const http2 =
    at(tree, "http2_protocol_options") !== undefined ||
    at(options, "explicit_http_config", "http2_protocol_options") !== undefined;
  const health = itemsOf(at(tree, "health_checks"))[0];
  const sni = textOf(at(tls, "sni"));
  const autoSni =
    flagOf(at(options, "upstream_http_protocol_options", "auto_sni")) ?? flagOf(at(tls, "auto_host_sni")) ?? false;
  const context = at(tls, "common_tls_context");
  const trusted =
    at(context, "validation_context") ??
    at(context, "combined_validation_context") ??
    at(context, "validation_context_sds_secret_config");
  const pool: Pool = {
    name,
    scheme: tls ? "https" : http2 ? "h2c" : "http",
    members: membersOf(tree),
    host: "client",
    serverName: !tls ? null : sni !== undefined ? { text: sni } : autoSni ? "client" : null,
    verify: tls ? trusted !== undefined : null,
    caFile: textOf(at(context, "validation_context", "trusted_ca", "filename")) ?? null,
    httpVersion: http2 ? "2" : "1.1",
    reuses:
      numberOf(
        at(options, "common_http_protocol_options", "max_requests_per_connection") ??
          at(tree, "max_requests_per_connection"),
      ) !== 1,
    health: health
      ? {
          path: textOf(at(health, "http_health_check", "path")) ?? null,
          host: textOf(at(health, "http_health_check", "host")) ?? null,
          at: health.at,
        }
      : null,
    timers: [
      ...timer("connect", "connect_timeout", at(tree, "connect_timeout")),
      ...timer("upstream-idle", "idle_timeout", idleOf(tree, options)),
    ],
    at: tree.at,
  };
  const type = (textOf(at(tree, "type")) ?? textOf(at(tree, "cluster_type", "name")) ?? "STATIC").toUpperCase();
  return { name, tree, type, pool, tls, otherTransport: socket !== undefined && !tls, options };
}

/** idle_timeout of a cluster, where it is now and where it was. */
export function idleOf(tree: Tree, options: Tree | undefined): Tree | undefined {
  return (
    at(options, "common_http_protocol_options", "idle_timeout") ??
    at(tree, "common_http_protocol_options", "idle_timeout")
  );
}

function membersOf(tree: Tree): readonly Member[] {
  const groups = itemsOf(at(tree, "load_assignment", "endpoints"));
  const endpoints = groups.flatMap((group) =>
    itemsOf(at(group, "lb_endpoints")).map((each) => ({ each, backup: (numberOf(at(group, "priority")) ?? 0) > 0 })),
  );
  const addresses = endpoints.map(({ each, backup }) => ({
    address: at(each, "endpoint", "address"),
    backup,
    status: textOf(at(each, "health_status")),
  }));
  const old = itemsOf(at(tree, "hosts")).map((address) => ({ address, backup: false, status: undefined }));
  return [...addresses, ...old].flatMap(({ address, backup, status }): readonly Member[] => {
    if (!address) return [];
    const path = textOf(at(address, "pipe", "path"));
    const host = textOf(at(address, "socket_address", "address"));
    const port = textOf(at(address, "socket_address", "port_value"));
    const text =
      path !== undefined ? `unix:${path}` : `${host?.includes(":") ? `[${host}]` : (host ?? "?")}:${port ?? "?"}`;
    return [
      {
        text,
        spot: spotOf(text, null),
        backup,
        down: status === "UNHEALTHY" || status === "DRAINING",
        at: at(address, "socket_address")?.at ?? address.at,
      },
    ];
  });
}
