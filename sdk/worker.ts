/** The worker thread that runs splits for `makeit-ai/node`. */
import type { MessagePort } from "node:worker_threads";
import { useDawn } from "./dawn.ts";
import { type ErrorCode, MakeitError } from "./errors.ts";
import { runSplit, type SplitJob, type SplitOutcome } from "./split.ts";

useDawn();

export interface WorkerTask {
  job: SplitJob;
  /** Progress goes here: [epoch, score, best]. */
  port: MessagePort;
  /** Not 0: finish with the best so far. Shared, because a training thread does not come to read messages. */
  stop: Int32Array;
}

/** An error as it crosses between threads: cloning would drop what makes it a MakeitError. */
export interface WorkerFailure {
  failure: { code: ErrorCode; message: string; hint: string };
}

export default async function work({ job, port, stop }: WorkerTask): Promise<SplitOutcome | WorkerFailure> {
  try {
    return await runSplit(job, {
      onEpoch: (epoch, score, best) => port.postMessage([epoch, score, best]),
      shouldStop: () => Atomics.load(stop, 0) !== 0,
    });
  } catch (error) {
    if (!(error instanceof MakeitError)) throw error;
    return { failure: { code: error.code, message: error.message, hint: error.hint } };
  } finally {
    port.close();
  }
}
