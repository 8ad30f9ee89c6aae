/** Random oversampling, SMOTE and SMOTE-NC: every class is brought to the size of the largest. */
import type { Cpu } from "./engine/module.ts";
import { rowsByClass } from "./folds.ts";
import { type Matrix, matrix, stackRows, takeRows } from "./matrix.ts";
import { Neighbours } from "./neighbours.ts";
import type { Random } from "./random.ts";

export { rowsByClass };

export interface Resampled {
  readonly x: Matrix;
  readonly y: Int32Array;
}

export interface SmoteOptions {
  /** Neighbours to interpolate with; a class of n ≤ k rows uses n − 1. */
  k?: number;
  /** Features that are copied together, never interpolated: see `categoricalGroups`. */
  groups?: readonly (readonly number[])[];
  /** Finds neighbours among thousands of rows sooner; the same ones. */
  cpu?: Cpu | undefined;
}

/**
 * The groups of an encoder's features: the one-hot block of a categorical column, and each boolean and each missing-cell
 * indicator by itself.
 */
export function categoricalGroups(
  features: readonly { readonly column: string; readonly kind: string }[],
): number[][] {
  const groups = new Map<string, number[]>();
  features.forEach(({ column, kind }, j) => {
    if (kind !== "onehot" && kind !== "boolean" && kind !== "missing") return;
    const key = JSON.stringify([kind, column]);
    groups.set(key, [...(groups.get(key) ?? []), j]);
  });
  return [...groups.values()];
}

/** scikit-learn's "balanced" weights, one per row: n / (classes present · rows of its class). */
export function balancedWeights(y: Int32Array, classes: number): Float64Array {
  const counts = rowsByClass(y, classes).map((rows) => rows.length);
  const present = counts.filter((count) => count > 0).length;
  return Float64Array.from(y, (index) => y.length / (present * counts[index]));
}

/** Random oversampling: rows of the smaller classes are repeated, drawn with replacement. They follow the given rows. */
export function oversample(x: Matrix, y: Int32Array, classes: number, random: Random): Resampled {
  const extra: number[] = [];
  for (const { rows, lacking } of shortfalls(y, classes)) {
    for (let i = 0; i < lacking; i++) extra.push(rows[random.integer(rows.length)]);
  }
  return {
    x: stackRows(x, takeRows(x, extra)),
    y: concat(
      y,
      Int32Array.from(extra, (row) => y[row]),
    ),
  };
}

/**
 * SMOTE (Chawla et al., JAIR 16, 2002): new = row + u · (neighbour − row), u uniform in [0, 1), for a row of the class
 * and one of its k nearest of that class. With `groups` it is SMOTE-NC (section 6.1 there): a group that differs adds
 * the square of the median standard deviation of the class's continuous features to the squared distance, and the new row takes the
 * commonest value of the group among the k neighbours (the nearest of them in a tie). A class of one row is repeated.
 * New rows follow the given ones. Neighbours are found for the rows drawn only.
 */
export function smote(
  x: Matrix,
  y: Int32Array,
  classes: number,
  random: Random,
  options: SmoteOptions = {},
): Resampled {
  const { k = 5, groups = [], cpu } = options;
  const parts: Matrix[] = [];
  const labels: number[] = [];
  for (const { rows, lacking } of shortfalls(y, classes)) {
    const own = takeRows(x, rows);
    parts.push(interpolate(own, lacking, () => random.integer(own.rows), random, { k, groups, cpu }));
    for (let i = 0; i < lacking; i++) labels.push(y[rows[0]]);
  }
  return { x: parts.reduce(stackRows, x), y: concat(y, Int32Array.from(labels)) };
}

/** The classes below the largest, with the rows they lack. An absent class stays absent. */
export function shortfalls(y: Int32Array, classes: number): { rows: number[]; lacking: number }[] {
  const byClass = rowsByClass(y, classes);
  const largest = Math.max(...byClass.map((rows) => rows.length));
  return byClass
    .filter((rows) => rows.length > 0)
    .map((rows) => ({ rows, lacking: largest - rows.length }))
    .filter(({ lacking }) => lacking > 0);
}

/** `count` new rows of the class whose rows are `x`, the i-th on the way from row `start(i)` to a neighbour. */
export function interpolate(
  x: Matrix,
  count: number,
  start: (i: number) => number,
  random: Random,
  { k = 5, groups = [], cpu }: SmoteOptions = {},
): Matrix {
  const out = matrix(count, x.cols);
  const distances = new Neighbours(x, groups, cpu);
  const found = new Map<number, Uint32Array>();
  for (let i = 0; i < count; i++) {
    const row = start(i);
    const u = random.uniform();
    if (!found.has(row)) found.set(row, distances.nearest(row, k));
    const near = found.get(row)!;
    const other = near.length > 0 ? near[random.integer(near.length)] : row;
    const at = i * x.cols;
    for (let j = 0; j < x.cols; j++) {
      const from = x.data[row * x.cols + j];
      out.data[at + j] = from + u * (x.data[other * x.cols + j] - from);
    }
    groups.forEach((group, g) => {
      const source = near.length > 0 ? distances.commonest(near, g) : row;
      for (const j of group) out.data[at + j] = x.data[source * x.cols + j];
    });
  }
  return out;
}

/** `b` after `a`. */
export function concat(a: Int32Array, b: Int32Array): Int32Array {
  const out = new Int32Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
