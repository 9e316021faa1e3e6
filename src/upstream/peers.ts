// The servers of an upstream that keeps nginx's rules: which one is next, and what became of each attempt. It stands
// in the place of the breakers, the watch and the waiting room of a group (group.ts), which such upstreams do not have:
// a server that refuses is asked again the next time, unless its failures say otherwise (passive-fails.ts).
//
// Backups are asked where no server of the first tier can be picked; a request that has gone over to them stays there.
// A single server without backups is picked whatever happened before, and its failures do not count.
import type { BalanceConfig, EndpointConfig } from "../config/config.ts";
import type { NginxFailureKind } from "../failure/nginx-kind.ts";
import { countsAgainstServer } from "../resilience/retry-conditions.ts";
import type { Ms } from "../std/units.ts";
import type { Random } from "./balance-two.ts";
import { isFailed, newFailRecord, noteEnded, noteFailed, notePicked, secondsOf } from "./passive-fails.ts";
import { type Chooser, isUsableBound, newPeer, newTier, type Peer, type PeerSubject, type Tier } from "./peer.ts";
import { byAddress, byModulo, ketama } from "./peer-hash.ts";
import { randomOfTwo, randomOne } from "./peer-random.ts";
import { leastRequests, leastTime, rotate } from "./peer-rotation.ts";
import { inflightBegan, inflightEnded, noteHead, noteWhole } from "./peer-times.ts";
import { routeOf } from "./sticky.ts";

/** An endpoint as a peer: `config` is its server's, `server` what was written for it. */
export interface PeerEndpoint extends PeerSubject {
  readonly label: string;
  readonly server: string;
  readonly config: EndpointConfig;
  /** What somebody has said of it while the gateway ran; a weight of 0 is a drain. */
  readonly orders?: { readonly drained: boolean; readonly disabled: boolean; readonly weight: number | null };
}

/** What became of an attempt. */
export type AttemptEnd =
  /** It failed, or its response was given up for another server's. */
  | { readonly kind: NginxFailureKind }
  /** Its response was passed on, whole or not, or nobody waits for it any more. null = no head came. */
  | { readonly kind: null; readonly headMs: Ms | null; readonly tookMs: Ms };

/** What the end of an attempt has changed. */
export type Turnaround = "out" | "back" | null;

const NONE: ReadonlySet<never> = new Set();

/** The peers of one group. */
export class Peers<E extends PeerEndpoint> {
  readonly #choose: Chooser;
  readonly #rotates: boolean;
  /** Times to the head are noted when the head comes, and requests in flight count. */
  readonly #inflight: boolean;
  readonly #byHeader: boolean;
  readonly #clock: () => Ms;
  #byEndpoint = new Map<E, Peer<E>>();
  #primary: Tier<E> = newTier<E>([]);
  #backup: Tier<E> = newTier<E>([]);

  constructor(endpoints: readonly E[], balance: BalanceConfig, random: Random, clock: () => Ms) {
    this.#choose = chooserFor(balance, random);
    this.#rotates = this.#choose === rotate;
    const times = typeof balance === "object" && "leastTime" in balance ? balance : null;
    this.#inflight = times?.inflight ?? false;
    this.#byHeader = times?.leastTime === "header";
    this.#clock = clock;
    this.replace(endpoints);
  }

  /** Other endpoints take the place of those there were; what stays keeps what is known of it. */
  replace(endpoints: readonly E[]): void {
    this.#use(endpoints.map((endpoint) => this.#byEndpoint.get(endpoint) ?? peerOf(endpoint)));
  }

