/**
 * A worker of runs over many machines: it takes jobs from the queue, keeps their checkpoints in the store, and puts a
 * run together whose splits are done.
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { type Job, type Queue, Redis } from "./bullmq.ts";
import { type Identity, identityOf } from "./checkpoints.ts";
import { MakeitError } from "./errors.ts";
import { STALL_SECONDS } from "./lanes.ts";
import { pack, unpack } from "./pack.ts";
import { aggregate, packPart, splitNumbers, unpackPart } from "./part.ts";
import {
  type AggregateTask,
  type Delivery,
  idOf,
  type JobStory,
  LOSSES,
  type Made,
  type Progress,
  type QueueOptions,
  type SplitTask,
  TELL_MS,
} from "./queue.ts";
import type { FailedSplit, RunResult } from "./result.ts";
import { type FitOptions, nameOf, type Plan, planRun, type Run } from "./run.ts";
import type { Saved } from "./state.ts";
import type { Store } from "./store.ts";
import type { Table } from "./table/table.ts";
import { Threads } from "./threads.ts";

export interface ServeOptions extends QueueOptions {
  /** Splits side by side. */
  jobs: number;
  /** Seconds after which a worker that says nothing counts as lost (default 30). */
  leaseSeconds?: number;
  /** A split that completes no epoch for this long is given up (default 1800; 0: never). */
  stallSeconds?: number;
  /** Leaves when there was nothing to do for so many seconds; absent: stays. */
  idleSeconds?: number;
  /** Leaves: splits in training are saved and handed back. */
  signal?: AbortSignal;
  /** The files of a run. */
  files: (run: Run) => Promise<Delivery["files"]>;
  onNote?: (message: string) => void;
}

/**
 * Takes jobs from the queue until it is to leave.
 * @returns how many it has finished
 * @throws MakeitError when queue or store cannot be reached
 */
export async function serve(options: ServeOptions): Promise<number> {
  const { queue: url, store, jobs, leaseSeconds = 30, idleSeconds, signal, onNote, onWarning } = options;
  const redis = await Redis.reach(url, onWarning);
  await store.check();
  const { UnrecoverableError, DelayedError } = redis.bullmq;
  const plans = new Plans(store);
  const queue = redis.queue();
  let [busy, done, quietSince] = [0, 0, performance.now()];
  const perform = (job: Job<never>) =>
    job.name === "aggregate" ? assemble(job, queue, options) : runJob(job, plans, options);
  const work = async (job: Job<never>, token?: string) => {
    busy++;
    try {
      // One that is leaving begins nothing.
      const made = signal?.aborted ? undefined : await perform(job);
      if (!made) {
        await job.moveToDelayed(Date.now() + 1, token);
        throw new DelayedError();
      }
      done++;
      return made;
    } catch (error) {
      if (error instanceof DelayedError) throw error;
      onWarning?.(`${job.id}: ${(error as Error).message}`);
      // Wrong input is wrong on every machine.
      if (error instanceof MakeitError && error.code === "input") throw new UnrecoverableError(error.message);
      throw error;
    } finally {
      busy--;
      quietSince = performance.now();
    }
  };
  const lease = 1000 * leaseSeconds;
  const worker = redis.worker(work, {
    concurrency: jobs,
    lockDuration: lease,
    stalledInterval: lease,
    maxStalledCount: LOSSES,
  });
  try {
    await worker.waitUntilReady();
    onNote?.(`Listening on ${redis.name} (store ${store.name}), ${jobs} at a time.`);
    const idle = () =>
      idleSeconds !== undefined && busy === 0 && performance.now() - quietSince > 1000 * idleSeconds;
    while (!signal?.aborted && !idle()) await new Promise((wait) => setTimeout(wait, 100));
    return done;
  } finally {
    await redis.close(); // lets the jobs at work end; the signal has told them to
  }
}

/** Tables and their plans, the last few: a worker mostly gets splits of one run. */
class Plans {
  readonly #store: Store;
  readonly #kept = new Map<string, Promise<Plan & { identity: Identity }>>();

  constructor(store: Store) {
    this.#store = store;
  }

