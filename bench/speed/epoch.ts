/** Whole epochs of the preset `default`: what is trained on, and Makeit's own training, epoch by epoch. */
import { resolveSettings, type Settings } from "../../sdk/options.ts";
import { mean } from "../../sdk/statistics.ts";
import { type TrainHooks, type TrainJob, train } from "../../sdk/train.ts";
import { type Examples, linear } from "../problems.ts";
import { CHECKED } from "./problem.ts";
import type { Library, Outputs, Task } from "./task.ts";

/** The score that a generator is to learn, as the mean of this many epochs' mean scores. */
export const GOAL = 0.9;
const WINDOW = 10;
/** Seconds after which learning is given up, and that `dragan` gets. */
const GIVEN_UP = 900;
const DRAGAN = 20;

const FOREVER = { epochs: 1e6, patience: 1e6 };

export interface Learnt {
  reached: boolean;
  epochs: number;
  /** The mean score of the last {@link WINDOW} epochs. */
  score: number;
}

/** A training of two classes that is stopped from outside. */
export function openJob({ x, y }: Examples, seed: number, options: Partial<Settings>): TrainJob {
  return { x, y, classes: 2, seed, settings: resolveSettings({ ...FOREVER, rescore: 0, ...options }) };
}

/** 1,870 rows of 8 features, about one in seventeen positive. */
export function defaultJob(): TrainJob {
  return openJob(linear(1870, 8, 21), 1, {});
}

/** Seeds of `learn`'s steps: 1, 2, 3 … */
export function learningJob(examples: Examples, seed: number): TrainJob {
  return openJob(examples, seed, { objective: "synthetic", metric: "roc_auc" });
}

/** @param folds the rows to learn from, standardised and as they are; without them there is nothing to learn. */
export function epochs(folds?: { scaled: Examples; raw: Examples }): Library {
  if (!folds) return { epoch };
  let seed = 0;
  return {
    epoch,
    learn: async () => ({
      outputs: {},
      step: () => learn((hooks) => train(learningJob(folds.scaled, ++seed), hooks)),
    }),
    dragan: async () => ({
      outputs: {},
      step: () => {
        const job = openJob(folds.raw, 1, { preset: "dragan", metric: "roc_auc" });
        return learn((hooks) => train(job, hooks), DRAGAN);
      },
    }),
  };
}

async function epoch(): Promise<Task> {
  const job = defaultJob();
  const first = await train({ ...job, settings: { ...job.settings, epochs: CHECKED } });
  const { mean: scores, criticLoss, discriminatorLoss } = first.history;
  const outputs: Outputs = { scores, criticLoss, discriminatorLoss };
  return { outputs, step: paced((onEpoch) => train(job, { onEpoch })) };
}

/** A training that rests after each epoch until the next is asked for. */
function paced(start: (onEpoch: () => Promise<void>) => Promise<unknown>): () => Promise<void> {
  let resume: (() => void) | undefined;
  let reached = () => {};
  const rest = () =>
    new Promise<void>((resolve) => {
      resume = resolve;
      reached();
    });
  return () =>
    new Promise((resolve, reject) => {
      reached = resolve;
      if (resume) resume();
      else start(rest).catch(reject);
    });
}

/** Trains until the goal is reached, or for as many seconds. */
export async function learn(
  start: (hooks: TrainHooks) => Promise<unknown>,
  seconds = GIVEN_UP,
): Promise<Learnt> {
  const scores: number[] = [];
  const started = performance.now();
  const recent = () => mean(scores.slice(-WINDOW));
  const reached = () => scores.length >= WINDOW && recent() >= GOAL;
  await start({
    onEpoch: (_, score) => void scores.push(score),
    shouldStop: () => reached() || performance.now() - started > 1000 * seconds,
  });
  return { reached: reached(), epochs: scores.length, score: recent() };
}
