import { beforeAll, describe, expect, test } from "vitest";
import { openLearner } from "../sdk/classifiers.ts";
import { Cpu, type ExtraExports } from "../sdk/engine/module.ts";
import { ForestLearner } from "../sdk/forest.ts";
import { openMetric } from "../sdk/metrics.ts";
import { Random } from "../sdk/random.ts";
import { fitTree, fitTrees, predictTree, TreeLearner } from "../sdk/tree.ts";
import { gaussian } from "./data.ts";

let cpu: Cpu<ExtraExports>;
beforeAll(async () => {
  cpu = await Cpu.openExtra();
});

/** Five columns of noise; the label is whether the first two have the same sign, with a tenth of the labels wrong. */
function problem(rows: number, seed: number) {
  const random = new Random(seed);
  const x = { data: Float32Array.from({ length: rows * 5 }, () => gaussian(random)), rows, cols: 5 };
  const y = Int32Array.from({ length: rows }, (_, i) => {
    const same = x.data[5 * i] * x.data[5 * i + 1] > 0;
    return Number(random.uniform() < 0.1 ? !same : same);
  });
  return { x, y };
}

describe("a forest", () => {
  test("ranks held-out rows better than one of its trees", () => {
    const [train, held] = [problem(400, 1), problem(2000, 2)];
    const auc = openMetric("roc_auc", 2);
    const score = (learner: ForestLearner | TreeLearner) => {
      learner.fit(train.x, train.y);
      return auc.compute(held.y, learner.predictProba(held.x), 2);
    };
    const tree = score(new TreeLearner(2, cpu, { maxDepth: 6 }));
    expect(score(new ForestLearner(2, cpu, { maxDepth: 6, trees: 50 }))).toBeGreaterThan(tree + 0.02);
  });

  test("is the mean of its trees, and the same in every fit", () => {
    const { x, y } = problem(60, 3);
    const forest = new ForestLearner(2, cpu, { trees: 7 });
    forest.fit(x, y);
    const first = forest.predictProba(x);
    forest.fit(x, y);
    expect(forest.predictProba(x)).toEqual(first);
    for (let i = 0; i < 60; i++) expect(first[2 * i] + first[2 * i + 1]).toBeCloseTo(1, 12);
    const single = new ForestLearner(2, cpu, { trees: 1 });
    single.fit(x, y);
    expect(single.predictProba(x)).not.toEqual(first);
  });

  test("trees that share what was sorted are those that sort by themselves", () => {
    const { x, y } = problem(300, 6);
    const draws = [1, 2, 3].map((seed) => {
      const random = new Random(seed);
      return { seed, weights: Float64Array.from(y, () => random.integer(3)) };
    });
    for (const cols of [5, 0]) {
      const narrow = { data: x.data.subarray(0, 300 * cols), rows: 300, cols };
      const together = fitTrees(cpu, narrow, y, 2, 3, (tree) => draws[tree], { tries: 2, maxDepth: 5 });
      const apart = draws.map((draw) => fitTree(cpu, narrow, y, 2, { ...draw, tries: 2, maxDepth: 5 }));
      expect(together).toEqual(apart);
    }
  });

  test("a row of weight 0 has no say, a row of weight 2 as much as two in its place", () => {
    const { x, y } = problem(80, 4);
    const forest = new ForestLearner(2, cpu, { trees: 5 });
    const weights = Float64Array.from(y, (_, i) => (i < 40 ? 1 : 0));
    forest.fit(x, y, weights);
    const without = forest.predictProba(x);
    forest.fit(
      x,
      y.map((label, i) => (i < 40 ? label : 1 - label)),
      weights,
    );
    expect(forest.predictProba(x)).toEqual(without);
    forest.fit(
      x,
      y,
      weights.map((weight) => 2 * weight),
    );
    expect(forest.predictProba(x)).toEqual(without);
  });

  test("opens by name, for any number of classes", async () => {
    const { x } = problem(90, 5);
    const y = Int32Array.from({ length: 90 }, (_, i) => i % 3);
    const learner = openLearner("forest", 3, await Cpu.open(), { trees: 3 });
    await learner.fit(x, y);
    expect((await learner.predictProba(x)).length).toBe(270);
    expect(() => new ForestLearner(2, cpu, { trees: 0 })).toThrow("A forest of 0 trees.");
    expect(() => new ForestLearner(2, cpu).predictProba(x)).toThrow("before fit");
  });
});

describe("a tree that looks at some columns", () => {
  test("goes on until one of them splits", () => {
    // Four constant columns: whatever is dealt first, the fifth is found.
    const data = Float32Array.from({ length: 50 }, (_, i) => (i % 5 === 4 ? i : 0));
    const x = { data, rows: 10, cols: 5 };
    const y = Int32Array.from({ length: 10 }, (_, i) => Number(i > 4));
    for (let seed = 0; seed < 20; seed++) {
      const tree = fitTree(cpu, x, y, 2, { tries: 1, seed });
      expect(tree.feature[0]).toBe(4);
      expect(Array.from(predictTree(tree, x).filter((_, i) => i % 2 === 1))).toEqual(Array.from(y));
    }
  });

  test("draws others with another seed, and all of them alike often", () => {
    const { x, y } = problem(100, 6);
    const counts = new Array<number>(5).fill(0);
    for (let seed = 0; seed < 500; seed++) {
      counts[fitTree(cpu, x, y, 2, { tries: 1, seed, maxDepth: 1 }).feature[0]]++;
    }
    for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(45); // five standard deviations
  });
});
