/** What a synthetic table is worth, how it resembles the real one, and whether it repeats it. */
import { type Classifier, type ClassifierName, openLearner } from "./classifiers.ts";
import { Cpu } from "./engine/module.ts";
import { inputError } from "./errors.ts";
import {
  type Closeness,
  type ColumnDistance,
  closeness,
  columnDistances,
  correlationDifference,
  type Labelled,
  proportionWeights,
  withClasses,
} from "./fidelity.ts";
import { rowsByClass, stratifiedFolds } from "./folds.ts";
import { stackRows, takeRows } from "./matrix.ts";
import { type MetricFunction, type MetricName, openMetric, utility } from "./metrics.ts";
import { derive, Random } from "./random.ts";
import { cpuRanker } from "./ranking.ts";
import { concat } from "./resampling.ts";
import { type FitPredict, outOfFold } from "./rivals.ts";
import { repeatedSplits } from "./splits.ts";
import { type Comparison, compare, mean, sd } from "./statistics.ts";
import { Encoder } from "./table/encoder.ts";
import { findColumn, isMissing, type Table, valueText } from "./table/table.ts";
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
}

/** Mean and standard deviation over the folds. */
export interface FoldScore {
  readonly mean: number;
  readonly sd: number;
}

export interface Evaluation {
  readonly rows: { readonly real: number; readonly synthetic: number };
  readonly metric: string;
  /** Rows of each class. */
  readonly classes: readonly { readonly name: string; readonly real: number; readonly synthetic: number }[];
  /**
   * The metric on real rows that the classifier has not seen, when it learns from the other real rows, from the
   * synthetic ones, or from both. `gain` compares both with real alone.
   */
  readonly utility: {
    readonly real: FoldScore;
    readonly synthetic: FoldScore;
    readonly both: FoldScore;
    readonly gain: Comparison;
  };
  /** Real rows weighted to the class proportions of the synthetic ones. */
  readonly fidelity: {
    readonly columns: readonly ColumnDistance[];
    /** Mean over the columns. */
    readonly distance: number;
    /** Mean absolute difference of correlations over pairs of features (classes included). */
    readonly correlation: number;
    /**
     * ROC-AUC, out of fold, of telling synthetic rows from as many real ones of each class, by the better of logistic
     * regression and a tree: .5 cannot be told apart. Null below 10 rows a side.
     */
    readonly detection: number | null;
  };
  readonly memorisation: Closeness & {
    /** Share of synthetic rows that equal a real row in every learnt column and the target. */
    readonly copies: number;
    /** Share of real rows that equal another real row. */
    readonly realCopies: number;
  };
  readonly warnings: readonly string[];
  /** All of it in one sentence. */
  readonly summary: string;
}

/** Sets the draws of an evaluation apart from every other use of a seed ("EVAL"). */
const STREAM = 0x4556414c;
const [SPLITS, DETECTION, CLOSENESS] = [0, 1, 2];

/** Detection looks at so many rows a side at most. */
const DETECTION_ROWS = 5000;
const DETECTION_FOLDS = 5;

/**
 * Judges a synthetic table against the real one.
 *
 * No classifier is tested on rows it was trained on. But if the synthetic rows were made from these very real rows,
 * they have seen what they are tested on: pass real rows that the generator has not seen for an unbiased utility.
 * @throws MakeitError when the columns do not match, or the target cannot be predicted.
 */
