// A server as the balancers of virtual servers see it: its rules, what is remembered of it, and a tier of such servers
// in the order of the file. These balancers change what is remembered with each pick, so a pick is made to be used.
import { type FailRecord, type FailRules, isFailed, newFailRecord, type Seconds } from "./passive-fails.ts";
import { newPeerTimes, type PeerTimes } from "./peer-times.ts";

/** What a peer stands for, as far as balancing goes. */
export interface PeerSubject {
  /** Requests that it has now. */
  readonly active: number;
}

export interface PeerConfig extends FailRules {
  /** The server as it was written: addresses of one name share it. */
  readonly server: string;
  /** What sticky cookies and routes call it. */
  readonly route: string;
  /** Requests that it may have at once; 0 = no bound. */
  readonly connectionsMax: number;
  readonly down: boolean;
  /** Only for requests that are bound to it. */
  readonly draining: boolean;
}

export interface Peer<S extends PeerSubject = PeerSubject> extends PeerConfig {
  readonly subject: S;
  readonly record: FailRecord;
  readonly times: PeerTimes;
}

export function newPeer<S extends PeerSubject>(subject: S, config: PeerConfig): Peer<S> {
  return { ...config, subject, record: newFailRecord(config.weight), times: newPeerTimes() };
}

/** Servers of one tier; those that are down have their part of the weight, as nginx's hashes have it. */
export interface Tier<S extends PeerSubject = PeerSubject> {
  readonly peers: readonly Peer<S>[];
  readonly totalWeight: number;
  /** Servers that are not down. */
  readonly tries: number;
}

export function newTier<S extends PeerSubject>(peers: readonly Peer<S>[]): Tier<S> {
  return {
    peers,
    totalWeight: peers.reduce((sum, { weight }) => sum + weight, 0),
    tries: peers.filter(({ down, draining }) => !down && !draining).length,
  };
}

/** A pick that is being made: what was tried before, and when it is. */
export interface Picking<S extends PeerSubject = PeerSubject> {
  readonly tier: Tier<S>;
  readonly tried: ReadonlySet<Peer<S>>;
  readonly nowS: Seconds;
  /** What the request is bound by; "" = nothing. */
  readonly key: string;
  readonly nowMs: number;
}

/** Chooses a peer of a tier; null = the tier has none to give. */
export type Chooser = <S extends PeerSubject>(picking: Picking<S>) => Peer<S> | null;

/** Whether it may be picked. */
export function isUsable<S extends PeerSubject>(peer: Peer<S>, { tried, nowS }: Picking<S>): boolean {
  return !peer.down && !peer.draining && !tried.has(peer) && hasRoom(peer, nowS);
}

/** Whether a request that is bound to it may have it: it is no bar that it is draining. */
export function isUsableBound<S extends PeerSubject>(peer: Peer<S>, { tried, nowS }: Picking<S>): boolean {
  return !peer.down && !tried.has(peer) && hasRoom(peer, nowS);
}

function hasRoom(peer: Peer, nowS: Seconds): boolean {
  if (isFailed(peer.record, peer, nowS)) return false;
  return peer.connectionsMax === 0 || peer.subject.active < peer.connectionsMax;
}