  /** Somebody has said something else of an endpoint: its share begins anew, what is known of its failures stays. */
  reweigh(): void {
    const peers = [...this.#byEndpoint.values()].map((old) => {
      const { weight, draining, down } = peerOf(old.subject);
      if (weight !== old.weight) old.record.effectiveWeight = weight;
      return { ...old, weight, draining, down };
    });
    this.#use(peers);
  }

  /** Somebody lets an endpoint in again: its failures are forgotten. */
  readmit(endpoint: E): void {
    const peer = this.#byEndpoint.get(endpoint);
    if (peer) Object.assign(peer.record, { ...newFailRecord(peer.weight), currentWeight: peer.record.currentWeight });
  }

  #use(peers: readonly Peer<E>[]): void {
    this.#byEndpoint = new Map(peers.map((peer) => [peer.subject, peer]));
    this.#primary = newTier(peers.filter(({ subject }) => !subject.config.backup));
    this.#backup = newTier(peers.filter(({ subject }) => subject.config.backup));
  }

  /** One server and no backups: it has one try, and its failures do not count. */
  get single(): boolean {
    return this.#primary.peers.length === 1 && this.#backup.peers.length === 0;
  }

  /** Tries that a request has: one for each server that is not down, backups included. */
  get triesMax(): number {
    return this.#primary.tries + this.#backup.tries;
  }

  /**
   * The endpoint for the next attempt of a request that has tried others before; null = none can be picked. `key` is
   * what the balancer goes by, `route` the server that a cookie or route binds the request to; "" = nothing.
   */
  pick(tried: readonly E[], key: string, route: string): E | null {
    const triedPeers = tried.length === 0 ? NONE : new Set(tried.map((endpoint) => this.#peerOf(endpoint)));
    const onBackups = this.#backup.peers.some((peer) => triedPeers.has(peer as never));
    const primary = onBackups ? null : this.#pickIn(this.#primary, triedPeers as ReadonlySet<Peer<E>>, key, route);
    if (primary) return primary.subject;
    return this.#pickIn(this.#backup, triedPeers as ReadonlySet<Peer<E>>, key, route)?.subject ?? null;
  }

  #pickIn(tier: Tier<E>, tried: ReadonlySet<Peer<E>>, key: string, route: string): Peer<E> | null {
    if (tier.peers.length === 0) return null;
    const nowMs = this.#clock();
    const picking = { tier, tried, key, nowMs, nowS: secondsOf(nowMs) };
    const named = route === "" ? undefined : tier.peers.find((peer) => peer.route === route);
    const bound = named && isUsableBound(named, picking) ? named : null;
    if (this.single) return bound ?? roomAt(tier.peers[0]!);
    const peer = bound ? (this.#rotates ? rotate(picking, bound) : bound) : this.#choose(picking);
    if (!peer) return null;
    notePicked(peer.record, peer, picking.nowS);
    if (this.#inflight) inflightBegan(peer.times, Math.floor(nowMs));
    return peer;
  }

  /** The head of a response that is passed on has come. */
  headCame(endpoint: E, headMs: Ms): void {
    const peer = this.#byEndpoint.get(endpoint);
    if (!peer || !this.#inflight || !this.#byHeader || this.single) return;
    noteHead(peer.times, Math.floor(headMs));
    inflightEnded(peer.times, Math.floor(headMs), Math.floor(this.#clock()));
  }

  /** An attempt is over; `headNoted` = headCame was called for it. Told once for each that was picked. */
  ended(endpoint: E, end: AttemptEnd, headNoted: boolean): Turnaround {
    const peer = this.#byEndpoint.get(endpoint);
    if (!peer) return null;
    const { record } = peer;
    if (this.single) {
      record.fails = 0;
      return null;
    }
    this.#noteTimes(peer, end, headNoted);
    if (end.kind !== null && countsAgainstServer(end.kind)) {
      return noteFailed(record, peer, secondsOf(this.#clock())) ? "out" : null;
    }
    return noteEnded(record, peer) ? "back" : null;
  }

  #noteTimes({ times }: Peer<E>, end: AttemptEnd, headNoted: boolean): void {
    const tookMs = end.kind === null ? Math.floor(end.tookMs) : 0;
    if (this.#inflight && !(headNoted && this.#byHeader)) inflightEnded(times, tookMs, Math.floor(this.#clock()));
    if (end.kind !== null || end.headMs === null) return;
    noteWhole(times, tookMs);
    if (!(headNoted && this.#inflight && this.#byHeader)) noteHead(times, Math.floor(end.headMs));
  }

  /** What cookies and routes call an endpoint. */
  routeOf(endpoint: E): string {
    return this.#byEndpoint.get(endpoint)?.route ?? "";
  }

  /** It has failed too often, and its time is not over. */
  isLeftAlone(endpoint: E): boolean {
    const peer = this.#byEndpoint.get(endpoint);
    return peer !== undefined && isFailed(peer.record, peer, secondsOf(this.#clock())) && !this.single;
  }

  /** Why an endpoint cannot be picked, in words; null = it can. */
  whyOut(endpoint: E): string | null {
    const peer = this.#byEndpoint.get(endpoint);
    if (!peer) return null;
    if (peer.down) return "is set to down";
    if (peer.draining) return "is draining";
    if (this.isLeftAlone(endpoint)) {
      const { fails } = peer.record;
      return `is left alone for ${peer.failTimeoutS} s after ${fails} failed ${fails === 1 ? "attempt" : "attempts"}`;
    }
    return roomAt(peer) ? null : `has its ${peer.connectionsMax} requests`;
  }

  /** By label where a reload has put another in its place. */
  #peerOf(endpoint: E): Peer<E> | undefined {
    const own = this.#byEndpoint.get(endpoint);
    if (own) return own;
    for (const [other, peer] of this.#byEndpoint) if (other.label === endpoint.label) return peer;
    return undefined;
  }
}

/** A single server has no rotation: it is in use, or it is not. */
function roomAt<E extends PeerEndpoint>(peer: Peer<E>): Peer<E> | null {
  if (peer.down || peer.draining) return null;
  return peer.connectionsMax > 0 && peer.subject.active >= peer.connectionsMax ? null : peer;
}

function peerOf<E extends PeerEndpoint>(endpoint: E): Peer<E> {
  const { config, label, server, orders } = endpoint;
  return newPeer(endpoint, {
    server,
    route: routeOf(config.route, label),
    // A weight of 0 keeps its part of the whole, as that of a server that is down does.
    weight: orders?.weight || config.weight,
    failsMax: config.maxFails ?? 0,
    failTimeoutS: Math.floor(config.failTimeoutMs / 1000),
    connectionsMax: config.maxConnections,
    down: config.down || orders?.disabled === true,
    draining: config.drain || orders?.drained === true || orders?.weight === 0,
  });
}

/** What goodgate.yaml has and nginx has not falls back to what comes nearest. */
function chooserFor(balance: BalanceConfig, random: Random): Chooser {
  if (typeof balance === "string") {
    if (balance === "random-two") return randomOfTwo(random);
    return balance === "round-robin" ? rotate : leastRequests;
  }
  if ("ipHash" in balance) return byAddress;
  if ("hashText" in balance) return balance.method === "modulo" ? byModulo : ketama();
  if ("random" in balance) return balance.random === "two" ? randomOfTwo(random) : randomOne(random);
  if ("leastTime" in balance) return leastTime(balance.leastTime);
  return "hash" in balance ? ketama() : rotate;
}
