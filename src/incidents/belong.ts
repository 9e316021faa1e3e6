// What belongs together. Failures are one trouble when one thing can have made them:
// 1. Kind (kinds.ts). What a crash leaves behind differs by the moment: a request in flight is cut, the next is refused,
//    and when nobody is left requests find no endpoint. These causes are one kind, or follow from it (`room`, and
//    clients that leave). An expired certificate, a slow query and a refused connection do not follow from each other.
// 2. Place. The same endpoint; other endpoints of the upstream where it happens there at about the same time (a
//    restart that goes round, a host); other upstreams only for what they share (a host, the resolver, this gateway).
// 3. Path. What is slow, or badly answered, on one path alone is a trouble of that path: it takes in other paths of
//    the same endpoint, not a crash of it.
// 4. Time. While it is open; between kinds and places only within a minute or less.
// The answer is a degree: the best trouble takes the failures, and without one a new trouble begins.
import type { CauseId } from "../failure/causes.ts";
import type { FailureGroup } from "../observe/report.ts";
import type { Ms } from "../std/units.ts";
import { type Kind, kindOf } from "./kinds.ts";
import type { Surroundings } from "./surroundings.ts";
import { awayParts } from "./thresholds.ts";
import type { Trouble } from "./trouble.ts";

/** Endpoints that fail one after the other within this time fail together. */
const ROUND_MS: Ms = 60_000;
const CLOSE_MS: Ms = 15_000;

const EXPLAINS_ROOM: ReadonlySet<Kind> = new Set(["away", "slow", "tls", "name", "own", "answer", "room"]);
const EXPLAINS_LEAVING: ReadonlySet<Kind> = new Set(["slow", "away", "room"]);
const OF_THE_WAY: ReadonlySet<CauseId> = new Set(["connect-timeout", "network-unreachable"]);
const OF_THE_HOST: ReadonlySet<CauseId> = new Set([...OF_THE_WAY, "connect-refused"]);

/** How well a group of failures fits a trouble; 0 = not at all. */
export function degreeOf(trouble: Trouble, group: FailureGroup, around: Surroundings): number {
  const kind = kindOf(group.cause);
  if (kind === "gateway") return trouble.causes.has(group.cause) ? 10 : 0;
  if (kind === "route" || kind === "client") return sameAsk(trouble, group) ? 10 : 0;
  if (!trouble.upstreams.has(group.upstream)) return elsewhere(trouble, group, around);
  if (kind === "room" || kind === "left") return consequence(trouble, group, kind, around);
  const gap = gapOf(trouble, group);
  // Requests found nobody; now it is seen why, unless somebody took the endpoints out.
  if (onlyOf(trouble, "room", "left") && trouble.kinds.has("room"))
    return gap <= ROUND_MS && around.emptiedBy(trouble.upstream, trouble.firstAt) === null ? 7 : 0;
  // Clients left in numbers; now it is seen why.
  if (onlyOf(trouble, "left")) return kind === "slow" && trouble.id !== null && gap <= ROUND_MS ? 7 : 0;
  if (trouble.kinds.has(kind)) {
    const degree = sameKind(trouble, group, kind, gap, around);
    if (degree > 0) return degree;
  }
  return otherKind(trouble, group, kind, gap);
}

/** Requests that found no endpoint, and clients that left: they go where the reason is. */
function consequence(trouble: Trouble, group: FailureGroup, kind: Kind, around: Surroundings): number {
  const emptied = around.emptiedBy(group.upstream, group.lastAt);
  const bare = onlyOf(trouble, "room", "left");
  // What an operator's action leaves behind is no part of what was going on before it.
  if (emptied !== null && (bare || kind === "room")) {
    return bare && trouble.kinds.has("room") && trouble.firstAt >= emptied.at - 2_000 ? 8 : 0;
  }
  if (kind === "room") return anyOf(trouble, EXPLAINS_ROOM) ? 6 : 0;
  if (onlyOf(trouble, "left")) return 4;
  if (!anyOf(trouble, EXPLAINS_LEAVING) || trouble.id === null) return 0;
  return gapOf(trouble, group) <= ROUND_MS || awayParts(trouble, around).length > 0 ? 5 : 0;
}

