import { argmaxLabels, confusion, labelMetrics } from "./confusion.ts";
import { inputError } from "./errors.ts";

export { argmaxLabels, confusion } from "./confusion.ts";

export const METRIC_NAMES = [
  "f1",
  "f1_macro",
  "roc_auc",
  "average_precision",
  "balanced_accuracy",
  "mcc",
  "g_mean",
  "brier",
  "log_loss",
] as const;
export type MetricName = (typeof METRIC_NAMES)[number];

/** These weigh each class alike: a rare row missed costs as much as many common ones taken for rare. */
export const BY_CLASS = /^(balanced_accuracy|g_mean)$/;

/**
 * A user's own metric, higher is better, 1 is perfect. `scores` holds P(positive) for two classes,
 * else row-major (rows, classes) probabilities.
 */
export type MetricFunction = (yTrue: Int32Array, scores: Float64Array) => number;

/** A discrete metric: probabilities in, one number out; nothing about it need be differentiable. */
export interface Metric {
  readonly name: string;
  /** Whether it looks at predicted labels only (a threshold matters) rather than at the probabilities. */
  readonly usesLabels: boolean;
  /** The metric in its customary sense (brier and log_loss: lower is better). */
  readonly greaterIsBetter: boolean;
  /** `proba` is row-major (rows, classes). Labels are the argmax, ties to the higher class index. */
  compute(yTrue: Int32Array, proba: Float64Array, classes: number): number;
}

/** The metric turned so that higher is better and 1 is perfect: what the critic learns to predict. */
export function utility(metric: Metric, value: number): number {
  return metric.greaterIsBetter ? value : 1 - value;
}

/** Ranking metrics of one class against the rest; `positive` has both 0s and 1s. Ties are exact. */
export interface Ranker {
  rocAuc(positive: Uint8Array, scores: Float64Array): number;
  averagePrecision(positive: Uint8Array, scores: Float64Array): number;
}

/**
 * Opens a metric with scikit-learn's definition. In two classes the positive one is index 1; beyond, `f1` is the macro
 * mean and ranking metrics are the macro mean of one class against the rest.
 *
 * Where a definition fails, the value is finite: no positive and none predicted, F1 0; only one class in `yTrue`,
 * ROC-AUC .5 and MCC 0; no positive in `yTrue`, average precision 0; balanced accuracy and g-mean look at the classes
 * of `yTrue` alone, and the means of ranking metrics skip classes that `yTrue` lacks.
 *
 * @param ranker sorts for the ranking metrics; `cpuRanker` of ranking.ts does so in the engine.
 * @throws MakeitError `input` on an unknown name; `compute` throws it when a user's function gives no finite number.
 */
export function openMetric(
  spec: MetricName | MetricFunction,
  classes: number,
  ranker: Ranker = plainRanker,
): Metric {
  if (!(Number.isInteger(classes) && classes >= 2)) {
    throw inputError(`A metric over ${classes} classes.`, "Give a whole number from 2.");
  }
  if (typeof spec === "function") return userMetric(spec);
  if (!METRIC_NAMES.includes(spec)) {
    throw inputError(
      `There is no metric "${spec}".`,
      `Choose one of ${METRIC_NAMES.join(", ")}, or a function.`,
    );
  }
  if (spec in labelMetrics) return labelMetric(spec as LabelMetricName);
  const compute = probabilityMetrics[spec as ProbabilityMetricName](ranker);
  const greaterIsBetter = spec === "roc_auc" || spec === "average_precision";
  return { name: spec, usesLabels: false, greaterIsBetter, compute: checked(compute) };
}

type Compute = Metric["compute"];
type LabelMetricName = keyof typeof labelMetrics;
type ProbabilityMetricName = Exclude<MetricName, LabelMetricName>;

const probabilityMetrics: Record<ProbabilityMetricName, (ranker: Ranker) => Compute> = {
  roc_auc: (ranker) =>
    overClasses(ranker.rocAuc, 0.5, (positives, rows) => positives > 0 && positives < rows),
  average_precision: (ranker) => overClasses(ranker.averagePrecision, 0, (positives) => positives > 0),
  brier: () => brier,
  log_loss: () => logLoss,
};

// two classes: mean of (P(1) − y)²; beyond: mean of Σ over classes of (P(k) − [y = k])²
function brier(yTrue: Int32Array, proba: Float64Array, classes: number): number {
  let sum = 0;
  for (let i = 0; i < yTrue.length; i++) {
    for (let k = classes === 2 ? 1 : 0; k < classes; k++) {
      const error = proba[i * classes + k] - (yTrue[i] === k ? 1 : 0);
      sum += error * error;
    }
  }
  return sum / yTrue.length;
}

