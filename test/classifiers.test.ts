import { DecisionTreeClassifier } from "ml-cart";
import { beforeAll, describe, expect, test } from "vitest";
import { type Classifier, openLearner } from "../sdk/classifiers.ts";
import { Cpu } from "../sdk/engine/module.ts";
import { checkRoom } from "../sdk/examples.ts";
import { Random } from "../sdk/random.ts";
import { matrixOf } from "./data.ts";

let cpu: Cpu;
beforeAll(async () => {
  cpu = await Cpu.open();
});

const random = new Random(1);
const x = matrixOf(60, 3, () => random.uniform());
const y = Int32Array.from({ length: 60 }, (_, i) => (x.data[3 * i] > 0.6 ? 1 : 0));

/** ml-cart as a Makeit classifier. */
function cart(maxDepth: number, classes: number): Classifier {
  let tree: DecisionTreeClassifier;
  return {
    fit(X, y) {
      tree = new DecisionTreeClassifier({ gainFunction: "gini", maxDepth, gainThreshold: 0 });
      tree.train(X, y);
    },
    predictProba: (X) =>
      tree.predict(X).map((label) => Array.from({ length: classes }, (_, k) => (k === label ? 1 : 0))),
  };
}

describe("a user's classifier", () => {
  test("ml-cart, wrapped in a dozen lines, learns and predicts", async () => {
    const learner = openLearner(cart(3, 2), 2, cpu);
    await learner.fit(x, y);
    const proba = await learner.predictProba(x);
    expect(Array.from(proba.filter((_, i) => i % 2 === 1))).toEqual(Array.from(y));
  });

  test("gets plain arrays, weights too, and may be asynchronous", async () => {
    const calls: unknown[] = [];
    const learner = openLearner(
      {
        async fit(X, labels, weights) {
          calls.push(X[1], labels, weights);
        },
        predictProba: async (X) => X.map(() => [0.25, 0.75]),
      },
      2,
      cpu,
    );
    const small = matrixOf(2, 2, (i, j) => i * 2 + j);
    await learner.fit(small, Int32Array.of(0, 1), Float64Array.of(1, 0.5));
    expect(calls).toEqual([
      [2, 3],
      [0, 1],
      [1, 0.5],
    ]);
    expect(Array.from(await learner.predictProba(small))).toEqual([0.25, 0.75, 0.25, 0.75]);
  });

  const answering = (proba: unknown) =>
    openLearner({ fit() {}, predictProba: () => proba as number[][] }, 2, cpu);
  const row = matrixOf(1, 1, () => 0);
  test.each([
    [[[0.5, 0.2, 0.3]], /\[0.5,0.2,0.3\] for row 0/],
    [[[Number.NaN, 1]], /\[NaN,1\] for row 0/],
    [[[2, -1]], /\[2,-1\] for row 0/],
    [[], /gave 0 for 1 rows/],
    [[undefined], /for row 0/],
  ])("answering %j is refused", async (proba, message) => {
    await expect(answering(proba).predictProba(row)).rejects.toThrow(message);
  });

  test("answering no array at all is refused", async () => {
    await expect(answering("high").predictProba(row)).rejects.toThrow(/gave string for 1 rows/);
  });
});

test("what is no classifier is refused", () => {
  expect(() => openLearner("bayes" as "tree", 2, cpu)).toThrow(/classifier is "bayes"/);
  expect(() => openLearner({ fit() {} } as unknown as Classifier, 2, cpu)).toThrow(/classifier is object/);
  expect(() => openLearner(null as unknown as Classifier, 2, cpu)).toThrow(/classifier is/);
  expect(() => openLearner("logistic", 0, cpu)).toThrow(/number of classes is 0/);
  expect(() => openLearner("logistic", 2, cpu, { C: -1 })).toThrow(/C is -1/);
  expect(() => openLearner("logistic", 2, cpu).predictProba(row1)).toThrow(/before fit/);
});
const row1 = matrixOf(1, 1, () => 0);

test("what does not fit into 32-bit memory is refused before anything is laid out", async () => {
  const extra = await Cpu.openExtra();
  expect(() => checkRoom({ rows: 1e6, cols: 400 }, 2)).toThrow(/1000000 × 400 values and 2 classes/);
  expect(() => checkRoom({ rows: 10, cols: 1e6 }, 100)).toThrow(/does not fit/);
  for (const rows of [1, 1000, 1e5, 1e6]) {
    for (const cols of [1, 30, 200]) {
      checkRoom({ rows, cols }, 10);
      // the bound covers what the engine asks for
      const bound = (12 * (cols + 8) + 24 * 14) * (rows + 16) + 256 * 10 * (cols + 8) + 2 ** 20;
      const data = 4 * rows * cols + 24 * rows;
      expect((cpu.exports.logistic_bytes(rows, cols, 10) >>> 0) + data).toBeLessThan(bound);
      const nodes = 2 * rows * (8 * 12 + 16);
      expect((extra.exports.tree_bytes(rows, cols, 10, rows) >>> 0) + data + nodes).toBeLessThan(bound);
    }
  }
});
