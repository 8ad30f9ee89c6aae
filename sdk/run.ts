/** A run: every split, then the model on all rows, and what the splits say together. */
import { Cpu } from "./engine/module.ts";
import { inputError, MakeitError } from "./errors.ts";
import { openMetric } from "./metrics.ts";
import { Model, plain, sample } from "./model.ts";
import { resolveSettings, type Settings } from "./options.ts";
import { cpuRanker } from "./ranking.ts";
import { METHODS, type Method, type Rule, type RunResult, type SplitResult, type Verdict } from "./result.ts";
import { measure, runSplit, type SplitJob, type SplitOutcome } from "./split.ts";
import { checkSplits, columnSplits, repeatedSplits, type Split, splitWarnings } from "./splits.ts";
import { compare, mean, sd } from "./statistics.ts";
import { Encoder } from "./table/encoder.ts";
import { cellText, findColumn, type Table } from "./table/table.ts";
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

/** Runs jobs, some side by side perhaps; outcomes come in the jobs' order, `undefined` for jobs never begun. */
export type SplitRunner = (
  jobs: SplitJob[],
  options: { parallel: number; hooks: (job: SplitJob) => TrainHooks; stopped: () => boolean },
) => Promise<(SplitOutcome | undefined)[]>;

/** One after the other, on this thread. */
export const runInline: SplitRunner = async (jobs, { hooks, stopped }) => {
  const outcomes: (SplitOutcome | undefined)[] = [];
  for (const job of jobs)
    outcomes.push(stopped() && outcomes.length > 0 ? undefined : await runSplit(job, hooks(job)));
  return outcomes;
};

/**
 * Trains on every split of the table and on all of it; compares with the simple rivals on held-out rows.
 * @throws MakeitError for input that cannot be used, naming what to change.
 */
export async function fit(table: Table, options: FitOptions, runner: SplitRunner = runInline): Promise<Run> {
  const started = performance.now();
  const { target, positive, splitColumn, rows, signal, onEpoch, ...given } = options;
  const settings = resolveSettings(given);
  if (rows !== undefined && !(Number.isInteger(rows) && rows > 0)) {
    throw inputError(`Option rows is ${rows}; expected a whole number of at least 1.`);
  }
  const prepared = prepare(table, options);
  const { warnings, learnt, info } = prepared;
  const splits = planSplits(prepared, settings);
  const base = { table: learnt, target, positive, settings };
  const jobs: SplitJob[] = splits.map((split, i) => ({ ...base, split: i + 1, ...split }));
  jobs.push({ ...base, split: 0, train: Uint32Array.from(info.rows), test: new Uint32Array(0) });
  const stopped = () => signal?.aborted ?? false;
  const hooks = (job: SplitJob): TrainHooks => ({
    onEpoch: (epoch, score, best) => {
      onEpoch?.({ split: job.split, splits: splits.length, epoch, epochs: settings.epochs, score, best });
    },
    shouldStop: stopped,
  });
  const outcomes = await runner(jobs, { parallel: settings.jobs, hooks, stopped });
  const tested = outcomes.filter((outcome) => outcome?.result !== undefined) as Tested[];
  if (tested.length < splits.length) {
    warnings.push(`Interrupted: ${tested.length} of ${splits.length} splits were run.`);
  }
  for (const { split, result } of tested) {
    if (result.stopped.reason !== "diverged") continue;
    warnings.push(
      `Split ${split} diverged after ${result.stopped.epoch} epochs and kept its best so far: lower the learning rates.`,
    );
  }
  const final = outcomes[jobs.length - 1] ?? bestOf(tested, settings);
  if (final.result) {
    warnings.push(
      `The model is that of split ${final.split}: the run was interrupted before the one on all rows.`,
    );
  }
  const model = new Model(final.model, { ...settings, target, positive });
  const synthetic = rows === undefined ? model.best() : await sample(model, { rows, seed: settings.seed });
  const result = await aggregate(tested, {
    learnt,
    info,
    settings,
    asked: { target, positive, splitColumn, drop: dropped(learnt) },
    warnings,
    final,
  });
  result.seconds = (performance.now() - started) / 1000;
  return { result, model, synthetic };
}

type Tested = SplitOutcome & Required<Pick<SplitOutcome, "result" | "proba">>;

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
  const names = splitBy ? Array.from(info.rows, (row) => cellText(splitBy, row)) : undefined;
  return { warnings, learnt, info, names };
}

/** Splits as rows of the table: by the named column, or stratified folds. */
function planSplits({ learnt, info, names, warnings }: Prepared, settings: Settings): Split[] {
  const { classes } = info;
  // Class indices by the encoder, which needs nothing but the target for that.
  const positive = classes.length === 2 ? classes[1] : undefined;
  const y = Encoder.fit(learnt, { target: info.column, positive }).labels(learnt, info.rows);
  const splits = names
    ? columnSplits(names)
    : repeatedSplits(y, settings.splits, settings.repeats, settings.seed, classes);
  checkSplits(splits, y, classes);
  warnings.push(...splitWarnings(splits, y, classes));
  return splits.map(({ train, test }) => ({
    train: train.map((i) => info.rows[i]),
    test: test.map((i) => info.rows[i]),
  }));
}

