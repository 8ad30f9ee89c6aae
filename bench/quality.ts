/**
 * Quality of the methods against class imbalance, on held-out rows: makeit beside the simple rivals, over any folder
 * of CSV files. One line a data set as it finishes (means over folds and shuffles; the last column is the time a
 * fold), then means, mean ranks, wins and tests. The same seed gives the same figures with any number of jobs.
 */
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { inputError, type MakeitError } from "../sdk/errors.ts";
import { openMetric } from "../sdk/metrics.ts";
import { OPTIONS, resolveSettings, type Settings } from "../sdk/options.ts";
import { registerPlotWindow } from "../sdk/plots/node.ts";
import { listData, TUNED_ON } from "./quality/data.ts";
import { drawDiagram } from "./quality/diagram.ts";
import {
  type Column,
  type Config,
  type Job,
  METHOD_NAMES,
  type MethodName,
  type Outcome,
  openRunner,
  type Variant,
} from "./quality/job.ts";
import { runJobs } from "./quality/pool.ts";
import {
  compareMethods,
  dataLine,
  header,
  type Line,
  labelOf,
  lineOf,
  type Summary,
  secondsText,
  summaryText,
} from "./quality/report.ts";
import { VOTE_OPTIONS } from "./quality/revote.ts";

const USAGE = `npm run bench:quality -- [options]
  --data DIR|FILE.csv  tables to measure (default: the demo's birdstrikes)
  --target COLUMN      what to predict (default: the last column)
  --only A,B           data sets to keep, by file name without .csv
  --metric NAME        f1 (default), roc_auc, average_precision, …
  --classifier NAME    logistic (default), tree, forest
  --folds N            stratified folds (5)
  --repeats N          shuffles (1)
  --seed N             (1)
  --epochs N           training epochs of makeit
  --set KEY=VALUE      any other option of makeit; may be repeated
  --vote KEY=VALUE,…   one more column: makeit's sets, scored again and voting with these options
                       (${VOTE_OPTIONS.join(", ")}); may be repeated
  --methods A,B        ${METHOD_NAMES.join(", ")} (default: all but criticOnly and lambdaOnly)
  --ablations          those too: makeit's pipeline without λ, and without the critic
  --reference-epochs N epochs of the published presets, which would take hours with their own (10)
  --jobs N             worker threads (default: one a core)
  --json FILE          every fold's figures, and the comparison
  --svg FILE           the critical-difference diagram`;

