// What the outcome of each attempt says of its endpoint and of the upstream as a whole.
//   endpoint: a circuit breaker each (outlier ejection). Failures that are the upstream's or the network's count, and
//             statuses that the configuration names. Not more than a share of the endpoints is ejected, and never the
//             last that can be used; failures that follow the request (poison guard) count against nobody.
//   upstream: one breaker. By default only what costs the callers time counts: nobody answers at connect, DNS or TLS.
//             While it is open, requests fail at once.
// Each attempt asks for its permits when it begins and settles each of them once.
// Upstreams under nginx's rules have neither breaker: what becomes of their attempts goes to their servers (peers.ts).
import { CAUSES } from "../failure/causes.ts";
import type { Failure } from "../failure/failure.ts";
import { noteDrop } from "../resilience/adaptive-limit.ts";
import {
  admit,
  admits,
  type Breaker,
  type BreakerOptions,
  newBreaker,
  type Outcome,
  openForMs,
  probeNow,
  reset,
  settle,
} from "../resilience/circuit-breaker.ts";
import { blame, isEmpty, newPoisonGuard, noteSuccess, type PoisonGuard } from "../resilience/poison-guard.ts";
import type { Ms } from "../std/units.ts";
import { nothingListens } from "./comeback.ts";
import { AWAY, EJECTED, type Endpoint, type Standing, WITHDRAWN } from "./endpoint.ts";
import type { UpstreamGroup } from "./group.ts";
import { peerAnswered, peerBegan, peerDone, peerFailed } from "./peer-judge.ts";

/** An attempt, as far as it is judged. */
export interface Judged {
  readonly target: Endpoint;
  endpointPermit: number;
  upstreamPermit: number;
  /** It has begun, and the head of its response has not come. */
  awaited: boolean;
  /** What failures may follow from endpoint to endpoint: "GET /report", and who asks. */
  readonly requestKey: string;
  readonly clientKey: string;
  readonly startedAt: Ms;
  /** When the head of its final response came; 0 = it has not. */
  readonly headAt: Ms;
  /** The status of that; 0 = none. */
  readonly status: number;
  /** Its response was given up for another attempt. */
  readonly dropped: boolean;
}

/** Settled, or never asked for. */
const NO_PERMIT = 0;

/** The judge of one upstream; what it knows outlives a reload. */
export class Judge {
  readonly #group: UpstreamGroup;
  readonly #breaker: Breaker;
  readonly #guard: PoisonGuard;
  readonly #breakerOptions: BreakerOptions | null;
  readonly #ejectOptions: BreakerOptions | null;
  readonly #statuses: ReadonlySet<number>;
  /** Attempts of all generations. */
  readonly #load: { awaited: number };

  constructor(group: UpstreamGroup, before: Judge | undefined) {
    this.#group = group;
    const { breaker, eject } = group.config;
    this.#breakerOptions = breaker && breakerOptions(breaker);
    this.#ejectOptions = eject && breakerOptions(eject);
    this.#statuses = new Set(eject?.statuses);
    this.#breaker = before && breaker ? before.#breaker : newBreaker(group.clock(), this.#breakerOptions ?? undefined);
    this.#guard = before ? before.#guard : newPoisonGuard();
    this.#load = before ? before.#load : { awaited: 0 };
  }

  /** Attempts that wait for the head of their response. */
  get awaiting(): number {
    return this.#load.awaited;
  }

