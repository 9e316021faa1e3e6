// Balancers that keep a request's server by a key, each choice the same as nginx's, so that a fleet of both agrees:
//   by address    the first three bytes of an IPv4 address, or all sixteen of IPv6, folded modulo 6271
//   modulo        CRC-32 of the key modulo the weights; where that server cannot be used, of "1" and the key added, …
//                 (as Cache::Memcached hashes)
//   ketama        a ring of 160 points per weight, CRC-32 of host and port; from the key's point on the next server that
//                 can be used (as Cache::Memcached::Fast does). When a server leaves, only its keys move.
// Behind 20 misses the rotation decides. A retry walks the same way again: what it meets on the way that was tried
// before costs no miss the first time, since nginx goes on from there instead.
import { type Chooser, isUsable, type Peer, type PeerSubject, type Picking, type Tier } from "./peer.ts";
import { rotate, turnAmong } from "./peer-rotation.ts";

const MISSES_MAX = 20;
const POINTS_PER_WEIGHT = 160;

/** nginx's ip_hash; the key is the client's address as text. */
export const byAddress: Chooser = (picking) => {
  const bytes = addressBytes(picking.key);
  return walk(picking, 89, (hash) => {
    for (const byte of bytes) hash = (hash * 113 + byte) % 6271;
    return hash;
  });
};

/** nginx's hash; without a key the rotation decides. */
export const byModulo: Chooser = (picking) => {
  if (picking.key === "") return rotate(picking);
  const crcs: number[] = [];
  return walk(picking, 0, (hash, step) => {
    crcs[step] ??= crc32((step > 0 ? String(step) : "") + picking.key);
    return (hash + ((crcs[step]! >>> 16) & 0x7fff)) >>> 0;
  });
};

/** Goes from hash to hash until it meets a server that can be used. */
function walk<S extends PeerSubject>(
  picking: Picking<S>,
  first: number,
  next: (hash: number, step: number) => number,
): Peer<S> | null {
  const { tier, tried } = picking;
  if (tier.peers.length < 2) return rotate(picking);
  const met = new Set<Peer<S>>();
  let hash = first;
  let misses = 0;
  for (let step = 0; misses <= MISSES_MAX; step++) {
    hash = next(hash, step);
    const peer = peerAt(tier, hash);
    if (isUsable(peer, picking)) return peer;
    if (!tried.has(peer) || met.has(peer)) misses++;
    met.add(peer);
  }
  return rotate(picking);
}

/** The server that has this number of all weights, laid one behind the other. */
function peerAt<S extends PeerSubject>({ peers, totalWeight }: Tier<S>, hash: number): Peer<S> {
  let left = hash % totalWeight;
  for (const peer of peers) {
    if (left < peer.weight) return peer;
    left -= peer.weight;
  }
  return peers[0]!;
}

/** The bytes of a client's address that count; three zeros for what is no address (Unix sockets). */
export function addressBytes(text: string): readonly number[] {
  if (text.includes(":")) return ipv6Bytes(text) ?? NO_ADDRESS;
  const parts = text.split(".").map(Number);
  return parts.length === 4 && parts.every((part) => part >= 0 && part < 256) ? parts.slice(0, 3) : NO_ADDRESS;
}

const NO_ADDRESS = [0, 0, 0];

function ipv6Bytes(text: string): number[] | null {
  const [address = ""] = text.split("%");
  // "::ffff:192.0.2.1": the last 32 bits as a quad.
  const quad = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const hex = (high: string, low: string): string => (Number(high) * 256 + Number(low)).toString(16);
  const plain = quad ? `${quad[1]}${hex(quad[2]!, quad[3]!)}:${hex(quad[4]!, quad[5]!)}` : address;
  const [head = "", tail] = plain.split("::");
  const words = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((word) => Number.parseInt(word, 16));
  const before = words(head);
  const behind = tail === undefined ? [] : words(tail);
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - behind.length);
  const all = [...before, ...new Array<number>(zeros).fill(0), ...behind];
  if (all.length !== 8 || all.some((word) => !(word >= 0 && word <= 0xffff))) return null;
  return all.flatMap((word) => [word >> 8, word & 0xff]);
}

/** The points of a ring, in order, and whose they are. */
interface Ring {
  readonly hashes: Uint32Array;
  readonly servers: readonly string[];
}

/** nginx's consistent hash. The ring is made once for each set of servers. */
export function ketama(): Chooser {
  const rings = new WeakMap<Tier, Ring>();
  return (picking) => {
    const { tier, key } = picking;
    if (key === "" || tier.peers.length < 2) return rotate(picking);
    let ring = rings.get(tier);
    if (!ring) {
      ring = ringOf(tier.peers);
      rings.set(tier, ring);
    }
    const { servers } = ring;
    let point = pointOf(ring, crc32(key));
    for (let misses = 0; misses <= MISSES_MAX; misses++) {
      const server = servers[point++ % servers.length]!;
      // Several addresses of one name share its points, and take turns.
      const peer = turnAmong(picking, tier.peers, (candidate) => candidate.server === server);
      if (peer) return peer;
    }
    return rotate(picking);
  };
}

function ringOf(peers: readonly Peer[]): Ring {
  const points = new Map<number, string>();
  for (const { server, weight } of peers) {
    const base = updateCrc(CRC_START, ringName(server));
    let previous = 0;
    for (let n = 0; n < weight * POINTS_PER_WEIGHT; n++) {
      let crc = base;
      for (let shift = 0; shift < 32; shift += 8) crc = updateByte(crc, (previous >>> shift) & 0xff);
      previous = (crc ^ CRC_START) >>> 0;
      if (!points.has(previous)) points.set(previous, server);
    }
  }
  const hashes = Uint32Array.from(points.keys()).sort();
  return { hashes, servers: Array.from(hashes, (hash) => points.get(hash)!) };
}

/** Host, a zero byte, and the port where there is one. */
function ringName(server: string): string {
  if (/^unix:/i.test(server)) return `${server.slice(5)}\0`;
  const [, host, port] = /^(.*):(\d*)$/s.exec(server) ?? [];
  return host === undefined ? `${server}\0` : `${host}\0${port}`;
}

/** The first point at or behind a hash; one behind the last is the first. */
function pointOf({ hashes }: Ring, hash: number): number {
  let low = 0;
  let high = hashes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (hashes[middle]! < hash) low = middle + 1;
    else high = middle;
  }
  return low;
}

const CRC_START = 0xffffffff;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

function updateByte(crc: number, byte: number): number {
  return CRC_TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
}

function updateCrc(crc: number, text: string): number {
  for (let i = 0; i < text.length; i++) crc = updateByte(crc, text.charCodeAt(i) & 0xff);
  return crc;
}

/** CRC-32 of a byte text. */
export function crc32(text: string): number {
  return (updateCrc(CRC_START, text) ^ CRC_START) >>> 0;
}
