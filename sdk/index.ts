/**
 * Makeit: synthetic data that improves a classifier. This entry needs neither Node nor a DOM; `makeit-ai/node` adds
 * files, worker threads and pictures, `makeit-ai/plots` the pictures alone.
 */
export { type Classifier, type ClassifierName, type Learner, openLearner } from "./classifiers.ts";
export type { Backend, KernelTime, Step, Tensor } from "./engine/backend.ts";
export { type AdapterInfo, describeAdapter, findAdapter, provideGpu } from "./engine/gpu.ts";
export { type KernelName, kernels } from "./engine/kernels.ts";
export { Cpu, init } from "./engine/module.ts";
export { type Choice, chooseEngine, type EngineName, openBackend } from "./engine/open.ts";
export { WasmBackend } from "./engine/wasm.ts";
export { type ErrorCode, MakeitError } from "./errors.ts";
export { type EvaluateOptions, type Evaluation, evaluate } from "./evaluate.ts";
export { type Matrix, matrix } from "./matrix.ts";
export { METRIC_NAMES, type Metric, type MetricFunction, type MetricName, openMetric } from "./metrics.ts";
export { Model, type SampleOptions, sample } from "./model.ts";
export { Generator, Network } from "./networks.ts";
export { OPTIONS, type OptionSpec, PRESETS, resolveSettings, type Settings } from "./options.ts";
export { Random } from "./random.ts";
export { type ResampleOptions, resample } from "./resample.ts";
export type {
  EngineSpan,
  History,
  Importance,
  Method,
  Rule,
  RunResult,
  SplitResult,
  Stopped,
  Verdict,
} from "./result.ts";
export { METHODS } from "./result.ts";
export { type FitOptions, fit, type Progress, type Run } from "./run.ts";
export { Encoder } from "./table/encoder.ts";
export { inspectTable, type TableReport } from "./table/inspect.ts";
export { type ReadOptions, readTable } from "./table/read.ts";
export type { Column, Role, Table } from "./table/table.ts";
export { writeCsv, writeJsonLines, writeParquet } from "./table/write.ts";
export { type TrainJob, type TrainResult, train, vote } from "./train.ts";
export { VERSION } from "./version.ts";