function sameKind(trouble: Trouble, group: FailureGroup, kind: Kind, gap: Ms, around: Surroundings): number {
  const here = trouble.endpoints.has(group.endpoint);
  switch (kind) {
    case "away":
      return sameAway(trouble, group, here, gap, around);
    case "slow":
      if (here && group.endpoint !== "") return 9;
      if (sharesPath(trouble, group)) return 8;
      return narrowPath(trouble, "slow") === null ? 7 : 0;
    case "tls":
      if (trouble.causes.has(group.cause)) return 9;
      return here ? 6 : 0;
    case "answer":
      if (trouble.causes.has(group.cause)) return 9;
      return here && sharesPath(trouble, group) ? 6 : 0;
    default:
      return 9;
  }
}

function sameAway(trouble: Trouble, group: FailureGroup, here: boolean, gap: Ms, around: Surroundings): number {
  // Bodies that end early come of a crash, or of an application that counts wrongly on one path.
  const cut = group.cause === "response-truncated";
  const onlyCuts = [...trouble.causes.keys()].every((cause) => cause === "response-truncated");
  if (cut !== onlyCuts) {
    if (!here || gap > CLOSE_MS) return 0;
    if (onlyCuts && narrowPath(trouble, "away") !== null && !sharesPath(trouble, group)) return 0;
    return 7;
  }
  if (isApart(trouble, group, here, around)) return 0;
  // A handful on one endpoint may be the beginning of what goes on elsewhere.
  if (here) return trouble.id === null && trouble.counts.failures < 4 ? 6.6 : 9;
  if (cut) return 8;
  if (gap <= ROUND_MS) return 7;
  if (trouble.upstream === group.upstream && sharesHost(trouble, group, around) && gap <= 2 * ROUND_MS) return 6;
  // Connections cut by the same request wherever it goes.
  const narrow = narrowPath(trouble, "away");
  const cuts = group.cause === "closed-before-response" && trouble.causes.has(group.cause);
  return cuts && narrow !== null && narrow !== "/" && group.paths[narrow] !== undefined ? 6 : 0;
}

/** One path that breaks off wherever it goes, and a process that is not there, are two troubles. */
function isApart(trouble: Trouble, group: FailureGroup, here: boolean, around: Surroundings): boolean {
  const cuts = trouble.causes.get("closed-before-response")?.failures ?? 0;
  if (group.cause === "closed-before-response") {
    // A path that the crash does not have, at an endpoint that is there.
    const [path = "/", other] = Object.keys(group.paths);
    const refused = trouble.causes.has("connect-refused") && cuts <= 0.3 * trouble.counts.failures;
    const there = around.seen(group.upstream, group.endpoint).awayAt === null;
    if (refused && !here && there && other === undefined && path !== "/" && !trouble.paths.counts.has(path))
      return true;
  }
  // Cut on several paths, or of an endpoint that is gone: it ended, whatever else breaks off.
  const ended =
    group.cause !== "closed-before-response" ||
    Object.keys(group.paths).length >= 2 ||
    around.seen(group.upstream, group.endpoint).awayAt !== null;
  if (!ended) return false;
  const narrow = cuts >= 4 && cuts >= 0.8 * trouble.counts.failures ? narrowPath(trouble, "away") : null;
  if (narrow === null || group.paths[narrow] !== undefined) return false;
  // What the path kills is refused at once afterwards.
  const last = trouble.endpoints.get(group.endpoint)?.lastAt ?? Number.NEGATIVE_INFINITY;
  return trouble.endpoints.size > 1 && group.firstAt - last > 3_000;
}

