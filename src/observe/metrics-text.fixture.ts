// A strict reader of the Prometheus text format 0.0.4, for tests: it throws on whatever the format forbids, and on
// histograms that do not add up.

/** One sample line. */
export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/;
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;

/** Reads the text; throws an Error that names the line. */
export function parseMetrics(text: string): ParsedSample[] {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line has no end");
  const samples: ParsedSample[] = [];
  const types = new Map<string, string>();
  const seen = new Set<string>();
  let family = "";
  for (const line of text.split("\n").slice(0, -1)) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/s.exec(line);
    if (comment) {
      family = comment[2]!;
      if (comment[1] === "TYPE") {
        if (types.has(family)) throw new Error(`two TYPE lines: ${line}`);
        types.set(family, comment[3]!);
      }
      continue;
    }
    const sample = parseSample(line);
    const suffixes = types.get(family) === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
    if (!suffixes.some((suffix) => sample.name === family + suffix)) throw new Error(`outside its family: ${line}`);
    const key = line.slice(0, line.lastIndexOf(" "));
    if (seen.has(key)) throw new Error(`twice: ${line}`);
    seen.add(key);
    samples.push(sample);
  }
  checkHistograms(samples, types);
  return samples;
}

function parseSample(line: string): ParsedSample {
  const [, name, labelText = "", number] = SAMPLE.exec(line) ?? [];
  if (!name || !NUMBER.test(number!)) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  for (let rest = labelText; rest !== ""; ) {
    const label = LABEL.exec(rest);
    if (!label || Object.hasOwn(labels, label[1]!)) throw new Error(`bad label: ${line}`);
    labels[label[1]!] = label[2]!.replace(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char));
    rest = rest.slice(label[0].length);
  }
  return { name, labels, value: Number(number!.replace("Inf", "Infinity")) };
}

function checkHistograms(samples: readonly ParsedSample[], types: ReadonlyMap<string, string>): void {
  for (const [family, type] of types) {
    if (type !== "histogram") continue;
    const bySeries = new Map<string, ParsedSample[]>();
    for (const sample of samples.filter((one) => one.name === `${family}_bucket`)) {
      const { le: _, ...rest } = sample.labels;
      const key = JSON.stringify(rest);
      bySeries.set(key, [...(bySeries.get(key) ?? []), sample]);
    }
    for (const [key, buckets] of bySeries) {
      const total = samples.find((one) => one.name === `${family}_count` && JSON.stringify(one.labels) === key);
      buckets.reduce((before, bucket) => {
        const isUp = Number(bucket.labels["le"]!.replace("Inf", "Infinity")) > Number(before.labels["le"]);
        if (!isUp || bucket.value < before.value) throw new Error(`${family} ${key}: buckets do not rise`);
        return bucket;
      });
      if (buckets.at(-1)!.labels["le"] !== "+Inf" || total?.value !== buckets.at(-1)!.value) {
        throw new Error(`${family} ${key}: +Inf and count differ`);
      }
    }
  }
}
