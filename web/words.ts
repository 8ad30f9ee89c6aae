/** What things are called on the page. */
import type { MetricName } from "../sdk/metrics.ts";

export const METRICS: Record<MetricName, [name: string, meaning: string]> = {
  f1: ["F1", "Balance of how many rare cases are found and how many alarms are right."],
  f1_macro: ["F1, mean of classes", "F1 of every class, all classes counting alike."],
  roc_auc: ["ROC-AUC", "How often a rare case ranks above a common one. No threshold."],
  average_precision: ["Average precision", "How pure the top of the ranking is. Good for very rare cases."],
  balanced_accuracy: ["Balanced accuracy", "Share found of every class, all classes counting alike."],
  mcc: ["Matthews correlation", "Agreement of prediction and truth, 0 for guessing."],
  g_mean: ["G-mean", "Geometric mean of the share found of every class."],
  brier: ["Brier score", "Squared error of the probabilities. Lower is better."],
  log_loss: ["Log loss", "Surprise at the truth. Lower is better."],
};

export const metricName = (metric: string) => METRICS[metric as MetricName]?.[0] ?? metric;

/** "wasm" → "WebAssembly" */
export const engineName = (engine: string) =>
  engine.replace("wasm", "WebAssembly").replace("webgpu", "WebGPU");

/** 75 → "1 min 15 s" */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 1) return "under 1 s";
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [minutes, hours] = [Math.floor(whole / 60), Math.floor(whole / 3600)];
  return hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min ${whole % 60} s`;
}

/** "1,461 rows" */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
