// An upstream: a named group of endpoints. It says which endpoint is next, or why there is none.
//
// A pick goes through the tiers (primary endpoints, then backups) and asks the balancer for one that is usable:
// not tried before, not away (endpoint.ts), let through by its breaker, with room. Where there is none it is less
// strict, step by step: one that is ejected is better than none, but not than a place in the queue; where nearly all seem unwell, those are used that
// accept connections (panic); a refused connection costs nothing, so that where nobody may wait, it is tried.
//
// How endpoints stand is judged in judge.ts and watched in watch.ts; a reload hands it on (`successor`). Where the
// configuration counts failures as nginx does, peers.ts has all of that instead: a pick there is made to be used.
import { randomInt } from "node:crypto";
import type { BalanceConfig, EndpointConfig, UpstreamConfig, UpstreamTimeouts } from "../config/config.ts";
import type { DialTarget } from "../net/dial.ts";
import { DnsClient } from "../net/dns-client.ts";
import { type AdaptiveLimit, newAdaptiveLimit } from "../resilience/adaptive-limit.ts";
import { newRetryBudget, type RetryBudget } from "../resilience/retry-budget.ts";
import { warmLimit, warmth } from "../resilience/slow-start.ts";
import { eventTime } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import { type Balancer, leastConnections, roundRobin } from "./balance.ts";
import { sticky } from "./balance-cookie.ts";
import { consistentHash } from "./balance-hash.ts";
import { peakEwma, type Random, randomTwo, seededRandom } from "./balance-two.ts";
import { AWAY, DISABLED, DOWN, DRAINING, EJECTED, type Endpoint, GONE, WARMING, WITHDRAWN } from "./endpoint.ts";
import type { OnUpstreamEvent } from "./events.ts";
import { type AddressesOf, GroupEndpoints } from "./group-endpoints.ts";
import { Judge } from "./judge.ts";
import { nameQueryBy } from "./name-query.ts";
import { type NameQuery, NameWatch } from "./name-watch.ts";
import { Peers } from "./peers.ts";
import type { FoundAddress } from "./server-names.ts";
import { StickySessions } from "./sticky-sessions.ts";
import { WaitingRoom } from "./waiting-room.ts";
import { type Dial, Watch } from "./watch.ts";

/** Why there is no endpoint. */
export type NoEndpoint =
  /** The upstream has none. */
  | "backend-absent"
  /** All are out of use. */
  | "no-healthy-upstream"
  /** Its breaker is open. */
  | "breaker-open"
  /** A limit is reached. */
  | "pool-exhausted"
  /** This exchange has tried all there are. */
  | "all-tried";

/** An endpoint to try, or why there is none. */
export type Pick = Endpoint | NoEndpoint;

/** What a group needs of the world; all of it has a default but for the connections. */
export interface GroupContext {
  readonly random?: Random;
  readonly clock?: () => Ms;
  readonly onEvent?: OnUpstreamEvent;
  /** How connections are opened; without it nothing is watched. */
  readonly dial?: Dial;
  readonly dialTarget?: (endpoint: Endpoint, timeouts: UpstreamTimeouts) => DialTarget;
  /** Addresses of the names that are resolved at load; without it they are asked for with each connection. */
  readonly addressesOf?: AddressesOf;
  /** How names are asked for at run time; by the resolver of the configuration unless it is given. */
  readonly nameQuery?: NameQuery;
  /** The same upstream in the generation before. */
  readonly previous?: UpstreamGroup | undefined;
}

/** A named upstream. */
export class UpstreamGroup {
  readonly config: UpstreamConfig;
  /** Its servers under nginx's rules; null = its own rules hold. */
  readonly peers: Peers<Endpoint> | null;
  /** Sessions that bind requests to servers; null = none are learnt. */
  readonly sessions: StickySessions | null;
  readonly room: WaitingRoom;
  /** Requests in flight, those that wait included, and retries among them. */
  readonly budget: RetryBudget;
  readonly adaptive: AdaptiveLimit | null;
  readonly judge: Judge;
  readonly watch: Watch;
  /** An endpoint has answered in a generation before: one that is put in its place may be waited for, too. */
  readonly #workedBefore: boolean;
  /** Since when no endpoint can be used; 0 = one can. */
  outageSince: Ms = 0;
  /** So few are well that this is not believed. */
  panicking = false;
  /** The same upstream in the generation that came after. */
  successor: UpstreamGroup | null = null;
  readonly random: Random;
  readonly clock: () => Ms;
  readonly onEvent: OnUpstreamEvent;
  readonly dial: Dial | null;
  readonly dialTarget: ((endpoint: Endpoint, timeouts: UpstreamTimeouts) => DialTarget) | null;
  /** Until it is taken over from: a chain of generations would never be let go. */
  #previous: UpstreamGroup | null;
  #tiers: readonly Balancer<Endpoint>[] = [];
  #only: Endpoint | null = null;
  readonly #endpoints: GroupEndpoints;
  readonly #names: NameWatch | null;
  /** What the pick that is running may not use, what it overlooks, and what it met. */
  #tried: readonly Endpoint[] = [];
  #overlooked = 0;
  #full = false;
  #warming: Endpoint | null = null;
  /** What binds the request that is picked for. */
  #key = "";

