/** A run: every split, then the model on all rows. */
import { averageSplits, gatherEvidence, judge, recurring, type Tested, utilitySign } from "./across.ts";
import { diagnose } from "./advice.ts";
import type { Load } from "./budget.ts";
import { criticWork } from "./critic.ts";
import { type Choice, resolveEngine } from "./engine/open.ts";
import { inputError, MakeitError } from "./errors.ts";
import { openMetric } from "./metrics.ts";
import { Model, plain, sample } from "./model.ts";
import type { FailedSplit, RunResult } from "./result.ts";
import { resolveSettings, type Settings } from "./settings.ts";
import { runSplit, type SplitJob, type SplitOutcome } from "./split.ts";
import { checkSplits, columnSplits, repeatedSplits, type Split, splitWarnings } from "./splits.ts";
import { Encoder } from "./table/encoder.ts";
import { type Column, cellText, findColumn, type Table } from "./table/table.ts";
import { checkTarget, type TargetInfo } from "./table/target.ts";
import type { TrainHooks } from "./train.ts";
import { VERSION } from "./version.ts";

export interface FitOptions extends Partial<Settings> {
  /** The column to predict. */
  target: string;
  /** The class that counts as positive (default: the rarest of two); others become one class. */
  positive?: string;
  /** A column whose values name the splits, instead of stratified folds. */
  splitColumn?: string;
  /** Synthetic rows to return (default: all rows of the sets that vote). */
  rows?: number;
  /** Aborting it finishes with the best so far; the run then resolves with reason "interrupted". */
  signal?: AbortSignal;
  onEpoch?: (progress: Progress) => void;
  /** Called before the work, with what the memory budget makes of the run. */
  onPlan?: (sentence: string) => void;
  /** Called for each split that goes on from a checkpoint, before its next epoch. */
  onResume?: (resumed: Resumed) => void;
}

export interface Resumed extends Pick<Progress, "split" | "splits" | "epochs"> {
  /** Epochs that were completed before. */
  epoch: number;
  /** Whether the split had been finished. */
  finished: boolean;
}

export interface Progress {
  /** From 1; 0 is the final model, trained on all rows. */
  split: number;
  splits: number;
  epoch: number;
  epochs: number;
  /** Mean score of the epoch's sets, and the best so far. */
  score: number;
  best: number;
}

export interface Run {
  result: RunResult;
  model: Model;
  synthetic: Table;
}

export interface SplitHooks extends Pick<TrainHooks, "onEpoch" | "shouldStop"> {
  onResume?: (epoch: number, finished: boolean) => void;
}

/** Runs jobs, some side by side perhaps; outcomes come in the jobs' order, `undefined` for jobs never begun. */
export type SplitRunner = (
  jobs: SplitJob[],
  options: { parallel: number; hooks: (job: SplitJob) => SplitHooks; stopped: () => boolean },
) => Promise<(SplitOutcome | FailedSplit | undefined)[]>;

/** One after the other, on this thread. */
export const runInline: SplitRunner = async (jobs, { hooks, stopped }) => {
  const outcomes: (SplitOutcome | undefined)[] = [];
  for (const job of jobs)
    outcomes.push(stopped() && outcomes.length > 0 ? undefined : await runSplit(job, hooks(job)));
  return outcomes;
};

/** What a run says of itself beside its splits; plain data, so that their outcomes can meet it on another machine. */
export interface Brief {
  settings: Settings;
  /** What was asked for beside the settings. */
  asked: Pick<FitOptions, "target" | "positive" | "splitColumn" | "rows">;
  data: Omit<RunResult["data"], "columns">;
  /** Splits that are tested; the model on all rows comes after them. */
  splits: number;
  warnings: string[];
  choice: Choice;
}

/** All of a run but the work. */
export interface Plan {
  brief: Brief;
  /** The splits, and last the model on all rows. */
  jobs: SplitJob[];
}

/**
 * Trains on every split of the table and on all of it; compares with the simple rivals on held-out rows.
 * @throws MakeitError for input that cannot be used, naming what to change.
 */
export async function fit(
  table: Table,
  options: FitOptions,
  runner: SplitRunner = runInline,
  resolve = resolveEngine,
): Promise<Run> {
  const started = performance.now();
  const { rows, signal, onEpoch, onResume } = options;
  if (rows !== undefined && !(Number.isInteger(rows) && rows > 0)) {
    throw inputError(`Option rows is ${rows}; expected a whole number of at least 1.`);
  }
  const { brief, jobs } = await planRun(table, options, resolve);
  const { settings, splits } = brief;
  const stopped = () => signal?.aborted ?? false;
  const hooks = ({ split }: SplitJob): SplitHooks => {
    const place = { split, splits, epochs: settings.epochs };
    return {
      onEpoch: (epoch, score, best) => onEpoch?.({ ...place, epoch, score, best }),
      onResume: (epoch, finished) => onResume?.({ ...place, epoch, finished }),
      shouldStop: stopped,
    };
  };
  const run = await concludeRun(brief, await runner(jobs, { parallel: settings.jobs, hooks, stopped }), rows);
  run.result.seconds = (performance.now() - started) / 1000;
  return run;
}

