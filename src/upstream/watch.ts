// Watching the endpoints of one upstream: active checks where they are configured, and for an endpoint at which
// nothing listens a connect now and again until something does. Traffic and checks tell the same story: what live
// traffic is refused, the checks hear of at once, and the reverse.
import type { Failure } from "../failure/failure.ts";
import type { DialHandle, DialResult, DialTarget, SocketReader } from "../net/dial.ts";
import { newHealth, noteCheck, noteGone } from "../resilience/health-state.ts";
import { noteEnd } from "../resilience/keepalive-learner.ts";
import type { Ms } from "../std/units.ts";
import { Comeback, nothingListens, verify } from "./comeback.ts";
import { DISABLED, DOWN, type Endpoint, GONE, type Standing, WARMING, WITHDRAWN } from "./endpoint.ts";
import type { UpstreamGroup } from "./group.ts";
import { type CheckResult, type Dialler, HealthCheck } from "./health-check.ts";
import { checkPlan, HealthChecker } from "./health-checker.ts";

/** How connections are opened (dial of net/). */
export type Dial = (target: DialTarget, reader: SocketReader | null, done: (result: DialResult) => void) => DialHandle;

/** Without checks nothing says that it is down; should they be turned on again, they begin anew. */
function forgetHealth(standing: Standing): void {
  standing.out &= ~DOWN;
  standing.health = newHealth();
}

/** Watches the endpoints of one upstream. */
export class Watch {
  readonly #group: UpstreamGroup;
  /** By the endpoint's label: an attempt of an earlier generation may tell of it. */
  readonly #comebacks = new Map<string, Comeback>();
  readonly #checkers = new Map<string, HealthChecker>();
  readonly #verifying = new Map<string, ((gone: boolean) => void)[]>();
  #watching = false;

  constructor(group: UpstreamGroup) {
    this.#group = group;
  }

