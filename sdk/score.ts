/**
 * How good is a generated set? The discrete metric of a classifier fitted on it: `augmented` fits on real and
 * generated rows together and scores out of fold; `synthetic` fits on the generated rows alone and scores all real
 * training rows (draGAN's objective).
 */
import type { Learner } from "./classifiers.ts";
import { rowsByClass, stratifiedFolds, stratifiedSample } from "./folds.ts";
import { type Matrix, matrix, takeRows } from "./matrix.ts";
import { type Metric, utility } from "./metrics.ts";
import type { Random } from "./random.ts";

/** A generated set as a classifier sees it. */
export interface LabelledSet {
  /** (rows, features). */
  x: Matrix;
  y: Int32Array;
}

/** The real training rows and what judges a set on them. */
export interface Problem {
  x: Matrix;
  y: Int32Array;
  classes: number;
  learner: Learner;
  metric: Metric;
  /** Total weight of a generated set relative to the real rows'. */
  weight: number;
}

export interface Scorer {
  /** The classes of the rows that are scored, in the order in which `predict` tells of them; another draw, other rows. */
  readonly y: Int32Array;
  /** Draws new inner folds, where the objective has any, of new rows, where there are more than are scored. */
  draw(random: Random): void;
  /** What a classifier that has learnt from the set says of the rows that are scored: row-major (rows, classes). */
  predict(set: LabelledSet): Promise<Float64Array>;
  /** The set's score by the problem's metric, or another: higher is better, 1 is perfect. */
  score(set: LabelledSet, metric?: Metric): Promise<number>;
}

interface ScorerOptions {
  objective: "augmented" | "synthetic";
  innerFolds: number;
  /** Rows of a set. */
  rows: number;
  /** Real rows that score a set, of each class its share; 0: all. */
  scoreRows?: number;
}

/** Scores sets of `rows` rows. */
export function openScorer(problem: Problem, options: ScorerOptions): Scorer {
  const { objective, innerFolds, scoreRows = 0, rows } = options;
  const sample = new RowSample(problem, scoreRows, objective === "augmented" ? innerFolds : 1);
  if (objective === "synthetic") return new SyntheticScorer(problem, sample);
  return new AugmentedScorer(problem, sample, innerFolds, rows);
}

type Rows = Pick<Problem, "x" | "y">;

/** The real rows, or as many of them as are to be scored. */
class RowSample {
  readonly #all: Rows;
  readonly #byClass: number[][] | undefined;
  readonly #limit: number;
  readonly #least: number;

  constructor({ x, y, classes }: Problem, limit: number, least: number) {
    this.#all = { x, y };
    this.#limit = limit;
    this.#least = least;
    if (limit > 0 && limit < y.length) this.#byClass = rowsByClass(y, classes);
  }

