// The charts of the traffic: one cursor over all of them, incidents as shaded spans, what happened as marks. For one
// series its parts are shown (status classes, causes, percentiles); side by side one line for each of the busiest.
import { useMemo } from "preact/hooks";
import type { Mark } from "../../../incidents/model.ts";
import type { Range } from "../../../store/model.ts";
import type { IncidentRow } from "../../model.ts";
import { latency, perSecond as rate, short, span } from "../format.ts";
import { Chart, type ChartBand, type ChartMark, type ChartSeries } from "../ui/chart.tsx";
import type { Scope } from "./scope.ts";
import { sideBySide } from "./scope.ts";
import {
  busiest,
  causeSeries,
  classSeries,
  counts,
  type Gridded,
  percentile,
  perSecond,
  savedSeries,
  sumOf,
  type Values,
} from "./series.ts";

export interface ChartsProps {
  readonly scope: Scope;
  readonly range: Range;
  readonly gridded: Gridded;
  readonly incidents: readonly IncidentRow[];
  readonly marks: readonly Mark[];
  readonly now: number;
  readonly onZoom: (from: number, to: number) => void;
}

const COLOURS = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"] as const;
const DASHES: readonly (number[] | undefined)[] = [undefined, [6, 3], [2, 3]];
const CLASS_COLOURS: Readonly<Record<string, string>> = {
  "1xx": "--c6",
  "2xx": "--c4",
  "3xx": "--c1",
  "4xx": "--c2",
  "5xx": "--bad",
  "no answer": "--quiet",
};
const LINES_MAX = 8;
const MARKS_MAX = 20;
const TELLING: ReadonlySet<Mark["kind"]> = new Set([
  "deploy",
  "reload",
  "reload-refused",
  "started",
  "upgrade",
  "outage-begun",
  "breaker-opened",
  "addresses-changed",
]);
const CAUSES_MAX = 6;

/** What all charts of the page have in common. */
interface Shared {
  readonly at: readonly number[];
  readonly range: Range;
  readonly marks: readonly ChartMark[];
  readonly bands: readonly ChartBand[];
  readonly onZoom: (from: number, to: number) => void;
  readonly sync: string;
}

export function Charts(props: ChartsProps) {
  const { scope, range, gridded, incidents, marks, now, onZoom } = props;
  const chartMarks = useMemo(() => tellingMarks(marks), [marks]);
  const bands = useMemo(() => incidents.map((incident) => bandOf(incident, now)), [incidents, now]);
  const shared = { at: gridded.grid.at, range, marks: chartMarks, bands, onZoom, sync: "traffic" };
  if (sideBySide(scope)) return <SideBySide gridded={gridded} scope={scope} shared={shared} />;
  return <Parts gridded={gridded} scope={scope} shared={shared} />;
}

/** Where many stand, only what people did and what took a whole upstream away: a fence of lines hides the figures. */
function tellingMarks(marks: readonly Mark[]): ChartMark[] {
  const chosen = marks.length > MARKS_MAX ? marks.filter(({ kind }) => TELLING.has(kind)) : marks;
  return chosen.slice(-2 * MARKS_MAX).map(({ at, text, level }) => ({ at, text, level }));
}

function bandOf({ severity, openedAt, closedAt }: IncidentRow, now: number): ChartBand {
  const color = severity === "saved" ? "--good" : severity === "notice" ? "--quiet" : "--bad";
  return { from: openedAt, to: closedAt ?? now, color };
}

interface PartProps {
  readonly gridded: Gridded;
  readonly scope: Scope;
  readonly shared: Shared;
}

