/** `makeit fit --queue`: a run on other machines, watched from here, its files written here. */
import { MakeitError } from "../sdk/errors.ts";
import { toJson } from "../sdk/json.ts";
import type { FitOptions, Table } from "../sdk/node.ts";
import { type Delivery, type JobStory, submit } from "../sdk/queue.ts";
import { openStore } from "../sdk/store.ts";
import { EXIT } from "./command.ts";
import { OutputFolder } from "./output.ts";
import { showProgress } from "./progress.ts";
import { tell } from "./results.ts";
import type { Terminal } from "./terminal.ts";

export interface QueuedRun {
  open: () => Promise<Table>;
  options: FitOptions;
  asked: Record<string, unknown>;
  out: string;
  force: boolean;
  queue: string;
  store: string;
  seconds: number;
}

/** @returns the exit code */
export async function runQueued(run: QueuedRun, terminal: Terminal): Promise<number> {
  const started = performance.now();
  const store = openStore(run.store);
  const folder = new OutputFolder(run.out, { force: run.force });
  const leaving = listenToLeave();
  try {
    const table = await run.open();
    const { splits = 5 } = run.options;
    const progress = showProgress(terminal, { jobs: splits + 1 });
    const { queue, seconds, asked, options } = run;
    const delivery = await submit(table, {
      ...options,
      ...{ queue, store, seconds, asked, signal: leaving.signal },
      onEpoch: (epoch) => progress.update(epoch),
      onResume: (resumed) => progress.resume(resumed),
      onWarning: (text) => progress.warn(text),
      onNote: (text) => progress.note(text),
    }).finally(() => progress.stop());
    if (!delivery) {
      terminal.note(
        "The run goes on without you; the same command comes back to it and fetches its results.",
      );
      return leaving.code;
    }
    for (const { path, content } of delivery.files) folder.write(path, content);
    folder.write("queue.json", `${toJson(storyOf(delivery))}\n`);
    folder.commit();
    await tell(delivery.result, folder, (performance.now() - started) / 1000, terminal, storyOf(delivery));
    await terminal.show(`  ${sentence(delivery.jobs)}`);
    return delivery.result.failed ? EXIT.failure : EXIT.done;
  } finally {
    folder.discard();
    leaving.dispose();
  }
}

/** What queue.json holds: who did what, which the report does not tell. */
function storyOf({ run, queue, jobs }: Delivery) {
  return { run, queue, jobs };
}

/** "11 jobs by 3 workers; stalled and taken up by another: split 2; failed and tried again: split 4 (…)" */
function sentence(jobs: readonly JobStory[]): string {
  const workers = new Set(jobs.map(({ worker }) => worker).filter((worker) => worker !== undefined)).size;
  const named = (kind: string, some: readonly JobStory[]) =>
    some.length > 0
      ? [
          `${kind}: ${some.map(({ split }) => (split === 0 ? "the model on all rows" : `split ${split}`)).join(", ")}`,
        ]
      : [];
  return [
    `${jobs.length} jobs by ${workers} worker${workers === 1 ? "" : "s"} (queue.json)`,
    ...named(
      "stalled and taken up by another",
      jobs.filter(({ stalled }) => stalled > 0),
    ),
    ...named(
      "failed and repeated",
      jobs.filter(({ failures, state }) => failures.length > 0 && state === "done"),
    ),
    ...named(
      "failed for good",
      jobs.filter(({ state }) => state === "failed"),
    ),
  ].join("; ");
}

/** Ctrl-C leaves the run where it is. */
function listenToLeave(): { signal: AbortSignal; code: number; dispose(): void } {
  const controller = new AbortController();
  const leaving = { signal: controller.signal, code: EXIT.interrupted as number, dispose: () => {} };
  const interrupt = () => controller.abort();
  const terminate = () => {
    leaving.code = EXIT.terminated;
    controller.abort();
  };
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", terminate);
  leaving.dispose = () => {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", terminate);
  };
  return leaving;
}

/** @throws MakeitError when one of the two is missing */
export function needStore(queue: string, store: string | undefined): string {
  if (store !== undefined) return store;
  throw new MakeitError(
    "input",
    `--queue ${queue.replace(/\/\/[^/]*@/, "//")} needs a --store, through which tables and results travel.`,
    "Name a folder that all machines share, http(s)://… or s3://bucket/prefix; the same for fit and for workers.",
  );
}
