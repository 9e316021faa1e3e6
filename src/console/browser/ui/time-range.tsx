// Which span of time a page shows: buttons for the common ones, and the chosen own one (a zoom) with the way back. The
// range stands in the address (`?last=1h`, or `?from=…&to=…`), so that a link shows the same.
import type { Range } from "../../../store/model.ts";
import { instant } from "../format.ts";
import { gatewayTime } from "../live.ts";
import { setQuery, useQuery } from "../router.tsx";
import { Button } from "./button.tsx";

export const LASTS = ["5m", "15m", "1h", "6h", "24h", "7d", "30d"] as const;
export type Last = (typeof LASTS)[number];

const LENGTH_MS: Readonly<Record<Last, number>> = {
  "5m": 300_000,
  "15m": 900_000,
  "1h": 3_600_000,
  "6h": 21_600_000,
  "24h": 86_400_000,
  "7d": 604_800_000,
  "30d": 2_592_000_000,
};
const WORDS: Readonly<Record<Last, string>> = {
  "5m": "5 min",
  "15m": "15 min",
  "1h": "1 h",
  "6h": "6 h",
  "24h": "24 h",
  "7d": "7 d",
  "30d": "30 d",
};

export interface Chosen {
  /** null = a fixed range was chosen. */
  readonly last: Last | null;
  /** At this moment: of a moving one it changes as time goes on. */
  readonly range: () => Range;
  /** The same string = the same choice: for useAsked's deps. */
  readonly key: string;
}

/** The choice as the address has it. */
export function useRange(fallback: Last = "1h"): Chosen {
  const [query] = useQuery();
  const [from, to] = [Number(query.get("from")), Number(query.get("to"))];
  if (from > 0 && to > from) return { last: null, range: () => ({ from, to }), key: `${from}-${to}` };
  const wanted = query.get("last") as Last;
  const last = LASTS.includes(wanted) ? wanted : fallback;
  const range = (): Range => {
    const now = gatewayTime();
    return { from: now - LENGTH_MS[last], to: now };
  };
  return { last, range, key: last };
}

/** Chooses a fixed range: what a chart's onZoom calls. */
export const zoomTo = (from: number, to: number): void =>
  setQuery({ last: null, from: String(Math.round(from)), to: String(Math.round(to)) }, true);

/** `fallback` as for useRange. */
export function TimeRange({ fallback = "1h" }: { readonly fallback?: Last }) {
  const { last, range } = useRange(fallback);
  return (
    <fieldset class="time-range">
      <legend class="unseen">Span of time</legend>
      {LASTS.map((one) => (
        <Button
          key={one}
          small
          kind="quiet"
          pressed={one === last}
          label={`The last ${WORDS[one]}`}
          onClick={() => setQuery({ last: one, from: null, to: null }, true)}
        >
          {WORDS[one]}
        </Button>
      ))}
      {last === null && <FixedRange range={range()} back={fallback} />}
    </fieldset>
  );
}

function FixedRange({ range: { from, to }, back }: { readonly range: Range; readonly back: Last }) {
  const now = gatewayTime();
  return (
    <span class="fixed-range">
      {instant(from, now)} – {instant(to, now)}
      <Button
        small
        kind="quiet"
        label="Leave the zoom"
        onClick={() => setQuery({ last: back, from: null, to: null }, true)}
      >
        ✕
      </Button>
    </span>
  );
}
