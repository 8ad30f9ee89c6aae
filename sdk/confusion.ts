/** Counts, row-major (true class, predicted class). */
export function confusion(
  yTrue: ArrayLike<number>,
  yPred: ArrayLike<number>,
  classes: number,
): Float64Array<ArrayBuffer> {
  const counts = new Float64Array(classes * classes);
  for (let i = 0; i < yTrue.length; i++) counts[yTrue[i] * classes + yPred[i]]++;
  return counts;
}

/** The most probable class of each row, ties to the higher index. `proba` is row-major (rows, classes). */
export function argmaxLabels(proba: Float64Array, classes: number): Int32Array<ArrayBuffer> {
  const labels = new Int32Array(proba.length / classes);
  for (let i = 0; i < labels.length; i++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (proba[i * classes + k] >= proba[i * classes + best]) best = k;
    labels[i] = best;
  }
  return labels;
}

/** The metrics that look at predicted labels only, each from a confusion matrix; 1 is perfect. */
export const labelMetrics = {
  f1,
  f1_macro: f1Macro,
  balanced_accuracy: balancedAccuracy,
  mcc,
  g_mean: geometricMean,
} as const;

// F1 = 2 TP / (2 TP + FP + FN)
function f1(counts: Float64Array, classes: number): number {
  return classes === 2 ? classF1(counts, 2, 1) : f1Macro(counts, classes);
}

/** The mean over the classes that occur in the labels or in the predictions. */
function f1Macro(counts: Float64Array, classes: number): number {
  let sum = 0;
  let occurring = 0;
  for (let k = 0; k < classes; k++) {
    if (rowSum(counts, classes, k) + columnSum(counts, classes, k) === 0) continue;
    sum += classF1(counts, classes, k);
    occurring++;
  }
  return occurring ? sum / occurring : 0;
}

function classF1(counts: Float64Array, classes: number, k: number): number {
  const truePositives = counts[k * classes + k];
  const both = rowSum(counts, classes, k) + columnSum(counts, classes, k);
  return both ? (2 * truePositives) / both : 0;
}

// mean over classes of TP / (TP + FN)
function balancedAccuracy(counts: Float64Array, classes: number): number {
  const recalls = recallsOf(counts, classes);
  return recalls.length ? recalls.reduce((a, b) => a + b, 0) / recalls.length : 0;
}

// (Π over classes of TP / (TP + FN))^(1 / classes)
function geometricMean(counts: Float64Array, classes: number): number {
  const recalls = recallsOf(counts, classes);
  return recalls.length
    ? root(
        recalls.reduce((a, b) => a * b, 1),
        recalls.length,
      )
    : 0;
}

function recallsOf(counts: Float64Array, classes: number): number[] {
  const recalls: number[] = [];
  for (let k = 0; k < classes; k++) {
    const total = rowSum(counts, classes, k);
    if (total) recalls.push(counts[k * classes + k] / total);
  }
  return recalls;
}

// R_K (Gorodkin 2004) = (c s − Σ pₖ tₖ) / √((s² − Σ pₖ²)(s² − Σ tₖ²)), c correct of s, pₖ predicted, tₖ true
function mcc(counts: Float64Array, classes: number): number {
  let total = 0;
  let correct = 0;
  let products = 0;
  let predictedSquares = 0;
  let trueSquares = 0;
  for (let k = 0; k < classes; k++) {
    const t = rowSum(counts, classes, k);
    const p = columnSum(counts, classes, k);
    total += t;
    correct += counts[k * classes + k];
    products += p * t;
    predictedSquares += p * p;
    trueSquares += t * t;
  }
  const spread = Math.sqrt(total * total - predictedSquares) * Math.sqrt(total * total - trueSquares);
  return spread ? Math.max(-1, Math.min(1, (correct * total - products) / spread)) : 0; // rounding may pass ±1
}

function rowSum(counts: Float64Array, classes: number, k: number): number {
  let sum = 0;
  for (let j = 0; j < classes; j++) sum += counts[k * classes + j];
  return sum;
}

function columnSum(counts: Float64Array, classes: number, k: number): number {
  let sum = 0;
  for (let j = 0; j < classes; j++) sum += counts[j * classes + k];
  return sum;
}

/** The k-th root of 0 ≤ x ≤ 1 by Newton's method: unlike Math.pow, the same in every engine. */
function root(x: number, k: number): number {
  if (k === 1 || x === 0) return x;
  if (k === 2) return Math.sqrt(x);
  let r = 1;
  for (;;) {
    let power = 1;
    for (let i = 1; i < k; i++) power *= r;
    const next = r - (r * power - x) / (k * power);
    if (!(next < r)) return r; // from above, the iterates fall until rounding stops them
    r = next;
  }
}
