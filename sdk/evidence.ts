/** What is known of synthetic rows beside real ones: how they resemble them, and whether they repeat them. */
import { type Learner, openLearner } from "./classifiers.ts";
import type { Cpu } from "./engine/module.ts";
import {
  columnDistances,
  correlationDifference,
  type Labelled,
  proportionWeights,
  withClasses,
} from "./fidelity.ts";
import { fewerRows, rowsByClass, stratifiedFolds } from "./folds.ts";
import { stackRows, takeRows } from "./matrix.ts";
import { closeness, repeated, shareIn } from "./memorisation.ts";
import { METRIC_NAMES, type Metric, type MetricName, openMetric } from "./metrics.ts";
import { derive, Random } from "./random.ts";
import { cpuRanker } from "./ranking.ts";
import { concat } from "./resampling.ts";
import type { Fidelity, Memorisation, SplitEvidence } from "./result.ts";
import { type FitPredict, outOfFold } from "./rivals.ts";
import { mean } from "./statistics.ts";
import type { Encoder } from "./table/encoder.ts";
import type { Table } from "./table/table.ts";

/** Sets the draws apart from every other use of a seed ("EVID"). */
const STREAM = 0x45564944;
const [DETECTION, CLOSENESS, COMPARED] = [0, 1, 2];

/** Distributions are compared on so many real rows at most, of each class on so many at least, if it has them. */
const COMPARED_ROWS = [20_000, 1000] as const;
/** Detection looks at so many rows a side at most. */
const DETECTION_ROWS = 5000;
const DETECTION_FOLDS = 5;

/**
 * How synthetic rows resemble real ones, both as the plain `encoder` encodes them.
 * @param told the same rows as they are to be told apart, where networks learnt in components.
 */
export async function fidelity(
  encoder: Encoder,
  real: Labelled,
  synthetic: Labelled,
  { cpu, seed, told = [real, synthetic] }: { cpu: Cpu; seed: number; told?: readonly [Labelled, Labelled] },
): Promise<Fidelity> {
  const classes = encoder.classes.length;
  const weights = proportionWeights(real.y, synthetic.y, classes);
  const columns = columnDistances(encoder.features, real.x, synthetic.x, weights);
  const owners = [
    ...encoder.features.map(({ column }) => column),
    ...encoder.classes.map(() => encoder.target),
  ];
  const [a, b] = [withClasses(real, classes), withClasses(synthetic, classes)];
  return {
    columns,
    distance: mean(columns.map(({ distance }) => distance)),
    correlation: correlationDifference(owners, a, b, weights),
    detection: await detection(...told, classes, new Random(derive(seed, STREAM, DETECTION)), cpu),
    coverage: mean(columns.map(({ coverage }) => coverage)),
  };
}

/** Rows of a table beside their encoding. */
export interface TableRows extends Labelled {
  readonly table: Table;
  readonly rows: ArrayLike<number>;
}

/**
 * Whether synthetic rows repeat those they were learnt from.
 * @param fresh real rows that they were not learnt from.
 */
export function memorisation(
  encoder: Encoder,
  train: TableRows,
  synthetic: TableRows,
  { seed, fresh }: { seed: number; fresh?: Labelled | undefined },
): Memorisation {
  const keys = rowKeys(train, encoder);
  const random = new Random(derive(seed, STREAM, CLOSENESS));
  return {
    copies: shareIn(rowKeys(synthetic, encoder), new Set(keys)),
    realCopies: repeated(keys),
    ...closeness(train, synthetic, encoder.classes.length, random, fresh),
  };
}

