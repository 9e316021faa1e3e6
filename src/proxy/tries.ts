// Beyond the first try of an exchange: waiting for an endpoint (hold, queue), trying again, and giving up. Made only
// where an exchange needs it. The decision is pure (resilience/retry.ts); here are its facts and what follows from it.
//
//   failed ─▶ again ──▶ (backoff) ──▶ another endpoint, or a fresh connection
//     ├─────▶ hold: nothing was sent, and nothing listens anywhere: it waits for the upstream to come back
//     ├─────▶ verdict: safe, but over the budget, or broken while it connected to the last endpoint: a connect tells
//     │       whether that one is gone (then it moves on, since a dead endpoint is not to be protected from load, or
//     │       waits) or alive (then it fails)
//     └─────▶ fail, with the failure that says most
import { deadlineFailure, failureOf } from "../failure/classify.ts";
import type { Failure } from "../failure/failure.ts";
import { backoffMs } from "../resilience/backoff.ts";
import { decideRetry, type RetryDecision } from "../resilience/retry.ts";
import {
  beginRetry,
  endRetry,
  mayRetry,
  type RetryBudget,
  type RetryBudgetOptions,
} from "../resilience/retry-budget.ts";
import { eventTime, Timed, wheel } from "../std/clock.ts";
import type { Bytes, Ms } from "../std/units.ts";
import { nothingListens } from "../upstream/comeback.ts";
import type { Endpoint } from "../upstream/endpoint.ts";
import type { NoEndpoint, Pick, UpstreamGroup } from "../upstream/group.ts";
import type { Waiter, Waiting, WaitKind } from "../upstream/waiting-room.ts";
import type { Attempt } from "./attempt.ts";
import type { Exchange } from "./exchange.ts";

const NONE: readonly Endpoint[] = [];
/** However few requests are in flight, so many of them may be in a retry. */
const RETRIES_LEAST = 3;

export class Tries extends Timed implements Waiter {
  readonly #exchange: Exchange;
  /** Endpoints that are not to be tried again. */
  #tried: readonly Endpoint[] = NONE;
  /** Attempts where nothing listened: they cost nothing and do not count. */
  #free = 0;
  #retries = 0;
  #waiting: Waiting | null = null;
  /** The ends of its waits, set by the first of each kind: who waits again does not wait longer. */
  readonly #waitUntil: Record<WaitKind, Ms> = { hold: 0, queue: 0 };
  #picked: Endpoint | null = null;
  /** The budget that the running retry takes room in. */
  #budget: RetryBudget | null = null;

  constructor(exchange: Exchange) {
    super();
    this.#exchange = exchange;
  }