  of({ table, options, asked }: SplitTask): Promise<Plan & { identity: Identity }> {
    const key = JSON.stringify([table, options, asked]);
    const kept = this.#kept.get(key) ?? this.#make(table, options, asked);
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    kept.catch(() => this.#kept.delete(key));
    for (const old of [...this.#kept.keys()].slice(0, -2)) this.#kept.delete(old);
    return kept;
  }

  async #make(hash: string, options: FitOptions, asked: Record<string, unknown>) {
    const table = unpack(await this.#store.get(hash), `the table ${hash}`) as Table;
    return { ...(await planRun(table, options)), identity: identityOf(table, options, asked) };
  }
}

/** Runs a split where the last worker left it. @returns undefined when this one is to leave */
async function runJob(job: Job<SplitTask>, plans: Plans, options: ServeOptions): Promise<Made | undefined> {
  const { split, splits, seconds } = job.data;
  const { store, signal, onNote } = options;
  const done = await madeBefore(store, job.id);
  if (done) return done;
  const { brief, jobs, identity } = await plans.of(job.data);
  const from = await savedState(store, job.id, options);
  const at = from?.state.progress.epoch;
  const name = `${split === 0 ? "the model on all rows" : `split ${split}/${splits}`} of ${brief.data.name}`;
  onNote?.(at === undefined ? `Beginning ${name}.` : `Going on with ${name} at epoch ${at + 1}.`);
  const progress: Progress = at === undefined ? {} : { resumed: at };
  const folder = mkdtempSync(join(tmpdir(), "makeit-split-"));
  const carrier = new Carrier(store, job.id, join(folder, `split-${split}.state`));
  const tell = () =>
    job
      .updateProgress({ ...progress })
      .then(() => delete progress.resumed)
      .catch(() => {});
  // A checkpoint asked for more often than we tell is worth carrying as often.
  const pace = seconds > 0 ? Math.min(TELL_MS, 1000 * seconds) : TELL_MS;
  const telling = setInterval(() => void Promise.all([tell(), carrier.carry()]), pace);
  const threads = new Threads(options.stallSeconds ?? STALL_SECONDS);
  const leave = () => threads.stop(true);
  signal?.addEventListener("abort", leave, { once: true });
  if (signal?.aborted) leave();
  const saving = seconds > 0 ? { folder, seconds, split } : undefined;
  let made: Made | undefined;
  try {
    const outcome = await threads.run(
      { job: jobs.find((one) => one.split === split)!, from, saving },
      {
        onEpoch: (...epoch) => {
          progress.epoch = epoch;
        },
        onWarning: options.onWarning,
      },
    );
    if (signal?.aborted) return undefined;
    await tell();
    const engine = outcome.engines.map((span) => span.engine).join(" and ");
    const part = await store.put(packPart({ identity, brief, outcome }));
    made = { part, worker: `${hostname()}:${process.pid}`, engine };
    await store.writeNote(`${job.id}.done`, pack(made));
    onNote?.(`Finished ${name}.`);
    return made;
  } finally {
    clearInterval(telling);
    signal?.removeEventListener("abort", leave);
    await threads.close();
    await carrier.carry();
    if (made) await store.removeNote(`${job.id}.state`);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A job that was finished already, its result lost on the way to the queue perhaps. */
async function madeBefore(store: Store, id: string): Promise<Made | undefined> {
  const note = await store.note(`${id}.done`);
  const made = note && (unpack(note, `${id}.done`) as Made);
  return made && (await store.has(made.part)) ? made : undefined;
}

/** The last checkpoint in the store; a damaged one is told and left. */
async function savedState(store: Store, id: string, { onWarning }: ServeOptions): Promise<Saved | undefined> {
  const note = await store.note(`${id}.state`);
  try {
    return note && (unpack(note, `the checkpoint ${id}`) as Saved);
  } catch (error) {
    onWarning?.(`${(error as Error).message} The split begins anew.`);
    return undefined;
  }
}

/** Carries a thread's checkpoints to the store, one at a time. */
class Carrier {
  readonly #store: Store;
  readonly #id: string;
  readonly #file: string;
  #carried = 0;
  #carrying: Promise<void> | undefined;

  constructor(store: Store, id: string, file: string) {
    this.#store = store;
    this.#id = id;
    this.#file = file;
  }

  /** What cannot be carried now is next time. */
  async carry(): Promise<void> {
    await this.#carrying;
    this.#carrying = this.#write().catch(() => {});
    await this.#carrying;
  }

  /** The file may be away for a moment: the thread puts a new one in its place. */
  async #write(): Promise<void> {
    const saved = statSync(this.#file).mtimeMs;
    if (saved === this.#carried) return;
    await this.#store.writeNote(`${this.#id}.state`, readFileSync(this.#file));
    this.#carried = saved;
  }
}

/** Puts a run together from what its splits came to. */
async function assemble(
  job: Job<AggregateTask>,
  queue: Queue,
  { store, files, onNote }: ServeOptions,
): Promise<{ delivery: string; jobs: JobStory[] }> {
  const { splits, rows } = job.data;
  const made = byId(await job.getChildrenValues<Made>());
  const failures = byId(await job.getIgnoredChildrenFailures());
  const stories: JobStory[] = [];
  const failed: FailedSplit[] = [];
  for (const split of splitNumbers(splits)) {
    const id = idOf(job.id, split);
    const [result, failure] = [made.get(id), failures.get(id)];
    if (!result) failed.push({ split, failure: failure ?? "its job is not on the queue any more" });
    const child = await queue.getJob(id);
    stories.push({
      split,
      state: result ? "done" : "failed",
      worker: result?.worker,
      engine: result?.engine,
      stalled: child?.stalledCounter ?? 0,
      failures: (child?.stacktrace ?? []).map((trace) => trace.split("\n")[0].replace(/^\w*Error: /, "")),
    });
  }
  const parts = await Promise.all(
    [...made.values()].map(async ({ part }) => unpackPart(await store.get(part), `the object ${part}`)),
  );
  if (parts.length === 0) {
    throw new MakeitError("input", `No split could be run. ${nameOf(failed[0].split)}: ${failed[0].failure}`);
  }
  const run = await aggregate(parts, { rows, failed });
  const delivery = await store.put(pack({ result: plainData(run.result), files: await files(run) }));
  onNote?.(`Put ${parts.length - 1} splits of ${run.result.data.name} together.`);
  return { delivery, jobs: stories };
}

/** Jobs' values by the jobs' ids, without the queue's name before them. */
function byId<T>(values: Record<string, T>): Map<string, T> {
  return new Map(Object.entries(values).map(([key, value]) => [key.slice(key.lastIndexOf(":") + 1), value]));
}

/** What the terminal tells of a result is what its JSON holds. */
function plainData(result: RunResult): RunResult {
  return JSON.parse(JSON.stringify(result));
}
