/** How synthetic rows resemble real ones; on encoded rows. */
import { rowsByClass } from "./folds.ts";
import { type Matrix, matrix } from "./matrix.ts";
import type { ColumnDistance } from "./result.ts";
import { ksDistance, mean } from "./statistics.ts";
import type { Feature } from "./table/encoder.ts";

/** Encoded rows with their class indices. */
export interface Labelled {
  readonly x: Matrix;
  readonly y: Int32Array;
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
    // A column of one value and gaps has nothing but its flag.
    const choices = numbers.length > 0 ? onehot : [...onehot, ...flags];
    const spans = numbers.map((j) => rangeCoverage(valuesOf(real, j), valuesOf(synthetic, j)));
    const covered = choices.length > 0 ? [...spans, categoryCoverage(real, synthetic, choices)] : spans;
    return { column, distance: Math.max(...distances), coverage: mean(covered) };
  });
}

/** Share of the real range between the least and the greatest synthetic value; 1 of a constant. */
export function rangeCoverage(real: ArrayLike<number>, synthetic: ArrayLike<number>): number {
  const [low, high] = extent(real);
  const [least, greatest] = extent(synthetic);
  if (low === high) return 1;
  return Math.max(0, Math.min(high, greatest) - Math.max(low, least)) / (high - low);
}

/** Of the 0/1 features that some real row has, the share that some synthetic row has too. */
function categoryCoverage(real: Matrix, synthetic: Matrix, features: readonly number[]): number {
  const there = features.filter((j) => average(real, j) > 0);
  return there.length > 0 ? mean(there.map((j) => (average(synthetic, j) > 0 ? 1 : 0))) : 1;
}

function extent(values: ArrayLike<number>): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return [low, high];
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

/** Correlations are compared between so many features at most, spread evenly: pairs grow with their square. */
const MOST_FEATURES = 256;

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
  const step = Math.max(1, real.cols / MOST_FEATURES);
  const chosen = Array.from({ length: Math.floor(real.cols / step) }, (_, i) => Math.floor(i * step));
  const a = standardised(real, chosen, weights);
  const b = standardised(synthetic, chosen);
  let sum = 0;
  let pairs = 0;
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < i; j++) {
      if (owners[chosen[i]] === owners[chosen[j]]) continue;
      sum += Math.abs(dot(a[i], a[j]) - dot(b[i], b[j]));
      pairs++;
    }
  }
  return pairs > 0 ? sum / pairs : 0;
}

/** The features as centred columns of length 1 (or all zero), √weight in each: their dot product is the correlation. */
function standardised(x: Matrix, features: readonly number[], weights?: Float64Array): Float64Array[] {
  return features.map((j) => {
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
