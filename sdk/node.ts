/** Makeit in Node: everything of the core, and files, worker threads and pictures. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { MessageChannel } from "node:worker_threads";
import { Tinypool } from "tinypool";
import { useDawn } from "./dawn.ts";
import { inputError, MakeitError } from "./errors.ts";
import { readTable as readSource } from "./parquet.ts";
import { registerPlotWindow } from "./plots/node.ts";
import { type FitOptions, fit as fitWith, type Run, runInline, type SplitRunner } from "./run.ts";
import { isClassifier } from "./settings.ts";
import type { SplitJob, SplitOutcome } from "./split.ts";
import type { ReadOptions } from "./table/read.ts";
import type { Table } from "./table/table.ts";
import type { WorkerFailure, WorkerTask } from "./worker.ts";

export * from "./index.ts";
export { Model } from "./model.ts";
export * from "./options.ts";
export { writeParquet } from "./parquet.ts";
export * from "./plots/index.ts";
export { renderReport } from "./report.ts";
export * from "./table/index.ts";

registerPlotWindow();
useDawn();

/** As the core's `fit`, with splits in worker threads (`jobs`; the results do not depend on it). */
export function fit(table: Table, options: FitOptions): Promise<Run> {
  // Functions cannot be sent to a thread.
  const ownCode = typeof options.metric === "function" || isClassifier(options.classifier);
  return fitWith(table, options, ownCode ? runInline : runInThreads);
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

/** Splits side by side, one a thread; a lane takes the next job when it has finished one. */
const runInThreads: SplitRunner = async (jobs, { parallel, hooks, stopped }) => {
  const threads = Math.min(jobs.length, parallel || availableParallelism());
  const pool = new Tinypool({
    filename: fileURLToPath(new URL("./worker.js", import.meta.url)),
    minThreads: threads,
    maxThreads: threads,
  });
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const watch = setInterval(() => Atomics.store(stop, 0, stopped() ? 1 : 0), 50);
  const outcomes: (SplitOutcome | undefined)[] = jobs.map(() => undefined);
  let next = 0;
  const lane = async () => {
    while (next < jobs.length && !(stopped() && next > 0)) {
      const index = next++;
      outcomes[index] = await runInThread(pool, jobs[index], hooks(jobs[index]), stop);
    }
  };
  try {
    await Promise.all(Array.from({ length: threads }, lane));
  } finally {
    clearInterval(watch);
    await pool.destroy();
  }
  return outcomes;
};

async function runInThread(
  pool: Tinypool,
  job: SplitJob,
  hooks: ReturnType<Parameters<SplitRunner>[1]["hooks"]>,
  stop: Int32Array,
): Promise<SplitOutcome> {
  const { port1, port2 } = new MessageChannel();
  port1.on("message", ([epoch, score, best]: [number, number, number]) =>
    hooks.onEpoch?.(epoch, score, best),
  );
  const task: WorkerTask = { job, port: port2, stop };
  try {
    const outcome = (await pool.run(task, { transferList: [port2] })) as SplitOutcome | WorkerFailure;
    if (!("failure" in outcome)) return outcome;
    const { code, message, hint } = outcome.failure;
    throw new MakeitError(code, message, hint);
  } finally {
    port1.close();
  }
}
