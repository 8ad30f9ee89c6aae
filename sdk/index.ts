/**
 * Makeit: synthetic data that improves a classifier. This entry needs neither Node nor a DOM. It holds the engine and
 * the training; what surrounds them (tables, splits, comparisons, model files) is loaded when it is first called.
 * `makeit-ai/node` adds files, worker threads and pictures, `makeit-ai/table` tables in code, `makeit-ai/parquet`
 * Parquet, `makeit-ai/plots` the pictures, `makeit-ai/options` what every parameter is for.
 */
import type { vote as castVotes } from "./ballot.ts";
import type { EvaluateOptions, Evaluation } from "./evaluate.ts";
import type { Model, SampleOptions } from "./model.ts";
import type { ResampleOptions } from "./resample.ts";
import type { TradePoint } from "./result.ts";
import type { FitOptions, Run, SplitRunner } from "./run.ts";
import type { SweepOptions } from "./sweep.ts";
import type { ReadOptions, Source } from "./table/read.ts";
import type { Table } from "./table/table.ts";

export { type Classifier, type ClassifierName, type Learner, openLearner } from "./classifiers.ts";
export type { Backend, KernelTime, Step, Tensor } from "./engine/backend.ts";
export { type AdapterInfo, describeAdapter, findAdapter, provideGpu } from "./engine/gpu.ts";
export { type KernelName, kernels } from "./engine/kernels.ts";
export { Cpu, init } from "./engine/module.ts";
export { type Choice, chooseEngine, type EngineName, openBackend } from "./engine/open.ts";
export { WasmBackend } from "./engine/wasm.ts";
export { type ErrorCode, MakeitError } from "./errors.ts";
export type { EvaluateOptions, Evaluation } from "./evaluate.ts";
export { type Matrix, matrix } from "./matrix.ts";
export { METRIC_NAMES, type Metric, type MetricFunction, type MetricName, openMetric } from "./metrics.ts";
export type { Model, SampleOptions } from "./model.ts";
export { Generator, Network } from "./networks.ts";
export { Random } from "./random.ts";
export type { ResampleOptions, SamplingStrategy } from "./resample.ts";
export type {
  EngineSpan,
  History,
  Importance,
  Method,
  Rule,
  RunResult,
  SplitResult,
  Stopped,
  TradePoint,
  Verdict,
} from "./result.ts";
export { METHODS } from "./result.ts";
export type { FitOptions, Progress, Run, SplitRunner } from "./run.ts";
export { PRESETS, resolveSettings, type Settings } from "./settings.ts";
export type { SweepOptions } from "./sweep.ts";
export type { ReadOptions, Source } from "./table/read.ts";
export type { Column, Role, Table } from "./table/table.ts";
export { type TrainJob, type TrainResult, train } from "./train.ts";
export { VERSION } from "./version.ts";

/**
 * Trains on every split of the table and on all of it; compares with the simple rivals on held-out rows.
 * @param runner runs the splits: one after the other on this thread, when left out.
 * @throws MakeitError for input that cannot be used, naming what to change.
 */
export async function fit(table: Table, options: FitOptions, runner?: SplitRunner): Promise<Run> {
  const { fit } = await import("./run.ts");
  return fit(table, options, runner);
}

/**
 * Trains on every split under each λ: what closeness to the real rows costs, or gains, in the metric.
 * @returns a point a λ, by rising λ; one whose splits were not all run to their end is left out.
 * @throws MakeitError as `fit`, and for λ that cannot be
 */
export async function sweepLambda(
  table: Table,
  options: SweepOptions,
  runner?: SplitRunner,
): Promise<TradePoint[]> {
  const { sweepLambda } = await import("./sweep.ts");
  return sweepLambda(table, options, runner);
}

/**
 * The final classifier of a training: one fit a voted set, probabilities averaged.
 * @returns row-major (rows of `queryX`, classes): their argmax decides where the training's factors say.
 */
export async function vote(...args: Parameters<typeof castVotes>): ReturnType<typeof castVotes> {
  return (await import("./ballot.ts")).vote(...args);
}

/** Draws new rows from a model's generator. Same seed, same rows. */
export async function sample(model: Model, options: SampleOptions = {}): Promise<Table> {
  const { sample } = await import("./model.ts");
  return sample(model, options);
}

/**
 * Opens a model from the bytes that `model.toBytes()` gave.
 * @param name what messages call it.
 * @throws MakeitError for a file cut short, of another version, or that is no model.
 */
export async function openModel(bytes: Uint8Array, name?: string): Promise<Model> {
  const { Model } = await import("./model.ts");
  return Model.fromBytes(bytes, name);
}

/**
 * Trains on all rows of `X` and adds synthetic ones below them.
 * @param X (rows, features), NaN where missing. @param y one label a row.
 * @returns the real rows as they were, then the synthetic ones; `y` has the labels as given.
 */
export async function resample<L extends string | number>(
  X: readonly ArrayLike<number>[],
  y: readonly L[],
  options: ResampleOptions<L> = {},
): Promise<{ X: number[][]; y: L[] }> {
  const { resample } = await import("./resample.ts");
  return resample(X, y, options);
}

/**
 * Judges a synthetic table against the real one.
 *
 * No classifier is tested on rows it was trained on. But if the synthetic rows were made from these very real rows,
 * they have seen what they are tested on: pass real rows that the generator has not seen for an unbiased utility.
 * @throws MakeitError when the columns do not match, or the target cannot be predicted.
 */
export async function evaluate(real: Table, synthetic: Table, options: EvaluateOptions): Promise<Evaluation> {
  const { evaluate } = await import("./evaluate.ts");
  return evaluate(real, synthetic, options);
}

/**
 * Reads a table: CSV, TSV, JSON lines, ARFF or KEEL, gzipped or not, or columns in memory. Column roles are found, or
 * given by the options. Parquet: take `readTable` of `makeit-ai/parquet`.
 * @throws MakeitError that names file, row and column for anything that is not as it should be
 */
export async function readTable(source: Source, options: ReadOptions = {}): Promise<Table> {
  const { readTable } = await import("./table/read.ts");
  return readTable(source, options);
}
