/** Makeit in Node: everything of the core, and files, worker threads and pictures. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { Readable } from "node:stream";
import { type CheckpointOptions, Checkpoints, saveStates } from "./checkpoints.ts";
import { useDawn } from "./dawn.ts";
import { resolveEngine } from "./engine/open.ts";
import { inputError, MakeitError } from "./errors.ts";
import { readTable as readSource } from "./parquet.ts";
import { registerPlotWindow } from "./plots/node.ts";
import type { FailedSplit } from "./result.ts";
import {
  type FitOptions,
  fit as fitWith,
  nameOf,
  type Run,
  type SplitHooks,
  type SplitRunner,
} from "./run.ts";
import { isClassifier } from "./settings.ts";
import { runSplit, type SplitJob, type SplitOutcome } from "./split.ts";
import type { Saved } from "./state.ts";
import type { ReadOptions } from "./table/read.ts";
import type { Table } from "./table/table.ts";
import { ThreadFailure, Threads } from "./threads.ts";

export { type CheckpointOptions, holdsRun, removeRun } from "./checkpoints.ts";
export * from "./images/index.ts";
export { readImages } from "./images/node.ts";
export * from "./index.ts";
export { Model } from "./model.ts";
export * from "./options.ts";
export { writeParquet } from "./parquet.ts";
export * from "./plots/index.ts";
export { renderReport } from "./report.ts";
export * from "./table/index.ts";

registerPlotWindow();
useDawn();

/** Seconds without an epoch after which a thread counts as hung, where nothing else is asked for. */
export const STALL_SECONDS = 1800;

export interface NodeFitOptions extends FitOptions {
  /** Saves the run while it lasts, to go on from there when it is stopped. Remove it with `removeRun`. */
  checkpoint?: CheckpointOptions;
  /** A thread that completes no epoch and no split for this long is given up (default 1800; 0: never). */
  stallSeconds?: number;
}

/**
 * As the core's `fit`, with splits in worker threads (`jobs`; the results do not depend on it) and checkpoints. A split
 * whose thread fails is run once more; failing again, it is left out and named in `result.failed`.
 */
export async function fit(
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
    return await fitWith(table, options, runner, resolve);
  } catch (error) {
    checkpoints?.discardEmpty();
    throw error;
  }
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

/** Where splits are run: where they go on, what saves them, what runs one. */
interface Place {
  checkpoints: Checkpoints | undefined;
  lanes: number;
  run: (job: SplitJob, hooks: SplitHooks) => Promise<SplitOutcome | FailedSplit>;
}

/** Splits in lanes; a lane takes the next job when it has finished one. Finished splits are not run again. */
function inLanes({ checkpoints, lanes, run }: Place): SplitRunner {
  return async (jobs, { hooks, stopped }) => {
    const outcomes: (SplitOutcome | FailedSplit | undefined)[] = jobs.map(() => undefined);
    let next = 0;
    const take = async (index: number) => {
      const job = jobs[index];
      const before = checkpoints?.outcome(job.split);
      if (before) {
        hooks(job).onResume?.(before.result?.stopped.epoch ?? job.settings.epochs, true);
        outcomes[index] = before;
      } else if (index === 0 || !stopped()) {
        const outcome = await run(job, hooks(job));
        if ("model" in outcome && !stopped()) checkpoints?.finish(outcome);
        outcomes[index] = outcome;
      }
    };
    const lane = async () => {
      while (next < jobs.length) await take(next++);
    };
    await Promise.all(Array.from({ length: Math.min(lanes, jobs.length) }, lane));
    return outcomes;
  };
}

/** Splits on this thread, for code that cannot be sent to another. */
function inline(checkpoints: Checkpoints | undefined): SplitRunner {
  const run = (job: SplitJob, hooks: SplitHooks) => {
    const from = goOn(checkpoints, job, hooks);
    const { split } = job;
    const { warn = () => {} } = checkpoints ?? {};
    const stopping = () => hooks.shouldStop?.() ?? false;
    const saving = checkpoints?.saving(split);
    return runSplit(job, { ...hooks, from, onState: saving && saveStates(saving, { stopping, warn }) });
  };
  return inLanes({ checkpoints, lanes: 1, run });
}

/** Splits in threads, each in one of its own. */
function inThreads(checkpoints: Checkpoints | undefined, stallSeconds: number): SplitRunner {
  return async (jobs, options) => {
    const threads = new Threads(stallSeconds);
    const watch = setInterval(() => threads.stop(options.stopped()), 50);
    const run = (job: SplitJob, hooks: SplitHooks) => twice(threads, checkpoints, job, hooks);
    try {
      const lanes = options.parallel || availableParallelism();
      return await inLanes({ checkpoints, lanes, run })(jobs, options);
    } finally {
      clearInterval(watch);
      await threads.close();
    }
  };
}

/** Where the split goes on, if it does; says so. */
function goOn(
  checkpoints: Checkpoints | undefined,
  { split }: SplitJob,
  hooks: SplitHooks,
): Saved | undefined {
  const from = checkpoints?.saved(split);
  if (from) hooks.onResume?.(from.state.progress.epoch, false);
  return from;
}

/** A split whose thread fails is begun again in another, where its last checkpoint left it; once. */
async function twice(
  threads: Threads,
  checkpoints: Checkpoints | undefined,
  job: SplitJob,
  hooks: SplitHooks,
): Promise<SplitOutcome | FailedSplit> {
  const { split } = job;
  const warnings: string[] = [];
  const failures: string[] = [];
  while (failures.length < 2) {
    const from = goOn(checkpoints, job, hooks);
    if (failures.length > 0) {
      const epoch = (from?.state.progress.epoch ?? 0) + 1;
      warnings.push(`${nameOf(split)}: ${failures[0]}; it was run again from epoch ${epoch}.`);
    }
    try {
      const saving = checkpoints?.saving(split);
      const outcome = await threads.run(
        { job, from, saving },
        { onEpoch: hooks.onEpoch, onWarning: checkpoints?.warn },
      );
      return warnings.length > 0 ? { ...outcome, warnings } : outcome;
    } catch (error) {
      if (!(error instanceof ThreadFailure)) throw error;
      failures.push(error.message);
    }
  }
  return { split, failure: `${failures.join("; run again, ")}.` };
}
