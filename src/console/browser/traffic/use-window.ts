// The chosen time of a page, from the address and into it, and its range at this moment. One that moves on with the
// clock gives a new range now and then, while somebody looks at the page.
import { useEffect, useMemo, useReducer, useRef } from "preact/hooks";
import type { Range } from "../../../store/model.ts";
import { gatewayTime } from "../live.ts";
import { setQuery, useQuery } from "../router.tsx";
import { type Preset, rangeOf, readWindow, refreshMs, type TimeWindow, writeWindow } from "./window.ts";

export interface UsedWindow {
  readonly window: TimeWindow;
  /** The same object until the window changes or time has gone on. */
  readonly range: Range;
  /** The same text = the same choice. */
  readonly key: string;
  choose(window: TimeWindow): void;
}

/** `otherwise` = key of the preset where the address says nothing. */
export function useTimeWindow(presets: readonly Preset[], otherwise: string): UsedWindow {
  const [params] = useQuery();
  const window = readWindow(params, presets, otherwise);
  const key = "lastMs" in window ? `last ${window.lastMs}` : `${window.from} ${window.to}`;
  const [tick, next] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const every = refreshMs(window);
    if (!Number.isFinite(every)) return;
    const timer = setInterval(() => {
      if (!document.hidden) next(null as never);
    }, every);
    return () => clearInterval(timer);
  }, [key]);
  // By the choice and the ticks, not by each drawing.
  const range = useMemo(() => rangeOf(window, gatewayTime()), [key, tick]);
  const chosen = useRef(key);
  chosen.current = key;
  const choose = (to: TimeWindow): void => {
    const written = new URLSearchParams();
    writeWindow(written, to, presets, otherwise);
    const values = { last: written.get("last"), from: written.get("from"), to: written.get("to") };
    const now = new URLSearchParams(location.search);
    // Charts that share a cursor all report the same zoom.
    if (Object.entries(values).every(([name, value]) => now.get(name) === value)) return;
    setQuery(values, true);
  };
  return { window, range, key, choose };
}
