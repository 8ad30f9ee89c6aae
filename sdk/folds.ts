/** Rows by class, and dealt into folds that have the same share of each. */
import { inputError } from "./errors.ts";
import type { Random } from "./random.ts";

/** The rows of each class. */
export function rowsByClass(y: Int32Array, classes: number): number[][] {
  const rows: number[][] = Array.from({ length: classes }, () => []);
  for (let i = 0; i < y.length; i++) rows[y[i]].push(i);
  return rows;
}

/**
 * Draws `limit` rows without replacement, or about so many: each class its share, yet at least `least` of its rows, or
 * all that it has. What it takes does not grow with the rows there are (Floyd's algorithm, Bentley & Floyd 1987).
 */
export function stratifiedSample(
  byClass: readonly (readonly number[])[],
  limit: number,
  least: number,
  random: Random,
): number[] {
  const total = byClass.reduce((sum, { length }) => sum + length, 0);
  return byClass.flatMap((rows) => {
    const share = Math.max(Math.round((limit * rows.length) / total), least);
    const drawn = new Set<number>();
    for (let last = Math.max(0, rows.length - share); last < rows.length; last++) {
      const place = random.integer(last + 1);
      drawn.add(drawn.has(place) ? last : place);
    }
    return Array.from(drawn, (place) => rows[place]);
  });
}

/** About `limit` of the rows as `stratifiedSample` draws them, ascending; nothing where there are no more than that. */
export function fewerRows(
  y: Int32Array,
  classes: number,
  [limit, least]: readonly [limit: number, least: number],
  random: Random,
): Uint32Array | undefined {
  if (y.length <= limit) return undefined;
  return Uint32Array.from(stratifiedSample(rowsByClass(y, classes), limit, least, random)).sort();
}

/** Row indices, ascending. No row is in both. */
export interface Split {
  readonly train: Uint32Array;
  readonly test: Uint32Array;
}

/**
 * Deals the rows into stratified folds: the counts of a class differ by at most one between folds, and so do the
 * sizes of the folds. A class with fewer rows than folds is absent from some of them (see `splitWarnings`).
 * @param y class index per row.
 * @returns the fold of each row, 0 … folds − 1.
 * @throws MakeitError when there are fewer than 2 folds, or more folds than rows.
 */
export function stratifiedFolds(y: Int32Array, folds: number, random: Random): Int32Array {
  if (!Number.isInteger(folds) || folds < 2) {
    throw inputError(`Expected a whole number of splits from 2 on, got ${folds}.`, "Use 5 or 10 splits.");
  }
  if (folds > y.length) {
    throw inputError(
      `${folds} splits were asked for, but there are only ${y.length} rows.`,
      `Ask for at most ${y.length} splits.`,
    );
  }
  const shuffled = Uint32Array.from({ length: y.length }, (_, row) => row);
  random.shuffle(shuffled);
  // Sorting is stable: class by class, shuffled within. Dealing that in turn balances classes and sizes at once.
  shuffled.sort((a, b) => y[a] - y[b]);
  const fold = new Int32Array(y.length);
  for (let i = 0; i < shuffled.length; i++) fold[shuffled[i]] = i % folds;
  return fold;
}

/** The split that tests on `test`'s fold and trains on the others. */
export function foldSplit(fold: Int32Array, test: number): Split {
  const rows = (wanted: boolean) =>
    Uint32Array.from({ length: fold.length }, (_, row) => row).filter(
      (row) => (fold[row] === test) === wanted,
    );
  return { train: rows(false), test: rows(true) };
}
