/**
 * A run over many machines, on a queue: a job for each split, taken by whichever worker is free, and one that puts their
 * results together. Redis holds who does what; tables, checkpoints and results travel through the store.
 */
import { basename } from "node:path";
import { type Job, QUEUE, type Queue, Redis } from "./bullmq.ts";
import { CHECKPOINT_SECONDS, type Identity, identityOf } from "./checkpoints.ts";
import { inputError, MakeitError } from "./errors.ts";
import { pack, unpack } from "./pack.ts";
import { splitNumbers } from "./part.ts";
import type { RunResult } from "./result.ts";
import { type FitOptions, nameOf, planRun } from "./run.ts";
import { type Store, sha256 } from "./store.ts";
import type { Table } from "./table/table.ts";

/** How often a split is begun that fails, and the pause before the second time; it doubles. */
const ATTEMPTS = 3;
const PAUSE_MS = 1000;
/** How often the worker of a split may be lost before the split is given up: it may be what kills them. */
export const LOSSES = 10;
/** Milliseconds between two looks: for progress to tell, a checkpoint to carry, a run that has ended unheard. */
export const TELL_MS = 500;
const LOOK_MS = 3000;
/** Bytes of a table that Node reads and writes as one file. */
const LARGEST = 1.9 * 2 ** 30;
/** Finished jobs are forgotten after a week; their results stay in the store. */
const KEPT = { age: 7 * 24 * 3600 };

/** What a worker is told of a split. */
export interface SplitTask {
  split: number;
  splits: number;
  /** The table, in the store. */
  table: string;
  options: FitOptions;
  asked: Record<string, unknown>;
  seconds: number;
}

export interface AggregateTask {
  splits: number;
  rows: number | undefined;
}

/** What a split's job came to; the part itself is in the store. */
export interface Made {
  part: string;
  worker: string;
  engine: string;
}

export interface Progress {
  epoch?: [epoch: number, score: number, best: number];
  /** It goes on after so many epochs. */
  resumed?: number;
}

/** What became of a split's job on the way. */
export interface JobStory {
  /** 0 is the model on all rows. */
  split: number;
  state: "done" | "failed";
  /** The machine and process that finished it. */
  worker: string | undefined;
  engine: string | undefined;
  /** How often its worker was lost and another took it up. */
  stalled: number;
  /** Why it failed, each time. */
  failures: string[];
}

/** A run's files, as the worker made them that put it together. */
export interface Delivery {
  run: string;
  queue: string;
  result: RunResult;
  files: { path: string; content: Uint8Array }[];
  jobs: JobStory[];
}

export interface QueueOptions {
  /** `redis://host`, or `rediss://host` for TLS. */
  queue: string;
  store: Store;
  onWarning?: (message: string) => void;
}

export interface SubmitOptions extends FitOptions, QueueOptions {
  /** Seconds between two checkpoints of a split (default 30). */
  seconds?: number;
  asked?: Record<string, unknown>;
  /** Told of what goes on beside epochs. */
  onNote?: (message: string) => void;
}

/**
 * Puts a table's run on the queue and waits for it. A run that is there already is not put there twice: one waits for it,
 * or gets what it came to.
 * @returns undefined when the signal was given: the jobs go on, and the same call comes back to them
 * @throws MakeitError for input that cannot be used, a queue or a store that cannot be reached, and a run that fails
 */
