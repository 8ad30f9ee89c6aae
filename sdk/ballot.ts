/** After the last epoch: the vote, which sets have one, where their vote decides, and what it is worth. */
import type { Learner } from "./classifiers.ts";
import type { Matrix } from "./matrix.ts";
import { BY_CLASS, type Metric, openMetric, type Ranker, utility } from "./metrics.ts";
import type { Random } from "./random.ts";
import { type LabelledSet, Mixture, type Scorer } from "./score.ts";
import type { Settings } from "./settings.ts";
import { best } from "./state.ts";
import { type Draw, shiftPriors, tunedFactors } from "./threshold.ts";
import type { Ballot, ScoredSet, TrainJob } from "./train.ts";

/** What a vote is judged by: new draws of `scorer`, by `metric`. */
interface Judge {
  scorer: Scorer;
  metric: Metric;
  ranker: Ranker;
  classes: number;
  settings: Settings;
  random: Random;
}

/** Sets are chosen by what they do to the order of the rows: where the rows are cut is one number, tuned afterwards. */
function selectBy({ select, metric }: Settings): Settings["metric"] {
  if (select !== "auto") return select;
  if (BY_CLASS.test(String(metric))) return "roc_auc";
  return metric === "f1" || metric === "f1_macro" || metric === "mcc" ? "average_precision" : metric;
}

/** Scores the best candidates and the last ones again and chooses those that vote, best first. */
export async function elect(candidates: readonly ScoredSet[], judge: Judge): Promise<Ballot> {
  const { scorer, classes, settings, random } = judge;
  const { rescore, rescoreDraws, vote } = settings;
  const select = openMetric(selectBy(settings), classes, judge.ranker);
  const sets = [...new Set([...best(candidates, Math.max(rescore, vote)), ...candidates])];
  await scoreAgain(sets, scorer, select, rescoreDraws, random);
  const voted = best(sets, vote);
  return { voted, ...(await tune(voted, judge)) };
}

/**
 * The maximum of many noisy scores is mostly luck: score the candidates again on fresh inner folds, the same for all,
 * and let that mean decide (method: re-scoring removes the winner's curse).
 */
async function scoreAgain(
  sets: ScoredSet[],
  scorer: Scorer,
  metric: Metric,
  draws: number,
  random: Random,
): Promise<void> {
  const sums = new Float64Array(sets.length);
  for (let draw = 0; draw < draws; draw++) {
    scorer.draw(random);
    for (let i = 0; i < sets.length; i++) sums[i] += await scorer.score(sets[i], metric);
  }
  sets.forEach((set, i) => {
    set.score = sums[i] / draws;
  });
}

/**
 * On fresh draws of folds: the factors with which the vote decides best by the metric, and of the way there as much as
 * `cut` says; what the vote is worth with them.
 */
async function tune(
  voted: readonly LabelledSet[],
  { scorer, metric, classes, settings, random }: Judge,
): Promise<Omit<Ballot, "voted">> {
  const draws: Draw[] = [];
  for (let draw = 0; draw < settings.rescoreDraws; draw++) {
    scorer.draw(random);
    const { y } = scorer;
    const proba = new Float64Array(y.length * classes);
    for (const set of voted) {
      const own = await scorer.predict(set);
      for (let i = 0; i < proba.length; i++) proba[i] += own[i] / voted.length;
    }
    draws.push({ y, proba });
  }
  const cut = metric.usesLabels ? settings.cut : 0;
  const ones = new Float64Array(classes).fill(1);
  const tuned = cut > 0 ? tunedFactors(draws, classes, metric) : ones;
  const factors = ones.map((one, c) => one + cut * (tuned[c] - one));
  let worth = 0;
  for (const { y, proba } of draws) {
    const value = metric.compute(y, shiftPriors(proba, factors), classes);
    worth += utility(metric, value) / draws.length;
  }
  return { factors, outOfFold: worth };
}

/**
 * The final classifier: one fit a voted set, probabilities averaged (soft vote). `objective` as in training: on real
 * and generated rows, or on the generated ones alone.
 * @returns row-major (rows of `queryX`, classes): their argmax decides where the factors say.
 */
export async function vote(
  job: Pick<TrainJob, "x" | "y" | "classes" | "settings">,
  { voted, factors }: { voted: readonly LabelledSet[]; factors?: Float64Array },
  learner: Learner,
  queryX: Matrix,
): Promise<Float64Array> {
  const { x, y, settings, classes } = job;
  const sum = new Float64Array(queryX.rows * classes);
  const mixture = new Mixture(x, y, voted[0].x.rows, settings.weight);
  for (const set of voted) {
    if (settings.objective === "augmented") await mixture.fit(learner, set);
    else await learner.fit(set.x, set.y);
    const proba = await learner.predictProba(queryX);
    for (let i = 0; i < sum.length; i++) sum[i] += proba[i] / voted.length;
  }
  return factors ? shiftPriors(sum, factors) : sum;
}