  constructor(config: UpstreamConfig, context: GroupContext = {}) {
    const { random = seededRandom(randomInt(2 ** 32)), clock = eventTime, onEvent = () => {}, previous } = context;
    this.#previous = previous ?? null;
    this.config = config;
    this.random = random;
    this.clock = clock;
    this.onEvent = onEvent;
    this.dial = context.dial ?? null;
    this.dialTarget = context.dialTarget ?? null;
    this.adaptive = config.limits.adaptive ? (previous?.adaptive ?? newAdaptiveLimit()) : null;
    this.room = previous?.room ?? new WaitingRoom();
    this.budget = previous?.budget ?? newRetryBudget();
    this.outageSince = hasPeers(config) ? 0 : (previous?.outageSince ?? 0);
    this.#workedBefore = previous?.worked ?? false;
    this.#endpoints = new GroupEndpoints(this, previous, context.addressesOf);
    this.peers = hasPeers(config) ? new Peers(this.endpoints, config.balance, random, clock) : null;
    this.sessions =
      config.sticky?.kind === "learn" ? (previous?.sessions ?? new StickySessions(config.sticky, clock)) : null;
    this.#names = namesOf(this, context.nameQuery);
    this.judge = new Judge(this, previous?.judge);
    this.watch = new Watch(this);
    this.rebalance();
  }

  /** Weights have changed: shares are worked out anew. */
  rebalance(): void {
    const { config, random, clock } = this;
    this.peers?.reweigh();
    const up = this.peers ? [] : this.endpoints.filter((endpoint) => !endpoint.config.down);
    const tiers = [up.filter((e) => !e.config.backup), up.filter((e) => e.config.backup)];
    this.#tiers = tiers
      .filter((tier) => tier.length > 0)
      .map((tier) => balancerFor(config.balance, tier, random, clock));
    this.#only = up.length === 1 ? up[0]! : null;
  }

