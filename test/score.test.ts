/** Labels of generated sets, and their scores against plain computations of their own. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Learner, openLearner } from "../sdk/classifiers.ts";
import { Cpu } from "../sdk/engine/module.ts";
import type { Matrix } from "../sdk/matrix.ts";
import { type MetricName, openMetric } from "../sdk/metrics.ts";
import { Random } from "../sdk/random.ts";
import { type LabelledSet, labelSet, openScorer, type Problem } from "../sdk/score.ts";
import { stratifiedFolds } from "../sdk/splits.ts";
import { gaussian, matrixOf } from "./data.ts";

/** Rows of one feature and logits, as a generator puts them out. */
function raw(logits: number[][]): Float32Array {
  return Float32Array.from(logits.flatMap((row, i) => [i, ...row]));
}

const labelsOf = (logits: number[][]) =>
  Array.from(labelSet(raw(logits), logits.length, 1, logits[0].length).y);

test("labels are the largest logit, ties to the lower class", () => {
  expect(
    labelsOf([
      [0, 1],
      [1, 0],
      [2, 2],
      [-1, -1],
    ]),
  ).toEqual([1, 0, 0, 0]);
  expect(
    labelsOf([
      [0, 1, 1],
      [1, 0, 1],
      [0, 0, 1],
    ]),
  ).toEqual([1, 0, 2]);
});

test("a class without a row takes the one with its largest logit", () => {
  expect(
    labelsOf([
      [5, 1],
      [5, 3],
      [5, 2],
    ]),
  ).toEqual([0, 1, 0]);
  expect(
    labelsOf([
      [1, 5],
      [3, 5],
      [2, 5],
    ]),
  ).toEqual([1, 0, 1]);
  expect(
    labelsOf([
      [1, 2],
      [1, 2],
    ]),
  ).toEqual([0, 1]); // equal logits: the first row
});

test("each missing class in turn, none at the cost of another", () => {
  // Class 1 takes row 2; class 2 would like row 2 too, which is now class 1's only row, and takes row 0.
  expect(
    labelsOf([
      [9, 1, 3],
      [9, 0, 1],
      [9, 5, 4],
    ]),
  ).toEqual([2, 0, 1]);
  // Class 0 is missing; its largest logit is in class 2's only row, so it takes the next.
  expect(
    labelsOf([
      [1, 2, 0],
      [0, 2, 0],
      [1.5, 0, 2],
    ]),
  ).toEqual([0, 1, 2]);
});

test("fewer rows than classes: what can be served is", () => {
  expect(
    labelsOf([
      [0, 1, 0],
      [0, 1, 0],
    ]),
  ).toEqual([0, 1]);
  expect(labelsOf([[0, 0, 1]])).toEqual([2]);
});

const sets = fc
  .record({
    rows: fc.integer({ min: 1, max: 12 }),
    features: fc.integer({ min: 1, max: 4 }),
    classes: fc.integer({ min: 2, max: 5 }),
  })
  .chain((size) => {
    const length = size.rows * (size.features + size.classes);
    // Few distinct values, so that ties are common.
    const values = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: length, maxLength: length });
    return values.map((data) => ({ ...size, data: Float32Array.from(data) }));
  });

test("any set: features untouched, classes served, labels kept where no class was missing", () => {
  fc.assert(
    fc.property(sets, ({ rows, features, classes, data }) => {
      const width = features + classes;
      const before = data.slice();
      const { x, y } = labelSet(data, rows, features, classes);
      expect(data).toEqual(before);
      expect([x.rows, x.cols, y.length]).toEqual([rows, features, rows]);
      const largest = Array.from({ length: rows }, (_, i) => {
        expect(x.data.slice(i * features, (i + 1) * features)).toEqual(
          data.slice(i * width, i * width + features),
        );
        const logits = Array.from(data.slice(i * width + features, (i + 1) * width));
        return logits.indexOf(Math.max(...logits));
      });
      const served = new Set(y);
      expect(served.size).toBe(Math.min(rows, classes));
      const missing = classes - new Set(largest).size;
      // A row changes its class only for a class that had none.
      const changed = largest.filter((label, i) => label !== y[i]).length;
      expect(changed).toBeLessThanOrEqual(Math.min(missing, rows - new Set(largest).size));
      y.forEach((label, i) => {
        expect(label === largest[i] || !largest.includes(label)).toBe(true);
      });
    }),
  );
});

/** Rows around a centre of their class, the higher classes rarer. */
function problem(classes: number, seed: number): { x: Matrix; y: Int32Array } {
  const random = new Random(seed);
  const y = Int32Array.from({ length: 61 }, (_, i) =>
    i % 4 === 0 ? 1 + (Math.floor(i / 4) % (classes - 1)) : 0,
  );
  return { x: matrixOf(61, 3, (i, j) => gaussian(random) + (j === y[i] % 3 ? 1.5 : 0)), y };
}

function generatedSet(classes: number, seed: number): LabelledSet {
  const random = new Random(seed);
  const y = Int32Array.from({ length: 10 }, (_, i) => i % classes);
  return { x: matrixOf(10, 3, (i, j) => gaussian(random) + (j === y[i] % 3 ? 1 : 0)), y };
}

/** Rows of a matrix as arrays, for the plain computations. */
const rowsOf = ({ data, rows, cols }: Matrix) =>
  Array.from({ length: rows }, (_, i) => Array.from(data.subarray(i * cols, (i + 1) * cols)));

