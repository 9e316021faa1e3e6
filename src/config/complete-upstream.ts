// An upstream of the file as the program's: short forms written out, words such as "off" and "auto" as what they mean,
// defaults that depend on other fields.
import * as z from "zod/mini";
import type { Ms } from "../std/units.ts";
import { errorOf, formatAddress } from "./address.ts";
import { type CompleteContext, isOff } from "./complete-context.ts";
import { upstreamTlsOf } from "./complete-tls.ts";
import type {
  BalanceConfig,
  BreakerConfig,
  EjectConfig,
  EndpointConfig,
  HealthConfig,
  UpstreamConfig,
  UpstreamTimeouts,
} from "./config.ts";
import type { Path } from "./document.ts";
import type { FileRoute, FileUpstream } from "./schema.ts";
import { retryFields } from "./schema-resilience.ts";
import { balanceExtra, endpointExtra, keepaliveExtra, upstreamExtra } from "./schema-upstream-extra.ts";

/** Below the shortest keep-alive that is common upstream (Node: 5 s), with a second to spare. */
const KEEPALIVE_AUTO_MS: Ms = 4000;

/** Short enough that a restart is noticed soon, on the endpoints where something is going on. */
const FAST_INTERVAL_MS: Ms = 500;
const CHECK_TIMEOUT_MS: Ms = 1000;
const GOOD_STATUSES = { from: 200, to: 399 } as const;
const RETRY_STANDARD = z.parse(retryFields, {});

/** An upstream with everything that its short forms leave out. */
export function upstreamOf(name: string, raw: FileUpstream, path: Path, context: CompleteContext): UpstreamConfig {
  const { timeouts, limits, queue, hold, resolve } = raw;
  const kept = isOff(raw.keepalive) ? null : raw.keepalive;
  const endpoints = raw.endpoints.map(endpointOf);
  return {
    name,
    endpoints,
    tls: upstreamTlsOf(raw, path, context),
    balance: balanceOf(raw.balance, [...path, "balance"], context),
    ...upstreamExtra.standard,
    host: raw.host === "keep" || raw.host === "endpoint" ? raw.host : { name: raw.host },
    timeouts: timeoutsOf(timeouts) as UpstreamTimeouts,
    keepalive: {
      connections: kept?.connections ?? 0,
      idleMs: kept === null || kept.idle === "auto" ? KEEPALIVE_AUTO_MS : kept.idle,
      auto: kept === null || kept.idle === "auto",
      requests: kept?.requests ?? 0,
      ...keepaliveExtra.standard,
      ...(kept ? keepaliveExtra.changeOf(kept) : {}),
    },
    limits: {
      headBytes: limits.head,
      bodyBytes: limits.body,
      connections: limits.connections,
      requests: limits.requests,
      adaptive: limits.adaptive,
    },
    queue: isOff(queue) ? null : { requests: queue.requests, forMs: queue.for },
    retry: retryOf(raw.retry, endpoints),
    slowStartMs: isOff(raw["slow-start"]) ? 0 : raw["slow-start"],
    panic: isOff(raw.panic) ? 0 : raw.panic,
    health: healthOf(raw.health, [...path, "health"], context),
    eject: ejectOf(raw.eject),
    breaker: breakerOf(raw.breaker),
    hold: isOff(hold) ? null : { forMs: hold.for, requests: hold.requests, bytes: hold.bytes },
    resolve: { minMs: resolve.min, timeoutMs: resolve.timeout, servers: resolve.servers },
    ...upstreamExtra.changeOf(raw),
  };
}

/** Off is one attempt; the rest stands, for a route that asks for more. */
function retryOf(raw: FileUpstream["retry"], endpoints: readonly EndpointConfig[]): UpstreamConfig["retry"] {
  const { attempts, within, budget, backoff, "backoff-max": backoffMax, body } = isOff(raw) ? RETRY_STANDARD : raw;
  return {
    attempts: isOff(raw)
      ? 1
      : attempts === "all"
        ? Math.max(1, endpoints.filter(({ down }) => !down).length)
        : attempts,
    withinMs: within,
    budget: isOff(budget) ? 1 : budget,
    backoffMs: backoff,
    backoffMaxMs: backoffMax,
    bodyBytes: body,
  };
}

