/**
 * Every parameter of a run in one table: type, bounds, default, what it does. The SDK validates with it,
 * the CLI makes its flags from it, the report prints it. Presets are differences to the defaults.
 */
import type { Classifier, ClassifierName } from "./classifiers.ts";
import { inputError } from "./errors.ts";
import { METRIC_NAMES, type MetricFunction, type MetricName } from "./metrics.ts";

/** What a run needs once presets and defaults are filled in; all plain data but a user's own functions. */
export interface Settings {
  preset: PresetName;
  objective: "augmented" | "synthetic";
  metric: MetricName | MetricFunction;
  classifier: ClassifierName | Classifier;
  splits: number;
  repeats: number;
  samples: string;
  epochs: number;
  patience: number;
  minDelta: number;
  maxSeconds: number;
  batchSize: number;
  seed: number;
  engine: "auto" | "wasm";
  jobs: number;
  lambda: number;
  weight: number;
  innerFolds: number;
  freshFolds: boolean;
  rescore: number;
  rescoreDraws: number;
  vote: number;
  noise: number;
  noiseSd: number;
  noiseFromData: boolean;
  rank: number;
  generatorOptimizer: "adam" | "rmsprop";
  generatorLearningRate: number;
  generatorBeta1: number;
  critic: "set" | "flat";
  criticWidth: number;
  criticLearningRate: number;
  criticSteps: number;
  criticBatch: number;
  evalEvery: number;
  replay: number;
  replayPolicy: "fifo" | "random";
  discriminatorWidths: string;
  discriminatorLearningRate: number;
  discriminatorSteps: number;
  discriminatorBatch: number;
  conditional: boolean;
  realNoise: number;
  realLabel: number;
  frozenEpochs: number;
  scale: boolean;
  maxCategories: number;
  treeDepth: number;
}

type Kind = "number" | "integer" | "boolean" | "string" | "choice";

export interface OptionSpec<T = unknown> {
  readonly kind: Kind;
  readonly default: T;
  readonly describe: string;
  /** The heading it stands under in `--help`. */
  readonly group: "Run" | "Score" | "Generator" | "Critic" | "Discriminator" | "Table";
  readonly choices?: readonly string[];
  readonly min?: number;
  readonly max?: number;
}

type Specs = { readonly [K in keyof Settings]: OptionSpec<Settings[K]> };

const run = "Run" as const;
const score = "Score" as const;
const generator = "Generator" as const;
const critic = "Critic" as const;
const discriminator = "Discriminator" as const;
const MAX_SEED = 2 ** 32 - 1;

