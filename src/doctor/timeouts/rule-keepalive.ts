// keepalive-order: the hop in front must stop reusing an idle connection before the hop behind it closes it, else a
// request is sometimes sent into the close. It applies only where connections are reused. A hop that repeats every
// request that meets the close, or that watches its idle connections, makes it a note; the rest is a risk.
import type { Ms } from "../../std/units.ts";
import { SOFTWARE, type SoftwareId } from "../software.ts";
import { called, inversion, type TimerAt, withSource } from "./inversion.ts";
import { isLayer4, type Link, lengthOf, timerOf } from "./link.ts";
import type { Inversion } from "./model.ts";
import { recipeOf } from "./recipes.ts";
import { shownMs } from "./values.ts";

/** Enough for the two clocks and the way between them. */
const MARGIN_MS = 2000;
const MARGIN_SHARE = 0.1;
/** Applications that keep idle connections longer than this hold sockets for nobody: the hop in front is lowered first. */
const RAISE_MAX_MS = 900_000;

/** What the hop in front does about a close that it meets. */
const GUARDS: Partial<Record<SoftwareId, { readonly harmless: boolean; readonly text: string }>> = {
  cloudflare: { harmless: true, text: "Cloudflare sends requests that may be repeated again, so that few are seen" },
  haproxy: {
    harmless: true,
    text: "HAProxy watches its idle connections, so that only a close in the same moment is met",
  },
  goodgate: {
    harmless: true,
    text: "Goodgate learns how long the upstream keeps them and repeats what nothing was lost of",
  },
  nginx: { harmless: false, text: "nginx repeats what may be repeated, POST it does not" },
  traefik: { harmless: false, text: "what may be repeated is sent again, POST is not" },
  caddy: { harmless: false, text: "what may be repeated is sent again, POST is not" },
  go: { harmless: false, text: "what may be repeated is sent again, POST is not" },
};

/** Each pair of neighbours whose idle connections end in the wrong order. */
export function keepaliveOrder(links: readonly Link[]): readonly Inversion[] {
  return links.flatMap((outer, index) => {
    if (outer.reuse === "no") return [];
    const timer = timerOf(outer.hop, "upstream-idle");
    if (timer === null) return [];
    const found = behind(links, index).flatMap((inner) => compared(outer, { hop: outer.hop, timer }, inner) ?? []);
    // What is shorter than the shortest is shorter than all of them.
    return found.toSorted((a, b) => lengthOf(a.inner) - lengthOf(b.inner)).slice(0, 1);
  });
}

/** The next hop, and what stands behind it where it passes TCP on. */
function behind(links: readonly Link[], index: number): readonly Link[] {
  const found: Link[] = [];
  for (const link of links.slice(index + 1)) {
    found.push(link);
    if (!isLayer4(link.hop)) break;
  }
  return found;
}

function compared(link: Link, outer: TimerAt, { hop }: Link): Inversion | null {
  if (SOFTWARE[hop.software].kind === "database") return null;
  const timer = timerOf(hop, isLayer4(hop) ? "tunnel-idle" : "client-idle");
  const reuseMs = lengthOf(outer.timer);
  // 0 = it closes after each response, and says so: nothing is reused.
  if (timer === null || timer.value === null || timer.value === 0 || reuseMs === 0) return null;
  const inner = { hop, timer };
  const keepMs = timer.value;
  if (keepMs - reuseMs >= marginMs(keepMs)) return null;
  const race = reuseMs >= keepMs;
  const guard = GUARDS[outer.hop.software];
  const risk = race && guard?.harmless !== true && link.reuse !== "unknown";
  return inversion({
    rule: "keepalive-order",
    severity: risk ? "risk" : "note",
    class: "keepalive-race",
    outer,
    inner,
    text: textOf(link, outer, inner, race),
    fix: fixOf(outer, inner),
    about: raises(outer, inner) ? "inner" : "outer",
  });
}

/** How much shorter the hop in front must be. */
export function marginMs(keepMs: Ms): Ms {
  return Math.min(MARGIN_MS, keepMs * MARGIN_SHARE);
}

