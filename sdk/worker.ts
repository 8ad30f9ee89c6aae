/** The worker thread that runs one split for `makeit-ai/node`. */
import { parentPort, workerData } from "node:worker_threads";
import { type Saving, saveStates } from "./checkpoints.ts";
import { useDawn } from "./dawn.ts";
import { type ErrorCode, MakeitError } from "./errors.ts";
import { useThreads } from "./hands.ts";
import { runSplit, type SplitJob, type SplitOutcome } from "./split.ts";
import type { Saved } from "./state.ts";

export interface WorkerTask {
  job: SplitJob;
  /** Where it goes on. */
  from: Saved | undefined;
  /** Where it is saved. */
  saving: Saving | undefined;
  /** Not 0: finish with the best so far. Shared, because a training thread does not come to read messages. */
  stop: Int32Array;
}

/** Errors cross between threads as plain data: cloning would drop what makes one a MakeitError. */
export type WorkerMessage =
  | { epoch: [epoch: number, score: number, best: number] }
  | { warning: string }
  | { outcome: SplitOutcome }
  | { failure: { code: ErrorCode; message: string; hint: string } };

function say(message: WorkerMessage): void {
  parentPort!.postMessage(message);
}

async function work({ job, from, saving, stop }: WorkerTask): Promise<void> {
  const shouldStop = () => Atomics.load(stop, 0) !== 0;
  const warn = (warning: string) => say({ warning });
  try {
    const outcome = await runSplit(job, {
      onEpoch: (...epoch) => say({ epoch }),
      shouldStop,
      from,
      onState: saving && saveStates(saving, { stopping: shouldStop, warn }),
    });
    say({ outcome });
  } catch (error) {
    if (!(error instanceof MakeitError)) throw error;
    const { code, message, hint } = error;
    say({ failure: { code, message, hint } });
  }
}

useDawn();
useThreads();
await work(workerData);
