/**
 * What every parameter of a run is for, in words: the CLI makes its flags and its help from it, the report prints it.
 * Apart from the settings, because training needs no words.
 */
import { type Settings, SPECS, type Spec } from "./settings.ts";

export { PRESETS, type PresetName, resolveSettings, type Settings } from "./settings.ts";

type Group = "Run" | "Score" | "Generator" | "Critic" | "Discriminator" | "Table";

export interface OptionSpec<T = unknown> extends Spec<T> {
  readonly describe: string;
  /** The heading it stands under in `--help`. */
  readonly group: Group;
}

const WORDS: { readonly [K in keyof Settings]: readonly [Group, string] } = {
  preset: [
    "Run",
    "Where the defaults come from: what works best (images: for images, taken by itself), or a published reference",
  ],
  metric: ["Run", "The discrete metric to improve"],
  classifier: ["Run", "The base classifier that is fitted on the data"],
  splits: ["Run", "Stratified folds"],
  repeats: ["Run", "Times the folds are drawn anew"],
  samples: ["Run", "Rows in one generated set: a count, or a factor of the training rows such as 0.5x"],
  epochs: ["Run", "Epochs at most"],
  patience: ["Run", "Stop after this many epochs without a better best score"],
  minDelta: ["Run", "By how much the best score must rise to count as better"],
  maxSeconds: [
    "Run",
    "Stop a split after this many seconds with the best so far (0: no limit; gives up same seed, same bytes)",
  ],
  batchSize: ["Run", "Generated sets an epoch"],
  seed: ["Run", "Seed: same seed, same bytes"],
  engine: ["Run", "The compute engine; auto takes the GPU where a short trial shows that it pays"],
  jobs: ["Run", "Splits that run side by side (0: one a core); results do not depend on it"],
  threads: [
    "Run",
    "Threads within a split, engine wasm (0: what splits side by side leave of the cores); no result depends on it",
  ],
  relaxed: ["Run", "Fused multiplication, engine wasm: faster; the bytes then depend on the machine"],
  memory: ["Run", "What the run may take, such as 512mb: fewer jobs, then fewer remembered sets"],
  profile: ["Run", "Take the time of every kernel of the networks"],
  objective: [
    "Score",
    "Score a set by the classifier fitted on real and generated rows, out of fold; or on generated alone",
  ],
  weight: ["Score", "Total weight of a generated set in the fit, relative to the real rows'"],
  innerFolds: ["Score", "Inner folds of the score"],
  freshFolds: ["Score", "Draw the inner folds anew every epoch"],
  scoreRows: [
    "Score",
    "Training rows that score a set, drawn with the folds, of each class its share (0: all)",
  ],
  rescore: [
    "Score",
    "Best sets, and as many last sets, that are scored again before the vote (0: keep the best as it is)",
  ],
  rescoreDraws: ["Score", "Fresh draws of inner folds for scoring them again"],
  select: [
    "Score",
    "Metric that chooses the sets that vote (auto: the metric, or one without a threshold where it has one)",
  ],
  vote: ["Score", "Sets whose classifiers vote in the end"],
  cut: [
    "Score",
    "How far the vote's threshold goes from ½ (0) to the best out of fold (1: trees, balanced_accuracy, g_mean)",
  ],
  lambda: [
    "Discriminator",
    "λ: how strongly the discriminator pulls rows toward the real distribution (0 where objective is synthetic)",
  ],
  discriminatorWidths: ["Discriminator", "Widths of the discriminator's hidden layers"],
  discriminatorLearningRate: ["Discriminator", "Adam's learning rate"],
  discriminatorSteps: ["Discriminator", "Steps an epoch"],
  discriminatorBatch: ["Discriminator", "Generated rows a step, and as many real ones"],
  conditional: ["Discriminator", "The discriminator sees the label too"],
  realNoise: ["Discriminator", "Standard deviation of the noise on real rows"],
  realLabel: ["Discriminator", "Target for real rows (one-sided label smoothing)"],
  frozenEpochs: [
    "Discriminator",
    "Train it first, on real rows alone, freeze it and add λ / BCE to the score (makeit-2023)",
  ],
  noise: ["Generator", "Length of the noise vector (0: the width of a row)"],
  noiseSd: ["Generator", "Its standard deviation"],
  noiseFromData: ["Generator", "Take each column's mean as the noise's deviation, as makeit-2023 did"],
  rank: ["Generator", "Rank of the generator's head, at most the width of a row (0: that width up to 64)"],
  start: ["Generator", "Begin at random, or with blends of training rows"],
  generatorOptimizer: ["Generator", "Optimizer"],
  generatorLearningRate: ["Generator", "Learning rate"],
  generatorBeta1: ["Generator", "Adam's β₁"],
  critic: ["Critic", "set: blind to the order of rows; flat: the published one, on the flattened set"],
  criticWidth: ["Critic", "Width of its layers"],
  criticLearningRate: ["Critic", "Adam's learning rate"],
  criticSteps: ["Critic", "Steps an epoch"],
  criticBatch: ["Critic", "Remembered sets a step (0: the whole memory)"],
  evalEvery: ["Critic", "Every n-th epoch runs the critic in eval mode (dragan: 3; 0: never)"],
  replay: ["Critic", "Sets the memory holds"],
  replayPolicy: ["Critic", "Which set a new one replaces"],
  scale: ["Table", "Standardise numeric columns"],
  maxCategories: ["Table", "One-hot up to this many categories, frequencies beyond"],
  components: [
    "Table",
    "Learn in so many principal components of the columns (0: in the columns; needs scale)",
  ],
  treeDepth: ["Run", "Depth of the base classifiers `tree` and `forest`"],
  trees: ["Run", "Trees of the base classifier `forest`"],
};

const entries = (Object.keys(SPECS) as (keyof Settings)[]).map((name) => {
  const [group, describe] = WORDS[name];
  return [name, { ...SPECS[name], group, describe }];
});

/** The parameters, in the order `--help` prints them. */
export const OPTIONS: { readonly [K in keyof Settings]: OptionSpec<Settings[K]> } =
  Object.fromEntries(entries);
