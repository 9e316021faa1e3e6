// When a trouble is worth an incident, how bad it is, and when it is over.
// It opens: at the first gateway error that was shown or cut; where everything was mended, at 4 within 10 minutes
// (keep-alive races: 3 within an hour; a single mended one says nothing), when an endpoint that requests met stays away
// for longer than a restart takes (12 s where none did), or at once when no endpoint of an upstream is left; for the
// upstream's own errors and for what clients do, where the rate is unusual for this gateway.
// It closes when quiet for a while, longer the more often it came back (a flap is one incident), and not before its
// endpoints are back, as far as their state is known, and something was answered there again.
import { CAUSES } from "../failure/causes.ts";
import type { Ms } from "../std/units.ts";
import { isClients, type Kind } from "./kinds.ts";
import type { Severity } from "./model.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Trouble } from "./trouble.ts";

const SAVED_MIN = 4;
const RACES_MIN = 3;
/** A restart is over within five seconds; where no request met it, it takes longer to matter. */
const AWAY_MS: Ms = 5_500;
export const AWAY_UNASKED_MS: Ms = 12_000;
/** A whole upstream that is away: requests wait, or fail. */
export const OUTAGE_MS: Ms = 1_000;
const OWN_ERRORS_MIN = 10;
const RELOAD_MS: Ms = 180_000;
const QUIET_MS: Ms = 30_000;
const QUIET_UNKNOWN_MS: Ms = 60_000;
const QUIET_MAX_MS: Ms = 600_000;
/** Without any answer there is no sign that it is well; then only time tells. */
const SILENT_MS: Ms = 300_000;
const RACE_QUIET_MS: Ms = 900_000;

/** How long a trouble that is no incident is remembered. */
export function rememberedMs(trouble: Trouble): Ms {
  if (trouble.kinds.has("race")) return 3_600_000;
  return isRate(trouble) ? 60_000 : 600_000;
}

/** Whether it is a matter of how many in a minute: then what was longer ago does not count. */
export function isRate(trouble: Trouble): boolean {
  return [...trouble.kinds].every((kind) => kind === "left" || kind === "own" || kind === "client" || kind === "route");
}

/** Whether a trouble has become an incident. */
export function isIncident(trouble: Trouble, now: Ms, around: Surroundings): boolean {
  const only = (...kinds: Kind[]): boolean => [...trouble.kinds].every((kind) => kinds.includes(kind));
  if (only("route", "client")) return asksUnusual(trouble, now, around);
  if (only("left")) return leavesUnusual(trouble, now, around);
  if (only("own")) return ownUnusual(trouble, around);
  const { shown, cut } = trouble.counts;
  const ownShown = trouble.kinds.has("own") ? (trouble.causes.get("upstream-error-passthrough")?.shown ?? 0) : 0;
  if (shown + cut - ownShown > 0) return true;
  if (trouble.kinds.has("race") && trouble.counts.failures >= RACES_MIN) return true;
  if (trouble.counts.failures >= SAVED_MIN) return true;
  if (outageAt(trouble, around) <= now - OUTAGE_MS) return true;
  const leastMs = trouble.counts.failures > 0 ? AWAY_MS : AWAY_UNASKED_MS;
  return awayParts(trouble, around).some(({ awayAt }) => now - awayAt >= leastMs);
}

/** Since when the whole upstream of a trouble is away; Infinity = it is not, or for another reason. */
function outageAt(trouble: Trouble, around: Surroundings): Ms {
  const ours = ["away", "room", "name", "tls"] as const;
  if (!ours.some((kind) => trouble.kinds.has(kind))) return Number.POSITIVE_INFINITY;
  return around.outageOf(trouble.upstream)?.at ?? Number.POSITIVE_INFINITY;
}

