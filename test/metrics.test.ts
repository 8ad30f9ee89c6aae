import { readFileSync } from "node:fs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { Cpu } from "../sdk/engine/module.ts";
import {
  argmaxLabels,
  confusion,
  METRIC_NAMES,
  type MetricName,
  openMetric,
  utility,
} from "../sdk/metrics.ts";
import { Random } from "../sdk/random.ts";
import { cpuRanker } from "../sdk/ranking.ts";
import {
  applyThreshold,
  bestShift,
  bestThreshold,
  oneMore,
  shiftPriors,
  tunedFactors,
} from "../sdk/threshold.ts";

interface Golden {
  name: string;
  classes: number;
  y: number[];
  proba: number[];
  values: Record<MetricName, number>;
}
const golden: Golden[] = JSON.parse(readFileSync(new URL("golden/metrics.json", import.meta.url), "utf8"));

fc.configureGlobal({ seed: 1 });

let cpu: Cpu;
beforeAll(async () => {
  cpu = await Cpu.open();
});

const compute = (name: MetricName, y: number[], proba: ArrayLike<number>, classes = 2) =>
  openMetric(name, classes).compute(Int32Array.from(y), Float64Array.from(proba), classes);
/** Rows (1 − p, p). */
const pairs = (scores: ArrayLike<number>) => Float64Array.from(Array.from(scores).flatMap((p) => [1 - p, p]));

describe("scikit-learn's values", () => {
  for (const { name, classes, y, proba, values } of golden) {
    test.each(METRIC_NAMES)(`${name}: %s`, (metric) => {
      // both are f64 sums in some order
      expect(compute(metric, y, proba, classes)).toBeCloseTo(values[metric], 12);
    });
  }
});