  get #group(): UpstreamGroup {
    return this.#exchange.toNewestGroup();
  }

  /** Others wait, or more are in flight than the upstream bears: takes its place behind them. */
  behindOthers(): void {
    const group = this.#group;
    if (group.outageSince > 0 && !group.mayHold()) return this.#go();
    this.#wait(group.config.hold && (group.outageSince > 0 || group.room.pacing) ? "hold" : "queue");
  }

  /** There is no endpoint for it now. */
  without(why: NoEndpoint): void {
    const group = this.#group;
    if (why === "no-healthy-upstream" && group.mayHold()) return this.#wait("hold");
    if (why === "pool-exhausted") return this.#wait("queue");
    const attempt = this.#exchange.attempts.at(-1);
    const last = attempt?.dropped ? null : attempt?.failure;
    if (!last) return this.#exchange.fail(noEndpointFailure(why, group));
    last.evidence.notRetried = "no-other-endpoint";
    this.#giveUp(last);
  }

  #wait(kind: WaitKind): void {
    const group = this.#group;
    const { queue, hold } = group.config;
    const limits = kind === "queue" ? queue && { ...queue, bytes: 0 } : hold;
    if (!limits) return this.#exchange.fail(noEndpointFailure("pool-exhausted", group));
    const until = this.#waitUntil;
    until[kind] ||= eventTime() + limits.forMs;
    this.#waiting = group.room.enter(this, kind, limits, until[kind]);
    if (this.#waiting) return;
    const detail = `${limits.requests} requests wait already (${kind}.requests${kind === "hold" ? " or hold.bytes" : ""})`;
    this.#exchange.fail(failureOf(kind === "hold" ? "no-healthy-upstream" : "pool-exhausted", { detail }));
  }

  get waitingBytes(): Bytes {
    const { head, body } = this.#exchange;
    return head.size + (body ? Math.min(body.keptBytes + body.left, this.#exchange.keptBytesMax) : 0);
  }

  mayProceed(): boolean {
    const group = this.#group;
    if (group.outageSince > 0 || (this.#waiting?.kind === "queue" && group.overloaded)) return false;
    const picked = this.#pick();
    this.#picked = typeof picked === "string" ? null : picked;
    return this.#picked !== null;
  }

  /** The next endpoint. Where what it has not tried has gone meanwhile, any: nobody must wait for that. */
  #pick(): Pick {
    const { balanceKey } = this.#exchange;
    const picked = this.#group.pick(this.#tried, balanceKey);
    if (picked !== "all-tried") return picked;
    this.#tried = NONE;
    return this.#group.pick(NONE, balanceKey);
  }

  proceed(): void {
    this.#waited();
    const exchange = this.#exchange;
    try {
      exchange.tryOn(this.#picked!, { fresh: false, released: true });
    } catch (error) {
      exchange.client.onInternalError(error);
    }
  }

  waitedInVain(): void {
    const kind = this.#waiting!.kind;
    const waitedMs = this.#waited();
    const group = this.#group;
    // It waited for a place, and there is none because the upstream is away.
    if (kind === "queue" && group.mayHold()) return this.#wait("hold");
    const { hold, queue } = group.config;
    const deadlineMs = (kind === "hold" ? hold?.forMs : queue?.forMs) ?? waitedMs;
    const detail = kind === "hold" ? group.whyOut() : "";
    this.#exchange.fail(deadlineFailure(kind, { waitedMs, deadlineMs, ...(detail && { detail }) }));
  }

  /** The wait is over: it goes into the record. */
  #waited(): Ms {
    const waiting = this.#waiting!;
    this.#waiting = null;
    const ms = eventTime() - waiting.since;
    if (waiting.kind === "hold") this.#exchange.heldMs += ms;
    else this.#exchange.queuedMs += ms;
    return ms;
  }

  /** An attempt has failed before its response began. */
  failed(attempt: Attempt, failure: Failure): void {
    this.#endBudgeted();
    const group = this.#group;
    if (nothingListens(failure)) {
      this.#free++;
      group.watch.refused(attempt.target, failure);
    }
    const tried = [...this.#tried, attempt.target];
    const otherEndpoint = typeof group.pick(tried) !== "string";
    // Nothing listens here any more, while another one that was tried is back by now, or has no room just now.
    const anyEndpoint = otherEndpoint || (nothingListens(failure) && group.outageSince === 0);
    const decision = this.#decide(attempt, failure, anyEndpoint);
    if (decision.retry) return this.#again(attempt, otherEndpoint ? tried : NONE);
    if (attempt.bytesSent === 0 && this.#exchange.plan!.retry.attempts > 1 && group.mayHold()) {
      this.#tried = NONE;
      return this.#wait("hold");
    }
    failure.evidence.notRetried = decision.reason;
    if (decision.reason === "body-not-replayable") failure.evidence.replayBytesMax = this.#exchange.keptBytesMax;
    const noOther = decision.reason === "no-other-endpoint" && this.#exchange.plan!.retry.attempts > 1;
    const mayMove = decision.reason === "budget" || noOther;
    if (!mayMove || failure.evidence.closedBy === undefined) return this.#giveUp(failure);
    group.watch.ask(attempt.target, (gone) => {
      if (this.#exchange.ended) return;
      if (!gone) return this.#giveUp(failure);
      delete failure.evidence.notRetried;
      this.#tried = otherEndpoint ? tried : NONE;
      this.#go();
    });
  }

  /** Whether a response with a status that the route wants tried again may be dropped for another attempt. */
  mayDrop(attempt: Attempt, failure: Failure): boolean {
    // A retry has its outcome: its place in the budget is free.
    this.#endBudgeted();
    const otherEndpoint = typeof this.#group.pick([...this.#tried, attempt.target]) !== "string";
    return this.#decide(attempt, failure, otherEndpoint).retry;
  }

  #decide(attempt: Attempt, failure: Failure, otherEndpoint: boolean): RetryDecision {
    const exchange = this.#exchange;
    const { retry } = exchange.plan!;
    const { body } = exchange;
    return decideRetry({
      bytesSent: attempt.bytesSent,
      bytesReceived: attempt.bytesReceived,
      connectionDied: failure.evidence.closedBy !== undefined,
      statusWanted: attempt.dropped,
      idempotent: exchange.repeatable,
      bodyReplayable: !body || body.keeping,
      otherEndpoint,
      attemptsMade: retry.attempts === 1 ? exchange.attempts.length : exchange.attempts.length - this.#free,
      attemptsMax: retry.attempts,
      elapsedMs: eventTime() - exchange.startedAt - exchange.heldMs - exchange.queuedMs,
      withinMs: retry.withinMs,
      budgetLeft: attempt.target.away || mayRetry(this.#group.budget, this.#budgetOptions),
    });
  }

  get #budgetOptions(): RetryBudgetOptions {
    return { share: this.#group.config.retry.budget, least: RETRIES_LEAST };
  }

  #again(attempt: Attempt, tried: readonly Endpoint[]): void {
    const group = this.#group;
    this.#tried = tried;
    if (!attempt.target.away && beginRetry(group.budget, this.#budgetOptions)) this.#budget = group.budget;
    // The first retry after a broken connection goes at once: a visitor waits. What answered with an error gets a
    // pause; what refuses connections needs none. A process that is ending takes connections for a moment longer.
    const dying = tried === NONE && attempt.failure?.cause !== "keepalive-race";
    const pauses = this.#retries + (attempt.dropped || dying ? 1 : 0);
    this.#retries++;
    const { backoffMs: baseMs, backoffMaxMs: maxMs } = group.config.retry;
    const jitterMs = pauses === 0 ? 0 : backoffMs(pauses, group.random(), { baseMs, maxMs });
    const waitMs = Math.max(dying ? baseMs / 2 : 0, jitterMs);
    if (waitMs === 0 || attempt.target.away) return this.#go();
    wheel.set(this, eventTime() + waitMs);
  }

  override onDeadline(): void {
    if (this.#exchange.ended) return;
    try {
      this.#go();
    } catch (error) {
      this.#exchange.client.onInternalError(error);
    }
  }

  #go(): void {
    const exchange = this.#exchange;
    const picked = this.#pick();
    if (typeof picked === "string") this.without(picked);
    else exchange.tryOn(picked, { fresh: exchange.attempts.length > 0, released: false });
  }

  /**
   * Of several failures the last one in which a request was sent: that the next connect failed says less. What failed
   * on a fresh connection, too, was no race with an idle timer.
   */
  #giveUp(last: Failure): void {
    const sent = this.#exchange.attempts.filter((attempt) => attempt.bytesSent > 0 && !attempt.dropped);
    const fresh = sent.findLast((attempt) => attempt.failure?.cause === "closed-before-response");
    const failure = sent.at(-1)?.failure ?? last;
    this.#exchange.fail(failure.cause === "keepalive-race" && fresh?.failure ? fresh.failure : failure);
  }

  /** Its response has begun: what streams for hours is no retry any more. */
  answered(): void {
    this.#endBudgeted();
  }

  #endBudgeted(): void {
    if (this.#budget) endRetry(this.#budget);
    this.#budget = null;
  }

  /** The exchange is over. */
  end(): void {
    this.#endBudgeted();
    wheel.remove(this);
    if (!this.#waiting) return;
    this.#waiting.room.leave(this.#waiting);
    this.#waited();
  }
}

function noEndpointFailure(why: NoEndpoint, group: UpstreamGroup): Failure {
  switch (why) {
    case "backend-absent":
    case "pool-exhausted":
      return failureOf(why, {});
    case "breaker-open": {
      const forMs = Math.round(group.judge.openForMs(group.clock()));
      return failureOf("no-healthy-upstream", { detail: `it could not be reached, and is tried again in ${forMs} ms` });
    }
    case "no-healthy-upstream":
    case "all-tried":
      return failureOf("no-healthy-upstream", { detail: group.whyOut() });
  }
}
