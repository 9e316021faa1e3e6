// response-order: waits shrink from the outside in, else the outer hop answers first, with its own page, while the inner
// one works on for nobody. worker-not-below-gateway-silently: what kills a worker before the gateway gives up turns its
// 504 into a 502. Two values that nobody chose are how most chains run, and equal ones too: both are notes.
import type { Ms } from "../../std/units.ts";
import type { SoftwareId } from "../software.ts";
import { called, inversion, isChosen, type TimerAt, withSource } from "./inversion.ts";
import { isLayer4, type Link, lengthOf, timerOf } from "./link.ts";
import type { ChainHop, HopTimer, Inversion, TimerId } from "./model.ts";
import { recipeOf } from "./recipes.ts";
import { shownMs } from "./values.ts";

/** What an inner hop's log shows where the hop in front went away. */
const ABORT_SIGNS: Partial<Record<SoftwareId, string>> = {
  nginx: "its log has 499",
  kong: "its log has 499",
  haproxy: "its log has CH or CD",
  envoy: "its log has DC",
  traefik: "its log has 499",
  goodgate: "its log has client-closed-request",
};
/** Platforms that report a killed worker as an answer of their own. */
const REPORTING: ReadonlySet<SoftwareId> = new Set(["lambda", "vercel", "netlify"]);

/** How long the hop waits for the next one, by its shortest wait; null = without an end, or it is not known. */
export function patienceOf(hop: ChainHop): HopTimer | null {
  const ids: readonly TimerId[] = isLayer4(hop) ? ["tunnel-idle"] : ["response", "total"];
  return shortest(ids.flatMap((id) => chosen(hop, id, Math.min) ?? []));
}

/** By when the hop has answered on its own account; null = without an end, or it is not known. */
function limitOf({ hop }: Link, last: boolean): HopTimer | null {
  if (isLayer4(hop)) return null;
  const waits = (["response", "total", "worker"] as const).flatMap((id) => chosen(hop, id, Math.max) ?? []);
  // What nobody configured and nothing is behind limits no wait.
  return shortest(waits.filter(({ id, from }) => !(last && id === "response" && from === "default")));
}

/** Of several that are written for places of their own, the one that is told; of defaults, the one that holds. */
function chosen(hop: ChainHop, id: TimerId, which: (a: number, b: number) => number): HopTimer | null {
  const written = hop.timers.filter((timer) => timer.id === id && timer.from !== "default");
  if (written.length === 0) return timerOf(hop, id);
  return written.reduce((a, b) => (which(lengthOf(a), lengthOf(b)) === lengthOf(b) ? b : a));
}

function shortest(timers: readonly HopTimer[]): HopTimer | null {
  const ends = timers.filter(({ value }) => value !== null);
  return ends.length === 0 ? null : ends.reduce((a, b) => (lengthOf(b) < lengthOf(a) ? b : a));
}

/** Each hop that gives up before a hop behind it would answer. */
export function responseOrder(links: readonly Link[]): readonly Inversion[] {
  return links.flatMap((outer, index) => {
    const timer = patienceOf(outer.hop);
    const found = timer === null ? null : nextLimit(links, index);
    if (timer === null || found === null) return [];
    const outerMs = lengthOf(timer);
    const innerMs = lengthOf(found.timer);
    if (
      innerMs < outerMs ||
      (isLayer4(outer.hop) && firstToEnd(links, index, { hop: outer.hop, timer }).timer !== timer)
    )
      return [];
    const guessed = outer.unseen && timer.from === "default";
    const ends = firstToEnd(links, index, { hop: outer.hop, timer });
    return [orderBroken({ hop: outer.hop, timer }, found, ends, guessed)];
  });
}

/** Who gives up first of this hop and those further out: its answer is what a visitor gets. */
function firstToEnd(links: readonly Link[], index: number, own: TimerAt): TimerAt {
  return links.slice(0, index).reduce<TimerAt>((first, { hop }) => {
    const timer = patienceOf(hop);
    return timer !== null && lengthOf(timer) < lengthOf(first.timer) ? { hop, timer } : first;
  }, own);
}

/** The nearest hop behind that ends a wait by itself: what stands further inside is compared with that one. */
function nextLimit(links: readonly Link[], index: number): TimerAt | null {
  for (let at = index + 1; at < links.length; at++) {
    const link = links[at];
    const timer = link ? limitOf(link, at === links.length - 1) : null;
    if (link && timer) return { hop: link.hop, timer };
  }
  return null;
}

