/** Random oversampling, SMOTE and SMOTE-NC: every class is brought to the size of the largest. */
import { rowsByClass } from "./folds.ts";
import { type Matrix, matrix, stackRows, takeRows } from "./matrix.ts";
import type { Random } from "./random.ts";
import { quantile } from "./statistics.ts";

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
 * New rows follow the given ones. Neighbours are found by brute force, for the rows drawn only.
 */
export function smote(
  x: Matrix,
  y: Int32Array,
  classes: number,
  random: Random,
  options: SmoteOptions = {},
): Resampled {
  const { k = 5, groups = [] } = options;
  const parts: Matrix[] = [];
  const labels: number[] = [];
  for (const { rows, lacking } of shortfalls(y, classes)) {
    const own = takeRows(x, rows);
    parts.push(interpolate(own, lacking, () => random.integer(own.rows), random, { k, groups }));
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
  { k = 5, groups = [] }: SmoteOptions = {},
): Matrix {
  const out = matrix(count, x.cols);
  const distances = new Neighbours(x, groups);
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

/** Features between two looks at whether a row is too far already. */
const STRIDE = 8;

/** Nearest rows among given ones (a class's), categorical groups counted as same or different. */
export class Neighbours {
  readonly #rows: number;
  /** The continuous features alone, row by row. */
  readonly #values: Float32Array;
  readonly #width: number;
  /** Per group: a code per row, equal where the rows agree on the whole group. */
  readonly #codes: Int32Array[];
  readonly #penalty: number;

  constructor(x: Matrix, groups: readonly (readonly number[])[]) {
    const grouped = new Set(groups.flat());
    const continuous = Array.from({ length: x.cols }, (_, j) => j).filter((j) => !grouped.has(j));
    this.#rows = x.rows;
    this.#width = continuous.length;
    this.#values = new Float32Array(x.rows * continuous.length);
    continuous.forEach((j, place) => {
      for (let i = 0; i < x.rows; i++) this.#values[i * this.#width + place] = x.data[i * x.cols + j];
    });
    this.#codes = groups.map((group) => groupCodes(x, group));
    const sds = continuous.map((j) => populationSd(x, j));
    const median = quantile(sds, 0.5);
    // Without continuous features, or with most of them constant, one group that differs counts as one unit.
    this.#penalty = median > 0 ? median * median : 1;
  }

  /** The squared distance of two rows; where it is `bound` at least, something from `bound` on. */
  distance(a: number, b: number, bound = Number.POSITIVE_INFINITY): number {
    const values = this.#values;
    let sum = 0;
    let p = a * this.#width;
    let q = b * this.#width;
    const end = p + this.#width;
    // It only grows: most rows are too far by a few features.
    while (p < end && sum < bound) {
      for (const stop = Math.min(end, p + STRIDE); p < stop; p++, q++) {
        const apart = values[p] - values[q];
        sum += apart * apart;
      }
    }
    for (const codes of this.#codes) if (codes[a] !== codes[b]) sum += this.#penalty;
    return sum;
  }

  /** The `k` rows nearest to `row` (all others when there are fewer), nearest first, ties by index. */
  nearest(row: number, k: number): Uint32Array {
    const rows: number[] = [];
    const distances: number[] = [];
    for (let other = 0; other < this.#rows; other++) {
      if (other === row) continue;
      const bound = rows.length === k ? distances[k - 1] : Number.POSITIVE_INFINITY;
      const distance = this.distance(row, other, bound);
      if (distance >= bound) continue;
      let at = rows.length;
      while (at > 0 && distances[at - 1] > distance) at--;
      rows.splice(at, 0, other);
      distances.splice(at, 0, distance);
      if (rows.length > k) {
        rows.pop();
        distances.pop();
      }
    }
    return Uint32Array.from(rows);
  }

  /** Of `rows`, the first that has the group's commonest value among them. */
  commonest(rows: Uint32Array, group: number): number {
    const codes = this.#codes[group];
    let best = rows[0];
    let most = 0;
    for (const row of rows) {
      const count = rows.reduce((sum, other) => sum + (codes[other] === codes[row] ? 1 : 0), 0);
      if (count > most) {
        most = count;
        best = row;
      }
    }
    return best;
  }
}

function groupCodes(x: Matrix, group: readonly number[]): Int32Array {
  const seen = new Map<string, number>();
  return Int32Array.from({ length: x.rows }, (_, row) => {
    const value = group.map((j) => x.data[row * x.cols + j]).join();
    if (!seen.has(value)) seen.set(value, seen.size);
    return seen.get(value)!;
  });
}

function populationSd(x: Matrix, j: number): number {
  let sum = 0;
  for (let row = 0; row < x.rows; row++) sum += x.data[row * x.cols + j];
  const centre = sum / x.rows;
  let squares = 0;
  for (let row = 0; row < x.rows; row++) squares += (x.data[row * x.cols + j] - centre) ** 2;
  return Math.sqrt(squares / x.rows);
}

/** `b` after `a`. */
export function concat(a: Int32Array, b: Int32Array): Int32Array {
  const out = new Int32Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
