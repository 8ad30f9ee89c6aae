import { beforeAll, describe, expect, test } from "vitest";
import { type Learner, openLearner } from "../sdk/classifiers.ts";
import { Cpu } from "../sdk/engine/module.ts";
import type { Matrix } from "../sdk/matrix.ts";
import { openMetric } from "../sdk/metrics.ts";
import { Random } from "../sdk/random.ts";
import { balancedWeights, rowsByClass } from "../sdk/resampling.ts";
import { innerFolds, outOfFold, predictRival, RIVALS, type RivalProblem, rivals } from "../sdk/rivals.ts";
import { bestShift, shiftPriors } from "../sdk/threshold.ts";

let cpu: Cpu;
beforeAll(async () => {
  cpu = await Cpu.open();
});

/** Classes around (0, 0), (1.5, 1.5), (−1.5, 1.5), sum of four uniforms each way, of the given sizes. */
function clouds(sizes: number[], seed: number): { x: Matrix; y: Int32Array } {
  const random = new Random(seed);
  const y = Int32Array.from(sizes.flatMap((size, index) => Array(size).fill(index)));
  const centres = [
    [0, 0],
    [1.5, 1.5],
    [-1.5, 1.5],
  ];
  const noise = () => random.uniform() + random.uniform() + random.uniform() + random.uniform() - 2;
  const rows = Array.from(y, (index) => centres[index].map((value) => value + 1.5 * noise()));
  return { x: { data: Float32Array.from(rows.flat()), rows: y.length, cols: 2 }, y };
}

function problem(
  sizes: number[],
  metric: "f1" | "balanced_accuracy" = "f1",
): RivalProblem & { testY: Int32Array } {
  const { x, y } = clouds(sizes, 5);
  const held = clouds(
    sizes.map((size) => 20 * size),
    6,
  );
  const classes = sizes.length;
  return {
    trainX: x,
    trainY: y,
    testX: held.x,
    testY: held.y,
    classes,
    learner: openLearner("logistic", classes, cpu),
    metric: openMetric(metric, classes),
    seed: 3,
  };
}

describe("rivals", () => {
  test("all five help a rare class on held-out rows, and give probabilities", async () => {
    const { testY, ...given } = problem([190, 12]);
    const found = await rivals(given);
    expect(Object.keys(found)).toEqual([...RIVALS]);
    const recall = (proba: Float64Array) => openMetric("g_mean", 2).compute(testY, proba, 2);
    for (const name of RIVALS) {
      const proba = found[name];
      expect(proba).toHaveLength(2 * testY.length);
      for (let i = 0; i < proba.length; i += 2) {
        expect(proba[i]).toBeGreaterThanOrEqual(0);
        expect(Math.abs(proba[i] + proba[i + 1] - 1)).toBeLessThan(1e-12);
      }
      if (name !== "none") expect(recall(proba)).toBeGreaterThan(recall(found.none));
    }
  });

  test("weighting is fitting with balanced weights; nothing is fitting plainly", async () => {
    const { learner, trainX, trainY, testX, ...rest } = problem([60, 20]);
    const found = await rivals({ learner, trainX, trainY, testX, ...rest });
    await learner.fit(trainX, trainY, balancedWeights(trainY, 2));
    expect(found.weighted).toEqual(await learner.predictProba(testX));
    await learner.fit(trainX, trainY);
    expect(found.none).toEqual(await learner.predictProba(testX));
  });

  test("a threshold keeps the ranking", async () => {
    const { testY, ...given } = problem([190, 12]);
    const auc = openMetric("roc_auc", 2);
    const none = await predictRival("none", given);
    const tuned = await predictRival("threshold", given);
    expect(tuned).not.toEqual(none);
    expect(Math.abs(auc.compute(testY, tuned, 2) - auc.compute(testY, none, 2))).toBeLessThan(1e-12);
  });

  test("the same seed gives the same bytes, another seed another SMOTE", async () => {
    const { testY, ...given } = problem([80, 9]);
    const again = await rivals(given);
    expect(await rivals(given)).toEqual(again);
    expect(await predictRival("smote", { ...given, seed: 4 })).not.toEqual(again.smote);
  });

  test("one positive row: nothing to tune, the rest still answers", async () => {
    const { testY, ...given } = problem([30, 1]);
    const found = await rivals(given);
    expect(found.threshold).toEqual(found.none);
    for (const name of RIVALS) expect(found[name].every(Number.isFinite)).toBe(true);
  });

  test("three classes", async () => {
    const { testY, ...given } = problem([150, 40, 8], "balanced_accuracy");
    const found = await rivals(given);
    const score = (proba: Float64Array) => given.metric.compute(testY, proba, 3);
    for (const name of RIVALS.slice(1)) expect(score(found[name])).toBeGreaterThan(score(found.none));
    expect(score(await predictRival("weightedThreshold", given))).toBeGreaterThan(score(found.none));
  });
});

