/** How synthetic rows resemble real ones, and whether they repeat them; on encoded rows. */

import { rowsByClass } from "./folds.ts";
import { type Matrix, matrix } from "./matrix.ts";
import type { Random } from "./random.ts";
import { ksDistance, quantile } from "./statistics.ts";
import type { Feature } from "./table/encoder.ts";

/** Encoded rows with their class indices. */
export interface Labelled {
  readonly x: Matrix;
  readonly y: Int32Array;
}

export interface ColumnDistance {
  readonly column: string;
  /** 0 (alike) to 1: Kolmogorov–Smirnov for numbers, total variation for categories; missing cells count too. */
  readonly distance: number;
}

/**
 * Weights that bring the real rows to the class proportions of the synthetic ones, so that classes balanced on purpose
 * do not count as a difference. They sum to the number of real rows.
 */
export function proportionWeights(real: Int32Array, synthetic: Int32Array, classes: number): Float64Array {
  const have = rowsByClass(real, classes).map((rows) => rows.length / real.length);
  const want = rowsByClass(synthetic, classes).map((rows) => rows.length / synthetic.length);
  return Float64Array.from(real, (index) => want[index] / have[index]);
}

/** Per column, how differently the two are distributed; the real rows weighted. */
export function columnDistances(
  features: readonly Feature[],
  real: Matrix,
  synthetic: Matrix,
  weights: Float64Array,
): ColumnDistance[] {
  const columns = [...new Set(features.map(({ column }) => column))];
  return columns.map((column) => {
    const own = [...features.keys()].filter((j) => features[j].column === column);
    const onehot = own.filter((j) => features[j].kind === "onehot");
    const flags = own.filter((j) => features[j].kind === "missing");
    const numbers = own.filter((j) => !onehot.includes(j) && !flags.includes(j));
    const shift = (j: number) => average(synthetic, j) - average(real, j, weights);
    const distances = [
      ...numbers.map((j) => ksDistance(valuesOf(real, j), valuesOf(synthetic, j), weights)),
      ...flags.map((j) => Math.abs(shift(j))),
      ...(onehot.length > 0 ? [totalVariation([...onehot, ...flags].map(shift))] : []),
    ];
    return { column, distance: Math.max(...distances) };
  });
}

/** ½ Σ |p − q| over the categories; what the listed ones leave of 1 (categories never seen) is one more. */
function totalVariation(shifts: readonly number[]): number {
  const rest = shifts.reduce((sum, shift) => sum + shift, 0);
  return (shifts.reduce((sum, shift) => sum + Math.abs(shift), 0) + Math.abs(rest)) / 2;
}

function valuesOf(x: Matrix, j: number): Float64Array {
  return Float64Array.from({ length: x.rows }, (_, row) => x.data[row * x.cols + j]);
}

function average(x: Matrix, j: number, weights?: Float64Array): number {
  let sum = 0;
  for (let row = 0; row < x.rows; row++) sum += x.data[row * x.cols + j] * (weights?.[row] ?? 1);
  return sum / x.rows;
}

/** The encoded rows with one more 0/1 feature a class. */
export function withClasses({ x, y }: Labelled, classes: number): Matrix {
  const out = matrix(x.rows, x.cols + classes);
  for (let row = 0; row < x.rows; row++) {
    out.data.set(x.data.subarray(row * x.cols, (row + 1) * x.cols), row * out.cols);
    out.data[row * out.cols + x.cols + y[row]] = 1;
  }
  return out;
}

/**
 * Mean |correlation in the real rows − in the synthetic ones| over pairs of features of different columns.
 * A constant feature correlates with nothing.
 * @param owners the column each feature belongs to.
 */
export function correlationDifference(
  owners: readonly string[],
  real: Matrix,
  synthetic: Matrix,
  weights: Float64Array,
): number {
  const a = standardised(real, weights);
  const b = standardised(synthetic);
  let sum = 0;
  let pairs = 0;
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < i; j++) {
      if (owners[i] === owners[j]) continue;
      sum += Math.abs(dot(a[i], a[j]) - dot(b[i], b[j]));
      pairs++;
    }
  }
  return pairs > 0 ? sum / pairs : 0;
}

/** The features as centred columns of length 1 (or all zero), √weight in each: their dot product is the correlation. */
function standardised(x: Matrix, weights?: Float64Array): Float64Array[] {
  return Array.from({ length: x.cols }, (_, j) => {
    const centre = average(x, j, weights);
    const z = valuesOf(x, j).map((value, row) => (value - centre) * Math.sqrt(weights?.[row] ?? 1));
    const length = Math.sqrt(dot(z, z));
    return length > 1e-6 ? z.map((value) => value / length) : z.fill(0);
  });
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

export interface Closeness {
  /** Median distance of a synthetic row to the closest real row of its class, in encoded units. */
  readonly distance: number;
  /** The same for a real row held out from the others: what a fresh real row would show. */
  readonly baseline: number;
  /** Share of synthetic rows that are closer to a real row than half of the held-out real rows are: .5 for fresh rows. */
  readonly closer: number;
}

/** Rows of a class that are looked up, and looked through, at most; drawn at random beyond. */
const [QUERIES, REFERENCES] = [1000, 5000];

/** Distances to the closest real record, class by class, averaged in the synthetic rows' class proportions. */
export function closeness(real: Labelled, synthetic: Labelled, classes: number, random: Random): Closeness {
  const realRows = rowsByClass(real.y, classes);
  const syntheticRows = rowsByClass(synthetic.y, classes);
  const sums = { distance: 0, baseline: 0, closer: 0 };
  let counted = 0;
  syntheticRows.forEach((own, index) => {
    if (own.length === 0 || realRows[index].length < 2) return;
    const references = random.shuffle(realRows[index]).slice(0, REFERENCES);
    const queries = random.shuffle(own.slice()).slice(0, QUERIES);
    const held = references.slice(0, QUERIES).map((row) => closest(real.x, row, real.x, references, row));
    const found = queries.map((row) => closest(synthetic.x, row, real.x, references));
    const middle = quantile(held, 0.5);
    const closer =
      found.reduce((sum, d) => sum + (d < middle ? 1 : d === middle ? 0.5 : 0), 0) / found.length;
    sums.distance += own.length * quantile(found, 0.5);
    sums.baseline += own.length * middle;
    sums.closer += own.length * closer;
    counted += own.length;
  });
  const { distance, baseline, closer } = sums;
  return { distance: distance / counted, baseline: baseline / counted, closer: closer / counted };
}

/** The distance of a row to the closest of `among`, itself left out. */
function closest(x: Matrix, row: number, y: Matrix, among: readonly number[], itself = -1): number {
  let least = Number.POSITIVE_INFINITY;
  for (const other of among) {
    if (other === itself) continue;
    let sum = 0;
    for (let j = 0; j < x.cols && sum < least; j++) {
      sum += (x.data[row * x.cols + j] - y.data[other * x.cols + j]) ** 2;
    }
    if (sum < least) least = sum;
  }
  return Math.sqrt(least);
}
