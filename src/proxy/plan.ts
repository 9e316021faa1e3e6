// What a route means for an exchange, worked out once at load: no look-ups of settings while requests run.
import type {
  BalanceConfig,
  Config,
  ErrorsConfig,
  RouteAction,
  RouteConfig,
  UpstreamTimeouts,
} from "../config/config.ts";
import type { ProxyRetryRules } from "../config/servers.ts";
import type { Ms } from "../std/units.ts";
import type { UpstreamGroup } from "../upstream/group.ts";
import type { HeadLimits } from "../wire/head.ts";
import { type CompiledOps, compileOps, template } from "./header-ops.ts";
import type { Template } from "./placeholders.ts";

/** Number of fields that a response may have. */
const RESPONSE_FIELDS_MAX = 512;

/** The retry rules of a route over those of its upstream. */
export interface RouteRetry {
  readonly attempts: number;
  readonly withinMs: Ms;
  readonly statuses: readonly number[];
  readonly idempotencyKey: boolean;
  /** Conditions under which another server is asked; null = goodgate's own rule (resilience/retry.ts). */
  readonly rules: ProxyRetryRules | null;
}

export interface RoutePlan {
  readonly name: string;
  readonly action: RouteAction;
  /** Where it is proxied to; null = answered here. */
  readonly group: UpstreamGroup | null;
  /** What binds a request to an endpoint of the group; null = nothing does. */
  readonly balanceKey: Template | null;
  readonly timeouts: UpstreamTimeouts;
  /** Attempts in all, and what makes another one welcome. */
  readonly retry: RouteRetry;
  /** Infinity = no limit. */
  readonly bodyBytesMax: number;
  readonly responseBytesMax: number;
  readonly responseLimits: HeadLimits;
  readonly strip: string;
  readonly rewrite: Template | null;
  /** Target of a redirect or body of a fixed response. */
  readonly text: Template | null;
  readonly request: CompiledOps | null;
  readonly response: CompiledOps | null;
  readonly upgrade: boolean;
  readonly errors: ErrorsConfig;
}

/** Plans in the order of config.routes. */
export function planRoutes(config: Config, groups: ReadonlyMap<string, UpstreamGroup>): RoutePlan[] {
  return config.routes.map((route) => planRoute(config, route, groups));
}

function planRoute(config: Config, route: RouteConfig, groups: ReadonlyMap<string, UpstreamGroup>): RoutePlan {
  const { action } = route;
  const group = action.kind === "proxy" ? (groups.get(action.upstream) ?? null) : null;
  if (action.kind === "proxy" && !group) throw new Error(`route ${route.name}: no upstream ${action.upstream}`);
  const upstream = group?.config;
  const headBytes = upstream?.limits.headBytes ?? 0;
  return {
    name: route.name,
    action,
    group,
    balanceKey: upstream ? balanceKeyOf(upstream.balance) : null,
    timeouts: { ...NO_TIMEOUTS, ...upstream?.timeouts, ...route.timeouts },
    retry: {
      attempts: route.retry.attempts ?? upstream?.retry.attempts ?? 1,
      withinMs: route.retry.withinMs ?? upstream?.retry.withinMs ?? 0,
      statuses: route.retry.statuses,
      idempotencyKey: route.retry.idempotencyKey,
      rules: null,
    },
    bodyBytesMax: unlimited(route.bodyBytes ?? config.client.limits.bodyBytes),
    responseBytesMax: unlimited(upstream?.limits.bodyBytes ?? 0),
    responseLimits: { lineBytes: headBytes, headBytes, fields: RESPONSE_FIELDS_MAX },
    strip: route.strip,
    rewrite: route.rewrite === null ? null : template(route.rewrite),
    text: action.kind === "redirect" ? template(action.to) : action.kind === "respond" ? template(action.body) : null,
    request: compileOps(route.request),
    response: compileOps(route.response),
    upgrade: route.upgrade,
    errors: route.errors,
  };
}

function balanceKeyOf(balance: BalanceConfig): Template | null {
  if (typeof balance === "string") return null;
  if ("hash" in balance) return template(balance.hash);
  return "cookie" in balance ? template(`{request.cookie.${balance.cookie}}`) : null;
}

const unlimited = (bytes: number): number => (bytes === 0 ? Infinity : bytes);

/** For routes that are answered here: nothing waits. */
const NO_TIMEOUTS: UpstreamTimeouts = {
  connectMs: Infinity,
  tlsMs: Infinity,
  sendMs: Infinity,
  headMs: Infinity,
  idleBodyMs: Infinity,
  tunnelIdleMs: Infinity,
};
