import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { openLearner } from "../sdk/classifiers.ts";
import { Cpu } from "../sdk/engine/module.ts";
import { StagedLogistic } from "../sdk/large.ts";
import type { Matrix } from "../sdk/matrix.ts";
import { Random } from "../sdk/random.ts";
import { gaussian, matrixOf } from "./data.ts";

interface Golden {
  name: string;
  rows: number;
  cols: number;
  classes: number;
  C: number;
  x: number[];
  y: number[];
  weights: number[] | null;
  coefficients: number[];
  proba: number[];
}
const golden: Golden[] = JSON.parse(readFileSync(new URL("golden/logistic.json", import.meta.url), "utf8"));

let cpu: Cpu;
beforeAll(async () => {
  cpu = await Cpu.open();
});

/** ‖dF‖ of F = ½‖w‖² + C Σ s ℓ in f64, straight from the definition. */
function gradientNorm(
  x: Matrix,
  y: ArrayLike<number>,
  classes: number,
  coefficients: Float64Array,
  { C = 1, weights }: { C?: number; weights?: ArrayLike<number> } = {},
): number {
  const { data, rows, cols } = x;
  const outputs = classes === 2 ? 1 : classes;
  const width = cols + 1;
  const gradient = new Float64Array(outputs * width);
  for (let i = 0; i < rows; i++) {
    const z = Array.from({ length: outputs }, (_, k) => {
      let sum = coefficients[k * width + cols];
      for (let j = 0; j < cols; j++) sum += coefficients[k * width + j] * data[i * cols + j];
      return sum;
    });
    const p = outputs === 1 ? [1 / (1 + Math.exp(-z[0]))] : softmax(z);
    for (let k = 0; k < outputs; k++) {
      const target = y[i] === (outputs === 1 ? 1 : k) ? 1 : 0;
      const residual = C * (weights ? weights[i] : 1) * (p[k] - target);
      for (let j = 0; j < cols; j++) gradient[k * width + j] += residual * data[i * cols + j];
      gradient[k * width + cols] += residual;
    }
  }
  for (let k = 0; k < outputs; k++) {
    for (let j = 0; j < cols; j++) gradient[k * width + j] += coefficients[k * width + j];
  }
  return Math.hypot(...gradient);
}

function softmax(z: number[]): number[] {
  const highest = Math.max(...z);
  const e = z.map((v) => Math.exp(v - highest));
  const total = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / total);
}

/** Rows of normal features whose class is a noisy line through them. */
function problem(rows: number, cols: number, classes: number, seed: number): { x: Matrix; y: Int32Array } {
  const random = new Random(seed);
  const x = matrixOf(rows, cols, () => gaussian(random));
  const y = Int32Array.from({ length: rows }, (_, i) => {
    const z = x.data[i * cols] + 0.7 * x.data[i * cols + cols - 1] + gaussian(random) - 0.5;
    return Math.max(0, Math.min(classes - 1, Math.floor(z + classes / 2)));
  });
  return { x, y };
}

describe("optimality", () => {
  test.each([
    [3, 1, 2],
    [17, 3, 2],
    [200, 8, 2],
    [1001, 20, 2],
    [300, 90, 2],
    [300, 300, 2],
    [50, 5, 3],
    [301, 12, 4],
    [150, 100, 3],
  ])("%i rows × %i columns, %i classes: gradient norm < 1e-6", (rows, cols, classes) => {
    const { x, y } = problem(rows, cols, classes, rows + cols);
    y.set(Array.from({ length: Math.min(classes, rows) }, (_, k) => k)); // every class occurs
    const learner = openLearner("logistic", classes, cpu, { tolerance: 1e-9 });
    learner.fit(x, y);
    expect(gradientNorm(x, y, classes, learner.coefficients())).toBeLessThan(1e-6);
  });

  test("weights and C enter the optimum", () => {
    const { x, y } = problem(200, 6, 2, 5);
    const random = new Random(6);
    const weights = Float64Array.from(y, (_, i) => (i % 7 === 0 ? 0 : random.uniform() * 3));
    const learner = openLearner("logistic", 2, cpu, { C: 0.3, tolerance: 1e-9 });
    learner.fit(x, y, weights);
    expect(gradientNorm(x, y, 2, learner.coefficients(), { C: 0.3, weights })).toBeLessThan(1e-6);
  });

  test("the default tolerance leaves probabilities within 1e-6 of the optimum", () => {
    for (const cols of [8, 200]) {
      const { x, y } = problem(551, cols, 2, 11);
      const [loose, tight] = [undefined, 1e-11].map((tolerance) => {
        const learner = openLearner("logistic", 2, cpu, tolerance ? { tolerance } : {});
        learner.fit(x, y);
        return learner.predictProba(x);
      });
      expect(worst(loose, tight)).toBeLessThan(1e-6);
    }
  });
});

/** The largest absolute difference. */
function worst(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= most)) most = difference;
  }
  return most;
}

