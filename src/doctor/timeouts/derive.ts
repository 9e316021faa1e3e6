// The chain where --chain does not give it: who left a mark on the responses, who is configured to forward to whom, and
// what was measured at their ends. A program that was only seen has its defaults, and whether it reuses connections is
// not known; what a configuration says overrides defaults, what was measured overrides both.
import type { ConfiguredHop, ConfiguredTimer, Pool } from "../configs/model.ts";
import type { IdleEvidence, TargetEvidence } from "../evidence.ts";
import { SOFTWARE, type SoftwareId } from "../software.ts";
import { type Forward, forwardChain, isSpotOf, sideForwards } from "./forwarding.ts";
import type { ChainInput } from "./input.ts";
import { defaultLink, knownTimer, type Link, withoutReuse, withTimer } from "./link.ts";
import type { ChainHop, HopTimer } from "./model.ts";
import { freeName } from "./spec.ts";

/** A hop with where it comes from. */
interface Drawn {
  readonly link: Link;
  readonly forward: Forward | null;
}

/** The hops, outermost first, the client before them; [] = nothing was seen. */
export function deriveLinks({ configs, targets, way = [] }: ChainInput): readonly Link[] {
  const path = forwardChain(configs, way);
  const drawn: Drawn[] = [];
  const add = (name: string, software: SoftwareId, forward: Forward | null): void => {
    const reuse = reuseOf(software, forward);
    const base = defaultLink(
      freeName(
        name,
        drawn.map(({ link }) => link),
      ),
      software,
      reuse,
    );
    const unseen = forward === null && reuse === "unknown";
    drawn.push({ link: forward ? configured(base, forward) : { ...base, unseen }, forward });
  };
  const seen = seenHops(targets);
  const has = (software: SoftwareId): boolean =>
    path.some(({ hop }) => hop.software === software) ||
    (SOFTWARE[software].kind === "app" && path.some(({ hop }) => SOFTWARE[hop.software].kind === "app"));
  const inner = seen.findIndex((software) => has(software) || SOFTWARE[software].kind === "app");
  const at = inner < 0 ? seen.length : inner;
  for (const software of seen.slice(0, at)) add(software, software, null);
  // An Ingress and its Deployment are often called the same: their kinds tell them apart.
  const called = ({ hop }: Forward): string =>
    path.filter((each) => shortName(each.hop) === shortName(hop)).length > 1 ? hop.name : shortName(hop);
  for (const forward of path) add(called(forward), forward.hop.software, forward);
  for (const software of seen.slice(at)) if (!has(software)) add(software, software, null);
  const last = path.at(-1);
  if (last?.pool && SOFTWARE[last.hop.software].kind !== "app" && drawn.at(-1)?.forward === last) {
    add(behindOf(last.pool, targets), softwareBehind(last.pool, targets), null);
  }
  if (drawn.length === 0 && targets.some(({ idle }) => idle.some(isMeasured))) add("server", "app", null);
  if (drawn.length === 0) return [];
  return [defaultLink("client", "client", "no"), ...withMeasured(drawn, targets)];
}

/** Programs that left a mark on a response: through the public address, then of the origin. */
function seenHops(targets: readonly TargetEvidence[]): readonly SoftwareId[] {
  const found: SoftwareId[] = [];
  for (const role of ["url", "origin"] as const) {
    for (const software of targets.filter(({ target }) => target.role === role).flatMap(passedOf)) {
      if (software !== "client" && !found.includes(software)) found.push(software);
    }
  }
  return found;
}

/** Of the response that tells most. */
function passedOf({ http }: TargetEvidence): readonly SoftwareId[] {
  const all = http.map(({ page }) => (page?.passed ?? []).map(({ software }) => software));
  return all.reduce((most, each) => (each.length > most.length ? each : most), []);
}

function reuseOf(software: SoftwareId, forward: Forward | null): Link["reuse"] {
  if (forward?.pool) return forward.pool.reuses ? "yes" : "no";
  const { kind } = SOFTWARE[software];
  return forward === null && (kind === "cdn" || kind === "balancer") ? "default" : "unknown";
}

/** "Deployment shop" → "shop". */
function shortName({ name }: ConfiguredHop): string {
  return name.trim().split(/\s+/).at(-1) || name;
}

function configured(base: Link, { hop, pool }: Forward): Link {
  const link = base.reuse === "no" ? withoutReuse(base) : base;
  const written = [...hop.timers, ...(pool?.timers ?? [])];
  const made = placed(withoutUnknown(link.hop, hop), written, hop.software);
  const own = hop.routes.filter((route) => pool !== null && route.pool === pool.name);
  const members = pool?.members.filter(({ backup, down }) => !backup && !down).length ?? null;
  return {
    ...link,
    hop: withRoutes(
      made,
      own.map(({ timers }) => timers),
      hop.software,
    ),
    members,
  };
}

/** What is set to something that is not plain is not what it is by default. */
function withoutUnknown(made: ChainHop, { timersUnknown = [] }: ConfiguredHop): ChainHop {
  if (timersUnknown.length === 0) return made;
  return { ...made, timers: made.timers.filter(({ id, from }) => from !== "default" || !timersUnknown.includes(id)) };
}

function placed(hop: ChainHop, timers: readonly ConfiguredTimer[], software: SoftwareId): ChainHop {
  return timers.reduce((made, timer) => withTimer(made, writtenTimer(timer, software)), hop);
}

/** nginx calls its timers for both sides keepalive_timeout: the one of the upstream block says so. */
function writtenTimer({ id, setting, value, at }: ConfiguredTimer, software: SoftwareId): HopTimer {
  const name =
    software === "nginx" && id === "upstream-idle" && !/upstream/.test(setting) ? `upstream ${setting}` : setting;
  return knownTimer(software, { id, setting: name, value, from: "config", place: at });
}