  /** Its generation runs from now on: what the one before knew is measured by its settings. */
  start(): void {
    const options = this.#ejectOptions;
    for (const { standing } of this.#group.endpoints) {
      if (options) fitTo(options, standing.breaker);
      else standing.out &= ~EJECTED;
    }
    if (this.#breakerOptions) fitTo(this.#breakerOptions, this.#breaker);
  }

  /** An endpoint at which nothing listened is back: another process, which is tried at once. */
  cameBack({ breaker }: Standing): void {
    probeNow(breaker, this.#group.clock());
  }

  /** Somebody lets it in again: the failures that it was ejected for are forgotten. */
  readmit(endpoint: Endpoint): void {
    reset(endpoint.standing.breaker, this.#group.clock(), this.#ejectOptions ?? undefined);
    this.#endpointPhase(endpoint);
  }

  /** Nothing is wrong with the upstream as a whole. */
  get closed(): boolean {
    return this.#breaker.phase === "closed";
  }

  /** Whether the upstream's breaker lets a request through. */
  admits(now: Ms): boolean {
    const options = this.#breakerOptions;
    return options === null || admits(this.#breaker, now, this.#group.random(), options);
  }

  /** For how long the upstream's breaker refuses. */
  openForMs(now: Ms): Ms {
    return openForMs(this.#breaker, now);
  }

  /** Whether an endpoint that was ejected is let have a request. */
  endpointAdmits(standing: Standing, now: Ms): boolean {
    const options = this.#ejectOptions;
    return options === null || admits(standing.breaker, now, this.#group.random(), options);
  }

  /** An attempt begins: takes its permits. */
  begin(judged: Judged): void {
    const now = this.#group.clock();
    const { standing } = judged.target;
    judged.awaited = true;
    this.#load.awaited++;
    if (this.#group.peers) return peerBegan(judged);
    if (this.#ejectOptions) {
      const before = standing.breaker.phase;
      judged.endpointPermit = admit(standing.breaker, now, 0, this.#ejectOptions);
      if (standing.breaker.phase !== before) this.#endpointPhase(judged.target);
    }
    if (this.#breakerOptions) {
      const before = this.#breaker.phase;
      judged.upstreamPermit = admit(this.#breaker, now, 0, this.#breakerOptions);
      if (this.#breaker.phase !== before) this.#upstreamPhase(null);
    }
  }

  /** A connection is there: the upstream can be reached. */
  connected(judged: Judged): void {
    if (this.#group.config.breaker?.on === "unreachable") this.#settleUpstream(judged, "success", null);
  }

  #awaitedNoMore(judged: Judged): void {
    if (judged.awaited) this.#load.awaited--;
    judged.awaited = false;
  }

  /** The head of a final response came. */
  answered(judged: Judged, status: number): void {
    this.#awaitedNoMore(judged);
    judged.target.standing.worked = true;
    if (this.#group.peers) return peerAnswered(this.#group, judged);
    const bad = status >= 400 && this.#statuses.has(status);
    if (bad) this.#blame(judged, null, `answers ${status}`);
    else {
      this.#settleEndpoint(judged, "success", null, "");
      if (!isEmpty(this.#guard, this.#group.clock()))
        noteSuccess(this.#guard, judged.requestKey, judged.clientKey, this.#group.clock());
    }
    this.#settleUpstream(judged, "success", null);
  }

  /** It failed. */
  failed(judged: Judged, failure: Failure): void {
    this.#awaitedNoMore(judged);
    if (this.#group.peers) return peerFailed(this.#group, judged, failure);
    const { fault } = CAUSES[failure.cause];
    const blamed = fault.includes("upstream") || fault.includes("network");
    // Where nothing listens the endpoint is left alone anyway (watch.ts), and comes back without a penalty.
    if (blamed && !nothingListens(failure)) this.#blame(judged, failure, failure.cause);
    else this.#settleEndpoint(judged, "unknown", null, "");
    if (this.#group.adaptive && failure.status === CAUSES["response-timeout"].status)
      noteDrop(this.#group.adaptive, this.#group.clock());
    const counts = this.#group.config.breaker?.on === "any" || isUnreachable(failure);
    this.#settleUpstream(judged, counts ? "failure" : "unknown", failure);
  }

  /** Nobody waits for it any more, or its outcome has been told. */
  abandoned(judged: Judged): void {
    this.#awaitedNoMore(judged);
    if (this.#group.peers) return peerDone(this.#group, judged);
    this.#settleEndpoint(judged, "unknown", null, "");
    this.#settleUpstream(judged, "unknown", null);
  }

  /** Its response was whole. */
  completed(judged: Judged): void {
    if (this.#group.peers) peerDone(this.#group, judged);
  }

  /** A failure counts against the endpoint, unless it follows the request. */
  #blame(judged: Judged, failure: Failure | null, detail: string): void {
    const group = this.#group;
    const { eject, name } = group.config;
    if (!eject) return;
    // What was never sent cannot have done any harm.
    const sent = failure === null || (failure.evidence.bytesSent ?? 0) > 0;
    if (sent && group.endpoints.length > 1) {
      const at = group.clock();
      const keys = { request: judged.requestKey, client: judged.clientKey };
      const verdict = blame(this.#guard, keys, judged.target.label, group.endpoints.length, at);
      if (verdict.blamed === "request") {
        if (verdict.isNew) {
          const text = `${detail} at ${verdict.endpoints} of ${group.endpoints.length} endpoints and nowhere succeeds`;
          group.onEvent({ kind: "poison-request", at, upstream: name, request: verdict.key, detail: text });
        }
        return this.#settleEndpoint(judged, "unknown", null, "");
      }
    }
    this.#settleEndpoint(judged, "failure", failure, detail);
  }

  #settleEndpoint(judged: Judged, outcome: Outcome, failure: Failure | null, detail: string): void {
    const options = this.#ejectOptions;
    const { standing } = judged.target;
    const permit = judged.endpointPermit;
    if (options === null || permit === NO_PERMIT) return;
    const before = standing.breaker.phase;
    // A body that is cut after a good head counts, too; a probe has one outcome.
    if (before !== "closed" || outcome !== "success") judged.endpointPermit = NO_PERMIT;
    const mayOpen = outcome !== "failure" || this.#mayEject(judged.target);
    settle(standing.breaker, permit, outcome, this.#group.clock(), options, mayOpen);
    if (standing.breaker.phase !== before) this.#endpointPhase(judged.target, failure, detail);
  }

  /** Whether enough of the others would be left. */
  #mayEject(endpoint: Endpoint): boolean {
    const group = this.#group.newest;
    // An attempt of a generation that ejected, under one that does not.
    if (!group.config.eject) return false;
    const { max } = group.config.eject;
    const others = group.endpoints.filter(
      ({ label, config, standing }) => label !== endpoint.label && !config.down && (standing.out & WITHDRAWN) === 0,
    );
    const ejected = others.filter(({ standing }) => (standing.out & EJECTED) !== 0).length;
    if (ejected + 1 > Math.max(1, Math.floor(max * (others.length + 1)))) return false;
    return others.some(({ standing }) => (standing.out & (AWAY | EJECTED)) === 0);
  }

  /** The breaker of an endpoint may have changed its phase. */
  #endpointPhase(endpoint: Endpoint, failure: Failure | null = null, detail = ""): void {
    const { standing, label } = endpoint;
    const { phase } = standing.breaker;
    const was = (standing.out & EJECTED) !== 0;
    if (phase === "closed" ? !was : was && phase !== "open") return;
    const group = this.#group.newest;
    const at = group.clock();
    const upstream = group.config.name;
    if (phase === "closed") {
      standing.out &= ~EJECTED;
      group.onEvent({ kind: "returned", at, upstream, endpoint: label });
    } else {
      standing.out |= EJECTED;
      const forMs = openForMs(standing.breaker, at);
      group.onEvent({ kind: "ejected", at, upstream, endpoint: label, forMs, cause: failure?.cause ?? null, detail });
    }
    group.recount();
  }

  #settleUpstream(judged: Judged, outcome: Outcome, failure: Failure | null): void {
    const options = this.#breakerOptions;
    const permit = judged.upstreamPermit;
    if (options === null || permit === NO_PERMIT) return;
    judged.upstreamPermit = NO_PERMIT;
    const before = this.#breaker.phase;
    settle(this.#breaker, permit, outcome, this.#group.clock(), options);
    if (this.#breaker.phase !== before) this.#upstreamPhase(failure);
  }

  #upstreamPhase(failure: Failure | null): void {
    const group = this.#group.newest;
    const at = group.clock();
    const upstream = group.config.name;
    const { phase } = this.#breaker;
    if (phase === "open") {
      const forMs = openForMs(this.#breaker, at);
      group.onEvent({ kind: "breaker-opened", at, upstream, forMs, cause: failure?.cause ?? null });
    } else if (phase === "closed") group.onEvent({ kind: "breaker-closed", at, upstream });
  }
}

/** Nobody answered: no connection, no name, no handshake. What refuses at once costs nobody time. */
function isUnreachable({ cause, evidence }: Failure): boolean {
  const { deadline } = evidence;
  return (
    cause === "network-unreachable" ||
    cause === "connect-timeout" ||
    deadline === "resolve" ||
    deadline === "connect" ||
    deadline === "tls"
  );
}

/** A breaker that was made for other settings, and that has nothing to remember, goes by these. */
function fitTo({ openMs }: BreakerOptions, breaker: Breaker): void {
  if (breaker.phase === "closed") breaker.openMs = openMs;
}

/** The settings of either breaker in the words of resilience/. */
function breakerOptions(config: {
  readonly failures: number;
  readonly share: number;
  readonly withinMs: Ms;
  readonly forMs: Ms;
  readonly forMaxMs: Ms;
  readonly probes: number;
  readonly recoveryMs: Ms;
}): BreakerOptions {
  const { failures, share, probes, recoveryMs } = config;
  const { withinMs: windowMs, forMs: openMs, forMaxMs: openMaxMs } = config;
  return { failures, share, windowMs, openMs, openMaxMs, probes, recoveryMs };
}
