/** After the last epoch: the vote, which classifiers have one, where their vote decides, and what it is worth. */
import type { Learner } from "./classifiers.ts";
import type { Matrix } from "./matrix.ts";
import { type Metric, openMetric, type Ranker, utility } from "./metrics.ts";
import type { Random } from "./random.ts";
import { balancedWeights } from "./resampling.ts";
import { Mixture, type Scorer, type Weigh } from "./score.ts";
import type { Settings } from "./settings.ts";
import { bestFactors, shiftPriors } from "./threshold.ts";
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

/**
 * How real rows and a set are weighed against each other: `plain` as in training, `heavy` with three times the set's
 * weight, `balanced` with real rows that weigh as much in each class.
 */
export type Mix = "plain" | "heavy" | "balanced";
const MIXES: readonly Mix[] = ["plain", "heavy", "balanced"];

/** The weights that a mix means; nothing for those of training. */
export function weighing(mix: Mix | undefined, classes: number): Weigh | undefined {
  if (mix === "heavy") return ({ weights, realRows }) => weights.map((w, i) => (i < realRows ? w : 3 * w));
  if (mix !== "balanced") return undefined;
  return ({ weights, realRows, y }) => {
    const out = weights.slice();
    out.set(balancedWeights(y.subarray(0, realRows), classes));
    return out;
  };
}

/** A user's classifier may not know of weights; without real rows there is nothing to weigh. */
function mixesOf({ objective, classifier }: Settings): readonly Mix[] {
  return objective === "augmented" && classifier === "logistic" ? MIXES : ["plain"];
}

/** Classifiers are chosen by how they order the rows: where the rows are cut is one number, tuned afterwards. */
function selectBy({ select, metric }: Settings): Settings["metric"] {
  if (select !== "auto") return select;
  if (metric === "balanced_accuracy" || metric === "g_mean") return "roc_auc";
  return metric === "f1" || metric === "f1_macro" || metric === "mcc" ? "average_precision" : metric;
}

/** A classifier that learns from a set and the real rows, and its scores so far. */
interface Candidate {
  set: ScoredSet;
  mix: Mix;
  sum: number;
}

/**
 * The maximum of many noisy scores is mostly luck: every set is scored again in every mix, on fresh inner folds, the same
 * for all, and the mean decides who votes (method: re-scoring removes the winner's curse). After a draw the worse half
 * goes, as long as no fewer remain than there are sets (successive halving; Jamieson and Talwalkar 2016).
 */
export async function elect(sets: readonly ScoredSet[], judge: Judge): Promise<Ballot> {
  const { scorer, classes, settings, random } = judge;
  const { rescoreDraws: draws } = settings;
  const select = openMetric(selectBy(settings), classes, judge.ranker);
  // Mix by mix, because a fit begins where the one before ended.
  let left: Candidate[] = mixesOf(settings).flatMap((mix) => sets.map((set) => ({ set, mix, sum: 0 })));
  for (let draw = 0; draw < draws; draw++) {
    if (draw > 0) {
      const kept = new Set(best(left, Math.max(left.length / 2, sets.length)));
      left = left.filter((candidate) => kept.has(candidate));
    }
    scorer.draw(random);
    for (const candidate of left) {
      candidate.sum += await scorer.score(candidate.set, select, weighing(candidate.mix, classes));
    }
  }
  const voted = new Map<ScoredSet, ScoredSet & { mixes: Mix[] }>();
  for (const { set, mix, sum } of best(left, settings.vote)) {
    if (!voted.has(set)) voted.set(set, { ...set, score: sum / draws, mixes: [] });
    voted.get(set)!.mixes.push(mix);
  }
  const chosen = [...voted.values()];
  return { voted: chosen, ...(await tune(chosen, judge)) };
}

/** The `count` best, best first, of equals the earlier. */
function best(candidates: readonly Candidate[], count: number): Candidate[] {
  return [...candidates].sort((a, b) => b.sum - a.sum).slice(0, Math.ceil(count));
}

/** Each vote: a set and how it is weighed, mix by mix. */
function votesOf(
  voted: readonly ScoredSet[],
  classes: number,
): { set: ScoredSet; weigh: Weigh | undefined }[] {
  return MIXES.flatMap((mix) =>
    voted
      .filter(({ mixes = ["plain"] }) => mixes.includes(mix))
      .map((set) => ({ set, weigh: weighing(mix, classes) })),
  );
}

/**
 * On fresh draws of folds: the factors that are best by the metric, their mean over the draws, and of the way there
 * as much as `cut` says. The best threshold of few positives is a noisy one, so it is shrunk toward ½.
 */
async function tune(
  voted: readonly ScoredSet[],
  { scorer, metric, classes, settings, random }: Judge,
): Promise<Omit<Ballot, "voted">> {
  const draws = settings.rescoreDraws;
  const cut = metric.usesLabels ? settings.cut : 0;
  const factors = new Float64Array(classes).fill(1 - cut);
  const ballots = votesOf(voted, classes);
  const votes: { y: Int32Array; sum: Float64Array }[] = [];
  for (let draw = 0; draw < draws; draw++) {
    scorer.draw(random);
    const { y } = scorer;
    const sum = new Float64Array(y.length * classes);
    for (const { set, weigh } of ballots) {
      const proba = await scorer.predict(set, weigh);
      for (let i = 0; i < sum.length; i++) sum[i] += proba[i] / ballots.length;
    }
    const best = cut > 0 ? bestFactors(y, sum, classes, metric) : factors;
    for (let c = 0; c < classes; c++) factors[c] += (cut * best[c]) / draws;
    votes.push({ y, sum });
  }
  let worth = 0;
  for (const { y, sum } of votes) {
    const value = metric.compute(y, shiftPriors(sum, factors), classes);
    worth += utility(metric, value);
  }
  return { factors, outOfFold: worth / draws };
}

/**
 * The final classifier: one fit a vote, probabilities averaged (soft vote). `objective` as in training: on real
 * and generated rows, or on the generated ones alone.
 * @returns row-major (rows of `queryX`, classes): their argmax decides where the factors say.
 */
export async function vote(
  job: Pick<TrainJob, "x" | "y" | "classes" | "settings">,
  { voted, factors }: { voted: readonly ScoredSet[]; factors?: Float64Array },
  learner: Learner,
  queryX: Matrix,
): Promise<Float64Array> {
  const { x, y, settings, classes } = job;
  const sum = new Float64Array(queryX.rows * classes);
  const mixture = new Mixture(x, y, voted[0].x.rows, settings.weight);
  const votes = votesOf(voted, classes);
  for (const { set, weigh } of votes) {
    if (settings.objective === "augmented") await mixture.fit(learner, set, weigh);
    else await learner.fit(set.x, set.y);
    const proba = await learner.predictProba(queryX);
    for (let i = 0; i < sum.length; i++) sum[i] += proba[i] / votes.length;
  }
  return factors ? shiftPriors(sum, factors) : sum;
}
