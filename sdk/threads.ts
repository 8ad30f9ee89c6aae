/** Splits in worker threads, one each, watched: a thread that breaks, runs out of memory or hangs takes no other along. */
import { Worker } from "node:worker_threads";
import { MakeitError } from "./errors.ts";
import type { SplitOutcome } from "./split.ts";
import type { TrainHooks } from "./train.ts";
import type { WorkerMessage, WorkerTask } from "./worker.ts";

const SECOND = 1000;

/** A thread's end that says nothing about its input: the split may be run again. */
export class ThreadFailure extends Error {}

export interface ThreadHooks {
  onEpoch?: TrainHooks["onEpoch"] | undefined;
  onWarning?: ((message: string) => void) | undefined;
}

export class Threads {
  readonly #stallSeconds: number;
  /** Not 0: finish with the best so far. Shared, because a training thread does not come to read messages. */
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #workers = new Set<Worker>();
  #closed = false;

  /** @param stallSeconds a thread that says nothing for so long is given up; 0: never */
  constructor(stallSeconds: number) {
    this.#stallSeconds = stallSeconds;
  }

  stop(stopped: boolean): void {
    Atomics.store(this.#stop, 0, stopped ? 1 : 0);
  }

  /** @throws MakeitError of the split; ThreadFailure when the thread ends without an outcome */
  async run(task: Omit<WorkerTask, "stop">, hooks: ThreadHooks): Promise<SplitOutcome> {
    if (this.#closed) throw new MakeitError("internal", "The run was given up.");
    const workerData: WorkerTask = { ...task, stop: this.#stop };
    const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData });
    this.#workers.add(worker);
    try {
      return await this.#outcome(worker, hooks);
    } finally {
      this.#workers.delete(worker);
      await worker.terminate();
    }
  }

  /** Ends all threads, whatever they are at; there will be no others. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#workers].map((worker) => worker.terminate()));
  }

  async #outcome(worker: Worker, { onEpoch, onWarning }: ThreadHooks): Promise<SplitOutcome> {
    let watch: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        const fail = (why: string) => reject(new ThreadFailure(why));
        const pulse = new Pulse();
        watch = setInterval(() => {
          if (pulse.silent() > this.#stallSeconds && this.#stallSeconds > 0)
            fail(`its thread made no progress for ${this.#stallSeconds} s`);
        }, SECOND);
        worker.on("message", (message: WorkerMessage) => {
          pulse.beat();
          if ("epoch" in message) void onEpoch?.(...message.epoch);
          else if ("warning" in message) onWarning?.(message.warning);
          else if ("outcome" in message) resolve(message.outcome);
          else reject(new MakeitError(message.failure.code, message.failure.message, message.failure.hint));
        });
        worker.on("error", (error: NodeJS.ErrnoException) => fail(describe(error)));
        worker.on("messageerror", (error) =>
          fail(`its thread's outcome could not be read (${error.message})`),
        );
        worker.on("exit", (code) => fail(`its thread ended with code ${code}`));
      });
    } finally {
      clearInterval(watch);
    }
  }
}

/** How long a thread has been silent, in time in which this process ran: one that was suspended waits on. */
class Pulse {
  #silent = 0;
  #last = performance.now();

  beat(): void {
    this.#silent = 0;
  }

  /** Seconds; to be asked once a second. */
  silent(): number {
    const now = performance.now();
    this.#silent += Math.min(2 * SECOND, now - this.#last);
    this.#last = now;
    return this.#silent / SECOND;
  }
}

function describe(error: NodeJS.ErrnoException): string {
  if (error?.code === "ERR_WORKER_OUT_OF_MEMORY") return "its thread ran out of memory";
  return `its thread failed (${error?.message ?? error})`;
}
