// A small picture of a row of figures: bars, with a second row stacked on them (errors over saved). No axis; the words
// beside it give the numbers, `label` gives them to screen readers.
import type { Tone } from "./tone.ts";

export interface SparkProps {
  readonly values: readonly number[];
  readonly tone?: Tone;
  /** Stacked on the first. */
  readonly second?: readonly number[];
  readonly secondTone?: Tone;
  /** What it shows, in words; "" = the words beside it say so, it is decoration. */
  readonly label: string;
  readonly width?: number;
  readonly height?: number;
  readonly kind?: "bars" | "line";
  /** How many values there is room for; fewer begin at the left end. Lines only. */
  readonly slots?: number;
}

export function Spark(props: SparkProps) {
  const {
    values,
    second,
    label,
    tone = "info",
    secondTone = "good",
    width = 120,
    height = 24,
    kind = "bars",
    slots = 0,
  } = props;
  const heights = values.map((value, index) => value + (second?.[index] ?? 0));
  const max = Math.max(1e-9, ...heights);
  const step = width / Math.max(1, values.length);
  const y = (value: number): number => height - (value / max) * (height - 1);
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: named by aria-label, or hidden
    <svg
      class="spark"
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      preserveAspectRatio="none"
      {...(label === "" ? { "aria-hidden": "true" } : { role: "img", "aria-label": label })}
    >
      {kind === "bars" && second && (
        <path class={`t-${secondTone}`} fill="currentColor" d={bars(heights, step, height, y)} />
      )}
      {kind === "bars" ? (
        <path class={`t-${tone}`} fill="currentColor" d={bars(values, step, height, y)} />
      ) : (
        <path
          class={`t-${tone}`}
          fill="none"
          stroke="currentColor"
          stroke-width="1.5"
          stroke-linejoin="round"
          vector-effect="non-scaling-stroke"
          d={line(values, width, Math.max(slots, values.length), y)}
        />
      )}
    </svg>
  );
}

function line(values: readonly number[], width: number, slots: number, y: (value: number) => number): string {
  const step = width / Math.max(1, slots - 1);
  return values.map((value, index) => `${index === 0 ? "M" : "L"}${fixed(index * step)} ${fixed(y(value))}`).join("");
}

function bars(values: readonly number[], step: number, height: number, y: (value: number) => number): string {
  const wide = Math.max(0.5, step - (step > 3 ? 1 : 0));
  return values
    .map((value, index) => {
      if (value <= 0) return "";
      // Something that happened is seen, however small beside the largest.
      const top = Math.min(y(value), height - 1.5);
      return `M${fixed(index * step)} ${height}V${fixed(top)}h${fixed(wide)}V${height}Z`;
    })
    .join("");
}

const fixed = (value: number): string => value.toFixed(1).replace(/\.0$/, "");
