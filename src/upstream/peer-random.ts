// Random balancers as nginx has them: any server with the chance of its weight, or of two such draws the one with
// fewer requests per weight. What cannot be used is drawn again; behind 20 misses the rotation decides.
import type { Random } from "./balance-two.ts";
import { type Chooser, isUsable, type Peer, type PeerSubject, type Picking, type Tier } from "./peer.ts";
import { rotate } from "./peer-rotation.ts";

const MISSES_MAX = 20;

/** A server drawn by weight. */
export function randomOne(random: Random): Chooser {
  return (picking) => {
    if (picking.tier.peers.length < 2) return rotate(picking);
    for (let misses = 0; misses <= MISSES_MAX; misses++) {
      const peer = drawn(picking.tier, random);
      if (isUsable(peer, picking)) return peer;
    }
    return rotate(picking);
  };
}

/** Of two that are drawn the one with fewer requests per weight, the second where they are even. */
export function randomOfTwo(random: Random): Chooser {
  return <S extends PeerSubject>(picking: Picking<S>): Peer<S> | null => {
    if (picking.tier.peers.length < 2) return rotate(picking);
    let first: Peer<S> | null = null;
    for (let misses = 0; misses <= MISSES_MAX; misses++) {
      const peer = drawn(picking.tier, random);
      if (peer === first || !isUsable(peer, picking)) continue;
      if (first) return peer.subject.active * first.weight > first.subject.active * peer.weight ? first : peer;
      first = peer;
    }
    return rotate(picking);
  };
}

function drawn<S extends PeerSubject>({ peers, totalWeight }: Tier<S>, random: Random): Peer<S> {
  let left = Math.floor(random() * totalWeight);
  for (const peer of peers) {
    if (left < peer.weight) return peer;
    left -= peer.weight;
  }
  return peers[0]!;
}
