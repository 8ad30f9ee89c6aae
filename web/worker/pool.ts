/** Splits side by side in workers; the results do not depend on how many there are. */
import type { SplitRunner } from "../../sdk/run.ts";
import type { SplitJob, SplitOutcome } from "../../sdk/split.ts";
import type { Table } from "../../sdk/table/table.ts";
import { errorOf, type Failure, failureOf } from "../remote.ts";

/** What a split's worker is told: the table once, then jobs; after each epoch whether to stop. */
export type ToSplit = { table: Table } | { job: Omit<SplitJob, "table"> } | { stop: boolean };
export type ToPool =
  | { epoch: [epoch: number, score: number, best: number] }
  | { outcome: SplitOutcome }
  | { failure: Failure };

/** One core is left for the page. */
const cores = () => Math.max(1, navigator.hardwareConcurrency - 1);

/** How many splits run at once. */
export function laneCount(jobs: number, parallel: number): number {
  return Math.min(jobs, parallel || cores());
}

/** A runner that says when a split begins and when it is done. */
export function poolRunner(news: {
  onBegin(split: number): void;
  onDone(outcome: SplitOutcome): void;
}): SplitRunner {
  return async (jobs, { parallel, hooks, stopped }) => {
    const outcomes: (SplitOutcome | undefined)[] = jobs.map(() => undefined);
    const workers: Worker[] = [];
    const lanes = laneCount(jobs.length, parallel);
    // The cores are filled once: by splits first, which share nothing, then by threads within each.
    const threads = jobs[0].settings.threads || Math.max(1, Math.floor(cores() / lanes));
    let next = 0;
    const lane = async () => {
      const worker = new Worker(new URL("./split.js", import.meta.url), { type: "module", name: "split" });
      workers.push(worker);
      worker.postMessage({ table: jobs[0].table } satisfies ToSplit);
      while (next < jobs.length && !(stopped() && next > 0)) {
        const index = next++;
        const job = { ...jobs[index], settings: { ...jobs[index].settings, threads } };
        news.onBegin(job.split);
        outcomes[index] = await runIn(worker, job, hooks(job).onEpoch, stopped);
        news.onDone(outcomes[index]);
      }
    };
    try {
      await Promise.all(Array.from({ length: lanes }, lane));
    } finally {
      for (const worker of workers) worker.terminate();
    }
    return outcomes;
  };
}

function runIn(
  worker: Worker,
  { table: _, ...job }: SplitJob,
  onEpoch: ReturnType<Parameters<SplitRunner>[1]["hooks"]>["onEpoch"],
  stopped: () => boolean,
): Promise<SplitOutcome> {
  return new Promise((resolve, reject) => {
    worker.onmessage = async ({ data }: MessageEvent<ToPool>) => {
      if ("outcome" in data) resolve(data.outcome);
      else if ("failure" in data) reject(errorOf(data.failure));
      else {
        await onEpoch?.(...data.epoch);
        worker.postMessage({ stop: stopped() } satisfies ToSplit);
      }
    };
    worker.onerror = ({ message }) => reject(errorOf(failureOf(message || "a worker could not be started")));
    worker.postMessage({ job } satisfies ToSplit);
  });
}