async function fitPredict(
  learner: Learner,
  x: number[][],
  y: number[],
  weights: number[] | undefined,
  query: number[][],
) {
  const from = (rows: number[][]) => matrixOf(rows.length, 3, (i, j) => rows[i][j]);
  await learner.fit(from(x), Int32Array.from(y), weights && Float64Array.from(weights));
  return Array.from(await learner.predictProba(from(query)));
}

const combinations: { metric: MetricName; classes: number; weight: number; innerFolds: number }[] = [
  { metric: "f1", classes: 2, weight: 1, innerFolds: 3 },
  { metric: "roc_auc", classes: 2, weight: 0.3, innerFolds: 2 },
  { metric: "average_precision", classes: 2, weight: 3, innerFolds: 5 },
  { metric: "balanced_accuracy", classes: 3, weight: 1, innerFolds: 3 },
  { metric: "log_loss", classes: 3, weight: 0.5, innerFolds: 4 },
];

test.each(combinations)(
  "augmented: $metric out of fold, $classes classes, weight $weight",
  async (combination) => {
    const { metric: name, classes, weight, innerFolds } = combination;
    const { x, y } = problem(classes, 5);
    const metric = openMetric(name, classes);
    const open = async () => openLearner("logistic", classes, await Cpu.open());
    const full: Problem = { x, y, classes, learner: await open(), metric, weight };
    const scorer = openScorer(full, { objective: "augmented", innerFolds, rows: 10 });
    const [random, again] = [new Random(8), new Random(8)];
    const plain = await open();
    const [real, labels] = [rowsOf(x), Array.from(y)];
    const seen = new Set<number>();
    for (let draw = 0; draw < 2; draw++) {
      scorer.draw(random);
      const fold = stratifiedFolds(y, innerFolds, again);
      for (const set of [generatedSet(classes, 6), generatedSet(classes, 7)]) {
        const proba: number[] = new Array(61 * classes).fill(Number.NaN);
        for (let k = 0; k < innerFolds; k++) {
          const kept = labels.map((_, i) => i).filter((i) => fold[i] !== k);
          const held = labels.map((_, i) => i).filter((i) => fold[i] === k);
          const trainX = [...kept.map((i) => real[i]), ...rowsOf(set.x)];
          const trainY = [...kept.map((i) => labels[i]), ...set.y];
          const weights = trainY.map((_, i) => (i < kept.length ? 1 : (weight * kept.length) / 10));
          const part = await fitPredict(
            plain,
            trainX,
            trainY,
            weights,
            held.map((i) => real[i]),
          );
          held.forEach((i, at) => {
            for (let c = 0; c < classes; c++) proba[i * classes + c] = part[at * classes + c];
          });
        }
        const value = metric.compute(y, Float64Array.from(proba), classes);
        const expected = metric.greaterIsBetter ? value : 1 - value;
        const score = await scorer.score(set);
        expect(score).toBeCloseTo(expected, 10);
        // Scoring again gives the same: nothing is left over from the sets before.
        expect(await scorer.score(set)).toBe(score);
        seen.add(score);
      }
    }
    expect(seen.size).toBeGreaterThan(1);
  },
);

test.each(combinations)(
  "synthetic: $metric of the real rows, $classes classes",
  async ({ metric: name, classes }) => {
    const { x, y } = problem(classes, 5);
    const metric = openMetric(name, classes);
    const learner = openLearner("logistic", classes, await Cpu.open());
    const scorer = openScorer(
      { x, y, classes, learner, metric, weight: 1 },
      { objective: "synthetic", innerFolds: 3, rows: 10 },
    );
    scorer.draw(new Random(1));
    for (const set of [generatedSet(classes, 6), generatedSet(classes, 7)]) {
      const plain = openLearner("logistic", classes, await Cpu.open());
      const proba = await fitPredict(plain, rowsOf(set.x), Array.from(set.y), undefined, rowsOf(x));
      const value = metric.compute(y, Float64Array.from(proba), classes);
      expect(await scorer.score(set)).toBeCloseTo(metric.greaterIsBetter ? value : 1 - value, 10);
    }
  },
);

test.each(["augmented", "synthetic"] as const)(
  "%s: at most scoreRows real rows score a set",
  async (objective) => {
    const rows = 600;
    const y = Int32Array.from({ length: rows }, (_, i) => (i % 10 === 0 ? 1 : 0));
    const x = matrixOf(rows, 3, (i, j) => (j === 0 ? i : y[i]));
    const asked: number[][] = [];
    const fitted: number[] = [];
    const learner: Learner = {
      async fit(x) {
        fitted.push(x.rows);
      },
      async predictProba(x) {
        asked.push(Array.from({ length: x.rows }, (_, i) => x.data[i * x.cols]));
        return new Float64Array(2 * x.rows).fill(0.5);
      },
    };
    const problem: Problem = { x, y, classes: 2, learner, metric: openMetric("roc_auc", 2), weight: 1 };
    const scorer = openScorer(problem, { objective, innerFolds: 3, rows: 10, scoreRows: 100 });
    const random = new Random(4);
    const drawn: string[] = [];
    for (let draw = 0; draw < 2; draw++) {
      scorer.draw(random);
      await scorer.score(generatedSet(2, 6));
      const scored = asked.splice(0).flat();
      expect(scored).toHaveLength(100);
      expect(new Set(scored).size).toBe(100);
      expect(scored.filter((row) => y[row] === 1)).toHaveLength(10);
      drawn.push(scored.sort((a, b) => a - b).join());
    }
    expect(drawn[0]).not.toBe(drawn[1]);
    for (const count of fitted) expect(count).toBeLessThanOrEqual(objective === "augmented" ? 67 + 10 : 10);
  },
);
