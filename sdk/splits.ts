/** Who trains and who is tested: stratified folds, their repetitions, or a column that names the split. */
import { inputError } from "./errors.ts";
import { foldSplit, type Split, stratifiedFolds } from "./folds.ts";
import { derive, Random } from "./random.ts";

export { foldSplit, type Split, stratifiedFolds };

/** Sets the draws of the splits apart from every other use of a run's seed ("SPLT"). */
const STREAM = 0x53504c54;

/**
 * Repeated stratified k-fold: `repeats` times `folds` splits, each repetition dealt anew.
 * @throws MakeitError when the request is impossible, or a class has a single row and so cannot be both learnt and tested.
 */
export function repeatedSplits(
  y: Int32Array,
  folds: number,
  repeats: number,
  seed: number,
  classes?: readonly string[],
): Split[] {
  if (!Number.isInteger(repeats) || repeats < 1) {
    throw inputError(`Expected a whole number of repeats from 1 on, got ${repeats}.`, "Use 1 repeat.");
  }
  for (const [index, count] of classCounts(y).entries()) {
    if (count === 1) {
      throw inputError(
        `Class "${className(classes, index)}" has a single row: it cannot be both learnt and tested.`,
        "Collect more rows of that class, merge it with another, or drop it.",
      );
    }
  }
  const splits: Split[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const fold = stratifiedFolds(y, folds, new Random(derive(seed, STREAM, repeat)));
    for (let test = 0; test < folds; test++) splits.push(foldSplit(fold, test));
  }
  return splits;
}

/**
 * Splits that a column of the table names. With the words `train` and `test` (in any case) there is one split;
 * otherwise each distinct value is the test part of one split, in numeric or else alphabetic order.
 * @param values the column as text, one per row. @param rows which rows of the table those are, for messages.
 * @throws MakeitError when a value is missing, there is one value only, or nearly every row has its own.
 */
export function columnSplits(
  values: readonly string[],
  rows: ArrayLike<number> = [...values.keys()],
): Split[] {
  const names = [...new Set(values)];
  const missing = values.findIndex((value) => value.trim() === "");
  if (missing >= 0) {
    throw inputError(
      `The split column has no value in row ${rows[missing] + 1}.`,
      "Give every row a split, or drop those rows.",
    );
  }
  const words = names.map((name) => name.trim().toLowerCase());
  const named = words.filter((word) => word === "train" || word === "test").length;
  const kinds = new Set(words).size;
  if (kinds < 2 || (named > 0 && named < names.length)) {
    const found = names.slice(0, 10).map((name) => `"${name}"`);
    throw inputError(
      `The split column holds ${found.join(", ") || "no rows"}; expected train and test and nothing else, or one value per split.`,
      "Name at least two splits.",
    );
  }
  if (named > 0) {
    return [
      foldSplit(
        Int32Array.from(values, (value) => (value.trim().toLowerCase() === "test" ? 1 : 0)),
        1,
      ),
    ];
  }
  if (names.length > values.length / 2) {
    throw inputError(
      `The split column has ${names.length} distinct values in ${values.length} rows, as an identifier has.`,
      "Choose a column that puts several rows in each split.",
    );
  }
  const numeric = names.every((name) => Number.isFinite(Number(name)));
  names.sort(numeric ? (a, b) => Number(a) - Number(b) : (a, b) => (a < b ? -1 : 1));
  const index = new Map(names.map((name, i) => [name, i]));
  const fold = Int32Array.from(values, (value) => index.get(value)!);
  return names.map((_, test) => foldSplit(fold, test));
}

/**
 * Checks that every split can be learnt from.
 * @throws MakeitError when a training part lacks a class.
 */
export function checkSplits(splits: readonly Split[], y: Int32Array, classes: readonly string[]): void {
  splits.forEach(({ train }, i) => {
    const counts = classCounts(Int32Array.from(train, (row) => y[row]));
    const absent = classes.findIndex((_, index) => !counts[index]);
    if (absent >= 0) {
      throw inputError(
        `Split ${i + 1} has no training row of class "${classes[absent]}".`,
        "Spread every class over the splits, or let --splits deal the rows.",
      );
    }
  });
}

/** What the user should know about splits that are possible but thin: classes that some test parts lack. */
export function splitWarnings(splits: readonly Split[], y: Int32Array, classes: readonly string[]): string[] {
  return classes.flatMap((name, index) => {
    const without = splits.filter(({ test }) => test.every((row) => y[row] !== index)).length;
    if (without === 0) return [];
    return [`Class "${name}" is in no test row of ${without} of ${splits.length} splits: use fewer splits.`];
  });
}

function classCounts(y: Int32Array): number[] {
  const counts: number[] = [];
  for (const index of y) counts[index] = (counts[index] ?? 0) + 1;
  return counts;
}

function className(classes: readonly string[] | undefined, index: number): string {
  return classes?.[index] ?? String(index);
}
