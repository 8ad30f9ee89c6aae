/** The simple rivals of synthetic data: what anyone can do about imbalance in a line or two. */
import type { Learner } from "./classifiers.ts";
import type { Cpu } from "./engine/module.ts";
import { fewerRows, foldSplit, rowsByClass, stratifiedFolds } from "./folds.ts";
import { type Matrix, takeRows } from "./matrix.ts";
import { type Metric, utility } from "./metrics.ts";
import { derive, Random } from "./random.ts";
import { balancedWeights, oversample, smote } from "./resampling.ts";
import { sd } from "./statistics.ts";
import { applyThreshold, bestShift, bestThreshold, shiftPriors } from "./threshold.ts";

/**
 * The rivals of every verdict, in the order they are reported; `weightedThreshold` is class weights with a tuned
 * threshold on top.
 */
export const RIVALS = ["none", "weighted", "threshold", "weightedThreshold", "oversample", "smote"] as const;
export type Rival = (typeof RIVALS)[number];

/** Sets the draws of the rivals apart from every other use of a run's seed ("RIVL"). */
const STREAM = 0x5249564c;
const [OVERSAMPLE, SMOTE, FOLDS, ESTIMATE] = [0, 1, 2, 3];

/** One split: what may be learnt from, and the held-out rows to predict. */
export interface RivalProblem {
  readonly trainX: Matrix;
  /** Class indices 0 … classes − 1. */
  readonly trainY: Int32Array;
  readonly testX: Matrix;
  readonly classes: number;
  /** Refitted for each rival, one after the other. */
  readonly learner: Learner;
  /** What the thresholds are tuned for. */
  readonly metric: Metric;
  readonly seed: number;
  /** Feature indices of each one-hot block, for SMOTE-NC. */
  readonly groups?: readonly (readonly number[])[];
  /** Finds SMOTE's neighbours among thousands of rows sooner. */
  readonly cpu?: Cpu;
  /** Inner stratified folds on which thresholds are tuned; fewer where the rarest class has fewer rows. */
  readonly innerFolds?: number;
}

/** Fits on the first two, predicts the third. */
export type FitPredict = (x: Matrix, y: Int32Array, testX: Matrix) => Float64Array | Promise<Float64Array>;

/**
 * Each rival's class probabilities on the held-out rows, row-major (rows, classes). Thresholds are already applied:
 * the argmax is the prediction.
 */
export async function rivals(problem: RivalProblem): Promise<Record<(typeof RIVALS)[number], Float64Array>> {
  const out = {} as Record<Rival, Float64Array>;
  // In turn, not at once: they share one learner.
  for (const rival of RIVALS) out[rival] = await predictRival(rival, problem);
  return out;
}

/** One rival's class probabilities on the held-out rows. */
export async function predictRival(rival: Rival, problem: RivalProblem): Promise<Float64Array> {
  const { trainX, trainY, testX, classes, learner, seed, groups, cpu } = problem;
  const plain: FitPredict = (x, y, rows) => fitPredict(learner, x, y, rows);
  const weighted: FitPredict = (x, y, rows) => fitPredict(learner, x, y, rows, balancedWeights(y, classes));
  const on = ({ x, y }: { x: Matrix; y: Int32Array }) => fitPredict(learner, x, y, testX);
  const random = (use: number) => new Random(derive(seed, STREAM, use));
  switch (rival) {
    case "none":
      return plain(trainX, trainY, testX);
    case "weighted":
      return weighted(trainX, trainY, testX);
    case "threshold":
      return thresholded(problem, plain);
    case "weightedThreshold":
      return thresholded(problem, weighted);
    case "oversample":
      return on(oversample(trainX, trainY, classes, random(OVERSAMPLE)));
    case "smote":
      return on(smote(trainX, trainY, classes, random(SMOTE), { groups, cpu }));
  }
}

/** Draws of folds that a rival's worth on training rows is averaged over. */
const ESTIMATES = 2;
/** Draws of rows that its standard error is taken from. */
const BOOTSTRAPS = 40;
/** Rivals that are another's predictions with a tuned decision. */
const TUNED = { threshold: "none", weightedThreshold: "weighted" } as const;

/**
 * Each rival's score on the training rows (higher is better), out of fold, mean over draws of folds. A threshold for
 * the rows of a fold is tuned on the predictions for the others: one number, so that it matters little that those
 * models have seen the fold. `error` is the standard error of doing nothing, by a bootstrap of the rows of each class.
 * @returns nothing when the rarest class has one row, which cannot be held out.
 */
export async function estimateRivals(
  problem: Omit<RivalProblem, "testX">,
): Promise<{ scores: Record<Rival, number>; error: number } | undefined> {
  const { trainX, trainY, classes, metric, seed } = problem;
  let error = 0;
  const sums = Object.fromEntries(RIVALS.map((rival) => [rival, 0])) as Record<Rival, number>;
  for (let draw = 0; draw < ESTIMATES; draw++) {
    const random = new Random(derive(seed, STREAM, ESTIMATE, draw));
    const folds = innerFolds(trainY, classes, problem.innerFolds ?? 5, random);
    if (!folds) return undefined;
    const held: Partial<Record<Rival, Float64Array>> = {};
    for (const rival of RIVALS) {
      const tuned = TUNED[rival as keyof typeof TUNED];
      const model: FitPredict = (x, y, rows) =>
        predictRival(rival, { ...problem, trainX: x, trainY: y, testX: rows });
      held[rival] = tuned
        ? await decideAcross(held[tuned]!, folds, problem)
        : await outOfFold(trainX, trainY, classes, folds, model);
      sums[rival] += utility(metric, metric.compute(trainY, held[rival]!, classes)) / ESTIMATES;
    }
    if (draw === 0) error = bootstrapError(held.none!, problem, random);
  }
  return { scores: sums, error };
}

