// What is said of each part of the picture: the same words in its detail, its name for screen readers, the list on a
// phone and the table. And how a way looks: its width by the rate, its colour and its dashes by what went wrong.
import type { EndpointNow, Rates, RouteNow, UpstreamNow } from "../../model.ts";
import { queryOf } from "../api.ts";
import { ago, lasting, latency, perSecond, span } from "../format.ts";
import { STATE_LOOK, STATE_ORDER, type Tone } from "../ui/tone.ts";

export type Fact = readonly [name: string, value: string];

/** Of a way: errors shown, errors kept from visitors, fine, or nothing. */
export type Flow = "shown" | "saved" | "fine" | "still";

const SOME = 0.005;

/** `shown` of endpoints are attempts that failed. */
export function flowOf({ perSecond: rate, shownPerSecond, savedPerSecond }: Rates): Flow {
  if (shownPerSecond > SOME) return "shown";
  if (savedPerSecond > SOME) return "saved";
  return rate > SOME ? "fine" : "still";
}

export const FLOW_TONE: Readonly<Record<Flow, Tone>> = { shown: "bad", saved: "warn", fine: "info", still: "quiet" };

/** The causes with their rates, most frequent first. */
export function causesOf({ causes }: Rates): string {
  return Object.entries(causes)
    .filter(([, rate]) => rate > 0)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 4)
    .map(([cause, rate]) => `${cause} ${perSecond(rate)}`)
    .join(", ");
}

export function rateFacts(rates: Rates, errors = "Errors shown"): Fact[] {
  const facts: Fact[] = [["Requests", perSecond(rates.perSecond)]];
  if (rates.shownPerSecond > SOME) facts.push([errors, perSecond(rates.shownPerSecond)]);
  if (rates.savedPerSecond > SOME) facts.push(["Errors avoided", perSecond(rates.savedPerSecond)]);
  const causes = causesOf(rates);
  if (causes !== "") facts.push(["Causes", causes]);
  if (rates.ownErrorsPerSecond > SOME) facts.push(["Its own 5xx", perSecond(rates.ownErrorsPerSecond)]);
  facts.push(["Half answer within", latency(rates.p50Ms)], ["95 % within", latency(rates.p95Ms)]);
  return facts;
}

export function routeFacts(route: RouteNow): Fact[] {
  const goes: Fact = route.upstream === null ? ["Answers", route.action] : ["Goes to", route.upstream];
  return [["Matches", route.match], goes, ...rateFacts(route.rates)];
}

/** What an upstream does besides answering: holds, queue, breaker. "" = nothing. */
export function troubles({ held, queued, breaker, panicking, awaySince }: UpstreamNow, now: number): string[] {
  const words: string[] = [];
  if (awaySince !== null) words.push(`away for ${lasting(now - awaySince)}`);
  if (held > 0) words.push(`holds ${held}`);
  if (queued > 0) words.push(`queue ${queued}`);
  if (breaker === "open") words.push("breaker open");
  if (panicking) words.push("uses all members: too few are healthy");
  return words;
}

export function upstreamFacts(upstream: UpstreamNow, now: number): Fact[] {
  const { balance, inFlight, held, queued, breaker, awaySince } = upstream;
  return [
    ...rateFacts(upstream.rates),
    ["Balance", balance],
    ["In flight", String(inFlight)],
    ["Held", String(held)],
    ["Queued", String(queued)],
    ["Breaker", breaker],
    ...(awaySince === null ? [] : [["Away for", lasting(now - awaySince)] as const]),
    [
      "Members",
      stateCounts(upstream.endpoints)
        .map(({ state, count }) => `${count} ${STATE_LOOK[state].word}`)
        .join(", "),
    ],
  ];
}

export function endpointFacts(endpoint: EndpointNow, now: number): Fact[] {
  const { state, why, since, weight, configuredWeight, backup, active, connections, idle, keepAliveMs } = endpoint;
  return [
    ["State", STATE_LOOK[state].word],
    ...(why === "" ? [] : [["Why", why] as const]),
    ...(since === null ? [] : [["Since", ago(now - since)] as const]),
    ...rateFacts(endpoint.rates, "Attempts failed"),
    ["Weight", weight === configuredWeight ? String(weight) : `${weight} (file: ${configuredWeight})`],
    ...(backup ? [["Backup", "only where no other can"] as const] : []),
    ["Active", String(active)],
    ["Connections", `${connections}, ${idle} idle`],
    ...(keepAliveMs === null ? [] : [["Closes idle ones after", span(keepAliveMs)] as const]),
  ];
}

/** How many members are in which state, worst first. */
export function stateCounts(endpoints: readonly EndpointNow[]): { state: EndpointNow["state"]; count: number }[] {
  const counts = new Map<EndpointNow["state"], number>();
  for (const { state } of endpoints) counts.set(state, (counts.get(state) ?? 0) + 1);
  return STATE_ORDER.filter((state) => counts.has(state)).map((state) => ({ state, count: counts.get(state) ?? 0 }));
}

const RANK = new Map(STATE_ORDER.map((state, index) => [state, index]));

/** The worst first: by state, then those that fail; the others stay in order, so that nothing jumps as rates move. */
export function worstFirst(endpoints: readonly EndpointNow[]): EndpointNow[] {
  const rank = ({ state, rates }: EndpointNow): number =>
    (RANK.get(state) ?? 0) * 2 + Number(rates.shownPerSecond <= SOME);
  return [...endpoints].sort((a, b) => rank(a) - rank(b));
}

/** Where a click goes: what fails to its incidents, the rest to its upstream. */
export function endpointHref(upstream: string, { label, rates, state }: EndpointNow): string {
  const fails = rates.shownPerSecond > SOME || state === "gone" || state === "ejected" || state === "unhealthy";
  return fails ? `/incidents${queryOf({ upstream, endpoint: label })}` : `/upstreams${queryOf({ upstream })}`;
}

export const upstreamHref = (upstream: string): string => `/upstreams${queryOf({ upstream })}`;

/** In a sentence, for screen readers. */
export const spoken = (name: string, facts: readonly Fact[]): string =>
  `${name}: ${facts.map(([what, value]) => `${what} ${value}`).join("; ")}`;
