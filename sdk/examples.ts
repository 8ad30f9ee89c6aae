import { inputError } from "./errors.ts";
import type { Matrix } from "./matrix.ts";

/**
 * Checks what a classifier is to learn from, and returns the total weight of each class.
 * @param y class indices 0 … classes − 1, one a row of `x`.
 * @param weights finite and not negative, one a row; without them every row weighs 1.
 * @throws MakeitError `input` where sizes disagree, a label or a weight is out of range, or nothing has weight.
 */
export function classWeights(
  x: Matrix,
  y: Int32Array,
  classes: number,
  weights?: Float64Array,
): Float64Array {
  checkMatrix(x);
  if (y.length !== x.rows)
    throw inputError(`${x.rows} rows came with ${y.length} labels.`, "Give one label a row.");
  if (weights && weights.length !== x.rows) {
    throw inputError(
      `${x.rows} rows came with ${weights.length} weights.`,
      "Give one weight a row, or none at all.",
    );
  }
  const totals = new Float64Array(classes);
  for (let i = 0; i < y.length; i++) {
    const label = y[i];
    const weight = weights ? weights[i] : 1;
    if (label < 0 || label >= classes) {
      throw inputError(
        `Row ${i} has class ${label} of ${classes} classes.`,
        `Labels are 0 … ${classes - 1}.`,
      );
    }
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
      throw inputError(`Row ${i} has weight ${weight}.`, "Weights are finite and not negative.");
    }
    totals[label] += weight;
  }
  if (!totals.some((total) => total > 0)) {
    throw inputError(`There is nothing to learn from: ${x.rows} rows, none of them with a weight above 0.`);
  }
  return totals;
}

/**
 * Checks that a matrix holds as many values as it says.
 * @throws MakeitError `input` otherwise.
 */
export function checkMatrix(x: Matrix): void {
  if (x.data.length === x.rows * x.cols) return;
  throw inputError(`A matrix of ${x.rows} × ${x.cols} has ${x.data.length} values.`);
}

/**
 * Checks that a classifier's workspace fits into the engine's 32-bit memory, by a bound that holds for all of them.
 * @throws MakeitError `input` otherwise.
 */
export function checkRoom({ rows, cols }: Pick<Matrix, "rows" | "cols">, classes: number): void {
  const perRow = 12 * (cols + 8) + 24 * (classes + 4);
  const perCoefficient = 256;
  if (perRow * (rows + 16) + perCoefficient * classes * (cols + 8) + 2 ** 20 < 2 ** 32) return;
  throw inputError(
    `A classifier over ${rows} × ${cols} values and ${classes} classes does not fit into the engine's 4 GiB.`,
    "Use fewer rows or columns.",
  );
}