/** Values of routes stand beside the hop's own; where each route has one, the hop's own holds nowhere. */
function withRoutes(hop: ChainHop, routes: readonly (readonly ConfiguredTimer[])[], software: SoftwareId): ChainHop {
  let timers = hop.timers;
  for (const id of new Set(routes.flat().map((timer) => timer.id))) {
    const values = routes
      .flatMap((all) => all.filter((timer) => timer.id === id))
      .map((timer) => writtenTimer(timer, software));
    const everywhere = routes.every((all) => all.some((timer) => timer.id === id));
    const before = timers.filter((timer) => timer.id === id && !everywhere);
    const different = values.filter(
      (timer, index) =>
        !before.some(({ value }) => value === timer.value) &&
        values.findIndex(({ value }) => value === timer.value) === index,
    );
    timers = [...timers.filter((timer) => timer.id !== id), ...before, ...different];
  }
  return { ...hop, timers };
}

/**
 * Chains that leave this one at a gateway with several pools, each up to the hop that its pool leads to: what stands
 * there is compared with the gateway too, though the request that is asked about goes elsewhere.
 */
export function sideLinks(links: readonly Link[], { configs, way = [] }: ChainInput): readonly (readonly Link[])[] {
  const path = forwardChain(configs, way);
  return sideForwards(configs, path).flatMap(({ from, to }) => {
    const at = links.findIndex(
      ({ hop, unseen }) =>
        !unseen &&
        (hop.name.startsWith(shortName(from.hop)) || hop.name === from.hop.name) &&
        hop.software === from.hop.software,
    );
    const gateway = links[at];
    if (!gateway) return [];
    const base = { ...defaultLink(gateway.hop.name, from.hop.software, reuseOf(from.hop.software, from)) };
    const end = defaultLink(freeName(shortName(to.hop), links), to.hop.software, reuseOf(to.hop.software, to));
    return [[...links.slice(0, at), configured(base, from), configured(end, to)]];
  });
}

function endpointsOf(pool: Pool, targets: readonly TargetEvidence[]): readonly TargetEvidence[] {
  return targets.filter(({ target }) => target.role === "endpoint" && target.pool?.name === pool.name);
}

function softwareBehind(pool: Pool, targets: readonly TargetEvidence[]): SoftwareId {
  if (pool.scheme === "fastcgi") return "php-fpm";
  if (pool.scheme === "uwsgi") return "uwsgi";
  const [first] = endpointsOf(pool, targets).flatMap(passedOf);
  return first ?? "app";
}

function behindOf(pool: Pool, targets: readonly TargetEvidence[]): string {
  const software = softwareBehind(pool, targets);
  if (software !== "app") return software;
  return /^[A-Za-z][\w-]*$/.test(pool.name) ? pool.name : "app";
}

const isMeasured = ({ saidMs, closedAfterMs }: IdleEvidence): boolean => saidMs !== null || closedAfterMs !== null;

function withMeasured(drawn: readonly Drawn[], targets: readonly TargetEvidence[]): readonly Link[] {
  const own = drawn.map(({ link, forward }) => ({ link, forward, timer: null as HopTimer | null }));
  for (const evidence of targets) {
    const found = shortestIdle(evidence.idle);
    const place = found === null ? undefined : own[placeOf(drawn, evidence)];
    if (!found || !place) continue;
    const { hop } = place.link;
    const setting = hop.timers.find(({ id }) => id === "client-idle")?.setting ?? "idle close";
    const timer = knownTimer(hop.software, { id: "client-idle", setting, ...found, place: null });
    if (place.timer === null || (timer.value ?? 0) < (place.timer.value ?? 0)) place.timer = timer;
  }
  return own.map(({ link, timer }) => (timer === null ? link : { ...link, hop: onlyTimer(link.hop, timer) }));
}

/** Measured, so that nothing else holds for the same wait. */
function onlyTimer(hop: ChainHop, timer: HopTimer): ChainHop {
  return { ...hop, timers: [...hop.timers.filter(({ id }) => id !== timer.id), timer] };
}

/** What a server said, or what it did where that came before. */
function shortestIdle(all: readonly IdleEvidence[]): Pick<HopTimer, "value" | "from"> | null {
  const known = all.filter(isMeasured).map(({ saidMs, closedAfterMs }) => {
    const closed = closedAfterMs === null ? null : Math.round(closedAfterMs / 100) * 100;
    if (saidMs !== null && (closed === null || saidMs <= closed)) return { value: saidMs, from: "header" } as const;
    return { value: closed ?? 0, from: "measured" } as const;
  });
  return known.length === 0 ? null : known.reduce((a, b) => (b.value < a.value ? b : a));
}

/** Index of the hop that a target is; -1 = it cannot be told. */
function placeOf(drawn: readonly Drawn[], { target, http }: TargetEvidence): number {
  if (target.role === "url") return 0;
  if (target.pool) {
    const before = drawn.findIndex(({ forward }) => forward?.pool?.name === target.pool?.name);
    return before < 0 ? -1 : before + 1;
  }
  const listening = drawn.findIndex(({ forward }) => forward !== null && isSpotOf(target.spot, forward.hop));
  if (listening >= 0) return listening;
  const passed = http.flatMap(({ page }) => (page?.passed ?? []).map(({ software }) => software));
  const marked = drawn.findIndex(({ link }) => passed.includes(link.hop.software));
  if (marked >= 0) return marked;
  return drawn.findIndex(({ link }) => !["cdn", "balancer"].includes(SOFTWARE[link.hop.software].kind));
}
