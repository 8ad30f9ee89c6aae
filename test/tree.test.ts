import { readFileSync } from "node:fs";
import { type CartNode, DecisionTreeClassifier } from "ml-cart";
import { beforeAll, describe, expect, test } from "vitest";
import { openLearner } from "../sdk/classifiers.ts";
import { Cpu, type ExtraExports } from "../sdk/engine/module.ts";
import type { Matrix } from "../sdk/matrix.ts";
import { Random } from "../sdk/random.ts";
import {
  type Criterion,
  fitTree,
  leafPaths,
  predictTree,
  type Tree,
  TreeLearner,
  treeImportances,
  treeLeaves,
} from "../sdk/tree.ts";
import { gaussian, matrixOf } from "./data.ts";

let cpu: Cpu<ExtraExports>;
beforeAll(async () => {
  cpu = await Cpu.openExtra();
});

/** What a node looks like, children nested. */
interface Node {
  feature: number;
  threshold: number;
  impurity: number;
  samples: number;
  value: number[];
  left?: Node;
  right?: Node;
}

function nested(tree: Tree, node = 0): Node {
  const own = {
    feature: tree.feature[node],
    threshold: tree.threshold[node],
    impurity: tree.impurity[node],
    samples: tree.samples[node],
    value: Array.from(tree.value.subarray(node * tree.classes, (node + 1) * tree.classes)),
  };
  if (own.feature < 0) return own;
  return { ...own, left: nested(tree, tree.left[node]), right: nested(tree, tree.right[node]) };
}

interface Problem {
  x: Matrix;
  y: Int32Array;
  classes: number;
  weights: Float64Array;
  criterion: Criterion;
  maxDepth: number;
  minLeaf: number;
}

/** CART by the definition: every cut of every feature, impurities counted anew each time. */
function bruteForce(problem: Problem, rows: number[], depth = 0): Node {
  const { x, y, classes, weights, maxDepth, minLeaf } = problem;
  const impurityOf = (of: number[]) => {
    const counts = countsOf(of);
    const total = counts.reduce((a, b) => a + b, 0);
    const p = counts.filter((c) => c > 0).map((c) => c / total);
    if (problem.criterion === "gini") return 1 - p.reduce((sum, v) => sum + v * v, 0);
    return -p.reduce((sum, v) => sum + v * Math.log2(v), 0);
  };
  const countsOf = (of: number[]) => {
    const counts = new Array<number>(classes).fill(0);
    for (const i of of) counts[y[i]] += weights[i];
    return counts;
  };
  const weightOf = (of: number[]) => of.reduce((sum, i) => sum + weights[i], 0);
  const at = (i: number, j: number) => x.data[i * x.cols + j];
  const value = countsOf(rows);
  const leaf = { feature: -1, threshold: 0, impurity: impurityOf(rows), samples: rows.length, value };
  if (depth >= maxDepth || value.filter((c) => c > 0).length < 2) return leaf;

  let lowest = Number.POSITIVE_INFINITY;
  let best: { feature: number; threshold: number } | undefined;
  for (let feature = 0; feature < x.cols; feature++) {
    const distinct = [...new Set(rows.map((i) => at(i, feature)))].sort((a, b) => a - b);
    for (let c = 1; c < distinct.length; c++) {
      const threshold = (distinct[c - 1] + distinct[c]) / 2;
      const left = rows.filter((i) => at(i, feature) <= threshold);
      const right = rows.filter((i) => at(i, feature) > threshold);
      if (left.length < minLeaf || right.length < minLeaf) continue;
      const cost = weightOf(left) * impurityOf(left) + weightOf(right) * impurityOf(right);
      if (cost >= lowest - 1e-10 * weightOf(rows)) continue; // equal but for rounding: the first one stays
      lowest = cost;
      best = { feature, threshold };
    }
  }
  if (!best) return leaf;
  const { feature, threshold } = best;
  return {
    ...leaf,
    feature,
    threshold,
    left: bruteForce(
      problem,
      rows.filter((i) => at(i, feature) <= threshold),
      depth + 1,
    ),
    right: bruteForce(
      problem,
      rows.filter((i) => at(i, feature) > threshold),
      depth + 1,
    ),
  };
}

