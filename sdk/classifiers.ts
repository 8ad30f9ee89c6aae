import type { Matrix } from "./matrix.ts";

/** What a user brings: any classifier with `fit` and `predictProba` (see README for ml-cart in a dozen lines). */
export interface Classifier {
  /** `X` (rows × features), `y` class indices 0 … classes − 1, `weights` one per row. */
  fit(X: number[][], y: number[], weights?: number[]): void | Promise<void>;
  /** One row of class probabilities per row of `X`. */
  predictProba(X: number[][]): number[][] | Promise<number[][]>;
}

export type ClassifierName = "logistic" | "tree";

/** What the engine fits thousands of times a run: flat data in, flat probabilities out. */
export interface Learner {
  fit(x: Matrix, y: Int32Array, weights?: Float64Array): void | Promise<void>;
  /** Probabilities, row-major (rows, classes). A class that was not in `y` has probability 0. */
  predictProba(x: Matrix): Float64Array | Promise<Float64Array>;
}
