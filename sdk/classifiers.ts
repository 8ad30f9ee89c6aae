import { Cpu } from "./engine/module.ts";
import { inputError } from "./errors.ts";
import { checkMatrix, classWeights } from "./examples.ts";
import type { ForestOptions } from "./forest.ts";
import { Logistic, type LogisticOptions, type LogisticState } from "./logistic.ts";
import type { Matrix } from "./matrix.ts";

/** What a user brings: any classifier with `fit` and `predictProba` (see README for ml-cart in a dozen lines). */
export interface Classifier {
  /** `X` (rows × features), `y` class indices 0 … classes − 1, `weights` one per row. */
  fit(X: number[][], y: number[], weights?: number[]): void | Promise<void>;
  /** One row of class probabilities per row of `X`. */
  predictProba(X: number[][]): number[][] | Promise<number[][]>;
}

export type ClassifierName = "logistic" | "tree" | "forest";

/** What the engine fits thousands of times a run: flat data in, flat probabilities out. */
export interface Learner {
  fit(x: Matrix, y: Int32Array, weights?: Float64Array): void | Promise<void>;
  /** Probabilities, row-major (rows, classes). A class that was not in `y` has probability 0. */
  predictProba(x: Matrix): Float64Array | Promise<Float64Array>;
  /** What the next fit goes on from beside its arguments, a warm start; set it to go on from there. */
  state?: LearnerState;
}

export type LearnerState = LogisticState;

/** Options of the built-in classifiers; each reads its own. */
export interface LearnerOptions extends LogisticOptions, ForestOptions {}

/**
 * Opens a classifier for `classes` classes. Opened once, it is fitted as often as one likes.
 * @param spec a built-in one by name, or the user's own.
 * @param cpu the engine that built-in ones compute in; they leave nothing allocated there between calls.
 * @throws MakeitError `input` on an unknown name, an object without the two methods, or an option out of range (a
 *   tree's with its first fit).
 */
export function openLearner(spec: "logistic", classes: number, cpu: Cpu, options?: LearnerOptions): Logistic;
export function openLearner(
  spec: ClassifierName | Classifier,
  classes: number,
  cpu: Cpu,
  options?: LearnerOptions,
): Learner;
export function openLearner(
  spec: ClassifierName | Classifier,
  classes: number,
  cpu: Cpu,
  options: LearnerOptions = {},
): Learner {
  if (!(Number.isInteger(classes) && classes >= 1)) {
    throw inputError(`The number of classes is ${classes}.`, "Give a whole number from 1.");
  }
  if (spec === "logistic") return new Logistic(classes, cpu, options);
  if (spec === "tree" || spec === "forest") return openGrown(spec, classes, options);
  if (
    typeof spec === "object" &&
    typeof spec?.fit === "function" &&
    typeof spec.predictProba === "function"
  ) {
    return adapt(spec, classes);
  }
  throw inputError(
    `The classifier is ${typeof spec === "string" ? `"${spec}"` : typeof spec}.`,
    'Give "logistic", "tree", "forest", or an object with fit(X, y, weights?) and predictProba(X).',
  );
}

/** A tree or a forest of them, which is loaded with the first fit: most runs do without. */
function openGrown(name: "tree" | "forest", classes: number, options: LearnerOptions): Learner {
  const open = async () => {
    const cpu = await Cpu.openExtra();
    if (name === "tree") return new (await import("./tree.ts")).TreeLearner(classes, cpu, options);
    return new (await import("./forest.ts")).ForestLearner(classes, cpu, options);
  };
  let learner: ReturnType<typeof open> | undefined;
  const opened = () => (learner ??= open());
  return {
    fit: async (x, y, weights) => (await opened()).fit(x, y, weights),
    predictProba: async (x) => (await opened()).predictProba(x),
  };
}

/** Wraps a user's classifier: arrays of arrays out, checked probabilities back. */
function adapt(classifier: Classifier, classes: number): Learner {
  return {
    fit(x, y, weights) {
      classWeights(x, y, classes, weights);
      return classifier.fit(toArrays(x), Array.from(y), weights && Array.from(weights));
    },
    predictProba(x) {
      checkMatrix(x);
      const proba = classifier.predictProba(toArrays(x));
      return Array.isArray(proba)
        ? flatten(proba, x.rows, classes)
        : Promise.resolve(proba).then((p) => flatten(p, x.rows, classes));
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
