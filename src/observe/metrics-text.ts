// Metric families as plain data: what a worker sends to the primary, what is added up there, and the text that
// Prometheus reads (exposition format 0.0.4). Nothing here is on the data path.

/** How the values of several workers become one. */
export type Merge = "sum" | "min" | "max";

/** One time series: values of the family's labels, then its value or, for a histogram, counts per bucket and sum. */
export type Sample =
  | { readonly labels: readonly string[]; value: number }
  | { readonly labels: readonly string[]; counts: number[]; sum: number };

/** A metric with all its series. A histogram's `bounds` are upper bounds; `counts` has one more, for +Inf. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  readonly merge: Merge;
  readonly bounds?: readonly number[];
  readonly samples: Sample[];
}

/** The families of several workers as one list; series with the same labels are merged. The input stays as it is. */
export function mergeFamilies(snapshots: readonly (readonly Family[])[]): Family[] {
  const merged = new Map<string, { family: Family; byLabels: Map<string, Sample> }>();
  for (const family of snapshots.flat()) {
    let into = merged.get(family.name);
    if (!into) {
      into = { family: { ...family, samples: [] }, byLabels: new Map() };
      merged.set(family.name, into);
    }
    for (const sample of family.samples) {
      const key = JSON.stringify(sample.labels);
      const known = into.byLabels.get(key);
      if (known) addSample(known, sample, family.merge);
      else {
        const copy = "counts" in sample ? { ...sample, counts: [...sample.counts] } : { ...sample };
        into.byLabels.set(key, copy);
        into.family.samples.push(copy);
      }
    }
  }
  return [...merged.values()].map((entry) => entry.family);
}

function addSample(into: Sample, sample: Sample, merge: Merge): void {
  if ("counts" in into && "counts" in sample) {
    sample.counts.forEach((value, bucket) => {
      into.counts[bucket] = (into.counts[bucket] ?? 0) + value;
    });
    into.sum += sample.sum;
  } else if ("value" in into && "value" in sample) {
    if (merge === "sum") into.value += sample.value;
    else into.value = merge === "min" ? Math.min(into.value, sample.value) : Math.max(into.value, sample.value);
  }
}

/** The Content-Type of renderFamilies' text. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Families as Prometheus text; families without a series are left out. */
export function renderFamilies(families: readonly Family[]): string {
  const parts: string[] = [];
  for (const family of families) {
    if (family.samples.length === 0) continue;
    parts.push(`# HELP ${family.name} ${escapeHelp(family.help)}\n# TYPE ${family.name} ${family.type}\n`);
    for (const sample of family.samples) {
      const labels = family.labels.map((label, i) => `${label}="${escapeLabel(sample.labels[i] ?? "")}"`).join(",");
      if ("counts" in sample) parts.push(renderHistogram(family, labels, sample.counts, sample.sum));
      else parts.push(`${family.name}${labels && `{${labels}}`} ${numberText(sample.value)}\n`);
    }
  }
  return parts.join("");
}

function renderHistogram(family: Family, labels: string, counts: readonly number[], sum: number): string {
  const bounds = family.bounds ?? [];
  let cumulative = 0;
  let text = "";
  for (let bucket = 0; bucket <= bounds.length; bucket++) {
    cumulative += counts[bucket] ?? 0;
    const bound = bucket < bounds.length ? numberText(bounds[bucket]!) : "+Inf";
    text += `${family.name}_bucket{${labels && `${labels},`}le="${bound}"} ${numberText(cumulative)}\n`;
  }
  const braces = labels && `{${labels}}`;
  return `${text}${family.name}_sum${braces} ${numberText(sum)}\n${family.name}_count${braces} ${numberText(cumulative)}\n`;
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value);
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function escapeHelp(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
