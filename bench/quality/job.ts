/** One job of the benchmark: one fold of one shuffle of one data set, every method on the same rows. */

import { vote } from "../../sdk/ballot.ts";
import { chooseMethod, type MethodChoice } from "../../sdk/choice.ts";
import { type Learner, openLearner } from "../../sdk/classifiers.ts";
import { Cpu } from "../../sdk/engine/module.ts";
import type { Matrix } from "../../sdk/matrix.ts";
import { METRIC_NAMES, type Metric, type MetricName, openMetric } from "../../sdk/metrics.ts";
import { resolveSettings, type Settings } from "../../sdk/options.ts";
import { derive, Random } from "../../sdk/random.ts";
import { cpuRanker } from "../../sdk/ranking.ts";
import { categoricalGroups } from "../../sdk/resampling.ts";
import type { Method } from "../../sdk/result.ts";
import { predictRival, RIVALS, type Rival } from "../../sdk/rivals.ts";
import { repeatedSplits, type Split } from "../../sdk/splits.ts";
import { Encoder } from "../../sdk/table/encoder.ts";
import type { Table } from "../../sdk/table/table.ts";
import { train } from "../../sdk/train.ts";
import { type DataSet, openData } from "./data.ts";
import { adasyn, borderlineSmote } from "./oversamplers.ts";
import { record, revote } from "./revote.ts";

/** Sets the draws of the benchmark's own rivals apart from every other use of a seed ("BNCH"). */
const STREAM = 0x424e4348;

/** What is compared: nothing, the simple rivals, the published presets, ablations of ours, ours, and what `fit` recommends. */
export const METHOD_NAMES = [
  ...RIVALS,
  "smoteNc",
  "borderline",
  "adasyn",
  "dragan",
  "makeit-2023",
  "search",
  "criticOnly",
  "lambdaOnly",
  "makeit",
  "chosen",
] as const;
export type MethodName = (typeof METHOD_NAMES)[number];
/** Another vote of makeit's sets, by what differs: `weight=3,cut=1`. */
export type Variant = `${string}=${string}`;
export type Column = MethodName | Variant;

/** What every worker gets at its start: plain data. */
export interface Config {
  readonly sets: readonly DataSet[];
  readonly methods: readonly Column[];
  readonly settings: Settings;
  /** What differs in the variants among the methods. */
  readonly votes?: Readonly<Record<Variant, Partial<Settings>>>;
  /** Epochs of the published presets: with their own a fold would take hours. */
  readonly referenceEpochs: number;
}

export interface Job {
  /** Index into the data sets. */
  readonly set: number;
  /** Index into its splits, repeat by repeat. */
  readonly split: number;
}

export interface Outcome {
  readonly job: Job;
  /** The metric asked for, per method. */
  readonly scores: Partial<Record<Column, number>>;
  /** Every metric, per method. */
  readonly metrics: Partial<Record<Column, Record<MetricName, number>>>;
  readonly seconds: Partial<Record<Column, number>>;
  /** What `chosen` chose. */
  readonly choice?: Method;
  /** Each method's score on the training rows, by which it chose. */
  readonly outOfFold?: MethodChoice["outOfFold"];
}

/** The same pipeline and number of sets without a part of it: how much is each worth? */
const ABLATIONS = {
  /** The generator never learns: search alone. */
  search: { generatorLearningRate: 0, criticSteps: 0, discriminatorSteps: 0, lambda: 0 },
  criticOnly: { discriminatorSteps: 0, lambda: 0 },
  lambdaOnly: { criticSteps: 0 },
} as const satisfies Record<string, Partial<Settings>>;

/** A data set with its splits, kept while its folds are being worked on. */
interface Opened {
  readonly set: number;
  readonly table: Table;
  readonly target: string;
  readonly splits: Split[];
}

interface Fold {
  readonly trainX: Matrix;
  readonly trainY: Int32Array;
  readonly testX: Matrix;
  readonly testY: Int32Array;
  readonly classes: number;
  readonly groups: number[][];
  readonly seed: number;
}

/** Opens a runner of jobs with a learner of its own. */
export async function openRunner(config: Config): Promise<(job: Job) => Promise<Outcome>> {
  const { sets, methods, settings } = config;
  const cpu = await Cpu.open();
  const ranker = cpuRanker(cpu);
  let opened: Opened | undefined;
  return async (job) => {
    if (opened?.set !== job.set) opened = await open(config, job.set);
    const fold = encodeFold(opened, sets[job.set], job.split, settings);
    const { classes, testY } = fold;
    const learner = openLearner(settings.classifier, classes, cpu, {
      maxDepth: settings.treeDepth,
      trees: settings.trees,
    });
    const metric = openMetric(settings.metric, classes, ranker);
    const all = METRIC_NAMES.map((name) => [name, openMetric(name, classes, ranker)] as const);
    const predict = openMethods(fold, { cpu, learner, metric }, config);
    const outcome: Writable<Outcome> = { job, scores: {}, metrics: {}, seconds: {} };
    for (const method of methods) {
      const started = performance.now();
      const { proba, chosen } = await predict(method);
      if (chosen) Object.assign(outcome, { choice: chosen.method, outOfFold: chosen.outOfFold });
      outcome.seconds[method] = (performance.now() - started) / 1000;
      outcome.scores[method] = metric.compute(testY, proba, classes);
      outcome.metrics[method] = Object.fromEntries(
        all.map(([name, one]) => [name, one.compute(testY, proba, classes)]),
      ) as Record<MetricName, number>;
    }
    return outcome;
  };
}

