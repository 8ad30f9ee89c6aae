/** `makeit fit`: the main job. */
import { resolve } from "node:path";
import { inputError } from "../sdk/errors.ts";
import { checkLambdas } from "../sdk/lambdas.ts";
import type { FitOptions } from "../sdk/node.ts";
import { resolveSettings } from "../sdk/options.ts";
import { command } from "./command.ts";
import {
  CHECKPOINT_FLAGS,
  CONFIG_FLAG,
  IMAGE_FLAGS,
  JSON_FLAG,
  pick,
  QUEUE_FLAGS,
  QUIET_FLAG,
  RESULT_FLAGS,
  SAFE_FLAG,
  SETTING_FLAGS,
  SPLIT_COLUMN,
  TABLE_FLAGS,
  type Values,
} from "./flags.ts";
import { checkTableFlags, openTable, targetOf } from "./tables.ts";

/** What a run is made of: a table, and what to do with it. */
export const RUN_FLAGS = { ...TABLE_FLAGS, ...SPLIT_COLUMN, ...IMAGE_FLAGS, ...SETTING_FLAGS } as const;

const FLAGS = {
  ...TABLE_FLAGS,
  ...SPLIT_COLUMN,
  ...IMAGE_FLAGS,
  ...RESULT_FLAGS,
  ...SAFE_FLAG,
  sweepLambda: {
    kind: "list",
    group: "Output",
    describe:
      "Also try these λ, such as 0,.25,1,4,16, and draw what each trades of the metric for closeness (as long again for each)",
  },
  ...CHECKPOINT_FLAGS,
  ...QUEUE_FLAGS,
  ...SETTING_FLAGS,
  ...CONFIG_FLAG,
  ...QUIET_FLAG,
  ...JSON_FLAG,
} as const;

export const fitTable = command({
  name: "fit",
  describe: "Learn from a table or from images; write synthetic rows, a model, plots and an honest verdict",
  positionals: {
    table:
      "CSV, TSV, Parquet, JSON lines or ARFF file, .gz too; - for standard input; a folder of class folders of images, IDX, CIFAR-10 or .npz",
  },
  flags: FLAGS,
  examples: [
    ["makeit fit churn.csv --target churned", "everything into makeit-out/"],
    ["makeit fit churn.csv -t churned --metric average_precision --splits 10 --out ap", "another metric"],
    [
      "makeit fit flights.parquet -t late --drop id,gate --categorical month --lambda 5",
      "closer to the real rows",
    ],
    ["zcat log.csv.gz | makeit fit - -t fraud --positive yes --json > run.json", "in a script"],
    ["makeit fit photos --size 16x16", "photos/cats/1.png, photos/dogs/2.jpg, …: which is the rare one?"],
    ["makeit fit churn.csv -t churned --sweep-lambda 0,.25,1,4,16", "what closeness to the real rows costs"],
    ["makeit fit churn.csv --config run.json --seed 2", "flags from a file"],
    ["makeit fit churn.csv -t churned --resume makeit-out", "go on with a run that was stopped"],
    ["makeit fit churn.csv -t churned --queue redis://server --store /shared/makeit", "on many machines"],
  ],
  async run(values, { table }, terminal) {
    const asked = askedOf(table, values);
    const { rows, stall, safeCsv, force = false, queue } = values;
    const lambdas = values.sweepLambda && readLambdas(values.sweepLambda);
    const out = outputFolder(values);
    const open = () => openTable(table, values);
    const seconds = values.checkpoint ?? FLAGS.checkpoint.default;
    const read = pick(values, TABLE_FLAGS);
    if (queue !== undefined) {
      refuseOnQueue({ "--safe-csv": safeCsv, "--sweep-lambda": lambdas });
      const { needStore, runQueued } = await import("./queued.ts");
      const store = needStore(queue, values.store);
      return runQueued(
        { open, options: { ...asked, rows }, asked: read, out, force, queue, store, seconds },
        terminal,
      );
    }
    const { runJob } = await import("./results.ts");
    const checkpoint = { seconds, resume: values.resume !== undefined, asked: read };
    return runJob(
      { open, options: { ...asked, rows, stallSeconds: stall }, out, force, safeCsv, checkpoint, lambdas },
      terminal,
    );
  },
});

/** @throws MakeitError for what is done where the files are written, which on a queue is elsewhere */
function refuseOnQueue(flags: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(flags)) {
    if (value) throw inputError(`${name} does not go with --queue.`, "Leave one of the two out.");
  }
}

/** @throws MakeitError for what is no list of λ */
function readLambdas(list: readonly string[]): number[] {
  const lambdas = list.map((text) => {
    const lambda = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isNaN(lambda)) return lambda;
    throw inputError(`--sweep-lambda has "${text}"; expected numbers such as 0,0.5,2.`);
  });
  checkLambdas(lambdas);
  return lambdas;
}

/** What is asked of a run, by the table's path and its flags. @throws MakeitError for what cannot be */
export function askedOf(table: string, values: Values<typeof RUN_FLAGS>): FitOptions {
  const target = targetOf(table, values);
  checkSplits(values);
  checkTableFlags(values);
  const settings = pick(values, SETTING_FLAGS) as object;
  resolveSettings(settings); // wrong values are told before anything is read
  const { positive, splitColumn } = values;
  return { ...settings, target, positive, splitColumn };
}

/** What is resumed is where the results go. */
function outputFolder({ out, resume, force, queue, store, stall }: Values<typeof FLAGS>): string {
  if (out === "-") throw inputError("--out is a folder, not standard output.", "Name a folder.");
  if (queue !== undefined && resume !== undefined) {
    throw inputError(
      "--queue and --resume contradict each other.",
      "On a queue the same command goes on by itself.",
    );
  }
  if (queue !== undefined && stall !== undefined)
    throw inputError("--stall goes with makeit worker, where there is a queue.", "Leave it out.");
  if (queue === undefined && store !== undefined)
    throw inputError("--store goes with --queue.", "Leave it out, or name the queue.");
  if (resume === undefined) return out ?? FLAGS.out.default;
  if (force) throw inputError("--resume and --force contradict each other.", "Leave one of them out.");
  if (out !== undefined && resolve(out) !== resolve(resume)) {
    throw inputError(
      `--out is ${out} and --resume is ${resume}: a run goes on in its own folder.`,
      "Leave out --out, or name the same folder.",
    );
  }
  return resume;
}

function checkSplits(values: Values<typeof RUN_FLAGS>): void {
  for (const flag of ["splits", "repeats"] as const) {
    if (values.splitColumn !== undefined && values[flag] !== undefined) {
      throw inputError(`--${flag} and --split-column contradict each other.`, "Leave one of them out.");
    }
  }
}