export async function evaluate(real: Table, synthetic: Table, options: EvaluateOptions): Promise<Evaluation> {
  const { target, positive, maxCategories, seed = 1 } = options;
  const encoder = Encoder.fit(real, { target, positive, maxCategories });
  checkColumns(real, synthetic, target);
  const realRows = Uint32Array.from(encoder.targetRows(real));
  const syntheticRows = Uint32Array.from(encoder.targetRows(synthetic));
  if (syntheticRows.length === 0) {
    throw inputError(`${synthetic.name} has no row with a value for "${target}".`, "Give at least one row.");
  }
  const a: Labelled = { x: encoder.encode(real, realRows), y: encoder.labels(real, realRows) };
  const b: Labelled = {
    x: encoder.encode(synthetic, syntheticRows),
    y: encoder.labels(synthetic, syntheticRows),
  };
  const classes = encoder.classes.length;
  const cpu = await Cpu.open();

  const counts = [a, b].map(({ y }) => rowsByClass(y, classes).map((rows) => rows.length));
  const weights = proportionWeights(a.y, b.y, classes);
  const columns = columnDistances(encoder.features, a.x, b.x, weights);
  const owners = [...encoder.features.map(({ column }) => column), ...encoder.classes.map(() => target)];
  const names = [...encoder.columns, target];
  const keys = rowKeys(real, realRows, names, encoder);
  const judged = {
    rows: { real: a.y.length, synthetic: b.y.length },
    classes: encoder.classes.map((name, c) => ({ name, real: counts[0][c], synthetic: counts[1][c] })),
    ...(await usefulness(real, realRows, synthetic, syntheticRows, options, cpu)),
    fidelity: {
      columns,
      distance: mean(columns.map(({ distance }) => distance)),
      correlation: correlationDifference(owners, withClasses(a, classes), withClasses(b, classes), weights),
      detection: await detection(a, b, classes, seed, cpu),
    },
    memorisation: {
      copies: shareIn(rowKeys(synthetic, syntheticRows, names, encoder), new Set(keys)),
      realCopies: repeated(keys),
      ...closeness(a, b, classes, new Random(derive(seed, STREAM, CLOSENESS))),
    },
  };
  const absent = judged.classes.filter((one) => one.synthetic === 0).map(({ name }) => name);
  const warnings = absent.map((name) => `${synthetic.name} has no row of class "${name}".`);
  return { ...judged, warnings, summary: summarise(judged, options.classifier) };
}

/** Both tables must have the columns that are learnt, and the synthetic one nothing that the real one has not. */
function checkColumns(real: Table, synthetic: Table, target: string): void {
  const names = new Set(synthetic.columns.map(({ name }) => name));
  const learnt = real.columns.filter((column) => column.name === target || learnable(column));
  const lacking = learnt.filter(({ name }) => !names.has(name)).map(({ name }) => name);
  const known = new Set(real.columns.map(({ name }) => name));
  const extra = [...names].filter((name) => !known.has(name));
  const list = (columns: string[]) => columns.map((name) => `"${name}"`).join(", ");
  const hint = "Both tables need the same columns under the same names.";
  if (lacking.length > 0) {
    throw inputError(`${synthetic.name} lacks ${list(lacking)}, which ${real.name} has.`, hint);
  }
  if (extra.length > 0)
    throw inputError(`${synthetic.name} has ${list(extra)}, which ${real.name} has not.`, hint);
}

/** Train on real, on synthetic, on both; test on the real rows of the fold that was left out. */
async function usefulness(
  real: Table,
  realRows: Uint32Array,
  synthetic: Table,
  syntheticRows: Uint32Array,
  options: EvaluateOptions,
  cpu: Cpu,
): Promise<Pick<Evaluation, "metric" | "utility">> {
  const {
    target,
    positive,
    maxCategories,
    metric = "f1",
    classifier = "logistic",
    folds = 5,
    seed = 1,
  } = options;
  const all = Encoder.fit(real, { target, positive, maxCategories });
  const classes = all.classes.length;
  const measure = openMetric(metric, classes, cpuRanker(cpu));
  const learner = openLearner(classifier, classes, cpu);
  const splits = repeatedSplits(
    all.labels(real, realRows),
    folds,
    1,
    derive(seed, STREAM, SPLITS),
    all.classes,
  );
  const scores = { real: [] as number[], synthetic: [] as number[], both: [] as number[] };
  for (const split of splits) {
    const train = split.train.map((i) => realRows[i]);
    const test = split.test.map((i) => realRows[i]);
    const encoder = Encoder.fit(real, { target, positive, maxCategories, rows: train });
    const a: Labelled = { x: encoder.encode(real, train), y: encoder.labels(real, train) };
    const b: Labelled = {
      x: encoder.encode(synthetic, syntheticRows),
      y: encoder.labels(synthetic, syntheticRows),
    };
    const both: Labelled = { x: stackRows(a.x, b.x), y: concat(a.y, b.y) };
    const testX = encoder.encode(real, test);
    const testY = encoder.labels(real, test);
    for (const [name, { x, y }] of Object.entries({ real: a, synthetic: b, both })) {
      await learner.fit(x, y);
      const proba = await learner.predictProba(testX);
      scores[name as keyof typeof scores].push(measure.compute(testY, proba, classes));
    }
  }
  const spread = (values: number[]): FoldScore => ({ mean: mean(values), sd: sd(values) });
  const gains = scores.both.map((value, i) => utility(measure, value) - utility(measure, scores.real[i]));
  return {
    metric: measure.name,
    utility: {
      real: spread(scores.real),
      synthetic: spread(scores.synthetic),
      both: spread(scores.both),
      gain: compare(gains, { trainShare: (folds - 1) / folds }),
    },
  };
}

