// `tunnel_pass`: CONNECT requests become tunnels to where they ask for, or to a fixed address.
import type { TunnelConfig } from "../../config/servers.ts";
import type { Directive } from "../tree.ts";
import type { Lowering } from "./lowering.ts";
import { bindOf, type Names, retryRulesOf, timeoutsOf } from "./proxy-request.ts";
import { bytesOf, flagOf, type Scope } from "./scope.ts";
import { hasVariables, textOf } from "./text.ts";
import { groupFor, hostsByText, type Use, upstreamFor } from "./upstream-registry.ts";
import { parseUpstreamUrl } from "./upstream-url.ts";

const NAMES: Names = {
  connect: "tunnel_connect_timeout",
  send: "tunnel_send_timeout",
  read: "tunnel_read_timeout",
  conditions: "tunnel_next_upstream",
  tries: "tunnel_next_upstream_tries",
  within: "tunnel_next_upstream_timeout",
};

/** The content of a block with a tunnel_pass. */
export function tunnelConfigOf(scope: Scope, directive: Directive, lowering: Lowering): TunnelConfig {
  const arg = directive.args[0];
  const bind = bindOf(scope, "tunnel_bind");
  const use: Use = {
    tls: null,
    bind,
    probes: flagOf(scope, "tunnel_socket_keepalive", false),
    timeouts: timeoutsOf(scope, NAMES),
    headBytes: bytesOf(scope, "tunnel_buffer_size", 16_384),
  };
  if (arg && !hasVariables(arg.value)) {
    const url = parseUpstreamUrl(arg.value, 0, false);
    if (typeof url === "string") scope.problems.complain(directive, `${url} in upstream "${arg.value}"`, arg);
    else {
      const group = groupFor(url, directive, lowering);
      if (group) upstreamFor(group, use, lowering);
    }
  }
  return {
    kind: "tunnel",
    to: arg ? textOf(scope, directive, arg) : textOf(scope, directive, "$host:$request_port"),
    hosts: hostsByText(use, { http: true, https: null }, lowering),
    timeouts: use.timeouts,
    retry: retryRulesOf(scope, NAMES),
    bind,
  };
}