// mean of −log P(y), P kept within [2⁻⁵², 1 − 2⁻⁵²]
function logLoss(yTrue: Int32Array, proba: Float64Array, classes: number): number {
  let sum = 0;
  for (let i = 0; i < yTrue.length; i++) {
    const p = proba[i * classes + yTrue[i]];
    sum -= log(Math.min(Math.max(p, Number.EPSILON), 1 - Number.EPSILON));
  }
  return sum / yTrue.length;
}

/** P(1) in two classes; beyond, the mean over the classes for which the metric is defined, each against the rest. */
function overClasses(
  rank: Ranker["rocAuc"],
  otherwise: number,
  defined: (positives: number, rows: number) => boolean,
): Compute {
  return (yTrue, proba, classes) => {
    let sum = 0;
    let count = 0;
    for (let k = classes === 2 ? 1 : 0; k < classes; k++) {
      const { positive, scores, positives } = against(yTrue, proba, classes, k);
      if (!defined(positives, yTrue.length)) continue;
      sum += rank(positive, scores);
      count++;
    }
    return count ? sum / count : otherwise;
  };
}

function against(yTrue: Int32Array, proba: Float64Array, classes: number, k: number) {
  const positive = new Uint8Array(yTrue.length);
  const scores = new Float64Array(yTrue.length);
  let positives = 0;
  for (let i = 0; i < yTrue.length; i++) {
    scores[i] = proba[i * classes + k];
    if (yTrue[i] !== k) continue;
    positive[i] = 1;
    positives++;
  }
  return { positive, scores, positives };
}

/** The ranker without an engine: sorts both classes' scores, then merges. */
const plainRanker: Ranker = {
  // P(score of a positive > score of a negative) + ½ P(equal)
  rocAuc(positive, scores) {
    const [low, high] = sortedByClass(positive, scores);
    let twice = 0;
    let below = 0;
    let upTo = 0;
    for (const score of high) {
      while (below < low.length && low[below] < score) below++;
      upTo = Math.max(upTo, below);
      while (upTo < low.length && low[upTo] === score) upTo++;
      twice += below + upTo;
    }
    return twice / (2 * low.length * high.length);
  },
  // Σ over distinct scores, highest first, of (gain in recall) · precision
  averagePrecision(positive, scores) {
    const [low, high] = sortedByClass(positive, scores);
    let sum = 0;
    let i = low.length;
    for (let j = high.length; j > 0; ) {
      const score = high[j - 1];
      const before = j;
      while (j > 0 && high[j - 1] === score) j--;
      while (i > 0 && low[i - 1] >= score) i--;
      const truePositives = high.length - j;
      sum += ((before - j) * truePositives) / (truePositives + low.length - i);
    }
    return sum / high.length;
  },
};

/** The scores of the negatives and of the positives, ascending. */
function sortedByClass(positive: Uint8Array, scores: Float64Array): [Float64Array, Float64Array] {
  return [scores.filter((_, i) => !positive[i]).sort(), scores.filter((_, i) => positive[i]).sort()];
}

function labelMetric(name: LabelMetricName): Metric {
  const compute: Compute = (yTrue, proba, classes) =>
    labelMetrics[name](confusion(yTrue, argmaxLabels(proba, classes), classes), classes);
  return { name, usesLabels: true, greaterIsBetter: true, compute: checked(compute) };
}

function userMetric(metric: MetricFunction): Metric {
  const named = metric.name || "metric";
  // It stands beside the built-in ones and must not pass for one.
  const name = METRIC_NAMES.includes(named as MetricName) ? `own ${named}` : named;
  const compute: Compute = (yTrue, proba, classes) => {
    const value = metric(yTrue, classes === 2 ? proba.filter((_, i) => i % 2 === 1) : proba);
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw inputError(
      `The metric function "${name}" gave ${String(value)} for ${yTrue.length} rows.`,
      "Return a finite number for any labels, also where one class is missing or none is predicted.",
    );
  };
  return { name, usesLabels: false, greaterIsBetter: true, compute: checked(compute) };
}

/** Sizes are checked once, here. */
function checked(compute: Compute): Compute {
  return (yTrue, proba, classes) => {
    if (yTrue.length > 0 && proba.length === yTrue.length * classes) return compute(yTrue, proba, classes);
    throw inputError(
      `A metric over ${yTrue.length} labels got ${proba.length} probabilities for ${classes} classes.`,
      "Give at least one label, and one probability a class for each.",
    );
  };
}

/**
 * log x for x > 0, within 2 units in the last place: from x = m · 2ᵏ with √½ ≤ m < √2 and 2 artanh((m − 1) / (m + 1)).
 * Unlike Math.log, the same in every engine.
 */
function log(x: number): number {
  let k = 0;
  for (; x < Math.SQRT1_2; k--) x *= 2;
  for (; x >= Math.SQRT2; k++) x /= 2;
  const z = (x - 1) / (x + 1);
  const t = z * z;
  let p = 0;
  for (let n = 21; n >= 1; n -= 2) p = p * t + 1 / n;
  return k * Math.LN2 + 2 * z * p;
}