/** The parameters, in the order `--help` prints them. */
export const OPTIONS: Specs = {
  preset: {
    kind: "choice",
    default: "default",
    choices: ["default", "dragan", "makeit-2023"],
    group: run,
    describe: "Where the defaults come from: what works best, or a published reference",
  },
  metric: {
    kind: "choice",
    default: "f1",
    choices: METRIC_NAMES,
    group: run,
    describe: "The discrete metric to improve",
  },
  classifier: {
    kind: "choice",
    default: "logistic",
    choices: ["logistic", "tree"],
    group: run,
    describe: "The base classifier that is fitted on the data",
  },
  splits: { kind: "integer", default: 5, min: 2, max: 100, group: run, describe: "Stratified folds" },
  repeats: {
    kind: "integer",
    default: 1,
    min: 1,
    max: 100,
    group: run,
    describe: "Times the folds are drawn anew",
  },
  samples: {
    kind: "string",
    default: "64",
    group: run,
    describe: "Rows in one generated set: a count, or a factor of the training rows such as 0.5x",
  },
  epochs: { kind: "integer", default: 100, min: 1, max: 1e6, group: run, describe: "Epochs at most" },
  patience: {
    kind: "integer",
    default: 60,
    min: 1,
    max: 1e6,
    group: run,
    describe: "Stop after this many epochs without a better best score",
  },
  minDelta: {
    kind: "number",
    default: 1e-4,
    min: 0,
    group: run,
    describe: "By how much the best score must rise to count as better",
  },
  maxSeconds: {
    kind: "number",
    default: 0,
    min: 0,
    group: run,
    describe:
      "Stop a split after this many seconds with the best so far (0: no limit; gives up same seed, same bytes)",
  },
  batchSize: {
    kind: "integer",
    default: 16,
    min: 2,
    max: 4096,
    group: run,
    describe: "Generated sets an epoch",
  },
  seed: {
    kind: "integer",
    default: 1,
    min: 0,
    max: MAX_SEED,
    group: run,
    describe: "Seed: same seed, same bytes",
  },
  engine: {
    kind: "choice",
    default: "auto",
    choices: ["auto", "wasm"],
    group: run,
    describe: "The compute engine",
  },
  jobs: {
    kind: "integer",
    default: 0,
    min: 0,
    max: 1024,
    group: run,
    describe: "Splits that run side by side (0: one a core); results do not depend on it",
  },
  objective: {
    kind: "choice",
    default: "augmented",
    choices: ["augmented", "synthetic"],
    group: score,
    describe:
      "Score a set by the classifier fitted on real and generated rows, out of fold; or on generated alone",
  },
  weight: {
    kind: "number",
    default: 1,
    min: 0,
    max: 1000,
    group: score,
    describe: "Total weight of a generated set in the fit, relative to the real rows'",
  },
  innerFolds: {
    kind: "integer",
    default: 3,
    min: 2,
    max: 20,
    group: score,
    describe: "Inner folds of the score",
  },
  freshFolds: {
    kind: "boolean",
    default: true,
    group: score,
    describe: "Draw the inner folds anew every epoch",
  },
  rescore: {
    kind: "integer",
    default: 40,
    min: 0,
    max: 10000,
    group: score,
    describe:
      "Best sets, and as many last sets, that are scored again before the vote (0: keep the best as it is)",
  },
  rescoreDraws: {
    kind: "integer",
    default: 4,
    min: 1,
    max: 100,
    group: score,
    describe: "Fresh draws of inner folds for scoring them again",
  },
  vote: {
    kind: "integer",
    default: 20,
    min: 1,
    max: 10000,
    group: score,
    describe: "Sets whose classifiers vote in the end",
  },
  lambda: {
    kind: "number",
    default: 1,
    min: 0,
    max: 1e6,
    group: discriminator,
    describe:
      "λ: how strongly the discriminator pulls rows toward the real distribution (0 where objective is synthetic)",
  },
  discriminatorWidths: {
    kind: "string",
    default: "64,64",
    group: discriminator,
    describe: "Widths of the discriminator's hidden layers",
  },
  discriminatorLearningRate: {
    kind: "number",
    default: 1e-3,
    min: 0,
    max: 10,
    group: discriminator,
    describe: "Adam's learning rate",
  },
  discriminatorSteps: {
    kind: "integer",
    default: 3,
    min: 0,
    max: 1000,
    group: discriminator,
    describe: "Steps an epoch",
  },
  discriminatorBatch: {
    kind: "integer",
    default: 1024,
    min: 1,
    max: 1e6,
    group: discriminator,
    describe: "Generated rows a step, and as many real ones",
  },
  conditional: {
    kind: "boolean",
    default: true,
    group: discriminator,
    describe: "The discriminator sees the label too",
  },
  realNoise: {
    kind: "number",
    default: 0.05,
    min: 0,
    max: 10,
    group: discriminator,
    describe: "Standard deviation of the noise on real rows",
  },
  realLabel: {
    kind: "number",
    default: 0.9,
    min: 0.5,
    max: 1,
    group: discriminator,
    describe: "Target for real rows (one-sided label smoothing)",
  },
  frozenEpochs: {
    kind: "integer",
    default: 0,
    min: 0,
    max: 1e5,
    group: discriminator,
    describe: "Train it first, on real rows alone, freeze it and add λ / BCE to the score (makeit-2023)",
  },
  noise: {
    kind: "integer",
    default: 64,
    min: 0,
    max: 65536,
    group: generator,
    describe: "Length of the noise vector (0: the width of a row)",
  },
  noiseSd: {
    kind: "number",
    default: 1,
    min: 1e-6,
    max: 1e3,
    group: generator,
    describe: "Its standard deviation",
  },
  noiseFromData: {
    kind: "boolean",
    default: false,
    group: generator,
    describe: "Take each column's mean as the noise's deviation, as makeit-2023 did",
  },
  rank: {
    kind: "integer",
    default: 0,
    min: 0,
    max: 65536,
    group: generator,
    describe: "Rank of the generator's head, at most the width of a row (0: that width up to 64)",
  },
  generatorOptimizer: {
    kind: "choice",
    default: "adam",
    choices: ["adam", "rmsprop"],
    group: generator,
    describe: "Optimizer",
  },
  generatorLearningRate: {
    kind: "number",
    default: 3e-3,
    min: 0,
    max: 10,
    group: generator,
    describe: "Learning rate",
  },
  generatorBeta1: {
    kind: "number",
    default: 0.5,
    min: 0,
    max: 0.999,
    group: generator,
    describe: "Adam's β₁",
  },
  critic: {
    kind: "choice",
    default: "set",
    choices: ["set", "flat"],
    group: critic,
    describe: "set: blind to the order of rows; flat: the published one, on the flattened set",
  },
  criticWidth: {
    kind: "integer",
    default: 64,
    min: 1,
    max: 4096,
    group: critic,
    describe: "Width of its layers",
  },
  criticLearningRate: {
    kind: "number",
    default: 3e-3,
    min: 0,
    max: 10,
    group: critic,
    describe: "Adam's learning rate",
  },
  criticSteps: {
    kind: "integer",
    default: 25,
    min: 0,
    max: 10000,
    group: critic,
    describe: "Steps an epoch",
  },
  criticBatch: {
    kind: "integer",
    default: 64,
    min: 0,
    max: 65536,
    group: critic,
    describe: "Remembered sets a step (0: the whole memory)",
  },
  evalEvery: {
    kind: "integer",
    default: 0,
    min: 0,
    max: 1000,
    group: critic,
    describe: "Every n-th epoch runs the critic in eval mode (dragan: 3; 0: never)",
  },
  replay: {
    kind: "integer",
    default: 1024,
    min: 1,
    max: 1e6,
    group: critic,
    describe: "Sets the memory holds",
  },
  replayPolicy: {
    kind: "choice",
    default: "fifo",
    choices: ["fifo", "random"],
    group: critic,
    describe: "Which set a new one replaces",
  },
  scale: { kind: "boolean", default: true, group: "Table", describe: "Standardise numeric columns" },
  maxCategories: {
    kind: "integer",
    default: 20,
    min: 1,
    max: 10000,
    group: "Table",
    describe: "One-hot up to this many categories, frequencies beyond",
  },
  treeDepth: {
    kind: "integer",
    default: 5,
    min: 1,
    max: 30,
    group: run,
    describe: "Depth of the base classifier `tree`",
  },
};

