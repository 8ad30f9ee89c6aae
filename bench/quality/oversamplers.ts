/** The rivals of the benchmark that look where a class borders on the others before they interpolate. */

import type { Matrix } from "../../sdk/matrix.ts";
import { stackRows, takeRows } from "../../sdk/matrix.ts";
import { Neighbours } from "../../sdk/neighbours.ts";
import type { Random } from "../../sdk/random.ts";
import { concat, interpolate, type Resampled, shortfalls } from "../../sdk/resampling.ts";

/** Neighbours that say whether a row is in danger, as imbalanced-learn's `m_neighbors`. */
const DANGER_NEIGHBOURS = 10;
const NEIGHBOURS = 5;

/**
 * Borderline-SMOTE 1 (Han, Wang and Mao 2005): SMOTE from those rows of a class of whose ten nearest rows at least
 * half, but not all, are of other classes. A class without such a row stays as it is.
 */
export function borderlineSmote(x: Matrix, y: Int32Array, classes: number, random: Random): Resampled {
  const near = new Neighbours(x, []);
  return grow(x, y, classes, ({ rows, lacking }) => {
    const starts = inDanger(near, y, rows);
    if (starts.length === 0) return takeRows(x, []);
    return interpolate(takeRows(x, rows), lacking, () => starts[random.integer(starts.length)], random);
  });
}

/** Positions in `rows` (of one class) of the rows in danger. */
export function inDanger(near: Neighbours, y: Int32Array, rows: readonly number[]): number[] {
  const others = rows.map((row) => foreign(near, y, row, DANGER_NEIGHBOURS));
  return [...rows.keys()].filter((i) => others[i] >= 0.5 && others[i] < 1);
}

/**
 * ADASYN (He, Bai, Garcia and Li 2008): SMOTE with as many new rows from each row as its five nearest rows have of
 * other classes. A class that borders on no other gets as many from each.
 */
export function adasyn(x: Matrix, y: Int32Array, classes: number, random: Random): Resampled {
  const near = new Neighbours(x, []);
  return grow(x, y, classes, ({ rows, lacking }) => {
    const starts = shares(near, y, rows, lacking);
    return interpolate(takeRows(x, rows), starts.length, (i) => starts[i], random);
  });
}

/** Positions in `rows`, each as often as it is to be a start. */
export function shares(near: Neighbours, y: Int32Array, rows: readonly number[], lacking: number): number[] {
  const others = rows.map((row) => foreign(near, y, row, NEIGHBOURS));
  const total = others.reduce((sum, share) => sum + share, 0);
  return [...rows.keys()].flatMap((i) => {
    const share = total > 0 ? others[i] / total : 1 / rows.length;
    return Array<number>(Math.round(share * lacking)).fill(i);
  });
}

/** Share of other classes among a row's k nearest rows. */
function foreign(near: Neighbours, y: Int32Array, row: number, k: number): number {
  const rows = near.nearest(row, k);
  return rows.reduce((sum, other) => sum + (y[other] !== y[row] ? 1 : 0), 0) / rows.length;
}

/** The given rows, then the new ones of each class that lacks some. */
function grow(
  x: Matrix,
  y: Int32Array,
  classes: number,
  make: (shortfall: { rows: number[]; lacking: number }) => Matrix,
): Resampled {
  let grown: Resampled = { x, y };
  for (const shortfall of shortfalls(y, classes)) {
    const made = make(shortfall);
    const labels = new Int32Array(made.rows).fill(y[shortfall.rows[0]]);
    grown = { x: stackRows(grown.x, made), y: concat(grown.y, labels) };
  }
  return grown;
}