/** How well a fresh classifier tells synthetic from real, on as many rows of each class from either side. */
async function detection(
  a: Labelled,
  b: Labelled,
  classes: number,
  seed: number,
  cpu: Cpu,
): Promise<number | null> {
  const random = new Random(derive(seed, STREAM, DETECTION));
  const perClass = rowsByClass(a.y, classes).map((rows, c) => [rows, rowsByClass(b.y, classes)[c]] as const);
  const matched = perClass.reduce((sum, [real, made]) => sum + Math.min(real.length, made.length), 0);
  if (matched < 10) return null;
  const share = Math.min(1, DETECTION_ROWS / matched);
  const taken: [number[], number[]] = [[], []];
  for (const [real, made] of perClass) {
    const count = Math.ceil(share * Math.min(real.length, made.length));
    taken[0].push(...random.shuffle(real).slice(0, count));
    taken[1].push(...random.shuffle(made).slice(0, count));
  }
  const n = taken[0].length;
  const x = stackRows(
    withClasses({ x: takeRows(a.x, taken[0]), y: Int32Array.from(taken[0], (row) => a.y[row]) }, classes),
    withClasses({ x: takeRows(b.x, taken[1]), y: Int32Array.from(taken[1], (row) => b.y[row]) }, classes),
  );
  const y = Int32Array.from({ length: 2 * n }, (_, i) => (i < n ? 0 : 1));
  const folds = stratifiedFolds(y, DETECTION_FOLDS, random);
  const auc = openMetric("roc_auc", 2, cpuRanker(cpu));
  const found: number[] = [];
  for (const name of ["logistic", "tree"] as const) {
    const learner = openLearner(name, 2, cpu);
    const fitPredict: FitPredict = async (trainX, trainY, testX) => {
      await learner.fit(trainX, trainY);
      return learner.predictProba(testX);
    };
    found.push(auc.compute(y, await outOfFold(x, y, 2, folds, fitPredict), 2));
  }
  return Math.max(...found);
}

/** Each row as one text over the given columns, numbers as the real table writes them. */
function rowKeys(table: Table, rows: Uint32Array, names: readonly string[], encoder: Encoder): string[] {
  const labels = encoder.labels(table, rows);
  const columns = names.filter((name) => name !== encoder.target).map((name) => findColumn(table, name));
  return Array.from(rows, (row, i) => {
    const cells = columns.map((column) => {
      if (isMissing(column, row)) return "";
      return column.codes ? column.categories![column.codes[row]] : valueText(column.values![row], {});
    });
    return JSON.stringify([...cells, labels[i]]);
  });
}

function shareIn(keys: readonly string[], known: ReadonlySet<string>): number {
  return keys.filter((key) => known.has(key)).length / keys.length;
}

/** Share of keys that occur more than once. */
function repeated(keys: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return keys.filter((key) => counts.get(key)! > 1).length / keys.length;
}

function summarise(
  found: Omit<Evaluation, "warnings" | "summary">,
  classifier: EvaluateOptions["classifier"],
): string {
  const { metric, utility: use, fidelity, memorisation } = found;
  const learner = typeof classifier === "object" ? "the classifier" : (classifier ?? "logistic");
  const score = ({ mean: value }: FoldScore) => value.toFixed(3);
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