/** One series in its parts. */
function Parts({ gridded, scope, shared }: PartProps) {
  const { grid } = gridded;
  const series = useMemo(() => {
    const row = sumOf(gridded);
    const classes = classSeries(row, grid).map(
      ({ name, values }): ChartSeries => ({ name, values, color: CLASS_COLOURS[name] ?? "--c6" }),
    );
    return {
      rate:
        classes.length > 0
          ? classes
          : [{ name: "attempts", values: perSecond(row, grid, ({ requests }) => requests), color: "--c1" }],
      stacked: classes.length > 0,
      errors: [
        { name: "shown", values: counts(row, ({ shown }) => shown), color: "--bad", kind: "bars" as const },
        { name: "avoided", values: counts(row, ({ saved }) => saved), color: "--good", kind: "bars" as const },
      ],
      latency: [
        line("p50", percentile(row, 0.5), 0),
        line("p95", percentile(row, 0.95), 1),
        line("p99", percentile(row, 0.99), 2),
      ],
      causes: causeSeries(row, CAUSES_MAX).map((one, index) => bars(one.name, one.values, index)),
      saved: savedSeries(row).map((one, index) => bars(one.name, one.values, index + 3)),
    };
  }, [gridded]);
  const attempts = scope.kind === "endpoint";
  const each = `each bar ${span(grid.spanMs)}`;
  return (
    <div class="charts">
      <Card title={attempts ? "Attempts per second" : "Requests per second, by status"}>
        <Chart {...shared} title="Requests per second" series={series.rate} stacked={series.stacked} format={rate} />
      </Card>
      <Card title={attempts ? "Failed attempts, and those mended" : "Gateway errors shown and avoided"} hint={each}>
        <Chart {...shared} title="Gateway errors shown and avoided" series={series.errors} stacked format={short} />
      </Card>
      <Card title={attempts ? "Time to the response head" : "Latency"}>
        <Chart {...shared} title="Latency percentiles" series={series.latency} format={latency} />
      </Card>
      <Card title="Failures by cause" hint={each}>
        {series.causes.length > 0 ? (
          <Chart {...shared} title="Failures by cause" series={series.causes} stacked format={short} />
        ) : (
          <p class="soft nothing">Nothing failed in this time.</p>
        )}
      </Card>
      {series.saved.length > 1 && (
        <Card title="What avoided them" hint={each}>
          <Chart
            {...shared}
            title="Errors avoided, by what avoided them"
            series={series.saved}
            stacked
            format={short}
          />
        </Card>
      )}
    </div>
  );
}

/** The busiest of a kind, a line each. */
function SideBySide({ gridded, scope, shared }: PartProps) {
  const { grid } = gridded;
  const lines = useMemo(() => {
    const names = busiest(gridded, LINES_MAX);
    const of = (values: (row: NonNullable<ReturnType<typeof gridded.series.get>>) => Values): ChartSeries[] =>
      names.map((name, index) => line(name, values(gridded.series.get(name) ?? []), index));
    return {
      rate: of((row) => perSecond(row, grid, ({ requests }) => requests)),
      shown: of((row) => counts(row, ({ shown }) => shown)),
      p95: of((row) => percentile(row, 0.95)),
    };
  }, [gridded]);
  const left = gridded.series.size - LINES_MAX;
  const failed = scope.kind === "endpoint" ? "Failed attempts" : "Gateway errors shown";
  return (
    <>
      {left > 0 && (
        <p class="hint">
          The {LINES_MAX} busiest are drawn; {left} more can be chosen by name.
        </p>
      )}
      <div class="charts">
        <Card title={scope.kind === "endpoint" ? "Attempts per second" : "Requests per second"}>
          <Chart {...shared} title="Requests per second" series={lines.rate} format={rate} />
        </Card>
        <Card title={failed} hint={`each point ${span(grid.spanMs)}`}>
          <Chart {...shared} title={failed} series={lines.shown} format={short} />
        </Card>
        <Card title="Latency, 95 of 100 are faster (p95)">
          <Chart {...shared} title="Latency p95" series={lines.p95} format={latency} />
        </Card>
      </div>
    </>
  );
}

interface CardProps {
  readonly title: string;
  readonly hint?: string;
  readonly children: preact.ComponentChildren;
}

function Card({ title, hint, children }: CardProps) {
  return (
    <section class="card chart-card" aria-label={title}>
      <h2>
        {title} {hint && <span class="soft">{hint}</span>}
      </h2>
      {children}
    </section>
  );
}

/** Colours repeat after six; the dashes then differ, so that no two lines look alike. */
function line(name: string, values: Values, index: number): ChartSeries {
  const dash = DASHES[(index + Math.floor(index / COLOURS.length)) % DASHES.length];
  return { name, values, color: COLOURS[index % COLOURS.length]!, ...(dash ? { dash } : {}) };
}

function bars(name: string, values: Values, index: number): ChartSeries {
  return { name, values, color: COLOURS[index % COLOURS.length]!, kind: "bars" };
}