describe("out of fold", () => {
  test("each row is predicted by a model that has not seen it, of all other folds", async () => {
    const { x, y } = clouds([9, 6], 1);
    const folds = innerFolds(y, 2, 3, new Random(1))!;
    const seen: string[] = [];
    const rowText = (m: Matrix, i: number) => m.data.subarray(2 * i, 2 * i + 2).join();
    const proba = await outOfFold(x, y, 2, folds, (trainX, trainY, testX) => {
      const train = new Set(Array.from(trainY, (_, i) => rowText(trainX, i)));
      expect(trainX.rows + testX.rows).toBe(15);
      return Float64Array.from({ length: 2 * testX.rows }, (_, i) => {
        const text = rowText(testX, i >> 1);
        expect(train.has(text)).toBe(false);
        if (i % 2 === 0) seen.push(text);
        return testX.data[i];
      });
    });
    expect(seen.sort()).toEqual(Array.from(y, (_, i) => rowText(x, i)).sort());
    // Echoed features come back in their own rows.
    expect(Float32Array.from(proba)).toEqual(x.data);
  });

  test("uses no more folds than the rarest class has rows", () => {
    const folds = (rare: number) => innerFolds(clouds([20, rare], 1).y, 2, 5, new Random(1));
    expect(Math.max(...folds(3)!)).toBe(2);
    expect(Math.max(...folds(9)!)).toBe(4);
    expect(folds(1)).toBeUndefined();
  });
});

describe("beyond two classes", () => {
  test("factors multiply odds", () => {
    const shifted = shiftPriors(Float64Array.of(0.5, 0.3, 0.2), Float64Array.of(1, 2, 4));
    [0.5 / 1.9, 0.6 / 1.9, 0.8 / 1.9].forEach((want, i) => {
      expect(Math.abs(shifted[i] - want)).toBeLessThan(1e-15);
    });
  });

  test("perfect probabilities need no shift; prior-bound ones are corrected", () => {
    const y = Int32Array.of(0, 0, 0, 0, 0, 0, 1, 1, 2);
    const metric = openMetric("balanced_accuracy", 3);
    const sharp = Float64Array.from(
      [...y].flatMap((index) => [0, 1, 2].map((c) => (c === index ? 0.98 : 0.01))),
    );
    expect([...bestShift(y, sharp, 3, metric)]).toEqual([1, 1, 1]);
    // The likelihood favours the true class 3 : 1, the prior drowns it.
    const priors = rowsByClass(y, 3).map((rows) => rows.length / y.length);
    const bound = Float64Array.from(
      [...y].flatMap((index) => {
        const joint = priors.map((prior, c) => prior * (c === index ? 3 : 1));
        const sum = joint.reduce((a, b) => a + b);
        return joint.map((p) => p / sum);
      }),
    );
    expect(metric.compute(y, bound, 3)).toBeLessThan(1);
    expect(metric.compute(y, shiftPriors(bound, bestShift(y, bound, 3, metric)), 3)).toBe(1);
  });
});

test("a learner that answers later is waited for", async () => {
  const { testY, ...given } = problem([40, 10]);
  const slow: Learner = {
    fit: async (...args) => given.learner.fit(...args),
    predictProba: async (x) => given.learner.predictProba(x),
  };
  expect(await rivals({ ...given, learner: slow })).toEqual(await rivals(given));
});