describe("closed forms", () => {
  // 2 true positives, 1 false negative, 1 false positive, 6 true negatives
  const y = [1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
  const p = pairs([0.9, 0.8, 0.1, 0.7, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2]);

  test.each([
    ["f1", 4 / 6],
    ["f1_macro", (4 / 6 + 12 / 14) / 2],
    ["balanced_accuracy", (2 / 3 + 6 / 7) / 2],
    ["g_mean", Math.sqrt((2 / 3) * (6 / 7))],
    ["mcc", (2 * 6 - 1 * 1) / Math.sqrt(3 * 3 * 7 * 7)],
    ["roc_auc", 14 / 21],
    ["average_precision", (1 + 1 + 3 / 10) / 3],
    ["brier", (0.01 + 0.04 + 0.81 + 0.49 + 6 * 0.04) / 10],
    ["log_loss", -(Math.log(0.9) + Math.log(0.8) + Math.log(0.1) + Math.log(0.3) + 6 * Math.log(0.8)) / 10],
  ] as const)("%s", (name, value) => {
    expect(compute(name, y, p)).toBeCloseTo(value, 13);
  });

  test("labels tie to the higher class", () => {
    expect(Array.from(argmaxLabels(Float64Array.of(0.5, 0.5, 0.4, 0.2, 0.4, 0.5).subarray(0, 2), 2))).toEqual(
      [1],
    );
    expect(Array.from(argmaxLabels(Float64Array.of(0.4, 0.2, 0.4), 3))).toEqual([2]);
  });

  test("confusion counts true class by predicted class", () => {
    expect(Array.from(confusion([0, 1, 2, 2, 1], [0, 2, 2, 1, 1], 3))).toEqual([1, 0, 0, 0, 1, 1, 0, 1, 1]);
  });

  test("utility turns losses over", () => {
    expect(utility(openMetric("brier", 2), 0.2)).toBe(0.8);
    expect(utility(openMetric("f1", 2), 0.2)).toBe(0.2);
  });
});

describe("undefined cases are finite", () => {
  const negatives = [0, 0, 0];
  test.each([
    ["f1", negatives, [0.1, 0.2, 0.3], 0],
    ["roc_auc", negatives, [0.1, 0.2, 0.3], 0.5],
    ["roc_auc", [1, 1], [0.1, 0.2], 0.5],
    ["average_precision", negatives, [0.1, 0.2, 0.3], 0],
    ["average_precision", [1, 1], [0.1, 0.2], 1],
    ["mcc", negatives, [0.1, 0.2, 0.3], 0],
    ["mcc", [0, 1], [0.1, 0.2], 0],
    ["balanced_accuracy", negatives, [0.1, 0.2, 0.9], 2 / 3],
    ["g_mean", negatives, [0.1, 0.2, 0.9], 2 / 3],
    ["f1_macro", negatives, [0.1, 0.2, 0.3], 1],
    ["log_loss", [0, 1], [1, 0], -Math.log(Number.EPSILON)],
  ] as const)("%s of %j at %j", (name, y, scores, value) => {
    expect(compute(name, [...y], pairs(scores))).toBeCloseTo(value, 13);
  });

  test("classes that the labels lack are left out of the means", () => {
    const proba = [0.7, 0.2, 0.1, 0.1, 0.8, 0.1, 0.5, 0.3, 0.2, 0.3, 0.6, 0.1];
    const y = [0, 1, 0, 1];
    for (const name of METRIC_NAMES) expect(Number.isFinite(compute(name, y, proba, 3))).toBe(true);
    expect(compute("roc_auc", y, proba, 3)).toBe(1);
    expect(compute("average_precision", y, proba, 3)).toBe(1);
    expect(compute("g_mean", y, proba, 3)).toBe(1);
  });
});

const scored = fc
  .array(fc.tuple(fc.nat(1), fc.nat(12)), { minLength: 2, maxLength: 60 })
  .filter((rows) => new Set(rows.map(([y]) => y)).size === 2)
  .map((rows) => ({ y: rows.map(([y]) => y), scores: rows.map(([, s]) => s / 12) }));

describe("properties", () => {
  test("roc_auc is the share of pairs in order, ties half", () => {
    fc.assert(
      fc.property(scored, ({ y, scores }) => {
        let won = 0;
        let total = 0;
        for (let i = 0; i < y.length; i++) {
          for (let j = 0; j < y.length; j++) {
            if (y[i] !== 1 || y[j] !== 0) continue;
            total++;
            won += scores[i] > scores[j] ? 1 : scores[i] === scores[j] ? 0.5 : 0;
          }
        }
        expect(compute("roc_auc", y, pairs(scores))).toBeCloseTo(won / total, 14);
      }),
    );
  });

  test("ranking metrics do not change under monotone maps; roc_auc turns over with the scores", () => {
    fc.assert(
      fc.property(scored, ({ y, scores }) => {
        const mapped = scores.map((s) => (s * s * s) / 2);
        for (const name of ["roc_auc", "average_precision"] as const) {
          expect(compute(name, y, pairs(mapped))).toBe(compute(name, y, pairs(scores)));
        }
        const flipped = scores.map((s) => 1 - s);
        expect(compute("roc_auc", y, pairs(flipped))).toBeCloseTo(
          1 - compute("roc_auc", y, pairs(scores)),
          14,
        );
      }),
    );
  });

  test("the order of rows does not matter; values stay within bounds; truth scores 1", () => {
    const bounds: Record<MetricName, [number, number]> = {
      f1: [0, 1],
      f1_macro: [0, 1],
      roc_auc: [0, 1],
      average_precision: [0, 1],
      balanced_accuracy: [0, 1],
      mcc: [-1, 1],
      g_mean: [0, 1],
      brier: [0, 1],
      log_loss: [0, 52 * Math.LN2],
    };
    fc.assert(
      fc.property(scored, fc.constantFrom(...METRIC_NAMES), ({ y, scores }, name) => {
        const value = compute(name, y, pairs(scores));
        expect(value).toBeGreaterThanOrEqual(bounds[name][0]);
        expect(value).toBeLessThanOrEqual(bounds[name][1] + 1e-12);
        expect(compute(name, y.toReversed(), pairs(scores.toReversed()))).toBeCloseTo(value, 12);
        const metric = openMetric(name, 2);
        expect(utility(metric, compute(name, y, pairs(y)))).toBeCloseTo(1, 12);
      }),
    );
  });

  test("the engine's ranker gives the plain ranker's numbers, bit by bit", () => {
    const random = new Random(3);
    for (const rows of [2, 5, 100, 5000, 20000]) {
      for (const steps of [3, 1e3, 1e12]) {
        const y = Int32Array.from({ length: rows }, (_, i) =>
          i === 0 || (i > 1 && random.uniform() < 0.1) ? 1 : 0,
        );
        const proba = pairs(
          Array.from(y, (label) => Math.round((random.uniform() + label / 4) * steps - steps / 8) / steps),
        );
        for (const name of ["roc_auc", "average_precision"] as const) {
          const plain = openMetric(name, 2).compute(y, proba, 2);
          expect(openMetric(name, 2, cpuRanker(cpu)).compute(y, proba, 2)).toBe(plain);
        }
      }
    }
  });
});

describe("a user's function", () => {
  test("does not pass for a built-in metric whose name it has", () => {
    const named = { brier: () => 0.5, mine: () => 0.5 };
    expect(openMetric(named.brier, 2).name).toBe("own brier");
    expect(openMetric(named.mine, 2).name).toBe("mine");
  });

  test("sees P(positive) in two classes, all probabilities beyond", () => {
    const seen: number[][] = [];
    const metric = (_: Int32Array, scores: Float64Array) => seen.push(Array.from(scores));
    openMetric(metric, 2).compute(Int32Array.of(0, 1), Float64Array.of(0.7, 0.3, 0.2, 0.8), 2);
    openMetric(metric, 3).compute(Int32Array.of(0), Float64Array.of(0.5, 0.3, 0.2), 3);
    expect(seen).toEqual([
      [0.3, 0.8],
      [0.5, 0.3, 0.2],
    ]);
  });

  test("that gives no finite number is refused by name", () => {
    const lift = () => Number.NaN;
    const run = () => openMetric(lift, 2).compute(Int32Array.of(0), Float64Array.of(1, 0), 2);
    expect(run).toThrow(/"lift" gave NaN for 1 rows/);
  });
});

test("unknown metrics and wrong sizes are refused", () => {
  expect(() => openMetric("accuracy" as MetricName, 2)).toThrow(/no metric "accuracy"/);
  expect(() => openMetric("toString" as MetricName, 2)).toThrow(/no metric "toString"/);
  expect(() => openMetric("f1", 1)).toThrow(/1 classes/);
  expect(() => compute("f1", [0, 1], [1, 0])).toThrow(/2 labels got 2 probabilities/);
  expect(() => compute("f1", [], [])).toThrow(/0 labels/);
});

describe("thresholds", () => {
  test("applyThreshold moves the decision to ½ and keeps the order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1 }),
        fc.nat(100),
        (p, t) => {
          const moved = applyThreshold(pairs(p), t / 100);
          const labels = argmaxLabels(moved, 2);
          const order = p.map((_, i) => i).sort((a, b) => p[a] - p[b]);
          for (let i = 0; i < p.length; i++) {
            expect(labels[i]).toBe(p[i] >= t / 100 ? 1 : 0);
            expect(moved[2 * i + 1]).toBeGreaterThanOrEqual(0);
            expect(moved[2 * i + 1]).toBeLessThanOrEqual(1);
            if (i > 0) expect(moved[2 * order[i] + 1]).toBeGreaterThanOrEqual(moved[2 * order[i - 1] + 1]);
          }
        },
      ),
    );
  });

  test.each(["f1", "f1_macro", "balanced_accuracy", "mcc", "g_mean"] as const)(
    "bestThreshold of %s beats every other cut",
    (name) => {
      const metric = openMetric(name, 2);
      fc.assert(
        fc.property(scored, ({ y, scores }) => {
          const truth = Int32Array.from(y);
          const at = (t: number) => metric.compute(truth, applyThreshold(pairs(scores), t), 2);
          const found = at(bestThreshold(truth, pairs(scores), metric));
          const distinct = [...new Set(scores)].sort((a, b) => a - b);
          for (const t of distinct.slice(1)) expect(found).toBeGreaterThanOrEqual(at(t) - 1e-15);
        }),
      );
    },
  );

  test("bestThreshold lies between scores, nearest to ½ among equals", () => {
    const y = Int32Array.of(0, 0, 1, 1);
    expect(bestThreshold(y, pairs([0.1, 0.25, 0.5, 0.875]), openMetric("f1", 2))).toBe(0.375);
    expect(bestThreshold(y, pairs([0.3, 0.3, 0.3, 0.3]), openMetric("f1", 2))).toBe(0.5);
    // as many right at .2 and at .6
    expect(
      bestThreshold(Int32Array.of(0, 1, 0, 1), pairs([0.125, 0.25, 0.5, 0.75]), openMetric("mcc", 2)),
    ).toBe(0.625);
  });

  describe("over draws", () => {
    const f1 = openMetric("f1", 2);
    const balanced = openMetric("balanced_accuracy", 2);
    const draw = (negatives: number[], positives: number[]) => ({
      y: Int32Array.from([...negatives, ...positives], (_, i) => (i < negatives.length ? 0 : 1)),
      proba: pairs([...negatives, ...positives]),
    });

    test("one more negative passes than at the threshold", () => {
      const { y, proba } = draw([0.125, 0.25, 0.375], [0.5, 0.875]);
      expect(oneMore(y, proba, 0.4375)).toBe(0.3125);
      expect(oneMore(y, proba, 0.375)).toBe(0.1875); // a row at the threshold has passed
    });

    test("it is the common class whose rows pass, whichever is called positive", () => {
      const { y, proba } = draw([0.125, 0.5], [0.625, 0.75, 0.875]);
      expect(oneMore(y, proba, 0.5625)).toBe(1 - 0.3125);
    });

    test("where one negative is left it passes, where none is the threshold stays", () => {
      const { y, proba } = draw([0.25], [0.5]);
      expect(oneMore(y, proba, 0.375)).toBe(0.125);
      expect(oneMore(y, proba, 0.125)).toBe(0.125);
    });

    test("rows that are sure of their class keep a decision", () => {
      for (const sure of [0, 1]) {
        const { y, proba } = draw([sure, sure, sure], [sure, 0.5]);
        const decided = shiftPriors(proba, tunedFactors([{ y, proba }], 2, balanced));
        expect(decided.every(Number.isFinite)).toBe(true);
        expect(argmaxLabels(decided, 2)[0]).toBe(sure);
      }
    });

    test("at the factors' argmax just these pass", () => {
      const scores = fc.uniqueArray(fc.integer({ min: 1, max: 999 }), { minLength: 12, maxLength: 60 });
      fc.assert(
        fc.property(scores, fc.integer({ min: 1, max: 6 }), (ranks, positives) => {
          const p = ranks.map((rank) => rank / 1000);
          const { y, proba } = draw(p.slice(positives), p.slice(0, positives));
          const passing = (labels: ArrayLike<number>) =>
            y.filter((c, i) => c === 0 && labels[i] === 1).length;
          const best = passing(argmaxLabels(applyThreshold(proba, bestThreshold(y, proba, balanced)), 2));
          const found = passing(
            argmaxLabels(shiftPriors(proba, tunedFactors([{ y, proba }], 2, balanced)), 2),
          );
          expect(found).toBe(Math.min(best + 1, y.length - positives));
        }),
      );
    });

    test("other metrics take the mean of the best thresholds", () => {
      const [a, b] = [draw([0.125, 0.25], [0.5]), draw([0.25, 0.5], [0.75])];
      expect([...tunedFactors([a, b], 2, f1)]).toEqual([1, 1]); // .375 and .625
      expect([...tunedFactors([a], 2, f1)]).toEqual([0.75, 1.25]);
    });

    test("beyond two classes, the mean of the best shifts, of mean 1 each", () => {
      const macro = openMetric("f1_macro", 3);
      const y = Int32Array.of(0, 0, 0, 0, 1, 2);
      const sharp = Float64Array.from([...y].flatMap((c) => [0, 1, 2].map((k) => (k === c ? 0.8 : 0.1))));
      expect([...tunedFactors([{ y, proba: sharp }], 3, macro)]).toEqual([1, 1, 1]);
      const shy = Float64Array.from(
        [...y].flatMap((c) => (c === 0 ? [0.8, 0.1, 0.1] : [0.5, ...(c === 1 ? [0.4, 0.1] : [0.1, 0.4])])),
      );
      const shift = bestShift(y, shy, 3, macro);
      const sum = shift.reduce((a, b) => a + b, 0);
      const found = tunedFactors(
        [
          { y, proba: sharp },
          { y, proba: shy },
        ],
        3,
        macro,
      );
      found.forEach((factor, c) => {
        expect(factor).toBeCloseTo((1 + (3 * shift[c]) / sum) / 2, 12);
      });
      expect(found[1]).toBeGreaterThan(1);
    });
  });

  test("other metrics are tried at up to 200 cuts", () => {
    const random = new Random(9);
    const y = Int32Array.from({ length: 1000 }, () => (random.uniform() < 0.3 ? 1 : 0));
    const scores = Array.from(y, (label) => (random.uniform() + label) / 4); // all below ½
    let calls = 0;
    const accuracy = (truth: Int32Array, p: Float64Array) => {
      calls++;
      return (
        truth.reduce((right, label, i) => right + (label === (p[i] >= 0.5 ? 1 : 0) ? 1 : 0), 0) / truth.length
      );
    };
    const metric = openMetric(accuracy, 2);
    const t = bestThreshold(y, pairs(scores), metric);
    expect(calls).toBeLessThanOrEqual(200);
    expect(metric.compute(y, applyThreshold(pairs(scores), t), 2)).toBeGreaterThan(0.8);
  });
});
