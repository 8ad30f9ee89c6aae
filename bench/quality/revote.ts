/** What else could come of sets that are there: the same training, another vote. Paired, and without another training. */
import { elect, vote } from "../../sdk/ballot.ts";
import { type Learner, openLearner } from "../../sdk/classifiers.ts";
import type { Cpu } from "../../sdk/engine/module.ts";
import type { Matrix } from "../../sdk/matrix.ts";
import type { Metric } from "../../sdk/metrics.ts";
import { derive, PURPOSE, Random } from "../../sdk/random.ts";
import { cpuRanker } from "../../sdk/ranking.ts";
import { openScorer } from "../../sdk/score.ts";
import { sampleCount } from "../../sdk/settings.ts";
import type { TrainState } from "../../sdk/state.ts";
import { type TrainJob, train } from "../../sdk/train.ts";

/** Where a training stood when its vote began. */
export type Before = Pick<TrainState, "folds" | "learner"> & Pick<TrainState["progress"], "candidates">;

/** Trains, and keeps what the vote begins with. */
export async function record(job: TrainJob): Promise<Before> {
  let before: Before | undefined;
  await train(job, {
    onState: async (read) => {
      const { progress, folds, learner } = (await read()).state;
      // Copies: the vote writes new scores into the sets.
      before = { candidates: progress.candidates.map((set) => ({ ...set })), folds, learner };
    },
  });
  return before!;
}

/** Options that a vote alone depends on; others would need another training. */
export const VOTE_OPTIONS = ["weight", "innerFolds", "rescoreDraws", "select", "vote", "cut"] as const;

/**
 * The vote of the recorded sets with the settings of `job`, on the folds that training would have drawn next: with the
 * settings of the training itself it is the training's own vote.
 * @returns class probabilities of the rows of `queryX`.
 */
export async function revote(
  before: Before,
  job: TrainJob,
  { cpu, metric, learner }: { cpu: Cpu; metric: Metric; learner: Learner },
  queryX: Matrix,
): Promise<Float64Array> {
  const { x, y, classes, settings, seed } = job;
  const { classifier, treeDepth: maxDepth, trees, weight, samples } = settings;
  const warm = openLearner(classifier, classes, cpu, { maxDepth, trees, warmStart: true });
  if (before.learner) warm.state = before.learner;
  const rows = sampleCount(samples, x.rows);
  const scorer = openScorer({ x, y, classes, learner: warm, metric, weight }, { ...settings, rows });
  const random = new Random(derive(seed, PURPOSE.folds));
  random.state = before.folds;
  scorer.draw(random); // the last epoch's
  const candidates = before.candidates.map((set) => ({ ...set }));
  const ballot = await elect(candidates, {
    scorer,
    metric,
    ranker: cpuRanker(cpu),
    classes,
    settings,
    random,
  });
  return vote(job, ballot, learner, queryX);
}
