/** Runs jobs on worker threads, each taking the next one as it finishes the last. */
import { Worker } from "node:worker_threads";

/**
 * @param script the worker: it posts one message for each it gets.
 * @param done called with each job's index and result, in the order they finish.
 */
export async function runJobs<Job, Result>(
  script: URL,
  workerData: unknown,
  jobs: readonly Job[],
  workers: number,
  done: (index: number, result: Result) => void,
): Promise<void> {
  let next = 0;
  const open = new Set<Worker>();
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(script, { workerData });
      open.add(worker);
      let index = 0;
      const give = () => {
        if (next === jobs.length) return resolve();
        index = next++;
        worker.postMessage(jobs[index]);
      };
      worker.on("message", (result: Result) => {
        done(index, result);
        give();
      });
      worker.on("error", reject);
      give();
    });
  try {
    await Promise.all(Array.from({ length: Math.min(workers, jobs.length) }, work));
  } finally {
    await Promise.all(Array.from(open, (worker) => worker.terminate()));
  }
}