/** What the run of a table comes down to: its jobs, each of which can be run anywhere. @throws MakeitError as `fit` */
export async function planRun(table: Table, options: FitOptions, resolve = resolveEngine): Promise<Plan> {
  const { target, positive, splitColumn, rows, onPlan } = options;
  let settings = settingsOf(table, options);
  const prepared = prepare(table, options);
  const { warnings, learnt, info } = prepared;
  const splits = planSplits(prepared, settings);
  if (settings.memory !== "none") {
    const { within } = await import("./budget.ts");
    const planned = await within(settings, loadOf(prepared, settings));
    settings = planned.settings;
    onPlan?.(planned.sentence);
  }
  const columns = learnt.columns.length - 1;
  const choice = await resolve(settings.engine, criticWork(settings, info.rows.length, columns));
  // Chosen once for all splits; what is written down is what was asked for.
  const base = { table: learnt, target, positive, settings: { ...settings, engine: choice.engine } };
  const jobs: SplitJob[] = splits.map((split, i) => ({ ...base, split: i + 1, ...split }));
  jobs.push({ ...base, split: 0, train: Uint32Array.from(info.rows), test: new Uint32Array(0) });
  const asked = { ...learnt.reading, target, positive, splitColumn, rows };
  const data = describeData(learnt, info);
  return { brief: { settings, asked, data, splits: splits.length, warnings, choice }, jobs };
}

/**
 * A run from what its jobs came to, in their order; `undefined` for jobs never begun.
 * @param rows of the synthetic table; absent: those of the sets that vote
 */
export async function concludeRun(
  { settings, asked, data, splits, warnings: told, choice }: Brief,
  ran: readonly (SplitOutcome | FailedSplit | undefined)[],
  rows?: number,
): Promise<Run> {
  const warnings = [...told];
  const failed = ran.filter((outcome) => outcome !== undefined && "failure" in outcome) as FailedSplit[];
  const outcomes = ran.map((outcome) => (outcome && "model" in outcome ? outcome : undefined));
  const tested = outcomes.filter((outcome) => outcome?.result !== undefined) as Tested[];
  const begun = tested.length + failed.filter(({ split }) => split > 0).length;
  if (begun < splits) warnings.push(`Interrupted: ${begun} of ${splits} splits were run.`);
  warnings.push(...failed.map(({ split, failure }) => `${nameOf(split)} could not be run: ${failure}`));
  for (const { split, result } of tested) {
    if (result.stopped.reason !== "diverged") continue;
    warnings.push(
      `Split ${split} diverged after ${result.stopped.epoch} epochs and kept its best so far: lower the learning rates.`,
    );
  }
  const done = outcomes.filter((outcome) => outcome !== undefined);
  warnings.push(...done.flatMap(lostEngines), ...done.flatMap((outcome) => outcome.warnings ?? []));
  const last = ran.length - 1;
  const final = outcomes[last] ?? bestOf(tested, settings, failed);
  if (final.result) {
    const why = ran[last]
      ? "the one on all rows could not be run"
      : "the run was interrupted before the one on all rows";
    warnings.push(`The model is that of split ${final.split}: ${why}.`);
  }
  const { target, positive } = asked;
  const model = new Model(final.model, { ...settings, target, positive });
  const synthetic = rows === undefined ? model.best() : await sample(model, { rows, seed: settings.seed });
  const results = tested.map(({ result }) => result);
  const { name, rows: usable, ...more } = data;
  const result: RunResult = {
    version: VERSION,
    seed: settings.seed,
    engine: [...new Set(done.flatMap(({ engines }) => engines.map(({ engine }) => engine)))].join(" and "),
    engineReason: choice.reason,
    options: plain({ ...settings, ...asked }),
    data: { name, rows: usable, columns: model.encoder.columns.length, ...more },
    metric: openMetric(settings.metric, data.classes.length).name,
    splits: results,
    mean: await averageSplits(tested, settings, data.classes.length),
    evidence: gatherEvidence(tested, settings, data.classes.length),
    diagnostics: diagnose(
      results.map(({ history }) => history),
      settings,
    ),
    rules: recurring(results),
    verdict: judge(results, settings),
    warnings,
    seconds: results.reduce((sum, { seconds }) => sum + seconds, 0),
  };
  if (failed.length > 0) result.failed = failed;
  if (settings.profile) {
    const { sumTimes } = await import("./engine/stopwatch.ts");
    result.profile = sumTimes(done.map(({ kernels }) => kernels));
  }
  return { result, model, synthetic };
}