/** How well a fresh classifier tells synthetic from real, on as many rows of each class from either side. */
async function detection(
  a: Labelled,
  b: Labelled,
  classes: number,
  random: Random,
  cpu: Cpu,
): Promise<number | null> {
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

/**
 * Each row as one number over the learnt columns and its class, the same for the same row of either table: two hashes of
 * 26 and 27 bits (FNV-1a, Fowler, Noll & Vo). Of a million rows, two that differ agree once in some ten thousand tables.
 */
function rowKeys({ table, rows, y }: TableRows, encoder: Encoder): Float64Array {
  const columns = encoder.cells(table);
  const bits = new Uint32Array(2);
  const value = new Float64Array(bits.buffer);
  return Float64Array.from(rows, (row, i) => {
    let [a, b] = [0x811c9dc5, y[i]];
    const mix = (word: number) => {
      a = Math.imul(a ^ word, 0x01000193);
      a ^= a >>> 15;
      b = Math.imul(b ^ word, 0x85ebca6b);
      b ^= b >>> 13;
    };
    mix(y[i]);
    for (const cellOf of columns) {
      const cell = cellOf(row);
      value[0] = typeof cell === "string" ? textHash(cell) : cell + 0;
      mix(bits[0]);
      mix(bits[1]);
    }
    return (a >>> 6) * 2 ** 27 + (b >>> 5);
  });
}

function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** What values a metric can have; any, of one that is the user's own. */
export function metricRange(name: string): readonly [number, number] {
  if (name === "mcc") return [-1, 1];
  if (name === "log_loss") return [0, Number.POSITIVE_INFINITY];
  if (name === "brier") return [0, 2]; // of more than two classes
  return METRIC_NAMES.includes(name as MetricName)
    ? [0, 1]
    : [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
}

/** What a split's evidence is taken from. */
export interface SplitRows {
  encoder: Encoder;
  table: Table;
  train: ArrayLike<number>;
  test: ArrayLike<number>;
  /** The generated rows as they are written. */
  made: Table;
  /** Fitted anew here. */
  learner: Learner;
  metric: Metric;
  cpu: Cpu;
  seed: number;
}

/** A split's generated rows beside its training rows and the held-out ones, which nothing has learnt from. */
export async function splitEvidence(from: SplitRows): Promise<SplitEvidence> {
  const { encoder, table, made, cpu, seed } = from;
  const rowsOf = (source: Table, rows: ArrayLike<number>): TableRows => {
    return { table: source, rows, x: encoder.encode(source, rows), y: encoder.labels(source, rows) };
  };
  const [train, test] = [rowsOf(table, from.train), rowsOf(table, from.test)];
  const synthetic = rowsOf(
    made,
    Uint32Array.from({ length: made.rows }, (_, row) => row),
  );
  const plain = encoder.plain;
  const inColumns = ({ table: source, rows, x, y }: TableRows): Labelled => {
    return { x: encoder.components ? plain.encode(source, rows) : x, y };
  };
  const compared = sampled(train, encoder.classes.length, new Random(derive(seed, STREAM, COMPARED)));
  const told = [compared, synthetic] as const;
  return {
    utility: await usefulness(train, synthetic, test, from),
    fidelity: await fidelity(plain, inColumns(compared), inColumns(synthetic), { cpu, seed, told }),
    memorisation: memorisation(encoder, train, synthetic, { seed, fresh: test }),
  };
}

/** As many rows as tell their distribution: beyond, the synthetic ones are what is uncertain. */
function sampled(all: TableRows, classes: number, random: Random): TableRows {
  const places = fewerRows(all.y, classes, COMPARED_ROWS, random);
  if (!places) return all;
  return {
    table: all.table,
    rows: places.map((i) => all.rows[i]),
    x: takeRows(all.x, places),
    y: Int32Array.from(places, (i) => all.y[i]),
  };
}

/** Trained on real, on synthetic, on both; tested on the held-out rows. */
async function usefulness(
  real: Labelled,
  synthetic: Labelled,
  test: Labelled,
  { encoder, learner, metric }: SplitRows,
): Promise<SplitEvidence["utility"]> {
  const both: Labelled = { x: stackRows(real.x, synthetic.x), y: concat(real.y, synthetic.y) };
  const score = async ({ x, y }: Labelled) => {
    await learner.fit(x, y);
    return metric.compute(test.y, await learner.predictProba(test.x), encoder.classes.length);
  };
  return { real: await score(real), synthetic: await score(synthetic), both: await score(both) };
}
