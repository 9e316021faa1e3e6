// The configuration of a simulated gateway, drawn from the seed: every setting of the data path has a chance to be at
// work, small limits and short times before all, since there the edges meet. And from it the longest time that a request
// may take: the sum of every wait that the configuration allows.
import type { Config, RouteConfig, UpstreamConfig } from "../../src/config/config.ts";
import { configFromUrls } from "../../src/config/load.ts";
import type { Dice } from "./dice.ts";

/** Requests below this path may be sent again where they carry an Idempotency-Key. */
export const KEYED_PREFIX = "/keyed/";
export const HEALTH_PATH = "/health";

export function labelsOf(dice: Dice): string[] {
  return Array.from({ length: dice.whole(1, 4) }, (_, index) => `10.0.0.${index + 1}:80`);
}

/** A configuration for these endpoints. */
export function configOf(dice: Dice, labels: readonly string[]): Config {
  const { config, problems } = configFromUrls(labels.map((label) => `http://${label}`));
  if (!config) throw new Error(problems.map(({ message }) => message).join("; "));
  const base = [...config.upstreams.values()][0]!;
  const upstream = upstreamOf(dice, base);
  const route = config.routes[0]!;
  const attempts = dice.chance(0.2) ? dice.whole(1, 4) : null;
  const statuses = dice.chance(0.2) ? [503] : [];
  const plain: RouteConfig = { ...route, retry: { ...route.retry, attempts, statuses, idempotencyKey: false } };
  const keyed: RouteConfig = {
    ...plain,
    name: "keyed",
    paths: [{ kind: "prefix", path: KEYED_PREFIX }],
    retry: { ...plain.retry, idempotencyKey: true },
  };
  return {
    ...config,
    name: "simulation",
    listeners: [],
    console: null,
    upstreams: new Map([[upstream.name, upstream]]),
    routes: [keyed, plain],
    client: {
      timeouts: {
        headMs: dice.spread(500, 5_000),
        bodyMs: dice.spread(500, 5_000),
        sendMs: dice.spread(500, 5_000),
        idleMs: dice.spread(200, 10_000),
      },
      limits: { ...config.client.limits, bodyBytes: dice.chance(0.2) ? 50_000 : 1_000_000 },
    },
  };
}

function upstreamOf(dice: Dice, base: UpstreamConfig): UpstreamConfig {
  const endpoints = base.endpoints.map((endpoint, index) => ({
    ...endpoint,
    weight: dice.pick([1, 1, 1, 2, 5]),
    backup: index > 0 && dice.chance(0.15),
    down: index > 0 && dice.chance(0.05),
  }));
  return {
    ...base,
    endpoints,
    balance: dice.pick([
      "round-robin",
      "least-connections",
      "random-two",
      "peak-ewma",
      { hash: "{request.path}" },
      { cookie: "at", secret: "" },
    ]),
    timeouts: {
      connectMs: dice.spread(100, 3_000),
      tlsMs: 1_000,
      sendMs: dice.spread(300, 4_000),
      headMs: dice.spread(300, 5_000),
      idleBodyMs: dice.spread(300, 4_000),
      tunnelIdleMs: 5_000,
    },
    keepalive: {
      ...base.keepalive,
      connections: dice.pick([0, 1, 4, 64, 64]),
      idleMs: dice.chance(0.5) ? 4_000 : dice.spread(100, 10_000),
      auto: dice.chance(0.6),
      requests: dice.pick([0, 0, 0, 1, 3]),
    },
    limits: {
      ...base.limits,
      bodyBytes: dice.chance(0.1) ? 30_000 : 0,
      connections: dice.pick([0, 0, 0, 0, 1, 3, 10]),
      requests: dice.pick([0, 0, 0, 0, 1, 5, 20]),
      adaptive: dice.chance(0.15),
    },
    queue: dice.chance(0.7) ? { requests: dice.pick([1, 5, 100]), forMs: dice.spread(50, 5_000) } : null,
    retry: {
      attempts: dice.whole(1, 4),
      withinMs: dice.spread(300, 10_000),
      budget: dice.pick([0.2, 1]),
      backoffMs: dice.spread(5, 300),
      backoffMaxMs: dice.spread(300, 2_000),
      bodyBytes: dice.pick([0, 1_000, 65_536, 65_536]),
    },
    slowStartMs: dice.pick([0, 0, 1_000, 5_000]),
    panic: dice.pick([0, 0.5, 0.5]),
    ...guardsOf(dice),
  };
}

function guardsOf(dice: Dice): Pick<UpstreamConfig, "health" | "eject" | "breaker" | "hold"> {
  const http = dice.chance(0.7);
  return {
    health: dice.chance(0.3)
      ? {
          kind: http ? "http" : "tcp",
          path: HEALTH_PATH,
          host: null,
          statuses: [[200, 399]],
          body: http && dice.chance(0.3) ? "well" : null,
          intervalMs: dice.spread(300, 3_000),
          fastIntervalMs: dice.spread(100, 1_000),
          downIntervalMs: dice.spread(100, 3_000),
          timeoutMs: dice.spread(100, 2_000),
          rise: dice.whole(1, 3),
          fall: dice.whole(1, 3),
        }
      : null,
    eject: dice.chance(0.5)
      ? {
          failures: dice.whole(1, 5),
          share: dice.pick([0.2, 0.5, 1]),
          withinMs: dice.spread(500, 10_000),
          forMs: dice.spread(200, 5_000),
          forMaxMs: 20_000,
          max: dice.pick([0.1, 0.5, 1]),
          probes: dice.whole(1, 3),
          recoveryMs: dice.spread(100, 5_000),
          statuses: dice.chance(0.3) ? [503] : [],
        }
      : null,
    breaker: dice.chance(0.4)
      ? {
          failures: dice.whole(1, 10),
          share: dice.pick([0.2, 0.5, 1]),
          withinMs: dice.spread(500, 10_000),
          forMs: dice.spread(200, 3_000),
          forMaxMs: 10_000,
          probes: dice.whole(1, 3),
          recoveryMs: dice.spread(100, 5_000),
          on: dice.pick(["unreachable", "any"]),
        }
      : null,
    hold: dice.chance(0.7)
      ? {
          forMs: dice.spread(200, 8_000),
          requests: dice.pick([1, 10, 1_000]),
          bytes: dice.pick([1_000, 1_000_000, 64_000_000]),
        }
      : null,
  };
}

/** Attempts that a request on this route may have. */
export function attemptsMax(config: Config, keyed: boolean): number {
  const upstream = [...config.upstreams.values()][0]!;
  const route = config.routes.find(({ name }) => (name === "keyed") === keyed)!;
  return route.retry.attempts ?? upstream.retry.attempts;
}

/** The longest time from the last thing a client did to the end of its answer; for a network without lag. */
export function longestMs(config: Config): number {
  const { timeouts, retry, hold, queue } = [...config.upstreams.values()][0]!;
  const client = config.client.timeouts;
  const attempts = Math.max(attemptsMax(config, true), attemptsMax(config, false));
  const waits = (hold?.forMs ?? 0) + attempts * ((queue?.forMs ?? 0) + retry.backoffMaxMs);
  const lastAttempt = timeouts.connectMs + timeouts.sendMs + timeouts.headMs;
  return client.headMs + client.bodyMs + client.sendMs + waits + retry.withinMs + lastAttempt;
}