/** Invalid or unwanted requests: a flood, or what began with a reload. */
function asksUnusual(trouble: Trouble, now: Ms, around: Surroundings): boolean {
  const { failures } = trouble.recent(now);
  const reload = around.lastMark(["reload", "upgrade"], trouble.firstAt - RELOAD_MS, trouble.firstAt + 2_000, "");
  if (trouble.causes.has("route-not-found")) {
    // A scanner asks for ever new paths; visitors who lost a page ask for the same ones.
    const asked = trouble.paths.top(3).reduce((sum, [, count]) => sum + count, 0);
    const callers = Math.max(trouble.clients.counts.size, trouble.counts.clients);
    if (reload !== null && failures >= 10 && callers >= 3 && asked >= 0.4 * trouble.paths.total) return true;
    // One caller may be many: a load balancer, a service.
    if (reload !== null && failures >= 20 && asked >= 0.9 * trouble.paths.total) return true;
    return failures >= 300;
  }
  if (trouble.causes.has("client-request-too-large")) return failures >= (reload === null ? 30 : 3);
  return failures >= 100;
}

/** Clients leave now and then: a tenth of them within a minute is unusual. */
function leavesUnusual(trouble: Trouble, now: Ms, around: Surroundings): boolean {
  const { failures } = trouble.recent(now);
  if (failures < 20) return false;
  const { answered } = upstreamFigures(trouble, around, now - 60_000, now);
  return failures >= 0.1 * (answered + failures);
}

/** The application's own errors: clearly more than it had before, on one endpoint or on all. */
export function ownUnusual(trouble: Trouble, around: Surroundings): boolean {
  const now = trouble.lastAt;
  if (trouble.recent(now).failures < OWN_ERRORS_MIN) return false;
  const parts = [...trouble.endpoints.keys()].filter((label) => label !== "");
  const unusual = parts.some((label) => {
    const seen = around.seen(trouble.upstream, label);
    const { answered, errors } = seen.figures(Math.max(trouble.firstAt, now - 60_000), now);
    if (answered < 10) return false;
    // Long-standing errors are this application's usual state: the minutes before tell.
    const before = seen.figures(trouble.firstAt - 600_000, Math.min(trouble.firstAt - 5_001, now - 65_000));
    const usual = before.answered < 50 ? 0.04 : before.errors / before.answered;
    return errors >= 5 && errors / answered >= Math.max(0.05, 3 * usual);
  });
  if (unusual) return true;
  const { answered } = upstreamFigures(trouble, around, now - 60_000, now);
  return answered === 0 && trouble.recent(now).failures >= 2 * OWN_ERRORS_MIN;
}

function upstreamFigures(
  trouble: Trouble,
  around: Surroundings,
  from: Ms,
  to: Ms,
): { answered: number; errors: number } {
  let [answered, errors] = [0, 0];
  for (const upstream of trouble.upstreams) {
    for (const member of around.members(upstream)) {
      const figures = member.figures(from, to);
      answered += figures.answered;
      errors += figures.errors;
    }
  }
  return { answered, errors };
}

/** Endpoints of a trouble that are out of use, and since when. Those that answered since are not. */
export function awayParts(trouble: Trouble, around: Surroundings): { label: string; awayAt: Ms }[] {
  const away: { label: string; awayAt: Ms }[] = [];
  for (const upstream of trouble.upstreams) {
    for (const label of trouble.endpoints.keys()) {
      if (label === "" || !around.isMember(upstream, label)) continue;
      const seen = around.endpoints.get(`${upstream}\n${label}`);
      const awayAt = seen?.awayAt ?? null;
      if (awayAt === null) continue;
      const answeredSince = (seen?.lastAnsweredAt ?? 0) > Math.max(awayAt + 10_000, trouble.lastAt + 5_000);
      if (!answeredSince) away.push({ label, awayAt });
    }
  }
  return away;
}

/** Whether an open incident is over. */
export function isOver(trouble: Trouble, now: Ms, around: Surroundings): boolean {
  const quiet = now - trouble.lastAt;
  if (quiet < quietMs(trouble, around)) return false;
  if (awayParts(trouble, around).length > 0 || outageAt(trouble, around) < now) return false;
  const clients = [...trouble.causes.keys()].every((cause) => isClients(cause));
  if (clients || trouble.upstream === "" || quiet >= Math.max(SILENT_MS, quietMs(trouble, around))) return true;
  return answeredSince(trouble, around);
}

function answeredSince(trouble: Trouble, around: Surroundings): boolean {
  const labels = [...trouble.endpoints.keys()].filter(
    (label) => label !== "" && around.isMember(trouble.upstream, label),
  );
  const after = (label: string): boolean =>
    (around.endpoints.get(`${trouble.upstream}\n${label}`)?.lastAnsweredAt ?? 0) > trouble.lastAt;
  if (labels.length > 0) return labels.every(after);
  return around.members(trouble.upstream).some(({ label }) => after(label));
}