  draw(random: Random): Rows {
    if (!this.#byClass) return this.#all;
    const rows = stratifiedSample(this.#byClass, this.#limit, this.#least, random);
    return { x: takeRows(this.#all.x, rows), y: Int32Array.from(rows, (row) => this.#all.y[row]) };
  }
}

abstract class BaseScorer implements Scorer {
  protected readonly problem: Problem;
  /** What is scored. */
  protected rows: Rows;
  readonly #sample: RowSample;

  constructor(problem: Problem, sample: RowSample) {
    this.problem = problem;
    this.rows = problem;
    this.#sample = sample;
  }

  get y(): Int32Array {
    return this.rows.y;
  }

  draw(random: Random): void {
    this.rows = this.#sample.draw(random);
  }

  abstract predict(set: LabelledSet): Promise<Float64Array>;

  async score(set: LabelledSet, metric = this.problem.metric): Promise<number> {
    const proba = await this.predict(set);
    return utility(metric, metric.compute(this.y, proba, this.problem.classes));
  }
}

class SyntheticScorer extends BaseScorer {
  async predict(set: LabelledSet): Promise<Float64Array> {
    const { learner } = this.problem;
    await learner.fit(set.x, set.y);
    return learner.predictProba(this.rows.x);
  }
}

/** Real rows with room below them for a generated set, whose total weight is `weight` times the real rows'. */
export class Mixture {
  readonly x: Matrix;
  readonly y: Int32Array;
  readonly weights: Float64Array;
  readonly #realRows: number;

  constructor(real: Matrix, y: Int32Array, setRows: number, weight: number) {
    this.#realRows = real.rows;
    this.x = matrix(real.rows + setRows, real.cols);
    this.x.data.set(real.data);
    this.y = new Int32Array(real.rows + setRows);
    this.y.set(y);
    this.weights = new Float64Array(real.rows + setRows).fill(1);
    this.weights.fill((weight * real.rows) / setRows, real.rows);
  }

  async fit(learner: Learner, set: LabelledSet): Promise<void> {
    this.x.data.set(set.x.data, this.#realRows * this.x.cols);
    this.y.set(set.y, this.#realRows);
    await learner.fit(this.x, this.y, this.weights);
  }
}

class AugmentedScorer extends BaseScorer {
  readonly #innerFolds: number;
  readonly #setRows: number;
  #proba = new Float64Array(0);
  #folds: { mixture: Mixture; heldX: Matrix; held: number[] }[] = [];

  constructor(problem: Problem, sample: RowSample, innerFolds: number, setRows: number) {
    super(problem, sample);
    this.#innerFolds = innerFolds;
    this.#setRows = setRows;
  }

  override draw(random: Random): void {
    super.draw(random);
    const { x, y } = this.rows;
    const { weight, classes } = this.problem;
    this.#proba = new Float64Array(y.length * classes);
    const folds = Math.min(this.#innerFolds, y.length);
    const fold = stratifiedFolds(y, folds, random);
    const rows = Array.from(y.keys());
    this.#folds = Array.from({ length: folds }, (_, k) => {
      const kept = rows.filter((row) => fold[row] !== k);
      const held = rows.filter((row) => fold[row] === k);
      const labels = Int32Array.from(kept, (row) => y[row]);
      return {
        mixture: new Mixture(takeRows(x, kept), labels, this.#setRows, weight),
        heldX: takeRows(x, held),
        held,
      };
    });
  }

  /** Out of fold; valid until the next call. */
  async predict(set: LabelledSet): Promise<Float64Array> {
    const { classes, learner } = this.problem;
    for (const { mixture, heldX, held } of this.#folds) {
      await mixture.fit(learner, set);
      const proba = await learner.predictProba(heldX);
      for (let i = 0; i < held.length; i++) {
        for (let c = 0; c < classes; c++) this.#proba[held[i] * classes + c] = proba[i * classes + c];
      }
    }
    return this.#proba;
  }
}

/**
 * Splits a generated set (rows, features + classes) into features and labels: the largest logit, ties to the lower
 * class. A class that got no row takes the row with its largest logit, unless that leaves another class without one.
 */
export function labelSet(raw: Float32Array, rows: number, features: number, classes: number): LabelledSet {
  const width = features + classes;
  const x = matrix(rows, features);
  const y = new Int32Array(rows);
  const counts = new Int32Array(classes);
  for (let i = 0; i < rows; i++) {
    x.data.set(raw.subarray(i * width, i * width + features), i * features);
    const logits = raw.subarray(i * width + features, (i + 1) * width);
    for (let c = 1; c < classes; c++) if (logits[c] > logits[y[i]]) y[i] = c;
    counts[y[i]]++;
  }
  for (let c = 0; c < classes; c++) {
    if (counts[c] > 0) continue;
    let chosen = -1;
    for (let i = 0; i < rows; i++) {
      const better = chosen < 0 || raw[i * width + features + c] > raw[chosen * width + features + c];
      if (counts[y[i]] > 1 && better) chosen = i;
    }
    if (chosen < 0) break; // fewer rows than classes
    counts[y[chosen]]--;
    counts[c]++;
    y[chosen] = c;
  }
  return { x, y };
}
