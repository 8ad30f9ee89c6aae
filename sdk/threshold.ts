import { labelMetrics } from "./confusion.ts";
import { mean } from "./correlation.ts";
import { inputError } from "./errors.ts";
import { rowsByClass } from "./folds.ts";
import { BY_CLASS, type Metric, utility } from "./metrics.ts";

/**
 * Moves the decision threshold of two-class probabilities to ½ by a monotone map, so that the argmax decides at
 * `threshold`: p < t goes to ½ p / t, p ≥ t to ½ + ½ (p − t) / (1 − t).
 * @param proba row-major (rows, 2).
 * @param threshold 0 … 1; rows with P(1) at or above it become positive.
 * @throws MakeitError `input` when the threshold is out of range.
 */
export function applyThreshold(proba: Float64Array, threshold: number): Float64Array<ArrayBuffer> {
  if (!(threshold >= 0 && threshold <= 1)) {
    throw inputError(`The threshold is ${threshold}.`, "Give a number from 0 to 1.");
  }
  const out = new Float64Array(proba.length);
  for (let i = 0; i < proba.length; i += 2) {
    const p = proba[i + 1];
    const q = p < threshold ? (0.5 * p) / threshold : 0.5 + (0.5 * (p - threshold)) / (1 - threshold || 1);
    out[i] = 1 - q;
    out[i + 1] = q;
  }
  return out;
}

/**
 * The threshold on P(1) with the best metric: a midpoint between adjacent distinct scores, the one nearest to ½ among
 * equals; ½ where all scores are the same. Label metrics are read off cumulative counts, O(n log n); others are
 * computed at up to 200 thresholds spread evenly over the ranks.
 * @param proba row-major (rows, 2).
 */
export function bestThreshold(yTrue: Int32Array, proba: Float64Array, metric: Metric): number {
  const order = [...yTrue.keys()].sort((a, b) => proba[2 * a + 1] - proba[2 * b + 1]);
  const scores = order.map((i) => proba[2 * i + 1]);
  const fast = metric.usesLabels && metric.name in labelMetrics;
  const value = fast
    ? byCounts(yTrue, order, metric.name as keyof typeof labelMetrics)
    : (_: number, t: number) => utility(metric, metric.compute(yTrue, applyThreshold(proba, t), 2));
  const cuts = [...scores.keys()].filter((i) => scores[i] > scores[i - 1]);
  const stride = fast ? 1 : Math.max(1, cuts.length / 200);
  let best = 0.5;
  let highest = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < cuts.length; c += stride) {
    const cut = cuts[Math.floor(c)];
    const t = between(scores[cut - 1], scores[cut]);
    const here = value(cut, t);
    if (here < highest || (here === highest && Math.abs(t - 0.5) >= Math.abs(best - 0.5))) continue;
    highest = here;
    best = t;
  }
  return best;
}

/** A label metric by the number of rows, in ascending order of score, that are called negative. */
function byCounts(
  yTrue: Int32Array,
  order: readonly number[],
  name: keyof typeof labelMetrics,
): (cut: number) => number {
  const below = new Float64Array(order.length + 1); // positives among the first rows
  for (let i = 0; i < order.length; i++) below[i + 1] = below[i] + (yTrue[order[i]] === 1 ? 1 : 0);
  const positives = below[order.length];
  const counts = new Float64Array(4);
  return (cut) => {
    const missed = below[cut];
    counts[0] = cut - missed;
    counts[1] = order.length - cut - (positives - missed);
    counts[2] = missed;
    counts[3] = positives - missed;
    return labelMetrics[name](counts, 2);
  };
}

/** The midpoint of a < b, or b where rounding leaves nothing between. */
function between(a: number, b: number): number {
  const middle = a + (b - a) / 2;
  return middle > a ? middle : b;
}

/**
 * Beyond two classes the decision has one parameter too: probabilities are multiplied by a power of the inverse class
 * frequencies. Power 0 changes nothing, 1 is the prior correction to balanced classes; the smallest of the best wins.
 * @returns the factor of each class.
 */
export function bestShift(y: Int32Array, held: Float64Array, classes: number, metric: Metric): Float64Array {
  const counts = rowsByClass(y, classes).map((rows) => rows.length);
  // Eighth roots by three square roots: those round alike in every JavaScript engine, powers do not.
  const step = counts.map((count) => Math.sqrt(Math.sqrt(Math.sqrt(y.length / Math.max(count, 1)))));
  let factors = new Float64Array(classes).fill(1);
  let best = factors;
  let highest = Number.NEGATIVE_INFINITY;
  for (let eighths = 0; eighths <= 12; eighths++, factors = factors.map((factor, c) => factor * step[c])) {
    const value = utility(metric, metric.compute(y, shiftPriors(held, factors), classes));
    if (value <= highest) continue;
    highest = value;
    best = factors;
  }
  return best;
}

/** Each row's probabilities times the factors of the classes, brought back to sum to 1. */
export function shiftPriors(proba: Float64Array, factors: Float64Array): Float64Array {
  const classes = factors.length;
  const out = proba.map((p, i) => p * factors[i % classes]);
  for (let row = 0; row < out.length; row += classes) {
    const sum = out.subarray(row, row + classes).reduce((a, b) => a + b, 0);
    for (let c = 0; c < classes; c++) out[row + c] /= sum;
  }
  return out;
}

/** Predictions of the rows that each fold of a draw held out; every draw has the same rows of each class. */
export interface Draw {
  readonly y: Int32Array;
  /** Row-major (rows, classes). */
  readonly proba: Float64Array;
}

/**
 * The factors of the classes, of mean 1, whose product with the probabilities decides best by the metric: in two
 * classes by the mean of the draws' `bestThreshold`s, each with `oneMore` where each class weighs the same; the mean of
 * their `bestShift`s beyond.
 */
export function tunedFactors(draws: readonly Draw[], classes: number, metric: Metric): Float64Array {
  if (classes === 2) {
    const byClass = BY_CLASS.test(metric.name);
    const best = draws.map(({ y, proba }) => {
      const threshold = bestThreshold(y, proba, metric);
      return byClass ? oneMore(y, proba, threshold) : threshold;
    });
    // Short of 0 and 1, where a class would count for nothing and a row that is sure of it has no decision.
    const threshold = Math.min(Math.max(mean(best), MARGIN), 1 - MARGIN);
    return Float64Array.of(2 * threshold, 2 * (1 - threshold));
  }
  const shifts = draws.map(({ y, proba }) => bestShift(y, proba, classes, metric));
  return Float64Array.from({ length: classes }, (_, c) =>
    mean(shifts.map((shift) => shift[c] / mean(shift))),
  );
}

const MARGIN = 2 ** -30;

/**
 * The threshold on P(1) at which one more row of the common class passes for the rare one. Models that have been chosen
 * by these very rows tell the rare ones apart better here than they will elsewhere: the best threshold lies too far out.
 */
export function oneMore(y: Int32Array, proba: Float64Array, threshold: number): number {
  const rare = mean(y) > 0.5 ? 0 : 1;
  const bar = rare ? threshold : 1 - threshold;
  const [next, after = 0] = proba
    .filter((p, i) => i % 2 === rare && y[i >> 1] !== rare && p < bar)
    .sort()
    .reverse();
  const moved = next === undefined ? bar : between(after, next);
  return rare ? moved : 1 - moved;
}
