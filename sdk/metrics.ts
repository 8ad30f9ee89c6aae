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