/** Impurities are sums in another order; everything else is exact. */
function expectSame(found: Node, expected: Node): void {
  const { impurity, left, right, ...rest } = found;
  const { impurity: expectedImpurity, left: expectedLeft, right: expectedRight, ...expectedRest } = expected;
  expect(rest).toEqual(expectedRest);
  expect(impurity).toBeCloseTo(expectedImpurity, 12);
  expect(left === undefined).toBe(expectedLeft === undefined);
  if (left && expectedLeft) expectSame(left, expectedLeft);
  if (right && expectedRight) expectSame(right, expectedRight);
}

function randomProblem(seed: number): Problem {
  const random = new Random(seed);
  const rows = 1 + random.integer(40);
  const cols = 1 + random.integer(4);
  const classes = 2 + random.integer(3);
  const steps = 2 + random.integer(30); // few steps: many ties
  const weighted = random.uniform() < 0.5;
  return {
    x: matrixOf(rows, cols, () => random.integer(steps) / 4 - 2),
    y: Int32Array.from({ length: rows }, () => random.integer(classes)),
    classes,
    // quarters, so that sums are exact in any order; some 0, but not the first
    weights: Float64Array.from({ length: rows }, (_, i) =>
      weighted ? (i ? 0 : 1) + random.integer(8) / 4 : 1,
    ),
    criterion: random.uniform() < 0.5 ? "gini" : "entropy",
    maxDepth: [0, 1, 3, 5, Number.POSITIVE_INFINITY][random.integer(5)],
    minLeaf: [1, 1, 2, 5][random.integer(4)],
  };
}

describe("brute force", () => {
  test.each(Array.from({ length: 20 }, (_, group) => group))(
    "agrees on ties, weights, leaves and classes (20 problems, group %i)",
    (group) => {
      for (let seed = group * 20; seed < group * 20 + 20; seed++) {
        const problem = randomProblem(seed);
        const rows = Array.from(problem.y, (_, i) => i).filter((i) => problem.weights[i] > 0);
        expectSame(
          nested(fitTree(cpu, problem.x, problem.y, problem.classes, problem)),
          bruteForce(problem, rows),
        );
      }
    },
  );

  test("agrees on 5,000 rows of continuous values, past the short sort", () => {
    const random = new Random(77);
    const x = matrixOf(5000, 2, () => gaussian(random));
    const y = Int32Array.from({ length: 5000 }, (_, i) =>
      x.data[2 * i] > 0.5 || x.data[2 * i + 1] < -1.2 ? 1 : 0,
    );
    const tree = fitTree(cpu, x, y, 2, { maxDepth: 2 });
    // the two axes cut the classes apart exactly, the second among the rows that the first leaves
    expect(Array.from(tree.feature)).toEqual([0, 1, -1, -1, -1]);
    const rows = Array.from({ length: 5000 }, (_, i) => i);
    const around = (values: number[], line: number) =>
      (Math.max(...values.filter((v) => v <= line)) + Math.min(...values.filter((v) => v > line))) / 2;
    const first = rows.map((i) => x.data[2 * i]);
    const second = rows.filter((i) => x.data[2 * i] <= 0.5).map((i) => x.data[2 * i + 1]);
    expect(tree.threshold[0]).toBe(around(first, 0.5));
    expect(tree.threshold[1]).toBe(around(second, -1.2));
    expect(Array.from(tree.impurity.filter((_, node) => tree.feature[node] < 0))).toEqual([0, 0, 0]);
  });
});

test("ml-cart grows the same tree on data without ties", () => {
  const random = new Random(5);
  const x = matrixOf(80, 3, () => random.uniform());
  const y = Int32Array.from({ length: 80 }, (_, i) =>
    x.data[3 * i] + x.data[3 * i + 1] * x.data[3 * i + 2] + 0.2 * gaussian(random) > 0.7 ? 1 : 0,
  );
  const features = Array.from({ length: 80 }, (_, i) => Array.from(x.data.subarray(3 * i, 3 * i + 3)));
  const theirs = new DecisionTreeClassifier({
    gainFunction: "gini",
    maxDepth: 3,
    minNumSamples: 1,
    gainThreshold: 0,
  });
  theirs.train(features, Array.from(y));
  const compare = (node: CartNode, tree: Tree, at: number): void => {
    if (tree.feature[at] < 0) return;
    expect(node.splitColumn).toBe(tree.feature[at]);
    expect(node.splitValue).toBeCloseTo(tree.threshold[at], 14);
    compare(node.left!, tree, tree.left[at]);
    compare(node.right!, tree, tree.right[at]);
  };
  const tree = fitTree(cpu, x, y, 2, { maxDepth: 3 });
  expect(tree.feature.length).toBeGreaterThan(8);
  compare(theirs.root, tree, 0);
  expect(theirs.predict(features)).toEqual(
    Array.from(treeLeaves(tree, x), (leaf) => +(tree.value[2 * leaf + 1] > tree.value[2 * leaf])),
  );
});