function healthOf(raw: FileUpstream["health"], at: Path, { report }: CompleteContext): HealthConfig | null {
  if (isOff(raw)) return null;
  if (raw.tcp === true) {
    for (const key of ["path", "host", "status", "body"] as const) {
      if (raw[key] === undefined) continue;
      const why = "it opens a connection and asks for nothing, so that there is no response to compare";
      report(errorOf(`a check with tcp: true has no ${key}`, `${why}: leave one of the two out`), [...at, key], "key");
    }
  }
  const { interval } = raw;
  return {
    kind: raw.tcp === true ? "tcp" : "http",
    path: raw.path ?? "/",
    host: raw.host ?? null,
    statuses: (raw.status ?? [GOOD_STATUSES]).map((one) => (typeof one === "number" ? [one, one] : [one.from, one.to])),
    body: raw.body ?? null,
    intervalMs: interval,
    fastIntervalMs: raw["fast-interval"] ?? Math.min(interval, FAST_INTERVAL_MS),
    downIntervalMs: raw["down-interval"] ?? interval,
    timeoutMs: raw.timeout ?? Math.min(interval, CHECK_TIMEOUT_MS),
    rise: raw.rise,
    fall: raw.fall,
  };
}

function ejectOf(raw: FileUpstream["eject"]): EjectConfig | null {
  if (isOff(raw)) return null;
  return {
    failures: raw.failures,
    share: raw.share,
    withinMs: raw.within,
    forMs: raw.for,
    forMaxMs: raw["for-max"],
    max: raw.max,
    probes: raw.probes,
    recoveryMs: raw.recovery,
    statuses: [...new Set(raw.status)],
  };
}

function breakerOf(raw: FileUpstream["breaker"]): BreakerConfig | null {
  if (isOff(raw)) return null;
  return {
    failures: raw.failures,
    share: raw.share,
    withinMs: raw.within,
    forMs: raw.for,
    forMaxMs: raw["for-max"],
    probes: raw.probes,
    recoveryMs: raw.recovery,
    on: raw.on,
  };
}

function balanceOf(raw: FileUpstream["balance"], at: Path, { report }: CompleteContext): BalanceConfig {
  if (raw === "ip-hash") return { hash: "{client.ip}" };
  if (raw === "client-network") return { ipHash: true };
  if (typeof raw === "string") return raw;
  const { hash, cookie, secret } = raw;
  const { random, hashText, method, leastTime, inflight } = { ...balanceExtra.standard, ...balanceExtra.changeOf(raw) };
  const ways = { hash, cookie, random, "hash-text": hashText, "least-time": leastTime };
  const given = Object.entries(ways).flatMap(([key, value]) => (value === undefined || value === null ? [] : [key]));
  if (given.length !== 1)
    report(
      errorOf(
        `balance has ${given.length === 0 ? "neither hash nor cookie" : given.join(" and ")}`,
        "give it one of them",
      ),
      at,
    );
  if (secret !== undefined && cookie === undefined)
    report(
      errorOf(`${given[0] ?? "that"} has no secret`.replace(/^hash/, "a hash"), "secret goes with cookie"),
      [...at, "secret"],
      "key",
    );
  if (cookie !== undefined) return { cookie, secret: secret ?? "" };
  if (random !== null) return { random };
  if (hashText !== null) return { hashText, method: method ?? "modulo" };
  if (leastTime !== null) return { leastTime, inflight: inflight ?? false };
  return { hash: hash ?? "" };
}

type FileEndpoint = FileUpstream["endpoints"][number];

/** What goodgate.yaml does not say of an endpoint. */
const ENDPOINT_STANDARD = {
  weight: 1,
  backup: false,
  down: false,
  maxFails: null,
  failTimeoutMs: 0,
  maxConnections: 0,
  route: "",
  drain: false,
  resolve: "per-connection",
  service: "",
} as const;

function endpointOf(raw: FileEndpoint): EndpointConfig {
  if ("scheme" in raw) return { ...ENDPOINT_STANDARD, label: formatAddress(raw.address), address: raw.address };
  const { address } = raw.address;
  const { weight, backup, down, name } = raw;
  const { label, ...extra } = { ...endpointExtra.standard, ...endpointExtra.changeOf(raw) };
  const called = name ?? label ?? formatAddress(address);
  const own = { ...extra, ...(name === undefined ? {} : { name }), label: called };
  return { ...ENDPOINT_STANDARD, ...own, address, weight, backup, down };
}

const TIMEOUT_NAMES = {
  connect: "connectMs",
  tls: "tlsMs",
  send: "sendMs",
  head: "headMs",
  "idle-body": "idleBodyMs",
  "tunnel-idle": "tunnelIdleMs",
} as const;

/** Those of the timeouts that are written. */
export function timeoutsOf(raw: FileRoute["timeouts"]): Partial<UpstreamTimeouts> {
  const entries = Object.entries(raw).filter(([, ms]) => ms !== undefined);
  return Object.fromEntries(entries.map(([name, ms]) => [TIMEOUT_NAMES[name as keyof typeof TIMEOUT_NAMES], ms]));
}