export async function submit(table: Table, submitted: SubmitOptions): Promise<Delivery | undefined> {
  const {
    queue: url,
    store,
    onWarning,
    onNote,
    seconds = CHECKPOINT_SECONDS,
    asked = {},
    ...rest
  } = submitted;
  const { signal, onEpoch, onResume, rows, ...options } = rest;
  refuseLarge(table);
  // What cannot be run is told here and now, not by a worker; which engine is its own choice.
  const { brief } = await planRun(table, options, async () => ({ engine: "wasm", reason: "" }));
  const { splits } = brief;
  const redis = await Redis.reach(url, onWarning);
  try {
    await store.check();
    const travelling = pack({ ...table, name: basename(table.name) });
    const hash = await store.put(travelling);
    const run = runName(identityOf(table, options, asked), hash, { rows, profile: options.profile });
    const watch = new Watch(run, redis, splits, brief.settings.epochs, submitted);
    await watch.begin();
    const delivered = await takeUp(watch, store);
    if (delivered) return delivered;
    const kept = { removeOnComplete: KEPT, removeOnFail: KEPT };
    const retried = { attempts: ATTEMPTS, backoff: { type: "exponential", delay: PAUSE_MS } };
    const shared = { splits, table: hash, options: options as FitOptions, asked, seconds };
    // Adding what is there already changes nothing.
    await redis.flows().add({
      name: "aggregate",
      queueName: QUEUE,
      data: { splits, rows } satisfies AggregateTask,
      opts: { jobId: run, ...kept, ...retried },
      children: splitNumbers(splits).map((split) => ({
        name: "split",
        queueName: QUEUE,
        data: { split, ...shared } satisfies SplitTask,
        opts: { jobId: idOf(run, split), ...kept, ...retried, ignoreDependencyOnFailure: true },
      })),
    });
    return await watch.end(store, signal);
  } finally {
    await redis.close();
  }
}

/** @throws MakeitError for a table that is too large for one object of a store */
function refuseLarge({ columns }: Table): void {
  const bytes = columns.reduce(
    (sum, { values, codes }) => sum + (values?.byteLength ?? codes?.byteLength ?? 0),
    0,
  );
  if (bytes < LARGEST) return;
  throw inputError(
    `The table takes ${(bytes / 2 ** 30).toFixed(1)} GiB, and a store carries ${LARGEST / 2 ** 30} GiB at most.`,
    "Share it by makeit train-split, where each machine reads the table itself; or learn from a sample of its rows.",
  );
}

export function idOf(run: string, split: number): string {
  return `${run}-split-${split}`;
}

/** A run that the queue knows: waits for it, has it anew where it failed, or gives what it came to. */
async function takeUp(watch: Watch, store: Store): Promise<Delivery | undefined> {
  const found = await watch.parent();
  const state = await found?.getState();
  if (!found || !state) return undefined;
  if (state !== "completed" && state !== "failed") {
    await watch.catchUp();
    return undefined;
  }
  const delivered =
    state === "completed" ? await watch.deliver(found, store).catch(() => undefined) : undefined;
  if (delivered && !delivered.result.failed) {
    watch.hooks.onNote?.("This run was done before: here is what it came to.");
    return delivered;
  }
  await watch.remove(found);
  return undefined;
}

/** Follows the jobs of a run and tells of them. */
class Watch {
  readonly hooks: SubmitOptions;
  readonly #run: string;
  readonly #redis: Redis;
  readonly #queue: Queue;
  readonly #splits: number;
  readonly #epochs: number;
  /** The splits by their jobs. */
  readonly #splitOf: ReadonlyMap<string, number>;
  readonly #scores = new Map<number, [score: number, best: number]>();
  readonly #failures = new Map<number, number>();
  #wake = () => {};

  constructor(run: string, redis: Redis, splits: number, epochs: number, hooks: SubmitOptions) {
    this.hooks = hooks;
    this.#run = run;
    this.#redis = redis;
    this.#queue = redis.queue();
    this.#splits = splits;
    this.#epochs = epochs;
    this.#splitOf = new Map(splitNumbers(splits).map((split) => [idOf(run, split), split]));
  }

  parent(): Promise<Job<AggregateTask> | undefined> {
    return this.#queue.getJob(this.#run);
  }

