/** Where splits run in Node, side by side: threads, checkpoints, and what is done when a thread fails. */
import { availableParallelism } from "node:os";
import { type Checkpoints, saveStates } from "./checkpoints.ts";
import type { FailedSplit } from "./result.ts";
import { nameOf, type SplitHooks, type SplitRunner } from "./run.ts";
import { runSplit, type SplitJob, type SplitOutcome } from "./split.ts";
import type { Saved } from "./state.ts";
import { ThreadFailure, Threads } from "./threads.ts";

/** Seconds without an epoch after which a thread counts as hung, where nothing else is asked for. */
export const STALL_SECONDS = 1800;

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
export function inline(checkpoints: Checkpoints | undefined): SplitRunner {
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
export function inThreads(checkpoints: Checkpoints | undefined, stallSeconds: number): SplitRunner {
  return async (jobs, options) => {
    const threads = new Threads(stallSeconds);
    const watch = setInterval(() => threads.stop(options.stopped()), 50);
    const cores = availableParallelism();
    const lanes = Math.min(options.parallel || cores, jobs.length);
    const run = (job: SplitJob, hooks: SplitHooks) => {
      // The cores are filled once: by splits first, which share nothing, then by threads within each.
      const share = job.settings.threads || Math.max(1, Math.floor(cores / lanes));
      const settings = { ...job.settings, threads: share };
      return twice(threads, checkpoints, { ...job, settings }, hooks);
    };
    try {
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