/** Kinds that lead to each other on one endpoint: slow and then dead, dead and then errors of its own, … */
function otherKind(trouble: Trouble, group: FailureGroup, kind: Kind, gap: Ms): number {
  if (group.endpoint === "" || !trouble.endpoints.has(group.endpoint)) return 0;
  const has = (other: Kind): boolean => trouble.kinds.has(other);
  const fits = (a: Kind, b: Kind): boolean => (kind === a && has(b)) || (kind === b && has(a));
  if (fits("away", "slow")) return gap <= ROUND_MS && samePaths(trouble, group, kind) ? 6 : 0;
  if (fits("away", "own")) return gap <= ROUND_MS ? 5 : 0;
  if (fits("slow", "own")) return gap <= ROUND_MS && sharesPath(trouble, group) ? 5 : 0;
  if (fits("away", "race")) {
    const races = trouble.causes.get("keepalive-race")?.failures ?? 0;
    const recurring = kind === "away" && onlyOf(trouble, "race") && races > 5;
    return gap <= CLOSE_MS && !recurring ? 6 : 0;
  }
  const handshakes = group.cause === "tls-handshake-failed" || trouble.causes.has("tls-handshake-failed");
  if (fits("away", "tls")) return handshakes && gap <= CLOSE_MS ? 6 : 0;
  return 0;
}

/** Other upstreams: what they share. */
function elsewhere(trouble: Trouble, group: FailureGroup, around: Surroundings): number {
  if (group.upstream === "" || trouble.upstream === "") return 0;
  const gap = gapOf(trouble, group);
  if (group.cause === "dns-timeout") return trouble.causes.has("dns-timeout") && gap <= ROUND_MS ? 4 : 0;
  // What has begun at one moment.
  const onset = Math.abs(group.firstAt - trouble.firstAt) <= CLOSE_MS || gap === 0;
  const causes = [...trouble.causes.keys()];
  if (!onset) return 0;
  if (OF_THE_HOST.has(group.cause) && causes.includes(group.cause) && sharesHost(trouble, group, around)) return 4;
  return OF_THE_WAY.has(group.cause) && causes.some((cause) => OF_THE_WAY.has(cause)) ? 3 : 0;
}

/** What callers did: the same on the same route. */
function sameAsk(trouble: Trouble, group: FailureGroup): boolean {
  return (
    trouble.causes.has(group.cause) && (trouble.routes.counts.has(group.route) || group.cause === "route-not-found")
  );
}

/** Slow on one path and dead on all are two; slow and dead on the same paths, or on all, are one. */
function samePaths(trouble: Trouble, group: FailureGroup, kind: Kind): boolean {
  const before = narrowPath(trouble, kind === "away" ? "slow" : "away");
  if (before !== null) return group.paths[before] !== undefined && Object.keys(group.paths).length <= 2;
  return true;
}

/** The one path that failures of a kind are on, where there are enough of them to say so. */
export function narrowPath(trouble: Trouble, kind: Kind): string | null {
  const paths = new Map<string, number>();
  let total = 0;
  for (const [cause, seen] of trouble.causes) {
    if (kindOf(cause) !== kind) continue;
    total += seen.paths.total;
    for (const [path, count] of seen.paths.top(2)) paths.set(path, (paths.get(path) ?? 0) + count);
  }
  if (total < 4) return null;
  // The front page alone says nothing: many sites have no other.
  for (const [path, count] of paths) if (count >= 0.85 * total && path !== "/") return path;
  return null;
}

function sharesPath(trouble: Trouble, group: FailureGroup): boolean {
  for (const path in group.paths) if (trouble.paths.counts.has(path)) return true;
  return false;
}

function sharesHost(trouble: Trouble, group: FailureGroup, around: Surroundings): boolean {
  if (group.endpoint === "") return false;
  const host = around.hostOf(group.upstream, group.endpoint);
  for (const upstream of trouble.upstreams) {
    for (const label of trouble.endpoints.keys()) {
      if (label !== "" && around.hostOf(upstream, label) === host) return true;
    }
  }
  return false;
}

const gapOf = (trouble: Trouble, group: FailureGroup): Ms =>
  Math.max(0, group.firstAt - trouble.lastAt, trouble.firstAt - group.lastAt);

const anyOf = (trouble: Trouble, kinds: ReadonlySet<Kind>): boolean =>
  [...trouble.kinds].some((kind) => kinds.has(kind));

const onlyOf = (trouble: Trouble, ...kinds: Kind[]): boolean =>
  [...trouble.kinds].every((kind) => kinds.includes(kind));