  async begin(): Promise<void> {
    const { onWarning } = this.hooks;
    const events = this.#redis.events();
    const listen = <T>(event: string, hear: (split: number, args: T) => unknown) =>
      events.on(event, (args: T & { jobId: string }) => {
        const split = this.#splitOf.get(args.jobId);
        if (split !== undefined) void hear(split, args);
        else if (args.jobId === this.#run) this.#wake();
      });
    listen<{ data: Progress }>("progress", (split, { data }) => this.#show(split, data));
    listen("completed", (split) => {
      const [score, best] = this.#scores.get(split) ?? [Number.NaN, Number.NaN];
      this.hooks.onEpoch?.({ ...this.#place(split), epoch: this.#epochs, score, best });
    });
    listen("stalled", (split) => {
      onWarning?.(`${nameOf(split)}: its worker was lost; another takes it up from its last checkpoint.`);
    });
    listen<{ failedReason: string }>("failed", (split, { failedReason }) => {
      onWarning?.(`${nameOf(split)} has failed for good: ${failedReason}`);
    });
    listen("delayed", (split) => this.#tellDelay(split));
    await events.waitUntilReady();
  }

  /** Tells where a run is that was begun before. */
  async catchUp(): Promise<void> {
    this.hooks.onNote?.("This run is on the queue already: waiting for it.");
    for (const [id, split] of this.#splitOf) {
      const job = await this.#queue.getJob(id);
      if (!job) continue;
      this.#failures.set(split, job.attemptsMade);
      if ((await job.getState()) !== "completed") this.#show(split, (job.progress ?? {}) as Progress);
      else this.hooks.onResume?.({ ...this.#place(split), epoch: this.#epochs, finished: true });
    }
  }

  async remove(parent: Job): Promise<void> {
    await parent.remove();
    for (const id of this.#splitOf.keys()) await (await this.#queue.getJob(id))?.remove();
  }

  async deliver({ returnvalue }: Job, store: Store): Promise<Delivery> {
    const { delivery, jobs } = returnvalue as { delivery: string; jobs: JobStory[] };
    const made = unpack(await store.get(delivery), `the object ${delivery}`) as Pick<
      Delivery,
      "result" | "files"
    >;
    return { run: this.#run, queue: this.#redis.name, ...made, jobs };
  }

  /** @returns undefined when the signal was given before */
  async end(store: Store, signal: AbortSignal | undefined): Promise<Delivery | undefined> {
    let lonely = false;
    while (!signal?.aborted) {
      const parent = await this.parent();
      const state = await parent?.getState();
      if (parent && state === "completed") return this.deliver(parent, store);
      if (!parent) throw lostRun("Somebody has taken the run off the queue.", "begins it again");
      if (state === "failed") throw lostRun(`The run failed: ${parent.failedReason}`, "tries it again");
      const alone = (await this.#queue.getWorkersCount()) === 0;
      if (alone && !lonely) {
        const start = "Start some: makeit worker --queue … --store …";
        this.hooks.onWarning?.(`No worker of this version listens on ${this.#redis.name}. ${start}`);
      }
      lonely = alone;
      await this.#pause(signal);
    }
    return undefined;
  }

  /** Until it is time to look again, or something happens. */
  #pause(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((done) => {
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", wake);
        done();
      };
      const timer = setTimeout(wake, LOOK_MS);
      signal?.addEventListener("abort", wake);
      this.#wake = wake;
    });
  }

  #place(split: number) {
    return { split, splits: this.#splits, epochs: this.#epochs };
  }

  #show(split: number, { epoch, resumed }: Progress): void {
    const { onEpoch, onResume } = this.hooks;
    if (resumed !== undefined) onResume?.({ ...this.#place(split), epoch: resumed, finished: false });
    if (!epoch) return;
    const [at, score, best] = epoch;
    this.#scores.set(split, [score, best]);
    onEpoch?.({ ...this.#place(split), epoch: at, score, best });
  }

  /** A job waits for its next worker: it failed, or the last one left. */
  async #tellDelay(split: number): Promise<void> {
    const job = await this.#queue.getJob(idOf(this.#run, split));
    if (!job) return;
    const { attemptsMade, failedReason } = job;
    const failed = attemptsMade > (this.#failures.get(split) ?? 0);
    this.#failures.set(split, attemptsMade);
    const again = `it is tried again, ${attemptsMade + 1} of ${ATTEMPTS}`;
    if (failed) this.hooks.onWarning?.(`${nameOf(split)} failed (${failedReason}); ${again}.`);
    else this.hooks.onNote?.(`${nameOf(split)} was handed back by its worker.`);
  }
}

function lostRun(message: string, again: string): MakeitError {
  return new MakeitError("internal", message, `The same command ${again}.`);
}

/** The same for the same data, options and version, whoever asks. */
function runName(identity: Identity, table: string, more: object): string {
  const text = JSON.stringify([identity.version, identity.options, table, more]);
  return `run-${sha256(new TextEncoder().encode(text)).slice(0, 24)}`;
}
