/** `makeit worker`: takes splits from a queue and runs them. */
import { availableParallelism } from "node:os";
import { inputError } from "../sdk/errors.ts";
import { command, EXIT } from "./command.ts";
import { CHECKPOINT_FLAGS, CONFIG_FLAG, JSON_FLAG, QUEUE_FLAGS, QUIET_FLAG } from "./flags.ts";

const { stall } = CHECKPOINT_FLAGS;

const FLAGS = {
  ...QUEUE_FLAGS,
  jobs: {
    kind: "integer",
    min: 0,
    max: 1024,
    default: 0,
    group: "Queue",
    describe: "Splits that run side by side (0: one a core)",
  },
  lease: {
    kind: "number",
    min: 1,
    max: 86400,
    default: 30,
    group: "Queue",
    describe: "Seconds after which a worker that says nothing is lost, and its splits go to others",
  },
  idle: {
    kind: "number",
    min: 0,
    max: 1e6,
    group: "Queue",
    describe: "Leave when there was nothing to do for so many seconds (default: stay)",
  },
  stall: { ...stall, group: "Queue" },
  ...CONFIG_FLAG,
  ...QUIET_FLAG,
  ...JSON_FLAG,
} as const;

export const runWorker = command({
  name: "worker",
  describe: "Take splits that makeit fit --queue has put on a queue, on as many machines as there are",
  positionals: {},
  flags: FLAGS,
  examples: [
    ["makeit worker --queue redis://server --store /shared/makeit", "on each machine, before or after fit"],
    ["makeit worker --queue rediss://server --store s3://bucket/makeit --idle 60", "leaves when all is done"],
    ["makeit fit churn.csv -t churned --splits 10 --queue redis://server --store /shared/makeit", "the run"],
  ],
  async run({ queue, store: where, jobs, lease, idle, stall: stallSeconds }, _files, terminal) {
    if (queue === undefined) throw inputError("--queue is needed.", "For instance: --queue redis://server.");
    const [{ serve }, { openStore }, { needStore }, { filesOf }] = await Promise.all([
      import("../sdk/serve.ts"),
      import("../sdk/store.ts"),
      import("./queued.ts"),
      import("./results.ts"),
    ]);
    const store = openStore(needStore(queue, where));
    const { signal, code } = listenToLeave(() => {
      terminal.note("Leaving: splits in training are saved and handed back. Once more leaves at once.");
    });
    const done = await serve({
      ...{ queue, store, signal, stallSeconds },
      jobs: jobs || availableParallelism(),
      leaseSeconds: lease ?? FLAGS.lease.default,
      idleSeconds: idle,
      files: (run) => filesOf(run),
      onNote: (text) => terminal.note(text),
      onWarning: (text) => terminal.warn(text),
    });
    await terminal.object({ jobs: done });
    return signal.aborted ? code() : EXIT.done;
  },
});

/** The first signal asks to leave, the second is obeyed at once: the queue then finds the worker lost. */
function listenToLeave(tell: () => void): { signal: AbortSignal; code: () => number } {
  const controller = new AbortController();
  let code: number = EXIT.done;
  const listen = (own: number) => () => {
    if (controller.signal.aborted) process.exit(own);
    code = own;
    tell();
    controller.abort();
  };
  process.on("SIGINT", listen(EXIT.interrupted));
  process.on("SIGTERM", listen(EXIT.terminated));
  return { signal: controller.signal, code: () => code };
}
