// A chart over time: uPlot (loaded with the first chart), in the colours of the scheme. Dragging over it zooms; marks
// (deploys, reloads, health) stand as lines with a flag. Who cannot see or drag it gets the same as a table, and the
// zoom by buttons of TimeRange.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type UPlot from "uplot";
import { clock, clockShort, day } from "../format.ts";
import { scheme } from "../scheme.ts";
import { useStore } from "../store.ts";
import { drawMarks } from "./chart-marks.ts";

export interface ChartSeries {
  readonly name: string;
  /** One for each instant of `at`; null = a gap. */
  readonly values: readonly (number | null)[];
  /** A custom property of the style: "--good", "--bad", "--c1" … "--c6". */
  readonly color: string;
  /** line (default); area = filled to the ground; bars. Of a stack: area. */
  readonly kind?: "line" | "area" | "bars";
  /** Lines are told apart without colour, too: [4, 4]. */
  readonly dash?: number[];
}

export interface ChartMark {
  readonly at: number;
  readonly text: string;
  readonly level: "info" | "warn";
}

export interface ChartBand {
  readonly from: number;
  readonly to: number;
  /** A custom property of the style. */
  readonly color: string;
}

export interface ChartProps {
  /** What it shows: its name for screen readers and the caption of its table. */
  readonly title: string;
  /** Instants in milliseconds, ascending. */
  readonly at: readonly number[];
  readonly series: readonly ChartSeries[];
  /** Each series is drawn on top of those before it; give them in that order. */
  readonly stacked?: boolean;
  readonly format: (value: number) => string;
  /** Pixels; default 180. */
  readonly height?: number;
  /** The shown span where it is longer than the data. */
  readonly range?: { readonly from: number; readonly to: number };
  readonly marks?: readonly ChartMark[];
  /** Shaded spans behind the lines: incidents. */
  readonly bands?: readonly ChartBand[];
  /** Somebody dragged over a span. */
  readonly onZoom?: (from: number, to: number) => void;
  /** Charts with the same key share their cursor. */
  readonly sync?: string;
  /** Of the figures shown below the title while nothing is pointed at: the newest (default) or the sums. */
  readonly legend?: boolean;
}

export function Chart(props: ChartProps) {
  const { title, series, height = 180, legend = true } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [pointed, setPointed] = useState<number | null>(null);
  const [failed, setFailed] = useState(false);
  const colours = useStore(scheme, (value) => value);
  const shape = `${colours}|${height}|${props.stacked}|${series.map(({ name, color, kind }) => `${name},${color},${kind}`).join("|")}`;

  // A new plot only where its form changes; data come below.
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    let gone = false;
    const resize = new ResizeObserver(([entry]) => {
      if (entry) plot.current?.setSize({ width: Math.max(120, Math.floor(entry.contentRect.width)), height });
    });
    import("uplot").then(
      ({ default: Plot }) => {
        if (gone) return;
        plot.current = new Plot(optionsOf(Plot, latest, element, height, setPointed), dataOf(latest.current), element);
        resize.observe(element);
      },
      () => setFailed(true),
    );
    return () => {
      gone = true;
      resize.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape]);

  const { at, range, marks, bands } = props;
  // What the data consist of.
  useEffect(() => {
    plot.current?.setData(dataOf(latest.current));
  }, [at, series, range?.from, range?.to, marks, bands]);

  return (
    <figure class="chart" aria-label={title}>
      {legend && <Legend {...props} index={pointed} />}
      <div class="plot" ref={box} aria-hidden="true" style={{ minHeight: `${height}px` }} />
      {failed && <p class="hint">The chart could not be loaded; the table below has its figures.</p>}
      <FiguresTable {...props} />
    </figure>
  );
}

function Legend({ series, at, format, index }: ChartProps & { readonly index: number | null }) {
  const place = index ?? at.length - 1;
  const when = at[place];
  return (
    <p class="legend">
      {series.map(({ name, values, color, dash }) => {
        const value = values[place];
        return (
          <span key={name} class="legend-item">
            <svg width="18" height="8" aria-hidden="true">
              <line
                x1="0"
                x2="18"
                y1="4"
                y2="4"
                stroke={`var(${color})`}
                stroke-width="3"
                {...(dash ? { "stroke-dasharray": dash.join(" ") } : {})}
              />
            </svg>
            {name} <b>{value === null || value === undefined ? "–" : format(value)}</b>
          </span>
        );
      })}
      {when !== undefined && <span class="legend-when">{clock(when)}</span>}
    </p>
  );
}

const ROWS_MAX = 24;