/** How much a score depends on which rows of each class there are: its standard deviation over draws of them. */
function bootstrapError(
  held: Float64Array,
  { trainY, classes, metric }: Omit<RivalProblem, "testX">,
  random: Random,
): number {
  const byClass = rowsByClass(trainY, classes);
  const scores = Array.from({ length: BOOTSTRAPS }, () => {
    const rows = byClass.flatMap((own) => own.map(() => own[random.integer(own.length)]));
    const y = Int32Array.from(rows, (row) => trainY[row]);
    return metric.compute(y, probaOf(held, rows, classes), classes);
  });
  return sd(scores);
}

/** The probabilities of some of the rows. */
function probaOf(held: Float64Array, rows: ArrayLike<number>, classes: number): Float64Array {
  return Float64Array.from({ length: rows.length * classes }, (_, i) => {
    return held[rows[Math.floor(i / classes)] * classes + (i % classes)];
  });
}

/** Decides on each fold's rows by what is best on all others'. */
function decideAcross(
  held: Float64Array,
  folds: Int32Array,
  { trainY, classes, metric }: Omit<RivalProblem, "testX">,
): Promise<Float64Array> {
  return acrossFolds(folds, classes, (train, test) => {
    const y = Int32Array.from(train, (row) => trainY[row]);
    return tunedOn(y, probaOf(held, train, classes), classes, metric)(probaOf(held, test, classes));
  });
}

/** These look at the order of rows alone, which no threshold changes. */
const BY_ORDER: readonly string[] = ["roc_auc", "average_precision"];

/** The decision that is best on these predictions: a threshold on two classes, a shift of priors on more. */
function tunedOn(
  y: Int32Array,
  held: Float64Array,
  classes: number,
  metric: Metric,
): (proba: Float64Array) => Float64Array {
  if (BY_ORDER.includes(metric.name)) return (proba) => proba;
  if (classes === 2) {
    const threshold = bestThreshold(y, held, metric);
    return (proba) => applyThreshold(proba, threshold);
  }
  const factors = bestShift(y, held, classes, metric);
  return (proba) => shiftPriors(proba, factors);
}

async function fitPredict(learner: Learner, x: Matrix, y: Int32Array, testX: Matrix, weights?: Float64Array) {
  await learner.fit(x, y, weights);
  return learner.predictProba(testX);
}

/** One number is tuned on so many rows, or on more where the rarest class would have fewer than these. */
const [TUNED_ROWS, TUNED_RAREST] = [100_000, 1000];

/** As many rows as a threshold needs, of each class its share. */
function enough(x: Matrix, y: Int32Array, classes: number, random: Random): { x: Matrix; y: Int32Array } {
  const rarest = Math.min(...rowsByClass(y, classes).map((rows) => rows.length));
  const limit = Math.max(TUNED_ROWS, (TUNED_RAREST * y.length) / rarest);
  const rows = fewerRows(y, classes, [limit, 1], random);
  return rows ? { x: takeRows(x, rows), y: Int32Array.from(rows, (row) => y[row]) } : { x, y };
}

/** Tunes the decision out of fold on the training rows, refits on all of them, and applies it. */
async function thresholded(problem: RivalProblem, model: FitPredict): Promise<Float64Array> {
  const { trainX, trainY, testX, classes, metric, seed } = problem;
  const random = new Random(derive(seed, STREAM, FOLDS));
  const proba = await model(trainX, trainY, testX);
  const { x, y } = enough(trainX, trainY, classes, random);
  const folds = innerFolds(y, classes, problem.innerFolds ?? 5, random);
  if (!folds) return proba;
  return tunedOn(y, await outOfFold(x, y, classes, folds, model), classes, metric)(proba);
}

/**
 * Inner stratified folds on training rows, as many as asked for but no more than the rarest class has rows.
 * @returns the fold of each row; nothing when the rarest class has one row, which cannot be held out.
 */
export function innerFolds(
  y: Int32Array,
  classes: number,
  folds: number,
  random: Random,
): Int32Array | undefined {
  const rarest = Math.min(...rowsByClass(y, classes).map((rows) => rows.length));
  return rarest < 2 ? undefined : stratifiedFolds(y, Math.min(folds, rarest), random);
}

/**
 * Out-of-fold predictions: each fold is predicted by a model fitted on the others.
 * @param folds the fold of each row, 0 … n − 1.
 * @returns probabilities, row-major (rows, classes).
 */
export async function outOfFold(
  x: Matrix,
  y: Int32Array,
  classes: number,
  folds: Int32Array,
  model: FitPredict,
): Promise<Float64Array> {
  return acrossFolds(folds, classes, (train, test) =>
    model(
      takeRows(x, train),
      Int32Array.from(train, (row) => y[row]),
      takeRows(x, test),
    ),
  );
}

/** Each fold's rows predicted from those of all others, in the order of the rows. */
async function acrossFolds(
  folds: Int32Array,
  classes: number,
  predict: (train: Uint32Array, test: Uint32Array) => Float64Array | Promise<Float64Array>,
): Promise<Float64Array> {
  const out = new Float64Array(folds.length * classes);
  const count = folds.reduce((most, fold) => Math.max(most, fold + 1), 0);
  for (let fold = 0; fold < count; fold++) {
    const { train, test } = foldSplit(folds, fold);
    const proba = await predict(train, test);
    test.forEach((row, i) => {
      out.set(proba.subarray(i * classes, (i + 1) * classes), row * classes);
    });
  }
  return out;
}