const flags = {
  data: { type: "string" },
  target: { type: "string" },
  only: { type: "string" },
  metric: { type: "string", default: "f1" },
  classifier: { type: "string", default: "logistic" },
  folds: { type: "string", default: "5" },
  repeats: { type: "string", default: "1" },
  seed: { type: "string", default: "1" },
  epochs: { type: "string" },
  set: { type: "string", multiple: true, default: [] as string[] },
  vote: { type: "string", multiple: true, default: [] as string[] },
  methods: { type: "string" },
  ablations: { type: "boolean", default: false },
  "reference-epochs": { type: "string", default: "10" },
  jobs: { type: "string" },
  json: { type: "string" },
  svg: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

if (isMainThread) await main();
else await work(workerData as Config);

/** The worker: a job in, its outcome out. */
async function work(config: Config): Promise<void> {
  const run = await openRunner(config);
  parentPort!.on("message", async (job: Job) => parentPort!.postMessage(await run(job)));
}

async function main(): Promise<void> {
  try {
    const { values } = parseArgs({ options: flags });
    if (values.help) console.log(USAGE);
    else await bench(values);
  } catch (error) {
    // A worker's error arrives as a copy: its code and hint are there, its class is not.
    const { code, message, hint = "" } = error as MakeitError;
    const misused = String(code).startsWith("ERR_PARSE_ARGS");
    console.error(misused ? `${message}\n${USAGE}` : `${message} ${hint}`.trim());
    process.exitCode = misused || code === "input" ? 2 : 1;
  }
}

type Values = ReturnType<typeof parseArgs<{ options: typeof flags }>>["values"];

async function bench(values: Values): Promise<void> {
  const settings = settingsOf(values);
  const votes = votesOf(values);
  const methods = [...methodsOf(values), ...(Object.keys(votes) as Variant[])];
  const sets = listData(values.data, values.target, values.only?.split(","));
  const splits = settings.splits * settings.repeats;
  const jobs: Job[] = sets.flatMap((_, set) =>
    Array.from({ length: splits }, (_, split) => ({ set, split })),
  );
  const referenceEpochs = Number(values["reference-epochs"]);
  const workers = values.jobs === undefined ? availableParallelism() : Number(values.jobs);
  if (!(Number.isInteger(workers) && workers > 0))
    throw inputError(`--jobs is ${values.jobs}; expected 1 or more.`);

  console.log(
    `${settings.metric}, ${settings.classifier}, ${settings.splits} folds x ${settings.repeats}, seed ${settings.seed}, ${sets.length} data sets`,
  );
  console.log(header(methods));
  const outcomes: Outcome[] = new Array(jobs.length);
  const left = sets.map(() => splits);
  const lines: Line[] = [];
  await runJobs<Job, Outcome>(
    new URL(import.meta.url),
    { sets, methods, settings, referenceEpochs, votes } satisfies Config,
    jobs,
    workers,
    (index, outcome) => {
      const { set } = outcome.job;
      outcomes[index] = outcome;
      if (--left[set] > 0) return;
      lines[set] = lineOf(sets[set].name, outcomes.slice(set * splits, (set + 1) * splits), methods);
      console.log(dataLine(lines[set]));
    },
  );
  const greater = openMetric(settings.metric, 2).greaterIsBetter;
  console.log(secondsText(lines, methods));
  const summaries = summarise(lines, methods, greater);
  for (const [title, summary] of Object.entries(summaries)) console.log(summaryText(title, summary));
  if (values.json) {
    const rows = sets.map(({ name }, set) => rowOf(name, outcomes.slice(set * splits, (set + 1) * splits)));
    writeFileSync(values.json, `${JSON.stringify({ settings, rows, summary: summaries }, null, 1)}\n`);
  }
  if (values.svg) {
    registerPlotWindow();
    const sign = greater ? 1 : -1;
    const plot = {
      title: `${settings.metric}, ${settings.classifier}`,
      names: methods.map(labelOf),
      scores: lines.map((line) => line.scores.map((score) => sign * score)),
      ours: labelOf("makeit"),
    };
    writeFileSync(values.svg, drawDiagram(plot));
  }

  function rowOf(data: string, folds: readonly Outcome[]) {
    const each = (read: (outcome: Outcome, method: Column) => number) =>
      Object.fromEntries(methods.map((method) => [method, folds.map((fold) => read(fold, method))]));
    return {
      data,
      classifier: settings.classifier,
      metric: settings.metric,
      scores: each(({ scores }, method) => scores[method]!),
      seconds: each(({ seconds }, method) => seconds[method]!),
      choices: folds.map(({ choice }) => choice),
      outOfFold: folds.map(({ outOfFold }) => outOfFold),
    };
  }
}

/** Over all data sets, and apart for those that the defaults were tuned on and the others, where both are there. */
function summarise(
  lines: readonly Line[],
  methods: readonly Column[],
  greater: boolean,
): Record<string, Summary> {
  if (lines.length < 2 || methods.length < 2) return {};
  const all = { all: compareMethods(lines, methods, greater) };
  const tuned = lines.filter(({ name }) => TUNED_ON.includes(name));
  const others = lines.filter(({ name }) => !TUNED_ON.includes(name));
  if (tuned.length < 2 || others.length < 2) return all;
  return {
    ...all,
    "tuned on": compareMethods(tuned, methods, greater),
    untouched: compareMethods(others, methods, greater),
  };
}

function methodsOf(values: Values): MethodName[] {
  const named =
    values.methods?.split(",") ??
    METHOD_NAMES.filter((name) => values.ablations || (name !== "criticOnly" && name !== "lambdaOnly"));
  const unknown = named.find((name) => !METHOD_NAMES.includes(name as MethodName));
  if (unknown !== undefined)
    throw inputError(`There is no method "${unknown}".`, `There are: ${METHOD_NAMES.join(", ")}.`);
  return METHOD_NAMES.filter((name) => named.includes(name));
}

/** What differs in each further vote, by its own text. */
function votesOf(values: Values): Record<Variant, Partial<Settings>> {
  const votes: Record<Variant, Partial<Settings>> = {};
  for (const variant of values.vote) {
    const given = Object.fromEntries(variant.split(",").map((pair) => optionOf("--vote", pair)));
    const other = Object.keys(given).find((name) => !(VOTE_OPTIONS as readonly string[]).includes(name));
    if (other !== undefined)
      throw inputError(
        `--vote ${variant}: ${other} is no option of a vote.`,
        `There are: ${VOTE_OPTIONS.join(", ")}.`,
      );
    resolveSettings(given);
    votes[variant as Variant] = given;
  }
  return votes;
}

function settingsOf(values: Values): Settings {
  const given: Record<string, unknown> = {
    metric: values.metric,
    classifier: values.classifier,
    splits: Number(values.folds),
    repeats: Number(values.repeats),
    seed: Number(values.seed),
  };
  if (values.epochs !== undefined) given.epochs = Number(values.epochs);
  Object.assign(given, Object.fromEntries(values.set.map((pair) => optionOf("--set", pair))));
  return resolveSettings(given);
}

function optionOf(flag: string, pair: string): [string, unknown] {
  const at = pair.indexOf("=");
  if (at < 1) throw inputError(`${flag} ${pair}: expected KEY=VALUE.`, `For example ${flag} cut=1.`);
  const key = pair.slice(0, at);
  return [key, parseValue(key, pair.slice(at + 1))];
}

/** A flag's text as the option's type; unknown names and bad values are refused by `resolveSettings`. */
function parseValue(key: string, value: string): unknown {
  const kind = Object.hasOwn(OPTIONS, key) ? OPTIONS[key as keyof Settings].kind : "string";
  if (kind === "number" || kind === "integer") return value.trim() === "" ? value : Number(value);
  if (kind === "boolean") return value === "true" ? true : value === "false" ? false : value;
  return value;
}
