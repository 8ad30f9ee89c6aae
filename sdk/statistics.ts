/** Descriptions, distances and the tests that compare methods over splits and over data sets. */
import { mean, pearson } from "./correlation.ts";
import { chiSquaredTail, fTail, normalCdf, studentTQuantile, studentTTwoSided } from "./distributions.ts";

export { mean, pearson };

/** The sample standard deviation (n − 1); 0 of fewer than two values. */
export function sd(values: ArrayLike<number>): number {
  if (values.length < 2) return 0;
  const m = mean(values);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] - m) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}

/** The q-quantile (0 ≤ q ≤ 1), linear between order statistics; NaN of nothing. */
export function quantile(values: ArrayLike<number>, q: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

/** Ranks from 1 for the smallest; ties share the mean of their ranks. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i).sort(
    (a, b) => values[a] - values[b],
  );
  const out = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) out[order[i]] = (start + end + 1) / 2;
    start = end;
  }
  return out;
}

/** Σ (t³ − t) over groups of t equal values: what ties take from a variance of ranks. */
function tieTerm(values: ArrayLike<number>): number {
  const counts = new Map<number, number>();
  for (let i = 0; i < values.length; i++) counts.set(values[i], (counts.get(values[i]) ?? 0) + 1);
  let sum = 0;
  for (const t of counts.values()) sum += t * t * t - t;
  return sum;
}

/** Spearman's rank correlation, ties by mean ranks; NaN when a side is constant. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return pearson(ranks(a), ranks(b));
}

/**
 * The two-sample Kolmogorov–Smirnov distance sup |F_a − F_b|.
 * @param weights how much each value of `a` counts; all alike without.
 */
export function ksDistance(a: ArrayLike<number>, b: ArrayLike<number>, weights?: ArrayLike<number>): number {
  const order = Uint32Array.from({ length: a.length }, (_, i) => i).sort((i, j) => a[i] - a[j]);
  const sorted = Float64Array.from(b).sort();
  const total = weights ? mean(weights) * weights.length : a.length;
  let below = 0;
  let distance = 0;
  for (let i = 0, j = 0; i < order.length && j < sorted.length; ) {
    const at = Math.min(a[order[i]], sorted[j]);
    for (; i < order.length && a[order[i]] <= at; i++) below += weights ? weights[order[i]] : 1;
    while (j < sorted.length && sorted[j] <= at) j++;
    distance = Math.max(distance, Math.abs(below / total - j / sorted.length));
  }
  return distance;
}

/** Up to here the signed-rank test is exact; its table has n(n + 1) cells. */
const EXACT_LIMIT = 50;

/**
 * Wilcoxon's signed-rank test of paired differences, two-sided. Zeros are dropped. Up to 50 differences it is exact,
 * also under ties (the null distribution given the tied ranks); beyond, normal with the tie correction.
 * @returns `statistic`, the smaller rank sum; `p`; `n`, the non-zero differences. Without any, p is 1.
 */
export function wilcoxonSignedRank(differences: ArrayLike<number>): {
  statistic: number;
  p: number;
  n: number;
} {
  const kept = Array.from(differences).filter((d) => d !== 0);
  const n = kept.length;
  if (n === 0) return { statistic: 0, p: 1, n };
  const sizes = kept.map(Math.abs);
  const rank = ranks(sizes);
  const total = (n * (n + 1)) / 2;
  let positive = 0;
  for (let i = 0; i < n; i++) if (kept[i] > 0) positive += rank[i];
  const statistic = Math.min(positive, total - positive);
  if (n <= EXACT_LIMIT) return { statistic, p: Math.min(1, 2 * signedRankCdf(rank, statistic)), n };
  const variance = (n * (n + 1) * (2 * n + 1)) / 24 - tieTerm(sizes) / 48;
  return { statistic, p: 2 * normalCdf((statistic - total / 2) / Math.sqrt(variance)), n };
}

/** P(W ≤ w) when each rank counts or not with probability ½. Ranks are doubled, for ties make halves of them. */
function signedRankCdf(rank: Float64Array, w: number): number {
  const density = new Float64Array(rank.length * (rank.length + 1) + 1);
  density[0] = 1;
  let top = 0;
  for (const r of rank) {
    const step = 2 * r;
    for (let s = top; s >= 0; s--) {
      density[s] /= 2;
      density[s + step] += density[s];
    }
    top += step;
  }
  let sum = 0;
  for (let s = 0; s <= 2 * w; s++) sum += density[s];
  return sum;
}

/** Holm's step-down adjustment of p values, in the order given. */
export function holm(ps: ArrayLike<number>): number[] {
  const order = Array.from(ps, (_, i) => i).sort((a, b) => ps[a] - ps[b]);
  const out = new Array<number>(ps.length);
  let floor = 0;
  order.forEach((at, i) => {
    floor = Math.min(1, Math.max(floor, ps[at] * (ps.length - i)));
    out[at] = floor;
  });
  return out;
}

/** Mean rank of each method over data sets: `scores[dataSet][method]`, higher is better, rank 1 is best. */
export function meanRanks(scores: readonly ArrayLike<number>[]): number[] {
  const sums = new Array<number>(scores[0]?.length ?? 0).fill(0);
  for (const row of scores) {
    const rank = ranks(Float64Array.from(row, (value) => -value));
    for (let j = 0; j < sums.length; j++) sums[j] += rank[j];
  }
  return sums.map((sum) => sum / scores.length);
}

/**
 * Friedman's test that k methods rank alike over n data sets, tie-corrected, and Iman and Davenport's F from it
 * (Demšar, JMLR 2006, section 3.2.2).
 * @param scores `scores[dataSet][method]`, at least two of each.
 */
export function friedman(scores: readonly ArrayLike<number>[]): {
  chiSquared: number;
  p: number;
  f: number;
  pF: number;
} {
  const n = scores.length;
  const k = scores[0].length;
  const ties = scores.reduce((sum, row) => sum + tieTerm(row), 0);
  const correction = 1 - ties / (n * k * (k * k - 1));
  // Every method equal on every data set: no evidence against "alike".
  if (correction === 0) return { chiSquared: 0, p: 1, f: 0, pF: 1 };
  const spread = meanRanks(scores).reduce((sum, rank) => sum + (rank - (k + 1) / 2) ** 2, 0);
  const chiSquared = ((12 * n) / (k * (k + 1))) * (spread / correction);
  const rest = n * (k - 1) - chiSquared;
  const f = rest > 1e-9 ? ((n - 1) * chiSquared) / rest : Number.POSITIVE_INFINITY;
  const pF = Number.isFinite(f) ? fTail(f, k - 1, (k - 1) * (n - 1)) : 0;
  return { chiSquared, p: chiSquaredTail(chiSquared, k - 1), f, pF };
}

export interface Comparison {
  /** Mean difference. */
  difference: number;
  /** Differences above zero. */
  wins: number;
  /** Two-sided p of the corrected resampled t-test; 1 where it cannot be computed (fewer than two splits). */
  p: number;
}

/**
 * Compares two methods over cross-validation splits by Nadeau and Bengio's corrected resampled t-test
 * (Machine Learning 52, 2003): t = d̄ / √((1/n + test/train) s²) with n − 1 degrees of freedom. Splits share training
 * rows, so the plain paired t-test finds differences that are not there; the test/train term accounts for that.
 * @param differences one per split, ours minus theirs, higher is better.
 * @param options.trainShare share of the rows a split trains on: (k − 1)/k for k folds.
 */
export function compare(differences: ArrayLike<number>, options: { trainShare: number }): Comparison {
  const n = differences.length;
  const difference = mean(differences);
  let wins = 0;
  for (let i = 0; i < n; i++) if (differences[i] > 0) wins++;
  if (n < 2) return { difference, wins, p: 1 };
  const testToTrain = (1 - options.trainShare) / options.trainShare;
  const error = Math.sqrt(1 / n + testToTrain) * sd(differences);
  if (error === 0) return { difference, wins, p: difference === 0 ? 1 : 0 };
  return { difference, wins, p: studentTTwoSided(difference / error, n - 1) };
}

/** A mean over splits with the interval that it may lie in; without two splits there is none. */
export interface Interval {
  readonly mean: number;
  readonly sd: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** Confidence of intervals. */
const LEVEL = 0.95;

/**
 * The mean over cross-validation splits with its 95 % confidence interval, its variance corrected as in {@link compare}
 * because splits share training rows. It ends where the values' `range` does.
 */
export function interval(
  values: ArrayLike<number>,
  { trainShare, range = [-Infinity, Infinity] }: { trainShare: number; range?: readonly [number, number] },
): Interval {
  const n = values.length;
  const centre = mean(values);
  if (n < 2) return { mean: centre, sd: 0, low: null, high: null };
  const deviation = sd(values);
  const error = Math.sqrt(1 / n + (1 - trainShare) / trainShare) * deviation;
  const half = error * studentTQuantile((1 + LEVEL) / 2, n - 1);
  const [least, most] = range;
  return {
    mean: centre,
    sd: deviation,
    low: Math.max(least, centre - half),
    high: Math.min(most, centre + half),
  };
}
