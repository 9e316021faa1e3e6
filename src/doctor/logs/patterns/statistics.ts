// Whether a difference between counts can be chance: Fisher's exact test, one-sided, and sums of logarithms for it. Pure.

const LOG_FACTORIALS: number[] = [0];
const EXACT_MAX = 4096;

/** ln n!: exact sums for small n, Stirling's series beyond. */
export function logFactorial(n: number): number {
  if (n < EXACT_MAX) {
    for (let k = LOG_FACTORIALS.length; k <= n; k++) LOG_FACTORIALS.push((LOG_FACTORIALS[k - 1] ?? 0) + Math.log(k));
    return LOG_FACTORIALS[n] ?? 0;
  }
  return n * Math.log(n) - n + Math.log(2 * Math.PI * n) / 2 + 1 / (12 * n) - 1 / (360 * n ** 3);
}

const logChoose = (n: number, k: number): number => logFactorial(n) - logFactorial(k) - logFactorial(n - k);

export interface Share {
  readonly hits: number;
  readonly of: number;
}

/**
 * The chance that `a` has so many hits (or more) where hits fall on a and b alike. 0 … 1; small = it is no chance.
 */
export function chanceOf(a: Share, b: Share): number {
  const hits = a.hits + b.hits;
  const all = a.of + b.of;
  const most = Math.min(a.of, hits);
  const base = logChoose(all, hits);
  let sum = 0;
  for (let k = a.hits; k <= most; k++) {
    const term = Math.exp(logChoose(a.of, k) + logChoose(b.of, hits - k) - base);
    sum += term;
    // Terms only fall from here on.
    if (term < sum * 1e-9 && k > (hits * a.of) / all) break;
  }
  return Math.min(1, sum);
}

export const rateOf = ({ hits, of }: Share): number => (of === 0 ? 0 : hits / of);

export const sumOf = (numbers: Iterable<number>): number => {
  let sum = 0;
  for (const number of numbers) sum += number;
  return sum;
};

/** Of values in ascending order. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.floor(sorted.length * share)))] ?? 0;
}
