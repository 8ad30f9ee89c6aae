/** What a synthetic table is worth, how it resembles the real one, and whether it repeats it. */
import { type Calibration, calibration } from "./calibration.ts";
import { type Classifier, type ClassifierName, openLearner } from "./classifiers.ts";
import { Cpu } from "./engine/module.ts";
import { inputError } from "./errors.ts";
import { fidelity, memorisation, metricRange, type TableRows } from "./evidence.ts";
import type { Labelled } from "./fidelity.ts";
import { rowsByClass } from "./folds.ts";
import { stackRows } from "./matrix.ts";
import { PRIVACY_NOTE } from "./memorisation.ts";
import { type MetricFunction, type MetricName, openMetric, utility } from "./metrics.ts";
import { derive } from "./random.ts";
import { cpuRanker } from "./ranking.ts";
import { concat } from "./resampling.ts";
import type { Fidelity, Memorisation } from "./result.ts";
import { repeatedSplits } from "./splits.ts";
import { type Comparison, compare, type Interval, interval } from "./statistics.ts";
import { Encoder } from "./table/encoder.ts";
import type { Table } from "./table/table.ts";
import { learnable } from "./table/target.ts";

export interface EvaluateOptions {
  /** The column to predict. */
  target: string;
  /** The class that counts as positive; of more than two it stands against all others. */
  positive?: string;
  metric?: MetricName | MetricFunction;
  classifier?: ClassifierName | Classifier;
  /** Stratified folds of the real rows. */
  folds?: number;
  seed?: number;
  /** One feature a category up to so many of them. */
  maxCategories?: number;
  /**
   * Real rows that the synthetic ones were not learnt from. The classifiers are tested on them too, and the rows that
   * were learnt from can be told from them or not.
   */
  heldOut?: Table;
}

export interface Evaluation {
  readonly rows: { readonly real: number; readonly synthetic: number };
  readonly metric: string;
  /** Rows of each class. */
  readonly classes: readonly { readonly name: string; readonly real: number; readonly synthetic: number }[];
  /**
   * The metric on real rows that the classifier has not seen, when it learns from the other real rows, from the
   * synthetic ones, or from both; with 95 % intervals over the folds. `gain` compares both with real alone.
   */
  readonly utility: {
    readonly real: Interval;
    readonly synthetic: Interval;
    readonly both: Interval;
    readonly gain: Comparison;
  };
  /** Of the probabilities on those unseen rows: learnt from real rows, and from both. */
  readonly calibration: { readonly before: Calibration; readonly after: Calibration };
  /** Where `heldOut` is given: the metric on it, learnt from all real rows, from the synthetic ones, from both. */
  readonly heldOut?: {
    readonly rows: number;
    readonly real: number;
    readonly synthetic: number;
    readonly both: number;
  };
  readonly fidelity: Fidelity;
  readonly memorisation: Memorisation & { readonly note: string };
  readonly warnings: readonly string[];
  /** All of it in one sentence. */
  readonly summary: string;
}

/** Sets the draws of an evaluation apart from every other use of a seed ("EVAL"). */
const STREAM = 0x4556414c;
const [SPLITS, EVIDENCE] = [0, 1];

/**
 * Judges a synthetic table against the real one.
 *
 * No classifier is tested on rows it was trained on. But if the synthetic rows were made from these very real rows,
 * they have seen what they are tested on: pass real rows that the generator has not seen for an unbiased utility.
 * @throws MakeitError when the columns do not match, or the target cannot be predicted.
 */
export async function evaluate(real: Table, synthetic: Table, options: EvaluateOptions): Promise<Evaluation> {
  const { target, positive, maxCategories, heldOut, seed = 1 } = options;
  const encoder = Encoder.fit(real, { target, positive, maxCategories });
  for (const other of heldOut ? [synthetic, heldOut] : [synthetic]) checkColumns(real, other, target);
  const rowsOf = (table: Table) => encodeRows(encoder, table, encoder.targetRows(table));
  const [a, b, fresh] = [rowsOf(real), rowsOf(synthetic), heldOut && rowsOf(heldOut)];
  const cpu = await Cpu.open();
  const counts = [a, b].map(({ y }) => rowsByClass(y, encoder.classes.length).map((rows) => rows.length));
  const base = derive(seed, STREAM, EVIDENCE);
  const judged = {
    rows: { real: a.y.length, synthetic: b.y.length },
    classes: encoder.classes.map((name, c) => ({ name, real: counts[0][c], synthetic: counts[1][c] })),
    ...(await usefulness(a, b, fresh, options, cpu)),
    fidelity: await fidelity(encoder, a, b, { cpu, seed: base }),
    memorisation: { ...memorisation(encoder, a, b, { seed: base, fresh }), note: PRIVACY_NOTE },
  };
  const absent = judged.classes.filter((one) => one.synthetic === 0).map(({ name }) => name);
  const warnings = absent.map((name) => `${synthetic.name} has no row of class "${name}".`);
  return { ...judged, warnings, summary: summarise(judged, options.classifier) };
}

/** @throws MakeitError for a table without a row that has a target */
function encodeRows(encoder: Encoder, table: Table, rows: ArrayLike<number>): TableRows {
  if (rows.length === 0) {
    throw inputError(
      `${table.name} has no row with a value for "${encoder.target}".`,
      "Give at least one row.",
    );
  }
  return { table, rows, x: encoder.encode(table, rows), y: encoder.labels(table, rows) };
}

