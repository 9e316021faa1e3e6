// A hop while the chain is made: with what rules need of the way to the next hop, besides its timers. Whether idle
// connections are reused decides whether they can be closed under a request; how many members there are, how often a
// request may be tried.
import type { Ms } from "../../std/units.ts";
import type { SoftwareId } from "../software.ts";
import { defaultsOf, defaultTimers } from "./defaults.ts";
import type { ChainHop, HopTimer, TimerId } from "./model.ts";

/** yes, no = configured or seen; default = as the current release does; unknown = the program is there, its settings are not. */
export type Reuse = "yes" | "no" | "default" | "unknown";

/** A hop, and how it goes on to the next one. */
export interface Link {
  readonly hop: ChainHop;
  readonly reuse: Reuse;
  /** Members of the pool behind it; null = not known. */
  readonly members: number | null;
  /** The program left a mark, and nothing tells how it is set up: its defaults are a guess. */
  readonly unseen: boolean;
}

/** They pass TCP on and answer nothing: what stands behind them is the next hop for HTTP too. */
const LAYER_4: ReadonlySet<SoftwareId> = new Set(["aws-nlb", "azure-lb"]);

/** Whether the hop only passes bytes on. */
export function isLayer4({ software }: ChainHop): boolean {
  return LAYER_4.has(software);
}

/** A hop with its defaults. */
export function defaultLink(name: string, software: SoftwareId, reuse: Reuse): Link {
  return { hop: { name, software, timers: defaultTimers(software) }, reuse, members: null, unseen: false };
}

/** The link where connections are not reused: how long idle ones would be kept says nothing then. */
export function withoutReuse(link: Link): Link {
  const timers = link.hop.timers.filter(({ id, from }) => id !== "upstream-idle" || from !== "default");
  return { ...link, hop: { ...link.hop, timers }, reuse: "no" };
}

/** What happens at the end of that timer, as far as it is known. */
export function expiryOf(software: SoftwareId, id: TimerId, setting: string): string {
  const fits = defaultsOf(software).filter(({ timers }) => timers.some((timer) => timer.id === id));
  const same = fits.find((row) => row.setting === setting || row.timers.some((timer) => timer.setting === setting));
  return (same ?? fits[0])?.atExpiry ?? "";
}

/** A timer that somebody wrote, measured or asked for. */
export function knownTimer(
  software: SoftwareId,
  timer: Pick<HopTimer, "id" | "setting" | "value" | "from" | "place">,
): HopTimer {
  return { ...timer, confidence: null, atExpiry: expiryOf(software, timer.id, timer.setting) };
}

/**
 * The hop with the timer in the place of what it overrides: the same setting, and defaults for the same wait. Other
 * written settings for that wait stay (a place of their own, a limit beside it).
 */
export function withTimer(hop: ChainHop, timer: HopTimer): ChainHop {
  const isSame = (each: HopTimer): boolean => each.id === timer.id && each.setting === timer.setting;
  const isOverridden = (each: HopTimer): boolean => isSame(each) || (each.id === timer.id && each.from === "default");
  const same = hop.timers.findIndex(isSame);
  const first = same >= 0 ? same : hop.timers.findIndex(isOverridden);
  if (first < 0) return { ...hop, timers: [...hop.timers, timer] };
  const put = (each: HopTimer, index: number): readonly HopTimer[] =>
    index === first ? [timer] : isOverridden(each) ? [] : [each];
  return { ...hop, timers: hop.timers.flatMap(put) };
}

/** The hop's timer for that wait: the one for kept connections, else the first that ends; null = it has none. */
export function timerOf(hop: Pick<ChainHop, "timers">, id: TimerId): HopTimer | null {
  const all = hop.timers.filter((timer) => timer.id === id);
  const ends = all.filter(({ value }) => value !== null);
  // HAProxy's http-keep-alive holds between requests, whatever `timeout client` says beside it.
  return ends.find(({ setting }) => /keep-?alive/i.test(setting)) ?? ends[0] ?? all[0] ?? null;
}

/** The value as a number that can be compared: never = Infinity. */
export function lengthOf({ value }: HopTimer): Ms {
  return value ?? Number.POSITIVE_INFINITY;
}