/** How long it has to be quiet: the more often it came back, the longer. */
export function quietMs(trouble: Trouble, around: Surroundings): Ms {
  if (trouble.kinds.has("race") && trouble.kinds.size === 1) return RACE_QUIET_MS;
  const backSeen = [...trouble.endpoints.keys()].some((label) => {
    const events = around.endpoints.get(`${trouble.upstream}\n${label}`)?.events ?? [];
    return events.some(({ kind, at }) => (kind === "endpoint-back" || kind === "health-up") && at >= trouble.firstAt);
  });
  const least = (backSeen ? QUIET_MS : QUIET_UNKNOWN_MS) * (1 + trouble.reopened);
  const bursts = trouble.bursts.length;
  if (bursts < 3) return Math.min(QUIET_MAX_MS, least);
  const gaps = trouble.bursts.slice(1).map((at, before) => at - trouble.bursts[before]!);
  return Math.min(QUIET_MAX_MS, Math.max(least, 2.5 * Math.max(...gaps)));
}

const ORDER: readonly Severity[] = ["notice", "saved", "degraded", "outage"];

/** How bad it is now, and never less than it was. */
export function severityOf(trouble: Trouble, now: Ms, around: Surroundings): Severity {
  const current = severityNow(trouble, now, around);
  if (trouble.verdict === null) return current;
  return ORDER.indexOf(current) > ORDER.indexOf(trouble.severity) ? current : trouble.severity;
}

function severityNow(trouble: Trouble, now: Ms, around: Surroundings): Severity {
  const causes = [...trouble.causes.keys()];
  if (causes.every((cause) => isClients(cause))) {
    // What a reload took away is not the callers' doing.
    return lostByReload(trouble, around) ? "degraded" : "notice";
  }
  const { shown, cut, passed, clientLeft } = trouble.counts;
  const away = now - outageAt(trouble, around) >= 3_000;
  // Who left while nobody could answer was not saved.
  if (shown + cut + passed === 0) return away && clientLeft > 0 ? "degraded" : "saved";
  if (away && shown > 0 && trouble.lastAt >= outageAt(trouble, around)) return "outage";
  return isOutage(trouble, now, around) ? "outage" : "degraded";
}

/** Whether requests began to find no route, or to be too large, right after a reload. */
export function lostByReload(trouble: Trouble, around: Surroundings): boolean {
  const ours = [...trouble.causes.keys()].some((cause) => CAUSES[cause].fault.includes("config"));
  if (!ours) return false;
  return around.lastMark(["reload", "upgrade"], trouble.firstAt - RELOAD_MS, trouble.firstAt + 2_000, "") !== null;
}

/** Nothing of the upstream comes through: over at least three seconds nearly every request was shown an error. */
function isOutage(trouble: Trouble, now: Ms, around: Surroundings): boolean {
  if (trouble.upstream === "") return false;
  const end = Math.min(now, trouble.lastAt);
  // Where requests are few it takes longer to say.
  const windowMs = trouble.recent(end, 15_000).shown >= 5 ? 15_000 : 60_000;
  const { shown } = trouble.recent(end, windowMs);
  const own = trouble.kinds.has("own") ? trouble.counts.passed : 0;
  if (shown + own < 5) {
    // A request now and then, and every one in vain.
    const { answered } = upstreamFigures(trouble, around, trouble.firstAt + 5_000, end);
    return trouble.counts.shown + own >= 5 && end - trouble.firstAt >= 60_000 && answered === 0;
  }
  if (end - trouble.firstAt < 3_000) return false;
  // Nobody has answered anything since it began.
  const silent = (upstream: string): boolean =>
    around.members(upstream).every(({ lastAnsweredAt }) => (lastAnsweredAt ?? 0) <= trouble.firstAt + 1_000);
  if (own === 0 && end - trouble.firstAt >= 6_000 && [...trouble.upstreams].every(silent)) return true;
  const from = Math.max(end - windowMs, trouble.firstAt + 5_000);
  const { answered, errors } = upstreamFigures(trouble, around, Math.min(from, end - 5_000), end);
  return answered - errors < 0.05 * (answered + shown);
}
