/** One split, the unit of work: (table, rows, settings, seed) → (model, history, metrics, tree, importances). */
import { chooseMethod } from "./choice.ts";
import type { KernelTime } from "./engine/backend.ts";
import { Cpu } from "./engine/module.ts";
import { splitEvidence } from "./evidence.ts";
import { distributions, embedding, explainTree, importances, permutationImportance } from "./explain.ts";
import { openFinalLearner } from "./large.ts";
import { type Matrix, matrix } from "./matrix.ts";
import { METRIC_NAMES, openMetric } from "./metrics.ts";
import { derive, PURPOSE } from "./random.ts";
import { cpuRanker } from "./ranking.ts";
import { categoricalGroups } from "./resampling.ts";
import { type EngineSpan, METHODS, type Method, type Scores, type SplitResult } from "./result.ts";
import { rivals } from "./rivals.ts";
import { type LabelledSet, Mixture } from "./score.ts";
import type { Settings } from "./settings.ts";
import { Encoder, type EncoderState } from "./table/encoder.ts";
import type { Table } from "./table/table.ts";
import { type GeneratorState, type OpenEngine, type ScoredSet, type TrainHooks, train } from "./train.ts";

/** Everything a worker needs for one split; plain data but for a user's own metric or classifier. */
export interface SplitJob {
  /** 1, 2, …; 0 is the final model, trained on all rows and tested on none. */
  split: number;
  table: Table;
  target: string;
  positive?: string | undefined;
  train: Uint32Array;
  test: Uint32Array;
  settings: Settings;
}

export interface SplitOutcome {
  split: number;
  /** Absent for the final model. */
  result?: SplitResult;
  /** Test probabilities of every method, row-major (test rows, classes), for the vote across splits. */
  proba?: Record<Method, Float64Array>;
  /** The table's rows that were held out, and their classes. */
  rows: Uint32Array;
  y: Int32Array;
  classes: number;
  model: ModelState;
  /** The engine that trained; more than one where the first was lost on the way. */
  engines: EngineSpan[];
  kernels: KernelTime[];
  /** What went wrong on the way and was mended, a sentence each. */
  warnings?: string[];
}

/** A trained split as plain data: what a model file holds. */
export interface ModelState {
  encoder: EncoderState;
  generator: GeneratorState;
  voted: ScoredSet[];
}

/** Trains on the split's training rows and tests on rows that nothing of it has seen. */
export async function runSplit(
  job: SplitJob,
  hooks: TrainHooks = {},
  open?: OpenEngine,
): Promise<SplitOutcome> {
  const started = performance.now();
  const { settings, table, target, positive } = job;
  const { scale, maxCategories, components } = settings;
  const seed = derive(settings.seed, PURPOSE.split, job.split);
  const encoder = Encoder.fit(table, { target, positive, rows: job.train, maxCategories, scale, components });
  const classes = encoder.classes.length;
  const real = { x: encoder.encode(table, job.train), y: encoder.labels(table, job.train) };
  const problem = { ...real, classes, settings, seed };
  const trained = await train(problem, hooks, open);
  const model = { encoder: encoder.toJSON(), generator: trained.generator, voted: trained.voted };
  const { engines, kernels } = trained;
  const { split } = job;
  if (job.test.length === 0)
    return { split, rows: job.test, y: new Int32Array(0), classes, model, engines, kernels };

  const cpu = await Cpu.open();
  const learner = openFinalLearner(settings, classes, cpu);
  const ranker = cpuRanker(cpu);
  const metric = openMetric(settings.metric, classes, ranker);
  const test = { x: encoder.encode(table, job.test), y: encoder.labels(table, job.test) };
  const rivalProblem = {
    trainX: real.x,
    trainY: real.y,
    testX: test.x,
    classes,
    learner,
    metric,
    seed: derive(seed, PURPOSE.rivals),
    groups: categoricalGroups(encoder.features),
    cpu,
  };
  const { method: choice, ...estimates } = await chooseMethod(
    rivalProblem,
    trained.outOfFold,
    settings.scoreRows,
  );
  const { vote } = await import("./ballot.ts");
  const proba: Record<Method, Float64Array> = {
    ...(await rivals(rivalProblem)),
    makeit: await vote(problem, trained, learner, test.x),
  };
  const { scores, metrics } = measure(proba, test.y, classes, settings, ranker);

  // What people are told is told of columns, whatever the networks learn in.
  const plain = encoder.plain;
  const inColumns = encoder.components
    ? { real: plain.encode(table, job.train), test: plain.encode(table, job.test) }
    : { real: real.x, test: test.x };
  const generated = stackSets(trained.voted);
  const snapped = { x: encoder.snap(generated.x), y: generated.y };
  const { tree, rules, impurity } = await explainTree(plain, snapped);
  const fitted = openFinalLearner(settings, classes, cpu);
  const best = trained.voted[0];
  await new Mixture(real.x, real.y, best.x.rows, settings.weight).fit(fitted, best);
  const permutation = await permutationImportance(
    encoder,
    fitted,
    metric,
    test,
    inColumns.test,
    derive(seed, PURPOSE.permutation),
  );
  const made = plain.decode(snapped.x, snapped.y);
  const { history, stopped } = trained;
  const { mean, best: bestScore, max, criticLoss, discriminatorLoss } = history;
  const result: SplitResult = {
    split,
    rows: { train: job.train.length, test: job.test.length },
    test: scores,
    metrics,
    ...estimates,
    choice,
    history,
    stopped,
    engines,
    importances: importances(impurity, permutation),
    tree,
    rules,
    curves: { metric: metric.name, mean, best: bestScore, max, criticLoss, discriminatorLoss, stopped },
    embedding: await embedding(
      plain,
      { x: inColumns.real, y: real.y },
      snapped,
      derive(seed, PURPOSE.embedding),
    ),
    ...(table.image
      ? await (await import("./pictures.ts")).pictures(encoder, table, job.train, made)
      : { distributions: distributions(encoder, table, job.train, made) }),
    evidence: await splitEvidence({
      encoder,
      table,
      train: job.train,
      test: job.test,
      made,
      learner,
      metric,
      cpu,
      seed: derive(seed, PURPOSE.evidence),
    }),
    seconds: (performance.now() - started) / 1000,
  };
  return { split, result, proba, rows: job.test, y: test.y, classes, model, engines, kernels };
}

type Ranker = ReturnType<typeof cpuRanker>;

/** The run's metric and every other one, for every method, on the held-out rows. */
export function measure(
  proba: Record<Method, Float64Array>,
  y: Int32Array,
  classes: number,
  settings: Settings,
  ranker: Ranker,
) {
  const scores = {} as Record<Method, number>;
  const metrics = {} as Record<Method, Scores>;
  const main = openMetric(settings.metric, classes, ranker);
  for (const method of METHODS) {
    scores[method] = main.compute(y, proba[method], classes);
    metrics[method] = { [main.name]: scores[method] };
    for (const name of METRIC_NAMES) {
      metrics[method][name] = openMetric(name, classes, ranker).compute(y, proba[method], classes);
    }
  }
  return { scores, metrics };
}

/** All rows of the sets, one below the other. */
export function stackSets(sets: readonly LabelledSet[]): LabelledSet {
  const rows = sets.reduce((sum, set) => sum + set.x.rows, 0);
  const x: Matrix = matrix(rows, sets[0].x.cols);
  const y = new Int32Array(rows);
  let row = 0;
  for (const set of sets) {
    x.data.set(set.x.data, row * x.cols);
    y.set(set.y, row);
    row += set.x.rows;
  }
  return { x, y };
}
