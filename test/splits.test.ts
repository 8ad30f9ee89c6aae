import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stratifiedSample } from "../sdk/folds.ts";
import { Random } from "../sdk/random.ts";
import {
  checkSplits,
  columnSplits,
  foldSplit,
  repeatedSplits,
  type Split,
  splitWarnings,
  stratifiedFolds,
} from "../sdk/splits.ts";

const labels = (...counts: number[]) =>
  Int32Array.from(counts.flatMap((count, index) => Array(count).fill(index)));
const spread = (counts: number[]) => Math.max(...counts) - Math.min(...counts);

function partition({ train, test }: Split, rows: number) {
  expect([...train, ...test].sort((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, i) => i));
}

describe("stratifiedFolds", () => {
  test("balances every class and the sizes to one row", () => {
    const y = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 10, maxLength: 80 });
    fc.assert(
      fc.property(
        y,
        fc.integer({ min: 2, max: 10 }),
        fc.integer({ min: 0, max: 999 }),
        (list, folds, seed) => {
          const fold = stratifiedFolds(Int32Array.from(list), folds, new Random(seed));
          const counts = (keep: (row: number) => boolean) =>
            Array.from(
              { length: folds },
              (_, f) => list.filter((_, row) => fold[row] === f && keep(row)).length,
            );
          expect(spread(counts(() => true))).toBeLessThanOrEqual(1);
          for (const index of new Set(list)) {
            expect(spread(counts((row) => list[row] === index))).toBeLessThanOrEqual(1);
          }
        },
      ),
    );
  });

  test("follows the seed and nothing else", () => {
    const y = labels(60, 12);
    const deal = (seed: number) => [...stratifiedFolds(y, 5, new Random(seed))];
    expect(deal(3)).toEqual(deal(3));
    expect(deal(3)).not.toEqual(deal(4));
    expect(deal(3).slice(0, 5)).not.toEqual([0, 1, 2, 3, 4]);
  });

  test("leaves folds without a class that is too rare", () => {
    const y = labels(20, 2);
    const fold = stratifiedFolds(y, 5, new Random(1));
    expect(new Set([fold[20], fold[21]]).size).toBe(2);
    const splits = [0, 1, 2, 3, 4].map((f) => foldSplit(fold, f));
    expect(splitWarnings(splits, y, ["no", "yes"])).toEqual([
      'Class "yes" is in no test row of 3 of 5 splits: use fewer splits.',
    ]);
    expect(() => checkSplits(splits, y, ["no", "yes"])).not.toThrow();
  });

  test("refuses what cannot be dealt", () => {
    expect(() => stratifiedFolds(labels(3, 3), 1, new Random(1))).toThrow("from 2 on, got 1");
    expect(() => stratifiedFolds(labels(3, 3), 2.5, new Random(1))).toThrow("got 2.5");
    expect(() => stratifiedFolds(labels(3, 3), 7, new Random(1))).toThrow("only 6 rows");
  });
});

describe("repeatedSplits", () => {
  test("tests every row once a repetition, and deals each anew", () => {
    const y = labels(31, 9);
    const splits = repeatedSplits(y, 4, 3, 5);
    expect(splits).toHaveLength(12);
    for (const split of splits) partition(split, 40);
    for (let repeat = 0; repeat < 3; repeat++) {
      const tested = splits.slice(4 * repeat, 4 * repeat + 4).flatMap(({ test }) => [...test]);
      expect(tested.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    }
    expect([...splits[0].test]).not.toEqual([...splits[4].test]);
    expect(splitWarnings(splits, y, ["a", "b"])).toEqual([]);
  });

  test("refuses a class of one row by its name, and no repeats", () => {
    expect(() => repeatedSplits(labels(20, 1), 5, 1, 0, ["none", "snow"])).toThrow(
      'Class "snow" has a single row',
    );
    expect(() => repeatedSplits(labels(20, 5), 5, 0, 0)).toThrow("repeats from 1 on, got 0");
  });
});

describe("columnSplits", () => {
  test("each value is one test part, in numeric order", () => {
    const splits = columnSplits(["10", "2", "10", "1", "2", "1"]);
    expect(splits.map(({ test }) => [...test])).toEqual([
      [3, 5],
      [1, 4],
      [0, 2],
    ]);
    for (const split of splits) partition(split, 6);
  });

  test("words go by the alphabet", () => {
    const splits = columnSplits(["north", "east", "north", "east"]);
    expect(splits.map(({ test }) => [...test])).toEqual([
      [1, 3],
      [0, 2],
    ]);
  });

  test("train and test are one split", () => {
    const splits = columnSplits(["train", "Test", "train", "TEST"]);
    expect(splits.map(({ train, test }) => [[...train], [...test]])).toEqual([
      [
        [0, 2],
        [1, 3],
      ],
    ]);
  });

  test("refuses columns that split nothing", () => {
    expect(() => columnSplits(["a", "", "b"])).toThrow("no value in row 2");
    expect(() => columnSplits(["a", "", "b"], [0, 7, 8])).toThrow("no value in row 8");
    expect(() => columnSplits(["a", "a"])).toThrow('"a"; expected');
    expect(() => columnSplits(["train", "train"])).toThrow('"train"; expected');
    expect(() => columnSplits(["train", "test", "valid", "valid"])).toThrow(
      "train and test and nothing else",
    );
    expect(() => columnSplits(["train", "fold1", "train", "fold1"])).toThrow(
      "train and test and nothing else",
    );
    expect(() => columnSplits(["a", "b", "c"])).toThrow("as an identifier has");
  });

  test("a training part must hold every class", () => {
    const splits = columnSplits(["a", "a", "b", "b"]);
    expect(() => checkSplits(splits, Int32Array.of(0, 1, 0, 0), ["no", "yes"])).toThrow(
      'Split 1 has no training row of class "yes"',
    );
  });
});

describe("stratifiedSample", () => {
  const byClass = [
    Array.from({ length: 900 }, (_, i) => i),
    Array.from({ length: 90 }, (_, i) => 900 + i),
    [990, 991, 992],
  ];
  test("takes each class's share, at least as many as asked for, no row twice", () => {
    for (const limit of [10, 100, 331, 992]) {
      const rows = stratifiedSample(byClass, limit, 2, new Random(limit));
      expect(new Set(rows).size).toBe(rows.length);
      const counts = byClass.map((list) => rows.filter((row) => list.includes(row)).length);
      const shares = byClass.map(({ length }) => Math.max(2, Math.round((limit * length) / 993)));
      expect(counts).toEqual(shares);
    }
    expect(stratifiedSample(byClass, 10, 5, new Random(1)).filter((row) => row >= 990)).toHaveLength(3);
  });
  test("every row has the same chance", () => {
    const random = new Random(3);
    const hits = new Float64Array(20);
    const rows = [Array.from({ length: 20 }, (_, i) => i)];
    for (let draw = 0; draw < 4000; draw++)
      for (const row of stratifiedSample(rows, 5, 1, random)) hits[row]++;
    // 4000 draws of 5 from 20: 1000 each, standard deviation 27.
    for (const count of hits) expect(Math.abs(count - 1000)).toBeLessThan(5 * 27);
  });
});
