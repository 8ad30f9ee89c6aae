/** One split: the training loop, from top to bottom. */
import { type Learner, openLearner } from "./classifiers.ts";
import type { Backend } from "./engine/backend.ts";
import { Cpu } from "./engine/module.ts";
import { WasmBackend } from "./engine/wasm.ts";
import { MakeitError } from "./errors.ts";
import { Game } from "./game.ts";
import type { Matrix } from "./matrix.ts";
import { openMetric } from "./metrics.ts";
import { type Settings, sampleCount } from "./options.ts";
import { derive, PURPOSE, Random } from "./random.ts";
import { cpuRanker } from "./ranking.ts";
import type { History, Stopped } from "./result.ts";
import { type LabelledSet, labelSet, Mixture, openScorer, type Scorer } from "./score.ts";
import { pearson } from "./statistics.ts";

/** Encoded training rows and what to do with them; nothing of the held-out rows is here. */
export interface TrainJob {
  /** (rows, features), encoded by an encoder that has seen these rows only. */
  x: Matrix;
  y: Int32Array;
  classes: number;
  settings: Settings;
  seed: number;
}

export interface TrainHooks {
  /** Called after each epoch, and awaited: a place to let the event loop turn. */
  onEpoch?: (epoch: number, score: number, best: number) => void | Promise<void>;
  /** True asks to stop after this epoch with the best so far. */
  shouldStop?: () => boolean;
}

/** A generated set and its score (after re-scoring, where that is on). */
export interface ScoredSet extends LabelledSet {
  score: number;
}

/** What `sample` needs to draw more sets. */
export interface GeneratorState {
  rows: number;
  width: number;
  rank: number;
  noise: number;
  /** Standard deviation of each noise component. */
  noiseSd: Float32Array;
  weights: Record<string, Float32Array>;
}

export interface TrainResult {
  history: History;
  stopped: Stopped;
  /** The sets whose classifiers vote, best first. */
  voted: ScoredSet[];
  /** The generator after the epoch whose sets had the best mean score. */
  generator: GeneratorState;
}

/** Epochs over which the critic's predictions on new sets are compared with their scores. */
const CORRELATION_WINDOW = 10;

/**
 * Trains generator, critic and discriminator on one split's training rows.
 * @throws MakeitError when the first epoch already diverges; later ones stop with the best so far.
 */
export async function train(job: TrainJob, hooks: TrainHooks = {}): Promise<TrainResult> {
  const backend = await WasmBackend.open();
  try {
    return await trainOn(backend, job, hooks);
  } finally {
    backend.dispose();
  }
}

