// Checks one endpoint again and again, never twice at once: the next check is due an interval after the last one ended.
//
// - The interval is short while the endpoint is on its way up or down (or not known yet), and its own while it is down.
//   A tenth of jitter keeps many gateways from checking in step.
// - HTTP checks take turns between a fresh connection and the one that the last check has left, so that what goes wrong
//   on one kind only is seen. At most one connection per endpoint is open for checks.
// - Before a kept connection is used the event loop turns once: where it was held up, an end that has long arrived is
//   read first, and is no failure of the check.
// - What goes wrong on our side (no descriptor left) says nothing of the endpoint: such a check is repeated, not told.
import type { HealthConfig } from "../config/config.ts";
import type { Failure } from "../failure/failure.ts";
import { type Health, isChanging } from "../resilience/health-state.ts";
import { eventTime, now, Timed, wheel } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import {
  type CheckConnection,
  type CheckPlan,
  type CheckResult,
  checkRequest,
  type Dialler,
  HealthCheck,
  reportInternal,
} from "./health-check.ts";

/** The first checks of many endpoints are spread over this. */
const FIRST_WITHIN_MS: Ms = 100;
/** Intervals are up to this share longer or shorter. */
const JITTER = 0.1;

/** An endpoint as its checker sees it. */
export interface CheckedEndpoint {
  readonly label: string;
  /** What Host says where the configuration does not. */
  readonly hostField: string;
  readonly dialler: Dialler;
  /** A check has ended; `health` is read after this. */
  onCheck(result: CheckResult): void;
  readonly health: Readonly<Health>;
}

/** How long to wait for the next check of an endpoint in this state; `random` is in [0, 1). */
export function intervalMs(health: Readonly<Health>, config: HealthConfig, random: number): Ms {
  const changing = health.status === "unknown" || isChanging(health);
  const base = changing ? config.fastIntervalMs : health.status === "down" ? config.downIntervalMs : config.intervalMs;
  return base * (1 - JITTER + 2 * JITTER * random);
}

/** What a check of an endpoint sends, and what counts as good. */
export function checkPlan(
  { dialler, label, hostField }: Pick<CheckedEndpoint, "dialler" | "label" | "hostField">,
  config: HealthConfig,
): CheckPlan {
  const { kind, path, host, statuses, body, timeoutMs } = config;
  const request = kind === "tcp" ? "" : checkRequest(path, host ?? hostField);
  return { dialler, label, request, statuses, body, timeoutMs };
}

/** The active checks of one endpoint. */
export class HealthChecker extends Timed {
  readonly #endpoint: CheckedEndpoint;
  readonly #config: HealthConfig;
  readonly #random: () => number;
  readonly #plan: CheckPlan;
  #running = false;
  /** A check is about to begin. */
  #turn: NodeJS.Immediate | null = null;
  #check: HealthCheck | null = null;
  /** What the last check has left open. */
  #kept: CheckConnection | null = null;
  #lastWasFresh = false;
  #hurried = false;
  /** Who wants to know the result of the next check, or of the one that runs. */
  #askers: ((result: CheckResult | null) => void)[] = [];

  constructor(endpoint: CheckedEndpoint, config: HealthConfig, random: () => number) {
    super();
    this.#endpoint = endpoint;
    this.#config = config;
    this.#random = random;
    this.#plan = checkPlan(endpoint, config);
  }

  /** Begins with a check at once; without effect while it runs. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    wheel.set(this, now() + FIRST_WITHIN_MS * this.#random());
  }

  /** The next check comes after the fast interval at the latest: live traffic has just failed there. */
  hurry(): void {
    if (!this.#running) return;
    if (this.#check || this.#turn) this.#hurried = true;
    else wheel.set(this, Math.min(this.dueAt, now() + this.#fastMs()));
  }

  /** Checks at once, or waits for the check that runs; null = it has been stopped. */
  checkNow(done: (result: CheckResult | null) => void): void {
    if (!this.#running) return done(null);
    this.#askers.push(done);
    if (!this.#check && !this.#turn) wheel.set(this, now());
  }

  /** Ends the check that runs, without a result, and closes what is open. */
  stop(): void {
    this.#running = false;
    for (const tell of this.#askers.splice(0)) tell(null);
    this.#hurried = false;
    wheel.remove(this);
    if (this.#turn) clearImmediate(this.#turn);
    this.#turn = null;
    this.#check?.cancel();
    this.#check = null;
    this.#kept?.discard();
    this.#kept = null;
  }

  override onDeadline(): void {
    this.#turn = setImmediate(() => {
      this.#turn = null;
      this.#begin();
    });
  }

  #begin(): void {
    const kept = this.#kept;
    this.#kept = null;
    const reuse = this.#lastWasFresh && kept?.usable === true;
    if (!reuse) kept?.discard();
    const check = new HealthCheck(this.#plan, (result) => this.#checked(check, result));
    this.#check = check;
    check.start(reuse ? kept : null);
  }

  #checked(check: HealthCheck, result: CheckResult): void {
    this.#kept = check.kept;
    this.#lastWasFresh = !result.reused;
    const ours = result.failure !== null && isOurs(result.failure);
    try {
      if (!ours) this.#endpoint.onCheck(result);
    } catch (error) {
      reportInternal(error);
    }
    this.#check = null;
    for (const tell of this.#askers.splice(0)) tell(result);
    // onCheck may have stopped us.
    if (!this.#running) return;
    let waitMs = intervalMs(this.#endpoint.health, this.#config, this.#random());
    if (this.#hurried || ours) waitMs = Math.min(waitMs, this.#fastMs());
    this.#hurried = false;
    wheel.set(this, eventTime() + waitMs);
  }

  /** The fast interval at the longest. */
  #fastMs(): Ms {
    return this.#config.fastIntervalMs * (1 - JITTER * this.#random());
  }
}

/** Whether the gateway itself could not do the check. */
function isOurs({ cause }: Failure): boolean {
  return cause === "gateway-resource-exhausted" || cause === "gateway-internal-error";
}
