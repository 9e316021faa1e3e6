// Balancers that look at every server of a tier, each pick the same as nginx's:
//   rotation            smooth weighted round robin; of equal credit the first in the file
//   least connections   by weight; those that are even take turns by the rotation's credit
//   least time          by what requests took, times the connections, by weight; even ones likewise
// A request that is bound to a server gets it, and the rotation takes note, so that the others' shares stay even.
import { credit } from "./passive-fails.ts";
import { type Chooser, isUsable, type Peer, type PeerSubject, type Picking } from "./peer.ts";
import { estimateMs, lookAtInflight } from "./peer-times.ts";

/** Smooth weighted round robin. `bound` is picked in any case; null = whose turn it is. */
export function rotate<S extends PeerSubject>(picking: Picking<S>, bound: Peer<S> | null = null): Peer<S> | null {
  const { tier } = picking;
  // A server that gets more than its share by bindings falls behind only so far.
  if (bound && bound.record.currentWeight <= -(tier.totalWeight - bound.weight)) return bound;
  return turnAmong(picking, tier.peers, () => true, bound);
}

/** Whose turn it is among the usable peers of `peers` that `fits`; null = there is none. */
export function turnAmong<S extends PeerSubject>(
  picking: Picking<S>,
  peers: readonly Peer<S>[],
  fits: (peer: Peer<S>) => boolean,
  bound: Peer<S> | null = null,
): Peer<S> | null {
  let best: Peer<S> | null = null;
  let total = 0;
  for (const peer of peers) {
    if (!isUsable(peer, picking) || !fits(peer)) continue;
    total += credit(peer.record, peer.weight);
    if (best === null || peer.record.currentWeight > best.record.currentWeight) best = peer;
  }
  best = bound ?? best;
  if (best) best.record.currentWeight -= total;
  return best;
}

/** Fewest requests per weight. */
export const leastRequests: Chooser = (picking) => least(picking, ({ subject }) => subject.active);

/** Least estimated time per weight. */
export function leastTime(by: "header" | "last-byte"): Chooser {
  return (picking) => {
    const { nowS, nowMs } = picking;
    return least(picking, (peer, first) => {
      if (first) lookAtInflight(peer.times, nowMs);
      return estimateMs(peer.times, by, peer.subject.active, nowS - peer.record.checkedS, peer.failTimeoutS);
    });
  };
}

/** The peer of the least cost per weight; those that are even with it, from it on, take turns. */
function least<S extends PeerSubject>(
  picking: Picking<S>,
  costOf: (peer: Peer<S>, first: boolean) => number,
): Peer<S> | null {
  const { peers } = picking.tier;
  let best: Peer<S> | null = null;
  let bestCost = 0;
  let at = 0;
  let many = false;
  for (let index = 0; index < peers.length; index++) {
    const peer = peers[index]!;
    if (!isUsable(peer, picking)) continue;
    const cost = costOf(peer, true);
    const difference = best ? cost * best.weight - bestCost * peer.weight : -1;
    if (difference === 0) many = true;
    if (difference >= 0) continue;
    best = peer;
    bestCost = cost;
    many = false;
    at = index;
  }
  if (best === null || !many) return best;
  const { weight } = best;
  return turnAmong(picking, peers.slice(at), (peer) => costOf(peer, false) * weight === bestCost * peer.weight);
}
