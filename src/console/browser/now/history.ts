// The last minute and a half of the live figures, for the small pictures in the tiles. Kept while the page is open,
// whatever page is shown.
import type { Now } from "../../model.ts";
import { onLive } from "../live.ts";
import { createStore } from "../store.ts";

export interface Sample {
  readonly perSecond: number;
  readonly shown: number;
  readonly saved: number;
  readonly p95: number;
  readonly connections: number;
}

export const SAMPLES_MAX = 90;

export const history = createStore<readonly Sample[]>([]);

onLive((event) => {
  if (event.event === "now") history.set([...history.get().slice(1 - SAMPLES_MAX), sampleOf(event.now)]);
});

function sampleOf({ all, gateway }: Now): Sample {
  const { perSecond, shownPerSecond: shown, savedPerSecond: saved, p95Ms } = all;
  return { perSecond, shown, saved, p95: p95Ms ?? 0, connections: gateway.connections };
}
