/** One job of the benchmark: one fold of one shuffle of one data set, every method on the same rows. */
import { type Learner, openLearner } from "../../sdk/classifiers.ts";
import { Cpu } from "../../sdk/engine/module.ts";
import type { Matrix } from "../../sdk/matrix.ts";
import { METRIC_NAMES, type MetricName, openMetric } from "../../sdk/metrics.ts";
import type { Settings } from "../../sdk/options.ts";
import { derive } from "../../sdk/random.ts";
import { cpuRanker } from "../../sdk/ranking.ts";
import { categoricalGroups } from "../../sdk/resampling.ts";
import { predictRival, RIVALS, type Rival } from "../../sdk/rivals.ts";
import { repeatedSplits, type Split } from "../../sdk/splits.ts";
import { Encoder } from "../../sdk/table/encoder.ts";
import type { Table } from "../../sdk/table/table.ts";
import { train, vote } from "../../sdk/train.ts";
import { type DataSet, openData } from "./data.ts";

/** In the order of the columns; `makeit` is what the others are compared with. */
export const METHOD_NAMES = [...RIVALS, "search", "makeit"] as const;
export type MethodName = (typeof METHOD_NAMES)[number];

/** What every worker gets at its start: plain data. */
export interface Config {
  readonly sets: readonly DataSet[];
  readonly methods: readonly MethodName[];
  readonly settings: Settings;
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
  readonly scores: Partial<Record<MethodName, number>>;
  /** Every metric, per method. */
  readonly metrics: Partial<Record<MethodName, Record<MetricName, number>>>;
  readonly seconds: Partial<Record<MethodName, number>>;
}

/** The pipeline of `makeit` with a generator that never learns: how much is the search alone worth? */
const UNTRAINED: Partial<Settings> = {
  generatorLearningRate: 0,
  criticSteps: 0,
  discriminatorSteps: 0,
  lambda: 0,
};

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
    const learner = openLearner(settings.classifier, classes, cpu, { maxDepth: settings.treeDepth });
    const metric = openMetric(settings.metric, classes, ranker);
    const all = METRIC_NAMES.map((name) => [name, openMetric(name, classes, ranker)] as const);
    const outcome: Outcome = { job, scores: {}, metrics: {}, seconds: {} };
    for (const method of methods) {
      const started = performance.now();
      const proba = await predict(method, fold, learner, metric, settings);
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

async function predict(
  method: MethodName,
  fold: Fold,
  learner: Learner,
  metric: ReturnType<typeof openMetric>,
  settings: Settings,
): Promise<Float64Array> {
  if (method !== "makeit" && method !== "search") {
    return predictRival(method satisfies Rival, { ...fold, learner, metric });
  }
  const { trainX: x, trainY: y, classes, seed, testX } = fold;
  const own = method === "search" ? { ...settings, ...UNTRAINED } : settings;
  const job = { x, y, classes, seed, settings: own };
  return vote(job, (await train(job)).voted, learner, testX);
}