  start(): void {
    this.#watching = true;
    const { config } = this.#group;
    for (const endpoint of this.#group.endpoints) {
      const { standing } = endpoint;
      if (!config.health) forgetHealth(standing);
      if (endpoint.config.down || !this.#group.dial || (standing.out & DISABLED) !== 0) continue;
      if ((standing.out & GONE) !== 0) this.#comeBack(endpoint);
      this.#checkOften(endpoint);
    }
    this.#group.recount();
  }

  #checkOften(endpoint: Endpoint): void {
    const { health } = this.#group.config;
    if (!health || this.#checkers.has(endpoint.label)) return;
    const checker = new HealthChecker(this.#checked(endpoint), health, this.#group.random);
    this.#checkers.set(endpoint.label, checker);
    checker.start();
  }

  /** Somebody has disabled it: nobody asks any more how it is. */
  forget({ label }: Endpoint): void {
    this.#comebacks.get(label)?.stop();
    this.#checkers.get(label)?.stop();
    this.#comebacks.delete(label);
    this.#checkers.delete(label);
  }

  /** Somebody lets it in again: what was known is looked at anew, at once. `before` = how it stood until then. */
  readmit(endpoint: Endpoint, before: number): void {
    // Nobody has watched it meanwhile.
    if ((before & DISABLED) !== 0) forgetHealth(endpoint.standing);
    if (!this.#watching || !this.#group.dial || endpoint.config.down) return;
    if ((before & WITHDRAWN) !== 0) this.#warm(endpoint);
    if ((endpoint.standing.out & GONE) !== 0) {
      this.#comebacks.get(endpoint.label)?.stop();
      this.#comeBack(endpoint, 0);
    }
    this.#checkOften(endpoint);
    this.#checkers.get(endpoint.label)?.checkNow(() => {});
  }

  /** How it is at this moment, by its own check or by a connect; null = nobody can tell. */
  checkNow(endpoint: Endpoint, done: (result: CheckResult | null) => void): void {
    const { config, dial } = this.#group;
    const checker = this.#checkers.get(endpoint.label);
    if (checker) return checker.checkNow(done);
    if (!dial) return done(null);
    const { connectMs, tlsMs } = config.timeouts;
    const timeoutMs = config.resolve.timeoutMs + connectMs + tlsMs;
    const connect = { dialler: this.#dialler(endpoint), label: endpoint.label, request: "", statuses: [], body: null };
    const plan = config.health ? checkPlan(this.#checked(endpoint), config.health) : { ...connect, timeoutMs };
    const check: HealthCheck = new HealthCheck(plan, (result) => {
      check.kept?.discard();
      this.#seen(endpoint, result);
      done(result);
    });
    check.start(null);
  }

  /** What a look by hand has shown of an endpoint that nobody checks. */
  #seen(endpoint: Endpoint, { good, failure }: CheckResult): void {
    if (this.#group.peers || (endpoint.standing.out & DISABLED) !== 0) return;
    if (good) this.#back(endpoint);
    else if (failure && nothingListens(failure)) this.refused(endpoint, failure);
  }

  stop(): void {
    this.#watching = false;
    for (const comeback of this.#comebacks.values()) comeback.stop();
    for (const checker of this.#checkers.values()) checker.stop();
    this.#comebacks.clear();
    this.#checkers.clear();
  }

  /** A connection to the endpoint was refused. */
  refused(asked: Endpoint, failure: Failure): void {
    // There a refusal is a failure like others, which its server counts.
    if (this.#group.peers) return;
    const { watch } = this.#group.newest;
    if (watch !== this) return watch.refused(asked, failure);
    // A reload may have left it out: nobody asks for it any more. Or left it out and taken it in again: it stands anew.
    const endpoint = this.#present(asked);
    if (!endpoint || (endpoint.standing.out & (GONE | DISABLED)) !== 0) return;
    const { standing } = endpoint;
    const { clock, config, onEvent } = this.#group;
    standing.out |= GONE;
    standing.goneSince = clock();
    standing.gone = failure;
    noteEnd(standing.keepAlive, standing.goneSince);
    // An application that drains waits for its idle connections to close before it ends.
    endpoint.pool.closeIdle();
    const at = standing.goneSince;
    const detail = failure.evidence.errno ?? "";
    onEvent({
      kind: "endpoint-gone",
      at,
      upstream: config.name,
      endpoint: endpoint.label,
      cause: failure.cause,
      detail,
    });
    if (config.health && noteGone(standing.health)) this.#down(endpoint, failure, "refuses connections");
    this.#checkers.get(endpoint.label)?.hurry();
    if (this.#watching) this.#comeBack(endpoint);
    this.#group.recount();
  }

  /** Whether anything listens at the endpoint at this moment; several who ask at once share one answer. */
  ask(endpoint: Endpoint, done: (gone: boolean) => void): void {
    if (this.#group.peers) return done(false);
    if ((endpoint.standing.out & GONE) !== 0 || !this.#group.dial) return done(endpoint.away);
    const asking = this.#verifying.get(endpoint.label);
    if (asking) {
      asking.push(done);
      return;
    }
    const all = [done];
    this.#verifying.set(endpoint.label, all);
    verify(this.#dialler(endpoint), (gone, failure) => {
      this.#verifying.delete(endpoint.label);
      if (gone && failure) this.refused(endpoint, failure);
      // By the answer, too: what a reload has left out has no standing any more, and may be gone all the same.
      for (const tell of all) tell(gone || (endpoint.standing.out & GONE) !== 0);
    });
  }

  /** Connects now and again until something listens. */
  #comeBack(endpoint: Endpoint, firstMs?: Ms): void {
    if (!this.#group.dial) return;
    let comeback = this.#comebacks.get(endpoint.label);
    if (!comeback) {
      comeback = new Comeback(
        this.#dialler(endpoint),
        this.#group.random,
        () => this.#back(endpoint),
        (failure) => {
          endpoint.standing.gone = failure;
        },
      );
      this.#comebacks.set(endpoint.label, comeback);
    }
    comeback.start(firstMs);
  }

  /** A request has found it listening again before the next look. */
  connected(asked: Endpoint): void {
    const { watch } = this.#group.newest;
    watch.#back(watch.#present(asked) ?? asked);
  }

  /** The endpoint at the same address in this generation. */
  #present({ label }: Endpoint): Endpoint | undefined {
    return this.#group.endpoints.find((endpoint) => endpoint.label === label);
  }

  /** It accepts connections again. */
  #back(endpoint: Endpoint): void {
    const { standing } = endpoint;
    if ((standing.out & GONE) === 0) return;
    const { clock, config, onEvent } = this.#group;
    const at = clock();
    standing.out &= ~GONE;
    standing.gone = null;
    this.#comebacks.get(endpoint.label)?.stop();
    this.#warm(endpoint);
    endpoint.latency?.forget();
    this.#group.judge.cameBack(standing);
    const awayMs = at - standing.goneSince;
    onEvent({ kind: "endpoint-back", at, upstream: config.name, endpoint: endpoint.label, awayMs });
    this.#checkers.get(endpoint.label)?.hurry();
    this.#group.recount();
  }

  #warm({ standing }: Endpoint): void {
    if (this.#group.config.slowStartMs === 0) return;
    standing.warmSince = this.#group.clock();
    standing.out |= WARMING;
  }

  #onCheck(endpoint: Endpoint, result: CheckResult): void {
    const { standing } = endpoint;
    const { health, name: upstream } = this.#group.config;
    if (!health) return;
    const { failure, good } = result;
    const detail = result.detail.replace(/\.$/, "");
    if (good) {
      standing.worked = true;
      this.#back(endpoint);
    } else if (failure && nothingListens(failure)) return this.refused(endpoint, failure);
    standing.downDetail = good ? "" : detail;
    if (!noteCheck(standing.health, good, health)) return;
    if (!good) this.#down(endpoint, failure, detail);
    else if ((standing.out & DOWN) !== 0) {
      standing.out &= ~DOWN;
      this.#warm(endpoint);
      const at = this.#group.clock();
      const downMs = at - standing.downSince;
      this.#group.onEvent({ kind: "health-up", at, upstream, endpoint: endpoint.label, downMs });
    }
    this.#group.recount();
  }

  #down(endpoint: Endpoint, failure: Failure | null, detail: string): void {
    const { standing, label } = endpoint;
    const at = this.#group.clock();
    standing.out |= DOWN;
    standing.downSince = at;
    standing.downDetail = detail;
    const cause = failure?.cause ?? null;
    this.#group.onEvent({ kind: "health-down", at, upstream: this.#group.config.name, endpoint: label, cause, detail });
  }

  #checked(endpoint: Endpoint) {
    return {
      label: endpoint.label,
      hostField: this.#hostField(endpoint),
      dialler: this.#dialler(endpoint),
      health: endpoint.standing.health,
      onCheck: (result: CheckResult) => this.#onCheck(endpoint, result),
    };
  }

  #hostField(endpoint: Endpoint): string {
    const { host } = this.#group.config;
    return typeof host === "object" ? host.name : endpoint.hostField;
  }

  /** Connections as live traffic opens them, with the upstream's own deadlines. */
  #dialler(endpoint: Endpoint): Dialler {
    const { dial, dialTarget, config } = this.#group;
    return (reader, done) => dial!(dialTarget!(endpoint, config.timeouts), reader, done);
  }
}
