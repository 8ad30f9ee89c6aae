import { beforeAll, describe, expect, test } from "vitest";
import { choose, chooseMethod } from "../sdk/choice.ts";
import { openLearner } from "../sdk/classifiers.ts";
import { Cpu } from "../sdk/engine/module.ts";
import { openMetric } from "../sdk/metrics.ts";
import { Random } from "../sdk/random.ts";
import { METHODS, type Method } from "../sdk/result.ts";
import { estimateRivals } from "../sdk/rivals.ts";
import { gaussian, matrixOf } from "./data.ts";

let cpu: Cpu;
beforeAll(async () => {
  cpu = await Cpu.open();
});

/** Scores of .5 but for those given. */
const scores = (some: Partial<Record<Method, number>>) =>
  ({ ...Object.fromEntries(METHODS.map((method) => [method, 0.5])), ...some }) as Record<Method, number>;

describe("what is recommended", () => {
  test("with labels: the best, but the synthetic data must lead by half a standard error", () => {
    const f1 = openMetric("f1", 2);
    expect(choose(scores({ smote: 0.51 }), 0.1, f1)).toBe("smote");
    expect(choose(scores({ makeit: 0.549 }), 0.1, f1)).toBe("none");
    expect(choose(scores({ makeit: 0.551 }), 0.1, f1)).toBe("makeit");
    expect(choose(scores({ makeit: 0.57, weightedThreshold: 0.53 }), 0.1, f1)).toBe("weightedThreshold");
  });

  test("without a threshold: doing nothing, unless another is better by a standard error", () => {
    for (const metric of [
      openMetric("average_precision", 2),
      openMetric("brier", 2),
      openMetric(() => 1, 2),
    ]) {
      expect(choose(scores({ makeit: 0.59, smote: 0.58 }), 0.1, metric)).toBe("none");
      expect(choose(scores({ makeit: 0.61, smote: 0.62 }), 0.1, metric)).toBe("smote");
      expect(choose(scores({ makeit: 0.63, smote: 0.62 }), 0.1, metric)).toBe("makeit");
    }
  });

  test("of equals the simplest", () => {
    expect(choose(scores({}), 0, openMetric("f1", 2))).toBe("none");
    expect(choose(scores({ none: 0.4 }), 0, openMetric("roc_auc", 2))).toBe("weighted");
  });
});

/** Two clouds that overlap, a third of the rows in the second. */
function problem(rows: number, rare = Math.round(rows / 3)) {
  const random = new Random(4);
  const trainY = Int32Array.from({ length: rows }, (_, i) => Number(i < rare));
  const trainX = matrixOf(rows, 2, (i) => gaussian(random) + trainY[i]);
  const learner = openLearner("logistic", 2, cpu);
  return { trainX, trainY, classes: 2, learner, metric: openMetric("balanced_accuracy", 2), seed: 1 };
}

describe("the standard error of doing nothing", () => {
  test("is the binomial one where the metric is a mean of two shares, half as large with four times the rows", async () => {
    const [few, many] = [await estimateRivals(problem(300)), await estimateRivals(problem(4800))];
    // recalls of some .6 among 100 rows and .85 among 200
    const expected = Math.sqrt((0.6 * 0.4) / 100 + (0.85 * 0.15) / 200) / 2;
    expect(few!.error / expected).toBeGreaterThan(0.7);
    expect(few!.error / expected).toBeLessThan(1.4);
    expect(few!.error / many!.error).toBeGreaterThan(2.6);
    expect(few!.error / many!.error).toBeLessThan(5.6);
  });

  test("is the same in every run, and stands beside the scores", async () => {
    const first = await chooseMethod(problem(300), 0.99, 10_000);
    expect(first).toEqual(await chooseMethod(problem(300), 0.99, 10_000));
    expect(first.method).toBe("makeit");
    expect(first.outOfFoldError).toBeGreaterThan(0.01);
    expect(first.outOfFold.none).toBeGreaterThan(0.6);
  });

  test("where the rarest class has one row nothing is known, and the synthetic data is taken", async () => {
    const choice = await chooseMethod(problem(60, 1), 0.2, 10_000);
    expect(choice).toMatchObject({ method: "makeit", outOfFoldError: 0 });
    expect(choice.outOfFold).toMatchObject({ none: null, smote: null, makeit: 0.2 });
  });
});
