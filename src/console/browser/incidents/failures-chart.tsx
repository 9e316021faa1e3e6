// Failures of an incident over time: shown to somebody against saved, with what happened around it as marks.
import { useMemo } from "preact/hooks";
import type { Incident, TimelineEntry } from "../../../incidents/model.ts";
import { short, span } from "../format.ts";
import { Chart, type ChartMark } from "../ui/chart.tsx";

const WARNINGS: ReadonlySet<TimelineEntry["kind"]> = new Set([
  "opened",
  "endpoint-gone",
  "health-down",
  "ejected",
  "breaker-opened",
  "outage-begun",
  "reload-refused",
  "poison-request",
]);
/** Of the timeline's entries, what the picture shows by itself. */
const SHOWN_ANYWAY: ReadonlySet<TimelineEntry["kind"]> = new Set(["first-shown", "last-failure"]);

export function FailuresOverTime({ incident }: { readonly incident: Incident }) {
  const { series, timeline } = incident;
  const { fromAt, stepMs, shown, saved } = series;
  const points = Math.max(shown.length, saved.length);
  const to = fromAt + points * stepMs;
  // What went before is part of the picture, as long as the failures keep most of it.
  const before = Math.min(...timeline.map(({ at }) => at), fromAt);
  const from = Math.max(before, fromAt - (to - fromAt) / 3) - stepMs;
  const at = useMemo(
    () => Array.from({ length: points }, (_, index) => fromAt + index * stepMs),
    [points, fromAt, stepMs],
  );
  const marks = useMemo(
    (): ChartMark[] =>
      timeline
        .filter(({ kind }) => !SHOWN_ANYWAY.has(kind))
        .map((entry) => ({ at: entry.at, text: entry.text, level: WARNINGS.has(entry.kind) ? "warn" : "info" })),
    [timeline],
  );
  const rows = useMemo(
    () => [
      { name: "shown", values: at.map((_, index) => shown[index] ?? 0), color: "--bad", kind: "bars" as const },
      { name: "saved", values: at.map((_, index) => saved[index] ?? 0), color: "--good", kind: "bars" as const },
    ],
    [at, shown, saved],
  );
  const range = useMemo(() => ({ from, to }), [from, to]);
  if (points < 2) return null;
  return (
    <section class="card" aria-labelledby="over-time">
      <h2 id="over-time">
        Failures over time <span class="soft">each bar {span(stepMs)}</span>
      </h2>
      <Chart
        title="Failures over time: shown and saved"
        at={at}
        series={rows}
        stacked
        format={short}
        height={140}
        range={range}
        marks={marks}
      />
    </section>
  );
}