/** Differences to the defaults. The figures of `dragan` are the published ones. */
const dragan: Partial<Settings> = {
  objective: "synthetic",
  samples: "1.7934693188444824x",
  epochs: 1750,
  patience: 1750,
  lambda: 0,
  rescore: 0,
  vote: 1,
  noise: 512,
  noiseSd: 0.1,
  rank: 65536,
  generatorOptimizer: "rmsprop",
  generatorLearningRate: 2.6602572e-4,
  critic: "flat",
  criticLearningRate: 3.628407e-2,
  criticSteps: 2,
  criticBatch: 0,
  evalEvery: 3,
  replay: 1984,
  replayPolicy: "random",
  discriminatorSteps: 0,
  scale: false,
};

export const PRESETS = {
  default: {},
  dragan,
  "makeit-2023": {
    ...dragan,
    epochs: 100,
    patience: 100,
    lambda: 2,
    noise: 0,
    noiseFromData: true,
    discriminatorWidths: "512,256",
    conditional: false,
    realNoise: 0,
    realLabel: 1,
    frozenEpochs: 200,
  },
} as const satisfies Record<string, Partial<Settings>>;
export type PresetName = "default" | "dragan" | "makeit-2023";

/** Fills in preset and defaults and checks every value. @throws MakeitError naming the option and its bounds. */
export function resolveSettings(given: Partial<Settings> = {}): Settings {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(OPTIONS, name)) {
      throw inputError(`Unknown option "${name}".`, `Options are: ${Object.keys(OPTIONS).join(", ")}.`);
    }
  }
  const presetName = given.preset ?? OPTIONS.preset.default;
  check("preset", presetName);
  const settings: Record<string, unknown> = {};
  for (const name of Object.keys(OPTIONS) as (keyof Settings)[]) {
    const preset = (PRESETS[presetName] as Partial<Settings>)[name];
    const value = given[name] ?? preset ?? OPTIONS[name].default;
    check(name, value);
    settings[name] = value;
  }
  // Where sets are judged on their own, the pull toward the real rows works against the score: λ is a choice there.
  if (settings.objective === "synthetic" && presetName === "default" && given.lambda === undefined)
    settings.lambda = 0;
  const resolved = { ...settings, preset: presetName } as unknown as Settings;
  sampleCount(resolved.samples, 1000);
  layerWidths(resolved.discriminatorWidths);
  if (resolved.frozenEpochs > 0 && given.conditional === true) {
    throw inputError(
      "A frozen discriminator (frozenEpochs > 0) is not conditional.",
      "Leave out conditional, or set frozenEpochs to 0.",
    );
  }
  return resolved;
}

