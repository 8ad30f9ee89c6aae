/** One split's training between two epochs, as plain data. */
import type { LearnerState } from "./classifiers.ts";
import type { GameState } from "./game.ts";
import type { EngineSpan, History } from "./result.ts";
import type { GeneratorState, ScoredSet } from "./train.ts";

/**
 * Everything that the next epoch depends on, beside the job: from the same state the WASM engine goes on to the same
 * bytes. (A user's own classifier or metric that remembers earlier calls is not part of it.)
 *
 * Plain objects and lists of numbers, strings and typed arrays, and no object in two places: `structuredClone` copies
 * it, threads can send it, and a walk over its keys names each array by its path, such as `game.critic.network.values`.
 */
export interface TrainState {
  progress: Progress;
  /** The networks, their optimizers, the critic's memory. */
  game: GameState;
  /** Numbers drawn from the stream of training. */
  random: number;
  /** Numbers drawn from the stream of inner folds before the folds in use were drawn from it. */
  folds: number;
  /** Where the classifier's warm start begins; for a classifier that has one. */
  learner: LearnerState | undefined;
}

/** What is saved of a split's training, to go on from. */
export interface Saved {
  state: TrainState;
  /** The engines so far. */
  engines: EngineSpan[];
}

/** What training has found so far: the part of its state that no engine holds. */
export interface Progress {
  /** Epochs completed. */
  epoch: number;
  /** What they took, for `maxSeconds`. */
  seconds: number;
  history: History;
  /** What the critic predicted, and the scores, of the last epochs. */
  window: { predicted: number[]; scores: number[] }[];
  /** The best score, and the epochs since it rose. */
  best: number;
  sinceBest: number;
  /** The sets that may vote, in the order in which they were made. */
  candidates: ScoredSet[];
  /** The generator that made the last epoch's sets. */
  generator: GeneratorState | undefined;
}

export function newProgress(): Progress {
  return {
    epoch: 0,
    seconds: 0,
    history: {
      mean: [],
      max: [],
      best: [],
      criticLoss: [],
      discriminatorLoss: [],
      criticCorrelation: [],
      deadUnits: [],
      discriminatorAccuracy: [],
      diversity: [],
    },
    window: [],
    best: Number.NEGATIVE_INFINITY,
    sinceBest: 0,
    candidates: [],
    generator: undefined,
  };
}

/** The `count` best of the sets, best first, of equals the earlier. */
export function best(sets: readonly ScoredSet[], count: number): ScoredSet[] {
  return [...sets].sort((a, b) => b.score - a.score).slice(0, count);
}