async function open({ sets, settings }: Config, set: number): Promise<Opened> {
  const { table, target } = await openData(sets[set]);
  const { positive } = sets[set];
  const encoder = Encoder.fit(table, { target, positive });
  const usable = Uint32Array.from(encoder.targetRows(table));
  const y = encoder.labels(table, usable);
  const splits = repeatedSplits(y, settings.splits, settings.repeats, settings.seed).map(
    ({ train, test }) => ({
      train: train.map((row) => usable[row]),
      test: test.map((row) => usable[row]),
    }),
  );
  return { set, table, target, splits };
}

/** The fold's rows as an encoder sees them that knows the training rows alone. */
function encodeFold(
  { table, target, splits }: Opened,
  set: DataSet,
  split: number,
  settings: Settings,
): Fold {
  const { train, test } = splits[split];
  const { scale, maxCategories, seed } = settings;
  const encoder = Encoder.fit(table, { target, positive: set.positive, rows: train, maxCategories, scale });
  return {
    trainX: encoder.encode(table, train),
    trainY: encoder.labels(table, train),
    testX: encoder.encode(table, test),
    testY: encoder.labels(table, test),
    classes: encoder.classes.length,
    groups: categoricalGroups(encoder.features),
    seed: derive(seed, split),
  };
}

/** Each method on the fold's held-out rows; what several of them need is computed once. */
function openMethods(
  fold: Fold,
  tools: { cpu: Cpu; learner: Learner; metric: Metric },
  { settings, referenceEpochs, votes = {} }: Config,
) {
  const { trainX: x, trainY: y, classes, seed, testX } = fold;
  const { learner, metric } = tools;
  const problem = { ...fold, learner, metric };
  const random = (use: number) => new Random(derive(seed, STREAM, use));
  const refit = async ({ x: grown, y: labels }: { x: Matrix; y: Int32Array }) => {
    await learner.fit(grown, labels);
    return { proba: await learner.predictProba(testX) };
  };
  const rival = async (name: Rival, groups: readonly (readonly number[])[] = []) => ({
    proba: await predictRival(name, { ...problem, groups }),
  });
  const jobOf = (own: Settings) => ({ x, y, classes, seed, settings: own });
  const run = async (own: Settings) => {
    const trained = await train(jobOf(own));
    return { trained, proba: await vote(jobOf(own), trained, learner, testX) };
  };
  const preset = (name: "dragan" | "makeit-2023") => {
    const { metric, classifier, seed, treeDepth, trees } = settings;
    const { batchSize, replay } = resolveSettings({ preset: name });
    // A memory for more sets than there will be would only take room: hundreds of megabytes.
    const bounds = { epochs: referenceEpochs, replay: Math.min(replay, batchSize * referenceEpochs) };
    return resolveSettings({ preset: name, metric, classifier, seed, treeDepth, trees, ...bounds });
  };
  let running: ReturnType<typeof run> | undefined;
  const ours = () => {
    running ??= run(settings);
    return running;
  };
  // Its own training, so that what recording costs is not in our seconds.
  let recording: ReturnType<typeof record> | undefined;
  const again = async (variant: Variant) => {
    recording ??= record(jobOf(settings));
    const own = { ...settings, ...votes[variant] };
    return { proba: await revote(await recording, jobOf(own), tools, testX) };
  };
  const chosen = async () => {
    const { trained, proba } = await ours();
    const chosen = await chooseMethod(problem, trained.outOfFold, settings.scoreRows);
    const { method } = chosen;
    return method === "makeit" ? { proba, chosen } : { ...(await rival(method, fold.groups)), chosen };
  };
  return async (method: Column): Promise<{ proba: Float64Array; chosen?: MethodChoice }> => {
    if (isVariant(method)) return again(method);
    switch (method) {
      case "makeit":
        return ours();
      case "chosen":
        return chosen();
      case "search":
      case "criticOnly":
      case "lambdaOnly":
        return run({ ...settings, ...ABLATIONS[method] });
      case "dragan":
      case "makeit-2023":
        return run(preset(method));
      case "smoteNc":
        return rival("smote", fold.groups);
      case "borderline":
        return refit(borderlineSmote(x, y, classes, random(0)));
      case "adasyn":
        return refit(adasyn(x, y, classes, random(1)));
      default:
        return rival(method);
    }
  };
}

function isVariant(column: Column): column is Variant {
  return column.includes("=");
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
