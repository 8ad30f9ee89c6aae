import { Cpu } from "./engine/module.ts";
import { inputError } from "./errors.ts";
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
  if (spec === "tree") return loaded(() => openTree(classes, options));
  if (spec === "forest") return loaded(() => openForest(classes, options));
  if (isClassifier(spec)) return loaded(async () => (await import("./adapter.ts")).adapt(spec, classes));
  throw inputError(
    `The classifier is ${typeof spec === "string" ? `"${spec}"` : typeof spec}.`,
    'Give "logistic", "tree", "forest", or an object with fit(X, y, weights?) and predictProba(X).',
  );
}

/** A classifier that is loaded with the first call: most runs do without. */
function loaded(load: () => Promise<Learner>): Learner {
  let learner: Promise<Learner> | undefined;
  const open = () => (learner ??= load());
  return {
    fit: async (x, y, weights) => (await open()).fit(x, y, weights),
    predictProba: async (x) => (await open()).predictProba(x),
  };
}

async function openTree(classes: number, options: LearnerOptions): Promise<Learner> {
  const { TreeLearner } = await import("./tree.ts");
  return new TreeLearner(classes, await Cpu.openExtra(), options);
}

async function openForest(classes: number, options: LearnerOptions): Promise<Learner> {
  const { ForestLearner } = await import("./forest.ts");
  return new ForestLearner(classes, await Cpu.openExtra(), options);
}

/** Whether a value is a user's own classifier. */
export function isClassifier(value: unknown): value is Classifier {
  const object = value as Partial<Classifier> | null;
  return (
    typeof object === "object" &&
    typeof object?.fit === "function" &&
    typeof object.predictProba === "function"
  );
}