describe("scikit-learn's LogisticRegression (tol 1e-12)", () => {
  test.each(golden)("$name", ({ rows, cols, classes, C, x, y, weights, coefficients, proba }) => {
    const data = { data: Float32Array.from(x), rows, cols };
    const learner = openLearner("logistic", classes, cpu, { C, tolerance: 1e-10 });
    learner.fit(data, Int32Array.from(y), weights ? Float64Array.from(weights) : undefined);
    // scikit-learn stops at a mean gradient of 1e-12, and is written with 12 digits
    expect(worst(learner.coefficients(), coefficients)).toBeLessThan(1e-6);
    const first = { data: data.data.subarray(0, 20 * cols), rows: 20, cols };
    expect(worst(learner.predictProba(first), proba)).toBeLessThan(1e-7);
  });
});

describe("hard data", () => {
  const fitted = (x: Matrix, y: number[], classes = 2, weights?: number[]) => {
    const learner = openLearner("logistic", classes, cpu, { tolerance: 1e-9 });
    learner.fit(x, Int32Array.from(y), weights && Float64Array.from(weights));
    return learner;
  };
  const column = (...values: number[]): Matrix => ({
    data: Float32Array.from(values),
    rows: values.length,
    cols: 1,
  });

  test("separable data have the penalty's optimum, also on a scale of 1e6", () => {
    for (const scale of [1, 1e6]) {
      const x = column(-2 * scale, -scale, scale, 2 * scale);
      const learner = fitted(x, [0, 0, 1, 1]);
      // each row's term of the gradient is as large as its feature
      expect(gradientNorm(x, [0, 0, 1, 1], 2, learner.coefficients())).toBeLessThan(1e-6 * scale);
      expect(learner.predictProba(x)[7]).toBeGreaterThan(0.8);
    }
  });

  test("constant columns get coefficient 0, collinear ones share theirs", () => {
    const { x, y } = problem(100, 3, 2, 3);
    const wide = matrixOf(100, 5, (i, j) => (j < 3 ? x.data[i * 3 + j] : j === 3 ? 7 : x.data[i * 3]));
    const learner = fitted(wide, Array.from(y));
    const w = learner.coefficients();
    expect(Math.abs(w[3])).toBeLessThan(1e-12);
    expect(w[4]).toBeCloseTo(w[0], 9);
    expect(gradientNorm(wide, y, 2, w)).toBeLessThan(1e-6);
  });

  test("features far from zero do not spoil the optimum", () => {
    const { x, y } = problem(200, 3, 2, 9);
    const far = matrixOf(200, 3, (i, j) => Math.fround(x.data[i * 3 + j] * 4) / 4 + 4096);
    const near = matrixOf(200, 3, (i, j) => far.data[i * 3 + j] - 4096);
    const a = fitted(far, Array.from(y)).predictProba(far);
    const b = fitted(near, Array.from(y)).predictProba(near);
    expect(worst(a, b)).toBeLessThan(1e-9);
  });

  test("a class that is missing, or has no weight, has probability 0", () => {
    const x = column(-1, 0, 1, 2, 3);
    const missing = fitted(x, [0, 0, 2, 2, 0], 3).predictProba(x);
    const weightless = fitted(x, [0, 0, 2, 2, 1], 3, [1, 1, 1, 1, 0]).predictProba(x);
    for (const proba of [missing, weightless]) {
      for (let i = 0; i < 5; i++) {
        expect(proba[3 * i + 1]).toBe(0);
        expect(proba[3 * i] + proba[3 * i + 2]).toBeCloseTo(1, 15);
      }
    }
  });

  test("one class alone, and one row alone, have probability 1", () => {
    expect(Array.from(fitted(column(1, 2, 3), [1, 1, 1]).predictProba(column(0, 9)))).toEqual([0, 1, 0, 1]);
    expect(Array.from(fitted(column(5), [0]).predictProba(column(5)))).toEqual([1, 0]);
  });

  test("no columns at all leave the class frequencies", () => {
    const none = { data: new Float32Array(0), rows: 4, cols: 0 };
    expect(worst(fitted(none, [0, 1, 1, 1]).predictProba(none).subarray(0, 2), [0.25, 0.75])).toBeLessThan(
      1e-9,
    );
  });

  test.each([8, 200])("non-finite input over %i columns never gives NaN", (cols) => {
    const { x, y } = problem(60, cols, 2, 4);
    x.data[3] = Number.NaN;
    x.data[cols + 1] = Number.POSITIVE_INFINITY;
    x.data[5 * cols] = Number.NEGATIVE_INFINITY;
    x.data[7 * cols + 2] = 3e38;
    for (const classes of [2, 3]) {
      const labels = Array.from(y, (label, i) => (i % classes === 2 ? 2 : label));
      const learner = fitted(x, labels, classes);
      const proba = learner.predictProba(x);
      expect(learner.coefficients().every(Number.isFinite)).toBe(true);
      expect(proba.every((p) => p >= 0 && p <= 1)).toBe(true);
      expect(proba[0] + proba[1] + (classes === 3 ? proba[2] : 0)).toBeCloseTo(1, 12);
    }
  });
});

