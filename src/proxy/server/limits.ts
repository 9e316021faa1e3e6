// limit_req and limit_conn. Zones outlive a reload where they stay what they are.
import type { LimitsConfig, ZoneConfig } from "../../config/servers.ts";
import { type ConnectionRule, ConnectionZone, releasePlaces, takePlaces } from "../../resilience/connection-limit.ts";
import { account, formatExcess, type RateDecision, type RateRule, RateZone } from "../../resilience/rate-limit.ts";
import { eventTime, Timed, wheel } from "../../std/clock.ts";
import type { CompiledText } from "../../variables/subject.ts";
import type { Compiler } from "./compiler.ts";
import { findRealAddress } from "./real-ip.ts";
import { DONE, GO_ON, type Outcome, type ServerRequest, WAIT } from "./request.ts";
import { respondStatus } from "./special.ts";

export interface LimitsPlan {
  readonly config: LimitsConfig;
  readonly rate: readonly RateRule[];
  readonly rateKeys: readonly CompiledText[];
  readonly connections: readonly ConnectionRule[];
  readonly connectionKeys: readonly CompiledText[];
}

interface Zone<T> {
  readonly config: ZoneConfig;
  readonly zone: T;
  readonly key: CompiledText;
}

export class ZoneTable {
  readonly #rate = new Map<string, Zone<RateZone>>();
  readonly #connections = new Map<string, Zone<ConnectionZone>>();

  constructor(zones: readonly ZoneConfig[], compiler: Compiler, previous: ZoneTable | null) {
    for (const config of zones) {
      const key = compiler.text(config.key);
      const { name, bytes } = config;
      if (config.kind === "rate") {
        const zone =
          kept(previous ? previous.#rate.get(name) : undefined, config) ?? new RateZone(name, config.perSecond, bytes);
        this.#rate.set(name, { config, zone, key });
      } else {
        const zone =
          kept(previous ? previous.#connections.get(name) : undefined, config) ?? new ConnectionZone(name, bytes);
        this.#connections.set(name, { config, zone, key });
      }
    }
  }

  plan(config: LimitsConfig): LimitsPlan {
    const rate = config.rate.map((rule) => ({ rule, zone: known(this.#rate, rule.zone) }));
    const connections = config.connections.map((rule) => ({ rule, zone: known(this.#connections, rule.zone) }));
    return {
      config,
      rate: rate.map(({ rule, zone }) => ({ zone: zone.zone, burst: rule.burst, delayAbove: rule.delayAbove })),
      rateKeys: rate.map(({ zone }) => zone.key),
      connections: connections.map(({ rule, zone }) => ({ zone: zone.zone, most: rule.most })),
      connectionKeys: connections.map(({ zone }) => zone.key),
    };
  }
}

function kept<T>(before: Zone<T> | undefined, config: ZoneConfig): T | undefined {
  return before && JSON.stringify(before.config) === JSON.stringify(config) ? before.zone : undefined;
}

function known<T>(zones: ReadonlyMap<string, T>, name: string): T {
  const zone = zones.get(name);
  if (!zone) throw new Error(`no zone ${name}`);
  return zone;
}

export function compileLimits(config: LimitsConfig, { zones }: { readonly zones: ZoneTable }): LimitsPlan | null {
  return config.rate.length + config.connections.length === 0 ? null : zones.plan(config);
}

export function applyLimits(request: ServerRequest): Outcome {
  findRealAddress(request);
  const { limits } = request.location;
  if (limits === null) return GO_ON;
  const { main } = request;
  if (limits.connections.length > 0 && main.limitConnStatus === undefined && limitConnections(main, request, limits))
    return DONE;
  if (limits.rate.length > 0 && main.limitReqStatus === undefined) return limitRate(main, request, limits);
  return GO_ON;
}

/** True = refused. */
function limitConnections(main: ServerRequest, request: ServerRequest, limits: LimitsPlan): boolean {
  const { config } = limits;
  const keys = limits.connectionKeys.map((key) => key.render(request.subject));
  const { decision, places, zone, zoneFull } = takePlaces(limits.connections, keys);
  if (decision === "uncounted") return false;
  if (decision === "pass") {
    main.limitConnStatus = "PASSED";
    main.releases.push(() => releasePlaces(places));
    return false;
  }
  main.limitConnStatus = config.connectionsDryRun ? "REJECTED_DRY_RUN" : "REJECTED";
  const dry = config.connectionsDryRun ? ", dry run," : "";
  request.log(
    config.connectionsLogLevel,
    zoneFull ? `zone "${zone}" is out of memory` : `limiting connections${dry} by zone "${zone}"`,
  );
  if (config.connectionsDryRun) return false;
  respondStatus(request, config.connectionsStatus);
  return true;
}

function limitRate(main: ServerRequest, request: ServerRequest, limits: LimitsPlan): Outcome {
  const { config } = limits;
  const keys = limits.rateKeys.map((key) => key.render(request.subject));
  const decided = account(limits.rate, keys, eventTime());
  switch (decided.decision) {
    case "uncounted":
      return GO_ON;
    case "pass":
      main.limitReqStatus = "PASSED";
      return GO_ON;
    case "reject": {
      main.limitReqStatus = config.rateDryRun ? "REJECTED_DRY_RUN" : "REJECTED";
      tell(request, config, decided, "limiting");
      if (config.rateDryRun) return GO_ON;
      respondStatus(request, config.rateStatus);
      return DONE;
    }
    case "delay":
      main.limitReqStatus = config.rateDryRun ? "DELAYED_DRY_RUN" : "DELAYED";
      tell(request, config, decided, "delaying");
      if (config.rateDryRun) return GO_ON;
      new Delay(request, decided.delayMs);
      return WAIT;
  }
}

/** Delays are told one level below refusals. */
function tell(
  request: ServerRequest,
  config: LimitsConfig,
  { zone, excess }: RateDecision,
  doing: "limiting" | "delaying",
): void {
  const dry = config.rateDryRun ? ", dry run" : "";
  const level = doing === "limiting" ? config.rateLogLevel : BELOW[config.rateLogLevel];
  const noun = doing === "limiting" ? "requests" : "request";
  request.log(level, `${doing} ${noun}${dry}, excess: ${formatExcess(excess)} by zone "${zone}"`);
}

const BELOW = {
  emerg: "alert",
  alert: "crit",
  crit: "error",
  error: "warn",
  warn: "notice",
  notice: "info",
  info: "debug",
  debug: "debug",
} as const;

/** A request that waits for its turn. */
class Delay extends Timed {
  readonly #request: ServerRequest;

  constructor(request: ServerRequest, delayMs: number) {
    super();
    this.#request = request;
    request.releases.push(() => wheel.remove(this));
    wheel.set(this, eventTime() + delayMs);
  }

  override onDeadline(): void {
    this.#request.resume();
  }
}
