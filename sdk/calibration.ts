/** Whether probabilities mean what they say: of rows given 30 %, are 30 % of the class? */

/** Rows whose probability falls into one bin. */
export interface ReliabilityBin {
  readonly rows: number;
  /** Mean probability, and share of rows that are of the class. */
  readonly predicted: number;
  readonly observed: number;
}

export interface Calibration {
  /** Mean squared error of the probabilities; beyond two classes summed over the classes. */
  readonly brier: number;
  /** Expected calibration error: mean |observed − predicted| over the bins, weighted by their rows. */
  readonly ece: number;
  /** The bins that hold rows, by rising probability. */
  readonly bins: readonly ReliabilityBin[];
}

const BINS = 10;

/**
 * Calibration over ten bins of equal width. In two classes it is that of P(1); beyond, that of the most probable class
 * (Guo et al., ICML 2017).
 * @param proba row-major (rows, classes).
 */
export function calibration(y: ArrayLike<number>, proba: Float64Array, classes: number): Calibration {
  const sums = Array.from({ length: BINS }, () => ({ rows: 0, predicted: 0, observed: 0 }));
  let squares = 0;
  for (let i = 0; i < y.length; i++) {
    const row = proba.subarray(i * classes, (i + 1) * classes);
    for (let k = classes === 2 ? 1 : 0; k < classes; k++) squares += (row[k] - (y[i] === k ? 1 : 0)) ** 2;
    const shown = classes === 2 ? 1 : row.indexOf(Math.max(...row));
    const bin = sums[Math.max(0, Math.min(BINS - 1, Math.floor(row[shown] * BINS)))];
    bin.rows++;
    bin.predicted += row[shown];
    bin.observed += y[i] === shown ? 1 : 0;
  }
  const bins = sums
    .filter(({ rows }) => rows > 0)
    .map(({ rows, predicted, observed }) => ({
      rows,
      predicted: predicted / rows,
      observed: observed / rows,
    }));
  const gap = bins.reduce((sum, bin) => sum + bin.rows * Math.abs(bin.observed - bin.predicted), 0);
  return { brier: squares / y.length, ece: gap / y.length, bins };
}
