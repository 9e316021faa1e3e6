// CONNECT: a tunnel to where the request says (or the location), and the bytes of both sides as they come. Nothing is
// sent to the upstream but what the client sends behind the head; the client is told 200 once there is a connection.
import type {
  LocationConfig,
  LocationSettings,
  RewriteStep,
  ServerConfig,
  TunnelConfig,
} from "../../config/servers.ts";
import { failureOf } from "../../failure/classify.ts";
import type { PlanContext } from "./plan.ts";
import { askUpstream } from "./proxied-request.ts";
import type { ServerRequest } from "./request.ts";
import { respondStatus } from "./special.ts";
import { hostChooser, readHost } from "./target.ts";

export interface TunnelPlan {
  /** Sets the upstream, or what has to be resolved before there is one; a text = why there can be none. */
  choose(request: ServerRequest): string | null;
}

export function planTunnel({ to, hosts }: TunnelConfig, { compiler, upstreams }: PlanContext): TunnelPlan {
  const text = compiler.text(to);
  const choose = hostChooser(hosts, null, upstreams);
  return {
    choose(request) {
      const authority = text.render(request.subject);
      const host = readHost(authority, NO_PORT);
      const problem = typeof host === "string" ? host : choose(request, "http", host);
      return problem === null ? null : `${problem} in upstream "${authority}"`;
    },
  };
}

/** A tunnel has no port of its own. */
const NO_PORT = 0;

/** The content of a location with a tunnel. */
export function beginTunneling(request: ServerRequest): void {
  if (request.method !== "CONNECT") return respondStatus(request, 405);
  const problem = request.location.tunnel!.choose(request);
  if (problem !== null) return request.failed(failureOf("gateway-config-invalid", { detail: problem }));
  askUpstream(request);
}

/** Whether a location of a server (or a condition in it) has a tunnel; CONNECT is refused elsewhere. */
export function hasTunnels({ settings, rewrite, locations }: ServerConfig): boolean {
  return isTunnel(settings) || inProgram(rewrite) || locations.some(inLocation);
}

function inLocation({ settings, rewrite, limitExcept, locations }: LocationConfig): boolean {
  if (isTunnel(settings) || inProgram(rewrite) || locations.some(inLocation)) return true;
  return limitExcept !== null && isTunnel(limitExcept.settings);
}

function inProgram(steps: readonly RewriteStep[]): boolean {
  return steps.some((step) => step.do === "if" && ((step.settings && isTunnel(step.settings)) || inProgram(step.then)));
}

function isTunnel({ content }: LocationSettings): boolean {
  return content.kind === "tunnel";
}
