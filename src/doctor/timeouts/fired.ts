// Which timer may have ended a wait, by how long it took: first those of the hops of the chain with the values that
// hold there, then the defaults of all programs. A heuristic: it names candidates, never a cause.
import type { Ms } from "../../std/units.ts";
import { SOFTWARE, SOFTWARE_IDS, type SoftwareId } from "../software.ts";
import { defaultTimers } from "./defaults.ts";
import type { HopTimer, TimeoutChain, TimerId } from "./model.ts";

/** A timer whose value a duration is near. */
export interface FiredTimer {
  /** Name of the hop in the chain, or of the program. */
  readonly name: string;
  readonly software: SoftwareId;
  readonly timer: HopTimer;
  readonly inChain: boolean;
}

/** Those that end a wait with an error. */
const ENDING: ReadonlySet<TimerId> = new Set(["connect", "response", "total", "try-total", "worker", "dns"]);
const EARLY_MS = 50;
const LATE_MS = 250;
const LATE_SHARE = 0.02;
/** Two of its own pages disagree: 100 s and 120 s, and failures are seen up to 125 s. */
const CLOUDFLARE_MS: readonly [Ms, Ms] = [99_950, 125_000];

/** Timers that a failure after `ms` may come from, the chain's own first; at most one per program and setting. */
export function timersFired(ms: Ms, chain: TimeoutChain | null): readonly FiredTimer[] {
  const own = (chain?.hops ?? []).flatMap(({ name, software, timers }) =>
    timers.map((timer) => ({ name, software, timer, inChain: true })),
  );
  const inChain = new Set(own.map(({ software }) => software));
  // Of a program that is in the chain its own values hold, whatever its defaults are.
  const others = SOFTWARE_IDS.filter((software) => !inChain.has(software)).flatMap((software) =>
    defaultTimers(software).map((timer) => ({ name: SOFTWARE[software].name, software, timer, inChain: false })),
  );
  const near = [...own, ...others].filter(({ software, timer }) => ENDING.has(timer.id) && isNear(ms, software, timer));
  const known = new Set<string>();
  return near.filter(({ name, timer }) => {
    const key = `${name} ${timer.setting}`;
    return !known.has(key) && known.add(key);
  });
}

function isNear(ms: Ms, software: SoftwareId, { id, value, from }: HopTimer): boolean {
  if (value === null) return false;
  const [earliest, latest] = CLOUDFLARE_MS;
  if (software === "cloudflare" && id === "response" && from === "default") return ms >= earliest && ms <= latest;
  return ms >= value - EARLY_MS && ms <= value + Math.max(LATE_MS, value * LATE_SHARE);
}