/** The split with the best held-out result: the model of a run that never reached the one on all rows. */
function bestOf(tested: Tested[], settings: Settings): Tested {
  if (tested.length === 0) throw new MakeitError("internal", "The run was stopped before its first epoch.");
  const sign = utilitySign(settings);
  return tested.reduce((a, b) => (sign * b.result.test.makeit > sign * a.result.test.makeit ? b : a));
}

function utilitySign(settings: Settings): 1 | -1 {
  return openMetric(settings.metric, 2).greaterIsBetter ? 1 : -1;
}

interface Context {
  learnt: Table;
  info: TargetInfo;
  settings: Settings;
  /** What was asked for beside the settings. */
  asked: Pick<FitOptions, "target" | "positive" | "splitColumn"> & { drop: string | undefined };
  warnings: string[];
  final: SplitOutcome;
}

function dropped(table: Table): string | undefined {
  const names = table.columns.filter(({ role }) => role === "drop").map(({ name }) => name);
  return names.length > 0 ? names.join(",") : undefined;
}

async function aggregate(tested: Tested[], context: Context): Promise<RunResult> {
  const { settings, learnt, info, asked } = context;
  const { classes, counts } = info;
  const encoder = Encoder.fromJSON(context.final.model.encoder);
  const positive = classes.length === 2 ? 1 : counts.indexOf(Math.min(...counts));
  const splits = tested.map(({ result }) => result);
  return {
    version: VERSION,
    seed: settings.seed,
    engine: "wasm",
    options: plain({ ...settings, ...asked }),
    data: {
      name: learnt.name.replace(/^.*[\\/]/, ""), // a report travels; the path stays at home
      rows: info.rows.length,
      columns: encoder.columns.length,
      target: info.column,
      classes: [...classes],
      counts: [...counts],
      positive: classes[positive],
      positives: counts[positive],
    },
    metric: openMetric(settings.metric, classes.length).name,
    splits,
    mean: await averageSplits(tested, settings, classes.length),
    rules: recurring(splits),
    verdict: judge(splits, settings),
    warnings: context.warnings,
    seconds: 0,
  };
}

async function averageSplits(
  tested: Tested[],
  settings: Settings,
  classes: number,
): Promise<RunResult["mean"]> {
  const splits = tested.map(({ result }) => result);
  const over = <T>(read: (split: SplitResult) => number, pack: (m: number, s: number) => T) => {
    const values = splits.map(read);
    return pack(mean(values), values.length > 1 ? sd(values) : 0);
  };
  const perMethod = <T>(read: (method: Method) => T) =>
    Object.fromEntries(METHODS.map((method) => [method, read(method)])) as Record<Method, T>;
  const names = Object.keys(splits[0].metrics.none);
  const columns = splits[0].importances.map(({ column }) => column);
  const importance = (split: SplitResult, column: string) =>
    split.importances.find((one) => one.column === column);
  const epochs = Math.max(...splits.map(({ history }) => history.mean.length));
  const curve = (key: "mean" | "max" | "best") =>
    Array.from({ length: epochs }, (_, e) => {
      // A split that stopped early counts with its last value.
      return mean(splits.map(({ history }) => history[key][Math.min(e, history[key].length - 1)]));
    });
  return {
    test: perMethod((method) =>
      over(
        (split) => split.test[method],
        (m) => m,
      ),
    ),
    sd: perMethod((method) =>
      over(
        (split) => split.test[method],
        (_, s) => s,
      ),
    ),
    metrics: perMethod((method) =>
      Object.fromEntries(
        names.map((name) => [
          name,
          over(
            (split) => split.metrics[method][name],
            (m, s) => ({ mean: m, sd: s }),
          ),
        ]),
      ),
    ),
    importances: columns
      .map((column) => ({
        column,
        impurity: over(
          (split) => importance(split, column)?.impurity ?? 0,
          (m) => m,
        ),
        permutation: over(
          (split) => importance(split, column)?.permutation ?? 0,
          (m) => m,
        ),
        impuritySd: over(
          (split) => importance(split, column)?.impurity ?? 0,
          (_, s) => s,
        ),
        permutationSd: over(
          (split) => importance(split, column)?.permutation ?? 0,
          (_, s) => s,
        ),
      }))
      .sort((a, b) => b.impurity - a.impurity || (a.column < b.column ? -1 : 1)),
    history: { mean: curve("mean"), max: curve("max"), best: curve("best") },
    voted: await scoreTogether(tested, settings, classes),
    seconds: over(
      (split) => split.seconds,
      (m) => m,
    ),
  };
}

