// Beyond the first try, by named conditions (the rule of proxy_next_upstream): which failures lead to another server,
// how often and for how long. What tries.ts has besides (hold, queue, budgets, waits) does not apply to such upstreams.
import { failureOf } from "../failure/classify.ts";
import type { Failure } from "../failure/failure.ts";
import { nginxFailureKind } from "../failure/nginx-kind.ts";
import { nextUpstream, triesAfter, triesAtFirst } from "../resilience/retry-conditions.ts";
import { eventTime } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import type { Endpoint } from "../upstream/endpoint.ts";
import type { NoEndpoint } from "../upstream/group.ts";
import type { Attempt } from "./attempt.ts";
import type { Exchange } from "./exchange.ts";

export class NextTries {
  readonly #exchange: Exchange;
  /** When the first attempt began: this is made once that has failed. */
  readonly #startedAt: Ms;
  #tried: readonly Endpoint[] = [];
  #left: number;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    const { attempts, served } = exchange;
    this.#startedAt = attempts[served?.triesFrom.at(-1) ?? 0]?.startedAt ?? eventTime();
    const { peers } = exchange.group!;
    this.#left = triesAtFirst(peers?.triesMax ?? 1, exchange.plan!.retry.rules?.tries ?? 0);
  }

  /** There is no server for it. */
  without(_why: NoEndpoint): void {
    const exchange = this.#exchange;
    exchange.served?.noServer();
    exchange.fail(failureOf("no-healthy-upstream", { detail: exchange.group!.whyOut() }));
  }

  behindOthers(): void {
    this.#go();
  }

  /** An attempt has failed before its response began, or its response was given up. */
  failed(attempt: Attempt, failure: Failure): void {
    const mayGoOn = this.#mayGoOn(attempt, failure);
    this.#left = this.#leftAfter(attempt, failure);
    this.#tried = [...this.#tried, attempt.target];
    if (mayGoOn) this.#go();
    else this.#exchange.fail(failure);
  }

  /** Whether a response may be given up for that of another server. */
  mayDrop(attempt: Attempt, failure: Failure): boolean {
    return this.#mayGoOn(attempt, failure);
  }

  #leftAfter(attempt: Attempt, failure: Failure): number {
    const single = attempt.group.peers?.single ?? true;
    return triesAfter(this.#left, { kind: nginxFailureKind(failure), reused: attempt.reused, single });
  }

  #mayGoOn(attempt: Attempt, failure: Failure): boolean {
    const { plan, body, respondedAt, served, method } = this.#exchange;
    const rules = plan!.retry.rules;
    if (!rules) return false;
    return nextUpstream({
      kind: nginxFailureKind(failure),
      conditions: rules.conditions,
      method: served?.method ?? method,
      requestSent: attempt.connectedAt > 0,
      bodyReplayable: !this.#exchange.sendsBody || body?.keeping !== false,
      responseBegun: respondedAt > 0,
      triesLeft: this.#leftAfter(attempt, failure),
      elapsedMs: eventTime() - this.#startedAt,
      withinMs: rules.withinMs,
    });
  }

  #go(): void {
    const exchange = this.#exchange;
    const picked = exchange.pickServer(this.#tried);
    if (typeof picked === "string") this.without(picked);
    else exchange.tryOn(picked, { fresh: false, released: false });
  }

  answered(): void {}

  end(): void {}
}