/** At most ROWS_MAX rows, evenly chosen; opened by whoever wants it. */
function FiguresTable({ title, at, series, format }: ChartProps) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const step = Math.max(1, Math.ceil(at.length / ROWS_MAX));
  const rows = open ? at.map((when, index) => [when, index] as const).filter(([, index]) => index % step === 0) : [];
  return (
    <details class="figures" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Figures<span class="unseen"> of {title}</span>
      </summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="table-box" tabIndex={0} aria-labelledby={id}>
        <table>
          <caption class="unseen" id={id}>
            {title}
          </caption>
          <thead>
            <tr>
              <th scope="col">Time</th>
              {series.map(({ name }) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([when, index]) => (
              <tr key={when}>
                <th scope="row">
                  {day(when)} {clock(when)}
                </th>
                {series.map(({ name, values }) => {
                  const value = values[index];
                  return (
                    <td key={name} class="number">
                      {value === null || value === undefined ? "–" : format(value)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}

/** Seconds, as uPlot counts; stacked ones added up from below, and given from the top one down so that all are seen. */
function dataOf({ at, series, stacked }: ChartProps): UPlot.AlignedData {
  const times = at.map((ms) => ms / 1000);
  if (!stacked) return [times, ...series.map(({ values }) => [...values])];
  const sums: (number | null)[][] = [];
  let below: readonly (number | null)[] = [];
  for (const { values } of series) {
    // Where none of the stack knows anything it is a gap, not nothing.
    const sum = values.map((value, index) =>
      value === null && series.every((one) => (one.values[index] ?? null) === null)
        ? null
        : (value ?? 0) + (below[index] ?? 0),
    );
    sums.push(sum);
    below = sum;
  }
  return [times, ...sums.reverse()];
}

function optionsOf(
  Plot: typeof UPlot,
  latest: { readonly current: ChartProps },
  element: HTMLElement,
  height: number,
  onPoint: (index: number | null) => void,
): UPlot.Options {
  const { series, stacked, format, onZoom, sync } = latest.current;
  const style = getComputedStyle(element);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  const drawn = stacked ? [...series].reverse() : series;
  const font = `12px ${style.fontFamily}`;
  const axis = { stroke: color("--soft"), font, grid: { stroke: color("--grid"), width: 1 }, ticks: { show: false } };
  return {
    width: Math.max(120, Math.floor(element.clientWidth)),
    height,
    legend: { show: false },
    // Half a label of time may stand over the right end.
    padding: [8, 24, 0, 0],
    cursor: {
      y: false,
      drag: { x: onZoom !== undefined, y: false, setScale: false },
      points: { size: 6 },
      ...(sync ? { sync: { key: sync, setSeries: false } } : {}),
    },
    scales: {
      x: { time: true, range: (_plot, min, max) => spanOf(latest.current, min, max) },
      y: { range: (_plot, _min, max) => [0, max === null || max <= 0 ? 1 : max * 1.08] },
    },
    axes: [
      { ...axis, size: 28, space: 72, values: (_plot, splits) => timeLabels(splits) },
      { ...axis, size: 56, space: 32, values: (_plot, splits) => splits.map((value) => format(value)) },
    ],
    series: [
      {},
      ...drawn.map(({ color: name, kind = "line", dash }): UPlot.Series => {
        const filled = stacked || kind !== "line";
        return {
          stroke: color(name),
          width: stacked ? 1 : 1.75,
          // A value between two gaps is no line: it is a dot.
          points: { show: false, size: 5, fill: color(name), filter: kind === "bars" ? () => null : alone },
          spanGaps: false,
          ...(filled ? { fill: stacked || kind === "bars" ? color(name) : `${color(name)}33` } : {}),
          ...(dash ? { dash } : {}),
          ...(kind === "bars" && Plot.paths.bars ? { paths: Plot.paths.bars({ size: [0.8, 24] }) } : {}),
        };
      }),
    ],
    hooks: {
      drawClear: [(plot) => drawMarks(plot, latest.current, color, "behind")],
      draw: [(plot) => drawMarks(plot, latest.current, color, "front")],
      setCursor: [(plot) => onPoint(plot.cursor.idx ?? null)],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 6) return;
          latest.current.onZoom?.(plot.posToVal(left, "x") * 1000, plot.posToVal(left + width, "x") * 1000);
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

/** Indices of values between two gaps; null = there are none. */
function alone(plot: UPlot, index: number): number[] | null {
  const values = plot.data[index] ?? [];
  const lone: number[] = [];
  for (let at = 0; at < values.length; at += 1) {
    if ((values[at] ?? null) !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null)
      lone.push(at);
  }
  return lone.length > 0 ? lone : null;
}

function spanOf({ range }: ChartProps, min: number | null, max: number | null): [number, number] {
  if (range) return [range.from / 1000, range.to / 1000];
  return [min ?? 0, max ?? 1];
}

/** "12:01"; with seconds where labels are less than a minute apart, days where they are a day apart. */
function timeLabels(splits: readonly number[]): string[] {
  const step = splits.length > 1 ? splits[1]! - splits[0]! : 60;
  return splits.map((seconds, index) => {
    const at = seconds * 1000;
    if (step >= 86_400) return day(at);
    const newDay = index > 0 && day(at) !== day((splits[index - 1] ?? seconds) * 1000);
    if (newDay) return day(at);
    return step < 60 ? clock(at) : clockShort(at);
  });
}
