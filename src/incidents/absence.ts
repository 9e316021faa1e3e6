// An endpoint that checks found away although no request met it: told as a group of failures without a failure, so that
// it goes the way of all others.
// Nothing here is counted; only the place and the time are said.
import { CAUSES, type CauseId } from "../failure/causes.ts";
import type { FailureGroup } from "../observe/report.ts";
import type { Ms } from "../std/units.ts";
import type { Surroundings } from "./surroundings.ts";
import { AWAY_UNASKED_MS, OUTAGE_MS } from "./thresholds.ts";

const DAY_MS: Ms = 86_400_000;

/** Endpoints that are away and in no trouble yet: after a while, or at once where none of the upstream is left. */
export function absences(
  around: Surroundings,
  now: Ms,
  isKnown: (upstream: string, label: string, awayAt: Ms) => boolean,
): FailureGroup[] {
  const groups: FailureGroup[] = [];
  const empty = new Map<string, boolean>();
  for (const seen of around.endpoints.values()) {
    const { awayAt, upstream, label } = seen;
    if (label === "" || awayAt === null || now - awayAt > DAY_MS || !around.isMember(upstream, label)) continue;
    const outage = around.outageOf(upstream);
    if (outage !== null && now - outage.at >= OUTAGE_MS) empty.set(upstream, true);
    else if (now - awayAt < AWAY_UNASKED_MS) continue;
    if (isKnown(upstream, label, awayAt) || (seen.lastAnsweredAt ?? 0) > awayAt + 10_000) continue;
    if (around.takenOut(upstream, label, awayAt) !== null) continue;
    groups.push(absence(upstream, label, awayAt, causeOf(seen.events)));
  }
  // None is left, and nothing says of any that it is away: all are ejected, or their name does not resolve.
  for (const seen of around.endpoints.values()) {
    if (seen.label !== "" || empty.has(seen.upstream)) continue;
    const outage = around.outageOf(seen.upstream);
    if (outage === null || now - outage.at < OUTAGE_MS || now - outage.at > DAY_MS) continue;
    if (isKnown(seen.upstream, "", outage.at) || around.emptiedBy(seen.upstream, now) !== null) continue;
    groups.push(absence(seen.upstream, "", outage.at, "no-healthy-upstream"));
  }
  return groups;
}

function causeOf(events: readonly { readonly kind: string; readonly cause: CauseId | null }[]): CauseId {
  const last = events.findLast(({ kind }) => kind === "endpoint-gone" || kind === "health-down");
  return last?.cause ?? "upstream-not-ready";
}

/** A group without failures: an endpoint is away. */
export function absence(upstream: string, endpoint: string, at: Ms, cause: CauseId): FailureGroup {
  const none = {};
  return {
    cause,
    phase: CAUSES[cause].phase,
    route: "",
    upstream,
    endpoint,
    firstAt: at,
    lastAt: at,
    failures: 0,
    shown: 0,
    cut: 0,
    clientLeft: 0,
    saved: none,
    passed: 0,
    statuses: none,
    methods: none,
    paths: none,
    hosts: none,
    clients: none,
    clientCount: 0,
    errnos: none,
    deadlines: none,
    details: none,
    upstreamProxyStatus: none,
    reused: 0,
    withoutByte: 0,
    closedBy: none,
    waitedMs: [],
    idleMs: [],
    ageMs: [],
    bytesReceived: [],
    keepAliveMs: 0,
  };
}
