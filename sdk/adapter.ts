import type { Classifier, Learner } from "./classifiers.ts";
import { inputError } from "./errors.ts";
import { checkMatrix, classWeights } from "./examples.ts";
import type { Matrix } from "./matrix.ts";

/** Wraps a user's classifier: arrays of arrays out, checked probabilities back. */
export function adapt(classifier: Classifier, classes: number): Learner {
  return {
    fit(x, y, weights) {
      classWeights(x, y, classes, weights);
      return classifier.fit(toArrays(x), Array.from(y), weights && Array.from(weights));
    },
    async predictProba(x) {
      checkMatrix(x);
      return flatten(await classifier.predictProba(toArrays(x)), x.rows, classes);
    },
  };
}

function toArrays({ data, rows, cols }: Matrix): number[][] {
  return Array.from({ length: rows }, (_, i) => Array.from(data.subarray(i * cols, (i + 1) * cols)));
}

function flatten(proba: number[][], rows: number, classes: number): Float64Array {
  if (!Array.isArray(proba) || proba.length !== rows) {
    throw inputError(
      `The classifier's predictProba gave ${Array.isArray(proba) ? proba.length : typeof proba} for ${rows} rows.`,
      "Return one array of class probabilities a row.",
    );
  }
  const out = new Float64Array(rows * classes);
  for (let i = 0; i < rows; i++) {
    const row = proba[i];
    if (row?.length !== classes || !row.every((p) => p >= 0 && p <= 1)) {
      throw inputError(
        `The classifier's predictProba gave [${row}] for row ${i}.`,
        `Return ${classes} probabilities between 0 and 1, in the order of the class indices.`,
      );
    }
    out.set(row, i * classes);
  }
  return out;
}