/** Both tables must have the columns that are learnt, and the synthetic one nothing that the real one has not. */
function checkColumns(real: Table, synthetic: Table, target: string): void {
  const names = new Set(synthetic.columns.map(({ name }) => name));
  const learnt = real.columns.filter((column) => column.name === target || learnable(column));
  const lacking = learnt.filter(({ name }) => !names.has(name)).map(({ name }) => name);
  const known = new Set(real.columns.map(({ name }) => name));
  const added = synthetic.columns.filter((column) => learnable(column) && !known.has(column.name));
  const extra = added.map(({ name }) => name);
  const list = (columns: string[]) => columns.map((name) => `"${name}"`).join(", ");
  const hint = "Both tables need the same columns under the same names.";
  if (lacking.length > 0) {
    throw inputError(`${synthetic.name} lacks ${list(lacking)}, which ${real.name} has.`, hint);
  }
  if (extra.length > 0)
    throw inputError(`${synthetic.name} has ${list(extra)}, which ${real.name} has not.`, hint);
}

const SOURCES = ["real", "synthetic", "both"] as const;
type Source = (typeof SOURCES)[number];

/** Train on real, on synthetic, on both; test on the real rows of the fold that was left out. */
async function usefulness(
  real: TableRows,
  synthetic: TableRows,
  fresh: TableRows | undefined,
  options: EvaluateOptions,
  cpu: Cpu,
): Promise<Pick<Evaluation, "metric" | "utility" | "calibration" | "heldOut">> {
  const { target, positive, maxCategories } = options;
  const { metric = "f1", classifier = "logistic", folds = 5, seed = 1 } = options;
  const all = Encoder.fit(real.table, { target, positive, maxCategories });
  const classes = all.classes.length;
  const measure = openMetric(metric, classes, cpuRanker(cpu));
  const learner = openLearner(classifier, classes, cpu);
  /** Each source's probabilities on the tested rows, and what they are worth; learnt from the given real rows. */
  const score = async (train: ArrayLike<number>, tested: Table, rows: ArrayLike<number>) => {
    const encoder = Encoder.fit(real.table, { target, positive, maxCategories, rows: train });
    const a = encodeRows(encoder, real.table, train);
    const b = encodeRows(encoder, synthetic.table, synthetic.rows);
    const test = encodeRows(encoder, tested, rows);
    const both: Labelled = { x: stackRows(a.x, b.x), y: concat(a.y, b.y) };
    const proba = {} as Record<Source, Float64Array>;
    const scores = {} as Record<Source, number>;
    for (const [name, { x, y }] of Object.entries({ real: a, synthetic: b, both }) as [Source, Labelled][]) {
      await learner.fit(x, y);
      proba[name] = await learner.predictProba(test.x);
      scores[name] = measure.compute(test.y, proba[name], classes);
    }
    return { y: test.y, proba, scores };
  };
  const splits = repeatedSplits(real.y, folds, 1, derive(seed, STREAM, SPLITS), all.classes);
  const found: Awaited<ReturnType<typeof score>>[] = [];
  for (const { train, test } of splits) {
    found.push(
      await score(
        train.map((i) => real.rows[i]),
        real.table,
        test.map((i) => real.rows[i]),
      ),
    );
  }
  const trainShare = (folds - 1) / folds;
  const range = metricRange(measure.name);
  const over = (name: Source) => found.map(({ scores }) => scores[name]);
  const gains = found.map(({ scores }) => utility(measure, scores.both) - utility(measure, scores.real));
  const y = found.flatMap((fold) => [...fold.y]);
  const reliability = (name: Source) =>
    calibration(y, Float64Array.from(found.flatMap(({ proba }) => [...proba[name]])), classes);
  return {
    metric: measure.name,
    utility: {
      real: interval(over("real"), { trainShare, range }),
      synthetic: interval(over("synthetic"), { trainShare, range }),
      both: interval(over("both"), { trainShare, range }),
      gain: compare(gains, { trainShare }),
    },
    calibration: { before: reliability("real"), after: reliability("both") },
    ...(fresh && {
      heldOut: { rows: fresh.y.length, ...(await score(real.rows, fresh.table, fresh.rows)).scores },
    }),
  };
}

function summarise(
  found: Omit<Evaluation, "warnings" | "summary">,
  classifier: EvaluateOptions["classifier"],
): string {
  const { metric, utility: use, fidelity, memorisation } = found;
  const learner = typeof classifier === "object" ? "the classifier" : (classifier ?? "logistic");
  const score = ({ mean: value }: Interval) => value.toFixed(3);
  const effect =
    use.gain.p >= 0.05 ? "makes no sure difference" : use.gain.difference > 0 ? "helps" : "hurts";
  const apart =
    fidelity.detection === null ? "" : `, told from real ones with ROC-AUC ${fidelity.detection.toFixed(2)}`;
  return (
    `On unseen real rows ${learner} has ${metric} ${score(use.real)} from real rows, ${score(use.synthetic)} from synthetic ` +
    `ones and ${score(use.both)} from both, so adding them ${effect} (p = ${use.gain.p.toFixed(2)}); synthetic columns are ` +
    `${fidelity.distance.toFixed(2)} from the real ones on average${apart}, and ${(100 * memorisation.copies).toFixed(1)} % ` +
    `of the synthetic rows are copies.`
  );
}