function check(name: keyof Settings, value: unknown): void {
  const spec: OptionSpec = OPTIONS[name];
  const fail = (expected: string) => {
    throw inputError(
      `Option ${name} is ${JSON.stringify(value) ?? String(value)}; expected ${expected}.`,
      spec.describe,
    );
  };
  if (name === "metric" && typeof value === "function") return;
  if (name === "classifier" && isClassifier(value)) return;
  if (spec.kind === "choice") {
    if (!spec.choices!.includes(value as string)) fail(`one of ${spec.choices!.join(", ")}`);
  } else if (spec.kind === "boolean" || spec.kind === "string") {
    if (typeof value !== spec.kind) fail(`a ${spec.kind}`);
  } else {
    const { min = -Infinity, max = Infinity, kind } = spec;
    const whole = kind === "integer";
    if (typeof value !== "number" || !(value >= min && value <= max) || (whole && !Number.isInteger(value))) {
      fail(`${whole ? "a whole number" : "a number"}${bounds(min, max)}`);
    }
  }
}

function bounds(min: number, max: number): string {
  if (max === Infinity) return min === -Infinity ? "" : ` of at least ${min}`;
  return ` from ${min} to ${max}`;
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

/** Rows of a generated set: `"64"` as it is, `"0.5x"` times the training rows (rounded down, at least 2). */
export function sampleCount(samples: string, trainingRows: number): number {
  const match = /^(\d+(?:\.\d+)?)(x?)$/.exec(samples.trim());
  const count = match
    ? Math.floor(match[2] ? Number(match[1]) * trainingRows : Number(match[1]))
    : Number.NaN;
  if (!match || (!match[2] && !Number.isInteger(Number(match[1]))) || !(Number(match[1]) > 0)) {
    throw inputError(`Option samples is "${samples}"; expected a count such as 64 or a factor such as 0.5x.`);
  }
  if (!match[2] && count < 2) throw inputError(`Option samples is ${count}; a set needs at least 2 rows.`);
  return Math.max(2, count);
}

/** "64,64" → [64, 64]. */
export function layerWidths(widths: string): number[] {
  const list = widths.split(",").map((part) => Number(part.trim()));
  if (!list.every((width) => Number.isInteger(width) && width >= 1 && width <= 4096)) {
    throw inputError(
      `Option discriminatorWidths is "${widths}"; expected widths from 1 to 4096 such as 64,64.`,
    );
  }
  return list;
}