interface Golden {
  name: string;
  rows: number;
  cols: number;
  classes: number;
  criterion: Criterion;
  maxDepth: number;
  minLeaf: number;
  x: number[];
  y: number[];
  weights: number[] | null;
  feature: number[];
  threshold: number[];
  left: number[];
  right: number[];
  impurity: number[];
  samples: number[];
  value: number[];
  importances: number[];
  proba: number[];
}
const golden: Golden[] = JSON.parse(readFileSync(new URL("golden/trees.json", import.meta.url), "utf8"));

describe("scikit-learn's DecisionTreeClassifier", () => {
  test.each(golden)("$name", (g) => {
    const x = { data: Float32Array.from(g.x), rows: g.rows, cols: g.cols };
    const tree = fitTree(cpu, x, Int32Array.from(g.y), g.classes, {
      ...g,
      weights: g.weights ? Float64Array.from(g.weights) : undefined,
    });
    expect(Array.from(tree.feature)).toEqual(g.feature);
    expect(Array.from(tree.left)).toEqual(g.left);
    expect(Array.from(tree.right)).toEqual(g.right);
    expect(Array.from(tree.samples)).toEqual(g.samples);
    // written with 12 digits
    closeTo(tree.threshold, g.threshold);
    closeTo(tree.impurity, g.impurity);
    closeTo(tree.value, g.value);
    closeTo(treeImportances(tree, g.cols), g.importances);
    closeTo(predictTree(tree, x).subarray(0, g.proba.length), g.proba);
  });
});

function closeTo(found: ArrayLike<number>, expected: number[]): void {
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(found[i] - expected[i]) / Math.max(1, Math.abs(expected[i]));
    if (!(error < 1e-10)) throw new Error(`index ${i}: ${found[i]}, expected ${expected[i]} within 1e-10`);
  }
}