/** The metric over all held-out predictions together; a row held out several times (repeats) votes softly. */
async function scoreTogether(
  tested: Tested[],
  settings: Settings,
  classes: number,
): Promise<Record<Method, number>> {
  const cpu = await Cpu.open();
  const rows = new Map<number, { y: number; proba: Record<Method, Float64Array>; votes: number }>();
  for (const { rows: held, y, proba } of tested) {
    held.forEach((row, i) => {
      let entry = rows.get(row);
      if (!entry) {
        const empty = Object.fromEntries(METHODS.map((method) => [method, new Float64Array(classes)]));
        entry = { y: y[i], proba: empty as Record<Method, Float64Array>, votes: 0 };
        rows.set(row, entry);
      }
      entry.votes++;
      for (const method of METHODS) {
        for (let c = 0; c < classes; c++) entry.proba[method][c] += proba[method][i * classes + c];
      }
    });
  }
  const all = [...rows.keys()].sort((a, b) => a - b).map((row) => rows.get(row)!);
  const y = Int32Array.from(all, (entry) => entry.y);
  const joined = Object.fromEntries(
    METHODS.map((method) => [
      method,
      Float64Array.from(all.flatMap((entry) => Array.from(entry.proba[method], (p) => p / entry.votes))),
    ]),
  ) as Record<Method, Float64Array>;
  return measure(joined, y, classes, settings, cpuRanker(cpu)).scores;
}

/**
 * Rules that stand in several splits' trees: same class, same columns and directions; thresholds may differ. One that
 * only begins a longer one, which stands in as many splits, is left out.
 */
function recurring(splits: SplitResult[]): RunResult["rules"] {
  const found = new Map<string, { shape: string[]; rules: Rule[]; splits: Set<number> }>();
  for (const { split, rules } of splits) {
    for (const rule of rules) {
      const shape = rule.conditions.map((text) => text.replace(/(≤|>) .*$/, "$1")).sort();
      const key = JSON.stringify([rule.class, shape]);
      const entry = found.get(key) ?? { shape, rules: [], splits: new Set() };
      entry.rules.push(rule);
      entry.splits.add(split);
      found.set(key, entry);
    }
  }
  const several = [...found.values()].filter(({ splits: seen, shape }) => seen.size > 1 && shape.length > 0);
  const begins = (a: (typeof several)[number], b: (typeof several)[number]) =>
    b.shape.length > a.shape.length &&
    b.rules[0].class === a.rules[0].class &&
    a.shape.every((part) => b.shape.includes(part)) &&
    [...a.splits].every((split) => b.splits.has(split));
  return several
    .filter((entry) => !several.some((other) => begins(entry, other)))
    .map(({ rules, splits: seen }) => ({
      ...rules.reduce((a, b) => (b.support > a.support ? b : a)),
      support: mean(rules.map(({ support }) => support)),
      confidence: mean(rules.map(({ confidence }) => confidence)),
      splits: [...seen].sort((a, b) => a - b),
    }))
    .sort((a, b) => b.splits.length - a.splits.length || b.support - a.support);
}

/** Differences smaller than this are "no difference", whatever their p. */
const NEGLIGIBLE = 0.005;
const SIGNIFICANT = 0.1;

/** The paired comparison over splits, in one plain sentence. */
export function judge(splits: SplitResult[], settings: Settings): Verdict {
  const sign = utilitySign(settings);
  const name = openMetric(settings.metric, 2).name;
  const differences = splits.map(({ test }) => sign * (test.makeit - test.none));
  const { train, test } = splits[0].rows;
  const { p, wins, difference } = compare(differences, { trainShare: train / (train + test) });
  const means = METHODS.map((method) => ({ method, value: mean(splits.map((split) => split.test[method])) }));
  const best = means.reduce((a, b) => (sign * b.value > sign * a.value + 1e-12 ? b : a));
  const ours = means.find(({ method }) => method === "makeit")!;
  const clear =
    Math.abs(difference) >= NEGLIGIBLE && (p < SIGNIFICANT || wins === 0 || wins === splits.length);
  const outcome = !clear ? "same" : difference > 0 ? "helps" : "hurts";
  const none = means[0].value.toFixed(3);
  const change = `${name} ${none} → ${ours.value.toFixed(3)} on held-out rows, better in ${wins} of ${splits.length} splits`;
  const first = {
    helps: `The synthetic data helps: ${change}.`,
    same: `The synthetic data makes no clear difference: ${change}.`,
    hurts: `The synthetic data hurts: ${change}.`,
  }[outcome];
  const rival =
    best.method === "makeit"
      ? "No simple rival does better."
      : `Use ${RIVAL_NAMES[best.method]} instead: it reaches ${best.value.toFixed(3)}.`;
  return {
    outcome,
    difference,
    wins,
    splits: splits.length,
    best: best.method,
    p,
    sentence: `${first} ${rival}`,
  };
}

const RIVAL_NAMES: Record<Method, string> = {
  none: "the data as it is",
  weighted: "class weights",
  threshold: "a tuned decision threshold",
  weightedThreshold: "class weights with a tuned threshold",
  oversample: "random oversampling",
  smote: "SMOTE",
  makeit: "the synthetic data",
};
