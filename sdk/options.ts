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
  engine: "auto" | "wasm" | "webgpu";
  jobs: number;
  profile: boolean;
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

type Group = OptionSpec["group"];
const integer = (group: Group, value: number, [min, max]: [number, number], describe: string) =>
  ({ kind: "integer", default: value, group, min, max, describe }) as const;
const number = (group: Group, value: number, [min, max]: [number, number], describe: string) =>
  ({ kind: "number", default: value, group, min, max, describe }) as const;
const boolean = (group: Group, value: boolean, describe: string) =>
  ({ kind: "boolean", default: value, group, describe }) as const;
const text = (group: Group, value: string, describe: string) =>
  ({ kind: "string", default: value, group, describe }) as const;
const choice = <T extends string>(
  group: Group,
  value: T,
  choices: readonly T[],
  describe: string,
): OptionSpec<T> => ({ kind: "choice", default: value, group, choices, describe });

/** The parameters, in the order `--help` prints them. */
export const OPTIONS: Specs = {
  preset: choice(
    run,
    "default",
    ["default", "dragan", "makeit-2023"],
    "Where the defaults come from: what works best, or a published reference",
  ),
  metric: choice(run, "f1", METRIC_NAMES, "The discrete metric to improve"),
  classifier: choice<ClassifierName>(
    run,
    "logistic",
    ["logistic", "tree"],
    "The base classifier that is fitted on the data",
  ),
  splits: integer(run, 5, [2, 100], "Stratified folds"),
  repeats: integer(run, 1, [1, 100], "Times the folds are drawn anew"),
  samples: text(
    run,
    "64",
    "Rows in one generated set: a count, or a factor of the training rows such as 0.5x",
  ),
  epochs: integer(run, 100, [1, 1e6], "Epochs at most"),
  patience: integer(run, 60, [1, 1e6], "Stop after this many epochs without a better best score"),
  minDelta: number(run, 1e-4, [0, Infinity], "By how much the best score must rise to count as better"),
  maxSeconds: number(
    run,
    0,
    [0, Infinity],
    "Stop a split after this many seconds with the best so far (0: no limit; gives up same seed, same bytes)",
  ),
  batchSize: integer(run, 16, [2, 4096], "Generated sets an epoch"),
  seed: integer(run, 1, [0, MAX_SEED], "Seed: same seed, same bytes"),
  engine: choice(
    run,
    "auto",
    ["auto", "wasm", "webgpu"],
    "The compute engine; auto takes the GPU where a short trial shows that it pays",
  ),
  jobs: integer(
    run,
    0,
    [0, 1024],
    "Splits that run side by side (0: one a core); results do not depend on it",
  ),
  profile: boolean(run, false, "Take the time of every kernel of the networks"),
  objective: choice(
    score,
    "augmented",
    ["augmented", "synthetic"],
    "Score a set by the classifier fitted on real and generated rows, out of fold; or on generated alone",
  ),
  weight: number(
    score,
    1,
    [0, 1000],
    "Total weight of a generated set in the fit, relative to the real rows'",
  ),
  innerFolds: integer(score, 3, [2, 20], "Inner folds of the score"),
  freshFolds: boolean(score, true, "Draw the inner folds anew every epoch"),
  rescore: integer(
    score,
    40,
    [0, 10000],
    "Best sets, and as many last sets, that are scored again before the vote (0: keep the best as it is)",
  ),
  rescoreDraws: integer(score, 4, [1, 100], "Fresh draws of inner folds for scoring them again"),
  vote: integer(score, 20, [1, 10000], "Sets whose classifiers vote in the end"),
  lambda: number(
    discriminator,
    1,
    [0, 1e6],
    "λ: how strongly the discriminator pulls rows toward the real distribution (0 where objective is synthetic)",
  ),
  discriminatorWidths: text(discriminator, "64,64", "Widths of the discriminator's hidden layers"),
  discriminatorLearningRate: number(discriminator, 1e-3, [0, 10], "Adam's learning rate"),
  discriminatorSteps: integer(discriminator, 3, [0, 1000], "Steps an epoch"),
  discriminatorBatch: integer(discriminator, 1024, [1, 1e6], "Generated rows a step, and as many real ones"),
  conditional: boolean(discriminator, true, "The discriminator sees the label too"),
  realNoise: number(discriminator, 0.05, [0, 10], "Standard deviation of the noise on real rows"),
  realLabel: number(discriminator, 0.9, [0.5, 1], "Target for real rows (one-sided label smoothing)"),
  frozenEpochs: integer(
    discriminator,
    0,
    [0, 1e5],
    "Train it first, on real rows alone, freeze it and add λ / BCE to the score (makeit-2023)",
  ),
  noise: integer(generator, 64, [0, 65536], "Length of the noise vector (0: the width of a row)"),
  noiseSd: number(generator, 1, [1e-6, 1e3], "Its standard deviation"),
  noiseFromData: boolean(
    generator,
    false,
    "Take each column's mean as the noise's deviation, as makeit-2023 did",
  ),
  rank: integer(
    generator,
    0,
    [0, 65536],
    "Rank of the generator's head, at most the width of a row (0: that width up to 64)",
  ),
  generatorOptimizer: choice(generator, "adam", ["adam", "rmsprop"], "Optimizer"),
  generatorLearningRate: number(generator, 3e-3, [0, 10], "Learning rate"),
  generatorBeta1: number(generator, 0.5, [0, 0.999], "Adam's β₁"),
  critic: choice(
    critic,
    "set",
    ["set", "flat"],
    "set: blind to the order of rows; flat: the published one, on the flattened set",
  ),
  criticWidth: integer(critic, 64, [1, 4096], "Width of its layers"),
  criticLearningRate: number(critic, 3e-3, [0, 10], "Adam's learning rate"),
  criticSteps: integer(critic, 25, [0, 10000], "Steps an epoch"),
  criticBatch: integer(critic, 64, [0, 65536], "Remembered sets a step (0: the whole memory)"),
  evalEvery: integer(
    critic,
    0,
    [0, 1000],
    "Every n-th epoch runs the critic in eval mode (dragan: 3; 0: never)",
  ),
  replay: integer(critic, 1024, [1, 1e6], "Sets the memory holds"),
  replayPolicy: choice(critic, "fifo", ["fifo", "random"], "Which set a new one replaces"),
  scale: boolean("Table", true, "Standardise numeric columns"),
  maxCategories: integer("Table", 20, [1, 10000], "One-hot up to this many categories, frequencies beyond"),
  treeDepth: integer(run, 5, [1, 30], "Depth of the base classifier `tree`"),
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
