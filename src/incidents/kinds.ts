// Kinds of trouble: which causes speak of the same thing. The principle of grouping stands in belong.ts.
import { CAUSES, type CauseId } from "../failure/causes.ts";

/**
 * away = the process, its host or the way to it; slow = it works too slowly; tls, name = it cannot be met safely or
 * found; answer = what it says is no HTTP; own = its own errors; race = idle connections; room = nothing is left to
 * choose from, a consequence; gateway = our own; route = nothing matches; client = what callers do.
 */
export type Kind =
  | "away"
  | "slow"
  | "tls"
  | "name"
  | "answer"
  | "own"
  | "race"
  | "room"
  | "gateway"
  | "route"
  | "client"
  | "left";

const KINDS: Readonly<Record<CauseId, Kind>> = {
  "client-closed-request": "left",
  "client-request-invalid": "client",
  "client-request-too-large": "client",
  "client-timeout": "client",
  "request-denied": "client",
  "rate-limited": "client",
  "gateway-config-invalid": "gateway",
  "route-not-found": "route",
  "gateway-internal-error": "gateway",
  "gateway-resource-exhausted": "gateway",
  "proxy-loop": "gateway",
  "dns-not-resolved": "name",
  "dns-timeout": "name",
  "connect-refused": "away",
  "connect-timeout": "away",
  "network-unreachable": "away",
  "connect-permission-denied": "away",
  "socket-missing": "away",
  "no-healthy-upstream": "room",
  "pool-exhausted": "room",
  "backend-absent": "room",
  "tunnel-disconnected": "away",
  "tls-handshake-failed": "tls",
  "tls-plaintext-mismatch": "tls",
  "tls-cert-untrusted": "tls",
  "tls-cert-expired": "tls",
  "tls-cert-name-mismatch": "tls",
  "upstream-write-failed": "away",
  "closed-before-response": "away",
  "keepalive-race": "race",
  "response-timeout": "slow",
  "response-header-too-large": "answer",
  "response-malformed": "answer",
  "protocol-mismatch": "answer",
  "response-truncated": "away",
  "response-body-timeout": "slow",
  "response-too-large": "answer",
  "response-encoding-invalid": "answer",
  "upgrade-failed": "answer",
  "app-crashed": "away",
  "oom-killed": "away",
  "worker-timeout": "slow",
  "upstream-saturated": "slow",
  "upstream-not-ready": "away",
  "upstream-error-passthrough": "own",
};

/** The kind of trouble that a cause speaks of. */
export const kindOf = (cause: CauseId): Kind => KINDS[cause];

/** How much a cause explains: the one of an incident with the highest rank is its cause. */
const RANK: { readonly [kind in Kind]: number } = {
  left: 0,
  room: 1,
  race: 2,
  route: 3,
  client: 3,
  own: 4,
  answer: 5,
  slow: 5,
  away: 6,
  gateway: 7,
  name: 8,
  tls: 8,
};

/** What cannot be reached explains what was cut, which explains what was late. */
const REFUSALS: ReadonlySet<CauseId> = new Set([
  "connect-refused",
  "socket-missing",
  "connect-timeout",
  "network-unreachable",
]);

/** Of some causes with their counts, the one that explains the others. */
export function decisiveCause(causes: ReadonlyMap<CauseId, number>): CauseId {
  let best: CauseId | null = null;
  let bestScore = -1;
  let total = 0;
  const follows = (cause: CauseId): boolean => RANK[kindOf(cause)] <= RANK.room;
  for (const [cause, count] of causes) if (!follows(cause)) total += count;
  for (const [cause, count] of causes) {
    // What only follows is the cause where there is nothing else.
    if (total > 0 && follows(cause)) continue;
    const share = count / Math.max(1, total);
    // A cause with few failures does not explain many of another kind, refusals excepted: they are few by nature.
    // A handshake that is broken off is what a crash looks like from outside.
    const rank = cause === "tls-handshake-failed" ? 5.5 : RANK[kindOf(cause)];
    const refused = REFUSALS.has(cause) && count * 2 >= (causes.get("upstream-error-passthrough") ?? 0);
    const weight = rank + (refused ? 0.5 : 0);
    const score = refused || share >= 0.1 ? weight * 10 + share : share;
    if (score > bestScore || (score === bestScore && best !== null && cause < best)) [best, bestScore] = [cause, score];
  }
  return best ?? "gateway-internal-error";
}

/** Causes that are no trouble of ours or the upstream's. */
export function isClients(cause: CauseId): boolean {
  const kind = kindOf(cause);
  return kind === "client" || kind === "left" || (kind === "route" && CAUSES[cause].fault.includes("client"));
}
