/**
 * Whether synthetic rows repeat the real rows they were learnt from; on encoded rows. Classes are looked at one by one
 * and averaged in the synthetic rows' proportions.
 */
import type { Labelled } from "./fidelity.ts";
import { rowsByClass } from "./folds.ts";
import type { Matrix } from "./matrix.ts";
import { openMetric } from "./metrics.ts";
import type { Random } from "./random.ts";
import type { Closeness } from "./result.ts";
import { quantile } from "./statistics.ts";

/** What stands beside every figure of this file. */
export const PRIVACY_NOTE =
  "These are checks for copied rows, not a proof of privacy: a passed check does not make the rows safe to publish.";

/** Rows of a class that are looked up, and looked through, at most; drawn at random beyond. */
const [QUERIES, REFERENCES] = [1000, 5000];
const NEAR = 0.05;

/**
 * @param train the rows that the synthetic ones were learnt from.
 * @param fresh real rows that they were not learnt from; without any, each training row stands for one beside the others.
 */
export function closeness(
  train: Labelled,
  synthetic: Labelled,
  classes: number,
  random: Random,
  fresh?: Labelled,
): Closeness {
  const pick = (rows: number[], most: number) => random.shuffle(rows.slice()).slice(0, most);
  const trainRows = rowsByClass(train.y, classes);
  const freshRows = fresh && rowsByClass(fresh.y, classes);
  const sums = { distance: 0, baseline: 0, closer: 0, near: 0, membership: 0 };
  let [counted, told] = [0, 0];
  rowsByClass(synthetic.y, classes).forEach((own, index) => {
    const others = freshRows?.[index] ?? [];
    if (own.length === 0 || trainRows[index].length < (others.length > 0 ? 1 : 2)) return;
    const references = pick(trainRows[index], REFERENCES);
    const members = references.slice(0, QUERIES);
    const outsiders = pick(others, QUERIES);
    const usual =
      outsiders.length > 0
        ? outsiders.map((row) => closest(fresh!.x, row, train.x, references))
        : members.map((row) => closest(train.x, row, train.x, references, row));
    const found = pick(own, QUERIES).map((row) => closest(synthetic.x, row, train.x, references));
    sums.distance += own.length * quantile(found, 0.5);
    sums.baseline += own.length * quantile(usual, 0.5);
    sums.closer += own.length * shareBelow(found, usual, 0.5);
    sums.near += own.length * shareBelow(found, usual, NEAR);
    counted += own.length;
    if (outsiders.length === 0) return;
    const targets = pick(own, REFERENCES);
    const near = (x: Matrix) => (row: number) => closest(x, row, synthetic.x, targets);
    const distances = [members.map(near(train.x)), outsiders.map(near(fresh!.x))];
    sums.membership += own.length * smallerFirst(distances[0], distances[1]);
    told += own.length;
  });
  return {
    distance: sums.distance / counted,
    baseline: sums.baseline / counted,
    closer: sums.closer / counted,
    near: sums.near / counted,
    membership: told > 0 ? sums.membership / told : null,
  };
}

/**
 * Share of `values` below the q-quantile of `usual`. What equals it counts in part, so that `usual` itself has the share
 * q however many of its values are the same.
 */
export function shareBelow(values: readonly number[], usual: readonly number[], q: number): number {
  const sorted = Float64Array.from(usual).sort();
  const at = sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
  const share = (list: ArrayLike<number>, test: (value: number) => boolean) =>
    Array.from(list).filter(test).length / list.length;
  const below = share(sorted, (value) => value < at);
  const part = (q - below) / share(sorted, (value) => value === at);
  return share(values, (value) => value < at) + part * share(values, (value) => value === at);
}

/** P(a value of `a` < one of `b`) + ½ P(equal). */
function smallerFirst(a: readonly number[], b: readonly number[]): number {
  const y = Int32Array.from([...a.map(() => 1), ...b.map(() => 0)]);
  const proba = Float64Array.from([...a, ...b].flatMap((distance) => [distance, -distance]));
  return openMetric("roc_auc", 2).compute(y, proba, 2);
}

/** The distance of a row to the closest of `among`, itself left out. */
function closest(x: Matrix, row: number, y: Matrix, among: readonly number[], itself = -1): number {
  let least = Number.POSITIVE_INFINITY;
  for (const other of among) {
    if (other === itself) continue;
    let sum = 0;
    for (let j = 0; j < x.cols && sum < least; j++) {
      sum += (x.data[row * x.cols + j] - y.data[other * y.cols + j]) ** 2;
    }
    if (sum < least) least = sum;
  }
  return Math.sqrt(least);
}

/** Share of keys that are among the known ones. */
export function shareIn(keys: Float64Array, known: ReadonlySet<number>): number {
  return keys.filter((key) => known.has(key)).length / keys.length;
}

/** Share of keys that occur more than once. */
export function repeated(keys: Float64Array): number {
  const sorted = keys.slice().sort();
  return sorted.filter((key, i) => key === sorted[i - 1] || key === sorted[i + 1]).length / keys.length;
}
