/** `makeit train-split`: one split of a run, for batch systems; `makeit aggregate` makes the run of all of them. */
import { relative } from "node:path";
import { inputError } from "../sdk/errors.ts";
import { command, EXIT } from "./command.ts";
import { askedOf, RUN_FLAGS } from "./fit.ts";
import { CHECKPOINT_FLAGS, CONFIG_FLAG, JSON_FLAG, pick, QUIET_FLAG, TABLE_FLAGS } from "./flags.ts";
import { openTable } from "./tables.ts";

const { checkpoint, stall } = CHECKPOINT_FLAGS;

const FLAGS = {
  split: {
    kind: "integer",
    min: 0,
    max: 1e6,
    group: "Split",
    describe: "Which split, from 1; 0 is the model on all rows, which a run needs too",
  },
  of: {
    kind: "integer",
    min: 1,
    max: 1e6,
    group: "Split",
    describe: "Splits of the run: the folds, unless --splits, --repeats or --split-column make them",
  },
  out: {
    kind: "string",
    group: "Output",
    short: "o",
    describe: "The folder of the result and its checkpoints; splits may share it",
  },
  checkpoint,
  stall,
  ...RUN_FLAGS,
  ...CONFIG_FLAG,
  ...QUIET_FLAG,
  ...JSON_FLAG,
} as const;

export const trainOneSplit = command({
  name: "train-split",
  describe: "Run one split of what fit would run, on this machine; makeit aggregate puts the splits together",
  positionals: { table: "As for makeit fit" },
  flags: FLAGS,
  examples: [
    ["makeit train-split churn.csv -t churned --split 3 --of 10 --out parts", "parts/split-3.result"],
    ["makeit train-split churn.csv -t churned --split 0 --of 10 --out parts", "the model on all rows"],
    ["makeit aggregate parts --out results", "what makeit fit churn.csv -t churned --splits 10 writes"],
  ],
  async run(values, { table: path }, terminal) {
    const { split, of, out: folder } = values;
    if (split === undefined || of === undefined || folder === undefined) {
      const [flag] = Object.entries({ split, of, out: folder }).find(([, value]) => value === undefined)!;
      throw inputError(`--${flag} is needed.`, "For instance: --split 3 --of 10 --out parts.");
    }
    const counted = values.splits ?? values.repeats ?? values.splitColumn;
    const options = askedOf(path, counted === undefined ? { ...values, splits: of } : values);
    const [{ trainSplit }, { listenToInterrupt }, { showProgress }] = await Promise.all([
      import("../sdk/node.ts"),
      import("./interrupt.ts"),
      import("./progress.ts"),
    ]);
    const seconds = values.checkpoint ?? checkpoint.default;
    const goesOn =
      seconds > 0 ? "the same command goes on from the last checkpoint" : "the same command begins anew";
    const interrupt = listenToInterrupt(terminal, `and ${goesOn}`, "stopping after this epoch");
    const progress = showProgress(terminal, { jobs: 1, parts: 1 });
    try {
      const made = await trainSplit(await openTable(path, values), {
        ...options,
        ...{ split, of, folder },
        seconds,
        stallSeconds: values.stall,
        asked: pick(values, TABLE_FLAGS),
        signal: interrupt.signal,
        onWarning: (text) => progress.warn(text),
        onEpoch: (epoch) => progress.update(epoch),
        onResume: (resumed) => progress.resume(resumed),
      });
      progress.stop();
      if (!made) {
        terminal.note(`The split is not done; ${goesOn}.`);
        return interrupt.code;
      }
      const { file, hash, before } = made;
      const how = before ? "was there already" : "is done";
      await terminal.show(`${relative(".", file)} ${how} (sha256 ${hash.slice(0, 16)}…).`);
      await terminal.object({ split, of, file, hash, before });
      return EXIT.done;
    } finally {
      progress.stop();
      interrupt.dispose();
    }
  },
});