  /** Takes over from the generation before: what is learnt from now on is learnt here. */
  start(): void {
    if (this.#previous) this.#previous.successor = this;
    this.#previous = null;
    this.judge.start();
    this.watch.start();
    this.#names?.start();
  }

  /** Its endpoints; where names are resolved at run time others may take their place. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints.all;
  }

  /** The name of a server that is resolved at run time stands for other addresses. */
  setAddresses(server: EndpointConfig, found: readonly FoundAddress[]): void {
    this.#endpoints.setAddresses(server, found);
    this.peers?.replace(this.endpoints);
  }

  /** What names stand for goes to the generation after. */
  handOnNames(into: Map<EndpointConfig, readonly FoundAddress[]>, servers: readonly EndpointConfig[]): void {
    this.#endpoints.handOn(into, servers);
  }

  /** This upstream in the generation that runs now. */
  get newest(): UpstreamGroup {
    let group: UpstreamGroup = this;
    while (group.successor) group = group.successor;
    return group;
  }

  /**
   * The next endpoint that is not among `tried`, for a request that is bound by `key` ("" = by nothing). A second try
   * takes nobody's turn, so that shares stay what they are. `route` = the server that a cookie or route binds it to.
   */
  pick(tried: readonly Endpoint[], key = "", route = ""): Pick {
    if (this.peers) return this.peers.pick(tried, key, route) ?? "no-healthy-upstream";
    const only = this.#only;
    if (only && only.standing.out === 0 && tried.length === 0 && this.judge.closed)
      return only.hasRoom ? only : "pool-exhausted";
    if (this.endpoints.length === 0) return "backend-absent";
    if (this.#tiers.length === 0) return "no-healthy-upstream";
    if (!this.judge.admits(this.clock())) return "breaker-open";
    this.#tried = tried;
    this.#key = key;
    this.#full = false;
    const found =
      this.#pickOverlooking(this.panicking ? DOWN | EJECTED : 0, key) ??
      (this.#full && this.config.queue ? null : this.#pickOverlooking(EJECTED, key)) ??
      (this.outageSince > 0 && !this.mayHold() ? this.#pickOverlooking(EJECTED | GONE, key) : null);
    this.#tried = NONE;
    if (found) return found;
    if (this.#full) return "pool-exhausted";
    return this.outageSince > 0 ? "no-healthy-upstream" : "all-tried";
  }

  #pickOverlooking(overlooked: number, key: string): Endpoint | null {
    this.#overlooked = overlooked;
    for (let i = 0; i < this.#tiers.length; i++) {
      this.#warming = null;
      const endpoint = this.#tiers[i]!.pick(this.#usable, this.#tried.length === 0, key);
      if (endpoint) return endpoint;
      // Its full share it does not get yet; being the only one is another matter.
      if (this.#warming) return this.#warming;
    }
    return null;
  }

  /** Made once: a pick allocates nothing. */
  readonly #usable = (candidate: Endpoint): boolean => {
    // By label: after a reload the endpoints of the exchange's first tries are others, at the same addresses.
    if (this.#tried.length > 0 && this.#tried.some(({ label }) => label === candidate.label)) return false;
    if (!candidate.hasRoom) {
      if (!candidate.away) this.#full = true;
      return false;
    }
    return candidate.standing.out === 0 || this.#admitted(candidate);
  };

  /** Whether an endpoint with something to think about gets this request. */
  #admitted(candidate: Endpoint): boolean {
    const { standing } = candidate;
    let out = standing.out & ~this.#overlooked;
    // A session goes on where it is while its endpoint drains.
    if ((out & DRAINING) !== 0 && this.#key !== "" && candidate.cookieValue === this.#key) out &= ~DRAINING;
    if ((out & AWAY) !== 0) return false;
    const now = this.clock();
    if ((out & EJECTED) !== 0 && !this.judge.endpointAdmits(standing, now)) {
      // One that recovers is better than none.
      if (standing.breaker.phase === "recovering") this.#warming ??= candidate;
      return false;
    }
    // Else the latency that it failed with would keep its probe from it.
    if ((out & EJECTED) !== 0 && standing.breaker.phase === "open") candidate.latency?.forget();
    return (out & WARMING) === 0 || this.#warmEnough(candidate, now);
  }

  #warmEnough(candidate: Endpoint, now: Ms): boolean {
    const { standing } = candidate;
    const share = warmth(standing.warmSince, now, this.config.slowStartMs);
    if (share >= 1) {
      standing.out &= ~WARMING;
      return true;
    }
    const most = warmLimit(candidate.requestsMax || this.config.limits.connections, share);
    if (most > 0 && candidate.active >= most) {
      this.#full = true;
      return false;
    }
    if (this.random() < share) return true;
    this.#warming ??= candidate;
    return false;
  }

  /** Whether a request may wait for the upstream: it worked, has not been away for long, and is not just slow. */
  mayHold(): boolean {
    const { hold } = this.config;
    if (!hold || this.outageSince === 0 || this.clock() - this.outageSince >= hold.forMs) return false;
    return this.worked;
  }

  /** It has answered, under this configuration or one before. */
  get worked(): boolean {
    return this.#workedBefore || this.endpoints.some(({ standing }) => standing.worked);
  }

  /** Whether its latency bears no further request. What streams, or is a tunnel, has its answer and does not count. */
  get overloaded(): boolean {
    return this.adaptive !== null && this.judge.awaiting >= this.adaptive.limit;
  }

  /** How an endpoint stands has changed: is the upstream away, or back? */
  recount(): void {
    if (this.peers) return;
    const up = this.endpoints.filter(({ config, standing }) => !config.down && (standing.out & WITHDRAWN) === 0);
    const well = up.filter(({ standing }) => (standing.out & (AWAY | EJECTED)) === 0).length;
    const reachable = up.filter(({ standing }) => (standing.out & GONE) === 0).length;
    this.panicking = up.length > 0 && well < this.config.panic * up.length && reachable > 0;
    // Where a reload has set all of them to down, another may bring them back: a deploy that drains its endpoints.
    const away = this.endpoints.length > 0 && (this.panicking ? reachable === 0 : up.every(({ away }) => away));
    if (away !== this.outageSince > 0) this.#outageChanged(away);
    if (!away) this.room.wake();
  }

  #outageChanged(away: boolean): void {
    const at = this.clock();
    const { name: upstream } = this.config;
    if (away) {
      this.outageSince = at || 1;
      this.room.outage();
      this.onEvent({ kind: "outage-begun", at, upstream, held: this.mayHold(), detail: this.whyOut() });
      return;
    }
    const lastedMs = at - this.outageSince;
    this.outageSince = 0;
    this.room.outageOver();
    this.onEvent({ kind: "outage-ended", at, upstream, lastedMs, heldRequests: this.room.held });
  }

  /** Why no endpoint can be used, in words; the first three speak for all. */
  whyOut(): string {
    const reasons = this.endpoints.slice(0, WHY_MAX).map((endpoint) => {
      return `${endpoint.label} ${this.whyOutOf(endpoint) || "is in use"}`;
    });
    const more = this.endpoints.length - reasons.length;
    return reasons.join("; ") + (more > 0 ? `; and ${more} more` : "");
  }

  /** Why an endpoint gets no requests, or not all of its share, in words; "" = it does. */
  whyOutOf(endpoint: Endpoint): string {
    return byOrder(endpoint) || (this.peers ? (this.peers.whyOut(endpoint) ?? "") : whyOut(endpoint));
  }

  /** Whether the configuration has an endpoint that is in use. An outage is not ours: we are ready, and hold. */
  get usable(): boolean {
    return this.peers ? this.config.endpoints.some(({ down }) => !down) : this.#tiers.length > 0;
  }

  /** Closes idle connections now, the others as they come back; who waits, waits in the generation after, or to the end. */
  close(): void {
    this.#names?.stop();
    if (this.successor || this.room.size === 0) this.watch.stop();
    else this.room.onEmpty = () => this.watch.stop();
    for (const endpoint of this.endpoints) endpoint.pool.close();
  }
}

const NONE: readonly Endpoint[] = [];
const WHY_MAX = 3;

/** By somebody's word. */
function byOrder({ orders, standing }: Endpoint): string {
  if ((standing.out & DISABLED) !== 0) return "was disabled by hand";
  if ((standing.out & DRAINING) === 0) return "";
  return orders.drained ? "was drained by hand" : "was given the weight 0 by hand";
}

function whyOut({ config, standing }: Endpoint): string {
  const { gone, out } = standing;
  if (config.down) return "is set to down";
  if (gone && (out & GONE) !== 0)
    return `refused a connection${gone.evidence.errno ? ` (${gone.evidence.errno})` : ""}`;
  if ((out & DOWN) !== 0) return `fails its health check${standing.downDetail ? `: ${standing.downDetail}` : ""}`;
  return (out & EJECTED) !== 0 ? "is ejected" : "";
}

/** Whether nginx's rules hold: its servers count failures, or its balancer is one of nginx's. */
function hasPeers({ endpoints, balance }: UpstreamConfig): boolean {
  if (endpoints.some(({ maxFails }) => maxFails !== null)) return true;
  return typeof balance === "object" && !("hash" in balance) && !("cookie" in balance);
}

function namesOf(group: UpstreamGroup, query: NameQuery | undefined): NameWatch | null {
  const { endpoints, resolver } = group.config;
  if (!resolver || endpoints.every(({ resolve }) => resolve !== "at-run-time")) return null;
  return new NameWatch(
    endpoints,
    resolver,
    query ?? nameQueryBy(new DnsClient(resolver), resolver.timeoutMs),
    (server, found) => group.setAddresses(server, found),
  );
}

function balancerFor(
  balance: BalanceConfig,
  endpoints: readonly Endpoint[],
  random: Random,
  clock: () => Ms,
): Balancer<Endpoint> {
  if (typeof balance === "object") {
    if ("hash" in balance) return consistentHash(endpoints);
    // The others are those of peers.ts.
    return "cookie" in balance ? sticky(endpoints, (endpoint) => endpoint.cookieValue) : roundRobin(endpoints);
  }
  switch (balance) {
    case "round-robin":
      return roundRobin(endpoints);
    case "least-connections":
      return leastConnections(endpoints);
    case "random-two":
      return randomTwo(endpoints, random);
    case "peak-ewma":
      return peakEwma(endpoints, random, clock);
  }
}