describe("repeated fits", () => {
  test("the same bytes each time, whatever was fitted between", () => {
    const a = problem(551, 9, 2, 21);
    const b = problem(900, 200, 2, 22);
    const learner = openLearner("logistic", 2, cpu);
    learner.fit(a.x, a.y);
    const first = learner.coefficients();
    learner.fit(b.x, b.y);
    learner.fit(a.x, a.y);
    expect(learner.coefficients()).toEqual(first);
  });

  test.each([
    [9, 2],
    [9, 3],
    [200, 2],
  ])("a warm start over %i columns, %i classes reaches the same optimum", (cols, classes) => {
    const a = problem(400, cols, classes, 31);
    const b = problem(400, cols, classes, 32);
    const warm = openLearner("logistic", classes, cpu, { warmStart: true, tolerance: 1e-9 });
    const cold = openLearner("logistic", classes, cpu, { tolerance: 1e-9 });
    warm.fit(a.x, a.y);
    warm.fit(b.x, b.y);
    cold.fit(b.x, b.y);
    expect(worst(warm.coefficients(), cold.coefficients())).toBeLessThan(1e-7);
    expect(gradientNorm(b.x, b.y, classes, warm.coefficients())).toBeLessThan(1e-6);
  });

  test("a warm start from a misleading fit does no harm", () => {
    const { x, y } = problem(200, 4, 2, 41);
    const warm = openLearner("logistic", 2, cpu, { warmStart: true, C: 1e6, tolerance: 1e-9 });
    warm.fit(
      x,
      Int32Array.from(
        x.data.filter((_, i) => i % 4 === 0),
        (v) => (v < 0 ? 1 : 0),
      ),
    ); // huge coefficients
    warm.fit(x, y);
    expect(gradientNorm(x, y, 2, warm.coefficients(), { C: 1e6 })).toBeLessThan(1e-3); // of terms of size 1e6
  });

  test("leave the engine's memory as it was", () => {
    const { x, y } = problem(300, 10, 2, 51);
    const learner = openLearner("logistic", 2, cpu);
    const before = cpu.mark();
    for (let i = 0; i < 20; i++) {
      learner.fit(x, y);
      learner.predictProba(x);
    }
    expect(cpu.mark()).toBe(before);
  });
});

test.each([
  ["labels out of range", [0, 2, 1], [1, 1, 1], /class 2 of 2/],
  ["negative weights", [0, 1, 1], [1, -1, 1], /weight -1/],
  ["weights that are not numbers", [0, 1, 1], [1, Number.NaN, 1], /weight NaN/],
  ["weights that are all zero", [0, 1, 1], [0, 0, 0], /nothing to learn/],
  ["too few labels", [0, 1], [1, 1, 1], /3 rows came with 2 labels/],
  ["too few weights", [0, 1, 1], [1, 1], /3 rows came with 2 weights/],
])("%s are refused", (_, y, weights, message) => {
  const learner = openLearner("logistic", 2, cpu);
  const x = { data: new Float32Array(3), rows: 3, cols: 1 };
  expect(() => learner.fit(x, Int32Array.from(y), Float64Array.from(weights))).toThrow(message);
});

describe("many rows", () => {
  const cols = 5;
  const rows = 60_064;
  const random = new Random(3);
  const data = Float32Array.from({ length: rows * cols }, () => gaussian(random));
  const x = { data, rows, cols };
  const line = (i: number) => data[i * cols] + 0.5 * data[i * cols + 1] + gaussian(random);
  const y = Int32Array.from({ length: rows }, (_, i) => (line(i) > 2 ? 1 : 0));
  // As in training: the last rows are few and weigh as much as all others.
  const weights = new Float64Array(rows).fill(1).fill(1000, rows - 64);

  test.each([
    ["weighted", weights],
    ["unweighted", undefined],
  ])("are begun on some, %s: the optimum is the same, whatever was fitted before", (_, given) => {
    const staged = new StagedLogistic(2, cpu);
    staged.fit(x, y, given);
    expect(staged.begun).toBe(true);
    const first = staged.coefficients();
    const plain = openLearner("logistic", 2, cpu);
    plain.fit(x, y, given);
    for (const [j, value] of plain.coefficients().entries()) expect(first[j]).toBeCloseTo(value, 6);
    staged.fit(
      matrixOf(4, 1, (row) => row),
      Int32Array.of(0, 1, 0, 1),
    );
    expect(staged.begun).toBe(false);
    staged.fit(x, y, given);
    expect(staged.coefficients()).toEqual(first);
  });

  test("a class of which none is among the some", () => {
    const rare = Int32Array.from(y, (_, i) => (i === 1 ? 1 : 0));
    const staged = new StagedLogistic(2, cpu);
    staged.fit(x, rare);
    expect(staged.begun).toBe(false);
    const plain = openLearner("logistic", 2, cpu);
    plain.fit(x, rare);
    expect(staged.coefficients()).toEqual(plain.coefficients());
  });
});