function orderBroken(outer: TimerAt, inner: TimerAt, ends: TimerAt, guessed: boolean): Inversion {
  const [front, back] = [called(outer.hop), called(inner.hop)];
  const [outerMs, innerMs, endMs] = [lengthOf(outer.timer), lengthOf(inner.timer), lengthOf(ends.timer)];
  const values = `${front} waits ${withSource(outer.timer)} for a response, and ${back} ${does(inner.timer)} ${withSource(inner.timer)}`;
  const sign = ABORT_SIGNS[inner.hop.software];
  const before = ends.hop === outer.hop ? "" : ` after ${shownMs(endMs)} already`;
  const follows =
    innerMs === endMs
      ? `which of the two answers a visitor gets is chance`
      : `visitors get ${answerOf(ends)}${before}, ${back} works on for up to ${shownMs(innerMs - endMs)} for nobody${sign === undefined ? "" : `, and ${sign}`}`;
  return inversion({
    rule: "response-order",
    severity: innerMs > outerMs && !guessed && isChosen(inner.timer) ? "risk" : "note",
    class: "response-timeout",
    outer,
    inner,
    text: `${values}: ${follows}`,
    fix: responseFix(outer, inner, ends),
    about: "inner",
  });
}

function does({ id }: HopTimer): string {
  return id === "worker" ? "lets its worker run" : id === "total" ? "may take" : "waits";
}

/** "the answer of nginx (504 …)". */
function answerOf({ hop, timer }: TimerAt): string {
  if (isLayer4(hop)) return `a connection that breaks (${timer.atExpiry})`;
  const said = timer.atExpiry;
  return said === "" ? `the answer of ${called(hop)}` : `the answer of ${called(hop)} (${said})`;
}

function responseFix(outer: TimerAt, inner: TimerAt, ends: TimerAt): string {
  const endMs = lengthOf(ends.timer);
  const lower = recipeOf(inner.hop.software, inner.timer, shorter(endMs));
  // Raising this one hop helps only where none further out gives up before it.
  const raise =
    ends.hop === outer.hop ? recipeOf(outer.hop.software, outer.timer, longer(lengthOf(inner.timer))) : null;
  const ways = [
    lower === null ? null : `let ${called(inner.hop)} give up before ${shownMs(endMs)}: ${lower}`,
    raise === null ? null : `where answers may take that long, let ${called(outer.hop)} wait longer: ${raise}`,
  ];
  return (
    ways.filter((way) => way !== null).join("; or, ") || "answer at once and let the client ask for the result later"
  );
}

/** 60 s → 55 s, 5 s → 4 s. */
function shorter(ms: Ms): Ms {
  const less = ms >= 20_000 ? ms - 5000 : ms * 0.8;
  return less >= 1000 ? Math.floor(less / 1000) * 1000 : Math.max(1, Math.floor(less));
}

/** 60 s → 65 s, 300 s → 310 s. */
function longer(ms: Ms): Ms {
  return Math.ceil((ms + Math.max(5000, ms / 30)) / 1000) * 1000;
}

/** Each worker that is killed before the hop in front gives up. */
export function workerBelowGateway(links: readonly Link[]): readonly Inversion[] {
  return links.flatMap((link, index) => {
    const timer = timerOf(link.hop, "worker");
    if (timer === null || timer.value === null || REPORTING.has(link.hop.software)) return [];
    const front = links.slice(0, index).findLast(({ hop }) => !isLayer4(hop) && patienceOf(hop) !== null);
    const wait = front ? patienceOf(front.hop) : null;
    if (!front || wait === null || timer.value >= lengthOf(wait)) return [];
    // Where a hop further out gives up before, the worker's end is seen by nobody.
    const first = firstToEnd(links, index, { hop: front.hop, timer: wait });
    if (timer.value >= lengthOf(first.timer)) return [];
    const [outer, inner] = [called(front.hop), called(link.hop)];
    return [
      inversion({
        rule: "worker-not-below-gateway-silently",
        severity: "note",
        class: "worker-timeout",
        outer: { hop: front.hop, timer: wait },
        inner: { hop: link.hop, timer },
        text: `${inner} ends a request after ${withSource(timer)}, before ${outer} gives up after ${withSource(wait)}: a slow request shows as a cut connection (a bad gateway), not as a timeout, and only the log of ${inner} says why`,
        fix: `watch the log of ${inner} for it, or let ${outer} give up first: ${recipeOf(front.hop.software, wait, shorter(timer.value)) ?? `${inner} above ${shownMs(lengthOf(wait))}`}`,
        about: "inner",
      }),
    ];
  });
}
