/** Makeit in Node: everything of the core, and files, worker threads and pictures. */
import { createReadStream, existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { Readable } from "node:stream";
import { type CheckpointOptions, Checkpoints } from "./checkpoints.ts";
import { isClassifier } from "./classifiers.ts";
import { useDawn } from "./dawn.ts";
import { resolveEngine } from "./engine/open.ts";
import { inputError, MakeitError } from "./errors.ts";
import { useThreads } from "./hands.ts";
import { inline, inThreads, STALL_SECONDS } from "./lanes.ts";
import { lockFolder } from "./lock.ts";
import { readTable as readSource } from "./parquet.ts";
import { registerPlotWindow } from "./plots/node.ts";
import type { TradePoint } from "./result.ts";
import { type FitOptions, fit as fitWith, type Run } from "./run.ts";
import { type SweepOptions, sweepLambda as sweepWith } from "./sweep.ts";
import type { ReadOptions } from "./table/read.ts";
import type { Table } from "./table/table.ts";

export { type CheckpointOptions, holdsRun, removeRun } from "./checkpoints.ts";
export * from "./images/index.ts";
export { readImages } from "./images/node.ts";
export * from "./index.ts";
export { STALL_SECONDS } from "./lanes.ts";
export { Model } from "./model.ts";
export * from "./options.ts";
export { writeParquet } from "./parquet.ts";
export { aggregate, type NamedPart, type PartFile, type PartOptions, readParts, trainSplit } from "./part.ts";
export * from "./plots/index.ts";
export { renderReport } from "./report.ts";
export * from "./table/index.ts";

registerPlotWindow();
useDawn();
useThreads();

export interface NodeFitOptions extends FitOptions {
  /** Saves the run while it lasts, to go on from there when it is stopped. Remove it with `removeRun`. */
  checkpoint?: CheckpointOptions;
  /** A thread that completes no epoch and no split for this long is given up (default 1800; 0: never). */
  stallSeconds?: number;
}

/**
 * As the core's `fit`, with splits in worker threads (`jobs`; the results do not depend on it) and checkpoints. A split
 * whose thread fails is run once more; failing again, it is left out and named in `result.failed`. A folder of
 * checkpoints serves one run at a time.
 *
 * A metric or classifier of your own runs on this thread, where nothing can end it: one that never returns hangs the
 * process (the run can be resumed once it is killed).
 */
export async function fit(table: Table, options: NodeFitOptions): Promise<Run> {
  const { folder, seconds, resume } = options.checkpoint ?? {};
  // A run that saves nothing still removes what another saved there.
  const uses = folder !== undefined && (seconds !== 0 || resume || existsSync(folder));
  const release = uses ? await lockFolder(folder) : () => {};
  try {
    return await fitAlone(table, options);
  } finally {
    release();
  }
}

/** The run, with its folder of checkpoints for itself. */
async function fitAlone(
  table: Table,
  { checkpoint, stallSeconds = STALL_SECONDS, ...options }: NodeFitOptions,
): Promise<Run> {
  const checkpoints = checkpoint && new Checkpoints(table, options, checkpoint);
  // Functions cannot be sent to a thread.
  const ownCode = typeof options.metric === "function" || isClassifier(options.classifier);
  const runner = ownCode ? inline(checkpoints) : inThreads(checkpoints, stallSeconds);
  const resolve: typeof resolveEngine = (...work) => {
    const choose = () => resolveEngine(...work);
    return checkpoints?.begin(choose) ?? choose();
  };
  try {
    // A budget has to know how many splits will run side by side.
    const budgeted = (options.memory ?? "none") !== "none";
    const jobs = ownCode ? 1 : options.jobs || availableParallelism();
    return await fitWith(table, budgeted ? { ...options, jobs } : options, runner, resolve);
  } catch (error) {
    checkpoints?.discardEmpty();
    throw error;
  }
}

/** As the core's `sweepLambda`, with splits in worker threads. Nothing of it is saved on the way. */
export async function sweepLambda(
  table: Table,
  { stallSeconds = STALL_SECONDS, ...options }: SweepOptions & Pick<NodeFitOptions, "stallSeconds">,
): Promise<TradePoint[]> {
  const ownCode = typeof options.metric === "function" || isClassifier(options.classifier);
  return sweepWith(table, options, ownCode ? inline(undefined) : inThreads(undefined, stallSeconds));
}

/** Reads a table from a file, from standard input (`-`), or from whatever the core's `readTable` takes. */
export async function readTable(
  source: Parameters<typeof readSource>[0],
  options: ReadOptions = {},
): Promise<Table> {
  if (typeof source !== "string" || source.includes("\n")) return readSource(source, options);
  if (source === "-") {
    const stream = Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>;
    return readSource(stream, { name: "standard input", ...options });
  }
  await checkReadable(source);
  const stream = Readable.toWeb(createReadStream(source)) as ReadableStream<Uint8Array>;
  return readSource(stream, { name: source, ...options });
}

async function checkReadable(path: string): Promise<void> {
  try {
    if ((await stat(path)).isDirectory())
      throw inputError(`${path} is a folder, not a table.`, "Name a file in it.");
  } catch (error) {
    if (error instanceof MakeitError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT")
      throw inputError(`There is no file ${path}.`, "Check the path; relative paths start here.");
    throw inputError(`${path} cannot be read (${code}).`, "Check its permissions.");
  }
}