/** The settings among the options, complete; a table of images has a preset of its own. */
export function settingsOf(table: Table, options: FitOptions): Settings {
  const { target, positive, splitColumn, rows, signal, onEpoch, onResume, onPlan, ...given } = options;
  const preset = given.preset ?? (table.image ? "images" : undefined);
  return resolveSettings({ ...given, preset });
}

/** What the run has to hold. */
function loadOf({ learnt, info }: Prepared, { maxCategories, scale, components, jobs }: Settings): Load {
  const encoder = Encoder.fit(learnt, {
    target: info.column,
    positive: positiveOf(info),
    rows: info.rows,
    maxCategories,
    scale,
    components,
  });
  const bytes = ({ codes, values }: Column) => (codes ?? values)!.byteLength;
  return {
    rows: info.rows.length,
    columns: encoder.width,
    classes: info.classes.length,
    table: learnt.columns.reduce((sum, column) => sum + bytes(column), 0),
    lanes: jobs || 1,
  };
}

/** What stands against all other classes, where there are two. */
function positiveOf({ classes }: TargetInfo): string | undefined {
  return classes.length === 2 ? classes[1] : undefined;
}

/** How sentences call a split. */
export function nameOf(split: number): string {
  return split === 0 ? "The model on all rows" : `Split ${split}`;
}

/** What to tell of engines that were lost on the way. */
function lostEngines({ split, engines }: SplitOutcome): string[] {
  return engines.slice(1).map(({ engine, from, reason }) => {
    return `${nameOf(split)}, epoch ${from}: ${reason} Training went on with the engine ${engine} and lost nothing.`;
  });
}

interface Prepared {
  warnings: string[];
  learnt: Table;
  info: TargetInfo;
  /** Each usable row's split, where a column names it. */
  names: string[] | undefined;
}

/** What the user's table comes down to: learnable columns, rows that have a target, and what to warn about. */
function prepare(table: Table, { target, positive, splitColumn }: FitOptions): Prepared {
  const warnings = [...table.warnings];
  if (splitColumn === target) {
    throw inputError(`The split column "${target}" is the target.`, "Name another column for the splits.");
  }
  const splitBy = splitColumn === undefined ? undefined : findColumn(table, splitColumn);
  const columns = table.columns.filter((column) => column !== splitBy);
  const learnt: Table = { ...table, columns };
  const info = checkTarget(learnt, target, positive);
  if (info.missing > 0)
    warnings.push(`${info.missing} rows have no value for "${target}" and were left out.`);
  const folded = info.classes.map((name) => name.trim().toLowerCase());
  const twin = info.classes.find((_, i) => folded.indexOf(folded[i]) < i);
  if (twin !== undefined) warnings.push(`Classes of "${target}" differ in spaces or case alone: "${twin}".`);
  const names = splitBy ? Array.from(info.rows, (row) => cellText(splitBy, row)) : undefined;
  return { warnings, learnt, info, names };
}

/** Splits as rows of the table: by the named column, or stratified folds. */
function planSplits({ learnt, info, names, warnings }: Prepared, settings: Settings): Split[] {
  const { classes } = info;
  // Class indices by the encoder, which needs nothing but the target for that.
  const y = Encoder.fit(learnt, { target: info.column, positive: positiveOf(info) }).labels(
    learnt,
    info.rows,
  );
  const splits = names
    ? columnSplits(names, info.rows)
    : repeatedSplits(y, settings.splits, settings.repeats, settings.seed, classes);
  checkSplits(splits, y, classes);
  warnings.push(...splitWarnings(splits, y, classes));
  return splits.map(({ train, test }) => ({
    train: train.map((i) => info.rows[i]),
    test: test.map((i) => info.rows[i]),
  }));
}

/** The split with the best held-out result: the model of a run that never reached the one on all rows. */
function bestOf(tested: Tested[], settings: Settings, [failed]: FailedSplit[]): Tested {
  if (tested.length === 0) {
    throw new MakeitError(
      "internal",
      failed
        ? `No split could be run. ${nameOf(failed.split)}: ${failed.failure}`
        : "The run was stopped before its first epoch.",
    );
  }
  const sign = utilitySign(settings);
  return tested.reduce((a, b) => (sign * b.result.test.makeit > sign * a.result.test.makeit ? b : a));
}

function describeData(learnt: Table, { column, classes, counts, rows }: TargetInfo): Brief["data"] {
  const positive = classes.length === 2 ? 1 : counts.indexOf(Math.min(...counts));
  return {
    name: learnt.name.replace(/^.*[\\/]/, ""), // a report travels; the path stays at home
    rows: rows.length,
    ...(learnt.image && { image: learnt.image }),
    target: column,
    classes: [...classes],
    counts: [...counts],
    positive: classes[positive],
    positives: counts[positive],
  };
}