describe("a tree", () => {
  const random = new Random(9);
  const x = matrixOf(300, 4, () => random.integer(20));
  const y = Int32Array.from({ length: 300 }, (_, i) =>
    x.data[4 * i + 1] > 12 ? 2 : x.data[4 * i] > 9 ? 1 : 0,
  );
  const noisy = y.map((label, i) => (i % 10 === 0 ? (label + 1) % 3 : label));

  test("whose depth has no bound fits distinct rows exactly", () => {
    const distinct = matrixOf(300, 4, (i, j) => x.data[4 * i + j] + (j === 3 ? i / 512 : 0));
    const tree = fitTree(cpu, distinct, noisy, 3, { maxDepth: Number.POSITIVE_INFINITY });
    const proba = predictTree(tree, distinct);
    for (let i = 0; i < 300; i++) expect(proba[3 * i + noisy[i]]).toBe(1);
  });

  test("splits where no single cut gains anything (exclusive or)", () => {
    const xor = matrixOf(4, 2, (i, j) => (i >> j) & 1);
    const tree = fitTree(cpu, xor, Int32Array.of(0, 1, 1, 0), 2, { maxDepth: 2 });
    expect(Array.from(predictTree(tree, xor))).toEqual([1, 0, 0, 1, 0, 1, 1, 0]);
  });

  test("has paths that lead its rows to their leaves", () => {
    const tree = fitTree(cpu, x, noisy, 3, { maxDepth: 4, minLeaf: 3 });
    const leaves = treeLeaves(tree, x);
    const paths = leafPaths(tree);
    expect(paths.length).toBe(tree.feature.filter((f) => f < 0).length);
    for (const { leaf, path } of paths) {
      const inside = Array.from(leaves.keys()).filter((i) =>
        path.every(({ feature, threshold, below }) => x.data[4 * i + feature] <= threshold === below),
      );
      expect(inside).toEqual(Array.from(leaves.keys()).filter((i) => leaves[i] === leaf));
      expect(inside.length).toBe(tree.samples[leaf]);
    }
  });

  test("has importances that sum to 1, none for columns without a split; all 0 for a single leaf", () => {
    const importances = treeImportances(fitTree(cpu, x, y, 3), 4);
    expect(importances.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    expect(Array.from(importances.subarray(2))).toEqual([0, 0]);
    expect(Array.from(treeImportances(fitTree(cpu, x, y, 3, { maxDepth: 0 }), 4))).toEqual([0, 0, 0, 0]);
  });

  test("is the same bytes each time, and leaves the engine's memory as it was", () => {
    const before = cpu.mark();
    const trees = [1, 2].map(() =>
      fitTree(cpu, x, noisy, 3, { weights: Float64Array.from(y, (_, i) => 1 / (i + 1)) }),
    );
    expect(trees[0]).toEqual(trees[1]);
    expect(cpu.mark()).toBe(before);
  });

  test("takes weights as repeated rows", () => {
    const weights = Float64Array.from(y, (_, i) => i % 3);
    const repeated = Array.from(y.keys()).flatMap((i) => Array.from({ length: i % 3 }, () => i));
    const copies = matrixOf(repeated.length, 4, (i, j) => x.data[4 * repeated[i] + j]);
    const a = fitTree(cpu, x, noisy, 3, { weights });
    const b = fitTree(
      cpu,
      copies,
      Int32Array.from(repeated, (i) => noisy[i]),
      3,
    );
    for (const key of ["feature", "threshold", "left", "right", "impurity", "value"] as const)
      expect(a[key]).toEqual(b[key]);
  });

  test("of one class, one row or no column is a leaf", () => {
    expect(Array.from(fitTree(cpu, x, new Int32Array(300), 2).value)).toEqual([300, 0]);
    expect(
      Array.from(
        fitTree(
          cpu,
          matrixOf(1, 2, () => 3),
          Int32Array.of(1),
          2,
        ).value,
      ),
    ).toEqual([0, 1]);
    const none = { data: new Float32Array(0), rows: 3, cols: 0 };
    expect(
      Array.from(predictTree(fitTree(cpu, none, Int32Array.of(0, 1, 1), 2), none).subarray(0, 2)),
    ).toEqual([1 / 3, 2 / 3]);
  });

  test("takes non-finite values as finite ones, in the fit and in predictions", () => {
    const odd = Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY, -0, 1, Number.POSITIVE_INFINITY, 3e38);
    const column = { data: odd, rows: 6, cols: 1 };
    const tree = fitTree(cpu, column, Int32Array.of(0, 1, 0, 2, 3, 2), 4, { maxDepth: 9 });
    expect(tree.threshold.every(Number.isFinite)).toBe(true);
    const proba = predictTree(tree, column);
    for (const [i, label] of [0, 1, 0, 2, 3, 2].entries()) expect(proba[4 * i + label]).toBe(1);
  });
});

describe("the tree learner", () => {
  const x = matrixOf(6, 1, (i) => i);
  test("gives a class that is missing probability 0", () => {
    const learner = new TreeLearner(3, cpu);
    learner.fit(x, Int32Array.of(0, 0, 0, 2, 2, 2));
    expect(Array.from(learner.predictProba(matrixOf(2, 1, (i) => i * 5)))).toEqual([1, 0, 0, 0, 0, 1]);
    expect(learner.tree().threshold[0]).toBe(2.5);
  });

  test("is loaded with the first fit", async () => {
    const learner = openLearner("tree", 2, await Cpu.open(), { maxDepth: 1 });
    await learner.fit(x, Int32Array.of(0, 0, 0, 1, 1, 1));
    expect(Array.from(await learner.predictProba(matrixOf(1, 1, () => 5)))).toEqual([0, 1]);
    await expect(openLearner("tree", 2, await Cpu.open(), { minLeaf: 0 }).predictProba(x)).rejects.toThrow(
      /minLeaf/,
    );
  });

  test("refuses what it cannot use", () => {
    expect(() => new TreeLearner(2, cpu, { maxDepth: 1.5 })).toThrow(/maxDepth is 1.5/);
    expect(() => new TreeLearner(2, cpu, { minLeaf: 0 })).toThrow(/minLeaf is 0/);
    expect(() => new TreeLearner(2, cpu, { criterion: "mse" as Criterion })).toThrow(/criterion is "mse"/);
    const learner = new TreeLearner(2, cpu);
    expect(() => learner.predictProba(x)).toThrow(/before fit/);
    expect(() => learner.fit(x, Int32Array.of(0, 1))).toThrow(/6 rows came with 2 labels/);
    learner.fit(x, Int32Array.of(0, 0, 0, 1, 1, 1));
    expect(() => learner.predictProba(matrixOf(1, 2, () => 0))).toThrow(/fitted on 1 columns; 2 came/);
  });
});