function textOf(link: Link, outer: TimerAt, inner: TimerAt, race: boolean): string {
  const [front, back] = [called(outer.hop), called(inner.hop)];
  const closes = isLayer4(inner.hop) ? "drops idle flows" : "closes them";
  const values =
    outer.timer.value === null
      ? `${front} reuses idle connections without an end (${outer.timer.setting}), and ${back} ${closes} after ${withSource(inner.timer)}`
      : `${front} reuses idle connections for ${withSource(outer.timer)}, and ${back} ${closes} after ${withSource(inner.timer)}`;
  const follows = race
    ? "a request that is sent while the connection is being closed fails at random, mostly after quiet moments"
    : "the margin is small for the way between them";
  const guard = race ? GUARDS[outer.hop.software]?.text : undefined;
  return [`${values}: ${follows}`, guard, ...conditions(link, inner)]
    .filter((part) => part !== undefined)
    .map(sentence)
    .join(" ");
}

const sentence = (text: string): string => `${text.replace(/^(?=what |whether )\w/, (first) => first.toUpperCase())}.`;

function conditions({ hop, reuse }: Link, inner: TimerAt): readonly string[] {
  const all: string[] = [];
  if (hop.software === "nginx" && reuse === "default") {
    all.push("nginx does so by default since 1.29.7, before only where `keepalive` is configured");
  }
  if (reuse === "unknown") all.push(`whether ${called(hop)} reuses connections is not known without its configuration`);
  if (inner.hop.software === "gunicorn" && inner.timer.from === "default") {
    all.push("gunicorn's sync workers keep no connections and are not concerned");
  }
  return all;
}

/** Whether the hop behind is what should be changed. */
function raises(outer: TimerAt, inner: TimerAt): boolean {
  const fixed = recipeOf(outer.hop.software, outer.timer, 1000) === null;
  if (isLayer4(inner.hop)) return false;
  return fixed || lengthOf(outer.timer) <= RAISE_MAX_MS;
}

function fixOf(outer: TimerAt, inner: TimerAt): string {
  const guard = GUARDS[outer.hop.software];
  if (guard?.harmless && outer.timer.from === "default") {
    return `nothing has to be changed; where ${called(outer.hop)} shows failures after quiet moments, let requests that are not safe to repeat carry a key by which they may be`;
  }
  const reuseMs = lengthOf(outer.timer);
  const lowerMs = reusedLess(inner.timer.value ?? 0);
  // Settings are written in whole seconds.
  const lowered = lowerMs < 1000 ? null : recipeOf(outer.hop.software, outer.timer, lowerMs);
  const lower =
    lowered === null
      ? null
      : `let ${called(outer.hop)} reuse them for less than ${shownMs(inner.timer.value ?? 0)}: ${lowered}`;
  const raised = Number.isFinite(reuseMs) ? recipeOf(inner.hop.software, inner.timer, keptLonger(reuseMs)) : null;
  const raise =
    raised === null
      ? null
      : `let ${called(inner.hop)} keep idle connections longer than ${shownMs(reuseMs)}: ${raised}`;
  const ways = raises(outer, inner) ? [raise, lower] : [lower, reuseMs <= RAISE_MAX_MS ? raise : null];
  const text = ways.filter((way) => way !== null).join("; or ");
  return text === "" ? "neither value can be set here: repeat requests that are safe to repeat" : text;
}

/** A value for the hop behind: 60 s → 65 s, 600 s → 620 s. */
export function keptLonger(ms: Ms): Ms {
  return Math.ceil((ms + Math.max(5000, ms / 30)) / 1000) * 1000;
}

/** A value for the hop in front: 5 s → 4 s, 2 s → 1 s, 75 s → 70 s. */
export function reusedLess(ms: Ms): Ms {
  const lower = ms - Math.min(5000, Math.max(1000, ms / 5));
  return lower >= 1000 ? Math.floor(lower / 1000) * 1000 : Math.max(1, Math.floor(ms / 2));
}