async function trainOn(backend: Backend, job: TrainJob, hooks: TrainHooks): Promise<TrainResult> {
  const { settings, x, y, classes } = job;
  const cpu = await Cpu.open();
  const learner = openLearner(settings.classifier, classes, cpu, {
    maxDepth: settings.treeDepth,
    warmStart: true,
  });
  const metric = openMetric(settings.metric, classes, cpuRanker(cpu));
  const rows = sampleCount(settings.samples, x.rows);
  const scorer = openScorer(
    { x, y, classes, learner, metric, weight: settings.weight },
    { ...settings, rows },
  );
  const random = new Random(derive(job.seed, PURPOSE.train));
  const foldRandom = new Random(derive(job.seed, PURPOSE.folds));
  const game = new Game(backend, cpu, job, rows, random);
  const top = new TopSets(Math.max(settings.rescore, settings.vote));
  const recent: ScoredSet[] = [];
  const history: History = {
    mean: [],
    max: [],
    best: [],
    criticLoss: [],
    discriminatorLoss: [],
    criticCorrelation: [],
  };
  const window: { predicted: number[]; scores: number[] }[] = [];
  const started = performance.now();
  let best = Number.NEGATIVE_INFINITY;
  let bestMean = Number.NEGATIVE_INFINITY;
  let sinceBest = 0;
  let state: GeneratorState | undefined;
  let stopped: Stopped = { epoch: settings.epochs, reason: "epochs" };

  scorer.draw(foldRandom);
  for (let epoch = 0; epoch < settings.epochs; epoch++) {
    // 1. Generate a batch of sets, and ask the critic before it has seen them.
    const { sets: raw, predicted } = await game.generate();

    // 2. Score each set with the discrete metric.
    if (settings.freshFolds && epoch > 0) scorer.draw(foldRandom);
    const sets = raw.map((set) => labelSet(set, rows, x.cols, classes));
    const scores: number[] = [];
    for (const set of sets) scores.push(allFinite(set.x.data) ? await scorer.score(set) : Number.NaN);
    const targets = await game.targets(scores);
    const mean = average(scores);
    if (!Number.isFinite(mean) || !targets.every(Number.isFinite)) {
      if (!state) throw diverged();
      stopped = { epoch, reason: "diverged" };
      break;
    }

    // 3. Keep what is good: the best sets, the last sets, the generator at its best.
    sets.forEach((set, i) => {
      const scored = { ...set, score: scores[i] }; // one object: in both lists it is still one candidate
      top.offer(scored);
      recent.push(scored);
    });
    recent.splice(0, Math.max(0, recent.length - settings.rescore));
    if (mean > bestMean) {
      bestMean = mean;
      state = await game.snapshot();
    }

    // 4. Train: the critic on the memory, the discriminator on real against generated, the generator on both.
    const losses = await game.learn(epoch, targets, sets);

    // 5. Take stock.
    const max = Math.max(...scores);
    sinceBest = max > best + settings.minDelta ? 0 : sinceBest + 1;
    best = Math.max(best, max);
    history.mean.push(mean);
    history.max.push(max);
    history.best.push(best);
    history.criticLoss.push(losses.critic);
    history.discriminatorLoss.push(losses.discriminator);
    window.push({ predicted, scores: targets });
    if (window.length > CORRELATION_WINDOW) window.shift();
    history.criticCorrelation.push(correlation(window));
    await hooks.onEpoch?.(epoch + 1, mean, best);

    // 6. Stop?
    if (hooks.shouldStop?.()) stopped = { epoch: epoch + 1, reason: "interrupted" };
    else if (!losses.finite) stopped = { epoch: epoch + 1, reason: "diverged" };
    else if (sinceBest >= settings.patience) stopped = { epoch: epoch + 1, reason: "patience" };
    else if (settings.maxSeconds > 0 && performance.now() - started > settings.maxSeconds * 1000) {
      stopped = { epoch: epoch + 1, reason: "time" };
    } else continue;
    break;
  }

  const candidates = [...new Set([...top.sets, ...(settings.rescore > 0 ? recent : [])])];
  const interrupted = stopped.reason === "interrupted";
  if (settings.rescore > 0 && !interrupted)
    await rescore(candidates, scorer, settings.rescoreDraws, foldRandom);
  candidates.sort((a, b) => b.score - a.score);
  return { history, stopped, voted: candidates.slice(0, settings.vote), generator: state! };
}

/**
 * The maximum of many noisy scores is mostly luck: score the candidates again on fresh inner folds, the same for all,
 * and let that mean decide (method: re-scoring removes the winner's curse).
 */
async function rescore(sets: ScoredSet[], scorer: Scorer, draws: number, random: Random): Promise<void> {
  const sums = new Float64Array(sets.length);
  for (let draw = 0; draw < draws; draw++) {
    scorer.draw(random);
    for (let i = 0; i < sets.length; i++) sums[i] += await scorer.score(sets[i]);
  }
  sets.forEach((set, i) => {
    set.score = sums[i] / draws;
  });
}

/**
 * The final classifier: one fit a voted set, probabilities averaged (soft vote). `objective` as in training: on real
 * and generated rows, or on the generated ones alone.
 * @returns row-major (rows of `queryX`, classes).
 */
export async function vote(
  job: Pick<TrainJob, "x" | "y" | "classes" | "settings">,
  voted: readonly LabelledSet[],
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
  return sum;
}

/** The best `capacity` sets offered so far. */
class TopSets {
  readonly sets: ScoredSet[] = [];
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  offer(set: ScoredSet): void {
    const { sets } = this;
    if (sets.length === this.#capacity && set.score <= sets[sets.length - 1].score) return;
    const place = sets.findIndex((other) => set.score > other.score);
    sets.splice(place < 0 ? sets.length : place, 0, set);
    if (sets.length > this.#capacity) sets.pop();
  }
}

function correlation(window: { predicted: number[]; scores: number[] }[]): number {
  // Within epochs, so that a drift of the level alone does not count as insight.
  const centred = (values: number[]) => {
    const mean = average(values);
    return values.map((value) => value - mean);
  };
  const predicted = window.flatMap((epoch) => centred(epoch.predicted));
  const scores = window.flatMap((epoch) => centred(epoch.scores));
  const r = pearson(predicted, scores);
  return Number.isFinite(r) ? r : 0;
}

function allFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * 0; // NaN or Infinity makes it NaN
  return sum === 0;
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function diverged(): MakeitError {
  return new MakeitError(
    "diverged",
    "Training diverged in its first epoch: the generated sets or their scores are not finite.",
    "Lower the learning rates or noiseSd, and standardise the columns (scale).",
  );
}
