// The last minute and a half of the live figures, for the small pictures in the tiles. Kept while the page is open,
// whatever page is shown. What was before the page was opened comes from the store, in its coarser steps.
import { quantile } from "../../../observe/rates.ts";
import type { Point } from "../../../observe/report.ts";
import type { Now } from "../../model.ts";
import { api } from "../api.ts";
import { onLive } from "../live.ts";
import { createStore } from "../store.ts";

export interface Sample {
  readonly perSecond: number;
  readonly shown: number;
  readonly saved: number;
  readonly p95: number;
  /** null = of a time before the page was opened. */
  readonly connections: number | null;
}

export const SAMPLES_MAX = 90;

export const history = createStore<readonly Sample[]>([]);

const SAMPLE_MS = 1000;
let asked = false;

onLive((event) => {
  if (event.event !== "now") return;
  history.set([...history.get().slice(1 - SAMPLES_MAX), sampleOf(event.now)]);
  if (asked) return;
  asked = true;
  const to = event.now.at;
  api.points({ kind: "all", range: { from: to - SAMPLES_MAX * SAMPLE_MS, to } }).then(
    ({ spanMs, points }) => {
      const before = samplesOf(points, spanMs);
      history.set([...before, ...history.get()].slice(-SAMPLES_MAX));
    },
    // Without them the pictures begin now.
    () => undefined,
  );
});

/** A point of the store is as long as several samples; a span without one was quiet. */
function samplesOf(points: readonly Point[], spanMs: number): Sample[] {
  const [first, last] = [points[0], points[points.length - 1]];
  if (!first || !last) return [];
  const byBegin = new Map(points.map((point) => [point.at, point]));
  const samples: Sample[] = [];
  for (let at = first.at; at <= last.at && samples.length < SAMPLES_MAX; at += spanMs) {
    const point = byBegin.get(at);
    const each = (value = 0): number => (value * 1000) / spanMs;
    const sample: Sample = {
      perSecond: each(point?.requests),
      shown: each(point?.shown),
      saved: each(point?.saved),
      p95: point ? (quantile(point.latency, 0.95) ?? 0) : 0,
      connections: null,
    };
    samples.push(...new Array<Sample>(Math.max(1, Math.round(spanMs / SAMPLE_MS))).fill(sample));
  }
  return samples;
}

function sampleOf({ all, gateway }: Now): Sample {
  const { perSecond, shownPerSecond: shown, savedPerSecond: saved, p95Ms } = all;
  return { perSecond, shown, saved, p95: p95Ms ?? 0, connections: gateway.connections };
}
